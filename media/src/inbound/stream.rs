//! One layer as it arrives: numbered, without duplicates, its gaps asked for.

use std::time::{Duration, Instant};

use super::rate::Rate;
use super::scalability::{Scalability, Seen};
use super::stats::LayerStats;
use crate::keyframes::KeyframeRequests;
use crate::nack::Missing;
use crate::reports::Reception;
use crate::rtcp::ReceptionBlock;
use crate::rtp::{Extender, Latest};
use crate::seam::{Layer, Ssrc, SvcFrame, TrackId};

/// A stream that was silent for so long is left out of reports.
const SILENT: Duration = Duration::from_secs(5);

/// How a packet came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// By itself.
    Direct,
    /// By retransmission (RFC 4588).
    Repaired,
}

/// What matters of a packet to the stream.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arrival {
    pub(super) sequence: u16,
    pub(super) timestamp: u32,
    pub(super) bytes: usize,
    pub(super) way: Way,
    pub(super) clock_rate: u32,
    /// The codec's packets may be asked for again.
    pub(super) nack: bool,
}

/// One layer of one track.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) media: Option<Ssrc>,
    pub(super) rtx: Option<Ssrc>,
    pub(super) keyframes: KeyframeRequests,
    pub(super) missing: Missing,
    pub(super) full_intra_requests: u8,
    /// Its spatial layers, once it showed that it may have some.
    pub(super) scalability: Option<Box<Scalability>>,
    extender: Extender,
    window: Latest,
    reception: Option<Reception>,
    rate: Rate,
    last: Instant,
    restarting: bool,
    /// The number that would prove that the sender began to count anew (RFC 3550 §A.1).
    proof: Option<u16>,
    stats: LayerStats,
    zero: Instant,
}

impl Stream {
    pub(super) fn new(track: TrackId, layer: Layer, zero: Instant) -> Self {
        Self {
            media: None,
            rtx: None,
            keyframes: KeyframeRequests::default(),
            missing: Missing::default(),
            full_intra_requests: 0,
            scalability: None,
            extender: Extender::default(),
            window: Latest::default(),
            reception: None,
            rate: Rate::new(zero),
            last: zero,
            restarting: false,
            proof: None,
            stats: LayerStats::new(track, layer),
            zero,
        }
    }

    pub(super) fn layer(&self) -> Layer {
        self.stats.layer
    }

    /// The layer is sent under this SSRC from now on.
    pub(super) fn set_media(&mut self, ssrc: Ssrc) -> Option<Ssrc> {
        let before = self.media.replace(ssrc).filter(|&before| before != ssrc);
        self.restarting |= before.is_some();
        before
    }

    /// Takes note of a packet; its extended number, or `None` for one that came before or much too late.
    pub(super) fn accept(&mut self, arrival: Arrival, now: Instant) -> Option<u64> {
        let number = self.number(arrival)?;
        let highest = self.extender.highest();
        if !self.window.admits(number) {
            return None;
        }
        self.window.mark(number);
        self.missing.arrived(number, now);
        if let Some(highest) = highest
            && arrival.nack
            && number > highest + 1
            && self.missing.skipped(highest + 1..number, now).is_err()
        {
            self.keyframes.want(now);
        }
        self.extender.advance(number);
        self.last = now;
        self.count(number, arrival, now);
        Some(number)
    }

    /// The packet with this number begins a key frame.
    pub(super) fn keyframe(&mut self, number: u64, size: Option<(u16, u16)>) {
        self.keyframes.came();
        self.missing.forget_before(number);
        self.stats.keyframes += 1;
        self.stats.size = size.or(self.stats.size);
    }

    /// What it takes, in kbit/s, over the last second; 0 if it has not flowed for a second without a pause.
    pub(super) fn kbps(&self, now: Instant) -> u16 {
        self.rate.kbps(now)
    }

    /// Where a packet stands among the stream's spatial layers; `None` if it has none.
    pub(super) fn layered(&mut self, seen: Seen<'_>, now: Instant) -> Option<SvcFrame> {
        if self.scalability.is_none() && !seen.may_be_layered() {
            return None;
        }
        let zero = self.zero;
        let scalability =
            (self.scalability).get_or_insert_with(|| Box::new(Scalability::new(zero)));
        scalability.read(seen, now)
    }

    /// The sender's clock came.
    pub(super) fn sender_report(&mut self, ntp: u64, now: Instant) {
        if let Some(reception) = &mut self.reception {
            reception.sender_report(ntp, now);
        }
    }

    /// Something came lately.
    pub(super) fn is_heard(&self, now: Instant) -> bool {
        self.reception.is_some() && now.saturating_duration_since(self.last) < SILENT
    }

    /// The next report block about it.
    pub(super) fn report(&mut self, now: Instant) -> Option<ReceptionBlock> {
        let media = self.media?;
        self.is_heard(now).then_some(())?;
        Some(self.reception.as_mut()?.block(media, now))
    }

    /// Figures so far; `None` before the first packet.
    pub(super) fn stats(&self, now: Instant) -> Option<LayerStats> {
        let reception = self.reception.as_ref()?;
        Some(LayerStats {
            lost: reception.lost(),
            jitter: reception.jitter(),
            nacks: self.missing.asked(),
            keyframe_requests: self.keyframes.asked(),
            bitrate: self.rate.bits_per_second(now),
            ..self.stats.clone()
        })
    }

    fn number(&mut self, arrival: Arrival) -> Option<u64> {
        let number = self.extender.near(arrival.sequence);
        let highest = self.extender.highest();
        if arrival.way == Way::Repaired {
            // What is repaired must have been missed; without a stream there is nothing to repair.
            return highest.filter(|_| !self.restarting).map(|_| number);
        }
        let too_late = highest.is_some_and(|highest| number + Latest::DEPTH <= highest);
        if too_late && self.proof != Some(arrival.sequence) {
            self.proof = Some(arrival.sequence.wrapping_add(1));
            return None;
        }
        if !too_late && !self.restarting {
            return Some(number);
        }
        self.proof = None;
        self.restarting = false;
        self.missing.clear();
        self.reception = None;
        // The window forgets the past by itself when it sees the leap, but not the numbers between.
        let first = self.extender.restart(arrival.sequence);
        self.window = Latest::default();
        Some(first)
    }

    fn count(&mut self, number: u64, arrival: Arrival, now: Instant) {
        let reception = self
            .reception
            .get_or_insert_with(|| Reception::new(number, arrival.clock_rate, self.zero));
        match arrival.way {
            Way::Direct => reception.received(number, arrival.timestamp, now),
            Way::Repaired => {
                reception.recovered(number);
                self.stats.recovered += 1;
            }
        }
        self.stats.packets += 1;
        self.stats.bytes += arrival.bytes as u64;
        self.rate.add(arrival.bytes, now);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::rtp::seq::RESTART_GAP;
    use crate::seam::PeerId;

    const MS: Duration = Duration::from_millis(1);

    fn stream() -> (Stream, Instant) {
        let now = Instant::now();
        (
            Stream::new(
                TrackId {
                    peer: PeerId(1),
                    index: 0,
                },
                Layer(0),
                now,
            ),
            now,
        )
    }

    fn packet(sequence: u16, way: Way) -> Arrival {
        Arrival {
            sequence,
            timestamp: 0,
            bytes: 100,
            way,
            clock_rate: 90_000,
            nack: true,
        }
    }

    #[test]
    fn a_duplicate_is_dropped_whichever_way_it_comes() {
        let (mut stream, now) = stream();
        assert!(stream.accept(packet(1, Way::Direct), now).is_some());
        assert!(stream.accept(packet(1, Way::Direct), now).is_none());
        assert!(stream.accept(packet(1, Way::Repaired), now).is_none());
    }

    #[test]
    fn a_gap_is_asked_for_until_it_is_repaired() {
        let (mut stream, now) = stream();
        let first = stream.accept(packet(65_535, Way::Direct), now).unwrap();
        stream.accept(packet(1, Way::Direct), now);
        assert_eq!(stream.missing.due(now + 5 * MS, 10), [first + 1]);
        assert_eq!(
            stream.accept(packet(0, Way::Repaired), now + 30 * MS),
            Some(first + 1)
        );
        assert!(stream.missing.due(now + 500 * MS, 10).is_empty());
        assert_eq!(stream.stats(now).unwrap().recovered, 1);
    }

    #[test]
    fn a_repair_before_the_stream_is_dropped() {
        let (mut stream, now) = stream();
        assert_eq!(stream.accept(packet(1, Way::Repaired), now), None);
    }

    #[test]
    fn another_ssrc_begins_anew_far_above() {
        let (mut stream, now) = stream();
        stream.set_media(Ssrc(1));
        let before = stream.accept(packet(50_000, Way::Direct), now).unwrap();
        assert_eq!(stream.set_media(Ssrc(2)), Some(Ssrc(1)));
        let after = stream.accept(packet(50_001, Way::Direct), now).unwrap();
        assert!(after >= before + RESTART_GAP);
        assert!(stream.missing.due(now + 5 * MS, 10).is_empty());
    }

    #[test]
    fn a_sender_that_counts_anew_is_believed_at_the_second_packet() {
        let (mut stream, now) = stream();
        let before = stream.accept(packet(40_000, Way::Direct), now).unwrap();
        assert_eq!(stream.accept(packet(30_000, Way::Direct), now), None);
        assert!(stream.accept(packet(40_001, Way::Direct), now).is_some());
        assert!(stream.accept(packet(30_001, Way::Direct), now).unwrap() > before + RESTART_GAP);
        assert!(stream.accept(packet(30_002, Way::Direct), now).is_some());
    }

    #[test]
    fn a_gap_too_wide_asks_for_a_key_frame_instead() {
        let (mut stream, now) = stream();
        stream.accept(packet(0, Way::Direct), now);
        stream.accept(packet(2000, Way::Direct), now);
        assert!(stream.missing.due(now + 5 * MS, 1000).is_empty());
        assert!(stream.keyframes.due(now));
    }
}
