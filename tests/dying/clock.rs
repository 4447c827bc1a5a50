//! Somebody sets the machine's clock: calls go on, and nobody is thrown out by it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::Socket;
use crate::support::api::Api;
use crate::support::receiver::Receiver;
use crate::support::serving::{Serving, calls};

/// How long facts may take into the database of a busy machine.
const WRITTEN_WITHIN: Duration = Duration::from_secs(20);

/// The library of Debian's package `faketime`, which tells a program another time.
fn faketime() -> PathBuf {
    let libraries = std::fs::read_dir("/usr/lib").expect("Linux").flatten();
    let found = libraries
        .map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"))
        .find(|file| file.exists());
    found.expect("faketime is installed (scripts/setup test)")
}

#[actix_web::test]
async fn a_jump_of_the_clock_either_way_ends_no_call_and_loses_no_event() {
    let folder = tempfile::tempdir().unwrap();
    let time = folder.path().join("time");
    let set = |offset: &str| std::fs::write(&time, format!("{offset}\n")).expect("written");
    set("+0");
    let mut command = calls(folder.path(), "serve --dev");
    command
        .env("LD_PRELOAD", faketime())
        .env("FAKETIME_TIMESTAMP_FILE", &time)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1") // nobody can set that one
        .env("CALLS__WEBHOOKS__ALLOW_PRIVATE", "true")
        .env("CALLS__WEBHOOKS__RETRY_SECONDS", "1");
    let server = Serving::start(command);
    let api = Api::of(&server);
    let mut receiver = Receiver::start();
    let hook = json!({ "url": receiver.url, "events": ["room.created"] });
    api.post("/webhooks", hook).await;
    let room = api.room().await;
    receiver.next().await;
    let (mut ann, joined, welcome) = api.enter(&room, "ann").await;
    let (mut ben, _, _) = api.enter(&room, "ben").await;
    let call = welcome["call"]["call_id"].as_str().unwrap().to_owned();
    let mut said = 0;
    let mut slowest = Duration::ZERO;
    for offset in ["+3h", "-2h", "+400d", "-1d"] {
        set(offset);
        tokio::time::sleep(Duration::from_millis(300)).await;
        said += 1;
        let begun = Instant::now();
        ann.ask("chat", json!({ "text": format!("chat {said}") }))
            .await
            .expect("it is said");
        ben.event_where("chat", |chat| chat["text"] == format!("chat {said}"))
            .await;
        slowest = slowest.max(begun.elapsed());
        let ready = reqwest::get(server.url("/readyz")).await.unwrap();
        assert_eq!(ready.status(), 200, "{offset}");
        let page = api.get("/events?limit=1").await;
        assert!(page["data"].is_array(), "{offset}: {page}");
        api.room().await;
        receiver.next().await; // an event of any time is delivered
    }
    eprintln!("measured: said and heard within {slowest:?}");
    // Back where it was within the life of a token, a socket that was lost is found again.
    set("+1h");
    ann.cut();
    let last = 1;
    let mut ann = Socket::resume(&joined["connection"]["ws_url"], &welcome, last).await;
    let again = ann.event("welcome").await;
    assert_eq!(again["participant_id"], welcome["participant_id"]);
    set("-5h");
    for socket in [&mut ann, &mut ben] {
        socket.tell("leave", json!({})).await;
    }
    assert_eq!(ann.end().await.0, "left");
    assert_eq!(ben.end().await.0, "left");
    let begun = Instant::now();
    let events = loop {
        let events = api.events(&call).await;
        let left = |event: &&Value| event["type"] == "participant.left";
        if events.iter().filter(left).count() == 2 || begun.elapsed() > WRITTEN_WITHIN {
            break events;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let kept = api.get(&format!("/{call}")).await;
    assert!(kept["duration_seconds"].as_i64() >= Some(0), "{kept}");
    let count = |name: &str| events.iter().filter(|event| event["type"] == name).count();
    assert_eq!(count("participant.joined"), 2, "{events:?}");
    assert_eq!(count("participant.left"), 2, "{events:?}");
    let seqs: Vec<u64> = events
        .iter()
        .filter_map(|event| event["seq"].as_u64())
        .collect();
    assert!(
        seqs.is_sorted(),
        "the order is that of what happened: {seqs:?}"
    );
    assert_eq!(server.stop().0, Some(0));
}
