//! Limits: what one key, one address and one room may ask for, and that others do not feel it.

use calls::auth::keys::{self, Wanted};
use reqwest::Method;
use serde_json::json;

use super::whip::OFFER;
use crate::support::{Reply, Socket, World, send};

async fn rooms(world: &World, key: &str) -> Reply {
    send(world.request_as(Some(key), Method::GET, "/rooms")).await
}

#[actix_web::test]
async fn a_key_that_asks_too_often_waits_and_another_does_not() {
    let world = World::start(false, |config| {
        config.limits.requests_per_key = 1;
        config.limits.requests_per_key_burst = 3;
    })
    .await;
    let app = world.server.app();
    let made = keys::create(&app.store, app.clock.now(), Wanted::default()).await;
    let (other, _) = made.expect("a key");
    let first = world.server.first_key.clone().expect("a key");
    let answered = rooms(&world, first.reveal()).await;
    let policy = answered.header("ratelimit-policy");
    assert_eq!(policy, "\"address\";q=2000;w=4, \"key\";q=3;w=3");
    assert!(
        answered.header("ratelimit").starts_with("\"key\";r=2;t="),
        "{answered:?}"
    );
    answered.expect(200);
    let mut refused = None;
    for _ in 0..10 {
        let answered = rooms(&world, first.reveal()).await;
        if answered.status == 429 {
            refused = Some(answered);
            break;
        }
    }
    let refused = refused.expect("three at once, and one a second");
    assert_eq!(refused.header("retry-after"), "1");
    assert!(
        refused.header("ratelimit").starts_with("\"key\";r=0;t=1"),
        "{refused:?}"
    );
    refused.problem(429, "rate-limited");
    rooms(&world, other.reveal()).await.expect(200);
    let counted = send(world.page(Method::GET, "/metrics")).await.text;
    assert!(
        counted.contains("calls_limits_hit_total{limit=\"key\"}"),
        "it is counted"
    );
}

#[actix_web::test]
async fn an_address_that_asks_too_often_waits_and_health_is_still_told() {
    let world = World::start(true, |config| {
        config.limits.requests_per_address = 1;
        config.limits.requests_per_address_burst = 2;
        config.http.behind_proxy = true;
    })
    .await;
    let from = |address: &'static str| {
        send(
            world
                .request(Method::GET, "/rooms")
                .header("x-forwarded-for", address),
        )
    };
    let mut answers = Vec::new();
    for _ in 0..6 {
        answers.push(from("192.0.2.1").await.status.as_u16());
    }
    assert!(answers.contains(&429), "{answers:?}");
    from("192.0.2.2").await.expect(200);
    send(world.page(Method::GET, "/healthz")).await.expect(200);
}

#[actix_web::test]
async fn a_room_that_too_many_come_into_at_once_lets_the_next_wait_and_another_room_does_not() {
    let world = World::start(true, |config| {
        config.limits.joins_per_room = 1;
        config.limits.joins_per_room_burst = 2;
    })
    .await;
    let (room, other) = (world.room(json!({})).await, world.room(json!({})).await);
    let mut answers = Vec::new();
    for number in 0..6 {
        let body = json!({ "user_id": format!("user-{number}") });
        let joined = world.post(&format!("/rooms/{room}/join"), body).await;
        answers.push(joined.status.as_u16());
    }
    assert!(
        answers.starts_with(&[200, 200]) && answers.contains(&429),
        "{answers:?}"
    );
    world.join(&other, "ann").await;
}

#[actix_web::test]
async fn who_brings_no_good_credentials_uses_up_no_room() {
    let world = World::start(false, |config| {
        config.limits.joins_per_room = 1;
        config.limits.joins_per_room_burst = 1;
    })
    .await;
    let room = world.room(json!({})).await;
    let path = format!("/rooms/{room}/join");
    for bearer in [
        None,
        Some("calls_0a1b2c3d_00000000000000000000000000000000"),
        Some("x"),
    ] {
        let stranger = world.request_as(bearer, Method::POST, &path);
        let refused = send(stranger.json(&json!({ "user_id": "eve" }))).await;
        refused.problem(401, "unauthorized");
    }
    world.join(&room, "ann").await;
    // However its path is written, it is the same room.
    let path = path.replace("join", "%6Aoin");
    let again = world.post(&path, json!({ "user_id": "ben" })).await;
    again.problem(429, "rate-limited");
}

#[actix_web::test]
async fn an_address_has_only_so_many_sockets_and_gets_back_what_it_closes() {
    let world = World::start(true, |config| config.limits.sockets_per_address = 2).await;
    let line = world
        .post("/connections", json!({ "user_id": "ann" }))
        .await
        .expect(201);
    let url = line["ws_url"].as_str().unwrap();
    let one = Socket::try_open(url, Some("calls.v1"))
        .await
        .expect("the first");
    let _two = Socket::try_open(url, Some("calls.v1"))
        .await
        .expect("the second");
    assert!(Socket::try_open(url, Some("calls.v1")).await.is_err());
    one.cut();
    let mut opened = false;
    for _ in 0..50 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        if Socket::try_open(url, Some("calls.v1")).await.is_ok() {
            opened = true;
            break;
        }
    }
    assert!(opened, "what was closed may be opened again");
}

#[actix_web::test]
async fn what_one_client_and_one_room_may_have_is_configured_told_and_counted() {
    let world = World::start(true, |config| {
        config.limits.audio_tracks_per_client = 1;
        config.limits.video_slots_per_client = 2;
        config.limits.hidden_per_room = 1;
        config.auth.password_tries = 1;
    })
    .await;
    let room = world.room(json!({ "max_participants": 1 })).await;
    let (mut ann, welcome) = world.enter(&room, "ann").await;
    assert_eq!(welcome["limits"]["video_slots"], 2);
    let line = |mid: usize, kind: &str, says: &str| {
        let section = OFFER.split_at(OFFER.find("m=audio").expect("a section")).1;
        let section = match kind {
            "audio" => section.to_owned(),
            _ => section
                .replace(
                    "m=audio 9 UDP/TLS/RTP/SAVPF 111",
                    "m=video 9 UDP/TLS/RTP/SAVPF 96",
                )
                .replace("a=rtpmap:111 opus/48000/2", "a=rtpmap:96 VP8/90000")
                .replace("a=fmtp:111 minptime=10;useinbandfec=1\r\n", ""),
        };
        section
            .replace("a=mid:0", &format!("a=mid:{mid}"))
            .replace("a=sendonly", says)
            .replace("a=ssrc:1 ", &format!("a=ssrc:{} ", mid + 1))
    };
    let offer = |kinds: &[(&str, &str)]| {
        let head = OFFER.split_at(OFFER.find("m=audio").expect("a section")).0;
        let mids: Vec<String> = (0..kinds.len()).map(|mid| mid.to_string()).collect();
        let head = head.replace("BUNDLE 0", &format!("BUNDLE {}", mids.join(" ")));
        let lines = kinds.iter().enumerate();
        lines.fold(head, |sdp, (mid, (kind, says))| {
            sdp + &line(mid, kind, says)
        })
    };
    let mute =
        json!([{ "mid": "0", "source": "microphone" }, { "mid": "1", "source": "screen_audio" }]);
    let two = json!({ "sdp": offer(&[("audio", "a=sendonly"); 2]), "publish": mute });
    let refused = ann.ask("offer", two).await.expect_err("one is allowed");
    assert_eq!(refused["code"], "sdp-too-many-tracks");
    let three = json!({ "sdp": offer(&[("video", "a=recvonly"); 3]) });
    let refused = ann.ask("offer", three).await.expect_err("two are allowed");
    assert_eq!(refused["code"], "sdp-too-many-slots");
    let two = json!({ "sdp": offer(&[("video", "a=recvonly"); 2]) });
    ann.ask("offer", two).await.expect("that fits");

    let join = |body: serde_json::Value| {
        let path = format!("/rooms/{room}/join");
        let world = &world;
        async move { world.post(&path, body).await }
    };
    join(json!({ "user_id": "ben" }))
        .await
        .problem(409, "room-full");
    let grants = json!(["hidden", "subscribe"]);
    join(json!({ "user_id": "eve", "grants": grants }))
        .await
        .expect(200);
    join(json!({ "user_id": "mia", "grants": grants }))
        .await
        .problem(409, "room-full");
    let closed = world.room(json!({ "password": "s3cret" })).await;
    let path = format!("/rooms/{closed}/join");
    for (status, code) in [(403, "wrong-password"), (429, "rate-limited")] {
        let wrong = json!({ "user_id": "eve", "password": "x" });
        world.post(&path, wrong).await.problem(status, code);
    }
    let counted = send(world.page(Method::GET, "/metrics")).await.text;
    for limit in ["tracks", "slots", "room", "hidden", "passwords"] {
        let line = format!("calls_limits_hit_total{{limit=\"{limit}\"}}");
        assert!(counted.contains(&line), "{limit}");
    }
}

#[actix_web::test]
async fn no_more_calls_are_transcribed_than_may_be_and_one_that_ends_makes_room() {
    let world = World::start(true, |config| config.transcription.most = 1).await;
    let mut calls = Vec::new();
    for _ in 0..2 {
        let room = world.room(json!({})).await;
        let joined = world.join(&room, "ann").await;
        calls.push(format!(
            "/{}/transcribe",
            joined["call_id"].as_str().unwrap()
        ));
    }
    world.post(&calls[0], json!({})).await.expect(201);
    let refused = world.post(&calls[1], json!({})).await;
    assert_eq!(refused.header("retry-after"), "2");
    refused.problem(503, "unavailable");
    world.delete(&calls[0]).await;
    for _ in 0..100 {
        let begun = world.post(&calls[1], json!({})).await;
        if begun.status == 201 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the other one is still refused");
}
