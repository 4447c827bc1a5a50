//! How many viewers one room can have: more and more of them until quality breaks, then ever closer to that.

use serde::Serialize;
use tokio::sync::watch;

use crate::api::Api;
use crate::causes::with_causes;
use crate::crowd::{Crowd, CrowdFailed};
use crate::report::{Outcome, Provenance, Report, ms};
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
    /// It was ended from outside before it was near.
    interrupted: bool,
    /// Why no more could be played before it was near: the server is gone, for instance.
    failed: Option<String>,
    /// All that was tried.
    tries: Vec<Try>,
}

/// One crowd.
#[derive(Debug, Serialize)]
struct Try {
    viewers: u32,
    good: bool,
    /// What it lacks for that.
    faults: Vec<String>,
    loss: f64,
    delivered: f64,
    p99_ms: Option<f64>,
    server_cores: Option<f64>,
    /// The harness itself was late: the limit may be its own.
    harness_late: bool,
}

impl Capacity {
    /// Searches, until it is told to stop; what it was at then does not count. Each try is printed as it ends.
    pub(crate) async fn find(
        api: &Api,
        scenario: &Scenario,
        gauge: &Gauge,
        threads: usize,
        stopped: watch::Receiver<bool>,
    ) -> Result<Self, CrowdFailed> {
        let play = async |scenario| {
            let crowd = Crowd::new(api.clone(), scenario, gauge.clone(), threads, None)?;
            stoppable(crowd, stopped.clone()).await
        };
        Self::search(scenario, &stopped, play).await
    }

    /// The same, however it is played. What was found before nothing could be played any more is found.
    async fn search(
        scenario: &Scenario,
        stopped: &watch::Receiver<bool>,
        play: impl AsyncFn(Scenario) -> Result<Report, CrowdFailed>,
    ) -> Result<Self, CrowdFailed> {
        let mut search = Search::new(
            scenario.viewers.max(1),
            ROOM - scenario.publishers.min(ROOM),
        );
        let mut tries = Vec::new();
        let mut failed = None;
        while let Some(viewers) = search.next().filter(|_| !*stopped.borrow()) {
            let scenario = Scenario {
                viewers,
                ..scenario.clone()
            };
            let report = match play(scenario).await {
                Ok(report) => report,
                Err(cause) if tries.is_empty() => return Err(cause),
                Err(cause) => {
                    failed = Some(with_causes(&cause));
                    break;
                }
            };
            if report.interrupted {
                break;
            }
            let outcome = Try::of(viewers, &report);
            crate::print(&format!("  {}\n", outcome.line()));
            search.tried(viewers, outcome.good);
            tries.push(outcome);
        }
        Ok(Self {
            provenance: Provenance::here(),
            scenario: scenario.clone(),
            most: search.good,
            interrupted: failed.is_none() && search.next().is_some(),
            failed,
            tries,
        })
    }

    /// It was ended from outside, and found less than it would have.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted
    }

    /// Failed where nothing was good. Void where the harness itself was late when quality broke: what was found is its own limit.
    pub(crate) fn outcome(&self) -> Outcome {
        // The last of those, since the one before it did not count.
        let bad = self.tries.iter().rev().filter(|tried| !tried.good);
        let bad = bad.filter(|tried| tried.viewers > self.most);
        let least = bad.min_by_key(|tried| tried.viewers);
        if self.most == 0 || self.interrupted || self.failed.is_some() {
            Outcome::Failed
        } else if least.is_some_and(|tried| tried.harness_late) {
            Outcome::Void
        } else {
            Outcome::Passed
        }
    }

    /// What came of all tries, for people.
    pub(crate) fn summary(&self) -> String {
        let so_far = self.so_far();
        match &self.failed {
            Some(cause) => {
                return format!("  FAILED: no more could be played: {cause}; {so_far}\n");
            }
            None if self.interrupted => {
                return format!("  INTERRUPTED before the most was found: {so_far}\n");
            }
            None => {}
        }
        let said = match self.outcome() {
            Outcome::Passed => "",
            Outcome::Failed => "; FAILED: no crowd was small enough",
            Outcome::Void => {
                "; VOID: more than that the harness itself cannot keep up with, which tells nothing of the server"
            }
        };
        format!("  most viewers with good quality: {}{said}\n", self.most)
    }

    /// What is known of a search that did not come to its end.
    fn so_far(&self) -> String {
        let bad = self.tries.iter().filter(|tried| !tried.good);
        let above = bad
            .map(|tried| tried.viewers)
            .filter(|bad| *bad > self.most);
        match (self.most, above.min()) {
            (0, None) => "no crowd was judged".to_owned(),
            (0, Some(bad)) => format!("{bad} viewers had bad quality, fewer were not judged"),
            (most, None) => format!("{most} viewers had good quality, more were not judged"),
            (most, Some(bad)) => {
                format!(
                    "{most} viewers had good quality, {bad} had bad, between them it is not known"
                )
            }
        }
    }
}

/// Plays it, and ends it early when told to stop.
async fn stoppable(
    crowd: Crowd,
    mut stopped: watch::Receiver<bool>,
) -> Result<Report, CrowdFailed> {
    let stop = crowd.stopper();
    let stopping = tokio::spawn(async move {
        if stopped.wait_for(|stopped| *stopped).await.is_ok() {
            stop();
        }
    });
    let report = crowd.play().await;
    stopping.abort();
    report
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
        let joins = &report.joins;
        let faults: Vec<_> = [
            (
                joins.succeeded < joins.wanted,
                format!("joined: {} of {}", joins.succeeded, joins.wanted),
            ),
            (joins.dropped > 0, format!("dropped: {}", joins.dropped)),
            (!flows.iter().all(|flow| flow.was_sent()), "sent".to_owned()),
            (loss >= MAX_LOSS, "lost".to_owned()),
            (delivered <= 1.0 - MAX_LOSS, "arrived".to_owned()),
            (p99_ms.is_none_or(|p99| p99 >= MAX_P99_MS), "p99".to_owned()),
        ]
        .into_iter()
        .filter_map(|(lacks, what)| lacks.then_some(what))
        .collect();
        Self {
            viewers,
            good: faults.is_empty(),
            faults,
            loss,
            delivered,
            p99_ms,
            server_cores: report.server.as_ref().map(|cost| cost.cores),
            harness_late: report.harness.too_late().is_some(),
        }
    }

    fn line(&self) -> String {
        let cores = self.server_cores;
        format!(
            "{:>5} viewers: {}, {:.2} % lost, {:.1} % arrived, p99 {} ms{}{}",
            self.viewers,
            if self.good {
                "good".to_owned()
            } else {
                format!("bad ({})", self.faults.join(", "))
            },
            self.loss * 100.0,
            self.delivered * 100.0,
            ms(self.p99_ms),
            cores.map_or_else(String::new, |cores| format!(", server {cores:.2} cores")),
            if self.harness_late {
                "; the harness was late itself"
            } else {
                ""
            },
        )
    }
}

/// Doubles while all is well, then halves the way between good and bad. What was bad is tried once more before that counts: on
/// a machine that others share it may have been their fault.
#[derive(Debug)]
struct Search {
    first: u32,
    limit: u32,
    good: u32,
    bad: Option<u32>,
    /// Was bad, once.
    doubted: Option<u32>,
}

impl Search {
    fn new(first: u32, limit: u32) -> Self {
        Self {
            first: first.min(limit),
            limit,
            good: 0,
            bad: None,
            doubted: None,
        }
    }

    /// How many to try next.
    fn next(&self) -> Option<u32> {
        if self.doubted.is_some() {
            return self.doubted;
        }
        match self.bad {
            None if self.good == 0 => (self.first > 0).then_some(self.first),
            None => (self.good < self.limit).then(|| (2 * self.good).min(self.limit)),
            // Until something was good, the way down ends at nobody.
            Some(bad) => {
                let near = if self.good == 0 {
                    1
                } else {
                    NEAR.max(self.good / 10)
                };
                (bad - self.good > near).then(|| self.good.midpoint(bad))
            }
        }
    }

    fn tried(&mut self, viewers: u32, good: bool) {
        let again = self.doubted.take().is_some();
        if good {
            self.good = self.good.max(viewers);
        } else if again {
            self.bad = Some(viewers);
        } else {
            self.doubted = Some(viewers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Times;
    use crate::report::tests::good;
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
            assert!(tries <= 18, "{tries} tries for {capacity}");
        }
    }

    #[test]
    fn a_search_goes_down_to_a_single_viewer_before_it_finds_nothing() {
        for first in [1, 2, 10, 50, 999] {
            assert_eq!(found(first, 999, 0).0, 0, "from {first}");
            for capacity in 1..10 {
                let (good, tries) = found(first, 999, capacity);
                assert!(
                    (1..=capacity).contains(&good),
                    "{good} of {capacity} from {first}"
                );
                assert!(tries <= 22, "{tries} tries from {first}");
            }
        }
        assert_eq!(found(50, 0, 5), (0, 0), "nobody else has room");
    }

    #[test]
    fn a_bad_try_counts_once_it_was_bad_twice() {
        let mut search = Search::new(50, 999);
        search.tried(50, false);
        assert_eq!(search.next(), Some(50));
        search.tried(50, true);
        assert_eq!(search.next(), Some(100));
        search.tried(100, false);
        search.tried(100, false);
        assert_eq!(search.next(), Some(75));
    }

    #[test]
    fn a_try_says_what_it_lacks() {
        let mut report = good();
        let line = Try::of(5, &report).line();
        let figures = ", 0.00 % lost, 100.0 % arrived, p99 2.0 ms";
        assert_eq!(line, format!("    5 viewers: good{figures}"));
        report.joins.succeeded = 3;
        report.joins.dropped = 1;
        let line = Try::of(5, &report).line();
        let wanted = format!("    5 viewers: bad (joined: 3 of 4, dropped: 1){figures}");
        assert_eq!(line, wanted);
        let mut report = good();
        report.audio.planned = 2000;
        report.video.lost = 300;
        report.video.forwarded = 14_000;
        report.video.latency = Times {
            p50_ms: Some(1.0),
            p99_ms: Some(61.4),
        };
        assert_eq!(
            Try::of(5, &report).faults,
            ["sent", "lost", "arrived", "p99"]
        );
    }

    #[test]
    fn a_search_that_found_nothing_good_failed() {
        let capacity = |tried: &[(u32, bool, bool)]| Capacity {
            provenance: Provenance::here(),
            scenario: meeting(),
            most: tried.iter().filter(|t| t.1).map(|t| t.0).max().unwrap_or(0),
            interrupted: false,
            failed: None,
            tries: tried
                .iter()
                .map(|&(viewers, good, harness_late)| Try {
                    viewers,
                    good,
                    faults: Vec::new(),
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
        assert_eq!(
            outcome(&[(5, true, false), (10, false, true), (10, false, false)]),
            Outcome::Passed,
            "the first of both did not count",
        );
        assert_eq!(
            outcome(&[(5, false, true), (5, true, false)]),
            Outcome::Passed,
            "it was good in the end",
        );
        for (tried, found) in [
            (&[][..], "no crowd was judged"),
            (
                &[(5, true, false)],
                "5 viewers had good quality, more were not judged",
            ),
            (
                &[(5, false, false)],
                "5 viewers had bad quality, fewer were not judged",
            ),
            (
                &[(5, true, false), (20, false, false), (10, false, false)],
                "5 viewers had good quality, 10 had bad, between them it is not known",
            ),
        ] {
            let interrupted = Capacity {
                interrupted: true,
                ..capacity(tried)
            };
            assert_eq!(interrupted.outcome(), Outcome::Failed);
            let wanted = format!("  INTERRUPTED before the most was found: {found}\n");
            assert_eq!(interrupted.summary(), wanted);
        }
        let text = capacity(&[(5, false, false)]).summary();
        assert!(
            text.ends_with("quality: 0; FAILED: no crowd was small enough\n"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn what_was_found_before_the_server_died_is_told_and_that_it_did() {
        let (_running, stopped) = watch::channel(false);
        let lives_until = |viewers: u32| {
            let stopped = &stopped;
            async move {
                let scenario = Scenario {
                    viewers: 50,
                    ..meeting()
                };
                let nobody = Api::new("http://127.0.0.1:1".parse().unwrap(), None);
                let play = async |scenario: Scenario| {
                    if scenario.viewers > viewers {
                        nobody.metrics().await?;
                    }
                    Ok(good())
                };
                Capacity::search(&scenario, stopped, play).await
            }
        };
        let capacity = lives_until(100).await.unwrap();
        assert_eq!(capacity.outcome(), Outcome::Failed);
        assert_eq!((capacity.tries.len(), capacity.interrupted), (2, false));
        let said = capacity.summary();
        let wanted =
            "  FAILED: no more could be played: cannot make a room: no answer from the server: ";
        assert!(said.starts_with(wanted), "{said}");
        let found = "; 100 viewers had good quality, more were not judged\n";
        assert!(said.ends_with(found), "{said}");
        assert!(lives_until(49).await.is_err(), "nothing was found");
    }

    #[test]
    fn what_nothing_breaks_is_searched_up_to_the_limit() {
        assert_eq!(found(50, 999, 5000).0, 999);
    }
}
