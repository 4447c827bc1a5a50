//! All of it together on a path with a rate, a queue, a delay, jitter and loss, in virtual time.

use std::collections::VecDeque;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

use super::*;

const MS: Duration = Duration::from_millis(1);
const FRAME: Duration = Duration::from_millis(33);
const REPORT: Duration = Duration::from_millis(100);
const PACKET: usize = 1_100;

/// A path as `tc` would make it.
struct Link {
    rate: Bitrate,
    delay: Duration,
    jitter: Duration,
    loss: f64,
    /// Longest queue, as time.
    queue: Duration,
    free_at: Duration,
    /// The machine at its end is busy with something else for up to so long at a time, and from when until when.
    busy: Duration,
    busy_times: Vec<(Duration, Duration)>,
    rng: SmallRng,
}

impl Link {
    fn new(kbps: u64) -> Self {
        Self {
            rate: Bitrate(kbps * 1000),
            delay: 25 * MS,
            jitter: Duration::ZERO,
            loss: 0.0,
            queue: 500 * MS,
            free_at: Duration::ZERO,
            busy: Duration::ZERO,
            busy_times: Vec::new(),
            rng: SmallRng::seed_from_u64(7),
        }
    }

    /// When a packet arrives, if it does.
    fn carry(&mut self, bytes: usize, now: Duration) -> Option<Duration> {
        let begins = self.free_at.max(now);
        if begins.saturating_sub(now) > self.queue {
            return None;
        }
        self.free_at = begins
            + Duration::from_secs_f64(
                8.0 * f64::from(u32::try_from(bytes).unwrap()) / self.rate.as_f64(),
            );
        let jitter = self.jitter.mul_f64(self.rng.random_range(0.0..1.0));
        let lost = self.rng.random_bool(self.loss);
        let at = self.free_at + self.delay + jitter;
        (!lost).then(|| self.read(at))
    }

    /// When the machine at its end reads what came at this time.
    fn read(&mut self, at: Duration) -> Duration {
        let mut known = self.busy_times.last().map_or(Duration::ZERO, |last| last.1);
        while !self.busy.is_zero() && at >= known {
            let from = known + self.rng.random_range(5 * MS..60 * MS);
            known = from + self.busy.mul_f64(self.rng.random_range(0.0..1.0));
            self.busy_times.push((from, known));
        }
        let mut latest_first = self.busy_times.iter().rev();
        latest_first
            .find(|&&(from, until)| from <= at && at < until)
            .map_or(at, |&(_, until)| until)
    }
}

/// A sender of video that takes what the estimate allows, over a link.
struct World {
    zero: Instant,
    now: Duration,
    link: Link,
    congestion: Congestion,
    /// What the source would send.
    desired: Bitrate,
    sequence: u64,
    told: u64,
    arrivals: VecDeque<(u64, Option<Duration>)>,
    /// When feedback comes next.
    report: Duration,
    /// The packets of a frame go out one after the other, as a pacer lets them, and not at once: which wait, and how many bytes may
    /// go now.
    paced: bool,
    waiting: VecDeque<usize>,
    may_go: i64,
    sent: u32,
    lost: u32,
}

impl World {
    fn new(link: Link, desired_kbps: u64) -> Self {
        let zero = Instant::now();
        Self {
            zero,
            now: Duration::ZERO,
            link,
            congestion: Congestion::new(zero),
            desired: Bitrate(desired_kbps * 1000),
            sequence: 0,
            told: 0,
            arrivals: VecDeque::new(),
            report: Duration::ZERO,
            paced: false,
            waiting: VecDeque::new(),
            may_go: 0,
            sent: 0,
            lost: 0,
        }
    }

    fn send(&mut self, bytes: usize, probe: ProbeId) {
        let at = self.now;
        self.sent += 1;
        let sequence = crate::rtp::seq::low16(self.sequence);
        self.congestion.sent(sequence, bytes, probe, self.zero + at);
        let arrival = self.link.carry(bytes, at);
        self.lost += u32::from(arrival.is_none());
        self.arrivals.push_back((self.sequence, arrival));
        self.sequence += 1;
    }

    /// What the source sends now.
    fn rate(&self) -> Bitrate {
        let estimate = self.congestion.estimate();
        estimate.map_or(self.desired, |rate| rate.min(self.desired))
    }

    fn frame(&mut self) {
        let mut left = usize::try_from(self.rate().bytes_in(FRAME)).unwrap();
        while left > 0 {
            let bytes = left.min(PACKET);
            self.waiting.push_back(bytes);
            left -= bytes;
        }
    }

    fn pace(&mut self) {
        let most = i64::try_from(self.rate().times(1.25).bytes_in(MS)).unwrap();
        self.may_go = (self.may_go + most).min(2 * most);
        while (self.may_go > 0 || !self.paced)
            && let Some(bytes) = self.waiting.pop_front()
        {
            self.send(bytes, None);
            self.may_go -= i64::try_from(bytes).unwrap();
        }
    }

    fn probe(&mut self) {
        let now = self.zero + self.now;
        let Some(probe) = self.congestion.probe(self.desired, now) else {
            return;
        };
        let packet = if probe.in_small_packets { 300 } else { 1_050 };
        let mut sent = Amount::default();
        while !probe.is_all(sent) {
            self.send(packet, Some(probe.id));
            sent.add(packet as u64);
        }
    }

    fn report(&mut self) {
        let seen = self.now.saturating_sub(self.link.delay);
        if self.now < self.report || self.link.read(seen) > seen {
            return; // a busy machine does not report either
        }
        self.report = self.now + REPORT;
        let mut deltas = Vec::new();
        let base = self.told;
        let newest = self
            .arrivals
            .iter()
            .rposition(|(_, at)| at.is_some_and(|at| at <= seen));
        let Some(newest) = newest else { return };
        let ticks = |at: Duration| i64::try_from(at.as_micros() / 250).unwrap();
        let first = self
            .arrivals
            .iter()
            .take(newest + 1)
            .find_map(|(_, at)| at.filter(|&at| at <= seen));
        let reference = ticks(first.unwrap()) / 256;
        let mut before = reference * 256;
        for (number, at) in self.arrivals.drain(..=newest) {
            self.told = number + 1;
            deltas.push(at.filter(|&at| at <= seen).map(|at| {
                let delta = ticks(at) - before;
                before = ticks(at);
                i16::try_from(delta).unwrap()
            }));
        }
        let feedback = TransportFeedback {
            base: crate::rtp::seq::low16(base),
            reference: u32::try_from(reference).unwrap(),
            deltas,
        };
        self.congestion
            .feedback(&feedback, Some(2 * self.link.delay), self.zero + self.now);
    }

    /// Voices, which leave whatever is believed of the path, each at its own time.
    fn speak(&mut self, seconds: f64, voices: u32) {
        let until = self.now + Duration::from_secs_f64(seconds);
        while self.now < until {
            let phase = u32::try_from(self.now.as_millis() % 20).unwrap();
            let due = (0..voices).filter(|voice| voice * 20 / voices == phase);
            due.for_each(|_| self.send(120, None));
            self.report();
            self.congestion.handle_timeout(self.zero + self.now);
            self.probe();
            self.now += MS;
        }
    }

    /// Lets so many seconds pass.
    fn run(&mut self, seconds: f64) {
        let until = self.now + Duration::from_secs_f64(seconds);
        let mut frame = self.now;
        while self.now < until {
            if self.now >= frame {
                self.frame();
                frame += FRAME;
            }
            self.pace();
            self.report();
            self.congestion.handle_timeout(self.zero + self.now);
            self.probe();
            self.now += MS;
        }
    }

    fn kbps(&self) -> u64 {
        self.congestion.estimate().expect("feedback came").0 / 1000
    }
}

#[test]
fn an_open_path_is_found_within_two_seconds() {
    let mut world = World::new(Link::new(50_000), 8_000);
    world.run(2.0);
    assert!(world.kbps() >= 8_000, "{}", world.kbps());
    assert!(!world.congestion.is_limited());
}

#[test]
fn a_narrow_path_is_filled_but_not_flooded() {
    let mut world = World::new(Link::new(1_000), 5_000);
    world.run(10.0);
    assert!(world.congestion.is_limited());
    let mut sum = 0;
    for _ in 0..20 {
        world.run(1.0);
        sum += world.kbps();
        let queued = world.link.free_at.saturating_sub(world.now);
        assert!(
            queued < 300 * MS,
            "{queued:?} wait at {} kbit/s",
            world.kbps()
        );
    }
    assert!((700..1_050).contains(&(sum / 20)), "{}", sum / 20);
}

#[test]
fn a_path_that_narrows_is_obeyed_within_a_second_and_found_again_when_it_widens() {
    let mut world = World::new(Link::new(3_000), 1_700);
    world.run(10.0);
    assert!(world.kbps() >= 1_700, "{}", world.kbps());
    world.link.rate = Bitrate(300_000);
    world.run(1.5);
    assert!(world.kbps() < 400, "{}", world.kbps());
    world.run(18.5);
    assert!((150..310).contains(&world.kbps()), "{}", world.kbps());
    world.link.rate = Bitrate(3_000_000);
    world.run(12.0);
    assert!(world.kbps() >= 1_700, "{}", world.kbps());
}

#[test]
fn ordinary_loss_changes_nothing() {
    let mut link = Link::new(20_000);
    link.loss = 0.05;
    let mut world = World::new(link, 2_000);
    world.run(20.0);
    assert!(world.kbps() >= 2_000, "{}", world.kbps());
}

#[test]
fn heavy_loss_brings_it_down() {
    let mut world = World::new(Link::new(20_000), 4_000);
    world.run(5.0);
    world.link.loss = 0.3;
    world.run(5.0);
    assert!(world.kbps() < 2_000, "{}", world.kbps());
}

#[test]
fn jitter_is_not_taken_for_congestion() {
    let mut link = Link::new(20_000);
    link.jitter = 15 * MS;
    let mut world = World::new(link, 2_000);
    world.run(20.0);
    assert!(world.kbps() >= 1_500, "{}", world.kbps());
}

#[test]
fn a_listener_whose_machine_is_busy_takes_what_is_wanted_again_within_15_s_of_a_narrow_moment() {
    for busy in [40, 80, 120, 160, 200] {
        for (seed, loss) in (0..12).zip([0.0, 0.01].into_iter().cycle()) {
            let mut link = Link::new(100);
            link.busy = busy * MS;
            link.rng = SmallRng::seed_from_u64(seed);
            let mut world = World::new(link, 900);
            world.speak(3.0, 3); // pictures are withheld, voices are not
            assert!(world.kbps() < 200, "{}", world.kbps());
            (world.link.rate, world.link.loss) = (Bitrate(50_000_000), loss);
            world.speak(15.0, 3);
            assert!(
                world.kbps() >= 900,
                "{} kbit/s, busy for up to {busy} ms, {loss} lost (seed {seed})",
                world.kbps()
            );
        }
    }
}

#[test]
fn a_listener_whose_machine_is_busy_is_not_believed_to_take_more_than_its_path_carries() {
    for busy in [40, 80, 120, 160, 200] {
        for seed in 0..6 {
            let link = |kbps| Link {
                busy: busy * MS,
                rng: SmallRng::seed_from_u64(seed),
                ..Link::new(kbps)
            };
            let mut world = World::new(link(100), 900);
            world.speak(3.0, 3);
            world.link.rate = Bitrate(300_000);
            for second in 0..30 {
                world.speak(1.0, 3);
                assert!(
                    world.kbps() < 600,
                    "{} kbit/s after {second} s, busy for up to {busy} ms (seed {seed})",
                    world.kbps()
                );
            }
            let mut world = World::new(link(300), 900);
            world.run(10.0);
            for _ in 0..20 {
                world.run(1.0);
                let queued = world.link.free_at.saturating_sub(world.now);
                assert!(queued < 400 * MS, "{queued:?}, busy {busy} (seed {seed})");
            }
        }
    }
}

#[test]
fn a_short_queue_is_not_kept_overflowing() {
    // Packets that come close together overflow a queue of a few of them long before it shows.
    for (kbps, queue, most_percent) in [
        (300, 10, 7.5),
        (300, 20, 7.0),
        (300, 40, 2.5),
        (2_000, 10, 4.0),
        (2_000, 20, 5.5),
        (2_000, 40, 0.1),
        (10_000, 10, 6.0),
        (10_000, 20, 7.0),
        (10_000, 40, 0.1),
    ] {
        let (mut sent, mut lost) = (0, 0);
        for delay in [10, 20, 30, 40, 50, 60] {
            let mut link = Link::new(kbps);
            link.queue = queue * MS;
            link.delay = delay * MS;
            let mut world = World::new(link, kbps * 5 / 2);
            world.paced = true;
            world.run(10.0);
            let before = (world.sent, world.lost);
            world.run(30.0);
            sent += world.sent - before.0;
            lost += world.lost - before.1;
        }
        let percent = 100.0 * f64::from(lost) / f64::from(sent);
        assert!(
            percent < most_percent,
            "{percent:.2} % lost at {kbps} kbit/s behind {queue} ms"
        );
    }
}

#[test]
fn a_path_that_goes_silent_is_believed_less_and_less() {
    let mut world = World::new(Link::new(20_000), 2_000);
    world.run(5.0);
    world.link.loss = 1.0;
    world.run(6.0);
    assert!(world.kbps() < 500, "{}", world.kbps());
}

#[test]
fn before_any_feedback_nothing_is_known() {
    let congestion = Congestion::new(Instant::now());
    assert_eq!(congestion.estimate(), None);
}

#[test]
fn what_the_receiver_says_it_can_take_is_a_ceiling() {
    let mut world = World::new(Link::new(20_000), 2_000);
    world.run(3.0);
    let mut now = Instant::now();
    for _ in 0..4 {
        world.congestion.left(250_000);
        now += Duration::from_secs(1);
        world.congestion.remb(Bitrate(500_000), now);
    }
    assert_eq!(world.kbps(), 500);
}
