//! What is made of a recording that has stopped: its tracks, and one file of them all where that is wanted.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use calls_model::{
    FileKind, FilePlace, Gap, Layout, Recording, RecordingFile, RecordingId, RecordingMode,
    RecordingReport,
};
use tracing::{error, warn};

use crate::config;
use crate::recording::StorageError;
use crate::recording::ahead::Ahead;
use crate::recording::finish::{self, FinishError, Finished};
use crate::recording::render::{self, RenderError, Rendered};

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
        matches!(
            self,
            Self::Finish(FinishError::Empty | FinishError::Unreadable)
        )
    }
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
}

/// How it is composed.
pub(super) fn ahead(folder: &Path, recording: &Recording, config: &config::Recording) -> Ahead {
    Ahead {
        folder: folder.to_owned(),
        ffmpeg: config.ffmpeg.clone(),
        mode: recording.mode,
        layout: recording.layout.unwrap_or_default(),
    }
}

/// Makes what people get; blocks for as long as that takes. When it is tried for the last time, tracks do not wait for
/// what cannot be made of them.
pub(super) fn make(
    (folder, run): (&Path, &str),
    recording: &Recording,
    report: Option<RecordingReport>,
    config: &config::Recording,
    (progress, last): (&Progress, bool),
) -> Result<Made, MakeError> {
    let again = report.is_some();
    let mut made = tracks((folder, run), recording, report)?;
    if recording.mode != RecordingMode::Tracks {
        let id = &recording.recording_id;
        progress.set(id, 0);
        let told = |percent| progress.set(id, percent);
        let composed = || compose(folder, recording, (&made, again), config, told);
        let whole = catch_unwind(AssertUnwindSafe(composed))
            .unwrap_or_else(|_| Err(RenderError::Refused("composing crashed".to_owned())));
        for leftover in render::leftovers(folder) {
            let _ = std::fs::remove_file(leftover); // made anew next time
        }
        let file = match whole {
            Ok(Rendered { file, missing }) => {
                made.report.layout = recording.layout;
                tell(&mut made.report, missing);
                Some(file)
            }
            Err(error) if matches!(error, RenderError::Empty) || (last && !error.may_pass()) => {
                error!(recording.id = %id, "{id} has its tracks only: {error}");
                let kept = earlier(folder, recording, made.report.layout);
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
    made.files
        .extend(recording.files.iter().filter(transcript).cloned());
    Ok(made)
}

/// What could not be read of the tracks, and so is not in the file of them all, is a gap of theirs.
fn tell(report: &mut RecordingReport, missing: Vec<(String, Gap)>) {
    for (name, gap) in missing {
        let mut tracks = report.tracks.iter_mut();
        let track = tracks.find(|track| track.files.contains(&name));
        if let Some(track) = track.filter(|track| !track.gaps.contains(&gap)) {
            track.gaps.push(gap);
        }
    }
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

/// What an earlier time made of them all, and its layout, as it lies there now: a crash may have come between it and what
/// is known of it.
fn earlier(
    folder: &Path,
    recording: &Recording,
    layout: Option<Layout>,
) -> Option<(RecordingFile, Option<Layout>)> {
    let whole = |file: &&RecordingFile| matches!(file.kind, FileKind::Audio | FileKind::Video);
    let file = recording.files.iter().find(whole)?.clone();
    if file.place != FilePlace::Local {
        return Some((file, layout));
    }
    let path = folder.join(&file.name);
    let sha256 = finish::sha256(&path).ok()?;
    let layout = if sha256 == file.sha256 {
        layout
    } else {
        recording.layout // the crash came when it was made anew
    };
    let size_bytes = std::fs::metadata(&path).ok()?.len();
    let file = RecordingFile {
        size_bytes,
        sha256,
        ..file
    };
    Some((file, layout))
}

fn tracks(
    (folder, run): (&Path, &str),
    recording: &Recording,
    report: Option<RecordingReport>,
) -> Result<Made, FinishError> {
    if let Some(mut report) = report {
        // Made once more: its tracks are finished, whatever a crash left of what they were made of.
        let track = |file: &&RecordingFile| file.kind == FileKind::Track;
        let files: Vec<RecordingFile> = recording.files.iter().filter(track).cloned().collect();
        let ends = files.iter().map(|file| file.start_ms + file.duration_ms);
        let duration_ms = ends.max().unwrap_or(0);
        report.not_composed = None;
        return Ok(Made {
            files,
            duration_ms,
            report,
        });
    }
    if recording.started_at.is_some() && !folder.try_exists()? {
        return Err(FinishError::Missing);
    }
    let Finished {
        files,
        duration_ms,
        report,
    } = finish::finish(folder, Some(run))?;
    Ok(Made {
        files,
        duration_ms,
        report,
    })
}

fn compose(
    folder: &Path,
    recording: &Recording,
    (made, again): (&Made, bool),
    config: &config::Recording,
    mut progress: impl FnMut(u8),
) -> Result<Rendered, RenderError> {
    let ahead = ahead(folder, recording, config);
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
