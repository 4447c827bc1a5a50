//! The delay-based half: additive or multiplicative increase, multiplicative decrease (draft-ietf-rmcat-gcc-02 §5.5).

use std::time::{Duration, Instant};

use super::detector::Usage;
use super::{CEILING, FLOOR};
use crate::seam::Bitrate;

/// What is left after an overuse, of what came in.
const BETA: f64 = 0.85;
/// Growth each second while no limit is known.
const GROWTH: f64 = 1.08;
/// The estimate does not grow by itself beyond so many times what comes in: more was never tried.
const UNTRIED: f64 = 1.5;
const UNTRIED_MORE: Bitrate = Bitrate(10_000);
/// Overuses that follow each other within this time are one, and no passing one if there are more than a few: a key
/// frame makes some.
const PASSING: Duration = Duration::from_millis(1_500);
const A_FEW: u32 = 2;
/// What comes in tells of a limit if it is less than this share of what goes out.
const SQUEEZED: f64 = 0.92;
/// Smallest step down while nothing shows that the path is the limit.
const HALF: f64 = 0.5;
/// How far around the limit seen last the growth is careful, in deviations.
const NEAR: f64 = 3.0;
/// A round trip, until it is known.
const RTT_GUESS: Duration = Duration::from_millis(100);
/// Bits of one packet, by which a careful growth goes each response time.
const PACKET_BITS: f64 = 1_200.0 * 8.0;

/// What is known of the traffic.
#[derive(Debug, Clone, Copy)]
pub(super) struct Delivery {
    /// How fast packets come in.
    pub(super) delivered: Option<Bitrate>,
    /// How fast they come in just now, on a path that narrowed just now.
    pub(super) narrowed: Option<Bitrate>,
    /// How fast the same packets went out.
    pub(super) sent: Option<Bitrate>,
    pub(super) rtt: Option<Duration>,
}

/// The delay-based estimate.
#[derive(Debug)]
pub(super) struct Aimd {
    rate: Bitrate,
    /// The rate at which the path was full lately, and how restless that is (relative variance).
    limit: Option<(f64, f64)>,
    growing: bool,
    updated: Option<Instant>,
    decreased: Option<Instant>,
    /// Decreases that followed each other.
    strikes: u32,
}

impl Aimd {
    pub(super) fn new(start: Bitrate) -> Self {
        Self {
            rate: start,
            limit: None,
            growing: true,
            updated: None,
            decreased: None,
            strikes: 0,
        }
    }

    /// The estimate.
    pub(super) fn rate(&self) -> Bitrate {
        self.rate
    }

    /// Feedback came, and the path is used so.
    pub(super) fn on(&mut self, usage: Usage, delivery: Delivery, now: Instant) {
        match usage {
            Usage::Over => self.decrease(delivery, now),
            // Queues drain: growing now would fill them again.
            Usage::Under => self.growing = false,
            Usage::Normal if self.growing => self.increase(delivery, now),
            Usage::Normal => self.growing = true,
        }
        self.updated = Some(now);
    }

    /// A probe came in at this rate.
    pub(super) fn probed(&mut self, rate: Bitrate, now: Instant) {
        if rate > self.rate {
            self.rate = rate.min(CEILING);
            self.updated = Some(now);
            if self.limit.is_some_and(|(limit, _)| rate.as_f64() > limit) {
                self.limit = None;
            }
        }
    }

    /// Nothing is told any more.
    pub(super) fn starve(&mut self, now: Instant) {
        self.rate = self.rate.times(HALF).max(FLOOR);
        self.decreased = Some(now);
        self.growing = false;
    }

    fn decrease(&mut self, delivery: Delivery, now: Instant) {
        self.growing = false;
        let response = delivery.rtt.unwrap_or(RTT_GUESS);
        let soon = self
            .decreased
            .is_some_and(|at| now.saturating_duration_since(at) < response);
        let Some(delivered) = delivery.delivered.filter(|_| !soon) else {
            return;
        };
        let delivered = delivery.narrowed.unwrap_or(delivered);
        let squeezed = delivery.narrowed.is_some()
            || delivery
                .sent
                .is_some_and(|sent| delivered.as_f64() < sent.as_f64() * SQUEEZED);
        let passed = self.decreased.map(|at| now.saturating_duration_since(at));
        self.strikes = match passed {
            Some(passed) if passed < PASSING => self.strikes + 1,
            _ => 1,
        };
        let target = if squeezed {
            self.learn(delivered);
            delivered.times(BETA)
        } else if self.strikes <= A_FEW {
            // All that went out came in, with some delay: a burst too large for a moment, most likely.
            self.rate.times(BETA).max(delivered)
        } else {
            // What comes in is all that went out: the source is the limit, so this says only "less than before".
            delivered.times(BETA).max(self.rate.times(HALF))
        };
        self.rate = target.min(self.rate).max(FLOOR);
        self.decreased = Some(now);
    }

    fn increase(&mut self, delivery: Delivery, now: Instant) {
        let Some(updated) = self.updated else { return };
        let seconds = now
            .saturating_duration_since(updated)
            .as_secs_f64()
            .min(1.0);
        let near = self.is_near_the_limit(delivery.delivered);
        let grown = if near {
            let response = delivery.rtt.unwrap_or(RTT_GUESS) + RTT_GUESS;
            let step = PACKET_BITS / response.as_secs_f64();
            self.rate.as_f64() + step.max(4_000.0) * seconds
        } else {
            self.rate.as_f64() * GROWTH.powf(seconds)
        };
        let tried = delivery.delivered.map_or(0.0, |rate| {
            rate.times(UNTRIED).as_f64() + UNTRIED_MORE.as_f64()
        });
        // What probes have shown stays; growth by itself goes no further than what was tried.
        let most = self.rate.as_f64().max(tried);
        self.rate = Bitrate::from_f64(grown.min(most)).clamp(FLOOR, CEILING);
    }

    fn is_near_the_limit(&mut self, delivered: Option<Bitrate>) -> bool {
        let (Some((limit, variance)), Some(delivered)) = (self.limit, delivered) else {
            return false;
        };
        let deviation = (variance * limit).sqrt() * NEAR;
        let delivered = delivered.as_f64() / 1e3;
        if delivered > limit + deviation {
            self.limit = None; // the path carries more than it did
            return false;
        }
        delivered >= limit - deviation
    }

    /// The path was full at this rate. Kept in kbit/s: the deviation is relative to that.
    fn learn(&mut self, full: Bitrate) {
        const WEIGHT: f64 = 0.05;
        let sample = full.as_f64() / 1e3;
        self.limit = Some(match self.limit {
            Some((limit, variance)) if sample > limit - (variance * limit).sqrt() * NEAR => {
                let mean = (1.0 - WEIGHT) * limit + WEIGHT * sample;
                let off = limit - sample;
                let variance = (1.0 - WEIGHT) * variance + WEIGHT * off * off / mean.max(1.0);
                (mean, variance.clamp(0.4, 2.5))
            }
            _ => (sample, 0.4),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const M: Bitrate = Bitrate(1_000_000);

    fn delivery(delivered: Bitrate, sent: Bitrate) -> Delivery {
        Delivery {
            delivered: Some(delivered),
            narrowed: None,
            sent: Some(sent),
            rtt: Some(50 * MS),
        }
    }

    fn run(
        aimd: &mut Aimd,
        usage: Usage,
        delivery: Delivery,
        from: Instant,
        count: u32,
    ) -> Instant {
        for n in 1..=count {
            aimd.on(usage, delivery, from + n * 100 * MS);
        }
        from + count * 100 * MS
    }

    #[test]
    fn a_squeezed_path_brings_the_estimate_below_what_comes_in() {
        let mut aimd = Aimd::new(Bitrate(3_000_000));
        aimd.on(Usage::Over, delivery(Bitrate(300_000), M), Instant::now());
        assert_eq!(aimd.rate(), Bitrate(255_000));
    }

    #[test]
    fn without_a_squeeze_a_few_overuses_pass_and_the_next_halves_at_most() {
        let mut aimd = Aimd::new(Bitrate(3_000_000));
        let now = Instant::now();
        let all = delivery(Bitrate(300_000), Bitrate(300_000));
        for (after, left) in [(0, 2_550_000), (500, 2_167_500), (1_000, 1_083_750)] {
            aimd.on(Usage::Over, all, now + after * MS);
            assert_eq!(aimd.rate(), Bitrate(left));
        }
    }

    #[test]
    fn it_falls_once_in_a_round_trip() {
        let mut aimd = Aimd::new(Bitrate(3_000_000));
        let now = Instant::now();
        aimd.on(
            Usage::Over,
            delivery(Bitrate(2_000_000), Bitrate(3_000_000)),
            now,
        );
        aimd.on(Usage::Over, delivery(M, Bitrate(3_000_000)), now + 20 * MS);
        assert_eq!(aimd.rate(), Bitrate(1_700_000));
    }

    #[test]
    fn it_grows_while_the_path_carries_what_is_sent() {
        let mut aimd = Aimd::new(M);
        run(&mut aimd, Usage::Normal, delivery(M, M), Instant::now(), 50);
        assert!(
            (1_400_000..1_520_000).contains(&aimd.rate().0),
            "{:?}",
            aimd.rate()
        );
    }

    #[test]
    fn it_does_not_grow_beyond_what_was_tried_nor_fall_to_it() {
        let mut aimd = Aimd::new(Bitrate(2_000_000));
        run(
            &mut aimd,
            Usage::Normal,
            delivery(Bitrate(100_000), Bitrate(100_000)),
            Instant::now(),
            50,
        );
        assert_eq!(aimd.rate(), Bitrate(2_000_000));
    }

    #[test]
    fn near_a_known_limit_it_grows_carefully() {
        let mut aimd = Aimd::new(Bitrate(2_000_000));
        let now = Instant::now();
        aimd.on(Usage::Over, delivery(M, Bitrate(2_000_000)), now);
        let low = aimd.rate();
        let near = delivery(M, M);
        run(&mut aimd, Usage::Normal, near, now, 20);
        let gain = aimd.rate().0 - low.0;
        assert!((50_000..150_000).contains(&gain), "{gain}");
    }

    #[test]
    fn a_probe_lifts_it_at_once() {
        let mut aimd = Aimd::new(M);
        aimd.probed(Bitrate(2_500_000), Instant::now());
        aimd.probed(Bitrate(500_000), Instant::now());
        assert_eq!(aimd.rate(), Bitrate(2_500_000));
    }
}
