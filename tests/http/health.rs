//! Whether the server is ready, and who keeps it from being so.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{World, send};

/// What `/readyz` says, once it has this status.
async fn readiness(world: &World, status: u16) -> Value {
    for _ in 0..150 {
        let reply = send(world.page(Method::GET, "/readyz")).await;
        if reply.status.as_u16() == status {
            return reply.expect(status);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it never answered {status}");
}

/// Waits until the metrics have this line.
async fn counted(world: &World, line: &str) {
    let mut metrics = String::new();
    for _ in 0..50 {
        metrics = send(world.page(Method::GET, "/metrics")).await.text;
        if metrics.contains(line) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{line} is not in {metrics}");
}

#[actix_web::test]
async fn a_media_thread_that_is_stuck_is_named_until_it_is_not() {
    let world = World::open().await;
    assert_eq!(readiness(&world, 200).await["late"], json!([]));

    let (release, stuck) = std::sync::mpsc::channel::<()>();
    world.server.app().ports.on(0, move |_| {
        let _ = stuck.recv(); // ends either way
    });
    assert_eq!(readiness(&world, 503).await["late"], json!(["media-0"]));
    // Counted once a second.
    counted(&world, r#"calls_heartbeats_late_total{of="media-0"} 1"#).await;

    drop(release);
    assert_eq!(readiness(&world, 200).await["late"], json!([]));
}

#[actix_web::test]
async fn everything_that_is_counted_is_explained() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    let (_ann, _) = world.enter(&room, "ann").await;
    let metrics = send(world.page(Method::GET, "/metrics")).await.text;
    let kinds = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .filter_map(|line| line.split(' ').next());
    let mut count = 0;
    for name in kinds {
        assert!(metrics.contains(&format!("# HELP {name} ")), "{name}");
        count += 1;
    }
    assert!(count > 10, "{metrics}");
}

#[actix_web::test]
async fn what_understands_speech_is_told_and_its_absence_keeps_no_server_from_being_ready() {
    let world = World::open().await;
    let speech = readiness(&world, 200).await["speech"].clone();
    assert_eq!(speech["engine"], "vosk");
    assert_eq!(speech["version"], "0.3.45", "{speech}");
    assert_eq!(speech["languages"], json!(["en"]));
    assert_eq!(speech["error"], Value::Null);

    let world = World::start(true, |config| {
        config.transcription.library = "/nowhere/libvosk.so".into();
    })
    .await;
    let speech = readiness(&world, 200).await["speech"].clone();
    let error = speech["error"].as_str().expect("why");
    assert!(error.contains("the speech engine is missing"), "{error}");
    assert!(
        !speech.to_string().contains("libvosk"),
        "anybody may ask: {speech}"
    );
}
