//! What goes without being asked for: recordings that were kept for long enough, and files that nobody needs any more.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use calls_model::{FilePlace, Recording, RecordingId, RecordingReport, RecordingStatus, Timestamp};
use tracing::{info, warn};

use super::claim::Claim;
use super::{Archive, LOOK_EVERY, Trouble};
use crate::recording::{finish, render};
use crate::store::StoredRecording;

/// How often it looks for what was kept for long enough.
const SWEEP_EVERY: Duration = Duration::from_secs(3600);

/// Milliseconds of a day.
const DAY: i64 = 24 * 60 * 60 * 1000;

impl Archive {
    /// Looks through all that is kept, now and then.
    pub(super) async fn sweep_all(&self) {
        loop {
            self.sweep().await;
            tokio::time::sleep(SWEEP_EVERY).await;
        }
    }

    /// Looks through all that is kept. What cannot go now goes next time, and keeps nothing else from going.
    async fn sweep(&self) {
        if self.config.keep_days > 0
            && let Err(trouble) = self.let_go_of_old().await
        {
            warn!(%trouble, "old recordings have to wait: {trouble}");
        }
        if let Err(trouble) = self.let_go_of_starts(None).await {
            warn!(%trouble, "what starts left that failed has to wait: {trouble}");
        }
        if let Err(trouble) = self.let_go_of_leftovers().await {
            warn!(%trouble, "copies of recordings have to wait: {trouble}");
        }
    }

    /// Lets go of what a start left that failed, as soon as its tape is closed.
    pub(super) async fn let_go_of_failed_starts(&self) {
        let mut bell = self.studio.bell();
        let mut closed = Vec::new();
        loop {
            closed.extend(self.studio.take_closed());
            match self.begun(&mut closed).await {
                Ok(begun) => {
                    if let Err(trouble) = self.let_go_of_starts(Some(&begun)).await {
                        warn!(%trouble, "what starts left that failed has to wait: {trouble}");
                    }
                }
                Err(trouble) => warn!(%trouble, "nobody can tell which starts failed: {trouble}"),
            }
            let _ = tokio::time::timeout(LOOK_EVERY, bell.changed()).await; // a ring, or time
        }
    }

    /// Takes those out of which is written down by now how they began.
    async fn begun(&self, closed: &mut Vec<RecordingId>) -> Result<Vec<RecordingId>, Trouble> {
        let mut begun = Vec::new();
        for id in closed.clone() {
            let found = self.store.recording(&id, self.clock.now()).await?;
            let starts = |one: StoredRecording| one.recording.status == RecordingStatus::Requested;
            if !found.is_some_and(starts) {
                begun.push(id);
            }
        }
        closed.retain(|id| !begun.contains(id));
        Ok(begun)
    }

    /// Of these, or of all: what a start left that failed. Whoever asked was told that nothing is recorded.
    async fn let_go_of_starts(&self, of: Option<&[RecordingId]>) -> Result<(), Trouble> {
        if of.is_some_and(<[_]>::is_empty) {
            return Ok(());
        }
        for id in self.store.failed_starts(of).await? {
            if !self.studio.is_open(&id)
                && let Err(trouble) = self.erase_folder(&id).await
            {
                warn!(recording.id = %id, %trouble, "what the start of {id} left has to wait: {trouble}");
            }
        }
        Ok(())
    }

    async fn let_go_of_old(&self) -> Result<(), Trouble> {
        let before = self.clock.now().millis() - i64::from(self.config.keep_days) * DAY;
        let Some(before) = Timestamp::from_millis(before) else {
            return Ok(());
        };
        let mut after = None;
        loop {
            let old = self.store.recordings_before(before, after.take()).await?;
            let Some(last) = old.last() else {
                return Ok(());
            };
            after = Some(last.recording.recording_id.clone());
            for stored in old {
                let id = stored.recording.recording_id;
                let now = self.store.recording(&id, self.clock.now()).await?;
                // It may be made once more meanwhile.
                let Some(now) = now.filter(|now| now.recording.status == stored.recording.status)
                else {
                    continue;
                };
                match self.delete(now.recording).await {
                    Ok(()) => info!(recording.id = %id, "recording {id} was kept for long enough"),
                    Err(error) => {
                        warn!(recording.id = %id, %error, "{id} was kept for long enough and cannot go: {error}");
                    }
                }
            }
        }
    }

    /// Lets go of what a crash left beside files that can be had.
    pub(super) async fn let_go_of_leftovers(&self) -> Result<(), Trouble> {
        for id in self.studio.folders()? {
            if self.studio.is_open(&id) || !self.may_have_leftovers(&id) {
                continue;
            }
            let Some(claim) = self.claims.take(&id) else {
                continue;
            };
            let stored = self.store.recording(&id, self.clock.now()).await?;
            let available =
                |one: &StoredRecording| one.recording.status == RecordingStatus::Available;
            if let Some(StoredRecording {
                recording, report, ..
            }) = stored.filter(available)
                && let Err(trouble) = self
                    .let_go_of_copies(&recording, report.as_ref(), &claim)
                    .await
            {
                warn!(recording.id = %id, %trouble, "copies of {id} cannot go: {trouble}");
            }
        }
        Ok(())
    }

    fn may_have_leftovers(&self, id: &RecordingId) -> bool {
        let elsewhere = self.storages.wanted().place() != FilePlace::Local;
        elsewhere || finish::is_left(&self.studio.folder_of(id))
    }

    /// Lets go of what an available recording was made of, unless not all of it could be read, and of copies of what is in a
    /// bucket. Whoever made something of them meanwhile would miss them, so that takes a claim.
    pub(super) async fn let_go_of_copies(
        &self,
        recording: &Recording,
        report: Option<&RecordingReport>,
        _: &Claim,
    ) -> Result<(), Trouble> {
        let read_whole = report.is_none_or(RecordingReport::is_read_whole);
        let folder = self.studio.folder_of(&recording.recording_id);
        let elsewhere = recording
            .files
            .iter()
            .filter(|file| file.place != FilePlace::Local);
        let copies: Vec<PathBuf> = elsewhere.map(|file| folder.join(&file.name)).collect();
        let gone = tokio::task::spawn_blocking(move || {
            for name in render::NAMES {
                render::forget_note(&folder.join(name))?;
            }
            if read_whole {
                finish::let_go(&folder)?;
            }
            for copy in copies {
                match std::fs::remove_file(copy) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            Ok(())
        });
        Ok(gone
            .await
            .unwrap_or_else(|stopped| Err(io::Error::other(stopped)))?)
    }
}
