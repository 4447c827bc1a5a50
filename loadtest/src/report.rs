//! What came out, for programs (JSON) and for people (a table).

mod axis;
mod cost;
mod markdown;
mod origin;
mod pictures;
mod svg;
mod table;
mod verdict;

use std::cmp::Ordering;

use serde::Serialize;

use crate::aftermath::Aftermath;
use crate::histogram::Histogram;
use crate::impair::Impairment;
use crate::measure::{Measured, Second};
use crate::scenario::Scenario;
use crate::stay::Audience;
use crate::tally::{Counted, Trouble};

pub(crate) use cost::{Cost, Floor, Memory};
pub(crate) use markdown::markdown;
pub(crate) use origin::{Provenance, from_here};
pub(crate) use pictures::Pictures;
pub(crate) use svg::svg;
pub(crate) use table::{ms, table};
pub(crate) use verdict::{Limits, Outcome, Verdict};

/// Of what is planned, this share must be sent: what is expected rests on what was sent, so nobody would miss what was not.
const MIN_SENT: f64 = 0.95;

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
    /// Which encodings pictures show; null where each camera sends one.
    pub(crate) pictures: Option<Pictures>,
    /// Audio and video together.
    pub(crate) forwarded: u64,
    /// What the server says its version is; null where it says nothing.
    pub(crate) server_version: Option<String>,
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
    /// What is to be said of it; null until it is judged.
    pub(crate) verdict: Option<Verdict>,
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
    /// Times inside, of those who were to receive somebody, that ended before a packet came.
    pub(crate) unheard: u32,
    /// Times inside, of those who were to receive somebody, that began before anybody was there who could send: they waited for
    /// company and not for the server.
    pub(crate) alone: u32,
    /// From the first request until media could flow; of everybody who is to receive somebody, and each time they come.
    pub(crate) connected: Times,
    /// From the first request until the first packet of somebody else; of the same, less the unheard and those who came alone.
    pub(crate) first_media: Times,
    /// The same from the opening of the signaling socket.
    pub(crate) first_media_since_signaling: Times,
}

/// What became of one kind of packet.
#[derive(Debug, Serialize)]
pub(crate) struct Flow {
    /// Should have been sent: by all publishers, as often as the scenario has it, all the time.
    pub(crate) planned: u64,
    /// Sent by publishers.
    pub(crate) sent: u64,
    /// Should have arrived: sent, times the slots of those who were there to receive it.
    pub(crate) expected: u64,
    /// Arrived.
    pub(crate) forwarded: u64,
    /// Missing in the sequence numbers of what arrived, and not repaired.
    pub(crate) lost: u64,
    /// Of what arrived, retransmissions of what had been lost.
    pub(crate) repaired: u64,
    /// Arrived, and carries nothing: padding, probes, and retransmissions of what had come.
    pub(crate) padding: u64,
    /// Of what arrived, opened: a light participant opens one packet in some, and every retransmission.
    pub(crate) opened: u64,
    /// To be opened, and could not: sealed otherwise than was agreed, or not what a publisher sent.
    pub(crate) unopened: u64,
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
    /// Publishers with cameras of whom no picture was recorded.
    pub(crate) without_pictures: u32,
    /// Publishers, all of whom have microphones, of whom no voice was recorded.
    pub(crate) without_voices: u32,
    /// How long before measuring the first track of one of them ended; 0 where none did.
    pub(crate) ended_early_ms: u64,
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
    /// How much later than due the thread of the harness that was the latest did whatever it had to, also where it only receives.
    pub(crate) worst_lane: Times,
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
    pub(crate) fn of(counted: &Counted, planned: u64, fan_out: f64) -> Self {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an estimate from fewer than 2^52 packets"
        )]
        let expected = (counted.sent as f64 * fan_out) as u64;
        Self {
            planned,
            sent: counted.sent,
            expected,
            forwarded: counted.received,
            lost: counted.lost,
            repaired: counted.repaired,
            bytes: counted.bytes,
            padding: counted.padding,
            opened: counted.opened,
            unopened: counted.unopened,
            latency: Times::of(&counted.latency),
        }
    }

    /// As much as was planned.
    pub(crate) fn was_sent(&self) -> bool {
        self.planned == 0 || share(self.sent, self.planned) >= MIN_SENT
    }

    /// Share of what was on its way that is missing.
    pub(crate) fn loss(&self) -> f64 {
        share(self.lost, self.lost + self.forwarded)
    }

    /// Share of what was to be opened that could not.
    pub(crate) fn sealed(&self) -> f64 {
        share(self.unopened, self.opened + self.unopened)
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

impl Harness {
    /// What went wrong.
    pub(crate) fn of(trouble: &Trouble) -> Self {
        let lanes = trouble.lanes.iter().map(Times::of);
        let later = |one: &Times, other: &Times| one.p99_ms.partial_cmp(&other.p99_ms);
        let worst = lanes.max_by(|one, other| later(one, other).unwrap_or(Ordering::Equal));
        Self {
            broken: trouble.broken,
            unsent: trouble.unsent,
            lateness: Times::of(&trouble.lateness),
            worst_lane: worst.unwrap_or_default(),
        }
    }
}

impl Report {
    /// What was played, and over which network where that was a bad one.
    fn what(&self) -> String {
        let name = &self.scenario.name;
        match &self.impairment {
            Some(bad) => format!("{name} over {}", bad.profile),
            None => name.clone(),
        }
    }

    /// Of what was measured, where each of those who were there receives so many voices and pictures at most.
    pub(crate) fn of(
        scenario: &Scenario,
        (voices, pictures): (u32, u32),
        audience: Audience,
        joins: Joins,
        measured: Measured,
        server: Option<Cost>,
    ) -> Self {
        let (audio, video) = scenario.planned(measured.took());
        let fan_out = scenario.fan_out(audience.video, pictures);
        let publishers = f64::from(scenario.rooms * scenario.publishers);
        let (fan_out, pictures) = if scenario.is_simulcast() {
            (0.0, Pictures::of(&measured.seconds, fan_out * publishers))
        } else {
            (fan_out, None)
        };
        let voices = scenario.fan_out(audience.audio, voices);
        Self {
            provenance: Provenance::here(),
            scenario: scenario.clone(),
            audio: Flow::of(&measured.audio, audio, voices),
            video: Flow::of(&measured.video, video, fan_out),
            pictures,
            forwarded: measured.forwarded(),
            server_version: None,
            server,
            harness: Harness::of(&measured.trouble),
            seconds: measured.seconds,
            joins,
            floor: None,
            aftermath: None,
            recorded: None,
            impairment: None,
            interrupted: false,
            verdict: None,
        }
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
    use crate::scenario::{Audio, Participants};

    /// A run in which all went well.
    pub(crate) fn good() -> Report {
        let flow = |sent| Flow {
            planned: sent,
            sent,
            expected: sent * 3,
            forwarded: sent * 3,
            lost: 0,
            repaired: 0,
            padding: 0,
            opened: sent * 3 / 7,
            unopened: 0,
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
                participants: Participants::Light,
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
            pictures: None,
            forwarded: 18_000,
            server_version: None,
            server: None,
            floor: None,
            aftermath: None,
            recorded: None,
            impairment: None,
            harness: Harness::default(),
            seconds: Vec::new(),
            interrupted: false,
            verdict: None,
        }
    }
}
