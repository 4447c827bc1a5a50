//! `docs/METRICS.md` and the dashboard, held against the names in the code and what a server says.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use calls::auth::keys::SecretKey;
use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use support::{World, send};

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// Name and type, as the page has them.
fn documented() -> BTreeMap<String, String> {
    let page = read("docs/METRICS.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let row = |line: &str| {
        let mut cells = line.split('|');
        let name = cells.next()?.trim().strip_suffix('`')?.to_owned();
        Some((name, cells.next()?.trim().to_owned()))
    };
    rows.filter_map(row).collect()
}

/// Everything between quotes that is called like a number.
fn named(text: &str) -> BTreeSet<String> {
    let quoted = text.split('"').skip(1).step_by(2);
    let is_name = |word: &&str| {
        let ours = word.starts_with("calls_") || word.starts_with("process_");
        ours && word
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    quoted.filter(is_name).map(str::to_owned).collect()
}

#[test]
fn the_page_has_every_number_that_the_code_names_and_no_other() {
    let sources = [
        read("src/telemetry/names.rs"),
        read("actors/src/metrics.rs"),
    ];
    let code: BTreeSet<String> = sources.iter().flat_map(|text| named(text)).collect();
    let page: BTreeSet<String> = documented().into_keys().collect();
    assert!(code.len() > 40, "{code:?}");
    assert_eq!(
        page.difference(&code).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "gone from the code"
    );
    assert_eq!(
        code.difference(&page).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "not in docs/METRICS.md"
    );
}

#[test]
fn every_number_that_the_code_names_is_explained() {
    let files = ["src/telemetry/names.rs", "actors/src/metrics.rs"].map(read);
    let all = files.concat();
    for file in &files {
        let consts = file
            .lines()
            .filter_map(|line| line.strip_prefix("pub const "));
        let mut seen = 0;
        for name in consts.filter_map(|line| line.split(':').next()) {
            // That of processor time stands beside how it is read.
            let told = all.split("describe_").skip(1).any(|call| {
                let given = call.split_once("!(").map(|(_, given)| given.trim_start());
                given.is_some_and(|given| given.starts_with(&format!("{name},")))
            });
            assert!(told || name == "CPU_SECONDS", "{name}");
            seen += 1;
        }
        assert!(seen > 20, "{seen} names");
    }
}

#[actix_web::test]
async fn a_server_says_what_the_page_says_it_does() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    let (ann, _) = world.enter(&room, "ann").await;
    drop(ann);
    let said = send(world.page(Method::GET, "/metrics")).await.text;
    let page = documented();
    let mut seen = 0;
    for line in said.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').expect("a name and a type");
        assert_eq!(page.get(name).map(String::as_str), Some(kind), "{name}");
        let help = format!("# HELP {name} ");
        assert!(said.contains(&help), "{name} is not explained");
        let total = name.ends_with("_total");
        assert_eq!(total, kind == "counter", "{name} is a {kind}");
        seen += 1;
    }
    assert!(seen > 10, "{said}");
}

/// What counts alarms is there before the first: a rate knows no step from nothing to one.
#[actix_web::test]
async fn numbers_that_are_alarms_are_there_as_nought_from_the_start() {
    let world = World::open().await;
    let said = send(world.page(Method::GET, "/metrics")).await.text;
    let page = read("docs/METRICS.md");
    let alarm = |line: &&str| line.contains("_total` | counter |  |") && line.contains("*Alarm.*");
    let alarms = page.lines().filter(alarm);
    let mut names: Vec<&str> = alarms.filter_map(|line| line.split('`').nth(1)).collect();
    assert!(names.len() > 4, "{names:?}");
    names.push("calls_recording_starts_failed_total");
    for name in names {
        let line = format!("{name} 0");
        assert!(said.lines().any(|said| said == line), "{name}: {said}");
    }
}

/// What a query asks for: words that are no function, label or variable.
fn asked(query: &str) -> BTreeSet<String> {
    let word = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    let words = query.split(word);
    let ours = words.filter(|word| word.starts_with("calls_") || word.starts_with("process_"));
    ours.map(str::to_owned).collect()
}

#[test]
fn the_dashboard_asks_for_numbers_that_there_are() {
    let dashboard: Value = serde_json::from_str(&read("config/grafana/calls.json")).expect("JSON");
    let page = documented();
    let mut queries = Vec::new();
    for panel in dashboard["panels"].as_array().expect("panels") {
        let targets = panel["targets"].as_array().expect("targets");
        assert!(!targets.is_empty(), "{}", panel["title"]);
        queries.extend(
            targets
                .iter()
                .map(|target| target["expr"].as_str().expect("a query")),
        );
    }
    assert!(queries.len() > 20, "{} queries", queries.len());
    for query in queries {
        let names = asked(query);
        assert!(!names.is_empty(), "{query}");
        for name in names {
            let plain = name.strip_suffix("_bucket");
            let kind = page.get(plain.unwrap_or(&name)).map(String::as_str);
            let wanted = plain.map(|_| "histogram");
            assert!(
                kind.is_some() && (wanted.is_none() || kind == wanted),
                "{query}: {name}"
            );
        }
    }
}

/// Counts looks into the table of API keys.
struct Lookups;

static LOOKUPS: AtomicUsize = AtomicUsize::new(0);

impl Instrumentation for Lookups {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        if let InstrumentationEvent::StartQuery { query, .. } = event {
            let query = query.to_string();
            let is = query.starts_with("SELECT") && query.contains("`api_keys`.`hash` = ?");
            LOOKUPS.fetch_add(usize::from(is), Ordering::SeqCst);
        }
    }
}

#[actix_web::test]
async fn an_api_key_is_looked_up_once_for_each_request_whatever_it_asks_for() {
    set_default_instrumentation(|| Some(Box::new(Lookups))).expect("nobody counts yet");
    let world = World::closed().await;
    let room = world.room(json!({})).await;
    let join = format!("/rooms/{room}/join");
    let mut lookups = Vec::new();
    let mut ask = async |what: &str, request: RequestBuilder, status: u16| {
        let before = LOOKUPS.load(Ordering::SeqCst);
        send(request).await.expect(status);
        lookups.push((what.to_owned(), LOOKUPS.load(Ordering::SeqCst) - before));
    };
    let post = |path: &str, body: Value| world.request(Method::POST, path).json(&body);
    let keyed = || post("/rooms", json!({ "name": "Daily" })).header("idempotency-key", "k");
    let wrong = world.request_as(Some(SecretKey::random().reveal()), Method::GET, "/rooms");
    ask("a list", world.request(Method::GET, "/rooms"), 200).await;
    ask(
        "a join, which its room limits too",
        post(&join, json!({ "user_id": "ann" })),
        200,
    )
    .await;
    ask("a key of idempotency", keyed(), 201).await;
    ask("the same again", keyed(), 201).await;
    ask(
        "what is not there",
        world.request(Method::GET, "/rooms/room_0"),
        404,
    )
    .await;
    ask("a wrong key", wrong, 401).await;
    eprintln!("measured: {lookups:?}");
    assert!(lookups.iter().all(|(_, times)| *times == 1), "{lookups:?}");
}
