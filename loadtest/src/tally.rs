//! What the whole crowd counts together, by kind of media, while it is measured.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::histogram::Histogram;
use crate::sequence::Sequence;
use crate::traffic::{Clock, stamped};

/// Encodings of one camera at most.
pub(crate) const LAYERS: usize = 3;

/// The kind of media that a packet carries, as `kind` of a track and the media of an m-line have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// A voice.
    Audio,
    /// A picture.
    Video,
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Audio => "audio",
            Self::Video => "video",
        })
    }
}

/// Counts of one kind of media.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    sent: AtomicU64,
    received: AtomicU64,
    bytes: AtomicU64,
    missing: AtomicI64,
    repaired: AtomicU64,
    padding: AtomicU64,
    opened: AtomicU64,
    unopened: AtomicU64,
    latency: Mutex<Histogram>,
}

/// Counts of all media, and whether they count.
#[derive(Debug)]
pub(crate) struct Tallies {
    /// When packets are sent and received.
    pub(crate) clock: Clock,
    /// Microphones.
    pub(crate) audio: Tally,
    /// Cameras.
    pub(crate) video: Tally,
    measuring: AtomicBool,
    /// Pictures that show each encoding now.
    playing: [AtomicI64; LAYERS],
    broken: AtomicU64,
    unsent: AtomicU64,
    lateness: Mutex<Histogram>,
    /// Of each lane.
    lanes: Mutex<Vec<Histogram>>,
}

/// One packet that came in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    /// How the number of missing packets changes by it.
    pub(crate) missing: i64,
    /// Its length.
    pub(crate) bytes: usize,
    /// It carries nothing.
    pub(crate) padding: bool,
    /// From sending to arriving, where that was looked at.
    pub(crate) latency: Option<Duration>,
}

/// What was counted, to read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counted {
    /// Packets that publishers sent.
    pub(crate) sent: u64,
    /// Packets that arrived anywhere, retransmissions of missing ones with them.
    pub(crate) received: u64,
    /// Bytes of all that arrived, with headers and tags of SRTP.
    pub(crate) bytes: u64,
    /// Packets that are missing in what arrived.
    pub(crate) lost: u64,
    /// Of those received, retransmissions.
    pub(crate) repaired: u64,
    /// Packets that carry nothing: padding, probes, and what had already come.
    pub(crate) padding: u64,
    /// Packets that were opened.
    pub(crate) opened: u64,
    /// And those that were to be, and could not.
    pub(crate) unopened: u64,
    /// From sending to arriving.
    pub(crate) latency: Histogram,
}

/// What went wrong on our own side.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trouble {
    /// Packets that could not be opened or read.
    pub(crate) broken: u64,
    /// Datagrams that the kernel did not take.
    pub(crate) unsent: u64,
    /// From when a packet was to be sent until it was.
    pub(crate) lateness: Histogram,
    /// From when each lane had something to do until it did.
    pub(crate) lanes: Vec<Histogram>,
}

impl Counted {
    /// What was counted since `earlier`, an earlier reading of the same.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        Self {
            sent: self.sent.saturating_sub(earlier.sent),
            received: self.received.saturating_sub(earlier.received),
            bytes: self.bytes.saturating_sub(earlier.bytes),
            lost: self.lost.saturating_sub(earlier.lost),
            repaired: self.repaired.saturating_sub(earlier.repaired),
            padding: self.padding.saturating_sub(earlier.padding),
            opened: self.opened.saturating_sub(earlier.opened),
            unopened: self.unopened.saturating_sub(earlier.unopened),
            latency: self.latency.since(&earlier.latency),
        }
    }
}

impl Arrival {
    /// One that carries nothing.
    pub(crate) fn padding(missing: i64, bytes: usize) -> Self {
        Self {
            missing,
            bytes,
            padding: true,
            latency: None,
        }
    }
}

impl Tallies {
    /// Nothing counted; counting begins with [`Tallies::measure`].
    pub(crate) fn new() -> Self {
        Self {
            clock: Clock::start(),
            audio: Tally::default(),
            video: Tally::default(),
            measuring: AtomicBool::new(false),
            playing: Default::default(),
            broken: AtomicU64::new(0),
            unsent: AtomicU64::new(0),
            lateness: Mutex::default(),
            lanes: Mutex::default(),
        }
    }

    /// From now on what happens counts, or does not.
    pub(crate) fn measure(&self, on: bool) {
        self.measuring.store(on, Relaxed);
    }

    fn counts(&self) -> bool {
        self.measuring.load(Relaxed)
    }

    /// The tally of this kind.
    pub(crate) fn of(&self, kind: Kind) -> &Tally {
        match kind {
            Kind::Audio => &self.audio,
            Kind::Video => &self.video,
        }
    }

    /// A picture shows another encoding than before, measured or not.
    pub(crate) fn plays(&self, before: Option<u8>, now: Option<u8>) {
        if before == now {
            return;
        }
        let of = |layer: Option<u8>| self.playing.get(usize::from(layer?));
        if let Some(before) = of(before) {
            before.fetch_sub(1, Relaxed);
        }
        if let Some(now) = of(now) {
            now.fetch_add(1, Relaxed);
        }
    }

    /// How many pictures show each encoding, the smallest first; those that stand still show none.
    pub(crate) fn playing(&self) -> [i64; LAYERS] {
        std::array::from_fn(|layer| self.playing[layer].load(Relaxed))
    }

    /// A packet went out.
    pub(crate) fn sent(&self, tally: &Tally) {
        if self.counts() {
            tally.sent.fetch_add(1, Relaxed);
        }
    }

    /// So many packets went out so much later than they should have.
    pub(crate) fn was_late(&self, late: Duration, packets: u64) {
        if self.counts() {
            let mut lateness = locked(&self.lateness);
            lateness.record_many(late, packets);
        }
    }

    /// A lane did something so much later than it was due: one that only receives is late for it, and nobody else tells.
    pub(crate) fn lane_was_late(&self, number: usize, late: Duration) {
        if self.counts() {
            let mut lanes = locked(&self.lanes);
            if lanes.len() <= number {
                lanes.resize_with(number + 1, Histogram::default);
            }
            lanes[number].record(late);
        }
    }

    /// The kernel did not take a datagram.
    pub(crate) fn unsent(&self) {
        if self.counts() {
            self.unsent.fetch_add(1, Relaxed);
        }
    }

    /// A packet came that cannot be opened or read.
    pub(crate) fn broken(&self) {
        if self.counts() {
            self.broken.fetch_add(1, Relaxed);
        }
    }

    /// A packet was to be opened, and could or could not.
    pub(crate) fn opened(&self, tally: &Tally, could: bool) {
        if !could {
            self.broken();
        }
        if self.counts() {
            let count = if could {
                &tally.opened
            } else {
                &tally.unopened
            };
            count.fetch_add(1, Relaxed);
        }
    }

    /// A packet came in.
    pub(crate) fn arrived(&self, tally: &Tally, arrival: Arrival) {
        if !self.counts() {
            return;
        }
        if arrival.missing != 0 {
            tally.missing.fetch_add(arrival.missing, Relaxed);
        }
        tally.bytes.fetch_add(arrival.bytes as u64, Relaxed);
        if arrival.padding {
            tally.padding.fetch_add(1, Relaxed);
        } else {
            tally.received.fetch_add(1, Relaxed);
        }
        if let Some(latency) = arrival.latency {
            locked(&tally.latency).record(latency);
        }
    }

    /// A missing packet came after all, as a retransmission.
    pub(crate) fn repaired(&self, tally: &Tally, bytes: usize) {
        if self.counts() {
            tally.missing.fetch_sub(1, Relaxed);
            tally.received.fetch_add(1, Relaxed);
            tally.repaired.fetch_add(1, Relaxed);
            tally.bytes.fetch_add(bytes as u64, Relaxed);
        }
    }

    /// An opened packet came in, as the next of the stream that `sequence` follows.
    pub(crate) fn received(
        &self,
        tally: &Tally,
        sequence: &mut Sequence,
        number: u16,
        payload: &[u8],
    ) {
        let sent = stamped(payload);
        let arrival = Arrival {
            missing: sequence.on(number),
            bytes: payload.len(),
            padding: sent.is_none(),
            latency: sent.map(|stamp| self.clock.elapsed().saturating_sub(stamp.at)),
        };
        self.arrived(tally, arrival);
    }

    /// What went wrong so far.
    pub(crate) fn trouble(&self) -> Trouble {
        Trouble {
            broken: self.broken.load(Relaxed),
            unsent: self.unsent.load(Relaxed),
            lateness: locked(&self.lateness).clone(),
            lanes: locked(&self.lanes).clone(),
        }
    }
}

impl Tally {
    /// What was counted so far.
    pub(crate) fn counted(&self) -> Counted {
        Counted {
            sent: self.sent.load(Relaxed),
            received: self.received.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            lost: u64::try_from(self.missing.load(Relaxed)).unwrap_or(0),
            repaired: self.repaired.load(Relaxed),
            padding: self.padding.load(Relaxed),
            opened: self.opened.load(Relaxed),
            unopened: self.unopened.load(Relaxed),
            latency: locked(&self.latency).clone(),
        }
    }
}

fn locked<T>(counts: &Mutex<T>) -> MutexGuard<'_, T> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Harness;
    use crate::traffic::Microphone;

    #[test]
    fn only_what_happens_while_measuring_counts() {
        let tallies = Tallies::new();
        let mut sequence = Sequence::default();
        let mut microphone = Microphone::new(1, 100);
        let mut arrive = |lost_before: usize| {
            let packets: Vec<_> = (0..=lost_before)
                .map(|_| microphone.packet(tallies.clock.elapsed()))
                .collect();
            let packet = &packets[lost_before];
            let number = packet.header.sequence_number;
            tallies.received(&tallies.audio, &mut sequence, number, &packet.payload);
        };

        arrive(0);
        arrive(5);
        tallies.measure(true);
        arrive(0);
        arrive(2);
        tallies.measure(false);
        arrive(7);

        let counted = tallies.audio.counted();
        assert_eq!((counted.received, counted.lost, counted.padding), (2, 2, 0));
        assert_eq!(counted.bytes, 200);
        assert!(counted.latency.quantile(0.5).is_some());
    }

    #[test]
    fn a_lane_that_is_late_is_not_hidden_by_those_that_are_not() {
        let tallies = Tallies::new();
        tallies.measure(true);
        tallies.was_late(Duration::from_millis(1), 10_000);
        for _ in 0..10_000 {
            tallies.lane_was_late(0, Duration::from_millis(1));
        }
        tallies.lane_was_late(1, Duration::from_millis(70));
        let late = Harness::of(&tallies.trouble());
        assert!(late.lateness.p99_ms.unwrap() < 2.0);
        assert!(late.worst_lane.p99_ms.unwrap() > 65.0);
        assert!(late.too_late().unwrap() > 65.0);
    }

    #[test]
    fn a_packet_without_a_stamp_is_not_media() {
        let tallies = Tallies::new();
        tallies.measure(true);
        tallies.received(&tallies.video, &mut Sequence::default(), 1, &[]);
        let counted = tallies.video.counted();
        assert_eq!((counted.received, counted.padding), (0, 1));
    }

    #[test]
    fn a_retransmission_of_what_was_missing_takes_the_loss_back() {
        let tallies = Tallies::new();
        tallies.measure(true);
        let arrival = Arrival {
            missing: 2,
            bytes: 100,
            padding: false,
            latency: None,
        };
        tallies.arrived(&tallies.video, arrival);
        tallies.repaired(&tallies.video, 100);
        let counted = tallies.video.counted();
        assert_eq!(
            (counted.received, counted.lost, counted.repaired),
            (2, 1, 1)
        );
    }
}
