//! What the server itself says in a call: synthesized, sent, received, and understood from what was received.

use std::time::{Duration, Instant};

use opus::{Channels, Decoder};
use serde_json::json;
use tokio::time::sleep;

use super::super::room_of;
use super::speech::errors;
use crate::support::World;

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
    words.extend(listener.finish());
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
