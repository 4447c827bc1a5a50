//! Sequence numbers and timestamps beyond their wrap-arounds.

/// Where the extended numbers of a stream begin, so that what came before its first packet has room below.
const FIRST_CYCLE: u64 = 1 << 16;

/// A stream that begins anew skips at least this many numbers, so that nobody takes it for the old one going on.
pub const RESTART_GAP: u64 = 1 << 17;

/// Extends 16-bit sequence numbers to 64 bits (RFC 3550 §A.1).
#[derive(Debug, Clone, Default)]
pub struct Extender {
    highest: Option<u64>,
}

impl Extender {
    /// The highest number so far.
    pub fn highest(&self) -> Option<u64> {
        self.highest
    }

    /// The extended number that is nearest to the highest so far; changes nothing.
    pub fn near(&self, sequence: u16) -> u64 {
        let Some(highest) = self.highest else {
            return FIRST_CYCLE + u64::from(sequence);
        };
        near(highest, sequence)
    }

    /// Remembers that this number came.
    pub fn advance(&mut self, extended: u64) {
        if self.highest.is_none_or(|highest| extended > highest) {
            self.highest = Some(extended);
        }
    }

    /// The stream begins anew at `sequence`, far above all that was.
    pub fn restart(&mut self, sequence: u16) -> u64 {
        let above = self
            .highest
            .map_or(FIRST_CYCLE, |highest| highest + RESTART_GAP);
        let cycle = above & !0xffff;
        let first = cycle + FIRST_CYCLE + u64::from(sequence);
        self.highest = Some(first);
        first
    }
}

/// The number ending in these 16 bits that is nearest to `reference`.
pub fn near(reference: u64, sequence: u16) -> u64 {
    let step = sequence.wrapping_sub(low16(reference)).cast_signed();
    reference.saturating_add_signed(i64::from(step))
}

/// The 16 bits that go onto the wire.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the wire carries the low 16 bits"
)]
pub fn low16(extended: u64) -> u16 {
    extended as u16
}

/// How far `a` is after `b`, over a wrap-around.
pub fn timestamp_step(a: u32, b: u32) -> i32 {
    a.wrapping_sub(b).cast_signed()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_number_after_65535_is_one_more() {
        let mut extender = Extender::default();
        let last = extender.near(65535);
        extender.advance(last);
        assert_eq!(extender.near(0), last + 1);
        assert_eq!(extender.near(65534), last - 1);
    }

    #[test]
    fn a_late_packet_does_not_pull_the_highest_back() {
        let mut extender = Extender::default();
        let first = extender.near(10);
        extender.advance(first);
        extender.advance(first - 3);
        assert_eq!(extender.highest(), Some(first));
    }

    #[test]
    fn a_restart_is_far_above_and_keeps_the_wire_number() {
        let mut extender = Extender::default();
        extender.advance(extender.near(40_000));
        let before = extender.highest().unwrap();
        let after = extender.restart(7);
        assert!(after >= before + RESTART_GAP);
        assert_eq!(low16(after), 7);
    }

    proptest! {
        #[test]
        fn a_walk_with_jumps_below_half_a_cycle_is_followed_exactly(
            start in any::<u16>(),
            steps in proptest::collection::vec(-20_000i64..30_000, 1..200),
        ) {
            let mut extender = Extender::default();
            let mut truth = extender.near(start);
            extender.advance(truth);
            for step in steps {
                // Walk from the highest: late packets are near it, new ones ahead of it.
                truth = extender.highest().unwrap().saturating_add_signed(step);
                let extended = extender.near(low16(truth));
                prop_assert_eq!(extended, truth);
                extender.advance(extended);
            }
        }

        #[test]
        fn timestamps_compare_over_the_wrap(a in any::<u32>(), step in 0i32..i32::MAX) {
            prop_assert_eq!(timestamp_step(a.wrapping_add_signed(step), a), step);
        }
    }
}
