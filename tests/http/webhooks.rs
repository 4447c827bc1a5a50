//! What applications are told, and how they say where.

use std::io::{Read, Write};

use actix_web::web::Bytes;
use calls::config::Config;
use calls_model::Timestamp;
use serde_json::{Value, json};

use crate::support::World;
use crate::support::receiver::{Message, Receiver};

/// Endpoints of tests are on this machine; and nobody waits for seconds.
fn near(config: &mut Config) {
    config.webhooks.allow_private = true;
    config.webhooks.retry_seconds = 1;
}

async fn world() -> (World, Receiver) {
    (World::start(true, near).await, Receiver::start())
}

async fn hook(world: &World, receiver: &Receiver, events: Value) -> Value {
    let asked = json!({ "url": receiver.url, "events": events });
    world.post("/webhooks", asked).await.expect(201)
}

fn path(hook: &Value) -> String {
    format!("/webhooks/{}", hook["webhook_id"].as_str().expect("an id"))
}

/// The first delivery that stands so.
async fn delivery(world: &World, hook: &Value, status: &str) -> Value {
    let list = format!("{}/deliveries?status={status}", path(hook));
    for _ in 0..100 {
        let page = world.get(&list).await.expect(200);
        if page["data"][0].is_object() {
            return page["data"][0].clone();
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("no delivery is {status}");
}

#[actix_web::test]
async fn an_endpoint_hears_what_it_asked_for_in_order_numbered_and_signed() {
    let (world, mut receiver) = world().await;
    let hook = hook(&world, &receiver, json!(["call.*", "participant.joined"])).await;
    let room = world.room(json!({})).await;
    let (_ann, welcome) = world.enter(&room, "ann").await;
    let call = &welcome["call"]["call_id"];
    world
        .post(&format!("/{}/end", call.as_str().unwrap()), json!({}))
        .await
        .expect(200);

    let mut types = Vec::new();
    let mut last = 0;
    loop {
        let message = receiver.next().await;
        let event = message.json();
        assert!(message.is_signed_with(hook["secret"].as_str().unwrap()));
        assert_eq!(event["event_id"], message.id.as_str());
        assert_eq!(&event["subject"], call);
        let seq = event["seq"].as_u64().unwrap();
        assert!(seq > last, "{seq} after {last}");
        last = seq;
        types.push(event["type"].as_str().unwrap().to_owned());
        if event["type"] == "participant.joined" {
            assert_eq!(event["data"]["member"]["user_id"], "ann");
        }
        if event["type"] == "call.ended" {
            assert_eq!(event["data"]["reason"], "completed");
            break;
        }
    }
    assert_eq!(types[0], "call.initiated");
    assert!(
        types.contains(&"participant.joined".to_owned()),
        "{types:?}"
    );
    assert!(!types.contains(&"participant.left".to_owned()), "{types:?}");
}

#[actix_web::test]
async fn what_an_endpoint_does_not_take_is_sent_again_under_the_same_id_and_logged() {
    let (world, mut receiver) = world().await;
    receiver.answer(503);
    let hook = hook(&world, &receiver, json!(["room.created"])).await;
    world.room(json!({})).await;
    let first = receiver.next().await;
    receiver.answer(204);
    let again = receiver.next().await;
    assert_eq!((&first.id, &first.body), (&again.id, &again.body));
    let delivery = delivery(&world, &hook, "delivered").await;
    assert_eq!(delivery["attempts"], 2);
    assert_eq!(delivery["event_id"], first.id.as_str());
    let log = delivery["log"].as_array().unwrap();
    assert_eq!(
        (&log[0]["status"], &log[1]["status"]),
        (&json!(503), &json!(204))
    );
    assert!(log[0]["error"].as_str().unwrap().contains("503"), "{log:?}");
    assert!(log[1]["error"].is_null());
}

#[actix_web::test]
async fn what_was_delivered_can_be_sent_again() {
    let (world, mut receiver) = world().await;
    let hook = hook(&world, &receiver, json!(["room.created"])).await;
    world.room(json!({})).await;
    let first = receiver.next().await;
    let delivered = delivery(&world, &hook, "delivered").await;
    let id = delivered["delivery_id"].as_str().unwrap();
    let again = format!("{}/deliveries/{id}/redeliver", path(&hook));
    let pending = world.post(&again, json!({})).await.expect(202);
    assert_eq!(pending["status"], "pending");
    assert_eq!(receiver.next().await.id, first.id);
    world
        .post(
            &format!("{}/deliveries/dlv_0/redeliver", path(&hook)),
            json!({}),
        )
        .await
        .problem(404, "not-found");
}

#[actix_web::test]
async fn while_secrets_change_both_sign() {
    let (world, mut receiver) = world().await;
    let hook = hook(&world, &receiver, json!(["room.created"])).await;
    let shown = world.get(&path(&hook)).await.expect(200);
    assert!(shown.get("secret").is_none(), "it is shown once: {shown}");
    let rotate = json!({ "rotate_secret": true });
    let rotated = world.patch(&path(&hook), rotate).await.expect(200);
    assert!(rotated["previous_secret_until"].is_string());
    world.room(json!({})).await;
    let message = receiver.next().await;
    assert_eq!(message.signatures.len(), 2);
    for secret in [&hook["secret"], &rotated["secret"]] {
        assert!(message.is_signed_with(secret.as_str().unwrap()));
    }
}

#[actix_web::test]
async fn an_endpoint_that_says_it_is_gone_is_disabled_and_told_the_rest_when_it_is_back() {
    let (world, mut receiver) = world().await;
    receiver.answer(410);
    let hook = hook(&world, &receiver, json!(["room.created"])).await;
    world.room(json!({})).await;
    let first = receiver.next().await;
    for _ in 0..100 {
        if world.get(&path(&hook)).await.expect(200)["status"] == "disabled" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let disabled = world.get(&path(&hook)).await.expect(200);
    assert_eq!(disabled["status"], "disabled");
    assert!(
        disabled["disabled_reason"]
            .as_str()
            .unwrap()
            .contains("410")
    );
    receiver.answer(200);
    let enable = json!({ "enabled": true });
    world.patch(&path(&hook), enable).await.expect(200);
    assert_eq!(receiver.next().await.id, first.id);
}

#[actix_web::test]
async fn an_endpoint_that_takes_nothing_for_too_long_is_disabled() {
    let world = World::start(true, |config| {
        near(config);
        config.webhooks.retry_hours = 0;
    })
    .await;
    let mut receiver = Receiver::start();
    receiver.answer(500);
    let hook = hook(&world, &receiver, json!(["*"])).await;
    world.room(json!({})).await;
    receiver.next().await;
    assert_eq!(delivery(&world, &hook, "failed").await["attempts"], 1);
    for _ in 0..100 {
        let found = world.get(&path(&hook)).await.expect(200);
        if found["status"] == "disabled" {
            let again = delivery(&world, &hook, "failed").await;
            let id = again["delivery_id"].as_str().unwrap();
            let again = format!("{}/deliveries/{id}/redeliver", path(&hook));
            world
                .post(&again, json!({}))
                .await
                .problem(409, "webhook-disabled");
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("it is still enabled");
}

#[actix_web::test]
async fn a_redirect_is_not_followed() {
    let (world, mut receiver) = world().await;
    receiver.answer(307);
    let hook = hook(&world, &receiver, json!(["room.created"])).await;
    let tested = world
        .post(&format!("{}/test", path(&hook)), json!({}))
        .await
        .expect(200);
    assert_eq!(tested["status"], 307);
    assert!(tested["error"].is_string());
    receiver.next().await;
    receiver.hears_nothing().await;
}

#[actix_web::test]
async fn a_test_says_how_it_went() {
    let (world, mut receiver) = world().await;
    let hook = hook(&world, &receiver, json!(["room.created"])).await;
    let test = format!("{}/test", path(&hook));
    let taken = world.post(&test, json!({})).await.expect(200);
    assert_eq!(
        (&taken["status"], &taken["error"]),
        (&json!(200), &Value::Null)
    );
    let told = receiver.next().await;
    assert_eq!(told.json()["type"], "webhook.test");
    assert!(told.is_signed_with(hook["secret"].as_str().unwrap()));
    let nobody = json!({ "url": "http://127.0.0.1:1/" });
    world.patch(&path(&hook), nobody).await.expect(200);
    let refused = world.post(&test, json!({})).await.expect(200);
    assert!(refused["status"].is_null());
    assert!(
        refused["error"].as_str().unwrap().contains("refused"),
        "{refused}"
    );
}

#[actix_web::test]
async fn endpoints_inside_of_networks_are_refused() {
    let world = World::open().await;
    for url in [
        "http://app.example.org/",
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://10.1.2.3:8443/x",
        "ftp://app.example.org/",
        "not a url",
    ] {
        let asked = json!({ "url": url });
        let refused = world
            .post("/webhooks", asked)
            .await
            .problem(422, "invalid-body");
        assert_eq!(refused["errors"][0]["pointer"], "/url", "{url}");
    }
    // A name says nothing before it is looked up.
    let asked = json!({ "url": "https://localhost/" });
    let hook = world.post("/webhooks", asked).await.expect(201);
    let tested = world
        .post(&format!("{}/test", path(&hook)), json!({}))
        .await
        .expect(200);
    let error = tested["error"].as_str().unwrap();
    assert!(
        error.contains("no address on the public internet"),
        "{error}"
    );
}

#[actix_web::test]
async fn endpoints_have_bounds_and_need_known_events() {
    let world = World::start(true, |config| config.webhooks.most = 1).await;
    let asked = json!({ "url": "https://app.example.org/", "events": ["call.over"] });
    let refused = world
        .post("/webhooks", asked)
        .await
        .problem(422, "invalid-body");
    assert_eq!(refused["errors"][0]["pointer"], "/events/0");
    let asked = json!({ "url": "https://app.example.org/", "events": [] });
    world
        .post("/webhooks", asked)
        .await
        .problem(422, "invalid-body");
    let asked = json!({ "url": "https://app.example.org/" });
    let hook = world.post("/webhooks", asked.clone()).await.expect(201);
    assert_eq!(hook["events"], json!(["*"]));
    world
        .post("/webhooks", asked.clone())
        .await
        .problem(409, "too-many-webhooks");
    world.delete(&path(&hook)).await.expect(204);
    world.get(&path(&hook)).await.problem(404, "not-found");
    world.post("/webhooks", asked).await.expect(201);
}

#[actix_web::test]
async fn what_was_not_delivered_before_a_restart_is_delivered_after_it() {
    let (world, mut receiver) = world().await;
    receiver.answer(500);
    hook(&world, &receiver, json!(["room.created"])).await;
    world.room(json!({})).await;
    let first = receiver.next().await;
    let world = world.restart(true).await;
    receiver.answer(200);
    let mut ids = vec![first.id];
    let made = world.room(json!({})).await;
    loop {
        let message = receiver.next().await;
        ids.push(message.id.clone());
        ids.dedup();
        if ids.len() >= 2 && message.json()["subject"] == made.as_str() {
            break;
        }
    }
}

/// The receiver of docs/WEBHOOKS.md, in a process of its own; it goes with this.
struct Example(std::process::Child);

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Example {
    /// Listens on this port with this secret.
    async fn start(port: u16, secret: &str) -> Self {
        let page = include_str!("../../docs/WEBHOOKS.md");
        let (_, rest) = page.split_once("```python\n").expect("an example");
        let (program, _) = rest.split_once("```").expect("its end");
        let child = std::process::Command::new("python3")
            .args(["-c", program])
            .env("WEBHOOK_SECRET", secret)
            .env("PORT", port.to_string())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn();
        let example = Self(child.expect("python3"));
        for _ in 0..200 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return example;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("it does not listen");
    }

    /// What it took, once it is over.
    fn took(mut self) -> String {
        let _ = self.0.kill();
        let mut took = String::new();
        let mut told = self.0.stdout.take().expect("a pipe");
        told.read_to_string(&mut took).expect("text");
        took
    }
}

/// The status with which a receiver on this port answers a head with these lines, and no body.
fn status_of(port: u16, lines: &str) -> String {
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    let patience = Some(std::time::Duration::from_secs(10));
    stream.set_read_timeout(patience).expect("a socket");
    let head = format!("POST /hooks HTTP/1.1\r\nhost: 127.0.0.1\r\n{lines}\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

#[test]
fn the_message_of_the_documentation_is_signed_as_it_says() {
    let page = include_str!("../../docs/WEBHOOKS.md");
    let (before, rest) = page.split_once("```http\n").expect("a message");
    let (message, _) = rest.split_once("\n```").expect("its end");
    let (head, body) = message.split_once("\n\n").expect("a head");
    let (_, secret) = before.rsplit_once("`whsec_").expect("a secret");
    let (secret, _) = secret.split_once('`').expect("its end");
    let header = |name: &str| {
        let mut headers = head.lines().filter_map(|line| line.split_once(": "));
        let found = headers.find(|(key, _)| *key == name);
        found.expect("a header").1.to_owned()
    };
    let message = Message {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        signatures: vec![header("webhook-signature")],
        body: Bytes::from_static(body.as_bytes()),
    };
    assert!(message.is_signed_with(&format!("whsec_{secret}")));
    let event = message.json();
    assert_eq!(event["event_id"], message.id.as_str());
    let at: Timestamp = serde_json::from_value(event["timestamp"].clone()).expect("a time");
    assert_eq!((at.millis() / 1000).to_string(), message.timestamp);
}

#[actix_web::test]
async fn the_receiver_of_the_documentation_takes_what_is_genuine_once_and_nothing_else() {
    let world = World::start(true, near).await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    let url = format!("http://127.0.0.1:{port}/hooks");
    let asked = json!({ "url": url, "events": ["room.created"] });
    let hook = world.post("/webhooks", asked).await.expect(201);
    let secret = hook["secret"].as_str().expect("a secret");

    let other = Example::start(port, "whsec_AAAA").await;
    let test = format!("{}/test", path(&hook));
    let sent = world.post(&test, json!({})).await.expect(200);
    assert_eq!(sent["status"], 401, "it is signed with another secret");
    assert_eq!(other.took(), "");

    let example = Example::start(port, secret).await;
    let timed = |digits: usize| {
        let when = "9".repeat(digits);
        format!("content-length: 0\r\nwebhook-timestamp: {when}")
    };
    let (no_float, no_number) = (timed(400), timed(5000)); // neither for Python
    for (bad, status) in [
        ("content-length: -1", "400"),
        ("content-length: many", "400"),
        ("accept: */*", "400"),
        ("content-length: 1000000000000", "413"),
        (no_float.as_str(), "401"),
        (no_number.as_str(), "401"),
    ] {
        assert_eq!(status_of(port, bad), status, "{bad}");
    }
    let sent = world.post(&test, json!({})).await.expect(200);
    assert_eq!(sent["status"], 204);
    let room = world.room(json!({})).await;
    let told = delivery(&world, &hook, "delivered").await;
    let again = format!(
        "{}/deliveries/{}/redeliver",
        path(&hook),
        told["delivery_id"].as_str().expect("an id")
    );
    world.post(&again, json!({})).await.expect(202);
    for _ in 0..100 {
        if delivery(&world, &hook, "delivered").await["attempts"] == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(delivery(&world, &hook, "delivered").await["attempts"], 2);
    let took = example.took();
    let rooms = took.lines().filter(|line| line.starts_with("room.created"));
    assert_eq!(
        rooms.collect::<Vec<_>>(),
        [format!("room.created {room} 1")],
        "{took}"
    );
}
