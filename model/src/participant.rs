//! Somebody in a call: wire form, role, sources, and the table of a presence.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{DisplayName, ParticipantId, Timestamp, UserId};

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Owns the call; hands the role over by leaving.
    Host,
    /// Moderates beside the host.
    Moderator,
    /// Takes part.
    Participant,
    /// A program that takes part.
    Bot,
    /// A human agent of a contact centre.
    Agent,
    /// Watches and listens only.
    Observer,
}

impl Role {
    /// May mute, remove, admit and lock.
    pub fn moderates(self) -> bool {
        matches!(self, Self::Host | Self::Moderator)
    }

    /// May send media.
    pub fn publishes(self) -> bool {
        !matches!(self, Self::Observer)
    }
}

/// What a track shows or carries.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A voice.
    Microphone,
    /// A face.
    Camera,
    /// A shared screen, window or tab.
    Screen,
    /// The sound of what is shared.
    ScreenAudio,
}

impl Source {
    /// Heard rather than seen.
    pub fn is_audio(self) -> bool {
        matches!(self, Self::Microphone | Self::ScreenAudio)
    }
}

/// A participant as the wire shows it: the seed's five keys, then ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Member {
    /// The application's user.
    pub user_id: UserId,
    /// What they may do.
    pub role: Role,
    /// Their microphone is published and not muted.
    pub audio: bool,
    /// Their camera is published and not muted.
    pub video: bool,
    /// When they came in.
    pub joined_at: Timestamp,
    /// This presence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant_id: Option<ParticipantId>,
    /// What their tile shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<DisplayName>,
    /// They share a screen.
    #[serde(default)]
    #[schema(required = true)]
    pub screen: bool,
    /// Their hand is up.
    #[serde(default)]
    #[schema(required = true)]
    pub hand: bool,
    /// Their socket dropped and may come back.
    #[serde(default)]
    #[schema(required = true)]
    pub reconnecting: bool,
    /// When they left; null while they are here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_at: Option<Timestamp>,
    /// Others in the call do not learn of them: they only hear and see. Told to applications that may moderate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hidden: bool,
}

/// Why a presence is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LeaveReason {
    /// They left.
    Left,
    /// A moderator removed them, for good.
    Removed,
    /// A moderator put them out; they may come in again.
    Kicked,
    /// They were not let in from the waiting room.
    Denied,
    /// Their connection did not come back in time.
    TimedOut,
    /// The same user came in again from elsewhere.
    Replaced,
    /// The call ended.
    CallEnded,
    /// The actor that served them crashed; the client rejoins by itself.
    Crashed,
    /// The server is going down.
    ServerShutdown,
}

/// Where a presence is in its life.
///
/// ```text
/// Waiting ──Admit──▶ Joining ──Attach──▶ Present ──Detach──▶ Reconnecting ──Attach──▶ Present
///    │                  │                   │                     │
///    └────────────── Leave(reason) from anywhere ────────────────▶ Gone(reason)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberState {
    /// In the waiting room.
    Waiting,
    /// Let in; no socket has said hello yet.
    Joining,
    /// A socket is attached.
    Present,
    /// The socket dropped; the place is kept for a while.
    Reconnecting,
    /// Terminal.
    Gone(LeaveReason),
}

/// What can happen to a presence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberInput {
    /// A moderator lets them in.
    Admit,
    /// A socket said hello with their token.
    Attach,
    /// The socket is gone.
    Detach,
    /// They are out, and why.
    Leave(LeaveReason),
}

impl MemberState {
    /// The next state. Total: late and repeated inputs change nothing.
    #[must_use]
    pub fn on(self, input: MemberInput) -> Self {
        use MemberInput::{Admit, Attach, Detach, Leave};
        use MemberState::{Gone, Joining, Present, Reconnecting, Waiting};

        match (self, input) {
            (Waiting, Admit) => Joining,
            (Waiting, Attach | Detach) => Waiting, // a waiting client has a socket, but no place yet
            (Joining | Reconnecting | Present, Attach) => Present,
            (Present, Detach) => Reconnecting,
            (state @ (Joining | Present | Reconnecting), Admit) => state,
            (state @ (Joining | Reconnecting), Detach) => state,
            (Gone(reason), Admit | Attach | Detach | Leave(_)) => Gone(reason),
            (Waiting | Joining | Present | Reconnecting, Leave(reason)) => Gone(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_socket_keeps_the_place() {
        let state = MemberState::Present.on(MemberInput::Detach);
        assert_eq!(state, MemberState::Reconnecting);
        assert_eq!(state.on(MemberInput::Attach), MemberState::Present);
    }

    #[test]
    fn the_first_reason_to_leave_stays() {
        let gone = MemberState::Present.on(MemberInput::Leave(LeaveReason::Removed));
        assert_eq!(gone.on(MemberInput::Leave(LeaveReason::Left)), gone);
        assert_eq!(gone.on(MemberInput::Attach), gone);
    }

    #[test]
    fn a_waiting_client_comes_in_only_by_being_admitted() {
        assert_eq!(
            MemberState::Waiting.on(MemberInput::Attach),
            MemberState::Waiting
        );
        assert_eq!(
            MemberState::Waiting.on(MemberInput::Admit),
            MemberState::Joining
        );
    }
}
