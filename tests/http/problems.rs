//! Every refusal has one form, and no input makes the server fail.

use reqwest::{Method, header};
use serde_json::{Value, json};

use crate::support::{World, send};

/// A problem with the parts that differ from run to run taken out.
fn golden(mut problem: Value) -> Value {
    problem["request_id"] = json!("req");
    problem
}

#[actix_web::test]
async fn a_problem_has_these_keys_and_no_others() {
    let world = World::open().await;
    let missing = world.get("/rooms/room_0").await.problem(404, "not-found");
    assert_eq!(
        golden(missing),
        json!({
            "type": "/docs/problems#not-found",
            "title": "There is no such thing",
            "status": 404,
            "detail": "room not found",
            "code": "not-found",
            "request_id": "req",
        })
    );
    let bad = world
        .post("/rooms", json!({ "name": "x", "max_participants": 0 }))
        .await;
    assert_eq!(
        golden(bad.problem(422, "invalid-body")),
        json!({
            "type": "/docs/problems#invalid-body",
            "title": "The body has bad fields",
            "status": 422,
            "detail": "the body has a bad field at /max_participants: must be 1 to 1000",
            "code": "invalid-body",
            "request_id": "req",
            "errors": [{ "pointer": "/max_participants", "detail": "must be 1 to 1000" }],
        })
    );
}

#[actix_web::test]
async fn unknown_paths_and_ids_that_are_none_are_not_found() {
    let world = World::open().await;
    for path in [
        "/call_A",
        "/call_",
        "/room_1",
        "/nothing",
        "/rooms/call_1",
        "/rooms/%00",
        "/call_1/record/begin",
        "/recordings/call_1",
    ] {
        world.get(path).await.problem(404, "not-found");
    }
    let reply = send(world.page(Method::GET, "/api/v2")).await;
    reply.problem(404, "not-found");
}

#[actix_web::test]
async fn a_method_that_a_path_does_not_know_is_told_which_it_does() {
    let world = World::open().await;
    for (method, path, allow) in [
        (Method::DELETE, "/rooms", "GET, HEAD, POST"),
        (Method::GET, "/initiate", "POST"),
        (Method::POST, "/history", "GET, HEAD"),
        (Method::PUT, "/rooms/room_1", "GET, HEAD, PATCH, DELETE"),
        (Method::GET, "/call_1/end", "POST"),
        (Method::TRACE, "/call_1", "GET, HEAD, DELETE"),
        (
            Method::OPTIONS,
            "/call_1/participants/part_1",
            "PATCH, DELETE",
        ),
    ] {
        let reply = send(world.request(method, path)).await;
        assert_eq!(reply.header("allow"), allow, "{path}");
        reply.problem(405, "method-not-allowed");
    }
}

#[actix_web::test]
async fn a_body_is_json_and_not_too_large() {
    let world = World::open().await;
    let post = |media_type: &'static str, body: Vec<u8>| {
        let request = world.request(Method::POST, "/rooms").body(body);
        send(request.header(header::CONTENT_TYPE, media_type))
    };
    for body in [&b"{"[..], b"", b"nul", b"{}{}", b"\xff\xfe"] {
        post("application/json", body.to_vec())
            .await
            .problem(400, "malformed-json");
    }
    post("text/plain", b"{}".to_vec())
        .await
        .problem(415, "unsupported-media-type");
    post("application/json", vec![b' '; 64 * 1024 + 1])
        .await
        .problem(413, "body-too-large");
    let deep = [vec![b'['; 10_000], vec![b']'; 10_000]].concat();
    assert!(
        post("application/json", deep)
            .await
            .status
            .is_client_error()
    );
    post(
        "application/json; charset=utf-8",
        br#"{"name": "x"}"#.to_vec(),
    )
    .await
    .expect(201);
}

#[actix_web::test]
async fn odd_texts_are_refused_by_their_field() {
    let world = World::open().await;
    let long = "x".repeat(121);
    for name in ["", "   ", "a\u{0}b", "a\nb", long.as_str()] {
        let refused = world
            .post("/rooms", json!({ "name": name }))
            .await
            .problem(422, "invalid-body");
        assert_eq!(refused["errors"][0]["pointer"], "/name", "{name:?}");
    }
    for name in [
        "\u{1F600}",
        "'; DROP TABLE rooms; --",
        "\u{202E}abc",
        "é".repeat(120).as_str(),
    ] {
        let room = world
            .post("/rooms", json!({ "name": name }))
            .await
            .expect(201);
        assert_eq!(room["name"], name);
    }
}

#[actix_web::test]
async fn bad_query_parameters_are_named() {
    let world = World::open().await;
    for (query, pointer) in [
        ("limit=0", "/limit"),
        ("limit=101", "/limit"),
        ("limit=x", "/limit"),
        ("offset=-1", "/offset"),
        ("status=odd", "/status"),
        ("room_id=call_1", "/room_id"),
        ("from=yesterday", "/from"),
        ("user_id=%00", "/user_id"),
    ] {
        let refused = world
            .get(&format!("/history?{query}"))
            .await
            .problem(422, "invalid-query");
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{query}");
    }
    let refused = world.get("/history?limit=abc").await;
    let refused = refused.problem(422, "invalid-query");
    let detail = &refused["errors"][0]["detail"];
    assert_eq!(detail, "must be a whole number, in digits only");
}

#[actix_web::test]
async fn a_moment_that_is_none_is_told_what_it_should_look_like() {
    let world = World::open().await;
    for list in ["/history", "/recordings"] {
        let refused = world.get(&format!("{list}?from=yesterday")).await;
        let refused = refused.problem(422, "invalid-query");
        let error = &refused["errors"][0];
        assert_eq!(error["pointer"], "/from");
        assert_eq!(
            error["detail"],
            "must be a moment such as 2026-01-31T09:30:00Z (RFC 3339)"
        );
    }
}

/// A filter that is misspelt would list everything, and look as if it had been heard.
#[actix_web::test]
async fn every_list_names_the_parameters_that_it_does_not_know() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    let (_socket, welcome) = world.enter(&room, "alice").await;
    let call = welcome["call"]["call_id"].as_str().expect("an id");
    let hook = json!({ "url": "https://app.example.org/" });
    let hook = world.post("/webhooks", hook).await.expect(201);
    let hook = hook["webhook_id"].as_str().expect("an id");
    let document = world.get("/openapi.json").await.expect(200);
    let mut lists = 0;
    for (path, verbs) in document["paths"].as_object().expect("paths") {
        let parameters = verbs["get"]["parameters"].as_array();
        let takes = |name: &str| {
            let mut all = parameters.into_iter().flatten();
            all.any(|parameter| parameter["in"] == "query" && parameter["name"] == name)
        };
        if !takes("limit") {
            continue;
        }
        lists += 1;
        let path = path.strip_prefix("/api/v1/calls").expect("a path of ours");
        let path = path
            .replace("{call_id}", call)
            .replace("{room_id}", &room)
            .replace("{webhook_id}", hook);
        let query = if takes("q") {
            "q=a&colour=red"
        } else {
            "colour=red"
        };
        let refused = world.get(&format!("{path}?{query}")).await;
        let refused = refused.problem(422, "invalid-query");
        let error = &refused["errors"][0];
        assert_eq!(error["pointer"], "/colour", "{path}: {refused}");
        let why = error["detail"].as_str().expect("a sentence");
        assert!(
            why.starts_with("is no parameter of this list"),
            "{path}: {why}"
        );
        assert!(
            why.contains("limit"),
            "{path}: it names those that are: {why}"
        );
    }
    assert!(lists > 10, "{lists} lists");
}

#[actix_web::test]
async fn a_recording_of_nobody_is_refused_and_does_not_become_one_of_everybody() {
    let world = World::open().await;
    let nobody = json!({ "mode": "tracks", "participants": [] });
    let refused = world.post("/call_0/record/start", nobody).await;
    let refused = refused.problem(422, "invalid-body");
    let error = &refused["errors"][0];
    assert_eq!(error["pointer"], "/participants");
    assert_eq!(
        error["detail"],
        "must name at least one user; left out, everybody is recorded"
    );
}

#[actix_web::test]
async fn every_reply_is_named_and_none_is_sniffed() {
    let world = World::open().await;
    for path in ["/healthz", "/readyz", "/metrics", "/", "/docs/", "/nothing"] {
        let reply = send(world.page(Method::GET, path)).await;
        assert!(reply.header("x-request-id").starts_with("req_"), "{path}");
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
    }
}

#[actix_web::test]
async fn health_readiness_and_numbers_are_told() {
    let world = World::open().await;
    let health = send(world.page(Method::GET, "/healthz")).await.expect(200);
    assert_eq!(health["status"], "ok");
    let mut ready = send(world.page(Method::GET, "/readyz")).await.expect(200);
    let speech = ready["speech"].take(); // a test of its own looks at it
    assert!(speech["engine"].is_string(), "{speech}");
    assert_eq!(
        ready,
        json!({ "database": true, "media": true, "draining": false, "late": [], "speech": null })
    );
    world.get("/rooms").await.expect(200);
    let metrics = send(world.page(Method::GET, "/metrics")).await;
    for name in [
        "calls_http_requests_total",
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
    ] {
        assert!(metrics.text.contains(name), "{name}");
    }
    assert!(metrics.text.contains(r#"route="/api/v1/calls/rooms""#));
}

#[actix_web::test]
async fn no_client_can_make_up_labels_of_a_number() {
    let world = World::open().await;
    let brew = Method::from_bytes(b"BREW").unwrap();
    send(world.request(brew, "/rooms"))
        .await
        .problem(405, "method-not-allowed");
    world.get("/call_1").await.problem(404, "not-found");
    let metrics = send(world.page(Method::GET, "/metrics")).await.text;
    assert!(!metrics.contains("BREW"), "{metrics}");
    assert!(metrics.contains(r#"method="other""#), "{metrics}");
    assert!(
        metrics.contains(r#"route="/api/v1/calls/{call_id}""#),
        "{metrics}"
    );
}

#[actix_web::test]
async fn a_head_is_a_get_without_its_body() {
    let world = World::open().await;
    for path in ["/healthz", "/", "/api/v1/calls/rooms"] {
        let reply = send(world.page(Method::HEAD, path)).await;
        assert_eq!(
            (reply.status.as_u16(), reply.text.as_str()),
            (200, ""),
            "{path}"
        );
    }
}
