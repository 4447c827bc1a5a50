//! What is composed has all that it should have, or it is told.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use calls::recording::render::RenderError;
use calls_model::{Gap, RecordingFile, RecordingMode, Source};

use super::composed::{self, GRID, compose, render, track};
use super::play::{flashes, times};
use super::reel::ffmpeg;

/// Seconds of each track.
const SECONDS: u64 = 6;

/// How long a flash is, in seconds.
const FLASH: &str = "lt(mod(t-0.3\\,1)\\,0.12)*gte(t\\,0.3)";

/// A camera that sees a flash 0.3 s after each full second.
fn camera(folder: &Path, name: &str, rate: &str) -> RecordingFile {
    let picture = format!(
        "color=black:s=320x180:r={rate}:d={SECONDS},drawbox=c=white:t=fill:enable='{FLASH}'"
    );
    let film = ["-f", "lavfi", "-i", &picture, "-c:v", "libvpx"];
    let quick = ["-deadline", "realtime", "-cpu-used", "8"];
    ffmpeg(&[&film[..], &quick].concat(), &folder.join(name));
    track(name, "ada", Source::Camera, SECONDS)
}

fn voice(folder: &Path) -> RecordingFile {
    composed::voice(folder, "voice.webm", "ada", SECONDS)
}

#[test]
fn pictures_of_a_composite_are_when_the_camera_had_them() {
    let folder = tempfile::tempdir().expect("a folder");
    for rate in ["30", "50"] {
        let camera = camera(folder.path(), "ada.webm", rate);
        let wanted = flashes(folder.path(), &folder.path().join("ada.webm"));
        let made = compose(folder.path(), RecordingMode::Composite, GRID, &[camera]);
        let seen = flashes(folder.path(), &made);
        assert_eq!(seen.len(), wanted.len(), "{seen:?} {wanted:?}");
        for (seen, wanted) in seen.iter().zip(&wanted) {
            assert!((seen - wanted).abs() <= 2_000, "{seen} and not {wanted} us");
        }
        let count = times(&made).len();
        let rate: u64 = rate.parse().expect("a number");
        let most = usize::try_from(SECONDS * rate).expect("few") + 3;
        assert!(count <= most, "{count} pictures: none is put in between");
    }
}

#[test]
fn of_an_input_that_breaks_off_it_is_told_what_is_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    let tracks = [
        camera(folder.path(), "ada.webm", "25"),
        voice(folder.path()),
    ];
    let path = folder.path().join("voice.webm");
    let file = File::options()
        .write(true)
        .open(&path)
        .expect("it is there");
    let half = file.metadata().expect("it is there").len() / 2;
    file.set_len(half).expect("cut off");
    let made = render(
        (folder.path(), "ffmpeg"),
        RecordingMode::Composite,
        GRID,
        &tracks,
    );
    let made = made.run(|_| ()).expect("of what is there");
    let [(name, gap)] = &made.missing[..] else {
        panic!("one voice breaks off: {made:?}");
    };
    assert_eq!((&**name, &*gap.reason), ("voice.webm", Gap::DAMAGED));
    assert!((2_000..4_000).contains(&gap.from_ms), "{gap:?}");
    assert_eq!(gap.to_ms, Some(SECONDS * 1000));
}

#[test]
fn what_ffmpeg_left_out_is_noticed_though_it_says_that_all_went_well() {
    let folder = tempfile::tempdir().expect("a folder");
    let tracks = [
        camera(folder.path(), "ada.webm", "25"),
        voice(folder.path()),
    ];
    let lazy = folder.path().join("lazy");
    for (does, wanted) in [("-t 2 -c copy", "picture"), ("-an -c copy", "sound")] {
        let script = format!(
            "#!/bin/sh\nffmpeg \"$@\" || exit 1\nfor made; do :; done\n\
             ffmpeg -v error -y -i $made {does} -f mp4 $made.less </dev/null && mv $made.less $made\n"
        );
        fs::write(&lazy, script).expect("written");
        fs::set_permissions(&lazy, fs::Permissions::from_mode(0o755)).expect("it may run");
        let program = lazy.display().to_string();
        let made = render(
            (folder.path(), &program),
            RecordingMode::Composite,
            GRID,
            &tracks,
        );
        let Err(RenderError::Short { what, .. }) = made.run(|_| ()) else {
            panic!("it has less than it should");
        };
        assert_eq!(what, wanted);
        assert!(
            !folder.path().join("recording.mp4").exists(),
            "nobody gets it"
        );
    }
}

#[test]
fn a_camera_that_changes_its_size_costs_no_sound_and_moves_no_picture() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    for (name, size) in [("large.webm", "640x360"), ("small.webm", "320x180")] {
        let picture = format!("color=white:s={size}:r=25:d=2");
        ffmpeg(
            &["-f", "lavfi", "-i", &picture, "-c:v", "libvpx"],
            &at(name),
        );
    }
    let names = ["large", "small", "large"];
    let lines: String = names.map(|name| format!("file {name}.webm\n")).concat();
    fs::write(at("list.txt"), lines).expect("written");
    let list = at("list.txt").display().to_string();
    ffmpeg(
        &["-f", "concat", "-i", &list, "-c", "copy"],
        &at("ada.webm"),
    );
    let camera = track("ada.webm", "ada", Source::Camera, SECONDS);
    let tracks = [camera, voice(folder.path())];
    let made = compose(folder.path(), RecordingMode::Composite, GRID, &tracks);
    let path = made.display().to_string();
    let to_sound = ["-ac", "1", "-ar", "8000", "-f", "s16le"];
    ffmpeg(&[&["-i", &path], &to_sound[..]].concat(), &at("sound.s16"));
    let sound = fs::read(at("sound.s16")).expect("it was made");
    let loudest = |part: &[u8]| {
        let samples = part.chunks_exact(2);
        let samples = samples.map(|one| i16::from_le_bytes([one[0], one[1]]).unsigned_abs());
        samples.max().unwrap_or(0)
    };
    let tenths: Vec<u16> = sound.chunks_exact(1600).map(loudest).collect();
    assert!(
        tenths.len().abs_diff(60) <= 2,
        "six seconds: {}",
        tenths.len()
    );
    let quiet = tenths.iter().filter(|loud| **loud < 1000).count();
    assert!(quiet <= 1, "a voice without a hole: {tenths:?}");
    assert!(times(&made).len() >= 145, "25 pictures a second");
}
