//! Who may do what.

use calls::app::{Server, StartError};
use calls::auth::keys;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Socket, World, send};

fn token(joined: &Value) -> &str {
    joined["connection"]["token"].as_str().expect("a token")
}

#[actix_web::test]
async fn a_closed_server_takes_its_key_and_nothing_else() {
    let world = World::closed().await;
    world.get("/rooms").await.expect(200);
    for bearer in [
        None,
        Some(""),
        Some("calls_x"),
        Some("a.b.c"),
        Some(keys::SecretKey::random().reveal()),
    ] {
        let reply = send(world.request_as(bearer, Method::GET, "/rooms")).await;
        assert_eq!(reply.header("www-authenticate"), "Bearer");
        reply.problem(401, "unauthorized");
    }
    let basic = world
        .request_as(None, Method::GET, "/rooms")
        .basic_auth("a", Some("b"));
    send(basic).await.problem(401, "unauthorized");
    send(world.page(Method::GET, "/healthz")).await.expect(200);
}

#[actix_web::test]
async fn a_key_is_made_once_and_a_revoked_one_opens_nothing() {
    let world = World::closed().await;
    let key = world
        .server
        .first_key
        .clone()
        .expect("the first start makes one");
    let world = world.restart(false).await;
    assert!(
        world.server.first_key.is_none(),
        "only the first start does"
    );
    world.get("/rooms").await.expect(200);
    let app = world.server.app();
    app.store
        .revoke_api_key(key.name(), app.clock.now())
        .await
        .expect("it is there");
    world.get("/rooms").await.problem(401, "unauthorized");
}

#[actix_web::test]
async fn the_database_holds_no_key() {
    let world = World::closed().await;
    let key = world.server.first_key.clone().expect("a key");
    let kept = world.server.app().store.api_keys(None).await.expect("keys");
    assert_eq!(kept.len(), 1);
    assert!(!format!("{kept:?}").contains(key.reveal()));
    assert!(key.matches(&kept[0].hash));
}

#[actix_web::test]
async fn a_join_token_opens_its_own_room_and_no_more() {
    let world = World::closed().await;
    let (room, other) = (world.room(json!({})).await, world.room(json!({})).await);
    let joined = world.join(&room, "ann").await;
    let get = |path: String| send(world.request_as(Some(token(&joined)), Method::GET, &path));
    get(format!("/rooms/{room}")).await.expect(200);
    get(format!("/rooms/{room}/participants")).await.expect(200);
    get(format!("/{}", joined["call_id"].as_str().unwrap()))
        .await
        .expect(200);
    get("/ice-servers".to_owned()).await.expect(200);
    get(format!("/rooms/{other}"))
        .await
        .problem(403, "forbidden");
    get("/rooms".to_owned()).await.problem(403, "forbidden");
    get("/history?user_id=ben".to_owned())
        .await
        .problem(403, "forbidden");
    let own = get("/history".to_owned()).await.expect(200);
    assert_eq!(own["data"][0]["call_id"], joined["call_id"]);
    let connections = world.request_as(Some(token(&joined)), Method::POST, "/connections");
    send(connections.json(&json!({ "user_id": "ann" })))
        .await
        .problem(403, "forbidden");
}

#[actix_web::test]
async fn a_token_dies_when_its_bearer_leaves() {
    let world = World::closed().await;
    let room = world.room(json!({})).await;
    let _other = world.join(&room, "ben").await;
    let joined = world.join(&room, "ann").await;
    let get = |path: &str| send(world.request_as(Some(token(&joined)), Method::GET, path));
    let room_path = format!("/rooms/{room}");
    let inside = format!("{room_path}/participants");
    get(&inside).await.expect(200);
    let leave = format!("{room_path}/leave");
    let leave = world.request_as(Some(token(&joined)), Method::POST, &leave);
    send(leave.json(&json!({ "user_id": "ann" })))
        .await
        .expect(204);
    let call = format!("/{}", joined["call_id"].as_str().unwrap());
    for path in [&inside, &call, "/ice-servers", "/history"] {
        get(path).await.problem(401, "unauthorized");
    }
    let end = format!("{call}/end");
    send(world.request_as(Some(token(&joined)), Method::POST, &end))
        .await
        .problem(401, "unauthorized");
    let read = get(&room_path).await.expect(200);
    assert_eq!(read["name"], "Daily Standup", "what was it called again?");
    let mut socket = Socket::open(joined["connection"]["ws_url"].as_str().unwrap()).await;
    let refused = socket
        .ask("hello", json!({ "token": token(&joined) }))
        .await;
    assert_eq!(
        refused.expect_err("its place is gone")["code"],
        "unauthorized"
    );
    assert_eq!(socket.end().await, ("lost".to_owned(), 1012));
}

#[actix_web::test]
async fn a_token_speaks_for_its_own_user_only() {
    let world = World::closed().await;
    let call = world
        .post(
            "/initiate",
            json!({ "type": "audio", "from": "ann", "to": ["ben"] }),
        )
        .await;
    let call = call.expect(201);
    let ben = world
        .post("/connections", json!({ "user_id": "ben" }))
        .await
        .expect(201);
    let path = format!("/{}/answer", call["call_id"].as_str().unwrap());
    let answer = |bearer: &str| world.request_as(Some(bearer), Method::POST, &path);
    let ben = ben["token"].as_str().unwrap();
    send(answer(ben).json(&json!({ "user_id": "ann" })))
        .await
        .problem(403, "forbidden");
    send(answer(token(&call))).await.problem(403, "not-called");
    let answered = send(answer(ben)).await.expect(200);
    assert_eq!(answered["status"], "active");
}

#[actix_web::test]
async fn who_was_in_a_room_may_come_back_by_the_token() {
    let world = World::closed().await;
    let room = world.room(json!({})).await;
    let joined = world.join(&room, "ann").await;
    let join = |body: Value| {
        let path = format!("/rooms/{room}/join");
        send(
            world
                .request_as(Some(token(&joined)), Method::POST, &path)
                .json(&body),
        )
    };
    join(json!({ "user_id": "ben" }))
        .await
        .problem(403, "forbidden");
    join(json!({ "user_id": "ann", "role": "moderator" }))
        .await
        .problem(403, "forbidden");
    join(json!({ "user_id": "ann" })).await.expect(200);
}

#[actix_web::test]
async fn who_was_removed_does_not_come_back_by_a_token_of_before() {
    let world = World::closed().await;
    let room = world.room(json!({})).await;
    let _ann = world.join(&room, "ann").await;
    let first = world.join(&room, "ben").await;
    let second = world.join(&room, "ben").await; // in the place of the first
    let call = second["call_id"].as_str().unwrap();
    let part = second["participant_id"].as_str().unwrap();
    world
        .delete(&format!("/{call}/participants/{part}"))
        .await
        .expect(204);
    // The next session of the room knows nobody any more; storage does.
    world
        .post(&format!("/{call}/end"), json!({}))
        .await
        .expect(200);
    let still = async |world: &World| {
        for joined in [&first, &second] {
            let path = format!("/rooms/{room}/join");
            let join = world.request_as(Some(token(joined)), Method::POST, &path);
            let back = send(join.json(&json!({ "user_id": "ben" }))).await;
            back.problem(403, "removed");
        }
    };
    still(&world).await;
    let world = world.restart(false).await;
    still(&world).await;
    world.join(&room, "ben").await; // the application may think again
}

#[actix_web::test]
async fn who_waits_at_the_door_sees_the_room_and_not_who_is_inside() {
    let world = World::closed().await;
    let room = world
        .room(json!({ "settings": { "waiting_room": true } }))
        .await;
    let (mut ann, _) = world.enter(&room, "ann").await;
    let ben = world.join(&room, "ben").await;
    assert_eq!(ben["state"], "waiting");
    let path = format!("/rooms/{room}");
    let inside = format!("{path}/participants");
    let get = |path: &str| send(world.request_as(Some(token(&ben)), Method::GET, path));
    get(&inside).await.problem(403, "not-admitted");
    get(&path).await.expect(200);
    let call = format!("/{}", ben["call_id"].as_str().unwrap());
    get(&call).await.problem(403, "forbidden");

    let deny = json!({ "action": "deny", "participant_id": ben["participant_id"] });
    ann.ask("mod", deny).await.expect("a host may");
    ann.ask("hand", json!({ "up": true })).await.expect("may"); // its fact is written after that of the denial
    get(&inside).await.problem(401, "unauthorized");
    let join = world.request_as(Some(token(&ben)), Method::POST, &format!("{path}/join"));
    send(join.json(&json!({ "user_id": "ben" })))
        .await
        .problem(403, "denied");
}

#[actix_web::test]
async fn a_join_comes_with_a_link_to_our_own_page() {
    let world = World::closed().await;
    let room = world.room(json!({})).await;
    let joined = world.join(&room, "ann").await;
    let page = world.url(&format!("/meet/{room}"));
    let link = format!("{page}#token={}", token(&joined));
    assert_eq!(joined["join_url"], link);

    let named = |config: &mut calls::config::Config| {
        config.http.public_url = "https://calls.example.org/".to_owned();
    };
    let world = World::start(true, named).await;
    let room = world.room(json!({})).await;
    let joined = world.join(&room, "ann").await;
    let page = format!("https://calls.example.org/meet/{room}#token=");
    assert!(
        joined["join_url"].as_str().unwrap().starts_with(&page),
        "{joined}"
    );
}

#[actix_web::test]
async fn an_open_server_serves_this_machine_only() {
    let mut config = World::open().await.config;
    config.http.bind = "0.0.0.0:0".parse().unwrap();
    let refused = Server::start(config, true).await.err();
    assert!(
        matches!(refused, Some(StartError::OpenToTheWorld(_))),
        "{refused:?}"
    );
}

#[actix_web::test]
async fn other_pages_may_not_call_the_api_unless_they_are_named() {
    let preflight = |world: &World, origin: &'static str| {
        let request = world.request(Method::OPTIONS, "/rooms");
        send(
            request
                .header("origin", origin)
                .header("access-control-request-method", "POST"),
        )
    };
    let world = World::open().await;
    let refused = preflight(&world, "https://app.example").await;
    assert_eq!(refused.header("access-control-allow-origin"), "");
    let named = |config: &mut calls::config::Config| {
        config.http.allowed_origins = vec!["https://app.example".to_owned()];
    };
    let world = World::start(true, named).await;
    let allowed = preflight(&world, "https://app.example").await;
    assert_eq!(
        allowed.header("access-control-allow-origin"),
        "https://app.example"
    );
    let other = preflight(&world, "https://evil.example").await;
    assert_eq!(other.header("access-control-allow-origin"), "");
}
