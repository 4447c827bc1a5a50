//! Asking a publisher for key frames, without asking too often.

use std::time::{Duration, Instant};

/// One source is asked at most this often; a key frame costs it ten times another one.
pub(crate) const PAUSE: Duration = Duration::from_millis(500);

/// The requests for one source.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeyframeRequests {
    wanted: Option<Instant>,
    asked_at: Option<Instant>,
    asked: u64,
}

impl KeyframeRequests {
    /// Somebody needs a key frame.
    pub(crate) fn want(&mut self, now: Instant) {
        self.wanted.get_or_insert(now);
    }

    /// One came; it serves everybody who asked before.
    pub(crate) fn came(&mut self) {
        self.wanted = None;
    }

    /// How often the source was asked.
    pub(crate) fn asked(&self) -> u64 {
        self.asked
    }

    /// The source is to be asked now, and counts as asked.
    pub(crate) fn due(&mut self, now: Instant) -> bool {
        let due = self.next_due().is_some_and(|next| next <= now);
        if due {
            self.wanted = None;
            self.asked_at = Some(now);
            self.asked += 1;
        }
        due
    }

    /// When the source is to be asked next, if it is.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        let wanted = self.wanted?;
        Some(
            self.asked_at
                .map_or(wanted, |asked| wanted.max(asked + PAUSE)),
        )
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn the_first_request_goes_out_at_once_and_the_second_waits() {
        let now = Instant::now();
        let mut requests = KeyframeRequests::default();
        requests.want(now);
        assert!(requests.due(now));
        requests.want(now);
        assert!(!requests.due(now + 499 * MS));
        assert!(requests.due(now + 500 * MS));
        assert!(!requests.due(now + 5000 * MS), "nobody asked again");
    }

    #[test]
    fn a_key_frame_serves_the_request_that_waits() {
        let now = Instant::now();
        let mut requests = KeyframeRequests::default();
        requests.want(now);
        assert!(requests.due(now));
        requests.want(now);
        requests.came();
        assert!(!requests.due(now + PAUSE));
    }

    proptest! {
        #[test]
        fn a_source_is_never_asked_twice_within_the_pause(
            events in proptest::collection::vec((1u32..200, any::<bool>()), 1..300),
        ) {
            let mut now = Instant::now();
            let mut last: Option<Instant> = None;
            let mut requests = KeyframeRequests::default();
            for (step, want) in events {
                now += step * MS;
                if want {
                    requests.want(now);
                }
                if requests.due(now) {
                    prop_assert!(last.is_none_or(|last| now - last >= PAUSE));
                    last = Some(now);
                }
            }
        }
    }
}
