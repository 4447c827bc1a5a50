//! Transcribes recordings when their calls are over, one after the other.
//!
//! It goes by what storage says, as the [`archive`](super::archive) does, so a transcript that a crash cut off is made
//! anew. Each microphone is a track of its own, so nobody guesses who speaks. What comes of it is a `WebVTT` file beside
//! the recording, on its timeline, and utterances of the call, where nobody had understood them while they were said.
//!
//! A recording may be deleted while it is listened to, which may take hours: so there is a place for what is written before,
//! which goes with it, and nobody makes another. Before and after, nobody else works on it ([`Claims`]).

mod begun;
mod kept;
mod timeline;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use calls_actors::clock::Clock;
use calls_model::{
    Call, Fact, FileKind, FilePlace, Recording, RecordingFile, RecordingId, RecordingStatus,
    RecordingTranscript, Source, Timestamp, Transcript, TranscriptStatus, Utterance,
};
use tokio::sync::{Notify, oneshot};
use tracing::{error, info, warn};

use self::begun::AllBegun;
use self::kept::Understood;
use self::timeline::CallTime;
use super::archive::{Archive, Claims};
use super::{DiskStudio, StorageError, Storages, finish};
use crate::store::{Store, StoreError};
use crate::transcription::{Ears, formats, understand};

/// How often it looks where nobody rings.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// An engine or a disk that does not come on for so long hangs; no single piece of work takes longer.
const PATIENCE: Duration = Duration::from_secs(300);

/// Utterances that are written down at a time: whoever else writes waits for no more.
const AT_ONCE: usize = 100;

/// The file's name.
pub(super) const NAME: &str = "transcript.vtt";

/// Where files from the bucket are while they are listened to.
const BORROWED: &str = "transcribing";

/// A microphone that was recorded.
pub fn is_voice(file: &RecordingFile) -> bool {
    file.kind == FileKind::Track && file.source == Some(Source::Microphone) && file.codec == "opus"
}

/// Transcribes recordings.
#[derive(Clone)]
pub struct Transcripts {
    studio: DiskStudio,
    storages: Storages,
    store: Store,
    ears: Ears,
    clock: Arc<dyn Clock>,
    claims: Claims,
    begun: Arc<Mutex<AllBegun>>,
    bell: Arc<Notify>,
}

/// A transcript cannot be made now; later perhaps.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the files cannot be had: {0}")]
    Storage(#[from] StorageError),
    #[error("not uploaded yet: {0}")]
    Upload(#[source] StorageError),
    #[error("{0}")]
    System(#[from] std::io::Error),
    #[error("its files are being made, sent or deleted")]
    Busy,
    /// Perhaps another disk belongs there.
    #[error("the folder of the recording is not there")]
    Missing,
}

/// What is said in a recording; or why nothing can be understood.
type Understanding = Result<Vec<Utterance>, String>;

impl Transcripts {
    /// Of recordings in this archive, with these ears.
    pub fn new(archive: &Archive, ears: Ears) -> Self {
        Self {
            studio: archive.studio.clone(),
            storages: archive.storages.clone(),
            store: archive.store.clone(),
            ears,
            clock: archive.clock.clone(),
            claims: archive.claims.clone(),
            begun: Arc::default(),
            bell: Arc::default(),
        }
    }

    /// There is something to do.
    pub fn ring(&self) {
        self.bell.notify_one();
    }

    /// Adds to a recording how far its transcript is, if it is the one that is being made.
    pub fn show(&self, recording: &mut Recording) {
        let begun = self.lock();
        if let (Some(begun), Some(transcript)) = (
            begun.get(&recording.recording_id),
            &mut recording.transcript,
        ) && transcript.status == TranscriptStatus::Queued
        {
            transcript.status = TranscriptStatus::Processing;
            transcript.progress = begun.progress;
            transcript.error = begun.waits_for().map(str::to_owned);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, AllBegun> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works until the server ends.
    pub async fn run(self) {
        loop {
            let outcome = self.look().await;
            if let Err(trouble) = outcome {
                warn!(%trouble, "transcripts have to wait: {trouble}");
            }
            let _ = tokio::time::timeout(LOOK_EVERY, self.bell.notified()).await; // a ring, or time
        }
    }

    async fn look(&self) -> Result<(), StoreError> {
        loop {
            let (waiting, now) = (self.lock().waiting(Instant::now()), self.clock.now());
            let Some(stored) = self.store.recording_to_transcribe(&waiting, now).await? else {
                // Of those whose time has come none is left: they were deleted.
                self.lock().only(&waiting);
                return Ok(());
            };
            let recording_id = stored.recording.recording_id.clone();
            self.lock().begin(&recording_id);
            match self.transcribe(&recording_id).await {
                Ok(()) => {
                    self.lock().done(&recording_id);
                }
                Err(trouble) => {
                    warn!(recording.id = %recording_id, %trouble, "the transcript of {recording_id} waits: {trouble}");
                    let what_for = trouble.to_string();
                    self.lock().put_off(&recording_id, what_for, Instant::now());
                }
            }
        }
    }

    async fn transcribe(&self, id: &RecordingId) -> Result<(), Trouble> {
        let Some(recording) = self.make_place(id).await? else {
            return Ok(());
        };
        let understood = self.understand(&recording).await;
        let borrowed = self.studio.folder_of(id).join(BORROWED);
        if let Err(error) = tokio::fs::remove_dir_all(borrowed).await
            && error.kind() != ErrorKind::NotFound
        {
            warn!(recording.id = %id, %error, "what was borrowed for the transcript of {id} stays on the disk: {error}");
        }
        self.put_away(id, understood).await
    }

    /// Makes the folders for what is written while it is understood, unless it is deleted. Nobody does so later: then a
    /// deletion may be under way.
    async fn make_place(&self, id: &RecordingId) -> Result<Option<Recording>, Trouble> {
        let Some(_claim) = self.claims.take_soon(id, || true).await else {
            return Err(Trouble::Busy);
        };
        let found = self.store.recording(id, self.clock.now()).await?;
        let recording = found.map(|found| found.recording);
        let available = |one: &Recording| one.status == RecordingStatus::Available;
        let Some(recording) = recording.filter(available) else {
            return Ok(None);
        };
        let folder = self.studio.folder_of(id);
        let is_here = |file: &RecordingFile| file.place == FilePlace::Local;
        if !recording.files.iter().any(is_here) {
            tokio::fs::create_dir_all(&folder).await?;
        }
        // Where a disk is away, an empty folder in its place would say that all files are gone.
        match tokio::fs::create_dir(folder.join(BORROWED)).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(Trouble::Missing),
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error.into()),
            _ => {}
        }
        Ok(Some(recording))
    }

    /// Writes down what was understood, unless it was deleted meanwhile; no deletion begins until that is done.
    async fn put_away(
        &self,
        id: &RecordingId,
        understood: Result<Understanding, Trouble>,
    ) -> Result<(), Trouble> {
        let Some(_claim) = self.claims.take(id) else {
            return Err(Trouble::Busy); // what was understood is kept until the next try
        };
        let now = self.clock.now();
        let Some(stored) = self.store.recording(id, now).await? else {
            return Ok(());
        };
        let recording = &stored.recording;
        if recording.status != RecordingStatus::Available {
            return Err(Trouble::Busy); // it is to be made once more, with the files that it had
        }
        let call_id = &recording.call_id;
        let utterances = match understood? {
            Ok(utterances) => utterances,
            Err(reason) => return self.give_up(recording, reason).await,
        };
        let Some(call) = self.store.call(call_id, now).await? else {
            let reason = "its call is not known any more".to_owned();
            return self.give_up(recording, reason).await;
        };
        let count = utterances.len();
        let file = self.keep(recording, &call, &utterances).await?;
        let time = CallTime::of(&stored, &call, &self.studio.folder_of(id));
        self.tell_call(recording, &call, time.all(utterances))
            .await?;
        let transcribed = Fact::RecordingTranscribed {
            call_id: call_id.clone(),
            recording_id: id.clone(),
            file: Box::new(file),
            utterances: count as u64,
            at: self.clock.now(),
        };
        self.store.record(vec![transcribed]).await?;
        let kept = Understood::of(&self.studio.folder_of(id));
        apart(move || kept.forget()).await?;
        info!(recording.id = %id, utterances = count, "recording {id} is transcribed");
        Ok(())
    }

    /// Nothing comes of it.
    async fn give_up(&self, recording: &Recording, reason: String) -> Result<(), Trouble> {
        let id = &recording.recording_id;
        error!(recording.id = %id, reason, "the transcript of {id} failed: {reason}");
        let failed = Fact::RecordingTranscriptFailed {
            call_id: recording.call_id.clone(),
            recording_id: id.clone(),
            reason,
            at: self.clock.now(),
        };
        Ok(self.store.record(vec![failed]).await?)
    }

    /// What is said in it: as it was understood before, where its transcript could only not be put away; or why nothing
    /// can be understood.
    async fn understand(&self, recording: &Recording) -> Result<Understanding, Trouble> {
        let Some(wanted) = recording.transcript.clone() else {
            return Ok(Err("nobody asked for it".to_owned()));
        };
        let kept = Understood::of(&self.studio.folder_of(&recording.recording_id));
        let (file, request) = (kept.clone(), wanted.clone());
        if let Some(utterances) = apart(move || Ok(file.read(&request))).await? {
            return Ok(Ok(utterances));
        }
        let paths = match self.have(recording).await {
            Err(Trouble::Storage(error)) if error.is_lasting() => {
                return Ok(Err(format!("the files cannot be had: {error}")));
            }
            paths => paths?,
        };
        let understood = self.listen(recording, &wanted, paths).await?;
        if let Ok(utterances) = understood.clone() {
            apart(move || kept.write(&wanted, &utterances)).await?;
        }
        Ok(understood)
    }

    /// Brings the voices of a recording onto this disk, and tells where they are.
    async fn have(&self, recording: &Recording) -> Result<Vec<(RecordingFile, PathBuf)>, Trouble> {
        let folder = self.studio.folder_of(&recording.recording_id);
        let mut paths = Vec::new();
        for file in recording.files.iter().filter(|file| is_voice(file)) {
            let mut path = folder.join(&file.name);
            if file.place != FilePlace::Local {
                let storage = self.storages.of(file.place)?;
                path = folder.join(BORROWED).join(&file.name);
                storage
                    .fetch(&recording.recording_id, &file.name, &path)
                    .await?;
            }
            paths.push((file.clone(), path));
        }
        Ok(paths)
    }

    /// What is said in all of them, in the order in which it began; or why nothing can be understood.
    async fn listen(
        &self,
        recording: &Recording,
        wanted: &RecordingTranscript,
        paths: Vec<(RecordingFile, PathBuf)>,
    ) -> Result<Understanding, Trouble> {
        let wanted = wanted.clone();
        let transcripts = self.clone();
        let id = recording.recording_id.clone();
        let steps = Arc::new(AtomicU64::new(0));
        let stepped = steps.clone();
        let work = move || -> Understanding {
            let engine = transcripts.ears.models().engine(&wanted.language);
            let engine = engine.map_err(|missing| missing.to_string())?;
            let phrases = Arc::from(wanted.phrases);
            let in_all: u64 = paths.iter().map(|(file, _)| file.duration_ms).sum();
            let mut utterances = Vec::new();
            let mut before = 0;
            for (file, path) in paths {
                let (Some(whose), Some(user)) = (&file.participant_id, &file.user_id) else {
                    continue;
                };
                let said = understand(&path, (whose, user), (&engine, &phrases), |at_ms| {
                    stepped.fetch_add(1, Ordering::Relaxed);
                    let so_far = before + at_ms.saturating_sub(file.start_ms);
                    transcripts.progressed(&id, so_far, in_all);
                });
                let name = &file.name;
                utterances.extend(said.map_err(|error| format!("{name}: {error}"))?);
                before += file.duration_ms;
            }
            utterances.sort_by_key(|utterance| utterance.start_ms);
            Ok(utterances)
        };
        let (tell, mut told) = oneshot::channel();
        std::thread::Builder::new()
            .name("calls-transcript".to_owned())
            .spawn(move || {
                let _ = tell.send(work()); // the server may be going down
            })?;
        loop {
            let before = steps.load(Ordering::Relaxed);
            match tokio::time::timeout(PATIENCE, &mut told).await {
                Ok(told) => {
                    return Ok(told.unwrap_or_else(|_| Err("the speech engine crashed".to_owned())));
                }
                // Its thread is left to itself.
                Err(_) if steps.load(Ordering::Relaxed) == before => {
                    return Ok(Err("the speech engine hung".to_owned()));
                }
                Err(_) => {}
            }
        }
    }

    /// So many milliseconds of sound are understood; the last percent is for what comes after.
    fn progressed(&self, id: &RecordingId, so_far: u64, in_all: u64) {
        let percent = so_far * 99 / in_all.max(1);
        let percent = u8::try_from(percent).unwrap_or(99).min(99);
        self.lock().progressed(id, percent);
    }

    /// Writes the file, and puts it where the recording is kept.
    async fn keep(
        &self,
        recording: &Recording,
        call: &Call,
        utterances: &[Utterance],
    ) -> Result<RecordingFile, Trouble> {
        let transcript = Transcript {
            call_id: call.call_id.clone(),
            utterances: utterances.to_vec(),
            unheard: Vec::new(),
        };
        let members = self.store.members(&call.call_id).await?;
        let text = formats::vtt(&transcript, &formats::Names::of(&members));
        let folder = self.studio.folder_of(&recording.recording_id);
        let path = folder.join(NAME);
        let place = path.clone();
        apart(move || write(&place, text.as_bytes())).await?;
        let start_ms = utterances.first().map_or(0, |said| said.start_ms);
        let end_ms = utterances.iter().map(|said| said.end_ms).max();
        let mut file = RecordingFile {
            name: NAME.to_owned(),
            kind: FileKind::Transcript,
            participant_id: None,
            user_id: None,
            display_name: None,
            source: None,
            codec: "webvtt".to_owned(),
            media_type: "text/vtt".to_owned(),
            start_ms,
            duration_ms: end_ms.map_or(0, |end| end.saturating_sub(start_ms)),
            size_bytes: tokio::fs::metadata(&path).await?.len(),
            sha256: finish::sha256(&path)?,
            place: FilePlace::Local,
            url: None,
        };
        let storage = self.storages.wanted();
        if storage.place() != FilePlace::Local {
            // One from an earlier time goes first: it has the same name.
            let id = &recording.recording_id;
            storage
                .delete(id, &file.name)
                .await
                .map_err(Trouble::Upload)?;
            storage
                .put(id, &file, &path)
                .await
                .map_err(Trouble::Upload)?;
            file.place = storage.place();
            tokio::fs::remove_file(&path).await?;
        }
        Ok(file)
    }

    /// Adds to the call's transcript what nobody had understood of the same speaker at that time. What an earlier
    /// transcript of this recording had added goes: it may have been in another language.
    async fn tell_call(
        &self,
        recording: &Recording,
        call: &Call,
        utterances: Vec<Utterance>,
    ) -> Result<(), Trouble> {
        let recording_id = &recording.recording_id;
        let mut files = recording.files.iter();
        if files.any(|file| file.kind == FileKind::Transcript) {
            let replaced = Fact::TranscriptionReplaced {
                call_id: call.call_id.clone(),
                recording_id: recording_id.clone(),
                at: self.clock.now(),
            };
            self.store.record(vec![replaced]).await?;
        }
        let known = self.store.transcript(&call.call_id).await?.utterances;
        let is_known = |new: &Utterance| {
            known.iter().any(|old| {
                old.participant_id == new.participant_id
                    && old.start_ms < new.end_ms
                    && new.start_ms < old.end_ms
            })
        };
        let new: Vec<Utterance> = utterances
            .into_iter()
            .filter(|utterance| !is_known(utterance))
            .collect();
        for some in new.chunks(AT_ONCE) {
            let said = some.iter().map(|utterance| Fact::UtteranceSpoken {
                call_id: call.call_id.clone(),
                utterance: Box::new(utterance.clone()),
                recording_id: Some(recording_id.clone()),
                at: self.said_at(call, utterance),
            });
            self.store.record(said.collect()).await?;
        }
        Ok(())
    }

    fn said_at(&self, call: &Call, said: &Utterance) -> Timestamp {
        let end_ms = i64::try_from(said.end_ms).unwrap_or(0);
        let at = call.started_at.map(|begun| begun.millis() + end_ms);
        at.and_then(Timestamp::from_millis)
            .unwrap_or_else(|| self.clock.now())
    }
}

/// Does what waits for a disk where it keeps nobody else waiting.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|stopped| Err(std::io::Error::other(stopped)))
}

/// Whole, or not at all.
fn write(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let part = path.with_extension("part");
    std::fs::write(&part, content)?;
    std::fs::File::open(&part)?.sync_all()?;
    std::fs::rename(part, path)
}

#[cfg(all(test, feature = "testing"))]
mod tests;
