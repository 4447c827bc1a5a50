//! What is left after the server went down.

use calls_model::{Call, Fact};
use reqwest::Method;
use serde_json::json;

use crate::support::{Socket, World, send};

#[actix_web::test]
async fn rooms_history_and_tokens_survive_a_restart() {
    let world = World::open().await;
    let room = world.room(json!({ "password": "x" })).await;
    let before = world.get(&format!("/rooms/{room}")).await.expect(200);
    let call = world
        .post("/initiate", json!({ "type": "audio", "to": ["ben"] }))
        .await
        .expect(201);
    let path = format!("/{}", call["call_id"].as_str().unwrap());
    world
        .post(&format!("{path}/cancel"), json!({}))
        .await
        .expect(200);
    let own = world
        .post("/connections", json!({ "user_id": "ann" }))
        .await
        .expect(201);

    let world = world.restart(true).await;

    assert_eq!(
        world.get(&format!("/rooms/{room}")).await.expect(200),
        before
    );
    assert_eq!(world.get(&path).await.expect(200)["end_reason"], "canceled");
    let token = own["token"].as_str().unwrap();
    send(world.request_as(Some(token), Method::GET, "/ice-servers"))
        .await
        .expect(200);
    let join = json!({ "user_id": "ann", "password": "x" });
    world
        .post(&format!("/rooms/{room}/join"), join)
        .await
        .expect(200);
}

#[actix_web::test]
async fn a_stop_tells_every_socket_and_writes_every_call_down() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    let (ann, welcome) = world.enter(&room, "ann").await;
    let ben = world.online("ben").await;
    let begun = std::time::Instant::now();
    let told = async {
        let told = futures_util::join!(ann.end(), ben.end());
        eprintln!("measured: told within {:?}", begun.elapsed());
        told
    };
    let (world, (ann, ben)) = futures_util::join!(world.restart(true), told);
    assert_eq!(ann, ("server_shutdown".to_owned(), 1001));
    assert_eq!(ben, ("server_shutdown".to_owned(), 1001));
    let call = welcome["call"]["call_id"].as_str().unwrap();
    let kept = world.get(&format!("/{call}")).await.expect(200);
    assert_eq!(kept["status"], "ended");
    assert_eq!(kept["end_reason"], "failed");
    assert!(kept["participants"][0]["left_at"].is_string());
}

#[actix_web::test]
async fn a_stop_keeps_to_its_time_and_tells_everybody_where_a_media_thread_is_stuck() {
    let world = World::start(true, |config| config.http.drain_seconds = 1).await;
    let room = world.room(json!({})).await;
    let (ann, _) = world.enter(&room, "ann").await;
    let (release, stuck) = std::sync::mpsc::channel::<()>();
    world.server.app().ports.on(0, move |_| {
        let _ = stuck.recv(); // ends either way
    });
    let start = std::time::Instant::now();
    let ((), ann) = futures_util::join!(world.server.stop(), ann.end());
    assert_eq!(ann, ("server_shutdown".to_owned(), 1001));
    eprintln!("measured: stopped after {:?}", start.elapsed());
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
    drop(release);
}

#[actix_web::test]
async fn a_call_that_a_crash_left_open_goes_on_at_the_next_start() {
    let world = World::open().await;
    let app = world.server.app();
    let call: Call = serde_json::from_value(json!({
        "call_id": "call_lost", "type": "audio", "status": "initiated", "participants": [],
        "started_at": null, "duration_seconds": 0, "recording": false, "transcription": false,
        "from": "ann", "to": ["ben"], "created_at": app.clock.now(),
    }))
    .unwrap();
    let fact = Fact::CallInitiated {
        call: Box::new(call),
        at: app.clock.now(),
    };
    app.store.record(vec![fact]).await.expect("it is kept");
    assert_eq!(
        world.get("/call_lost").await.expect(200)["status"],
        "initiated"
    );

    let world = world.restart(true).await;

    let live = world.get("/call_lost").await.expect(200);
    assert_eq!(live["status"], "initiated");
    assert_eq!(live["interruptions"].as_array().map(Vec::len), Some(1));
    let answer = json!({ "user_id": "ben" });
    let answered = world.post("/call_lost/answer", answer).await.expect(200);
    assert_eq!(answered["status"], "active");
}

#[actix_web::test]
async fn a_client_of_a_call_that_is_gone_is_told_to_join_anew() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    let joined = world.join(&room, "ann").await;
    let world = world.restart(true).await;
    let ws_url = world.url("/api/v1/calls/ws").replacen("http", "ws", 1);
    let mut socket = Socket::open(&ws_url).await;
    socket
        .tell("hello", json!({ "token": joined["connection"]["token"] }))
        .await;
    assert_eq!(
        socket.event("bye").await,
        json!({ "reason": "lost", "retry": "rejoin" })
    );
}
