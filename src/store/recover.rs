//! After a restart: what was live when the last server went down goes on, unless that is too long ago for anybody to
//! come back.

use std::collections::HashSet;
use std::time::Duration;

use calls_actors::calls::Interrupted;
use calls_model::{
    Call, CallId, EndReason, Fact, Interruption, LeaveReason, ParticipantId, Timestamp,
};

use super::Store;
use super::db::Conn;
use super::error::StoreError;
use super::{calls, facts, participants, recordings, replies, rooms, transcripts};

/// A server that was down for longer has nobody to wait for: clients give up after two minutes.
pub const FORGOTTEN_AFTER: Duration = Duration::from_secs(150);

/// What a restart found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recovered {
    /// Calls that go on.
    pub live: Vec<Interrupted>,
    /// Calls that ended as `failed`, for it was too long.
    pub closed: usize,
    /// Presences that left as `crashed`.
    pub left: usize,
}

impl Store {
    /// Finds what was live when the last server went down, and tells what becomes of it: calls go on; where that was too
    /// long ago, they end as `failed` and presences leave as `crashed`. To be called once, before the first call of
    /// this server.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn recover(&self, now: Timestamp) -> Result<Recovered, StoreError> {
        self.run(move |db| async move {
            let mut lease = db.writer().await?;
            lease.begin().await?;
            let outcome = recover(&mut lease.conn(), now).await;
            lease.finish(outcome).await
        })
        .await
    }

    /// Writes down that the server is up.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn alive(&self, now: Timestamp) -> Result<(), StoreError> {
        self.run(move |db| async move { facts::alive(&mut db.writer().await?.conn(), now).await })
            .await
    }
}

/// Tells in facts what became of calls that are live and of presences that are inside; inside the transaction that the
/// connection is in.
async fn recover(conn: &mut Conn<'_>, now: Timestamp) -> Result<Recovered, StoreError> {
    let live = calls::live(conn, now).await?;
    let present = participants::present(conn).await?;
    let down_since = facts::last_alive(conn).await?.map_or(now, |at| at.min(now));
    let lasts = now.seconds_since(down_since) <= FORGOTTEN_AFTER.as_secs();
    let (told, recovered) = if lasts {
        go_on(conn, live, present, down_since, now).await?
    } else {
        close(live, present, down_since)
    };
    facts::record(conn, &told, now).await?;
    facts::alive(conn, now).await?;
    replies::cut_off(conn).await?;
    Ok(recovered)
}

async fn go_on(
    conn: &mut Conn<'_>,
    live: Vec<Call>,
    present: Vec<(CallId, ParticipantId)>,
    from: Timestamp,
    now: Timestamp,
) -> Result<(Vec<Fact>, Recovered), StoreError> {
    let mut told = Vec::new();
    let ids: HashSet<&CallId> = live.iter().map(|call| &call.call_id).collect();
    let orphans = present.into_iter().filter(|(call, _)| !ids.contains(call));
    told.extend(orphans.map(|orphan| left(orphan, from)));
    let mut recovered = Recovered {
        left: told.len(),
        ..Recovered::default()
    };
    for mut call in live {
        call.interruptions.push(Interruption { from, until: now });
        told.push(Fact::CallRecovered {
            call_id: call.call_id.clone(),
            from,
            at: now,
        });
        let (removed, past) = participants::gone(conn, &call.call_id).await?;
        let room = match &call.room_id {
            Some(id) => rooms::find(conn, id).await?.map(|found| found.room),
            None => None,
        };
        recovered.live.push(Interrupted {
            room,
            past,
            removed,
            rejected: facts::rejected(conn, call.call_id.as_str()).await?,
            recording: recordings::running(conn, &call.call_id, now).await?,
            language: if call.transcription {
                transcripts::language(conn, &call.call_id).await?
            } else {
                None
            },
            call,
        });
    }
    Ok((told, recovered))
}

/// A call that was talking has lasted for as long as the server is known to have been there.
fn close(
    live: Vec<Call>,
    present: Vec<(CallId, ParticipantId)>,
    at: Timestamp,
) -> (Vec<Fact>, Recovered) {
    let recovered = Recovered {
        live: Vec::new(),
        closed: live.len(),
        left: present.len(),
    };
    let left = present.into_iter().map(|one| left(one, at));
    let transcribed = live.iter().filter(|call| call.transcription);
    let stopped = transcribed.map(|call| Fact::TranscriptionStopped {
        call_id: call.call_id.clone(),
        at,
    });
    let stopped: Vec<Fact> = stopped.collect();
    let ended = live.into_iter().map(|call| Fact::CallEnded {
        call_id: call.call_id,
        reason: EndReason::Failed,
        duration_seconds: call.started_at.map_or(0, |start| at.seconds_since(start)),
        at,
    });
    (left.chain(stopped).chain(ended).collect(), recovered)
}

fn left((call_id, participant_id): (CallId, ParticipantId), at: Timestamp) -> Fact {
    Fact::ParticipantLeft {
        call_id,
        participant_id,
        reason: LeaveReason::Crashed,
        at,
    }
}
