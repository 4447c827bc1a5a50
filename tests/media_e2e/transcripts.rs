//! Recordings that are transcribed when their calls are over: real voices, recorded, decoded, understood, written beside.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::super::room_of;
use super::recording::{settled, start, stop};
use super::s3::{anywhere, bucket, serve};
use super::speech::{Clip, errors, transcript};
use super::storage::world;
use super::tab::Tab;
use crate::support::{World, send};

/// How long it may take on a busy machine.
const MADE_WITHIN: Duration = Duration::from_secs(40);

/// How far a time may be off: the recording begins with the first packet, which nobody hears at the very moment it is sent.
const SLACK_MS: u64 = 300;

/// Two people speak at once, and it is recorded. Gives when, from the call's beginning.
async fn recorded(world: &World, [alice, bob]: &[Tab; 2], clips: &[Clip; 2]) -> (Value, u64) {
    alice.say([]);
    bob.say([]);
    let started = start(world, alice, "tracks").await;
    sleep(Duration::from_millis(500)).await;
    let at = since_start(world, alice).await;
    alice.say(clips[0].packets());
    bob.say(clips[1].packets());
    let packets = clips.iter().map(|clip| clip.packets().len()).max();
    let packets = packets.expect("two clips") as u64;
    sleep(Duration::from_millis(packets * 20 + 300)).await;
    stop(world, alice).await;
    (settled(world, &started).await, at)
}

async fn since_start(world: &World, tab: &Tab) -> u64 {
    let call = world.get(&format!("/{}", tab.call)).await.expect(200);
    let started = call["started_at"].as_str().expect("it was answered");
    let started = chrono::DateTime::parse_from_rfc3339(started).expect("a moment");
    let after = (chrono::Utc::now() - started.to_utc()).num_milliseconds();
    u64::try_from(after).expect("it began before")
}

fn path(recording: &Value) -> String {
    let id = recording["recording_id"].as_str().expect("an id");
    format!("/recordings/{id}/transcribe")
}

/// Waits until its transcript is there, or failed.
async fn made(world: &World, recording: &Value) -> Value {
    let id = recording["recording_id"].as_str().expect("an id");
    let began = Instant::now();
    loop {
        let recording = world.get(&format!("/recordings/{id}")).await.expect(200);
        match recording["transcript"]["status"].as_str() {
            Some("available" | "failed") => return recording,
            Some("queued" | "processing") => assert!(began.elapsed() < MADE_WITHIN, "{recording}"),
            other => panic!("{other:?}: {recording}"),
        }
        sleep(Duration::from_millis(50)).await;
    }
}

fn written(recording: &Value) -> &Value {
    let files = recording["files"].as_array().expect("files");
    let written = files.iter().find(|file| file["kind"] == "transcript");
    written.unwrap_or_else(|| panic!("no transcript in {recording}"))
}

#[actix::test]
async fn a_recording_is_transcribed_when_its_call_is_over() {
    let models = german();
    let folder = models.path().to_owned();
    let world = World::start(true, |config| config.transcription.models = folder).await;
    let (_, tabs) = room_of(&world, ["alice", "bob"]).await;
    let clips = [Clip::read("flite04.wav"), Clip::read("espeak09.wav")];
    let (recording, said_at) = recorded(&world, &tabs, &clips).await;
    assert_eq!(recording["transcript"], Value::Null, "nobody asked for one");
    let [alice, _] = &tabs;
    let end = world.post(&format!("/{}/end", alice.call), json!({})).await;
    end.expect(200);

    let asked = world.post(&path(&recording), json!({})).await.expect(202);
    let status = asked["transcript"]["status"].as_str().expect("a status");
    assert!(["queued", "processing"].contains(&status), "{asked}");
    assert_eq!(asked["transcript"]["language"], "en");
    let recording = made(&world, &recording).await;
    let transcript_of = &recording["transcript"];
    assert_eq!(transcript_of["status"], "available", "{transcript_of}");
    assert_eq!(transcript_of["progress"], 100);
    assert_eq!(transcript_of["utterances"], 2, "{transcript_of}");

    let file = written(&recording);
    assert_eq!(file["media_type"], "text/vtt");
    let link = file["url"].as_str().expect("a link");
    let vtt = send(world.page(Method::GET, link)).await;
    assert!(vtt.text.starts_with("WEBVTT\n\n00:00:0"), "{}", vtt.text);
    let [hers, his] = clips.each_ref().map(|clip| clip.text.as_str());
    for (who, what) in [("alice", hers), ("bob", his)] {
        let line = vtt.text.lines().find(|line| line.contains(who));
        let line = line.unwrap_or_else(|| panic!("{who} in {}", vtt.text));
        let said = line.trim_start_matches(&format!("<v {who}>"));
        let wrong = errors(what, said.trim_end_matches("</v>"));
        assert!(wrong * 10 <= what.split(' ').count(), "{line}");
    }

    let utterances = transcript(&world, alice).await;
    let of = |user: &str| utterances.iter().find(|said| said["user_id"] == user);
    let said = of("alice").expect("she spoke");
    let from = said_at + clips[0].span().0;
    let start_ms = said["start_ms"].as_u64().expect("ms");
    assert!(start_ms.abs_diff(from) < SLACK_MS, "{said} at {from}");
    let found = world
        .get("/transcripts/search?q=sales%20press")
        .await
        .expect(200);
    assert_eq!(found["data"][0]["call_id"], alice.call.as_str(), "{found}");

    // Once more: the file is made anew, and nobody said anything twice.
    world.post(&path(&recording), json!({})).await.expect(202);
    let again = made(&world, &recording).await;
    assert_eq!(again["files"].as_array().map(Vec::len), Some(5), "{again}");
    assert_eq!(transcript(&world, alice).await.len(), 2);

    // In another language, which has two words: what was understood at first is nowhere any more.
    let german = json!({ "language": "de", "phrases": ["yes", "no"] });
    world.post(&path(&recording), german).await.expect(202);
    let again = made(&world, &recording).await;
    assert_eq!(again["transcript"]["status"], "available", "{again}");
    let utterances = transcript(&world, alice).await;
    let words = utterances
        .iter()
        .flat_map(|said| said["text"].as_str().expect("a text").split(' '));
    let words: Vec<&str> = words.collect();
    assert!(!words.is_empty());
    assert!(
        words.iter().all(|word| ["yes", "no"].contains(word)),
        "{words:?}"
    );
    let gone = world.get("/transcripts/search?q=sales").await.expect(200);
    assert_eq!(gone["data"], json!([]));
}

/// A model of "German", which is the bundled one, in a folder of models.
fn german() -> tempfile::TempDir {
    let models = tempfile::tempdir().expect("a folder");
    let from = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("speech/model");
    copy(&from, &models.path().join("de"));
    models
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("the model") {
        let entry = entry.expect("an entry");
        let place = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &place);
        } else {
            std::fs::copy(entry.path(), place).expect("copied");
        }
    }
}

#[actix::test]
async fn what_cannot_be_transcribed_says_why() {
    let world = World::start(true, |config| {
        config.transcription.library = "/nowhere/libvosk.so".into();
    })
    .await;
    let (_, [alice, _bob]) = room_of(&world, ["alice", "bob"]).await;
    let started = start(&world, &alice, "tracks").await;
    let early = world.post(&path(&started), json!({})).await;
    early.problem(409, "recording-state");
    sleep(Duration::from_millis(500)).await;
    stop(&world, &alice).await;
    let recording = settled(&world, &started).await;
    let refused = world.post(&path(&recording), json!({})).await;
    let refused = refused.problem(503, "no-speech-engine");
    let detail = refused["detail"].as_str().expect("why");
    assert!(detail.contains("/nowhere/libvosk.so"), "{detail}");
    let nothing = world.post("/recordings/rec_0/transcribe", json!({})).await;
    nothing.problem(404, "not-found");
    let unchanged = world
        .get(&format!(
            "/recordings/{}",
            started["recording_id"].as_str().expect("an id")
        ))
        .await
        .expect(200);
    assert_eq!(unchanged["transcript"], Value::Null);
}

#[actix::test]
async fn a_transcript_goes_to_the_bucket_where_its_recording_is_and_waits_for_none_that_is_lost() {
    let folder = bucket();
    let (address, _serving) = serve(folder.path(), anywhere()).await;
    let world = world(address).await;
    let (_, tabs) = room_of(&world, ["alice", "bob"]).await;
    let clips = [Clip::read("flite03.wav"), Clip::read("espeak08.wav")];
    let (recording, _) = recorded(&world, &tabs, &clips).await;
    let unknown = json!({ "phrases": ["yes", "aardvark"] });
    let refused = world.post(&path(&recording), unknown).await;
    let refused = refused.problem(422, "unknown-words");
    let detail = refused["detail"].as_str().expect("why");
    assert!(detail.contains("aardvark"), "{detail}");

    world.post(&path(&recording), json!({})).await.expect(202);
    let recording = made(&world, &recording).await;
    let file = written(&recording);
    assert_eq!(file["place"], "bucket", "{recording}");
    let id = recording["recording_id"].as_str().expect("an id");
    let left = std::fs::read_dir(world.recordings().join(id)).expect("its folder");
    let left = left.filter_map(Result::ok).map(|entry| entry.file_name());
    let left: Vec<_> = left
        .filter(|name| !name.to_string_lossy().starts_with("log-"))
        .collect();
    assert!(left.is_empty(), "the bucket has it all, not {left:?}");
    // One whose files the bucket has lost fails, and keeps no other from being made.
    let (other, _) = recorded(&world, &tabs, &clips).await;
    let lost = other["recording_id"].as_str().expect("an id");
    std::fs::remove_dir_all(folder.path().join("recordings/recordings").join(lost))
        .expect("it was there");
    world.post(&path(&other), json!({})).await.expect(202);
    let (last, _) = recorded(&world, &tabs, &clips).await;
    world.post(&path(&last), json!({})).await.expect(202);
    assert_eq!(
        made(&world, &last).await["transcript"]["status"],
        "available"
    );
    let failed = made(&world, &other).await;
    assert_eq!(failed["transcript"]["status"], "failed", "{failed}");
    let reason = failed["transcript"]["error"].as_str().expect("why");
    assert!(reason.starts_with("the files cannot be had"), "{reason}");

    let link = file["url"].as_str().expect("a link");
    let vtt = world.page(Method::GET, link).send().await.expect("a reply");
    let vtt = vtt.text().await.expect("a body");
    assert!(vtt.contains(&clips[0].text), "{vtt}");

    // What the bucket does not take at first is not understood once more: the voices are gone by then.
    let kept = folder.path().join("recordings/recordings").join(id);
    let obstacle = kept.join("transcript.vtt");
    std::fs::remove_file(&obstacle).expect("it is there");
    std::fs::create_dir_all(obstacle.join("in the way")).expect("a folder");
    world.post(&path(&recording), json!({})).await.expect(202);
    let began = Instant::now();
    loop {
        let recording = world.get(&format!("/recordings/{id}")).await.expect(200);
        if let Some(why) = recording["transcript"]["error"].as_str() {
            assert!(why.starts_with("not uploaded yet"), "{recording}");
            break;
        }
        assert!(began.elapsed() < MADE_WITHIN, "{recording}");
        sleep(Duration::from_millis(50)).await;
    }
    let voices = std::fs::read_dir(&kept).expect("its folder");
    let voices = voices.map(|entry| entry.expect("an entry").path());
    for voice in voices.filter(|path| path.is_file()) {
        std::fs::remove_file(voice).expect("it is there");
    }
    std::fs::remove_dir_all(&obstacle).expect("it is there");
    let again = made(&world, &recording).await;
    assert_eq!(again["transcript"]["status"], "available", "{again}");
    assert_eq!(again["transcript"]["utterances"], 2, "{again}");

    world.delete(&format!("/recordings/{id}")).await.expect(204);
    assert_eq!(std::fs::read_dir(kept).map_or(0, Iterator::count), 0);
}
