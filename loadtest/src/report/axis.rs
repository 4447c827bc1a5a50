//! An axis of a plot: round numbers, some four to six of them, that hold all values.

/// Most steps of an axis.
const STEPS: f64 = 5.0;

/// From where to where an axis goes, and in which steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    step: f64,
}

impl Axis {
    /// One that holds all from `low` to `high`.
    pub(super) fn holding(low: f64, high: f64) -> Self {
        let span = (high - low).max(1e-3);
        let rough = span / STEPS;
        let power = 10_f64.powf(rough.log10().floor());
        let round = [1.0, 2.0, 5.0].map(|round| round * power);
        let enough = round.into_iter().find(|step| *step >= rough);
        let step = enough.unwrap_or(10.0 * power);
        let low = (low / step).floor() * step;
        Self {
            low,
            high: (low + step).max((high / step).ceil() * step),
            step,
        }
    }

    /// One of time, that ends where the time does.
    pub(super) fn until(end: f64) -> Self {
        // What is a moment late is not worth another step.
        let whole = if end < 1.0 { end } else { end.floor() };
        Self {
            high: end,
            ..Self::holding(0.0, whole)
        }
    }

    /// How far along the axis a value stands, from 0 to 1.
    pub(super) fn place(self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    /// The round numbers.
    pub(super) fn ticks(self) -> impl Iterator<Item = f64> {
        let count = (0_u32..).map(move |tick| self.low + f64::from(tick) * self.step);
        count.take_while(move |tick| *tick <= self.high + self.step * 1e-6)
    }

    /// A round number as it is written.
    pub(super) fn label(self, tick: f64) -> String {
        // As many digits as the step has, or neighbours would read the same.
        let (mut step, mut finest) = (self.step, 0);
        while step < 0.999 && finest < 9 {
            (step, finest) = (step * 10.0, finest + 1);
        }
        format!("{tick:.finest$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(low: f64, high: f64) -> Vec<String> {
        labels_of(Axis::holding(low, high))
    }

    fn labels_of(axis: Axis) -> Vec<String> {
        axis.ticks().map(|tick| axis.label(tick)).collect()
    }

    #[test]
    fn ticks_are_round_and_hold_all_values() {
        assert_eq!(labels(0.0, 47.3), ["0", "10", "20", "30", "40", "50"]);
        assert_eq!(labels(0.0, 1.9), ["0.0", "0.5", "1.0", "1.5", "2.0"]);
        assert_eq!(labels(0.0, 0.04), ["0.00", "0.01", "0.02", "0.03", "0.04"]);
        assert_eq!(labels(115.2, 118.9), ["115", "116", "117", "118", "119"]);
        let axis = Axis::holding(115.2, 118.9);
        assert!((axis.place(117.0) - 0.5).abs() < 1e-9);
    }

    #[test]
    fn an_axis_of_time_ends_with_it() {
        for (end, ticks) in [
            (10.0003, &["0", "2", "4", "6", "8", "10"][..]),
            (30.001, &["0", "10", "20", "30"]),
            (26.0, &["0", "10", "20"]),
            (3600.01, &["0", "1000", "2000", "3000"]),
            (0.4, &["0.0", "0.1", "0.2", "0.3", "0.4"]),
        ] {
            let axis = Axis::until(end);
            assert_eq!(labels_of(axis), ticks);
            assert!((axis.place(end) - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn what_never_changes_has_an_axis_too() {
        for value in [0.0, 117.0] {
            let axis = Axis::holding(value, value);
            assert!((0.0..=1.0).contains(&axis.place(value)), "{axis:?}");
            assert!(axis.ticks().count() >= 2, "{axis:?}");
            let mut labels = labels(value, value);
            let ticks = labels.len();
            labels.dedup();
            assert_eq!(labels.len(), ticks, "{labels:?}");
        }
    }
}
