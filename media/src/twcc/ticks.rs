//! When packets arrived, by number: a queue without gaps, since numbers come nearly in order.

use std::collections::VecDeque;

/// Stands for a packet that did not arrive.
const MISSING: i64 = i64::MIN;

/// Arrivals of consecutive numbers.
#[derive(Debug, Default)]
pub(super) struct Ticks {
    first: u64,
    ticks: VecDeque<i64>,
}

impl Ticks {
    /// Forgets everything before this number.
    pub(super) fn forget_before(&mut self, number: u64) {
        let old = number.saturating_sub(self.first);
        let old = usize::try_from(old).unwrap_or(usize::MAX);
        self.ticks.drain(..old.min(self.ticks.len()));
        self.first = self.first.max(number);
    }

    /// Notes an arrival, which must not be before what was forgotten, nor far from the rest. False if there is one already.
    pub(super) fn put(&mut self, number: u64, tick: i64) -> bool {
        if self.ticks.is_empty() {
            self.first = number;
        }
        while number < self.first {
            self.ticks.push_front(MISSING);
            self.first -= 1;
        }
        let Ok(at) = usize::try_from(number - self.first) else {
            return false;
        };
        if at >= self.ticks.len() {
            self.ticks.resize(at + 1, MISSING);
        }
        let is_new = self.ticks[at] == MISSING;
        if is_new {
            self.ticks[at] = tick;
        }
        is_new
    }

    /// What arrived from this number on, in order.
    pub(super) fn since(&self, number: u64) -> impl Iterator<Item = (u64, i64)> {
        let skipped = usize::try_from(number.saturating_sub(self.first)).unwrap_or(usize::MAX);
        let kept = self.ticks.range(skipped.min(self.ticks.len())..);
        let begin = self.first + skipped.min(self.ticks.len()) as u64;
        (begin..)
            .zip(kept)
            .filter(|(_, tick)| **tick != MISSING)
            .map(|(number, tick)| (number, *tick))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_holds_what_a_map_would(numbers in prop::collection::vec((0u64..300, 0u64..40), 1..300)) {
            let (mut ticks, mut map) = (Ticks::default(), BTreeMap::new());
            let mut oldest = 0;
            for (tick, (number, back)) in numbers.into_iter().enumerate() {
                let tick = i64::try_from(tick).expect("few");
                oldest = oldest.max(number.saturating_sub(100));
                ticks.forget_before(oldest);
                map.retain(|&known, _| known >= oldest);
                if number >= oldest {
                    let is_new = !map.contains_key(&number);
                    map.entry(number).or_insert(tick);
                    prop_assert_eq!(ticks.put(number, tick), is_new);
                }
                let from = number.saturating_sub(back);
                let all: Vec<_> = ticks.since(from).collect();
                let wanted: Vec<_> = map.range(from..).map(|(&number, &tick)| (number, tick)).collect();
                prop_assert_eq!(all, wanted);
            }
        }
    }
}
