use std::pin::pin;

use calls_actors::testing::TestClock;
use calls_model::ParticipantId;

use super::*;
use crate::config::Config;
use crate::recording::archive::testing::{archive, available};
use crate::transcription::Models;

/// A recording that can be had and of which a word was understood, and who makes its transcript.
async fn understood(place: &Path) -> (Transcripts, StoredRecording) {
    let clock = TestClock::start();
    let archive = archive(place, clock.clone()).await;
    let (store, studio) = (archive.store.clone(), archive.studio.clone());
    let recording = available(&store, &studio).await;
    let at = recording.requested_at;
    let wanted = RecordingTranscript {
        status: TranscriptStatus::Queued,
        language: "en".parse().expect("a tag"),
        phrases: Vec::new(),
        requested_at: at,
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
    let id = &recording.recording_id;
    let kept = Understood::of(&studio.folder_of(id));
    kept.write(&wanted, &[said]).expect("written");
    let requested = Fact::RecordingTranscriptRequested {
        call_id: recording.call_id.clone(),
        recording_id: id.clone(),
        transcript: wanted,
        at,
    };
    store.record(vec![requested]).await.expect("stored");
    let stored = store.recording(id, at).await.expect("read");
    let speech = Config::load(None)
        .expect("the defaults are good")
        .transcription;
    let ears = Ears::start(Models::open(&speech), 1, 1).expect("threads");
    let places = (studio, archive.storages.clone());
    let transcripts = Transcripts::new(places, store, ears, clock);
    (transcripts, stored.expect("it is there"))
}

async fn delete(transcripts: &Transcripts, recording: &Recording) {
    let folder = transcripts.studio.folder_of(&recording.recording_id);
    std::fs::remove_dir_all(folder).expect("its files go first");
    let deleted = Fact::RecordingDeleted {
        call_id: recording.call_id.clone(),
        recording_id: recording.recording_id.clone(),
        at: recording.requested_at,
    };
    transcripts
        .store
        .record(vec![deleted])
        .await
        .expect("stored");
}

async fn nothing_stays(transcripts: &Transcripts, recording: &Recording) {
    let told = transcripts.store.transcript(&recording.call_id).await;
    assert_eq!(told.expect("read").utterances, []);
    let folder = transcripts.studio.folder_of(&recording.recording_id);
    assert!(!folder.exists());
}

#[actix::test]
async fn of_a_recording_that_is_deleted_while_it_is_understood_nothing_stays() {
    let place = tempfile::tempdir().expect("a folder");
    let (transcripts, stored) = understood(place.path()).await;
    let kept = transcripts.studio.folder_of(&stored.recording.recording_id);
    let heard = std::fs::read(kept.join("understood.json")).expect("written");
    delete(&transcripts, &stored.recording).await;
    std::fs::create_dir_all(&kept).expect("a folder"); // as whoever listens does
    std::fs::write(kept.join("understood.json"), heard).expect("written");
    let made = transcripts.transcribe_unless_deleted(&stored).await;
    made.expect("nothing is left to do");
    nothing_stays(&transcripts, &stored.recording).await;
}

#[actix::test]
async fn of_a_recording_that_is_deleted_while_its_transcript_is_put_away_nothing_stays() {
    let place = tempfile::tempdir().expect("a folder");
    let (transcripts, stored) = understood(place.path()).await;
    let folder = transcripts.studio.folder_of(&stored.recording.recording_id);
    let mut made = pin!(transcripts.transcribe_unless_deleted(&stored));
    while !folder.join(NAME).exists() {
        let made = futures_util::poll!(made.as_mut());
        assert!(made.is_pending(), "it was written: {made:?}");
        tokio::task::yield_now().await;
    }
    delete(&transcripts, &stored.recording).await;
    made.await.expect("nothing is left to do");
    nothing_stays(&transcripts, &stored.recording).await;
}
