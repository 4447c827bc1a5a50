//! Token buckets by key: how often each may do something, with a bound on how many keys are remembered.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Keys that are remembered at most. A flood of new ones pushes out the one that was quiet for longest.
const REMEMBERED: usize = 10_000;

/// How often something may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// At once.
    pub burst: u32,
    /// A second, on average; 0: there is no limit.
    pub per_second: u32,
}

impl Quota {
    /// How long an empty bucket takes to be full.
    pub fn window(self) -> Duration {
        Duration::from_secs(u64::from(self.burst.div_ceil(self.per_second.max(1))))
    }
}

/// What is left after something was done, or why it was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// It may be done.
    pub granted: bool,
    /// How often it may be done again at once.
    pub remaining: u32,
    /// Until one more is there, where none is; else until all are.
    pub reset: Duration,
}

/// One bucket for each key.
pub struct Buckets<K> {
    quota: Quota,
    filled: Mutex<HashMap<K, (f64, Instant)>>,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    /// Full ones.
    pub fn new(quota: Quota) -> Self {
        Self {
            quota,
            filled: Mutex::new(HashMap::new()),
        }
    }

    /// How often.
    pub fn quota(&self) -> Quota {
        self.quota
    }

    /// Takes one out of this key's bucket; none where there is no limit.
    pub fn take(&self, key: K, now: Instant) -> Option<Left> {
        if self.quota.per_second == 0 {
            return None;
        }
        let (most, rate) = (
            f64::from(self.quota.burst.max(1)),
            f64::from(self.quota.per_second),
        );
        let mut filled = self.filled.lock().unwrap_or_else(PoisonError::into_inner);
        if filled.len() >= REMEMBERED && !filled.contains_key(&key) {
            let quietest = filled.iter().min_by_key(|(_, (_, at))| *at);
            if let Some(quietest) = quietest.map(|(key, _)| key.clone()) {
                filled.remove(&quietest);
            }
        }
        let bucket = filled.entry(key).or_insert((most, now));
        let passed = now.saturating_duration_since(bucket.1).as_secs_f64();
        let level = (bucket.0 + passed * rate).min(most);
        let granted = level >= 1.0;
        let level = if granted { level - 1.0 } else { level };
        *bucket = (level, now);
        let wait = if level < 1.0 {
            1.0 - level
        } else {
            most - level
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and a u32"
        )]
        let remaining = level as u32;
        Some(Left {
            granted,
            remaining,
            reset: Duration::from_secs_f64(wait / rate),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUOTA: Quota = Quota {
        burst: 3,
        per_second: 2,
    };

    #[test]
    fn a_bucket_gives_what_is_in_it_and_fills_again() {
        let (buckets, now) = (Buckets::new(QUOTA), Instant::now());
        let take = |key: &'static str, at| buckets.take(key, at).unwrap();
        let left: Vec<u32> = (0..3).map(|_| take("a", now).remaining).collect();
        assert_eq!(left, [2, 1, 0]);
        let empty = take("a", now);
        assert_eq!(
            (empty.granted, empty.reset),
            (false, Duration::from_millis(500))
        );
        assert!(take("b", now).granted, "another's is full");
        assert!(take("a", now + Duration::from_millis(500)).granted);
        assert!(!take("a", now + Duration::from_millis(500)).granted);
        assert_eq!(
            take("a", now + Duration::from_secs(60)).remaining,
            2,
            "never more than full"
        );
    }

    #[test]
    fn no_limit_is_no_limit() {
        let quota = Quota {
            burst: 0,
            per_second: 0,
        };
        assert_eq!(Buckets::new(quota).take("a", Instant::now()), None);
    }

    #[test]
    fn a_flood_of_keys_never_grows_the_table() {
        let (buckets, now) = (Buckets::new(QUOTA), Instant::now());
        for key in 0..=REMEMBERED {
            buckets.take(key, now);
        }
        assert_eq!(buckets.filled.lock().unwrap().len(), REMEMBERED);
    }
}
