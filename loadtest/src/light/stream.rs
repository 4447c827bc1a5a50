//! One received stream, followed by what stands in the headers of its packets.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rtc::rtcp::reception_report::ReceptionReport;
use rtc::rtcp::sender_report::SenderReport;

use crate::tally::Kind;

/// A jump further than this is a stream that began anew, not a gap.
const MAX_GAP: u64 = 3000;

/// Missing packets that are remembered.
const MAX_MISSING: usize = 1000;

/// A packet may come late by so much before it is asked for.
const PATIENCE: Duration = Duration::from_millis(10);

/// From one request to the next for the same packet.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// After so many requests a packet is given up, and a key frame asked for.
const MOST_REQUESTS: u8 = 5;

/// Key frames are asked for at most this often.
const KEY_FRAME_PAUSE: Duration = Duration::from_millis(500);

/// How a packet fits into its stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It is the next, after so many that are missing.
    Next(u64),
    /// It was missing, and is not any more.
    Late,
    /// It was here before.
    Again,
}

/// What is to be asked of the sender.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Packets to send again.
    pub(super) packets: Vec<u16>,
    /// A key frame.
    pub(super) key_frame: bool,
}

struct Gap {
    due: Instant,
    requests: u8,
}

/// So many regular reports, a second from one to the next, without anything between them: it stands still.
const STILL: u8 = 3;

/// One received stream.
pub(super) struct Stream {
    pub(super) ssrc: u32,
    pub(super) kind: Kind,
    /// The encoding that it shows; none while it stands still.
    pub(super) layer: Option<u8>,
    /// Regular reports since something of it came.
    reports: u8,
    first: Option<u64>,
    highest: u64,
    received: u64,
    /// Expected and received at the last report.
    reported: (u64, u64),
    jitter: f64,
    transit: Option<f64>,
    sender_report: Option<(u32, Instant)>,
    missing: BTreeMap<u64, Gap>,
    key_frame_asked: Option<Instant>,
}

impl Stream {
    /// A stream of which nothing came yet.
    pub(super) fn new(ssrc: u32, kind: Kind) -> Self {
        Self {
            ssrc,
            kind,
            layer: None,
            reports: 0,
            first: None,
            highest: 0,
            received: 0,
            reported: (0, 0),
            jitter: 0.0,
            transit: None,
            sender_report: None,
            missing: BTreeMap::new(),
            key_frame_asked: None,
        }
    }

    /// Takes the next packet's number.
    pub(super) fn on(&mut self, number: u16, now: Instant) -> Place {
        let Some(first) = self.first else {
            // One cycle ahead, so that what was sent before it is no negative number.
            self.begin(0x1_0000 + u64::from(number));
            return Place::Next(0);
        };
        let extended = self.extend(number);
        if extended > self.highest {
            let gap = extended - self.highest - 1;
            if gap > MAX_GAP {
                self.missing.clear();
                self.begin(extended);
                return Place::Next(0);
            }
            for lost in self.highest + 1..extended {
                let due = now + PATIENCE;
                self.missing.insert(lost, Gap { due, requests: 0 });
            }
            while self.missing.len() > MAX_MISSING {
                self.missing.pop_first();
            }
            self.highest = extended;
            self.received += 1;
            return Place::Next(gap);
        }
        if extended < first {
            return Place::Again;
        }
        self.fill(extended)
    }

    /// A retransmission of this packet came.
    pub(super) fn repaired(&mut self, number: u16) -> Place {
        let extended = self.extend(number);
        self.fill(extended)
    }

    fn begin(&mut self, extended: u64) {
        self.first = Some(extended);
        self.highest = extended;
        self.received = 1;
        self.reported = (0, 0);
    }

    fn fill(&mut self, extended: u64) -> Place {
        match self.missing.remove(&extended) {
            Some(_) => {
                self.received += 1;
                Place::Late
            }
            None => Place::Again,
        }
    }

    /// The number in full that is nearest to the highest one.
    fn extend(&self, number: u16) -> u64 {
        let [low, high, ..] = self.highest.to_le_bytes();
        let ahead = number.wrapping_sub(u16::from_le_bytes([low, high]));
        if ahead < 0x8000 {
            self.highest + u64::from(ahead)
        } else {
            self.highest.saturating_sub(u64::from(ahead.wrapping_neg()))
        }
    }

    /// Follows jitter (RFC 3550 appendix A.8). Times are in units of the stream's RTP clock.
    pub(super) fn arrived(&mut self, timestamp: u32, since_start: Duration) {
        let clock = match self.kind {
            Kind::Audio => 48_000.0,
            Kind::Video => 90_000.0,
        };
        let transit = since_start.as_secs_f64() * clock - f64::from(timestamp);
        if let Some(before) = self.transit.replace(transit) {
            let change = (transit - before).abs();
            // A jump of a minute is a timestamp that wrapped or began anew.
            if change < 60.0 * clock {
                self.jitter += (change - self.jitter) / 16.0;
            }
        }
    }

    /// Something to show or to hear came.
    pub(super) fn moves(&mut self) {
        self.reports = 0;
    }

    /// The next regular report is due, and nothing came for two seconds at least.
    pub(super) fn stands_still(&mut self) -> bool {
        self.reports = self.reports.saturating_add(1);
        self.reports >= STILL
    }

    /// The sender told of itself.
    pub(super) fn told(&mut self, report: &SenderReport, now: Instant) {
        let [_, _, a, b, c, d, _, _] = report.ntp_time.to_be_bytes();
        self.sender_report = Some((u32::from_be_bytes([a, b, c, d]), now));
    }

    /// What to tell the sender of its stream; nothing while nothing came.
    pub(super) fn report(&mut self, now: Instant) -> Option<ReceptionReport> {
        let expected = self.highest - self.first? + 1;
        let lost = expected.saturating_sub(self.received);
        let (was_expected, was_received) = self.reported;
        let lately = expected - was_expected;
        let lost_lately = lately.saturating_sub(self.received - was_received);
        self.reported = (expected, self.received);
        let (last_sender_report, delay) = self.sender_report.map_or((0, 0), |(ntp, at)| {
            let delay = now.saturating_duration_since(at).as_micros() * 65_536 / 1_000_000;
            (ntp, u32::try_from(delay).unwrap_or(u32::MAX))
        });
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative, and far below 2^32"
        )]
        let jitter = self.jitter as u32;
        Some(ReceptionReport {
            ssrc: self.ssrc,
            fraction_lost: u8::try_from(256 * lost_lately / lately.max(1)).unwrap_or(u8::MAX),
            total_lost: u32::try_from(lost.min(0x7f_ffff)).unwrap_or(0),
            last_sequence_number: u32::try_from(self.highest & 0xffff_ffff).unwrap_or(0),
            jitter,
            last_sender_report,
            delay,
        })
    }

    /// When [`Stream::wanted`] has something to ask for.
    pub(super) fn due(&self) -> Option<Instant> {
        self.missing.values().map(|gap| gap.due).min()
    }

    /// What is due to be asked of the sender. What was asked for too often is forgotten.
    pub(super) fn wanted(&mut self, now: Instant) -> Wanted {
        let mut wanted = Wanted::default();
        let mut hopeless = false;
        self.missing.retain(|number, gap| {
            if gap.due > now {
                return true;
            }
            if gap.requests == MOST_REQUESTS {
                hopeless = true;
                return false;
            }
            gap.requests += 1;
            gap.due = now + ASK_AGAIN;
            let [low, high, ..] = number.to_le_bytes();
            wanted.packets.push(u16::from_le_bytes([low, high]));
            true
        });
        let asked_lately = self
            .key_frame_asked
            .is_some_and(|at| now.saturating_duration_since(at) < KEY_FRAME_PAUSE);
        if hopeless && self.kind == Kind::Video && !asked_lately {
            self.key_frame_asked = Some(now);
            wanted.key_frame = true;
        }
        wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream() -> (Stream, Instant) {
        (Stream::new(7, Kind::Video), Instant::now())
    }

    #[test]
    fn numbers_go_on_over_the_wrap() {
        let (mut stream, now) = stream();
        let places: Vec<_> = [65_534, 65_535, 0, 1]
            .map(|number| stream.on(number, now))
            .into();
        assert_eq!(places, [Place::Next(0); 4]);
        assert_eq!(stream.report(now).unwrap().last_sequence_number, 0x2_0001);
    }

    #[test]
    fn a_gap_is_filled_by_late_packets_and_retransmissions_once_each() {
        let (mut stream, now) = stream();
        assert_eq!(stream.on(10, now), Place::Next(0));
        assert_eq!(stream.on(13, now), Place::Next(2));
        assert_eq!(stream.on(11, now), Place::Late);
        assert_eq!(stream.on(11, now), Place::Again);
        assert_eq!(stream.repaired(12), Place::Late);
        assert_eq!(stream.repaired(12), Place::Again);
        assert_eq!(stream.report(now).unwrap().total_lost, 0);
    }

    #[test]
    fn a_stream_that_begins_anew_is_no_loss() {
        let (mut stream, now) = stream();
        stream.on(10, now);
        assert_eq!(stream.on(20_000, now), Place::Next(0));
        assert_eq!(stream.report(now).unwrap().total_lost, 0);
    }

    #[test]
    fn what_is_missing_is_asked_for_again_and_again_and_then_a_key_frame_is() {
        let (mut stream, now) = stream();
        stream.on(10, now);
        stream.on(12, now);
        assert_eq!(stream.wanted(now), Wanted::default(), "it may be late");
        let mut at = now;
        for _ in 0..MOST_REQUESTS {
            at = stream.due().unwrap();
            assert_eq!(stream.wanted(at).packets, [11]);
        }
        let last = stream.wanted(at + ASK_AGAIN);
        assert_eq!((last.packets.len(), last.key_frame), (0, true));
        assert_eq!(stream.due(), None);
    }

    #[test]
    fn a_report_tells_the_share_that_was_lost_since_the_last() {
        let (mut stream, now) = stream();
        stream.on(0, now);
        stream.on(3, now);
        let report = stream.report(now).unwrap();
        assert_eq!((report.fraction_lost, report.total_lost), (128, 2));
        stream.on(4, now);
        let report = stream.report(now).unwrap();
        assert_eq!((report.fraction_lost, report.total_lost), (0, 2));
    }
}
