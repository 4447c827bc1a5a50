//! What the registry answers.

use actix::prelude::*;
use calls_model::rest::Admission;
use calls_model::{Call, CallId, Member, ParticipantId, Role, UserId};

use crate::participant::Participant;

/// What became of [`Initiate`](super::Initiate).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Initiated {
    /// The call; already ended where every callee was busy.
    pub call: Call,
    /// The caller's; none in a call that ended at once.
    pub seat: Option<Seat>,
    /// Who serves it.
    pub participant: Option<Addr<Participant>>,
}

/// A place in a call, for one presence of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// In which call.
    pub call_id: CallId,
    /// Which presence.
    pub participant_id: ParticipantId,
    /// Whose.
    pub user_id: UserId,
    /// What they may do.
    pub role: Role,
    /// Inside, or in the waiting room.
    pub admission: Admission,
}

/// A call, and the seat that the verb gave in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seated {
    /// The call as it stands.
    pub call: Call,
    /// The new seat.
    pub seat: Seat,
    /// Who serves it.
    pub participant: Addr<Participant>,
}

/// A room's present session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomNow {
    /// Its call.
    pub call_id: CallId,
    /// Who is inside, without those who wait.
    pub members: Vec<Member>,
    /// It is recorded.
    pub recording: bool,
    /// It is transcribed.
    pub transcription: bool,
}

/// What moderation came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Moderated {
    /// How many microphones fell silent by it.
    pub muted: u32,
    /// The member it was about, as they are now.
    pub member: Option<Member>,
}

/// A presence, found.
#[derive(Debug, Clone)]
pub struct Found {
    /// Which: a new one where the old one crashed, so tokens for it must be made from this.
    pub participant_id: ParticipantId,
    /// The actor that serves it.
    pub participant: Addr<Participant>,
}
