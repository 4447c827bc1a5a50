//! Coming back: a dropped socket keeps its place, and hears what it missed.

use std::time::Instant;

use serde_json::{Value, json};

use crate::support::World;

#[actix_web::test]
async fn a_dropped_socket_comes_back_and_hears_what_it_missed() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    let (mut ann, _) = world.enter(&room, "ann").await;
    let joined = world.join(&room, "ben").await;
    let mut ben = crate::support::Socket::hello(&joined["connection"]).await;
    let welcome = ben.find("welcome", |frame| frame["t"] == "welcome").await;
    let (seq, welcome) = (welcome["seq"].as_u64().unwrap_or(0), &welcome["d"]);

    ben.cut();
    ann.event_where("participant", |d| d["event"] == "reconnecting")
        .await;
    ann.ask("chat", json!({ "text": "did you hear?" }))
        .await
        .expect("may chat");

    let ws_url = &joined["connection"]["ws_url"];
    let mut ben = crate::support::Socket::resume(ws_url, welcome, seq).await;
    assert_eq!(ben.event("chat").await["text"], "did you hear?");
    let again = ben.event("welcome").await;
    assert_eq!(again["session"], welcome["session"]);
    assert_eq!(again["participant_id"], welcome["participant_id"]);
    let back = |d: &Value| d["event"] == "updated" && d["participant"]["user_id"] == "ben";
    ann.event_where("participant", back).await;
}

#[actix_web::test]
async fn a_session_that_the_server_does_not_know_begins_anew() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    let joined = world.join(&room, "ann").await;
    let connection = &joined["connection"];
    let claimed = json!({ "session": "made-up", "resume_token": connection["token"] });
    let mut ann = crate::support::Socket::resume(&connection["ws_url"], &claimed, 7).await;
    let welcome = ann.event("welcome").await;
    assert_ne!(welcome["session"], "made-up");
}

#[actix_web::test]
async fn who_was_removed_does_not_come_back_by_resuming() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    let (mut ann, _) = world.enter(&room, "ann").await;
    let joined = world.join(&room, "ben").await;
    let mut ben = crate::support::Socket::hello(&joined["connection"]).await;
    let welcome = ben.event("welcome").await;
    let remove = json!({ "action": "remove", "participant_id": welcome["participant_id"] });
    ann.ask("mod", remove).await.expect("a host may");
    assert_eq!(ben.end().await.0, "removed");
    let ws_url = joined["connection"]["ws_url"].as_str().unwrap();
    let mut again = crate::support::Socket::open(ws_url).await;
    let resume = json!({ "session": welcome["session"], "last_seq": 1 });
    let hello = json!({ "token": welcome["resume_token"], "resume": resume });
    let refused = again.ask("hello", hello).await.expect_err("not again");
    assert_eq!(refused["code"], "unauthorized");
    let inside = world.get(&format!("/rooms/{room}/participants")).await;
    let inside = inside.expect(200)["data"].as_array().map(Vec::len);
    assert_eq!(inside, Some(1), "ann alone");
}

#[actix_web::test]
async fn the_same_session_opened_elsewhere_replaces_the_first_socket() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    let joined = world.join(&room, "ann").await;
    let mut first = crate::support::Socket::hello(&joined["connection"]).await;
    let welcome = first.event("welcome").await;
    let ws_url = &joined["connection"]["ws_url"];
    let mut second = crate::support::Socket::resume(ws_url, &welcome, 0).await;
    assert_eq!(first.end().await, ("replaced".to_owned(), 4409));
    second
        .ask("hand", json!({ "up": true }))
        .await
        .expect("the second one works");
}

#[actix_web::test]
async fn a_panic_behind_a_socket_costs_that_socket_and_its_client_comes_back() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    let (mut ann, _) = world.enter(&room, "ann").await;
    let joined = world.join(&room, "ben").await;
    let mut ben = crate::support::Socket::hello(&joined["connection"]).await;
    let welcome = ben.event("welcome").await;
    let begun = Instant::now();
    ben.text("crash".to_owned()).await;
    let away = |d: &Value| d["event"] == "reconnecting" && d["participant"]["user_id"] == "ben";
    ann.event_where("participant", away).await;
    ann.ask("chat", json!({ "text": "did you hear?" }))
        .await
        .expect("ann's socket lives");

    let ws_url = &joined["connection"]["ws_url"];
    let mut ben = crate::support::Socket::resume(ws_url, &welcome, 0).await;
    assert_eq!(ben.event("chat").await["text"], "did you hear?");
    let again = ben.event("welcome").await;
    eprintln!("measured: back after {:?}", begun.elapsed());
    assert_eq!(again["participant_id"], welcome["participant_id"]);
}
