//! Datagrams that leave together: a run of equal ones to one destination is one system call.

/// Longest run that the kernel takes in one piece.
const LONGEST_RUN: usize = 60_000;

/// One run in the making. Its memory is used again after every flush.
pub(super) struct Batch<To> {
    to: Option<To>,
    bytes: Vec<u8>,
    /// Length of all datagrams but the last, which may be shorter.
    segment: usize,
    /// The last one was shorter.
    closed: bool,
    /// Most datagrams of a run.
    most: usize,
}

/// A run that is to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run<'a, To> {
    pub(super) to: To,
    pub(super) bytes: &'a [u8],
    pub(super) segment: usize,
}

impl<To: Copy + PartialEq> Batch<To> {
    /// Nothing waits; a run has `most` datagrams at most.
    pub(super) fn new(most: usize) -> Self {
        Self {
            to: None,
            bytes: Vec::new(),
            segment: 0,
            closed: false,
            most,
        }
    }

    /// Adds the datagram that `write` appends. A run that it does not fit to is sent before.
    pub(super) fn push(
        &mut self,
        to: To,
        write: impl FnOnce(&mut Vec<u8>),
        send: impl FnOnce(Run<'_, To>),
    ) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        let length = self.bytes.len() - start;
        let fits = self.to == Some(to)
            && !self.closed
            && length <= self.segment
            && self.bytes.len() <= LONGEST_RUN
            && start / self.segment < self.most;
        if fits {
            self.closed = length < self.segment;
            return;
        }
        if let Some(to) = self.to.replace(to) {
            send(Run {
                to,
                bytes: &self.bytes[..start],
                segment: self.segment,
            });
        }
        self.bytes.drain(..start);
        self.segment = length;
        self.closed = false;
        if length == 0 {
            self.to = None; // an empty datagram says nothing
        }
    }

    /// Sends what waits.
    pub(super) fn flush(&mut self, send: impl FnOnce(Run<'_, To>)) {
        if let Some(to) = self.to.take() {
            send(Run {
                to,
                bytes: &self.bytes,
                segment: self.segment,
            });
        }
        self.bytes.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The runs that these datagrams leave in.
    fn runs(most: usize, datagrams: &[(char, usize)]) -> Vec<(char, usize, usize)> {
        let mut batch = Batch::new(most);
        let mut runs = Vec::new();
        for &(to, length) in datagrams {
            batch.push(
                to,
                |out| out.resize(out.len() + length, 0),
                |run| runs.push((run.to, run.bytes.len(), run.segment)),
            );
        }
        batch.flush(|run| runs.push((run.to, run.bytes.len(), run.segment)));
        assert!(batch.to.is_none() && batch.bytes.is_empty());
        runs
    }

    #[test]
    fn equal_datagrams_to_one_destination_are_one_run() {
        assert_eq!(
            runs(64, &[('a', 9), ('a', 9), ('a', 4)]),
            [('a', 22, 9)],
            "the last may be shorter"
        );
    }

    #[test]
    fn another_destination_or_length_begins_another_run() {
        assert_eq!(
            runs(64, &[('a', 9), ('b', 9), ('b', 10), ('b', 3), ('b', 3)]),
            [('a', 9, 9), ('b', 9, 9), ('b', 13, 10), ('b', 3, 3)]
        );
    }

    #[test]
    fn no_run_is_longer_than_the_kernel_takes() {
        assert_eq!(runs(2, &[('a', 9); 3]), [('a', 18, 9), ('a', 9, 9)]);
        assert_eq!(runs(1, &[('a', 9); 2]), [('a', 9, 9), ('a', 9, 9)]);
        let long = runs(64, &[('a', 40_000), ('a', 40_000)]);
        assert_eq!(long, [('a', 40_000, 40_000), ('a', 40_000, 40_000)]);
    }

    #[test]
    fn what_is_empty_is_not_sent() {
        assert_eq!(runs(64, &[('a', 0), ('a', 2), ('a', 0)]), [('a', 2, 2)]);
        assert_eq!(
            runs(64, &[('a', 2), ('b', 0), ('a', 2)]),
            [('a', 2, 2), ('a', 2, 2)]
        );
    }
}
