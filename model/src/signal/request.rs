//! What a client asks.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ChatText, Language, ParticipantId, RecordingMode, Role, Source};

/// What a client sends: `t` and `d`, beside an optional request number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClientFrame {
    /// Asks for an `ok` or `error` with the same number in `re`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// What is asked.
    #[serde(flatten)]
    pub request: Request,
}

/// What a client may ask.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "t", content = "d", rename_all = "snake_case")]
pub enum Request {
    /// First frame, within 5 s.
    Hello(Hello),
    /// A new SDP offer: the first one, one with more m-lines, or an ICE restart. The `ok` holds [`Answer`].
    Offer(Offer),
    /// A remote candidate; optional, the server learns addresses by itself.
    Candidate(Candidate),
    /// What is on screen now.
    View(View),
    /// Mute or unmute an own source.
    Mute(Mute),
    /// Raise or lower the own hand.
    Hand(Hand),
    /// Say something in writing.
    Chat(Chat),
    /// A message between applications.
    Data(Data),
    /// Moderate.
    Mod(Moderation),
    /// Start or stop the recording; moderators only.
    Record(Record),
    /// Start or stop the transcription; moderators only.
    Transcribe(Transcribe),
    /// Go, for good.
    Leave(Empty),
    /// The client's own `getStats` digest.
    Stats(ClientStats),
}

/// `{}`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Empty {}

/// Who is at the other end of the socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hello {
    /// The join token.
    pub token: String,
    /// Comes back instead of coming in. Where the server does not know the session any more, or more was missed than it
    /// keeps (512 events, 256 KiB), it begins anew: `welcome` names another `session`, and the client offers again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<Resume>,
}

/// Picks up a session whose socket dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Resume {
    /// `session` of the `welcome`.
    pub session: String,
    /// The last `seq` that was seen.
    pub last_seq: u64,
}

/// An SDP offer and what its m-lines carry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Offer {
    /// RFC 8866.
    pub sdp: String,
    /// Names what the client sends on; m-lines that only receive are slots.
    #[serde(default)]
    pub publish: Vec<PublishedMid>,
}

/// One m-line that the client sends on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublishedMid {
    /// `a=mid` of the m-line.
    pub mid: String,
    /// What it shows or carries.
    pub source: Source,
}

/// `d` of the `ok` to an [`Offer`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Answer {
    /// RFC 8866.
    pub sdp: String,
}

/// A trickled candidate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Candidate {
    /// `candidate:…` (RFC 8839 §5.1), or empty at the end.
    pub candidate: String,
}

/// What is on screen: slots that are not named show nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct View {
    /// At most one entry per mid.
    pub slots: Vec<ViewSlot>,
}

/// What one video slot should show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ViewSlot {
    /// The slot's m-line.
    pub mid: String,
    /// Pinned to this participant; else the active speakers take turns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub participant_id: Option<ParticipantId>,
    /// Camera where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
    /// Width on screen, in device pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Height on screen, in device pixels; 0 hides the slot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
}

/// Mutes or unmutes an own source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Mute {
    /// Which.
    pub source: Source,
    /// Which way.
    pub muted: bool,
}

/// Raises or lowers a hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Hand {
    /// Up.
    pub up: bool,
}

/// A chat message on its way in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Chat {
    /// What is said.
    pub text: ChatText,
    /// To one participant only; else to all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<ParticipantId>,
}

/// An application message on its way in; at most 16 KiB as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Data {
    /// 1 to 64 characters.
    pub topic: String,
    /// Any JSON.
    #[schema(value_type = Object)]
    pub payload: serde_json::Value,
    /// To one participant only; else to all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<ParticipantId>,
}

/// What a moderator asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Moderation {
    /// Mutes one source (the microphone where it is left out).
    Mute {
        /// Whose.
        participant_id: ParticipantId,
        /// Which.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<Source>,
    },
    /// Mutes every microphone but moderators'.
    MuteAll,
    /// Puts somebody out for good: they do not come in again while the call lives.
    Remove {
        /// Whom.
        participant_id: ParticipantId,
    },
    /// Puts somebody out, who may come in again.
    Kick {
        /// Whom.
        participant_id: ParticipantId,
    },
    /// Lets somebody in from the waiting room.
    Admit {
        /// Whom.
        participant_id: ParticipantId,
    },
    /// Lets everybody in from the waiting room, first come first, as long as there is room.
    AdmitAll,
    /// Does not.
    Deny {
        /// Whom.
        participant_id: ParticipantId,
    },
    /// Gives a role; giving `host` hands the own one over.
    Role {
        /// To whom.
        participant_id: ParticipantId,
        /// Which.
        role: Role,
    },
    /// Locks or unlocks the door.
    Lock {
        /// Which way.
        locked: bool,
    },
    /// Lowers all hands.
    LowerHands,
    /// Lowers one hand.
    LowerHand {
        /// Whose.
        participant_id: ParticipantId,
    },
    /// Asks somebody to unmute; nobody is unmuted by others.
    AskUnmute {
        /// Whom.
        participant_id: ParticipantId,
        /// What (the microphone where it is left out).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<Source>,
    },
    /// Shows somebody large to everybody.
    Spotlight {
        /// Whom; null or left out: nobody any more.
        #[serde(default)]
        participant_id: Option<ParticipantId>,
    },
    /// Says what those who do not moderate may do; what is left out stays as it is.
    Permit {
        /// Write in the chat.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        chat: Option<bool>,
        /// Share a screen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        screen: Option<bool>,
        /// Share files.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        files: Option<bool>,
    },
}

/// Starts or stops the recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Record {
    /// Start, or stop.
    pub on: bool,
    /// What it is made of; `composite` where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<RecordingMode>,
}

/// Starts or stops the transcription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Transcribe {
    /// Start, or stop.
    pub on: bool,
    /// What is to be understood; the server's own default where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
}

/// The client's own `getStats` digest; unknown keys are kept for the quality history.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClientStats {
    /// Round-trip time of the selected candidate pair.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtt_ms: Option<f64>,
    /// Lost share of what was sent to it, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// Frozen pictures since the last digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freezes: Option<u32>,
}
