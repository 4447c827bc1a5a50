//! The server's clock as NTP timestamps.

use std::time::{Duration, Instant};

/// NTP seconds of the zero: any moment will do, because only differences are ever told (RFC 3550 §4).
const ZERO_SECONDS: u64 = 0xe000_0000;

/// Nanoseconds of one second.
const NANOS: u128 = 1_000_000_000;

/// NTP timestamps, 32.32 fixed point, of one peer's sending side.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WallClock {
    zero: Instant,
}

impl WallClock {
    pub(crate) fn new(zero: Instant) -> Self {
        Self { zero }
    }

    /// The NTP timestamp of this moment.
    pub(crate) fn ntp(self, now: Instant) -> u64 {
        (ZERO_SECONDS << 32) + fixed_point(now.saturating_duration_since(self.zero))
    }

    /// The abs-send-time of this moment: 24 bits, 6.18 fixed point.
    pub(crate) fn abs_send_time(self, now: Instant) -> [u8; 3] {
        let [.., a, b, c] = (self.ntp(now) >> 14).to_be_bytes();
        [a, b, c]
    }
}

/// 32.32 fixed point seconds.
pub(crate) fn fixed_point(duration: Duration) -> u64 {
    u64::try_from((duration.as_nanos() << 32) / NANOS).unwrap_or(u64::MAX)
}

/// The duration of 32.32 fixed point seconds.
pub(crate) fn duration(fixed: u64) -> Duration {
    Duration::from_nanos(u64::try_from((u128::from(fixed) * NANOS) >> 32).unwrap_or(u64::MAX))
}

/// The middle 32 bits, which stand for the whole in report blocks.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the middle is what is wanted"
)]
pub(crate) fn middle(ntp: u64) -> u32 {
    (ntp >> 16) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_second_is_half_of_the_fraction() {
        let zero = Instant::now();
        let clock = WallClock::new(zero);
        let half = clock.ntp(zero + Duration::from_millis(500)) - clock.ntp(zero);
        assert_eq!(half, 1 << 31);
        assert_eq!(duration(half), Duration::from_millis(500));
    }

    #[test]
    fn abs_send_time_goes_round_every_64_seconds() {
        let zero = Instant::now();
        let clock = WallClock::new(zero);
        assert_eq!(clock.abs_send_time(zero), [0, 0, 0]);
        assert_eq!(
            clock.abs_send_time(zero + Duration::from_secs(1)),
            [0x04, 0, 0]
        );
        assert_eq!(
            clock.abs_send_time(zero + Duration::from_secs(65)),
            [0x04, 0, 0]
        );
    }
}
