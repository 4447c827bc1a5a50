//! Tracks that were recorded, as far as composing them goes, and one file of them.

use std::path::{Path, PathBuf};

use calls::recording::render::Render;
use calls_model::{FileKind, FilePlace, Layout, RecordingFile, RecordingMode, Source, Turn};

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

/// Makes one file of tracks in a folder, as long as the longest of them.
pub(crate) fn compose(
    folder: &Path,
    mode: RecordingMode,
    (layout, turns): (Layout, &[Turn]),
    tracks: &[RecordingFile],
) -> PathBuf {
    let ends = tracks
        .iter()
        .map(|track| track.start_ms + track.duration_ms);
    let render = Render {
        folder,
        ffmpeg: "ffmpeg",
        mode,
        layout,
        tracks,
        turns,
        duration_ms: ends.max().unwrap_or(0),
    };
    folder.join(render.run(|_| ()).expect("it is made").name)
}
