//! The history: calls, newest first, narrowed by filters.

use calls_model::rest::Page;
use calls_model::{Call, CallId, CallKind, CallStatus, OrgId, RoomId, Timestamp, UserId};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Store;
use super::calls::{CallRow, with_members};
use super::db::{Conn, on};
use super::error::StoreError;
use super::page::{PageRequest, older};
use super::schema::{call_users, calls};
use super::sql_types::At;
use super::words::word;

/// Which calls are wanted; all conditions that are given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryFilter {
    /// Of this tenant's calls.
    pub org_id: OrgId,
    /// This user rang, was rung, or came in.
    pub user_id: Option<UserId>,
    /// A session of this room.
    pub room_id: Option<RoomId>,
    /// Stands there now.
    pub status: Option<CallStatus>,
    /// Is of this kind.
    pub kind: Option<CallKind>,
    /// Was made at this moment or later (`created_at`).
    pub from: Option<Timestamp>,
    /// Was made before this moment (`created_at`), so that adjoining ranges share no call.
    pub to: Option<Timestamp>,
}

/// Orders, narrows and cuts a query by the two columns that the list is sorted by, and by those of `calls`.
macro_rules! narrow {
    ($query:expr, $created_at:expr, $id:expr, $filter:expr, $request:expr, $after:expr) => {{
        let mut query = $query
            .order(($created_at.desc(), $id.desc()))
            .select(CallRow::as_select())
            .limit($request.rows())
            .offset($request.offset.into())
            .into_boxed()
            .filter(calls::org_id.eq($filter.org_id.as_str()));
        if let Some(room) = &$filter.room_id {
            query = query.filter(calls::room_id.eq(room.as_str()));
        }
        if let Some(status) = $filter.status {
            query = query.filter(calls::status.eq(word(status)));
        }
        if let Some(kind) = $filter.kind {
            query = query.filter(calls::kind.eq(word(kind)));
        }
        if let Some(from) = $filter.from {
            query = query.filter($created_at.ge(At(from)));
        }
        if let Some(to) = $filter.to {
            query = query.filter($created_at.lt(At(to)));
        }
        if let Some(after) = $after {
            query = query.filter(older!(after, $created_at, $id));
        }
        query
    }};
}

impl Store {
    /// A page of the calls that pass the filter, newest first. Live ones have lasted until `now`.
    ///
    /// # Errors
    ///
    /// When the cursor is not one of this list, or the database fails.
    pub async fn history(
        &self,
        filter: &HistoryFilter,
        request: &PageRequest,
        now: Timestamp,
    ) -> Result<Page<Call>, StoreError> {
        let (filter, request) = (filter.clone(), request.clone());
        self.run(move |db| async move {
            list(&mut db.reader().await?.conn(), &filter, &request, now).await
        })
        .await
    }
}

/// A page of the calls that pass the filter, newest first.
async fn list(
    conn: &mut Conn<'_>,
    filter: &HistoryFilter,
    request: &PageRequest,
    now: Timestamp,
) -> Result<Page<Call>, StoreError> {
    let after = request.after::<CallId>()?;
    let after = after.as_ref();
    let rows: Vec<CallRow> = on!(conn, c => match &filter.user_id {
        None => {
            let all = calls::table;
            narrow!(all, calls::created_at, calls::id, filter, request, after).load(c).await
        }
        Some(user) => {
            use call_users::{call_id, created_at, user_id};

            let theirs =
                call_users::table.inner_join(calls::table).filter(user_id.eq(user.as_str()));
            narrow!(theirs, created_at, call_id, filter, request, after).load(c).await
        }
    })?;
    let calls = with_members(conn, rows, now).await?;
    Ok(request.page(calls, |call| {
        (call.created_at.unwrap_or(now), call.call_id.clone())
    }))
}
