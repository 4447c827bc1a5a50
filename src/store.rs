//! The store: rooms, calls, presences, facts and keys, in SQLite or PostgreSQL.
//!
//! One handle, cheap to clone. What changes, changes by facts ([`Store::record`], the journal's port): a fact is kept
//! in the same transaction as the change it tells of. Everything else here reads, except for keys and secrets.
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

use calls_actors::journal::{BoxFuture, Journal, JournalError, Sampled};
use calls_model::rest::Page;
use calls_model::{
    Call, CallId, Event, EventId, Fact, Member, OrgId, ParticipantId, QualitySample, Recording,
    RecordingId, Room, RoomId, Timestamp, UserId,
};
use chrono::Utc;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OnceCell, watch};
use tracing::error;

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

/// Name of the secret by which names are marked beside replies that are kept.
const MARK_SECRET: &str = "reply-names";

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

    /// Facts about one call after this one, as applications of its tenant are told, in the order of their commits; from the very first where
    /// none is given.
    ///
    /// # Errors
    ///
    /// [`StoreError::BadCursor`] when there is no such fact, or when the database fails.
    pub async fn events_about(
        &self,
        org: &OrgId,
        call: &CallId,
        after: Option<&EventId>,
        limit: u32,
    ) -> Result<Vec<Event>> {
        let (org, call, after) = (org.clone(), call.clone(), after.cloned());
        self.run(move |db| async move {
            let mut lease = db.reader().await?;
            facts::events_about(
                &mut lease.conn(),
                &org,
                call.as_str(),
                after.as_ref(),
                limit,
            )
            .await
        })
        .await
    }

    /// Facts after this one as applications of a tenant are told, in the order of their commits; from the very first where none
    /// is given.
    ///
    /// # Errors
    ///
    /// [`StoreError::BadCursor`] when there is no such fact, or when the database fails.
    pub async fn events_after(
        &self,
        org: &OrgId,
        after: Option<&EventId>,
        limit: u32,
    ) -> Result<Vec<Event>> {
        let (org, after) = (org.clone(), after.cloned());
        self.run(move |db| async move {
            let mut lease = db.reader().await?;
            facts::events_after(&mut lease.conn(), &org, after.as_ref(), limit).await
        })
        .await
    }

    /// The last fact that was kept of this tenant.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn newest_event(&self, org: &OrgId) -> Result<Option<EventId>> {
        let org = org.clone();
        self.run(|db| async move { facts::newest(&mut db.reader().await?.conn(), &org).await })
            .await
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

    /// Finds what was live when the last server went down, and tells what becomes of it: calls go on; where that was too
    /// long ago, they end as `failed` and presences leave as `crashed`. To be called once, before the first call of
    /// this server.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn recover(&self, now: Timestamp) -> Result<Recovered> {
        self.run(move |db| async move {
            let mut lease = db.writer().await?;
            lease.begin().await?;
            let outcome = recover::recover(&mut lease.conn(), now).await;
            lease.finish(outcome).await
        })
        .await
    }

    /// Writes down that the server is up.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn alive(&self, now: Timestamp) -> Result<()> {
        self.run(move |db| async move { facts::alive(&mut db.writer().await?.conn(), now).await })
            .await
    }

    /// A room, unless it is deleted or never was.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn room(&self, id: &RoomId) -> Result<Option<Room>> {
        Ok(self.room_at_door(id).await?.map(|found| found.room))
    }

    /// A room with the hash of its password.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn room_at_door(&self, id: &RoomId) -> Result<Option<RoomAtDoor>> {
        let id = id.clone();
        self.run(|db| async move { rooms::find(&mut db.reader().await?.conn(), &id).await })
            .await
    }

    /// A page of a tenant's rooms, newest first.
    ///
    /// # Errors
    ///
    /// When the cursor is not one of this list, or the database fails.
    pub async fn rooms(&self, org: &OrgId, request: &PageRequest) -> Result<Page<Room>> {
        let (org, request) = (org.clone(), request.clone());
        self.run(
            |db| async move { rooms::list(&mut db.reader().await?.conn(), &org, &request).await },
        )
        .await
    }

    /// A call with its members. A live one has lasted until `now`.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn call(&self, id: &CallId, now: Timestamp) -> Result<Option<Call>> {
        let id = id.clone();
        self.run(
            move |db| async move { calls::find(&mut db.reader().await?.conn(), &id, now).await },
        )
        .await
    }

    /// All who are or were in a call, first come first.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn members(&self, id: &CallId) -> Result<Vec<Member>> {
        let id = id.clone();
        self.run(move |db| async move {
            let found =
                participants::of_calls(&mut db.reader().await?.conn(), &[id.as_str()]).await;
            Ok(found?.remove(id.as_str()).unwrap_or_default())
        })
        .await
    }

    /// Whether a moderator put this user out of this call, or this presence at its door.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn kept_out(
        &self,
        call: &CallId,
        presence: &ParticipantId,
        user: &UserId,
    ) -> Result<Option<KeptOut>> {
        let (call, presence, user) = (call.clone(), presence.clone(), user.clone());
        self.run(|db| async move {
            kept_out::find(&mut db.reader().await?.conn(), &call, &presence, &user).await
        })
        .await
    }

    /// A page of the calls that pass the filter, newest first. Live ones have lasted until `now`.
    ///
    /// # Errors
    ///
    /// When the cursor is not one of this list, or the database fails.
    pub async fn history(
        &self,
        filter: &HistoryFilter,
        request: &PageRequest,
        now: Timestamp,
    ) -> Result<Page<Call>> {
        let (filter, request) = (filter.clone(), request.clone());
        self.run(move |db| async move {
            history::list(&mut db.reader().await?.conn(), &filter, &request, now).await
        })
        .await
    }

    /// A recording, unless it is deleted or never was.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn recording(
        &self,
        id: &RecordingId,
        now: Timestamp,
    ) -> Result<Option<StoredRecording>> {
        let id = id.clone();
        self.run(move |db| async move {
            recordings::find(&mut db.reader().await?.conn(), &id, now).await
        })
        .await
    }

    /// A page of a call's recordings, newest first.
    ///
    /// # Errors
    ///
    /// When the cursor is not one of this list, or the database fails.
    pub async fn recordings(
        &self,
        call: &CallId,
        request: &PageRequest,
        now: Timestamp,
    ) -> Result<Page<Recording>> {
        let (call, request) = (call.clone(), request.clone());
        self.run(move |db| async move {
            recordings::of_call(&mut db.reader().await?.conn(), &call, &request, now).await
        })
        .await
    }

    /// A page of the recordings of all calls that pass the filter, newest first.
    ///
    /// # Errors
    ///
    /// When the cursor is not one of this list, or the database fails.
    pub async fn recordings_of_all(
        &self,
        filter: &RecordingFilter,
        request: &PageRequest,
        now: Timestamp,
    ) -> Result<Page<Recording>> {
        let (filter, request) = (filter.clone(), request.clone());
        self.run(move |db| async move {
            recordings::list(&mut db.reader().await?.conn(), &filter, &request, now).await
        })
        .await
    }

    /// Recordings that something is still to come of, oldest first.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn unsettled_recordings(&self, now: Timestamp) -> Result<Vec<StoredRecording>> {
        self.run(move |db| async move {
            recordings::unsettled(&mut db.reader().await?.conn(), now).await
        })
        .await
    }

    /// Recordings that were settled and asked for before then, oldest first; a hundred at a time, behind this one.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn recordings_before(
        &self,
        before: Timestamp,
        after: Option<RecordingId>,
    ) -> Result<Vec<StoredRecording>> {
        self.run(move |db| async move {
            recordings::older_than(&mut db.reader().await?.conn(), before, after.as_ref()).await
        })
        .await
    }

    /// Recordings that failed before anything of them was known to be on disk, of these or of all.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub(crate) async fn failed_starts(
        &self,
        of: Option<&[RecordingId]>,
    ) -> Result<Vec<RecordingId>> {
        let of = of.map(<[_]>::to_vec);
        self.run(move |db| async move {
            recordings::failed_starts(&mut db.reader().await?.conn(), of.as_deref()).await
        })
        .await
    }

    /// The oldest recording that can be had and has a transcript to come, but for these.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn recording_to_transcribe(
        &self,
        but: &[RecordingId],
        now: Timestamp,
    ) -> Result<Option<StoredRecording>> {
        let but = but.to_vec();
        self.run(move |db| async move {
            recorded_speech::next(&mut db.reader().await?.conn(), &but, now).await
        })
        .await
    }

    /// It is tried to make or to keep a recording. Counted before: a try that ends the server is one, too.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn try_recording(&self, id: &RecordingId) -> Result<()> {
        let id = id.clone();
        self.run(move |db| async move {
            recordings::begin_try(&mut db.writer().await?.conn(), &id).await
        })
        .await
    }

    /// A recording could not be made or kept: that is tried again then.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn postpone_recording(
        &self,
        id: &RecordingId,
        why: String,
        next: Timestamp,
    ) -> Result<()> {
        let id = id.clone();
        self.run(move |db| async move {
            recordings::postpone(&mut db.writer().await?.conn(), &id, &why, next).await
        })
        .await
    }

    /// Facts after this one, in the order of their commits; from the very first where none is given.
    ///
    /// # Errors
    ///
    /// [`StoreError::BadCursor`] when there is no such fact, or when the database fails.
    pub async fn facts_after(
        &self,
        after: Option<&EventId>,
        limit: u32,
    ) -> Result<Vec<StoredFact>> {
        let after = after.cloned();
        self.run(move |db| async move {
            facts::after(&mut db.reader().await?.conn(), after.as_ref(), limit).await
        })
        .await
    }

    /// Facts about one room or call with numbers above `after_seq`, oldest first.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn facts_about(
        &self,
        subject: &str,
        after_seq: u64,
        limit: u32,
    ) -> Result<Vec<StoredFact>> {
        let subject = subject.to_owned();
        self.run(move |db| async move {
            facts::about(&mut db.reader().await?.conn(), &subject, after_seq, limit).await
        })
        .await
    }

    /// Keeps how good connections were.
    ///
    /// # Errors
    ///
    /// When the database fails; then none is kept.
    pub async fn keep_quality(&self, samples: Vec<Sampled>) -> Result<()> {
        self.run(|db| async move {
            let mut lease = db.writer().await?;
            lease.begin().await?;
            let outcome = quality::keep(&mut lease.conn(), &samples).await;
            lease.finish(outcome).await
        })
        .await
    }

    /// A page of how good the connections of a call were, newest first.
    ///
    /// # Errors
    ///
    /// When the cursor is not one of this list, or the database fails.
    pub async fn quality(
        &self,
        call: &CallId,
        of: &QualityOf,
        request: &PageRequest,
    ) -> Result<Page<QualitySample>> {
        let (call, of, request) = (call.clone(), of.clone(), request.clone());
        self.run(|db| async move {
            quality::list(&mut db.reader().await?.conn(), &call, &of, &request).await
        })
        .await
    }

    /// Claims a request that came with an `Idempotency-Key`, or tells what became of the first one.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn claim(&self, asked: &Keyed, now: Timestamp, cutoffs: Cutoffs) -> Result<Claim> {
        let (asked, marks) = (asked.clone(), self.marks().await?);
        self.run(move |db| async move {
            replies::claim(&mut db.writer().await?.conn(), &asked, now, cutoffs, &marks).await
        })
        .await
    }

    /// Writes down how a request that was claimed ended. Tells whether the claim was still held: else another one holds it,
    /// and nothing is changed.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn end_claim(
        &self,
        asked: Keyed,
        running: Running,
        outcome: Outcome,
    ) -> Result<bool> {
        let marks = self.marks().await?;
        self.run(move |db| async move {
            let mut lease = db.writer().await?;
            replies::end(&mut lease.conn(), &asked, running, &outcome, &marks).await
        })
        .await
    }

    /// Marks by the secret that lies in the database; it is read once.
    async fn marks(&self) -> Result<Marks> {
        let read = || async {
            let offered: [u8; 32] = rand::random();
            let secret = self.secret_or(MARK_SECRET, offered.to_vec()).await?;
            Ok(Marks::new(&secret))
        };
        self.inner.marks.get_or_try_init(read).await.cloned()
    }

    /// Forgets replies to what came before, and tells how many.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn purge_replies(&self, before: Timestamp) -> Result<usize> {
        self.run(
            move |db| async move { replies::purge(&mut db.writer().await?.conn(), before).await },
        )
        .await
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
