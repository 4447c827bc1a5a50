//! Which of the latest packets came already.

/// Which packets of a stream came: two seconds of 10 Mbit/s video.
pub type Latest = Window<32>;

/// Which numbers came, of the latest `64 * WORDS`. A packet that is later than that cannot be told from one that came.
#[derive(Debug, Clone)]
pub struct Window<const WORDS: usize> {
    highest: Option<u64>,
    /// A ring: the bit of a number is the number modulo [`DEPTH`](Self::DEPTH).
    seen: [u64; WORDS],
}

impl<const WORDS: usize> Default for Window<WORDS> {
    fn default() -> Self {
        Self {
            highest: None,
            seen: [0; WORDS],
        }
    }
}

impl<const WORDS: usize> Window<WORDS> {
    /// How far back from the highest it remembers.
    pub const DEPTH: u64 = WORDS as u64 * 64;

    /// The highest that was noted.
    pub fn highest(&self) -> Option<u64> {
        self.highest
    }

    /// Neither came before nor is too late to tell.
    pub fn admits(&self, number: u64) -> bool {
        let Some(highest) = self.highest else {
            return true;
        };
        let (word, bit) = Self::place(number);
        number > highest || (highest - number < Self::DEPTH && self.seen[word] & bit == 0)
    }

    /// Takes note of a number that it [admits](Self::admits).
    pub fn mark(&mut self, number: u64) {
        debug_assert!(self.admits(number), "asked for before");
        let highest = *self.highest.get_or_insert(number);
        if number > highest {
            if number - highest >= Self::DEPTH {
                self.seen = [0; WORDS];
            } else {
                for skipped in highest + 1..number {
                    let (word, bit) = Self::place(skipped);
                    self.seen[word] &= !bit;
                }
            }
            self.highest = Some(number);
        }
        let (word, bit) = Self::place(number);
        self.seen[word] |= bit;
    }

    fn place(number: u64) -> (usize, u64) {
        let at = usize::try_from(number % Self::DEPTH).expect("less than its depth");
        (at / 64, 1 << (at % 64))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    type Small = Window<4>;

    fn with(number: u64) -> Small {
        let mut window = Small::default();
        window.mark(number);
        window
    }

    #[test]
    fn a_number_is_admitted_once() {
        let mut window = Small::default();
        assert!(window.admits(10));
        window.mark(10);
        assert!(!window.admits(10));
        assert!(window.admits(9));
        window.mark(9);
        assert!(!window.admits(9));
    }

    #[test]
    fn what_lies_too_far_back_is_not_admitted() {
        let window = with(5000);
        assert!(window.admits(5000 - Small::DEPTH + 1));
        assert!(!window.admits(5000 - Small::DEPTH));
    }

    #[test]
    fn a_leap_forgets_the_past() {
        for leap in [Small::DEPTH, 2 * Small::DEPTH] {
            let mut window = with(3);
            window.mark(5 + leap);
            assert!(window.admits(3 + leap), "the same bit as 3");
            assert!(!window.admits(3));
        }
        let mut window = with(3);
        window.mark(2 + Small::DEPTH);
        assert!(!window.admits(3), "it is remembered still");
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_set(start in 60_000u64..61_000, steps in prop::collection::vec(0i64..400, 1..400)) {
            let mut window = with(start);
            let mut seen = HashSet::from([start]);
            let (mut highest, mut at) = (start, start);
            for step in steps {
                at = at.saturating_add_signed(step * if step % 3 == 0 { -1 } else { 1 });
                let expected = at > highest || (highest - at < Small::DEPTH && !seen.contains(&at));
                prop_assert_eq!(window.admits(at), expected);
                if expected {
                    window.mark(at);
                    seen.insert(at);
                    highest = highest.max(at);
                }
            }
        }
    }
}
