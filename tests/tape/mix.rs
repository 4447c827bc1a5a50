//! Voices that are mixed stay where they were, however their clocks run.

use std::path::Path;

use calls_model::{RecordingMode, Source};

use super::composed::{GRID, compose, track};
use super::reel::ffmpeg;

/// How long the voice is.
const SECONDS: u64 = 40;

/// Samples of a second, as it is looked at.
const RATE: usize = 8000;

/// When it begins to beep, in samples, and how long it is, played as a player does: one sample after the other.
fn beeps(file: &Path, folder: &Path) -> (Vec<usize>, usize) {
    let sound = folder.join("sound.s16");
    let path = file.display().to_string();
    ffmpeg(
        &["-i", &path, "-ac", "1", "-ar", "8000", "-f", "s16le"],
        &sound,
    );
    let sound = std::fs::read(sound).expect("it was made");
    let loud = |sample: &[u8]| i16::from_le_bytes([sample[0], sample[1]]).unsigned_abs() > 6000;
    let (mut begins, mut quiet) = (Vec::new(), RATE);
    for (at, sample) in sound.chunks_exact(2).enumerate() {
        if loud(sample) && quiet > RATE / 4 {
            begins.push(at);
        }
        quiet = if loud(sample) { 0 } else { quiet + 1 };
    }
    (begins, sound.len() / 2)
}

#[test]
fn a_voice_whose_clock_is_slow_is_stretched_and_not_torn() {
    let folder = tempfile::tempdir().expect("a folder");
    let (even, slow) = (
        folder.path().join("even.webm"),
        folder.path().join("slow.webm"),
    );
    let sound = format!("aevalsrc='0.8*sin(2*PI*880*t)*lt(mod(t\\,1)\\,0.1)':s=48000:d={SECONDS}");
    ffmpeg(&["-f", "lavfi", "-i", &sound, "-c:a", "libopus"], &even);
    let path = even.display().to_string();
    let stretched = "setts=pts=PTS*1.0003:dts=DTS*1.0003";
    ffmpeg(&["-i", &path, "-c", "copy", "-bsf:a", stretched], &slow);
    let voice = track("slow.webm", "ada", Source::Microphone, SECONDS);
    let made = compose(folder.path(), RecordingMode::Audio, GRID, &[voice]);
    let (beeps, length) = beeps(&made, folder.path());
    let wanted = usize::try_from(SECONDS).expect("short") * RATE;
    assert!(
        length.abs_diff(wanted) < RATE / 10,
        "{length} of {wanted} samples"
    );
    assert!(beeps.len() > 38, "{} beeps", beeps.len());
    for pair in beeps.windows(2) {
        let apart = pair[1] - pair[0];
        assert!(
            apart.abs_diff(RATE) < RATE / 50,
            "{apart} samples after {}",
            pair[0]
        );
    }
}
