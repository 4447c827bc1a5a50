//! What the server itself says in a call: synthesized, sent, received, and understood from what was received.

use std::time::{Duration, Instant};

use calls_actors::testing::Victim;
use opus::{Channels, Decoder};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::super::room_of;
use super::speech::errors;
use super::tab::Tab;
use crate::support::{Socket, World, send};

/// Words of the bundled model.
const TEXT: &str = "my account number is four seven two nine";

/// How long the bot may take to go, after its last word.
const GONE_WITHIN: Duration = Duration::from_secs(20);

/// What the server's own engine understands of packets of Opus.
fn understood(world: &World, packets: &[bytes::Bytes]) -> String {
    let mut decoder = Decoder::new(16_000, Channels::Mono).expect("a decoder");
    let mut samples = vec![0; 4800];
    for packet in packets {
        let mut frame = [0; 1920];
        let length = decoder.decode(packet, &mut frame, false).expect("Opus");
        samples.extend(&frame[..length]);
    }
    samples.extend([0; 8000]);
    let models = world.server.app().ears.models();
    let engine = models.engine(&"en".parse().expect("a language"));
    let mut listener = engine.expect("a model").listen(&[]).expect("a listener");
    let mut words = Vec::new();
    for chunk in samples.chunks(1600) {
        if let calls::transcription::Heard::Final(said) = listener.hear(chunk).expect("words") {
            words.extend(said);
        }
    }
    words.extend(listener.finish().expect("it can tell"));
    let words: Vec<String> = words.into_iter().map(|word| word.word).collect();
    words.join(" ")
}

#[actix::test]
async fn what_the_server_says_is_heard_and_understood_and_the_bot_goes_again() {
    let world = World::open().await;
    let (_, [alice, mut bob]) = room_of(&world, ["alice", "bob"]).await;
    alice.say([]);
    bob.say([]);
    sleep(Duration::from_millis(300)).await;
    bob.take_voices();
    let path = format!("/{}/say", alice.call);
    let said = json!({ "text": TEXT, "language": "en-us" });
    let saying = world.post(&path, said).await.expect(202);
    let lasts = Duration::from_millis(saying["duration_ms"].as_u64().expect("ms"));
    assert!((Duration::from_secs(1)..Duration::from_secs(10)).contains(&lasts));

    let bot = loop {
        let told = bob.socket.event("participant").await;
        if told["event"] == "joined" {
            break told["participant"].clone();
        }
    };
    assert_eq!(bot["participant_id"], saying["participant_id"]);
    assert_eq!(bot["role"], "bot");
    sleep(lasts + Duration::from_secs(2)).await;

    let packets = bob.take_voices();
    let sent = lasts.as_millis() / 20;
    assert!(
        packets.len() as u128 * 20 >= sent * 19,
        "{} of {sent} came",
        packets.len()
    );
    let got = understood(&world, &packets);
    let words = TEXT.split(' ').count();
    assert!(
        errors(TEXT, &got) * 7 <= words,
        "{got:?} instead of {TEXT:?}"
    );

    let began = Instant::now();
    loop {
        let told = bob.socket.event("participant").await;
        if told["event"] == "left" {
            assert_eq!(
                told["participant"]["participant_id"],
                saying["participant_id"]
            );
            break;
        }
        assert!(began.elapsed() < GONE_WITHIN, "{told}");
    }
}

#[actix::test]
async fn what_cannot_be_said_is_refused_with_the_reason() {
    let world = World::start(true, |_| {}).await;
    let (_, [alice, _bob]) = room_of(&world, ["alice", "bob"]).await;
    let path = format!("/{}/say", alice.call);
    let say = async |body| world.post(&path, body).await;
    say(json!({ "text": "  " }))
        .await
        .problem(422, "invalid-body");
    let long = "word ".repeat(300);
    say(json!({ "text": long }))
        .await
        .problem(422, "invalid-body");
    let voice = json!({ "text": "hello", "voice": "nobody" });
    say(voice).await.problem(422, "unknown-voice");
    let language = json!({ "text": "hello", "language": "qqx" });
    say(language).await.problem(422, "unknown-voice");
    let nowhere = world.post("/call_0/say", json!({ "text": "hello" })).await;
    nowhere.problem(404, "not-found");
}

#[actix::test]
async fn a_server_without_a_voice_says_so() {
    let world = World::start(true, |config| {
        config.voice.program = "/nowhere/espeak-ng".to_owned();
    })
    .await;
    let (_, [alice, _bob]) = room_of(&world, ["alice", "bob"]).await;
    let path = format!("/{}/say", alice.call);
    let refused = world.post(&path, json!({ "text": "hello" })).await;
    let refused = refused.problem(503, "no-voice");
    let detail = refused["detail"].as_str().expect("why");
    assert!(detail.contains("/nowhere/espeak-ng"), "{detail}");
}

#[actix::test]
async fn who_is_no_moderator_is_refused_before_anything_is_synthesized() {
    let world = World::start(false, |config| {
        config.voice.program = "/nowhere/espeak-ng".to_owned();
    })
    .await;
    let room = world.room(json!({})).await;
    let (_host, welcome) = world.enter(&room, "alice").await;
    let call = welcome["call"]["call_id"].as_str().expect("an id");
    let guest = world.join(&room, "bob").await;
    let token = guest["connection"]["token"].as_str().expect("a token");
    let _guest = Socket::hello(&guest["connection"]).await;
    let path = format!("/{call}/say");
    let say = |token: Option<&str>| match token {
        Some(_) => world.request_as(token, Method::POST, &path),
        None => world.request(Method::POST, &path),
    };
    let said = json!({ "text": "hello" });
    let refused = send(say(Some(token)).json(&said)).await;
    refused.problem(403, "not-moderator"); // and not 503: nobody looked for a voice
    let refused = send(say(None).json(&said)).await;
    refused.problem(503, "no-voice");
}

/// Waits until the bot did this.
async fn bot(tab: &mut Tab, event: &str) -> Value {
    let is = |told: &Value| told["event"] == event && told["participant"]["role"] == "bot";
    tab.socket.event_where("participant", is).await
}

#[actix::test]
async fn a_moderator_cuts_the_server_short_by_muting_its_bot_and_puts_it_out() {
    const MOMENT: Duration = Duration::from_millis(700);
    let world = World::open().await;
    let (_, [alice, mut bob]) = room_of(&world, ["alice", "bob"]).await;
    alice.say([]);
    bob.say([]);
    let path = format!("/{}/say", alice.call);
    let text = [TEXT; 6].join(" and ");
    let long = json!({ "text": text });
    let saying = world.post(&path, long.clone()).await.expect(202);
    assert!(saying["duration_ms"].as_u64() > Some(10_000), "{saying}");
    bot(&mut bob, "joined").await;
    sleep(2 * MOMENT).await;
    assert!(bob.take_voices().len() > 20, "it speaks");

    let id = saying["participant_id"].as_str().expect("an id").to_owned();
    let of_bot = format!("/{}/participants/{id}", alice.call);
    let muted = world.patch(&of_bot, json!({ "muted": true })).await;
    muted.expect(200);
    sleep(MOMENT).await;
    bob.take_voices();
    sleep(MOMENT).await;
    assert_eq!(bob.take_voices().len(), 0, "it says no word more");

    let again = world.post(&path, long).await.expect(202);
    assert_eq!(again["participant_id"], id.as_str(), "it had stayed");
    sleep(2 * MOMENT).await;
    assert!(bob.take_voices().len() > 20, "it speaks again");
    world.delete(&of_bot).await.expect(204);
    bot(&mut bob, "left").await;
    sleep(MOMENT).await;
    bob.take_voices();
    sleep(MOMENT).await;
    assert_eq!(bob.take_voices().len(), 0, "and is gone");
    let kept_out = world.post(&path, json!({ "text": TEXT })).await;
    kept_out.problem(403, "removed"); // as anybody whom a moderator put out of this call
}

#[actix::test]
async fn an_announcer_that_panics_leaves_and_the_next_announcement_brings_another() {
    let world = World::open().await;
    let (_, [alice, mut bob]) = room_of(&world, ["alice", "bob"]).await;
    alice.say([]);
    bob.say([]);
    let path = format!("/{}/say", alice.call);
    let first = world.post(&path, json!({ "text": TEXT })).await.expect(202);
    bot(&mut bob, "joined").await;
    alice.crash(&world, Victim::Announcer).await;
    let begun = std::time::Instant::now();
    bot(&mut bob, "left").await;
    eprintln!("measured: gone after {:?}", begun.elapsed());

    let next = world.post(&path, json!({ "text": TEXT })).await.expect(202);
    assert_ne!(next["participant_id"], first["participant_id"]);
    bot(&mut bob, "joined").await;
    eprintln!("measured: the next one after {:?}", begun.elapsed());
    bob.take_voices();
    sleep(Duration::from_secs(1)).await;
    assert!(bob.take_voices().len() > 20, "it speaks");
}
