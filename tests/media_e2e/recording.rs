//! Calls that are recorded, over real sockets, to files that are read again.

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use calls_codec::Demuxer;
use calls_model::Timestamp;
use reqwest::{Method, header};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::super::{CONNECT, room_of};
use super::tab::Tab;
use crate::support::{World, send};

/// How long is recorded.
const LENGTH: Duration = Duration::from_secs(2);

/// How far a length may be off: what was on its way when it began and when it stopped, on a busy machine.
const SLACK_MS: u64 = 700;

pub(crate) async fn start(world: &World, tab: &Tab, mode: &str) -> Value {
    let path = format!("/{}/record/start", tab.call);
    world.post(&path, json!({ "mode": mode })).await.expect(201)
}

pub(crate) async fn stop(world: &World, tab: &Tab) -> Value {
    let path = format!("/{}/record/stop", tab.call);
    world.post(&path, json!({})).await.expect(200)
}

/// Waits until nothing more is to come of a recording.
pub(crate) async fn settled(world: &World, started: &Value) -> Value {
    let id = started["recording_id"].as_str().expect("an id");
    let began = Instant::now();
    loop {
        let recording = world.get(&format!("/recordings/{id}")).await.expect(200);
        match recording["status"].as_str() {
            Some("available" | "failed") => return recording,
            _ => assert!(began.elapsed() < CONNECT, "{recording}"),
        }
        sleep(Duration::from_millis(50)).await;
    }
}

pub(crate) fn path_of(world: &World, recording: &Value, file: &Value) -> PathBuf {
    let id = recording["recording_id"].as_str().expect("an id");
    let name = file["name"].as_str().expect("a name");
    world.recordings().join(id).join(name)
}

/// When each frame of a file is, in milliseconds.
pub(crate) fn times(path: &std::path::Path) -> Vec<i64> {
    let mut demuxer = Demuxer::open(path).expect("it opens");
    let mut times = Vec::new();
    while let Some(read) = demuxer.read().expect("to its end") {
        times.push(read.at_us / 1000);
    }
    times
}

/// When a file ends, in milliseconds of the recording, as `ffprobe` says.
fn ends(path: &std::path::Path) -> u64 {
    let ran = Command::new("ffprobe")
        .args(["-v", "error", "-show_entries", "format=start_time,duration"])
        .args(["-of", "json"])
        .arg(path)
        .output()
        .expect("ffprobe is there");
    let told: Value = serde_json::from_slice(&ran.stdout).expect("JSON");
    let seconds = |of: &str| {
        told["format"][of]
            .as_str()
            .and_then(|text| text.parse().ok())
    };
    let (start, lasts): (Option<f64>, Option<f64>) = (seconds("start_time"), seconds("duration"));
    // Matroska counts its length from zero, MP4 from its first frame.
    let from_zero = path.extension().is_some_and(|kind| kind == "webm");
    let ends = lasts.expect("a length") + start.filter(|_| !from_zero).unwrap_or(0.0);
    u64::try_from(Duration::from_secs_f64(ends).as_millis()).expect("short")
}

/// What is told of the lengths of a recording and its files is what `ffprobe` finds, to a tenth of a second.
fn lengths_are_true(world: &World, recording: &Value) {
    let mut last = 0;
    for file in recording["files"].as_array().expect("files") {
        let told = number(&file["start_ms"]) + number(&file["duration_ms"]);
        let found = ends(&path_of(world, recording, file));
        assert!(told.abs_diff(found) <= 100, "{found} ms: {file}");
        last = last.max(told);
    }
    assert_eq!(number(&recording["duration_seconds"]), last / 1000);
}

pub(crate) fn number(value: &Value) -> u64 {
    value.as_u64().expect("a number")
}

fn moment(value: &Value) -> Timestamp {
    serde_json::from_value(value.clone()).expect("a time")
}

#[actix::test]
async fn every_track_of_a_recorded_call_is_a_file_on_one_timeline() {
    let world = World::open().await;
    let (_, [mut alice, bob]) = room_of(&world, ["alice", "bob"]).await;
    let started = start(&world, &alice, "tracks").await;
    assert_eq!(started["status"], "active", "the first packet is on disk");
    assert_eq!(started["begins_at"], Value::Null, "nobody knows yet");
    assert_eq!(alice.socket.event("recording").await["event"], "started");
    let twice = format!("/{}/record/start", bob.call);
    let twice = world.post(&twice, json!({ "mode": "audio" })).await;
    twice.problem(409, "already-recording");
    sleep(LENGTH).await;
    assert_eq!(stop(&world, &alice).await["status"], "processing");
    assert_eq!(alice.socket.event("recording").await["event"], "stopped");

    let recording = settled(&world, &started).await;
    assert_eq!(recording["status"], "available", "{recording}");
    let files = recording["files"].as_array().expect("files");
    assert_eq!(files.len(), 4, "{recording}");
    for file in files {
        let times = times(&path_of(&world, &recording, file));
        let wanted = u64::try_from(LENGTH.as_millis()).expect("short");
        let lasts = number(&file["duration_ms"]);
        assert!(lasts.abs_diff(wanted) < SLACK_MS, "{file}");
        assert_eq!(
            i64::try_from(number(&file["start_ms"])).ok(),
            times.first().copied()
        );
        assert!(times.windows(2).all(|pair| pair[0] < pair[1]));
        let sound = file["source"] == "microphone";
        assert_eq!(file["codec"], if sound { "opus" } else { "vp8" });
        // 50 packets of sound a second, 20 pictures.
        let frames = if sound { 50 } else { 20 } * lasts / 1000;
        let count = u64::try_from(times.len()).expect("few");
        assert!(
            count.abs_diff(frames) <= 1 + frames / 10,
            "{count} of {frames}: {file}"
        );
    }
    let id = recording["recording_id"].as_str().expect("an id");
    let report = world
        .get(&format!("/recordings/{id}/report"))
        .await
        .expect(200);
    assert_eq!(report["begins_at"], recording["begins_at"]);
    let times = ["requested_at", "begins_at", "started_at"].map(|of| moment(&recording[of]));
    assert!(times.is_sorted(), "{recording}");
    for track in report["tracks"].as_array().expect("tracks") {
        assert_eq!(track["packets_lost"], 0, "{report}");
        assert!(number(&track["frames_written"]) > 0, "{report}");
    }
    assert_eq!(report["interruptions"], json!([]));
    lengths_are_true(&world, &recording);
}

#[actix::test]
async fn a_file_can_be_fetched_in_parts_by_a_link_that_expires() {
    let world = World::closed().await;
    let (_, [alice, _bob]) = room_of(&world, ["alice", "bob"]).await;
    let started = start(&world, &alice, "tracks").await;
    sleep(LENGTH / 4).await;
    stop(&world, &alice).await;
    let recording = settled(&world, &started).await;
    let file = &recording["files"][0];
    let link = file["url"].as_str().expect("a link");
    let whole = send(world.page(Method::GET, link)).await;
    assert_eq!(whole.status, 200);
    assert!(
        whole
            .header("content-disposition")
            .starts_with("attachment; filename=")
    );
    let etag = whole.header("etag").to_owned();
    let part = world
        .page(Method::GET, link)
        .header(header::RANGE, "bytes=0-3");
    let part = send(part.header(header::IF_RANGE, etag.clone())).await;
    let size = &file["size_bytes"];
    assert_eq!(part.status, 206);
    assert_eq!(part.header("content-range"), format!("bytes 0-3/{size}"));
    let stale = world
        .page(Method::GET, link)
        .header(header::RANGE, "bytes=0-3");
    let stale = send(stale.header(header::IF_RANGE, "\"before it was made anew\"")).await;
    assert_eq!(stale.status, 200, "parts of two files are no file");
    assert_eq!(stale.text, whole.text);
    assert_eq!(stale.header("etag"), etag);
    assert_eq!(stale.header("content-length"), size.to_string());
    let known = world
        .page(Method::GET, link)
        .header(header::IF_NONE_MATCH, etag);
    assert_eq!(send(known).await.status, 304);
    for (condition, value, status) in [
        (header::IF_MATCH, "\"another\"".to_owned(), 412),
        (header::IF_NONE_MATCH, whole.header("etag").to_owned(), 304),
    ] {
        let decided = world
            .page(Method::GET, link)
            .header(header::RANGE, "bytes=0-3")
            .header(condition, value);
        let decided = send(decided.header(header::IF_RANGE, "\"before\"")).await;
        assert_eq!(decided.status, status, "it comes before If-Range");
    }
    let forged = link.replace("signature=", "signature=00");
    send(world.page(Method::GET, &forged))
        .await
        .problem(401, "unauthorized");
    let path = link.split_once('?').expect("a query").0;
    send(world.page(Method::GET, path))
        .await
        .problem(401, "unauthorized");
    let id = recording["recording_id"].as_str().expect("an id");
    let which = world.get(&format!("/recordings/{id}/download")).await;
    which.problem(422, "file-needed");
    world.delete(&format!("/recordings/{id}")).await.expect(204);
    world
        .get(&format!("/recordings/{id}"))
        .await
        .problem(404, "not-found");
    assert!(!world.recordings().join(id).exists());
}

#[actix::test]
async fn where_nobody_publishes_a_start_says_so_instead_of_recording_nothing() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    let (_socket, welcome) = world.enter(&room, "alice").await;
    let call = welcome["call"]["call_id"].as_str().expect("an id");
    let path = format!("/{call}/record/start");
    let refused = world.post(&path, json!({ "mode": "tracks" })).await;
    let refused = refused.problem(504, "recording-not-started");
    let detail = refused["detail"].as_str().expect("a sentence");
    assert!(detail.starts_with("nobody published anything"), "{detail}");
    let page = world.get(&format!("/{call}/recordings")).await.expect(200);
    assert_eq!(page["data"][0]["status"], "failed");
}

#[actix::test]
async fn a_room_that_does_not_allow_it_is_not_recorded() {
    let world = World::open().await;
    let room = world
        .room(json!({ "settings": { "allow_recording": false } }))
        .await;
    let (_socket, welcome) = world.enter(&room, "alice").await;
    let call = welcome["call"]["call_id"].as_str().expect("an id");
    let path = format!("/{call}/record/start");
    let refused = world.post(&path, json!({ "mode": "tracks" })).await;
    refused.problem(409, "recording-not-allowed");
}

#[actix::test]
async fn a_room_that_is_encrypted_end_to_end_is_neither_recorded_nor_transcribed_nor_spoken_in() {
    let world = World::open().await;
    let room = world.room(json!({ "encryption": "e2ee" })).await;
    let (_socket, welcome) = world.enter(&room, "alice").await;
    assert_eq!(welcome["room"]["encryption"], "e2ee");
    let call = welcome["call"]["call_id"].as_str().expect("an id");
    let path = format!("/{call}/record/start");
    let refused = world.post(&path, json!({ "mode": "tracks" })).await;
    refused.problem(409, "end-to-end-encrypted");
    let refused = world.post(&format!("/{call}/transcribe"), json!({})).await;
    refused.problem(409, "end-to-end-encrypted");
    let refused = world
        .post(&format!("/{call}/say"), json!({ "text": "hello" }))
        .await;
    refused.problem(409, "end-to-end-encrypted");
}

#[actix::test]
async fn what_is_said_in_a_pause_is_not_kept() {
    let world = World::open().await;
    let (_, [alice, _bob]) = room_of(&world, ["alice", "bob"]).await;
    let started = start(&world, &alice, "tracks").await;
    sleep(LENGTH / 2).await;
    let verb = |verb: &str| format!("/{}/record/{verb}", alice.call);
    let paused = world.post(&verb("pause"), json!({})).await.expect(200);
    assert_eq!(paused["paused"], true);
    let so_far = number(&paused["duration_seconds"]);
    assert!(so_far > 0, "{paused}");
    sleep(LENGTH).await;
    let id = started["recording_id"].as_str().expect("an id");
    let meanwhile = world.get(&format!("/recordings/{id}")).await.expect(200);
    assert_eq!(meanwhile["duration_seconds"], so_far, "{meanwhile}");
    let resumed = world.post(&verb("resume"), json!({})).await.expect(200);
    assert_eq!(resumed["duration_seconds"], so_far, "{resumed}");
    sleep(LENGTH / 2).await;
    let stopped = stop(&world, &alice).await;
    let lasts = number(&stopped["duration_seconds"]);
    let wanted = so_far + 1..so_far + 3; // with the pause it would be 3 more
    assert!(wanted.contains(&lasts), "{stopped}");
    let recording = settled(&world, &started).await;
    for file in recording["files"].as_array().expect("files") {
        let wanted = u64::try_from(LENGTH.as_millis()).expect("short");
        let lasts = number(&file["duration_ms"]);
        assert!(
            lasts.abs_diff(wanted) < SLACK_MS,
            "the pause is cut out: {file}"
        );
    }
    lengths_are_true(&world, &recording);
}

#[actix::test]
async fn all_voices_of_a_call_are_mixed_to_one_file_and_pictures_to_another() {
    let world = World::open().await;
    let (_, [alice, _bob]) = room_of(&world, ["alice", "bob"]).await;
    let started = start(&world, &alice, "audio").await;
    sleep(LENGTH).await;
    stop(&world, &alice).await;
    let recording = settled(&world, &started).await;
    assert_eq!(recording["status"], "available", "{recording}");
    let mixed = &recording["files"][0];
    assert_eq!(
        (&mixed["kind"], &mixed["codec"]),
        (&json!("audio"), &json!("aac"))
    );
    let times = times(&path_of(&world, &recording, mixed));
    let last = u64::try_from(times[times.len() - 1]).expect("it rises");
    assert!(
        last.abs_diff(number(&mixed["duration_ms"])) < 150,
        "{mixed}"
    );
    lengths_are_true(&world, &recording);
}

#[actix::test]
async fn a_call_that_is_to_be_recorded_is_from_when_it_is_answered() {
    let world = World::open().await;
    let wish = json!({ "type": "video", "from": "ada", "to": ["grace"], "record": "tracks" });
    let rung = world.post("/initiate", wish).await.expect(201);
    let mut ada = Tab::seated(&rung["connection"], "ada").await;
    let call = ada.call.clone();
    let page = world.get(&format!("/{call}/recordings")).await.expect(200);
    assert_eq!(page["data"], json!([]), "nobody has answered");
    let answer = world
        .post(&format!("/{call}/answer"), json!({}))
        .await
        .expect(200);
    let _grace = Tab::seated(&answer["connection"], "grace").await;
    let told = ada.socket.event("recording").await;
    assert_eq!(
        (&told["event"], &told["by"]),
        (&json!("started"), &Value::Null)
    );
    assert_eq!(told["mode"], "tracks");
    sleep(LENGTH / 4).await;
    world
        .post(&format!("/{call}/end"), json!({}))
        .await
        .expect(200);
    let recording = settled(&world, &told).await;
    assert_eq!(
        recording["status"], "available",
        "a recording ends with its call"
    );
    assert_eq!(recording["files"].as_array().expect("files").len(), 4);
}
