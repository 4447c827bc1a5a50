//! Sees to it that every recording comes to its end: what has stopped is finished, what a crash left behind is taken
//! up again, what was kept for long enough goes.
//!
//! It goes by what storage says, not by what it was told, so nothing that was missed is missed for long. What cannot be
//! done now (the disk is full, the bucket is away, `ffmpeg` is not there) is tried again, later and later.

mod attempt;
mod claim;
mod delete;
mod keep;
mod make;
mod rot;
mod sweep;
#[cfg(all(test, feature = "testing"))]
pub(super) mod testing;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix::Addr;
use calls_actors::calls::{Calls, RecordingLive};
use calls_actors::clock::Clock;
use calls_model::{
    Fact, FilePlace, Recording, RecordingFile, RecordingId, RecordingMode, RecordingStatus,
    Timestamp,
};
use tokio::sync::oneshot;
use tracing::{debug, error, info, warn};

use self::attempt::Attempt;
pub(super) use self::claim::Claims;
pub use self::delete::NotDeleted;
use self::make::{Made, MakeError, Progress, Try, ahead, make, unchanged};
use self::rot::Rotten;
use super::ahead::Followed;
use super::finish::FinishError;
use super::{DiskStudio, StorageError, Storages, backoff, finish, unsent};
use crate::config;
use crate::lasting::{Crashed, guarded, lasting};
use crate::store::{Store, StoreError, StoredRecording};
use crate::telemetry::names::{RECORDINGS_FAILED, RECORDINGS_UNSETTLED};

/// How often it looks where nobody rings.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// So often it is tried to make one file of all tracks; then they are given out without it.
const COMPOSED_WITHIN: u32 = 3;

/// So often it is tried to finish tracks, which is about a day; then the recording has failed, and its folder stays as it is.
const MADE_WITHIN: u32 = 100;

/// What is made in one go after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Queue {
    /// What takes seconds.
    Short,
    /// What `ffmpeg` works on, one at a time: calls need the processors more.
    Long,
}

impl Queue {
    fn of(mode: RecordingMode) -> Self {
        match mode {
            RecordingMode::Tracks => Self::Short,
            RecordingMode::Audio | RecordingMode::Video | RecordingMode::Composite => Self::Long,
        }
    }
}

/// Brings recordings to their ends.
#[derive(Clone)]
pub struct Archive {
    /// Where they are written.
    pub studio: DiskStudio,
    /// Where they are kept.
    pub storages: Storages,
    pub(super) store: Store,
    calls: Addr<Calls>,
    pub(super) clock: Arc<dyn Clock>,
    config: config::Recording,
    /// How far the one is that is being made.
    progress: Arc<Progress>,
    /// What the disk gave back otherwise than it was made.
    rotten: Arc<Rotten>,
    /// Whose files somebody works on.
    pub(super) claims: Claims,
    /// How far the logs of those were read that are composed ahead.
    followed: Arc<Mutex<HashMap<RecordingId, Followed>>>,
}

/// A recording cannot be brought on.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error("{0}")]
    System(#[from] std::io::Error),
    #[error(transparent)]
    Crashed(#[from] Crashed),
}

impl Archive {
    /// Over this studio and these calls.
    pub fn new(
        studio: DiskStudio,
        storages: Storages,
        store: Store,
        calls: Addr<Calls>,
        clock: Arc<dyn Clock>,
        config: config::Recording,
    ) -> Self {
        Self {
            studio,
            storages,
            store,
            calls,
            clock,
            config,
            progress: Arc::default(),
            rotten: Arc::default(),
            claims: Claims::default(),
            followed: Arc::default(),
        }
    }

    /// How far the processing of a recording is, in percent.
    pub fn progress(&self, id: &RecordingId) -> u8 {
        self.progress.of(id)
    }

    /// Works until the server ends. What is made does not wait for a bucket that is away, nor the other way round; what is
    /// made in seconds does not wait for what takes long; and nothing waits for what is cleared away.
    pub async fn run(self) {
        tokio::join!(
            lasting("archive_tracks", || self.make_all(Queue::Short)),
            lasting("archive_composer", || self.make_all(Queue::Long)),
            lasting("archive_uploads", || self.keep_all()),
            lasting("archive_disk", || self.watch_disk()),
            lasting("archive_sweep", || self.sweep_all()),
            lasting("archive_starts", || self.let_go_of_failed_starts())
        );
    }

    /// Sees to what is recorded or to be made.
    async fn make_all(&self, queue: Queue) {
        let mut bell = self.studio.bell();
        loop {
            if let Err(trouble) = self.look(queue).await {
                warn!(%trouble, "recordings have to wait: {trouble}");
            }
            let _ = tokio::time::timeout(LOOK_EVERY, bell.changed()).await; // a ring, or time
        }
    }

    /// Looks after the disk.
    async fn watch_disk(&self) {
        loop {
            if let Err(error) = self.studio.watch_disk() {
                warn!(%error, "nobody can tell how full the disk of recordings is: {error}");
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn look(&self, queue: Queue) -> Result<(), Trouble> {
        let unsettled = self.store.unsettled_recordings(self.clock.now()).await?;
        metrics::gauge!(RECORDINGS_UNSETTLED).set(f64::from(
            u32::try_from(unsettled.len()).unwrap_or(u32::MAX),
        ));
        for stored in unsettled {
            let (id, tries) = (stored.recording.recording_id.clone(), stored.tries);
            let is_made = stored.recording.status == RecordingStatus::Processing;
            let seen = match guarded("archive", self.see_to(queue, stored)).await {
                Err(crashed) if is_made && tries + 1 < MADE_WITHIN => {
                    let why = format!("not made yet: {crashed}");
                    self.postpone(&id, tries, why).await
                }
                seen => seen.unwrap_or_else(|crashed| Err(crashed.into())),
            };
            if let Err(trouble) = seen {
                warn!(recording.id = %id, %trouble, "{id} has to wait: {trouble}");
            }
        }
        Ok(())
    }

    async fn see_to(&self, queue: Queue, stored: StoredRecording) -> Result<(), Trouble> {
        let recording = &stored.recording;
        let open = self.studio.is_open(&recording.recording_id);
        match (recording.status, queue) {
            (_, Queue::Long) if open => self.compose_ahead(recording).await,
            (RecordingStatus::Requested | RecordingStatus::Active, Queue::Short) if !open => {
                self.adopt(&stored).await
            }
            (RecordingStatus::Processing, queue) if !open && Queue::of(recording.mode) == queue => {
                self.process(stored).await
            }
            _ => Ok(()),
        }
    }

    /// Composes a piece of what is still recorded, where that was asked for and so much is there.
    async fn compose_ahead(&self, recording: &Recording) -> Result<(), Trouble> {
        if !recording.live || recording.status != RecordingStatus::Active {
            return Ok(());
        }
        let id = &recording.recording_id;
        let followed = {
            let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
            followed.retain(|id, _| self.studio.is_open(id));
            followed.entry(id.clone()).or_default().clone()
        };
        let folder = self.studio.folder_of(id);
        let ahead = ahead(&folder, recording, &self.config, followed);
        match apart(move || ahead.next()).await? {
            Some(Ok(true)) => debug!(recording.id = %id, "a piece of {id} is composed"),
            Some(Ok(false)) => {}
            Some(Err(error)) => {
                warn!(recording.id = %id, "{id} is composed at its end, not meanwhile: {error}");
            }
            None => error!(recording.id = %id, "composing a piece of {id} crashed"),
        }
        Ok(())
    }

    /// Takes up what nobody records any more.
    async fn adopt(&self, stored: &StoredRecording) -> Result<(), Trouble> {
        let Recording {
            recording_id,
            call_id,
            ..
        } = &stored.recording;
        let asked = RecordingLive {
            call_id: call_id.clone(),
            recording_id: recording_id.clone(),
        };
        if self.calls.send(asked).await.unwrap_or(true) {
            return Ok(());
        }
        // It may have stopped as any does since it was looked up.
        let found = self.store.recording(recording_id, self.clock.now()).await?;
        let Some(left) = found.filter(|found| found.recording.status.is_recorded()) else {
            return Ok(());
        };
        warn!(recording.id = %recording_id, "{recording_id} was left behind by a crash and is taken up");
        let stopped = Fact::RecordingStopped {
            call_id: call_id.clone(),
            recording_id: recording_id.clone(),
            at: self.left_at(&left.recording).await?,
        };
        Ok(self.store.record(vec![stopped]).await?)
    }

    /// Until when something came of a recording that was left behind: it is no longer than that.
    async fn left_at(&self, left: &Recording) -> Result<Timestamp, Trouble> {
        let now = self.clock.now();
        let folder = self.studio.folder_of(&left.recording_id);
        let ends_us = apart(move || finish::ends_us(&folder)).await?.flatten();
        let ends = ends_us.map(|after_us| left.requested_at.millis() + after_us / 1000);
        let ends = ends.and_then(Timestamp::from_millis).unwrap_or(now);
        Ok(ends.max(left.started_at.unwrap_or(ends)).min(now))
    }

    /// Makes the files of a recording.
    async fn process(&self, stored: StoredRecording) -> Result<(), Trouble> {
        if self.waits(&stored) {
            return Ok(());
        }
        let id = &stored.recording.recording_id;
        let Some(_claim) = self.claims.take(id) else {
            return Ok(()); // it was asked for as soon as it could be had, and copies of it are still cleared away
        };
        let _making = self.progress.begin(id);
        let facts = if was_cut_off(&stored) && stored.tries >= MADE_WITHIN {
            let why = format!("making it came to no end in {} tries", stored.tries);
            self.given_up(&stored, why)
        } else {
            self.store.try_recording(id).await?;
            match self.make(&stored).await {
                Ok(made) => {
                    self.note_unsent(&stored).await;
                    self.processed(&stored, made)
                }
                Err(error) if stored.tries + 1 < MADE_WITHIN && !error.is_final() => {
                    if let MakeError::Storage(error) = &error {
                        tell_its_words(id, error);
                    }
                    let why = format!("not made yet: {error}");
                    return self.postpone(id, stored.tries, why).await;
                }
                Err(error) => self.given_up(&stored, error.to_string()),
            }
        };
        let recorded = self.store.record(facts).await;
        if recorded.is_err() {
            self.erase_if_deleted(&stored.recording).await?;
        }
        self.studio.ring();
        Ok(recorded?)
    }

    async fn make(&self, stored: &StoredRecording) -> Result<Made, MakeError> {
        let mut recording = stored.recording.clone();
        let folder = self.studio.folder_of(&recording.recording_id);
        let local = |file: &RecordingFile| file.place == FilePlace::Local;
        if recording.files.iter().any(local) && !folder.try_exists().map_err(FinishError::from)? {
            return Err(FinishError::Missing.into());
        }
        self.bring_back(&mut recording).await?;
        let (_attempt, cut_off) = Attempt::begin(&folder);
        let (config, progress) = (self.config.clone(), self.progress.clone());
        let report = stored.report.clone();
        let of = Try {
            last: stored.tries + 1 >= COMPOSED_WITHIN,
            very_last: stored.tries + 1 >= MADE_WITHIN,
            cut_off: Some(cut_off).filter(|&tries| tries >= COMPOSED_WITHIN),
        };
        let run = self.studio.run().to_owned();
        let made = move || {
            make(
                (&folder, &run),
                &recording,
                report,
                &config,
                (&progress, of),
            )
        };
        let made = apart(made);
        let made = made.await.map_err(StorageError::System)?;
        made.ok_or(MakeError::Crashed)?
    }

    /// Of what is made for the first time no bucket has anything.
    async fn note_unsent(&self, stored: &StoredRecording) {
        if stored.report.is_some() || self.storages.wanted().place() == FilePlace::Local {
            return;
        }
        let folder = self.studio.folder_of(&stored.recording.recording_id);
        let _ = apart(move || unsent::note(&folder)).await; // without it, the bucket is asked
    }

    fn processed(&self, stored: &StoredRecording, made: Made) -> Vec<Fact> {
        let id = &stored.recording.recording_id;
        if made.report.not_composed.is_some() {
            metrics::counter!(RECORDINGS_FAILED).increment(1);
        }
        let files = made.files.len();
        if made.report.is_read_whole() {
            info!(recording.id = %id, files, "recording {id} is whole");
        } else {
            warn!(recording.id = %id, files, "recording {id} is made of what the disk gave back, which is not all; its report tells");
        }
        let (call_id, at) = (stored.recording.call_id.clone(), self.clock.now());
        let again = stored.report.is_some() && made.report.not_composed.is_none();
        let again = again.then(|| Fact::RecordingRecomposed {
            call_id: call_id.clone(),
            recording_id: id.clone(),
            layout: made.report.layout,
            at,
        });
        let processed = Fact::RecordingProcessed {
            call_id,
            recording_id: id.clone(),
            files: made.files,
            duration_seconds: made.duration_ms / 1000,
            report: Box::new(made.report),
            at,
        };
        [processed].into_iter().chain(again).collect()
    }

    /// It was tried for long enough. What could be had before it was to be made once more can be had again.
    fn given_up(&self, stored: &StoredRecording, reason: String) -> Vec<Fact> {
        let recording = &stored.recording;
        let id = &recording.recording_id;
        error!(recording.id = %id, reason, "recording {id} failed: {reason}");
        if let Some(report) = stored.report.clone() {
            return self.processed(stored, unchanged(recording, report, reason));
        }
        metrics::counter!(RECORDINGS_FAILED).increment(1);
        vec![Fact::RecordingFailed {
            call_id: recording.call_id.clone(),
            recording_id: id.clone(),
            reason,
            at: self.clock.now(),
        }]
    }

    /// It is not its time yet.
    fn waits(&self, stored: &StoredRecording) -> bool {
        let next = stored.next_try_at;
        next.is_some_and(|next| next > self.clock.now())
    }

    /// It is tried again, later and later.
    async fn postpone(&self, id: &RecordingId, tries: u32, why: String) -> Result<(), Trouble> {
        let wait = backoff::wait(tries);
        warn!(recording.id = %id, why, ?wait, "{id} is {why}");
        let now = self.clock.now();
        let next = now.millis() + i64::try_from(wait.as_millis()).unwrap_or(0);
        let next = Timestamp::from_millis(next).unwrap_or(now);
        Ok(self.store.postpone_recording(id, why, next).await?)
    }
}

/// What a bucket says in its own words is for the log.
fn tell_its_words(id: &RecordingId, error: &StorageError) {
    if let Some(words) = error.in_its_words() {
        warn!(recording.id = %id, words, "of {id} the bucket says: {words}");
    }
}

/// The last try was never heard of again: the server ended in it, and that may be its doing.
fn was_cut_off(stored: &StoredRecording) -> bool {
    stored.tries > 0 && stored.next_try_at.is_none()
}

/// Runs it on a thread of its own; `None` where that crashed.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> std::io::Result<Option<T>> {
    let (tell, told) = oneshot::channel();
    let thread = std::thread::Builder::new().name("calls-archive".to_owned());
    thread.spawn(move || {
        let _ = tell.send(work()); // the server may be going down
    })?;
    Ok(told.await.ok())
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::testing::{archive, available};
    use super::*;

    /// Panics once when it is asked after `armed` was set and something is made.
    #[derive(Default)]
    struct Breaks {
        asked: std::sync::atomic::AtomicU32,
        armed: AtomicBool,
    }

    impl Clock for Breaks {
        fn now(&self) -> Timestamp {
            if self.armed.load(Ordering::SeqCst) {
                // The look asks first, then what writes down what was made.
                let asked = self.asked.fetch_add(1, Ordering::SeqCst);
                assert!(asked != 1, "the clock breaks");
            }
            Timestamp::from_millis(1000).expect("a time")
        }
    }

    #[actix::test]
    async fn a_panic_while_it_is_made_has_it_tried_again_later() {
        let place = tempfile::tempdir().expect("a folder");
        let clock = Arc::new(Breaks::default());
        let archive = archive(place.path(), clock.clone()).await;
        let made = available(&archive.store, &archive.studio).await;
        let again = Fact::RecordingComposeRequested {
            call_id: made.call_id,
            recording_id: made.recording_id.clone(),
            layout: None,
            at: made.requested_at,
        };
        archive.store.record(vec![again]).await.expect("stored");
        clock.armed.store(true, Ordering::SeqCst);
        archive.look(Queue::Short).await.expect("looked");
        assert!(clock.asked.load(Ordering::SeqCst) > 1, "it broke");
        let found = archive
            .store
            .recording(&made.recording_id, made.requested_at);
        let found = found.await.expect("read").expect("it is there");
        assert_eq!(found.recording.status, RecordingStatus::Processing);
        assert!(archive.waits(&found), "{found:?}");
        let why = found.recording.error.expect("a reason");
        assert_eq!(why, "not made yet: the work on it crashed");
    }
}
