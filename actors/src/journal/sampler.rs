//! The task that keeps samples of quality: many at a time, and never at the expense of facts.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tracing::warn;

use super::{Journal, Sampled};
use crate::metrics::SAMPLES_LOST;

/// Most samples that may wait: those of two thousand connections.
pub(super) const WAITING: usize = 2048;

/// How long samples gather for one transaction.
const GATHER: Duration = Duration::from_secs(1);

/// Keeps samples until nobody hands any over. What storage refuses is lost, and counted.
pub(super) async fn keep_all(journal: Arc<dyn Journal>, mut samples: mpsc::Receiver<Sampled>) {
    let mut batch = Vec::new();
    while samples.recv_many(&mut batch, WAITING).await > 0 {
        tokio::time::sleep(GATHER).await;
        while let Ok(sampled) = samples.try_recv() {
            batch.push(sampled);
        }
        let lost = batch.len() as u64;
        if let Err(problem) = journal.sample(std::mem::take(&mut batch)).await {
            warn!(%problem, lost, "samples of quality were not kept");
            metrics::counter!(SAMPLES_LOST).increment(lost);
        }
    }
}
