//! When a frame was captured: from RTP timestamps over the publisher's clock to ours.
//!
//! A sender report (RFC 3550 §6.4.1) pairs the RTP timestamp of one encoding with the publisher's own clock, so all
//! that one publisher sends lines up exactly. How far the publisher's clock is from ours is seen by when reports
//! arrive: the quickest of them took no time but the path's own. Both relations drift, slowly, so both are curves.

use std::time::Duration;

/// Reports whose relation of RTP to the publisher's clock is averaged: their jitter is of single milliseconds.
const RTP_WINDOW: Duration = Duration::from_secs(30);

/// Reports of which the quickest counts.
const PATH_WINDOW: Duration = Duration::from_secs(60);

/// Microseconds in a second.
const MICROS: i64 = 1_000_000;

/// One sender report, with the RTP timestamp beyond its wrap-arounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockPoint {
    /// RTP timestamp, in the codec's clock.
    pub rtp: i64,
    /// The publisher's clock at that moment, in microseconds.
    pub ntp_us: i64,
    /// Our clock when the report came, in microseconds.
    pub arrival_us: i64,
}

impl ClockPoint {
    /// Microseconds of an NTP timestamp (32.32 fixed point).
    pub fn micros(ntp: u64) -> i64 {
        let micros = (u128::from(ntp) * 1_000_000) >> 32;
        i64::try_from(micros).unwrap_or(i64::MAX)
    }
}

/// Tells when RTP timestamps of one encoding were captured, on our clock.
#[derive(Debug, Clone)]
pub struct Alignment {
    rate: i64,
    /// From RTP time to the publisher's clock: what has to be added.
    to_publisher: Curve,
    /// From there to our clock.
    to_us: Curve,
}

impl Alignment {
    /// From the reports of this encoding and of all that its publisher sent. Where there are none of it, the packet
    /// with this timestamp counts as captured when it came.
    pub fn new(
        rate: u32,
        own: &[ClockPoint],
        publisher: &[ClockPoint],
        (rtp, came_us): (i64, i64),
    ) -> Self {
        let rate = i64::from(rate);
        if own.is_empty() {
            return Self {
                rate,
                to_publisher: Curve::constant(came_us - micros(rtp, rate)),
                to_us: Curve::constant(0),
            };
        }
        let drifting = own.iter().map(|point| {
            let at = micros(point.rtp, rate);
            (at, point.ntp_us - at)
        });
        let paths = publisher
            .iter()
            .chain(own)
            .map(|point| (point.ntp_us, point.arrival_us - point.ntp_us));
        Self {
            rate,
            to_publisher: Curve::new(drifting, RTP_WINDOW, mean),
            to_us: Curve::new(paths, PATH_WINDOW, quickest),
        }
    }

    /// When this was captured, in microseconds of our clock.
    pub fn at(&self, rtp: i64) -> i64 {
        let own = micros(rtp, self.rate);
        let publisher = own + self.to_publisher.at(own);
        publisher + self.to_us.at(publisher)
    }

    /// How far the RTP clock ran from ours between the first report and the last, in microseconds; positive where it
    /// was slow.
    pub fn drift_us(&self) -> i64 {
        self.to_publisher.rise() + self.to_us.rise()
    }
}

fn micros(rtp: i64, rate: i64) -> i64 {
    let exact = i128::from(rtp) * i128::from(MICROS) / i128::from(rate);
    i64::try_from(exact).unwrap_or(i64::MAX)
}

/// Straight lines between points; level before the first and after the last.
#[derive(Debug, Clone)]
struct Curve {
    points: Vec<(i64, i64)>,
}

impl Curve {
    fn constant(value: i64) -> Self {
        Self {
            points: vec![(0, value)],
        }
    }

    /// One point for each window: the middle of where its samples are, and what `pick` makes of their values.
    fn new(
        samples: impl Iterator<Item = (i64, i64)>,
        window: Duration,
        pick: fn(&[(i64, i64)]) -> i64,
    ) -> Self {
        let window = i64::try_from(window.as_micros()).unwrap_or(i64::MAX);
        let mut samples: Vec<(i64, i64)> = samples.collect();
        samples.sort_unstable();
        let same =
            |a: &(i64, i64), b: &(i64, i64)| a.0.div_euclid(window) == b.0.div_euclid(window);
        let points = samples
            .chunk_by(same)
            .map(|chunk| {
                let middle = chunk[0].0 + (chunk[chunk.len() - 1].0 - chunk[0].0) / 2;
                (middle, pick(chunk))
            })
            .collect();
        Self { points }
    }

    fn at(&self, x: i64) -> i64 {
        let after = self.points.partition_point(|point| point.0 <= x);
        match (after.checked_sub(1), self.points.get(after)) {
            (None, Some(first)) => first.1,
            (Some(before), Some(next)) => {
                let before = self.points[before];
                let along = i128::from(x - before.0) * i128::from(next.1 - before.1);
                let step = along / i128::from(next.0 - before.0);
                before.1 + i64::try_from(step).unwrap_or(0)
            }
            (Some(before), None) => self.points[before].1,
            (None, None) => 0,
        }
    }

    fn rise(&self) -> i64 {
        match (self.points.first(), self.points.last()) {
            (Some(first), Some(last)) => last.1 - first.1,
            _ => 0,
        }
    }
}

fn mean(chunk: &[(i64, i64)]) -> i64 {
    let sum: i128 = chunk.iter().map(|sample| i128::from(sample.1)).sum();
    let count = i128::try_from(chunk.len()).unwrap_or(1);
    i64::try_from(sum / count).unwrap_or(0)
}

fn quickest(chunk: &[(i64, i64)]) -> i64 {
    chunk.iter().map(|sample| sample.1).min().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: i64 = MICROS;

    /// A publisher whose NTP clock is 1000 s ahead, reports take 20 ms and some jitter.
    fn report(rate: i64, rtp_zero: i64, second: i64, jitter_us: i64) -> ClockPoint {
        ClockPoint {
            rtp: rtp_zero + second * rate,
            ntp_us: (1000 + second) * SECOND,
            arrival_us: second * SECOND + 20_000 + jitter_us,
        }
    }

    #[test]
    fn sound_and_picture_of_one_publisher_line_up_whatever_their_timestamps() {
        let sound: Vec<_> = (0..10)
            .map(|s| report(48_000, 7_000, s * 5, 3000))
            .collect();
        let picture: Vec<_> = (0..50)
            .map(|s| report(90_000, -90, s, 500 * s % 7000))
            .collect();
        let all: Vec<_> = sound.iter().chain(&picture).copied().collect();
        let ears = Alignment::new(48_000, &sound, &all, (0, 0));
        let eyes = Alignment::new(90_000, &picture, &all, (0, 0));
        let (heard, seen) = (ears.at(7_000 + 480_000), eyes.at(-90 + 900_000));
        assert_eq!(heard, seen);
        assert_eq!(
            heard,
            10 * SECOND + 20_000,
            "as if it came by the quickest report"
        );
    }

    #[test]
    fn a_sound_card_that_runs_slow_drifts_no_further_than_a_few_milliseconds_in_an_hour() {
        // 100 ppm slow: a second of it lasts 100 µs longer.
        let points: Vec<_> = (0..720)
            .map(|step| ClockPoint {
                rtp: step * 5 * 48_000 * 9_999 / 10_000,
                ..report(48_000, 0, step * 5, (step * 7919) % 9000)
            })
            .collect();
        let alignment = Alignment::new(48_000, &points, &points, (0, 0));
        for second in [60, 600, 1800, 3500] {
            let at = alignment.at(second * 48_000 * 9_999 / 10_000);
            let off = at - (second * SECOND + 20_000);
            assert!(off.abs() < 3_000, "{off} us off after {second} s");
        }
        assert!((340_000..370_000).contains(&alignment.drift_us()));
    }

    #[test]
    fn without_a_report_what_came_counts() {
        let alignment = Alignment::new(90_000, &[], &[], (9_000, 2 * SECOND));
        assert_eq!(alignment.at(9_000 + 45_000), 2 * SECOND + SECOND / 2);
    }

    proptest! {
        #[test]
        fn any_reports_are_survived(
            points in proptest::collection::vec((any::<i32>(), any::<i32>(), any::<i32>()), 0..20),
            rtp in any::<i32>(),
        ) {
            let points: Vec<_> = points
                .into_iter()
                .map(|(rtp, ntp, came)| ClockPoint {
                    rtp: rtp.into(),
                    ntp_us: ntp.into(),
                    arrival_us: came.into(),
                })
                .collect();
            Alignment::new(48_000, &points, &points, (0, 0)).at(rtp.into());
        }
    }
}
