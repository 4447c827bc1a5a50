//! Whether queues on the way grow: the slope of the smoothed delay over the latest groups.

use std::collections::VecDeque;

use super::groups::Delta;

/// Groups that the line is laid through.
const WINDOW: usize = 20;
/// Weight of the past in the smoothed delay.
const SMOOTHING: f64 = 0.9;

/// A least-squares line through the latest delays.
#[derive(Debug, Default)]
pub(super) struct Trendline {
    begun_ms: Option<f64>,
    accumulated_ms: f64,
    smoothed_ms: f64,
    /// Arrival and smoothed delay, in milliseconds.
    points: VecDeque<(f64, f64)>,
    groups: u32,
}

/// The line's slope: milliseconds of delay gained in each millisecond.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Slope {
    pub(super) value: f64,
    /// How many groups were seen; few make a wild line.
    pub(super) groups: u32,
}

impl Trendline {
    /// Takes one difference in.
    pub(super) fn push(&mut self, delta: Delta) -> Slope {
        self.groups = self.groups.saturating_add(1);
        let begun = *self.begun_ms.get_or_insert(delta.arrival_ms);
        self.accumulated_ms += delta.arrived_ms - delta.sent_ms;
        self.smoothed_ms = SMOOTHING * self.smoothed_ms + (1.0 - SMOOTHING) * self.accumulated_ms;
        if self.points.len() == WINDOW {
            self.points.pop_front();
        }
        self.points
            .push_back((delta.arrival_ms - begun, self.smoothed_ms));
        Slope {
            value: self.slope(),
            groups: self.groups,
        }
    }

    fn slope(&self) -> f64 {
        if self.points.len() < WINDOW {
            return 0.0;
        }
        #[expect(clippy::cast_precision_loss, reason = "twenty")]
        let count = self.points.len() as f64;
        let (sum_x, sum_y) = self
            .points
            .iter()
            .fold((0.0, 0.0), |(x, y), p| (x + p.0, y + p.1));
        let (mean_x, mean_y) = (sum_x / count, sum_y / count);
        let (over, under) = self
            .points
            .iter()
            .fold((0.0, 0.0), |(over, under), (x, y)| {
                let off = x - mean_x;
                (over + off * (y - mean_y), under + off * off)
            });
        if under == 0.0 { 0.0 } else { over / under }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(gain_ms: f64) -> f64 {
        let mut line = Trendline::default();
        let step = |n: i32| Delta {
            sent_ms: 20.0,
            arrived_ms: 20.0 + gain_ms,
            arrival_ms: f64::from(n) * (20.0 + gain_ms),
        };
        (0..60).map(|n| line.push(step(n)).value).last().unwrap()
    }

    #[test]
    fn a_steady_path_has_no_slope() {
        assert!(feed(0.0).abs() < 1e-9);
    }

    #[test]
    fn a_growing_queue_slopes_up_and_a_draining_one_down() {
        assert!(feed(2.0) > 0.05);
        assert!(feed(-2.0) < -0.05);
    }
}
