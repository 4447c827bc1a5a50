//! Recordings that something goes wrong with: what is kept, and what is told of it.

use std::time::Duration;

use calls_actors::testing::Victim;
use calls_model::{Fact, Recording, RecordingId, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::super::{MENDED, all_hear_all, from_now_on, room_of};
use super::recording::{number, settled, start, stop};
use super::tab::Tab;
use crate::support::{World, send};

/// How long is recorded before something goes wrong, and after it.
const LENGTH: Duration = Duration::from_secs(2);

/// The report of a recording.
async fn report(world: &World, recording: &Value) -> Value {
    let id = recording["recording_id"].as_str().expect("an id");
    let path = format!("/recordings/{id}/report");
    world.get(&path).await.expect(200)
}

/// Records, lets somebody crash meanwhile, and gives how long nothing was recorded.
async fn interrupted(world: &World, [alice, bob]: [&Tab; 2], victim: Victim) -> u64 {
    let started = start(world, alice, "tracks").await;
    sleep(LENGTH).await;
    alice.crash(world, victim).await;
    all_hear_all(&[alice, bob], from_now_on(), MENDED).await;
    sleep(LENGTH).await;
    stop(world, alice).await;
    let recording = settled(world, &started).await;
    assert_eq!(recording["status"], "available", "{recording}");
    let files = recording["files"].as_array().expect("files");
    assert_eq!(files.len(), 8, "each track before and after: {recording}");
    let report = report(world, &recording).await;
    let gaps = report["interruptions"].as_array().expect("gaps");
    assert_eq!(gaps.len(), 1, "{report}");
    assert_eq!(gaps[0]["reason"], "recorder_crashed", "{report}");
    let gap = number(&gaps[0]["to_ms"]) - number(&gaps[0]["from_ms"]);
    eprintln!("measured: a gap of {gap} ms");
    gap
}

#[actix::test]
async fn a_room_that_crashes_goes_on_being_recorded_and_the_gap_is_told() {
    let world = World::open().await;
    let (_, [alice, bob]) = room_of(&world, ["alice", "bob"]).await;
    let gap = interrupted(&world, [&alice, &bob], Victim::Room).await;
    assert!(gap < 2000, "the next segment begins within 2 s: {gap} ms");
}

#[actix::test]
async fn a_thread_that_panics_while_it_writes_costs_a_gap_and_no_call() {
    let world = World::open().await;
    let (_, [alice, bob]) = room_of(&world, ["alice", "bob"]).await;
    alice.forget_gaps();
    let gap = interrupted(&world, [&alice, &bob], Victim::Tape).await;
    assert!(gap < 2000, "the next segment begins within 2 s: {gap} ms");
    let still = alice.longest_gap(&bob);
    assert!(still < LENGTH / 2, "nobody noticed: {still:?}");
}

#[actix::test]
async fn a_recorder_that_panics_costs_a_gap_and_no_call() {
    let world = World::open().await;
    let (_, [alice, bob]) = room_of(&world, ["alice", "bob"]).await;
    alice.forget_gaps();
    let gap = interrupted(&world, [&alice, &bob], Victim::Recorder).await;
    assert!(gap < 2000, "the next segment begins within 2 s: {gap} ms");
    let still = alice.longest_gap(&bob);
    assert!(still < LENGTH / 2, "nobody noticed: {still:?}");
}

#[actix::test]
async fn a_recording_that_stops_as_any_does_is_taken_for_no_crash() {
    let world = World::open().await;
    let (_, [mut alice, _bob]) = room_of(&world, ["alice", "bob"]).await;
    for on_socket in [true, false, true] {
        let started = if on_socket {
            let asked = json!({ "on": true, "mode": "tracks" });
            alice.socket.ask("record", asked).await.expect("it starts");
            let told = alice.socket.event("recording").await;
            assert_eq!(told["by"], *alice.participant, "{told}");
            told
        } else {
            let started = start(&world, &alice, "tracks").await;
            let told = alice.socket.event("recording").await;
            assert_eq!(told["by"], Value::Null, "the application did: {told}");
            started
        };
        stop(&world, &alice).await;
        let told = alice.socket.event("recording").await;
        assert_eq!(told["event"], "stopped", "{told}");
        settled(&world, &started).await;
    }
    let facts = world.server.app().store.facts_about(&alice.call, 0, 1000);
    let facts = facts.await.expect("facts");
    let count = |name: &str| facts.iter().filter(|fact| fact.name == name).count();
    let counts = ["recording.started", "recording.stopped"].map(count);
    assert_eq!(counts, [3, 3], "each is told once");
}

#[actix::test]
async fn a_disk_that_is_nearly_full_takes_no_new_recording_and_raises_an_alarm() {
    let world = World::start(true, |config| config.recording.min_free_mb = 1 << 40).await;
    let (_, [alice, _bob]) = room_of(&world, ["alice", "bob"]).await;
    let path = format!("/{}/record/start", alice.call);
    let refused = world.post(&path, json!({ "mode": "tracks" })).await;
    let refused = refused.problem(507, "disk-full");
    let detail = refused["detail"].as_str().expect("a sentence");
    assert!(detail.contains("MB free"), "{detail}");
    let metrics = send(world.page(Method::GET, "/metrics")).await.text;
    assert!(metrics.contains("calls_recording_disk_full 1"), "an alarm");
    let page = world.get(&format!("/{}/recordings", alice.call)).await;
    assert_eq!(page.expect(200)["data"], json!([]), "nothing began");
}

#[actix::test]
async fn what_was_kept_for_long_enough_goes_and_what_was_not_stays() {
    let mut world = World::open().await;
    let (_, [alice, bob]) = room_of(&world, ["alice", "bob"]).await;
    let started = start(&world, &alice, "tracks").await;
    stop(&world, &alice).await;
    let young = settled(&world, &started).await;
    drop((alice, bob));
    // The same, as if it had been made two days ago.
    let mut old: Recording = serde_json::from_value(young.clone()).expect("a recording");
    let two_days = 2 * 24 * 60 * 60 * 1000;
    let then = Timestamp::from_millis(old.requested_at.millis() - two_days).expect("a time");
    (old.recording_id, old.requested_at) = (RecordingId::new(), then);
    old.files.clear();
    let failed = Fact::RecordingFailed {
        call_id: old.call_id.clone(),
        recording_id: old.recording_id.clone(),
        reason: "nothing came".to_owned(),
        at: then,
    };
    let (id, folder) = (old.recording_id.clone(), world.recordings());
    let folder = folder.join(id.as_str());
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("log-0.jsonl"), "").expect("a file");
    old.status = calls_model::RecordingStatus::Requested;
    let requested = Fact::RecordingRequested {
        recording: Box::new(old),
    };
    let store = &world.server.app().store;
    let recorded = store.record(vec![requested, failed]).await;
    recorded.expect("stored");

    world.config.recording.keep_days = 1;
    let world = world.restart(true).await;
    let began = std::time::Instant::now();
    while world.get(&format!("/recordings/{id}")).await.status != 404 {
        assert!(began.elapsed() < super::super::CONNECT, "it is still there");
        sleep(Duration::from_millis(50)).await;
    }
    assert!(!folder.exists(), "its files too");
    let young = young["recording_id"].as_str().expect("an id");
    let kept = world.get(&format!("/recordings/{young}")).await.expect(200);
    assert_eq!(kept["status"], "available");
}
