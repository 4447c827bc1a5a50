//! What the shell should do after a decision.

use calls_model::{LeaveReason, Member, ParticipantId, Role};

/// One thing to tell, to write down or to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Somebody is inside.
    Joined(ParticipantId),
    /// Somebody who waited may come in.
    Admitted(ParticipantId),
    /// Somebody inside changed.
    Updated(ParticipantId),
    /// Somebody's microphone, camera or screen went on or off.
    MediaChanged(ParticipantId),
    /// Somebody's hand went up or down.
    Hand(ParticipantId, bool),
    /// Somebody's role changed.
    RoleGiven(ParticipantId, Role),
    /// Somebody's socket dropped.
    Reconnecting(ParticipantId),
    /// Somebody who was inside is out.
    Left(Box<Member>, LeaveReason),
    /// Somebody who waited is out.
    Dismissed(ParticipantId, LeaveReason),
    /// Others wait now, or at other positions.
    QueueChanged,
    /// Nobody is inside any more.
    Empty,
}
