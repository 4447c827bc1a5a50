//! Whether a run was good, and whether it means anything.

#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

use calls_model::RecordingMode;
use serde::Serialize;

use super::{Flow, Harness, MIN_SENT, Recorded, Report, share};
use crate::aftermath::Aftermath;
use crate::tally::Kind;

/// Where nothing else is asked for, this share of packets may be lost: pictures and voices of whoever loses more suffer.
const MAX_LOSS: f64 = 0.01;

/// And this share of what is expected must arrive. A run's ends cut off what is on its way, and a voice that takes another's
/// slot may come a moment later; a server or a machine that is behind leaves out far more.
const MIN_DELIVERED: f64 = 0.95;

/// Of pictures in several encodings, which are not expected in packets, this share may show nothing.
const MAX_BLANK: f64 = 0.05;

/// A recording goes on until measuring is over. A machine that stands still for a moment may cut its end off by less than this.
const MAX_EARLY_MS: u64 = 2000;

/// A harness whose packets leave, or whose slowest thread acts, later than this (p99) measures itself: from one packet of a
/// voice to the next it is 20 ms, so voices come in pairs, the latency is its own, and what it comes too late to read the
/// kernel drops.
const MAX_LATE_MS: f64 = 20.0;

/// What a run is judged by; shares of 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Limits {
    /// The largest that may be lost.
    pub(crate) max_loss: f64,
    /// The smallest of what is expected that must arrive.
    pub(crate) min_delivered: f64,
    /// What was asked for of both: that holds also where the harness could not keep up.
    #[serde(skip)]
    asked: (Option<f64>, Option<f64>),
}

/// What came of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// All was well.
    Passed,
    /// Something was not.
    Failed,
    /// The harness itself could not keep up: the figures mean nothing.
    Void,
}

/// A run, judged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Verdict {
    /// In a word.
    pub(crate) outcome: Outcome,
    /// Why; nothing where it passed.
    pub(crate) reasons: Vec<String>,
    /// By what.
    pub(crate) limits: Limits,
    /// What is said of it where it passed.
    #[serde(skip)]
    holds: String,
}

impl Limits {
    /// As asked for; else as good networks let expect. What a bad one loses is no fault of the server, nor what is not sent
    /// over it, so there only what is asked for counts.
    pub(crate) fn of(
        max_loss: Option<f64>,
        min_delivered: Option<f64>,
        network_is_bad: bool,
    ) -> Self {
        let (most, least) = if network_is_bad {
            (1.0, 0.0)
        } else {
            (MAX_LOSS, MIN_DELIVERED)
        };
        Self {
            max_loss: max_loss.unwrap_or(most),
            min_delivered: min_delivered.unwrap_or(least),
            asked: (max_loss, min_delivered),
        }
    }

    fn of_loss(self) -> String {
        if self.max_loss < 1.0 {
            format!("at most {} % lost", percent(self.max_loss))
        } else {
            "loss is not judged".to_owned()
        }
    }

    fn of_arrivals(self, what: &str) -> String {
        if self.min_delivered > 0.0 {
            format!("at least {} % {what} arrived", percent(self.min_delivered))
        } else {
            "what arrived is not judged".to_owned()
        }
    }

    /// No more than was asked for.
    fn asked_for(self) -> Self {
        let (max_loss, min_delivered) = self.asked;
        Self::of(max_loss, min_delivered, true)
    }
}

impl Harness {
    /// It could not keep up; how late it was, in ms.
    pub(crate) fn too_late(&self) -> Option<f64> {
        let late = [self.lateness, self.worst_lane].map(|times| times.p99_ms);
        let worst = late.into_iter().flatten().reduce(f64::max);
        worst.filter(|late| *late > MAX_LATE_MS)
    }
}

impl Report {
    /// Judges it.
    pub(crate) fn judged(&self, limits: Limits) -> Verdict {
        let mut reasons = self.incidents();
        reasons.extend(self.sealed(limits));
        let late = self.harness.too_late();
        if late.is_none() {
            reasons.extend(self.faults());
            reasons.extend(self.shortfalls(limits));
        } else {
            reasons.extend(self.shortfalls(limits.asked_for()));
        }
        let outcome = match (reasons.is_empty(), late) {
            (true, None) => Outcome::Passed,
            (true, Some(_)) => Outcome::Void,
            (false, _) => Outcome::Failed,
        };
        reasons.extend(late.map(|late| {
            format!(
                "the harness itself could not keep up (it was late by {late:.0} ms, more than {MAX_LATE_MS} ms): \
                 the figures of this run mean nothing; give it a less busy machine, more --threads, or fewer people"
            )
        }));
        Verdict {
            outcome,
            reasons,
            limits,
            holds: self.holds(limits),
        }
    }

    /// What should not have happened, however late the harness was.
    fn incidents(&self) -> Vec<String> {
        let mut incidents = Vec::new();
        if self.interrupted {
            incidents.push("it was interrupted".to_owned());
        }
        if self.joins.succeeded < self.joins.wanted {
            let failed = self.joins.wanted - self.joins.succeeded;
            incidents.push(format!("{failed} of {} could not join", self.joins.wanted));
        }
        if self.joins.shut_out > 0 {
            let out = self.joins.shut_out;
            incidents.push(format!("{out} could not come again, or not restart ICE"));
        }
        if self.nobody_moved() {
            incidents.push("nobody came again, or restarted ICE".to_owned());
        }
        if self.joins.dropped > 0 {
            incidents.push(format!("{} were dropped", self.joins.dropped));
        }
        // Of pictures in several encodings, what is expected is not told in packets.
        let pictures = self.pictures.map_or(0.0, |pictures| pictures.all);
        let awaited = [
            self.audio.expected > 0,
            self.video.expected > 0 || pictures > 0.0,
        ];
        for ((kind, flow), awaited) in self.flows().into_iter().zip(awaited) {
            if awaited && flow.sent > 0 && flow.forwarded == 0 {
                incidents.push(format!("no {kind} reached anybody"));
            }
        }
        incidents.extend(self.aftermath.iter().flat_map(Aftermath::complaints));
        incidents.extend(self.recorded.iter().flat_map(Recorded::incidents));
        incidents
    }

    /// What nobody could open, whoever was late; no network does that, so a bad one excuses nothing.
    fn sealed(&self, limits: Limits) -> Vec<String> {
        let most = limits.asked.0.unwrap_or(MAX_LOSS);
        let flows = self.flows().into_iter();
        let sealed = flows.filter(|(_, flow)| flow.sealed() > most);
        let told = sealed.map(|(kind, flow)| {
            format!(
                "{:.2} % of the {kind} that was looked into could not be opened (at most {} %)",
                flow.sealed() * 100.0,
                percent(most),
            )
        });
        told.collect()
    }

    /// Though the first stay of each, which is twice the mean at most, ended long before the run.
    fn nobody_moved(&self) -> bool {
        let joins = &self.joins;
        let stay = self.scenario.churn.map(|churn| churn.stay_seconds);
        let several = stay.is_some_and(|stay| self.scenario.seconds >= 3 * stay);
        // Publishers move too where anybody restarts.
        let restless = self
            .scenario
            .churn
            .is_some_and(|churn| churn.restart_share > 0.0);
        let who = self.scenario.viewers > 0 || restless;
        several
            && who
            && !self.interrupted
            && joins.came_again + joins.restarted + joins.shut_out == 0
    }

    /// What holds of a run that keeps to the limits. Of pictures in several encodings no packets are expected.
    fn holds(&self, limits: Limits) -> String {
        let expected = match self.pictures {
            Some(_) if self.audio.expected == 0 => None,
            Some(_) => Some("of the audio that was expected"),
            None => Some("of what was expected"),
        };
        let mut holds = vec![limits.of_loss()];
        holds.extend(expected.map(|what| limits.of_arrivals(what)));
        holds.extend(self.pictures.map(|pictures| pictures.blank()));
        holds.join(", ")
    }

    fn flows(&self) -> [(Kind, &Flow); 2] {
        [(Kind::Audio, &self.audio), (Kind::Video, &self.video)]
    }

    /// What no limit that can be asked for covers; of a harness that was late it may be the fault.
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (kind, flow) in self.flows() {
            if !flow.was_sent() {
                faults.push(format!(
                    "only {:.1} % of the {kind} that was planned was sent (at least {} %)",
                    share(flow.sent, flow.planned) * 100.0,
                    percent(MIN_SENT),
                ));
            }
        }
        // Over a bad network a picture may be left out, but not every one; and who comes and goes has none for moments.
        let most = if self.impairment.is_some() || self.scenario.churn.is_some() {
            1.0
        } else {
            MAX_BLANK
        };
        if let Some(pictures) = self.pictures {
            let blank = pictures.missing();
            if blank > most || (blank - 1.0).abs() < f64::EPSILON {
                faults.push(pictures.blank());
            }
        }
        let dropped = self.recorded.as_ref().map_or(0, |r| r.bursts_dropped);
        if dropped > 0 {
            faults.push(format!("recorders dropped {dropped} bursts"));
        }
        faults
    }

    /// What did not arrive.
    fn shortfalls(&self, limits: Limits) -> Vec<String> {
        let mut shortfalls = Vec::new();
        for (kind, flow) in self.flows() {
            if flow.loss() > limits.max_loss {
                shortfalls.push(format!(
                    "{:.2} % of {kind} was lost (at most {} %)",
                    flow.loss() * 100.0,
                    percent(limits.max_loss),
                ));
            }
            if flow.delivered() < limits.min_delivered {
                shortfalls.push(format!(
                    "only {:.1} % of the {kind} that was expected arrived (at least {} %)",
                    flow.delivered() * 100.0,
                    percent(limits.min_delivered),
                ));
            }
        }
        if let Some(recorded) = &self.recorded {
            shortfalls.extend(recorded.lost_more_than(limits.max_loss));
            shortfalls.extend(self.unrecorded(recorded, limits.min_delivered));
        }
        shortfalls
    }

    /// A recording that goes on from before measuring until after it has all that was sent meanwhile, track by track; in one
    /// file of all it is not told in packets, and of several encodings it takes one.
    fn unrecorded(&self, recorded: &Recorded, least: f64) -> Option<String> {
        let by_tracks = self.scenario.record == Some(RecordingMode::Tracks);
        if !by_tracks || self.scenario.is_simulcast() {
            return None;
        }
        let sent = self.audio.sent + self.video.sent;
        let took = share(recorded.packets_received, sent);
        (sent > 0 && took < least).then(|| {
            format!(
                "recorders took only {:.1} % of what was sent (at least {} %)",
                took * 100.0,
                percent(least)
            )
        })
    }
}

impl Recorded {
    fn incidents(&self) -> Vec<String> {
        let mut incidents = self.failures.clone();
        if self.interruptions > 0 {
            incidents.push(format!("recorders were away {} times", self.interruptions));
        }
        if self.without_pictures > 0 {
            let blind = self.without_pictures;
            incidents.push(format!("no pictures of {blind} publishers were recorded"));
        }
        if self.without_voices > 0 {
            let mute = self.without_voices;
            incidents.push(format!("no voices of {mute} publishers were recorded"));
        }
        if self.ended_early_ms > MAX_EARLY_MS {
            let early = Duration::from_millis(self.ended_early_ms).as_secs_f64();
            let most = Duration::from_millis(MAX_EARLY_MS).as_secs_f64();
            incidents.push(format!(
                "a recording ended {early:.1} s before measuring did (at most {most} s)"
            ));
        }
        incidents
    }

    fn lost_more_than(&self, max_loss: f64) -> Option<String> {
        let loss = share(self.packets_lost, self.packets_lost + self.packets_received);
        (loss > max_loss).then(|| format!("{:.2} % was lost to recorders", loss * 100.0))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reasons = self.reasons.join("; ");
        match self.outcome {
            Outcome::Passed => write!(out, "passed: {}", self.holds),
            Outcome::Failed => write!(out, "FAILED: {reasons}"),
            Outcome::Void => write!(out, "VOID: {reasons}"),
        }
    }
}

/// Without the tail that a share in binary has.
fn percent(share: f64) -> f64 {
    (share * 1e6).round() / 1e4
}
