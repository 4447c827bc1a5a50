//! Kills at random moments under load: what was acknowledged is there, what began has ended, and everybody was told.
//!
//! A few kills here; `make chaos` has a hundred (`CALLS_TEST_KILLS`). The seed is printed; `CALLS_TEST_SEED` repeats it.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::rc::Rc;
use std::time::{Duration, Instant};

use calls_codec::Demuxer;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::peer::{Heard, Network, Peer};
use crate::support::Socket;
use crate::support::api::Api;
use crate::support::receiver::Receiver;
use crate::support::serving::{Serving, calls};

/// Kills where nobody says how many.
const FEW: u64 = 3;

/// Clients that come and go.
const CLIENTS: usize = 6;

/// Rooms in which they meet.
const ROOMS: usize = 3;

/// How long everything may take to be told and made in the end.
const SETTLED_WITHIN: Duration = Duration::from_secs(60);

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// What the server said yes to.
#[derive(Default)]
struct Acknowledged {
    rooms: Vec<String>,
    /// Presences, with their calls.
    joined: Vec<(String, String)>,
    left: Vec<String>,
    recordings: Vec<String>,
}

type Book = Rc<RefCell<Acknowledged>>;

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

/// What a server says that may be killed while it does.
async fn ask(api: &Api, path: &str, body: Value) -> Option<Value> {
    let reply = api.try_post(path, body).await.ok()?;
    let accepted = reply.status().is_success();
    let body: Value = reply.json().await.ok()?;
    accepted.then_some(body)
}

async fn pause(random: &mut StdRng, millis: std::ops::Range<u64>) {
    tokio::time::sleep(Duration::from_millis(random.random_range(millis))).await;
}

/// Comes in, says something, and goes in one way or another; a kill ends it anywhere, by a panic of its own.
async fn visit(api: Rc<Api>, room: String, user: String, seed: u64, book: Book) {
    let mut random = StdRng::seed_from_u64(seed);
    let join = json!({ "user_id": user });
    let Some(joined) = ask(&api, &format!("/rooms/{room}/join"), join).await else {
        return pause(&mut random, 20..100).await;
    };
    let presence = text(&joined, "participant_id");
    let place = (presence.clone(), text(&joined, "call_id"));
    book.borrow_mut().joined.push(place);
    if random.random_bool(0.2)
        && let Some(made) = ask(&api, "/rooms", json!({ "name": "Another" })).await
    {
        book.borrow_mut().rooms.push(text(&made, "room_id"));
    }
    let mut socket = Socket::hello(&joined["connection"]).await;
    socket.event("welcome").await;
    let _ = socket.ask("hand", json!({ "up": true })).await;
    let _ = socket.ask("chat", json!({ "text": "hello" })).await;
    pause(&mut random, 50..800).await;
    match random.random_range(0..3) {
        0 => socket.cut(),
        1 => {
            if socket.ask("leave", json!({})).await.is_ok() {
                book.borrow_mut().left.push(presence);
            }
        }
        _ => {
            let leave = json!({ "user_id": user });
            if ask(&api, &format!("/rooms/{room}/leave"), leave)
                .await
                .is_some()
            {
                book.borrow_mut().left.push(presence);
            }
        }
    }
}

async fn come_and_go(api: Rc<Api>, rooms: Vec<String>, user: String, seed: u64, book: Book) {
    let mut random = StdRng::seed_from_u64(seed);
    loop {
        let room = rooms[random.random_range(0..rooms.len())].clone();
        let (api, user, book) = (api.clone(), user.clone(), book.clone());
        // A panic of one visit is a server that went away under it.
        let _ = actix::spawn(visit(api, room, user, random.random(), book)).await;
        pause(&mut random, 10..50).await;
    }
}

/// No file goes on into an interruption, and each source of each presence is told once.
fn is_told_as_it_is(recording: &Value, report: &Value) {
    let ms = |of: &Value, name: &str| of[name].as_u64();
    for gap in report["interruptions"].as_array().expect("an array") {
        let Some((from, to)) = ms(gap, "from_ms").zip(ms(gap, "to_ms")) else {
            continue; // nobody came back
        };
        for file in recording["files"].as_array().expect("an array") {
            let starts = ms(file, "start_ms").expect("a time");
            let ends = starts + ms(file, "duration_ms").expect("a time");
            assert!(ends <= from + 1 || starts + 1 >= to, "{gap} {file}");
        }
    }
    let tracks = report["tracks"].as_array().expect("an array").iter();
    let sources = tracks.map(|track| (text(track, "participant_id"), text(track, "source")));
    let all: Vec<_> = sources.collect();
    let once: BTreeSet<_> = all.iter().collect();
    assert_eq!(once.len(), all.len(), "{report}");
}

/// Sends a voice and a picture into a room that is recorded, and comes back by its token after each kill.
async fn publish(
    api: Rc<Api>,
    room: String,
    last: Rc<RefCell<Option<(Value, Value)>>>,
    book: Book,
) {
    let known = last.borrow().clone();
    let resumed = match known {
        None => None,
        Some((ws_url, welcome)) => {
            last.borrow_mut().take(); // if it leads nowhere, the next one joins anew
            let mut socket = Socket::resume(&ws_url, &welcome, 0).await;
            let again = socket.event("welcome").await;
            Some((socket, ws_url, again))
        }
    };
    let (mut socket, ws_url, welcome) = if let Some(back) = resumed {
        back
    } else {
        let join = json!({ "user_id": "speaker" });
        let Some(joined) = ask(&api, &format!("/rooms/{room}/join"), join).await else {
            return;
        };
        let place = (text(&joined, "participant_id"), text(&joined, "call_id"));
        book.borrow_mut().joined.push(place);
        let mut socket = Socket::hello(&joined["connection"]).await;
        let welcome = socket.event("welcome").await;
        (socket, joined["connection"]["ws_url"].clone(), welcome)
    };
    *last.borrow_mut() = Some((ws_url, welcome.clone()));
    let mut peer = Peer::new(&Heard::default(), Network::Udp).await;
    let answer = socket
        .ask("offer", peer.offer().await)
        .await
        .expect("an answer");
    peer.answer(&answer, b's').await;
    let call = text(&welcome["call"], "call_id");
    for round in 0_u32.. {
        let path = format!("/{call}/record/start");
        if let Some(recording) = ask(&api, &path, json!({ "mode": "tracks" })).await {
            book.borrow_mut()
                .recordings
                .push(text(&recording, "recording_id"));
        }
        for _ in 0..6 {
            tokio::time::sleep(Duration::from_millis(300)).await;
            let _ = socket.ask("hand", json!({ "up": round % 2 == 0 })).await; // panics when it is gone
        }
        ask(&api, &format!("/{call}/record/stop"), json!({})).await;
    }
}

/// The server, in a folder of its own that outlives it.
fn serve(folder: &Path, address: &str) -> Serving {
    let mut command: Command = calls(folder, "serve --dev");
    command
        .env("CALLS__HTTP__BIND", address)
        .env("CALLS__WEBHOOKS__ALLOW_PRIVATE", "true")
        .env("CALLS__WEBHOOKS__RETRY_SECONDS", "1")
        .env("CALLS__RECORDING__MIN_FREE_MB", "1")
        .env("CALLS__MEDIA__LOOPBACK", "true");
    Serving::start(command)
}

/// Waits until something holds.
async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let begun = Instant::now();
    while !holds().await {
        assert!(begun.elapsed() < SETTLED_WITHIN, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[actix_web::test]
async fn random_kills_under_load_lose_nothing_that_was_acknowledged() {
    let kills = setting("CALLS_TEST_KILLS").unwrap_or(FEW);
    let seed = setting("CALLS_TEST_SEED").unwrap_or_else(rand::random);
    eprintln!("{kills} kills, CALLS_TEST_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    let mut receiver = Receiver::start();
    let mut server = serve(folder.path(), "127.0.0.1:0");
    let address = server.address.clone();
    let api = Rc::new(Api::of(&server));
    api.post("/webhooks", json!({ "url": receiver.url })).await;
    let mut rooms = Vec::new();
    for _ in 0..=ROOMS {
        rooms.push(api.room().await);
    }
    let stage = rooms.pop().unwrap();
    let book = Book::default();
    book.borrow_mut().rooms.clone_from(&rooms);
    let mut load = Vec::new();
    for number in 0..CLIENTS {
        let client = come_and_go(
            api.clone(),
            rooms.clone(),
            format!("user{number}"),
            random.random(),
            book.clone(),
        );
        load.push(actix::spawn(client));
    }
    let (for_speaker, its_book) = (api.clone(), book.clone());
    load.push(actix::spawn(async move {
        let last = Rc::default();
        loop {
            let (api, room, book) = (for_speaker.clone(), stage.clone(), its_book.clone());
            let _ = actix::spawn(publish(api, room, Rc::clone(&last), book)).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }));

    let mut told = BTreeSet::new();
    let mut slowest_start = Duration::ZERO;
    for _ in 0..kills {
        pause(&mut random, 500..3000).await;
        server.kill();
        let begun = Instant::now();
        server = serve(folder.path(), &address);
        slowest_start = slowest_start.max(begun.elapsed());
        told.extend(std::iter::from_fn(|| receiver.try_next()).map(|message| message.id));
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    load.iter().for_each(tokio::task::JoinHandle::abort);
    assert_eq!(server.stop().0, Some(0)); // every call ends and is written down
    let server = serve(folder.path(), &address);
    let api = Api::of(&server);

    // No fact is lost that was acknowledged.
    let book = book.take();
    let events = api.all_events().await;
    let presences = |name: &str| {
        let mut times: BTreeMap<String, u32> = BTreeMap::new();
        for event in events.iter().filter(|event| event["type"] == name) {
            *times
                .entry(text(&event["data"], "participant_id"))
                .or_default() += 1;
        }
        times
    };
    let (joined, left) = (
        presences("participant.joined"),
        presences("participant.left"),
    );
    for (presence, call) in &book.joined {
        assert!(
            joined.contains_key(presence),
            "{presence} of {call} was told it is in"
        );
    }
    for presence in &book.left {
        assert!(left.contains_key(presence), "{presence} was told it is out");
    }
    for room in &book.rooms {
        assert_eq!(
            api.get(&format!("/rooms/{room}")).await["room_id"],
            room.as_str()
        );
    }
    // Every joined has its left, once; every call has its end.
    assert_eq!(joined, left);
    assert!(joined.values().all(|times| *times == 1), "{joined:?}");
    let calls_of = |name: &str| -> BTreeSet<String> {
        let of_name = events.iter().filter(|event| event["type"] == name);
        of_name.map(|event| text(event, "subject")).collect()
    };
    assert_eq!(calls_of("call.initiated"), calls_of("call.ended"));
    // Numbers have no gaps.
    let mut numbers: BTreeMap<String, u64> = BTreeMap::new();
    for event in &events {
        let last = numbers.entry(text(event, "subject")).or_default();
        assert_eq!(event["seq"].as_u64(), Some(*last + 1), "{event}");
        *last += 1;
    }
    // Every recording plays.
    for id in &book.recordings {
        until(&format!("{id} is available"), async || {
            let recording = api.get(&format!("/recordings/{id}")).await;
            assert_ne!(recording["status"], "failed", "{recording}");
            recording["status"] == "available"
        })
        .await;
        let recording = api.get(&format!("/recordings/{id}")).await;
        for file in recording["files"].as_array().unwrap() {
            let path = folder.path().join("data/recordings").join(id);
            let path = path.join(text(file, "name"));
            let mut demuxer = Demuxer::open(&path).expect("it opens");
            let mut frames = 0;
            while demuxer.read().expect("it plays to its end").is_some() {
                frames += 1;
            }
            assert!(frames > 0, "{} is empty", path.display());
        }
        let report = api.get(&format!("/recordings/{id}/report")).await;
        is_told_as_it_is(&recording, &report);
    }
    // Every event was told, by its id, since there was somebody to tell.
    let events = api.all_events().await;
    let all: BTreeSet<String> = events.iter().map(|event| text(event, "event_id")).collect();
    let begun = Instant::now();
    while !all.is_subset(&told) && begun.elapsed() < SETTLED_WITHIN {
        told.insert(receiver.next().await.id);
    }
    let missing: Vec<_> = all.difference(&told).collect();
    assert!(missing.is_empty(), "nobody was told of {missing:?}");
    eprintln!(
        "{kills} kills: {} joins and {} leaves acknowledged, {} presences, {} calls, {} events, {} recordings; \
         the slowest start took {} ms",
        book.joined.len(),
        book.left.len(),
        joined.len(),
        calls_of("call.ended").len(),
        all.len(),
        book.recordings.len(),
        slowest_start.as_millis(),
    );
    assert_eq!(server.stop().0, Some(0));
}
