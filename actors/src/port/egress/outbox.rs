//! What waits for one destination: datagrams in one buffer, grouped so that the kernel can cut them apart again.

use std::net::{IpAddr, SocketAddr};

use quinn_udp::Transmit;

use crate::port::demux::Local;

/// Datagrams longer than this are sent one by one. Segmentation offload refuses segments that the route cannot carry,
/// and gives up for good; every route carries this much (IPv6's least MTU without the headers).
const LONGEST_SEGMENT: usize = 1232;

/// Bytes that the kernel takes in one send: the length field of UDP, without the headers.
const LONGEST_RUN: usize = 65_000;

/// An empty one keeps room for no more than so many times what it held lately. A key frame's is given back.
const SPARE: usize = 4;
/// What it held is forgotten at this pace: by so small a part each time.
const FORGET: usize = 16;

/// First bytes below this are STUN (RFC 7983 §7).
const FIRST_NOT_STUN: u8 = 4;

/// Datagrams of one length after each other; the last may be shorter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Run {
    /// Length of each.
    pub(super) segment: usize,
    /// Length of all together.
    pub(super) length: usize,
    /// Ours to send from, where that matters.
    pub(super) source: Option<IpAddr>,
    /// Nothing can follow any more.
    full: bool,
}

impl Run {
    /// How many datagrams it holds.
    pub(super) fn datagrams(self) -> usize {
        self.length.div_ceil(self.segment)
    }
}

/// What waits for one destination, in order.
#[derive(Debug)]
pub(super) struct Outbox {
    /// The destination.
    pub(super) remote: SocketAddr,
    local: Local,
    bytes: Vec<u8>,
    runs: Vec<Run>,
    /// Runs that were sent already, and their bytes.
    sent: (usize, usize),
    /// The most bytes that it held lately.
    lately: usize,
}

impl Outbox {
    /// Empty.
    pub(super) fn new(remote: SocketAddr, local: Local) -> Self {
        Self {
            remote,
            local,
            bytes: Vec::new(),
            runs: Vec::new(),
            sent: (0, 0),
            lately: 0,
        }
    }

    /// An empty one, for another destination; the memory stays.
    pub(super) fn reuse(&mut self, remote: SocketAddr, local: Local) {
        debug_assert!(self.runs.is_empty() && self.bytes.is_empty());
        (self.remote, self.local) = (remote, local);
    }

    fn clear(&mut self) {
        self.lately = self.bytes.len().max(self.lately - self.lately / FORGET);
        self.bytes.clear();
        if self.bytes.capacity() > SPARE * self.lately {
            self.bytes.shrink_to(self.lately);
        }
        self.runs.clear();
        self.sent = (0, 0);
    }

    /// Bytes that wait.
    pub(super) fn waiting(&self) -> usize {
        self.bytes.len() - self.sent.1
    }

    /// Appends the datagram that `write` writes; its length.
    pub(super) fn push(&mut self, most: usize, write: impl FnOnce(&mut Vec<u8>)) -> usize {
        let start = self.bytes.len();
        write(&mut self.bytes);
        let length = self.bytes.len().saturating_sub(start);
        let Some(&first) = self.bytes.get(start) else {
            return 0;
        };
        let source = if first < FIRST_NOT_STUN {
            self.local.stun
        } else {
            self.local.media
        };
        let source = source.or(self.local.stun).or(self.local.media);
        if let Some(run) = self.runs.last_mut()
            && !run.full
            && run.source == source
            && length <= run.segment
            && run.length + length <= LONGEST_RUN
        {
            run.length += length;
            run.full = length < run.segment || run.length >= run.segment * most;
        } else {
            let full = length > LONGEST_SEGMENT || most < 2;
            self.runs.push(Run {
                segment: length,
                length,
                source,
                full,
            });
        }
        length
    }

    /// What has still to leave, in order.
    pub(super) fn transmits(&self) -> impl Iterator<Item = Transmit<'_>> {
        let (index, mut start) = self.sent;
        self.runs[index..].iter().map(move |run| {
            let contents = &self.bytes[start..start + run.length];
            start += run.length;
            Transmit {
                destination: self.remote,
                ecn: None,
                contents,
                segment_size: (run.datagrams() > 1).then_some(run.segment),
                src_ip: run.source,
            }
        })
    }

    /// The next run has left; none where there was none.
    pub(super) fn left(&mut self) -> Option<Run> {
        let (index, start) = self.sent;
        let run = *self.runs.get(index)?;
        self.sent = (index + 1, start + run.length);
        if self.sent.0 == self.runs.len() {
            self.clear();
        }
        Some(run)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn outbox() -> Outbox {
        Outbox::new(([127, 0, 0, 1], 9).into(), Local::default())
    }

    fn runs(outbox: &Outbox) -> Vec<(usize, usize)> {
        outbox
            .runs
            .iter()
            .map(|run| (run.segment, run.datagrams()))
            .collect()
    }

    fn filled(lengths: &[usize]) -> Outbox {
        let mut outbox = outbox();
        for &length in lengths {
            outbox.push(64, |bytes| bytes.resize(bytes.len() + length, 0x80));
        }
        outbox
    }

    #[test]
    fn equal_datagrams_share_a_run_and_a_shorter_one_closes_it() {
        assert_eq!(
            runs(&filled(&[1000, 1000, 999, 1000, 1000])),
            [(1000, 3), (1000, 2)]
        );
    }

    #[test]
    fn a_longer_datagram_starts_a_run_of_its_own() {
        assert_eq!(runs(&filled(&[100, 1000, 1000])), [(100, 1), (1000, 2)]);
    }

    #[test]
    fn datagrams_that_some_route_cannot_carry_go_one_by_one() {
        assert_eq!(runs(&filled(&[1400, 1400])), [(1400, 1), (1400, 1)]);
    }

    #[test]
    fn a_run_never_outgrows_what_the_kernel_takes() {
        let outbox = filled(&[1200; 100]);
        assert_eq!(runs(&outbox), [(1200, 54), (1200, 46)]);
    }

    #[test]
    fn the_memory_of_a_key_frame_is_given_back_and_that_of_a_frame_is_kept() {
        let frame = 4 * 1200;
        let mut outbox = filled(&[1200; 100]);
        let mut kept = Vec::new();
        for _ in 0..60 {
            while outbox.left().is_some() {}
            kept.push(outbox.bytes.capacity());
            outbox.push(64, |bytes| bytes.resize(bytes.len() + frame, 0x80));
        }
        assert!(
            kept[0] >= 25 * frame && kept[59] < SPARE * frame,
            "{kept:?}"
        );
        assert!(kept.iter().all(|&room| room >= frame));
    }

    #[test]
    fn a_datagram_that_was_not_written_leaves_nothing() {
        let mut outbox = outbox();
        assert_eq!(outbox.push(64, |_| {}), 0);
        assert!(outbox.transmits().next().is_none());
    }

    #[test]
    fn checks_are_answered_from_where_they_were_sent_and_media_from_the_selected_pair() {
        let (checked, selected) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let local = Local {
            stun: Some(checked),
            media: Some(selected),
        };
        let mut outbox = Outbox::new(([127, 0, 0, 1], 9).into(), local);
        outbox.push(64, |bytes| bytes.extend([1; 100]));
        outbox.push(64, |bytes| bytes.extend([0x80; 100]));
        let sources: Vec<_> = outbox.runs.iter().map(|run| run.source).collect();
        assert_eq!(sources, [Some(checked), Some(selected)]);
    }

    proptest! {
        #[test]
        fn what_the_kernel_cuts_is_what_was_pushed(
            lengths in prop::collection::vec(prop_oneof![1..40usize, Just(1200), 1100..1300usize], 1..200),
            most in 1..64usize,
        ) {
            let mut outbox = outbox();
            for (number, &length) in lengths.iter().enumerate() {
                let byte = u8::try_from(number % 251).expect("below 251");
                outbox.push(most, |bytes| bytes.resize(bytes.len() + length, byte));
            }
            let mut cut = Vec::new();
            for run in outbox.transmits() {
                let segment = run.segment_size.unwrap_or(run.contents.len());
                let datagrams = run.contents.chunks(segment);
                prop_assert!(datagrams.len() <= most && run.contents.len() <= LONGEST_RUN);
                cut.extend(datagrams.map(|datagram| (datagram.len(), datagram[0])));
            }
            while outbox.left().is_some() {}
            let pushed: Vec<_> = lengths.iter().enumerate()
                .map(|(number, &length)| (length, u8::try_from(number % 251).expect("below 251")))
                .collect();
            prop_assert_eq!(cut, pushed);
            prop_assert_eq!(outbox.waiting(), 0);
        }
    }
}
