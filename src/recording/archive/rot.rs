//! What the disk gives back otherwise than it was made: it is made anew of what there is, or given out as it is and named.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use calls_model::{
    Fact, FileKind, FilePlace, Recording, RecordingFile, RecordingId, RecordingReport,
};
use tracing::{error, warn};

use super::claim::Claim;
use super::{Archive, Trouble, apart};
use crate::recording::storage::{Damage, is_unreadable};
use crate::recording::{StorageError, finish, render};
use crate::store::StoredRecording;
use crate::telemetry::names::RECORDINGS_FAILED;

/// So often a recording is made anew of which the disk gives back something else; then it is given out as it is.
const MADE_ANEW_WITHIN: u32 = 3;

/// How a file is called that comes from the bucket, until it is here.
const FETCHED: &str = "fetched-";

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
    /// The disk cannot read it (EIO).
    Unreadable,
    Gone,
}

fn standing(folder: &Path, file: &RecordingFile) -> io::Result<Standing> {
    match finish::sha256(&folder.join(&file.name)) {
        Ok(sha256) if sha256 == file.sha256 => Ok(Standing::AsMade),
        Ok(sha256) => Ok(Standing::Damaged(sha256)),
        Err(error) if error.kind() == io::ErrorKind::NotFound && folder.try_exists()? => {
            Ok(Standing::Gone)
        }
        Err(error) if is_unreadable(&error) => Ok(Standing::Unreadable),
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

/// It is there as it was made, or kept elsewhere.
pub(super) fn is_as_made(folder: &Path, file: &RecordingFile) -> io::Result<bool> {
    if file.place != FilePlace::Local {
        return Ok(true);
    }
    Ok(standing(folder, file)? == Standing::AsMade)
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
            Standing::AsMade | Standing::Unreadable => {}
            Standing::Damaged(sha256) => {
                file.size_bytes = std::fs::metadata(folder.join(&file.name))?.len();
                file.sha256 = sha256;
            }
        }
        left.push(file);
    }
    Ok(left)
}

/// These files as they are now, for good. Where the one of all tracks is gone, the report tells.
fn given_up(
    folder: &Path,
    files: Vec<RecordingFile>,
    report: &mut RecordingReport,
) -> io::Result<Vec<RecordingFile>> {
    let mut all = files.iter();
    let whole = all
        .find(|file| file.kind.is_of_all())
        .map(|file| file.name.clone());
    let left = as_they_are(folder, files, report)?;
    let is_left = left.iter().any(|file| file.kind.is_of_all());
    if let Some(name) = whole.filter(|_| !is_left) {
        let how = Damage::Gone;
        report.layout = None;
        report.not_composed = Some(StorageError::Damaged { name, how }.to_string());
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

/// Lets go of what a kill left of files that came from the bucket.
fn forget_fetched(folder: &Path) -> io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(FETCHED) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

impl Archive {
    /// What was made cannot be kept: the disk gives back something else. It is made anew, soon, and later where that happens
    /// again. What can be had was never taken from anybody for it. `sent` has its files with where they are by now.
    pub(super) async fn make_anew(
        &self,
        stored: &StoredRecording,
        sent: (Recording, &Claim),
        why: &StorageError,
    ) -> Result<(), Trouble> {
        let id = &stored.recording.recording_id;
        metrics::counter!(RECORDINGS_FAILED).increment(1);
        let again = Fact::RecordingComposeRequested {
            call_id: stored.recording.call_id.clone(),
            recording_id: id.clone(),
            layout: None,
            at: self.clock.now(),
        };
        let before = self.rotten.again(id);
        if before >= MADE_ANEW_WITHIN {
            error!(recording.id = %id, "{id} is given out as it is, made anew {before} times: {why}");
            return self.leave_as_it_is(stored, sent, again).await;
        }
        error!(recording.id = %id, "{id} is made anew: {why}");
        self.store.record(vec![again]).await?;
        self.postpone(id, before, format!("made anew: {why}")).await
    }

    /// The disk damages for good: its files can be had as they are and where they are, and are named.
    async fn leave_as_it_is(
        &self,
        stored: &StoredRecording,
        (mut recording, claim): (Recording, &Claim),
        again: Fact,
    ) -> Result<(), Trouble> {
        let (call_id, recording_id) = (recording.call_id.clone(), recording.recording_id.clone());
        let folder = self.studio.folder_of(&recording_id);
        let mut report = stored.report.clone().unwrap_or_default();
        let files = recording.files;
        let read = apart(move || Ok((given_up(&folder, files, &mut report)?, report)));
        let crashed = || Err(io::Error::other("reading its files crashed"));
        let (files, report) = read.await?.unwrap_or_else(crashed)?;
        let at = self.clock.now();
        let processed = Fact::RecordingProcessed {
            call_id: call_id.clone(),
            recording_id: recording_id.clone(),
            files: files.clone(),
            duration_seconds: recording.duration_seconds,
            report: Box::new(report.clone()),
            at,
        };
        self.rotten.forget(&recording_id);
        let available = Fact::RecordingAvailable {
            call_id,
            recording_id,
            files: files.clone(),
            at,
        };
        let facts = vec![again, processed, available];
        self.store.record(facts).await?;
        recording.files = files;
        self.let_go_of_copies(&recording, Some(&report), claim)
            .await
    }

    /// What is made once more is made of local files, as they were made: where the disk gives back something else, the bucket
    /// may still have them.
    pub(super) async fn bring_back(&self, recording: &mut Recording) -> Result<(), StorageError> {
        let id = recording.recording_id.clone();
        let folder = self.studio.folder_of(&id);
        let of = folder.clone();
        apart(move || forget_fetched(&of))
            .await?
            .unwrap_or(Ok(()))?;
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
        let fetched: PathBuf = folder.join(format!("{FETCHED}{}", file.name));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, kind: &str) -> RecordingFile {
        let file = serde_json::from_value(serde_json::json!({
            "name": name, "kind": kind, "participant_id": null, "user_id": null, "source": null, "codec": "aac",
            "media_type": "audio/mp4", "start_ms": 0, "duration_ms": 1000, "size_bytes": 1, "sha256": "00", "place": "local",
        }));
        file.expect("a file")
    }

    #[test]
    fn where_the_file_of_all_tracks_is_gone_for_good_the_report_says_so() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("01-ada.webm"), "something else").expect("written");
        let files = [file("recording.mp4", "video"), file("01-ada.webm", "track")];
        let told = |files: &[RecordingFile]| {
            let mut report = RecordingReport {
                layout: Some(calls_model::Layout::Grid),
                ..RecordingReport::default()
            };
            let left = given_up(folder.path(), files.to_vec(), &mut report).expect("read");
            let left: Vec<String> = left.into_iter().map(|file| file.name).collect();
            (left, report)
        };
        let (left, report) = told(&files);
        assert_eq!(left, ["01-ada.webm"]);
        assert_eq!(report.files_damaged, ["recording.mp4", "01-ada.webm"]);
        assert_eq!(report.layout, None, "of nothing");
        assert_eq!(
            report.not_composed.as_deref(),
            Some("recording.mp4 is damaged: it is gone from the server's disk")
        );

        std::fs::write(folder.path().join("recording.mp4"), "something else").expect("written");
        let (left, report) = told(&files);
        assert_eq!(left.len(), 2, "it can be had as it is");
        assert!(report.layout.is_some() && report.not_composed.is_none());

        let (_, report) = told(&files[1..]);
        assert_eq!(report.not_composed, None, "there was none");
    }

    #[test]
    fn what_a_kill_left_of_files_from_the_bucket_goes_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let names = ["01-ada.webm", "fetched-01-ada.part", "fetched-01-ada.webm"];
        for name in names {
            std::fs::write(folder.path().join(name), name).expect("written");
        }
        forget_fetched(folder.path()).expect("gone");
        let is_there = names.map(|name| folder.path().join(name).exists());
        assert_eq!(is_there, [true, false, false]);
        forget_fetched(&folder.path().join("none")).expect("nothing is there");
    }
}
