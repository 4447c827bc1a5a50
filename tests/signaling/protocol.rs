//! Frames, answers, events.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Socket, World, send};

fn ws_url(world: &World) -> String {
    world.url("/api/v1/calls/ws").replacen("http", "ws", 1)
}

#[actix_web::test]
async fn a_page_request_and_another_subprotocol_are_refused() {
    let world = World::open().await;
    let page = send(world.request(Method::GET, "/ws")).await;
    assert_eq!(page.header("upgrade"), "websocket");
    page.problem(426, "upgrade-required");
    for protocol in [None, Some("calls.v2")] {
        assert!(
            Socket::try_open(&ws_url(&world), protocol).await.is_err(),
            "{protocol:?}"
        );
    }
}

#[actix_web::test]
async fn the_first_frame_must_be_hello_and_its_token_good() {
    let world = World::open().await;
    let mut socket = Socket::open(&ws_url(&world)).await;
    let early = socket
        .ask("chat", json!({ "text": "hi" }))
        .await
        .expect_err("too early");
    assert_eq!(early["code"], "hello-first");
    let refused = socket
        .ask("hello", json!({ "token": "x" }))
        .await
        .expect_err("no token");
    assert_eq!(
        (&refused["code"], &refused["status"]),
        (&json!("unauthorized"), &json!(401))
    );
    assert_eq!(socket.end().await, ("unauthorized".to_owned(), 4401));
}

#[actix_web::test]
async fn what_cannot_be_read_is_answered_and_never_closes() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    let (mut ann, _) = world.enter(&room, "ann").await;
    let unknown = ann.ask("dance", json!({})).await.expect_err("unknown");
    assert_eq!(unknown["code"], "unknown-frame");
    for (text, code) in [
        ("{", "malformed-json"),
        ("[]", "invalid-frame"),
        ("{\"t\": 1}", "invalid-frame"),
        (
            "{\"t\": \"chat\", \"d\": {\"text\": \"\"}}",
            "invalid-frame",
        ),
        ("\u{0}", "malformed-json"),
    ] {
        ann.text(text).await;
        let error = ann.event("error").await;
        assert_eq!(error["code"], code, "{text:?}");
    }
    let second = ann
        .ask("hello", json!({ "token": "x" }))
        .await
        .expect_err("said already");
    assert_eq!(second["code"], "second-hello");
    ann.ask("hand", json!({ "up": true }))
        .await
        .expect("it still works");
}

#[actix_web::test]
async fn chat_data_and_hands_reach_the_others() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    let (mut ann, welcome) = world.enter(&room, "ann").await;
    let (mut ben, _) = world.enter(&room, "ben").await;
    let from = &welcome["participant_id"];

    ann.ask("chat", json!({ "text": "hello\nthere" }))
        .await
        .expect("may chat");
    let chat = ben.event("chat").await;
    assert_eq!(
        (&chat["from"], &chat["text"], &chat["number"]),
        (from, &json!("hello\nthere"), &json!(1))
    );
    ann.ask(
        "data",
        json!({ "topic": "cursor", "payload": [1, { "x": null }] }),
    )
    .await
    .expect("may");
    let data = ben.event("data").await;
    assert_eq!(
        data,
        json!({ "from": from, "topic": "cursor", "payload": [1, { "x": null }] })
    );
    ann.ask("hand", json!({ "up": true })).await.expect("may");
    assert_eq!(
        ben.event("hand").await,
        json!({ "participant_id": from, "up": true })
    );
    let long = ann
        .ask(
            "data",
            json!({ "topic": "x", "payload": "y".repeat(17_000) }),
        )
        .await;
    assert_eq!(long.expect_err("too long")["code"], "too-long");

    let (_, welcome) = world.enter(&room, "cem").await;
    assert_eq!(
        welcome["chat"][0]["text"], "hello\nthere",
        "late comers read what was said"
    );
}

#[actix_web::test]
async fn events_are_counted_without_a_gap() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    let (mut ann, _) = world.enter(&room, "ann").await;
    for n in 0..5 {
        ann.ask("chat", json!({ "text": format!("{n}") }))
            .await
            .expect("may chat");
    }
    let mut last: Option<u64> = None;
    for _ in 0..5 {
        let frame = ann.find("an event", |frame| frame["seq"].is_u64()).await;
        let seq = frame["seq"].as_u64().unwrap();
        assert!(
            last.is_none_or(|last| seq == last + 1),
            "{last:?} then {seq}"
        );
        last = Some(seq);
    }
}

#[actix_web::test]
async fn only_moderators_moderate_over_the_socket() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    let (mut ann, _) = world.enter(&room, "ann").await;
    let (mut ben, welcome) = world.enter(&room, "ben").await;
    let refused = ben
        .ask("mod", json!({ "action": "lock", "locked": true }))
        .await;
    assert_eq!(refused.expect_err("no moderator")["code"], "not-moderator");
    ann.ask("mod", json!({ "action": "lock", "locked": true }))
        .await
        .expect("the host may");
    let locked = world
        .post(&format!("/rooms/{room}/join"), json!({ "user_id": "cem" }))
        .await;
    locked.problem(403, "room-locked");
    let remove = json!({ "action": "remove", "participant_id": welcome["participant_id"] });
    ann.ask("mod", remove).await.expect("the host may");
    assert_eq!(ben.end().await, ("removed".to_owned(), 4403));
}

#[actix_web::test]
async fn a_bad_offer_is_answered_with_its_reason() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    let (mut ann, _) = world.enter(&room, "ann").await;
    let refused = ann
        .ask("offer", json!({ "sdp": "v=0\r\n" }))
        .await
        .expect_err("no offer");
    assert_eq!(
        (&refused["code"], &refused["status"]),
        (&json!("sdp-invalid"), &json!(422))
    );
    assert_ne!(refused["detail"], Value::Null);
}

#[actix_web::test]
async fn a_users_own_socket_rings_and_does_nothing_else() {
    let world = World::open().await;
    let mut ben = world.online("ben").await;
    let refused = ben
        .ask("chat", json!({ "text": "hi" }))
        .await
        .expect_err("in no call");
    assert_eq!(refused["code"], "forbidden");
    ben.ask("leave", json!({})).await.expect("may leave");
    assert_eq!(ben.end().await, ("left".to_owned(), 1000));
}
