//! Recordings that are made once more, and what can be done with one meanwhile.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::super::room_of;
use super::keeping::{program, report, waits};
use super::recording::{settled, start, stop};
use crate::support::World;

/// How long is recorded.
const LENGTH: Duration = Duration::from_secs(2);

#[actix::test]
async fn what_cannot_be_mixed_is_tried_again_and_what_cannot_be_composed_anew_stays_as_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let ffmpeg = folder.path().join("ffmpeg");
    let named = ffmpeg.display().to_string();
    let world = World::start(true, move |config| config.recording.ffmpeg = named).await;
    let (_, [alice, bob]) = room_of(&world, ["alice", "bob"]).await;
    let call = alice.call.clone();
    let started = start(&world, &alice, "video").await;
    sleep(LENGTH).await;
    stop(&world, &alice).await;
    drop((alice, bob));
    let why = waits(&world, &started).await;
    assert!(why.starts_with("not made yet: ffmpeg: "), "{why}");
    program(&ffmpeg);
    let recording = settled(&world, &started).await;
    assert_eq!(recording["status"], "available", "{recording}");
    assert_eq!(
        (&recording["error"], &recording["progress"]),
        (&Value::Null, &json!(100))
    );
    let whole = recording["files"][0].clone();
    assert_eq!(whole["kind"], "video");

    std::fs::remove_file(&ffmpeg).expect("it was there");
    let id = recording["recording_id"].as_str().expect("an id");
    let again = format!("/recordings/{id}/compose");
    let speaker = json!({ "layout": "speaker" });
    let begun = world.post(&again, speaker.clone()).await.expect(202);
    let told = ["status", "layout", "next_layout", "progress"].map(|of| begun[of].clone());
    let wanted = [
        json!("processing"),
        json!("grid"),
        json!("speaker"),
        json!(0),
    ];
    assert_eq!(told, wanted);
    let recording = settled(&world, &started).await;
    assert_eq!(recording["status"], "available", "{recording}");
    let why = recording["error"]
        .as_str()
        .expect("why it was not made anew");
    assert!(why.contains("No such file"), "{why}");
    assert_eq!(
        recording["layout"], "grid",
        "that of the file which can be had"
    );
    for of in ["name", "sha256"] {
        assert_eq!(
            recording["files"][0][of], whole[of],
            "it is the one of before"
        );
    }
    let report = report(&world, &recording).await;
    assert_eq!(report["not_composed"], why);
    assert_eq!(report["layout"], "grid");

    assert_eq!(recording.get("next_layout"), None, "nothing came of it");
    assert_eq!(composed(&world, &call).await, [1, 0]);

    program(&ffmpeg);
    let begun = world.post(&again, speaker).await.expect(202);
    assert_eq!(begun["error"], Value::Null, "that was the time before");
    let recording = settled(&world, &started).await;
    assert_eq!(
        (&recording["error"], &recording["layout"]),
        (&Value::Null, &json!("speaker"))
    );
    assert_eq!(composed(&world, &call).await, [2, 1]);
}

/// How often it was told that a recording of a call is to be made once more, and that it was.
async fn composed(world: &World, call: &str) -> [usize; 2] {
    let facts = world.server.app().store.facts_about(call, 0, 1000);
    let facts = facts.await.expect("facts");
    ["recording.compose_requested", "recording.recomposed"]
        .map(|name| facts.iter().filter(|fact| fact.name == name).count())
}

#[actix::test]
async fn what_cannot_be_done_with_a_recording_yet_says_what_to_do_or_to_wait_for() {
    let world = World::start(true, |config| {
        config.recording.ffmpeg = "/nowhere/ffmpeg".to_owned();
    })
    .await;
    let (_, [alice, _bob]) = room_of(&world, ["alice", "bob"]).await;
    let started = start(&world, &alice, "audio").await;
    let id = started["recording_id"].as_str().expect("an id");
    let path = |verb: &str| format!("/recordings/{id}{verb}");
    let refused = async |code: &str, says: &str| {
        for reply in [
            world.delete(&path("")).await,
            world.post(&path("/compose"), json!({})).await,
            world.post(&path("/transcribe"), json!({})).await,
            world.get(&path("/report")).await,
            world.get(&path("/download")).await,
        ] {
            let refused = reply.problem(409, code);
            let why = refused["detail"].as_str().expect("a sentence");
            assert!(why.contains(says), "{why}");
        }
    };
    refused("recording-state", "stop it (`record/stop`)").await;
    stop(&world, &alice).await;
    waits(&world, &started).await;
    refused("recording-processing", "wait until it is `available`").await;
}

#[actix::test]
async fn what_means_nothing_in_a_mode_is_refused_by_name_and_nothing_begins() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    let (_socket, welcome) = world.enter(&room, "alice").await;
    let call = welcome["call"]["call_id"].as_str().expect("an id");
    let path = format!("/{call}/record/start");
    for (mode, field, value) in [
        ("audio", "layout", json!("grid")),
        ("tracks", "layout", json!("speaker")),
        ("audio", "live", json!(true)),
        ("tracks", "live", json!(true)),
    ] {
        let refused = world
            .post(&path, json!({ "mode": mode, field: value }))
            .await;
        let refused = refused.problem(422, "invalid-body");
        let error = &refused["errors"][0];
        assert_eq!(error["pointer"], format!("/{field}"), "{refused}");
        let why = error["detail"].as_str().expect("why");
        assert!(why.contains(mode), "{why}");
    }
    let page = world.get(&format!("/{call}/recordings")).await.expect(200);
    assert_eq!(page["data"], json!([]));
    let nothing = json!({ "mode": "audio", "layout": null, "live": false });
    let started = world.post(&path, nothing).await;
    started.problem(504, "recording-not-started"); // nobody publishes
}

#[actix::test]
async fn on_a_disk_that_is_nearly_full_nothing_is_made_once_more() {
    let world = World::open().await;
    let (_, [alice, _bob]) = room_of(&world, ["alice", "bob"]).await;
    let started = start(&world, &alice, "audio").await;
    stop(&world, &alice).await;
    let made = settled(&world, &started).await;
    let full = |config: &mut calls::config::Config| config.recording.min_free_mb = 1 << 40;
    let world = world.restart_with(true, full).await;
    let path = format!(
        "/recordings/{}",
        made["recording_id"].as_str().expect("an id")
    );
    let refused = world.post(&format!("{path}/compose"), json!({})).await;
    let refused = refused.problem(507, "disk-full");
    let why = refused["detail"].as_str().expect("a sentence");
    assert!(why.contains("MB free"), "{why}");
    let still = world.get(&path).await.expect(200);
    assert_eq!(still["status"], "available", "nothing began");
}
