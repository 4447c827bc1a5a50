//! Time that counts only while something runs.

use crate::Timestamp;

/// How long something ran, pauses left out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stopwatch {
    /// How long it ran before it last began to run, in milliseconds.
    pub kept_ms: u64,
    /// Since when it runs; `None`: it stands still.
    pub runs_since: Option<Timestamp>,
}

impl Stopwatch {
    /// It runs from now on; one that runs goes on running.
    #[must_use]
    pub fn run(self, now: Timestamp) -> Self {
        Self {
            runs_since: self.runs_since.or(Some(now)),
            ..self
        }
    }

    /// It stands still from now on.
    #[must_use]
    pub fn halt(self, now: Timestamp) -> Self {
        Self {
            kept_ms: self.millis(now),
            runs_since: None,
        }
    }

    /// How long it ran until now, in milliseconds.
    pub fn millis(self, now: Timestamp) -> u64 {
        let runs = self.runs_since.map(|since| now.since(since));
        let runs = runs.map_or(0, |runs| {
            u64::try_from(runs.as_millis()).unwrap_or(u64::MAX)
        });
        self.kept_ms.saturating_add(runs)
    }

    /// How long it ran until now, in whole seconds.
    pub fn seconds(self, now: Timestamp) -> u64 {
        self.millis(now) / 1000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms).unwrap()
    }

    #[test]
    fn what_stands_still_does_not_count() {
        let watch = Stopwatch::default().run(at(0)).halt(at(900)).run(at(5000));
        assert_eq!(watch.millis(at(6000)), 1900);
        assert_eq!(watch.seconds(at(6000)), 1);
        assert_eq!(watch.halt(at(6000)).millis(at(9000)), 1900);
    }

    #[test]
    fn twice_is_as_good_as_once() {
        let once = Stopwatch::default().run(at(0));
        assert_eq!(once.run(at(400)), once);
        let halted = once.halt(at(500));
        assert_eq!(halted.halt(at(800)), halted);
    }

    #[test]
    fn a_clock_that_is_set_back_takes_nothing_away() {
        let watch = Stopwatch::default()
            .run(at(5000))
            .halt(at(7000))
            .run(at(8000));
        assert_eq!(watch.millis(at(1000)), 2000);
    }
}
