//! What stands on the pictures of a composite, whatever people call themselves.

use std::path::Path;
use std::process::Command;

use calls_model::{RecordingFile, RecordingMode, Source};

use super::composed::{GRID, compose, track};
use super::reel::ffmpeg;

const WIDTH: usize = 1280;

/// A grid of nine.
const TILE: (usize, usize) = (426, 240);

/// How high the band at a tile's foot is that its name stands in.
const BAND: usize = 44;

/// The brightness of each point of the picture at this moment.
fn picture(file: &Path, second: &str) -> Vec<u8> {
    let ran = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-ss", second, "-i"])
        .arg(file)
        .args(["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray", "-"])
        .output()
        .expect("ffmpeg is there");
    ran.stdout
}

/// How many points of a tile are as bright as writing: above the band, and in it.
fn bright(picture: &[u8], tile: usize) -> [usize; 2] {
    let (left, top) = (tile % 3 * TILE.0, tile / 3 * TILE.1);
    let mut counts = [0; 2];
    for y in 0..TILE.1 {
        let row = &picture[(top + y) * WIDTH + left..][..TILE.0];
        let count = row.iter().filter(|&&point| point > 180).count();
        counts[usize::from(y >= TILE.1 - BAND)] += count;
    }
    counts
}

#[test]
fn a_name_is_written_as_it_is_and_is_no_command_to_ffmpeg() {
    let folder = tempfile::tempdir().expect("a folder");
    let film = [
        "-f",
        "lavfi",
        "-i",
        "color=0x101030:s=426x240:r=25:d=2",
        "-c:v",
        "libvpx",
    ];
    ffmpeg(&film, &folder.path().join("dark.webm"));
    let names = [
        "%{pts} %{localtime}",
        "a':x=0:y=0:fontsize=200:text='b",
        "one\u{2028}two\u{2028}three",
        "[ground0];,drawbox=color=white\\:t=fill",
        "\u{202e}משה علي",
        "\\n\\\\%%''\"\"::;;",
        "W".repeat(64).leak(),
        "\u{202e}\u{2066}",
    ];
    let tracks: [RecordingFile; 8] = std::array::from_fn(|index| RecordingFile {
        display_name: Some(names[index].parse().expect("a name")),
        ..track("dark.webm", &format!("user-{index}"), Source::Camera, 2)
    });
    let made = compose(folder.path(), RecordingMode::Composite, GRID, &tracks);
    let (soon, later) = (picture(&made, "0.2"), picture(&made, "1.6"));
    for (tile, name) in names.into_iter().enumerate() {
        let [above, band] = bright(&soon, tile);
        assert_eq!(above, 0, "nothing but its foot is written on: {name:?}");
        let written = name != "\u{202e}\u{2066}";
        assert_eq!(band > 20, written, "{band} points: {name:?}");
        let [_, then] = bright(&later, tile);
        assert!(band.abs_diff(then) < 20, "it stays as it is: {name:?}");
    }
}
