//! How a run went over time, as a picture: bitrate, loss, latency and memory, second by second.

use std::fmt::Write;

use super::axis::Axis;
use super::{Report, float};
use crate::measure::Second;
use crate::tally::Kind;

/// Size of one panel, and what is left round it, in pixels.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 120.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 24.0;
const ABOVE: f64 = 44.0;
/// Above the first panel, for the picture's own title.
const HEAD: f64 = 32.0;
/// Below the last, for the axis of time.
const FOOT: f64 = 48.0;

/// Memory that moves by less is not drawn as if it leapt.
const STILL_MIB: f64 = 2.0;

/// Nothing is counted in less than this.
const ONE: f64 = 1.0;

/// One plot of the picture.
struct Panel {
    /// What it shows, and in which unit.
    title: &'static str,
    /// At which second, how much.
    points: Vec<(f64, f64)>,
    /// The axis begins at 0 and goes to this at least; else near the smallest value, since changes matter and not the size.
    from_zero: Option<f64>,
}

/// The picture.
pub(crate) fn svg(report: &Report) -> String {
    let panels = panels(report);
    let last = report.seconds.last().map_or(1.0, |second| second.at_s);
    let time = Axis::until(last);
    let width = LEFT + WIDTH + RIGHT;
    let height = HEAD + float(panels.len() as u64) * (HEIGHT + ABOVE) + FOOT;
    let title = format!("{} {}", report.what(), report.provenance.when_and_of_what());
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <title>{title}</title>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"24\" font-size=\"15\" font-weight=\"bold\">{title}</text>\n",
        title = escaped(&title),
    );
    let mut top = HEAD + ABOVE;
    for panel in &panels {
        panel.draw(&mut text, top, time);
        top += HEIGHT + ABOVE;
    }
    let (middle, bottom) = (LEFT + WIDTH / 2.0, height - 10.0);
    // Writing to a string cannot fail.
    let _infallible = write!(
        text,
        "<text x=\"{middle}\" y=\"{bottom}\" text-anchor=\"middle\">seconds since measuring began</text>\n</svg>\n",
    );
    text
}

/// What there is to show; no panel for what nobody told.
fn panels(report: &Report) -> Vec<Panel> {
    let panel = |title, from_zero, value: &dyn Fn(&Second) -> Option<f64>| {
        let seconds = report.seconds.iter();
        Panel {
            title,
            points: seconds
                .filter_map(|second| Some((second.at_s, value(second)?)))
                .collect(),
            from_zero,
        }
    };
    let titles = match report.scenario.told_latency() {
        Kind::Audio => [
            "latency of audio, ms, half were as fast (p50)",
            "latency of audio, ms, all but one in a hundred were as fast (p99)",
        ],
        Kind::Video => [
            "latency of video, ms, half were as fast (p50)",
            "latency of video, ms, all but one in a hundred were as fast (p99)",
        ],
    };
    let mut panels = vec![
        panel(
            "arrived, Mbit/s, all receivers together",
            Some(0.0),
            &|second| Some(second.kbps / 1000.0),
        ),
        panel("lost, packets a second", Some(ONE), &|second| {
            Some(second.lost_per_s.max(0.0))
        }),
        panel(titles[0], Some(0.0), &|second| second.latency_p50_ms),
        panel(titles[1], Some(0.0), &|second| second.latency_p99_ms),
        panel("server's resident memory, MiB", None, &|second| {
            second.server_rss_mib
        }),
    ];
    if report.scenario.is_simulcast() {
        for (layer, title) in [
            "pictures that show the smallest encoding",
            "pictures that show the middle encoding",
            "pictures that show the largest encoding",
        ]
        .into_iter()
        .enumerate()
        {
            panels.push(panel(title, Some(ONE), &|second| {
                Some(float(u64::try_from(second.layers[layer]).unwrap_or(0)))
            }));
        }
    }
    panels.retain(|panel| !panel.points.is_empty());
    panels
}

impl Panel {
    fn axis(&self) -> Axis {
        let values = || self.points.iter().map(|(_, value)| *value);
        let lowest = values().fold(f64::INFINITY, f64::min);
        let (low, high) = match self.from_zero {
            Some(least) => (0.0, least),
            None => (lowest, lowest + STILL_MIB),
        };
        Axis::holding(low, values().fold(high, f64::max))
    }

    fn draw(&self, text: &mut String, top: f64, time: Axis) {
        let (axis, bottom, right) = (self.axis(), top + HEIGHT, LEFT + WIDTH);
        let (x, y) = (
            |second| LEFT + WIDTH * time.place(second),
            |value| bottom - HEIGHT * axis.place(value),
        );
        // Writing to a string cannot fail.
        let _infallible = writeln!(
            text,
            "<text x=\"{LEFT}\" y=\"{}\" font-weight=\"bold\">{}</text>",
            top - 8.0,
            self.title,
        );
        for tick in axis.ticks() {
            let (at, label) = (y(tick), axis.label(tick));
            let _infallible = writeln!(
                text,
                "<path d=\"M {LEFT} {at:.1} H {right}\" stroke=\"#ddd\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\" font-size=\"10\">{label}</text>",
                LEFT - 6.0,
                at + 3.5,
            );
        }
        for tick in time.ticks() {
            let (at, label) = (x(tick), time.label(tick));
            let _infallible = writeln!(
                text,
                "<path d=\"M {at:.1} {bottom} v 4\" stroke=\"#666\"/>\
                 <text x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\" font-size=\"10\">{label}</text>",
                bottom + 15.0,
            );
        }
        let mut points = String::new();
        for &(second, value) in &self.points {
            let _infallible = write!(points, "{:.1},{:.1} ", x(second), y(value));
        }
        let _infallible = writeln!(
            text,
            "<path d=\"M {LEFT} {top} V {bottom} H {right}\" fill=\"none\" stroke=\"#666\"/>\n\
             <polyline points=\"{points}\" fill=\"none\" stroke=\"#06c\" stroke-width=\"1.5\"/>",
        );
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::super::tests::good;
    use super::*;
    use crate::impair::{Impairment, Profile};
    use crate::scenario::tests::meeting;

    fn second(at_s: f64, kbps: f64, server_rss_mib: Option<f64>) -> Second {
        Second {
            at_s,
            kbps,
            server_rss_mib,
            ..Second::default()
        }
    }

    #[test]
    fn it_says_what_it_shows_in_which_unit_and_when() {
        let mut report = good();
        report.scenario.name = "a<b".into();
        report.provenance.commit = Some("abc1234".into());
        report.provenance.unix_time = 1_796_000_000;
        report.seconds = vec![
            second(1.0, 0.0, Some(115.2)),
            second(2.0, 2000.0, Some(118.9)),
        ];
        let picture = svg(&report);
        for wanted in [
            "<title>a&lt;b at commit abc1234, 2026-11-30 00:53 UTC</title>",
            ">arrived, Mbit/s, all receivers together</text>",
            ">seconds since measuring began</text>",
            // Nothing was lost, of whole packets.
            ">0.8</text>",
            ">1.0</text>",
            // Memory from near the smallest to near the largest, not from 0.
            ">115</text>",
            ">119</text>",
            // The highest bitrate at the end of the first panel's axis and of the time's.
            "384.0,196.0 704.0,76.0 ",
        ] {
            assert!(
                picture.contains(wanted),
                "{wanted} is missing in\n{picture}"
            );
        }
    }

    #[test]
    fn time_ends_with_the_run_and_the_title_has_the_network() {
        let mut report = good();
        report.impairment = Some(Impairment {
            profile: Profile::ThreeG,
            seed: 1,
        });
        report.seconds = (1..=10_u32)
            .map(|at| second(f64::from(at) + 3e-4, 1.0, None))
            .collect();
        let picture = svg(&report);
        assert!(picture.contains("<title>meeting over 3g at "), "{picture}");
        let points = picture.split("points=\"").nth(1).unwrap();
        let last = points
            .split(" \"")
            .next()
            .unwrap()
            .rsplit(' ')
            .next()
            .unwrap();
        assert!(last.starts_with("704.0,"), "{last}");
    }

    #[test]
    fn it_says_whose_latency_it_shows() {
        let mut report = good();
        report.seconds = vec![Second {
            latency_p50_ms: Some(1.0),
            latency_p99_ms: Some(2.0),
            ..Second::default()
        }];
        for (video, whose) in [(None, "audio"), (meeting().video, "video")] {
            report.scenario.video = video;
            let picture = svg(&report);
            for part in [
                "half were as fast (p50)",
                "all but one in a hundred were as fast (p99)",
            ] {
                let title = format!(">latency of {whose}, ms, {part}</text>");
                assert!(picture.contains(&title), "{title} is missing in\n{picture}");
            }
        }
    }

    #[test]
    fn what_nobody_told_has_no_panel() {
        let mut report = good();
        report.seconds = vec![second(1.0, 1.0, None)];
        assert!(!svg(&report).contains("memory"));
    }
}
