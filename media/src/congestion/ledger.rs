//! What was sent and not told of yet, by its transport-wide number.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::ProbeId;
use crate::rtcp::TransportFeedback;
use crate::rtp::seq::near;

/// Packets older than this are given up.
const MEMORY: Duration = Duration::from_secs(3);
/// Most packets under way: beyond it the oldest is forgotten.
const MOST: usize = 8192;
/// Arrivals are told in these units.
const TICK_MICROS: u64 = 250;
/// Units of a reference time: 64 ms.
const TICKS_PER_REFERENCE: i64 = 256;

/// Small, because there is one for each packet under way to each subscriber.
#[derive(Debug, Clone, Copy)]
struct Entry {
    sent_micros: u64,
    bytes: u16,
    probe: ProbeId,
}

/// One packet that feedback told of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Acknowledged {
    /// When it went out, since the ledger's zero.
    pub(super) sent: Duration,
    /// When it came in, by the receiver's clock; `None` if it did not.
    pub(super) arrival: Option<Duration>,
    pub(super) bytes: u16,
    pub(super) probe: ProbeId,
}

/// Packets under way.
#[derive(Debug)]
pub(super) struct Ledger {
    zero: Instant,
    entries: VecDeque<Entry>,
    /// The number of the first entry.
    first: u64,
    /// The reference time of the last feedback, extended beyond its 24 bits.
    reference: Option<i64>,
}

impl Ledger {
    pub(super) fn new(zero: Instant) -> Self {
        Self {
            zero,
            entries: VecDeque::new(),
            first: 0,
            reference: None,
        }
    }

    /// When the oldest packet went out that nothing was told of.
    pub(super) fn oldest(&self) -> Option<Instant> {
        Some(self.zero + self.entries.front()?.sent())
    }

    /// Whatever went out before is not waited for.
    pub(super) fn forget_before(&mut self, at: Instant) {
        let at = at.saturating_duration_since(self.zero);
        while self.entries.front().is_some_and(|entry| entry.sent() <= at) {
            self.drop_first();
        }
    }

    /// Tells what became of packets, in the order in which they were sent.
    pub(super) fn settle(
        &mut self,
        feedback: &TransportFeedback,
        now: Instant,
    ) -> Vec<Acknowledged> {
        let reference = self.extend(feedback.reference);
        let last = self.first + self.entries.len() as u64;
        let base = near(last, feedback.base);
        let mut arrival = reference * TICKS_PER_REFERENCE;
        let mut acknowledged = Vec::with_capacity(feedback.deltas.len().min(self.entries.len()));
        for (number, delta) in (base..).zip(&feedback.deltas) {
            if let Some(delta) = delta {
                arrival += i64::from(*delta);
            }
            let Some(entry) = number
                .checked_sub(self.first)
                .and_then(|at| self.entries.get(usize::try_from(at).ok()?))
            else {
                continue;
            };
            acknowledged.push(Acknowledged {
                sent: entry.sent(),
                arrival: delta.map(|_| ticks(arrival)),
                bytes: entry.bytes,
                probe: entry.probe,
            });
        }
        let end = base + feedback.deltas.len() as u64;
        while self.first < end.min(last) {
            self.drop_first();
        }
        self.forget_before(now.checked_sub(MEMORY).unwrap_or(self.zero));
        acknowledged
    }

    /// The reference time has 24 bits of 64 ms and wraps every 12 days.
    fn extend(&mut self, reference: u32) -> i64 {
        const CYCLE: i64 = 1 << 24;
        let wire = i64::from(reference) & (CYCLE - 1);
        let extended = match self.reference {
            None => CYCLE + wire,
            Some(last) => {
                let step = (wire - last).rem_euclid(CYCLE);
                let step = if step >= CYCLE / 2 {
                    step - CYCLE
                } else {
                    step
                };
                last + step
            }
        };
        self.reference = Some(self.reference.map_or(extended, |last| last.max(extended)));
        extended
    }

    fn drop_first(&mut self) {
        if self.entries.pop_front().is_some() {
            self.first += 1;
        }
    }

    // ── hot path ──

    pub(super) fn sent(&mut self, sequence: u16, bytes: usize, probe: ProbeId, now: Instant) {
        let next = self.first + self.entries.len() as u64;
        if self.entries.is_empty() {
            self.first = near(next.max(1 << 16), sequence);
        } else if near(next, sequence) != next {
            // Numbers are given out one by one; if they are not, what was before cannot be told apart.
            self.entries.clear();
            self.first = near(next.max(1 << 16), sequence);
        }
        if self.entries.len() == MOST {
            self.drop_first();
        }
        self.entries.push_back(Entry {
            sent_micros: micros(now.saturating_duration_since(self.zero)),
            bytes: u16::try_from(bytes).unwrap_or(u16::MAX),
            probe,
        });
    }
}

impl Entry {
    fn sent(&self) -> Duration {
        Duration::from_micros(self.sent_micros)
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

fn ticks(count: i64) -> Duration {
    Duration::from_micros(
        u64::try_from(count)
            .unwrap_or(0)
            .saturating_mul(TICK_MICROS),
    )
}
