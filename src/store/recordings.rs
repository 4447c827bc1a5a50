//! Recordings: rows of `recordings`, and the outbox of their uploads.

use calls_model::rest::Page;
use calls_model::{
    CallId, Layout, OrgId, Recording, RecordingFile, RecordingId, RecordingInput, RecordingReport,
    RecordingStatus, Stopwatch, Timestamp,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::db::{Conn, on};
use super::error::StoreError;
use super::page::PageRequest;
use super::recorded_speech;
use super::schema::{calls, recordings};
use super::sql_types::{At, JsonText};
use super::words::{count, document, moment, optional, value, word};

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
    /// How often it was tried in vain to make it, or to keep it.
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
        let recording = Recording {
            recording_id: value("recording id", self.id)?,
            call_id: value("call id", self.call_id)?,
            mode: value("mode of a recording", self.mode)?,
            status,
            paused: self.paused,
            layout: optional("layout of a recording", self.layout)?,
            live: self.live,
            participants: value("users of a recording", self.participants.0)?,
            requested_at: self.requested_at.0,
            started_at: moment(self.started_at),
            duration_seconds,
            size_bytes: files.iter().map(|file| file.size_bytes).sum(),
            files,
            progress: match status {
                RecordingStatus::Available => 100,
                RecordingStatus::Uploading => 99,
                _ => 0,
            },
            error: self.error.or(not_composed),
            transcript: None, // of a table of its own
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

/// A recording, unless it is deleted or never was.
pub(super) async fn find(
    conn: &mut Conn<'_>,
    id: &RecordingId,
    now: Timestamp,
) -> Result<Option<StoredRecording>, StoreError> {
    let row: Option<RecordingRow> = on!(conn, c => {
        recordings::table
            .find(id.as_str())
            .select(RecordingRow::as_select())
            .first(c)
            .await
            .optional()
    })?;
    let stored = row.map(|row| row.into_stored(now)).transpose()?;
    let mut stored: Vec<StoredRecording> = stored.into_iter().collect();
    with_transcripts(conn, stored.iter_mut().map(|one| &mut one.recording)).await?;
    Ok(stored.pop())
}

/// Adds how their transcripts stand.
async fn with_transcripts(
    conn: &mut Conn<'_>,
    recordings: impl Iterator<Item = &mut Recording>,
) -> Result<(), StoreError> {
    let recordings: Vec<&mut Recording> = recordings.collect();
    let ids: Vec<&str> = recordings
        .iter()
        .map(|one| one.recording_id.as_str())
        .collect();
    let mut transcripts = recorded_speech::of(conn, &ids).await?;
    for recording in recordings {
        recording.transcript = transcripts.remove(recording.recording_id.as_str());
    }
    Ok(())
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
pub(super) async fn of_call(
    conn: &mut Conn<'_>,
    call_id: &CallId,
    request: &PageRequest,
    now: Timestamp,
) -> Result<Page<Recording>, StoreError> {
    let after = request.after::<RecordingId>()?;
    let rows: Vec<RecordingRow> = on!(conn, c => {
        let mut query = recordings::table
            .filter(recordings::call_id.eq(call_id.as_str()))
            .order(recordings::id.desc())
            .select(RecordingRow::as_select())
            .limit(request.rows())
            .offset(request.offset.into())
            .into_boxed();
        if let Some(after) = &after {
            query = query.filter(recordings::id.lt(after.id.as_str()));
        }
        query.load(c).await
    })?;
    let rows = rows
        .into_iter()
        .map(|row| Ok(row.into_stored(now)?.recording));
    let mut rows: Vec<Recording> = rows.collect::<Result<_, StoreError>>()?;
    with_transcripts(conn, rows.iter_mut()).await?;
    Ok(request.page(rows, |one| (one.requested_at, one.recording_id.clone())))
}

/// Recordings that something is still to come of, oldest first.
pub(super) async fn unsettled(
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

/// Recordings that were settled and asked for before then, oldest first; a hundred at a time, behind this one.
pub(super) async fn older_than(
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

/// It could not be made or kept: that is tried again then.
pub(super) async fn postpone(
    conn: &mut Conn<'_>,
    id: &RecordingId,
    why: &str,
    next: Timestamp,
) -> Result<(), StoreError> {
    on!(conn, c => {
        diesel::update(recordings::table.find(id.as_str()))
            .set((
                recordings::tries.eq(recordings::tries + 1),
                recordings::next_try_at.eq(At(next)),
                recordings::error.eq(why),
            ))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// A recording was asked for.
pub(super) async fn insert(
    conn: &mut Conn<'_>,
    org: &OrgId,
    asked: &Recording,
) -> Result<(), StoreError> {
    on!(conn, c => {
        diesel::insert_into(recordings::table)
            .values((
                recordings::id.eq(asked.recording_id.as_str()),
                recordings::call_id.eq(asked.call_id.as_str()),
                recordings::org_id.eq(org.as_str()),
                recordings::mode.eq(word(asked.mode)),
                recordings::status.eq(word(asked.status)),
                recordings::layout.eq(asked.layout.map(word)),
                recordings::live.eq(asked.live),
                recordings::participants.eq(document(&asked.participants)),
                recordings::requested_at.eq(At(asked.requested_at)),
                recordings::files.eq(document(&asked.files)),
            ))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// Where an arrow leads from how it stands; `None` where there is no such arrow, so a late fact changes nothing.
async fn step(
    conn: &mut Conn<'_>,
    id: &RecordingId,
    input: RecordingInput,
) -> Result<Option<String>, StoreError> {
    let status: Option<String> = on!(conn, c => {
        let query = recordings::table.find(id.as_str()).select(recordings::status);
        query.first(c).await.optional()
    })?;
    let status = status.ok_or(StoreError::NotFound { what: "recording" })?;
    let status: RecordingStatus = value("status of a recording", status)?;
    Ok(status.on(input).ok().map(word))
}

/// The first packet is on disk.
pub(super) async fn start(
    conn: &mut Conn<'_>,
    call_id: &CallId,
    id: &RecordingId,
    at: Timestamp,
) -> Result<(), StoreError> {
    let Some(status) = step(conn, id, RecordingInput::Start).await? else {
        return Ok(());
    };
    on!(conn, c => {
        diesel::update(recordings::table.find(id.as_str()))
            .set((
                recordings::status.eq(status),
                recordings::started_at.eq(At(at)),
                recordings::runs_since.eq(At(at)),
            ))
            .execute(c)
            .await
    })?;
    flag(conn, call_id, true).await
}

/// Lets the time of a recording that is active run, or stand still.
async fn count_time(
    conn: &mut Conn<'_>,
    id: &RecordingId,
    runs: bool,
    at: Timestamp,
) -> Result<(), StoreError> {
    let active = recordings::status.eq(word(RecordingStatus::Active));
    let time: Option<(i64, Option<At>)> = on!(conn, c => {
        recordings::table
            .find(id.as_str())
            .filter(active)
            .select((recordings::recorded_ms, recordings::runs_since))
            .first(c)
            .await
            .optional()
    })?;
    let Some((kept_ms, runs_since)) = time else {
        return Ok(());
    };
    let time = stopwatch(kept_ms, runs_since)?;
    let time = if runs { time.run(at) } else { time.halt(at) };
    on!(conn, c => {
        diesel::update(recordings::table.find(id.as_str()))
            .set((
                recordings::recorded_ms.eq(i64::try_from(time.kept_ms).unwrap_or(i64::MAX)),
                recordings::runs_since.eq(time.runs_since.map(At)),
            ))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// It is paused, or not any more.
pub(super) async fn pause(
    conn: &mut Conn<'_>,
    id: &RecordingId,
    paused: bool,
    at: Timestamp,
) -> Result<(), StoreError> {
    count_time(conn, id, !paused, at).await?;
    on!(conn, c => {
        diesel::update(recordings::table.find(id.as_str()))
            .set(recordings::paused.eq(paused))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// Nothing more is recorded.
pub(super) async fn stop(
    conn: &mut Conn<'_>,
    call_id: &CallId,
    id: &RecordingId,
    at: Timestamp,
) -> Result<(), StoreError> {
    flag(conn, call_id, false).await?;
    let Some(status) = step(conn, id, RecordingInput::Stop).await? else {
        return Ok(());
    };
    count_time(conn, id, false, at).await?;
    on!(conn, c => {
        diesel::update(recordings::table.find(id.as_str()))
            .set((
                recordings::status.eq(status),
                recordings::paused.eq(false),
                recordings::stopped_at.eq(At(at)),
            ))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// The call shows whether it is being recorded.
async fn flag(conn: &mut Conn<'_>, call_id: &CallId, on: bool) -> Result<(), StoreError> {
    on!(conn, c => {
        diesel::update(calls::table.find(call_id.as_str()))
            .set(calls::recording.eq(on))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// Its files are whole, and their upload is due.
pub(super) async fn process(
    conn: &mut Conn<'_>,
    id: &RecordingId,
    (files, duration_seconds, report): (&[RecordingFile], u64, &RecordingReport),
    at: Timestamp,
) -> Result<(), StoreError> {
    let Some(status) = step(conn, id, RecordingInput::Finish).await? else {
        return Ok(());
    };
    let lasts = i64::try_from(duration_seconds).unwrap_or(i64::MAX);
    // Where it could not be made anew, that of the file that is there.
    let layout = report.layout.map(word);
    on!(conn, c => {
        diesel::update(recordings::table.find(id.as_str()))
            .set((
                recordings::status.eq(status),
                recordings::files.eq(document(files)),
                recordings::duration_seconds.eq(lasts),
                recordings::report.eq(document(report)),
                layout.as_ref().map(|layout| recordings::layout.eq(layout)),
                recordings::due_at.eq(At(at)),
                recordings::error.eq(None::<String>),
                recordings::tries.eq(0),
                recordings::next_try_at.eq(None::<At>),
            ))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// Its files can be had.
pub(super) async fn store(
    conn: &mut Conn<'_>,
    id: &RecordingId,
    files: &[RecordingFile],
) -> Result<(), StoreError> {
    let Some(status) = step(conn, id, RecordingInput::Store).await? else {
        return Ok(());
    };
    on!(conn, c => {
        diesel::update(recordings::table.find(id.as_str()))
            .set((
                recordings::status.eq(status),
                recordings::files.eq(document(files)),
                recordings::due_at.eq(None::<At>),
                recordings::error.eq(None::<String>),
                recordings::next_try_at.eq(None::<At>),
            ))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// It is made once more, with this layout or its own.
pub(super) async fn compose(
    conn: &mut Conn<'_>,
    id: &RecordingId,
    layout: Option<Layout>,
) -> Result<(), StoreError> {
    let Some(status) = step(conn, id, RecordingInput::Compose).await? else {
        return Ok(());
    };
    let layout = layout.map(word);
    on!(conn, c => {
        diesel::update(recordings::table.find(id.as_str()))
            .set((
                recordings::status.eq(status),
                layout.as_ref().map(|layout| recordings::layout.eq(layout)),
                recordings::tries.eq(0),
                recordings::next_try_at.eq(None::<At>),
            ))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// Nothing came of it.
pub(super) async fn fail(
    conn: &mut Conn<'_>,
    id: &RecordingId,
    reason: &str,
) -> Result<(), StoreError> {
    let Some(status) = step(conn, id, RecordingInput::Fail).await? else {
        return Ok(());
    };
    on!(conn, c => {
        diesel::update(recordings::table.find(id.as_str()))
            .set((recordings::status.eq(status), recordings::error.eq(reason)))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// It is gone. Twice is as good as once.
pub(super) async fn delete(conn: &mut Conn<'_>, id: &RecordingId) -> Result<(), StoreError> {
    recorded_speech::forget(conn, id).await?;
    on!(conn, c => diesel::delete(recordings::table.find(id.as_str())).execute(c).await)?;
    Ok(())
}
