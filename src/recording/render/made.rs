//! What came of it: looked through, noted, and only then given its name.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use calls_model::{FileKind, FilePlace, Gap, RecordingFile};

use super::command::{seconds_of, words};
use super::look::is_whole;
use super::{Render, RenderError, Seen};
use crate::recording::finish::sha256;

/// What may come of it: with pictures, and without.
pub(in crate::recording) const NAMES: [&str; 2] = ["recording.mp4", "recording.m4a"];

/// What was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The file.
    pub file: RecordingFile,
    /// What could not be read of what it is made of, by the names of the files, and so is not in it.
    pub missing: Vec<(String, Gap)>,
}

impl Render<'_> {
    /// Runs it, and describes what came of it.
    pub(super) fn file(
        &self,
        mut arguments: Vec<String>,
        sound: bool,
        Seen {
            heard_ms, missing, ..
        }: Seen<'_>,
        progress: impl FnMut(u8),
    ) -> Result<Rendered, RenderError> {
        let (name, media_type, kind) = if self.pictures() {
            (NAMES[0], "video/mp4", FileKind::Video)
        } else {
            (NAMES[1], "audio/mp4", FileKind::Audio)
        };
        if sound {
            arguments.extend(words(&["-map", "[sound]", "-c:a", "aac", "-b:a", "128k"]));
        }
        let path = self.folder.join(name);
        let part = format!("part-{name}");
        let length = seconds_of(self.duration_ms);
        arguments.extend(words(&[
            "-t",
            &length,
            "-movflags",
            "+faststart",
            "-f",
            "mp4",
        ]));
        arguments.push(part.clone());
        self.ffmpeg(&arguments, progress)?;
        let part = self.folder.join(part);
        let seen = self.pictures().then_some(self.duration_ms);
        is_whole(&part, seen, sound.then_some(heard_ms))?;
        File::open(&part)?.sync_all()?; // what is `available` outlives a power cut
        let sha256 = sha256(&part)?;
        note(&path, &sha256)?;
        fs::rename(part, &path)?;
        File::open(self.folder)?.sync_all()?; // its name, too
        let codec = match (self.pictures(), sound) {
            (true, false) => "h264",
            (true, true) => "h264+aac",
            (false, _) => "aac",
        };
        let file = RecordingFile {
            name: name.to_owned(),
            kind,
            participant_id: None,
            user_id: None,
            display_name: None,
            source: None,
            codec: codec.to_owned(),
            media_type: media_type.to_owned(),
            start_ms: 0,
            duration_ms: self.duration_ms,
            size_bytes: fs::metadata(&path)?.len(),
            sha256,
            place: FilePlace::Local,
            url: None,
        };
        Ok(Rendered { file, missing })
    }
}

/// Where the SHA-256 of a file is noted before it gets its name.
fn note_of(path: &Path) -> PathBuf {
    path.with_extension("sha256")
}

/// Notes what a file is that is about to get its name: a crash may come before that is known elsewhere.
fn note(path: &Path, sha256: &str) -> io::Result<()> {
    let (note, part) = (note_of(path), path.with_extension("sha256-part"));
    fs::write(&part, sha256)?;
    File::open(&part)?.sync_all()?;
    fs::rename(part, note)
}

/// What is noted of a file: its SHA-256 as it was made last.
pub(in crate::recording) fn noted(path: &Path) -> Option<String> {
    fs::read_to_string(note_of(path)).ok()
}

/// What was noted of a file is known elsewhere.
pub(in crate::recording) fn forget_note(path: &Path) -> io::Result<()> {
    match fs::remove_file(note_of(path)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Sees that a file that was made of tracks can be read to its end.
///
/// # Errors
///
/// As [`is_whole`].
pub(in crate::recording) fn plays(path: &Path, file: &RecordingFile) -> Result<(), RenderError> {
    let seen = (file.kind == FileKind::Video).then_some(file.duration_ms);
    let heard = (file.kind == FileKind::Audio).then_some(0);
    is_whole(path, seen, heard)
}

/// Where a recording's names for FFmpeg are, to be let go of.
pub fn leftovers(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let ours = |path: &PathBuf| {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        name.starts_with("part-") || name.starts_with("name-")
    };
    paths.filter(ours).collect()
}
