//! Facts: made true in the tables, and kept in the order of their commits.

mod read;

use std::collections::HashMap;

use calls_model::{EventId, Fact, Interruption, OrgId, Timestamp, UserId};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::db::{Conn, on};
use super::error::StoreError;
use super::outbox::Kept;
use super::schema::{facts, journal_head};
use super::sql_types::{At, JsonText};
use super::words::{document, value};
use super::{calls, files, outbox, participants, recorded_speech, recordings, rooms, transcripts};

pub use self::read::StoredFact;
pub(super) use self::read::events;

#[derive(Insertable)]
#[diesel(table_name = facts)]
struct NewFact<'a> {
    position: i64,
    org_id: &'a str,
    id: &'a str,
    subject: &'a str,
    seq: i64,
    name: &'a str,
    at: At,
    body: JsonText,
}

/// Makes the facts true, keeps them, and writes down who is to be told, inside the transaction that the connection is in.
pub(super) async fn record(
    conn: &mut Conn<'_>,
    facts: &[Fact],
    now: Timestamp,
) -> Result<(), StoreError> {
    let first = reserve(conn, facts.len()).await?;
    let mut last_of: HashMap<&str, (i64, OrgId)> = HashMap::new();
    let mut kept = Vec::with_capacity(facts.len());
    let mut told_before = None; // a recording is asked for once, however much is said in it
    for (position, fact) in (first..).zip(facts) {
        let told = recorded_speech::understood(fact);
        if let Some(id) = told.filter(|_| told != told_before) {
            recorded_speech::may_be_told(conn, id).await?;
        }
        told_before = told;
        let subject = fact.subject();
        let (seq, org) = match last_of.get(subject) {
            Some((last, org)) => (last + 1, org.clone()),
            None => (
                last_seq(conn, subject).await? + 1,
                org_of(conn, fact).await?,
            ),
        };
        apply(conn, &org, fact).await?;
        last_of.insert(subject, (seq, org.clone()));
        let id = EventId::new();
        let at = fact.at().unwrap_or(now);
        keep(conn, fact, (&id, &org), (position, seq), at).await?;
        kept.push(Kept {
            id,
            org,
            position,
            name: fact.name(),
            at,
        });
    }
    outbox::enqueue(conn, &kept, now).await
}

/// Whose room or call a fact is about. Where it is about none that is there, making it true says so.
async fn org_of(conn: &mut Conn<'_>, fact: &Fact) -> Result<OrgId, StoreError> {
    let found = match fact {
        Fact::RoomCreated { room, .. } => Some(room.org_id.clone()),
        Fact::RoomUpdated { room, .. } => rooms::org(conn, &room.room_id).await?,
        Fact::RoomDeleted { room_id, .. } => rooms::org(conn, room_id).await?,
        Fact::CallInitiated { call, .. } => Some(call.org_id.clone()),
        other => calls::org(conn, &value("call id", other.subject())?).await?,
    };
    Ok(found.unwrap_or_default())
}

/// As [`record`], for facts of which some may have been kept before.
pub(super) async fn record_new(conn: &mut Conn<'_>, facts: Vec<Fact>) -> Result<(), StoreError> {
    let mut new = Vec::with_capacity(facts.len());
    for fact in facts {
        if !is_kept(conn, &fact).await? {
            new.push(fact);
        }
    }
    if new.is_empty() {
        return Ok(());
    }
    record(conn, &new, chrono::Utc::now().into()).await
}

/// The very same thing at the very same moment happens once.
async fn is_kept(conn: &mut Conn<'_>, fact: &Fact) -> Result<bool, StoreError> {
    let Some(at) = fact.at() else {
        return Ok(false); // a change of a room: what it says may be said twice
    };
    let kept: Vec<JsonText> = on!(conn, c => {
        facts::table
            .filter(facts::subject.eq(fact.subject()))
            .filter(facts::name.eq(fact.name()))
            .filter(facts::at.eq(At(at)))
            .select(facts::body)
            .load(c)
            .await
    })?;
    Ok(kept.contains(&document(fact)))
}

/// Takes the next positions. Whoever writes facts meanwhile waits here until this transaction is over: so positions
/// are in the order of commits, and a reader who goes on from the last one it saw misses none.
async fn reserve(conn: &mut Conn<'_>, facts: usize) -> Result<i64, StoreError> {
    let facts = i64::try_from(facts).expect("that many facts fit in no memory");
    let last: i64 = on!(conn, c => {
        diesel::update(journal_head::table)
            .set(journal_head::position.eq(journal_head::position + facts))
            .returning(journal_head::position)
            .get_result(c)
            .await
    })?;
    Ok(last - facts + 1)
}

/// The position of the last fact that was kept.
pub(super) async fn head(conn: &mut Conn<'_>) -> Result<i64, StoreError> {
    Ok(on!(conn, c => journal_head::table.select(journal_head::position).first(c).await)?)
}

/// The server is up.
pub(super) async fn alive(conn: &mut Conn<'_>, now: Timestamp) -> Result<(), StoreError> {
    on!(conn, c => {
        diesel::update(journal_head::table)
            .set(journal_head::alive_at.eq(At(now)))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// When the server was last known to be up: it said so, or wrote a fact.
pub(super) async fn last_alive(conn: &mut Conn<'_>) -> Result<Option<Timestamp>, StoreError> {
    let said: Option<Option<At>> = on!(conn, c => {
        let query = journal_head::table.select(journal_head::alive_at);
        query.first(c).await.optional()
    })?;
    let wrote: Option<At> = on!(conn, c => {
        let query = facts::table.order(facts::position.desc()).select(facts::at);
        query.first(c).await.optional()
    })?;
    Ok(said.flatten().max(wrote).map(|At(at)| at))
}

/// Who said no to a call.
pub(super) async fn rejected(conn: &mut Conn<'_>, call: &str) -> Result<Vec<UserId>, StoreError> {
    let told: Vec<JsonText> = on!(conn, c => {
        facts::table
            .filter(facts::subject.eq(call))
            .filter(facts::name.eq("call.rejected"))
            .select(facts::body)
            .load(c)
            .await
    })?;
    let mut users = Vec::new();
    for JsonText(body) in told {
        if let Fact::CallRejected { user_id, .. } = value("fact", body)? {
            users.push(user_id);
        }
    }
    Ok(users)
}

async fn last_seq(conn: &mut Conn<'_>, subject: &str) -> Result<i64, StoreError> {
    let last: Option<i64> = on!(conn, c => {
        facts::table
            .filter(facts::subject.eq(subject))
            .select(diesel::dsl::max(facts::seq))
            .get_result(c)
            .await
    })?;
    Ok(last.unwrap_or(0))
}

async fn keep(
    conn: &mut Conn<'_>,
    fact: &Fact,
    (id, org): (&EventId, &OrgId),
    (position, seq): (i64, i64),
    at: Timestamp,
) -> Result<(), StoreError> {
    on!(conn, c => {
        diesel::insert_into(facts::table)
            .values(NewFact {
                position,
                org_id: org.as_str(),
                id: id.as_str(),
                subject: fact.subject(),
                seq,
                name: fact.name(),
                at: At(at),
                body: document(fact),
            })
            .execute(c)
            .await
    })?;
    Ok(())
}

/// The change that a fact tells of.
#[expect(clippy::too_many_lines, reason = "one arm for each fact")]
async fn apply(conn: &mut Conn<'_>, org: &OrgId, fact: &Fact) -> Result<(), StoreError> {
    match fact {
        Fact::RoomCreated {
            room,
            password_hash,
        } => rooms::insert(conn, room, password_hash.as_deref()).await,
        Fact::RoomUpdated {
            room,
            password_hash,
        } => rooms::update(conn, room, password_hash).await,
        Fact::RoomDeleted { room_id, at } => rooms::delete(conn, room_id, *at).await,
        Fact::CallInitiated { call, at } => calls::insert(conn, call, *at).await,
        Fact::CallRinging { call_id, .. } => calls::ring(conn, call_id).await,
        Fact::CallAnswered { call_id, at } => calls::answer(conn, call_id, *at).await,
        Fact::CallRejected { call_id, .. } => calls::made_at(conn, call_id).await.map(drop),
        Fact::CallRecovered { call_id, from, at } => {
            let gap = Interruption {
                from: *from,
                until: *at,
            };
            calls::go_on(conn, call_id, gap).await
        }
        Fact::CallEnded {
            call_id,
            reason,
            duration_seconds,
            at,
        } => calls::end(conn, call_id, *reason, *duration_seconds, *at).await,
        Fact::ParticipantJoined {
            call_id,
            participant_id,
            member,
            ..
        } => {
            let made_at = calls::made_at(conn, call_id).await?;
            calls::add_user(conn, org, call_id, made_at, &member.user_id).await?;
            participants::join(conn, org, call_id, participant_id, member).await
        }
        Fact::RoleChanged {
            participant_id,
            role,
            ..
        } => participants::change_role(conn, participant_id, *role).await,
        Fact::MediaChanged {
            participant_id,
            member,
            ..
        } => participants::change(conn, participant_id, member).await,
        Fact::ParticipantLeft {
            participant_id,
            reason,
            at,
            ..
        } => participants::leave(conn, participant_id, *reason, *at).await,
        Fact::RecordingRequested { recording } => recordings::insert(conn, org, recording).await,
        Fact::RecordingStarted {
            call_id,
            recording_id,
            at,
        } => recordings::start(conn, call_id, recording_id, *at).await,
        Fact::RecordingPaused {
            recording_id,
            paused,
            at,
            ..
        } => recordings::pause(conn, recording_id, *paused, *at).await,
        Fact::RecordingStopped {
            call_id,
            recording_id,
            at,
        } => recordings::stop(conn, call_id, recording_id, *at).await,
        Fact::RecordingProcessed {
            recording_id,
            files,
            duration_seconds,
            report,
            at,
            ..
        } => {
            let made = (files.as_slice(), *duration_seconds, &**report);
            recordings::process(conn, recording_id, made, *at).await
        }
        Fact::RecordingAvailable {
            recording_id,
            files,
            ..
        } => recordings::store(conn, recording_id, files).await,
        Fact::RecordingComposeRequested {
            recording_id,
            layout,
            ..
        } => recordings::compose(conn, recording_id, *layout).await,
        Fact::RecordingRecomposed { .. } => Ok(()), // as it was processed
        Fact::RecordingFailed {
            recording_id,
            reason,
            ..
        } => recordings::fail(conn, recording_id, reason).await,
        Fact::RecordingDeleted { recording_id, .. } => recordings::delete(conn, recording_id).await,
        Fact::RecordingTranscriptRequested { .. }
        | Fact::RecordingTranscribed { .. }
        | Fact::RecordingTranscriptFailed { .. } => recorded_speech::apply(conn, fact).await,
        Fact::FileShared { .. } | Fact::FileDeleted { .. } => files::apply(conn, org, fact).await,
        Fact::TranscriptionStarted { .. }
        | Fact::TranscriptionStopped { .. }
        | Fact::TranscriptionInterrupted { .. }
        | Fact::TranscriptionReplaced { .. }
        | Fact::UtteranceSpoken { .. } => transcripts::apply(conn, org, fact).await,
    }
}
