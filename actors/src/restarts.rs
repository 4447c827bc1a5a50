//! How often a child may be started anew before its parent gives up.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Allows so many restarts in any window of time.
#[derive(Debug, Clone)]
pub struct RestartBudget {
    limit: usize,
    window: Duration,
    spent: VecDeque<Instant>,
}

impl RestartBudget {
    /// At most `limit` restarts in any `window`.
    pub fn new(limit: usize, window: Duration) -> Self {
        Self {
            limit,
            window,
            spent: VecDeque::with_capacity(limit),
        }
    }

    /// The rule of the house: three a minute.
    pub fn three_a_minute() -> Self {
        Self::new(3, Duration::from_secs(60))
    }

    /// Takes one restart from the budget, or says that it is spent.
    pub fn take(&mut self, now: Instant) -> bool {
        while self
            .spent
            .front()
            .is_some_and(|&at| now.duration_since(at) >= self.window)
        {
            self.spent.pop_front();
        }
        let allowed = self.spent.len() < self.limit;
        if allowed {
            self.spent.push_back(now);
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fourth_crash_of_a_minute_is_one_too_many() {
        let mut budget = RestartBudget::three_a_minute();
        let start = Instant::now();
        let allowed: Vec<bool> = (0..4)
            .map(|second| budget.take(start + Duration::from_secs(second)))
            .collect();
        assert_eq!(allowed, [true, true, true, false]);
    }

    #[test]
    fn a_minute_later_the_budget_is_whole_again() {
        let mut budget = RestartBudget::three_a_minute();
        let start = Instant::now();
        assert!((0..3).all(|_| budget.take(start)));
        assert!(budget.take(start + Duration::from_secs(60)));
    }
}
