//! Whose heavy losses are: a path that is too narrow loses nothing of what it has carried before; a bad radio loses its share
//! of whatever is sent, and sending less would only take the rest away too.

use std::time::{Duration, Instant};

use super::DISASTER;
use crate::seam::Bitrate;

/// So long heavy losses are watched before it is asked whose they are.
const TRIAL: Duration = Duration::from_secs(1);
/// What was watched so long ago is watched anew: the path, and what is sent over it, may be others since. It takes three
/// seconds to be told of enough packets at the lowest rate.
const STALE: Duration = Duration::from_secs(5);
/// They are not ours where they go on although less is sent than this part of what arrived.
const LESS: f64 = 0.75;
/// So many packets tell a path's usual share to a few in a hundred.
const SAMPLE: u32 = 300;
/// How far a path's usual share follows each sample.
const SMOOTH: f32 = 0.1;
/// Losses that rise by so much are asked anew whose they are: the path may have become narrow besides.
const RISE: f32 = 0.12;
/// A few packets are believed to tell of more losses than usual where chance makes so many in less than one of a thousand
/// times (on a path that usually loses up to seven in ten): in standard deviations.
const UNLIKELY: f32 = 4.0;
/// Where most are lost anyway, so large a share is needed: all, if they are few.
const NEARLY_ALL: f32 = 0.97;

/// Whose heavy losses are.
#[derive(Debug, Default, Clone, Copy)]
pub(super) enum Cause {
    /// There are none.
    #[default]
    None,
    /// There are, and it is not clear yet.
    Unknown(Trial),
    /// The path loses this share whatever is sent.
    Path(Usual),
}

/// Heavy losses that are watched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trial {
    since: Instant,
    /// When they were heavy last.
    latest: Instant,
    /// The least that arrived in their first second.
    arrived: Bitrate,
    lost: u32,
    told: u32,
    /// What the path was known to lose before.
    before: Option<Usual>,
}

/// What a path loses of whatever is sent, and what it lost of the packets since that was looked at.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Usual {
    pub(super) share: f32,
    /// That of the first sample; there is none yet where few packets made the path be judged.
    first: Option<f32>,
    lost: u32,
    told: u32,
}

impl Usual {
    pub(super) fn judged(share: f32) -> Self {
        Self {
            share,
            ..Self::default()
        }
    }

    /// So many lost are far more, and no chance.
    pub(super) fn is_exceeded(&self, lost: u32, told: u32) -> bool {
        let share = share_of(lost, told);
        let deviation = (self.share * (1.0 - self.share) * share_of(1, told)).sqrt();
        let limit = self.share + DISASTER.max(UNLIKELY * deviation);
        share > limit.min(NEARLY_ALL)
    }

    /// Counts packets; true where so many more of them are lost that it may be something else. The usual share is never more
    /// than at first: what rises slowly would not be noticed else.
    fn rises(&mut self, lost: u32, told: u32) -> bool {
        (self.lost, self.told) = (self.lost + lost, self.told + told);
        if self.first.is_none() {
            self.share += SMOOTH * (share_of(lost, told) - self.share);
        }
        if self.told < SAMPLE {
            return false;
        }
        let sample = share_of(self.lost, self.told);
        (self.lost, self.told) = (0, 0);
        let Some(first) = self.first else {
            (self.share, self.first) = (sample, Some(sample));
            return false;
        };
        let rises = sample > self.share + RISE;
        self.share = (self.share + SMOOTH * (sample - self.share)).min(first);
        rises
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share")]
pub(super) fn share_of(lost: u32, told: u32) -> f32 {
    lost as f32 / told as f32
}

impl Cause {
    /// What is left of it after a time without heavy losses.
    fn remembered(self, now: Instant) -> Self {
        match self {
            Self::Unknown(trial) if now.saturating_duration_since(trial.latest) > STALE => {
                trial.before.map_or(Self::None, Self::Path)
            }
            Self::None | Self::Unknown(_) | Self::Path(_) => self,
        }
    }

    /// What follows from a share that is heavy.
    pub(super) fn judge(
        self,
        (lost, told): (u32, u32),
        arrived: Option<Bitrate>,
        now: Instant,
    ) -> Self {
        let share = share_of(lost, told);
        let Some(rate) = arrived else {
            return self;
        };
        let anew = |before| {
            Self::Unknown(Trial {
                since: now,
                latest: now,
                arrived: rate,
                lost,
                told,
                before,
            })
        };
        match self.remembered(now) {
            Self::None => anew(None),
            Self::Unknown(Trial {
                before: Some(usual),
                ..
            }) if share <= usual.share + RISE => Self::Path(usual),
            Self::Unknown(mut trial) => {
                (trial.lost, trial.told) = (trial.lost + lost, trial.told + told);
                trial.latest = now;
                if now.saturating_duration_since(trial.since) < TRIAL {
                    trial.arrived = trial.arrived.min(rate);
                    return Self::Unknown(trial);
                }
                let sent = rate.times(1.0 / (1.0 - f64::from(share.min(0.99))));
                if sent < trial.arrived.times(LESS) {
                    Self::Path(Usual::judged(share_of(trial.lost, trial.told)))
                } else {
                    Self::Unknown(trial)
                }
            }
            Self::Path(usual) if usual.is_exceeded(lost, told) => anew(Some(usual)),
            Self::Path(mut usual) => {
                if usual.rises(lost, told) {
                    anew(Some(usual))
                } else {
                    Self::Path(usual)
                }
            }
        }
    }
}
