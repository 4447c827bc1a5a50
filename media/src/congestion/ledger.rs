//! What was sent and not told of yet, by its transport-wide number.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::ProbeId;
use crate::cache;
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

/// How far feedback has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Confirmed {
    /// When the latest packet left that is known to have come in.
    pub(crate) until: Instant,
    /// When the latest left that did not come in, or that nothing was told of; it may be later.
    pub(crate) doubt: Option<Instant>,
}

/// Packets under way.
#[derive(Debug)]
pub(super) struct Ledger {
    zero: Instant,
    entries: VecDeque<Entry>,
    /// The number of the first entry.
    first: u64,
    /// As in [`Confirmed`].
    until: Option<Duration>,
    doubt: Option<Duration>,
    /// The reference time of the last feedback, extended beyond its 24 bits.
    reference: Option<i64>,
}

impl Ledger {
    pub(super) fn new(zero: Instant) -> Self {
        Self {
            zero,
            entries: VecDeque::new(),
            first: 0,
            until: None,
            doubt: None,
            reference: None,
        }
    }

    pub(super) fn confirmed(&self) -> Option<Confirmed> {
        let at = |time| self.zero + time;
        Some(Confirmed {
            until: at(self.until?),
            doubt: self.doubt.map(at),
        })
    }

    /// When the oldest packet went out that nothing was told of.
    pub(super) fn oldest(&self) -> Option<Instant> {
        Some(self.zero + self.entries.front()?.sent())
    }

    /// Whatever went out before is not waited for.
    pub(super) fn forget_before(&mut self, at: Instant) {
        let at = at.saturating_duration_since(self.zero);
        while self.entries.front().is_some_and(|entry| entry.sent() <= at) {
            self.give_up_first();
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
        while self.first < base.min(last) {
            self.give_up_first();
        }
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
            match delta {
                Some(_) => self.until = self.until.max(Some(entry.sent())),
                None => self.doubt = self.doubt.max(Some(entry.sent())),
            }
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

    fn drop_first(&mut self) -> Option<Entry> {
        let first = self.entries.pop_front()?;
        self.first += 1;
        Some(first)
    }

    fn give_up_first(&mut self) {
        let first = self.drop_first().map(|entry| entry.sent());
        self.doubt = self.doubt.max(first);
    }

    // ── hot path ──

    /// Packets will leave soon.
    pub(super) fn fetch_behind(&self) {
        if let Some(last) = self.entries.back() {
            cache::fetch(last);
        }
    }

    pub(super) fn sent(&mut self, sequence: u16, bytes: usize, probe: ProbeId, now: Instant) {
        let next = self.first + self.entries.len() as u64;
        if self.entries.is_empty() {
            self.first = near(next.max(1 << 16), sequence);
        } else if near(next, sequence) != next {
            // Numbers are given out one by one; if they are not, what was before cannot be told apart.
            self.forget_before(now);
            self.first = near(next.max(1 << 16), sequence);
        }
        if self.entries.len() == MOST {
            self.give_up_first();
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

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// Packets with these numbers left, one each millisecond.
    fn sent(zero: Instant, numbers: std::ops::Range<u16>) -> Ledger {
        let mut ledger = Ledger::new(zero);
        for number in numbers {
            ledger.sent(number, 1000, None, zero + MS * number.into());
        }
        ledger
    }

    fn feedback(base: u16, deltas: &[Option<i16>]) -> TransportFeedback {
        TransportFeedback {
            base,
            reference: 7,
            deltas: deltas.to_vec(),
        }
    }

    #[test]
    fn it_is_known_until_when_everything_came_in() {
        let zero = Instant::now();
        let mut ledger = sent(zero, 0..20);
        assert_eq!(ledger.confirmed(), None);
        ledger.settle(&feedback(0, &[Some(1); 5]), zero);
        let confirmed = |until, doubt: Option<u32>| Confirmed {
            until: zero + MS * until,
            doubt: doubt.map(|doubt| zero + MS * doubt),
        };
        assert_eq!(ledger.confirmed(), Some(confirmed(4, None)));
        ledger.settle(&feedback(5, &[Some(1), None, Some(1)]), zero);
        assert_eq!(
            ledger.confirmed(),
            Some(confirmed(7, Some(6))),
            "one was lost"
        );
        ledger.settle(&feedback(10, &[Some(1)]), zero);
        assert_eq!(
            ledger.confirmed(),
            Some(confirmed(10, Some(9))),
            "two were not told of"
        );
        ledger.forget_before(zero + 15 * MS);
        assert_eq!(
            ledger.confirmed(),
            Some(confirmed(10, Some(15))),
            "nor were these"
        );
    }
}
