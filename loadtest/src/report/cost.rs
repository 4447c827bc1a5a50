//! What the server used, beside the least that the same packets cost.

use serde::Serialize;

use super::{Times, float};
use crate::measure::Measured;
use crate::server::{Gauge, Known, Origin, Usage};
use crate::tally::Kind;

/// What the server used while it was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Cost {
    /// Where that was read.
    pub(crate) read_from: Origin,
    /// The server's program, where it runs on this machine.
    pub(crate) program: Option<String>,
    /// When that was written, in seconds since 1970.
    pub(crate) program_unix_time: Option<u64>,
    /// How far the process that was named is known to be the server's; null where none was.
    pub(crate) process_known: Option<Known>,
    /// CPU time for one packet that arrived somewhere.
    pub(crate) cpu_micros_per_forwarded_packet: Option<f64>,
    /// Share of one core.
    pub(crate) cores: f64,
    /// Resident memory at the end: what the program holds itself, and as much of its file as was read in.
    pub(crate) rss: Memory,
    /// What it holds itself (`RssAnon`), where that is told.
    pub(crate) anonymous: Option<Memory>,
}

/// One kind of memory, at the end of measuring.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Memory {
    /// How much.
    pub(crate) mib: f64,
    /// How much it was before anybody came.
    pub(crate) idle_mib: Option<f64>,
    /// What it grew by for each participant, or shrank.
    pub(crate) kib_per_participant: Option<f64>,
}

/// The same traffic at the floor.
#[derive(Debug, Serialize)]
pub(crate) struct Floor {
    /// Packets that arrived there.
    pub(crate) forwarded: u64,
    /// CPU time for each.
    pub(crate) cpu_micros_per_forwarded_packet: Option<f64>,
    /// The server's, divided by it.
    pub(crate) ratio: Option<f64>,
    /// Whose latency is told.
    pub(crate) latency_of: Kind,
    /// From sending to arriving.
    pub(crate) latency: Times,
}

impl Cost {
    /// Of what was measured, with memory before anybody came and how many came.
    pub(crate) fn of(
        measured: &Measured,
        idle: Option<Usage>,
        participants: u32,
        gauge: &Gauge,
    ) -> Option<Self> {
        let (before, after) = measured.usage?;
        let cpu = after.cpu.saturating_sub(before.cpu);
        let idle_anonymous = idle.and_then(|idle| idle.anonymous_bytes);
        Some(Self {
            read_from: gauge.origin(),
            program: gauge.program(),
            program_unix_time: gauge.written(),
            process_known: None,
            cpu_micros_per_forwarded_packet: measured.cpu_micros_per_forwarded(),
            cores: cpu.as_secs_f64() / measured.took().as_secs_f64().max(f64::EPSILON),
            rss: Memory::of(
                after.rss_bytes,
                idle.map(|idle| idle.rss_bytes),
                participants,
            ),
            anonymous: after
                .anonymous_bytes
                .map(|bytes| Memory::of(bytes, idle_anonymous, participants)),
        })
    }

    /// The server is a debug build, by the folder that cargo puts those into.
    pub(crate) fn is_of_debug_build(&self) -> bool {
        let folders = self.program.iter().flat_map(|program| program.split('/'));
        folders.rev().skip(1).any(|folder| folder == "debug")
    }
}

impl Memory {
    fn of(bytes: u64, idle: Option<u64>, participants: u32) -> Self {
        let mib = |bytes| float(bytes) / f64::from(1 << 20);
        let growth = |idle| (float(bytes) - float(idle)) / 1024.0 / f64::from(participants);
        Self {
            mib: mib(bytes),
            idle_mib: idle.map(mib),
            kib_per_participant: idle.filter(|_| participants > 0).map(growth),
        }
    }
}

impl Floor {
    /// Of what was measured there, beside what the server took.
    pub(crate) fn of(measured: &Measured, latency_of: Kind, server: Option<&Cost>) -> Self {
        let counted = match latency_of {
            Kind::Audio => &measured.audio,
            Kind::Video => &measured.video,
        };
        let cpu = measured.cpu_micros_per_forwarded();
        let server = server.and_then(|cost| cost.cpu_micros_per_forwarded_packet);
        Self {
            forwarded: measured.forwarded(),
            cpu_micros_per_forwarded_packet: cpu,
            ratio: server
                .zip(cpu)
                .filter(|(_, floor)| *floor > 0.0)
                .map(|(server, floor)| server / floor),
            latency_of,
            latency: Times::of(&counted.latency),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    use crate::tally::{Counted, Trouble};

    const MIB: u64 = 1 << 20;

    /// No process has this number.
    const NOBODY: Gauge = Gauge::Process(0);

    fn usage(seconds: u64, rss_bytes: u64, anonymous_bytes: Option<u64>) -> Usage {
        Usage {
            cpu: Duration::from_secs(seconds),
            rss_bytes,
            anonymous_bytes,
        }
    }

    fn measured(packets: u64) -> Measured {
        let began = Instant::now();
        Measured {
            audio: Counted::default(),
            video: Counted {
                received: packets,
                ..Counted::default()
            },
            trouble: Trouble::default(),
            usage: Some((usage(1, 3 * MIB, None), usage(3, 5 * MIB, Some(2 * MIB)))),
            span: (began, began + Duration::from_secs(4)),
            seconds: Vec::new(),
        }
    }

    #[test]
    fn the_cost_of_a_packet_is_cpu_time_over_what_arrived() {
        let cost = Cost::of(&measured(1_000_000), None, 8, &NOBODY).unwrap();
        assert_eq!(cost.cpu_micros_per_forwarded_packet, Some(2.0));
        assert!((cost.cores - 0.5).abs() < 1e-9);

        let nothing = Cost::of(&measured(0), None, 8, &NOBODY).unwrap();
        assert_eq!(nothing.cpu_micros_per_forwarded_packet, None);
        assert_eq!(nothing.rss.kib_per_participant, None);
    }

    #[test]
    fn memory_for_each_participant_is_signed_and_what_the_program_holds_is_told_apart() {
        let idle = usage(0, 6 * MIB, Some(MIB));
        let cost = Cost::of(&measured(1), Some(idle), 8, &NOBODY).unwrap();
        assert_eq!(cost.rss.kib_per_participant, Some(-128.0));
        assert_eq!(cost.anonymous.unwrap().kib_per_participant, Some(128.0));

        let told_later = usage(0, MIB, None);
        let cost = Cost::of(&measured(1), Some(told_later), 8, &NOBODY).unwrap();
        assert_eq!(cost.anonymous.unwrap().kib_per_participant, None);
    }

    #[test]
    fn a_debug_build_is_known_by_its_folder_wherever_that_is_looked_at_from() {
        let mut cost = Cost::of(&measured(1), None, 1, &NOBODY).unwrap();
        for (program, debug) in [
            ("/home/ada/target/debug/calls", true),
            ("debug/calls", true),
            ("target/release/calls", false),
            ("release/debug", false),
        ] {
            cost.program = Some(program.to_owned());
            assert_eq!(cost.is_of_debug_build(), debug, "{program}");
        }
    }

    #[test]
    fn the_ratio_is_the_servers_cost_over_the_floors() {
        let server = Cost::of(&measured(500_000), None, 1, &NOBODY);
        let floor = Floor::of(&measured(1_000_000), Kind::Video, server.as_ref());
        assert_eq!(floor.ratio, Some(2.0));
    }

    #[test]
    fn the_floors_latency_is_of_the_kind_that_it_says() {
        let mut measured = measured(1);
        measured.audio.latency.record(Duration::from_millis(2));
        for (kind, told) in [(Kind::Audio, true), (Kind::Video, false)] {
            let floor = Floor::of(&measured, kind, None);
            assert_eq!(floor.latency_of, kind);
            assert_eq!(floor.latency.p50_ms.is_some(), told);
        }
    }
}
