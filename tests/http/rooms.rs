//! Rooms: made, joined, left, locked, moderated, deleted.

use crate::support::{Socket, World, send};
use reqwest::Method;
use serde_json::{Value, json};

fn users(page: &Value) -> Vec<&str> {
    let rows = page["data"].as_array().expect("a page");
    rows.iter()
        .map(|member| member["user_id"].as_str().expect("a user"))
        .collect()
}

async fn inside(world: &World, room: &str) -> Vec<String> {
    let page = world
        .get(&format!("/rooms/{room}/participants"))
        .await
        .expect(200);
    users(&page).into_iter().map(str::to_owned).collect()
}

#[actix_web::test]
async fn end_to_end_encryption_is_for_good_and_leaves_the_server_deaf() {
    let world = World::open().await;
    let plain = world.post("/rooms", json!({ "name": "Plain" })).await;
    assert_eq!(plain.expect(201)["encryption"], "transport");
    let private = json!({ "name": "Private", "encryption": "e2ee" });
    let made = world.post("/rooms", private).await.expect(201);
    let path = format!("/rooms/{}", made["room_id"].as_str().unwrap());
    let changed = world
        .patch(&path, json!({ "encryption": "transport" }))
        .await
        .expect(200);
    assert_eq!(changed["encryption"], "e2ee");
    let listening = json!({ "settings": { "auto_transcribe": true } });
    world
        .patch(&path, listening.clone())
        .await
        .problem(409, "end-to-end-encrypted");
    let both = json!({ "name": "Both", "encryption": "e2ee", "settings": listening["settings"] });
    world
        .post("/rooms", both)
        .await
        .problem(409, "end-to-end-encrypted");
}

#[actix_web::test]
async fn a_room_is_made_read_changed_and_deleted() {
    let world = World::open().await;
    let made = world
        .post(
            "/rooms",
            json!({ "name": "Daily Standup", "max_participants": 10 }),
        )
        .await;
    let place = made.header("location").to_owned();
    let made = made.expect(201);
    let room = made["room_id"].as_str().unwrap();
    assert_eq!(place, format!("/api/v1/calls/rooms/{room}"));
    let mut read = world.get(&format!("/rooms/{room}")).await.expect(200);
    for now in ["recording", "transcription"] {
        assert_eq!(
            read.as_object_mut().unwrap().remove(now),
            Some(json!(false))
        );
    }
    assert_eq!(read, made);

    let change = json!({ "name": "Weekly", "settings": { "waiting_room": true } });
    let changed = world
        .patch(&format!("/rooms/{room}"), change)
        .await
        .expect(200);
    assert_eq!(
        (&changed["name"], &changed["settings"]["waiting_room"]),
        (&json!("Weekly"), &json!(true))
    );
    assert_eq!(changed["max_participants"], 10, "what is left out stays");
    assert_eq!(world.get("/rooms").await.expect(200)["data"][0], changed);

    world.delete(&format!("/rooms/{room}")).await.expect(204);
    world
        .delete(&format!("/rooms/{room}"))
        .await
        .problem(404, "not-found");
    world
        .get(&format!("/rooms/{room}"))
        .await
        .problem(404, "not-found");
    world
        .post(&format!("/rooms/{room}/join"), json!({ "user_id": "ann" }))
        .await
        .problem(404, "not-found");
}

#[actix_web::test]
async fn the_first_to_come_is_host_and_hands_over_by_leaving() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    let (mut ann, welcome) = world.enter(&room, "ann").await;
    assert_eq!(welcome["roster"][0]["role"], "host");
    let (mut ben, welcome) = world.enter(&room, "ben").await;
    assert_eq!(welcome["roster"].as_array().unwrap().len(), 2);
    ann.event_where("participant", |d| d["event"] == "joined")
        .await;
    assert_eq!(inside(&world, &room).await, ["ann", "ben"]);
    assert_eq!(
        world.get(&format!("/rooms/{room}")).await.expect(200)["current_participants"],
        2
    );

    ann.ask("leave", json!({})).await.expect("may leave");
    assert_eq!(ann.end().await, ("left".to_owned(), 1000));

    ben.event_where("participant", |d| d["event"] == "left")
        .await;
    let host = ben
        .event_where("participant", |d| d["participant"]["role"] == "host")
        .await;
    assert_eq!(host["participant"]["user_id"], "ben");
}

#[actix_web::test]
async fn a_designated_host_stays_over_other_changes_and_keeps_the_role_from_others() {
    let world = World::open().await;
    let room = world
        .room(json!({ "host": "ann", "settings": { "waiting_room": true } }))
        .await;
    let path = format!("/rooms/{room}");
    let change = |body| world.patch(&path, body);
    let changed = change(json!({ "name": "Weekly" })).await.expect(200);
    assert_eq!(changed["host"], "ann");

    let bob = world.join(&room, "bob").await;
    assert_eq!(
        (&bob["role"], &bob["state"]),
        (&json!("participant"), &json!("waiting"))
    );
    let mut bob = Socket::hello(&bob["connection"]).await;
    assert_eq!(bob.event("waiting").await["moderated"], false);
    let ann = world.join(&room, "ann").await;
    assert_eq!(
        (&ann["role"], &ann["state"]),
        (&json!("host"), &json!("admitted"))
    );
    assert_eq!(bob.event("waiting").await["moderated"], true);

    let changed = change(json!({ "host": null })).await.expect(200);
    assert_eq!(changed["host"], Value::Null);
    change(json!({ "host": "" }))
        .await
        .problem(422, "invalid-body");
}

#[actix_web::test]
async fn leaving_twice_is_leaving_once() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    world.join(&room, "ann").await;
    for _ in 0..2 {
        world
            .post(&format!("/rooms/{room}/leave"), json!({ "user_id": "ann" }))
            .await
            .expect(204);
    }
    assert!(inside(&world, &room).await.is_empty());
}

#[actix_web::test]
async fn a_full_room_and_a_locked_one_let_nobody_in() {
    let world = World::open().await;
    let room = world.room(json!({ "max_participants": 1 })).await;
    world.join(&room, "ann").await;
    let path = format!("/rooms/{room}/join");
    let join = |user: &str| world.post(&path, json!({ "user_id": user }));
    join("ben").await.problem(409, "room-full");
    let change = json!({ "max_participants": 2, "locked": true });
    world
        .patch(&format!("/rooms/{room}"), change)
        .await
        .expect(200);
    join("ben").await.problem(403, "room-locked");
    world
        .patch(&format!("/rooms/{room}"), json!({ "locked": false }))
        .await
        .expect(200);
    join("ben").await.expect(200);
}

#[actix_web::test]
async fn a_password_is_asked_for_never_shown_and_not_guessed_for_long() {
    let world = World::open().await;
    let room = world.room(json!({ "password": "open sesame" })).await;
    let read = world.get(&format!("/rooms/{room}")).await;
    assert!(
        !read.text.contains("sesame") && !read.text.contains("argon2"),
        "{}",
        read.text
    );
    assert_eq!(read.json()["settings"]["require_password"], true);
    let path = format!("/rooms/{room}/join");
    let join = |user: &str, password: Value| {
        world.post(&path, json!({ "user_id": user, "password": password }))
    };
    join("ann", Value::Null)
        .await
        .problem(403, "password-required");
    join("ann", json!("open sesame")).await.expect(200);
    for _ in 0..world.config.auth.password_tries {
        join("eve", json!("guess"))
            .await
            .problem(403, "wrong-password");
    }
    let waits = join("eve", json!("open sesame")).await;
    assert!((1..=60).contains(&waits.header("retry-after").parse::<u32>().unwrap()));
    waits.problem(429, "rate-limited");
    let other = world.room(json!({ "password": "x" })).await;
    let body = json!({ "user_id": "eve", "password": "x" });
    world
        .post(&format!("/rooms/{other}/join"), body)
        .await
        .expect(200);

    world
        .patch(&format!("/rooms/{room}"), json!({ "password": null }))
        .await
        .expect(200);
    join("ben", Value::Null).await.expect(200);
}

#[actix_web::test]
async fn who_waits_comes_in_when_a_moderator_says_so() {
    let world = World::open().await;
    let room = world
        .room(json!({ "settings": { "waiting_room": true } }))
        .await;
    let (mut ann, _) = world.enter(&room, "ann").await;
    let joined = world.join(&room, "ben").await;
    assert_eq!(joined["state"], "waiting");
    let mut ben = Socket::hello(&joined["connection"]).await;
    assert_eq!(ben.event("waiting").await["position"], 1);
    let knock = ann
        .event_where("knock", |d| !d["waiting"].as_array().unwrap().is_empty())
        .await;
    assert_eq!(knock["waiting"][0]["user_id"], "ben");
    assert_eq!(inside(&world, &room).await, ["ann"]);

    let (call, part) = (
        joined["call_id"].as_str().unwrap(),
        joined["participant_id"].as_str().unwrap(),
    );
    let admit = json!({ "admitted": true });
    world
        .patch(&format!("/{call}/participants/{part}"), admit)
        .await
        .expect(200);

    ben.event("admitted").await;
    assert_eq!(ben.event("welcome").await["participant_id"], part);
    assert_eq!(inside(&world, &room).await, ["ann", "ben"]);

    let joined = world.join(&room, "cem").await;
    let cem = Socket::hello(&joined["connection"]).await;
    let deny = json!({ "action": "deny", "participant_id": joined["participant_id"] });
    ann.ask("mod", deny).await.expect("a host may");
    assert_eq!(cem.end().await, ("denied".to_owned(), 4403));
}

#[actix_web::test]
async fn a_moderator_mutes_gives_roles_and_removes() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    let (mut ann, welcome) = world.enter(&room, "ann").await;
    let call = welcome["call"]["call_id"].as_str().unwrap().to_owned();
    let (mut ben, welcome) = world.enter(&room, "ben").await;
    let part = welcome["participant_id"].as_str().unwrap().to_owned();
    let path = format!("/{call}/participants/{part}");

    let member = world
        .patch(&path, json!({ "role": "moderator" }))
        .await
        .expect(200);
    assert_eq!(
        (&member["user_id"], &member["role"]),
        (&json!("ben"), &json!("moderator"))
    );
    assert_eq!(
        world.patch(&path, json!({})).await.expect(200)["role"],
        "moderator"
    );
    let unmute = world
        .patch(&path, json!({ "muted": false }))
        .await
        .problem(422, "invalid-body");
    assert_eq!(unmute["errors"][0]["pointer"], "/muted");
    let muted = world
        .post(&format!("/{call}/participants/mute-all"), json!({}))
        .await
        .expect(200);
    assert_eq!(muted, json!({ "muted": 0 }), "nobody has a microphone");
    let refused = ben
        .ask(
            "mod",
            json!({ "action": "remove", "participant_id": "part_0" }),
        )
        .await;
    assert_eq!(refused.expect_err("nobody is there")["code"], "not-found");

    world.delete(&path).await.expect(204);
    assert_eq!(ben.end().await, ("removed".to_owned(), 4403));
    ann.event_where("participant", |d| d["event"] == "left")
        .await;
    world.delete(&path).await.problem(404, "not-found");
    let back = world
        .post(&format!("/rooms/{room}/join"), json!({ "user_id": "ben" }))
        .await;
    back.problem(403, "removed");
}

#[actix_web::test]
async fn only_moderators_moderate() {
    let world = World::closed().await;
    let room = world.room(json!({})).await;
    let ann = world.join(&room, "ann").await;
    let ben = world.join(&room, "ben").await;
    let call = ann["call_id"].as_str().unwrap();
    let token = |joined: &Value| joined["connection"]["token"].as_str().unwrap().to_owned();
    let remove = |token: String, whom: &Value| {
        let path = format!(
            "/{call}/participants/{}",
            whom["participant_id"].as_str().unwrap()
        );
        send(world.request_as(Some(&token), Method::DELETE, &path))
    };
    remove(token(&ben), &ann)
        .await
        .problem(403, "not-moderator");
    remove(token(&ann), &ben).await.expect(204);
    remove(token(&ben), &ann).await.problem(401, "unauthorized");
}

#[actix_web::test]
async fn a_deleted_room_ends_its_call() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    let (ann, welcome) = world.enter(&room, "ann").await;
    world.delete(&format!("/rooms/{room}")).await.expect(204);
    assert_eq!(ann.end().await.0, "call_ended");
    let call = welcome["call"]["call_id"].as_str().unwrap();
    let kept = world.get(&format!("/{call}")).await.expect(200);
    assert_eq!(
        (&kept["status"], &kept["room_id"]),
        (&json!("ended"), &json!(room))
    );
}

#[actix_web::test]
async fn a_list_of_participants_comes_in_pages() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    for user in ["ann", "ben", "cem"] {
        world.join(&room, user).await;
    }
    let first = world
        .get(&format!("/rooms/{room}/participants?limit=2"))
        .await
        .expect(200);
    assert_eq!(users(&first), ["ann", "ben"]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = world
        .get(&format!(
            "/rooms/{room}/participants?limit=2&cursor={cursor}"
        ))
        .await;
    assert_eq!(users(&rest.expect(200)), ["cem"]);
}

#[actix_web::test]
async fn the_same_user_again_takes_the_place_of_the_first() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    let (first, _) = world.enter(&room, "ann").await;
    let (_second, _) = world.enter(&room, "ann").await;
    assert_eq!(first.end().await, ("replaced".to_owned(), 4409));
    assert_eq!(inside(&world, &room).await, ["ann"]);
}

#[actix_web::test]
async fn what_may_be_said_in_a_room_is_made_of_words_that_the_model_knows() {
    let world = World::open().await;
    let menu = json!(["Call support", "my account number"]);
    let keys = json!({ "phrases": menu, "settings": { "auto_transcribe": true } });
    let id = world.room(keys).await;
    let room = world.get(&format!("/rooms/{id}")).await.expect(200);
    assert_eq!(room["phrases"], menu);

    let unknown = json!({ "phrases": ["yes", "no aardvark"] });
    let refused = world.patch(&format!("/rooms/{id}"), unknown.clone()).await;
    let refused = refused.problem(422, "unknown-words");
    assert_eq!(refused["errors"][0]["pointer"], "/phrases/1");
    let detail = refused["errors"][0]["detail"].as_str().expect("why");
    assert!(detail.ends_with("does not know: aardvark"), "{detail}");
    let mut made = unknown;
    made["name"] = json!("Menu");
    world
        .post("/rooms", made)
        .await
        .problem(422, "unknown-words");
    let long = json!({ "phrases": ["yes ".repeat(100)] });
    let refused = world.patch(&format!("/rooms/{id}"), long).await;
    refused.problem(422, "invalid-body");

    let free = json!({ "phrases": [] });
    let room = world.patch(&format!("/rooms/{id}"), free).await.expect(200);
    assert_eq!(room["phrases"], json!([]));
}
