//! What a client hears.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Bye, Empty, Mute};
use crate::{
    Call, CallId, ChatText, Language, Member, ParticipantId, ProblemDetails, RecordingId,
    RecordingMode, Room, SharedFile, Source, Timestamp, UserId, rest::IceServer,
};

/// What a client hears: an answer (`re`) or an event (`seq`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ServerFrame {
    /// The request that this answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub re: Option<u64>,
    /// Counts events of this session from 1; the last one seen goes into `resume`. Speakers, quality, unfinished
    /// captions and welcomes are counted and not told again.
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
    /// The request was done; `d` depends on it (an `Answer`, or `{}`).
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
    /// A moderator asks for an own source to be unmuted.
    UnmuteAsked(UnmuteAsked),
    /// Somebody is shown large to everybody, or nobody is any more; also told to whoever comes in meanwhile.
    Spotlight(Spotlight),
    /// A chat message.
    Chat(ChatMessage),
    /// An application message.
    Data(DataMessage),
    /// A hand went up or down.
    Hand(HandEvent),
    /// A recording began, paused, went on, stopped or failed; also told to whoever comes in while it runs.
    Recording(RecordingEvent),
    /// A transcription began, stopped, fell behind or failed; also told to whoever comes in while it runs.
    Transcription(TranscriptionEvent),
    /// What somebody says, while they say it and once they paused.
    Caption(Caption),
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
    /// Bytes of one file that is shared; 0: none can be.
    pub max_file_bytes: u64,
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
    /// The file that it brings; `text` is its name then.
    #[serde(default)]
    #[schema(required = true)]
    pub file: Option<Box<SharedFile>>,
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

/// A moderator asks for an own source to be unmuted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnmuteAsked {
    /// Which.
    pub source: Source,
}

/// Whom everybody sees large.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Spotlight {
    /// Whom; null: nobody.
    #[schema(required = true)]
    pub participant_id: Option<ParticipantId>,
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

/// What became of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordingNews {
    /// It records.
    Started,
    /// What is said now is not kept.
    Paused,
    /// It is kept again.
    Resumed,
    /// Nothing more is recorded.
    Stopped,
    /// It broke.
    Failed,
}

/// What became of a recording of this call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RecordingEvent {
    /// What.
    pub event: RecordingNews,
    /// Which.
    pub recording_id: RecordingId,
    /// What it is made of.
    pub mode: RecordingMode,
    /// Who did it; null where the application itself did, or nobody.
    #[schema(required = true)]
    pub by: Option<ParticipantId>,
}

/// What became of a transcription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TranscriptionNews {
    /// What is said is understood and written down.
    Started,
    /// It runs, but more than two seconds behind.
    Lagging,
    /// It has caught up.
    CaughtUp,
    /// Nothing more is written down.
    Stopped,
    /// It broke.
    Failed,
}

/// What became of the transcription of this call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TranscriptionEvent {
    /// What.
    pub event: TranscriptionNews,
    /// What is understood.
    pub language: Language,
    /// How far it is behind, in milliseconds; in `lagging` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub behind_ms: Option<u64>,
}

/// What somebody says. A caption takes the place of their last one that was not `final`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Caption {
    /// Who.
    pub participant_id: ParticipantId,
    /// The words so far.
    pub text: String,
    /// They paused: this does not change any more, and stands in the transcript.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// Where it begins, in milliseconds from the call's `started_at`.
    pub start_ms: u64,
    /// Where it ends, so far.
    pub end_ms: u64,
}
