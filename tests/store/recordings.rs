//! Recordings and how they stand.

use calls::store::{PageRequest, StoredRecording};
use calls_model::{
    Fact, FileKind, FilePlace, Layout, Recording, RecordingFile, RecordingId, RecordingMode,
    RecordingReport, RecordingStatus, RecordingTranscript, TranscriptStatus,
};

use super::database::Database;
use super::samples::{at, call, initiated, user};

on_both! {
    a_recording_is_followed_from_its_wish_to_its_files,
    what_is_settled_is_not_unsettled_by_a_late_fact,
    an_upload_that_failed_keeps_its_reason_and_its_time,
    a_pause_is_no_part_of_how_long_a_recording_is,
    an_upload_is_due_from_when_its_files_were_made,
    what_is_made_anew_has_its_new_layout_once_it_is_there,
    what_could_not_be_made_anew_has_the_layout_of_what_is_there,
    a_report_that_knows_no_layout_yet_learns_that_of_the_file_that_is_there,
    a_transcript_that_can_be_had_is_among_the_files_whenever_one_looks,
}

/// A recording that was asked for, in a call that is stored.
pub(crate) fn requested(call_id: &calls_model::CallId) -> Recording {
    Recording {
        recording_id: RecordingId::new(),
        call_id: call_id.clone(),
        mode: RecordingMode::Composite,
        status: RecordingStatus::Requested,
        paused: false,
        live: true,
        layout: Some(Layout::Grid),
        next_layout: None,
        participants: vec![user("ann")],
        requested_at: at(10),
        started_at: None,
        begins_at: None,
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
        display_name: None,
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
    store.try_recording(&made.recording_id).await.unwrap();
    let found = store.recording(&made.recording_id, at(30)).await;
    let found = found.unwrap().unwrap();
    assert_eq!((found.tries, found.next_try_at), (1, None), "counted");
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

/// As a recording stands after these facts.
async fn after(db: &Database, made: &Recording, facts: Vec<Fact>, now: i64) -> StoredRecording {
    let store = db.open().await;
    store.record(facts).await.unwrap();
    let found = store.recording(&made.recording_id, at(now)).await;
    found.unwrap().unwrap()
}

async fn a_pause_is_no_part_of_how_long_a_recording_is(db: Database) {
    let of = call("ann", &["bob"], at(0));
    let made = requested(&of.call_id);
    let [asked, started, stopped, ..] = life(&made);
    let pause = |paused: bool, seconds: i64| Fact::RecordingPaused {
        call_id: of.call_id.clone(),
        recording_id: made.recording_id.clone(),
        paused,
        at: at(seconds),
    };
    let steps = [
        (vec![initiated(&of), asked, started], 12, 1),
        (vec![pause(true, 13)], 14, 2),
        (vec![pause(true, 14)], 14, 2),
        (vec![pause(false, 15)], 15, 2),
        (vec![stopped], 30, 3),
        (vec![pause(false, 31)], 40, 3),
    ];
    for (facts, now, wanted) in steps {
        let found = after(&db, &made, facts, now).await.recording;
        assert_eq!(found.duration_seconds, wanted, "{found:?}");
    }
}

/// It is made once more, and that came to this.
fn made_again(made: &Recording, report: RecordingReport, seconds: i64) -> [Fact; 2] {
    [
        Fact::RecordingComposeRequested {
            call_id: made.call_id.clone(),
            recording_id: made.recording_id.clone(),
            layout: Some(Layout::Speaker),
            at: at(seconds),
        },
        Fact::RecordingProcessed {
            call_id: made.call_id.clone(),
            recording_id: made.recording_id.clone(),
            files: vec![file()],
            duration_seconds: 5,
            report: Box::new(report),
            at: at(seconds + 1),
        },
    ]
}

async fn an_upload_is_due_from_when_its_files_were_made(db: Database) {
    let of = call("ann", &["bob"], at(0));
    let made = requested(&of.call_id);
    let mut facts = vec![initiated(&of)];
    facts.extend(life(&made));
    let available = facts.pop().unwrap();
    let found = after(&db, &made, facts, 20).await;
    assert_eq!(found.due_at, Some(at(17)));
    let found = after(&db, &made, vec![available], 20).await;
    assert_eq!(found.due_at, None);
    let again = made_again(&made, RecordingReport::default(), 5000).to_vec();
    let found = after(&db, &made, again, 5002).await;
    assert_eq!(found.due_at, Some(at(5001)), "not since it was stopped");
}

/// Of what is there, and of what is to come.
fn layouts(found: &Recording) -> (Option<Layout>, Option<Layout>) {
    (found.layout, found.next_layout)
}

async fn what_is_made_anew_has_its_new_layout_once_it_is_there(db: Database) {
    let of = call("ann", &["bob"], at(0));
    let made = requested(&of.call_id);
    let mut facts = vec![initiated(&of)];
    facts.extend(life(&made));
    let report = RecordingReport {
        layout: Some(Layout::Speaker),
        ..RecordingReport::default()
    };
    let [again, processed] = made_again(&made, report, 50);
    facts.push(again);
    let found = after(&db, &made, facts, 51).await.recording;
    assert_eq!(layouts(&found), (Some(Layout::Grid), Some(Layout::Speaker)));
    let found = after(&db, &made, vec![processed], 52).await.recording;
    assert_eq!(layouts(&found), (Some(Layout::Speaker), None));
}

async fn what_could_not_be_made_anew_has_the_layout_of_what_is_there(db: Database) {
    let of = call("ann", &["bob"], at(0));
    let made = requested(&of.call_id);
    let mut facts = vec![initiated(&of)];
    facts.extend(life(&made));
    let report = RecordingReport {
        layout: Some(Layout::Grid),
        not_composed: Some("there is no ffmpeg".to_owned()),
        ..RecordingReport::default()
    };
    let [again, processed] = made_again(&made, report, 50);
    facts.push(again);
    let found = after(&db, &made, facts, 51).await.recording;
    assert_eq!(layouts(&found), (Some(Layout::Grid), Some(Layout::Speaker)));
    let found = after(&db, &made, vec![processed], 52).await.recording;
    assert_eq!(layouts(&found), (Some(Layout::Grid), None));
}

async fn a_report_that_knows_no_layout_yet_learns_that_of_the_file_that_is_there(db: Database) {
    let of = call("ann", &["bob"], at(0));
    let made = requested(&of.call_id);
    let mut facts = vec![initiated(&of)];
    facts.extend(life(&made)); // with a report that tells none
    let [again, _] = made_again(&made, RecordingReport::default(), 50);
    facts.push(again);
    let found = after(&db, &made, facts, 51).await;
    let wanted = (Some(Layout::Grid), Some(Layout::Speaker));
    assert_eq!(layouts(&found.recording), wanted);
    let known = found.report.expect("a report");
    assert_eq!(known.layout, Some(Layout::Grid), "that of the file");
    let [_, failed] = made_again(&made, known, 50);
    let found = after(&db, &made, vec![failed], 52).await.recording;
    assert_eq!(
        found.layout,
        Some(Layout::Grid),
        "it could not be made anew"
    );
}

async fn a_transcript_that_can_be_had_is_among_the_files_whenever_one_looks(db: Database) {
    let store = db.open().await;
    let call = call("ann", &["bob"], at(0));
    store.record(vec![initiated(&call)]).await.unwrap();
    for _ in 0..100 {
        let made = requested(&call.call_id);
        let (call_id, recording_id) = (call.call_id.clone(), made.recording_id.clone());
        let asked = Fact::RecordingTranscriptRequested {
            call_id: call_id.clone(),
            recording_id: recording_id.clone(),
            transcript: RecordingTranscript {
                status: TranscriptStatus::Queued,
                language: "en".parse().unwrap(),
                phrases: Vec::new(),
                requested_at: at(19),
                progress: 0,
                utterances: None,
                error: None,
            },
            at: at(19),
        };
        let facts = life(&made).into_iter().chain([asked]);
        store.record(facts.collect()).await.unwrap();
        let transcribed = Fact::RecordingTranscribed {
            call_id,
            recording_id: recording_id.clone(),
            file: Box::new(RecordingFile {
                kind: FileKind::Transcript,
                ..file()
            }),
            utterances: 1,
            at: at(20),
        };
        let looking = async {
            loop {
                let found = store.recording(&recording_id, at(21)).await.unwrap();
                let recording = found.unwrap().recording;
                let files = recording.files.iter();
                let is_there = files.filter(|file| file.kind == FileKind::Transcript);
                let is_there = is_there.count() == 1;
                let transcript = recording.transcript.expect("one was asked for");
                assert_eq!(is_there, transcript.status == TranscriptStatus::Available);
                if is_there {
                    break;
                }
            }
        };
        let (stored, ()) = tokio::join!(store.record(vec![transcribed]), looking);
        stored.unwrap();
    }
}
