//! How long things took: a fixed-size histogram with buckets of about three per cent.

use std::time::Duration;

/// Buckets for each doubling of the value.
const STEPS: usize = 32;

/// `STEPS` is two to the power of this.
const STEP_BITS: u32 = STEPS.trailing_zeros();

/// Doublings that are told apart; the last bucket takes everything from about 19 hours up.
const DOUBLINGS: usize = 32;

/// Durations, counted by bucket. Recording costs a few instructions and never allocates.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    buckets: Vec<u64>,
    count: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            buckets: vec![0; STEPS * DOUBLINGS],
            count: 0,
        }
    }
}

impl Histogram {
    /// Counts one duration.
    pub(crate) fn record(&mut self, took: Duration) {
        self.record_many(took, 1);
    }

    /// Counts one duration so many times.
    pub(crate) fn record_many(&mut self, took: Duration, times: u64) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let last = self.buckets.len() - 1;
        self.buckets[bucket(micros).min(last)] += times;
        self.count += times;
    }

    /// What was counted since `earlier`, a copy of this one.
    pub(crate) fn since(&self, earlier: &Self) -> Self {
        let buckets = self.buckets.iter().zip(&earlier.buckets);
        Self {
            buckets: buckets
                .map(|(now, then)| now.saturating_sub(*then))
                .collect(),
            count: self.count.saturating_sub(earlier.count),
        }
    }

    /// The duration that this share (0 to 1) of all did not exceed, to the bucket; none where nothing was counted.
    pub(crate) fn quantile(&self, share: f64) -> Option<Duration> {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rank among fewer than 2^52 packets"
        )]
        let rank = ((self.count as f64 * share).ceil() as u64).clamp(1, self.count.max(1));
        let mut seen = 0;
        self.buckets.iter().enumerate().find_map(|(index, count)| {
            seen += count;
            (seen >= rank).then(|| Duration::from_micros(floor(index)))
        })
    }
}

/// Which bucket takes this many microseconds: exact below `STEPS`, then `STEPS` buckets for each doubling.
fn bucket(micros: u64) -> usize {
    let doublings = micros.max(1).ilog2().saturating_sub(STEP_BITS);
    let step = usize::try_from(micros >> doublings).unwrap_or(usize::MAX);
    doublings as usize * STEPS + step
}

/// The smallest number of microseconds that this bucket takes.
fn floor(bucket: usize) -> u64 {
    let doublings = (bucket / STEPS).saturating_sub(1);
    ((bucket - doublings * STEPS) as u64) << doublings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bucket_begins_where_the_one_before_ends() {
        for index in 0..STEPS * DOUBLINGS {
            assert_eq!(bucket(floor(index)), index);
            assert!(
                index == 0 || bucket(floor(index) - 1) == index - 1,
                "{index}"
            );
        }
    }

    #[test]
    fn quantiles_are_right_to_three_per_cent() {
        let mut histogram = Histogram::default();
        (1..=10_000).for_each(|micros| histogram.record(Duration::from_micros(micros)));

        for (share, wanted) in [(0.0, 1.0), (0.5, 5_000.0), (0.99, 9_900.0), (1.0, 10_000.0)] {
            let got = histogram.quantile(share).unwrap().as_secs_f64() * 1e6;
            assert!((got - wanted).abs() <= wanted * 0.035, "{share}: {got}");
        }
    }

    #[test]
    fn what_was_counted_since_a_copy_is_the_difference() {
        let mut histogram = Histogram::default();
        histogram.record(Duration::from_micros(5));
        let earlier = histogram.clone();
        histogram.record(Duration::from_micros(9));
        let since = histogram.since(&earlier);
        assert_eq!(since.quantile(0.0), Some(Duration::from_micros(9)));
        assert_eq!(since.quantile(1.0), Some(Duration::from_micros(9)));
    }

    #[test]
    fn nothing_counted_has_no_quantile() {
        assert_eq!(Histogram::default().quantile(0.5), None);
    }

    #[test]
    fn the_absurdly_long_lands_in_the_last_bucket() {
        let mut histogram = Histogram::default();
        histogram.record(Duration::MAX);
        assert_eq!(
            histogram.quantile(1.0),
            Some(Duration::from_micros(floor(1023)))
        );
    }
}
