//! What the disk gives back otherwise than it was made: it is made anew of what there is, or given out as it is and named.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use calls_model::{
    Fact, FileKind, FilePlace, Recording, RecordingFile, RecordingId, RecordingReport,
};
use tracing::{error, warn};

use super::{Archive, Trouble, apart};
use crate::recording::storage::is_unreadable;
use crate::recording::{StorageError, finish, render};
use crate::store::StoredRecording;
use crate::telemetry::names::RECORDINGS_FAILED;

/// How often each recording was made anew in this run of the server.
#[derive(Debug, Default)]
pub(super) struct Rotten(Mutex<HashMap<RecordingId, u32>>);

impl Rotten {
    /// Counts once more, and tells how often it was before.
    fn again(&self, id: &RecordingId) -> u32 {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let times = times.entry(id.clone()).or_default();
        *times += 1;
        *times - 1
    }

    /// All of it is kept.
    pub(super) fn forget(&self, id: &RecordingId) {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        times.remove(id);
    }
}

/// How a file of ours is on this disk.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    AsMade,
    /// It has this SHA-256 now.
    Damaged(String),
    Gone,
}

fn standing(folder: &Path, file: &RecordingFile) -> io::Result<Standing> {
    match finish::sha256(&folder.join(&file.name)) {
        Ok(sha256) if sha256 == file.sha256 => Ok(Standing::AsMade),
        Ok(sha256) => Ok(Standing::Damaged(sha256)),
        Err(error) if error.kind() == io::ErrorKind::NotFound && folder.try_exists()? => {
            Ok(Standing::Gone)
        }
        Err(error) => Err(error),
    }
}

/// All of these are there as they were made, as far as they are kept on this disk.
pub(super) fn all_as_made(folder: &Path, files: &[RecordingFile]) -> io::Result<bool> {
    for file in files {
        if !is_as_made(folder, file)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// It is there as it was made, or kept elsewhere. What the disk cannot read (EIO) is not.
pub(super) fn is_as_made(folder: &Path, file: &RecordingFile) -> io::Result<bool> {
    if file.place != FilePlace::Local {
        return Ok(true);
    }
    match standing(folder, file) {
        Err(error) if is_unreadable(&error) => Ok(false),
        standing => Ok(standing? == Standing::AsMade),
    }
}

/// These files as they are now. What is not as it was made is named in the report; what is gone is named and left out.
pub(super) fn as_they_are(
    folder: &Path,
    files: Vec<RecordingFile>,
    report: &mut RecordingReport,
) -> io::Result<Vec<RecordingFile>> {
    let mut left = Vec::new();
    for mut file in files {
        let standing = match file.place {
            FilePlace::Local => standing(folder, &file)?,
            FilePlace::Bucket => Standing::AsMade,
        };
        if standing != Standing::AsMade {
            name(report, &file.name);
            if file.kind == FileKind::Track {
                let gaps = render::missing(folder, &file).into_iter();
                tell(report, gaps.map(|gap| (file.name.clone(), gap)));
            }
        }
        match standing {
            Standing::Gone => continue,
            Standing::AsMade => {}
            Standing::Damaged(sha256) => {
                file.size_bytes = std::fs::metadata(folder.join(&file.name))?.len();
                file.sha256 = sha256;
            }
        }
        left.push(file);
    }
    Ok(left)
}

/// Names a file that is damaged.
pub(super) fn name(report: &mut RecordingReport, file: &str) {
    if !report.files_damaged.iter().any(|known| known == file) {
        report.files_damaged.push(file.to_owned());
    }
}

/// What cannot be read of tracks is a gap of theirs.
pub(super) fn tell(
    report: &mut RecordingReport,
    missing: impl IntoIterator<Item = (String, calls_model::Gap)>,
) {
    for (name, gap) in missing {
        let mut tracks = report.tracks.iter_mut();
        let track = tracks.find(|track| track.files.contains(&name));
        if let Some(track) = track.filter(|track| !track.gaps.contains(&gap)) {
            track.gaps.push(gap);
        }
    }
}

impl Archive {
    /// What was made cannot be kept: the disk gives back something else. It is made anew, soon, and later and later where that
    /// happens again. What can be had was never taken from anybody for it.
    pub(super) async fn make_anew(
        &self,
        stored: &StoredRecording,
        why: &StorageError,
    ) -> Result<(), Trouble> {
        let id = &stored.recording.recording_id;
        error!(recording.id = %id, "{id} is made anew: {why}");
        metrics::counter!(RECORDINGS_FAILED).increment(1);
        let again = Fact::RecordingComposeRequested {
            call_id: stored.recording.call_id.clone(),
            recording_id: id.clone(),
            layout: None,
            at: self.clock.now(),
        };
        self.store.record(vec![again]).await?;
        let wait = self.rotten.again(id);
        self.postpone(id, wait, format!("made anew: {why}")).await
    }

    /// What is made once more is made of local files, as they were made: where the disk gives back something else, the bucket
    /// may still have them.
    pub(super) async fn bring_back(&self, recording: &mut Recording) -> Result<(), StorageError> {
        let id = recording.recording_id.clone();
        let folder = self.studio.folder_of(&id);
        for file in &mut recording.files {
            if file.kind != FileKind::Track {
                continue;
            }
            let (place, now) = (folder.clone(), file.clone());
            let standing = apart(move || standing(&place, &now)).await?;
            let here = matches!(standing, Some(Ok(Standing::AsMade)));
            if !here && let Err(error) = self.fetch(&id, file, &folder).await {
                // It may never have been in the bucket.
                if file.place == FilePlace::Bucket || !error.is_lasting() {
                    return Err(error);
                }
            }
            file.place = FilePlace::Local;
        }
        Ok(())
    }

    /// Brings a file from the bucket, and takes it where it is what was made, or where there is no other.
    async fn fetch(
        &self,
        id: &RecordingId,
        file: &RecordingFile,
        folder: &Path,
    ) -> Result<(), StorageError> {
        let storage = self.storages.of(FilePlace::Bucket)?;
        tokio::fs::create_dir_all(folder).await?;
        let fetched: PathBuf = folder.join(format!("fetched-{}", file.name));
        storage.fetch(id, &file.name, &fetched).await?;
        let (path, from, sha256) = (
            folder.join(&file.name),
            fetched.clone(),
            file.sha256.clone(),
        );
        let taken = apart(move || {
            if finish::sha256(&from)? == sha256 || !path.exists() {
                std::fs::rename(from, path)
            } else {
                warn!(path = %path.display(), "the bucket has something else, too");
                std::fs::remove_file(from)
            }
        });
        Ok(taken.await?.unwrap_or(Ok(()))?)
    }
}
