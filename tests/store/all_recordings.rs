//! The recordings of all calls: filters and pages.

use calls::store::{HistoryFilter, PageRequest, RecordingFilter, Store, StoreError};
use calls_model::{Call, Fact, OrgId, Recording, RecordingId, RecordingMode, RecordingStatus};

use super::database::Database;
use super::recordings::requested;
use super::samples::{at, call, initiated};

on_both! {
    recordings_of_all_calls_are_narrowed_and_those_of_a_tenant,
    pages_of_all_recordings_neither_repeat_nor_skip_one,
    the_cursor_of_another_list_is_none_of_recordings,
}

fn asked_for(of: &Call, second: i64, mode: RecordingMode) -> Recording {
    Recording {
        mode,
        requested_at: at(second),
        ..requested(&of.call_id)
    }
}

async fn keep(store: &Store, recordings: &[Recording]) {
    let facts = recordings.iter().map(|one| Fact::RecordingRequested {
        recording: Box::new(one.clone()),
    });
    store.record(facts.collect()).await.unwrap();
}

async fn finds(store: &Store, filter: &RecordingFilter, expected: &[&Recording]) {
    let request = PageRequest::default();
    let page = store.recordings_of_all(filter, &request, at(1000)).await;
    let found: Vec<RecordingId> = page.unwrap().data.iter().map(id).collect();
    let expected: Vec<RecordingId> = expected.iter().map(|one| id(one)).collect();
    assert_eq!(found, expected, "{filter:?}");
}

fn id(recording: &Recording) -> RecordingId {
    recording.recording_id.clone()
}

async fn recordings_of_all_calls_are_narrowed_and_those_of_a_tenant(db: Database) {
    let store = db.open().await;
    let theirs = "acme".parse::<OrgId>().unwrap();
    let (one, other) = (call("ada", &["bob"], at(0)), call("eve", &["bob"], at(0)));
    let foreign = Call {
        org_id: theirs.clone(),
        ..call("joe", &["sue"], at(0))
    };
    let calls = [&one, &other, &foreign].map(initiated);
    store.record(calls.to_vec()).await.unwrap();
    let sound = asked_for(&one, 10, RecordingMode::Audio);
    let picture = asked_for(&other, 20, RecordingMode::Composite);
    let again = asked_for(&one, 30, RecordingMode::Audio);
    let elsewhere = asked_for(&foreign, 25, RecordingMode::Audio);
    // Their order is that of their times, not of their ids.
    let all = [
        again.clone(),
        elsewhere.clone(),
        picture.clone(),
        sound.clone(),
    ];
    keep(&store, &all).await;
    let started = Fact::RecordingStarted {
        call_id: one.call_id.clone(),
        recording_id: id(&again),
        at: at(31),
    };
    store.record(vec![started]).await.unwrap();

    finds(
        &store,
        &RecordingFilter::default(),
        &[&again, &picture, &sound],
    )
    .await;
    let of_theirs = RecordingFilter {
        org_id: theirs,
        ..Default::default()
    };
    finds(&store, &of_theirs, &[&elsewhere]).await;
    let mut filter = RecordingFilter {
        mode: Some(RecordingMode::Audio),
        ..Default::default()
    };
    finds(&store, &filter, &[&again, &sound]).await;
    filter.status = Some(RecordingStatus::Active);
    finds(&store, &filter, &[&again]).await;
    let between = RecordingFilter {
        from: Some(at(10)),
        to: Some(at(30)),
        ..Default::default()
    };
    finds(&store, &between, &[&picture, &sound]).await;
}

async fn pages_of_all_recordings_neither_repeat_nor_skip_one(db: Database) {
    let store = db.open().await;
    let of = call("ada", &["bob"], at(0));
    store.record(vec![initiated(&of)]).await.unwrap();
    // Three to a moment: a page boundary falls between recordings of the same one.
    let made: Vec<Recording> = (0..10)
        .map(|n| asked_for(&of, 10 + n / 3, RecordingMode::Audio))
        .collect();
    keep(&store, &made).await;
    let filter = RecordingFilter::default();
    let mut request = PageRequest {
        limit: 4.try_into().unwrap(),
        ..Default::default()
    };
    let mut seen: Vec<RecordingId> = Vec::new();
    for more in [true, true, false] {
        let page = store.recordings_of_all(&filter, &request, at(1000)).await;
        let page = page.unwrap();
        assert_eq!((page.has_more, page.next_cursor.is_some()), (more, more));
        seen.extend(page.data.iter().map(id));
        request.cursor = page.next_cursor;
    }
    let newest_first: Vec<RecordingId> = made.iter().rev().map(id).collect();
    assert_eq!(seen, newest_first);
}

async fn the_cursor_of_another_list_is_none_of_recordings(db: Database) {
    let store = db.open().await;
    let calls = [call("ada", &["bob"], at(1)), call("ada", &["bob"], at(2))];
    store
        .record(calls.iter().map(initiated).collect())
        .await
        .unwrap();
    let mut request = PageRequest {
        limit: 1.try_into().unwrap(),
        ..Default::default()
    };
    let history = store
        .history(&HistoryFilter::default(), &request, at(1000))
        .await;
    request.cursor = history.unwrap().next_cursor;
    assert!(request.cursor.is_some());
    let filter = RecordingFilter::default();
    let refused = store.recordings_of_all(&filter, &request, at(1000)).await;
    assert!(matches!(refused, Err(StoreError::BadCursor)));
}
