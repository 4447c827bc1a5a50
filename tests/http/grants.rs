//! What an application narrows a token to holds on its socket, by REST, and after coming back.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Socket, World, send};

async fn narrowed(world: &World, room: &str, user: &str, role: &str, grants: Value) -> Value {
    let body = json!({ "user_id": user, "role": role, "grants": grants });
    world
        .post(&format!("/rooms/{room}/join"), body)
        .await
        .expect(200)
}

fn code(refused: Result<Value, Value>) -> String {
    let refused = refused.expect_err("it was taken away");
    refused["code"].as_str().expect("a code").to_owned()
}

#[actix_web::test]
async fn a_moderators_token_without_grants_moderates_records_and_publishes_nothing() {
    let world = World::closed().await;
    let room = world.room(json!({})).await;
    let (_host, _) = world.enter(&room, "ann").await;
    let joined = narrowed(&world, &room, "mia", "moderator", json!(["subscribe"])).await;
    let token = joined["connection"]["token"].as_str().unwrap().to_owned();
    let call = joined["call_id"].as_str().unwrap().to_owned();
    let mut mia = Socket::hello(&joined["connection"]).await;
    let welcome = mia.event("welcome").await;
    let microphone = json!({ "sdp": "v=0", "publish": [{ "mid": "0", "source": "microphone" }] });
    let requests = [
        ("mod", json!({ "action": "mute_all" })),
        ("record", json!({ "on": true, "mode": "audio" })),
        ("transcribe", json!({ "on": true })),
        ("chat", json!({ "text": "hello" })),
        ("offer", microphone),
    ];
    for (t, d) in requests {
        assert_eq!(code(mia.ask(t, d).await), "not-granted", "{t}");
    }
    mia.ask("hand", json!({ "up": true }))
        .await
        .expect("nobody took that away");
    for path in ["participants/mute-all", "record/stop", "say"] {
        let path = format!("/{call}/{path}");
        let request = world.request_as(Some(&token), Method::POST, &path);
        let refused = send(request.json(&json!({ "text": "hello" }))).await;
        refused.problem(403, "not-granted");
    }
    // Neither the token to resume with nor another join gives it back.
    mia.cut();
    let ws_url = &joined["connection"]["ws_url"];
    let mut again = Socket::resume(ws_url, &welcome, 0).await;
    let refused = again.ask("mod", json!({ "action": "mute_all" })).await;
    assert_eq!(code(refused), "not-granted");
    let path = format!("/rooms/{room}/join");
    let join = |body: Value| {
        send(
            world
                .request_as(Some(&token), Method::POST, &path)
                .json(&body),
        )
    };
    let wider = join(json!({ "user_id": "mia", "grants": ["moderate"] })).await;
    wider.problem(403, "forbidden");
    let rejoined = join(json!({ "user_id": "mia" })).await.expect(200);
    let mut anew = Socket::hello(&rejoined["connection"]).await;
    anew.event("welcome").await;
    assert_eq!(
        code(anew.ask("chat", json!({ "text": "hello" })).await),
        "not-granted"
    );
}

#[actix_web::test]
async fn who_may_only_send_is_given_no_slots_and_grants_give_no_role() {
    let world = World::closed().await;
    let room = world.room(json!({})).await;
    let (_host, _) = world.enter(&room, "ann").await;
    let joined = narrowed(
        &world,
        &room,
        "ben",
        "participant",
        json!(["publish_microphone", "moderate"]),
    )
    .await;
    let mut ben = Socket::hello(&joined["connection"]).await;
    ben.event("welcome").await;
    let slots = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=recvonly\r\n";
    let refused = ben.ask("offer", json!({ "sdp": slots })).await;
    assert_eq!(code(refused), "not-granted");
    assert_eq!(
        code(ben.ask("view", json!({ "slots": [] })).await),
        "not-granted"
    );
    let refused = ben.ask("mod", json!({ "action": "mute_all" })).await;
    assert_eq!(code(refused), "not-moderator", "a grant is no role");
    let token = joined["connection"]["token"].as_str().unwrap();
    let watch = world.request_as(Some(token), Method::POST, &format!("/whep/{room}"));
    let refused = send(watch.header("content-type", "application/sdp").body("v=0")).await;
    refused.problem(403, "not-granted");
}
