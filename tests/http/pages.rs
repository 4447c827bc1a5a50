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
