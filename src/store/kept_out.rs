//! Whom a moderator put out of a call, so that a token of theirs brings nobody back in.

use calls_model::{CallId, Fact, LeaveReason, ParticipantId, UserId};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use diesel_async::RunQueryDsl;

use super::Store;
use super::db::{Conn, on};
use super::error::StoreError;
use super::schema::{facts, participants};
use super::sql_types::JsonText;
use super::words::{value, word};

/// Why somebody may not come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptOut {
    /// A moderator removed them.
    Removed,
    /// A moderator did not let them in from the waiting room.
    Denied,
}

impl KeptOut {
    fn by(reason: LeaveReason) -> Option<Self> {
        match reason {
            LeaveReason::Removed => Some(Self::Removed),
            LeaveReason::Denied => Some(Self::Denied),
            LeaveReason::Left
            | LeaveReason::Kicked
            | LeaveReason::TimedOut
            | LeaveReason::Replaced
            | LeaveReason::CallEnded
            | LeaveReason::Crashed
            | LeaveReason::ServerShutdown => None,
        }
    }
}

impl Store {
    /// Whether a moderator put this user out of this call, or this presence at its door.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn kept_out(
        &self,
        call: &CallId,
        presence: &ParticipantId,
        user: &UserId,
    ) -> Result<Option<KeptOut>, StoreError> {
        let (call, presence, user) = (call.clone(), presence.clone(), user.clone());
        self.run(
            |db| async move { find(&mut db.reader().await?.conn(), &call, &presence, &user).await },
        )
        .await
    }
}

/// Whether this user was put out of this call, in whichever presence, or this presence at its door.
async fn find(
    conn: &mut Conn<'_>,
    call_id: &CallId,
    id: &ParticipantId,
    user_id: &UserId,
) -> Result<Option<KeptOut>, StoreError> {
    match presences(conn, call_id, user_id).await? {
        Some(Inside::Removed) => Ok(Some(KeptOut::Removed)),
        Some(Inside::Welcome) | None => at_the_door(conn, call_id, id).await,
    }
}

/// Whether this user was inside this call and was not put out of it.
pub(super) async fn was_welcome(
    conn: &mut Conn<'_>,
    call_id: &CallId,
    user_id: &UserId,
) -> Result<bool, StoreError> {
    let inside = presences(conn, call_id, user_id).await?;
    Ok(inside == Some(Inside::Welcome))
}

/// How somebody stands who was inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Welcome,
    /// A moderator removed them, in whichever presence.
    Removed,
}

/// How this user stands in this call; `None` where they never were inside.
async fn presences(
    conn: &mut Conn<'_>,
    call_id: &CallId,
    user_id: &UserId,
) -> Result<Option<Inside>, StoreError> {
    let reasons: Vec<Option<String>> = on!(conn, c => {
        participants::table
            .filter(participants::call_id.eq(call_id.as_str()))
            .filter(participants::user_id.eq(user_id.as_str()))
            .select(participants::leave_reason)
            .load(c)
            .await
    })?;
    let put_out = word(LeaveReason::Removed);
    let removed = reasons
        .iter()
        .any(|reason| reason.as_ref() == Some(&put_out));
    Ok(if removed {
        Some(Inside::Removed)
    } else {
        (!reasons.is_empty()).then_some(Inside::Welcome)
    })
}

/// Who was turned away at the door has no row, only the fact.
async fn at_the_door(
    conn: &mut Conn<'_>,
    call_id: &CallId,
    id: &ParticipantId,
) -> Result<Option<KeptOut>, StoreError> {
    let told: Vec<JsonText> = on!(conn, c => {
        facts::table
            .filter(facts::subject.eq(call_id.as_str()))
            .filter(facts::name.eq("participant.left"))
            .filter(sql::<Bool>("CAST(body AS text) LIKE ").bind::<Text, _>(format!("%{id}%")))
            .select(facts::body)
            .load(c)
            .await
    })?;
    for JsonText(fact) in told {
        if let Fact::ParticipantLeft {
            participant_id,
            reason,
            ..
        } = value("fact", fact)?
            && participant_id == *id
        {
            return Ok(KeptOut::by(reason));
        }
    }
    Ok(None)
}
