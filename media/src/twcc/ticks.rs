//! When each of the latest packets came, by its transport-wide number.

use std::collections::VecDeque;

use crate::cache;

/// The latest arrivals, in ticks. A packet that is missing takes a place as well, so that none has to be searched for.
#[derive(Debug, Default)]
pub(super) struct Ticks {
    /// The number of the first place.
    first: u64,
    /// The first and the last came, where there are any.
    places: VecDeque<Option<i64>>,
}

impl Ticks {
    /// A packet came. Where it came before, that time stays. As many places are made as it is away from the others.
    pub(super) fn insert(&mut self, number: u64, arrival: i64) {
        if self.places.is_empty() {
            self.first = number;
        }
        while number < self.first {
            self.places.push_front(None);
            self.first -= 1;
        }
        let Some(at) = self.place(number) else { return };
        if at >= self.places.len() {
            self.places.resize(at + 1, None);
        }
        self.places[at].get_or_insert(arrival);
    }

    /// Another packet will come soon.
    pub(super) fn fetch_behind(&self) {
        if let Some(latest) = self.places.back() {
            cache::fetch(latest);
        }
    }

    /// The first packet that came.
    pub(super) fn first(&self) -> Option<(u64, i64)> {
        let &arrival = self.places.front()?;
        Some((self.first, arrival?))
    }

    /// Forgets the first packet.
    pub(super) fn forget_first(&mut self) {
        self.places.pop_front();
        self.first += 1;
        while let Some(None) = self.places.front() {
            self.places.pop_front();
            self.first += 1;
        }
    }

    /// What came from this number on.
    pub(super) fn from(&self, number: u64) -> impl Iterator<Item = (u64, i64)> {
        let skipped = self.place(number).unwrap_or(0);
        let places = (self.first..).zip(&self.places).skip(skipped);
        places.filter_map(|(number, arrival)| Some((number, (*arrival)?)))
    }

    fn place(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.first)?).ok()
    }
}
