//! What a slot sent lately, so that it can be sent again: pointers into shared bursts, never copies of payloads.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use crate::seam::{Burst, Packet};
use crate::slot::Stamp;

/// Payloads are kept for so many round trips, within these bounds: whoever misses a packet asks for it a few times.
const ROUND_TRIPS: u32 = 4;
const KEPT: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(3));
/// While no round trip was measured.
const KEPT_AT_FIRST: Duration = Duration::from_secs(1);
/// Packets that there is room for at first: one that comes so late has its place still.
const ROOM_AT_FIRST: usize = 64;
/// No burst has a packet there.
const NOWHERE: u16 = u16::MAX;

/// The latest packets of one slot, in a ring by their sequence number.
#[derive(Debug)]
pub(crate) struct History {
    /// Packets remembered at most.
    most: usize,
    /// Grows as long as payloads are wanted that it has no room for.
    entries: Vec<Option<Entry>>,
    /// Held bursts in the order in which they were begun, and when that was.
    bursts: VecDeque<(Instant, Burst)>,
    /// How many were held before the first of them; counts around.
    gone: u32,
    kept: Duration,
    newest: u64,
}

/// Small, because there is one for each packet that is kept for each slot.
#[derive(Debug, Clone, Copy)]
struct Entry {
    stamp: Stamp,
    /// The count of its burst, and which packet of it it is.
    burst: u32,
    at: u16,
    /// When it was sent again, in microseconds from one before its burst was begun.
    resent: Option<NonZeroU32>,
}

impl History {
    /// Remembers so many packets at most.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            entries: Vec::new(),
            bursts: VecDeque::new(),
            gone: 0,
            kept: KEPT_AT_FIRST,
            newest: 0,
        }
    }

    /// The round trip to whoever may ask for them.
    pub(crate) fn set_rtt(&mut self, rtt: Duration) {
        let (low, high) = KEPT;
        self.kept = (rtt * ROUND_TRIPS).clamp(low, high);
    }

    /// The index was not sent yet and is not too old to be sent.
    pub(crate) fn admits(&self, index: u64) -> bool {
        self.entry(index)
            .is_none_or(|entry| entry.stamp.index < index)
    }

    /// This packet of the burst was sent with this stamp.
    pub(crate) fn remember(&mut self, stamp: Stamp, burst: &Burst, at: usize, now: Instant) {
        let Ok(at) = u16::try_from(at) else { return };
        self.expire(now);
        let same = |(_, latest): &(_, Burst)| latest.is(burst);
        if !self.bursts.back().is_some_and(same) {
            if self.bursts.len() >= self.most {
                self.let_go_of_first();
            }
            self.bursts.push_back((now, Burst::clone(burst)));
        }
        self.place(Entry {
            stamp,
            burst: self.next_burst().wrapping_sub(1),
            at,
            resent: None,
        });
    }

    /// A packet was sent with this stamp that nobody can ask for.
    pub(crate) fn pass(&mut self, stamp: Stamp) {
        self.place(Entry {
            stamp,
            burst: self.gone,
            at: NOWHERE,
            resent: None,
        });
    }

    fn place(&mut self, entry: Entry) {
        let index = entry.stamp.index;
        if self.entries.is_empty() {
            self.entries.resize(ROOM_AT_FIRST.min(self.most), None);
        }
        while self.entries.len() < self.most
            && (self.entry(index)).is_some_and(|older| self.packet(older).is_some())
        {
            self.grow();
        }
        self.newest = self.newest.max(index);
        let place = place(index, self.entries.len());
        self.entries[place] = Some(entry);
    }

    fn grow(&mut self) {
        let room = (self.entries.len() * 3 / 2)
            .max(ROOM_AT_FIRST)
            .min(self.most);
        let before = std::mem::replace(&mut self.entries, vec![None; room]);
        for entry in before.into_iter().flatten() {
            let place = place(entry.stamp.index, room);
            let newer = |other: &Entry| other.stamp.index > entry.stamp.index;
            if !self.entries[place].as_ref().is_some_and(newer) {
                self.entries[place] = Some(entry);
            }
        }
    }

    /// Lets go of payloads that nobody will ask for any more.
    pub(crate) fn expire(&mut self, now: Instant) {
        let kept = self.kept;
        let old = |begun: Instant| now.saturating_duration_since(begun) > kept;
        while self.bursts.front().is_some_and(|(begun, _)| old(*begun)) {
            self.let_go_of_first();
        }
    }

    fn let_go_of_first(&mut self) {
        let one = self.bursts.pop_front().is_some();
        self.gone = self.gone.wrapping_add(one.into());
    }

    /// The packet with this index, if it is remembered and was not sent again within `pause`. Counts as sent again.
    pub(crate) fn resend(
        &mut self,
        index: u64,
        now: Instant,
        pause: Duration,
    ) -> Option<(Stamp, &Packet)> {
        let place = place(index, self.entries.len());
        let entry = self.entries.get_mut(place)?.as_mut()?;
        let held = held(entry, self.gone)?;
        let (begun, burst) = self.bursts.get(held)?;
        let since =
            |at: u32| now.saturating_duration_since(*begun + Duration::from_micros(at.into()));
        let too_soon = |resent: NonZeroU32| since(resent.get() - 1) < pause;
        if entry.stamp.index != index || entry.resent.is_some_and(too_soon) {
            return None;
        }
        let passed = u32::try_from(since(0).as_micros()).unwrap_or(u32::MAX);
        entry.resent = NonZeroU32::new(passed.saturating_add(1));
        Some((entry.stamp, burst.get(usize::from(entry.at))?))
    }

    /// The latest packets, the newest first.
    pub(crate) fn latest(&self) -> impl Iterator<Item = (Stamp, &Packet)> {
        let indexes = (0..=self.newest).rev().take(self.entries.len());
        indexes.map_while(|index| {
            let entry = self
                .entry(index)
                .filter(|entry| entry.stamp.index == index)?;
            Some((entry.stamp, self.packet(entry)?))
        })
    }

    /// Lets go of everything but the indexes, which must not be sent twice.
    pub(crate) fn forget_payloads(&mut self) {
        self.gone = self.next_burst();
        self.bursts = VecDeque::new();
    }

    /// The count of the burst that is held next.
    fn next_burst(&self) -> u32 {
        let held = u32::try_from(self.bursts.len()).expect("`most` at most");
        self.gone.wrapping_add(held)
    }

    fn packet(&self, entry: &Entry) -> Option<&Packet> {
        let (_, burst) = self.bursts.get(held(entry, self.gone)?)?;
        burst.get(usize::from(entry.at))
    }

    fn entry(&self, index: u64) -> Option<&Entry> {
        self.entries.get(place(index, self.entries.len()))?.as_ref()
    }
}

/// Where the burst of an entry is among those that are held, if so many went before them and it is.
fn held(entry: &Entry, gone: u32) -> Option<usize> {
    usize::try_from(entry.burst.wrapping_sub(gone)).ok()
}

/// Where a packet is remembered, in a ring of so many.
fn place(index: u64, room: usize) -> usize {
    usize::try_from(index % (room as u64).max(1)).expect("less than the room, which is a usize")
}

#[cfg(test)]
mod tests;
