//! Brings what is made to where it is kept: a few recordings at a time, so that a large one holds up no other.

use std::collections::HashSet;

use calls_model::{Fact, FilePlace, Recording, RecordingId, RecordingStatus};
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tracing::warn;

use super::{Archive, LOOK_EVERY, Trouble, tell_its_words};
use crate::lasting::guarded;
use crate::recording::StorageError;
use crate::store::StoredRecording;
use crate::telemetry::names::{RECORDING_UPLOAD_AGE, RECORDING_UPLOADS_FAILED};

/// Recordings that are on their way at a time: one that takes hours leaves two ways open, and a part of a file that is
/// sent is in memory.
const AT_A_TIME: usize = 3;

impl Archive {
    /// Sees to what is made.
    pub(super) async fn keep_all(&self) {
        let mut bell = self.studio.bell();
        let mut on_their_way = FuturesUnordered::new();
        let mut ids = HashSet::new();
        loop {
            match self.due().await {
                Ok(due) => {
                    for stored in due {
                        let id = stored.recording.recording_id.clone();
                        if ids.len() < AT_A_TIME && ids.insert(id) {
                            on_their_way.push(self.bring(stored));
                        }
                    }
                }
                Err(trouble) => warn!(%trouble, "recordings cannot be kept yet: {trouble}"),
            }
            tokio::select! {
                Some(id) = on_their_way.next() => {
                    ids.remove(&id);
                }
                _ = tokio::time::timeout(LOOK_EVERY, bell.changed()) => {} // a ring, or time
            }
        }
    }

    /// What is to be kept, oldest first, and may be tried now. Tells how long the one waits that has waited longest, also
    /// of those that are on their way.
    async fn due(&self) -> Result<Vec<StoredRecording>, Trouble> {
        let mut due = self.store.unsettled_recordings(self.clock.now()).await?;
        due.retain(|stored| stored.recording.status == RecordingStatus::Uploading);
        let now = self.clock.now();
        let ages = due.iter().filter_map(|stored| stored.due_at);
        let oldest = ages.map(|since| now.seconds_since(since)).max();
        metrics::gauge!(RECORDING_UPLOAD_AGE).set(f64::from(
            u32::try_from(oldest.unwrap_or(0)).unwrap_or(u32::MAX),
        ));
        due.retain(|stored| !self.waits(stored));
        Ok(due)
    }

    /// Keeps one, or tells why that has to wait.
    async fn bring(&self, stored: StoredRecording) -> RecordingId {
        let (id, tries) = (stored.recording.recording_id.clone(), stored.tries);
        let kept = match guarded("archive", self.keep(stored)).await {
            Ok(kept) => kept,
            Err(crashed) => {
                metrics::counter!(RECORDING_UPLOADS_FAILED).increment(1);
                let why = format!("not uploaded yet: {crashed}");
                self.postpone(&id, tries, why).await
            }
        };
        if let Err(trouble) = kept {
            warn!(recording.id = %id, %trouble, "{id} cannot be kept yet: {trouble}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
        id
    }

    /// Keeps files where they are to be kept. A bucket that says no is asked again, for good.
    pub(super) async fn keep(&self, stored: StoredRecording) -> Result<(), Trouble> {
        let id = &stored.recording.recording_id;
        let Some(claim) = self.claims.take(id) else {
            return Ok(());
        };
        // It may have been deleted while it waited for its turn.
        let now = self.store.recording(id, self.clock.now()).await?;
        let still = |now: &StoredRecording| now.recording.status == RecordingStatus::Uploading;
        let Some(stored) = now.filter(still) else {
            return Ok(());
        };
        let mut recording = stored.recording.clone();
        self.store.try_recording(&recording.recording_id).await?;
        if let Err(error) = self.put_all(&mut recording).await {
            self.erase_if_deleted(&recording).await?;
            if let StorageError::Damaged { .. } = error {
                return self.make_anew(&stored, (recording, &claim), &error).await;
            }
            metrics::counter!(RECORDING_UPLOADS_FAILED).increment(1);
            tell_its_words(&recording.recording_id, &error);
            let why = format!("not uploaded yet: {error}");
            return self
                .postpone(&recording.recording_id, stored.tries, why)
                .await;
        }
        let available = Fact::RecordingAvailable {
            call_id: recording.call_id.clone(),
            recording_id: recording.recording_id.clone(),
            files: recording.files.clone(),
            at: self.clock.now(),
        };
        let recorded = self.store.record(vec![available]).await;
        if recorded.is_err() {
            self.erase_if_deleted(&recording).await?;
        }
        recorded?;
        self.rotten.forget(&recording.recording_id);
        // Only now: until it was written where its files are, they may have to be made or sent again.
        self.let_go_of_copies(&recording, stored.report.as_ref(), &claim)
            .await
    }

    /// Sends all files that are not there yet, and sees them there. One that is damaged holds up no other, and is told of
    /// when all others are there.
    async fn put_all(&self, recording: &mut Recording) -> Result<(), StorageError> {
        let storage = self.storages.wanted();
        let folder = self.studio.folder_of(&recording.recording_id);
        let mut damaged = None;
        for file in &mut recording.files {
            if file.place != FilePlace::Local {
                continue;
            }
            let path = folder.join(&file.name);
            match storage.put(&recording.recording_id, file, &path).await {
                Ok(()) => file.place = storage.place(),
                Err(error @ StorageError::Damaged { .. }) => {
                    damaged.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        // Nothing is on its way any more: what else was begun is of files that are no part of it.
        let given_up = storage.give_up(&recording.recording_id, &folder).await;
        if let Err(error) = given_up {
            warn!(recording.id = %recording.recording_id, %error, "what was begun of dropped files stays in the bucket");
        }
        damaged.map_or(Ok(()), Err)
    }
}
