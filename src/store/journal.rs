//! The journal's port: facts become true and are kept, and wait on disk while the database is away.

use calls_actors::journal::{BoxFuture, Journal, JournalError, Sampled};
use calls_model::Fact;
use chrono::Utc;
use tracing::error;

use super::spool::Spool;
use super::{Result, Store, StoreError, facts};

impl Store {
    /// Makes all of these facts true and keeps them, or none.
    ///
    /// # Errors
    ///
    /// When a fact contradicts what is stored, or the database fails.
    pub async fn record(&self, facts: Vec<Fact>) -> Result<()> {
        if facts.is_empty() {
            return Ok(());
        }
        self.run(|db| async move {
            let mut lease = db.writer().await?;
            lease.begin().await?;
            let outcome = facts::record(&mut lease.conn(), &facts, Utc::now().into()).await;
            lease.finish(outcome).await
        })
        .await
        .inspect(|()| self.told())
    }

    /// Records what waited for the database when the last server went down, and tells how many entries that were. To
    /// be called once, before [`recover`](Self::recover).
    ///
    /// # Errors
    ///
    /// When the database fails, or the file of what waits cannot be read.
    pub async fn catch_up(&self) -> Result<usize> {
        let spool = self.inner.spool.clone();
        let entries = spool.read().map_err(StoreError::spool)?;
        let count = entries.len();
        for entry in entries {
            let recorded = self
                .run(|db| async move {
                    let mut lease = db.writer().await?;
                    lease.begin().await?;
                    let outcome = facts::record_new(&mut lease.conn(), entry).await;
                    lease.finish(outcome).await
                })
                .await;
            match recorded {
                Err(StoreError::Unavailable(cause)) => return Err(StoreError::Unavailable(cause)),
                Err(error) => error!(%error, "facts are lost: the database refuses what waited"),
                Ok(()) => {}
            }
        }
        spool.clear().map_err(StoreError::spool)?;
        Ok(count)
    }

    /// Works with the file of what waits, on a thread that may wait for a disk.
    fn spool(
        &self,
        work: impl FnOnce(&Spool) -> std::io::Result<()> + Send + 'static,
    ) -> BoxFuture<()> {
        let store = self.clone();
        Box::pin(async move {
            let spool = store.inner.spool.clone();
            let done = store
                .run(|_| async move {
                    let done = tokio::task::spawn_blocking(move || work(&spool)).await;
                    done.unwrap_or_else(|stopped| Err(std::io::Error::other(stopped)))
                        .map_err(StoreError::spool)
                })
                .await;
            if let Err(error) = done {
                error!(%error, "a crash now would lose facts");
            }
        })
    }
}

impl Journal for Store {
    fn record(&self, facts: Vec<Fact>) -> BoxFuture<std::result::Result<(), JournalError>> {
        let store = self.clone();
        Box::pin(async move { Ok(Store::record(&store, facts).await?) })
    }

    fn set_aside(&self, entries: Vec<Vec<Fact>>) -> BoxFuture<()> {
        self.spool(move |spool| spool.append(&entries))
    }

    fn nothing_waits(&self) -> BoxFuture<()> {
        self.spool(Spool::clear)
    }

    fn sample(&self, samples: Vec<Sampled>) -> BoxFuture<std::result::Result<(), JournalError>> {
        let store = self.clone();
        Box::pin(async move { Ok(store.keep_quality(samples).await?) })
    }
}
