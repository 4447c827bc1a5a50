//! The report as people read it.

use std::fmt::Write;

use super::origin::utc;
use super::{Cost, Floor, Flow, Joins, Memory, Recorded, Report, Times};
use crate::aftermath::{Aftermath, Living};
use crate::measure::Second;
use crate::server::Known;
use crate::tally::Kind;

/// The report in some twenty lines.
pub(crate) fn table(report: &Report) -> String {
    let scenario = &report.scenario;
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _infallible = writeln!(text, "  {name:<28}{value}");
    };

    line(
        "scenario",
        &format!("{} ({} s)", scenario.name, scenario.seconds),
    );
    let each = format!(
        "{} and {}",
        counted(scenario.publishers, "publisher"),
        counted(scenario.viewers, "viewer")
    );
    let with = if scenario.rooms == 1 {
        "with"
    } else {
        "each with"
    };
    line("rooms", &format!("{}, {with} {each}", scenario.rooms));
    if let Some(bad) = &report.impairment {
        let network = format!("{}, seed {}", bad.profile, bad.seed);
        line("network", &network);
    }
    joins_of(&mut line, &report.joins);
    flow(&mut line, Kind::Audio, &report.audio);
    flow(&mut line, Kind::Video, &report.video);
    if let Some(pictures) = &report.pictures {
        line("pictures by encoding", &pictures.to_string());
    }
    if let Some(version) = &report.server_version {
        line("server version", version);
    }
    match &report.server {
        Some(cost) => server_of(&mut line, cost, &report.seconds),
        None => line("server", "not told: give --server-pid, or serve /metrics"),
    }
    if let Some(aftermath) = &report.aftermath {
        aftermath_of(&mut line, aftermath);
    }
    if let Some(floor) = &report.floor {
        floor_of(&mut line, floor);
    }
    if let Some(recorded) = &report.recorded {
        recorded_of(&mut line, recorded);
    }
    let harness = &report.harness;
    let debug = if report.provenance.harness_is_debug_build {
        " (a debug build)"
    } else {
        ""
    };
    line(
        "harness sent late by",
        &format!("{}{debug}", times(harness.lateness)),
    );
    if harness.worst_lane.p99_ms.is_some() {
        line("  its slowest thread", &times(harness.worst_lane));
    }
    if harness.broken + harness.unsent > 0 {
        let trouble = format!("{} unreadable, {} unsent", harness.broken, harness.unsent);
        line("harness in trouble", &trouble);
    }
    if let Some(verdict) = &report.verdict {
        line("verdict", &verdict.to_string());
    }
    text
}

fn joins_of(line: &mut impl FnMut(&str, &str), joins: &Joins) {
    line("joins", &format!("{} of {}", joins.succeeded, joins.wanted));
    if joins.came_again + joins.shut_out > 0 {
        let again = format!("{}, and {} could not", joins.came_again, joins.shut_out);
        line("  came again", &again);
    }
    if joins.restarted > 0 {
        line("  restarted ICE", &joins.restarted.to_string());
    }
    for failure in &joins.failures {
        line("  failed", failure);
    }
    if joins.unheard > 0 {
        line("  left before a packet came", &joins.unheard.to_string());
    }
    if joins.alone > 0 {
        line("  came to nobody", &joins.alone.to_string());
    }
    line("  until media can flow", &times(joins.connected));
    line("  until the first packet", &times(joins.first_media));
    let signaling = times(joins.first_media_since_signaling);
    line("  and since signaling began", &signaling);
}

fn server_of(line: &mut impl FnMut(&str, &str), cost: &Cost, seconds: &[Second]) {
    let micros = cost
        .cpu_micros_per_forwarded_packet
        .map_or("nothing forwarded".to_owned(), |micros| {
            format!("{micros:.2} µs")
        });
    if let Some(program) = &cost.program {
        let debug = if cost.is_of_debug_build() {
            " (a debug build)"
        } else {
            ""
        };
        let written = (cost.program_unix_time)
            .map_or_else(String::new, |time| format!(", written {}", utc(time)));
        line("server", &format!("{program}{debug}{written}"));
    }
    if let Some(doubt) = cost.process_known.and_then(Known::doubt) {
        line("  its process", doubt);
    }
    line("server CPU per forwarded", &micros);
    line(
        "server CPU",
        &format!("{:.1} % of a core", cost.cores * 100.0),
    );
    line("server memory, resident", &memory(&cost.rss));
    if let Some(anonymous) = &cost.anonymous {
        line("server memory, anonymous", &memory(anonymous));
    }
    let files = |second: Option<&Second>| second?.server_files;
    if let (Some(first), Some(last)) = (files(seconds.first()), files(seconds.last())) {
        let open = format!("{first} at first, {last} at last");
        line("server's open files", &open);
    }
}

fn recorded_of(line: &mut impl FnMut(&str, &str), recorded: &Recorded) {
    let Recorded {
        available,
        files,
        packets_received: received,
        packets_lost: lost,
        bursts_dropped: dropped,
        interruptions,
        ..
    } = recorded;
    let megabytes = recorded.bytes / 1_000_000;
    line(
        "recordings",
        &format!("{available}, {files} files, {megabytes} MB"),
    );
    for failure in &recorded.failures {
        line("  failed", failure);
    }
    line(
        "  packets",
        &format!("{received}, and {lost} lost, {dropped} bursts dropped"),
    );
    line("  interruptions", &interruptions.to_string());
}

fn floor_of(line: &mut impl FnMut(&str, &str), floor: &Floor) {
    let value = |value: Option<f64>, unit: &str| {
        value.map_or("-".to_owned(), |value| format!("{value:.2}{unit}"))
    };
    let cpu = value(floor.cpu_micros_per_forwarded_packet, " µs");
    line("floor CPU per forwarded", &cpu);
    let of = format!("  latency of {}", floor.latency_of);
    line(&of, &times(floor.latency));
    line("server above the floor", &value(floor.ratio, " times"));
}

fn aftermath_of(line: &mut impl FnMut(&str, &str), aftermath: &Aftermath) {
    if let Some((early, late)) = aftermath.memory_mib {
        let grew = format!("{early:.1} MiB in the second quarter, {late:.1} MiB in the last");
        line("server memory over time", &grew);
    }
    let said = |living: &Living| {
        let actors: u64 = living.actors.values().sum();
        let files = (living.files).map_or("-".to_owned(), |files| files.to_string());
        format!("{actors} actors, {files} files")
    };
    let before = said(&aftermath.before);
    let after = aftermath.after.as_ref();
    let after = after.map_or("it does not answer any more".to_owned(), said);
    line("server before anybody came", &before);
    line("server after all had gone", &after);
}

fn memory(memory: &Memory) -> String {
    let mut text = format!("{:.1} MiB", memory.mib);
    if let (Some(idle), Some(each)) = (memory.idle_mib, memory.kib_per_participant) {
        // Rounded, less than half a KiB has no sign: -0 + 0 is 0.
        let each = each.round() + 0.0;
        // Writing to a string cannot fail.
        let _infallible = write!(text, ", from {idle:.1}: {each:+} KiB for each participant");
    }
    text
}

fn flow(line: &mut impl FnMut(&str, &str), kind: Kind, flow: &Flow) {
    if flow.sent == 0 {
        return;
    }
    let sent = format!("{} of {} planned", flow.sent, flow.planned);
    line(&format!("{kind} packets sent"), &sent);
    let mut forwarded = flow.forwarded.to_string();
    if flow.expected > 0 {
        // Writing to a string cannot fail.
        let _infallible = write!(forwarded, " of {} expected", flow.expected);
    }
    line("  forwarded", &forwarded);
    line(
        "  lost",
        &format!("{} ({:.3} %)", flow.lost, flow.loss() * 100.0),
    );
    if flow.repaired > 0 {
        line("  repaired", &flow.repaired.to_string());
    }
    if flow.padding > 0 {
        line("  padding", &flow.padding.to_string());
    }
    line(&format!("  latency of {kind}"), &times(flow.latency));
}

fn counted(count: u32, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

fn times(times: Times) -> String {
    format!("p50 {} ms, p99 {} ms", ms(times.p50_ms), ms(times.p99_ms))
}

/// With as many digits as buckets of three per cent mean.
pub(crate) fn ms(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value < 0.995 => format!("{value:.2}"),
        Some(value) if value < 9.95 => format!("{value:.1}"),
        Some(value) => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::good;
    use super::*;
    use crate::server::Origin;

    #[test]
    fn it_shows_what_counts() {
        let text = table(&good());
        for wanted in [
            "joins                       4 of 4",
            "video packets sent          5000 of 5000 planned",
            "  forwarded                 15000 of 15000 expected",
            "  latency of video          p50 0.50 ms, p99 2.0 ms",
            "rooms                       1, with 4 publishers and 0 viewers",
            "server                      not told",
        ] {
            assert!(text.contains(wanted), "{wanted} is missing in\n{text}");
        }
        let mut report = good();
        (report.scenario.rooms, report.scenario.viewers) = (2, 1);
        let text = table(&report);
        let wanted = "2, each with 4 publishers and 1 viewer\n";
        assert!(text.contains(wanted), "{text}");
    }

    fn cost() -> Cost {
        let memory = Memory {
            mib: 1.0,
            idle_mib: None,
            kib_per_participant: None,
        };
        Cost {
            read_from: Origin::Metrics,
            program: None,
            program_unix_time: None,
            process_known: None,
            cpu_micros_per_forwarded_packet: None,
            cores: 0.5,
            rss: memory,
            anonymous: None,
        }
    }

    #[test]
    fn the_servers_program_is_known_by_when_it_was_written() {
        let mut report = good();
        report.server = Some(Cost {
            program: Some("target/debug/calls".to_owned()),
            program_unix_time: Some(1_796_000_000),
            ..cost()
        });
        let text = table(&report);
        let wanted = "server                      target/debug/calls (a debug build), written 2026-11-30 00:53 UTC\n";
        assert!(text.contains(wanted), "{text}");
    }

    #[test]
    fn a_process_that_could_not_be_looked_into_is_doubted() {
        let mut report = good();
        for (known, doubted) in [
            (None, false),
            (Some(Known::Listens), false),
            (Some(Known::Closed), true),
            (Some(Known::Apart), true),
        ] {
            report.server = Some(Cost {
                process_known: known,
                ..cost()
            });
            let text = table(&report);
            let said =
                text.contains("  its process               not known to be the server's: it ");
            assert_eq!(said, doubted, "{text}");
        }
    }

    #[test]
    fn open_files_that_nobody_counted_have_no_line() {
        let mut report = good();
        report.server = Some(cost());
        report.seconds = vec![Second::default()];
        assert!(!table(&report).contains("open files"));
        report.seconds[0].server_files = Some(7);
        let text = table(&report);
        assert!(text.contains("7 at first, 7 at last"), "{text}");
    }

    #[test]
    fn memory_that_hardly_moved_has_no_sign_of_its_own() {
        let said = [-0.4, 0.0, 0.4, -0.6, 12.5].map(|each| {
            let told = memory(&Memory {
                mib: 1.0,
                idle_mib: Some(1.0),
                kib_per_participant: Some(each),
            });
            let (_, growth) = told.split_once(": ").unwrap();
            growth.replace(" KiB for each participant", "")
        });
        assert_eq!(said, ["+0", "+0", "+0", "-1", "+13"]);
    }

    #[test]
    fn times_have_the_digits_that_they_mean() {
        let said = [0.031, 0.984, 1.08, 9.98, 123.4].map(|value| ms(Some(value)));
        assert_eq!(said, ["0.03", "0.98", "1.1", "10", "123"]);
        assert_eq!(ms(None), "-");
    }
}
