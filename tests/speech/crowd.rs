//! Many who speak at the same time: whether the engine keeps up, how late captions are, and what it costs.
//!
//! The figures of loadtest/baselines/*-speech.json come from the one that is left out of ordinary runs: `make
//! speech-figures`.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use calls_actors::transcriber::HearingTold;
use calls_model::{ParticipantId, Utterance};
use serde_json::{Value, json};

use super::hearing::{Call, Clip, PACKET, ears};

/// Packets of silence between two sentences: a second and a bit, so that each is one utterance.
const PAUSE: usize = 60;

/// After the last sound, an utterance ends within this, or it is another one's.
const SAME: Duration = Duration::from_millis(400);

/// What a crowd came to.
#[derive(Debug)]
struct Figures {
    /// Times that it was behind by more than two seconds.
    lags: usize,
    /// Bursts that it did not take.
    dropped: usize,
    utterances: usize,
    /// From the end of the last word to the caption that stays.
    finals: Vec<Duration>,
    /// From the end of a word to the first caption that has it.
    partials: Vec<Duration>,
    cpu_per_second: f64,
    megabytes_each: f64,
}

/// Someone of the crowd: which clips they say, and when each of them ended.
struct Speaker {
    packets: Vec<bytes::Bytes>,
    /// When the sound of each sentence ends, from their first packet.
    ends: Vec<Duration>,
}

impl Speaker {
    fn of(clips: &[Clip], silence: &bytes::Bytes, number: usize, length: Duration) -> Self {
        let mut speaker = Self {
            packets: vec![silence.clone(); number % PAUSE], // nobody begins with another one
            ends: Vec::new(),
        };
        for clip in clips.iter().cycle().skip(number) {
            let begun = speaker.lasts();
            if begun + clip.ends + Duration::from_secs(1) > length {
                break;
            }
            speaker.ends.push(begun + clip.ends);
            speaker.packets.extend(clip.packets.iter().cloned());
            speaker.packets.extend(vec![silence.clone(); PAUSE]);
        }
        speaker
    }

    fn lasts(&self) -> Duration {
        PACKET * u32::try_from(self.packets.len()).expect("few")
    }
}

/// Processor time of the threads that listen, in seconds.
fn cpu() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let listens = |folder: &std::path::PathBuf| {
        std::fs::read_to_string(folder.join("comm"))
            .is_ok_and(|comm| comm.starts_with("calls-ears"))
    };
    let folders = tasks
        .filter_map(|task| Some(task.ok()?.path()))
        .filter(listens);
    let stats = folders.filter_map(|folder| std::fs::read_to_string(folder.join("schedstat")).ok());
    let nanoseconds = stats.filter_map(|stat| stat.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.sum::<f64>() / 1e9
}

/// Memory of this process, in megabytes.
fn megabytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    kilobytes
        .expect("a number")
        .parse::<f64>()
        .expect("a number")
        / 1000.0
}

/// So many people speak for so long.
async fn crowd(people: usize, length: Duration) -> Figures {
    let (ears, _folder) = ears();
    let names = (1..=10)
        .flat_map(|number| ["espeak", "flite"].map(|voice| format!("{voice}{number:02}.wav")));
    let clips: Vec<Clip> = names.map(|name| Clip::read(&name)).collect();
    let silence = Clip::silence();
    let speakers: Vec<Speaker> = (0..people)
        .map(|number| Speaker::of(&clips, &silence, number, length))
        .collect();
    let call = Call::open(&ears);
    let voices: Vec<_> = (0..people).map(|number| call.voice(number)).collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let (cpu_before, memory_before) = (cpu(), megabytes());

    let began = Instant::now();
    let (mut number, mut dropped) = (0u32, 0);
    let mut pace = tokio::time::interval(PACKET);
    let (mut spoken, mut memory) = (Duration::ZERO, memory_before);
    while began.elapsed() < length {
        pace.tick().await;
        let now = Instant::now();
        for (speaker, (track, _)) in speakers.iter().zip(&voices) {
            let packet = speaker.packets.get(number as usize).unwrap_or(&silence);
            if !call.send(*track, number, packet.clone(), now) {
                dropped += 1;
            }
            spoken += PACKET;
        }
        number += 1;
        if number.is_multiple_of(50) {
            memory = megabytes().max(memory);
        }
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let cpu_per_second = (cpu() - cpu_before) / spoken.as_secs_f64();
    call.hearing.close();
    tokio::time::sleep(Duration::from_millis(500)).await;

    let told = call.told.lock().expect("nobody panics with it").clone();
    let ends: HashMap<&ParticipantId, &[Duration]> = voices
        .iter()
        .map(|(_, participant)| participant)
        .zip(speakers.iter().map(|speaker| &speaker.ends[..]))
        .collect();
    let mut figures = Figures {
        lags: 0,
        dropped,
        utterances: 0,
        finals: Vec::new(),
        partials: Vec::new(),
        cpu_per_second,
        megabytes_each: (memory - memory_before) / f64::from(u32::try_from(people).expect("few")),
    };
    let mut so_far: HashMap<ParticipantId, Vec<(Instant, String)>> = HashMap::new();
    for (at, told) in told {
        match told {
            HearingTold::Partial(caption) => {
                let captions = so_far.entry(caption.participant_id).or_default();
                captions.push((at, caption.text));
            }
            HearingTold::Said(said) => {
                let captions = so_far.remove(&said.participant_id).unwrap_or_default();
                let ended = ends[&said.participant_id];
                figures.note(&said, (at, call.zero, began), &captions, ended);
            }
            HearingTold::Behind(_) => figures.lags += 1,
            _ => {}
        }
    }
    figures
}

impl Figures {
    fn note(
        &mut self,
        said: &Utterance,
        (at, zero, began): (Instant, Instant, Instant),
        captions: &[(Instant, String)],
        ends: &[Duration],
    ) {
        self.utterances += 1;
        // When the sound of this very sentence ended, which the engine has no part in.
        let heard_end = zero + Duration::from_millis(said.end_ms);
        let near = |end: &&Duration| {
            let end = began + **end;
            end.max(heard_end) - end.min(heard_end) < SAME
        };
        if let Some(end) = ends.iter().find(near) {
            self.finals.push(at.saturating_duration_since(began + *end));
        }
        for (place, word) in said.words.iter().enumerate() {
            let has = |(_, text): &&(Instant, String)| {
                text.split(' ').nth(place) == Some(word.word.as_str())
            };
            if let Some((shown, _)) = captions.iter().find(has) {
                let end = zero + Duration::from_millis(word.end_ms);
                self.partials.push(shown.saturating_duration_since(end));
            }
        }
    }
}

/// So many of a hundred were quicker, in milliseconds.
fn percentile(times: &[Duration], percent: usize) -> u64 {
    let mut times = times.to_vec();
    times.sort();
    let time = times.get((times.len() * percent / 100).min(times.len().saturating_sub(1)));
    time.map_or(0, |time| {
        u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
    })
}

fn table(times: &[Duration]) -> Value {
    json!({
        "count": times.len(),
        "p50_ms": percentile(times, 50),
        "p95_ms": percentile(times, 95),
        "max_ms": percentile(times, 100),
    })
}

fn rounded(number: f64) -> f64 {
    (number * 10_000.0).round() / 10_000.0
}

/// A scaled-down crowd, on a machine that is busy with other tests.
#[actix::test]
async fn six_who_speak_at_once_are_understood_as_they_speak() {
    let figures = crowd(6, Duration::from_secs(9)).await;
    assert_eq!((figures.lags, figures.dropped), (0, 0), "{figures:?}");
    assert!(figures.utterances >= 6, "{figures:?}");
    assert!(
        figures.finals.len() * 10 >= figures.utterances * 8,
        "{figures:?}"
    );
    assert!(percentile(&figures.finals, 50) < 1500, "{figures:?}");
    assert!(percentile(&figures.partials, 50) < 1000, "{figures:?}");
}

#[actix::test]
#[ignore = "it measures: nothing else may run beside it"]
async fn forty_who_speak_at_once_are_understood_without_lag() {
    const PEOPLE: usize = 40;
    const LENGTH: Duration = Duration::from_secs(30);
    let figures = crowd(PEOPLE, LENGTH).await;
    let report = json!({
        "speakers": PEOPLE,
        "seconds": LENGTH.as_secs(),
        "utterances": figures.utterances,
        "lagging_events": figures.lags,
        "bursts_dropped": figures.dropped,
        "final_after_last_sound": table(&figures.finals),
        "partial_after_end_of_word": table(&figures.partials),
        "cpu_seconds_per_audio_second": rounded(figures.cpu_per_second),
        "megabytes_per_recogniser": rounded(figures.megabytes_each),
    });
    eprintln!("{report:#}");
    if let Ok(path) = std::env::var("SPEECH_FIGURES") {
        let known = std::fs::read(&path).unwrap_or_default();
        let mut known: Value = serde_json::from_slice(&known).unwrap_or_else(|_| json!({}));
        known["crowd"] = report;
        let text = serde_json::to_string_pretty(&known).expect("JSON");
        std::fs::write(path, text + "\n").expect("written");
    }
    assert_eq!((figures.lags, figures.dropped), (0, 0));
    assert!(figures.finals.len() * 10 >= figures.utterances * 9);
    assert!(percentile(&figures.finals, 50) < 1000);
    assert!(percentile(&figures.partials, 50) < 600);
}
