//! Which of a source's latest packets were left out on purpose, so that numbers close over them.

use crate::rtp::Latest;

/// As far back as packets are taken.
const DEPTH: u64 = Latest::DEPTH;
const WORDS: usize = (DEPTH / 64) as usize;

/// Remembers which of the latest [`DEPTH`] packets were left out. A number that nothing came for yet counts as one that
/// leaves, for what comes after it has left already.
#[derive(Debug)]
pub(super) struct LeftOut {
    highest: Option<u64>,
    all: u64,
    bits: [u64; WORDS],
}

impl Default for LeftOut {
    fn default() -> Self {
        Self {
            highest: None,
            all: 0,
            bits: [0; WORDS],
        }
    }
}

impl LeftOut {
    /// This packet leaves.
    pub(super) fn pass(&mut self, seq: u64) {
        self.advance(seq);
    }

    /// This packet is to be left out. False if it is too late for that: its number is taken, so something must leave.
    pub(super) fn leave_out(&mut self, seq: u64) -> bool {
        let in_order = self.advance(seq);
        if in_order {
            let (word, bit) = place(seq);
            self.bits[word] |= bit;
            self.all += 1;
        }
        in_order
    }

    /// The number that a packet has once those before it are closed over that were left out; `None` if it is too late
    /// to tell.
    pub(super) fn close(&self, seq: u64) -> Option<u64> {
        let Some(highest) = self.highest.filter(|&highest| seq <= highest) else {
            return Some(seq - self.all);
        };
        if highest - seq >= DEPTH {
            return None;
        }
        Some(seq - (self.all - self.since(seq, highest)))
    }

    /// How many were left out from this number on.
    fn since(&self, seq: u64, highest: u64) -> u64 {
        let mut count = 0;
        let mut at = seq;
        while at <= highest {
            let (word, bit) = place(at);
            // The rest of a word at once, but not what lies beyond the highest.
            let rest = self.bits[word] & !(bit - 1);
            let end = (at | 63).min(highest);
            let beyond = 63 - (end & 63);
            count += u64::from((rest << beyond).count_ones());
            at = end + 1;
        }
        count
    }

    fn advance(&mut self, seq: u64) -> bool {
        let highest = match self.highest {
            Some(highest) if seq <= highest => return false,
            Some(highest) if seq - highest < DEPTH => highest,
            _ => {
                self.bits = [0; WORDS];
                seq
            }
        };
        for skipped in highest + 1..=seq {
            let (word, bit) = place(skipped);
            self.bits[word] &= !bit;
        }
        self.highest = Some(seq);
        true
    }
}

fn place(seq: u64) -> (usize, u64) {
    let at = usize::try_from(seq % DEPTH).expect("less than DEPTH");
    (at / 64, 1 << (at % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_close_over_what_was_left_out() {
        let mut left_out = LeftOut::default();
        left_out.pass(1000);
        assert!(left_out.leave_out(1001));
        assert!(left_out.leave_out(1002));
        left_out.pass(1003);
        let closed = [1000, 1003, 1004].map(|seq| left_out.close(seq));
        assert_eq!(closed, [Some(1000), Some(1001), Some(1002)]);
    }

    #[test]
    fn a_number_that_others_have_gone_past_is_kept() {
        let mut left_out = LeftOut::default();
        left_out.pass(1000);
        left_out.pass(1002);
        assert!(!left_out.leave_out(1001));
        assert_eq!(left_out.close(1001), Some(1001));
        assert_eq!(left_out.close(1003), Some(1003));
    }

    #[test]
    fn a_leap_and_what_is_too_late_are_told_apart() {
        let mut left_out = LeftOut::default();
        left_out.leave_out(10_000);
        left_out.leave_out(10_000 + 3 * DEPTH);
        assert_eq!(left_out.close(10_000), None);
        assert_eq!(left_out.close(10_001 + 3 * DEPTH), Some(9_999 + 3 * DEPTH));
    }

    proptest! {
        #[test]
        fn numbers_are_those_of_a_count_by_hand(
            steps in proptest::collection::vec((0u64..90, 0u64..40, any::<bool>()), 1..300),
        ) {
            let mut left_out = LeftOut::default();
            let mut gone = BTreeSet::new();
            let (mut highest, mut asked) = (100_000u64, BTreeSet::new());
            for (ahead, late, leave) in steps {
                let seq = (highest + ahead).saturating_sub(late);
                if !asked.insert(seq) {
                    continue;
                }
                if leave && left_out.leave_out(seq) {
                    gone.insert(seq);
                } else if !leave {
                    left_out.pass(seq);
                }
                highest = highest.max(seq);
                for back in [0, 1, 63, 64, 500] {
                    let before = gone.range(..highest - back).count() as u64;
                    prop_assert_eq!(left_out.close(highest - back), Some(highest - back - before));
                }
            }
        }
    }
}
