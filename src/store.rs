//! The store: rooms, calls, presences, facts and keys, in SQLite or PostgreSQL.
//!
//! One handle, cheap to clone, is opened here; what it is asked stands beside the tables that answer. What changes, changes
//! by facts ([`Store::record`], the journal's port): a fact is kept in the same transaction as the change it tells of.
//! Everything else reads, except for keys and secrets.
//!
//! All work runs on a small runtime of the store's own: an arbiter that forwards media never parses a row, a
//! connection does not die with the arbiter that happened to open it, and a caller who stops waiting leaves no
//! transaction half done.

mod address;
mod audit;
mod calls;
mod cursor;
mod db;
mod erase;
mod error;
mod examine;
mod facts;
mod files;
mod history;
mod journal;
mod kept_out;
mod keys;
mod migrate;
mod outbox;
mod ownership;
mod page;
mod participants;
mod quality;
mod recorded_speech;
mod recordings;
mod recover;
mod replies;
mod rooms;
mod schema;
mod spool;
mod sql_types;
mod tenants;
mod transcripts;
mod webhooks;
mod words;

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OnceCell, watch};

use self::address::Address;
pub use self::audit::AuditFilter;
use self::db::Db;
pub use self::erase::ERASED;
pub use self::error::StoreError;
pub use self::examine::{Standing, examine, place};
pub use self::facts::StoredFact;
pub use self::history::HistoryFilter;
pub use self::kept_out::KeptOut;
pub use self::keys::StoredKey;
pub use self::outbox::Due;
pub use self::ownership::Ownership;
pub use self::page::PageRequest;
pub use self::quality::{Hidden, QualityOf};
pub use self::recordings::{RecordingFilter, StoredRecording};
pub use self::recover::{FORGOTTEN_AFTER, Recovered};
use self::replies::Marks;
pub use self::replies::{Claim, Cutoffs, Keyed, Outcome, Reply, Running};
pub use self::rooms::RoomAtDoor;
use self::spool::Spool;
pub use self::webhooks::{StoredWebhook, WebhookChange};

type Result<T> = std::result::Result<T, StoreError>;

/// A handle to the database. Clones share it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    db: Db,
    spool: Spool,
    /// Changes whenever facts became true, or a delivery is due.
    told: watch::Sender<u64>,
    /// Changes whenever endpoints did.
    hooks: watch::Sender<u64>,
    marks: OnceCell<Marks>,
    /// Taken only when the last handle goes.
    runtime: Option<Runtime>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.db.close();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background(); // the last handle may go inside another runtime, where none may block
        }
    }
}

impl Store {
    /// Opens the database at `address` (a path, `sqlite:PATH` or `postgres://…`) with at most this many connections,
    /// and brings its tables up to date.
    ///
    /// # Errors
    ///
    /// When the address is none, the database is not reachable, or a migration fails.
    pub async fn open(address: &str, connections: usize) -> Result<Self> {
        Self::open_with_spool(address, connections, Path::new("")).await
    }

    /// As [`open`](Self::open), with the file of facts that wait at this path; empty: at its usual place.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub async fn open_with_spool(address: &str, connections: usize, spool: &Path) -> Result<Self> {
        let opened = Self::open_and_migrate(address, connections, spool).await;
        opened.map(|(store, _)| store)
    }

    /// Brings the tables up to date, and names the migrations that had to run.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub async fn migrate(address: &str) -> Result<Vec<String>> {
        let opened = Self::open_and_migrate(address, 1, Path::new("")).await;
        opened.map(|(_, ran)| ran)
    }

    async fn open_and_migrate(
        address: &str,
        connections: usize,
        spool: &Path,
    ) -> Result<(Self, Vec<String>)> {
        let address: Address = address.parse()?;
        if let Address::SqliteFile(path) = &address {
            db::make_file(path)
                .map_err(|error| StoreError::Unavailable(format!("{}: {error}", path.display())))?;
        }
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("calls-store")
            .enable_all()
            .build()
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let db = Db::new(&address, connections)?;
        let store = Self {
            inner: Arc::new(Inner {
                db,
                spool: Spool::new(spool, &address),
                told: watch::Sender::new(0),
                hooks: watch::Sender::new(0),
                marks: OnceCell::new(),
                runtime: Some(runtime),
            }),
        };
        let ran = store
            .run(|db| async move { migrate::run(&db).await })
            .await
            .map_err(|error| error.of(&address.to_string()))?;
        Ok((store, ran))
    }

    /// Tells whoever follows facts or deliveries that there may be new ones.
    fn told(&self) {
        self.inner.told.send_modify(|times| *times += 1);
    }

    pub(crate) fn hooks_changed(&self) {
        self.inner.hooks.send_modify(|times| *times += 1);
    }

    /// Changes whenever facts became true, or a delivery is due.
    pub fn follow(&self) -> watch::Receiver<u64> {
        self.inner.told.subscribe()
    }

    /// Changes whenever endpoints of webhooks did.
    pub fn follow_webhooks(&self) -> watch::Receiver<u64> {
        self.inner.hooks.subscribe()
    }

    /// Says whether the database answers and has our tables.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub async fn ping(&self) -> Result<()> {
        self.run(|db| async move { facts::head(&mut db.reader().await?.conn()).await.map(drop) })
            .await
    }

    /// Runs the work on the store's runtime, to its end, even if nobody waits for it any more.
    async fn run<T, W>(&self, work: impl FnOnce(Db) -> W) -> Result<T>
    where
        T: Send + 'static,
        W: Future<Output = Result<T>> + Send + 'static,
    {
        let runtime = self
            .inner
            .runtime
            .as_ref()
            .expect("it is there until the last handle goes");
        let done = runtime.spawn(work(self.inner.db.clone())).await;
        done.unwrap_or_else(|stopped| Err(StoreError::Unavailable(stopped.to_string())))
    }
}
