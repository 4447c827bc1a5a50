//! How one stream is received (RFC 3550 §6.4.1, §A.3, §A.8).

use std::time::{Duration, Instant};

use super::wallclock::{fixed_point, middle};
use crate::rtcp::ReceptionBlock;
use crate::rtp::seq::timestamp_step;
use crate::seam::Ssrc;

/// Counts what came of one SSRC, for the report blocks about it.
#[derive(Debug)]
pub(crate) struct Reception {
    zero: Instant,
    clock_rate: u32,
    first: u64,
    highest: u64,
    received: u64,
    reported: Reported,
    transit: Option<u32>,
    /// Jitter in timestamp units, times 16 (§A.8).
    jitter: u32,
    last_report: Option<(u64, Instant)>,
}

#[derive(Debug, Default)]
struct Reported {
    expected: u64,
    received: u64,
}

impl Reception {
    /// The stream begins with this sequence number.
    pub(crate) fn new(first: u64, clock_rate: u32, zero: Instant) -> Self {
        Self {
            zero,
            clock_rate,
            first,
            highest: first,
            received: 0,
            reported: Reported::default(),
            transit: None,
            jitter: 0,
            last_report: None,
        }
    }

    /// A packet came by itself; `timestamp` feeds the jitter.
    pub(crate) fn received(&mut self, number: u64, timestamp: u32, now: Instant) {
        self.recovered(number);
        let arrival = ticks(now.saturating_duration_since(self.zero), self.clock_rate);
        let transit = arrival.wrapping_sub(timestamp);
        if let Some(before) = self.transit.replace(transit) {
            let step = timestamp_step(transit, before)
                .unsigned_abs()
                .min(self.clock_rate);
            self.jitter = self.jitter + step - ((self.jitter + 8) >> 4);
        }
    }

    /// A packet came by retransmission: not lost, but its arrival says nothing about jitter.
    pub(crate) fn recovered(&mut self, number: u64) {
        self.first = self.first.min(number);
        self.highest = self.highest.max(number);
        self.received += 1;
    }

    /// The sender's report came.
    pub(crate) fn sender_report(&mut self, ntp: u64, now: Instant) {
        self.last_report = Some((ntp, now));
    }

    /// Packets that never came.
    pub(crate) fn lost(&self) -> u64 {
        self.expected().saturating_sub(self.received)
    }

    /// Interarrival jitter.
    pub(crate) fn jitter(&self) -> Duration {
        Duration::from_secs(1) * (self.jitter >> 4) / self.clock_rate
    }

    /// The next report block.
    pub(crate) fn block(&mut self, ssrc: Ssrc, now: Instant) -> ReceptionBlock {
        let (expected, received) = (self.expected(), self.received);
        let expected_since = expected - self.reported.expected;
        let lost_since = expected_since.saturating_sub(received - self.reported.received);
        self.reported = Reported { expected, received };
        let fraction = (lost_since << 8).checked_div(expected_since).unwrap_or(0);
        let total = i64::try_from(expected).unwrap_or(i64::MAX)
            - i64::try_from(received).unwrap_or(i64::MAX);
        let (last_sender_report, delay) = self.last_report.map_or((0, 0), |(ntp, at)| {
            (
                middle(ntp),
                middle(fixed_point(now.saturating_duration_since(at))),
            )
        });
        ReceptionBlock {
            ssrc,
            fraction_lost: u8::try_from(fraction).unwrap_or(u8::MAX),
            total_lost: i32::try_from(total.clamp(-0x80_0000, 0x7f_ffff)).unwrap_or_default(),
            highest: wire(self.highest),
            jitter: self.jitter >> 4,
            last_sender_report,
            delay,
        }
    }

    fn expected(&self) -> u64 {
        self.highest - self.first + 1
    }
}

/// So much time in timestamp units, over their wrap.
#[expect(clippy::cast_possible_truncation, reason = "timestamps wrap")]
pub(crate) fn ticks(time: Duration, clock_rate: u32) -> u32 {
    (time.as_nanos() * u128::from(clock_rate) / 1_000_000_000) as u32
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the wire carries 16 bits of cycles"
)]
fn wire(number: u64) -> u32 {
    number as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const SSRC: Ssrc = Ssrc(7);

    fn reception(numbers: impl IntoIterator<Item = u64>) -> (Reception, Instant) {
        let zero = Instant::now();
        let mut reception = Reception::new(100, 48_000, zero);
        for number in numbers {
            reception.received(number, 0, zero);
        }
        (reception, zero)
    }

    #[test]
    fn loss_is_told_since_the_last_report_and_altogether() {
        let (mut reception, now) = reception((100..200).filter(|number| number % 4 != 1));
        let block = reception.block(SSRC, now);
        assert_eq!(
            (block.fraction_lost, block.total_lost, block.highest),
            (64, 25, 199)
        );
        (200..300).for_each(|number| reception.received(number, 0, now));
        let block = reception.block(SSRC, now);
        assert_eq!((block.fraction_lost, block.total_lost), (0, 25));
    }

    #[test]
    fn a_recovered_packet_is_not_lost() {
        let (mut reception, now) = reception([100, 102]);
        reception.recovered(101);
        assert_eq!(reception.block(SSRC, now).total_lost, 0);
        assert_eq!(reception.lost(), 0);
    }

    #[test]
    fn an_even_stream_has_no_jitter_and_an_uneven_one_has() {
        let zero = Instant::now();
        let mut even = Reception::new(0, 48_000, zero);
        let mut uneven = Reception::new(0, 48_000, zero);
        for number in 0..500u32 {
            let late = if number % 2 == 0 {
                10 * MS
            } else {
                Duration::ZERO
            };
            let at = zero + number * 20 * MS;
            even.received(number.into(), number * 960, at);
            uneven.received(number.into(), number * 960, at + late);
        }
        assert_eq!(even.jitter(), Duration::ZERO);
        assert!(
            (9 * MS..=10 * MS).contains(&uneven.jitter()),
            "{:?}",
            uneven.jitter()
        );
    }

    #[test]
    fn the_delay_since_the_sender_report_is_told() {
        let (mut reception, now) = reception([100]);
        reception.sender_report(0x1234_5678_9abc_def0, now);
        let block = reception.block(SSRC, now + 500 * MS);
        assert_eq!(
            (block.last_sender_report, block.delay),
            (0x5678_9abc, 0x8000)
        );
    }
}
