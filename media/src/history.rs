//! What a slot sent lately, so that it can be sent again: pointers into shared bursts, never copies of payloads.

use std::time::{Duration, Instant};

use crate::seam::{Burst, Packet};
use crate::slot::Stamp;

/// The latest packets of one slot, in a ring by their sequence number.
#[derive(Debug)]
pub(crate) struct History {
    depth: usize,
    entries: Vec<Option<Entry>>,
    /// Bursts in a ring by their count. As deep as the entries, since each holds at least one of them.
    bursts: Vec<Option<Burst>>,
    burst: u64,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    stamp: Stamp,
    burst: u64,
    at: u16,
    resent: Option<Instant>,
}

impl History {
    /// Remembers so many packets, once there is a first.
    pub(crate) fn new(depth: usize) -> Self {
        Self {
            depth,
            entries: Vec::new(),
            bursts: Vec::new(),
            burst: 0,
        }
    }

    /// The index was not sent yet and is not too old to be sent.
    pub(crate) fn admits(&self, index: u64) -> bool {
        self.entry(index)
            .is_none_or(|entry| entry.stamp.index < index)
    }

    /// The packets remembered next are of this burst.
    pub(crate) fn begin(&mut self, burst: &Burst) {
        if self.entries.is_empty() {
            self.entries.resize(self.depth, None);
            self.bursts.resize(self.depth, None);
        }
        let latest = place(self.burst, self.depth);
        if self.bursts[latest]
            .as_ref()
            .is_some_and(|latest| latest.is(burst))
        {
            return;
        }
        self.burst += 1;
        let place = place(self.burst, self.depth);
        self.bursts[place] = Some(Burst::clone(burst));
    }

    /// The packet at this place of the burst was sent with this stamp.
    pub(crate) fn remember(&mut self, stamp: Stamp, at: usize) {
        let Ok(at) = u16::try_from(at) else { return };
        let place = place(stamp.index, self.depth);
        let entry = Entry {
            stamp,
            burst: self.burst,
            at,
            resent: None,
        };
        if let Some(free) = self.entries.get_mut(place) {
            *free = Some(entry);
        }
    }

    /// The packet with this index, if it is remembered and was not sent again within `pause`. Counts as sent again.
    pub(crate) fn resend(
        &mut self,
        index: u64,
        now: Instant,
        pause: Duration,
    ) -> Option<(Stamp, &Packet)> {
        let place = place(index, self.depth);
        let entry = self.entries.get_mut(place)?.as_mut()?;
        let too_soon = entry
            .resent
            .is_some_and(|resent| now.saturating_duration_since(resent) < pause);
        if entry.stamp.index != index || too_soon {
            return None;
        }
        entry.resent = Some(now);
        let entry = *entry;
        Some((entry.stamp, self.packet(&entry)?))
    }

    /// The latest packets, the newest first.
    pub(crate) fn latest(&self) -> impl Iterator<Item = (Stamp, &Packet)> {
        let newest = self
            .entries
            .iter()
            .flatten()
            .map(|entry| entry.stamp.index)
            .max();
        let indexes = newest.into_iter().flat_map(|newest| (0..=newest).rev());
        indexes.take(self.depth).map_while(|index| {
            let entry = self
                .entry(index)
                .filter(|entry| entry.stamp.index == index)?;
            Some((entry.stamp, self.packet(entry)?))
        })
    }

    /// Lets go of everything but the indexes, which must not be sent twice.
    pub(crate) fn forget_payloads(&mut self) {
        self.bursts.fill(None);
    }

    fn packet(&self, entry: &Entry) -> Option<&Packet> {
        let burst = self.bursts.get(place(entry.burst, self.depth))?.as_ref()?;
        burst.get(usize::from(entry.at))
    }

    fn entry(&self, index: u64) -> Option<&Entry> {
        self.entries.get(place(index, self.depth))?.as_ref()
    }
}

fn place(number: u64, depth: usize) -> usize {
    usize::try_from(number % depth as u64).expect("less than the depth, which is a usize")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing::{packet, stamp};

    const MS: Duration = Duration::from_millis(1);

    fn filled(depth: usize, bursts: impl IntoIterator<Item = std::ops::Range<u64>>) -> History {
        let mut history = History::new(depth);
        for numbers in bursts {
            let burst: Burst = numbers.clone().map(packet).collect();
            history.begin(&burst);
            numbers
                .enumerate()
                .for_each(|(at, number)| history.remember(stamp(number), at));
        }
        history
    }

    #[test]
    fn the_latest_packets_are_found_and_older_ones_are_gone() {
        let mut history = filled(8, [0..3, 3..4, 4..12]);
        let now = Instant::now();
        for number in 4..12 {
            let (stamp, packet) = history.resend(number, now, MS).unwrap();
            assert_eq!((stamp.index, packet.seq), (number, number));
        }
        assert!(history.resend(3, now, MS).is_none());
        assert!(history.resend(12, now, MS).is_none());
    }

    #[test]
    fn bursts_of_one_packet_are_kept_as_long_as_their_packets() {
        let mut history = filled(8, (0..20).map(|number| number..number + 1));
        let now = Instant::now();
        assert!((12..20).all(|number| history.resend(number, now, MS).is_some()));
    }

    #[test]
    fn one_packet_is_sent_again_once_per_pause() {
        let mut history = filled(8, std::iter::once(0..3));
        let now = Instant::now();
        assert!(history.resend(1, now, 50 * MS).is_some());
        assert!(history.resend(1, now + 49 * MS, 50 * MS).is_none());
        assert!(history.resend(1, now + 50 * MS, 50 * MS).is_some());
    }

    #[test]
    fn an_index_is_admitted_once_and_not_when_it_is_too_old() {
        let history = filled(8, [0..5, 6..10]);
        assert!(history.admits(5));
        assert!(!history.admits(6));
        assert!(!history.admits(1), "its place is taken by a newer one");
        assert!(history.admits(10));
    }

    #[test]
    fn payloads_are_shared_and_let_go() {
        let mut history = History::new(8);
        let shared: Arc<[Packet]> = (0..3).map(packet).collect();
        let burst = Burst::new(Arc::clone(&shared), Default::default());
        history.begin(&burst);
        (0..3).for_each(|at| history.remember(stamp(at), usize::try_from(at).unwrap()));
        assert_eq!(
            Arc::strong_count(&shared),
            2 + 1,
            "one pointer for all its packets"
        );
        history.forget_payloads();
        assert_eq!(Arc::strong_count(&shared), 1 + 1);
        assert!(!history.admits(1));
    }
}
