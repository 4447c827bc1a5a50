//! How good a connection is, in one number.

use std::time::{Duration, Instant};

use calls_model::ParticipantId;
use calls_model::signal::{ClientStats, Quality};

/// Loss that takes the whole score.
const HOPELESS_LOSS: f32 = 0.25;

/// Round-trip times below are perfect.
const GOOD_RTT_MS: f32 = 100.0;

/// Round-trip times above take two points.
const BAD_RTT_MS: f32 = 600.0;

/// What a connection counted since it began, and how it is now.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Figures {
    /// Bytes that came.
    pub received_bytes: u64,
    /// Bytes that went.
    pub sent_bytes: u64,
    /// Media packets that came.
    pub packets: u64,
    /// Media packets that never came.
    pub lost: u64,
    /// Share of what was sent that did not arrive lately.
    pub loss: f32,
    /// Round-trip time, where it is known.
    pub rtt: Option<Duration>,
}

/// Follows one connection.
#[derive(Debug, Default)]
pub struct QualityMeter {
    client: ClientStats,
    before: Option<(Instant, Figures)>,
    told: Option<f32>,
}

impl QualityMeter {
    /// Takes the client's own figures.
    pub fn heard(&mut self, stats: ClientStats) {
        self.client = stats;
    }

    /// Compares figures. Returns what to tell the others, if the score changed.
    pub fn look(&mut self, who: &ParticipantId, figures: Figures, now: Instant) -> Option<Quality> {
        let (then, before) = self.before.replace((now, figures))?;
        let elapsed = now.duration_since(then);
        let missing = figures.lost.saturating_sub(before.lost);
        let up = share(
            missing,
            missing + figures.packets.saturating_sub(before.packets),
        );
        let loss = up
            .max(figures.loss)
            .max(self.client.loss.map_or(0.0, narrow))
            .clamp(0.0, 1.0);
        let measured = figures.rtt.map(|rtt| rtt.as_secs_f64() * 1000.0);
        let rtt = measured
            .or(self.client.rtt_ms)
            .map(|rtt| rtt.clamp(0.0, 60_000.0));
        let score = score(loss, rtt.map(narrow));
        if self.told == Some(score) {
            return None;
        }
        self.told = Some(score);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to a minute"
        )]
        let rtt_ms = rtt.map(|rtt| rtt as u32);
        Some(Quality {
            participant_id: who.clone(),
            score,
            up_kbps: kbps(
                figures.received_bytes.saturating_sub(before.received_bytes),
                elapsed,
            ),
            down_kbps: kbps(
                figures.sent_bytes.saturating_sub(before.sent_bytes),
                elapsed,
            ),
            loss,
            rtt_ms,
        })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a share, or some milliseconds"
)]
fn narrow(wide: f64) -> f32 {
    wide as f32
}

#[expect(clippy::cast_precision_loss, reason = "packets of a few seconds")]
fn share(part: u64, whole: u64) -> f32 {
    if whole == 0 {
        0.0
    } else {
        part as f32 / whole as f32
    }
}

/// 5 is perfect, 0 is gone; in halves, so that a tremble is no news.
fn score(loss: f32, rtt_ms: Option<f32>) -> f32 {
    let by_loss = 5.0 * (loss / HOPELESS_LOSS).clamp(0.0, 1.0);
    let by_delay = rtt_ms.map_or(0.0, |rtt| {
        2.0 * ((rtt - GOOD_RTT_MS) / (BAD_RTT_MS - GOOD_RTT_MS)).clamp(0.0, 1.0)
    });
    ((5.0 - by_loss - by_delay).max(0.0) * 2.0).round() / 2.0
}

fn kbps(bytes: u64, elapsed: Duration) -> u32 {
    let millis = u64::try_from(elapsed.as_millis())
        .unwrap_or(u64::MAX)
        .max(1);
    u32::try_from(bytes.saturating_mul(8) / millis).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_and_near_connection_is_perfect() {
        assert!((score(0.0, Some(30.0)) - 5.0).abs() < f32::EPSILON);
    }

    #[test]
    fn loss_and_distance_both_cost() {
        assert!(score(0.05, None) < score(0.01, None));
        assert!(score(0.0, Some(500.0)) < score(0.0, Some(150.0)));
        assert!(score(1.0, Some(5000.0)).abs() < f32::EPSILON);
    }

    #[test]
    fn only_a_changed_score_is_told() {
        let mut meter = QualityMeter::default();
        let who = "part_ann".parse().unwrap();
        let start = Instant::now();
        let second = |n| start + Duration::from_secs(n);
        let stats = |bytes| Figures {
            received_bytes: bytes,
            ..Figures::default()
        };
        assert_eq!(
            meter.look(&who, stats(0), second(0)),
            None,
            "nothing to compare with"
        );
        let told = meter.look(&who, stats(125_000), second(1)).unwrap();
        assert_eq!(told.up_kbps, 1000);
        assert_eq!(meter.look(&who, stats(250_000), second(2)), None);
        meter.heard(ClientStats {
            loss: Some(0.1),
            ..ClientStats::default()
        });
        assert!(meter.look(&who, stats(260_000), second(3)).is_some());
    }

    #[test]
    fn what_never_came_counts_from_one_look_to_the_next() {
        let mut meter = QualityMeter::default();
        let who = "part_ann".parse().unwrap();
        let start = Instant::now();
        let figures = |packets, lost| Figures {
            packets,
            lost,
            ..Figures::default()
        };
        meter.look(&who, figures(0, 0), start);
        let told = meter
            .look(&who, figures(90, 10), start + Duration::from_secs(1))
            .unwrap();
        assert!((told.loss - 0.1).abs() < 0.001, "{told:?}");
        let told = meter
            .look(&who, figures(190, 10), start + Duration::from_secs(2))
            .unwrap();
        assert!(told.loss.abs() < f32::EPSILON, "{told:?}");
    }
}
