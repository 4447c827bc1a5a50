//! The loss-based half: a ceiling that falls when many packets get lost (draft-ietf-rmcat-gcc-02 §6).

use std::time::{Duration, Instant};

use super::ledger::Acknowledged;
use super::{CEILING, FLOOR};
use crate::seam::Bitrate;

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

/// So long heavy losses are watched before it is asked whose they are.
const TRIAL: Duration = Duration::from_secs(1);
/// They are not ours where they go on although less is sent than this part of what arrived.
const LESS: f64 = 0.75;
/// So many packets tell a path's usual share to a few in a hundred.
const SAMPLE: u32 = 300;
/// How far a path's usual share follows each sample.
const SMOOTH: f32 = 0.1;
/// Losses that rise by so much are asked anew whose they are: the path may have become narrow besides.
const RISE: f32 = 0.12;
/// A few packets are believed to tell of more losses than usual where chance makes so many in none of ten thousand times: in
/// standard deviations.
const UNLIKELY: f32 = 4.0;

/// Whose heavy losses are. A path that is too narrow loses nothing of what it has carried before; a bad radio loses its share
/// of whatever is sent, and sending less would only take the rest away too.
#[derive(Debug, Default, Clone, Copy)]
enum Cause {
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
struct Trial {
    since: Instant,
    /// The least that arrived in their first second.
    arrived: Bitrate,
    lost: u32,
    told: u32,
    /// What the path was known to lose before.
    before: Option<Usual>,
}

/// What a path loses of whatever is sent, and what it lost of the packets since that was looked at.
#[derive(Debug, Default, Clone, Copy)]
struct Usual {
    share: f32,
    /// That of the first sample; there is none yet where few packets made the path be judged.
    first: Option<f32>,
    lost: u32,
    told: u32,
}

impl Usual {
    fn judged(share: f32) -> Self {
        Self {
            share,
            ..Self::default()
        }
    }

    /// So many lost are far more, and no chance.
    fn is_exceeded(&self, lost: u32, told: u32) -> bool {
        let share = share_of(lost, told);
        let deviation = (self.share * (1.0 - self.share) * share_of(1, told)).sqrt();
        share > self.share + DISASTER.max(UNLIKELY * deviation)
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
fn share_of(lost: u32, told: u32) -> f32 {
    lost as f32 / told as f32
}

impl Cause {
    /// What follows from a share that is heavy.
    fn judge(self, (lost, told): (u32, u32), arrived: Option<Bitrate>, now: Instant) -> Self {
        let share = share_of(lost, told);
        let Some(rate) = arrived else {
            return self;
        };
        let anew = |before| {
            Self::Unknown(Trial {
                since: now,
                arrived: rate,
                lost,
                told,
                before,
            })
        };
        match self {
            Self::None => anew(None),
            Self::Unknown(Trial {
                before: Some(usual),
                ..
            }) if share <= usual.share + RISE => Self::Path(usual),
            Self::Unknown(mut trial) => {
                (trial.lost, trial.told) = (trial.lost + lost, trial.told + told);
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
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn told(lost: usize, of: usize) -> Vec<Acknowledged> {
        let packet = |n| Acknowledged {
            sent: Duration::ZERO,
            arrival: (n >= lost).then_some(MS),
            bytes: 1000,
            probe: None,
        };
        (0..of).map(packet).collect()
    }

    #[test]
    fn ordinary_losses_leave_the_ceiling_alone() {
        let mut losses = Losses::default();
        let now = Instant::now();
        for n in 0..50u32 {
            assert!(!losses.count(
                &told(5, 100),
                Some(Bitrate(1_000_000)),
                None,
                now + n * 100 * MS
            ));
        }
        assert_eq!(losses.ceiling(), CEILING);
        assert!((losses.share() - 0.05).abs() < 1e-6);
    }

    #[test]
    fn what_a_few_packets_tell_of_a_bad_path_by_chance_changes_nothing() {
        let mut losses = Losses::default();
        let zero = Instant::now();
        let rate = |kbps: u64| Some(Bitrate(kbps * 1000));
        for n in 0..4u32 {
            losses.count(&told(30, 100), rate(700), None, zero + n * 400 * MS);
        }
        losses.count(&told(30, 100), rate(300), None, zero + 1600 * MS);
        assert!(matches!(losses.cause, Cause::Path(_)), "{:?}", losses.cause);
        let ceiling = losses.ceiling();
        let samples = [(11, 21), (2, 40), (9, 20), (12, 22)];
        for (n, (lost, of)) in (2..).zip(samples) {
            losses.count(&told(lost, of), rate(150), None, zero + n * 1000 * MS);
        }
        assert_eq!(losses.ceiling(), ceiling);
        losses.count(&told(80, 100), rate(20), None, zero + 7000 * MS);
        assert!(losses.ceiling() < ceiling, "eight in ten are no chance");
    }

    #[test]
    fn heavy_losses_bring_it_below_what_is_sent() {
        let mut losses = Losses::default();
        let now = Instant::now();
        assert!(losses.count(&told(40, 100), Some(Bitrate(600_000)), None, now));
        assert_eq!(losses.ceiling().0 / 1000, 799); // a million sent, less half of 40 %
    }

    #[test]
    fn it_falls_once_in_a_round_trip() {
        let mut losses = Losses::default();
        let now = Instant::now();
        let rtt = Some(200 * MS);
        assert!(losses.count(&told(40, 100), Some(Bitrate(600_000)), rtt, now));
        assert!(!losses.count(&told(40, 100), Some(Bitrate(600_000)), rtt, now + 100 * MS));
        assert!(losses.count(&told(40, 100), Some(Bitrate(300_000)), rtt, now + 600 * MS));
    }

    /// What is sent after so many seconds on a path that loses this share of what it carries.
    fn sent_after(seconds: u32, arrives: impl Fn(f64) -> f64) -> f64 {
        sent_in(seconds, |sent, _| arrives(sent))
    }

    /// The same on a path that changes: it is told the second, too.
    fn sent_in(seconds: u32, arrives: impl Fn(f64, u32) -> f64) -> f64 {
        let mut losses = Losses::default();
        let begun = Instant::now();
        let mut sent = 1000.0; // kbit/s
        for step in 1..=seconds * 2 {
            let rate = arrives(sent, step / 2);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "small and positive"
            )]
            let (lost, rate) = ((100.0 * (1.0 - rate / sent)) as usize, rate as u64 * 1000);
            losses.count(
                &told(lost, 100),
                Some(Bitrate(rate)),
                None,
                begun + step * 500 * MS,
            );
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let ceiling = losses.ceiling().0 as f64 / 1000.0;
            sent = ceiling.min(1000.0);
        }
        sent
    }

    #[test]
    fn what_a_path_loses_of_whatever_is_sent_does_not_bring_it_to_nothing() {
        let sent = sent_after(60, |sent| sent * 0.7);
        assert!((350.0..800.0).contains(&sent), "{sent} kbit/s");
    }

    #[test]
    fn a_path_that_is_too_narrow_is_told_from_one_that_is_bad() {
        let sent = sent_after(60, |sent| sent.min(120.0));
        assert!((60.0..150.0).contains(&sent), "{sent} kbit/s");
        let narrow_and_bad = sent_after(60, |sent| sent.min(300.0) * 0.8);
        assert!(
            (100.0..350.0).contains(&narrow_and_bad),
            "{narrow_and_bad} kbit/s"
        );
    }

    #[test]
    fn a_bad_path_that_gets_narrow_later_is_sent_no_more_than_it_carries() {
        let bad = |sent: f64| sent * 0.7;
        let early = sent_in(40, |sent, _| bad(sent));
        let at_once = |sent: f64, second| {
            let carries = if second < 40 { 1.0 } else { 0.75 };
            bad(sent.min(early * carries))
        };
        let by_and_by = |sent: f64, second: u32| {
            let carries = 1.0 - f64::from(second.saturating_sub(40)) / 200.0;
            bad(sent.min(early * carries.max(0.5)))
        };
        for (how, sent, carried) in [
            ("at once", sent_in(80, at_once), early * 0.75),
            ("by and by", sent_in(180, by_and_by), early * 0.5),
        ] {
            let share = sent / carried;
            assert!(
                (0.3..1.15).contains(&share),
                "{how}: {sent} of {early} kbit/s"
            );
        }
    }

    #[test]
    fn it_recovers_when_nothing_is_lost() {
        let mut losses = Losses::default();
        let now = Instant::now();
        losses.count(&told(40, 100), Some(Bitrate(600_000)), None, now);
        let low = losses.ceiling();
        for n in 1..=10u32 {
            losses.count(
                &told(0, 100),
                Some(Bitrate(600_000)),
                None,
                now + n * 1000 * MS,
            );
        }
        assert!(losses.ceiling() > low.times(2.0));
    }
}
