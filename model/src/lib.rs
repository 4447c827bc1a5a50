//! The words everybody uses: ids, states, facts and wire types.
//!
//! Nothing here knows a clock, a socket, an actor or a database. What stands in these types is already true:
//! bad input is refused while it is parsed (see [`text`]), so the floors above never check twice.

pub mod access;
pub mod audit;
pub mod call;
pub mod fact;
pub mod file;
pub mod id;
pub mod participant;
pub mod problem;
pub mod quality;
pub mod recording;
pub mod rest;
pub mod room;
pub mod signal;
pub mod stopwatch;
pub mod text;
pub mod time;
pub mod transcript;
pub mod webhook;

pub use access::{
    Account, ApiKey, CreateApiKey, NewApiKey, OrgId, Permission, RotateApiKey, Scope,
};
pub use audit::{ActorKind, AuditEntry, Erased};
pub use call::{
    Call, CallInput, CallKind, CallState, CallStatus, CallType, EndReason, Interruption,
};
pub use fact::{Fact, HashChange};
pub use file::SharedFile;
pub use id::{
    AuditId, CallId, DeliveryId, EventId, FileId, ParticipantId, RecordingId, RoomId, WebhookId,
};
pub use participant::{LeaveReason, Member, MemberInput, MemberState, Role, Source};
pub use problem::ProblemDetails;
pub use quality::QualitySample;
pub use recording::{
    FileKind, FilePlace, Gap, Layout, Recording, RecordingFile, RecordingInput, RecordingMode,
    RecordingReport, RecordingStatus, RecordingTranscript, TrackReport, TranscriptStatus, Turn,
};
pub use room::{Encryption, Room, RoomNow, RoomSettings, RoomType};
pub use stopwatch::Stopwatch;
pub use text::{
    ChatText, Description, DisplayName, FileName, Language, Password, RoomName, UserId, VoiceName,
};
pub use time::Timestamp;
pub use transcript::{Found, SpokenWord, Transcript, Transcription, Unheard, Utterance};
pub use webhook::{
    Attempt, CreateWebhook, Delivery, DeliveryStatus, Event, EventFilter, UpdateWebhook, Webhook,
    WebhookSecret, WebhookStatus,
};
