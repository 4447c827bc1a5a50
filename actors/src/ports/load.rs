//! How busy the thread of a port is, and which of them takes whom.

use std::cmp::Reverse;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How often the load is measured.
pub(crate) const TICK: Duration = Duration::from_secs(1);

/// Who has not measured for so long is stuck, and takes nobody.
const STUCK: Duration = Duration::from_secs(4);

/// A thread takes newcomers until it is so busy, in thousandths of a core; the rest is there for what those inside will send
/// later. Below it few threads are kept busy rather than many half asleep (ADR 19).
const FULL: u32 = 300;

/// A member of a large room goes to another thread only if that has so much less to do.
const MARGIN: u32 = 100;

/// What a call is expected to take that was just placed: not much of it begins at once, and some of it never.
const ROOM: u32 = 5;

/// What each of those is expected to take who will come back to a room at once: they see each other.
const RETURNING: u32 = 7;

/// What a newcomer to a large room is expected to take, who mostly watches.
const MEMBER: u32 = 2;

/// What somebody counts for at least who is connected, however little they send now.
const PEER: u32 = 2;

/// An expectation fades by this part each tick: to a half in eleven seconds.
const FADE: u32 = 16;

/// How busy a port's thread is, readable from every thread. In thousandths of a core.
#[derive(Default)]
pub(crate) struct Load {
    /// What it ran, and what it would have run, had there been a core.
    busy: AtomicU32,
    /// What is to be expected of those placed lately, in parts of a thousandth, [`FADE`] of them, so that little fades as slowly as
    /// much does.
    pledged: AtomicU32,
    /// When it was measured last, in milliseconds of its own time.
    measured: AtomicU64,
}

impl Load {
    /// With what is to be expected and so many connected; as much as can be where nothing was measured for long. `now` is the
    /// time of [`tick`](Self::tick).
    pub(crate) fn busy(&self, peers: u64, now: Duration) -> u32 {
        let measured = Duration::from_millis(self.measured.load(Ordering::Relaxed));
        if now.saturating_sub(measured) > STUCK {
            return u32::MAX;
        }
        let peers = u32::try_from(peers).unwrap_or(u32::MAX);
        let busy = self.busy.load(Ordering::Relaxed);
        let expected = self.pledged.load(Ordering::Relaxed) / FADE;
        busy.max(peers.saturating_mul(PEER))
            .saturating_add(expected)
    }

    /// A room was placed here to which so many will come back at once.
    pub(crate) fn pledge_room(&self, returning: usize) {
        let returning = u32::try_from(returning).unwrap_or(u32::MAX);
        self.pledge(returning.saturating_mul(RETURNING).max(ROOM));
    }

    /// A member of a large room was placed here.
    pub(crate) fn pledge_member(&self) {
        self.pledge(MEMBER);
    }

    fn pledge(&self, more: u32) {
        let add = |pledged: u32| Some(pledged.saturating_add(more.saturating_mul(FADE)));
        let _ = (self.pledged).fetch_update(Ordering::Relaxed, Ordering::Relaxed, add); // never refused
    }

    /// Once a [`TICK`]: it was so busy since the last.
    pub(crate) fn tick(&self, busy: u32, now: Duration) {
        self.busy.store(busy, Ordering::Relaxed);
        let fade = |pledged: u32| Some(pledged - pledged.div_ceil(FADE));
        let _ = (self.pledged).fetch_update(Ordering::Relaxed, Ordering::Relaxed, fade); // never refused
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
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
/// tell that, or counts nothing, only how long it ran.
fn wanted() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let mut numbers = told.split_ascii_whitespace().map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(ran)), Some(Ok(waited))) if ran > 0 => {
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
    let busiest = open.min_by_key(|&(_, busy)| Reverse(busy));
    busiest
        .or_else(|| all.min_by_key(|&(_, busy)| busy))
        .map(|(index, _)| index)
}

/// The thread for a member of a large room: that of the room until it is full, then as for a room, if that one has much less to do.
pub(crate) fn for_member(busy: impl Iterator<Item = u32> + Clone, home: usize) -> usize {
    let at_home = busy.clone().nth(home).unwrap_or_default();
    if at_home < FULL {
        return home;
    }
    // Who has nearly as much to do as home does not count.
    let lighter = |busy: u32| busy.saturating_add(MARGIN) < at_home;
    let others = busy.map(|busy| if lighter(busy) { busy } else { u32::MAX });
    for_room(others.clone())
        .filter(|&index| others.clone().nth(index) != Some(u32::MAX))
        .unwrap_or(home)
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
    fn a_member_shares_a_thread_that_is_awake_before_another_is_woken() {
        assert_eq!(member(&[FULL, 0, 120], 0), 2);
        assert_eq!(member(&[FULL, 0, 250], 0), 1, "which is nearly as busy");
        assert_eq!(member(&[900, 400, 500], 0), 1);
    }

    #[test]
    fn expectations_fade() {
        let load = Load::default();
        (0..10).for_each(|_| load.pledge_room(0));
        load.pledge_member();
        let busy = |load: &Load| load.busy(0, Duration::ZERO);
        assert_eq!(busy(&load), 10 * ROOM + MEMBER);
        (0..11).for_each(|_| load.tick(50, Duration::ZERO));
        let half = busy(&load) - 50;
        assert!((24..29).contains(&half), "{half}");
        (0..100).for_each(|_| load.tick(50, Duration::ZERO));
        assert_eq!(busy(&load), 50);
    }

    #[test]
    fn one_call_is_expected_for_as_long_as_many() {
        let load = Load::default();
        load.pledge_room(0);
        (0..10).for_each(|_| load.tick(0, Duration::ZERO));
        assert!(load.busy(0, Duration::ZERO) >= ROOM / 2);
    }

    #[test]
    fn who_is_connected_counts_before_they_send() {
        let load = Load::default();
        assert_eq!(load.busy(100, Duration::ZERO), 100 * PEER);
        load.tick(500, Duration::ZERO);
        assert_eq!(load.busy(100, Duration::ZERO), 500);
    }

    #[test]
    fn rooms_to_which_many_come_back_at_once_are_spread() {
        let threads: [Load; 4] = Default::default();
        let mut placed = [0; 4];
        for _ in 0..40 {
            let busy = threads.iter().map(|load| load.busy(0, Duration::ZERO));
            let index = for_room(busy).expect("a thread");
            threads[index].pledge_room(10);
            placed[index] += 1;
        }
        assert_eq!(placed, [10; 4]);
    }

    #[test]
    fn who_measures_nothing_any_more_is_stuck() {
        let load = Load::default();
        load.tick(50, 10 * TICK);
        assert_eq!(load.busy(0, 10 * TICK + STUCK), 50);
        assert_eq!(load.busy(0, 11 * TICK + STUCK), u32::MAX);
        load.tick(50, 20 * TICK);
        assert_eq!(load.busy(0, 20 * TICK), 50);
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
