//! What recording costs, and how many recordings there can be at once.
//!
//! The figures of loadtest/baselines/*-recording.json: `RECORD_SECONDS=60 RECORD_FIGURES=FILE.json cargo test --features
//! testing --test tape cost -- --include-ignored --test-threads 1`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use calls::recording::DiskStudio;
use calls::recording::finish::finish;
use calls_actors::recorder::{Plan, Studio, TapeTold, TapeTrack};
use calls_actors::testing::Probe;
use calls_media::seam::{Burst, Codec, Layer, Packet, PayloadInfo, PeerId, TrackId};
use calls_model::{
    CallId, ParticipantId, RecordingFile, RecordingId, RecordingMode, Source, UserId,
};
use serde_json::{Value, json};

use super::composed::{GRID, compose, track};
use super::reel::ffmpeg;

/// How many calls are recorded at once.
const RECORDINGS: usize = 50;

/// How long, in seconds; `RECORD_SECONDS=60` for the minute that the figure is of.
const SECONDS: u64 = 5;

/// A picture of 1 Mbit/s: so many a second, of so many packets, of so many bytes.
const PICTURES: u32 = 25;
const PACKETS: usize = 5;
const BYTES: usize = 1000;

/// The kernel counts processor time in hundredths of a second.
const TICKS: f64 = 100.0;

/// A VP8 descriptor, and the first bytes of a key frame of 640x360.
const KEY: [u8; 11] = [
    0x10, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01,
];

fn packets(track: TrackId, picture: u32, now: Instant) -> Burst {
    let packet = |part: usize| {
        let mut payload = KEY.to_vec();
        if part > 0 {
            payload[0] = 0; // it goes on
        }
        payload.resize(BYTES, 0x55);
        Packet {
            track,
            layer: Layer(0),
            codec: Codec::Vp8,
            seq: u64::from(picture) * PACKETS as u64 + part as u64,
            timestamp: picture * (90_000 / PICTURES),
            marker: part + 1 == PACKETS,
            arrival: now,
            audio_level: None,
            orientation: None,
            dependency_descriptor: None,
            info: PayloadInfo {
                starts_keyframe: part == 0,
                size: Some((640, 360)),
                ..PayloadInfo::default()
            },
            payload: payload.into(),
        }
    };
    (0..PACKETS).map(packet).collect()
}

/// Processor time of this process's threads of that name, in seconds.
fn threads_time(name: &str) -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").expect("Linux");
    let named = |folder: &std::path::PathBuf| {
        std::fs::read_to_string(folder.join("comm")).is_ok_and(|comm| comm.trim() == name)
    };
    let folders = tasks
        .filter_map(|task| Some(task.ok()?.path()))
        .filter(named);
    let stats = folders.filter_map(|folder| std::fs::read_to_string(folder.join("schedstat")).ok());
    let nanoseconds = stats.filter_map(|stat| stat.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.sum::<f64>() / 1e9
}

/// Processor time of children that have ended, in seconds: two numbers of `stat` (proc(5)).
fn childrens_time() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let (_, numbers) = stat.rsplit_once(')').expect("a name");
    let numbers = numbers.split_whitespace().skip(13).take(2);
    numbers
        .map(|number| number.parse::<f64>().expect("a number"))
        .sum::<f64>()
        / TICKS
}

/// Adds to the file that `RECORD_FIGURES` names.
fn figure(name: &str, value: Value) {
    let Ok(path) = std::env::var("RECORD_FIGURES") else {
        return;
    };
    let known = std::fs::read(&path).unwrap_or_default();
    let mut known: Value = serde_json::from_slice(&known).unwrap_or_else(|_| json!({}));
    known[name] = value;
    let text = serde_json::to_string_pretty(&known).expect("JSON");
    std::fs::write(path, text + "\n").expect("written");
}

#[actix::test]
async fn fifty_calls_are_recorded_at_once_without_loss() {
    let folder = tempfile::tempdir().expect("a folder");
    let studio = DiskStudio::new(folder.path().to_owned(), 0, RECORDINGS);
    let probe = Probe::<TapeTold>::start();
    let told = probe.recipient();
    let plan = || Plan {
        recording_id: RecordingId::new(),
        call_id: CallId::new(),
        mode: RecordingMode::Tracks,
        live: false,
        participants: Arc::from([]),
        zero: Instant::now(),
    };
    let plans: Vec<Plan> = std::iter::repeat_with(plan).take(RECORDINGS).collect();
    let mut tapes = Vec::new();
    for (number, plan) in plans.iter().enumerate() {
        studio.admit().expect("there is room for one more");
        let tape = studio.open(plan, told.downgrade()).expect("a tape");
        let track = TrackId {
            peer: PeerId(number as u64),
            index: 0,
        };
        tape.track(TapeTrack {
            track,
            participant_id: ParticipantId::new(),
            user_id: UserId::try_from("ada".to_owned()).expect("an id"),
            display_name: None,
            source: Source::Camera,
        });
        tapes.push((track, tape));
    }
    assert!(studio.admit().is_err(), "and no more than that");

    let began = Instant::now();
    let mut pace = tokio::time::interval(Duration::from_secs(1) / PICTURES);
    let mut pictures = 0;
    let asked = std::env::var("RECORD_SECONDS").ok();
    let length = asked
        .and_then(|asked| asked.parse().ok())
        .unwrap_or(SECONDS);
    while began.elapsed() < Duration::from_secs(length) {
        pace.tick().await;
        let now = Instant::now();
        for (track, tape) in &tapes {
            assert!(
                tape.packets(packets(*track, pictures, now)),
                "nothing is dropped"
            );
        }
        pictures += 1;
    }
    tokio::time::sleep(Duration::from_millis(500)).await; // what came is written
    let seconds = threads_time("calls-recorder");
    let minutes = f64::from(u32::try_from(RECORDINGS).expect("few")) * f64::from(pictures)
        / f64::from(PICTURES)
        / 60.0;
    drop(tapes);
    while studio.open_tapes() > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for plan in &plans {
        let finished = finish(&studio.folder_of(&plan.recording_id), None).expect("it is whole");
        let track = &finished.report.tracks[0];
        assert_eq!(track.frames_written, u64::from(pictures), "{track:?}");
        assert_eq!(
            (track.packets_lost, track.bursts_dropped),
            (0, 0),
            "{track:?}"
        );
    }
    let value = json!({
        "recordings": RECORDINGS,
        "kbps_each": PICTURES as usize * PACKETS * BYTES * 8 / 1000,
        "seconds": length,
        "packets_lost": 0,
        "cpu_seconds_per_track_minute": seconds / minutes,
    });
    figure("tracks", value);
}

#[test]
#[ignore = "a figure, which takes a while"]
fn what_a_composite_of_four_costs() {
    const LASTS: u64 = 20;
    let folder = tempfile::tempdir().expect("a folder");
    let track = |number: u64, source: Source, arguments: &[&str]| {
        let name = format!("{number}.webm");
        ffmpeg(arguments, &folder.path().join(&name));
        track(&name, &format!("user{}", number % 4), source, LASTS)
    };
    let picture = format!("testsrc2=s=1280x720:r=25:d={LASTS}");
    let sound = format!("sine=440:r=48000:d={LASTS}");
    let film = [
        "-f", "lavfi", "-i", &picture, "-c:v", "libvpx", "-b:v", "1M",
    ];
    let film = [&film[..], &["-deadline", "realtime", "-cpu-used", "8"]].concat();
    let voice = ["-f", "lavfi", "-i", &sound, "-c:a", "libopus"];
    let mut tracks: Vec<RecordingFile> = (0..4)
        .map(|one| track(one, Source::Camera, &film))
        .collect();
    tracks.extend((4..8).map(|one| track(one, Source::Microphone, &voice)));
    let before = childrens_time();
    let made = compose(folder.path(), RecordingMode::Composite, GRID, &tracks);
    assert!(made.exists());
    let seconds = childrens_time() - before;
    let value = json!({
        "tiles": 4,
        "picture": "1280x720, 25 a second, H.264 and AAC",
        "tracks": "VP8 of 1280x720 and 1 Mbit/s, and Opus, four of each",
        "cpu_seconds_per_recorded_minute": seconds * 60.0 / Duration::from_secs(LASTS).as_secs_f64(),
    });
    figure("composite", value);
}
