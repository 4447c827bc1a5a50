//! One user rings another, over REST and signaling.

use std::time::Duration;

use crate::support::{Socket, World};
use serde_json::{Value, json};

async fn initiate(world: &World, from: &str, to: &[&str]) -> Value {
    world
        .post(
            "/initiate",
            json!({ "type": "video", "from": from, "to": to }),
        )
        .await
        .expect(201)
}

fn id(call: &Value) -> &str {
    call["call_id"].as_str().expect("an id")
}

#[actix_web::test]
async fn a_call_rings_is_answered_ended_and_kept_in_the_history() {
    let world = World::open().await;
    let mut ben = world.online("ben").await;

    let call = initiate(&world, "ann", &["ben"]).await;
    let ring = ben.event("incoming").await;
    assert_eq!(
        (&ring["call_id"], &ring["from"]),
        (&call["call_id"], &json!("ann"))
    );
    assert_eq!(ring["call"]["status"], "ringing");
    let ringing = world.get(&format!("/{}", id(&call))).await.expect(200);
    assert_eq!(
        (&ringing["status"], &ringing["started_at"]),
        (&json!("ringing"), &Value::Null)
    );
    assert_eq!(ringing["duration_seconds"], 0);

    let answered = world
        .post(
            &format!("/{}/answer", id(&call)),
            json!({ "user_id": "ben" }),
        )
        .await
        .expect(200);
    assert_eq!(answered["status"], "active");
    assert!(answered["started_at"].is_string());
    let told = ben
        .event_where("incoming", |d| d["call"]["status"] == "active")
        .await;
    assert_eq!(told["call_id"], call["call_id"]);
    let mut ann = Socket::hello(&call["connection"]).await;
    let mut ben_in_call = Socket::hello(&answered["connection"]).await;
    assert_eq!(ann.event("welcome").await["call"]["status"], "active");
    assert_eq!(
        ben_in_call.event("welcome").await["call"]["call_id"],
        call["call_id"]
    );

    tokio::time::sleep(Duration::from_millis(1200)).await; // the call lasts, on the real clock
    let ended = world
        .post(&format!("/{}/end", id(&call)), json!({ "user_id": "ann" }))
        .await;
    let ended = ended.expect(200);
    assert_eq!(
        (&ended["status"], &ended["end_reason"]),
        (&json!("ended"), &json!("completed"))
    );
    assert_eq!(ann.end().await, ("call_ended".to_owned(), 1000));
    assert_eq!(ben_in_call.end().await, ("call_ended".to_owned(), 1000));

    let history = world.get("/history?user_id=ben").await.expect(200);
    let kept = &history["data"][0];
    assert_eq!(
        (&kept["call_id"], &kept["status"]),
        (&call["call_id"], &json!("ended"))
    );
    let seconds = kept["duration_seconds"].as_u64().unwrap();
    assert!((1..=3).contains(&seconds), "{seconds}");
    assert_eq!(kept["started_at"], answered["started_at"]);
    let users: Vec<_> = kept["participants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| &p["user_id"])
        .collect();
    assert_eq!(users, ["ann", "ben"]);
    let again = world
        .post(&format!("/{}/end", id(&call)), json!({}))
        .await
        .expect(200);
    assert_eq!(
        again["ended_at"], kept["ended_at"],
        "ending twice changes nothing"
    );
}

#[actix_web::test]
async fn a_rejected_call_is_over_and_its_caller_hears_it() {
    let world = World::open().await;
    let _ben = world.online("ben").await;
    let call = initiate(&world, "ann", &["ben"]).await;
    let ann = Socket::hello(&call["connection"]).await;

    let rejected = world
        .post(
            &format!("/{}/reject", id(&call)),
            json!({ "user_id": "ben" }),
        )
        .await
        .expect(200);

    assert_eq!(
        (&rejected["status"], &rejected["end_reason"]),
        (&json!("ended"), &json!("rejected"))
    );
    assert_eq!(ann.end().await.0, "call_ended");
    let answer = world
        .post(
            &format!("/{}/answer", id(&call)),
            json!({ "user_id": "ben" }),
        )
        .await;
    answer.problem(409, "call-ended");
}

#[actix_web::test]
async fn a_canceled_call_stops_ringing() {
    let world = World::open().await;
    let mut ben = world.online("ben").await;
    let call = initiate(&world, "ann", &["ben"]).await;
    ben.event("incoming").await;

    let canceled = world
        .post(&format!("/{}/cancel", id(&call)), json!({}))
        .await
        .expect(200);

    assert_eq!(
        (&canceled["end_reason"], &canceled["started_at"]),
        (&json!("canceled"), &Value::Null)
    );
    let told = ben
        .event_where("incoming", |d| d["call"]["status"] == "ended")
        .await;
    assert_eq!(told["call"]["end_reason"], "canceled");
}

#[actix_web::test]
async fn nobody_answers_and_the_call_ends_by_itself() {
    let world = World::open().await;
    let mut ben = world.online("ben").await;
    let body = json!({ "type": "audio", "from": "ann", "to": ["ben"], "timeout_seconds": 1 });
    let call = world.post("/initiate", body).await.expect(201);

    let told = ben
        .event_where("incoming", |d| d["call"]["status"] == "ended")
        .await;

    assert_eq!(told["call"]["end_reason"], "no_answer");
    let kept = world.get(&format!("/{}", id(&call))).await.expect(200);
    assert_eq!(
        (&kept["end_reason"], &kept["duration_seconds"]),
        (&json!("no_answer"), &json!(0))
    );
}

#[actix_web::test]
async fn who_was_not_called_can_neither_answer_nor_cancel() {
    let world = World::open().await;
    let call = initiate(&world, "ann", &["ben"]).await;
    let path = |verb: &str| format!("/{}/{verb}", id(&call));

    world
        .post(&path("answer"), json!({ "user_id": "eve" }))
        .await
        .problem(403, "not-called");
    world
        .post(&path("cancel"), json!({ "user_id": "eve" }))
        .await
        .problem(403, "forbidden");
    world
        .post("/call_0/answer", json!({ "user_id": "ben" }))
        .await
        .problem(404, "not-found");
    let group = initiate(&world, "ann", &["ben", "cem"]).await;
    let answer = world
        .post(&format!("/{}/answer", id(&group)), json!({}))
        .await;
    assert_eq!(
        answer.problem(422, "user-needed")["errors"][0]["pointer"],
        "/user_id"
    );
}

#[actix_web::test]
async fn a_call_keeps_what_the_caller_attached_to_it() {
    let world = World::open().await;
    let body = json!({ "type": "audio", "to": ["ben"], "metadata": { "order": 7 } });
    let call = world.post("/initiate", body).await.expect(201);
    assert_eq!(
        (&call["metadata"], &call["from"]),
        (&json!({ "order": 7 }), &json!("caller"))
    );
    assert_eq!(call["kind"], "one_to_one");
    let long = json!({ "type": "audio", "to": ["ben"], "metadata": { "x": "y".repeat(17_000) } });
    let refused = world
        .post("/initiate", long)
        .await
        .problem(422, "invalid-body");
    assert_eq!(refused["errors"][0]["pointer"], "/metadata");
    for to in [json!(["ann"]), json!(["ann", "ann"])] {
        let oneself = json!({ "type": "audio", "from": "ann", "to": to });
        let refused = world.post("/initiate", oneself).await;
        let refused = refused.problem(422, "invalid-body");
        assert_eq!(refused["errors"][0]["pointer"], "/to");
    }
    let nobody = world
        .post("/initiate", json!({ "type": "audio", "to": [] }))
        .await;
    assert_eq!(
        nobody.problem(422, "invalid-body")["errors"][0]["pointer"],
        "/to"
    );
}

#[actix_web::test]
async fn the_history_comes_in_pages_and_by_filters() {
    let world = World::open().await;
    for n in 0..3 {
        let call = initiate(&world, "ann", &[&format!("user{n}")]).await;
        world
            .post(&format!("/{}/cancel", id(&call)), json!({}))
            .await
            .expect(200);
    }
    let first = world.get("/history?limit=2").await.expect(200);
    assert_eq!(
        (first["data"].as_array().unwrap().len(), &first["has_more"]),
        (2, &json!(true))
    );
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = world
        .get(&format!("/history?limit=2&cursor={cursor}"))
        .await
        .expect(200);
    assert_eq!(
        (rest["data"].as_array().unwrap().len(), &rest["next_cursor"]),
        (1, &Value::Null)
    );
    assert_eq!(
        world.get("/history?offset=2").await.expect(200)["data"],
        rest["data"]
    );
    let one = world
        .get("/history?user_id=user1&status=ended&kind=one_to_one")
        .await
        .expect(200);
    assert_eq!(one["data"].as_array().unwrap().len(), 1);
    let bad = world
        .get("/history?cursor=x")
        .await
        .problem(422, "invalid-query");
    assert_eq!(bad["errors"][0]["pointer"], "/cursor");
}
