//! The loss-based half: a ceiling that falls when many packets get lost (draft-ietf-rmcat-gcc-02 §6).

mod cause;

use std::time::{Duration, Instant};

use super::ledger::Acknowledged;
use super::{CEILING, FLOOR};
use crate::seam::Bitrate;
use cause::{Cause, share_of};

/// Packets that make a share.
const ENOUGH: u32 = 20;
/// A share is made of this much time, so that a few unlucky packets make no loss of their own.
const WINDOW: Duration = Duration::from_secs(1);
/// So large a share is believed at once.
const DISASTER: f32 = 0.25;
/// Losses below this share are the network's ordinary ones: retransmission mends them.
const ORDINARY: f32 = 0.02;
/// Above this share the path carries less than what is sent.
const HEAVY: f32 = 0.10;
/// How the ceiling recovers each second.
const RECOVERY: f64 = 1.08;
/// It falls at most this often, beside a round trip.
const FALL_PAUSE: Duration = Duration::from_millis(300);

/// What gets lost, and the ceiling that follows from it.
#[derive(Debug)]
pub(super) struct Losses {
    ceiling: Bitrate,
    lost: u32,
    told: u32,
    share: f32,
    since: Option<Instant>,
    moved: Option<Instant>,
    fell: Option<Instant>,
    cause: Cause,
}

impl Default for Losses {
    fn default() -> Self {
        Self {
            ceiling: CEILING,
            lost: 0,
            told: 0,
            share: 0.0,
            since: None,
            moved: None,
            fell: None,
            cause: Cause::None,
        }
    }
}

impl Losses {
    /// What the losses allow.
    pub(super) fn ceiling(&self) -> Bitrate {
        self.ceiling
    }

    /// More is lost than a network loses ordinarily.
    pub(super) fn are_many(&self) -> bool {
        self.share > ORDINARY
    }

    /// Share lost lately, 0 to 1.
    pub(super) fn share(&self) -> f32 {
        self.share
    }

    /// A probe came through at this rate, so the path carries it.
    pub(super) fn probed(&mut self, rate: Bitrate) {
        if self.share < HEAVY {
            self.ceiling = self.ceiling.max(rate);
        }
    }

    /// Counts what was told of; true if the ceiling fell. `delivered` is how fast packets come in.
    pub(super) fn count(
        &mut self,
        acknowledged: &[Acknowledged],
        delivered: Option<Bitrate>,
        rtt: Option<Duration>,
        now: Instant,
    ) -> bool {
        for packet in acknowledged {
            self.told += 1;
            self.lost += u32::from(packet.arrival.is_none());
        }
        let since = *self.since.get_or_insert(now);
        let passed = now.saturating_duration_since(since);
        if self.told < ENOUGH {
            return false;
        }
        let share = share_of(self.lost, self.told);
        if passed < WINDOW && share < DISASTER {
            return false;
        }
        self.share = share;
        let counted = (self.lost, self.told);
        (self.lost, self.told, self.since) = (0, 0, Some(now));
        self.move_ceiling(counted, delivered, rtt, now)
    }

    fn move_ceiling(
        &mut self,
        counted: (u32, u32),
        delivered: Option<Bitrate>,
        rtt: Option<Duration>,
        now: Instant,
    ) -> bool {
        let since = |at: Option<Instant>| at.map(|at| now.saturating_duration_since(at));
        let passed = since(self.moved.replace(now));
        if self.share > HEAVY {
            self.cause = self.cause.judge(counted, delivered, now);
            if let Cause::Path(_) = self.cause {
                return false;
            }
            let pause = FALL_PAUSE + rtt.unwrap_or_default();
            if since(self.fell).is_some_and(|passed| passed < pause) {
                return false;
            }
            self.fell = Some(now);
            // What comes in is below what goes out by what was lost; nothing is gained by sending more than that.
            let base = delivered.map_or(self.ceiling, |rate| {
                self.ceiling
                    .min(rate.times(1.0 / (1.0 - f64::from(self.share))))
            });
            let fallen = base.times(1.0 - 0.5 * f64::from(self.share));
            self.ceiling = fallen.clamp(FLOOR, self.ceiling);
            return true;
        }
        // A share of few packets falls below what is heavy by chance.
        if self.share < ORDINARY {
            self.cause = Cause::None;
        }
        if self.share < ORDINARY && self.ceiling < CEILING {
            let seconds = passed.unwrap_or(WINDOW).as_secs_f64().min(1.0);
            self.ceiling = self.ceiling.times(RECOVERY.powf(seconds)).min(CEILING);
        }
        false
    }
}

#[cfg(test)]
mod tests;
