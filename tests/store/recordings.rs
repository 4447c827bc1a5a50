//! Recordings and how they stand.

use calls::store::PageRequest;
use calls_model::{
    Fact, FileKind, FilePlace, Layout, Recording, RecordingFile, RecordingId, RecordingMode,
    RecordingReport, RecordingStatus,
};

use super::database::Database;
use super::samples::{at, call, initiated, user};

on_both! {
    a_recording_is_followed_from_its_wish_to_its_files,
    what_is_settled_is_not_unsettled_by_a_late_fact,
    an_upload_that_failed_keeps_its_reason_and_its_time,
}

/// A recording that was asked for, in a call that is stored.
fn requested(call_id: &calls_model::CallId) -> Recording {
    Recording {
        recording_id: RecordingId::new(),
        call_id: call_id.clone(),
        mode: RecordingMode::Composite,
        status: RecordingStatus::Requested,
        paused: false,
        live: true,
        layout: Some(Layout::Grid),
        participants: vec![user("ann")],
        requested_at: at(10),
        started_at: None,
        duration_seconds: 0,
        size_bytes: 0,
        files: Vec::new(),
        progress: 0,
        error: None,
        transcript: None,
    }
}

fn file() -> RecordingFile {
    RecordingFile {
        name: "recording.mp4".to_owned(),
        kind: FileKind::Video,
        participant_id: None,
        user_id: None,
        source: None,
        codec: "h264+aac".to_owned(),
        media_type: "video/mp4".to_owned(),
        start_ms: 0,
        duration_ms: 5000,
        size_bytes: 1234,
        sha256: "00".repeat(32),
        place: FilePlace::Local,
        url: None,
    }
}

/// All facts of a recording, in order.
fn life(made: &Recording) -> [Fact; 5] {
    let (call_id, recording_id) = (made.call_id.clone(), made.recording_id.clone());
    let report = Box::new(RecordingReport::default());
    [
        Fact::RecordingRequested {
            recording: Box::new(made.clone()),
        },
        Fact::RecordingStarted {
            call_id: call_id.clone(),
            recording_id: recording_id.clone(),
            at: at(11),
        },
        Fact::RecordingStopped {
            call_id: call_id.clone(),
            recording_id: recording_id.clone(),
            at: at(16),
        },
        Fact::RecordingProcessed {
            call_id: call_id.clone(),
            recording_id: recording_id.clone(),
            files: vec![file()],
            duration_seconds: 5,
            report,
            at: at(17),
        },
        Fact::RecordingAvailable {
            call_id,
            recording_id,
            files: vec![file()],
            at: at(18),
        },
    ]
}

async fn a_recording_is_followed_from_its_wish_to_its_files(db: Database) {
    let store = db.open().await;
    let of = call("ann", &["bob"], at(0));
    let made = requested(&of.call_id);
    store.record(vec![initiated(&of)]).await.unwrap();
    let seen = [
        RecordingStatus::Requested,
        RecordingStatus::Active,
        RecordingStatus::Processing,
        RecordingStatus::Uploading,
        RecordingStatus::Available,
    ];
    for (fact, status) in life(&made).into_iter().zip(seen) {
        store.record(vec![fact]).await.unwrap();
        let found = store
            .recording(&made.recording_id, at(20))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.recording.status, status);
        let live = store
            .call(&of.call_id, at(20))
            .await
            .unwrap()
            .unwrap()
            .recording;
        assert_eq!(live, status == RecordingStatus::Active);
        let unsettled = store.unsettled_recordings(at(20)).await.unwrap().len();
        assert_eq!(unsettled, usize::from(status.is_unsettled()));
    }
    let found = store
        .recording(&made.recording_id, at(20))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.recording.files, [file()]);
    assert_eq!(found.recording.size_bytes, 1234);
    assert_eq!(found.recording.duration_seconds, 5);
    assert_eq!(found.recording.participants, made.participants);
    assert_eq!(found.report, Some(RecordingReport::default()));
    let page = store
        .recordings(&of.call_id, &PageRequest::default(), at(20))
        .await
        .unwrap();
    assert_eq!(page.data, [found.recording]);
}

async fn what_is_settled_is_not_unsettled_by_a_late_fact(db: Database) {
    let store = db.open().await;
    let of = call("ann", &["bob"], at(0));
    let made = requested(&of.call_id);
    store.record(vec![initiated(&of)]).await.unwrap();
    store.record(life(&made).to_vec()).await.unwrap();
    let late = Fact::RecordingFailed {
        call_id: of.call_id.clone(),
        recording_id: made.recording_id.clone(),
        reason: "late".to_owned(),
        at: at(30),
    };
    store.record(vec![late]).await.unwrap();
    let found = store
        .recording(&made.recording_id, at(30))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.recording.status, RecordingStatus::Available);
    let deleted = Fact::RecordingDeleted {
        call_id: of.call_id.clone(),
        recording_id: made.recording_id.clone(),
        at: at(31),
    };
    store.record(vec![deleted]).await.unwrap();
    assert_eq!(
        store.recording(&made.recording_id, at(32)).await.unwrap(),
        None
    );
}

async fn an_upload_that_failed_keeps_its_reason_and_its_time(db: Database) {
    let store = db.open().await;
    let of = call("ann", &["bob"], at(0));
    let made = requested(&of.call_id);
    store.record(vec![initiated(&of)]).await.unwrap();
    store.record(life(&made)[..4].to_vec()).await.unwrap();
    let why = "not uploaded yet: it rains".to_owned();
    store
        .postpone_recording(&made.recording_id, why.clone(), at(60))
        .await
        .unwrap();
    let found = store
        .recording(&made.recording_id, at(30))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((found.tries, found.next_try_at), (1, Some(at(60))));
    assert_eq!(found.recording.error, Some(why));
}
