//! Kills between what a request did and its reply: who asks again with its `Idempotency-Key` does nothing twice.
//!
//! A few kills here; `make chaos` has a hundred (`CALLS_TEST_KILLS`).

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use rand::RngExt;
use serde_json::{Value, json};

use super::killed::again;
use crate::support::api::Api;
use crate::support::serving::Serving;

/// Kills where nobody says how many.
const FEW: u64 = 3;

/// Kills after which one has cut something off between its claim and its reply.
const MOST: u64 = 50;

/// Clients that ask without a pause, each for one thing at a time.
const ASKING: usize = 8;

/// What they ask for, each under a key of its own, so that it can be counted afterwards: a room of that name, or a call
/// from a user of that name.
#[derive(Default)]
struct Asked {
    keys: u64,
    answered: Vec<String>,
    in_flight: Vec<String>,
}

async fn ask(api: &Api, key: &str) -> Result<(u16, bool, Value), reqwest::Error> {
    let (path, body) = if key.starts_with("room") {
        ("/rooms", json!({ "name": key }))
    } else {
        let call = json!({ "type": "audio", "from": key, "to": [format!("{key}-callee")] });
        ("/initiate", call)
    };
    let request = api.http.post(format!("{}{path}", api.base));
    let request = request.header("idempotency-key", key).json(&body);
    let reply = request.send().await?;
    let replayed = reply.headers().contains_key("idempotent-replayed");
    Ok((reply.status().as_u16(), replayed, reply.json().await?))
}

/// Asks for one thing after another until the server is gone.
async fn keep_asking(api: Rc<Api>, asked: Rc<RefCell<Asked>>) {
    loop {
        let key = {
            let mut asked = asked.borrow_mut();
            asked.keys += 1;
            let what = if asked.keys.is_multiple_of(2) {
                "call"
            } else {
                "room"
            };
            format!("{what}-{}", asked.keys)
        };
        let Ok((status, _, body)) = ask(&api, &key).await else {
            return asked.borrow_mut().in_flight.push(key);
        };
        assert_eq!(status, 201, "{key}: {body}");
        asked.borrow_mut().answered.push(key);
    }
}

/// How often each thing was made.
async fn made(api: &Api) -> BTreeMap<String, usize> {
    let mut made = BTreeMap::new();
    for event in api.all_events().await {
        let data = &event["data"];
        let named = match event["type"].as_str() {
            Some("room.created") => &data["room"]["name"],
            Some("call.initiated") => &data["call"]["from"],
            _ => continue,
        };
        let named = named.as_str().expect("a name").to_owned();
        *made.entry(named).or_default() += 1;
    }
    made
}

#[actix_web::test]
async fn what_kills_cut_off_is_not_done_twice_for_who_asks_again_with_its_key() {
    let few = std::env::var("CALLS_TEST_KILLS").ok();
    let few = few.and_then(|kills| kills.parse().ok()).unwrap_or(FEW);
    let folder = tempfile::tempdir().unwrap();
    let mut server = Serving::start(again(folder.path(), "127.0.0.1:0"));
    let address = server.address.clone();
    let asked = Rc::new(RefCell::new(Asked::default()));
    let (mut kills, mut kept, mut first, mut unknown) = (0, 0, 0, Vec::new());
    // Whether a kill comes between a claim and its reply is chance, for one of so many.
    while kills < few || (unknown.is_empty() && kills < MOST) {
        let api = Rc::new(Api::of(&server));
        let asking = [(); ASKING].map(|()| actix::spawn(keep_asking(api.clone(), asked.clone())));
        let moment = rand::rng().random_range(100..400);
        tokio::time::sleep(Duration::from_millis(moment)).await;
        server.kill();
        kills += 1;
        for one in asking {
            one.await.expect("what was answered was done");
        }
        server = Serving::start(again(folder.path(), &address));
        let api = Api::of(&server);
        let cut_off = std::mem::take(&mut asked.borrow_mut().in_flight);
        for key in cut_off {
            let (status, replayed, body) = ask(&api, &key).await.unwrap();
            match (status, replayed) {
                (201, true) => kept += 1,
                (201, false) => first += 1,
                (409, _) => {
                    assert_eq!(body["code"], "idempotency-outcome-unknown");
                    unknown.push(key);
                    continue;
                }
                _ => panic!("{key}: {status} {body}"),
            }
            asked.borrow_mut().answered.push(key);
        }
    }
    assert!(!unknown.is_empty(), "no kill came in the middle");
    let api = Api::of(&server);
    let made = made(&api).await;
    for key in &asked.borrow().answered {
        assert_eq!(made.get(key), Some(&1), "{key} was answered");
    }
    let done = unknown.iter().filter(|key| made.contains_key(*key)).count();
    let twice: Vec<_> = made.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "done twice: {twice:?}");
    eprintln!(
        "measured: {kills} kills: {} requests in flight, of which {first} had not begun, {kept} were answered, and {} were \
         cut off in the middle ({done} of them done); nothing twice among {}",
        first + kept + unknown.len(),
        unknown.len(),
        made.len(),
    );
    server.kill(); // hundreds of calls ring in it, which a drain would see out first
}
