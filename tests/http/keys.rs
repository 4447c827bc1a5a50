//! API keys by REST: scopes, rotation, revocation that is felt at once, and tenants that do not see each other.

use std::time::Instant;

use calls::auth::keys::{self, Wanted};
use calls_actors::participant::UNATTACHED;
use calls_actors::testing::{CrashActor, Victim};
use calls_model::{Fact, ParticipantId, Scope, Utterance};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Reply, Socket, World, send};

async fn ask(world: &World, key: &str, method: Method, path: &str, body: Value) -> Reply {
    send(world.request_as(Some(key), method, path).json(&body)).await
}

fn text(json: &Value, key: &str) -> String {
    json[key]
        .as_str()
        .unwrap_or_else(|| panic!("{key} of {json}"))
        .to_owned()
}

async fn key_of(world: &World, org: &str) -> String {
    let wanted = Wanted {
        org: org.parse().expect("a tenant"),
        ..Wanted::default()
    };
    let app = world.server.app();
    let made = keys::create(&app.store, app.clock.now(), wanted).await;
    made.expect("a key").0.reveal().to_owned()
}

/// Somebody who joined says this in their call.
async fn say(world: &World, joined: &Value, text: &str) {
    let app = world.server.app();
    let spoken = Fact::UtteranceSpoken {
        call_id: joined["call_id"]
            .as_str()
            .expect("an id")
            .parse()
            .expect("a call"),
        utterance: Box::new(Utterance {
            participant_id: ParticipantId::new(),
            user_id: "ann".parse().expect("an id"),
            text: text.to_owned(),
            start_ms: 0,
            end_ms: 1000,
            confidence: 1.0,
            words: Vec::new(),
        }),
        recording_id: None,
        at: app.clock.now(),
    };
    app.store.record(vec![spoken]).await.expect("it is written");
}

/// A user's own socket, by this key.
async fn online(world: &World, key: &str, user: &str) -> Socket {
    let body = json!({ "user_id": user });
    let line = ask(world, key, Method::POST, "/connections", body).await;
    let mut socket = Socket::hello(&line.expect(201)).await;
    socket.event("ready").await;
    socket
}

#[actix_web::test]
async fn a_key_is_shown_once_and_gives_away_no_more_than_it_has() {
    let world = World::closed().await;
    let asked = json!({ "label": "billing", "scopes": ["keys", "rooms"] });
    let made = world.post("/api-keys", asked).await;
    assert_eq!(made.header("cache-control"), "no-store");
    let made = made.expect(201);
    let secret = text(&made, "secret");
    let listed = world.get("/api-keys").await.expect(200);
    assert!(
        !listed.to_string().contains(&secret),
        "only its hash is kept"
    );
    assert_eq!(listed["data"][1]["label"], "billing");
    assert_eq!(listed["data"][1]["scopes"], json!(["rooms", "keys"]));

    ask(
        &world,
        &secret,
        Method::POST,
        "/rooms",
        json!({ "name": "Hall" }),
    )
    .await
    .expect(201);
    let refused = ask(&world, &secret, Method::GET, "/history", json!({})).await;
    let refused = refused.problem(403, "scope-missing");
    assert!(
        refused["detail"].as_str().unwrap().contains("\"calls\""),
        "{refused}"
    );
    let more = json!({ "scopes": ["rooms", "admin"] });
    let refused = ask(&world, &secret, Method::POST, "/api-keys", more).await;
    refused.problem(403, "scope-missing");
    let first = world.server.first_key.clone().expect("a key");
    let path = format!("/api-keys/{}/rotate", first.name());
    let refused = ask(&world, &secret, Method::POST, &path, json!({})).await;
    refused.problem(403, "scope-missing"); // the new one would have everything
    let own = ask(&world, &secret, Method::POST, "/api-keys", json!({}))
        .await
        .expect(201);
    assert_eq!(own["scopes"], json!(["rooms", "keys"]));
}

#[actix_web::test]
async fn a_key_makes_none_that_outlives_it() {
    let world = World::closed().await;
    let until = json!({ "expires_at": "2100-01-01T00:00:00Z" });
    let short = world.post("/api-keys", until).await.expect(201);
    let (secret, ends) = (text(&short, "secret"), &short["expires_at"]);
    let made = ask(&world, &secret, Method::POST, "/api-keys", json!({})).await;
    assert_eq!(made.expect(201)["expires_at"], *ends);
    let path = format!("/api-keys/{}/rotate", text(&short, "name"));
    let made = ask(&world, &secret, Method::POST, &path, json!({})).await;
    assert_eq!(made.expect(201)["expires_at"], *ends);
}

#[actix_web::test]
async fn a_key_that_is_asked_for_twice_is_made_once_and_shown_once() {
    let world = World::closed().await;
    let post = |path: &str| {
        let request = world.request(Method::POST, path);
        send(request.header("idempotency-key", path).json(&json!({})))
    };
    let keys = async || {
        let page = world.get("/api-keys").await.expect(200);
        page["data"].as_array().expect("keys").len()
    };
    let made = post("/api-keys").await;
    let place = made.header("location").to_owned();
    let made = made.expect(201);
    let rotate = format!("/api-keys/{}/rotate", text(&made, "name"));
    post(&rotate).await.expect(201);
    assert_eq!(keys().await, 3);
    let again = post("/api-keys").await;
    assert_eq!(again.header("location"), place, "where to revoke it");
    assert!(
        !again.text.contains(&text(&made, "secret")),
        "{}",
        again.text
    );
    assert_eq!(again.expect(409)["code"], "idempotency-shown-once");
    let again = post(&rotate).await.expect(409);
    assert_eq!(again["code"], "idempotency-shown-once");
    assert_eq!(keys().await, 3);
}

#[actix_web::test]
async fn a_keys_successor_finds_the_replies_to_its_requests_and_no_other_key_does() {
    let world = World::closed().await;
    let (old, other) = (
        key_of(&world, "default").await,
        key_of(&world, "default").await,
    );
    let name = old.parse::<keys::SecretKey>().unwrap().name().to_owned();
    let post = |key: &str| {
        let request = world.request_as(Some(key), Method::POST, "/rooms");
        send(
            request
                .header("idempotency-key", "k")
                .json(&json!({ "name": "Hall" })),
        )
    };
    let made = post(&old).await.expect(201);
    let path = format!("/api-keys/{name}/rotate");
    let new = world.post(&path, json!({})).await.expect(201);
    assert_eq!(post(&text(&new, "secret")).await.expect(201), made);
    assert_ne!(post(&other).await.expect(201), made);
}

#[actix_web::test]
async fn a_keys_successor_is_given_no_token_that_died_with_the_key_before_it() {
    let world = World::closed().await;
    let old = key_of(&world, "default").await;
    let name = old.parse::<keys::SecretKey>().unwrap().name().to_owned();
    let rotate = format!("/api-keys/{name}/rotate");
    let new = world.post(&rotate, json!({})).await.expect(201);
    let new = text(&new, "secret");
    let room = world.room(json!({})).await;
    let join = format!("/rooms/{room}/join");
    let post = |key: &str, path: &str| {
        let request = world.request_as(Some(key), Method::POST, path);
        let request = request.header("idempotency-key", path);
        send(request.json(&json!({ "user_id": "ann", "name": "Hall" })))
    };
    for path in [join.as_str(), "/connections"] {
        let first = post(&old, path).await.json();
        assert_eq!(post(&new, path).await.json(), first, "while both are good");
    }
    let made = post(&old, "/rooms").await.expect(201);

    world.delete(&format!("/api-keys/{name}")).await.expect(204);
    for path in [join.as_str(), "/connections"] {
        let refused = post(&new, path).await;
        assert_eq!(refused.header("idempotent-replayed"), "");
        refused.problem(409, "idempotency-token-ended");
    }
    let other = post(&new, "/rooms").await;
    assert_eq!(other.expect(201), made, "what has no token is told again");
}

#[actix_web::test]
async fn nothing_takes_the_place_of_a_key_that_is_over() {
    let world = World::closed().await;
    let old = key_of(&world, "default").await;
    let name = old.parse::<keys::SecretKey>().unwrap().name().to_owned();
    let path = format!("/api-keys/{name}/rotate");
    let at_once = json!({ "overlap_seconds": 0 });
    world.post(&path, at_once).await.expect(201);
    let keys = world.get("/api-keys").await.expect(200);
    let over = world.post(&path, json!({})).await;
    let over = over.problem(409, "key-ended");
    assert!(text(&over, "detail").contains("has run out"), "{over}");
    world.delete(&format!("/api-keys/{name}")).await.expect(204);
    let over = world.post(&path, json!({})).await;
    let over = over.problem(409, "key-ended");
    assert!(text(&over, "detail").contains("is revoked"), "{over}");
    let after = world.get("/api-keys").await.expect(200);
    let count = |page: &Value| page["data"].as_array().map(Vec::len);
    assert_eq!(count(&after), count(&keys), "nothing was made");
}

#[actix_web::test]
async fn what_a_revoked_key_was_told_at_is_told_nothing_more_until_another_key_enables_it() {
    let world = World::start(false, |config| config.webhooks.allow_private = true).await;
    let key = key_of(&world, "default").await;
    let name = key.parse::<keys::SecretKey>().unwrap().name().to_owned();
    let hook = json!({ "url": "http://127.0.0.1:9/" });
    let own = world.post("/webhooks", hook.clone()).await.expect(201);
    let own = format!("/webhooks/{}", text(&own, "webhook_id"));
    let taken = ask(&world, &key, Method::PATCH, &own, hook.clone()).await;
    taken.expect(200); // another's endpoint, which now leads where this key says
    let made = ask(&world, &key, Method::POST, "/webhooks", hook.clone()).await;
    let made = text(&made.expect(201), "webhook_id");
    let made = format!("/webhooks/{made}");
    let safe = world.post("/webhooks", hook).await.expect(201);
    let safe = format!("/webhooks/{}", text(&safe, "webhook_id"));

    world.delete(&format!("/api-keys/{name}")).await.expect(204);
    for path in [&own, &made] {
        let told = world.get(path).await.expect(200);
        assert_eq!(told["status"], "disabled");
        assert!(text(&told, "disabled_reason").contains(&name), "{told}");
    }
    assert_eq!(world.get(&safe).await.expect(200)["status"], "enabled");
    let log = world.get("/audit?action=key.revoke").await.expect(200);
    let written = log["data"][0]["detail"]["webhooks_disabled"].as_array();
    assert_eq!(written.map(Vec::len), Some(2), "{log}");

    let enabled = json!({ "enabled": true });
    let request = world.request(Method::PATCH, &made).json(&enabled);
    assert_eq!(send(request).await.expect(200)["status"], "enabled");
    world.delete(&format!("/api-keys/{name}")).await.expect(204); // again
    assert_eq!(world.get(&made).await.expect(200)["status"], "enabled");
}

#[actix_web::test]
async fn a_rotated_key_and_its_successor_overlap_and_what_the_old_one_made_goes_on() {
    let world = World::closed().await;
    let old = key_of(&world, "default").await;
    let name = old.parse::<keys::SecretKey>().unwrap().name().to_owned();
    let token = ask(
        &world,
        &old,
        Method::POST,
        "/connections",
        json!({ "user_id": "ann" }),
    )
    .await;
    let token = text(&token.expect(201), "token");
    let path = format!("/api-keys/{name}/rotate");
    let new = world
        .post(&path, json!({ "overlap_seconds": 600 }))
        .await
        .expect(201);
    let new = text(&new, "secret");
    for key in [&old, &new] {
        ask(&world, key, Method::GET, "/rooms", json!({}))
            .await
            .expect(200);
    }
    world
        .post(&path, json!({ "overlap_seconds": 0 }))
        .await
        .expect(201); // at once, this time
    let ended = ask(&world, &old, Method::GET, "/rooms", json!({})).await;
    ended.problem(401, "unauthorized");
    ask(&world, &new, Method::GET, "/rooms", json!({}))
        .await
        .expect(200);
    ask(&world, &token, Method::GET, "/history", json!({}))
        .await
        .expect(200);
    world.delete(&format!("/api-keys/{name}")).await.expect(204);
    let over = ask(&world, &token, Method::GET, "/history", json!({})).await;
    over.problem(401, "unauthorized");
    let too_long = json!({ "overlap_seconds": 9_999_999 });
    let path = format!(
        "/api-keys/{}/rotate",
        new.parse::<keys::SecretKey>().unwrap().name()
    );
    world
        .post(&path, too_long)
        .await
        .problem(422, "invalid-body");
}

#[actix_web::test]
async fn a_revoked_key_ends_the_sessions_that_it_made_at_once_and_no_others() {
    let world = World::closed().await;
    let key = key_of(&world, "default").await;
    let name = key.parse::<keys::SecretKey>().unwrap().name().to_owned();
    let room = world.room(json!({})).await;
    let (mut ann, _) = world.enter(&room, "ann").await;
    let path = format!("/rooms/{room}/join");
    let joined = ask(
        &world,
        &key,
        Method::POST,
        &path,
        json!({ "user_id": "ben" }),
    )
    .await;
    let joined = joined.expect(200);
    let mut ben = Socket::hello(&joined["connection"]).await;
    ben.event("welcome").await;
    let eve = online(&world, &key, "eve").await;

    world.delete(&format!("/api-keys/{name}")).await.expect(204);
    assert_eq!(ben.end().await.0, "unauthorized");
    assert_eq!(eve.end().await.0, "unauthorized");
    let left = loop {
        let told = ann.event("participant").await;
        if told["event"] == "left" {
            break told;
        }
    };
    assert_eq!(left["participant"]["user_id"], "ben");
    let mut again = Socket::open(joined["connection"]["ws_url"].as_str().unwrap()).await;
    let token = &joined["connection"]["token"];
    let refused = again.ask("hello", json!({ "token": token })).await;
    assert_eq!(
        refused.expect_err("it died with its key")["code"],
        "unauthorized"
    );
    ann.ask("hand", json!({ "up": true }))
        .await
        .expect("the others stay");
}

#[actix_web::test]
async fn a_revoked_key_ends_the_presences_whose_clients_never_came() {
    let world = World::closed().await;
    let key = key_of(&world, "default").await;
    let name = key.parse::<keys::SecretKey>().unwrap().name().to_owned();
    let room = world.room(json!({})).await;
    let (mut ann, _) = world.enter(&room, "ann").await;
    let path = format!("/rooms/{room}/join");
    let ben = json!({ "user_id": "ben" });
    ask(&world, &key, Method::POST, &path, ben)
        .await
        .expect(200);
    world.join(&room, "eve").await; // by another key

    let revoked = Instant::now();
    world.delete(&format!("/api-keys/{name}")).await.expect(204);
    let left = loop {
        let told = ann.event("participant").await;
        if told["event"] == "left" {
            break told;
        }
    };
    assert_eq!(left["participant"]["user_id"], "ben");
    assert!(
        revoked.elapsed() < UNATTACHED / 2,
        "it would have timed out"
    );
    let inside = world.get(&format!("/rooms/{room}/participants")).await;
    let inside = inside.expect(200)["data"].to_string();
    assert!(
        inside.contains("eve") && !inside.contains("ben"),
        "{inside}"
    );
}

#[actix_web::test]
async fn who_crashed_comes_back_by_their_token_though_another_key_was_revoked() {
    let world = World::closed().await;
    let (key, other) = (
        key_of(&world, "default").await,
        key_of(&world, "default").await,
    );
    let room = world.room(json!({})).await;
    let (mut ann, _) = world.enter(&room, "ann").await;
    let path = format!("/rooms/{room}/join");
    let ben = json!({ "user_id": "ben" });
    let joined = ask(&world, &key, Method::POST, &path, ben).await;
    let joined = joined.expect(200);
    let ben = text(&joined, "participant_id");
    let crash = CrashActor {
        call_id: text(&joined, "call_id").parse().expect("a call"),
        victim: Victim::Participant(ben.parse().expect("a presence")),
    };
    let crashed = world.server.app().calls.send(crash).await;
    assert!(crashed.expect("calls live"), "it was there");
    ann.event_where("participant", |told| {
        told["event"] == "left" && told["participant"]["user_id"] == "ben"
    })
    .await;

    let name = other.parse::<keys::SecretKey>().unwrap().name().to_owned();
    world.delete(&format!("/api-keys/{name}")).await.expect(204);
    let inside = async || {
        let list = format!("/rooms/{room}/participants");
        let page = world.get(&list).await.expect(200);
        page["data"].as_array().expect("members").len()
    };
    assert_eq!(inside().await, 1, "nobody is seated who did not come");
    let mut again = Socket::hello(&joined["connection"]).await;
    let welcome = again.event("welcome").await;
    assert_ne!(welcome["participant_id"], ben.as_str(), "a new seat");
    assert_eq!(inside().await, 2);
}

#[actix_web::test]
async fn a_key_that_the_command_line_revoked_ends_its_sessions_within_seconds() {
    let world = World::closed().await;
    let key = key_of(&world, "default").await;
    let eve = online(&world, &key, "eve").await;
    let app = world.server.app();
    let name = key.parse::<keys::SecretKey>().unwrap().name().to_owned();
    app.store
        .revoke_api_key(&name, app.clock.now())
        .await
        .expect("it is there");
    assert_eq!(eve.end().await.0, "unauthorized");
}

#[actix_web::test]
async fn a_tenant_sees_and_rings_its_own_only() {
    let world = World::start(false, |config| config.webhooks.allow_private = true).await;
    let acme = key_of(&world, "acme").await;
    let theirs = |method: Method, path: &str, body: Value| {
        let (path, key) = (path.to_owned(), acme.clone());
        let world = &world;
        async move { ask(world, &key, method, &path, body).await }
    };
    let room = world.room(json!({})).await;
    let joined = world.join(&room, "ann").await;
    say(&world, &joined, "hello there").await;
    let search = "/transcripts/search?q=hello";
    let own = world.get(search).await.expect(200);
    assert_eq!(own["data"].as_array().unwrap().len(), 1, "{own}");
    world
        .post("/webhooks", json!({ "url": "http://127.0.0.1:9/" }))
        .await
        .expect(201);
    for list in ["/rooms", "/history", "/webhooks", "/events", search] {
        let seen = theirs(Method::GET, list, json!({})).await.expect(200);
        assert_eq!(seen["data"], json!([]), "{list}");
    }
    let keys = theirs(Method::GET, "/api-keys", json!({}))
        .await
        .expect(200);
    assert_eq!(keys["data"].as_array().unwrap().len(), 1, "their own");

    // Two users of one name are strangers: a call rings at the tenant's own.
    let mut ours = world.online("eve").await;
    let mut other = online(&world, &acme, "eve").await;
    let ring = json!({ "type": "audio", "from": "bob", "to": ["eve"] });
    let call = theirs(Method::POST, "/initiate", ring).await.expect(201);
    assert_eq!(other.event("incoming").await["call_id"], call["call_id"]);
    let own = json!({ "type": "audio", "from": "ann", "to": ["eve"] });
    let own = world.post("/initiate", own).await.expect(201);
    assert_eq!(
        ours.event("incoming").await["call_id"],
        own["call_id"],
        "the first it hears"
    );
    let path = format!("/{}", text(&call, "call_id"));
    world.get(&path).await.problem(404, "not-found");
    let events = theirs(Method::GET, "/events", json!({})).await.expect(200);
    let events = events["data"].as_array().unwrap().clone();
    assert!(
        events
            .iter()
            .all(|event| event["subject"] == call["call_id"]),
        "{events:?}"
    );
    let after = text(&events[0], "event_id");
    let cursor = format!("/events?after={after}");
    world.get(&cursor).await.problem(422, "invalid-query"); // another's event is none
}

#[actix_web::test]
async fn keys_of_another_tenant_are_made_by_the_operator_only() {
    let world = World::closed().await;
    let asked = json!({ "org_id": "acme", "scopes": ["keys", "admin", "rooms"] });
    let acme = world.post("/api-keys", asked).await.expect(201);
    let acme = text(&acme, "secret");
    let room = ask(
        &world,
        &acme,
        Method::POST,
        "/rooms",
        json!({ "name": "Hall" }),
    )
    .await;
    let room = room.expect(201);
    assert_eq!(room["org_id"], "acme");
    let other = json!({ "org_id": "default" });
    let refused = ask(&world, &acme, Method::POST, "/api-keys", other).await;
    refused.problem(403, "forbidden");
    let rooms = Wanted {
        scopes: vec![Scope::Keys],
        ..Wanted::default()
    };
    let app = world.server.app();
    let (small, _) = keys::create(&app.store, app.clock.now(), rooms)
        .await
        .unwrap();
    let asked = json!({ "org_id": "acme" });
    let refused = ask(&world, small.reveal(), Method::POST, "/api-keys", asked).await;
    refused.problem(403, "forbidden");
}

#[actix_web::test]
async fn a_key_revokes_none_that_may_more_than_itself_unless_it_is_the_operators() {
    let world = World::closed().await;
    let make = |org: &'static str, scopes: Value| {
        let asked = json!({ "org_id": org, "scopes": scopes });
        let world = &world;
        async move {
            let made = world.post("/api-keys", asked).await.expect(201);
            (text(&made, "name"), text(&made, "secret"))
        }
    };
    let revoke = |key: &str, name: &str| {
        let (key, path) = (key.to_owned(), format!("/api-keys/{name}"));
        let world = &world;
        async move { ask(world, &key, Method::DELETE, &path, json!({})).await }
    };
    for org in ["default", "acme"] {
        let (small_name, small) = make(org, json!(["keys"])).await;
        let (equal, _) = make(org, json!(["keys"])).await;
        let (strong, _) = make(org, json!(["keys", "rooms"])).await;
        let (admin_name, admin) = make(org, json!(["keys", "admin"])).await;
        for stronger in [&strong, &admin_name] {
            let refused = revoke(&small, stronger).await;
            refused.problem(403, "scope-missing");
        }
        revoke(&small, &equal).await.expect(204);
        revoke(&small, &small_name).await.expect(204); // itself
        // `admin` is the operator's in the tenant "default" only.
        let by_admin = revoke(&admin, &strong).await;
        if org == "default" {
            by_admin.expect(204);
        } else {
            by_admin.problem(403, "scope-missing");
        }
    }
}
