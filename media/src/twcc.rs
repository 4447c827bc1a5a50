//! Transport-wide congestion feedback: when each packet of a peer arrived, whatever its stream
//! (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1).

mod decode;
mod encode;
mod ticks;

use std::time::{Duration, Instant};

use crate::rtp::Extender;
use crate::seam::Ssrc;
use ticks::Ticks;

/// A report is due this long after the first packet that it tells of.
const USUAL: Duration = Duration::from_millis(100);
/// With so many packets waiting it is due earlier, but no earlier than [`SOONEST`] after the last. One that goes ahead of its time,
/// with something else, may follow sooner.
const MANY: usize = 60;
const SOONEST: Duration = Duration::from_millis(70);
/// Most packets of one report: bounds its size, whatever the deltas.
const MOST_PACKETS: u64 = 400;
/// How far back a late packet is still told: so many numbers, and so long, in units of 250 µs.
const MEMORY: (u64, i64) = (1000, 4000);

/// What a receiver tells of a run of packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransportFeedback {
    /// The transport-wide number of the first.
    pub base: u16,
    /// What the first arrival counts from, in units of 64 ms by the receiver's clock; 24 bits.
    pub reference: u32,
    /// For each packet the time since the arrival before it, in units of 250 µs; `None`: it did not arrive.
    pub deltas: Vec<Option<i16>>,
}

pub(crate) use decode::feedback;

/// Remembers arrivals, and writes the reports.
#[derive(Debug)]
pub(crate) struct Arrivals {
    zero: Instant,
    extender: Extender,
    /// Arrival in units of 250 µs since `zero`.
    ticks: Ticks,
    /// What came before this number is forgotten.
    oldest: u64,
    /// The first number that the next report tells of.
    base: Option<u64>,
    /// How many came since the last report.
    waiting: usize,
    due: Option<Instant>,
    last_report: Option<Instant>,
    reports: u8,
}

impl Arrivals {
    /// Nothing came yet; times count from `zero`.
    pub(crate) fn new(zero: Instant) -> Self {
        Self {
            zero,
            extender: Extender::default(),
            ticks: Ticks::default(),
            oldest: 0,
            base: None,
            waiting: 0,
            due: None,
            last_report: None,
            reports: 0,
        }
    }

    /// The packet with this transport-wide number came.
    pub(crate) fn record(&mut self, sequence: u16, now: Instant) {
        let number = self.extender.near(sequence);
        self.extender.advance(number);
        let since = now.saturating_duration_since(self.zero).as_micros() / 250;
        let arrival = i64::try_from(since).unwrap_or(i64::MAX);
        self.forget(arrival);
        if number < self.oldest {
            return;
        }
        self.ticks.insert(number, arrival);
        self.waiting += 1;
        // A late packet reopens what was reported: the sender corrects what it took for lost.
        self.base = Some(
            self.base
                .map_or(number, |base| base.min(number).max(self.oldest)),
        );
        self.schedule(now);
    }

    /// Another packet will come soon.
    pub(crate) fn fetch_behind(&self) {
        self.ticks.fetch_behind();
    }

    /// When a report will be due.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.due
    }

    /// The report that is due, as a whole RTCP packet; call until `None`. One that is due
    /// within `ahead` may go now.
    pub(crate) fn report(
        &mut self,
        sender: Ssrc,
        media: Ssrc,
        now: Instant,
        ahead: Duration,
    ) -> Option<Vec<u8>> {
        self.due.filter(|&due| due <= now + ahead)?;
        let base = self.base?;
        let arrivals = self.ticks.from(base);
        let arrivals = arrivals.take_while(|&(number, _)| number < base + MOST_PACKETS);
        let header = encode::Header {
            sender,
            media,
            base,
            count: self.reports,
        };
        let Some((packet, next)) = encode::report(&header, arrivals) else {
            // Only numbers that never came: they are told with the next that does.
            let next = self.ticks.from(base).next();
            self.base = next.map(|(number, _)| number).or(self.base);
            if next.is_none() {
                self.due = None;
                return None;
            }
            return self.report(sender, media, now, ahead);
        };
        self.reports = self.reports.wrapping_add(1);
        self.last_report = Some(now);
        self.base = Some(next);
        self.waiting = 0;
        if self.extender.highest().is_none_or(|highest| next > highest) {
            self.due = None;
        }
        Some(packet)
    }

    /// Forgets what is too far back, and too long ago and told.
    fn forget(&mut self, now: i64) {
        let highest = self.extender.highest().unwrap_or(0);
        self.oldest = self.oldest.max(highest.saturating_sub(MEMORY.0));
        let told = self.base.unwrap_or(0);
        while let Some((first, arrival)) = self.ticks.first()
            && (first < self.oldest || first < told && now - arrival > MEMORY.1)
        {
            self.oldest = self.oldest.max(first + 1);
            self.ticks.forget_first();
        }
    }

    fn schedule(&mut self, now: Instant) {
        let due = *self.due.get_or_insert(now + USUAL);
        if self.waiting >= MANY {
            let soonest = self.last_report.map_or(now, |last| last + SOONEST);
            self.due = Some(due.min(soonest));
        }
    }
}

#[cfg(test)]
mod tests;
