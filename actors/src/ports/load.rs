//! How busy the thread of a port is, and which of them takes whom.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often the load is measured.
pub(crate) const TICK: Duration = Duration::from_secs(1);

/// Who has not measured for so long is stuck, and takes nobody.
const STUCK: Duration = Duration::from_secs(4);

/// A thread takes newcomers until it is so busy, in thousandths of a core. A packet that finds its thread awake costs half of
/// one that must wake it, so few threads are kept busy rather than many half asleep; the rest is there for what those inside
/// will send later.
const FULL: u32 = 300;

/// A member of a large room goes to another thread only if that has so much less to do.
const MARGIN: u32 = 100;

/// What a room is expected to take that was just placed and has nobody in it yet.
const ROOM: u32 = 10;

/// What somebody is expected to take who was just placed apart from their room.
const MEMBER: u32 = 2;

/// How busy a port's thread is, readable from every thread. In thousandths of a core.
pub(crate) struct Load {
    start: Instant,
    /// Milliseconds from the start to the latest measurement.
    measured: AtomicU64,
    /// What it ran, and what it would have run, had there been a core.
    busy: AtomicU32,
    /// What is to be expected of those placed lately; halves with every tick.
    pledged: AtomicU32,
}

impl Load {
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            measured: AtomicU64::new(0),
            busy: AtomicU32::new(0),
            pledged: AtomicU32::new(0),
        }
    }

    /// With what is to be expected; as much as can be where nothing is measured any more.
    pub(crate) fn busy(&self) -> u32 {
        let measured = Duration::from_millis(self.measured.load(Ordering::Relaxed));
        if self.start.elapsed().saturating_sub(measured) > STUCK {
            return u32::MAX;
        }
        let expected = self.pledged.load(Ordering::Relaxed);
        (self.busy.load(Ordering::Relaxed)).saturating_add(expected)
    }

    /// A room was placed here.
    pub(crate) fn pledge_room(&self) {
        self.pledged.fetch_add(ROOM, Ordering::Relaxed);
    }

    /// Somebody was placed here whose room is elsewhere.
    pub(crate) fn pledge_member(&self) {
        self.pledged.fetch_add(MEMBER, Ordering::Relaxed);
    }

    /// Once a [`TICK`]: it was so busy since the last.
    pub(crate) fn tick(&self, busy: u32) {
        self.busy.store(busy, Ordering::Relaxed);
        let half = |pledged| Some(pledged / 2);
        let _ = (self.pledged).fetch_update(Ordering::Relaxed, Ordering::Relaxed, half); // never refused
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.measured.store(now, Ordering::Relaxed);
    }
}

/// Measures the present thread.
pub(crate) struct Meter {
    at: Instant,
    wanted: Duration,
}

impl Meter {
    /// Begins now.
    pub(crate) fn start() -> Self {
        Self {
            at: Instant::now(),
            wanted: wanted(),
        }
    }

    /// The share of a core that this thread wanted since it was asked last, in thousandths.
    pub(crate) fn read(&mut self) -> u32 {
        let before = std::mem::replace(self, Self::start());
        let span = (self.at - before.at).as_micros().max(1);
        let wanted = self.wanted.saturating_sub(before.wanted).as_micros();
        u32::try_from(wanted * 1000 / span).unwrap_or(u32::MAX)
    }
}

/// How long this thread has run, and waited for a core while it could have run (proc(5), `schedstat`). Where the kernel does not
/// tell that, only how long it ran.
fn wanted() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let mut numbers = told.split_ascii_whitespace().map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(ran)), Some(Ok(waited))) => {
            Duration::from_nanos(ran) + Duration::from_nanos(waited)
        }
        _ => nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID)
            .map(Duration::from)
            .unwrap_or_default(),
    }
}

/// The thread for a room: the busiest of those that take newcomers, or else the least busy. `None` where there is no thread.
pub(crate) fn for_room(busy: impl Iterator<Item = u32> + Clone) -> Option<usize> {
    let all = busy.enumerate();
    let open = all.clone().filter(|&(_, busy)| busy < FULL);
    let busiest = open.min_by_key(|&(_, busy)| std::cmp::Reverse(busy));
    busiest
        .or_else(|| all.min_by_key(|&(_, busy)| busy))
        .map(|(index, _)| index)
}

/// The thread for a member of a large room: that of the room until it is full, then the least busy, if that makes a difference.
pub(crate) fn for_member(busy: impl Iterator<Item = u32> + Clone, home: usize) -> usize {
    let at_home = busy.clone().nth(home).unwrap_or_default();
    if at_home < FULL {
        return home;
    }
    let least = busy.enumerate().min_by_key(|&(_, busy)| busy);
    least
        .filter(|&(_, busy)| busy.saturating_add(MARGIN) < at_home)
        .map_or(home, |(index, _)| index)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(busy: &[u32]) -> Option<usize> {
        for_room(busy.iter().copied())
    }

    fn member(busy: &[u32], home: usize) -> usize {
        for_member(busy.iter().copied(), home)
    }

    #[test]
    fn rooms_share_a_thread_until_it_is_full() {
        assert_eq!(room(&[0, 0, 0]), Some(0));
        assert_eq!(room(&[0, 120, 40]), Some(1));
        assert_eq!(room(&[FULL, 120, 40]), Some(1));
        assert_eq!(room(&[FULL, FULL + 1, 0]), Some(2));
    }

    #[test]
    fn where_all_are_full_the_least_busy_takes_the_room() {
        assert_eq!(room(&[700, 400, u32::MAX]), Some(1));
        assert_eq!(room(&[]), None);
    }

    #[test]
    fn a_member_stays_with_the_room_until_its_thread_is_full() {
        assert_eq!(member(&[0, FULL - 1], 1), 1);
        assert_eq!(member(&[0, FULL], 1), 0);
    }

    #[test]
    fn a_member_goes_nowhere_for_little() {
        assert_eq!(member(&[400, 450], 1), 1);
        assert_eq!(member(&[u32::MAX, u32::MAX], 1), 1);
    }

    #[test]
    fn expectations_fade() {
        let load = Load::new();
        load.pledge_room();
        load.tick(50);
        assert_eq!(load.busy(), 50 + ROOM / 2);
        for _ in 0..10 {
            load.tick(50);
        }
        assert_eq!(load.busy(), 50);
    }

    #[test]
    fn a_thread_that_works_is_seen_to_work() {
        let mut meter = Meter::start();
        let until = Instant::now() + Duration::from_millis(50);
        while Instant::now() < until {
            std::hint::spin_loop();
        }
        // Whether it had the core or waited for it.
        assert!(meter.read() > 500);
    }
}
