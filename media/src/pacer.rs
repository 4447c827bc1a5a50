//! When packets to one subscriber may leave: a key frame goes out over some milliseconds, not at once.
//!
//! Sound is counted but never waits. Pictures wait in one queue, in their order, while the path is busy.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::seam::{Bitrate, Burst};

/// What may leave at once: as much as takes this long, but a frame of ordinary video at least.
const AT_ONCE: Duration = Duration::from_millis(10);
const AT_ONCE_LEAST: u64 = 4_500;
/// How much faster than the estimate packets leave, so that queues are short here and the path tells of its limit.
const FASTER: f64 = 1.5;
/// Queued packets older than this have missed their time.
const LATEST: Duration = Duration::from_millis(300);
/// What overtakes the queue is not held against it for longer than this.
const DEBT: Duration = Duration::from_millis(100);
/// Share of the estimate that repairs may take: a path that loses much is not helped by sending it more.
const REPAIRS: f64 = 0.25;

/// Packets leave together that are due within this time: each send costs the kernel.
const TOGETHER: Duration = Duration::from_millis(2);

/// Packets that an empty queue keeps room for. A key frame's is given back.
const SPARE: usize = 32;

/// A packet that waits.
#[derive(Debug, Clone)]
pub(crate) struct Waiting {
    /// Through which slot it leaves.
    pub(crate) slot: usize,
    /// Where it is: this packet of this burst.
    pub(crate) burst: Burst,
    pub(crate) at: usize,
    /// The slot begins to play another source or layer with it.
    pub(crate) switches: bool,
    since: Instant,
}

/// The queue, and what left lately.
#[derive(Debug)]
pub(crate) struct Pacer {
    queue: VecDeque<Waiting>,
    estimate: Option<Bitrate>,
    /// Bytes that left and are not worked off yet.
    debt: u64,
    /// Bytes of repairs among them, worked off at their own share.
    repairs: u64,
    at: Instant,
}

impl Pacer {
    /// Nothing waits.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            queue: VecDeque::new(),
            estimate: None,
            debt: 0,
            repairs: 0,
            at: now,
        }
    }

    /// The path carries so much; `None`: nobody knows, and nothing waits.
    pub(crate) fn set_estimate(&mut self, estimate: Option<Bitrate>, now: Instant) {
        self.work_off(now);
        self.estimate = estimate;
    }

    /// When the next packet may leave; `None` if none waits.
    pub(crate) fn next(&self) -> Option<Instant> {
        self.queue.front()?;
        let rate = self.rate().filter(|_| self.debt > self.at_once());
        let patience = rate.map_or(Duration::ZERO, |rate| {
            #[expect(clippy::cast_precision_loss, reason = "some kilobytes")]
            let bits = (self.debt - self.at_once()) as f64 * 8.0;
            Duration::from_secs_f64(bits / rate.as_f64().max(1.0))
        });
        Some(self.at + patience.max(TOGETHER.min(patience)))
    }

    /// The next packet that may leave now.
    pub(crate) fn pop(&mut self, now: Instant) -> Option<Waiting> {
        self.work_off(now);
        if !self.is_open() {
            return None;
        }
        let first = self.queue.pop_front();
        if self.queue.is_empty() {
            self.queue.shrink_to(SPARE);
        }
        first
    }

    /// Slots whose packets have missed their time, each once; their packets are dropped.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<usize> {
        let late = |waiting: &Waiting| now.saturating_duration_since(waiting.since) > LATEST;
        let mut slots: Vec<usize> = Vec::new();
        for waiting in self.queue.iter().take_while(|waiting| late(waiting)) {
            if !slots.contains(&waiting.slot) {
                slots.push(waiting.slot);
            }
        }
        if !slots.is_empty() {
            self.queue.retain(|waiting| !slots.contains(&waiting.slot));
        }
        slots
    }

    /// Nothing of this slot leaves any more.
    pub(crate) fn forget(&mut self, slot: usize) {
        self.queue.retain(|waiting| waiting.slot != slot);
    }

    /// Slots have other numbers from now on; nothing leaves any more through one without.
    pub(crate) fn renumber(&mut self, place: impl Fn(usize) -> Option<usize>) {
        self.queue.retain_mut(|waiting| {
            place(waiting.slot)
                .map(|slot| waiting.slot = slot)
                .is_some()
        });
    }

    /// Packets may be sent again: neither the path nor their share of it is used up.
    pub(crate) fn may_repair(&mut self, now: Instant) -> bool {
        self.work_off(now);
        self.estimate.is_none() || (self.debt <= self.at_once() && self.repairs <= self.at_once())
    }

    /// So many bytes of repairs left.
    pub(crate) fn repaired(&mut self, bytes: usize) {
        if self.estimate.is_some() {
            self.repairs += bytes as u64;
        }
    }

    fn at_once(&self) -> u64 {
        let rate = self.rate().unwrap_or_default();
        rate.bytes_in(AT_ONCE).max(AT_ONCE_LEAST)
    }

    fn rate(&self) -> Option<Bitrate> {
        self.estimate.map(|estimate| estimate.times(FASTER))
    }

    fn is_open(&self) -> bool {
        self.estimate.is_none() || self.debt <= self.at_once()
    }

    fn work_off(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at);
        if let Some(estimate) = self.estimate {
            let worked = |share: f64| estimate.times(share).bytes_in(passed);
            self.debt = self.debt.saturating_sub(worked(FASTER));
            self.repairs = self.repairs.saturating_sub(worked(REPAIRS));
        }
        self.at = self.at.max(now);
    }

    // ── hot path ──

    /// Nothing waits and the path is free: a packet may leave without queueing.
    pub(crate) fn is_free(&mut self, now: Instant) -> bool {
        if self.estimate.is_none() {
            return true;
        }
        if now != self.at {
            self.work_off(now);
        }
        self.queue.is_empty() && self.is_open()
    }

    /// So many bytes left.
    pub(crate) fn left(&mut self, bytes: usize) {
        if let Some(rate) = self.rate() {
            let most = self.at_once() + rate.bytes_in(DEBT);
            self.debt = (self.debt + bytes as u64).min(most);
        }
    }

    /// A packet must wait.
    pub(crate) fn push(
        &mut self,
        slot: usize,
        burst: &Burst,
        at: usize,
        switches: bool,
        now: Instant,
    ) {
        self.queue.push_back(Waiting {
            slot,
            burst: Burst::clone(burst),
            at,
            switches,
            since: now,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::packet;

    const MS: Duration = Duration::from_millis(1);

    fn pacer(now: Instant) -> Pacer {
        let mut pacer = Pacer::new(now);
        pacer.set_estimate(Some(Bitrate(400_000)), now); // 75 bytes leave in a millisecond
        pacer
    }

    fn burst() -> Burst {
        vec![packet(1)].into()
    }

    #[test]
    fn an_unknown_path_holds_nothing_back() {
        let now = Instant::now();
        let mut pacer = Pacer::new(now);
        pacer.left(1_000_000);
        assert!(pacer.is_free(now));
    }

    #[test]
    fn a_frame_leaves_at_once_and_what_follows_waits() {
        let now = Instant::now();
        let mut pacer = pacer(now);
        for _ in 0..5 {
            assert!(pacer.is_free(now));
            pacer.left(1_050);
        }
        assert!(!pacer.is_free(now));
        pacer.push(0, &burst(), 0, false, now);
        assert!(pacer.pop(now).is_none());
        let due = pacer.next().unwrap();
        assert!((8 * MS..12 * MS).contains(&(due - now)), "{:?}", due - now);
        assert!(pacer.pop(due + MS).is_some());
    }

    #[test]
    fn nothing_overtakes_what_waits() {
        let now = Instant::now();
        let mut pacer = pacer(now);
        pacer.push(0, &burst(), 0, false, now);
        assert!(!pacer.is_free(now + 1000 * MS));
        assert!(pacer.pop(now + 1000 * MS).is_some());
        assert!(pacer.is_free(now + 1000 * MS));
    }

    #[test]
    fn what_missed_its_time_is_dropped_with_all_of_its_slot() {
        let now = Instant::now();
        let mut pacer = pacer(now);
        pacer.left(1_000_000);
        pacer.push(3, &burst(), 0, true, now);
        pacer.push(4, &burst(), 0, false, now + 200 * MS);
        pacer.push(3, &burst(), 0, false, now + 250 * MS);
        assert!(pacer.expire(now + 300 * MS).is_empty());
        assert_eq!(pacer.expire(now + 301 * MS), [3]);
        pacer.set_estimate(None, now + 301 * MS);
        assert_eq!(
            pacer.pop(now + 301 * MS).map(|waiting| waiting.slot),
            Some(4)
        );
        assert!(pacer.pop(now + 301 * MS).is_none());
    }
}
