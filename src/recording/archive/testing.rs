//! An archive over a folder, for tests.

use std::path::Path;
use std::sync::Arc;

use actix::Actor;
use calls_actors::calls::Calls;
use calls_actors::clock::Clock;
use calls_actors::testing::{LocalPlaces, TestClock};
use calls_model::{
    Call, CallId, Fact, FilePlace, Recording, RecordingFile, RecordingId, Timestamp,
};
use serde_json::json;

use super::Archive;
use crate::config::Config;
use crate::recording::{DiskStudio, Storages, finish};
use crate::store::Store;

/// All that is written is in this folder.
pub(in crate::recording) async fn archive(place: &Path, clock: Arc<dyn Clock>) -> Archive {
    let address = format!("sqlite:{}/calls.db", place.display());
    let store = Store::open(&address, 2).await.expect("a database");
    let config = Config::load(None).expect("the defaults are good");
    let studio = DiskStudio::new(place.join("recordings"), 0, 1);
    let storages = Storages::open(place.join("recordings"), &config.storage);
    let journal = Arc::new(store.clone());
    let calls = Calls::new(journal, TestClock::start(), LocalPlaces).start();
    let storages = storages.expect("a disk");
    Archive::new(studio, storages, store, calls, clock, config.recording)
}

/// A recording that can be had, with what it was made of still beside it.
pub(in crate::recording) async fn available(store: &Store, studio: &DiskStudio) -> Recording {
    available_in(FilePlace::Local, store, studio).await
}

/// The same, whose files are said to be there.
pub(in crate::recording) async fn available_in(
    place: FilePlace,
    store: &Store,
    studio: &DiskStudio,
) -> Recording {
    let (at, call_id) = (Timestamp::from_millis(0).expect("a time"), CallId::new());
    let call: Call = serde_json::from_value(json!({
        "call_id": call_id, "type": "audio", "status": "initiated", "participants": [], "started_at": null,
        "duration_seconds": 0, "recording": false, "transcription": false, "from": "ada", "to": ["bob"], "created_at": at,
    }))
    .expect("a call");
    let recording: Recording = serde_json::from_value(json!({
        "recording_id": RecordingId::new(), "call_id": call_id, "mode": "tracks", "status": "requested",
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
        "sha256": finish::sha256(&path).expect("a sum"), "place": place,
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
