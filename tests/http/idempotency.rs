//! `Idempotency-Key`: asking again does nothing again.

use std::time::{Duration, Instant};

use futures_util::future::{join_all, select};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::support::{Reply, World, send};

/// How long a request that runs on without its client may take.
const PATIENCE: Duration = Duration::from_secs(30);

fn keyed(world: &World, key: &str, path: &str, body: &Value) -> RequestBuilder {
    let request = world.request(Method::POST, path);
    request.header("idempotency-key", key).json(body)
}

async fn post(world: &World, key: &str, path: &str, body: Value) -> Reply {
    send(keyed(world, key, path, &body)).await
}

async fn rooms(world: &World) -> usize {
    let page = world.get("/rooms").await.expect(200);
    page["data"].as_array().expect("rows").len()
}

#[actix_web::test]
async fn the_same_request_again_gives_the_first_reply_and_does_nothing() {
    let world = World::open().await;
    let body = json!({ "name": "Daily" });
    let first = post(&world, "k1", "/rooms", body.clone()).await;
    assert_eq!(first.header("idempotent-replayed"), "");
    let (place, id) = (
        first.header("location").to_owned(),
        first.header("x-request-id").to_owned(),
    );
    let made = first.expect(201);

    let world = world.restart(true).await;

    let again = post(&world, "k1", "/rooms", body.clone()).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.header("location"), place);
    assert_eq!(again.header("content-type"), "application/json");
    assert_ne!(again.header("x-request-id"), id, "it is another request");
    assert_eq!(again.expect(201), made);
    assert_eq!(rooms(&world).await, 1);
    let other = post(&world, "k2", "/rooms", body).await.expect(201);
    assert_ne!(other["room_id"], made["room_id"]);
}

#[actix_web::test]
async fn a_key_is_for_one_request() {
    let world = World::open().await;
    let body = json!({ "name": "Daily" });
    post(&world, "k", "/rooms", body.clone()).await.expect(201);
    post(&world, "k", "/rooms", json!({ "name": "Weekly" }))
        .await
        .problem(422, "idempotency-key-reused");
    post(&world, "k", "/connections", body.clone())
        .await
        .problem(422, "idempotency-key-reused");
    let long = "x".repeat(256);
    post(&world, &long, "/rooms", body)
        .await
        .problem(422, "idempotency-key-invalid");
    assert_eq!(rooms(&world).await, 1);
}

#[actix_web::test]
async fn a_refusal_is_a_reply_too() {
    let world = World::open().await;
    let bad = json!({ "name": "" });
    let first = post(&world, "k", "/rooms", bad.clone()).await;
    let first = first.problem(422, "invalid-body");
    let again = post(&world, "k", "/rooms", bad).await;
    assert_eq!(again.header("content-type"), "application/problem+json");
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.expect(422), first);
}

#[actix_web::test]
async fn while_the_first_one_runs_another_one_is_refused() {
    let world = World::open().await;
    // Its password is hashed, which takes a while.
    let body = json!({ "name": "Daily", "password": "s3cret" });
    let both = [(); 2].map(|()| send(keyed(&world, "k", "/rooms", &body)));
    let mut replies = join_all(both).await;
    replies.sort_by_key(|reply| reply.status);
    let [made, refused] = replies.try_into().expect("two");
    made.expect(201);
    assert_eq!(refused.header("retry-after"), "1");
    refused.problem(409, "idempotency-key-in-use");
    assert_eq!(rooms(&world).await, 1);
}

#[actix_web::test]
async fn a_client_that_hangs_up_finds_its_reply_when_it_asks_again() {
    let world = World::open().await;
    let body = json!({ "name": "Daily", "password": "s3cret" });
    let [one, another] = [(); 2].map(|()| Box::pin(send(keyed(&world, "k", "/rooms", &body))));
    let (told, running) = select(one, another).await.factor_first();
    told.problem(409, "idempotency-key-in-use");
    drop(running); // hangs up
    let begun = Instant::now();
    let reply = loop {
        let reply = post(&world, "k", "/rooms", body.clone()).await;
        if reply.status.as_u16() != 409 {
            break reply;
        }
        assert!(begun.elapsed() < PATIENCE, "{}", reply.text);
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(reply.header("idempotent-replayed"), "true");
    reply.expect(201);
    assert_eq!(rooms(&world).await, 1);
}

#[actix_web::test]
async fn what_was_kept_is_for_who_asked_and_only_while_their_key_is_good() {
    let world = World::closed().await;
    let body = json!({ "user_id": "ann" });
    let first = post(&world, "k", "/connections", body.clone()).await;
    let first = first.expect(201);
    let key = world.server.first_key.clone().expect("a key");
    let app = world.server.app();
    let other = calls::auth::keys::create(
        &app.store,
        app.clock.now(),
        calls::auth::keys::Wanted::default(),
    );
    let (other, _) = other.await.expect("another key");
    let as_other = world.request_as(Some(other.reveal()), Method::POST, "/connections");
    let theirs = send(as_other.header("idempotency-key", "k").json(&body)).await;
    assert_ne!(theirs.expect(201)["token"], first["token"]);

    let revoked = app.store.revoke_api_key(key.name(), app.clock.now()).await;
    revoked.expect("it is there");
    let refused = post(&world, "k", "/connections", body).await;
    refused.problem(401, "unauthorized");
}

#[actix_web::test]
async fn no_token_lies_in_the_database_for_who_asks_again() {
    let world = World::closed().await;
    let body = json!({ "user_id": "ann" });
    let room = world.room(json!({})).await;
    for path in [format!("/rooms/{room}/join"), "/connections".to_owned()] {
        let first = post(&world, &path, &path, body.clone()).await;
        let first = first.expect(if path == "/connections" { 201 } else { 200 });
        let connection = first.get("connection").unwrap_or(&first);
        let token = connection["token"].as_str().expect("a token");
        let recordings = world.recordings();
        let folder = recordings.parent().expect("beside the database");
        for file in std::fs::read_dir(folder).expect("a folder") {
            let file = file.expect("an entry").path();
            let Ok(bytes) = std::fs::read(&file) else {
                continue; // a folder
            };
            let found = bytes
                .windows(token.len())
                .any(|bytes| bytes == token.as_bytes());
            assert!(!found, "{}", file.display());
        }
        let again = post(&world, &path, &path, body.clone()).await;
        assert_eq!(again.header("idempotent-replayed"), "true");
        let again: Value = serde_json::from_str(&again.text).expect("JSON");
        assert_eq!(again, first, "{path}: all of it, with the token");
    }
}

#[actix_web::test]
async fn headers_of_a_kept_reply_are_sealed_too_and_come_again() {
    let world = World::closed().await;
    let made = post(&world, "headers", "/rooms", json!({ "name": "Hall" })).await;
    let place = made.header("location").to_owned();
    let folder = world.recordings();
    let folder = folder.parent().expect("beside the database");
    for name in ["calls.db", "calls.db-wal"] {
        let bytes = std::fs::read(folder.join(name)).unwrap_or_default();
        let found = bytes
            .windows(place.len())
            .any(|bytes| bytes == place.as_bytes());
        assert!(!found, "{name} has {place}");
    }
    let again = post(&world, "headers", "/rooms", json!({ "name": "Hall" })).await;
    assert_eq!(again.header("location"), place);
    assert_eq!(again.header("idempotent-replayed"), "true");
}

#[actix_web::test]
async fn an_erased_user_is_given_no_token_by_a_reply_that_was_kept() {
    let world = World::closed().await;
    let ask = || {
        post(
            &world,
            "of-ann",
            "/connections",
            json!({ "user_id": "ann" }),
        )
    };
    let first = ask().await.expect(201);
    world.delete("/users/ann").await.expect(200);
    let second = ask().await;
    assert_eq!(second.header("idempotent-replayed"), "");
    assert_ne!(second.expect(201)["token"], first["token"]);
}

#[actix_web::test]
async fn a_handler_that_panics_leaves_no_claim_that_runs() {
    let world = World::open().await;
    let crash = json!({ "call_id": "call_1", "handler": true });
    let failed = post(&world, "k", "/testing/crash", crash.clone()).await;
    assert_eq!(failed.expect(500)["code"], "internal");
    let again = post(&world, "k", "/testing/crash", crash).await;
    again.problem(409, "idempotency-outcome-unknown");
}
