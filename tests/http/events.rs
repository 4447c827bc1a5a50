//! Everything that happened, asked for and followed.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{World, send};

async fn page(world: &World, query: &str) -> Value {
    world.get(&format!("/events{query}")).await.expect(200)
}

#[actix_web::test]
async fn events_are_read_in_order_page_by_page() {
    let world = World::open().await;
    let rooms = [world.room(json!({})).await, world.room(json!({})).await];
    let first = page(&world, "?limit=1").await;
    assert_eq!(first["has_more"], true);
    assert_eq!(first["data"][0]["type"], "room.created");
    assert_eq!(first["data"][0]["subject"], rooms[0].as_str());
    assert_eq!(
        first["data"][0]["data"]["room"]["room_id"],
        rooms[0].as_str()
    );
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = page(&world, &format!("?after={cursor}")).await;
    assert_eq!(second["has_more"], false);
    assert_eq!(second["data"][0]["subject"], rooms[1].as_str());
    let cursor = second["next_cursor"].as_str().unwrap();
    let none = page(&world, &format!("?after={cursor}")).await;
    assert_eq!(
        (&none["data"], &none["next_cursor"]),
        (&json!([]), &json!(cursor))
    );
    let refused = world
        .get("/events?after=evt_0")
        .await
        .problem(422, "invalid-query");
    assert_eq!(refused["errors"][0]["pointer"], "/after");
}

#[actix_web::test]
async fn events_are_for_applications_only() {
    let world = World::closed().await;
    let room = world.room(json!({})).await;
    let token = world.join(&room, "ann").await["connection"]["token"].clone();
    for path in ["/events", "/events/stream", "/webhooks"] {
        let asked = world.request_as(token.as_str(), Method::GET, path);
        send(asked).await.problem(403, "forbidden");
        send(world.request_as(None, Method::GET, path))
            .await
            .problem(401, "unauthorized");
    }
}

/// Reads a stream until it has this many events.
async fn follow(response: &mut reqwest::Response, events: usize) -> String {
    let mut text = String::new();
    while text.matches("\nevent: ").count() < events || !text.ends_with("\n\n") {
        let chunk = tokio::time::timeout(Duration::from_secs(10), response.chunk()).await;
        let chunk = chunk
            .expect("in time")
            .expect("a chunk")
            .expect("it goes on");
        text.push_str(std::str::from_utf8(&chunk).expect("text"));
    }
    text
}

#[actix_web::test]
async fn a_stream_brings_events_as_they_come_and_goes_on_where_it_was_cut() {
    let world = World::open().await;
    world.room(json!({})).await;
    let stream = || world.request(Method::GET, "/events/stream");
    let mut response = stream().send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let room = world.room(json!({})).await;
    let text = follow(&mut response, 1).await;
    assert!(text.contains("event: room.created\n"), "{text}");
    assert!(text.contains(&room), "{text}");
    assert_eq!(
        text.matches("\ndata: ").count(),
        1,
        "none from before: {text}"
    );
    let id = text
        .lines()
        .find_map(|line| line.strip_prefix("id: "))
        .unwrap();
    drop(response);
    let missed = world.room(json!({})).await;
    let mut again = stream().header("Last-Event-ID", id).send().await.unwrap();
    let text = follow(&mut again, 1).await;
    assert!(text.contains(&missed) && !text.contains(&room), "{text}");
}

#[actix_web::test]
async fn a_stream_ends_with_the_key_that_opened_it() {
    let world = World::closed().await;
    let key = world.post("/api-keys", json!({})).await.expect(201);
    let (secret, name) = (key["secret"].as_str().unwrap(), &key["name"]);
    let asked = world.request_as(Some(secret), Method::GET, "/events/stream");
    let mut response = asked.send().await.unwrap();
    world.room(json!({})).await;
    follow(&mut response, 1).await;
    let rotate = format!("/api-keys/{}/rotate", name.as_str().unwrap());
    let rotated = world.post(&rotate, json!({ "overlap_seconds": 0 })).await;
    rotated.expect(201);
    world.room(json!({})).await; // nothing of it is told any more
    let mut told = String::new();
    while let Ok(Ok(Some(more))) =
        tokio::time::timeout(Duration::from_secs(10), response.chunk()).await
    {
        told.push_str(std::str::from_utf8(&more).unwrap());
    }
    assert!(!told.contains("event: room.created"), "{told}");
    assert!(
        response.chunk().await.is_ok_and(|more| more.is_none()),
        "it is over"
    );
}

#[actix_web::test]
async fn a_stream_ends_when_the_server_stops() {
    let world = World::open().await;
    let asked = world.request(Method::GET, "/events/stream");
    let mut response = asked.send().await.unwrap();
    let start = std::time::Instant::now();
    world.server.stop().await;
    while let Ok(Some(_)) = response.chunk().await {}
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
}
