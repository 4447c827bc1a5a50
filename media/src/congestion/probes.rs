//! Trying more than is needed: short bursts, faster than the media, that show what the path carries.

use std::num::NonZeroU16;
use std::time::{Duration, Instant};

use super::CEILING;
use super::ledger::Acknowledged;
use crate::seam::Bitrate;

/// How long a probe lasts.
const LENGTH: Duration = Duration::from_millis(15);
/// Packets that a probe takes at least: fewer tell nothing.
const LEAST_PACKETS: u32 = 5;
/// Packets of pictures are about so large. Where fewer bytes than that many of them are wanted, smaller ones do it.
const PACKET: u64 = 1_000;
const SMALL_PACKET: u64 = 250;
/// One that lost more than the rest of this share, in percent, shows nothing.
const LEAST_PERCENT: u64 = 80;
/// How much faster than the estimate is tried.
const STEP: f64 = 2.0;
/// More than so many times what is wanted need not be tried.
const MARGIN: f64 = 1.25;
/// A probe that shows at least this share of its own rate shows no limit.
const CLEAR: f64 = 0.9;
/// What is believed of one that shows a limit.
const TRUST: f64 = 0.95;
/// How long the rest of a probe is waited for.
const PATIENCE: Duration = Duration::from_millis(600);
/// After a probe that came through, the next is tried soon; after one that showed a limit, or got lost on a lossy path, ever
/// later.
const AFTER_SUCCESS: Duration = Duration::from_millis(100);
const AFTER_LIMIT: Duration = Duration::from_secs(3);
const AFTER_LIMIT_MOST: Duration = Duration::from_secs(8);

/// A probe to send now: one burst.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Probe {
    /// Names its packets.
    pub(crate) id: NonZeroU16,
    /// How much to send at least, with all that packets carry besides their payload.
    pub(crate) bytes: u64,
    /// In packets of about 250 bytes, not 1000.
    pub(crate) in_small_packets: bool,
}

impl Probe {
    /// This much is all of it.
    pub(crate) fn is_all(&self, amount: Amount) -> bool {
        amount.packets >= LEAST_PACKETS && amount.bytes >= self.bytes
    }

    /// This much tells about as much as all of it.
    fn is_enough(&self, amount: Amount) -> bool {
        amount.packets >= LEAST_PACKETS && amount.bytes * 100 >= self.bytes * LEAST_PERCENT
    }
}

/// So many packets, and how large they were together.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Amount {
    packets: u32,
    bytes: u64,
}

impl Amount {
    /// One more, of this size.
    pub(crate) fn add(&mut self, bytes: u64) {
        self.packets += 1;
        self.bytes += bytes;
    }
}

/// What a probe has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    /// What the path carries.
    pub(super) rate: Bitrate,
    /// It came in slower than it went out.
    pub(super) is_slower: bool,
}

#[derive(Debug, Clone, Copy)]
struct Running {
    probe: Probe,
    rate: Bitrate,
    until: Instant,
    /// So much of it came in.
    came: Amount,
    /// First and last departure and arrival of what came in, and bytes of the first and the last packet.
    sent: Option<(Duration, Duration)>,
    arrived: Option<(Duration, Duration)>,
    /// How much longer the first that came in was on its way than others.
    queued: Duration,
    first_bytes: u64,
    last_bytes: u64,
}

/// Plans probes and reads what they show.
#[derive(Debug, Default)]
pub(crate) struct Probes {
    running: Option<Running>,
    count: u16,
    rests_until: Option<Instant>,
    pause: Option<Duration>,
}

impl Probes {
    /// A probe that is worth sending now.
    pub(super) fn plan(
        &mut self,
        estimate: Bitrate,
        desired: Bitrate,
        now: Instant,
    ) -> Option<Probe> {
        let enough = enough(desired);
        let rests = self.rests_until.is_some_and(|until| now < until);
        if self.running.is_some() || rests || enough <= estimate {
            return None;
        }
        let rate = estimate.times(STEP).min(enough);
        let least = u64::from(LEAST_PACKETS);
        let bytes = rate.bytes_in(LENGTH).max(least * SMALL_PACKET);
        self.count = self.count.checked_add(1).unwrap_or(1);
        let probe = Probe {
            id: NonZeroU16::new(self.count)?,
            bytes,
            in_small_packets: bytes < least * PACKET,
        };
        self.running = Some(Running {
            probe,
            rate,
            until: now + PATIENCE,
            came: Amount::default(),
            sent: None,
            arrived: None,
            queued: Duration::ZERO,
            first_bytes: 0,
            last_bytes: 0,
        });
        Some(probe)
    }

    /// When the next is worth sending; `None` while one is under way, and where nothing more is wanted. The first may
    /// go at `first`.
    pub(super) fn next(
        &self,
        estimate: Bitrate,
        desired: Bitrate,
        first: Instant,
    ) -> Option<Instant> {
        let wanted = self.running.is_none() && enough(desired) > estimate;
        wanted.then(|| self.rests_until.unwrap_or(first))
    }

    /// When the one under way is given up.
    pub(super) fn given_up(&self) -> Option<Instant> {
        self.running.map(|running| running.until)
    }

    /// A packet came in, and was on its way for so much longer than the fastest lately.
    pub(super) fn arrived(&mut self, packet: &Acknowledged, arrival: Duration, queued: Duration) {
        let Some(running) = self
            .running
            .as_mut()
            .filter(|running| packet.probe == Some(running.probe.id))
        else {
            return;
        };
        let span = |span: Option<(Duration, Duration)>, at: Duration| {
            Some(span.map_or((at, at), |(first, last)| (first.min(at), last.max(at))))
        };
        if running.arrived.is_none() {
            running.first_bytes = packet.bytes.into();
            running.queued = queued;
        }
        running.last_bytes = packet.bytes.into();
        running.sent = span(running.sent, packet.sent);
        running.arrived = span(running.arrived, arrival);
        running.came.add(packet.bytes.into());
    }

    /// What the running probe has shown, once all of it came in or it is given up: a limit, or a lossy path, lengthens the pause
    /// until the next, and chance does not. The listener lately read `at_once` what came in one after the other; the path is
    /// `lossy`.
    pub(super) fn result(&mut self, at_once: bool, lossy: bool, now: Instant) -> Option<Shown> {
        let running = self.running?;
        if !running.probe.is_all(running.came) && now < running.until {
            return None;
        }
        self.running = None;
        let enough = running.probe.is_enough(running.came);
        let shown = enough.then(|| running.read(at_once)).flatten();
        match shown {
            Some(shown) => self.rest(shown.is_slower, now),
            None if lossy => self.rest(true, now),
            // Of the few packets of a small probe one that is lost by chance is too many.
            None => self.rests_until = Some(now + AFTER_LIMIT),
        }
        shown
    }

    /// The path is overused: what is under way counts for nothing, and nothing is tried for a while.
    pub(super) fn abandon(&mut self, now: Instant) {
        self.running = None;
        self.rest(true, now);
    }

    fn rest(&mut self, failed: bool, now: Instant) {
        let pause = if failed {
            self.pause.map_or(AFTER_LIMIT, |pause| {
                (pause * 2).clamp(AFTER_LIMIT, AFTER_LIMIT_MOST)
            })
        } else {
            AFTER_SUCCESS
        };
        self.pause = failed.then_some(pause);
        self.rests_until = Some(now + pause);
    }
}

/// What is tried at most: what is wanted, and a little, so that it fits well.
fn enough(desired: Bitrate) -> Bitrate {
    desired.times(MARGIN).min(CEILING)
}

impl Running {
    fn read(&self, at_once: bool) -> Option<Shown> {
        let held_up = if at_once { self.queued } else { Duration::ZERO };
        let rate = |(first, last): (Duration, Duration), held_up: Duration, bytes: u64| {
            let span = last.saturating_sub(first) + held_up;
            (!span.is_zero()).then(|| Bitrate::of(bytes, span))
        };
        // The last packet went out at the end of the span, the first came in at its beginning.
        let none = Duration::ZERO;
        let sent = rate(self.sent?, none, self.came.bytes - self.last_bytes).unwrap_or(self.rate);
        let came = self.came.bytes - self.first_bytes;
        let arrived = rate(self.arrived?, none, came).unwrap_or(sent);
        // While the first was held up the rest drew near: it may have come in over that much more time.
        let sure = rate(self.arrived?, held_up, came).unwrap_or(sent);
        let sent = sent.min(self.rate.times(1.5));
        let is_slower = arrived.as_f64() < sent.as_f64() * CLEAR;
        let rate = if is_slower {
            sure.times(TRUST)
        } else {
            sent.min(sure)
        };
        Some(Shown { rate, is_slower })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const M: Bitrate = Bitrate(1_000_000);

    /// Sends a probe over a path that carries so much, in packets of this size of which `arrives` says which come in; what it
    /// shows.
    fn send_in(
        probes: &mut Probes,
        probe: Probe,
        packet: u16,
        path: Bitrate,
        arrives: impl Fn(u32) -> bool,
        now: Instant,
    ) -> Option<Shown> {
        let gap = Duration::from_secs_f64(8.0 * f64::from(packet) / path.as_f64());
        let mut sent = Amount::default();
        while !probe.is_all(sent) {
            let number = sent.packets;
            sent.add(packet.into());
            let arrival = 50 * MS + number * gap;
            let acknowledged = Acknowledged {
                sent: Duration::ZERO,
                arrival: Some(arrival),
                bytes: packet,
                probe: Some(probe.id),
            };
            if arrives(number) {
                probes.arrived(&acknowledged, arrival, Duration::ZERO);
            }
        }
        probes.result(false, false, now)
    }

    fn send(probes: &mut Probes, probe: Probe, path: Bitrate, now: Instant) -> Option<Shown> {
        let packet = if probe.in_small_packets { 300 } else { 1_050 };
        send_in(probes, probe, packet, path, |_| true, now)
    }

    #[test]
    fn what_is_wanted_is_tried_step_by_step() {
        let mut probes = Probes::default();
        let now = Instant::now();
        let probe = probes.plan(M, Bitrate(10_000_000), now).unwrap();
        let shown = send(&mut probes, probe, Bitrate(50_000_000), now).unwrap();
        assert!(!shown.is_slower);
        assert!(shown.rate >= Bitrate(1_900_000), "{shown:?}");
        assert!(
            probes
                .plan(shown.rate, Bitrate(10_000_000), now + AFTER_SUCCESS)
                .is_some()
        );
    }

    #[test]
    fn nothing_is_tried_when_all_fits() {
        assert_eq!(
            Probes::default().plan(M, Bitrate(700_000), Instant::now()),
            None
        );
    }

    #[test]
    fn a_path_that_is_full_is_measured_and_left_in_peace() {
        let mut probes = Probes::default();
        let now = Instant::now();
        let probe = probes.plan(M, Bitrate(10_000_000), now).unwrap();
        let shown = send(&mut probes, probe, Bitrate(1_200_000), now).unwrap();
        assert!(shown.is_slower);
        assert!((1_000_000..1_250_000).contains(&shown.rate.0), "{shown:?}");
        assert!(
            probes
                .plan(shown.rate, Bitrate(10_000_000), now + 1000 * MS)
                .is_none()
        );
        assert!(
            probes
                .plan(shown.rate, Bitrate(10_000_000), now + AFTER_LIMIT)
                .is_some()
        );
    }

    #[test]
    fn a_probe_most_of_which_gets_lost_shows_nothing_however_small_its_packets_are() {
        let now = Instant::now();
        let fast = Bitrate(100_000_000);
        for packet in [300, 1_050, 1_450] {
            for (lost_of_ten, shows) in [(0, true), (1, true), (3, false), (6, false)] {
                let mut probes = Probes::default();
                let probe = probes.plan(Bitrate(8_000_000), Bitrate(50_000_000), now);
                let arrives = |number| number % 10 >= lost_of_ten;
                let at_once = send_in(&mut probes, probe.unwrap(), packet, fast, arrives, now);
                let shown = at_once.or_else(|| probes.result(false, false, now + PATIENCE));
                assert_eq!(shown.is_some(), shows, "{packet} bytes, {lost_of_ten}");
            }
        }
    }

    #[test]
    fn whatever_the_size_of_its_packets_a_probe_that_comes_in_is_complete_at_once() {
        let now = Instant::now();
        let fast = Bitrate(100_000_000);
        for kbps in [200, 1_400, 2_100, 4_000, 8_000, 20_000] {
            for packet in [300, 600, 1_050, 1_200, 1_450] {
                let mut probes = Probes::default();
                let estimate = Bitrate(kbps * 1000);
                let probe = probes.plan(estimate, Bitrate(50_000_000), now).unwrap();
                let shown = send_in(&mut probes, probe, packet, fast, |_| true, now);
                let shown = shown.expect("nothing was lost");
                assert!(!shown.is_slower, "{kbps} kbit/s in {packet} bytes");
                assert_eq!(shown.rate, estimate.times(STEP), "in {packet} bytes");
            }
        }
    }

    #[test]
    fn a_probe_that_was_held_up_and_read_at_once_shows_no_more_than_it_can() {
        for (held_up, most) in [(0, 2_000_000), (50, 500_000), (200, 125_000)] {
            let mut probes = Probes::default();
            let now = Instant::now();
            let probe = probes.plan(M, Bitrate(10_000_000), now).unwrap();
            let packet = Acknowledged {
                sent: Duration::ZERO,
                arrival: Some(MS),
                bytes: 625,
                probe: Some(probe.id),
            };
            for _ in 0..6 {
                probes.arrived(&packet, MS, held_up * MS);
            }
            let shown = probes.result(true, false, now).expect("all of it came in");
            assert!(shown.rate <= Bitrate(most), "{shown:?} after {held_up} ms");
            assert!(!shown.is_slower);
        }
    }

    #[test]
    fn a_probe_that_gets_lost_shows_nothing_and_is_followed_by_a_pause() {
        let mut probes = Probes::default();
        let now = Instant::now();
        probes.plan(M, Bitrate(10_000_000), now).unwrap();
        assert_eq!(probes.result(false, false, now + 100 * MS), None);
        assert_eq!(probes.result(false, false, now + PATIENCE), None);
        assert!(
            probes
                .plan(M, Bitrate(10_000_000), now + PATIENCE + MS)
                .is_none()
        );
    }

    #[test]
    fn after_probes_that_get_lost_the_pause_grows_only_where_much_gets_lost() {
        for lossy in [false, true] {
            let mut probes = Probes::default();
            let mut now = Instant::now();
            for after in [
                AFTER_LIMIT,
                if lossy { AFTER_LIMIT * 2 } else { AFTER_LIMIT },
            ] {
                probes.plan(M, Bitrate(10_000_000), now).unwrap();
                now += PATIENCE;
                assert_eq!(probes.result(false, lossy, now), None);
                let next = probes.next(M, Bitrate(10_000_000), now);
                assert_eq!(next, Some(now + after), "{lossy}");
                now += after;
            }
        }
    }
}
