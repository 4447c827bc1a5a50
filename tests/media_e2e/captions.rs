//! How late captions are, all the way: Opus by RTP over a real socket, the forwarding server, the engine, and a `caption` on
//! somebody else's socket. And whether each word was said when the transcript says, by what the synthesizer says of itself.
//!
//! The figures of loadtest/baselines/*-speech.json come from the one that is left out of ordinary runs: `make
//! speech-figures`.

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::super::room_of;
use super::speech::{Clip, transcribe, transcript};
use super::tab::Tab;
use crate::support::World;

/// How far a word's time may be off.
const WORD_MS: u64 = 150;

/// How long a packet of Opus lasts.
const PACKET: Duration = Duration::from_millis(20);

/// What comes after the last sound is waited for so long.
const LATEST: Duration = Duration::from_secs(3);

/// A word of a clip, in milliseconds from its beginning.
struct Word {
    text: String,
    start_ms: u64,
    end_ms: u64,
}

/// When the words of a clip are said.
fn words(clip: &str) -> Vec<Word> {
    let table = include_str!("../../speech/testwav/words.tsv");
    let rows = table.lines().map(|row| row.split('\t').collect::<Vec<_>>());
    let word = |row: Vec<&str>| Word {
        text: row[1].to_owned(),
        start_ms: row[2].parse().expect("ms"),
        end_ms: row[3].parse().expect("ms"),
    };
    rows.filter(|row| row[0] == clip).map(word).collect()
}

/// What was measured, each from the moment at which the end of the sound was sent.
#[derive(Debug, Default)]
struct Figures {
    /// Words that were said.
    words: usize,
    /// From the last word to the caption that stays.
    finals: Vec<Duration>,
    /// From the end of a word to the first caption that has it.
    partials: Vec<Duration>,
    /// How far the beginning and the end of a word are off, in milliseconds.
    off_ms: Vec<u64>,
}

/// One of these speaks after the other, both at once, and a third reads.
async fn measure(clips: &[&str]) -> Figures {
    let world = World::open().await;
    let (_, [alice, bob, mut carol]) = room_of(&world, ["alice", "bob", "carol"]).await;
    let began = call_began(&world, &alice).await;
    for tab in [&alice, &bob, &carol] {
        tab.say([]);
    }
    transcribe(&world, &alice).await;
    sleep(Duration::from_millis(300)).await;
    let spoken: Vec<Vec<Bytes>> = clips.iter().map(|name| said(name)).collect();
    alice.say(spoken.iter().flatten().cloned());
    bob.say(spoken.iter().rev().flatten().cloned());
    let packets: usize = spoken.iter().map(Vec::len).sum();
    let lasts = PACKET * count(packets) + LATEST;
    let captions = captions(&mut carol, lasts).await;
    let utterances = transcript(&world, &alice).await;

    let mut figures = Figures::default();
    let order: Vec<usize> = (0..clips.len()).collect();
    for (tab, order) in [
        (&alice, order.clone()),
        (&bob, order.into_iter().rev().collect()),
    ] {
        let sent = tab.spoken();
        let mine = |value: &Value| value["participant_id"] == tab.participant.as_str();
        let utterances = utterances.iter().filter(|said| mine(said));
        let heard: Vec<&Value> = utterances
            .flat_map(|said| said["words"].as_array().expect("words"))
            .collect();
        let mut first = 0;
        for clip in order {
            let (from, to) = (first, first + spoken[clip].len());
            first = to;
            let until = sent.get(to).copied().unwrap_or(sent[to - 1] + LATEST);
            let of_clip = captions
                .iter()
                .filter(|(at, caption)| mine(caption) && *at >= sent[from] && *at < until);
            let of_clip: Vec<&(Instant, Value)> = of_clip.collect();
            figures.note_clip(&words(clips[clip]), &sent[from..to], &of_clip);
            // Had nothing stalled here: by the packet that was sent the soonest after its time.
            let since = |packet: usize| {
                let after = sent[packet] - began;
                after
                    .checked_sub(PACKET * count(packet))
                    .expect("it began before")
            };
            let zero = (0..to).map(since).min().expect("some packets");
            let at = zero + PACKET * count(from);
            let at_ms = u64::try_from(at.as_millis()).expect("ms");
            figures.note_times(&words(clips[clip]), at_ms, &heard);
        }
    }
    figures
}

impl Figures {
    /// When captions came of a clip whose packets were sent at these moments.
    fn note_clip(&mut self, words: &[Word], sent: &[Instant], captions: &[&(Instant, Value)]) {
        let sent_at = |ms: u64| {
            let packet = usize::try_from(ms / 20).expect("few");
            sent[packet.min(sent.len() - 1)]
        };
        self.words += words.len();
        let last = words.last().expect("a clip has words");
        let stays = captions
            .iter()
            .rfind(|(_, caption)| caption["final"] == true);
        if let Some((at, _)) = stays {
            let after = at.saturating_duration_since(sent_at(last.end_ms));
            self.finals.push(after);
        }
        for (place, word) in words.iter().enumerate() {
            let has = |(_, caption): &&&(Instant, Value)| {
                let text = caption["text"].as_str().expect("text");
                text.split(' ').nth(place) == Some(&word.text)
            };
            if let Some((at, _)) = captions.iter().find(has) {
                let after = at.saturating_duration_since(sent_at(word.end_ms));
                self.partials.push(after);
            }
        }
    }

    /// How far words are off, of a clip that began so long after the call.
    fn note_times(&mut self, words: &[Word], at_ms: u64, heard: &[&Value]) {
        for word in words {
            let [start, end] = [word.start_ms, word.end_ms].map(|ms| at_ms + ms);
            let off =
                |said: &&&Value, key: &str, ms: u64| said[key].as_u64().expect("ms").abs_diff(ms);
            let same = heard
                .iter()
                .filter(|said| said["word"] == word.text.as_str());
            // Another place where the same word was said is another word.
            let near = same.min_by_key(|said| off(said, "start_ms", start));
            if let Some(said) = near.filter(|said| off(said, "start_ms", start) < 1000) {
                self.off_ms
                    .push(off(&said, "start_ms", start).max(off(&said, "end_ms", end)));
            }
        }
    }
}

fn count(packets: usize) -> u32 {
    u32::try_from(packets).expect("few")
}

/// A clip, and silence in which everything about it is told.
fn said(clip: &str) -> Vec<Bytes> {
    Clip::read(clip).packets()
}

/// When the call began, by the clock of these tests.
async fn call_began(world: &World, tab: &Tab) -> Instant {
    let call = world.get(&format!("/{}", tab.call)).await.expect(200);
    let started = call["started_at"].as_str().expect("it was answered");
    let started = chrono::DateTime::parse_from_rfc3339(started).expect("a moment");
    let ago = (chrono::Utc::now() - started.to_utc()).to_std();
    let began = Instant::now().checked_sub(ago.expect("it began before"));
    began.expect("this machine was up")
}

/// All captions that somebody reads in this time, and when.
async fn captions(tab: &mut Tab, time: Duration) -> Vec<(Instant, Value)> {
    let mut captions = Vec::new();
    let all = async {
        loop {
            let caption = tab.socket.event("caption").await;
            captions.push((Instant::now(), caption));
        }
    };
    let _ = timeout(time, all).await; // it reads until then
    captions
}

/// So many of a hundred were less.
fn percentile<T: Copy + Ord + Default>(values: &[T], percent: usize) -> T {
    let mut values = values.to_vec();
    values.sort_unstable();
    let at = (values.len() * percent / 100).min(values.len().saturating_sub(1));
    values.get(at).copied().unwrap_or_default()
}

fn table(times: &[Duration]) -> Value {
    let ms = |percent| u64::try_from(percentile(times, percent).as_millis()).unwrap_or(u64::MAX);
    json!({ "count": times.len(), "p50_ms": ms(50), "p95_ms": ms(95), "max_ms": ms(100) })
}

/// Two clips, on a machine that is busy with other tests.
#[actix::test]
async fn captions_come_while_it_is_said_and_each_word_has_its_time() {
    let figures = measure(&["espeak02.wav", "espeak07.wav"]).await;
    assert_eq!(figures.finals.len(), 4, "{figures:?}");
    assert!(
        figures.partials.len() * 10 >= figures.words * 8,
        "{figures:?}"
    );
    assert!(
        percentile(&figures.finals, 50) < Duration::from_millis(1500),
        "{figures:?}"
    );
    assert!(
        percentile(&figures.partials, 50) < Duration::from_secs(1),
        "{figures:?}"
    );
    assert!(
        figures.off_ms.len() * 10 >= figures.words * 8,
        "{figures:?}"
    );
    assert!(percentile(&figures.off_ms, 90) <= WORD_MS, "{figures:?}");
}

#[actix::test]
#[ignore = "it measures: nothing else may run beside it"]
async fn captions_are_read_in_time_all_the_way_to_somebody_elses_socket() {
    let clips = (1..=10).map(|number| format!("espeak{number:02}.wav"));
    let clips: Vec<String> = clips.collect();
    let clips: Vec<&str> = clips.iter().map(String::as_str).collect();
    let figures = measure(&clips).await;
    let report = json!({
        "speakers": 2,
        "words_said": figures.words,
        "final_after_last_word": table(&figures.finals),
        "partial_after_end_of_word": table(&figures.partials),
        "word_times_off_ms": {
            "count": figures.off_ms.len(),
            "p50": percentile(&figures.off_ms, 50),
            "max": percentile(&figures.off_ms, 100),
        },
    });
    eprintln!("{report:#}");
    if let Ok(path) = std::env::var("SPEECH_FIGURES") {
        let known = std::fs::read(&path).unwrap_or_default();
        let mut known: Value = serde_json::from_slice(&known).unwrap_or_else(|_| json!({}));
        known["through_the_server"] = report;
        let text = serde_json::to_string_pretty(&known).expect("JSON");
        std::fs::write(path, text + "\n").expect("written");
    }
    assert!(figures.finals.len() >= 18, "{figures:?}");
    assert!(percentile(&figures.finals, 50) < Duration::from_secs(1));
    assert!(percentile(&figures.partials, 50) < Duration::from_millis(600));
    assert!(percentile(&figures.off_ms, 100) <= WORD_MS, "{figures:?}");
}
