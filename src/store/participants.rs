//! Presences: rows of `participants`.

use std::collections::HashMap;

use calls_model::{CallId, LeaveReason, Member, OrgId, ParticipantId, Role, Timestamp, UserId};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Store;
use super::db::{Conn, on};
use super::error::StoreError;
use super::schema::participants;
use super::sql_types::At;
use super::words::{moment, optional, value, word};

#[derive(Queryable, Selectable)]
#[diesel(table_name = participants)]
struct ParticipantRow {
    id: String,
    user_id: String,
    role: String,
    display_name: Option<String>,
    audio: bool,
    video: bool,
    screen: bool,
    hand: bool,
    joined_at: At,
    left_at: Option<At>,
    hidden: bool,
}

#[derive(Insertable)]
#[diesel(table_name = participants)]
struct NewParticipant<'a> {
    id: &'a str,
    org_id: &'a str,
    call_id: &'a str,
    user_id: &'a str,
    joined_at: At,
    left_at: Option<At>,
    leave_reason: Option<String>,
    hidden: bool,
    #[diesel(embed)]
    shown: Shown,
}

/// What others see of somebody, and what may change while they are inside.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = participants, treat_none_as_null = true)]
struct Shown {
    role: String,
    display_name: Option<String>,
    audio: bool,
    video: bool,
    screen: bool,
    hand: bool,
}

impl From<&Member> for Shown {
    fn from(member: &Member) -> Self {
        Self {
            role: word(member.role),
            display_name: member.display_name.as_ref().map(ToString::to_string),
            audio: member.audio,
            video: member.video,
            screen: member.screen,
            hand: member.hand,
        }
    }
}

impl TryFrom<ParticipantRow> for Member {
    type Error = StoreError;

    fn try_from(row: ParticipantRow) -> Result<Self, StoreError> {
        Ok(Self {
            user_id: value("user id", row.user_id)?,
            role: value("role", row.role)?,
            audio: row.audio,
            video: row.video,
            joined_at: row.joined_at.0,
            participant_id: Some(value("participant id", row.id)?),
            display_name: optional("display name", row.display_name)?,
            screen: row.screen,
            hand: row.hand,
            reconnecting: false, // a socket's state, which no restart outlives
            left_at: moment(row.left_at),
            hidden: row.hidden,
        })
    }
}

impl Store {
    /// All who are or were in a call, first come first.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn members(&self, id: &CallId) -> Result<Vec<Member>, StoreError> {
        let id = id.clone();
        self.run(move |db| async move {
            let found = of_calls(&mut db.reader().await?.conn(), &[id.as_str()]).await;
            Ok(found?.remove(id.as_str()).unwrap_or_default())
        })
        .await
    }
}

/// All who are or were in these calls, by call, first come first.
pub(super) async fn of_calls(
    conn: &mut Conn<'_>,
    call_ids: &[&str],
) -> Result<HashMap<String, Vec<Member>>, StoreError> {
    let rows: Vec<(String, ParticipantRow)> = on!(conn, c => {
        participants::table
            .filter(participants::call_id.eq_any(call_ids.iter().copied()))
            .order((participants::call_id, participants::joined_at, participants::id))
            .select((participants::call_id, ParticipantRow::as_select()))
            .load(c)
            .await
    })?;
    let mut members: HashMap<String, Vec<Member>> = HashMap::new();
    for (call, row) in rows {
        members.entry(call).or_default().push(row.try_into()?);
    }
    Ok(members)
}

/// All who are inside of any call.
pub(super) async fn present(
    conn: &mut Conn<'_>,
) -> Result<Vec<(CallId, ParticipantId)>, StoreError> {
    let rows: Vec<(String, String)> = on!(conn, c => {
        participants::table
            .filter(participants::left_at.is_null())
            .order((participants::call_id, participants::joined_at, participants::id))
            .select((participants::call_id, participants::id))
            .load(c)
            .await
    })?;
    rows.into_iter()
        .map(|(call, id)| Ok((value("call id", call)?, value("participant id", id)?)))
        .collect()
}

/// Somebody is inside. The same presence again (told anew after a crash) replaces what was known of it.
pub(super) async fn join(
    conn: &mut Conn<'_>,
    org: &OrgId,
    call_id: &CallId,
    id: &ParticipantId,
    member: &Member,
) -> Result<(), StoreError> {
    on!(conn, c => {
        diesel::insert_into(participants::table)
            .values(NewParticipant {
                id: id.as_str(),
                org_id: org.as_str(),
                call_id: call_id.as_str(),
                user_id: member.user_id.as_str(),
                joined_at: At(member.joined_at),
                left_at: None,
                leave_reason: None,
                hidden: member.hidden,
                shown: member.into(),
            })
            .on_conflict(participants::id)
            .do_update()
            .set((
                Shown::from(member),
                participants::left_at.eq(None::<At>),
                participants::leave_reason.eq(None::<String>),
            ))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// Nobody in this call sends anything.
pub(super) async fn silence(conn: &mut Conn<'_>, call_id: &CallId) -> Result<(), StoreError> {
    on!(conn, c => {
        diesel::update(participants::table)
            .filter(participants::call_id.eq(call_id.as_str()))
            .filter(participants::left_at.is_null())
            .set((
                participants::audio.eq(false),
                participants::video.eq(false),
                participants::screen.eq(false),
                participants::hand.eq(false),
            ))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// The users whom a moderator removed from a call, and the members who left it.
pub(super) async fn gone(
    conn: &mut Conn<'_>,
    call_id: &CallId,
) -> Result<(Vec<UserId>, Vec<Member>), StoreError> {
    let rows: Vec<(Option<String>, ParticipantRow)> = on!(conn, c => {
        participants::table
            .filter(participants::call_id.eq(call_id.as_str()))
            .filter(participants::left_at.is_not_null())
            .order((participants::joined_at, participants::id))
            .select((participants::leave_reason, ParticipantRow::as_select()))
            .load(c)
            .await
    })?;
    let (mut removed, mut past) = (Vec::new(), Vec::new());
    for (reason, row) in rows {
        let member: Member = row.try_into()?;
        if reason == Some(word(LeaveReason::Removed)) {
            removed.push(member.user_id.clone());
        }
        past.push(member);
    }
    Ok((removed, past))
}

/// Somebody's role, microphone, camera, screen or hand changed. A presence that was never written changes nothing.
pub(super) async fn change(
    conn: &mut Conn<'_>,
    id: &ParticipantId,
    member: &Member,
) -> Result<(), StoreError> {
    on!(conn, c => {
        diesel::update(participants::table.find(id.as_str()))
            .set(Shown::from(member))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// Somebody may do something else now.
pub(super) async fn change_role(
    conn: &mut Conn<'_>,
    id: &ParticipantId,
    role: Role,
) -> Result<(), StoreError> {
    on!(conn, c => {
        diesel::update(participants::table.find(id.as_str()))
            .set(participants::role.eq(word(role)))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// Somebody is out; the first reason counts. Who was turned away at the door has no row, and needs none.
pub(super) async fn leave(
    conn: &mut Conn<'_>,
    id: &ParticipantId,
    reason: LeaveReason,
    at: Timestamp,
) -> Result<(), StoreError> {
    on!(conn, c => {
        diesel::update(participants::table.find(id.as_str()))
            .filter(participants::left_at.is_null())
            .set((
                participants::left_at.eq(At(at)),
                participants::leave_reason.eq(word(reason)),
            ))
            .execute(c)
            .await
    })?;
    Ok(())
}
