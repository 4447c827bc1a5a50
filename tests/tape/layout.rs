//! Who is large in a composite, and when.

use std::path::Path;
use std::process::Command;

use calls_model::{Layout, ParticipantId, RecordingFile, RecordingMode, Source, Turn};

use super::composed::{compose, track};
use super::reel::ffmpeg;

/// Seconds of each picture.
const SECONDS: u64 = 8;

/// A camera that sees one colour.
fn camera(folder: &Path, user: &str, colour: &str) -> RecordingFile {
    let name = format!("{user}.webm");
    let picture = format!("color={colour}:s=320x180:r=25:d={SECONDS}");
    let film = ["-f", "lavfi", "-i", &picture, "-c:v", "libvpx"];
    ffmpeg(&film, &folder.join(&name));
    track(&name, user, Source::Camera, SECONDS)
}

fn turn(user: &str, from_ms: u64) -> Turn {
    Turn {
        from_ms,
        participant_id: ParticipantId::new(),
        user_id: user.to_owned().try_into().expect("an id"),
    }
}

/// Red, green and blue of the middle of the large picture, so many seconds in.
fn large(file: &Path, second: &str) -> [u8; 3] {
    let ran = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-ss", second, "-i"])
        .arg(file)
        .args(["-frames:v", "1", "-vf", "crop=64:64:480:328,scale=1:1"])
        .args(["-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
        .output()
        .expect("ffmpeg is there");
    ran.stdout.try_into().expect("one pixel")
}

#[test]
fn who_speaks_is_large_for_as_long_as_nobody_else_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let tracks = [
        camera(folder.path(), "ann", "red"),
        camera(folder.path(), "bob", "blue"),
    ];
    let turns = [turn("ann", 200), turn("bob", 3_000), turn("ann", 6_000)];
    let speaker = (Layout::Speaker, &turns[..]);
    let made = compose(folder.path(), RecordingMode::Composite, speaker, &tracks);
    for (second, wanted) in [("1", 0), ("2.8", 0), ("3.2", 2), ("5.8", 2), ("6.2", 0)] {
        let colour = large(&made, second);
        let brightest = (0..3).max_by_key(|&part| colour[part]);
        assert_eq!(brightest, Some(wanted), "at {second} s: {colour:?}");
        assert!(colour[wanted] > 150, "at {second} s: {colour:?}");
    }
}
