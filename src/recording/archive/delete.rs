//! Deletes recordings, their files first, wherever those are.

use std::io;

use calls_model::{Fact, Recording, RecordingId, RecordingStatus};

use super::{Archive, Trouble, tell_its_words};
use crate::lasting::guarded;
use crate::recording::{StorageError, render, transcripts, unsent};
use crate::store::StoreError;

/// So often a folder is removed into which files still come.
const REMOVED_WITHIN: u32 = 10;

/// A recording cannot be deleted now.
#[derive(Debug, thiserror::Error)]
pub enum NotDeleted {
    /// Its files are being made, sent or deleted.
    #[error("somebody works on {0}")]
    Busy(RecordingId),
    /// The disk or the bucket still has something of it.
    #[error(transparent)]
    Kept(#[from] StorageError),
    /// It cannot be written down.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A fault of ours; the log knows more.
    #[error("deleting it crashed")]
    Crashed,
}

impl Archive {
    /// Somebody makes, sends or clears away files of this recording.
    pub(crate) fn is_at_work_on(&self, id: &RecordingId) -> bool {
        self.claims.are_taken(id)
    }

    /// Deletes a recording, files first, also where whoever asked does not wait for it: of half a recording nothing is made
    /// or sent.
    pub(crate) async fn delete(&self, recording: Recording) -> Result<(), NotDeleted> {
        let archive = self.clone();
        let deletion = async move { archive.delete_claimed(recording).await };
        match actix::spawn(guarded("archive", deletion)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) | Err(_) => Err(NotDeleted::Crashed), // or the server goes down
        }
    }

    /// One that waits for its upload is not sent meanwhile, and none is made anew.
    async fn delete_claimed(&self, recording: Recording) -> Result<(), NotDeleted> {
        let uploads = recording.status == RecordingStatus::Uploading;
        let id = recording.recording_id;
        let is_closed = || !self.studio.is_open(&id); // of a start that failed
        let claim = if uploads {
            self.claims.take(&id)
        } else {
            self.claims.take_soon(&id, is_closed).await
        };
        let Some(_claim) = claim else {
            return Err(NotDeleted::Busy(id));
        };
        match self.store.recording(&id, self.clock.now()).await? {
            None => Ok(()), // somebody else was faster
            Some(now) if now.recording.status == RecordingStatus::Processing => {
                Err(NotDeleted::Busy(id)) // it is made anew
            }
            Some(now) => self.delete_settled(now.recording).await,
        }
    }

    async fn delete_settled(&self, recording: Recording) -> Result<(), NotDeleted> {
        self.erase(&recording).await?;
        let deleted = Fact::RecordingDeleted {
            call_id: recording.call_id,
            recording_id: recording.recording_id,
            at: self.clock.now(),
        };
        Ok(self.store.record(vec![deleted]).await?)
    }

    /// What was made or sent while a recording was deleted goes, too.
    pub(super) async fn erase_if_deleted(&self, recording: &Recording) -> Result<(), Trouble> {
        let found = (self.store).recording(&recording.recording_id, self.clock.now());
        if found.await?.is_none() {
            self.erase(recording).await?;
        }
        Ok(())
    }

    /// Deletes the files of a recording, wherever they are.
    async fn erase(&self, recording: &Recording) -> Result<(), StorageError> {
        let id = &recording.recording_id;
        let folder = self.studio.folder_of(id);
        let nothing_made =
            recording.status == RecordingStatus::Failed && recording.files.is_empty();
        if !nothing_made && !unsent::is_noted(&folder) {
            let gone = self.erase_kept(recording).await;
            gone.inspect_err(|error| tell_its_words(id, error))?;
        }
        self.erase_folder(id).await
    }

    /// All of it that is, or may be, where files are kept.
    async fn erase_kept(&self, recording: &Recording) -> Result<(), StorageError> {
        let id = &recording.recording_id;
        for file in &recording.files {
            self.storages.of(file.place)?;
        }
        let names = recording.files.iter().map(|file| file.name.as_str());
        // And one of an earlier time, where the last one came to nothing, or a crash cut off what was to tell of it.
        let names: Vec<&str> = names
            .chain(render::NAMES)
            .chain([transcripts::NAME])
            .collect();
        self.storages.delete(id, &names).await?;
        let folder = self.studio.folder_of(id);
        self.storages.give_up(id, &folder).await
    }

    /// The folder that it was made in.
    pub(super) async fn erase_folder(&self, id: &RecordingId) -> Result<(), StorageError> {
        let folder = self.studio.folder_of(id);
        let remove = move || until_empty(|| std::fs::remove_dir_all(&folder));
        let gone = tokio::task::spawn_blocking(remove).await;
        match gone.unwrap_or_else(|stopped| Err(io::Error::other(stopped))) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
            _ => Ok(()),
        }
    }
}

/// Removes a folder; again, where a file came into it meanwhile: one that is fetched, or what was understood.
fn until_empty(mut remove: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    for _ in 1..REMOVED_WITHIN {
        match remove() {
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            removed => return removed,
        }
    }
    remove()
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use calls_actors::clock::Clock;
    use calls_actors::testing::TestClock;
    use calls_model::Timestamp;
    use futures_util::poll;
    use metrics_exporter_prometheus::PrometheusBuilder;

    use super::super::claim::{POLL, WAITS_FOR};
    use super::super::testing::{archive, available};
    use super::*;

    /// Panics when it is asked.
    struct Broken;

    impl Clock for Broken {
        fn now(&self) -> Timestamp {
            panic!("the clock breaks");
        }
    }

    #[actix::test]
    async fn a_deletion_that_panics_tells_nobody_what_the_panic_said_and_may_be_asked_for_again() {
        let place = tempfile::tempdir().expect("a folder");
        let archive = archive(place.path(), Arc::new(Broken)).await;
        let recording = available(&archive.store, &archive.studio).await;
        let id = recording.recording_id.clone();
        let counts = PrometheusBuilder::new().build_recorder();
        let counting = metrics::set_default_local_recorder(&counts);
        let crashed = archive.delete(recording).await.expect_err("it panics");
        drop(counting);
        assert_eq!(crashed.to_string(), "deleting it crashed");
        assert!(!archive.is_at_work_on(&id), "the claim is given up");
        let counted = counts.handle().render();
        let once = "calls_actor_crashes_total{actor=\"archive\"} 1\n";
        assert!(counted.contains(once), "{counted}");
    }

    #[test]
    fn a_folder_into_which_files_come_while_it_is_removed_is_removed_again() {
        let removed = |mut comes: u32, error: io::ErrorKind| {
            let mut times = 0;
            let outcome = until_empty(|| {
                times += 1;
                if comes == 0 {
                    return Ok(());
                }
                comes -= 1;
                Err(error.into())
            });
            (outcome.map_err(|error| error.kind()), times)
        };
        let (full, denied) = (
            io::ErrorKind::DirectoryNotEmpty,
            io::ErrorKind::PermissionDenied,
        );
        assert_eq!(removed(2, full), (Ok(()), 3));
        assert_eq!(removed(u32::MAX, full), (Err(full), REMOVED_WITHIN));
        assert_eq!(removed(2, denied), (Err(denied), 1));
    }

    /// Looks until this recording is gone, and its folder.
    async fn gone(archive: &Archive, recording: &Recording) {
        let began = Instant::now();
        let id = &recording.recording_id;
        let at = recording.requested_at;
        while archive
            .store
            .recording(id, at)
            .await
            .expect("read")
            .is_some()
        {
            assert!(began.elapsed() < 2 * WAITS_FOR, "it stays");
            tokio::time::sleep(POLL).await;
        }
        assert!(!archive.studio.folder_of(id).exists());
    }

    #[actix::test]
    async fn a_deletion_goes_on_to_its_end_where_nobody_waits_for_it() {
        let place = tempfile::tempdir().expect("a folder");
        let archive = archive(place.path(), TestClock::start()).await;
        let recording = available(&archive.store, &archive.studio).await;
        let claim = archive.claims.take(&recording.recording_id);
        let mut deletion = Box::pin(archive.delete(recording.clone()));
        assert!(
            poll!(deletion.as_mut()).is_pending(),
            "somebody works on it"
        );
        drop(deletion);
        drop(claim.expect("nobody had it"));
        gone(&archive, &recording).await;
    }

    #[actix::test]
    async fn a_deletion_waits_for_the_tape_to_be_closed() {
        let place = tempfile::tempdir().expect("a folder");
        let archive = archive(place.path(), TestClock::start()).await;
        let recording = available(&archive.store, &archive.studio).await;
        let id = &recording.recording_id;
        let tape = archive.studio.taken(id);
        let mut deletion = Box::pin(archive.delete(recording.clone()));
        assert!(poll!(deletion.as_mut()).is_pending());
        tokio::time::sleep(3 * POLL).await;
        let at = recording.requested_at;
        let found = archive.store.recording(id, at).await.expect("read");
        assert!(found.is_some(), "its tape is open");
        drop(tape);
        deletion.await.expect("deleted");
        gone(&archive, &recording).await;
    }
}
