//! What an application narrows a token to holds on its socket, by REST, and after coming back.

use calls::auth::keys::{self, Wanted};
use calls_actors::journal::Sampled;
use calls_model::Scope;
use reqwest::Method;
use serde_json::{Value, json};

use super::whip::OFFER;
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
    for path in ["participants/mute-all", "record/stop", "say", "end"] {
        let path = format!("/{call}/{path}");
        let request = world.request_as(Some(&token), Method::POST, &path);
        let refused = send(request.json(&json!({ "text": "hello" }))).await;
        refused.problem(403, "not-granted");
    }
    let recordings = format!("/{call}/recordings");
    let refused = send(world.request_as(Some(&token), Method::GET, &recordings)).await;
    refused.problem(403, "not-granted");
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
async fn who_moderates_no_more_sees_no_more_recordings() {
    let world = World::closed().await;
    let room = world.room(json!({})).await;
    let (mut ann, welcome) = world.enter(&room, "ann").await;
    let call = welcome["call"]["call_id"].as_str().unwrap();
    let body = json!({ "user_id": "mia", "role": "moderator" });
    let joined = world.post(&format!("/rooms/{room}/join"), body).await;
    let joined = joined.expect(200);
    let mut mia = Socket::hello(&joined["connection"]).await;
    let hers = mia.event("welcome").await["participant_id"].clone();
    let token = joined["connection"]["token"].as_str().unwrap();
    let path = format!("/{call}/recordings");
    let list = || send(world.request_as(Some(token), Method::GET, &path));
    list().await.expect(200);
    let role = json!({ "action": "role", "participant_id": hers, "role": "participant" });
    ann.ask("mod", role).await.expect("a host may");
    list().await.problem(403, "forbidden");
    let remove = json!({ "action": "remove", "participant_id": hers });
    ann.ask("mod", remove).await.expect("a host may");
    list().await.problem(401, "unauthorized");
    let download = "/recordings/rec_01j9zzzzzzzzzzzzzzzzzzzzzz/download?file=x";
    let download = send(world.request_as(Some(token), Method::GET, download)).await;
    download.problem(401, "unauthorized");
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
    for says in [
        "a=recvonly",
        "a=inactive\r\na=recvonly",
        "a=sendonly\r\na=sendrecv",
    ] {
        let slots = format!("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n{says}\r\n");
        let refused = ben.ask("offer", json!({ "sdp": slots })).await;
        assert_eq!(code(refused), "not-granted", "{says}");
    }
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
    // Nor does WHIP, which a page may use to hear as well as to speak.
    let whip = |sdp: String| {
        let request = world.request_as(Some(token), Method::POST, &format!("/whip/{room}"));
        send(request.header("content-type", "application/sdp").body(sdp))
    };
    for says in ["a=recvonly", "a=sendrecv"] {
        let hears = OFFER.replace("a=sendonly", says);
        whip(hears).await.problem(403, "not-granted");
    }
    assert_eq!(whip(OFFER.to_owned()).await.status, 201);
}

#[actix_web::test]
async fn who_is_hidden_hears_and_sees_and_only_applications_that_moderate_learn_of_them() {
    let world = World::closed().await;
    let room = world.room(json!({ "max_participants": 2 })).await;
    let (mut ann, welcome) = world.enter(&room, "ann").await;
    let grants = json!(["hidden", "subscribe"]);
    let body = json!({ "user_id": "eve", "grants": grants });
    let path = format!("/rooms/{room}/join");
    let joined = world.post(&path, body).await.expect(200);
    assert_eq!(
        (&joined["role"], &joined["state"]),
        (&json!("observer"), &json!("admitted"))
    );
    let mut eve = Socket::hello(&joined["connection"]).await;
    let seen = eve.event("welcome").await;
    assert_eq!(
        seen["roster"].as_array().unwrap().len(),
        2,
        "she knows of both: {seen}"
    );
    let refused = eve.ask("hand", json!({ "up": true })).await;
    assert_eq!(code(refused), "not-granted");

    // She takes no seat, and the first that others hear of is who comes after her.
    let (mut ben, seen) = world.enter(&room, "ben").await;
    let users = |list: &Value| -> Vec<String> {
        let users = list.as_array().unwrap().iter();
        users
            .map(|one| one["user_id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(users(&seen["roster"]), ["ann", "ben"]);
    for path in [format!("/rooms/{room}"), "/rooms".to_owned()] {
        let told = world.get(&path).await.expect(200);
        let told = told.pointer("/data/0").unwrap_or(&told);
        assert_eq!(
            told["current_participants"], 2,
            "she is not counted: {told}"
        );
    }
    eve.cut();
    let heard = ann.event("participant").await;
    assert_eq!(heard["participant"]["user_id"], "ben");
    let rejoined = world.request_as(joined["connection"]["token"].as_str(), Method::POST, &path);
    let rejoined = send(rejoined.json(&json!({ "user_id": "eve" })))
        .await
        .expect(200);
    let mut eve = Socket::hello(&rejoined["connection"]).await;
    eve.event("welcome").await;
    ben.ask("leave", json!({})).await.expect("he goes");
    let heard = ann
        .event_where("participant", |d| d["event"] != "updated")
        .await;
    assert_eq!(
        (&heard["event"], &heard["participant"]["user_id"]),
        (&json!("left"), &json!("ben"))
    );

    let call = welcome["call"]["call_id"].as_str().unwrap();
    let hers = welcome["resume_token"].as_str().unwrap();
    let full = world.server.first_key.clone().expect("a key");
    let app = world.server.app();
    let wanted = Wanted {
        scopes: vec![Scope::Rooms, Scope::Calls],
        ..Wanted::default()
    };
    let (narrow, _) = keys::create(&app.store, app.clock.now(), wanted)
        .await
        .expect("a key");
    let sample = |who: &Value| {
        Sampled {
        call_id: call.parse().expect("a call"),
        sample: serde_json::from_value(json!({
            "at": "2026-01-01T00:00:00Z", "participant_id": who, "score": 4.5, "up_kbps": 1, "down_kbps": 1, "loss": 0.0,
            "rtt_ms": null, "jitter_ms": 1, "freezes": 0, "estimate_kbps": null,
        }))
        .expect("a sample"),
    }
    };
    let samples = [&welcome["participant_id"], &rejoined["participant_id"]].map(sample);
    app.store.keep_quality(samples.into()).await.expect("kept");
    let within = format!("/rooms/{room}/participants");
    let at = format!("/{call}");
    for (bearer, expected) in [
        (hers, vec!["ann"]),
        (narrow.reveal(), vec!["ann"]),
        (full.reveal(), vec!["ann", "eve"]),
    ] {
        let get = |path: &str| send(world.request_as(Some(bearer), Method::GET, path));
        let inside = get(&within).await.expect(200);
        assert_eq!(users(&inside["data"]), expected);
        let now = get(&at).await.expect(200);
        assert_eq!(users(&now["participants"]), expected);
        if let Some(eve) = inside["data"].get(1) {
            assert_eq!(eve["hidden"], true);
        }
        let seen = get(&format!("/{call}/quality")).await.expect(200);
        let seen = seen["data"].as_array().unwrap();
        assert_eq!(seen.len(), expected.len(), "{seen:?}");
    }
}

#[actix_web::test]
async fn hidden_goes_with_nothing_that_others_would_notice() {
    let world = World::closed().await;
    let room = world.room(json!({})).await;
    let path = format!("/rooms/{room}/join");
    for (body, pointer) in [
        (
            json!({ "user_id": "eve", "grants": ["hidden", "publish_microphone"] }),
            "/grants",
        ),
        (
            json!({ "user_id": "eve", "role": "moderator", "grants": ["hidden"] }),
            "/role",
        ),
    ] {
        let refused = world.post(&path, body).await.problem(422, "invalid-body");
        assert_eq!(refused["errors"][0]["pointer"], pointer);
    }
}
