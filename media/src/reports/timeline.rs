//! Publishers' clocks, laid onto the server's.
//!
//! A publisher's sender reports say which of its NTP times belongs to which RTP timestamp. Listeners compare sound and
//! picture by NTP time, so what we tell them must be on one clock, the server's. One offset per publisher does that for
//! all of its tracks alike, so they stay in step whatever the network does to single reports.

use std::time::Instant;

use super::reception::ticks;
use super::wallclock::{WallClock, duration};
use crate::seam::{PeerId, SourceClock};

/// A report this much off the offset means that the publisher's clock was set.
const CLOCK_WAS_SET: i64 = 1 << 32;
/// The offset gives way to later reports by this part, so that it follows clocks that drift apart.
const GIVE: i64 = 16;

/// The offsets of the publishers that are watched.
#[derive(Debug, Default)]
pub(crate) struct Timeline {
    offsets: Vec<(PeerId, i64)>,
}

impl Timeline {
    /// A sender report came: the earliest of them, relative to its own time, was delayed least.
    pub(crate) fn hear(&mut self, clock: &SourceClock, wall: WallClock) {
        let sample = wall
            .ntp(clock.arrival)
            .wrapping_sub(clock.ntp)
            .cast_signed();
        let publisher = clock.track.peer;
        let Some((_, offset)) = self.offsets.iter_mut().find(|(peer, _)| *peer == publisher) else {
            self.offsets.push((publisher, sample));
            return;
        };
        let later = sample.wrapping_sub(*offset);
        *offset = if (0..=CLOCK_WAS_SET).contains(&later) {
            *offset + later / GIVE
        } else {
            sample
        };
    }

    /// Forgets publishers that nobody watches.
    pub(crate) fn retain(&mut self, watched: impl Fn(PeerId) -> bool) {
        self.offsets.retain(|&(peer, _)| watched(peer));
    }

    /// The source's RTP timestamp at this moment of the server's clock.
    pub(crate) fn rtp_at(
        &self,
        clock: &SourceClock,
        clock_rate: u32,
        wall: WallClock,
        now: Instant,
    ) -> Option<u32> {
        let &(_, offset) = self
            .offsets
            .iter()
            .find(|(peer, _)| *peer == clock.track.peer)?;
        let then = clock.ntp.wrapping_add_signed(offset);
        let since = wall.ntp(now).wrapping_sub(then).cast_signed();
        let steps = ticks(duration(since.unsigned_abs()), clock_rate);
        Some(if since < 0 {
            clock.rtp.wrapping_sub(steps)
        } else {
            clock.rtp.wrapping_add(steps)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::seam::{Layer, TrackId};

    const MS: Duration = Duration::from_millis(1);

    fn clock(index: u32, ntp_ms: u64, rtp: u32, arrival: Instant) -> SourceClock {
        let ntp = (5_000 << 32) + (ntp_ms << 32) / 1000;
        let track = TrackId {
            peer: PeerId(1),
            index,
        };
        SourceClock {
            track,
            layer: Layer(0),
            ntp,
            rtp,
            arrival,
        }
    }

    fn close(a: u32, b: u32, tolerance: i32) -> bool {
        (a.wrapping_sub(b).cast_signed()).abs() <= tolerance
    }

    #[test]
    fn time_goes_on_from_the_report() {
        let zero = Instant::now();
        let (wall, mut timeline) = (WallClock::new(zero), Timeline::default());
        let report = clock(0, 0, u32::MAX, zero);
        timeline.hear(&report, wall);
        let rtp = timeline
            .rtp_at(&report, 90_000, wall, zero + 1000 * MS)
            .unwrap();
        assert!(close(rtp, 89_999, 1), "{rtp}");
    }

    #[test]
    fn a_delayed_report_does_not_pull_sound_and_picture_apart() {
        let zero = Instant::now();
        let (wall, mut timeline) = (WallClock::new(zero), Timeline::default());
        let sound = clock(0, 0, 0, zero);
        let picture = clock(1, 0, 0, zero + 80 * MS); // the same moment, told 80 ms later
        timeline.hear(&sound, wall);
        timeline.hear(&picture, wall);
        let now = zero + 200 * MS;
        let heard = timeline.rtp_at(&sound, 48_000, wall, now).unwrap() / 48;
        let seen = timeline.rtp_at(&picture, 90_000, wall, now).unwrap() / 90;
        assert!(heard.abs_diff(seen) <= 1, "{heard} {seen}");
    }

    #[test]
    fn a_clock_that_was_set_is_followed_at_once() {
        let zero = Instant::now();
        let (wall, mut timeline) = (WallClock::new(zero), Timeline::default());
        timeline.hear(&clock(0, 100_000, 0, zero), wall);
        let after = clock(0, 1_000, 90_000, zero + 1000 * MS);
        timeline.hear(&after, wall);
        let rtp = timeline
            .rtp_at(&after, 90_000, wall, zero + 1000 * MS)
            .unwrap();
        assert!(close(rtp, 90_000, 1), "{rtp}");
    }

    #[test]
    fn a_publisher_without_reports_has_no_time() {
        let zero = Instant::now();
        let report = clock(0, 0, 0, zero);
        assert_eq!(
            Timeline::default().rtp_at(&report, 90_000, WallClock::new(zero), zero),
            None
        );
    }
}
