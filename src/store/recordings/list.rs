//! The recordings of all calls, newest first, narrowed by filters.

use calls_model::rest::Page;
use calls_model::{OrgId, Recording, RecordingId, RecordingMode, RecordingStatus, Timestamp};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{RecordingRow, Whole, page_of};
use crate::store::Store;
use crate::store::db::{Conn, on};
use crate::store::error::StoreError;
use crate::store::page::{PageRequest, older};
use crate::store::schema::{recording_transcripts, recordings};
use crate::store::sql_types::At;
use crate::store::words::word;

/// Which recordings are wanted; all conditions that are given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RecordingFilter {
    /// Of this tenant's calls.
    pub org_id: OrgId,
    /// Stands there now.
    pub status: Option<RecordingStatus>,
    /// Is made of that.
    pub mode: Option<RecordingMode>,
    /// Was asked for at this moment or later.
    pub from: Option<Timestamp>,
    /// Was asked for before this moment, so that adjoining ranges share no recording.
    pub to: Option<Timestamp>,
}

impl Store {
    /// A page of the recordings of all calls that pass the filter, newest first.
    ///
    /// # Errors
    ///
    /// When the cursor is not one of this list, or the database fails.
    pub async fn recordings_of_all(
        &self,
        filter: &RecordingFilter,
        request: &PageRequest,
        now: Timestamp,
    ) -> Result<Page<Recording>, StoreError> {
        let (filter, request) = (filter.clone(), request.clone());
        self.run(move |db| async move {
            list(&mut db.reader().await?.conn(), &filter, &request, now).await
        })
        .await
    }
}

/// A page of the recordings that pass the filter.
async fn list(
    conn: &mut Conn<'_>,
    filter: &RecordingFilter,
    request: &PageRequest,
    now: Timestamp,
) -> Result<Page<Recording>, StoreError> {
    let after = request.after::<RecordingId>()?;
    let rows: Vec<Whole> = on!(conn, c => {
        let mut query = recordings::table
            .left_join(recording_transcripts::table)
            .filter(recordings::org_id.eq(filter.org_id.as_str()))
            .order((recordings::requested_at.desc(), recordings::id.desc()))
            .select((RecordingRow::as_select(), recording_transcripts::body.nullable()))
            .limit(request.rows())
            .offset(request.offset.into())
            .into_boxed();
        if let Some(status) = filter.status {
            query = query.filter(recordings::status.eq(word(status)));
        }
        if let Some(mode) = filter.mode {
            query = query.filter(recordings::mode.eq(word(mode)));
        }
        if let Some(from) = filter.from {
            query = query.filter(recordings::requested_at.ge(At(from)));
        }
        if let Some(to) = filter.to {
            query = query.filter(recordings::requested_at.lt(At(to)));
        }
        if let Some(after) = &after {
            query = query.filter(older!(after, recordings::requested_at, recordings::id));
        }
        query.load(c).await
    })?;
    page_of(rows, request, now)
}
