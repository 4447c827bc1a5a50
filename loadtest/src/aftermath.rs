//! What is left at the server of those who are gone: actors, open files, memory.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::time::sleep;

use crate::api::Api;
use crate::measure::Second;
use crate::server::Gauge;

/// A place is kept for half a minute for whoever vanished; then all must be gone.
const PATIENCE: Duration = Duration::from_secs(45);

/// From one look to the next.
const PAUSE: Duration = Duration::from_millis(500);

/// A server that is silent at so many looks, one after the other, is gone.
const SILENT: u32 = 3;

/// Files that a server may hold open after its first visitors: connections to the database, and ours that are kept alive.
const FILES_SPARE: usize = 24;

/// Seconds that a run must have for its memory to have come to rest.
const LONG: usize = 120;

/// Memory may grow by this share of itself, and by some MiB, from the second quarter of a run to the last.
const GROWTH: f64 = 0.10;
const GROWTH_MIB: f64 = 8.0;

/// How many of each kind live, and how many files are open.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Living {
    /// Actors, by kind.
    pub(crate) actors: BTreeMap<String, u64>,
    /// Open files; null where they cannot be counted.
    pub(crate) files: Option<usize>,
}

/// What was there before anybody came, and after all had gone.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Aftermath {
    /// Before.
    pub(crate) before: Living,
    /// After, once nothing went any more; null where the server does not answer any more.
    pub(crate) after: Option<Living>,
    /// Resident memory in the second quarter of the run, and in the last, in MiB.
    pub(crate) memory_mib: Option<(f64, f64)>,
}

impl Living {
    /// Asks the server; nothing where it does not tell.
    pub(crate) async fn read(api: &Api, gauge: &Gauge) -> Option<Self> {
        Some(Self {
            actors: actors(&api.metrics().await.ok()?),
            files: gauge.files(),
        })
    }

    fn more_than(&self, before: &Self) -> Vec<String> {
        let there = |name: &str| before.actors.get(name).copied().unwrap_or(0);
        let more = self.actors.iter().filter_map(|(name, &count)| {
            let left = count.checked_sub(there(name))?;
            (left > 0).then(|| format!("{left} of actor {name} were left behind"))
        });
        more.collect()
    }
}

impl Aftermath {
    /// Waits until all are gone, but not for ever.
    pub(crate) async fn see(before: Living, api: &Api, gauge: &Gauge, seconds: &[Second]) -> Self {
        let began = Instant::now();
        let mut silent = 0;
        let after = loop {
            let now = Living::read(api, gauge).await;
            silent = if now.is_some() { 0 } else { silent + 1 };
            let is_settled = match &now {
                Some(now) => now.more_than(&before).is_empty() || began.elapsed() > PATIENCE,
                None => silent == SILENT,
            };
            if is_settled {
                break now;
            }
            sleep(PAUSE).await;
        };
        Self {
            before,
            after,
            memory_mib: memory(seconds),
        }
    }

    /// What should not be there.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let mut complaints = match &self.after {
            Some(after) => after.more_than(&self.before),
            None => vec!["the server does not answer any more".to_owned()],
        };
        let files = |living: &Living| living.files;
        if let (Some(before), Some(after)) =
            (self.before.files, self.after.as_ref().and_then(files))
            && after > before + FILES_SPARE
        {
            complaints.push(format!("{after} files are open, {before} were before"));
        }
        if let Some((early, late)) = self.memory_mib
            && late > early * (1.0 + GROWTH) + GROWTH_MIB
        {
            complaints.push(format!("memory grew from {early:.0} to {late:.0} MiB"));
        }
        complaints
    }
}

/// Means of the second quarter and of the last: in the first everybody is new.
fn memory(seconds: &[Second]) -> Option<(f64, f64)> {
    if seconds.len() < LONG {
        return None;
    }
    let quarter = seconds.len() / 4;
    let mean = |seconds: &[Second]| {
        let all: Option<Vec<f64>> = seconds.iter().map(|second| second.server_rss_mib).collect();
        let all = all.filter(|all| !all.is_empty())?;
        let count = u32::try_from(all.len()).ok()?;
        Some(all.iter().sum::<f64>() / f64::from(count))
    };
    let early = mean(seconds.get(quarter..2 * quarter)?)?;
    let late = mean(seconds.get(seconds.len() - quarter..)?)?;
    Some((early, late))
}

/// `calls_actors{actor="…"} N` of Prometheus text.
fn actors(metrics: &str) -> BTreeMap<String, u64> {
    let lines = metrics.lines();
    let told = lines.filter_map(|line| line.strip_prefix("calls_actors{actor=\""));
    told.filter_map(|line| {
        let (name, value) = line.split_once("\"} ")?;
        Some((name.to_owned(), value.trim().parse().ok()?))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn living(participants: u64, files: usize) -> Living {
        let text = format!(
            "# TYPE calls_actors gauge\ncalls_actors{{actor=\"participant\"}} {participants}\n"
        );
        Living {
            actors: actors(&text),
            files: Some(files),
        }
    }

    fn second(rss: f64) -> Second {
        Second {
            server_rss_mib: Some(rss),
            ..Second::default()
        }
    }

    #[test]
    fn actors_and_files_that_stay_are_told() {
        let aftermath = |after| Aftermath {
            before: living(1, 20),
            after: Some(after),
            memory_mib: None,
        };
        assert_eq!(aftermath(living(1, 40)).complaints(), [""; 0]);
        assert_eq!(
            aftermath(living(4, 90)).complaints(),
            [
                "3 of actor participant were left behind",
                "90 files are open, 20 were before"
            ]
        );
    }

    #[tokio::test]
    async fn a_server_that_does_not_answer_after_all_had_gone_is_told() {
        // Nobody listens at a port that was just given back.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let api = Api::new(url.parse().unwrap(), None);
        let gauge = Gauge::Process(std::process::id());
        let aftermath = Aftermath::see(living(1, 20), &api, &gauge, &[]).await;
        let wanted = ["the server does not answer any more"];
        assert_eq!(aftermath.complaints(), wanted);
    }

    #[test]
    fn memory_that_grows_from_the_second_quarter_to_the_last_is_told() {
        let quarters = |each: [f64; 4]| each.map(|rss| vec![second(rss); LONG / 4]).concat();
        let steady = quarters([20.0, 50.0, 52.0, 55.0]);
        let growing = quarters([20.0, 50.0, 70.0, 90.0]);
        let complaints = |seconds: &[Second]| {
            let aftermath = Aftermath {
                before: living(0, 1),
                after: Some(living(0, 1)),
                memory_mib: memory(seconds),
            };
            aftermath.complaints()
        };
        assert_eq!(complaints(&steady), [""; 0]);
        assert_eq!(complaints(&growing), ["memory grew from 50 to 90 MiB"]);
        assert_eq!(complaints(&growing[..60]), [""; 0], "too short to tell");
    }
}
