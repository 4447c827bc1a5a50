//! What one socket may not do to the server.

use std::time::{Duration, Instant};

use calls::config::Config;
use futures_util::future::join;
use reqwest::Method;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::support::{Socket, World, send};

fn ws_url(world: &World) -> String {
    world.url("/api/v1/calls/ws").replacen("http", "ws", 1)
}

#[actix_web::test]
async fn a_socket_that_says_nothing_is_closed() {
    let world = World::open().await;
    let begin = Instant::now();
    let socket = Socket::open(&ws_url(&world)).await;
    assert_eq!(socket.end().await, ("timed_out".to_owned(), 4408));
    let waited = begin.elapsed();
    assert!(
        (Duration::from_secs(4)..Duration::from_secs(8)).contains(&waited),
        "{waited:?}"
    );
}

#[actix_web::test]
async fn frames_that_are_no_text_or_too_large_end_the_socket() {
    let world = World::open().await;
    let mut binary = Socket::open(&ws_url(&world)).await;
    binary.message(Message::binary(vec![1, 2, 3])).await;
    assert_eq!(binary.end().await, ("bad_frame".to_owned(), 1009));
    let mut large = Socket::open(&ws_url(&world)).await;
    large.text("x".repeat(256 * 1024 + 1)).await;
    assert_eq!(large.end().await, ("bad_frame".to_owned(), 1009));
    let mut fits = Socket::open(&ws_url(&world)).await;
    fits.text(format!("\"{}\"", "x".repeat(256 * 1024 - 2)))
        .await;
    assert_eq!(fits.event("error").await["code"], "invalid-frame");
}

#[actix_web::test]
async fn a_flood_is_slowed_and_then_closed_while_others_go_on() {
    let strict = |config: &mut Config| {
        config.limits.frames_per_second = 20;
        config.limits.frames_burst = 20;
        config.limits.flood_seconds = 2;
    };
    let world = World::start(true, strict).await;
    let room = world.room(json!({})).await;
    let (mut ann, _) = world.enter(&room, "ann").await;
    let (mut eve, _) = world.enter(&room, "eve").await;
    let begin = Instant::now();
    let flood = async {
        let hand = json!({ "t": "hand", "d": { "up": true } }).to_string();
        for _ in 0..5_000 {
            if !eve.try_text(hand.clone()).await {
                break;
            }
        }
        eve.end().await.0
    };
    let calm = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let asked = Instant::now();
        ann.ask("chat", json!({ "text": "still here" }))
            .await
            .expect("is answered");
        asked.elapsed()
    };
    let (reason, answered_in) = join(flood, calm).await;
    eprintln!(
        "measured: closed after {:?}, others within {answered_in:?}",
        begin.elapsed()
    );
    assert_eq!(reason, "rate_limited");
    assert!(
        begin.elapsed() >= Duration::from_secs(2),
        "it was slowed before"
    );
    assert!(answered_in < Duration::from_secs(1), "{answered_in:?}");
}

#[actix_web::test]
async fn pings_pongs_and_fragments_without_end_cost_what_frames_cost() {
    let strict = |config: &mut Config| {
        config.limits.frames_per_second = 5; // few, so that a busy machine's late timers are no pause by themselves
        config.limits.frames_burst = 5;
        config.limits.flood_seconds = 1;
    };
    let world = World::start(true, strict).await;
    let begin = Message::Frame(Frame::message("{", OpCode::Data(Data::Text), false));
    let more = Message::Frame(Frame::message("", OpCode::Data(Data::Continue), false));
    for (first, rest) in [
        (Message::Ping("x".into()), Message::Ping("x".into())),
        (Message::Pong("x".into()), Message::Pong("x".into())),
        (begin, more),
    ] {
        let mut eve = world.online("eve").await;
        eve.message(first).await;
        for _ in 0..1_000 {
            if !eve.try_message(rest.clone()).await {
                break;
            }
        }
        assert_eq!(
            eve.end().await,
            ("rate_limited".to_owned(), 4429),
            "{rest:?}"
        );
    }
}

#[actix_web::test]
async fn a_socket_has_only_so_many_requests_without_an_answer() {
    const MOST: u64 = 64;
    let world = World::open().await;
    let room = world.room(json!({})).await;
    let (mut ann, _) = world.enter(&room, "ann").await;
    let ports = &world.server.app().ports;
    let (release, stuck) = std::sync::mpsc::channel::<()>();
    assert_eq!(ports.pulses().len(), 1, "where her participant lives");
    ports.on(0, move |_| {
        let _ = stuck.recv(); // ends either way
    });
    let ask = |id: u64| json!({ "t": "hand", "id": id, "d": { "up": true } }).to_string();
    for id in 1_000..=1_000 + MOST {
        ann.text(ask(id)).await;
    }
    let refused = ann.answer(1_000 + MOST).await;
    assert_eq!(refused["code"], "rate-limited", "{refused}");
    let counted = send(world.page(Method::GET, "/metrics")).await.text;
    assert!(counted.contains("calls_limits_hit_total{limit=\"unanswered\"} 1"));
    drop(release);
    for id in 1_000..1_000 + MOST {
        assert_eq!(ann.answer(id).await["code"], json!(null), "{id}");
    }
    ann.ask("hand", json!({ "up": false }))
        .await
        .expect("there is room again");
}
