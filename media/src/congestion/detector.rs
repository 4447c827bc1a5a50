//! When a slope means that the path is overused: a threshold that adapts to how restless the path is
//! (draft-ietf-rmcat-gcc-02 §5.4).

use super::groups::Delta;
use super::trendline::Slope;

/// What a slope is multiplied by before it is compared.
const GAIN: f64 = 4.0;
/// Groups that count at most.
const MOST_GROUPS: u32 = 60;
/// The threshold at first, and its bounds.
const THRESHOLD: f64 = 12.5;
const THRESHOLDS: (f64, f64) = (6.0, 600.0);
/// How fast it follows upwards and downwards, per millisecond.
const UP: f64 = 0.0087;
const DOWN: f64 = 0.039;
/// Leaps farther beyond it than this are outliers and do not move it.
const OUTLIER: f64 = 15.0;
/// A slope must stay above the threshold for so long.
const PATIENCE_MS: f64 = 10.0;

/// How the path is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Usage {
    /// Queues drain.
    Under,
    /// They stay as they are.
    Normal,
    /// They grow.
    Over,
}

/// Judges slopes.
#[derive(Debug)]
pub(super) struct Detector {
    threshold: f64,
    over_ms: f64,
    overs: u32,
    before: f64,
    adapted_ms: Option<f64>,
}

impl Default for Detector {
    fn default() -> Self {
        Self {
            threshold: THRESHOLD,
            over_ms: 0.0,
            overs: 0,
            before: 0.0,
            adapted_ms: None,
        }
    }
}

impl Detector {
    /// What the latest slope means.
    pub(super) fn judge(&mut self, slope: Slope, delta: Delta) -> Usage {
        let trend = f64::from(slope.groups.min(MOST_GROUPS)) * slope.value * GAIN;
        let usage = if trend > self.threshold {
            self.over_ms += if self.overs == 0 {
                delta.sent_ms / 2.0
            } else {
                delta.sent_ms
            };
            self.overs += 1;
            let lasts = self.over_ms > PATIENCE_MS && self.overs > 1;
            if lasts && slope.value >= self.before {
                self.over_ms = 0.0;
                self.overs = 0;
                Usage::Over
            } else {
                Usage::Normal
            }
        } else {
            self.over_ms = 0.0;
            self.overs = 0;
            if trend < -self.threshold {
                Usage::Under
            } else {
                Usage::Normal
            }
        };
        self.before = slope.value;
        self.adapt(trend, delta.arrival_ms);
        usage
    }

    fn adapt(&mut self, trend: f64, now_ms: f64) {
        let passed = self
            .adapted_ms
            .map_or(0.0, |at| (now_ms - at).clamp(0.0, 100.0));
        self.adapted_ms = Some(now_ms);
        let off = trend.abs() - self.threshold;
        if off > OUTLIER {
            return;
        }
        let speed = if off < 0.0 { DOWN } else { UP };
        let (low, high) = THRESHOLDS;
        self.threshold = (self.threshold + speed * off * passed).clamp(low, high);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(detector: &mut Detector, value: f64, n: i32) -> Usage {
        let delta = Delta {
            sent_ms: 20.0,
            arrived_ms: 20.0,
            arrival_ms: f64::from(n) * 20.0,
        };
        detector.judge(Slope { value, groups: 60 }, delta)
    }

    #[test]
    fn overuse_is_told_when_it_lasts() {
        let mut detector = Detector::default();
        assert_eq!(judge(&mut detector, 0.1, 0), Usage::Normal);
        assert_eq!(judge(&mut detector, 0.1, 1), Usage::Over);
    }

    #[test]
    fn a_slope_that_falls_already_is_no_overuse() {
        let mut detector = Detector::default();
        judge(&mut detector, 0.2, 0);
        assert_eq!(judge(&mut detector, 0.1, 1), Usage::Normal);
    }

    #[test]
    fn draining_queues_are_told() {
        assert_eq!(judge(&mut Detector::default(), -0.2, 0), Usage::Under);
    }

    #[test]
    fn a_restless_path_is_judged_more_leniently() {
        let mut detector = Detector::default();
        // Jitter of both signs around the threshold lifts it.
        for n in 0..400 {
            judge(&mut detector, if n % 2 == 0 { 0.1 } else { -0.1 }, n);
        }
        assert!(detector.threshold > 20.0);
        assert_eq!(judge(&mut detector, 0.07, 400), Usage::Normal);
    }
}
