//! What is logged and traced, by the program itself.

mod support;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use prost::Message as _;
use serde_json::{Value, json};
use support::Socket;
use support::receiver::Receiver;
use support::serving::{Serving, calls};

/// How long a trace may take to its collector.
const TRACED_WITHIN: Duration = Duration::from_secs(20);

/// Everything of ours, and what others say down to their debugging.
const VERBOSE: &str = "debug,calls=trace,calls_actors=trace,calls_media=trace,calls_turn=trace";

/// A server that logs all it can, and has every secret that it can have.
fn verbose(folder: &Path, log: &Path) -> Command {
    let secret = folder.join("bucket-secret");
    std::fs::write(&secret, "bucket-secret-7c1e\n").expect("written");
    let mut command = calls(folder, "serve");
    command
        .env("CALLS__TELEMETRY__FORMAT", "json")
        .env("CALLS__TELEMETRY__LOG", VERBOSE)
        .env("CALLS__TURN__TURN_URLS", "turn:turn.example:3478")
        .env("CALLS__TURN__SECRET", "turn-secret-91ab")
        .env("CALLS__STORAGE__ACCESS_KEY_ID", "key-id")
        .env("CALLS__STORAGE__SECRET_ACCESS_KEY_FILE", secret)
        .env("CALLS__WEBHOOKS__ALLOW_PRIVATE", "true")
        .stderr(File::create(log).expect("a file"));
    command
}

/// What a server was told and must not tell, and what its log should name.
struct Told {
    secrets: Vec<(&'static str, String)>,
    request: String,
    call: String,
}

fn word(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// The rest of the line that begins so.
fn line(sdp: &str, begin: &str) -> String {
    let mut lines = sdp.lines();
    let found = lines.find_map(|line| line.strip_prefix(begin));
    found.expect("it is in there").to_owned()
}

/// Uses a server as an application and a client do, rightly and wrongly.
async fn use_it(server: &Serving) -> Told {
    let (_, shown) = server
        .banner
        .split_once("keep it safe.")
        .expect("a first key");
    let key = shown.split_whitespace().next().expect("the key").to_owned();
    let http = reqwest::Client::new();
    let base = server.url("/api/v1/calls");
    let post = async |path: &str, body: Value| -> Value {
        let asked = http.post(format!("{base}{path}")).bearer_auth(&key);
        let reply = asked.json(&body).send().await.expect("a reply");
        reply.json().await.expect("JSON")
    };
    let mut receiver = Receiver::start();
    let hook = json!({ "url": receiver.url, "events": ["room.created"] });
    let hook = post("/webhooks", hook).await;
    let password = "room-password-5d2f";
    let room = post("/rooms", json!({ "name": "Hall", "password": password })).await;
    receiver.next().await;
    let path = format!("/rooms/{}/join", word(&room["room_id"]));
    let wrong = "wrong-password-8e8e";
    post(&path, json!({ "user_id": "eve", "password": wrong })).await;
    let joined = post(&path, json!({ "user_id": "ann", "password": password })).await;
    let mut ann = Socket::hello(&joined["connection"]).await;
    let welcome = ann.event("welcome").await;
    let said = "words-that-ann-said-4410";
    ann.ask("chat", json!({ "text": said }))
        .await
        .expect("it is said");
    let offer = include_str!("../media/tests/offers/chromium.sdp");
    let publish = json!([{ "mid": "0", "source": "microphone" }]);
    let answer = ann.ask("offer", json!({ "sdp": offer, "publish": publish }));
    let answer = word(&answer.await.expect("an answer")["sdp"]);
    let bad = "calls_wrong-key-33aa";
    let refused = http.get(format!("{base}/rooms")).bearer_auth(bad);
    assert_eq!(refused.send().await.expect("a reply").status(), 401);
    let by_query = http.get(format!("{base}/rooms?token=query-secret-77"));
    by_query.send().await.expect("a reply");
    let call = word(&welcome["call"]["call_id"]);
    let asked = http.get(format!("{base}/{call}")).bearer_auth(&key);
    let reply = asked.send().await.expect("a reply");
    let request = reply.headers()["x-request-id"]
        .to_str()
        .expect("a reply")
        .to_owned();
    ann.tell("leave", json!({})).await;
    assert_eq!(ann.end().await.0, "left");
    let connection = &joined["connection"];
    let secrets = vec![
        ("API key", key.clone()),
        ("wrong API key", bad.to_owned()),
        ("secret in a query", "query-secret-77".to_owned()),
        ("TURN secret", "turn-secret-91ab".to_owned()),
        ("bucket secret", "bucket-secret-7c1e".to_owned()),
        ("webhook secret", word(&hook["secret"])),
        ("room password", password.to_owned()),
        ("wrong room password", wrong.to_owned()),
        ("join token", word(&connection["token"])),
        ("resume token", word(&welcome["resume_token"])),
        (
            "TURN password",
            word(&connection["ice_servers"][0]["credential"]),
        ),
        ("ICE password", line(&answer, "a=ice-pwd:")),
        ("ICE password of the client", line(offer, "a=ice-pwd:")),
        ("fingerprint", line(&answer, "a=fingerprint:sha-256 ")),
        ("what was said", said.to_owned()),
    ];
    Told {
        secrets,
        request,
        call,
    }
}

#[actix_web::test]
async fn logs_name_requests_and_calls_and_tell_no_secret_and_nothing_that_was_said() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let server = Serving::start(verbose(folder.path(), &log));
    let told = use_it(&server).await;
    assert_eq!(server.stop().0, Some(0));
    let text = std::fs::read_to_string(&log).unwrap();
    for (what, secret) in told.secrets {
        assert!(secret.len() > 8, "{what}: {secret:?}");
        let line = text.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{what} is in the log");
    }
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect();
    let both = |line: &&Value| {
        let span = &line["span"];
        span["request.id"] == told.request && span["call.id"] == told.call
    };
    assert!(lines.iter().any(|line| both(&line)), "no line names both");
    let of_call = lines
        .iter()
        .filter(|line| line["fields"]["call.id"] == told.call);
    assert!(of_call.count() >= 3, "it begins, somebody comes, it ends");
}

#[actix_web::test]
async fn a_collector_is_sent_a_trace_of_each_request_within_its_callers_trace() {
    let folder = tempfile::tempdir().unwrap();
    let mut collector = Receiver::start();
    let mut command = calls(folder.path(), "serve --dev");
    command
        .env("CALLS__TELEMETRY__OTLP_ENDPOINT", &collector.url)
        .env("OTEL_BSP_SCHEDULE_DELAY", "200");
    let server = Serving::start(command);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let room = "room_01890a5dac96774bbcceb302099a8057";
    let asked = reqwest::Client::new()
        .get(server.url(&format!("/api/v1/calls/rooms/{room}")))
        .header("traceparent", format!("00-{trace}-00f067aa0cc902c7-01"))
        .bearer_auth("token-secret-1234");
    let reply = asked.send().await.expect("a reply");
    let id = reply.headers()["x-request-id"].to_str().unwrap().to_owned();

    let begun = Instant::now();
    let mut found = None;
    let mut keys = BTreeSet::new();
    while found.is_none() {
        assert!(begun.elapsed() < TRACED_WITHIN, "no trace of {id} came");
        let body = collector.next().await.body;
        assert!(!String::from_utf8_lossy(&body).contains("token-secret-1234"));
        let export = ExportTraceServiceRequest::decode(&body[..]).expect("OTLP in protobuf");
        for resource in export.resource_spans {
            let attributes = resource.resource.expect("a resource").attributes;
            let name = attributes.iter().find(|one| one.key == "service.name");
            let name = name.and_then(|name| name.value.clone()?.value);
            assert_eq!(name, Some(Any::StringValue("calls".to_owned())));
            let spans = resource
                .scope_spans
                .into_iter()
                .flat_map(|scope| scope.spans);
            for span in spans {
                let value = |key: &str| {
                    let found = span.attributes.iter().find(|one| one.key == key);
                    found.and_then(|found| found.value.clone()?.value)
                };
                keys.extend(span.attributes.iter().map(|one| one.key.clone()));
                if value("request.id") == Some(Any::StringValue(id.clone())) {
                    assert_eq!(value("room.id"), Some(Any::StringValue(room.to_owned())));
                    assert_eq!(value("http.status"), Some(Any::IntValue(401)));
                    found = Some(span);
                }
            }
        }
    }
    let span = found.expect("just found");
    assert_eq!(span.name, "request");
    assert_eq!(
        hex::encode(&span.trace_id),
        trace,
        "it is the caller's trace"
    );
    assert_eq!(hex::encode(&span.parent_span_id), "00f067aa0cc902c7");
    assert!(span.end_time_unix_nano > span.start_time_unix_nano);
    for key in keys {
        let told = [
            "token",
            "authorization",
            "address",
            "client",
            "user_agent",
            "query",
        ];
        assert!(
            !told.iter().any(|word| key.contains(word)),
            "{key} says too much"
        );
    }
    assert_eq!(server.stop().0, Some(0));
}

#[actix_web::test]
async fn a_collector_that_is_away_delays_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = calls(folder.path(), "serve --dev");
    command
        .env("CALLS__TELEMETRY__OTLP_ENDPOINT", "http://127.0.0.1:1")
        .env("OTEL_BSP_SCHEDULE_DELAY", "50");
    let server = Serving::start(command);
    for _ in 0..50 {
        let begun = Instant::now();
        let reply = reqwest::get(server.url("/healthz")).await.expect("a reply");
        assert_eq!(reply.status(), 200);
        assert!(
            begun.elapsed() < Duration::from_secs(1),
            "{:?}",
            begun.elapsed()
        );
    }
    let begun = Instant::now();
    assert_eq!(server.stop().0, Some(0));
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "{:?}",
        begun.elapsed()
    );
}
