//! The task that writes facts: in order, many at a time, and over outages of the storage.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use calls_model::Fact;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tracing::{error, warn};

use super::{Entry, Journal, JournalError};
use crate::metrics::FACTS_LOST;

/// Most entries of one transaction; more wait for the next.
const BATCH: usize = 256;

/// How long the storage rests after it refused.
pub(super) const REST: Duration = Duration::from_secs(1);

/// How often facts are tried that nobody waits for, before they are given up.
pub(super) const ATTEMPTS: u32 = 30;

/// Writes until the last [`Scribe`](super::Scribe) is gone and nothing is left to write.
pub(super) async fn write_all(
    journal: Arc<dyn Journal>,
    mut entries: mpsc::UnboundedReceiver<Entry>,
) {
    let mut backlog = Backlog {
        journal,
        entries: VecDeque::new(),
        refused: 0,
    };
    let mut batch = Vec::new();
    loop {
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
    }
}

/// What nobody waits for and the storage refused, in order.
struct Backlog {
    journal: Arc<dyn Journal>,
    entries: VecDeque<Entry>,
    /// How often the first of them was refused.
    refused: u32,
}

impl Backlog {
    async fn retry(&mut self) {
        while let Some(entry) = self.entries.pop_front() {
            let Err(problem) = self.record(entry.facts.clone()).await else {
                self.refused = 0;
                entry.answer(Ok(()));
                continue;
            };
            self.refused += 1;
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
        } else {
            warn!(%problem, "facts were not stored, trying again");
            self.entries.push_back(entry);
        }
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
    JournalError::Storage("earlier facts still wait".to_owned())
}
