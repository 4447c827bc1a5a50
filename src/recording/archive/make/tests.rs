//! What is made where a crash or the disk left less than there was.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use calls_actors::recorder::{Plan, Studio, TapeTold, TapeTrack};
use calls_actors::testing::Probe;
use calls_media::seam::{Codec, Layer, Packet, PayloadInfo, PeerId, TrackId};
use calls_model::{CallId, ParticipantId, Source};

use super::*;
use crate::recording::DiskStudio;

/// How many frames of 20 ms each of two voices has.
const FRAMES: u32 = 250;

fn packet(track: TrackId, frame: u32, zero: Instant) -> Packet {
    Packet {
        track,
        layer: Layer(0),
        codec: Codec::Opus,
        seq: frame.into(),
        timestamp: frame * 960,
        marker: true,
        arrival: zero + Duration::from_millis(u64::from(frame) * 20),
        audio_level: None,
        orientation: None,
        dependency_descriptor: None,
        info: PayloadInfo::default(),
        payload: vec![0xf8, 0xff, 0xfe].into(), // RFC 6716 §3.1: full band, one frame
    }
}

/// Ada and bob, recorded and finished; what they were written in is still there.
async fn two_voices(studio: &DiskStudio) -> (PathBuf, Finished) {
    let plan = Plan {
        recording_id: RecordingId::new(),
        call_id: CallId::new(),
        mode: RecordingMode::Tracks,
        live: false,
        participants: Arc::from([]),
        zero: Instant::now(),
    };
    let probe = Probe::<TapeTold>::start();
    let told = probe.recipient();
    let tape = studio.open(&plan, told.downgrade()).expect("a tape");
    for (peer, user) in [(1, "ada"), (2, "bob")] {
        let track = TrackId {
            peer: PeerId(peer),
            index: 0,
        };
        tape.track(TapeTrack {
            track,
            participant_id: ParticipantId::new(),
            user_id: user.to_owned().try_into().expect("an id"),
            display_name: None,
            source: Source::Microphone,
        });
        for frame in 0..FRAMES {
            assert!(tape.packets([packet(track, frame, plan.zero)].into()));
        }
    }
    let mut closed = studio.bell();
    tape.close();
    while studio.open_tapes() > 0 {
        closed.changed().await.expect("the studio is there");
    }
    let folder = studio.folder_of(&plan.recording_id);
    let finished = finish::finish(&folder, None).expect("it is whole");
    (folder, finished)
}

/// The file that a peer was written in.
fn live(folder: &Path, peer: u64) -> PathBuf {
    let log = std::fs::read_to_string(folder.join("log-0.jsonl")).expect("a log");
    let lines = log.lines().map(serde_json::from_str::<serde_json::Value>);
    let of = lines
        .map(|line| line.expect("a line"))
        .find(|line| line["t"] == "file" && line["track"]["peer"] == peer);
    let of = of.expect("it was written");
    folder.join(of["file"].as_str().expect("a name"))
}

fn spoil(path: &Path) {
    let mut bytes = std::fs::read(path).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 200].fill(0xff);
    std::fs::write(path, bytes).expect("spoiled");
}

#[actix::test]
async fn a_track_that_is_as_it_was_made_stays_where_another_is_made_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let studio = DiskStudio::new(folder.path().to_owned(), 0, 1);
    let (folder, finished) = two_voices(&studio).await;
    let [ada, bob] = &finished.files[..] else {
        panic!("two voices: {finished:?}");
    };
    spoil(&folder.join(&ada.name));
    spoil(&live(&folder, 2)); // of which bob's would be made anew
    let mut recording = recording();
    recording.files.clone_from(&finished.files);
    let report = Some(finished.report.clone());
    let made = tracks((&folder, studio.run()), &recording, report).expect("made");
    assert_eq!(made.files.len(), 2);
    for (file, before) in made.files.iter().zip([ada, bob]) {
        assert_eq!(file.name, before.name);
        assert_eq!(file.duration_ms, before.duration_ms);
        let is = finish::sha256(&folder.join(&file.name)).expect("it is there");
        assert_eq!(file.sha256, is);
    }
    assert_eq!(made.files[1].sha256, bob.sha256, "it was as it was made");
    assert!(made.report.is_read_whole(), "{:?}", made.report);
}

/// One that was asked for at the beginning of 1970.
fn recording() -> Recording {
    let recording = serde_json::from_value(serde_json::json!({
        "recording_id": RecordingId::new(), "call_id": CallId::new(), "mode": "audio", "status": "processing", "paused": false,
        "live": false, "layout": "grid", "next_layout": "speaker", "participants": [], "requested_at": Timestamp::from_millis(0),
        "started_at": null, "duration_seconds": 1, "size_bytes": 0, "files": [], "progress": 0, "error": null,
    }));
    recording.expect("a recording")
}

/// A recording of this file, and what its folder has of it.
fn made(folder: &Path, sha256: &str) -> (Recording, RecordingReport) {
    std::fs::write(folder.join("recording.m4a"), "what is there").expect("written");
    let file = serde_json::from_value(serde_json::json!({
        "name": "recording.m4a", "kind": "audio", "participant_id": null, "user_id": null, "source": null, "codec": "aac",
        "media_type": "audio/mp4", "start_ms": 0, "duration_ms": 1000, "size_bytes": 1, "sha256": sha256, "place": "local",
    }));
    let mut recording = recording();
    recording.files.push(file.expect("a file"));
    let report = RecordingReport {
        layout: Some(Layout::Grid),
        ..RecordingReport::default()
    };
    (recording, report)
}

#[test]
fn what_a_crash_left_is_taken_for_whole_only_if_it_is_what_was_noted_before_it_got_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let (recording, mut report) = made(folder.path(), "00");
    let path = folder.path().join("recording.m4a");
    let is = finish::sha256(&path).expect("a sum");
    let rotten = earlier(folder.path(), &recording, &mut report).expect("read");
    assert_eq!(rotten, None, "nobody made this, and it cannot be played");
    assert_eq!(std::mem::take(&mut report.files_damaged), ["recording.m4a"]);

    std::fs::write(folder.path().join("recording.sha256"), &is).expect("noted");
    let (file, layout) = earlier(folder.path(), &recording, &mut report)
        .expect("read")
        .expect("kept");
    assert_eq!((file.sha256.as_str(), file.size_bytes), (is.as_str(), 13));
    assert_eq!(layout, Some(Layout::Speaker), "that of the last wish");

    let (recording, mut report) = made(folder.path(), &is);
    let (_, layout) = earlier(folder.path(), &recording, &mut report)
        .expect("read")
        .expect("kept");
    assert_eq!(layout, Some(Layout::Grid), "nothing came of the last wish");
    assert!(report.files_damaged.is_empty());

    std::fs::remove_file(&path).expect("it was there");
    std::os::unix::fs::symlink("/proc/self/mem", &path).expect("a link"); // EIO
    let lost = earlier(folder.path(), &recording, &mut report).expect("not tried again");
    assert_eq!(lost, None, "the disk cannot read it");
    assert_eq!(report.files_damaged, ["recording.m4a"]);
}

#[test]
fn a_recording_begins_when_its_first_frame_was_not_when_it_was_asked_for_or_on_disk() {
    let finished = Finished {
        files: Vec::new(),
        duration_ms: 0,
        report: RecordingReport::default(),
        begins_us: 1_499_600,
    };
    let asked = Timestamp::from_millis(1_000).expect("a time");
    let begins = Made::first(finished, asked).report.begins_at;
    assert_eq!(begins, Timestamp::from_millis(2_500));
}
