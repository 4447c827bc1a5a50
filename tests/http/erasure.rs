//! What is erased is gone, with its files; and the audit log says who did it.

use std::path::PathBuf;

use calls_model::{
    Fact, FileKind, FilePlace, Recording, RecordingFile, RecordingId, RecordingReport, Timestamp,
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{World, send};

/// A recording with a file, as if it had been made.
async fn recorded(world: &World, call: &str) -> (RecordingId, PathBuf) {
    let (recording_id, path, facts) = recording(world, call);
    world.server.app().store.record(facts).await.expect("facts");
    (recording_id, path)
}

/// A recording, its file, and what tells of them; the last fact settles it.
fn recording(world: &World, call: &str) -> (RecordingId, PathBuf, Vec<Fact>) {
    let recording_id = RecordingId::new();
    let recording: Recording = serde_json::from_value(json!({
        "recording_id": recording_id, "call_id": call, "mode": "audio", "status": "requested", "live": false,
        "started_at": null, "duration_seconds": 0, "size_bytes": 0, "files": [], "progress": 0, "error": null,
        "requested_at": "2026-01-01T00:00:00Z", "participants": [], "paused": false, "layout": null,
    }))
    .expect("a recording");
    let folder = world.recordings().join(recording_id.as_str());
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("recording.m4a");
    std::fs::write(&path, b"sound").expect("a file");
    let files = vec![RecordingFile {
        name: "recording.m4a".to_owned(),
        kind: FileKind::Audio,
        participant_id: None,
        user_id: None,
        display_name: None,
        source: None,
        codec: "aac".to_owned(),
        media_type: "audio/mp4".to_owned(),
        start_ms: 0,
        duration_ms: 5000,
        size_bytes: 5,
        sha256: "00".repeat(32),
        place: FilePlace::Local,
        url: None,
    }];
    let (call_id, at) = (recording.call_id.clone(), recording.requested_at);
    let id = || (call_id.clone(), recording_id.clone());
    let (call, rec) = id();
    let started = Fact::RecordingStarted {
        call_id: call,
        recording_id: rec,
        at,
    };
    let (call, rec) = id();
    let stopped = Fact::RecordingStopped {
        call_id: call,
        recording_id: rec,
        at,
    };
    let (call, rec) = id();
    let processed = Fact::RecordingProcessed {
        call_id: call,
        recording_id: rec,
        files: files.clone(),
        duration_seconds: 5,
        report: Box::new(RecordingReport::default()),
        at,
    };
    let (call, rec) = id();
    let available = Fact::RecordingAvailable {
        call_id: call,
        recording_id: rec,
        files,
        at,
    };
    let requested = Fact::RecordingRequested {
        recording: Box::new(recording),
    };
    let facts = vec![requested, started, stopped, processed, available];
    (recording_id, path, facts)
}

/// Erases, as soon as what is being ended has ended.
async fn erase(world: &World, path: &str) -> Value {
    for _ in 0..100 {
        let reply = world.delete(path).await;
        if reply.status != 409 {
            return reply.expect(200);
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{path} goes on");
}

/// Is refused for another reason than that what is being ended has not ended.
async fn refused(world: &World, path: &str) -> Value {
    for _ in 0..100 {
        let refused = world.delete(path).await.expect(409);
        if refused["code"] != "call-state" {
            return refused;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{path} goes on");
}

fn text(json: &Value, key: &str) -> String {
    json[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key} of {json}"))
        .to_owned()
}

#[actix_web::test]
async fn an_erased_call_takes_its_recordings_and_their_files_with_it() {
    let world = World::closed().await;
    let room = world.room(json!({})).await;
    let joined = world.join(&room, "ann").await;
    let call = text(&joined, "call_id");
    let (recording, file) = recorded(&world, &call).await;
    let path = format!("/{call}");
    world.delete(&path).await.problem(409, "call-state");
    assert!(file.exists());
    world
        .post(&format!("{path}/end"), json!({}))
        .await
        .expect(200);
    let erased = erase(&world, &path).await;
    assert_eq!(
        (&erased["recordings"], &erased["calls"]),
        (&json!(1), &json!(1))
    );
    assert!(!file.exists(), "the file too");
    for gone in [
        path.clone(),
        format!("{path}/transcript"),
        format!("/recordings/{recording}"),
    ] {
        world.get(&gone).await.problem(404, "not-found");
    }
    world.delete(&path).await.problem(404, "not-found");
    let events = world.get("/events").await.expect(200).to_string();
    assert!(!events.contains(&call), "{events}");
    let log = world.get("/audit?action=call.erase").await.expect(200);
    let entries = log["data"].as_array().unwrap();
    let done: Vec<_> = entries
        .iter()
        .filter(|entry| entry["status"] == 200)
        .collect();
    assert!(done.len() == 1 && done[0]["subject"] == path, "{log}");
}

#[actix_web::test]
async fn an_erased_user_takes_what_they_can_be_heard_in() {
    let world = World::closed().await;
    let ring = json!({ "type": "audio", "from": "ann", "to": ["ben"] });
    let call = text(&world.post("/initiate", ring).await.expect(201), "call_id");
    let (_, file) = recorded(&world, &call).await;
    world.delete("/users/ann").await.problem(409, "call-state");
    world
        .post(&format!("/{call}/end"), json!({}))
        .await
        .expect(200);
    let erased = erase(&world, "/users/ann").await;
    assert_eq!(
        (&erased["recordings"], &erased["calls"]),
        (&json!(1), &json!(1))
    );
    assert!(!file.exists());
    let left = world.get(&format!("/{call}")).await.expect(200);
    assert_eq!(
        (&left["from"], &left["to"]),
        (&json!("erased"), &json!(["ben"]))
    );
    let none = world.get("/history?user_id=ann").await.expect(200);
    assert_eq!(none["data"], json!([]));
    let nobody = world.delete("/users/nobody-there").await.expect(200);
    assert_eq!(nobody["calls"], 0);
}

#[actix_web::test]
async fn a_kept_reply_that_names_an_erased_recording_is_given_to_nobody() {
    let world = World::closed().await;
    for whole_call in [true, false] {
        let ring = json!({ "type": "audio", "from": "ann", "to": ["ben"] });
        let call = text(&world.post("/initiate", ring).await.expect(201), "call_id");
        let (recording, _) = recorded(&world, &call).await;
        let path = format!("/recordings/{recording}/compose");
        let ask = || {
            let request = world.request(Method::POST, &path);
            send(
                request
                    .header("idempotency-key", &path)
                    .json(&json!({ "layout": "no such" })),
            )
        };
        ask().await.expect(422);
        assert_eq!(ask().await.header("idempotent-replayed"), "true");
        world
            .post(&format!("/{call}/end"), json!({}))
            .await
            .expect(200);
        let erased = if whole_call {
            format!("/{call}")
        } else {
            "/users/ann".to_owned()
        };
        assert_eq!(erase(&world, &erased).await["recordings"], 1);
        let again = ask().await;
        assert_eq!(again.header("idempotent-replayed"), "", "{erased}");
    }
}

/// What is to come of a recording waits.
async fn in_an_hour(world: &World, recording: &RecordingId, why: &str) {
    let app = world.server.app();
    let later = Timestamp::from_millis(app.clock.now().millis() + 3_600_000);
    let later = later.expect("a time");
    let postponed = (app.store).postpone_recording(recording, why.to_owned(), later);
    postponed.await.expect("it waits");
}

#[actix_web::test]
async fn what_waits_for_a_bucket_is_erased_all_the_same() {
    let world = World::closed().await;
    let ring = json!({ "type": "audio", "from": "ann", "to": ["ben"] });
    let call = text(&world.post("/initiate", ring).await.expect(201), "call_id");
    let (recording, file, mut facts) = recording(&world, &call);
    facts.pop(); // its upload is due
    let recorded = world.server.app().store.record(facts).await;
    recorded.expect("facts");
    in_an_hour(&world, &recording, "not uploaded yet").await;
    world
        .post(&format!("/{call}/end"), json!({}))
        .await
        .expect(200);
    let erased = erase(&world, &format!("/{call}")).await;
    assert_eq!(erased["recordings"], 1);
    assert!(!file.exists());
}

#[actix_web::test]
async fn what_cannot_be_erased_yet_keeps_its_replies() {
    let world = World::closed().await;
    let ring = json!({ "type": "audio", "from": "ann", "to": ["ben"] });
    let call = text(&world.post("/initiate", ring).await.expect(201), "call_id");
    let (recording, _, mut facts) = recording(&world, &call);
    facts.truncate(3); // it stopped, and is made in an hour
    let stopped = facts.split_off(1);
    let app = world.server.app();
    app.store.record(facts).await.expect("facts");
    in_an_hour(&world, &recording, "not made yet").await;
    app.store.record(stopped).await.expect("facts");
    let path = format!("/recordings/{recording}/compose");
    let ask = || {
        let request = world.request(Method::POST, &path);
        let request = request.header("idempotency-key", &path);
        send(request.json(&json!({ "layout": "no such" })))
    };
    ask().await.expect(422);
    world
        .post(&format!("/{call}/end"), json!({}))
        .await
        .expect(200);
    for erased in [format!("/{call}"), "/users/ann".to_owned()] {
        let refused = refused(&world, &erased).await;
        assert_eq!(refused["code"], "recording-processing", "{refused}");
        let again = ask().await;
        assert_eq!(again.header("idempotent-replayed"), "true", "{erased}");
    }
}

#[actix_web::test]
async fn an_action_that_the_audit_log_does_not_know_is_refused_with_those_that_it_knows() {
    let world = World::closed().await;
    let refused = world.get("/audit?action=bogus").await;
    let refused = refused.problem(422, "invalid-query");
    let detail = refused["detail"].as_str().expect("a sentence");
    for known in ["key.revoke", "moderate", "transcription"] {
        assert!(detail.contains(known), "{detail}");
        let path = format!("/audit?action={known}");
        world.get(&path).await.expect(200);
    }
}

#[actix_web::test]
async fn the_audit_log_says_who_changed_what_and_who_moderated_whom() {
    let world = World::closed().await;
    let key = world.server.first_key.clone().expect("a key");
    let room = world.room(json!({})).await;
    let (mut ann, _) = world.enter(&room, "ann").await;
    let (_ben, welcome) = world.enter(&room, "ben").await;
    let lock = json!({ "action": "lock", "locked": true });
    ann.ask("mod", lock).await.expect("a host may");
    let path = format!(
        "/{}/participants/{}",
        text(&welcome["call"], "call_id"),
        text(&welcome, "participant_id")
    );
    // However the path is written.
    let written = path.replace("participants", "%70articipants");
    world.delete(&written).await.expect(204);
    let anonymous = send(world.request_as(None, Method::DELETE, &path)).await;
    anonymous.problem(401, "unauthorized");
    // A socket's entry is written beside its answer, not before it.
    let mut log = world.get("/audit").await.expect(200);
    for _ in 0..50 {
        if log["data"].as_array().unwrap().len() == 3 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        log = world.get("/audit").await.expect(200);
    }
    let entries = log["data"].as_array().unwrap();
    let told: Vec<_> = entries.iter().map(|entry| text(entry, "action")).collect();
    let mut sorted = told.clone();
    sorted.sort();
    assert_eq!(
        sorted,
        ["moderate", "moderate.remove", "room.create"],
        "{log}"
    );
    let by = |action: &str| {
        entries
            .iter()
            .find(|entry| entry["action"] == action)
            .unwrap()
    };
    assert_eq!(
        by("room.create")["detail"],
        json!({ "made": format!("/rooms/{room}") })
    );
    assert_eq!(by("moderate.remove")["actor"], key.name());
    assert_eq!(
        (
            &by("moderate.remove")["subject"],
            &by("moderate.remove")["status"]
        ),
        (&json!(path), &json!(204))
    );
    assert_eq!(by("moderate.remove")["address"], "127.0.0.1");
    assert_eq!(
        (&by("moderate")["actor"], &by("moderate")["actor_kind"]),
        (&json!("ann"), &json!("user"))
    );
    assert!(
        by("moderate")["detail"].to_string().contains("lock"),
        "{log}"
    );
    assert!(
        !log.to_string().contains(key.reveal()),
        "never the key itself"
    );
    let only = world
        .get("/audit?action=moderate.remove&limit=1")
        .await
        .expect(200);
    assert_eq!(only["data"].as_array().unwrap().len(), 1);
}
