//! When what could not be done is tried again: later and later.

use std::time::Duration;

/// How long something waits after its first failure; twice as long after each further one.
const FIRST: Duration = Duration::from_secs(2);

/// The longest that it waits.
const LONGEST: Duration = Duration::from_secs(900);

/// How long something waits that was tried in vain that often before this time.
pub(super) fn wait(tries: u32) -> Duration {
    FIRST.saturating_mul(1 << tries.min(16)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_waits_twice_as_long_each_time_and_a_quarter_of_an_hour_at_most() {
        let seconds = [0, 1, 2, 8, 9, u32::MAX].map(|tries| wait(tries).as_secs());
        assert_eq!(seconds, [2, 4, 8, 512, 900, 900]);
    }
}
