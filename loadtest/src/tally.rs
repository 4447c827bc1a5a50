//! What the whole crowd counts together, by kind of media, while it is measured.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::histogram::Histogram;
use crate::sequence::Sequence;
use crate::traffic::{Clock, stamped};

/// Counts of one kind of media.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    sent: AtomicU64,
    received: AtomicU64,
    missing: AtomicI64,
    foreign: AtomicU64,
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
}

/// What was counted, to read.
#[derive(Debug, Clone)]
pub(crate) struct Counted {
    /// Packets that publishers sent.
    pub(crate) sent: u64,
    /// Packets that arrived anywhere.
    pub(crate) received: u64,
    /// Packets that are missing in what arrived.
    pub(crate) lost: u64,
    /// Packets that arrived without a stamp: padding, probes.
    pub(crate) foreign: u64,
    /// From sending to arriving.
    pub(crate) latency: Histogram,
}

impl Tallies {
    /// Nothing counted; counting begins with [`Tallies::measure`].
    pub(crate) fn new() -> Self {
        Self {
            clock: Clock::start(),
            audio: Tally::default(),
            video: Tally::default(),
            measuring: AtomicBool::new(false),
        }
    }

    /// From now on what happens counts, or does not.
    pub(crate) fn measure(&self, on: bool) {
        self.measuring.store(on, Relaxed);
    }

    /// A packet went out.
    pub(crate) fn sent(&self, tally: &Tally) {
        if self.measuring.load(Relaxed) {
            tally.sent.fetch_add(1, Relaxed);
        }
    }

    /// A packet came in, as the next of the stream that `sequence` follows.
    pub(crate) fn received(
        &self,
        tally: &Tally,
        sequence: &mut Sequence,
        number: u16,
        payload: &[u8],
    ) {
        let missing = sequence.on(number);
        if !self.measuring.load(Relaxed) {
            return;
        }
        tally.missing.fetch_add(missing, Relaxed);
        match stamped(payload) {
            Some(at) => tally.took(self.clock.elapsed().saturating_sub(at)),
            None => _ = tally.foreign.fetch_add(1, Relaxed),
        }
    }
}

impl Tally {
    fn took(&self, latency: Duration) {
        self.received.fetch_add(1, Relaxed);
        self.latency
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .record(latency);
    }

    /// What was counted so far.
    pub(crate) fn counted(&self) -> Counted {
        Counted {
            sent: self.sent.load(Relaxed),
            received: self.received.load(Relaxed),
            lost: u64::try_from(self.missing.load(Relaxed)).unwrap_or(0),
            foreign: self.foreign.load(Relaxed),
            latency: self
                .latency
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        assert_eq!((counted.received, counted.lost, counted.foreign), (2, 2, 0));
        assert!(counted.latency.quantile(0.5).is_some());
    }

    #[test]
    fn a_packet_without_a_stamp_is_not_media() {
        let tallies = Tallies::new();
        tallies.measure(true);
        tallies.received(&tallies.video, &mut Sequence::default(), 1, &[]);
        let counted = tallies.video.counted();
        assert_eq!((counted.received, counted.foreign), (0, 1));
    }
}
