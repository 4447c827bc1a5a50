//! What came out, for programs (JSON) and for people (a table).

mod markdown;
mod origin;
mod svg;
mod table;

use serde::Serialize;

use crate::aftermath::Aftermath;
use crate::histogram::Histogram;
use crate::impair::Impairment;
use crate::measure::{Measured, Second};
use crate::scenario::Scenario;
use crate::server::{Origin, Usage};
use crate::tally::Counted;

pub(crate) use markdown::markdown;
pub(crate) use origin::Provenance;
pub(crate) use svg::svg;
pub(crate) use table::table;

/// The result of one run.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Where and by what it was measured.
    pub(crate) provenance: Provenance,
    /// What was played.
    pub(crate) scenario: Scenario,
    /// Who came in.
    pub(crate) joins: Joins,
    /// What became of microphones' packets.
    pub(crate) audio: Flow,
    /// What became of cameras' packets.
    pub(crate) video: Flow,
    /// Audio and video together.
    pub(crate) forwarded: u64,
    /// What the server used while it was measured; null where nobody told.
    pub(crate) server: Option<Cost>,
    /// What the same traffic costs where nothing but the kernel and AES does anything; null where it was not measured.
    pub(crate) floor: Option<Floor>,
    /// What was left at the server after all had gone; null where nobody came and went, or it does not tell.
    pub(crate) aftermath: Option<Aftermath>,
    /// What came of recordings; null where none was asked for.
    pub(crate) recorded: Option<Recorded>,
    /// How the harness itself did.
    pub(crate) harness: Harness,
    /// Second by second.
    pub(crate) seconds: Vec<Second>,
    /// Over what kind of network; null where it was a good one.
    pub(crate) impairment: Option<Impairment>,
    /// It was ended from outside before its time.
    pub(crate) interrupted: bool,
}

/// Who came in, and how long it took them.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Joins {
    /// Meant to.
    pub(crate) wanted: u32,
    /// Came in.
    pub(crate) succeeded: u32,
    /// Came in, and were put out or lost before the end.
    pub(crate) dropped: u32,
    /// Came again after they had left or vanished.
    pub(crate) came_again: u32,
    /// Restarted ICE.
    pub(crate) restarted: u32,
    /// Could not come again, or not restart.
    pub(crate) shut_out: u32,
    /// Why the others did not, each reason once.
    pub(crate) failures: Vec<String>,
    /// From the first request until media could flow.
    pub(crate) connected: Times,
    /// From the first request until the first packet of somebody else.
    pub(crate) first_media: Times,
    /// The same from the opening of the signaling socket.
    pub(crate) first_media_since_signaling: Times,
}

/// What became of one kind of packet.
#[derive(Debug, Serialize)]
pub(crate) struct Flow {
    /// Sent by publishers.
    pub(crate) sent: u64,
    /// Should have arrived: sent, times the slots that show each stream.
    pub(crate) expected: u64,
    /// Arrived.
    pub(crate) forwarded: u64,
    /// Missing in the sequence numbers of what arrived, and not repaired.
    pub(crate) lost: u64,
    /// Of what arrived, retransmissions of what had been lost.
    pub(crate) repaired: u64,
    /// Arrived, and carries nothing: padding, probes, and retransmissions of what had come.
    pub(crate) padding: u64,
    /// Bytes that arrived, with RTP headers and the tags of SRTP.
    pub(crate) bytes: u64,
    /// From sending to arriving, through the server and both kernels.
    pub(crate) latency: Times,
}

/// The middle and the end of a distribution.
#[derive(Debug, Default, Clone, Copy, Serialize)]
pub(crate) struct Times {
    /// Half were as fast.
    pub(crate) p50_ms: Option<f64>,
    /// All but one in a hundred were as fast.
    pub(crate) p99_ms: Option<f64>,
}

/// What the server used while it was measured.
#[derive(Debug, Serialize)]
pub(crate) struct Cost {
    /// Where that was read.
    pub(crate) read_from: Origin,
    /// CPU time for one packet that arrived somewhere.
    pub(crate) cpu_micros_per_forwarded_packet: Option<f64>,
    /// Share of one core.
    pub(crate) cores: f64,
    /// Resident memory at the end.
    pub(crate) rss_mib: f64,
    /// Resident memory before anybody came.
    pub(crate) idle_rss_mib: Option<f64>,
    /// What it grew by, for each participant.
    pub(crate) rss_kib_per_participant: Option<f64>,
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
    /// From sending to arriving.
    pub(crate) latency: Times,
}

/// What came of the recordings of all rooms, as their own reports tell it.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Recorded {
    /// Recordings whose files can be had.
    pub(crate) available: u32,
    /// Why others cannot, each reason once.
    pub(crate) failures: Vec<String>,
    /// Their files.
    pub(crate) files: usize,
    /// And how large these are together.
    pub(crate) bytes: u64,
    /// Packets that the recorders took.
    pub(crate) packets_received: u64,
    /// Packets that they missed.
    pub(crate) packets_lost: u64,
    /// Bursts that found no room in a queue.
    pub(crate) bursts_dropped: u64,
    /// Times that a recorder was away.
    pub(crate) interruptions: usize,
}

/// How the harness itself did: whether its figures can be trusted.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Harness {
    /// Packets that could not be opened or read.
    pub(crate) broken: u64,
    /// Datagrams that the kernel did not take.
    pub(crate) unsent: u64,
    /// How much later than planned packets were sent.
    pub(crate) lateness: Times,
}

impl Times {
    /// Reads them off a histogram.
    pub(crate) fn of(histogram: &Histogram) -> Self {
        let ms = |share| Some(histogram.quantile(share)?.as_secs_f64() * 1e3);
        Self {
            p50_ms: ms(0.5),
            p99_ms: ms(0.99),
        }
    }
}

impl Flow {
    /// What was counted, beside what should have been.
    pub(crate) fn of(counted: &Counted, fan_out: f64) -> Self {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an estimate from fewer than 2^52 packets"
        )]
        let expected = (counted.sent as f64 * fan_out) as u64;
        Self {
            sent: counted.sent,
            expected,
            forwarded: counted.received,
            lost: counted.lost,
            repaired: counted.repaired,
            bytes: counted.bytes,
            padding: counted.padding,
            latency: Times::of(&counted.latency),
        }
    }

    /// Share of what was on its way that is missing.
    pub(crate) fn loss(&self) -> f64 {
        share(self.lost, self.lost + self.forwarded)
    }

    /// Share of what should have arrived that did.
    pub(crate) fn delivered(&self) -> f64 {
        if self.expected == 0 {
            1.0
        } else {
            share(self.forwarded, self.expected)
        }
    }
}

impl Cost {
    /// Of what was measured, with memory before anybody came and how many came.
    pub(crate) fn of(
        measured: &Measured,
        idle: Option<Usage>,
        participants: u32,
        read_from: Origin,
    ) -> Option<Self> {
        let (before, after) = measured.usage?;
        let cpu = after.cpu.saturating_sub(before.cpu);
        let mib = |usage: Usage| float(usage.rss_bytes) / f64::from(1 << 20);
        let growth = |idle: Usage| {
            let bytes = after.rss_bytes.saturating_sub(idle.rss_bytes);
            (participants > 0).then(|| float(bytes) / 1024.0 / f64::from(participants))
        };
        Some(Self {
            read_from,
            cpu_micros_per_forwarded_packet: measured.cpu_micros_per_forwarded(),
            cores: cpu.as_secs_f64() / measured.took.as_secs_f64().max(f64::EPSILON),
            rss_mib: mib(after),
            idle_rss_mib: idle.map(mib),
            rss_kib_per_participant: idle.and_then(growth),
        })
    }
}

impl Floor {
    /// Of what was measured there, beside what the server took.
    pub(crate) fn of(measured: &Measured, server: Option<&Cost>) -> Self {
        let cpu = measured.cpu_micros_per_forwarded();
        let server = server.and_then(|cost| cost.cpu_micros_per_forwarded_packet);
        Self {
            forwarded: measured.forwarded(),
            cpu_micros_per_forwarded_packet: cpu,
            ratio: server
                .zip(cpu)
                .filter(|(_, floor)| *floor > 0.0)
                .map(|(server, floor)| server / floor),
            latency: Times::of(&measured.video.latency),
        }
    }
}

impl Harness {
    /// Of what was measured.
    pub(crate) fn of(measured: &Measured) -> Self {
        Self {
            broken: measured.trouble.broken,
            unsent: measured.trouble.unsent,
            lateness: Times::of(&measured.trouble.lateness),
        }
    }
}

impl Report {
    /// Of what was measured, where each receives so many voices and pictures at most.
    pub(crate) fn of(
        scenario: &Scenario,
        (voices, pictures): (u32, u32),
        joins: Joins,
        measured: Measured,
        server: Option<Cost>,
    ) -> Self {
        Self {
            provenance: Provenance::here(),
            scenario: scenario.clone(),
            audio: Flow::of(&measured.audio, scenario.fan_out(voices)),
            video: Flow::of(
                &measured.video,
                if scenario.is_simulcast() {
                    0.0
                } else {
                    scenario.fan_out(pictures)
                },
            ),
            forwarded: measured.forwarded(),
            server,
            harness: Harness::of(&measured),
            seconds: measured.seconds,
            joins,
            floor: None,
            aftermath: None,
            recorded: None,
            impairment: None,
            interrupted: false,
        }
    }

    /// What is wrong with it, given the limits; nothing when all went well.
    pub(crate) fn complaints(&self, max_loss: f64, min_delivered: f64) -> Vec<String> {
        let mut complaints = Vec::new();
        if self.interrupted {
            complaints.push("it was interrupted".to_owned());
        }
        if self.joins.succeeded < self.joins.wanted {
            let failed = self.joins.wanted - self.joins.succeeded;
            complaints.push(format!("{failed} of {} could not join", self.joins.wanted));
        }
        if self.joins.shut_out > 0 {
            let out = self.joins.shut_out;
            complaints.push(format!("{out} could not come again, or not restart ICE"));
        }
        if self.joins.dropped > 0 {
            complaints.push(format!("{} were dropped", self.joins.dropped));
        }
        if self.forwarded == 0 && self.audio.expected > 0 {
            complaints.push("nothing was forwarded".to_owned());
        }
        complaints.extend(self.aftermath.iter().flat_map(Aftermath::complaints));
        for (kind, flow) in [("audio", &self.audio), ("video", &self.video)] {
            if flow.loss() > max_loss {
                complaints.push(format!("{:.2} % of {kind} was lost", flow.loss() * 100.0));
            }
            if flow.delivered() < min_delivered {
                complaints.push(format!(
                    "only {:.1} % of {kind} arrived",
                    flow.delivered() * 100.0
                ));
            }
        }
        if let Some(recorded) = &self.recorded {
            complaints.extend(recorded.complaints(max_loss));
        }
        complaints
    }
}

impl Recorded {
    fn complaints(&self, max_loss: f64) -> Vec<String> {
        let mut complaints = self.failures.clone();
        let loss = share(self.packets_lost, self.packets_lost + self.packets_received);
        if loss > max_loss {
            complaints.push(format!("{:.2} % was lost to recorders", loss * 100.0));
        }
        if self.bursts_dropped > 0 {
            complaints.push(format!("recorders dropped {} bursts", self.bursts_dropped));
        }
        if self.interruptions > 0 {
            complaints.push(format!("recorders were away {} times", self.interruptions));
        }
        complaints
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        float(part) / float(whole)
    }
}

fn float(count: u64) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "fewer than 2^52 packets or bytes"
    )]
    let float = count as f64;
    float
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::scenario::{Audio, Kind};
    use std::time::Duration;

    /// A run in which all went well.
    pub(crate) fn good() -> Report {
        let flow = |sent| Flow {
            sent,
            expected: sent * 3,
            forwarded: sent * 3,
            lost: 0,
            repaired: 0,
            padding: 0,
            bytes: 3 * 1000 * sent,
            latency: Times {
                p50_ms: Some(0.5),
                p99_ms: Some(2.0),
            },
        };
        Report {
            provenance: Provenance::here(),
            scenario: Scenario {
                name: "meeting".into(),
                participants: Kind::Light,
                rooms: 1,
                publishers: 4,
                viewers: 0,
                joins_per_second: 10,
                warmup_seconds: 1,
                seconds: 10,
                audio_slots: 3,
                video_slots: 3,
                churn: None,
                record: None,
                audio: Audio { packet_bytes: 100 },
                video: None,
            },
            joins: Joins {
                wanted: 4,
                succeeded: 4,
                ..Joins::default()
            },
            audio: flow(1000),
            video: flow(5000),
            forwarded: 18_000,
            server: None,
            floor: None,
            aftermath: None,
            recorded: None,
            impairment: None,
            harness: Harness::default(),
            seconds: Vec::new(),
            interrupted: false,
        }
    }

    #[test]
    fn a_good_run_has_nothing_to_complain_of() {
        assert_eq!(good().complaints(0.0, 1.0), Vec::<String>::new());
    }

    #[test]
    fn what_recordings_lack_is_named() {
        let mut report = good();
        report.recorded = Some(Recorded {
            available: 1,
            packets_received: 90,
            packets_lost: 10,
            bursts_dropped: 2,
            failures: vec!["a recording is Failed".to_owned()],
            ..Recorded::default()
        });
        let wanted = [
            "a recording is Failed",
            "10.00 % was lost to recorders",
            "recorders dropped 2 bursts",
        ];
        assert_eq!(report.complaints(0.01, 0.9), wanted);
    }

    #[test]
    fn failed_joins_and_broken_limits_are_named() {
        let mut report = good();
        report.joins.succeeded = 3;
        report.video.lost = 15_000;
        report.audio.forwarded = 1500;
        assert_eq!(
            report.complaints(0.1, 0.9),
            [
                "1 of 4 could not join",
                "only 50.0 % of audio arrived",
                "50.00 % of video was lost"
            ],
        );
    }

    fn measured(packets: u64) -> Measured {
        let usage = |seconds, rss_bytes| Usage {
            cpu: Duration::from_secs(seconds),
            rss_bytes,
        };
        Measured {
            video: Counted {
                received: packets,
                ..Counted::default()
            },
            usage: Some((usage(1, 3 << 20), usage(3, 5 << 20))),
            took: Duration::from_secs(4),
            ..Measured::default()
        }
    }

    #[test]
    fn the_cost_of_a_packet_is_cpu_time_over_what_arrived() {
        let idle = Usage {
            cpu: Duration::ZERO,
            rss_bytes: 1 << 20,
        };
        let cost = Cost::of(&measured(1_000_000), Some(idle), 8, Origin::Process).unwrap();
        assert_eq!(cost.cpu_micros_per_forwarded_packet, Some(2.0));
        assert!((cost.cores - 0.5).abs() < 1e-9);
        assert_eq!(cost.rss_kib_per_participant, Some(512.0));

        let nothing = Cost::of(&measured(0), None, 8, Origin::Process).unwrap();
        assert_eq!(nothing.cpu_micros_per_forwarded_packet, None);
        assert_eq!(nothing.rss_kib_per_participant, None);
    }

    #[test]
    fn the_ratio_is_the_servers_cost_over_the_floors() {
        let server = Cost::of(&measured(500_000), None, 1, Origin::Process);
        let floor = Floor::of(&measured(1_000_000), server.as_ref());
        assert_eq!(floor.ratio, Some(2.0));
    }
}
