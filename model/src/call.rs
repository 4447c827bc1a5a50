//! A call: its wire form and the table of its life.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{CallId, Member, OrgId, RoomId, Timestamp, UserId};

/// What is offered to the ears and eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallType {
    /// Microphones only.
    Audio,
    /// Microphones, cameras and screens.
    Video,
}

/// What shape of conversation it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallKind {
    /// Two users.
    OneToOne,
    /// One user rings several.
    Group,
    /// A session of a room.
    Conference,
    /// A user and a bot.
    Bot,
}

/// Where a call stands, as the wire says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CallStatus {
    /// Made, nobody rung yet.
    Initiated,
    /// At least one callee's device rings.
    Ringing,
    /// People talk.
    Active,
    /// Over.
    Ended,
}

/// Why a call is over. Every way out has a name; there is no "unknown".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// Answered, then hung up, or the room emptied.
    Completed,
    /// Every callee is in another call.
    Busy,
    /// Every callee said no.
    Rejected,
    /// Nobody answered in time.
    NoAnswer,
    /// The caller gave up before anyone answered.
    Canceled,
    /// The server could not go on with it.
    Failed,
}

/// A time in which the server was down and a call lived on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Interruption {
    /// When the server was last known to be up.
    pub from: Timestamp,
    /// When it was up again.
    pub until: Timestamp,
}

/// The seed's `Call`, with our additions after its own keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Call {
    /// Its id.
    pub call_id: CallId,
    /// Audio or video.
    #[serde(rename = "type")]
    pub call_type: CallType,
    /// Where it stands.
    pub status: CallStatus,
    /// Who is in it now; after its end, who was.
    pub participants: Vec<Member>,
    /// When it was answered (for a room: when the first member came in); null until then.
    #[schema(required = true)]
    pub started_at: Option<Timestamp>,
    /// Whole seconds since `started_at`, until now or its end; 0 until answered.
    pub duration_seconds: u64,
    /// A recording runs.
    pub recording: bool,
    /// A transcription runs.
    pub transcription: bool,
    /// One-to-one, group, conference or bot.
    #[serde(default = "one_to_one")]
    #[schema(required = true)]
    pub kind: CallKind,
    /// The room whose session this is.
    #[serde(default)]
    #[schema(required = true)]
    pub room_id: Option<RoomId>,
    /// Who rang.
    #[serde(default)]
    #[schema(required = true)]
    pub from: Option<UserId>,
    /// Who was rung: user ids.
    #[serde(default)]
    #[schema(required = true)]
    pub to: Vec<UserId>,
    /// Why it is over; null while it is not.
    #[serde(default)]
    #[schema(required = true)]
    pub end_reason: Option<EndReason>,
    /// When it was made.
    #[serde(default)]
    #[schema(required = true)]
    pub created_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default)]
    #[schema(required = true)]
    pub ended_at: Option<Timestamp>,
    /// When the server was down while it lived; left out where it never was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub interruptions: Vec<Interruption>,
    /// What the caller attached to it; ours to keep, not to read.
    #[serde(default)]
    #[schema(required = true, value_type = Object)]
    pub metadata: serde_json::Map<String, serde_json::Value>,
    /// Whose call it is; left out where it is that of the only tenant, `default`.
    #[serde(default, skip_serializing_if = "OrgId::is_default")]
    pub org_id: OrgId,
}

impl Call {
    /// Without those whom others in the call are not to learn of.
    #[must_use]
    pub fn as_members_see_it(mut self) -> Self {
        self.participants.retain(|member| !member.hidden);
        self
    }
}

fn one_to_one() -> CallKind {
    CallKind::OneToOne
}

/// Where a call is in its life.
///
/// ```text
/// Initiated ──Ring──▶ Ringing ──Answer──▶ Active ──HangUp──▶ Ended(Completed)
///    │                   ├──Reject──▶ Ended(Rejected)  └──Fail──▶ Ended(Failed)
///    │                   ├──Cancel──▶ Ended(Canceled)
///    │                   └──Expire──▶ Ended(NoAnswer)
///    ├──Answer──▶ Active          (the first join of a room, or an answer by REST before any device rang)
///    ├──Busy──▶ Ended(Busy)
///    └──Reject, Cancel, Expire, Fail as from Ringing
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallState {
    /// Made; no device rings yet.
    Initiated,
    /// Invitations are out, no media yet.
    Ringing,
    /// Somebody answered.
    Active,
    /// Terminal: nothing leaves this state.
    Ended(EndReason),
}

/// What can happen to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallInput {
    /// A callee's device was reached.
    Ring,
    /// A callee accepted, or the first member of a room came in.
    Answer,
    /// The last callee said no.
    Reject,
    /// Every callee is in another call.
    Busy,
    /// The caller gave up, by the verb for it.
    Cancel,
    /// Somebody with the right to end it did, or the last one left.
    HangUp,
    /// The ringing timer ran out.
    Expire,
    /// The server cannot go on.
    Fail,
}

/// The input makes no sense in the present state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("call is {state}, cannot take {input:?}")]
pub struct IllegalMove {
    /// Where the call was.
    pub state: CallState,
    /// What was asked of it.
    pub input: CallInput,
}

impl CallState {
    /// Returns the next state, or says why there is none.
    ///
    /// # Errors
    ///
    /// [`IllegalMove`] when the table has no arrow for this pair.
    pub fn on(self, input: CallInput) -> Result<Self, IllegalMove> {
        use CallInput::{Answer, Busy, Cancel, Expire, Fail, HangUp, Reject, Ring};
        use CallState::{Active, Ended, Initiated, Ringing};

        match (self, input) {
            (Initiated | Ringing, Ring) => Ok(Ringing),
            (Initiated | Ringing, Answer) => Ok(Active),
            (Initiated | Ringing, Reject) => Ok(Ended(EndReason::Rejected)),
            (Initiated | Ringing, Busy) => Ok(Ended(EndReason::Busy)),
            (Initiated | Ringing, Cancel | HangUp) => Ok(Ended(EndReason::Canceled)),
            (Initiated | Ringing, Expire) => Ok(Ended(EndReason::NoAnswer)),
            (Active, Ring | Answer | Expire) => Ok(Active), // a second device, a late timer: no error
            (Active, HangUp) => Ok(Ended(EndReason::Completed)),
            (Initiated | Ringing | Active, Fail) => Ok(Ended(EndReason::Failed)),
            (state @ Ended(_), HangUp | Expire | Fail | Ring) => Ok(state), // ending twice is polite
            (state @ Active, input @ (Reject | Busy | Cancel))
            | (state @ Ended(_), input @ (Answer | Reject | Busy | Cancel)) => {
                Err(IllegalMove { state, input })
            }
        }
    }

    /// The wire's word for it.
    pub fn status(self) -> CallStatus {
        match self {
            Self::Initiated => CallStatus::Initiated,
            Self::Ringing => CallStatus::Ringing,
            Self::Active => CallStatus::Active,
            Self::Ended(_) => CallStatus::Ended,
        }
    }

    /// Why it is over, if it is.
    pub fn end_reason(self) -> Option<EndReason> {
        match self {
            Self::Ended(reason) => Some(reason),
            Self::Initiated | Self::Ringing | Self::Active => None,
        }
    }
}

impl std::fmt::Display for CallState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Initiated => "initiated",
            Self::Ringing => "ringing",
            Self::Active => "active",
            Self::Ended(_) => "ended",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unanswered_call_ends_with_no_answer() {
        let ended = CallState::Ringing.on(CallInput::Expire).unwrap();
        assert_eq!(ended, CallState::Ended(EndReason::NoAnswer));
    }

    #[test]
    fn an_ended_call_keeps_its_reason_and_cannot_be_answered() {
        let ended = CallState::Ended(EndReason::Rejected);
        assert_eq!(ended.on(CallInput::HangUp), Ok(ended));
        assert!(ended.on(CallInput::Answer).is_err());
    }

    #[test]
    fn an_answered_call_cannot_be_canceled_only_ended() {
        assert!(CallState::Active.on(CallInput::Cancel).is_err());
        let ended = CallState::Active.on(CallInput::HangUp).unwrap();
        assert_eq!(ended.end_reason(), Some(EndReason::Completed));
    }
}
