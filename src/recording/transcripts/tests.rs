mod bucket;

use std::pin::pin;

use calls_actors::testing::TestClock;
use calls_model::ParticipantId;
use futures_util::poll;

use self::bucket::{Holds, SlowBucket};
use super::*;
use crate::config::Config;
use crate::recording::archive::testing::{archive, available_in};
use crate::transcription::Models;

/// A recording whose transcript is asked for, and a bucket.
struct Asked {
    archive: Archive,
    bucket: Arc<SlowBucket>,
    transcripts: Transcripts,
    recording: Recording,
    wanted: RecordingTranscript,
    said: Utterance,
    _place: tempfile::TempDir,
}

impl Asked {
    async fn with(holds: Holds) -> Self {
        Self::of(FilePlace::Bucket, holds).await
    }

    /// Its voice is there.
    async fn of(voice: FilePlace, holds: Holds) -> Self {
        let place = tempfile::tempdir().expect("a folder");
        let mut archive = archive(place.path(), TestClock::start()).await;
        let bucket = Arc::new(SlowBucket::new(place.path().join("bucket"), holds));
        archive.storages = archive.storages.with_bucket(bucket.clone());
        let recording = available_in(voice, &archive.store, &archive.studio).await;
        let wanted = RecordingTranscript {
            status: TranscriptStatus::Queued,
            language: "en".parse().expect("a tag"),
            phrases: Vec::new(),
            requested_at: recording.requested_at,
            progress: 0,
            utterances: None,
            error: None,
        };
        let said = Utterance {
            participant_id: ParticipantId::new(),
            user_id: "ada".parse().expect("an id"),
            text: "good morning".to_owned(),
            start_ms: 1,
            end_ms: 2,
            confidence: 0.5,
            words: Vec::new(),
        };
        let requested = Fact::RecordingTranscriptRequested {
            call_id: recording.call_id.clone(),
            recording_id: recording.recording_id.clone(),
            transcript: wanted.clone(),
            at: recording.requested_at,
        };
        let requested = archive.store.record(vec![requested]);
        requested.await.expect("stored");
        let speech = Config::load(None).expect("the defaults are good");
        let ears = Ears::start(Models::open(&speech.transcription), 1, 1);
        Self {
            transcripts: Transcripts::new(&archive, ears.expect("threads")),
            archive,
            bucket,
            recording,
            wanted,
            said,
            _place: place,
        }
    }

    fn folder(&self) -> PathBuf {
        let id = &self.recording.recording_id;
        self.archive.studio.folder_of(id)
    }

    /// It was understood before, and could not be put away.
    fn understood(&self) {
        let kept = Understood::of(&self.folder());
        let said = [self.said.clone()];
        kept.write(&self.wanted, &said).expect("written");
    }

    async fn transcribe(&self) -> Result<(), Trouble> {
        let id = &self.recording.recording_id;
        self.transcripts.transcribe(id).await
    }

    async fn delete(&self) {
        let deleted = self.archive.delete(self.recording.clone()).await;
        deleted.expect("it goes");
    }

    /// All that the journal tells.
    async fn told(&self) -> Vec<String> {
        let facts = self.archive.store.facts_after(None, 100).await;
        let facts = facts.expect("read").into_iter();
        facts.map(|fact| fact.name).collect()
    }

    async fn last_told(&self) -> Option<String> {
        self.told().await.pop()
    }

    async fn nothing_stays(&self) {
        self.is_gone().await;
        let said = self.archive.store.transcript(&self.recording.call_id).await;
        assert_eq!(said.expect("read").utterances, []);
    }

    async fn is_gone(&self) {
        let last = self.last_told().await;
        assert_eq!(last.as_deref(), Some("recording.deleted"));
        assert!(!self.folder().exists());
        assert_eq!(self.bucket.files(), 0);
    }
}

#[actix::test]
async fn of_a_recording_that_is_deleted_while_it_is_understood_nothing_stays_though_the_bucket_is_away()
 {
    let asked = Asked::with(Holds::Fetch).await;
    let mut made = pin!(asked.transcribe());
    tokio::select! {
        made = made.as_mut() => panic!("{made:?}"),
        () = asked.bucket.holds_one() => {}
    }
    asked.delete().await;
    asked.bucket.goes_away();
    asked.bucket.lets_go();
    made.await.expect("nothing is left to do");
    asked.nothing_stays().await;
    let again = asked.transcribe().await;
    again.expect("nothing is to do");
    asked.nothing_stays().await;
}

#[actix::test]
async fn a_deletion_waits_for_a_transcript_that_is_put_away_and_takes_it_along() {
    let asked = Asked::with(Holds::Put).await;
    asked.understood();
    let mut made = pin!(asked.transcribe());
    tokio::select! {
        made = made.as_mut() => panic!("{made:?}"),
        () = asked.bucket.holds_one() => {}
    }
    let mut deletion = pin!(asked.delete());
    assert!(poll!(deletion.as_mut()).is_pending());
    tokio::time::sleep(Duration::from_millis(60)).await;
    assert!(poll!(deletion.as_mut()).is_pending(), "it is put away");
    asked.bucket.lets_go();
    made.await.expect("it is made");
    let told = asked.told().await;
    assert!(
        told.contains(&"recording.transcribed".to_owned()),
        "{told:?}"
    );
    deletion.await;
    asked.is_gone().await; // what was said stays in the call's transcript, as of any that was there before
}

#[actix::test]
async fn a_transcript_is_not_put_away_while_its_recording_is_deleted() {
    let asked = Asked::with(Holds::Deletion).await;
    asked.understood();
    let mut deletion = pin!(asked.delete());
    tokio::select! {
        () = deletion.as_mut() => panic!("the bucket is slow"),
        () = asked.bucket.holds_one() => {}
    }
    let id = &asked.recording.recording_id;
    let understood = Ok(Ok(vec![asked.said.clone()]));
    let refused = asked.transcripts.put_away(id, understood).await;
    assert!(matches!(refused, Err(Trouble::Busy)), "{refused:?}");
    asked.bucket.lets_go();
    deletion.await;
    asked.nothing_stays().await;
}

#[actix::test]
async fn what_is_made_once_more_gets_its_transcript_afterwards() {
    let asked = Asked::with(Holds::Nothing).await;
    let again = Fact::RecordingComposeRequested {
        call_id: asked.recording.call_id.clone(),
        recording_id: asked.recording.recording_id.clone(),
        layout: None,
        at: asked.recording.requested_at,
    };
    let again = asked.archive.store.record(vec![again]).await;
    again.expect("stored");
    let id = &asked.recording.recording_id;
    let understood = Ok(Ok(vec![asked.said.clone()]));
    let refused = asked.transcripts.put_away(id, understood).await;
    assert!(matches!(refused, Err(Trouble::Busy)), "{refused:?}");
    assert_eq!(asked.bucket.files(), 0);

    let at = asked.recording.requested_at;
    let stored = asked.archive.store.recording(id, at).await.expect("read");
    let files = stored.expect("it is there").recording.files;
    let (call_id, recording_id) = (asked.recording.call_id.clone(), id.clone());
    let processed = Fact::RecordingProcessed {
        call_id: call_id.clone(),
        recording_id: recording_id.clone(),
        files: files.clone(),
        duration_seconds: 1,
        report: Box::default(),
        at,
    };
    let available = Fact::RecordingAvailable {
        call_id,
        recording_id,
        files,
        at,
    };
    let made = asked.archive.store.record(vec![processed, available]).await;
    made.expect("stored");
    asked.understood();
    asked.transcribe().await.expect("it is made");
    let last = asked.last_told().await;
    assert_eq!(last.as_deref(), Some("recording.transcribed"));
    assert_eq!(asked.bucket.files(), 1);
}

#[actix::test]
async fn where_the_disk_is_away_a_transcript_waits_and_no_folder_is_made_in_its_place() {
    let asked = Asked::of(FilePlace::Local, Holds::Nothing).await;
    asked.understood();
    let (folder, away) = (asked.folder(), asked.folder().with_extension("away"));
    std::fs::rename(&folder, &away).expect("it is away");
    let waits = asked.transcribe().await;
    assert!(matches!(waits, Err(Trouble::Missing)), "{waits:?}");
    assert!(!folder.exists(), "all files would seem gone");
    std::fs::rename(&away, &folder).expect("it is back");
    asked.transcribe().await.expect("it is made");
    let last = asked.last_told().await;
    assert_eq!(last.as_deref(), Some("recording.transcribed"));
}

#[actix::test]
async fn that_nothing_comes_of_it_is_told_also_where_what_was_borrowed_cannot_be_removed() {
    let asked = Asked::with(Holds::Fetch).await;
    let mut made = pin!(asked.transcribe());
    tokio::select! {
        made = made.as_mut() => panic!("{made:?}"),
        () = asked.bucket.holds_one() => {}
    }
    let borrowed = asked.folder().join(BORROWED);
    std::fs::remove_dir(&borrowed).expect("nothing is in it");
    std::fs::write(&borrowed, "no folder").expect("written");
    asked.bucket.lets_go();
    made.await.expect("the bucket has no such file");
    let last = asked.last_told().await;
    assert_eq!(last.as_deref(), Some("recording.transcript_failed"));
    assert!(borrowed.exists(), "it cannot be removed");
}
