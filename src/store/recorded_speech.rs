//! Transcripts of recordings: rows of `recording_transcripts`, and what is still to be made.

use calls_model::{
    Fact, FileKind, RecordingFile, RecordingId, RecordingStatus, RecordingTranscript, Timestamp,
    TranscriptStatus,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Store;
use super::db::{Conn, on};
use super::error::StoreError;
use super::recordings::{self, StoredRecording};
use super::schema::{recording_transcripts, recordings as recording_rows};
use super::words::{document, value, word};

impl Store {
    /// The oldest recording that can be had and has a transcript to come, but for these.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn recording_to_transcribe(
        &self,
        but: &[RecordingId],
        now: Timestamp,
    ) -> Result<Option<StoredRecording>, StoreError> {
        let but = but.to_vec();
        self.run(move |db| async move { next(&mut db.reader().await?.conn(), &but, now).await })
            .await
    }
}

/// The oldest recording that can be had and has a transcript to come, but for these.
async fn next(
    conn: &mut Conn<'_>,
    but: &[RecordingId],
    now: Timestamp,
) -> Result<Option<StoredRecording>, StoreError> {
    use recording_transcripts as row;
    let id: Option<String> = on!(conn, c => {
        row::table
            .inner_join(recording_rows::table)
            .filter(row::status.eq(word(TranscriptStatus::Queued)))
            .filter(recording_rows::status.eq(word(RecordingStatus::Available)))
            .filter(row::recording_id.ne_all(but.iter().map(RecordingId::as_str)))
            .order(row::recording_id)
            .select(row::recording_id)
            .first(c)
            .await
            .optional()
    })?;
    match id {
        None => Ok(None),
        Some(id) => recordings::find(conn, &value("recording id", id)?, now).await,
    }
}

/// The recording that was understood, where a fact tells what that came to.
pub(super) fn understood(fact: &Fact) -> Option<&RecordingId> {
    match fact {
        Fact::UtteranceSpoken { recording_id, .. } => recording_id.as_ref(),
        Fact::TranscriptionReplaced { recording_id, .. }
        | Fact::RecordingTranscribed { recording_id, .. }
        | Fact::RecordingTranscriptFailed { recording_id, .. } => Some(recording_id),
        _ => None,
    }
}

/// Of a recording that is deleted nothing is kept: it was understood meanwhile.
pub(super) async fn may_be_told(conn: &mut Conn<'_>, id: &RecordingId) -> Result<(), StoreError> {
    match recordings::org(conn, id).await? {
        Some(_) => Ok(()),
        None => Err(StoreError::NotFound { what: "recording" }),
    }
}

/// The change that a fact of a recording's transcript tells of; nothing of any other.
pub(super) async fn apply(conn: &mut Conn<'_>, fact: &Fact) -> Result<(), StoreError> {
    match fact {
        Fact::RecordingTranscriptRequested {
            recording_id,
            transcript,
            ..
        } => note(conn, recording_id, transcript).await,
        Fact::RecordingTranscribed {
            recording_id,
            file,
            utterances,
            at,
            ..
        } => settle(conn, recording_id, Ok((file, *utterances)), *at).await,
        Fact::RecordingTranscriptFailed {
            recording_id,
            reason,
            at,
            ..
        } => settle(conn, recording_id, Err(reason), *at).await,
        _ => Ok(()),
    }
}

/// How it stands is this.
async fn note(
    conn: &mut Conn<'_>,
    id: &RecordingId,
    transcript: &RecordingTranscript,
) -> Result<(), StoreError> {
    use recording_transcripts as row;
    forget(conn, id).await?;
    on!(conn, c => {
        diesel::insert_into(row::table)
            .values((
                row::recording_id.eq(id.as_str()),
                row::status.eq(word(transcript.status)),
                row::body.eq(document(transcript)),
            ))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// The transcript came to this: a file, or the reason why there is none.
async fn settle(
    conn: &mut Conn<'_>,
    id: &RecordingId,
    made: Result<(&RecordingFile, u64), &str>,
    at: Timestamp,
) -> Result<(), StoreError> {
    let Some(stored) = recordings::find(conn, id, at).await? else {
        return Err(StoreError::NotFound { what: "recording" });
    };
    let Some(mut transcript) = stored.recording.transcript else {
        return Ok(());
    };
    match made {
        Ok((file, utterances)) => {
            let mut files = stored.recording.files;
            files.retain(|one| one.kind != FileKind::Transcript);
            files.push(file.clone());
            on!(conn, c => {
                diesel::update(recording_rows::table.find(id.as_str()))
                    .set(recording_rows::files.eq(document(&files)))
                    .execute(c)
                    .await
            })?;
            transcript.status = TranscriptStatus::Available;
            transcript.progress = 100;
            transcript.utterances = Some(utterances);
            transcript.error = None;
        }
        Err(reason) => {
            transcript.status = TranscriptStatus::Failed;
            transcript.error = Some(reason.to_owned());
        }
    }
    note(conn, id, &transcript).await
}

/// Its recording goes.
pub(super) async fn forget(conn: &mut Conn<'_>, id: &RecordingId) -> Result<(), StoreError> {
    let row = recording_transcripts::table.find(id.as_str());
    on!(conn, c => diesel::delete(row).execute(c).await)?;
    Ok(())
}
