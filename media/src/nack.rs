//! Asking for packets again (RFC 4585 §6.2.1): what is missing from one layer, and when to ask for it.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::{Duration, Instant};

/// A packet that comes this much later was only overtaken.
const REORDER_GRACE: Duration = Duration::from_millis(5);
/// A packet that nobody sent again after so many requests is given up.
const MOST_TRIES: u8 = 10;
/// A packet this old helps no listener.
const OLDEST: Duration = Duration::from_secs(1);
/// More gaps than this are not worth filling: a key frame is cheaper.
pub(crate) const MOST_MISSING: usize = 500;
/// What a round trip takes until one was measured.
const RTT_GUESS: Duration = Duration::from_millis(100);
/// Pause between two requests for one packet: a round trip, but not less and not more than this.
const PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(400));

/// Too many packets are missing; all were given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooManyMissing;

/// What is missing from one layer.
#[derive(Debug, Default)]
pub(crate) struct Missing {
    packets: BTreeMap<u64, Gap>,
    rtt: Option<Duration>,
    asked: u64,
}

#[derive(Debug, Clone, Copy)]
struct Gap {
    since: Instant,
    next: Instant,
    asked_first: Option<Instant>,
    tries: u8,
}

impl Missing {
    /// The round-trip time, as measured elsewhere.
    pub(crate) fn set_rtt(&mut self, rtt: Duration) {
        self.rtt = Some(rtt);
    }

    /// How many requests were made, each packet counted each time.
    pub(crate) fn asked(&self) -> u64 {
        self.asked
    }

    /// These numbers were skipped.
    pub(crate) fn skipped(
        &mut self,
        numbers: Range<u64>,
        now: Instant,
    ) -> Result<(), TooManyMissing> {
        let count =
            usize::try_from(numbers.end.saturating_sub(numbers.start)).unwrap_or(usize::MAX);
        if self.packets.len().saturating_add(count) > MOST_MISSING {
            self.clear();
            return Err(TooManyMissing);
        }
        let gap = Gap {
            since: now,
            next: now + REORDER_GRACE,
            asked_first: None,
            tries: 0,
        };
        self.packets.extend(numbers.map(|number| (number, gap)));
        Ok(())
    }

    /// This number came after all. The first answer to a single request measures the round trip (Karn's rule).
    pub(crate) fn arrived(&mut self, number: u64, now: Instant) {
        let Some(gap) = self.packets.remove(&number) else {
            return;
        };
        if let (Some(asked), 1) = (gap.asked_first, gap.tries) {
            let sample = now.saturating_duration_since(asked);
            self.rtt = Some(self.rtt.map_or(sample, |rtt| (rtt * 7 + sample) / 8));
        }
    }

    /// A key frame began at this number, so nothing before it is needed.
    pub(crate) fn forget_before(&mut self, number: u64) {
        self.packets = self.packets.split_off(&number);
    }

    /// Nothing is missing any more.
    pub(crate) fn clear(&mut self) {
        self.packets.clear();
    }

    /// At most `most` numbers to ask for now, in order.
    pub(crate) fn due(&mut self, now: Instant, most: usize) -> Vec<u64> {
        let pause = self.rtt.unwrap_or(RTT_GUESS).clamp(PAUSE.0, PAUSE.1);
        let mut due = Vec::new();
        self.packets.retain(|&number, gap| {
            if gap.next > now || due.len() >= most {
                return true;
            }
            if gap.tries >= MOST_TRIES || now.saturating_duration_since(gap.since) >= OLDEST {
                return false;
            }
            gap.tries += 1;
            gap.asked_first.get_or_insert(now);
            gap.next = now + pause;
            due.push(number);
            true
        });
        self.asked += due.len() as u64;
        due
    }

    /// When [`Self::due`] will have something.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.packets.values().map(|gap| gap.next).min()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn what_was_only_overtaken_is_not_asked_for() {
        let now = Instant::now();
        let mut missing = Missing::default();
        missing.skipped(5..6, now).unwrap();
        assert!(missing.due(now, 100).is_empty());
        missing.arrived(5, now + 2 * MS);
        assert!(missing.due(now + 10 * MS, 100).is_empty());
        assert_eq!(missing.next_due(), None);
    }

    #[test]
    fn a_packet_is_asked_for_once_per_round_trip() {
        let now = Instant::now();
        let mut missing = Missing::default();
        missing.set_rtt(50 * MS);
        missing.skipped(5..7, now).unwrap();
        assert_eq!(missing.due(now + 5 * MS, 100), [5, 6]);
        assert!(missing.due(now + 54 * MS, 100).is_empty());
        assert_eq!(missing.due(now + 55 * MS, 100), [5, 6]);
        assert_eq!(missing.asked(), 4);
    }

    #[test]
    fn an_answer_to_the_first_request_measures_the_round_trip() {
        let now = Instant::now();
        let mut missing = Missing::default();
        missing.skipped(0..1, now).unwrap();
        missing.due(now + 5 * MS, 100);
        missing.arrived(0, now + 35 * MS);
        assert_eq!(missing.rtt, Some(30 * MS));
    }

    #[test]
    fn a_wide_gap_is_given_up_at_once() {
        let now = Instant::now();
        let mut missing = Missing::default();
        assert_eq!(missing.skipped(0..501, now), Err(TooManyMissing));
        assert_eq!(missing.skipped(0..u64::MAX, now), Err(TooManyMissing));
        assert!(missing.due(now + 10 * MS, 1000).is_empty());
    }

    #[test]
    fn nothing_before_a_key_frame_is_asked_for() {
        let now = Instant::now();
        let mut missing = Missing::default();
        missing.skipped(10..20, now).unwrap();
        missing.forget_before(18);
        assert_eq!(missing.due(now + 5 * MS, 100), [18, 19]);
    }

    proptest! {
        #[test]
        fn no_packet_is_asked_for_more_often_than_allowed(
            rtt in 1u32..500,
            steps in proptest::collection::vec(1u32..60, 1..200),
        ) {
            let mut now = Instant::now();
            let mut missing = Missing::default();
            missing.set_rtt(rtt * MS);
            missing.skipped(7..8, now).unwrap();
            let mut last: Option<Instant> = None;
            let mut asked = 0;
            for step in steps {
                now += step * MS;
                if missing.due(now, 100) == [7] {
                    asked += 1;
                    prop_assert!(last.is_none_or(|last| now - last >= (rtt * MS).clamp(PAUSE.0, PAUSE.1)));
                    last = Some(now);
                }
            }
            prop_assert!(asked <= MOST_TRIES);
        }
    }
}
