//! Who works on the files of a recording: one at a time. What is in the bucket is cleared away here, and may be asked to be made
//! once more in the same moment, of these very files.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use calls_model::RecordingId;

/// The recordings that somebody works on.
#[derive(Debug, Clone, Default)]
pub(super) struct Claims(Arc<Mutex<HashSet<RecordingId>>>);

/// Nobody else works on the files of a recording for as long as this lives.
#[derive(Debug)]
#[must_use = "it is given up as soon as this is dropped"]
pub(super) struct Claim {
    claims: Claims,
    id: RecordingId,
}

impl Claims {
    /// Takes a recording's, unless somebody has it: its turn comes again.
    pub(super) fn take(&self, id: &RecordingId) -> Option<Claim> {
        let is_free = self.lock().insert(id.clone());
        is_free.then(|| Claim {
            claims: self.clone(),
            id: id.clone(),
        })
    }

    /// Somebody has it.
    pub(super) fn are_taken(&self, id: &RecordingId) -> bool {
        self.lock().contains(id)
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<RecordingId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.claims.lock().remove(&self.id);
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use actix::Actor;
    use calls_actors::calls::Calls;
    use calls_actors::testing::{LocalPlaces, TestClock};
    use calls_model::{Call, CallId, Fact, Recording, RecordingFile, RecordingStatus, Timestamp};
    use serde_json::json;

    use super::super::Archive;
    use crate::config::Config;
    use crate::recording::{DiskStudio, Storages, finish};
    use crate::store::{Store, StoredRecording};

    /// A recording that can be had, with what it was made of still beside it.
    async fn available(store: &Store, studio: &DiskStudio) -> Recording {
        let (at, call_id) = (Timestamp::from_millis(0).expect("a time"), CallId::new());
        let call: Call = serde_json::from_value(json!({
            "call_id": call_id, "type": "audio", "status": "initiated", "participants": [], "started_at": null,
            "duration_seconds": 0, "recording": false, "transcription": false, "from": "ada", "to": ["bob"], "created_at": at,
        }))
        .expect("a call");
        let recording: Recording = serde_json::from_value(json!({
            "recording_id": super::RecordingId::new(), "call_id": call_id, "mode": "tracks", "status": "requested",
            "paused": false, "live": false, "layout": null, "participants": [], "requested_at": at, "started_at": null,
            "duration_seconds": 0, "size_bytes": 0, "files": [], "progress": 0, "error": null,
        }))
        .expect("a recording");
        let recording_id = recording.recording_id.clone();
        let folder = studio.folder_of(&recording_id);
        std::fs::create_dir_all(folder.join("live")).expect("a folder");
        let path = folder.join("01-ada.webm");
        std::fs::write(&path, "a voice").expect("written");
        let file: RecordingFile = serde_json::from_value(json!({
            "name": "01-ada.webm", "kind": "track", "participant_id": null, "user_id": "ada", "source": "microphone",
            "codec": "opus", "media_type": "audio/webm", "start_ms": 0, "duration_ms": 1000, "size_bytes": 7,
            "sha256": finish::sha256(&path).expect("a sum"), "place": "local",
        }))
        .expect("a file");
        let files = vec![file];
        let facts = vec![
            Fact::CallInitiated {
                call: Box::new(call),
                at,
            },
            Fact::RecordingRequested {
                recording: Box::new(recording.clone()),
            },
            Fact::RecordingStopped {
                call_id: call_id.clone(),
                recording_id: recording_id.clone(),
                at,
            },
            Fact::RecordingProcessed {
                call_id: call_id.clone(),
                recording_id: recording_id.clone(),
                files: files.clone(),
                duration_seconds: 1,
                report: Box::default(),
                at,
            },
            Fact::RecordingAvailable {
                call_id,
                recording_id,
                files,
                at,
            },
        ];
        store.record(facts).await.expect("stored");
        recording
    }

    #[actix::test]
    async fn what_somebody_works_on_nobody_else_makes_keeps_or_clears_away() {
        let place = tempfile::tempdir().expect("a folder");
        let address = format!("sqlite:{}/calls.db", place.path().display());
        let store = Store::open(&address, 2).await.expect("a database");
        let config = Config::load(None).expect("the defaults are good");
        let studio = DiskStudio::new(place.path().join("recordings"), 0, 1);
        let storages = Storages::open(place.path().join("recordings"), &config.storage);
        let clock = TestClock::start();
        let calls = Calls::new(
            std::sync::Arc::new(store.clone()),
            clock.clone(),
            LocalPlaces,
        );
        let archive = Archive::new(
            studio.clone(),
            storages.expect("a disk"),
            store.clone(),
            calls.start(),
            clock,
            config.recording,
        );
        let Recording {
            recording_id: id,
            call_id,
            requested_at: at,
            ..
        } = available(&store, &studio).await;
        let live = studio.folder_of(&id).join("live");
        let now = async || -> StoredRecording {
            let found = store.recording(&id, at).await.expect("it is read");
            found.expect("it is there")
        };

        let claim = archive.claims.take(&id).expect("nobody has it");
        archive.let_go_of_leftovers().await.expect("none that goes");
        assert!(live.exists(), "it may be made anew of it");
        let again = Fact::RecordingComposeRequested {
            call_id,
            recording_id: id.clone(),
            layout: None,
            at,
        };
        store.record(vec![again]).await.expect("stored");
        archive.process(now().await).await.expect("left alone");
        let status = now().await.recording.status;
        assert_eq!(status, RecordingStatus::Processing);
        drop(claim);
        archive.process(now().await).await.expect("made");

        let claim = archive.claims.take(&id).expect("it is made");
        archive.keep(now().await).await.expect("left alone");
        let status = now().await.recording.status;
        assert_eq!(status, RecordingStatus::Uploading);
        drop(claim);
        archive.keep(now().await).await.expect("kept");
        let status = now().await.recording.status;
        assert_eq!(status, RecordingStatus::Available);
        assert!(!live.exists(), "it was made of it");
        assert!(archive.claims.take(&id).is_some(), "all have done");
    }
}
