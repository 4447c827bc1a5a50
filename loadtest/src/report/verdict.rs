//! Whether a run was good, and whether it means anything.

use std::fmt;

use serde::Serialize;

use super::{Harness, Recorded, Report, share};
use crate::aftermath::Aftermath;

/// Where nothing else is asked for, this share of packets may be lost: pictures and voices of whoever loses more suffer.
const MAX_LOSS: f64 = 0.01;

/// And this share of what is expected must arrive. A run's ends cut off what is on its way, and a voice that takes another's
/// slot may come a moment later; a server or a machine that is behind leaves out far more.
const MIN_DELIVERED: f64 = 0.95;

/// A harness whose packets leave later than this (p99) measures itself: from one packet of a voice to the next it is 20 ms,
/// so voices come in pairs, the latency is its own, and what it comes too late to read the kernel drops.
const MAX_LATE_MS: f64 = 20.0;

/// What a run is judged by; shares of 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Limits {
    /// The largest that may be lost.
    pub(crate) max_loss: f64,
    /// The smallest of what is expected that must arrive.
    pub(crate) min_delivered: f64,
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
        }
    }
}

impl Harness {
    /// It could not keep up; how late it was, in ms.
    pub(crate) fn too_late(&self) -> Option<f64> {
        self.lateness.p99_ms.filter(|late| *late > MAX_LATE_MS)
    }
}

impl Report {
    /// Judges it.
    pub(crate) fn judged(&self, limits: Limits) -> Verdict {
        let mut reasons = self.incidents();
        let late = self.harness.too_late();
        if late.is_none() {
            reasons.extend(self.shortfalls(limits));
        }
        let outcome = match (reasons.is_empty(), late) {
            (true, None) => Outcome::Passed,
            (true, Some(_)) => Outcome::Void,
            (false, _) => Outcome::Failed,
        };
        reasons.extend(late.map(|late| {
            format!(
                "the harness itself could not keep up (it sent late by {late:.0} ms, more than {MAX_LATE_MS} ms): \
                 the figures of this run mean nothing; give it a less busy machine, more --threads, or fewer people"
            )
        }));
        Verdict {
            outcome,
            reasons,
            limits,
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
        if self.joins.dropped > 0 {
            incidents.push(format!("{} were dropped", self.joins.dropped));
        }
        if self.forwarded == 0 && self.audio.expected > 0 {
            incidents.push("nothing was forwarded".to_owned());
        }
        incidents.extend(self.aftermath.iter().flat_map(Aftermath::complaints));
        incidents.extend(self.recorded.iter().flat_map(Recorded::incidents));
        incidents
    }

    /// What did not arrive.
    fn shortfalls(&self, limits: Limits) -> Vec<String> {
        let mut shortfalls = Vec::new();
        for (kind, flow) in [("audio", &self.audio), ("video", &self.video)] {
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
        let recorded = self.recorded.iter();
        shortfalls.extend(recorded.flat_map(|recorded| recorded.shortfalls(limits.max_loss)));
        shortfalls
    }
}

impl Recorded {
    fn incidents(&self) -> Vec<String> {
        let mut incidents = self.failures.clone();
        if self.interruptions > 0 {
            incidents.push(format!("recorders were away {} times", self.interruptions));
        }
        incidents
    }

    fn shortfalls(&self, max_loss: f64) -> Vec<String> {
        let mut shortfalls = Vec::new();
        let loss = share(self.packets_lost, self.packets_lost + self.packets_received);
        if loss > max_loss {
            shortfalls.push(format!("{:.2} % was lost to recorders", loss * 100.0));
        }
        if self.bursts_dropped > 0 {
            shortfalls.push(format!("recorders dropped {} bursts", self.bursts_dropped));
        }
        shortfalls
    }
}

impl fmt::Display for Limits {
    /// What holds of a run that keeps to them.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.max_loss < 1.0 {
            write!(out, "at most {} % lost, ", percent(self.max_loss))?;
        } else {
            out.write_str("loss is not judged, ")?;
        }
        if self.min_delivered > 0.0 {
            let least = percent(self.min_delivered);
            write!(out, "at least {least} % of what was expected arrived")
        } else {
            out.write_str("what arrived is not judged")
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reasons = self.reasons.join("; ");
        match self.outcome {
            Outcome::Passed => write!(out, "passed: {}", self.limits),
            Outcome::Failed => write!(out, "FAILED: {reasons}"),
            Outcome::Void => write!(out, "VOID: {reasons}"),
        }
    }
}

/// Without the tail that a share in binary has.
fn percent(share: f64) -> f64 {
    (share * 1e6).round() / 1e4
}

#[cfg(test)]
mod tests {
    use super::super::tests::good;
    use super::*;
    use crate::report::Times;

    fn defaults() -> Limits {
        Limits::of(None, None, false)
    }

    fn late(ms: f64) -> Harness {
        Harness {
            lateness: Times {
                p50_ms: Some(1.0),
                p99_ms: Some(ms),
            },
            ..Harness::default()
        }
    }

    #[test]
    fn a_good_run_passes_the_strictest_limits() {
        let verdict = good().judged(Limits::of(Some(0.0), Some(1.0), false));
        assert_eq!(
            (verdict.outcome, &verdict.reasons[..]),
            (Outcome::Passed, &[][..])
        );
    }

    #[test]
    fn what_never_came_fails_a_run_of_which_no_limit_was_asked() {
        let mut report = good();
        report.audio.forwarded = 792;
        let verdict = report.judged(defaults());
        assert_eq!(verdict.outcome, Outcome::Failed);
        assert_eq!(
            verdict.to_string(),
            "FAILED: only 26.4 % of the audio that was expected arrived (at least 95 %)",
        );
        report.audio.forwarded = 3000;
        report.video.lost = 300;
        assert_eq!(
            report.judged(defaults()).to_string(),
            "FAILED: 1.96 % of video was lost (at most 1 %)",
        );
    }

    #[test]
    fn a_bad_network_is_judged_only_by_what_is_asked_for() {
        let mut report = good();
        report.audio.lost = 1500;
        report.audio.forwarded = 1500;
        let judged = |limits| report.judged(limits).outcome;
        assert_eq!(judged(Limits::of(None, None, true)), Outcome::Passed);
        assert_eq!(
            report.judged(Limits::of(None, None, true)).to_string(),
            "passed: loss is not judged, what arrived is not judged",
        );
        assert_eq!(judged(Limits::of(Some(0.4), None, true)), Outcome::Failed);
    }

    #[test]
    fn a_harness_that_could_not_keep_up_makes_figures_void_but_hides_no_incident() {
        let mut report = good();
        report.audio.forwarded = 10;
        report.harness = late(20.0);
        assert_eq!(report.judged(defaults()).outcome, Outcome::Failed);

        report.harness = late(74.0);
        let verdict = report.judged(defaults());
        assert_eq!(verdict.outcome, Outcome::Void);
        let said = verdict.to_string();
        assert!(
            said.starts_with("VOID: the harness itself could not keep up (it sent late by 74 ms"),
            "{said}"
        );
        assert!(!said.contains("arrived"), "{said}");

        report.joins.dropped = 1;
        let verdict = report.judged(defaults());
        assert_eq!(
            (verdict.outcome, verdict.reasons.len()),
            (Outcome::Failed, 2)
        );
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
        assert_eq!(report.judged(defaults()).reasons, wanted);
    }

    #[test]
    fn failed_joins_and_broken_limits_are_named() {
        let mut report = good();
        report.joins.succeeded = 3;
        report.video.lost = 15_000;
        report.audio.forwarded = 1500;
        let reasons = report
            .judged(Limits::of(Some(0.1), Some(0.9), false))
            .reasons;
        assert_eq!(
            reasons,
            [
                "1 of 4 could not join",
                "only 50.0 % of the audio that was expected arrived (at least 90 %)",
                "50.00 % of video was lost (at most 10 %)",
            ],
        );
    }
}
