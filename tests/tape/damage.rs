//! Tapes that the disk gives back otherwise than they were written: what is lost is told.

use std::path::{Path, PathBuf};
use std::time::Duration;

use calls::recording::finish::{FinishError, Finished};
use calls_media::seam::Codec;
use calls_model::Source;

use super::one_track::{OneTrack, sound};

/// Frames of 20 ms that are recorded.
const FRAMES: u32 = 1000;

/// Records, lets somebody spoil what was written, and finishes what is left.
async fn spoiled(spoil: impl FnOnce(&mut Vec<u8>)) -> Result<Finished, FinishError> {
    let mut track = OneTrack::open(Source::Microphone);
    for frame in 0..FRAMES {
        let arrival = track.zero() + Duration::from_millis(u64::from(frame) * 20);
        track.put(Codec::Opus, frame * 960, arrival, sound());
    }
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
