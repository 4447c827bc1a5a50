//! One encoding of a track on its way to a file: in order, put together, and counted.

use std::time::{Duration, Instant};

use calls_media::capture::{ClockPoint, Frame, Frames, Ordered, Reorder};
use calls_media::codecs::clock_rate;
use calls_media::seam::{Packet, SourceClock};
use calls_model::Source;

use crate::recording::log::LaneKey;

/// An encoding that was silent for so long is not there: its publisher stopped it, or turned it off.
const SILENT: Duration = Duration::from_secs(1);

/// Microphones and cameras send something at least that often: Opus where nobody speaks every 400 ms (RFC 6716 §2.1.9).
const EVERY: Duration = Duration::from_millis(500);

/// One encoding of a track.
pub(super) struct Lane {
    pub(super) key: LaneKey,
    /// It sends at least as often as [`EVERY`] says; a screen that stands still need not.
    is_steady: bool,
    reorder: Reorder,
    frames: Frames,
    pub(super) came: Option<Instant>,
    /// When the last packet in order came that had something in it.
    heard: Option<Instant>,
    /// From, to: what was sent then went to nobody. The last time.
    muted: Option<(Instant, Option<Instant>)>,
    /// The latest sender report, as the log knows it.
    clock: Option<ClockPoint>,
    /// Packets that never came before the next that has something in it.
    skipped: u64,
    /// Packets that never came since the last frame.
    pub(super) missing: u64,
    /// So long nothing was sent since the last frame.
    unsent: Duration,
    /// Its numbering began anew since the last frame.
    anew: bool,
    pub(super) received: u64,
    pub(super) lost: u64,
}

/// A frame, and what was missing before it.
pub(super) struct Captured {
    pub(super) frame: Frame,
    /// When its last packet came.
    pub(super) came: Instant,
    /// Packets that never came.
    pub(super) lost: u64,
    /// So long nothing was sent, whatever was lost besides.
    pub(super) unsent: Duration,
    /// Nothing goes on from before.
    pub(super) anew: bool,
}

impl Lane {
    pub(super) fn new(key: LaneKey, source: Source) -> Self {
        Self {
            key,
            is_steady: source != Source::Screen,
            reorder: Reorder::default(),
            frames: Frames::default(),
            came: None,
            heard: None,
            muted: None,
            clock: None,
            skipped: 0,
            missing: 0,
            unsent: Duration::ZERO,
            anew: false,
            received: 0,
            lost: 0,
        }
    }

    pub(super) fn take(&mut self, packet: Packet) {
        self.received += 1;
        self.came = Some(packet.arrival);
        self.reorder.push(packet);
    }

    /// Something came of it lately.
    pub(super) fn is_alive(&self, now: Instant) -> bool {
        self.came
            .is_some_and(|came| now.saturating_duration_since(came) < SILENT)
    }

    pub(super) fn needs_keyframe(&self) -> bool {
        self.frames.needs_keyframe()
    }

    /// All frames that are whole by now.
    pub(super) fn drain(&mut self, now: Instant) -> Vec<Captured> {
        let mut captured = Vec::new();
        while let Some(ordered) = self.reorder.pop(now) {
            match ordered {
                Ordered::Packet(packet) => {
                    let came = packet.arrival;
                    if !packet.payload.is_empty() {
                        self.hear(came);
                    }
                    if let Some(frame) = self.frames.push(&packet) {
                        captured.push(Captured {
                            frame,
                            came,
                            lost: std::mem::take(&mut self.missing),
                            unsent: std::mem::take(&mut self.unsent),
                            anew: std::mem::take(&mut self.anew),
                        });
                    }
                }
                Ordered::Lost(count) => {
                    self.skipped += count;
                    self.frames.lost();
                }
                Ordered::Restarted => {
                    self.anew = true;
                    self.forget_clock();
                    self.frames.restart();
                }
            }
        }
        captured
    }

    /// A packet in order came then. What was skipped before it was lost, unless it was sent while that went to nobody.
    fn hear(&mut self, came: Instant) {
        let skipped = std::mem::take(&mut self.skipped);
        let heard = self.heard.unwrap_or(came);
        let silent = came.saturating_duration_since(heard);
        let muted = self.muted_between(heard, came);
        let heeded = silent.saturating_sub(muted);
        // So few packets are not all that was sent in this time: numbers are skipped also where a sender falls silent and
        // drops what still waits.
        let most = u32::try_from(skipped).unwrap_or(u32::MAX);
        let are_few = |time: Duration| time > EVERY.saturating_mul(most.max(1));
        let (lost, unsent) = if skipped > 0 && !muted.is_zero() {
            let off = self.is_steady && are_few(heeded);
            let lost = share(skipped, heeded, silent);
            (lost, if off { silent } else { muted })
        } else {
            let off = are_few(silent) && (self.is_steady || skipped == 0);
            (skipped, if off { silent } else { Duration::ZERO })
        };
        self.missing += lost;
        self.lost += lost;
        self.unsent += unsent;
        self.heard = Some(came.max(heard));
    }

    /// For how long what was sent in between went to nobody. Both its ends are told a moment late; what did not come for longer
    /// than that before or after it was lost on its way, unless it is a screen, which may have stood still.
    fn muted_between(&self, heard: Instant, came: Instant) -> Duration {
        let Some((from, to)) = self.muted else {
            return Duration::ZERO;
        };
        if from > came || to.is_some_and(|to| to < heard) {
            return Duration::ZERO;
        }
        let long = |from: Instant, to: Instant| {
            self.is_steady && to.saturating_duration_since(from) > SILENT
        };
        let began = Some(from).filter(|&from| long(heard, from));
        let ended = to.filter(|&to| long(to, came));
        let (began, ended) = (began.unwrap_or(heard), ended.unwrap_or(came));
        ended.saturating_duration_since(began)
    }

    /// What is sent from then on goes to nobody, or to all again.
    pub(super) fn mute(&mut self, muted: bool, at: Instant) {
        // What came in between may still wait for its turn.
        let waits = |to: Instant| at.saturating_duration_since(to) < SILENT;
        match &mut self.muted {
            Some((_, to)) if muted && to.is_none_or(waits) => *to = None,
            Some((_, to)) if !muted => *to = to.or(Some(at)),
            _ if muted => self.muted = Some((at, None)),
            _ => {}
        }
    }

    /// Timestamps do not go on from those that reports were of.
    pub(super) fn forget_clock(&mut self) {
        self.key.generation += 1;
        self.clock = None;
    }

    /// Keeps a report; gives it as the log wants it.
    pub(super) fn clock(&mut self, clock: &SourceClock, arrival_us: i64) -> ClockPoint {
        let point = ClockPoint {
            rtp: self.frames.near(clock.rtp),
            ntp_us: ClockPoint::micros(clock.ntp),
            arrival_us,
        };
        self.clock = Some(point);
        point
    }

    /// When a frame was captured on the publisher's clock, if reports have told.
    pub(super) fn captured_at(&self, frame: &Frame) -> Option<i64> {
        let clock = self.clock?;
        let rate = i64::from(clock_rate(frame.codec));
        Some(clock.ntp_us + (frame.timestamp - clock.rtp) * 1_000_000 / rate)
    }
}

/// So many of them, as this time is of all.
fn share(packets: u64, of: Duration, all: Duration) -> u64 {
    let share = u128::from(packets) * of.as_millis() / all.as_millis().max(1);
    u64::try_from(share).unwrap_or(packets)
}

#[cfg(test)]
mod tests {
    use calls_media::seam::{Codec, Layer, PayloadInfo, PeerId, TrackId};

    use super::*;
    use crate::recording::log::TrackKey;

    fn lane(source: Source) -> Lane {
        let key = LaneKey {
            segment: 0,
            track: TrackKey {
                run: 0,
                peer: 1,
                index: 0,
            },
            layer: 0,
            generation: 0,
        };
        Lane::new(key, source)
    }

    /// A VP8 key frame that is one packet (RFC 7741 §4.2).
    fn picture(seq: u64, arrival: Instant) -> Packet {
        Packet {
            track: TrackId {
                peer: PeerId(1),
                index: 0,
            },
            layer: Layer(0),
            codec: Codec::Vp8,
            seq,
            timestamp: u32::try_from(seq).expect("few") * 3600,
            marker: true,
            arrival,
            audio_level: None,
            orientation: None,
            dependency_descriptor: None,
            info: PayloadInfo {
                starts_keyframe: true,
                size: Some((640, 360)),
                ..PayloadInfo::default()
            },
            payload: vec![0x10, 0, 0x02, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01].into(),
        }
    }

    /// What was lost in all, and what is told with the picture that came so many seconds after the last.
    fn after(seconds: u64, skipped: u64, mutes: &[(bool, u64)]) -> (u64, u64, Duration) {
        on(Source::Camera, seconds, skipped, mutes)
    }

    fn on(
        source: Source,
        seconds: u64,
        skipped: u64,
        mutes: &[(bool, u64)],
    ) -> (u64, u64, Duration) {
        let (mut lane, now) = (lane(source), Instant::now());
        let at = |seconds| now + Duration::from_secs(seconds);
        lane.take(picture(1, now));
        assert_eq!(lane.drain(now).len(), 1);
        for &(muted, seconds) in mutes {
            lane.mute(muted, at(seconds));
        }
        lane.take(picture(2 + skipped, at(seconds)));
        let captured = lane.drain(at(seconds) + SILENT);
        let [captured] = &captured[..] else {
            panic!("one picture");
        };
        (lane.lost, captured.lost, captured.unsent)
    }

    #[test]
    fn what_was_sent_while_it_went_to_nobody_is_not_lost() {
        let none = Duration::ZERO;
        let ten = Duration::from_secs(10);
        assert_eq!(after(10, 500, &[]), (500, 500, none));
        assert_eq!(after(10, 500, &[(true, 1), (false, 9)]), (0, 0, ten));
        assert_eq!(after(10, 500, &[(true, 1)]), (0, 0, ten), "told later");
        let twice = [(true, 1), (false, 9), (true, 9), (false, 10)];
        assert_eq!(after(10, 500, &twice), (0, 0, ten));
    }

    #[test]
    fn what_a_network_lost_before_or_after_a_mute_is_lost() {
        let muted = Duration::from_secs(10);
        let told = after(60, 3000, &[(true, 1), (false, 10)]);
        assert_eq!(told, (2500, 2500, muted));
        let told = after(20, 1000, &[(true, 10), (false, 19)]);
        assert_eq!(told, (500, 500, muted));
        let told = after(30, 1500, &[(true, 10), (false, 20)]);
        assert_eq!(told, (1000, 1000, muted), "on both sides");
    }

    #[test]
    fn an_encoding_that_was_off_before_a_mute_or_after_it_was_not_lost() {
        let all = Duration::from_secs(40);
        assert_eq!(after(40, 3, &[(true, 30), (false, 40)]), (2, 2, all));
        assert_eq!(after(40, 3, &[(true, 0), (false, 10)]), (2, 2, all));
        let muted = Duration::from_secs(10);
        let told = after(40, 60, &[(true, 30), (false, 40)]);
        assert_eq!(told, (45, 45, muted), "as many as it sends at least");
    }

    #[test]
    fn a_screen_that_stood_still_before_or_after_a_mute_lost_nothing() {
        for mutes in [[(true, 1), (false, 10)], [(true, 40), (false, 59)]] {
            let told = on(Source::Screen, 60, 300, &mutes);
            assert_eq!(told, (0, 0, Duration::from_secs(60)), "{mutes:?}");
        }
    }

    #[test]
    fn a_screen_that_stands_still_sends_few_packets_and_all_of_them_were_lost() {
        let none = Duration::ZERO;
        assert_eq!(on(Source::Screen, 10, 3, &[]), (3, 3, none));
        let ten = Duration::from_secs(10);
        assert_eq!(on(Source::Screen, 10, 0, &[]), (0, 0, ten));
    }

    #[test]
    fn a_few_packets_that_are_missing_are_not_all_that_a_source_would_have_sent() {
        let ten = Duration::from_secs(10);
        assert_eq!(after(10, 0, &[]), (0, 0, ten));
        assert_eq!(after(10, 3, &[]), (3, 3, ten));
        assert_eq!(after(10, 25, &[]), (25, 25, Duration::ZERO));
    }

    #[test]
    fn what_was_lost_is_told_with_the_next_picture_also_when_that_is_whole_later() {
        let (mut lane, now) = (lane(Source::Camera), Instant::now());
        let later = now + Duration::from_secs(1);
        lane.take(picture(1, now));
        lane.take(picture(2, now));
        let told = |captured: Vec<Captured>| -> Vec<u64> {
            captured.iter().map(|captured| captured.lost).collect()
        };
        assert_eq!(told(lane.drain(now)), [0, 0]);
        let begins = Packet {
            marker: false,
            ..picture(5, now)
        };
        lane.take(begins);
        let none = told(lane.drain(later));
        assert!(none.is_empty(), "two are lost, and no picture is whole");
        let mut ends = picture(6, later);
        ends.timestamp = 5 * 3600;
        ends.payload = vec![0, 0x55, 0x55, 0x55, 0x55].into();
        ends.info = PayloadInfo::default();
        lane.take(ends);
        assert_eq!(told(lane.drain(later)), [2]);
        assert_eq!((lane.received, lane.lost), (4, 2));
    }
}
