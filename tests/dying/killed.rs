//! `kill -9` with calls running.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::Socket;
use crate::support::api::Api;
use crate::support::receiver::Receiver;
use crate::support::serving::{Serving, calls};

/// What the product promises: so long after the restart everybody is back.
const BACK_WITHIN: Duration = Duration::from_secs(5);

/// The same place again, as a service manager starts it.
pub(super) fn again(folder: &Path, address: &str) -> Command {
    let mut command = calls(folder, "serve --dev");
    command
        .env("CALLS__HTTP__BIND", address)
        .env("CALLS__WEBHOOKS__ALLOW_PRIVATE", "true")
        .env("CALLS__WEBHOOKS__RETRY_SECONDS", "1");
    command
}

#[actix_web::test]
async fn who_was_in_a_call_is_in_it_again_with_token_and_role_and_history_has_one_call_with_a_gap()
{
    let folder = tempfile::tempdir().unwrap();
    let server = Serving::start(again(folder.path(), "127.0.0.1:0"));
    let address = server.address.clone();
    let api = Api::of(&server);
    let room = api.post("/rooms", json!({ "name": "Hall" })).await;
    let room = room["room_id"].as_str().unwrap();
    let (ann, joined, ann_before) = api.enter(room, "ann").await;
    let (ben, ben_joined, ben_before) = api.enter(room, "ben").await;
    let call = ann_before["call"]["call_id"].as_str().unwrap().to_owned();
    server.kill();
    assert_eq!(ann.end().await.0, "", "nobody could say goodbye");
    drop(ben);

    let server = Serving::start(again(folder.path(), &address));
    let restarted = Instant::now();
    let ws_url = &joined["connection"]["ws_url"];
    let mut ann = Socket::resume(ws_url, &ann_before, 1).await;
    let ann_after = ann.event("welcome").await;
    let mut ben = Socket::resume(ws_url, &ben_before, 1).await;
    let ben_after = ben.event("welcome").await;
    eprintln!("measured: back after {:?}", restarted.elapsed());
    assert!(
        restarted.elapsed() < BACK_WITHIN,
        "{:?}",
        restarted.elapsed()
    );
    for (before, after) in [(&ann_before, &ann_after), (&ben_before, &ben_after)] {
        assert_eq!(before["participant_id"], after["participant_id"]);
        assert_eq!(after["call"]["call_id"], call.as_str());
        assert_eq!(after["roster"].as_array().map(Vec::len), Some(2));
    }
    let role = |welcome: &Value, of: &Value| {
        let roster = welcome["roster"].as_array().unwrap().clone();
        let mut found = roster
            .into_iter()
            .filter(|one| one["participant_id"] == *of);
        found.next().unwrap()["role"].clone()
    };
    let host = &ann_before["participant_id"];
    assert_eq!(role(&ann_before, host), role(&ann_after, host));
    ann.ask("mod", json!({ "action": "mute_all" }))
        .await
        .expect("ann is host again");

    // The tokens of before are good for REST too.
    let token = ben_joined["connection"]["token"].as_str().unwrap();
    let own = api
        .http
        .get(format!("{}/{call}", api.base))
        .bearer_auth(token);
    assert_eq!(own.send().await.unwrap().status(), 200);

    let history = api.get(&format!("/history?room_id={room}")).await;
    assert_eq!(
        history["data"].as_array().map(Vec::len),
        Some(1),
        "{history}"
    );
    let kept = &history["data"][0];
    assert_eq!(kept["status"], "active");
    let gap = &kept["interruptions"][0];
    assert!(gap["from"].as_str() < gap["until"].as_str(), "{gap}");

    ann.tell("leave", json!({})).await;
    ben.tell("leave", json!({})).await;
    assert_eq!(
        (ann.end().await.0, ben.end().await.0),
        ("left".into(), "left".into())
    );
    assert_eq!(server.stop().0, Some(0)); // all that happened is written down then
    let server = Serving::start(again(folder.path(), &address));
    let events = Api::of(&server).events(&call).await;
    let count = |name: &str| events.iter().filter(|event| event["type"] == name).count();
    assert_eq!(count("call.recovered"), 1);
    assert_eq!(count("participant.joined"), 2, "nobody came in twice");
    assert_eq!(
        count("participant.left"),
        2,
        "and everybody who came in has left"
    );
    assert_eq!(count("call.ended"), 1);
    assert_eq!(server.stop().0, Some(0));
}

#[actix_web::test]
async fn what_nobody_was_told_before_the_kill_is_told_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let server = Serving::start(again(folder.path(), "127.0.0.1:0"));
    let address = server.address.clone();
    let api = Api::of(&server);
    let mut receiver = Receiver::start();
    receiver.answer(503);
    let hook = json!({ "url": receiver.url, "events": ["room.created"] });
    api.post("/webhooks", hook).await;
    let mut rooms = Vec::new();
    for number in 0..10 {
        let room = api
            .post("/rooms", json!({ "name": format!("Room {number}") }))
            .await;
        rooms.push(room["room_id"].as_str().unwrap().to_owned());
    }
    server.kill();
    while receiver.try_next().is_some() {}
    receiver.answer(200);
    let server = Serving::start(again(folder.path(), &address));
    let mut told = std::collections::BTreeSet::new();
    while told.len() < rooms.len() {
        let event = receiver.next().await.json();
        told.insert(event["subject"].as_str().unwrap().to_owned());
    }
    assert_eq!(told, rooms.into_iter().collect());
    assert_eq!(server.stop().0, Some(0));
}

#[actix_web::test]
async fn a_panic_of_the_registry_ends_the_process_and_the_next_start_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Serving::start(again(folder.path(), "127.0.0.1:0"));
    let address = server.address.clone();
    let api = Api::of(&server);
    let room = api.room().await;
    let (ann, joined, before) = api.enter(&room, "ann").await;
    let call = &before["call"]["call_id"];
    let crash = json!({ "call_id": call, "registry": true });
    // There may be nobody left who answers.
    let _ = api.try_post("/testing/crash", crash).await;
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = server.child.try_wait().expect("it is ours") {
            break status;
        }
        assert!(begun.elapsed() < BACK_WITHIN, "it still runs");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(!status.success(), "whoever watches over it starts it again");
    drop(ann);

    let server = Serving::start(again(folder.path(), &address));
    let ws_url = &joined["connection"]["ws_url"];
    let mut ann = Socket::resume(ws_url, &before, 1).await;
    let after = ann.event("welcome").await;
    assert_eq!(before["participant_id"], after["participant_id"]);
    assert_eq!(&after["call"]["call_id"], call);
    server.kill();
}
