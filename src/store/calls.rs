//! Calls: rows of `calls`, and of `call_users`, which says in whose history they are.

use std::collections::HashMap;

use calls_model::{
    Call, CallId, CallStatus, EndReason, Interruption, Member, OrgId, Timestamp, UserId,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Store;
use super::db::{Conn, on};
use super::error::StoreError;
use super::participants;
use super::schema::{call_users, calls};
use super::sql_types::{At, JsonText};
use super::words::{count, document, moment, optional, value, word};

/// A call as its row has it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = calls)]
pub(super) struct CallRow {
    pub(super) id: String,
    org_id: String,
    call_type: String,
    kind: String,
    status: String,
    room_id: Option<String>,
    from_user: Option<String>,
    to_users: JsonText,
    end_reason: Option<String>,
    duration_seconds: i64,
    recording: bool,
    transcription: bool,
    metadata: JsonText,
    created_at: At,
    started_at: Option<At>,
    ended_at: Option<At>,
    interruptions: JsonText,
}

#[derive(Insertable)]
#[diesel(table_name = calls)]
struct NewCall<'a> {
    id: &'a str,
    org_id: &'a str,
    call_type: String,
    kind: String,
    status: String,
    room_id: Option<&'a str>,
    from_user: Option<&'a str>,
    to_users: JsonText,
    duration_seconds: i64,
    recording: bool,
    transcription: bool,
    metadata: JsonText,
    created_at: At,
    started_at: Option<At>,
}

impl CallRow {
    /// The call: with those inside while it lives, with all who were after its end.
    fn into_call(self, mut members: Vec<Member>, now: Timestamp) -> Result<Call, StoreError> {
        let status = value("call status", self.status)?;
        let started_at = moment(self.started_at);
        let mut duration_seconds = count("call duration", self.duration_seconds)?;
        if status != CallStatus::Ended {
            members.retain(|member| member.left_at.is_none());
            duration_seconds = started_at.map_or(0, |start| now.seconds_since(start));
        }
        Ok(Call {
            call_id: value("call id", self.id)?,
            call_type: value("call type", self.call_type)?,
            status,
            participants: members,
            started_at,
            duration_seconds,
            recording: self.recording,
            transcription: self.transcription,
            kind: value("call kind", self.kind)?,
            room_id: optional("room id", self.room_id)?,
            from: optional("user id", self.from_user)?,
            to: value("callees", self.to_users.0)?,
            end_reason: optional("end reason", self.end_reason)?,
            created_at: Some(self.created_at.0),
            ended_at: moment(self.ended_at),
            interruptions: value("interruptions of a call", self.interruptions.0)?,
            metadata: value("call metadata", self.metadata.0)?,
            org_id: value("tenant", self.org_id)?,
        })
    }
}

impl Store {
    /// A call with its members. A live one has lasted until `now`.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn call(&self, id: &CallId, now: Timestamp) -> Result<Option<Call>, StoreError> {
        let id = id.clone();
        self.run(move |db| async move { find(&mut db.reader().await?.conn(), &id, now).await })
            .await
    }
}

/// One call.
async fn find(
    conn: &mut Conn<'_>,
    id: &CallId,
    now: Timestamp,
) -> Result<Option<Call>, StoreError> {
    let row: Option<CallRow> = on!(conn, c => {
        let query = calls::table.find(id.as_str()).select(CallRow::as_select());
        query.first(c).await.optional()
    })?;
    Ok(with_members(conn, row.into_iter().collect(), now)
        .await?
        .pop())
}

/// Whose call it is, unless it never was.
pub(super) async fn org(conn: &mut Conn<'_>, id: &CallId) -> Result<Option<OrgId>, StoreError> {
    let org: Option<String> = on!(conn, c => {
        let query = calls::table.find(id.as_str()).select(calls::org_id);
        query.first(c).await.optional()
    })?;
    org.map(|org| value("tenant", org)).transpose()
}

/// The calls of these rows, in the same order, with their members.
pub(super) async fn with_members(
    conn: &mut Conn<'_>,
    rows: Vec<CallRow>,
    now: Timestamp,
) -> Result<Vec<Call>, StoreError> {
    let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let mut members: HashMap<String, Vec<Member>> = participants::of_calls(conn, &ids).await?;
    rows.into_iter()
        .map(|row| {
            let members = members.remove(&row.id).unwrap_or_default();
            row.into_call(members, now)
        })
        .collect()
}

/// Calls that are not over, with those who are inside.
pub(super) async fn live(conn: &mut Conn<'_>, now: Timestamp) -> Result<Vec<Call>, StoreError> {
    let rows: Vec<CallRow> = on!(conn, c => {
        calls::table
            .filter(calls::status.ne(word(CallStatus::Ended)))
            .order((calls::created_at, calls::id))
            .select(CallRow::as_select())
            .load(c)
            .await
    })?;
    with_members(conn, rows, now).await
}

/// The server was down for a while, and the call goes on. Nobody sends anything yet.
pub(super) async fn go_on(
    conn: &mut Conn<'_>,
    id: &CallId,
    gap: Interruption,
) -> Result<(), StoreError> {
    let before: Option<JsonText> = on!(conn, c => {
        let query = calls::table.find(id.as_str()).select(calls::interruptions);
        query.first(c).await.optional()
    })?;
    let JsonText(before) = before.ok_or(StoreError::NotFound { what: "call" })?;
    let mut gaps: Vec<Interruption> = value("interruptions of a call", before)?;
    gaps.push(gap);
    on!(conn, c => {
        diesel::update(calls::table.find(id.as_str()))
            .set(calls::interruptions.eq(document(&gaps)))
            .execute(c)
            .await
    })?;
    participants::silence(conn, id).await
}

/// Makes a call; it stands in the history of who rang and of all who were rung.
pub(super) async fn insert(
    conn: &mut Conn<'_>,
    call: &Call,
    at: Timestamp,
) -> Result<(), StoreError> {
    on!(conn, c => {
        diesel::insert_into(calls::table)
            .values(NewCall {
                id: call.call_id.as_str(),
                org_id: call.org_id.as_str(),
                call_type: word(call.call_type),
                kind: word(call.kind),
                status: word(call.status),
                room_id: call.room_id.as_ref().map(calls_model::RoomId::as_str),
                from_user: call.from.as_ref().map(UserId::as_str),
                to_users: document(&call.to),
                duration_seconds: 0,
                recording: call.recording,
                transcription: call.transcription,
                metadata: document(&call.metadata),
                created_at: At(call.created_at.unwrap_or(at)),
                started_at: call.started_at.map(At),
            })
            .execute(c)
            .await
    })?;
    let created_at = call.created_at.unwrap_or(at);
    for user in call.from.iter().chain(&call.to) {
        add_user(conn, &call.org_id, &call.call_id, created_at, user).await?;
    }
    Ok(())
}

/// Puts the call into a user's history, once.
pub(super) async fn add_user(
    conn: &mut Conn<'_>,
    org: &OrgId,
    call_id: &CallId,
    created_at: Timestamp,
    user: &UserId,
) -> Result<(), StoreError> {
    on!(conn, c => {
        diesel::insert_into(call_users::table)
            .values((
                call_users::user_id.eq(user.as_str()),
                call_users::created_at.eq(At(created_at)),
                call_users::call_id.eq(call_id.as_str()),
                call_users::org_id.eq(org.as_str()),
            ))
            .on_conflict_do_nothing()
            .execute(c)
            .await
    })?;
    Ok(())
}

/// A callee's device rings.
pub(super) async fn ring(conn: &mut Conn<'_>, id: &CallId) -> Result<(), StoreError> {
    let changed = on!(conn, c => {
        diesel::update(calls::table.find(id.as_str()))
            .filter(calls::status.eq(word(CallStatus::Initiated)))
            .set(calls::status.eq(word(CallStatus::Ringing)))
            .execute(c)
            .await
    })?;
    changed_or_there(conn, id, changed).await
}

/// Somebody answered; the first answer counts.
pub(super) async fn answer(
    conn: &mut Conn<'_>,
    id: &CallId,
    at: Timestamp,
) -> Result<(), StoreError> {
    let waiting = [word(CallStatus::Initiated), word(CallStatus::Ringing)];
    let changed = on!(conn, c => {
        diesel::update(calls::table.find(id.as_str()))
            .filter(calls::status.eq_any(&waiting))
            .set((
                calls::status.eq(word(CallStatus::Active)),
                calls::started_at.eq(At(at)),
            ))
            .execute(c)
            .await
    })?;
    changed_or_there(conn, id, changed).await
}

/// The call is over; the first reason counts.
pub(super) async fn end(
    conn: &mut Conn<'_>,
    id: &CallId,
    reason: EndReason,
    duration_seconds: u64,
    at: Timestamp,
) -> Result<(), StoreError> {
    let changed = on!(conn, c => {
        diesel::update(calls::table.find(id.as_str()))
            .filter(calls::status.ne(word(CallStatus::Ended)))
            .set((
                calls::status.eq(word(CallStatus::Ended)),
                calls::end_reason.eq(word(reason)),
                calls::duration_seconds.eq(i64::try_from(duration_seconds).unwrap_or(i64::MAX)),
                calls::ended_at.eq(At(at)),
            ))
            .execute(c)
            .await
    })?;
    changed_or_there(conn, id, changed).await
}

/// A call is transcribed from now on, or not any more.
pub(super) async fn transcribe(
    conn: &mut Conn<'_>,
    id: &CallId,
    on: bool,
) -> Result<(), StoreError> {
    on!(conn, c => {
        diesel::update(calls::table.find(id.as_str()))
            .set(calls::transcription.eq(on))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// When the call was made, or that there is no such call.
pub(super) async fn made_at(conn: &mut Conn<'_>, id: &CallId) -> Result<Timestamp, StoreError> {
    let found: Option<At> = on!(conn, c => {
        let query = calls::table.find(id.as_str()).select(calls::created_at);
        query.first(c).await.optional()
    })?;
    moment(found).ok_or(StoreError::NotFound { what: "call" })
}

/// A late or repeated fact changes no row, which is well; one about no call at all is not.
async fn changed_or_there(
    conn: &mut Conn<'_>,
    id: &CallId,
    changed: usize,
) -> Result<(), StoreError> {
    if changed == 0 {
        made_at(conn, id).await.map(drop)
    } else {
        Ok(())
    }
}
