//! What was understood of a recording, until its transcript is where it belongs: a bucket that is away, or a crash, does not
//! have it understood once more.

use std::io;
use std::path::{Path, PathBuf};

use calls_model::{Language, RecordingTranscript, Timestamp, Utterance};
use serde::{Deserialize, Serialize};

/// The file's name, in the folder of the recording.
const NAME: &str = "understood.json";

#[derive(Serialize, Deserialize)]
struct Kept {
    /// Of which request.
    requested_at: Timestamp,
    language: Language,
    utterances: Vec<Utterance>,
}

/// What is kept in one folder.
#[derive(Clone)]
pub(super) struct Understood(PathBuf);

impl Understood {
    pub(super) fn of(folder: &Path) -> Self {
        Self(folder.join(NAME))
    }

    /// What was understood for this request, where it was and can be read.
    pub(super) fn read(&self, wanted: &RecordingTranscript) -> Option<Vec<Utterance>> {
        let kept: Kept = serde_json::from_slice(&std::fs::read(&self.0).ok()?).ok()?;
        let same = kept.requested_at == wanted.requested_at && kept.language == wanted.language;
        same.then_some(kept.utterances)
    }

    /// Where the folder is gone, the recording is deleted, and nothing is written.
    pub(super) fn write(
        &self,
        wanted: &RecordingTranscript,
        utterances: &[Utterance],
    ) -> io::Result<()> {
        let kept = Kept {
            requested_at: wanted.requested_at,
            language: wanted.language.clone(),
            utterances: utterances.to_vec(),
        };
        super::write(&self.0, &serde_json::to_vec(&kept)?)
    }

    /// It is not needed any more.
    pub(super) fn forget(&self) -> io::Result<()> {
        match std::fs::remove_file(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use calls_model::{ParticipantId, TranscriptStatus};

    use super::*;

    fn wanted(language: &str) -> RecordingTranscript {
        RecordingTranscript {
            status: TranscriptStatus::Queued,
            language: language.parse().expect("a tag"),
            phrases: Vec::new(),
            requested_at: Timestamp::from_millis(1000).expect("a moment"),
            progress: 0,
            utterances: None,
            error: None,
        }
    }

    #[test]
    fn what_was_understood_is_kept_for_its_own_request_until_it_is_forgotten() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = folder.path().join("rec_1");
        let understood = Understood::of(&place);
        let said = [Utterance {
            participant_id: ParticipantId::new(),
            user_id: "ann".parse().expect("an id"),
            text: "guten morgen".to_owned(),
            start_ms: 1,
            end_ms: 2,
            confidence: 0.5,
            words: Vec::new(),
        }];
        let german = wanted("de");
        understood.forget().expect("nothing is there to forget");
        assert_eq!(understood.read(&german), None);
        let away = understood.write(&german, &said).map_err(|e| e.kind());
        assert_eq!(away, Err(io::ErrorKind::NotFound));
        assert!(!place.exists(), "its recording is deleted");
        std::fs::create_dir(&place).expect("a folder");
        understood.write(&german, &said).expect("it is written");
        assert_eq!(understood.read(&german).as_deref(), Some(&said[..]));
        assert_eq!(understood.read(&wanted("en")), None, "another language");
        let later = RecordingTranscript {
            requested_at: Timestamp::from_millis(2000).expect("a moment"),
            ..german.clone()
        };
        assert_eq!(understood.read(&later), None, "another request");
        std::fs::write(&understood.0, b"{").expect("written");
        assert_eq!(understood.read(&german), None, "what is broken is nothing");
        understood.forget().expect("it is there");
        assert_eq!(std::fs::read_dir(place).expect("a folder").count(), 0);
    }
}
