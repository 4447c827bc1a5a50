//! The task that writes facts: in order, many at a time, and over outages of the storage.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use calls_model::Fact;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::{error, info, warn};

use super::{Entry, Journal, JournalError};
use crate::metrics::{FACTS_LOST, FACTS_WAITING};

/// Most entries of one transaction; more wait for the next.
const BATCH: usize = 256;

/// How long the storage rests after it refused.
pub(super) const REST: Duration = Duration::from_secs(1);

/// How often facts are tried that nobody waits for and the storage refuses, before they are given up. A storage that is
/// away is waited for.
pub(super) const ATTEMPTS: u32 = 30;

/// Most entries that wait for a storage that is away: an hour of a hundred calls a second. What comes on top is lost.
pub(super) const WAITING: usize = 400_000;

/// Writes until the last [`Scribe`](super::Scribe) is gone and nothing is left to write.
pub(super) async fn write_all(
    journal: Arc<dyn Journal>,
    mut entries: mpsc::UnboundedReceiver<Entry>,
) {
    let mut backlog = Backlog {
        journal,
        entries: VecDeque::new(),
        refused: 0,
        fresh: 0,
        aside: false,
    };
    let mut batch = Vec::new();
    loop {
        metrics::gauge!(FACTS_WAITING).set(backlog.gauge());
        let came = entries.recv_many(&mut batch, BATCH);
        let closed = if backlog.entries.is_empty() {
            came.await == 0
        } else {
            timeout(REST, came).await == Ok(0)
        };
        if closed && backlog.entries.is_empty() {
            return;
        }
        if closed {
            tokio::time::sleep(REST).await;
        }
        backlog.retry().await;
        if backlog.entries.is_empty() {
            backlog.write(std::mem::take(&mut batch)).await;
        } else {
            // What came later must not be true before what came earlier.
            batch
                .drain(..)
                .for_each(|entry| backlog.keep_or_refuse(entry, &stuck()));
        }
        backlog.set_aside().await;
    }
}

/// What nobody waits for and the storage refused, in order.
struct Backlog {
    journal: Arc<dyn Journal>,
    entries: VecDeque<Entry>,
    /// How often the first of them was refused.
    refused: u32,
    /// The last so many of them are nowhere but here.
    fresh: usize,
    /// Some are, or were, where a crash does not take them.
    aside: bool,
}

impl Backlog {
    async fn retry(&mut self) {
        while let Some(entry) = self.entries.pop_front() {
            let Err(problem) = self.record(entry.facts.clone()).await else {
                self.refused = 0;
                entry.answer(Ok(()));
                continue;
            };
            let away = matches!(problem, JournalError::Away(_));
            self.refused += u32::from(!away);
            if self.refused < ATTEMPTS {
                self.entries.push_front(entry);
                return;
            }
            let names: Vec<&str> = entry.facts.iter().map(Fact::name).collect();
            error!(%problem, ?names, "facts are lost: the storage refused them for good");
            metrics::counter!(FACTS_LOST).increment(names.len() as u64);
            self.refused = 0;
            entry.answer(Err(problem));
        }
    }

    async fn write(&mut self, batch: Vec<Entry>) {
        let facts = batch
            .iter()
            .flat_map(|entry| entry.facts.iter().cloned())
            .collect();
        if self.record(facts).await.is_ok() {
            for entry in batch {
                entry.answer(Ok(()));
            }
            return;
        }
        // One bad entry must not take the others with it.
        for entry in batch {
            let refused = if self.entries.is_empty() {
                self.record(entry.facts.clone()).await.err()
            } else {
                Some(stuck())
            };
            match refused {
                None => entry.answer(Ok(())),
                Some(problem) => self.keep_or_refuse(entry, &problem),
            }
        }
    }

    fn keep_or_refuse(&mut self, entry: Entry, problem: &JournalError) {
        if entry.is_awaited() {
            entry.answer(Err(problem.clone()));
        } else if self.entries.len() < WAITING {
            if self.entries.is_empty() {
                warn!(%problem, "facts wait until they can be stored");
            }
            self.entries.push_back(entry);
            self.fresh += 1;
        } else {
            error!(%problem, "facts are lost: too many wait already");
            metrics::counter!(FACTS_LOST).increment(entry.facts.len() as u64);
            entry.answer(Err(problem.clone()));
        }
    }

    /// Sees to it that a crash takes nothing of what waits.
    async fn set_aside(&mut self) {
        let fresh = std::mem::take(&mut self.fresh).min(self.entries.len());
        if self.entries.is_empty() {
            if std::mem::take(&mut self.aside) {
                info!("everything that waited is stored");
                self.journal.nothing_waits().await;
            }
        } else if fresh > 0 {
            self.aside = true;
            let from = self.entries.len() - fresh;
            let entries = self.entries.range(from..);
            let entries = entries.filter(|entry| !entry.facts.is_empty());
            let entries = entries.map(|entry| entry.facts.clone()).collect();
            self.journal.set_aside(entries).await;
        }
    }

    fn gauge(&self) -> f64 {
        f64::from(u32::try_from(self.entries.len()).unwrap_or(u32::MAX))
    }

    async fn record(&self, facts: Vec<Fact>) -> Result<(), JournalError> {
        if facts.is_empty() {
            Ok(())
        } else {
            self.journal.record(facts).await
        }
    }
}

fn stuck() -> JournalError {
    JournalError::Away("earlier facts still wait".to_owned())
}
