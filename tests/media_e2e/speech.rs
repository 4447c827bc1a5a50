//! What people say in a call, as captions and as a transcript: real voices over real sockets into the real engine.

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use opus::{Application, Channels, Encoder};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::super::{CONNECT, room_of};
use super::tab::{Tab, all_hear_all};
use crate::support::World;

/// Samples a second of the clips.
const RATE: u32 = 16_000;

/// How long a caption may take on a busy machine.
const UNDERSTOOD: Duration = Duration::from_secs(10);

/// How far a word's time may be off.
const WORD_MS: u64 = 150;

/// A clip of the bundled test set: its samples, and what is said in it.
pub(super) struct Clip {
    samples: Vec<i16>,
    pub(super) text: String,
}

impl Clip {
    pub(super) fn read(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("speech/testwav");
        let file = std::fs::read(folder.join(name)).expect("a clip");
        let data = file.windows(4).position(|four| four == b"data");
        let data = &file[data.expect("a data chunk") + 8..];
        let texts = std::fs::read_to_string(folder.join("text.tsv")).expect("their texts");
        let row = texts.lines().find(|row| row.starts_with(name));
        let text = row
            .and_then(|row| row.split('\t').nth(2))
            .expect("its text");
        Self {
            samples: data
                .chunks_exact(2)
                .map(|two| i16::from_le_bytes([two[0], two[1]]))
                .collect(),
            text: text.to_owned(),
        }
    }

    /// As a browser would send it, with a moment of silence behind.
    pub(super) fn packets(&self) -> Vec<Bytes> {
        let mut encoder =
            Encoder::new(RATE, Channels::Mono, Application::Voip).expect("an encoder");
        let mut samples = self.samples.clone();
        samples.extend(vec![0; RATE as usize]);
        let packets = samples.chunks_exact(RATE as usize / 50);
        packets
            .map(|frame| encoder.encode_vec(frame, 1000).expect("a packet").into())
            .collect()
    }

    /// Where sound begins and ends in it, in milliseconds.
    pub(super) fn span(&self) -> (u64, u64) {
        let loud = |sample: &i16| sample.unsigned_abs() > 600;
        let first = self.samples.iter().position(loud).expect("some sound");
        let last = self.samples.iter().rposition(loud).expect("some sound");
        (first as u64 / 16, last as u64 / 16)
    }
}

/// Words that are wrong, missing or too many.
pub(super) fn errors(wanted: &str, got: &str) -> usize {
    let wanted: Vec<&str> = wanted.split_whitespace().collect();
    let got: Vec<&str> = got.split_whitespace().collect();
    let mut row: Vec<usize> = (0..=got.len()).collect();
    for (i, want) in wanted.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, said) in got.iter().enumerate() {
            let changed = diagonal + usize::from(want != said);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[got.len()]
}

pub(super) async fn transcribe(world: &World, tab: &Tab) -> Value {
    let path = format!("/{}/transcribe", tab.call);
    world.post(&path, json!({})).await.expect(201)
}

pub(super) async fn transcript(world: &World, tab: &Tab) -> Vec<Value> {
    let path = format!("/{}/transcript", tab.call);
    let transcript = world.get(&path).await.expect(200);
    transcript["utterances"].as_array().expect("a list").clone()
}

/// Somebody's next caption that does not change any more.
pub(super) async fn final_caption(tab: &mut Tab) -> Value {
    let began = Instant::now();
    loop {
        let caption = tab.socket.event("caption").await;
        if caption["final"] == true {
            return caption;
        }
        assert!(began.elapsed() < UNDERSTOOD, "{caption}");
    }
}

#[actix::test]
async fn what_one_says_another_reads_while_it_is_said_and_finds_in_the_transcript() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    let named = json!({ "user_id": "alice", "display_name": "Alice Lovelace" });
    let joined = world.post(&format!("/rooms/{room}/join"), named).await;
    let mut alice = Tab::seated(&joined.expect(200)["connection"], "alice").await;
    let mut bob = Tab::open(&world, &room, "bob").await;
    all_hear_all(&[&alice, &bob], Duration::from_nanos(1), CONNECT).await;
    alice.say([]);
    bob.say([]);
    let begun = transcribe(&world, &alice).await;
    assert_eq!(begun["language"], "en");
    assert_eq!(bob.socket.event("transcription").await["event"], "started");
    let again = world
        .post(&format!("/{}/transcribe", alice.call), json!({}))
        .await;
    again.problem(409, "already-transcribed");
    sleep(Duration::from_millis(300)).await;

    let clip = Clip::read("flite04.wav");
    let call = world.get(&format!("/{}", alice.call)).await.expect(200);
    let started = call["started_at"].as_str().expect("it was answered");
    let started = chrono::DateTime::parse_from_rfc3339(started).expect("a moment");
    let said_at = (chrono::Utc::now() - started.to_utc()).num_milliseconds();
    let said_at = u64::try_from(said_at).expect("it began before");
    alice.say(clip.packets());

    let partial = bob.socket.event("caption").await;
    assert_eq!(partial["final"], false, "{partial}");
    assert_eq!(partial["participant_id"], alice.participant.as_str());
    let caption = final_caption(&mut bob).await;
    assert_eq!(caption["text"], clip.text.as_str());

    let stop = world.delete(&format!("/{}/transcribe", alice.call)).await;
    stop.expect(200);
    assert_eq!(bob.socket.event("transcription").await["event"], "stopped");
    let utterances = transcript(&world, &alice).await;
    let [said] = &utterances[..] else {
        panic!("{utterances:?}");
    };
    assert_eq!(said["text"], clip.text.as_str());
    assert_eq!(said["user_id"], "alice");
    let (from, to) = clip.span();
    let off = |key: &str, ms: u64| said[key].as_u64().expect("ms").abs_diff(said_at + ms);
    assert!(
        off("start_ms", from) < WORD_MS,
        "{said}: not at {}",
        said_at + from
    );
    assert!(
        off("end_ms", to) < WORD_MS,
        "{said}: not until {}",
        said_at + to
    );
    let words = said["words"].as_array().expect("words");
    assert_eq!(words.len(), clip.text.split(' ').count());

    // Who has left a call that goes on is still called by name.
    let left = alice.socket.ask("leave", json!({})).await;
    left.expect("may leave");
    let goes = |news: &Value| news["event"] == "left";
    bob.socket.event_where("participant", goes).await;
    let vtt = world
        .get(&format!("/{}/transcript?format=vtt", alice.call))
        .await;
    assert!(vtt.text.starts_with("WEBVTT\n\n00:00:"), "{}", vtt.text);
    let line = format!("<v Alice Lovelace>{}</v>", clip.text);
    assert!(vtt.text.contains(&line), "{}", vtt.text);
    let found = world
        .get("/transcripts/search?q=sales%20press")
        .await
        .expect(200);
    assert_eq!(found["data"][0]["call_id"], alice.call.as_str(), "{found}");
    let nothing = world
        .get("/transcripts/search?q=aardvark")
        .await
        .expect(200);
    assert_eq!(nothing["data"], json!([]));
}

#[actix::test]
async fn two_who_speak_at_once_are_kept_apart_with_few_words_wrong() {
    let world = World::open().await;
    let (_, [alice, bob]) = room_of(&world, ["alice", "bob"]).await;
    alice.say([]);
    bob.say([]);
    transcribe(&world, &alice).await;
    let names = ["03", "08", "09"];
    let clips = |voice: &str| -> Vec<Clip> {
        let clip = |number: &&str| Clip::read(&format!("{voice}{number}.wav"));
        names.iter().map(clip).collect()
    };
    let (hers, his) = (clips("flite"), clips("espeak"));
    alice.say(hers.iter().flat_map(Clip::packets));
    bob.say(his.iter().rev().flat_map(Clip::packets));
    let longest = |clips: &[Clip]| clips.iter().map(|clip| clip.packets().len()).sum::<usize>();
    let packets = longest(&hers).max(longest(&his)) as u64;
    sleep(Duration::from_millis(packets * 20 + 500)).await;
    let stop = world.delete(&format!("/{}/transcribe", alice.call)).await;
    stop.expect(200);

    let utterances = transcript(&world, &alice).await;
    let of = |user: &str| {
        let theirs = utterances.iter().filter(|said| said["user_id"] == user);
        let texts: Vec<&str> = theirs
            .map(|said| said["text"].as_str().expect("text"))
            .collect();
        texts.join(" ")
    };
    let text = |clips: &mut dyn Iterator<Item = &Clip>| {
        clips
            .map(|clip| clip.text.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    };
    for (user, wanted) in [
        ("alice", text(&mut hers.iter())),
        ("bob", text(&mut his.iter().rev())),
    ] {
        let (got, words) = (of(user), wanted.split(' ').count());
        let wrong = errors(&wanted, &got);
        assert!(
            wrong * 10 < words,
            "{user}: {wrong} of {words} words wrong in {got:?}"
        );
    }
}

#[actix::test]
async fn a_server_without_an_engine_says_so_and_does_everything_else() {
    let world = World::start(true, |config| {
        config.transcription.library = "/nowhere/libvosk.so".into();
    })
    .await;
    let (_, [alice, bob]) = room_of(&world, ["alice", "bob"]).await;
    let path = format!("/{}/transcribe", alice.call);
    let refused = world.post(&path, json!({})).await;
    let refused = refused.problem(503, "no-speech-engine");
    let detail = refused["detail"].as_str().expect("why");
    assert!(detail.contains("/nowhere/libvosk.so"), "{detail}");
    alice.forget_gaps();
    sleep(Duration::from_secs(1)).await;
    assert!(alice.longest_gap(&bob) < Duration::from_secs(1));
}

#[actix::test]
async fn a_broken_model_and_an_unknown_language_are_clear_errors() {
    let models = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(models.path().join("de/am")).expect("a folder");
    std::fs::write(models.path().join("de/am/final.mdl"), b"no model").expect("a file");
    let world = World::start(true, |config| {
        config.transcription.models = models.path().to_owned();
    })
    .await;
    let (_, [alice, _bob]) = room_of(&world, ["alice", "bob"]).await;
    let path = format!("/{}/transcribe", alice.call);
    let broken = world.post(&path, json!({ "language": "de" })).await;
    broken.problem(503, "no-speech-engine");
    let unknown = world.post(&path, json!({ "language": "fr" })).await;
    let unknown = unknown.problem(422, "unknown-language");
    let detail = unknown["detail"].as_str().expect("why");
    assert!(detail.contains("de, en"), "{detail}");
    world
        .post(&path, json!({ "language": "en-GB" }))
        .await
        .expect(201);
}
