//! The database is away for a while: calls go on, and nothing is lost.

use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use serde_json::{Value, json};

use crate::support::Socket;
use crate::support::api::Api;
use crate::support::postgres::Postgres;
use crate::support::serving::{Serving, calls};

/// So long is the place of somebody kept who vanished.
const PLACE_KEPT: Duration = Duration::from_secs(30);

/// How long the database is away; `make chaos` has a minute.
fn outage() -> Duration {
    let seconds = std::env::var("CALLS_TEST_OUTAGE_SECONDS").ok();
    let seconds = seconds.and_then(|text| text.parse().ok());
    Duration::from_secs(seconds.unwrap_or(3))
}

/// They hear each other, in writing.
async fn talk(one: &mut Socket, other: &mut Socket, text: &str) {
    one.ask("chat", json!({ "text": text }))
        .await
        .expect("it is said");
    let heard = other.event_where("chat", |chat| chat["text"] == text).await;
    assert_eq!(heard["text"], text);
}

/// Waits until this is told of a call so often.
async fn told(api: &Api, call: &str, name: &str, times: usize) -> Vec<Value> {
    for _ in 0..200 {
        let events = api.events(call).await;
        let found: Vec<Value> = events
            .into_iter()
            .filter(|one| one["type"] == name)
            .collect();
        if found.len() >= times {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{name} was not told {times} times");
}

#[actix_web::test]
async fn calls_go_on_while_postgresql_is_away_and_nothing_is_lost_not_even_by_a_kill() {
    let postgres = Postgres::start();
    let folder = tempfile::tempdir().unwrap();
    let serve = |address: &str| {
        let mut command = calls(folder.path(), "serve --dev");
        command
            .env("CALLS__DATABASE__URL", postgres.url())
            .env("CALLS__HTTP__BIND", address);
        Serving::start(command)
    };
    let server = serve("127.0.0.1:0");
    let address = server.address.clone();
    let api = Api::of(&server);
    let room = api.room().await;
    let (mut ann, _, welcome) = api.enter(&room, "ann").await;
    let (mut ben, _, _) = api.enter(&room, "ben").await;
    let (cat, _, _) = api.enter(&room, "cat").await;
    let call = welcome["call"]["call_id"].as_str().unwrap().to_owned();

    postgres.stop();
    talk(&mut ann, &mut ben, "is it away?").await;
    let refused = api
        .try_post("/rooms", json!({ "name": "Later" }))
        .await
        .unwrap();
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    let ready = reqwest::get(server.url("/readyz")).await.unwrap();
    assert_eq!(ready.status(), 503);
    cat.cut();
    ben.tell("leave", json!({})).await;
    assert_eq!(ben.end().await.0, "left");
    let back = Instant::now() + outage();
    while let Some(left) = back.checked_duration_since(Instant::now()) {
        ann.ask("hand", json!({ "up": true }))
            .await
            .expect("the room is well");
        tokio::time::sleep(left.min(Duration::from_secs(5))).await;
    }
    postgres.again();

    let begun = Instant::now();
    let left = told(&api, &call, "participant.left", 1).await;
    eprintln!("measured: written after {:?}", begun.elapsed());
    assert_eq!(left[0]["data"]["reason"], "left");
    api.room().await;
    let (dan, _, _) = api.enter(&room, "dan").await;

    // And now the server dies too, before the database is back.
    postgres.stop();
    let mut dan = dan;
    dan.tell("leave", json!({})).await;
    assert_eq!(dan.end().await.0, "left");
    let spool = folder.path().join("data/facts.spool");
    for _ in 0..100 {
        if spool.exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(spool.exists(), "what waits is on disk");
    server.kill();
    postgres.again();
    let server = serve(&address);
    // Ben and Dan, and Cat, where the outage was longer than her place is kept.
    let gone = 2 + usize::from(outage() > PLACE_KEPT);
    let left = told(&Api::of(&server), &call, "participant.left", gone).await;
    assert_eq!(left.len(), gone, "each once: {left:?}");
    assert!(!spool.exists(), "nothing waits any more");
    assert_eq!(server.stop().0, Some(0));
}

#[actix_web::test]
async fn calls_go_on_while_sqlite_is_locked_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let server = Serving::start(calls(folder.path(), "serve --dev"));
    let api = Api::of(&server);
    let room = api.room().await;
    let (mut ann, _, welcome) = api.enter(&room, "ann").await;
    let (mut ben, _, _) = api.enter(&room, "ben").await;
    let call = welcome["call"]["call_id"].as_str().unwrap().to_owned();
    let path = folder.path().join("data/calls.db");
    let mut other: diesel::SqliteConnection =
        diesel::Connection::establish(path.to_str().unwrap()).unwrap();
    other
        .batch_execute("PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE")
        .unwrap();

    let refused = api.try_post("/rooms", json!({ "name": "Later" }));
    let talks = async {
        talk(&mut ann, &mut ben, "is it locked?").await;
        ben.tell("leave", json!({})).await;
        assert_eq!(ben.end().await.0, "left");
    };
    let (refused, ()) = futures_util::join!(refused, talks);
    let refused = refused.unwrap();
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    other.batch_execute("COMMIT").unwrap();

    told(&api, &call, "participant.left", 1).await;
    api.room().await;
    assert_eq!(server.stop().0, Some(0));
}
