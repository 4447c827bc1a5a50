//! The web pages and the API docs.

use reqwest::Method;

use crate::support::{Reply, World, send};

async fn page(world: &World, path: &str) -> Reply {
    send(world.page(Method::GET, path)).await
}

#[actix_web::test]
async fn meetings_are_drawn_by_the_same_page_as_the_start() {
    let world = World::open().await;
    let start = page(&world, "/").await;
    assert_eq!(start.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(page(&world, "/meet/room_1").await.text, start.text);
    page(&world, "/meet/missing.js")
        .await
        .problem(404, "not-found");
    page(&world, "/..%2f..%2fCargo.toml")
        .await
        .problem(404, "not-found");
}

#[actix_web::test]
async fn a_page_runs_its_own_scripts_only() {
    let world = World::open().await;
    let start = page(&world, "/").await;
    let policy = start.header("content-security-policy");
    let host = world.server.address;
    for part in [
        "default-src 'self'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "object-src 'none'",
        "frame-ancestors 'none'",
    ] {
        assert!(policy.contains(part), "{part} in {policy}");
    }
    assert!(
        policy.contains(&format!("connect-src 'self' ws://{host}")),
        "{policy}"
    );
    assert!(start.header("permissions-policy").contains("camera=(self)"));
    assert_eq!(start.header("referrer-policy"), "no-referrer");
}

#[actix_web::test]
async fn a_reply_that_is_no_page_runs_nothing_and_is_framed_by_nobody() {
    let world = World::open().await;
    let paths = [
        "/api/v1/calls/rooms",
        "/api/v1/calls/rooms/room_0x",
        "/healthz",
        "/metrics",
    ];
    for path in paths {
        let reply = page(&world, path).await;
        let policy = reply.header("content-security-policy");
        assert!(policy.contains("default-src 'none'"), "{path}: {policy}");
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("referrer-policy"), "no-referrer", "{path}");
        let permissions = reply.header("permissions-policy");
        for device in ["camera=()", "microphone=()", "display-capture=()"] {
            assert!(permissions.contains(device), "{path}: {permissions}");
        }
        assert!(
            !reply.headers.contains_key("strict-transport-security"),
            "{path}: it is not spoken over TLS"
        );
    }
    for path in ["/", "/console", "/docs/", "/docs/problems"] {
        let reply = page(&world, path).await;
        let policy = reply.header("content-security-policy");
        assert!(policy.contains("default-src 'self'"), "{path}: {policy}");
        assert!(
            policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
    }
}

#[actix_web::test]
async fn behind_a_tls_proxy_browsers_are_told_to_come_by_tls_only() {
    let world = World::start(true, |config| {
        config.http.public_url = "https://calls.example.org".to_owned();
    })
    .await;
    for path in ["/", "/api/v1/calls/rooms"] {
        let reply = page(&world, path).await;
        assert_eq!(
            reply.header("strict-transport-security"),
            "max-age=31536000"
        );
    }
}

/// What a browser asks before a page of this origin may call the API.
async fn preflight(world: &World, origin: &str) -> Reply {
    let asks = world
        .page(Method::OPTIONS, "/api/v1/calls/rooms")
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization,content-type",
        );
    send(asks).await
}

#[actix_web::test]
async fn pages_of_other_origins_may_not_call_the_api_unless_they_are_named() {
    let allowed = |reply: &Reply| reply.headers.get("access-control-allow-origin").cloned();
    let simple = async |world: &World, origin: &str| {
        send(
            world
                .page(Method::GET, "/api/v1/calls/rooms")
                .header("origin", origin),
        )
        .await
    };
    let closed = World::open().await;
    for origin in ["https://app.example", "null", "http://localhost"] {
        assert_eq!(allowed(&preflight(&closed, origin).await), None, "{origin}");
        assert_eq!(allowed(&simple(&closed, origin).await), None, "{origin}");
    }
    let named = World::start(true, |config| {
        config.http.allowed_origins = vec!["https://app.example".to_owned()];
    })
    .await;
    let known = preflight(&named, "https://app.example").await;
    assert_eq!(allowed(&known).unwrap(), "https://app.example");
    assert!(
        !known
            .headers
            .contains_key("access-control-allow-credentials"),
        "a key is not sent by itself"
    );
    for origin in ["https://app.example.evil", "http://app.example", "null"] {
        assert_eq!(allowed(&preflight(&named, origin).await), None, "{origin}");
        assert_eq!(allowed(&simple(&named, origin).await), None, "{origin}");
    }
}

#[actix_web::test]
async fn a_host_header_cannot_write_the_policy() {
    let world = World::open().await;
    let request = world.page(Method::GET, "/").header("host", "x;script-src");
    let reply = send(request).await;
    assert!(!reply.header("content-security-policy").contains("x;"));
}

#[actix_web::test]
async fn a_known_page_is_not_sent_again() {
    let world = World::open().await;
    let start = page(&world, "/").await;
    assert_eq!(start.header("cache-control"), "no-cache");
    let again = world
        .page(Method::GET, "/")
        .header("if-none-match", start.header("etag"));
    let again = send(again).await;
    assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""));
}

#[actix_web::test]
async fn a_person_who_went_astray_is_shown_a_page_and_a_program_a_problem() {
    let world = World::open().await;
    let browse = |path: &str| {
        let accept = "text/html,application/xhtml+xml,*/*;q=0.8";
        send(world.page(Method::GET, path).header("accept", accept))
    };
    let astray = browse("/metting/room_1").await;
    assert_eq!(astray.status.as_u16(), 404);
    assert_eq!(astray.header("content-type"), "text/html; charset=utf-8");
    assert!(astray.text.contains("href=\"/\""), "{}", astray.text);
    page(&world, "/metting/room_1")
        .await
        .problem(404, "not-found");
    let api = browse("/api/v1/calls/rooms/room_0x").await;
    api.problem(404, "not-found");
}

#[actix_web::test]
async fn browsers_find_an_icon_where_they_look_for_one() {
    let world = World::open().await;
    let icon = page(&world, "/favicon.ico").await;
    assert_eq!(icon.status.as_u16(), 200);
    assert_eq!(icon.header("content-type"), "image/x-icon");
}

#[actix_web::test]
async fn the_docs_need_nothing_from_elsewhere() {
    let world = World::open().await;
    let docs = page(&world, "/docs/").await;
    assert!(docs.text.contains("swagger-ui"));
    assert!(
        !docs.text.contains("http://") && !docs.text.contains("https://"),
        "{}",
        docs.text
    );
    let script = page(&world, "/docs/swagger-initializer.js").await;
    assert!(
        script.text.contains("/api/v1/calls/openapi.json"),
        "{}",
        script.text
    );
    assert_eq!(
        page(&world, "/docs/swagger-ui.css").await.status.as_u16(),
        200
    );
    page(&world, "/docs/nothing.js")
        .await
        .problem(404, "not-found");
    assert!(
        page(&world, "/docs/problems")
            .await
            .text
            .contains("id=\"room-full\"")
    );
}

#[actix_web::test]
async fn the_documents_are_served_as_they_are_kept() {
    let kept = |file: &str| -> serde_json::Value {
        let path = format!("{}/docs/{file}", env!("CARGO_MANIFEST_DIR"));
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
    };
    let world = World::closed().await;
    let base = "/api/v1/calls";
    let served = page(&world, &format!("{base}/openapi.json"))
        .await
        .expect(200);
    assert_eq!(served, kept("openapi.json"));
    let served = page(&world, &format!("{base}/asyncapi.json"))
        .await
        .expect(200);
    assert_eq!(served, kept("asyncapi.json"));
    let open = World::open().await;
    let served = page(&open, &format!("{base}/openapi.json"))
        .await
        .expect(200);
    let security = &served["paths"]["/api/v1/calls/rooms"]["get"]["security"];
    assert_eq!(
        security,
        &serde_json::json!([{}, { "bearer": [] }]),
        "--dev asks for nothing"
    );
}
