//! The signaling protocol `calls.v1`: JSON text frames over a WebSocket.
//!
//! A frame is `{"t": type, "id"?: request number, "re"?: number answered, "seq"?: event number, "d": {…}}`.
//! [`ClientFrame`] is what a client sends, [`ServerFrame`] what it hears.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    Call, CallId, ChatText, Member, ParticipantId, ProblemDetails, Role, Room, Source, Timestamp,
    UserId, rest::IceServer,
};

/// Name of the subprotocol (RFC 6455 §1.9).
pub const SUBPROTOCOL: &str = "calls.v1";

/// Largest frame that either side accepts, in bytes; an SDP fits.
pub const MAX_FRAME: usize = 256 * 1024;

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
    /// Puts somebody out.
    Remove {
        /// Whom.
        participant_id: ParticipantId,
    },
    /// Lets somebody in from the waiting room.
    Admit {
        /// Whom.
        participant_id: ParticipantId,
    },
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

/// What a client hears: an answer (`re`) or an event (`seq`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ServerFrame {
    /// The request that this answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub re: Option<u64>,
    /// Counts events of this session from 1; the last one seen goes into `resume`. Speakers, quality and welcomes are
    /// counted and not told again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What a client may hear.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "t", content = "d", rename_all = "snake_case")]
pub enum Event {
    /// The request was done; `d` depends on it (an [`Answer`], or `{}`).
    #[schema(value_type = Object)]
    Ok(serde_json::Value),
    /// The request was refused.
    Error(ProblemDetails),
    /// A user's own socket is open (its token names no call): calls that ring are told here.
    Ready(Ready),
    /// Inside: all there is to know. After a resume: again, with the state of now.
    Welcome(Box<Welcome>),
    /// In the waiting room.
    Waiting(Waiting),
    /// Let in: a `welcome` follows.
    Admitted(Empty),
    /// Not let in: a `bye` follows.
    Denied(Empty),
    /// Somebody came, changed or went.
    Participant(ParticipantEvent),
    /// Who is in which slot now.
    Slots(Slots),
    /// Who speaks, loudest first; at most 5 a second.
    Speakers(Vec<Speaker>),
    /// Layers of an own track that somebody watches.
    Layers(Layers),
    /// How good somebody's connection is.
    Quality(Quality),
    /// The call changed.
    Call(Call),
    /// The room changed.
    Room(Room),
    /// An own source was muted by a moderator.
    Muted(Mute),
    /// A chat message.
    Chat(ChatMessage),
    /// An application message.
    Data(DataMessage),
    /// A hand went up or down.
    Hand(HandEvent),
    /// Somebody waits to be let in (moderators hear it).
    Knock(Knock),
    /// A call rings for this user (heard on a user's own socket, see `GET /calls/ws`).
    Incoming(Incoming),
    /// Last word before every close.
    Bye(Bye),
}

/// First word to a user's own socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ready {
    /// Whose socket it is.
    pub user_id: UserId,
}

/// First word to a client that is inside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Welcome {
    /// Names this session, for `resume`.
    pub session: String,
    /// The token to resume with (the join token stays good too).
    pub resume_token: String,
    /// Who the client is.
    pub participant_id: ParticipantId,
    /// The call.
    pub call: Call,
    /// The room, where the call is a session of one.
    #[schema(required = true)]
    pub room: Option<Room>,
    /// Everybody inside, the client itself among them.
    pub roster: Vec<Member>,
    /// Chat messages so far, oldest first; the last 200, or the last 64 KiB of text.
    #[serde(default)]
    #[schema(required = true)]
    pub chat: Vec<ChatMessage>,
    /// STUN and TURN.
    pub ice_servers: Vec<IceServer>,
    /// What the server will not go beyond.
    pub limits: Limits,
}

/// What the server will not go beyond, per client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Limits {
    /// Bytes of one signaling frame.
    pub max_frame_bytes: u32,
    /// Signaling frames a second, on average.
    pub frames_per_second: u32,
    /// Audio slots that are worth offering.
    pub audio_slots: u32,
    /// Video slots that may be offered.
    pub video_slots: u32,
    /// Seconds that a dropped socket keeps its place.
    pub resume_seconds: u32,
}

/// Place in the waiting room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Waiting {
    /// 1 is next.
    pub position: u32,
    /// Somebody is inside who can let them in.
    #[serde(default)]
    #[schema(required = true)]
    pub moderated: bool,
}

/// What became of a participant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// Came in.
    Joined,
    /// Changed.
    Updated,
    /// Lost its socket, keeps its place.
    Reconnecting,
    /// Is out.
    Left,
}

/// Somebody came, changed or went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ParticipantEvent {
    /// Which of it.
    pub event: Presence,
    /// Who, as they are now.
    pub participant: Member,
}

/// Who is in which slot; slots that are not named stay as they were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Slots {
    /// The slots that changed.
    pub slots: Vec<SlotState>,
}

/// What one slot carries now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SlotState {
    /// The slot's m-line.
    pub mid: String,
    /// Whose; null: nobody's.
    #[schema(required = true)]
    pub participant_id: Option<ParticipantId>,
    /// What of theirs.
    #[schema(required = true)]
    pub source: Option<Source>,
    /// Why nothing flows, where nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused: Option<Paused>,
}

/// Why a filled slot is silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Paused {
    /// Not even the lowest layer fits.
    Bandwidth,
    /// Its publisher muted it.
    Muted,
    /// The client hid it.
    Hidden,
    /// The subscriber has no decoder for it.
    Codec,
}

/// Somebody who speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Speaker {
    /// Who.
    pub participant_id: ParticipantId,
    /// Loudness in -dBov (RFC 6464): 0 is loudest, 127 silence.
    pub level: u8,
}

/// The encodings of an own track that are worth encoding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Layers {
    /// The track's m-line.
    pub mid: String,
    /// The rids that somebody watches, and the smallest one as long as anybody watches any; none: pause the track.
    pub rids: Vec<String>,
}

/// How good a connection is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Quality {
    /// Whose.
    pub participant_id: ParticipantId,
    /// 0 (gone) to 5 (perfect).
    pub score: f32,
    /// What it sends.
    pub up_kbps: u32,
    /// What is sent to it.
    pub down_kbps: u32,
    /// Lost share, 0 to 1.
    pub loss: f32,
    /// Round-trip time, where it is known.
    #[schema(required = true)]
    pub rtt_ms: Option<u32>,
}

/// A chat message, as it reached the server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChatMessage {
    /// Counts messages of the call from 1.
    pub number: u64,
    /// Who said it.
    pub from: ParticipantId,
    /// Under which name.
    pub name: String,
    /// What.
    pub text: ChatText,
    /// To whom alone; null: to all.
    #[serde(default)]
    #[schema(required = true)]
    pub to: Option<ParticipantId>,
    /// When.
    pub at: Timestamp,
}

/// An application message, as it reached the server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DataMessage {
    /// Who sent it.
    pub from: ParticipantId,
    /// About what.
    pub topic: String,
    /// Any JSON.
    #[schema(value_type = Object)]
    pub payload: serde_json::Value,
}

/// A hand went up or down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HandEvent {
    /// Whose.
    pub participant_id: ParticipantId,
    /// Which way.
    pub up: bool,
}

/// Somebody waits to be let in, or waits no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Knock {
    /// Everybody who waits now, first come first.
    pub waiting: Vec<Member>,
}

/// A call rings, or rings no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Incoming {
    /// The call; `answer` and `reject` are REST verbs of it.
    pub call_id: CallId,
    /// Who rings.
    #[schema(required = true)]
    pub from: Option<UserId>,
    /// The call as it stands: `ringing` asks, `active` or `ended` says that it no longer does.
    pub call: Call,
}

/// Last word before a close.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Bye {
    /// Why.
    pub reason: ByeReason,
    /// What the client should do about it.
    pub retry: Retry,
}

/// Why the server closes a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ByeReason {
    /// They asked to leave.
    Left,
    /// A moderator put them out.
    Removed,
    /// They were not let in.
    Denied,
    /// The call ended.
    CallEnded,
    /// The token is bad, expired or revoked.
    Unauthorized,
    /// No `hello` within 5 s, or no pong.
    TimedOut,
    /// The same session was opened elsewhere.
    Replaced,
    /// Too many frames, for too long.
    RateLimited,
    /// A frame was too large or not text.
    BadFrame,
    /// The server lost this session; join again.
    Lost,
    /// The server is going down.
    ServerShutdown,
}

/// What a client should do after a `bye`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// Connect and resume.
    Resume,
    /// Join anew.
    Rejoin,
    /// Nothing.
    No,
}

impl ByeReason {
    /// What the client should do about it.
    pub fn retry(self) -> Retry {
        match self {
            Self::TimedOut | Self::RateLimited => Retry::Resume,
            Self::Lost | Self::ServerShutdown => Retry::Rejoin,
            Self::Left
            | Self::Removed
            | Self::Denied
            | Self::CallEnded
            | Self::Unauthorized
            | Self::Replaced
            | Self::BadFrame => Retry::No,
        }
    }
}
