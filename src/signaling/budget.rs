//! How much one socket may send: a token bucket that first slows it down, then gives up on it.

use std::time::{Duration, Instant};

use crate::config::Limits;

/// Bytes of a frame that cost as much as one more frame.
const BYTES_PER_FRAME: u32 = 16 * 1024;

/// What to do about a frame that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing.
    Pass,
    /// Read no further for so long.
    Slow(Duration),
    /// It was slowed down for so long that it will not stop: close it.
    Flood,
}

/// What is left for one socket.
#[derive(Debug)]
pub(super) struct Budget {
    per_second: f64,
    most: f64,
    patience: Duration,
    left: f64,
    counted: Instant,
    slowed_since: Option<Instant>,
}

impl Budget {
    pub(super) fn new(limits: &Limits, now: Instant) -> Self {
        let most = f64::from(limits.frames_burst.max(1));
        Self {
            per_second: f64::from(limits.frames_per_second.max(1)),
            most,
            patience: Duration::from_secs(limits.flood_seconds),
            left: most,
            counted: now,
            slowed_since: None,
        }
    }

    /// Takes one frame of that many bytes out of it.
    pub(super) fn take(&mut self, bytes: usize, now: Instant) -> Verdict {
        let passed = now.duration_since(self.counted).as_secs_f64();
        self.counted = now;
        self.left = (self.left + passed * self.per_second).min(self.most);
        let bytes = f64::from(u32::try_from(bytes).unwrap_or(u32::MAX));
        self.left -= 1.0 + bytes / f64::from(BYTES_PER_FRAME);
        if self.left >= 0.0 {
            self.slowed_since = None;
            return Verdict::Pass;
        }
        let since = *self.slowed_since.get_or_insert(now);
        if now.duration_since(since) >= self.patience {
            return Verdict::Flood;
        }
        Verdict::Slow(Duration::from_secs_f64(-self.left / self.per_second))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn budget(now: Instant) -> Budget {
        let limits = Limits {
            requests_per_key: 0,
            requests_per_key_burst: 0,
            requests_per_address: 0,
            requests_per_address_burst: 0,
            joins_per_room: 0,
            joins_per_room_burst: 0,
            sockets_per_address: 0,
            audio_tracks_per_client: 0,
            video_tracks_per_client: 0,
            video_slots_per_client: 0,
            kbps_per_client: 0,
            hidden_per_room: 0,
            frames_per_second: 10,
            frames_burst: 20,
            flood_seconds: 5,
            socket_backlog_bytes: 0,
        };
        Budget::new(&limits, now)
    }

    #[test]
    fn a_burst_passes_and_more_is_slowed() {
        let now = Instant::now();
        let mut budget = budget(now);
        assert!((0..20).all(|_| budget.take(0, now) == Verdict::Pass));
        assert_eq!(budget.take(0, now), Verdict::Slow(SECOND / 10));
    }

    #[test]
    fn who_keeps_the_pace_is_never_slowed() {
        let mut now = Instant::now();
        let mut budget = budget(now);
        for _ in 0..1000 {
            assert_eq!(budget.take(0, now), Verdict::Pass);
            now += SECOND / 10;
        }
    }

    #[test]
    fn who_floods_on_while_being_slowed_is_given_up() {
        let mut now = Instant::now();
        let mut budget = budget(now);
        let begin = now;
        loop {
            match budget.take(0, now) {
                Verdict::Pass => {}
                Verdict::Slow(pause) => now += pause,
                Verdict::Flood => break,
            }
        }
        assert!((5 * SECOND..6 * SECOND).contains(&(now - begin)));
    }

    #[test]
    fn large_frames_cost_more() {
        let now = Instant::now();
        let mut budget = budget(now);
        let verdict = budget.take(256 * 1024, now); // 17 of 20
        assert_eq!(verdict, Verdict::Pass);
        assert!(matches!(budget.take(256 * 1024, now), Verdict::Slow(_)));
    }
}
