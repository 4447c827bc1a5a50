//! How many viewers one room can have: more and more of them until quality breaks, then ever closer to that.

use std::fmt::Write;

use serde::Serialize;

use crate::api::Api;
use crate::crowd::{Crowd, CrowdFailed};
use crate::report::{Outcome, Provenance, Report};
use crate::scenario::Scenario;
use crate::server::Gauge;

/// Most of a room of the server.
const ROOM: u32 = 1000;

/// Share of packets that may be missing, or not have come at all.
const MAX_LOSS: f64 = 0.01;

/// Latest that all but one in a hundred packets may come.
const MAX_P99_MS: f64 = 50.0;

/// The search ends when it is this near.
const NEAR: u32 = 10;

/// What a search found.
#[derive(Debug, Serialize)]
pub(crate) struct Capacity {
    /// Where and by what it was measured.
    provenance: Provenance,
    /// What was played.
    scenario: Scenario,
    /// Most viewers with good quality.
    most: u32,
    /// All that was tried.
    tries: Vec<Try>,
}

/// One crowd.
#[derive(Debug, Serialize)]
struct Try {
    viewers: u32,
    good: bool,
    loss: f64,
    delivered: f64,
    p99_ms: Option<f64>,
    server_cores: Option<f64>,
    /// The harness itself was late: the limit may be its own.
    harness_late: bool,
}

impl Capacity {
    /// Searches.
    pub(crate) async fn find(
        api: &Api,
        scenario: &Scenario,
        gauge: &Gauge,
        threads: usize,
    ) -> Result<Self, CrowdFailed> {
        let mut search = Search::new(
            scenario.viewers.max(1),
            ROOM - scenario.publishers.min(ROOM),
        );
        let mut tries = Vec::new();
        while let Some(viewers) = search.next() {
            let scenario = Scenario {
                viewers,
                ..scenario.clone()
            };
            let crowd = Crowd::new(api.clone(), scenario, gauge.clone(), threads, None)?;
            let outcome = Try::of(viewers, &crowd.play().await?);
            eprintln!("calls-loadtest: {}", outcome.line());
            search.tried(viewers, outcome.good);
            tries.push(outcome);
        }
        Ok(Self {
            provenance: Provenance::here(),
            scenario: scenario.clone(),
            most: search.good,
            tries,
        })
    }

    /// Failed where nothing was good. Void where the harness itself was late when quality broke: what was found is its own limit.
    pub(crate) fn outcome(&self) -> Outcome {
        let bad = self.tries.iter().filter(|tried| !tried.good);
        let least = bad.min_by_key(|tried| tried.viewers);
        if self.most == 0 {
            Outcome::Failed
        } else if least.is_some_and(|tried| tried.harness_late) {
            Outcome::Void
        } else {
            Outcome::Passed
        }
    }

    /// For people.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        for tried in &self.tries {
            // Writing to a string cannot fail.
            let _infallible = writeln!(text, "  {}", tried.line());
        }
        let said = match self.outcome() {
            Outcome::Passed => "",
            Outcome::Failed => "; FAILED: no crowd was small enough",
            Outcome::Void => {
                "; VOID: more than that the harness itself cannot keep up with, which tells nothing of the server"
            }
        };
        let _infallible = writeln!(
            text,
            "  most viewers with good quality: {}{said}",
            self.most
        );
        text
    }
}

impl Try {
    fn of(viewers: u32, report: &Report) -> Self {
        let flows = [&report.audio, &report.video];
        let loss = flows.iter().map(|flow| flow.loss()).fold(0.0, f64::max);
        let delivered = flows
            .iter()
            .map(|flow| flow.delivered())
            .fold(1.0, f64::min);
        let p99_ms = flows
            .iter()
            .filter_map(|flow| flow.latency.p99_ms)
            .reduce(f64::max);
        let all_in = report.joins.succeeded == report.joins.wanted && report.joins.dropped == 0;
        Self {
            viewers,
            good: all_in
                && flows.iter().all(|flow| flow.was_sent())
                && loss < MAX_LOSS
                && delivered > 1.0 - MAX_LOSS
                && p99_ms.is_some_and(|p99| p99 < MAX_P99_MS),
            loss,
            delivered,
            p99_ms,
            server_cores: report.server.as_ref().map(|cost| cost.cores),
            harness_late: report.harness.too_late().is_some(),
        }
    }

    fn line(&self) -> String {
        format!(
            "{:>5} viewers: {}, {:.2} % lost, {:.1} % arrived, p99 {:.1} ms, server {:.2} cores{}",
            self.viewers,
            if self.good { "good" } else { "bad " },
            self.loss * 100.0,
            self.delivered * 100.0,
            self.p99_ms.unwrap_or(f64::NAN),
            self.server_cores.unwrap_or(f64::NAN),
            if self.harness_late {
                "; the harness was late itself"
            } else {
                ""
            },
        )
    }
}

/// Doubles while all is well, then halves the way between good and bad.
#[derive(Debug)]
struct Search {
    first: u32,
    limit: u32,
    good: u32,
    bad: Option<u32>,
}

impl Search {
    fn new(first: u32, limit: u32) -> Self {
        Self {
            first: first.min(limit),
            limit,
            good: 0,
            bad: None,
        }
    }

    /// How many to try next.
    fn next(&self) -> Option<u32> {
        match self.bad {
            None if self.good == 0 => Some(self.first),
            None => (self.good < self.limit).then(|| (2 * self.good).min(self.limit)),
            Some(bad) => (bad - self.good > NEAR.max(self.good / 10)).then(|| {
                let half = self.good.midpoint(bad);
                half.max(1)
            }),
        }
    }

    fn tried(&mut self, viewers: u32, good: bool) {
        if good {
            self.good = self.good.max(viewers);
        } else {
            self.bad = Some(viewers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::tests::meeting;

    fn found(first: u32, limit: u32, capacity: u32) -> (u32, usize) {
        let mut search = Search::new(first, limit);
        let mut tries = 0;
        while let Some(viewers) = search.next() {
            search.tried(viewers, viewers <= capacity);
            tries += 1;
        }
        (search.good, tries)
    }

    #[test]
    fn a_search_comes_near_to_the_capacity_and_never_above() {
        for capacity in [3, 49, 50, 137, 400, 998] {
            let (good, tries) = found(50, 999, capacity);
            let near = NEAR.max(capacity / 10);
            assert!(good <= capacity, "{good} of {capacity}");
            assert!(capacity - good <= near, "{good} of {capacity}");
            assert!(tries <= 12, "{tries} tries for {capacity}");
        }
    }

    #[test]
    fn a_search_that_found_nothing_good_failed() {
        let capacity = |tried: &[(u32, bool, bool)]| Capacity {
            provenance: Provenance::here(),
            scenario: meeting(),
            most: tried.iter().filter(|t| t.1).map(|t| t.0).max().unwrap_or(0),
            tries: tried
                .iter()
                .map(|&(viewers, good, harness_late)| Try {
                    viewers,
                    good,
                    loss: 0.0,
                    delivered: 1.0,
                    p99_ms: None,
                    server_cores: None,
                    harness_late,
                })
                .collect(),
        };
        let outcome = |tried: &[_]| capacity(tried).outcome();
        assert_eq!(outcome(&[(5, false, false)]), Outcome::Failed);
        assert_eq!(outcome(&[(5, false, true)]), Outcome::Failed);
        assert_eq!(
            outcome(&[(5, true, false), (10, false, true)]),
            Outcome::Void
        );
        assert_eq!(
            outcome(&[(5, true, false), (10, false, false)]),
            Outcome::Passed
        );
        let text = capacity(&[(5, false, false)]).table();
        assert!(
            text.ends_with("quality: 0; FAILED: no crowd was small enough\n"),
            "{text}"
        );
    }

    #[test]
    fn what_nothing_breaks_is_searched_up_to_the_limit() {
        assert_eq!(found(50, 999, 5000).0, 999);
    }
}
