//! Which of the latest packets came already.

/// How far back a packet may be late; one second of the busiest video.
pub const DEPTH: u64 = 2048;

const WORDS: usize = (DEPTH / 64) as usize;

/// Remembers which of the latest [`DEPTH`] numbers came.
#[derive(Debug, Clone)]
pub struct Window {
    highest: Option<u64>,
    seen: [u64; WORDS],
}

impl Default for Window {
    fn default() -> Self {
        Self {
            highest: None,
            seen: [0; WORDS],
        }
    }
}

impl Window {
    /// The highest that was noted.
    pub fn highest(&self) -> Option<u64> {
        self.highest
    }

    /// Takes note of a number; false if it came before or is too late to tell.
    pub fn insert(&mut self, number: u64) -> bool {
        let highest = *self.highest.get_or_insert(number);
        if number > highest {
            if number - highest >= DEPTH {
                self.seen = [0; WORDS];
            } else {
                for skipped in highest + 1..=number {
                    let (word, bit) = place(skipped);
                    self.seen[word] &= !bit;
                }
            }
            self.highest = Some(number);
        } else if highest - number >= DEPTH {
            return false;
        }
        let (word, bit) = place(number);
        let fresh = self.seen[word] & bit == 0;
        self.seen[word] |= bit;
        fresh
    }
}

fn place(number: u64) -> (usize, u64) {
    let at = usize::try_from(number % DEPTH).expect("less than DEPTH");
    (at / 64, 1 << (at % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_older_than_the_window_is_refused() {
        let mut window = Window::default();
        assert!(window.insert(10_000));
        assert!(window.insert(10_000 - DEPTH + 1));
        assert!(!window.insert(10_000 - DEPTH));
    }

    #[test]
    fn a_jump_forgets_the_past() {
        let mut window = Window::default();
        assert!(window.insert(5));
        assert!(window.insert(5 + DEPTH));
        assert!(window.insert(6 + DEPTH * 9));
        assert!(!window.insert(6 + DEPTH * 9));
    }

    proptest! {
        #[test]
        fn every_number_is_fresh_exactly_once(numbers in proptest::collection::vec(5_000u64..6_500, 1..400)) {
            let mut window = Window::default();
            let mut seen = HashSet::new();
            for number in numbers {
                prop_assert_eq!(window.insert(number), seen.insert(number));
            }
        }
    }
}
