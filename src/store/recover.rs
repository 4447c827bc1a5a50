//! After a restart: what was live when the last server went down is over.

use calls_model::{EndReason, Fact, LeaveReason, Timestamp};

use super::db::Conn;
use super::error::StoreError;
use super::{calls, facts, participants, replies};

/// What a restart had to close.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Calls that ended as `failed`.
    pub calls: usize,
    /// Presences that left as `crashed`.
    pub participants: usize,
}

/// Closes calls that are still live and presences that are still inside, and tells it in facts; inside the
/// transaction that the connection is in. A call that was talking has lasted until now, as far as anybody knows.
pub(super) async fn close_live(
    conn: &mut Conn<'_>,
    now: Timestamp,
) -> Result<Recovered, StoreError> {
    let present = participants::present(conn).await?;
    let live = calls::live(conn).await?;
    let recovered = Recovered {
        calls: live.len(),
        participants: present.len(),
    };

    let left = present
        .into_iter()
        .map(|(call_id, participant_id)| Fact::ParticipantLeft {
            call_id,
            participant_id,
            reason: LeaveReason::Crashed,
            at: now,
        });
    let ended = live
        .into_iter()
        .map(|(call_id, started_at)| Fact::CallEnded {
            call_id,
            reason: EndReason::Failed,
            duration_seconds: started_at.map_or(0, |start| now.seconds_since(start)),
            at: now,
        });
    let told: Vec<Fact> = left.chain(ended).collect();
    facts::record(conn, &told, now).await?;
    replies::forget_running(conn).await?;
    Ok(recovered)
}
