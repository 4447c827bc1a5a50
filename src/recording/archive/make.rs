//! What is made of a recording that has stopped: its tracks, and one file of them all where that is wanted.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use calls_model::{
    FileKind, FilePlace, Layout, Recording, RecordingFile, RecordingId, RecordingMode,
    RecordingReport, Timestamp,
};
use tracing::{error, warn};

use super::rot::{all_as_made, as_they_are, is_as_made, name, tell};
use crate::config;
use crate::recording::StorageError;
use crate::recording::ahead::{Ahead, Followed};
use crate::recording::finish::{self, FinishError, Finished};
use crate::recording::render::{self, RenderError, Rendered};
use crate::recording::storage::is_unreadable;

/// What processing came to.
pub(super) struct Made {
    pub(super) files: Vec<RecordingFile>,
    pub(super) duration_ms: u64,
    pub(super) report: RecordingReport,
}

/// Nothing can be made of a recording, now or at all.
#[derive(Debug, thiserror::Error)]
pub(super) enum MakeError {
    /// What it is to be made of cannot be had.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// Its tracks cannot be finished.
    #[error(transparent)]
    Finish(#[from] FinishError),
    /// They cannot be put together.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// A fault of ours.
    #[error("making its files crashed")]
    Crashed,
}

impl MakeError {
    /// Trying again comes to the same.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Self::Finish(error) if error.is_final())
    }
}

/// Which try it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Try {
    /// Tracks do not wait any more for what cannot be made of them.
    pub(super) last: bool,
    /// Not even for a disk that is full.
    pub(super) very_last: bool,
    /// So many tries came to no end, so none is made any more to compose it: it may be what ends the server.
    pub(super) cut_off: Option<u32>,
}

/// How far the recording is that `ffmpeg` works on, in percent.
#[derive(Debug, Default)]
pub(super) struct Progress(Mutex<Option<(RecordingId, u8)>>);

impl Progress {
    pub(super) fn of(&self, id: &RecordingId) -> u8 {
        match &*self.lock() {
            Some((making, percent)) if making == id => *percent,
            _ => 0,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<(RecordingId, u8)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, id: &RecordingId, percent: u8) {
        *self.lock() = Some((id.clone(), percent));
    }

    /// It is made for as long as what comes back lives: made once more, it begins at nothing.
    pub(super) fn begin<'a>(&'a self, id: &'a RecordingId) -> Making<'a> {
        Making(self, id)
    }
}

/// A recording is being made.
pub(super) struct Making<'a>(&'a Progress, &'a RecordingId);

impl Drop for Making<'_> {
    fn drop(&mut self) {
        let Self(progress, id) = self;
        progress.lock().take_if(|(making, _)| *making == **id);
    }
}

/// How it is composed.
pub(super) fn ahead(
    folder: &Path,
    recording: &Recording,
    config: &config::Recording,
    followed: Followed,
) -> Ahead {
    Ahead {
        followed,
        folder: folder.to_owned(),
        ffmpeg: config.ffmpeg.clone(),
        mode: recording.mode,
        layout: recording.wanted_layout().unwrap_or_default(),
    }
}

/// Makes what people get; blocks for as long as that takes.
pub(super) fn make(
    (folder, run): (&Path, &str),
    recording: &Recording,
    report: Option<RecordingReport>,
    config: &config::Recording,
    (progress, of): (&Progress, Try),
) -> Result<Made, MakeError> {
    let again = report.is_some();
    let mut made = tracks((folder, run), recording, report)?;
    if recording.mode != RecordingMode::Tracks {
        let id = &recording.recording_id;
        progress.set(id, 0);
        let told = |percent| progress.set(id, percent);
        let composed = || match of.cut_off {
            Some(tries) => Err(RenderError::Endless(tries)),
            None => compose(folder, recording, (&made, again), config, told),
        };
        let whole = catch_unwind(AssertUnwindSafe(composed))
            .unwrap_or_else(|_| Err(RenderError::Refused("composing crashed".to_owned())));
        for leftover in render::leftovers(folder) {
            let _ = std::fs::remove_file(leftover); // made anew next time
        }
        let file = match whole {
            Ok(Rendered { file, missing }) => {
                made.report.layout = recording.wanted_layout();
                made.report.files_damaged.retain(|name| *name != file.name);
                tell(&mut made.report, missing);
                Some(file)
            }
            Err(error)
                if matches!(error, RenderError::Empty | RenderError::Endless(_))
                    || of.very_last
                    || (of.last && !error.may_pass()) =>
            {
                error!(recording.id = %id, "{id} has its tracks only: {error}");
                let kept = earlier(folder, recording, &mut made.report);
                let kept = kept.map_err(FinishError::from)?;
                made.report.not_composed = Some(match kept {
                    Some(_) => format!("{error}; the file that was made before stays"),
                    None => error.to_string(),
                });
                let (file, layout) = kept.unzip();
                made.report.layout = layout.flatten();
                file
            }
            Err(error) => return Err(error.into()),
        };
        made.files.splice(0..0, file);
    }
    let transcript = |file: &&RecordingFile| file.kind == FileKind::Transcript;
    let transcripts = recording.files.iter().filter(transcript).cloned();
    let transcripts = as_they_are(folder, transcripts.collect(), &mut made.report);
    made.files.extend(transcripts.map_err(FinishError::from)?);
    Ok(made)
}

/// What stays of a recording that cannot be made anew.
pub(super) fn unchanged(recording: &Recording, mut report: RecordingReport, why: String) -> Made {
    report.not_composed = Some(why);
    Made {
        files: recording.files.clone(),
        duration_ms: recording.duration_seconds * 1000,
        report,
    }
}

/// What an earlier time made of them all, and its layout. A crash may have come between it and what is known of it; then it is
/// what was noted beside it. One that is neither is damaged; as long as it can be played to its end it is kept, and named.
fn earlier(
    folder: &Path,
    recording: &Recording,
    report: &mut RecordingReport,
) -> io::Result<Option<(RecordingFile, Option<Layout>)>> {
    let mut files = recording.files.iter();
    let Some(file) = files.find(|file| file.kind.is_of_all()).cloned() else {
        return Ok(None);
    };
    if file.place != FilePlace::Local {
        return Ok(Some((file, report.layout)));
    }
    let path = folder.join(&file.name);
    let sha256 = match finish::sha256(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound || is_unreadable(&error) => {
            name(report, &file.name);
            return Ok(None);
        }
        read => read?,
    };
    let layout = if sha256 == file.sha256 {
        report.layout
    } else if render::noted(&path).as_ref() == Some(&sha256) {
        recording.wanted_layout() // the crash came when it was made anew
    } else {
        name(report, &file.name);
        if render::plays(&path, &file).is_err() {
            return Ok(None);
        }
        report.layout
    };
    let size_bytes = std::fs::metadata(&path)?.len();
    let file = RecordingFile {
        size_bytes,
        sha256,
        ..file
    };
    Ok(Some((file, layout)))
}

/// Its tracks. Once they are finished they are taken as they are, whatever a crash left of what they were made of; where the
/// disk gives back something else, they are finished once more, if that is still there.
fn tracks(
    (folder, run): (&Path, &str),
    recording: &Recording,
    report: Option<RecordingReport>,
) -> Result<Made, FinishError> {
    if recording.started_at.is_some() && !folder.try_exists()? {
        return Err(FinishError::Missing);
    }
    let Some(mut report) = report else {
        let finished = finish::finish(folder, Some(run))?;
        return Ok(Made::first(finished, recording.requested_at));
    };
    let track = |file: &&RecordingFile| file.kind == FileKind::Track;
    let mut files: Vec<RecordingFile> = recording.files.iter().filter(track).cloned().collect();
    if !all_as_made(folder, &files)? {
        if folder.join("live").try_exists()? {
            files = made_anew((folder, run), files, &mut report)?;
        }
        files = as_they_are(folder, files, &mut report)?;
    }
    let ends = files.iter().map(|file| file.start_ms + file.duration_ms);
    report.not_composed = None;
    Ok(Made {
        duration_ms: ends.max().unwrap_or(0),
        files,
        report,
    })
}

/// These tracks, those that are not as they were made taken from what is finished once more. What that has not stays as it is,
/// and what is as it was made stays at any rate: what it was made of may be damaged by now.
fn made_anew(
    (folder, run): (&Path, &str),
    files: Vec<RecordingFile>,
    report: &mut RecordingReport,
) -> Result<Vec<RecordingFile>, FinishError> {
    let anew = folder.join("anew");
    std::fs::create_dir_all(&anew)?;
    let finished = match finish::finish_into(folder, &anew, Some(run)) {
        Err(error) if error.is_final() => {
            std::fs::remove_dir_all(anew)?;
            return Ok(files);
        }
        finished => finished?,
    };
    let mut taken = Vec::new();
    for file in files {
        let same = |other: &&RecordingFile| {
            (&other.participant_id, other.source) == (&file.participant_id, file.source)
                && other.start_ms == file.start_ms
        };
        match finished.files.iter().find(same) {
            Some(other) if !is_as_made(folder, &file)? => {
                std::fs::rename(anew.join(&other.name), folder.join(&file.name))?;
                report.files_damaged.retain(|name| *name != file.name);
                let tracks = finished.report.tracks.iter();
                let of = tracks.filter(|track| track.files.contains(&other.name));
                let gaps = of.flat_map(|track| track.gaps.iter().cloned());
                tell(report, gaps.map(|gap| (file.name.clone(), gap)));
                taken.push(RecordingFile {
                    name: file.name,
                    ..other.clone()
                });
            }
            _ => taken.push(file),
        }
    }
    std::fs::remove_dir_all(anew)?;
    Ok(taken)
}

impl Made {
    /// Tracks that were finished for the first time, of a recording that was asked for then.
    fn first(finished: Finished, requested_at: Timestamp) -> Self {
        let Finished {
            files,
            duration_ms,
            mut report,
            begins_us,
        } = finished;
        let begins_ms = (begins_us + 500).div_euclid(1000);
        report.begins_at = Timestamp::from_millis(requested_at.millis() + begins_ms);
        Self {
            files,
            duration_ms,
            report,
        }
    }
}

fn compose(
    folder: &Path,
    recording: &Recording,
    (made, again): (&Made, bool),
    config: &config::Recording,
    mut progress: impl FnMut(u8),
) -> Result<Rendered, RenderError> {
    let ahead = ahead(folder, recording, config, Followed::default());
    let render = ahead.render(folder, &made.files, &made.report.turns, made.duration_ms);
    if again {
        return render.run(&mut progress); // with another layout than what was composed ahead
    }
    match ahead.whole(&made.files, made.duration_ms, &mut progress) {
        Ok(Some(joined)) => return Ok(joined),
        Ok(None) => {}
        Err(error) => {
            let id = &recording.recording_id;
            warn!(recording.id = %id, "what was composed of {id} is left: {error}");
        }
    }
    render.run(&mut progress)
}

#[cfg(all(test, feature = "testing"))]
mod tests;
