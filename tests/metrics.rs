//! `docs/METRICS.md` and the dashboard, held against the names in the code and what a server says.

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use reqwest::Method;
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
        seen += 1;
    }
    assert!(seen > 10, "{said}");
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
