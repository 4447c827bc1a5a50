//! What goes when it is told to, or when nothing came of it: also while the bucket is away, and never the half of it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use calls::recording::PART;
use calls_model::{Fact, Recording, RecordingId};
use reqwest::StatusCode;
use serde_json::json;
use tokio::time::sleep;

use super::s3::{BUCKET, Watch, anywhere, bucket, serve, serve_watched, unfinished};
use super::storage::{SentInPart, TOLD, record, trouble, whole, world};
use crate::support::World;

/// Deletes a recording as soon as nobody works on it.
async fn delete(world: &World, id: &str) {
    let began = Instant::now();
    loop {
        let reply = world.delete(&format!("/recordings/{id}")).await;
        if reply.status == StatusCode::NO_CONTENT {
            return;
        }
        reply.problem(409, "recording-processing");
        assert!(began.elapsed() < TOLD, "somebody works on it for good");
        sleep(POLL).await;
    }
}

const POLL: std::time::Duration = std::time::Duration::from_millis(50);

/// Waits until nothing is there.
async fn gone(folder: &Path) {
    let began = Instant::now();
    while folder.exists() {
        assert!(began.elapsed() < TOLD, "{} stays", folder.display());
        sleep(POLL).await;
    }
}

fn kept(bucket: &Path, id: &str) -> usize {
    let kept = bucket.join(BUCKET).join("recordings").join(id);
    std::fs::read_dir(kept).map_or(0, Iterator::count)
}

#[actix::test]
async fn one_that_waits_for_a_bucket_that_never_had_anything_of_it_is_deleted_without_it() {
    let folder = bucket();
    let (address, serving) = serve(folder.path(), anywhere()).await;
    let world = world(address).await;
    serving.abort();
    let _ = serving.await; // it was told to end
    let started = record(&world).await;
    trouble(&world, &started).await;
    let id = started["recording_id"].as_str().expect("an id");
    let local = world.recordings().join(id);
    assert!(local.exists(), "it waits here");
    delete(&world, id).await;
    world
        .get(&format!("/recordings/{id}"))
        .await
        .problem(404, "not-found");
    assert!(!local.exists());
    let (_, _serving) = serve(folder.path(), address).await;
    let next = record(&world).await;
    super::storage::available(&world, &next).await;
    assert_eq!(kept(folder.path(), id), 0, "it never comes there");
}

#[actix::test]
async fn a_start_that_failed_is_deleted_without_the_bucket() {
    let folder = bucket();
    let (address, serving) = serve(folder.path(), anywhere()).await;
    let world = world(address).await;
    serving.abort();
    let _ = serving.await; // it was told to end
    let room = world.room(json!({})).await;
    let (_socket, welcome) = world.enter(&room, "alice").await;
    let call = welcome["call"]["call_id"].as_str().expect("an id");
    let path = format!("/{call}/record/start");
    let started = world.post(&path, json!({ "mode": "tracks" })).await;
    started.problem(504, "recording-not-started"); // nobody publishes
    let listed = world.get("/recordings?status=failed").await.expect(200);
    let id = listed["data"][0]["recording_id"].as_str().expect("an id");
    world.delete(&format!("/recordings/{id}")).await.expect(204);
}

#[actix::test]
async fn one_of_which_the_bucket_has_something_waits_for_it_to_be_deleted_there_too() {
    let sent = SentInPart::of(&[("large.webm", &vec![7; 3 * PART])], |_| ()).await;
    let path = format!("/recordings/{}", sent.id);
    let began = Instant::now();
    let refused = loop {
        let reply = sent.world.delete(&path).await;
        if reply.status != StatusCode::CONFLICT {
            break reply.problem(503, "unavailable");
        }
        assert!(began.elapsed() < TOLD, "somebody works on it for good");
        sleep(POLL).await;
    };
    let why = refused["detail"].as_str().expect("a sentence");
    assert!(why.contains("the bucket refuses"), "{why}");
    sent.world.get(&path).await.expect(200);
    assert!(sent.place.join("large.webm").exists(), "nothing went");
    sent.bucket_takes_what_comes();
    delete(&sent.world, &sent.id).await;
    sent.world.get(&path).await.problem(404, "not-found");
    assert!(!sent.place.exists());
    assert_eq!(unfinished(sent.bucket.path()), 0);
    assert_eq!(kept(sent.bucket.path(), &sent.id), 0);
}

#[actix::test]
async fn one_that_is_being_sent_is_not_deleted_meanwhile() {
    let folder = bucket();
    let watch = Arc::new(Watch::default());
    watch.holds.store(true, Ordering::SeqCst);
    let (address, _serving) = serve_watched(folder.path(), anywhere(), watch).await;
    let world = world(address).await;
    let large = whole(&world, &vec![7; 2 * PART]).await;
    let id = large["recording_id"].as_str().expect("an id");
    let note = world.recordings().join(id).join("upload-large.webm.json");
    let began = Instant::now();
    while !note.exists() {
        assert!(began.elapsed() < TOLD, "its upload begins");
        sleep(POLL).await;
    }
    let refused = world.delete(&format!("/recordings/{id}")).await;
    refused.problem(409, "recording-processing");
    assert!(note.exists(), "all is as it was");
}

#[actix::test]
async fn what_a_start_that_failed_left_on_the_disk_goes_and_why_it_failed_stays() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    let (_socket, welcome) = world.enter(&room, "alice").await;
    let call = welcome["call"]["call_id"].as_str().expect("an id");
    let path = format!("/{call}/record/start");
    let started = world.post(&path, json!({ "mode": "tracks" })).await;
    started.problem(504, "recording-not-started"); // nobody publishes
    let page = world.get(&format!("/{call}/recordings")).await.expect(200);
    let failed = &page["data"][0];
    assert_eq!(failed["status"], "failed", "{page}");
    gone(
        &world
            .recordings()
            .join(failed["recording_id"].as_str().expect("an id")),
    )
    .await;

    let failed: Recording = serde_json::from_value(failed.clone()).expect("a recording");
    let before = |stopped: bool| {
        let mut recording = failed.clone();
        recording.recording_id = RecordingId::new();
        recording.status = calls_model::RecordingStatus::Requested;
        let (call_id, recording_id) = (recording.call_id.clone(), recording.recording_id.clone());
        let folder = world.recordings().join(recording_id.as_str());
        std::fs::create_dir_all(folder.join("live")).expect("a folder");
        let stop = stopped.then(|| Fact::RecordingStopped {
            call_id: call_id.clone(),
            recording_id: recording_id.clone(),
            at: failed.requested_at,
        });
        let mut facts = vec![Fact::RecordingRequested {
            recording: Box::new(recording),
        }];
        facts.extend(stop);
        facts.push(Fact::RecordingFailed {
            call_id,
            recording_id,
            reason: "as a crash came upon it".to_owned(),
            at: failed.requested_at,
        });
        (folder, facts)
    };
    let ((left, mut facts), (stopped, others)) = (before(false), before(true));
    facts.extend(others);
    let recorded = world.server.app().store.record(facts).await;
    recorded.expect("stored");
    let _world = world.restart(true).await;
    gone(&left).await;
    assert!(stopped.exists(), "it ran, and its folder stays as it is");
}
