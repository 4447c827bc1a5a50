//! Which packet indexes were seen (RFC 3711 §3.3.2), and what index a sequence number means (§3.3.1).

const WORDS: usize = 16;

/// How far back a packet may lie behind the newest: a second of 10 Mbit/s video.
pub(crate) const SIZE: u64 = WORDS as u64 * 64;

/// The newest index of a source and which of the [`SIZE`] up to it were seen.
#[derive(Debug, Clone)]
pub(super) struct Window {
    newest: u64,
    /// A ring: the bit of index `i` is `i % SIZE`.
    seen: [u64; WORDS],
}

impl Window {
    /// A window that has seen just this index.
    pub(super) fn starting_at(index: u64) -> Self {
        let mut window = Self {
            newest: index,
            seen: [0; WORDS],
        };
        window.set(index);
        window
    }

    /// Neither seen nor too old.
    pub(super) fn admits(&self, index: u64) -> bool {
        index > self.newest || (self.newest - index < SIZE && !self.has(index))
    }

    /// Remembers an admitted index.
    pub(super) fn mark(&mut self, index: u64) {
        if index > self.newest {
            if index - self.newest >= SIZE {
                self.seen = [0; WORDS];
            } else {
                (self.newest + 1..index).for_each(|skipped| self.clear(skipped));
            }
            self.newest = index;
        }
        self.set(index);
    }

    /// The 48-bit index that a sequence number most likely stands for; `None` before the very first.
    pub(super) fn index_of(&self, seq: u16) -> Option<u64> {
        let newest = self.newest & 0xffff;
        let roll_over = self.newest >> 16;
        let seq = u64::from(seq);
        let roll_over = if newest < 0x8000 && seq > newest + 0x8000 {
            roll_over.checked_sub(1)?
        } else if newest >= 0x8000 && seq < newest - 0x8000 {
            roll_over + 1
        } else {
            roll_over
        };
        Some(roll_over << 16 | seq)
    }

    fn has(&self, index: u64) -> bool {
        let (word, bit) = place(index);
        self.seen[word] & bit != 0
    }

    fn set(&mut self, index: u64) {
        let (word, bit) = place(index);
        self.seen[word] |= bit;
    }

    fn clear(&mut self, index: u64) {
        let (word, bit) = place(index);
        self.seen[word] &= !bit;
    }
}

fn place(index: u64) -> (usize, u64) {
    let bit = (index % SIZE) as usize;
    (bit / 64, 1 << (bit % 64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_index_is_admitted_once() {
        let mut window = Window::starting_at(10);
        assert!(!window.admits(10));
        assert!(window.admits(9));
        window.mark(9);
        assert!(!window.admits(9));
    }

    #[test]
    fn what_lies_too_far_back_is_not_admitted() {
        let window = Window::starting_at(5000);
        assert!(window.admits(5000 - SIZE + 1));
        assert!(!window.admits(5000 - SIZE));
    }

    #[test]
    fn a_leap_forgets_the_old_bits() {
        let mut window = Window::starting_at(3);
        window.mark(3 + 2 * SIZE);
        assert!(window.admits(2 * SIZE));
        assert!(!window.admits(3));
    }

    #[test]
    fn the_roll_over_counter_follows_wraps_both_ways() {
        let mut window = Window::starting_at(65_534);
        assert_eq!(window.index_of(1), Some(65_537));
        window.mark(65_537);
        assert_eq!(window.index_of(65_535), Some(65_535));
        assert_eq!(window.index_of(2), Some(65_538));
        assert_eq!(Window::starting_at(2).index_of(65_535), None);
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_set(start in 2000u64..3000, steps in prop::collection::vec(0i64..80, 1..400)) {
            let mut window = Window::starting_at(start);
            let mut seen = std::collections::HashSet::from([start]);
            let (mut newest, mut at) = (start, start);
            for step in steps {
                at = at.saturating_add_signed(step * if step % 3 == 0 { -1 } else { 1 });
                let expected = at > newest || (newest - at < SIZE && !seen.contains(&at));
                prop_assert_eq!(window.admits(at), expected);
                if expected {
                    window.mark(at);
                    seen.insert(at);
                    newest = newest.max(at);
                }
            }
        }

        #[test]
        fn an_index_near_the_newest_is_recovered_from_its_lower_bits(newest in 40_000u64..1 << 40, off in -0x7fffi64..0x7fff) {
            let index = newest.saturating_add_signed(off);
            #[expect(clippy::cast_possible_truncation, reason = "the lower bits are the point")]
            let seq = index as u16;
            prop_assert_eq!(Window::starting_at(newest).index_of(seq), Some(index));
        }
    }
}
