//! A number by which a codec counts its frames, kept running over switches.

/// A picture id, a TL0PICIDX or a frame number: each wraps at a width of its own.
#[derive(Debug, Clone, Copy)]
pub(super) struct Running {
    mask: u16,
    last: Option<u16>,
    /// From the present source's numbers to the slot's; found by the first of them.
    shift: Option<u16>,
}

impl Running {
    /// One with so many bits.
    pub(super) const fn with_bits(bits: u32) -> Self {
        Self {
            mask: u16::MAX >> (u16::BITS - bits),
            last: None,
            shift: None,
        }
    }

    /// Another source counts from here on.
    pub(super) fn switch(&mut self) {
        self.shift = None;
    }

    /// The slot's number for one of the present source. The first is one more than the last of the source before.
    pub(super) fn rewrite(&mut self, of_source: u16) -> u16 {
        let last = self.last;
        let shift = *self.shift.get_or_insert_with(|| {
            last.map_or(0, |last| last.wrapping_add(1).wrapping_sub(of_source))
        });
        of_source.wrapping_add(shift) & self.mask
    }

    /// The newest packet so far has this number.
    pub(super) fn advance(&mut self, number: Option<u16>) {
        self.last = number.or(self.last);
    }
}

/// Widens 7-bit picture ids to 15 bits, so that one width runs through whatever plays.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Widener {
    newest: Option<u16>,
}

impl Widener {
    /// The wide number that is nearest to the newest so far.
    pub(super) fn widen(&mut self, short: u16) -> u16 {
        let Some(newest) = self.newest else {
            self.newest = Some(short);
            return short;
        };
        // Seven bits with a sign: late frames lie behind, others ahead.
        let step = (short.wrapping_sub(newest) << 9).cast_signed() >> 9;
        let wide = newest.wrapping_add_signed(step);
        if step > 0 {
            self.newest = Some(wide);
        }
        wide
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_switch_goes_on_with_the_next_number() {
        let mut running = Running::with_bits(15);
        let first = running.rewrite(0x7fff);
        assert_eq!(first, 0x7fff, "the first source keeps its own");
        running.advance(Some(first));
        running.switch();
        assert_eq!(running.rewrite(500), 0);
        assert_eq!(running.rewrite(503), 3, "steps of the source are kept");
        assert_eq!(running.rewrite(502), 2);
    }

    #[test]
    fn a_source_without_numbers_leaves_no_gap() {
        let mut running = Running::with_bits(8);
        let first = running.rewrite(7);
        running.advance(Some(first));
        running.switch();
        running.advance(None);
        running.switch();
        assert_eq!(running.rewrite(200), 8);
    }

    proptest! {
        #[test]
        fn short_numbers_widen_to_what_they_were_cut_from(
            steps in proptest::collection::vec((0u16..60, 0u16..60), 1..200),
        ) {
            let (mut widener, mut truth) = (Widener::default(), 0u16);
            prop_assert_eq!(widener.widen(0), 0);
            for (ahead, late) in steps {
                truth = truth.wrapping_add(ahead);
                prop_assert_eq!(widener.widen(truth & 0x7f), truth);
                let earlier = truth.saturating_sub(late);
                prop_assert_eq!(widener.widen(earlier & 0x7f), earlier);
            }
        }
    }
}
