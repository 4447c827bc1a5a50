//! What came out, for programs (JSON) and for people (a table).

mod origin;
mod table;

use std::time::Duration;

use serde::Serialize;

use crate::histogram::Histogram;
use crate::scenario::Scenario;
use crate::server::{Origin, Usage};
use crate::tally::Counted;

pub(crate) use origin::Provenance;
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
    /// Why the others did not, each reason once.
    pub(crate) failures: Vec<String>,
    /// From the first request until media could flow.
    pub(crate) connected: Times,
    /// From the first request until the first packet of somebody else.
    pub(crate) first_media: Times,
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
    /// Missing in the sequence numbers of what arrived.
    pub(crate) lost: u64,
    /// Arrived without having been sent by us: padding.
    pub(crate) padding: u64,
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
    /// From one reading to the next, over so many packets.
    pub(crate) fn between(
        before: Usage,
        after: Usage,
        took: Duration,
        packets: u64,
        read_from: Origin,
    ) -> Self {
        let cpu = after.cpu.saturating_sub(before.cpu);
        #[expect(
            clippy::cast_precision_loss,
            reason = "fewer than 2^52 packets or bytes"
        )]
        let (count, bytes) = (packets as f64, after.rss_bytes as f64);
        Self {
            read_from,
            cpu_micros_per_forwarded_packet: (packets > 0).then(|| cpu.as_secs_f64() * 1e6 / count),
            cores: cpu.as_secs_f64() / took.as_secs_f64().max(f64::EPSILON),
            rss_mib: bytes / f64::from(1 << 20),
        }
    }
}

impl Report {
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
        if self.joins.dropped > 0 {
            complaints.push(format!("{} were dropped", self.joins.dropped));
        }
        if self.forwarded == 0 && self.audio.expected > 0 {
            complaints.push("nothing was forwarded".to_owned());
        }
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
        complaints
    }
}

fn share(part: u64, whole: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "fewer than 2^52 packets")]
    let (part, whole) = (part as f64, whole as f64);
    if whole == 0.0 { 0.0 } else { part / whole }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::scenario::{Audio, Kind};

    /// A run in which all went well.
    pub(crate) fn good() -> Report {
        let flow = |sent| Flow {
            sent,
            expected: sent * 3,
            forwarded: sent * 3,
            lost: 0,
            padding: 0,
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
            interrupted: false,
        }
    }

    #[test]
    fn a_good_run_has_nothing_to_complain_of() {
        assert_eq!(good().complaints(0.0, 1.0), Vec::<String>::new());
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

    #[test]
    fn the_cost_of_a_packet_is_cpu_time_over_what_arrived() {
        let usage = |seconds| Usage {
            cpu: Duration::from_secs(seconds),
            rss_bytes: 1 << 20,
        };
        let took = Duration::from_secs(4);
        let cost = Cost::between(usage(1), usage(3), took, 1_000_000, Origin::Process);
        assert_eq!(cost.cpu_micros_per_forwarded_packet, Some(2.0));
        assert!((cost.cores - 0.5).abs() < 1e-9);

        let idle = Cost::between(usage(1), usage(3), took, 0, Origin::Process);
        assert_eq!(idle.cpu_micros_per_forwarded_packet, None);
    }
}
