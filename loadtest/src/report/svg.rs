//! How a run went over time, as a picture: bitrate, loss and latency, second by second.

use std::fmt::Write;

use super::{Report, float};
use crate::measure::Second;

/// Size of one panel, and what is left round it, in pixels.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 120.0;
const MARGIN: f64 = 40.0;

/// The picture.
pub(crate) fn svg(report: &Report) -> String {
    let seconds = &report.seconds;
    let series = |value: fn(&Second) -> f64| seconds.iter().map(value).collect::<Vec<_>>();
    let mut panels = vec![
        ("Mbit/s", series(|second| second.kbps / 1000.0)),
        ("packets lost", series(|second| float(second.lost))),
        (
            "latency p50, ms",
            series(|second| second.latency_p50_ms.unwrap_or(0.0)),
        ),
        (
            "latency p99, ms",
            series(|second| second.latency_p99_ms.unwrap_or(0.0)),
        ),
        (
            "server memory, MiB",
            series(|second| second.server_rss_mib.unwrap_or(0.0)),
        ),
    ];
    if report.scenario.is_simulcast() {
        let shown = |layer: usize| seconds.iter().map(move |second| second.layers[layer]);
        let counts = |layer| {
            let counts = shown(layer).map(|count| float(u64::try_from(count).unwrap_or(0)));
            counts.collect()
        };
        panels.push(("pictures of the smallest encoding", counts(0)));
        panels.push(("pictures of the middle one", counts(1)));
        panels.push(("pictures of the largest", counts(2)));
    }
    let width = WIDTH + 2.0 * MARGIN;
    let height = float(panels.len() as u64) * (HEIGHT + MARGIN) + MARGIN;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    let mut top = MARGIN;
    for (name, values) in &panels {
        panel(&mut text, top, name, values);
        top += HEIGHT + MARGIN;
    }
    text.push_str("</svg>\n");
    text
}

fn panel(text: &mut String, top: f64, name: &str, values: &[f64]) {
    let highest = values.iter().copied().fold(0.0, f64::max);
    let scale = if highest > 0.0 { HEIGHT / highest } else { 0.0 };
    let step = WIDTH / float(values.len().saturating_sub(1).max(1) as u64);
    let mut points = String::new();
    for (at, value) in values.iter().enumerate() {
        let (x, y) = (
            MARGIN + float(at as u64) * step,
            top + HEIGHT - value * scale,
        );
        // Writing to a string cannot fail.
        let _infallible = write!(points, "{x:.1},{y:.1} ");
    }
    let (bottom, above) = (top + HEIGHT, top - 6.0);
    let _infallible = write!(
        text,
        "<text x=\"{MARGIN}\" y=\"{above}\">{name}, up to {highest:.2}</text>\n\
         <path d=\"M {MARGIN} {top} V {bottom} h {WIDTH}\" fill=\"none\" stroke=\"#999\"/>\n\
         <polyline points=\"{points}\" fill=\"none\" stroke=\"#06c\" stroke-width=\"1.5\"/>\n",
    );
}

#[cfg(test)]
mod tests {
    use super::super::tests::good;
    use super::*;

    #[test]
    fn the_highest_value_touches_the_top_of_its_panel() {
        let second = |kbps| Second {
            kbps,
            ..Second::default()
        };
        let mut report = good();
        report.seconds = vec![second(0.0), second(2000.0)];
        let picture = svg(&report);
        assert!(picture.contains("Mbit/s, up to 2.00"), "{picture}");
        assert!(picture.contains("40.0,160.0 680.0,40.0 "), "{picture}");
    }
}
