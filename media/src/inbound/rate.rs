//! Bits per second over the last second.

use std::time::{Duration, Instant};

/// The second is divided into so many buckets.
const BUCKETS: usize = 10;
const WIDTH: Duration = Duration::from_millis(100);
/// Rates are measured over so long.
const SECOND: Duration = Duration::from_secs(1);
/// So many empty buckets are a pause.
const PAUSE: u64 = 6;

/// Counts bytes as they come.
#[derive(Debug)]
pub(super) struct Rate {
    zero: Instant,
    newest: u64,
    bytes: [u64; BUCKETS],
    /// When it began to flow, or flowed again after a pause of several buckets.
    flows_since: Option<Instant>,
}

impl Rate {
    pub(super) fn new(zero: Instant) -> Self {
        Self {
            zero,
            newest: 0,
            bytes: [0; BUCKETS],
            flows_since: None,
        }
    }

    pub(super) fn add(&mut self, bytes: usize, now: Instant) {
        let bucket = self.bucket(now);
        let passed = bucket.saturating_sub(self.newest).min(BUCKETS as u64);
        if self.flows_since.is_none() || passed > PAUSE {
            self.flows_since = Some(now);
        }
        for empty in bucket + 1 - passed..=bucket {
            self.bytes[place(empty)] = 0;
        }
        self.newest = self.newest.max(bucket);
        self.bytes[place(self.newest)] += bytes as u64;
    }

    pub(super) fn bits_per_second(&self, now: Instant) -> u64 {
        let oldest = (self.bucket(now) + 1).saturating_sub(BUCKETS as u64);
        let kept = (self.newest + 1).saturating_sub(BUCKETS as u64);
        let counted = oldest.max(kept)..=self.newest;
        counted.map(|bucket| self.bytes[place(bucket)]).sum::<u64>() * 8
    }

    /// For how long it has flowed without a pause; `None` if it pauses.
    fn flows_for(&self, now: Instant) -> Option<Duration> {
        let paused = self.bucket(now).saturating_sub(self.newest) > 1;
        let since = self.flows_since.filter(|_| !paused)?;
        Some(now.saturating_duration_since(since))
    }

    /// Kilobits a second; 0 if it has not flowed for a second without a pause.
    pub(super) fn kbps(&self, now: Instant) -> u16 {
        if self.flows_for(now).is_none_or(|time| time < SECOND) {
            return 0;
        }
        u16::try_from(self.bits_per_second(now) / 1000).unwrap_or(u16::MAX)
    }

    fn bucket(&self, now: Instant) -> u64 {
        let passed = now.saturating_duration_since(self.zero).as_millis() / WIDTH.as_millis();
        u64::try_from(passed).unwrap_or(u64::MAX)
    }
}

fn place(bucket: u64) -> usize {
    usize::try_from(bucket % BUCKETS as u64).expect("less than BUCKETS")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn an_even_stream_has_its_rate_and_a_silent_one_none() {
        let zero = Instant::now();
        let mut rate = Rate::new(zero);
        for ms in (0..3000).step_by(10) {
            rate.add(125, zero + ms * MS); // 100 kbit/s
        }
        let now = zero + 2999 * MS;
        assert_eq!(rate.bits_per_second(now), 100_000);
        assert_eq!(rate.bits_per_second(now + 500 * MS), 50_000);
        assert_eq!(rate.bits_per_second(now + 5000 * MS), 0);
        rate.add(125, now + 60_000 * MS);
        assert_eq!(rate.bits_per_second(now + 60_000 * MS), 1000);
    }
}
