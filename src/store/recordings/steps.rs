//! What happens to a recording, one step after the other; a step that it cannot take changes nothing.

use calls_model::{
    CallId, FileKind, Layout, OrgId, Recording, RecordingFile, RecordingId, RecordingInput,
    RecordingReport, RecordingStatus, Timestamp,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::stopwatch;
use crate::store::Store;
use crate::store::db::{Conn, on};
use crate::store::error::StoreError;
use crate::store::recorded_speech;
use crate::store::schema::{calls, recordings};
use crate::store::sql_types::{At, JsonText};
use crate::store::words::{document, optional, value, word};

/// Sets columns of a recording.
macro_rules! set {
    ($conn:expr, $id:expr, $($columns:expr),+ $(,)?) => {
        on!($conn, c => {
            let of = recordings::table.find($id.as_str());
            diesel::update(of).set(($($columns,)+)).execute(c).await
        })?
    };
}

/// Takes a step and sets columns with it; a step that there is not changes nothing.
macro_rules! step {
    ($conn:expr, $id:expr, $input:expr, $($columns:expr),+ $(,)?) => {
        let Some(status) = next($conn, $id, $input).await? else {
            return Ok(());
        };
        set!($conn, $id, recordings::status.eq(status), $($columns),+)
    };
}

impl Store {
    /// It is tried to make or to keep a recording. Counted before: a try that ends the server is one, too.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn try_recording(&self, id: &RecordingId) -> Result<(), StoreError> {
        let id = id.clone();
        self.run(move |db| async move { begin_try(&mut db.writer().await?.conn(), &id).await })
            .await
    }

    /// A recording could not be made or kept: that is tried again then.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn postpone_recording(
        &self,
        id: &RecordingId,
        why: String,
        next: Timestamp,
    ) -> Result<(), StoreError> {
        let id = id.clone();
        self.run(move |db| async move {
            postpone(&mut db.writer().await?.conn(), &id, &why, next).await
        })
        .await
    }
}

/// It is tried to make or to keep it.
async fn begin_try(conn: &mut Conn<'_>, id: &RecordingId) -> Result<(), StoreError> {
    set!(
        conn,
        id,
        recordings::tries.eq(recordings::tries + 1),
        recordings::next_try_at.eq(None::<At>)
    );
    Ok(())
}

/// It could not be made or kept: that is tried again then.
async fn postpone(
    conn: &mut Conn<'_>,
    id: &RecordingId,
    why: &str,
    again: Timestamp,
) -> Result<(), StoreError> {
    set!(
        conn,
        id,
        recordings::next_try_at.eq(At(again)),
        recordings::error.eq(why)
    );
    Ok(())
}

/// A recording was asked for.
pub(in crate::store) async fn insert(
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
async fn next(
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
pub(in crate::store) async fn start(
    conn: &mut Conn<'_>,
    call_id: &CallId,
    id: &RecordingId,
    at: Timestamp,
) -> Result<(), StoreError> {
    step!(
        conn,
        id,
        RecordingInput::Start,
        recordings::started_at.eq(At(at)),
        recordings::runs_since.eq(At(at))
    );
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
    set!(
        conn,
        id,
        recordings::recorded_ms.eq(i64::try_from(time.kept_ms).unwrap_or(i64::MAX)),
        recordings::runs_since.eq(time.runs_since.map(At))
    );
    Ok(())
}

/// It is paused, or not any more.
pub(in crate::store) async fn pause(
    conn: &mut Conn<'_>,
    id: &RecordingId,
    paused: bool,
    at: Timestamp,
) -> Result<(), StoreError> {
    count_time(conn, id, !paused, at).await?;
    set!(conn, id, recordings::paused.eq(paused));
    Ok(())
}

/// Nothing more is recorded.
pub(in crate::store) async fn stop(
    conn: &mut Conn<'_>,
    call_id: &CallId,
    id: &RecordingId,
    at: Timestamp,
) -> Result<(), StoreError> {
    flag(conn, call_id, false).await?;
    let Some(status) = next(conn, id, RecordingInput::Stop).await? else {
        return Ok(());
    };
    count_time(conn, id, false, at).await?;
    set!(
        conn,
        id,
        recordings::status.eq(status),
        recordings::paused.eq(false),
        recordings::stopped_at.eq(At(at))
    );
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
pub(in crate::store) async fn process(
    conn: &mut Conn<'_>,
    id: &RecordingId,
    (files, duration_seconds, report): (&[RecordingFile], u64, &RecordingReport),
    at: Timestamp,
) -> Result<(), StoreError> {
    let lasts = i64::try_from(duration_seconds).unwrap_or(i64::MAX);
    // Where it could not be made anew, that of the file that is there.
    let layout = report.layout.map(word);
    step!(
        conn,
        id,
        RecordingInput::Finish,
        recordings::files.eq(document(files)),
        recordings::duration_seconds.eq(lasts),
        recordings::report.eq(document(report)),
        layout.as_ref().map(|layout| recordings::layout.eq(layout)),
        recordings::due_at.eq(At(at)),
        recordings::error.eq(None::<String>),
        recordings::tries.eq(0),
        recordings::next_try_at.eq(None::<At>)
    );
    Ok(())
}

/// Its files can be had.
pub(in crate::store) async fn store(
    conn: &mut Conn<'_>,
    id: &RecordingId,
    files: &[RecordingFile],
) -> Result<(), StoreError> {
    step!(
        conn,
        id,
        RecordingInput::Store,
        recordings::files.eq(document(files)),
        recordings::due_at.eq(None::<At>),
        recordings::error.eq(None::<String>),
        recordings::next_try_at.eq(None::<At>)
    );
    Ok(())
}

/// It is made once more, with this layout or its own.
pub(in crate::store) async fn compose(
    conn: &mut Conn<'_>,
    id: &RecordingId,
    layout: Option<Layout>,
) -> Result<(), StoreError> {
    let Some(status) = next(conn, id, RecordingInput::Compose).await? else {
        return Ok(());
    };
    keep_layout(conn, id).await?;
    let layout = layout.map(word);
    set!(
        conn,
        id,
        recordings::status.eq(status),
        layout.as_ref().map(|layout| recordings::layout.eq(layout)),
        recordings::tries.eq(0),
        recordings::next_try_at.eq(None::<At>)
    );
    Ok(())
}

/// A report that was written before reports knew layouts learns that of the file that is there, before another one is
/// wished for.
async fn keep_layout(conn: &mut Conn<'_>, id: &RecordingId) -> Result<(), StoreError> {
    let row: (Option<String>, JsonText, Option<JsonText>) = on!(conn, c => {
        recordings::table
            .find(id.as_str())
            .select((recordings::layout, recordings::files, recordings::report))
            .first(c)
            .await
    })?;
    let (layout, files, Some(report)) = row else {
        return Ok(());
    };
    let files: Vec<RecordingFile> = value("files of a recording", files.0)?;
    let mut report: RecordingReport = value("report of a recording", report.0)?;
    if report.layout.is_some() || !files.iter().any(|file| file.kind == FileKind::Video) {
        return Ok(());
    }
    report.layout = optional("layout of a recording", layout)?;
    set!(conn, id, recordings::report.eq(document(&report)));
    Ok(())
}

/// Nothing came of it.
pub(in crate::store) async fn fail(
    conn: &mut Conn<'_>,
    id: &RecordingId,
    reason: &str,
) -> Result<(), StoreError> {
    let Some(status) = next(conn, id, RecordingInput::Fail).await? else {
        return Ok(());
    };
    set!(
        conn,
        id,
        (recordings::status.eq(status), recordings::error.eq(reason))
    );
    Ok(())
}

/// It is gone. Twice is as good as once.
pub(in crate::store) async fn delete(
    conn: &mut Conn<'_>,
    id: &RecordingId,
) -> Result<(), StoreError> {
    recorded_speech::forget(conn, id).await?;
    on!(conn, c => diesel::delete(recordings::table.find(id.as_str())).execute(c).await)?;
    Ok(())
}
