//! One direction of a path, as a network makes it.

use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

/// What a link is like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conditions {
    bits_per_second: f64,
    delay: Duration,
    jitter: Duration,
    loss: f64,
    duplication: f64,
    /// Share of packets that overtake others.
    reordering: f64,
    /// What waits longer is dropped at the tail.
    queue: Duration,
}

impl Conditions {
    /// An ordinary cable at home.
    pub(crate) fn good() -> Self {
        Self {
            bits_per_second: 20e6,
            delay: Duration::from_millis(15),
            jitter: Duration::from_millis(2),
            loss: 0.0,
            duplication: 0.0,
            reordering: 0.0,
            queue: Duration::from_millis(400),
        }
    }

    pub(crate) fn kbps(self, kbps: u32) -> Self {
        let bits_per_second = f64::from(kbps) * 1e3;
        Self {
            bits_per_second,
            ..self
        }
    }

    pub(crate) fn loss(self, loss: f64) -> Self {
        Self { loss, ..self }
    }

    /// What waits longer is dropped.
    pub(crate) fn queue(self, queue: Duration) -> Self {
        Self { queue, ..self }
    }

    /// Anything that networks were seen to do.
    pub(crate) fn random(rng: &mut SmallRng) -> Self {
        let ms = |rng: &mut SmallRng, most| Duration::from_millis(rng.random_range(0..=most));
        Self {
            bits_per_second: 10f64.powf(rng.random_range(4.8..7.5)),
            delay: ms(rng, 250),
            jitter: ms(rng, 60),
            loss: if rng.random_bool(0.5) {
                0.0
            } else {
                rng.random_range(0.0..0.4)
            },
            duplication: if rng.random_bool(0.7) {
                0.0
            } else {
                rng.random_range(0.0..0.3)
            },
            reordering: if rng.random_bool(0.7) {
                0.0
            } else {
                rng.random_range(0.0..0.2)
            },
            queue: ms(rng, 1_000),
        }
    }
}

/// A link under way.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) conditions: Conditions,
    free_at: Duration,
    latest: Duration,
    rng: SmallRng,
}

impl Link {
    pub(crate) fn new(conditions: Conditions, seed: u64) -> Self {
        Self {
            conditions,
            free_at: Duration::ZERO,
            latest: Duration::ZERO,
            rng: SmallRng::seed_from_u64(seed),
        }
    }

    /// When a packet that is sent now arrives: never, once, or twice.
    pub(crate) fn carry(&mut self, bytes: usize, now: Duration) -> Vec<Duration> {
        let conditions = self.conditions;
        let begins = self.free_at.max(now);
        if begins.saturating_sub(now) > conditions.queue || self.rng.random_bool(conditions.loss) {
            return Vec::new();
        }
        let bits = (f64::from(u32::try_from(bytes).expect("a datagram")) + 28.0) * 8.0;
        self.free_at = begins + Duration::from_secs_f64(bits / conditions.bits_per_second);
        let jitter = conditions.jitter.mul_f64(self.rng.random_range(0.0..1.0));
        let mut arrival = self.free_at + conditions.delay + jitter;
        // Jitter alone does not reorder: queues keep their order.
        if !self.rng.random_bool(conditions.reordering) {
            arrival = arrival.max(self.latest);
            self.latest = arrival;
        }
        let twice = self.rng.random_bool(conditions.duplication);
        std::iter::once(arrival)
            .chain(twice.then(|| arrival + Duration::from_millis(3)))
            .collect()
    }
}
