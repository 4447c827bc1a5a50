//! Where facts are kept, and who writes them: in the order they happened, as few transactions as can be.

mod sampler;
mod scribe;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use calls_model::{CallId, Fact, QualitySample};
use tokio::sync::{mpsc, oneshot};

use crate::metrics::SAMPLES_LOST;

/// A future that owns what it needs.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Facts could not be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JournalError {
    /// The storage refused them.
    #[error("facts were not stored: {0}")]
    Storage(String),
    /// The storage cannot be reached, or can write nothing now: it may be back at any moment.
    #[error("facts cannot be stored yet: {0}")]
    Away(String),
    /// Nobody writes any more: the server is going down.
    #[error("the journal is closed")]
    Closed,
}

/// How good a connection of a call was.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampled {
    /// Which call.
    pub call_id: CallId,
    /// How good it was, and when.
    pub sample: QualitySample,
}

/// The port to storage: one call is one transaction.
pub trait Journal: Send + Sync + 'static {
    /// Makes all of these facts true, or none.
    fn record(&self, facts: Vec<Fact>) -> BoxFuture<Result<(), JournalError>>;

    /// Keeps entries that wait for the storage where a crash of the process does not take them; the next start records
    /// them. By default there is no such place.
    fn set_aside(&self, entries: Vec<Vec<Fact>>) -> BoxFuture<()> {
        drop(entries);
        Box::pin(std::future::ready(()))
    }

    /// All that was set aside is recorded, or given up.
    fn nothing_waits(&self) -> BoxFuture<()> {
        Box::pin(std::future::ready(()))
    }

    /// Keeps all of these samples, or none.
    fn sample(&self, samples: Vec<Sampled>) -> BoxFuture<Result<(), JournalError>>;
}

/// Hands facts to the one task that writes them. Clones share it; it ends with the last clone.
///
/// Facts become true in the order in which they are handed over; what comes while a transaction runs goes into the
/// next one together.
#[derive(Clone)]
pub struct Scribe {
    desk: mpsc::UnboundedSender<Entry>,
    samples: mpsc::Sender<Sampled>,
}

impl Scribe {
    /// Starts the task on the present arbiter.
    pub fn start(journal: Arc<dyn Journal>) -> Self {
        let (desk, entries) = mpsc::unbounded_channel();
        let (samples, taken) = mpsc::channel(sampler::WAITING);
        actix::spawn(sampler::keep_all(journal.clone(), taken));
        actix::spawn(scribe::write_all(journal, entries));
        Self { desk, samples }
    }

    /// Hands a sample over; it is dropped and counted where storage does not keep up.
    pub fn sample(&self, sampled: Sampled) {
        if self.samples.try_send(sampled).is_err() {
            metrics::counter!(SAMPLES_LOST).increment(1);
        }
    }

    /// Hands facts over at once; the future tells when they are true.
    ///
    /// If it is awaited and the storage refuses, they never become true. If it is dropped, nobody could be told, so
    /// the scribe keeps trying: for half a minute where the storage refuses them, for as long as it takes where it is
    /// away.
    ///
    /// # Errors
    ///
    /// The storage refused, or nobody writes any more.
    pub fn record(
        &self,
        facts: Vec<Fact>,
    ) -> impl Future<Output = Result<(), JournalError>> + Send + 'static + use<> {
        let (written, answer) = oneshot::channel();
        let _ = self.desk.send(Entry { facts, written }); // a dropped entry answers `Closed`
        async move { answer.await.unwrap_or(Err(JournalError::Closed)) }
    }

    /// Tells when all that was handed over before is written, or lost for good.
    ///
    /// # Errors
    ///
    /// Nobody writes any more.
    pub fn flushed(
        &self,
    ) -> impl Future<Output = Result<(), JournalError>> + Send + 'static + use<> {
        self.record(Vec::new())
    }
}

/// Facts on their way, and who waits for them.
struct Entry {
    facts: Vec<Fact>,
    written: oneshot::Sender<Result<(), JournalError>>,
}

impl Entry {
    /// Somebody is told if it fails, and acts on it.
    fn is_awaited(&self) -> bool {
        !self.written.is_closed() && !self.facts.is_empty()
    }

    fn answer(self, result: Result<(), JournalError>) {
        let _ = self.written.send(result); // nobody may be waiting
    }
}

#[cfg(test)]
mod tests;
