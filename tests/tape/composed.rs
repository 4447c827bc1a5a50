//! Tracks that were recorded, as far as composing them goes, and one file of them.

use std::path::{Path, PathBuf};

use calls::recording::render::Render;
use calls_model::{FileKind, FilePlace, Layout, RecordingFile, RecordingMode, Source, Turn};

use super::reel::ffmpeg;

/// All of the same size, whoever speaks.
pub(crate) const GRID: (Layout, &[Turn]) = (Layout::Grid, &[]);

/// A microphone that hears one tone.
pub(crate) fn voice(folder: &Path, name: &str, user: &str, seconds: u64) -> RecordingFile {
    let sound = format!("sine=440:r=48000:d={seconds}");
    let voice = ["-f", "lavfi", "-i", &sound, "-c:a", "libopus"];
    ffmpeg(&voice, &folder.join(name));
    track(name, user, Source::Microphone, seconds)
}

/// A track of that user in a file of that name, from the beginning of the recording on.
pub(crate) fn track(name: &str, user: &str, source: Source, seconds: u64) -> RecordingFile {
    RecordingFile {
        name: name.to_owned(),
        kind: FileKind::Track,
        participant_id: None,
        user_id: user.to_owned().try_into().ok(),
        display_name: None,
        source: Some(source),
        codec: String::new(),
        media_type: String::new(),
        start_ms: 0,
        duration_ms: seconds * 1000,
        size_bytes: 0,
        sha256: String::new(),
        place: FilePlace::Local,
        url: None,
    }
}

/// How one file is made of tracks in a folder, as long as the longest of them.
pub(crate) fn render<'a>(
    (folder, ffmpeg): (&'a Path, &'a str),
    mode: RecordingMode,
    (layout, turns): (Layout, &'a [Turn]),
    tracks: &'a [RecordingFile],
) -> Render<'a> {
    let ends = tracks
        .iter()
        .map(|track| track.start_ms + track.duration_ms);
    Render {
        folder,
        ffmpeg,
        mode,
        layout,
        tracks,
        turns,
        duration_ms: ends.max().unwrap_or(0),
    }
}

/// Makes it of tracks of which nothing is missing.
pub(crate) fn compose(
    folder: &Path,
    mode: RecordingMode,
    layout: (Layout, &[Turn]),
    tracks: &[RecordingFile],
) -> PathBuf {
    let rendered = render((folder, "ffmpeg"), mode, layout, tracks).run(|_| ());
    let rendered = rendered.expect("it is made");
    assert_eq!(rendered.missing, []);
    folder.join(rendered.file.name)
}
