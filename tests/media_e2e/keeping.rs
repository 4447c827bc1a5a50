//! Recordings that something goes wrong with: what is kept, and what is told of it.

use std::os::unix::fs::FileExt;
use std::time::Duration;

use calls_actors::testing::Victim;
use calls_model::{Fact, FilePlace, Recording, RecordingId, Timestamp};
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
pub(super) async fn report(world: &World, recording: &Value) -> Value {
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
async fn a_pause_that_comes_between_a_crash_and_the_next_segment_is_one() {
    let world = World::open().await;
    let (_, [alice, bob]) = room_of(&world, ["alice", "bob"]).await;
    let started = start(&world, &alice, "tracks").await;
    sleep(LENGTH).await;
    alice.crash(&world, Victim::Tape).await;
    sleep(Duration::from_millis(150)).await; // the next segment begins half a second after the crash
    let verb = |verb: &str| format!("/{}/record/{verb}", alice.call);
    world.post(&verb("pause"), json!({})).await.expect(200);
    sleep(2 * LENGTH).await;
    world.post(&verb("resume"), json!({})).await.expect(200);
    all_hear_all(&[&alice, &bob], from_now_on(), MENDED).await;
    sleep(LENGTH).await;
    stop(&world, &alice).await;
    let recording = settled(&world, &started).await;
    let report = report(&world, &recording).await;
    assert_eq!(
        report["pauses"].as_array().map(Vec::len),
        Some(1),
        "{report}"
    );
    let lasts = number(&recording["duration_seconds"]);
    assert!(lasts < 6, "4 s that were paused are not in it: {recording}");
}

/// A program that does the same as another, from when it is there.
pub(super) fn program(path: &std::path::Path) {
    std::os::unix::fs::symlink("/usr/bin/ffmpeg", path).expect("a link");
}

/// Waits until it is told why a recording is not made yet.
pub(super) async fn waits(world: &World, started: &Value) -> String {
    let id = started["recording_id"].as_str().expect("an id");
    let began = std::time::Instant::now();
    loop {
        let recording = world.get(&format!("/recordings/{id}")).await.expect(200);
        if let Some(why) = recording["error"].as_str() {
            assert_eq!(recording["status"], "processing", "{recording}");
            return why.to_owned();
        }
        assert!(began.elapsed() < super::super::CONNECT, "{recording}");
        sleep(Duration::from_millis(50)).await;
    }
}

#[actix::test]
async fn where_nothing_can_be_mixed_there_are_the_tracks_and_the_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let ffmpeg = folder.path().join("ffmpeg");
    let missing = ffmpeg.display().to_string();
    let world = World::start(true, |config| config.recording.ffmpeg = missing).await;
    let (_, [alice, _bob]) = room_of(&world, ["alice", "bob"]).await;
    let started = start(&world, &alice, "audio").await;
    sleep(LENGTH / 2).await;
    stop(&world, &alice).await;
    let recording = settled(&world, &started).await;
    assert_eq!(recording["status"], "available", "{recording}");
    assert!(
        recording["error"]
            .as_str()
            .is_some_and(|why| why.starts_with("ffmpeg"))
    );
    let files = recording["files"].as_array().expect("files");
    assert_eq!(files.len(), 2, "a microphone each: {recording}");
    assert!(files.iter().all(|file| file["kind"] == "track"));

    program(&ffmpeg);
    let id = recording["recording_id"].as_str().expect("an id");
    let again = format!("/recordings/{id}/compose");
    let refused = world.post(&again, json!({ "layout": "grid" })).await;
    let refused = refused.problem(422, "invalid-body");
    assert_eq!(refused["errors"][0]["pointer"], "/layout", "{refused}");
    world.post(&again, json!({})).await.expect(202);
    let recording = settled(&world, &started).await;
    assert_eq!(recording["error"], Value::Null, "{recording}");
    let kinds = recording["files"].as_array().expect("files").iter();
    let kinds: Vec<&Value> = kinds.map(|file| &file["kind"]).collect();
    assert_eq!(kinds, ["audio", "track", "track"], "{recording}");
}

#[actix::test]
async fn what_can_be_had_never_fails_whatever_rots_and_is_named() {
    let world = World::open().await;
    let (_, [alice, _bob]) = room_of(&world, ["alice", "bob"]).await;
    let started = start(&world, &alice, "audio").await;
    sleep(LENGTH).await;
    stop(&world, &alice).await;
    let recording = settled(&world, &started).await;
    let id = recording["recording_id"].as_str().expect("an id");
    let name = recording["files"][1]["name"].as_str().expect("a track");
    let path = world.recordings().join(id).join(name);
    let middle = std::fs::metadata(&path).expect("it is there").len() / 2;
    let file = std::fs::File::options().write(true).open(&path);
    let damaged = file.expect("it opens").write_all_at(&[0xff; 400], middle);
    damaged.expect("the disk fails");
    while world.recordings().join(id).join("live").exists() {
        sleep(Duration::from_millis(50)).await; // nothing is left that it was made of
    }
    let again = format!("/recordings/{id}/compose");
    world.post(&again, json!({})).await.expect(202);
    let recording = settled(&world, &started).await;
    assert_eq!(recording["status"], "available", "{recording}");
    let files = recording["files"].as_array().expect("files");
    let kinds: Vec<&Value> = files.iter().map(|file| &file["kind"]).collect();
    assert_eq!(kinds, ["audio", "track", "track"], "{recording}");
    let report = report(&world, &recording).await;
    assert_eq!(report["files_damaged"], json!([name]), "{report}");
}

#[actix::test]
async fn what_ends_the_server_each_time_that_it_is_composed_is_given_out_without() {
    let folder = tempfile::tempdir().expect("a folder");
    let ffmpeg = folder.path().join("ffmpeg");
    let named = ffmpeg.display().to_string();
    let world = World::start(true, move |config| config.recording.ffmpeg = named).await;
    let (_, [alice, bob]) = room_of(&world, ["alice", "bob"]).await;
    let started = start(&world, &alice, "audio").await;
    sleep(LENGTH / 2).await;
    stop(&world, &alice).await;
    drop((alice, bob));
    waits(&world, &started).await;
    let id = started["recording_id"].as_str().expect("an id");
    // As three starts of the server leave it, each of which ends in it.
    std::fs::write(world.recordings().join(id).join("begun"), "3").expect("written");
    program(&ffmpeg);
    let recording = settled(&world, &started).await;
    assert_eq!(recording["status"], "available", "{recording}");
    let why = recording["error"].as_str().expect("why");
    assert!(why.starts_with("composing it came to no end in "), "{why}");
    let files = recording["files"].as_array().expect("files");
    assert!(files.iter().all(|file| file["kind"] == "track"));
    let again = format!("/recordings/{id}/compose");
    world.post(&again, json!({})).await.expect(202);
    let recording = settled(&world, &started).await;
    assert_eq!(recording["error"], Value::Null, "{recording}");
    assert_eq!(recording["files"][0]["kind"], "audio", "{recording}");
}

#[actix::test]
async fn what_can_be_made_no_one_file_of_is_told_why() {
    let world = World::open().await;
    let (_, [alice, _bob]) = room_of(&world, ["alice", "bob"]).await;
    let started = start(&world, &alice, "tracks").await;
    stop(&world, &alice).await;
    let recording = settled(&world, &started).await;
    let id = recording["recording_id"].as_str().expect("an id");
    let again = format!("/recordings/{id}/compose");
    let refused = world.post(&again, json!({ "layout": "grid" })).await;
    let refused = refused.problem(409, "recording-state");
    let why = refused["detail"].as_str().expect("a sentence");
    assert!(why.contains("of the mode `tracks`"), "{why}");
}

#[actix::test]
async fn what_the_disk_damaged_is_told_and_what_it_was_written_in_is_kept() {
    let world = World::open().await;
    let (_, [alice, _bob]) = room_of(&world, ["alice", "bob"]).await;
    let started = start(&world, &alice, "audio").await;
    sleep(LENGTH).await;
    let id = started["recording_id"].as_str().expect("an id");
    let live = world.recordings().join(id).join("live");
    let file = std::fs::read_dir(&live).expect("a folder").next();
    let path = file.expect("a file").expect("it is there").path();
    let file = std::fs::File::options().write(true).open(&path);
    let third = std::fs::metadata(&path).expect("it is there").len() / 3;
    let damaged = file.expect("it opens").write_all_at(&[0xff; 400], third);
    damaged.expect("the disk fails");
    stop(&world, &alice).await;
    let recording = settled(&world, &started).await;
    assert_eq!(recording["status"], "available", "{recording}");
    let report = report(&world, &recording).await;
    let tracks = report["tracks"].as_array().expect("tracks").iter();
    let lost: Vec<u64> = tracks
        .map(|one| number(&one["frames_unreadable"]))
        .collect();
    assert_eq!(lost.iter().filter(|&&lost| lost > 0).count(), 1, "{report}");
    sleep(LENGTH).await; // it would have gone by now
    assert!(path.exists(), "nothing goes that was not read to its end");
    world.delete(&format!("/recordings/{id}")).await.expect(204);
    assert!(!path.exists(), "until it is deleted");
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
    let begun = std::time::Instant::now();
    let refused = world.post(&path, json!({ "mode": "tracks" })).await;
    eprintln!("measured: refused after {:?}", begun.elapsed());
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
    let kept = settled(&world, &started).await;
    drop((alice, bob));
    let young = kept["recording_id"].as_str().expect("an id");
    let leftover = world.recordings().join(young).join("live");
    std::fs::create_dir(&leftover).expect("as a crash leaves it");
    let in_no_bucket = two_days_old(&world, &kept, Some(FilePlace::Bucket)).await;
    let old = two_days_old(&world, &kept, None).await;
    world.config.recording.keep_days = 1;
    let world = world.restart(true).await;
    let began = std::time::Instant::now();
    while world.get(&format!("/recordings/{old}")).await.status != 404 || leftover.exists() {
        assert!(began.elapsed() < super::super::CONNECT, "it is still there");
        sleep(Duration::from_millis(50)).await;
    }
    assert!(
        !world.recordings().join(old.as_str()).exists(),
        "its files too"
    );
    for still in [young, in_no_bucket.as_str()] {
        let kept = world.get(&format!("/recordings/{still}")).await.expect(200);
        assert_eq!(kept["status"], "available");
    }
}

/// Another recording of the same call, as a crash an hour ago left it, with this in its log; with no folder where that is none.
async fn left_behind(world: &World, like: &Value, log: Option<&str>) -> Value {
    let mut left: Recording = serde_json::from_value(like.clone()).expect("a recording");
    let then = Timestamp::from_millis(left.requested_at.millis() - 3_600_000).expect("a time");
    (left.recording_id, left.requested_at) = (RecordingId::new(), then);
    left.status = calls_model::RecordingStatus::Requested;
    left.files.clear();
    let (recording_id, call_id) = (left.recording_id.clone(), left.call_id.clone());
    if let Some(log) = log {
        let folder = world.recordings().join(recording_id.as_str());
        std::fs::create_dir(&folder).expect("a folder");
        std::fs::write(folder.join("log-0.jsonl"), log).expect("a file");
    }
    let found = json!({ "recording_id": recording_id.as_str() });
    let facts = vec![
        Fact::RecordingRequested {
            recording: Box::new(left),
        },
        Fact::RecordingStarted {
            call_id,
            recording_id,
            at: then,
        },
    ];
    let recorded = world.server.app().store.record(facts).await;
    recorded.expect("stored");
    found
}

#[actix::test]
async fn what_was_left_behind_is_as_long_as_it_is_on_disk_and_waits_for_a_disk_that_is_not_there() {
    let world = World::open().await;
    let (_, [alice, _bob]) = room_of(&world, ["alice", "bob"]).await;
    let started = start(&world, &alice, "tracks").await;
    stop(&world, &alice).await;
    let kept = settled(&world, &started).await;
    let log = "{\"t\":\"synced\",\"end_us\":7200000}\n";
    let left = left_behind(&world, &kept, Some(log)).await;
    let missing = left_behind(&world, &kept, None).await;
    let left = settled(&world, &left).await;
    let why = left["error"].as_str().expect("why");
    assert!(why.starts_with("nothing was recorded: "), "{why}");
    assert_eq!(left["duration_seconds"], 7, "not an hour: {left}");
    let why = waits(&world, &missing).await;
    assert!(
        why.ends_with("the folder of the recording is not there"),
        "{why}"
    );
    let id = missing["recording_id"].as_str().expect("an id");
    let report = world.get(&format!("/recordings/{id}/report")).await;
    report.problem(409, "recording-processing");
}

#[actix::test]
async fn what_the_log_of_a_recording_lost_is_told_and_what_it_was_written_in_is_kept() {
    let world = World::open().await;
    let (_, [alice, _bob]) = room_of(&world, ["alice", "bob"]).await;
    let started = start(&world, &alice, "tracks").await;
    sleep(LENGTH).await;
    let id = started["recording_id"].as_str().expect("an id");
    let folder = world.recordings().join(id);
    let log = folder.join("log-0.jsonl");
    let text = std::fs::read_to_string(&log).expect("a log");
    let at = text.find("\"camera\"").expect("a camera").try_into();
    let file = std::fs::File::options().write(true).open(&log);
    let damaged = file
        .expect("it opens")
        .write_all_at(&[0xff; 8], at.expect("near"));
    damaged.expect("the disk fails");
    stop(&world, &alice).await;
    let recording = settled(&world, &started).await;
    assert_eq!(recording["status"], "available", "{recording}");
    let report = report(&world, &recording).await;
    assert_eq!(report["log_lines_unreadable"], 1, "{report}");
    assert_eq!(report["files_unknown"], 1, "{report}");
    assert_eq!(recording["files"].as_array().map(Vec::len), Some(3));
    sleep(LENGTH).await; // it would have gone by now
    let live = std::fs::read_dir(folder.join("live")).expect("it is kept");
    assert_eq!(live.count(), 4, "with what nobody knows any more");
}

/// The same, as if it had been made two days ago, and were kept there.
async fn two_days_old(world: &World, young: &Value, place: Option<FilePlace>) -> RecordingId {
    let mut old: Recording = serde_json::from_value(young.clone()).expect("a recording");
    let two_days = 2 * 24 * 60 * 60 * 1000;
    let then = Timestamp::from_millis(old.requested_at.millis() - two_days).expect("a time");
    let mut files = std::mem::take(&mut old.files);
    (old.recording_id, old.requested_at) = (RecordingId::new(), then);
    old.status = calls_model::RecordingStatus::Requested;
    let (id, call_id) = (old.recording_id.clone(), old.call_id.clone());
    let folder = world.recordings().join(id.as_str());
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("log-0.jsonl"), "").expect("a file");
    let mut facts = vec![Fact::RecordingRequested {
        recording: Box::new(old),
    }];
    if let Some(place) = place {
        for file in &mut files {
            file.place = place;
        }
        facts.extend([
            Fact::RecordingStopped {
                call_id: call_id.clone(),
                recording_id: id.clone(),
                at: then,
            },
            Fact::RecordingProcessed {
                call_id: call_id.clone(),
                recording_id: id.clone(),
                files: files.clone(),
                duration_seconds: 1,
                report: Box::default(),
                at: then,
            },
            Fact::RecordingAvailable {
                call_id,
                recording_id: id.clone(),
                files,
                at: then,
            },
        ]);
    } else {
        facts.push(Fact::RecordingFailed {
            call_id,
            recording_id: id.clone(),
            reason: "nothing came".to_owned(),
            at: then,
        });
    }
    let recorded = world.server.app().store.record(facts).await;
    recorded.expect("stored");
    id
}
