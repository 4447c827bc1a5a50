//! Sees to it that every recording comes to its end: what has stopped is finished, what a crash left behind is taken
//! up again, what was kept for long enough goes.
//!
//! It goes by what storage says, not by what it was told, so nothing that was missed is missed for long.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use actix::Addr;
use calls_actors::calls::{Calls, RecordingLive};
use calls_actors::clock::Clock;
use calls_model::{
    Fact, FileKind, FilePlace, Recording, RecordingFile, RecordingId, RecordingMode,
    RecordingReport, RecordingStatus,
};
use tokio::sync::oneshot;
use tracing::{debug, error, info, warn};

use super::ahead::Ahead;
use super::finish::{self, FinishError, Finished};
use super::render;
use super::{Bucket, BucketError, DiskStudio};
use crate::config;
use crate::store::{Store, StoreError, StoredRecording};
use crate::telemetry::names::{
    RECORDING_UPLOAD_AGE, RECORDING_UPLOADS_FAILED, RECORDINGS_FAILED, RECORDINGS_UNSETTLED,
};

/// How often it looks where nobody rings.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How long an upload waits after its first failure; twice as long after each further one.
const FIRST_WAIT: Duration = Duration::from_secs(2);

/// The longest that it waits.
const LONGEST_WAIT: Duration = Duration::from_secs(900);

/// How often it looks for what was kept for long enough, in looks.
const SWEEP_EVERY: u64 = 1800;

/// Brings recordings to their ends.
#[derive(Clone)]
pub struct Archive {
    /// Where they are written.
    pub studio: DiskStudio,
    /// Where they are kept, unless that is the same.
    pub bucket: Option<Bucket>,
    store: Store,
    calls: Addr<Calls>,
    clock: Arc<dyn Clock>,
    config: config::Recording,
    /// How far the one is that is being made.
    progress: Arc<AtomicU8>,
}

/// A recording cannot be brought on.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    System(#[from] std::io::Error),
}

/// What processing came to.
struct Made {
    files: Vec<RecordingFile>,
    duration_ms: u64,
    report: RecordingReport,
}

impl Archive {
    /// Over this studio and these calls.
    pub fn new(
        studio: DiskStudio,
        bucket: Option<Bucket>,
        store: Store,
        calls: Addr<Calls>,
        clock: Arc<dyn Clock>,
        config: config::Recording,
    ) -> Self {
        Self {
            studio,
            bucket,
            store,
            calls,
            clock,
            config,
            progress: Arc::default(),
        }
    }

    /// How far processing is, in percent.
    pub fn progress(&self) -> u8 {
        self.progress.load(Ordering::Relaxed)
    }

    /// Works until the server ends. What is made does not wait for a bucket that is away, nor the other way round.
    pub async fn run(self) {
        tokio::join!(self.make_all(), self.keep_all());
    }

    /// Sees to what is recorded or to be made.
    async fn make_all(&self) {
        let mut bell = self.studio.bell();
        for look in 0u64.. {
            if let Err(trouble) = self.look(look).await {
                warn!(%trouble, "recordings have to wait");
            }
            let _ = tokio::time::timeout(LOOK_EVERY, bell.changed()).await; // a ring, or time
        }
    }

    /// Sees to what is made.
    async fn keep_all(&self) {
        let mut bell = self.studio.bell();
        loop {
            if let Err(trouble) = self.keep_made().await {
                warn!(%trouble, "recordings cannot be kept yet");
            }
            let _ = tokio::time::timeout(LOOK_EVERY, bell.changed()).await; // a ring, or time
        }
    }

    async fn look(&self, look: u64) -> Result<(), Trouble> {
        if look.is_multiple_of(SWEEP_EVERY) && self.config.keep_days > 0 {
            self.let_go_of_old().await?;
        }
        let unsettled = self.store.unsettled_recordings(self.clock.now()).await?;
        metrics::gauge!(RECORDINGS_UNSETTLED).set(f64::from(
            u32::try_from(unsettled.len()).unwrap_or(u32::MAX),
        ));
        for stored in unsettled {
            if self.studio.is_open(&stored.recording.recording_id) {
                self.compose_ahead(&stored.recording).await?;
                continue;
            }
            match stored.recording.status {
                RecordingStatus::Requested | RecordingStatus::Active => self.adopt(&stored).await?,
                RecordingStatus::Processing => self.process(stored).await?,
                RecordingStatus::Uploading
                | RecordingStatus::Available
                | RecordingStatus::Failed => {}
            }
        }
        Ok(())
    }

    async fn keep_made(&self) -> Result<(), Trouble> {
        for stored in self.store.unsettled_recordings(self.clock.now()).await? {
            if stored.recording.status == RecordingStatus::Uploading {
                self.keep(stored).await?;
            }
        }
        Ok(())
    }

    /// Composes a piece of what is still recorded, where that was asked for and so much is there.
    async fn compose_ahead(&self, recording: &Recording) -> Result<(), Trouble> {
        if !recording.live || recording.status != RecordingStatus::Active {
            return Ok(());
        }
        let id = &recording.recording_id;
        let ahead = ahead(&self.studio.folder_of(id), recording, &self.config);
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
        let now = self.store.recording(recording_id, self.clock.now()).await?;
        let status = now.map(|now| now.recording.status);
        if !status.is_some_and(RecordingStatus::is_recorded) {
            return Ok(());
        }
        warn!(recording.id = %recording_id, "{recording_id} was left behind by a crash and is taken up");
        let stopped = Fact::RecordingStopped {
            call_id: call_id.clone(),
            recording_id: recording_id.clone(),
            at: self.clock.now(),
        };
        Ok(self.store.record(vec![stopped]).await?)
    }

    /// Makes the files of a recording.
    async fn process(&self, stored: StoredRecording) -> Result<(), Trouble> {
        let mut recording = stored.recording;
        if let Err(error) = self.bring_back(&mut recording).await {
            let id = &recording.recording_id;
            warn!(recording.id = %id, "the files of {id} cannot be had yet: {error}");
            return Ok(());
        }
        let (id, call_id) = (recording.recording_id.clone(), recording.call_id.clone());
        let folder = self.studio.folder_of(&id);
        let (config, progress) = (self.config.clone(), self.progress.clone());
        progress.store(0, Ordering::Relaxed);
        let report = stored.report;
        let made = apart(move || make(&folder, &recording, report, &config, &progress)).await?;
        let made = made.unwrap_or_else(|| Err("making its files crashed".to_owned()));
        let at = self.clock.now();
        let fact = match made {
            Ok(made) => {
                info!(recording.id = %id, files = made.files.len(), "recording {id} is whole");
                Fact::RecordingProcessed {
                    call_id,
                    recording_id: id,
                    files: made.files,
                    duration_seconds: made.duration_ms / 1000,
                    report: Box::new(made.report),
                    at,
                }
            }
            Err(reason) => {
                error!(recording.id = %id, reason, "recording {id} failed: {reason}");
                metrics::counter!(RECORDINGS_FAILED).increment(1);
                Fact::RecordingFailed {
                    call_id,
                    recording_id: id,
                    reason,
                    at,
                }
            }
        };
        self.store.record(vec![fact]).await?;
        self.studio.ring();
        Ok(())
    }

    /// Keeps files where they are to be kept. A bucket that says no is asked again, later and later, for good.
    async fn keep(&self, stored: StoredRecording) -> Result<(), Trouble> {
        let (mut recording, now) = (stored.recording, self.clock.now());
        if stored.next_try_at.is_some_and(|next| next > now) {
            return Ok(());
        }
        let id = recording.recording_id.clone();
        let folder = self.studio.folder_of(&id);
        if let Some(bucket) = &self.bucket {
            let age = stored
                .stopped_at
                .map_or(0, |stopped| now.seconds_since(stopped));
            metrics::gauge!(RECORDING_UPLOAD_AGE)
                .set(f64::from(u32::try_from(age).unwrap_or(u32::MAX)));
            if let Err(error) = upload(bucket, &recording, &folder).await {
                metrics::counter!(RECORDING_UPLOADS_FAILED).increment(1);
                let wait = FIRST_WAIT
                    .saturating_mul(1 << stored.tries.min(16))
                    .min(LONGEST_WAIT);
                let why = format!("not uploaded yet: {error}");
                warn!(recording.id = %id, why, ?wait, "{id} is {why}");
                let next = now.millis() + i64::try_from(wait.as_millis()).unwrap_or(0);
                let next = calls_model::Timestamp::from_millis(next).unwrap_or(now);
                return Ok(self.store.postpone_upload(&id, why, next).await?);
            }
            metrics::gauge!(RECORDING_UPLOAD_AGE).set(0.0);
            for file in &mut recording.files {
                file.place = FilePlace::Bucket;
            }
        }
        let available = Fact::RecordingAvailable {
            call_id: recording.call_id,
            recording_id: id,
            files: recording.files.clone(),
            at: self.clock.now(),
        };
        self.store.record(vec![available]).await?;
        // Only now: until it was written where its files are, they may have to be made or sent again.
        finish::let_go(&folder)?;
        for file in recording
            .files
            .iter()
            .filter(|file| file.place == FilePlace::Bucket)
        {
            match std::fs::remove_file(folder.join(&file.name)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error.into());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What is made once more is made of local files.
    async fn bring_back(&self, recording: &mut Recording) -> Result<(), BucketError> {
        let folder = self.studio.folder_of(&recording.recording_id);
        let Some(bucket) = &self.bucket else {
            return Ok(());
        };
        for file in &mut recording.files {
            let path = folder.join(&file.name);
            let made_of = matches!(file.kind, FileKind::Track | FileKind::Transcript);
            if file.place == FilePlace::Bucket && made_of && !path.exists() {
                bucket
                    .fetch(&recording.recording_id, &file.name, &path)
                    .await?;
            }
            file.place = FilePlace::Local;
        }
        Ok(())
    }

    /// Deletes a recording, files first.
    pub(crate) async fn delete(&self, recording: Recording) -> Result<(), StoreError> {
        if let Some(bucket) = &self.bucket {
            for file in recording
                .files
                .iter()
                .filter(|file| file.place == FilePlace::Bucket)
            {
                let gone = bucket.delete(&recording.recording_id, &file.name).await;
                gone.map_err(|error| StoreError::Unavailable(error.to_string()))?;
            }
        }
        let folder = self.studio.folder_of(&recording.recording_id);
        let gone = tokio::task::spawn_blocking(move || std::fs::remove_dir_all(folder)).await;
        match gone {
            Ok(Err(error)) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::Unavailable(error.to_string()));
            }
            _ => {}
        }
        let deleted = Fact::RecordingDeleted {
            call_id: recording.call_id,
            recording_id: recording.recording_id,
            at: self.clock.now(),
        };
        self.store.record(vec![deleted]).await
    }

    async fn let_go_of_old(&self) -> Result<(), Trouble> {
        let age = i64::from(self.config.keep_days) * 24 * 60 * 60 * 1000;
        let before = self.clock.now().millis() - age;
        let Some(before) = calls_model::Timestamp::from_millis(before) else {
            return Ok(());
        };
        for stored in self.store.recordings_before(before).await? {
            let id: RecordingId = stored.recording.recording_id.clone();
            info!(recording.id = %id, "recording {id} was kept for long enough");
            self.delete(stored.recording).await?;
        }
        Ok(())
    }
}

/// Sends all files that are not there yet, and sees them there.
async fn upload(bucket: &Bucket, recording: &Recording, folder: &Path) -> Result<(), BucketError> {
    for file in &recording.files {
        let path = folder.join(&file.name);
        bucket.put(&recording.recording_id, file, &path).await?;
    }
    Ok(())
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

fn ahead(folder: &Path, recording: &Recording, config: &config::Recording) -> Ahead {
    Ahead {
        folder: folder.to_owned(),
        ffmpeg: config.ffmpeg.clone(),
        mode: recording.mode,
        layout: recording.layout.unwrap_or_default(),
    }
}

/// Makes what people get; blocks for as long as that takes.
fn make(
    folder: &Path,
    recording: &Recording,
    report: Option<RecordingReport>,
    config: &config::Recording,
    progress: &AtomicU8,
) -> Result<Made, String> {
    let live = folder.join("live").exists();
    let (tracks, duration_ms, report) = match report {
        // Made once more: its tracks are finished.
        Some(report) if !live => {
            let tracks = recording
                .files
                .iter()
                .filter(|file| file.kind == FileKind::Track);
            let tracks: Vec<RecordingFile> = tracks.cloned().collect();
            let ends = tracks.iter().map(|file| file.start_ms + file.duration_ms);
            let duration_ms = ends.max().unwrap_or(0);
            (tracks, duration_ms, report)
        }
        _ => {
            let Finished {
                files,
                duration_ms,
                report,
            } = finish::finish(folder).map_err(|error: FinishError| error.to_string())?;
            (files, duration_ms, report)
        }
    };
    let mut files = tracks;
    if recording.mode != RecordingMode::Tracks {
        let mut percent = |percent| progress.store(percent, Ordering::Relaxed);
        let ahead = ahead(folder, recording, config);
        let joined = match ahead.whole(&files, duration_ms, &mut percent) {
            Ok(joined) => joined,
            Err(error) => {
                warn!(
                    "what was composed of {} is left: {error}",
                    recording.recording_id
                );
                None
            }
        };
        let render = ahead.render(folder, &files, &report.turns, duration_ms);
        let made = joined.map_or_else(|| render.run(&mut percent), Ok);
        for leftover in render::leftovers(folder) {
            let _ = std::fs::remove_file(leftover); // made anew next time
        }
        files.insert(0, made.map_err(|error| error.to_string())?);
    }
    let transcript = |file: &&RecordingFile| file.kind == FileKind::Transcript;
    files.extend(recording.files.iter().filter(transcript).cloned());
    debug_assert!(files.iter().all(|file| file.place == FilePlace::Local));
    Ok(Made {
        files,
        duration_ms,
        report,
    })
}
