//! What a slot sent lately, so that it can be sent again: pointers into shared bursts, never copies of payloads.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use crate::cache;
use crate::congestion::Confirmed;
use crate::seam::{Burst, Packet};
use crate::slot::Stamp;

/// Payloads are kept for so many round trips, within these bounds: whoever misses a packet asks for it a few times.
const ROUND_TRIPS: u32 = 4;
const KEPT: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(3));
/// While no round trip was measured.
const KEPT_AT_FIRST: Duration = Duration::from_secs(1);
/// Packets that there is room for at first.
const ROOM_AT_FIRST: usize = 16;
/// With this much room it grows no more for a packet that comes late; one that finds no place cannot be sent again.
const ROOM_FOR_LATE: usize = 256;

/// The latest packets of one slot, in a ring by their sequence number.
#[derive(Debug)]
pub(crate) struct History {
    /// Packets remembered at most.
    most: usize,
    /// Grows as long as payloads are wanted that it has no room for.
    entries: Vec<Option<Entry>>,
    /// In the order in which they were begun.
    bursts: VecDeque<Held>,
    /// How many were held before the first of them; counts around.
    gone: u32,
    kept: Duration,
    newest: u64,
    /// When a packet was first asked for.
    zero: Option<Instant>,
}

/// A burst of which packets may still be asked for.
#[derive(Debug)]
struct Held {
    burst: Burst,
    /// When the latest packet of it left.
    left: Instant,
}

/// Small, because there is one for each packet that is kept for each slot.
#[derive(Debug, Clone, Copy)]
struct Entry {
    stamp: Stamp,
    /// The count of its burst, and which packet of it it is.
    burst: u32,
    at: u16,
    /// When it was sent again, in microseconds from one before the history's zero; counts around.
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
            zero: None,
        }
    }

    /// Packets will be remembered soon.
    pub(crate) fn fetch_behind(&self) {
        if let Some(next) = self.entries.get(place(self.newest + 1, self.entries.len())) {
            cache::fetch(next);
        }
        if let Some(back) = self.bursts.back() {
            cache::fetch(back);
        }
    }

    /// The round trip to whoever may ask for them.
    pub(crate) fn set_rtt(&mut self, rtt: Duration) {
        let (low, high) = KEPT;
        self.kept = (rtt * ROUND_TRIPS).clamp(low, high);
    }

    /// This packet of the burst was sent with this stamp.
    pub(crate) fn remember(&mut self, stamp: Stamp, burst: &Burst, at: usize, now: Instant) {
        let Ok(at) = u16::try_from(at) else { return };
        self.expire(now);
        match self.bursts.back_mut() {
            Some(latest) if latest.burst.is(burst) => latest.left = now,
            _ => {
                if self.bursts.len() >= self.most {
                    self.let_go_of_first();
                }
                self.bursts.push_back(Held {
                    burst: Burst::clone(burst),
                    left: now,
                });
            }
        }
        self.place(Entry {
            stamp,
            burst: self.next_burst().wrapping_sub(1),
            at,
            resent: None,
        });
    }

    fn place(&mut self, entry: Entry) {
        let index = entry.stamp.index;
        if self.entries.is_empty() {
            self.entries.resize(ROOM_AT_FIRST.min(self.most), None);
        }
        while let Some(other) = self.entry(index)
            && self.packet(other).is_some()
        {
            let late = other.stamp.index > index;
            let most = if late { ROOM_FOR_LATE } else { self.most };
            if self.entries.len() < most.min(self.most) {
                self.grow();
            } else if late {
                return;
            } else {
                break;
            }
        }
        self.newest = self.newest.max(index);
        let place = place(index, self.entries.len());
        self.entries[place] = Some(entry);
    }

    fn grow(&mut self) {
        let room = (self.entries.len() * 3 / 2).min(self.most);
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
        self.let_go_while(|held| now.saturating_duration_since(held.left) > kept);
    }

    /// Lets go of payloads that are known to have come in.
    pub(crate) fn confirm(&mut self, Confirmed { until, doubt }: Confirmed) {
        let lately = |doubt| until.saturating_duration_since(doubt) <= self.kept;
        if !doubt.is_some_and(lately) {
            self.let_go_while(|held| held.left < until);
        }
    }

    fn let_go_while(&mut self, unwanted: impl Fn(&Held) -> bool) {
        while self.bursts.front().is_some_and(&unwanted) {
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
        let micros = now.saturating_duration_since(*self.zero.get_or_insert(now));
        let micros = u32::try_from(micros.as_micros() % (1 << 32)).expect("below its modulus");
        let place = place(index, self.entries.len());
        let entry = self.entries.get_mut(place)?.as_mut()?;
        let held = self.bursts.get(held(entry, self.gone)?)?;
        let too_soon = |resent: NonZeroU32| {
            let since = micros.wrapping_sub(resent.get() - 1).cast_signed();
            Duration::from_micros(u64::try_from(since).unwrap_or(0)) < pause
        };
        if entry.stamp.index != index || entry.resent.is_some_and(too_soon) {
            return None;
        }
        entry.resent = NonZeroU32::new(micros.saturating_add(1));
        Some((entry.stamp, held.burst.get(usize::from(entry.at))?))
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

    /// Lets go of everything.
    pub(crate) fn forget_payloads(&mut self) {
        self.gone = self.next_burst();
        self.bursts = VecDeque::new();
        self.entries = Vec::new();
    }

    /// The count of the burst that is held next.
    fn next_burst(&self) -> u32 {
        let held = u32::try_from(self.bursts.len()).expect("`most` at most");
        self.gone.wrapping_add(held)
    }

    fn packet(&self, entry: &Entry) -> Option<&Packet> {
        let held = self.bursts.get(held(entry, self.gone)?)?;
        held.burst.get(usize::from(entry.at))
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
