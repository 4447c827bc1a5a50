//! Recordings: rows of `recordings`, and the outbox of their uploads.

mod list;
mod steps;

use calls_model::rest::Page;
use calls_model::{
    CallId, Layout, OrgId, Recording, RecordingFile, RecordingId, RecordingReport, RecordingStatus,
    Stopwatch, Timestamp,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Store;
use super::db::{Conn, on};
use super::error::StoreError;
use super::page::PageRequest;
use super::schema::{recording_transcripts, recordings};
use super::sql_types::{At, JsonText};
use super::words::{count, moment, optional, value, word};

pub use self::list::RecordingFilter;
pub(super) use self::steps::{compose, delete, fail, insert, pause, process, start, stop, store};

#[derive(Queryable, Selectable)]
#[diesel(table_name = recordings)]
struct RecordingRow {
    id: String,
    call_id: String,
    mode: String,
    status: String,
    paused: bool,
    layout: Option<String>,
    live: bool,
    participants: JsonText,
    requested_at: At,
    started_at: Option<At>,
    duration_seconds: i64,
    files: JsonText,
    report: Option<JsonText>,
    error: Option<String>,
    tries: i64,
    next_try_at: Option<At>,
    recorded_ms: i64,
    runs_since: Option<At>,
    due_at: Option<At>,
}

/// A recording, with what only the server itself needs to know of it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRecording {
    /// As the wire shows it.
    pub recording: Recording,
    /// How far it can be trusted, once it was processed.
    pub report: Option<RecordingReport>,
    /// Since when its upload is due, where it is.
    pub due_at: Option<Timestamp>,
    /// How often it was tried to make it, or to keep it.
    pub tries: u32,
    /// Not before then is it tried again.
    pub next_try_at: Option<Timestamp>,
}

impl RecordingRow {
    fn into_stored(self, now: Timestamp) -> Result<StoredRecording, StoreError> {
        let status: RecordingStatus = value("status of a recording", self.status)?;
        let recorded = stopwatch(self.recorded_ms, self.runs_since)?;
        let files: Vec<RecordingFile> = value("files of a recording", self.files.0)?;
        let report: Option<RecordingReport> = self
            .report
            .map(|report| value("report of a recording", report.0))
            .transpose()?;
        // What was counted while it ran is good until its files are known.
        let duration_seconds = match report {
            Some(_) => count("length of a recording", self.duration_seconds)?,
            None => recorded.seconds(now),
        };
        let not_composed = report.as_ref().and_then(|one| one.not_composed.clone());
        let asked: Option<Layout> = optional("layout of a recording", self.layout)?;
        // What was asked for last; the file that can be had may still have another.
        let layout = report.as_ref().and_then(|one| one.layout).or(asked);
        let is_made = status == RecordingStatus::Processing;
        let recording = Recording {
            recording_id: value("recording id", self.id)?,
            call_id: value("call id", self.call_id)?,
            mode: value("mode of a recording", self.mode)?,
            status,
            paused: self.paused,
            layout,
            next_layout: asked.filter(|_| is_made && asked != layout),
            live: self.live,
            participants: value("users of a recording", self.participants.0)?,
            requested_at: self.requested_at.0,
            started_at: moment(self.started_at),
            begins_at: report.as_ref().and_then(|one| one.begins_at),
            duration_seconds,
            size_bytes: files.iter().map(|file| file.size_bytes).sum(),
            files,
            progress: match status {
                RecordingStatus::Available => 100,
                RecordingStatus::Uploading => 99,
                _ => 0,
            },
            // Why there was no such file before says nothing of the one that is being made.
            error: self.error.or(not_composed.filter(|_| !is_made)),
            transcript: None, // of a table of its own, see `stored`
        };
        Ok(StoredRecording {
            recording,
            report,
            due_at: moment(self.due_at),
            tries: count("tries of a recording", self.tries)?,
            next_try_at: moment(self.next_try_at),
        })
    }
}

fn stopwatch(kept_ms: i64, runs_since: Option<At>) -> Result<Stopwatch, StoreError> {
    Ok(Stopwatch {
        kept_ms: count("time of a recording", kept_ms)?,
        runs_since: moment(runs_since),
    })
}

impl Store {
    /// A recording, unless it is deleted or never was.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn recording(
        &self,
        id: &RecordingId,
        now: Timestamp,
    ) -> Result<Option<StoredRecording>, StoreError> {
        let id = id.clone();
        self.run(move |db| async move { find(&mut db.reader().await?.conn(), &id, now).await })
            .await
    }

    /// A page of a call's recordings, newest first.
    ///
    /// # Errors
    ///
    /// When the cursor is not one of this list, or the database fails.
    pub async fn recordings(
        &self,
        call: &CallId,
        request: &PageRequest,
        now: Timestamp,
    ) -> Result<Page<Recording>, StoreError> {
        let (call, request) = (call.clone(), request.clone());
        self.run(move |db| async move {
            of_call(&mut db.reader().await?.conn(), &call, &request, now).await
        })
        .await
    }

    /// Recordings that something is still to come of, oldest first.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn unsettled_recordings(
        &self,
        now: Timestamp,
    ) -> Result<Vec<StoredRecording>, StoreError> {
        self.run(move |db| async move { unsettled(&mut db.reader().await?.conn(), now).await })
            .await
    }

    /// Recordings that were settled and asked for before then, oldest first; a hundred at a time, behind this one.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn recordings_before(
        &self,
        before: Timestamp,
        after: Option<RecordingId>,
    ) -> Result<Vec<StoredRecording>, StoreError> {
        self.run(move |db| async move {
            older_than(&mut db.reader().await?.conn(), before, after.as_ref()).await
        })
        .await
    }

    /// Recordings that failed before anything of them was known to be on disk, of these or of all.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub(crate) async fn failed_starts(
        &self,
        of: Option<&[RecordingId]>,
    ) -> Result<Vec<RecordingId>, StoreError> {
        let of = of.map(<[_]>::to_vec);
        self.run(move |db| async move {
            failed_starts(&mut db.reader().await?.conn(), of.as_deref()).await
        })
        .await
    }
}

/// A recording, unless it is deleted or never was.
pub(super) async fn find(
    conn: &mut Conn<'_>,
    id: &RecordingId,
    now: Timestamp,
) -> Result<Option<StoredRecording>, StoreError> {
    let row: Option<Whole> = on!(conn, c => {
        recordings::table
            .left_join(recording_transcripts::table)
            .filter(recordings::id.eq(id.as_str()))
            .select((RecordingRow::as_select(), recording_transcripts::body.nullable()))
            .first(c)
            .await
            .optional()
    })?;
    row.map(|row| stored(row, now)).transpose()
}

/// A recording and how its transcript stands, read as one: what the one tells of is a file of the other.
type Whole = (RecordingRow, Option<JsonText>);

fn stored((row, transcript): Whole, now: Timestamp) -> Result<StoredRecording, StoreError> {
    let mut stored = row.into_stored(now)?;
    let transcript = transcript.map(|JsonText(body)| value("transcript of a recording", body));
    stored.recording.transcript = transcript.transpose()?;
    Ok(stored)
}

/// Whose recording it is, unless it is deleted or never was.
pub(super) async fn org(
    conn: &mut Conn<'_>,
    id: &RecordingId,
) -> Result<Option<OrgId>, StoreError> {
    let org: Option<String> = on!(conn, c => {
        let query = recordings::table.find(id.as_str()).select(recordings::org_id);
        query.first(c).await.optional()
    })?;
    org.map(|org| value("tenant", org)).transpose()
}

/// The recording of a call that runs.
pub(super) async fn running(
    conn: &mut Conn<'_>,
    call_id: &CallId,
    now: Timestamp,
) -> Result<Option<Recording>, StoreError> {
    let row: Option<RecordingRow> = on!(conn, c => {
        recordings::table
            .filter(recordings::call_id.eq(call_id.as_str()))
            .filter(recordings::status.eq(word(RecordingStatus::Active)))
            .select(RecordingRow::as_select())
            .first(c)
            .await
            .optional()
    })?;
    Ok(row
        .map(|row| row.into_stored(now))
        .transpose()?
        .map(|stored| stored.recording))
}

/// A page of a call's recordings, newest first.
async fn of_call(
    conn: &mut Conn<'_>,
    call_id: &CallId,
    request: &PageRequest,
    now: Timestamp,
) -> Result<Page<Recording>, StoreError> {
    let after = request.after::<RecordingId>()?;
    let rows: Vec<Whole> = on!(conn, c => {
        let mut query = recordings::table
            .left_join(recording_transcripts::table)
            .filter(recordings::call_id.eq(call_id.as_str()))
            .order(recordings::id.desc())
            .select((RecordingRow::as_select(), recording_transcripts::body.nullable()))
            .limit(request.rows())
            .offset(request.offset.into())
            .into_boxed();
        if let Some(after) = &after {
            query = query.filter(recordings::id.lt(after.id.as_str()));
        }
        query.load(c).await
    })?;
    page_of(rows, request, now)
}

/// The page of these rows.
fn page_of(
    rows: Vec<Whole>,
    request: &PageRequest,
    now: Timestamp,
) -> Result<Page<Recording>, StoreError> {
    let rows = rows.into_iter();
    let rows = rows.map(|row| Ok(stored(row, now)?.recording));
    let rows: Vec<Recording> = rows.collect::<Result<_, StoreError>>()?;
    Ok(request.page(rows, |one| (one.requested_at, one.recording_id.clone())))
}

/// Recordings that something is still to come of, oldest first.
async fn unsettled(
    conn: &mut Conn<'_>,
    now: Timestamp,
) -> Result<Vec<StoredRecording>, StoreError> {
    let settled = [RecordingStatus::Available, RecordingStatus::Failed].map(word);
    let rows: Vec<RecordingRow> = on!(conn, c => {
        recordings::table
            .filter(recordings::status.ne_all(&settled))
            .order(recordings::id)
            .select(RecordingRow::as_select())
            .load(c)
            .await
    })?;
    rows.into_iter().map(|row| row.into_stored(now)).collect()
}

/// Recordings whose start failed, of these or of all: what ran has stopped, whatever came of it then.
async fn failed_starts(
    conn: &mut Conn<'_>,
    of: Option<&[RecordingId]>,
) -> Result<Vec<RecordingId>, StoreError> {
    let ids: Vec<String> = on!(conn, c => {
        let mut query = recordings::table
            .filter(recordings::status.eq(word(RecordingStatus::Failed)))
            .filter(recordings::started_at.is_null())
            .filter(recordings::stopped_at.is_null())
            .select(recordings::id)
            .into_boxed();
        if let Some(of) = of {
            let of: Vec<&str> = of.iter().map(RecordingId::as_str).collect();
            query = query.filter(recordings::id.eq_any(of));
        }
        query.load(c).await
    })?;
    let id = |id| value("recording id", id);
    ids.into_iter().map(id).collect()
}

/// Recordings that were settled and asked for before then, oldest first; a hundred at a time, behind this one.
async fn older_than(
    conn: &mut Conn<'_>,
    before: Timestamp,
    after: Option<&RecordingId>,
) -> Result<Vec<StoredRecording>, StoreError> {
    let after = after.map_or("", RecordingId::as_str);
    let settled = [RecordingStatus::Available, RecordingStatus::Failed].map(word);
    let rows: Vec<RecordingRow> = on!(conn, c => {
        recordings::table
            .filter(recordings::status.eq_any(&settled))
            .filter(recordings::requested_at.lt(At(before)))
            .filter(recordings::id.gt(after))
            .order(recordings::id)
            .select(RecordingRow::as_select())
            .limit(100)
            .load(c)
            .await
    })?;
    rows.into_iter()
        .map(|row| row.into_stored(before))
        .collect()
}
