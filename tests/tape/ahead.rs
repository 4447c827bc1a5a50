//! A composite that is made while it is recorded.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use calls::recording::ahead::Ahead;
use calls_media::seam::Codec;
use calls_model::{Layout, RecordingMode};

use super::play::{Clocks, Network, Played, play_and};
use super::reel::Reel;

/// Two pieces, and what is left at the end.
const SECONDS: i64 = 70;

/// A picture of a composite lasts so long, in microseconds.
const PICTURE: i64 = 40_000;

fn ahead(folder: &Path) -> Ahead {
    Ahead {
        folder: folder.to_owned(),
        ffmpeg: "ffmpeg".to_owned(),
        mode: RecordingMode::Composite,
        layout: Layout::Grid,
    }
}

/// When a composite begins to flash, in microseconds, and how long it is.
fn flashes(file: &Path) -> (Vec<i64>, i64) {
    let ran = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-i"])
        .arg(file)
        .args([
            "-map",
            "0:v",
            "-vf",
            "scale=1:1,format=gray",
            "-f",
            "rawvideo",
            "-",
        ])
        .output()
        .expect("ffmpeg is there");
    assert_eq!(String::from_utf8_lossy(&ran.stderr), "", "it plays");
    let light = ran.stdout;
    let begins = (1..light.len()).filter(|&at| light[at] > 128 && light[at - 1] <= 128);
    let time = |at: usize| i64::try_from(at).expect("few") * PICTURE;
    (begins.map(time).collect(), time(light.len()))
}

fn pieces(played: &Played) -> Vec<String> {
    let entries = std::fs::read_dir(played.place().join("live/pieces")).expect("pieces");
    let names = entries.map(|entry| entry.expect("a piece").file_name());
    let mut names: Vec<String> = names
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

async fn played(mut meanwhile: impl FnMut(i64, &Path)) -> Played {
    let (beep, flash) = (Reel::beep(), Reel::flash(Codec::Vp8));
    let network = Network::default();
    let clocks = Clocks::default();
    play_and(
        [&beep, &flash],
        SECONDS,
        network,
        clocks,
        |second, folder| {
            meanwhile(second, folder);
        },
    )
    .await
}

#[actix::test]
async fn pieces_made_meanwhile_become_one_file_without_a_seam() {
    let played = played(|second, folder| {
        if second != 50 {
            return;
        }
        let began = Instant::now();
        while !ahead(folder).next().expect("a piece") {
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "the first piece is due"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    })
    .await;
    let ahead = ahead(&played.place());
    assert!(ahead.next().expect("a piece"), "the second is due");
    assert!(!ahead.next().expect("nothing"), "and no third");
    let finished = &played.finished;
    let made = ahead.whole(&finished.files, finished.duration_ms, |_| ());
    let made = made.expect("made").expect("of pieces");
    assert_eq!(pieces(&played).len(), 3);
    assert_eq!(made.codec, "h264+aac");

    let file = played.place().join(made.name);
    let (flashes, length) = flashes(&file);
    let wanted = i64::try_from(finished.duration_ms).expect("short") * 1000;
    assert!((length - wanted).abs() < 100_000, "{length} of {wanted}");
    let beeps = played.beeps_in(&file);
    let count = i64::try_from(flashes.len()).expect("few");
    assert!(count >= SECONDS - 2, "{count} flashes");
    for flash in &flashes {
        let apart = beeps.iter().map(|beep| (beep - flash).abs()).min();
        assert!(
            apart.is_some_and(|apart| apart <= PICTURE),
            "{flash}: {apart:?} us apart"
        );
    }
}

#[actix::test]
async fn a_recording_that_was_not_composed_meanwhile_is_left_to_its_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = ahead(folder.path()).whole(&[], 1000, |_| ());
    assert_eq!(made.expect("read"), None);
}
