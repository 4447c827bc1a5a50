//! Tapes that the disk gives back otherwise than they were written: what is lost is told.

use std::path::{Path, PathBuf};
use std::time::Duration;

use calls::recording::finish::{FinishError, Finished};
use calls_media::seam::{Codec, PeerId, TrackId};
use calls_model::{Gap, Source};

use super::one_track::{OneTrack, sound};

/// Frames of 20 ms that are recorded.
const FRAMES: u32 = 1000;

/// Somebody else's track.
const OTHER: TrackId = TrackId {
    peer: PeerId(2),
    index: 0,
};

/// Somebody who is recorded.
fn recorded() -> OneTrack {
    let mut track = OneTrack::open(Source::Microphone);
    for frame in 0..FRAMES {
        let arrival = track.zero() + Duration::from_millis(u64::from(frame) * 20);
        track.put(Codec::Opus, frame * 960, arrival, sound());
    }
    track
}

/// Records, lets somebody spoil what was written, and finishes what is left.
async fn spoiled(spoil: impl FnOnce(&mut Vec<u8>)) -> Result<Finished, FinishError> {
    let track = recorded();
    let spoil = |folder: &Path| {
        let file = live(folder);
        let mut bytes = std::fs::read(&file).expect("a file");
        spoil(&mut bytes);
        std::fs::write(file, bytes).expect("written");
    };
    track.close_with(spoil).await.0
}

fn live(folder: &Path) -> PathBuf {
    let mut files = std::fs::read_dir(folder.join("live")).expect("a folder");
    files.next().expect("a file").expect("it is there").path()
}

#[actix::test]
async fn frames_that_cannot_be_read_again_are_counted() {
    let finished = spoiled(|bytes| {
        let middle = bytes.len() / 2;
        bytes[middle..middle + 400].fill(0xff);
    });
    let finished = finished.await.expect("the rest is there");
    let track = &finished.report.tracks[0];
    assert!(
        (4..FRAMES.into()).contains(&track.frames_unreadable),
        "{track:?}"
    );
    assert!(!finished.report.is_read_whole());
    let [gap] = &track.gaps[..] else {
        panic!("one place is damaged: {track:?}");
    };
    assert_eq!(gap.reason, Gap::DAMAGED);
    let lasts = gap.to_ms.expect("it goes on") - gap.from_ms;
    assert_eq!(lasts, track.frames_unreadable * 20, "{track:?}");
    assert!(
        (8000..12_000).contains(&gap.from_ms),
        "in the middle: {gap:?}"
    );
    assert_eq!(finished.files[0].duration_ms, 20_000, "to its end");
}

#[actix::test]
async fn what_can_be_read_as_it_was_written_is_whole() {
    let finished = spoiled(|_| ()).await.expect("it is there");
    assert_eq!(finished.report.tracks[0].frames_unreadable, 0);
    assert!(finished.report.is_read_whole());
}

#[actix::test]
async fn where_nothing_can_be_read_any_more_nobody_says_that_nothing_was_recorded() {
    let finished = spoiled(|bytes| bytes.fill(0xff)).await;
    assert!(
        matches!(finished, Err(FinishError::Unreadable)),
        "{finished:?}"
    );
}

#[actix::test]
async fn a_file_that_the_disk_cannot_read_is_named() {
    let unreadable = |folder: &Path| {
        let file = live(folder);
        std::fs::remove_file(&file).expect("it was there");
        // Nobody can read its beginning: the system says EIO, as of a sector that is lost.
        std::os::unix::fs::symlink("/proc/self/mem", file).expect("a link");
    };
    let said = recorded().close_with(unreadable).await.0;
    let said = said.expect_err("all there is").to_string();
    assert!(
        said.starts_with("live/0-0-0.webm cannot be read: "),
        "{said}"
    );
    assert!(said.contains("Input/output error"), "{said}");
}

/// Records somebody and bob, lets somebody spoil the log, and finishes what is left.
async fn misread(spoil: impl FnOnce(String) -> String) -> Finished {
    let mut track = recorded();
    track.belongs_to("bob", OTHER, Source::Microphone);
    for frame in 0..FRAMES {
        let arrival = track.zero() + Duration::from_millis(u64::from(frame) * 20);
        track.put_on(OTHER, Codec::Opus, frame * 960, arrival, sound());
    }
    let spoil = |folder: &Path| {
        let log = folder.join("log-0.jsonl");
        let text = std::fs::read_to_string(&log).expect("a log");
        std::fs::write(log, spoil(text)).expect("written");
    };
    let finished = track.close_with(spoil).await.0;
    finished.expect("the rest is there")
}

#[actix::test]
async fn a_track_that_the_log_does_not_know_any_more_is_told_of() {
    let finished = misread(|log| log.replacen("\"bob\"", "\"b", 1)).await;
    let report = &finished.report;
    assert_eq!(finished.files.len(), 1, "{finished:?}");
    assert_eq!((report.log_lines_unreadable, report.files_unknown), (1, 1));
    assert!(!report.is_read_whole(), "so nothing is let go of");
}

#[actix::test]
async fn a_file_that_the_log_does_not_know_any_more_is_told_of() {
    let without = |log: String| {
        let lines = log.lines().filter(|line| !line.contains("live/0-1-"));
        lines.map(|line| line.to_owned() + "\n").collect()
    };
    let finished = misread(without).await;
    let report = &finished.report;
    assert_eq!((report.log_lines_unreadable, report.files_unknown), (0, 1));
    assert!(!report.is_read_whole());
    let track = report
        .tracks
        .iter()
        .find(|track| track.user_id.as_str() == "bob");
    assert_eq!(
        track.expect("it is known").frames_unreadable,
        u64::from(FRAMES)
    );
}

#[actix::test]
async fn a_line_that_a_kill_cut_off_is_no_damage() {
    let finished = misread(|log| log + "{\"t\":\"cou").await;
    assert_eq!(finished.files.len(), 2);
    assert!(finished.report.is_read_whole(), "{:?}", finished.report);
}
