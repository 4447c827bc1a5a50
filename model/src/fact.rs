//! Facts: what happened, in the past tense, with all that storage needs to make it true.
//!
//! A fact is written in the same database transaction as the change it tells of.

use serde::{Deserialize, Serialize};

use crate::{
    Call, CallId, EndReason, FileId, Language, LeaveReason, Member, ParticipantId, Recording,
    RecordingFile, RecordingId, RecordingReport, RecordingTranscript, Role, Room, RoomId,
    SharedFile, Timestamp, Unheard, UserId, Utterance,
};

/// What becomes of the stored hash of a room's password.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum HashChange {
    /// It stays as it is.
    #[default]
    Keep,
    /// It goes.
    Remove,
    /// Argon2, PHC string format.
    Set(String),
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Fact {
    /// A room was made.
    RoomCreated {
        /// As it is.
        room: Room,
        /// Argon2 hash of its password, PHC string; never shown.
        #[serde(skip)]
        password_hash: Option<String>,
    },
    /// A room was changed.
    RoomUpdated {
        /// As it is now.
        room: Room,
        /// What becomes of its password's hash.
        #[serde(skip)]
        password_hash: HashChange,
    },
    /// A room is gone; its calls stay in the history.
    RoomDeleted {
        /// Which.
        room_id: RoomId,
        /// When.
        at: Timestamp,
    },
    /// A call was made: by a ring, or by the first join of a room.
    CallInitiated {
        /// As it is.
        call: Box<Call>,
        /// When.
        at: Timestamp,
    },
    /// A callee's device was reached.
    CallRinging {
        /// Which call.
        call_id: CallId,
        /// When.
        at: Timestamp,
    },
    /// Somebody answered.
    CallAnswered {
        /// Which call.
        call_id: CallId,
        /// When: the call's `started_at`.
        at: Timestamp,
    },
    /// A callee said no; the call goes on while another may answer.
    CallRejected {
        /// Which call.
        call_id: CallId,
        /// Who.
        user_id: UserId,
        /// When.
        at: Timestamp,
    },
    /// The server was down while the call lived, and the call goes on.
    CallRecovered {
        /// Which call.
        call_id: CallId,
        /// When the server was last known to be up.
        from: Timestamp,
        /// When it was up again.
        at: Timestamp,
    },
    /// A call is over.
    CallEnded {
        /// Which call.
        call_id: CallId,
        /// Why.
        reason: EndReason,
        /// Whole seconds from answer to end.
        duration_seconds: u64,
        /// When.
        at: Timestamp,
    },
    /// Somebody came in.
    ParticipantJoined {
        /// Into which call.
        call_id: CallId,
        /// Which presence.
        participant_id: ParticipantId,
        /// As they are.
        member: Member,
        /// When.
        at: Timestamp,
    },
    /// Somebody's role changed.
    RoleChanged {
        /// In which call.
        call_id: CallId,
        /// Whose.
        participant_id: ParticipantId,
        /// To what.
        role: Role,
        /// When.
        at: Timestamp,
    },
    /// Somebody's microphone, camera or screen went on or off.
    MediaChanged {
        /// In which call.
        call_id: CallId,
        /// Whose.
        participant_id: ParticipantId,
        /// As they are now.
        member: Member,
        /// When.
        at: Timestamp,
    },
    /// Somebody is out.
    ParticipantLeft {
        /// Of which call.
        call_id: CallId,
        /// Which presence.
        participant_id: ParticipantId,
        /// Why.
        reason: LeaveReason,
        /// When.
        at: Timestamp,
    },
    /// A recording was asked for.
    RecordingRequested {
        /// As it is.
        recording: Box<Recording>,
    },
    /// The first packet is on disk.
    RecordingStarted {
        /// Of which call.
        call_id: CallId,
        /// Which.
        recording_id: RecordingId,
        /// When.
        at: Timestamp,
    },
    /// What is said is not kept for a while, or is kept again.
    RecordingPaused {
        /// Of which call.
        call_id: CallId,
        /// Which.
        recording_id: RecordingId,
        /// Paused, or not any more.
        paused: bool,
        /// When.
        at: Timestamp,
    },
    /// Nothing more is recorded.
    RecordingStopped {
        /// Of which call.
        call_id: CallId,
        /// Which.
        recording_id: RecordingId,
        /// When.
        at: Timestamp,
    },
    /// Its files are whole, on the server's own disk.
    RecordingProcessed {
        /// Of which call.
        call_id: CallId,
        /// Which.
        recording_id: RecordingId,
        /// What came of it.
        files: Vec<RecordingFile>,
        /// How long it is, in whole seconds.
        duration_seconds: u64,
        /// How far it can be trusted.
        report: Box<RecordingReport>,
        /// When.
        at: Timestamp,
    },
    /// Its files can be had.
    RecordingAvailable {
        /// Of which call.
        call_id: CallId,
        /// Which.
        recording_id: RecordingId,
        /// What came of it, where it is kept.
        files: Vec<RecordingFile>,
        /// When.
        at: Timestamp,
    },
    /// It is to be made once more: with another layout, because it could not be made before, or because the disk gave back
    /// something else than was made.
    RecordingComposeRequested {
        /// Of which call.
        call_id: CallId,
        /// Which.
        recording_id: RecordingId,
        /// How its pictures are to be arranged; none: as they were, or it has none.
        layout: Option<crate::Layout>,
        /// When.
        at: Timestamp,
    },
    /// It was made once more, in the place of what was there. Where that failed this does not come, and what was there stays.
    RecordingRecomposed {
        /// Of which call.
        call_id: CallId,
        /// Which.
        recording_id: RecordingId,
        /// How its pictures are arranged now; none: it has none.
        layout: Option<crate::Layout>,
        /// When.
        at: Timestamp,
    },
    /// Nothing came of it.
    RecordingFailed {
        /// Of which call.
        call_id: CallId,
        /// Which.
        recording_id: RecordingId,
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
    /// A transcript of a recording was asked for.
    RecordingTranscriptRequested {
        /// Of which call.
        call_id: CallId,
        /// Which.
        recording_id: RecordingId,
        /// As it was asked for.
        transcript: RecordingTranscript,
        /// When.
        at: Timestamp,
    },
    /// The transcript of a recording is one of its files. What it says are facts of their own, where nobody had
    /// understood it while it was said.
    RecordingTranscribed {
        /// Of which call.
        call_id: CallId,
        /// Which.
        recording_id: RecordingId,
        /// The file.
        file: Box<RecordingFile>,
        /// How many utterances are in it.
        utterances: u64,
        /// When.
        at: Timestamp,
    },
    /// Nothing came of the transcript of a recording.
    RecordingTranscriptFailed {
        /// Of which call.
        call_id: CallId,
        /// Which.
        recording_id: RecordingId,
        /// Why.
        reason: String,
        /// When.
        at: Timestamp,
    },
    /// A call is transcribed from now on.
    TranscriptionStarted {
        /// Which call.
        call_id: CallId,
        /// What is understood.
        language: Language,
        /// When.
        at: Timestamp,
    },
    /// It is not transcribed any more.
    TranscriptionStopped {
        /// Which call.
        call_id: CallId,
        /// When.
        at: Timestamp,
    },
    /// A recogniser broke, and for a while nobody listened.
    TranscriptionInterrupted {
        /// Which call.
        call_id: CallId,
        /// What is missing.
        unheard: Unheard,
        /// When.
        at: Timestamp,
    },
    /// A recording is transcribed anew: what was understood of it before does not count any more.
    TranscriptionReplaced {
        /// Of which call.
        call_id: CallId,
        /// Which.
        recording_id: RecordingId,
        /// When.
        at: Timestamp,
    },
    /// Somebody said something.
    UtteranceSpoken {
        /// In which call.
        call_id: CallId,
        /// What.
        utterance: Box<Utterance>,
        /// The recording that it was understood of; none where somebody listened while it was said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        recording_id: Option<RecordingId>,
        /// When it was understood; where that was after the call: when it was said.
        at: Timestamp,
    },
    /// Somebody shared a file.
    FileShared {
        /// Which.
        file: Box<SharedFile>,
    },
    /// A shared file is gone: somebody deleted it, or it was kept for as long as it should be.
    FileDeleted {
        /// Of which call.
        call_id: CallId,
        /// Which.
        file_id: FileId,
        /// When.
        at: Timestamp,
    },
    /// It is gone: somebody deleted it, or it was kept for as long as it should be.
    RecordingDeleted {
        /// Of which call.
        call_id: CallId,
        /// Which.
        recording_id: RecordingId,
        /// When.
        at: Timestamp,
    },
}

impl Fact {
    /// Every name that a fact may have; released names never change.
    pub const NAMES: &'static [&'static str] = &[
        "room.created",
        "room.updated",
        "room.deleted",
        "call.initiated",
        "call.ringing",
        "call.answered",
        "call.rejected",
        "call.recovered",
        "call.ended",
        "participant.joined",
        "participant.role_changed",
        "participant.media_changed",
        "participant.left",
        "recording.requested",
        "recording.started",
        "recording.paused",
        "recording.resumed",
        "recording.stopped",
        "recording.processed",
        "recording.available",
        "recording.compose_requested",
        "recording.recomposed",
        "recording.failed",
        "recording.deleted",
        "recording.transcript_requested",
        "recording.transcribed",
        "recording.transcript_failed",
        "transcription.started",
        "transcription.stopped",
        "transcription.interrupted",
        "transcription.replaced",
        "transcription.utterance",
        "file.shared",
        "file.deleted",
    ];

    /// Its stable, dotted name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RoomCreated { .. } => "room.created",
            Self::RoomUpdated { .. } => "room.updated",
            Self::RoomDeleted { .. } => "room.deleted",
            Self::CallInitiated { .. } => "call.initiated",
            Self::CallRinging { .. } => "call.ringing",
            Self::CallAnswered { .. } => "call.answered",
            Self::CallRejected { .. } => "call.rejected",
            Self::CallRecovered { .. } => "call.recovered",
            Self::CallEnded { .. } => "call.ended",
            Self::ParticipantJoined { .. } => "participant.joined",
            Self::RoleChanged { .. } => "participant.role_changed",
            Self::MediaChanged { .. } => "participant.media_changed",
            Self::ParticipantLeft { .. } => "participant.left",
            Self::RecordingRequested { .. } => "recording.requested",
            Self::RecordingStarted { .. } => "recording.started",
            Self::RecordingPaused { paused: true, .. } => "recording.paused",
            Self::RecordingPaused { paused: false, .. } => "recording.resumed",
            Self::RecordingStopped { .. } => "recording.stopped",
            Self::RecordingProcessed { .. } => "recording.processed",
            Self::RecordingAvailable { .. } => "recording.available",
            Self::RecordingComposeRequested { .. } => "recording.compose_requested",
            Self::RecordingRecomposed { .. } => "recording.recomposed",
            Self::RecordingFailed { .. } => "recording.failed",
            Self::RecordingDeleted { .. } => "recording.deleted",
            Self::RecordingTranscriptRequested { .. } => "recording.transcript_requested",
            Self::RecordingTranscribed { .. } => "recording.transcribed",
            Self::RecordingTranscriptFailed { .. } => "recording.transcript_failed",
            Self::FileShared { .. } => "file.shared",
            Self::FileDeleted { .. } => "file.deleted",
            Self::TranscriptionStarted { .. } => "transcription.started",
            Self::TranscriptionStopped { .. } => "transcription.stopped",
            Self::TranscriptionInterrupted { .. } => "transcription.interrupted",
            Self::TranscriptionReplaced { .. } => "transcription.replaced",
            Self::UtteranceSpoken { .. } => "transcription.utterance",
        }
    }

    /// When it happened; a change of a room does not say, the moment it is stored stands for it.
    pub fn at(&self) -> Option<Timestamp> {
        match self {
            Self::RoomCreated { room, .. } => Some(room.created_at),
            Self::RoomUpdated { .. } => None,
            Self::RecordingRequested { recording } => Some(recording.requested_at),
            Self::FileShared { file } => Some(file.shared_at),
            Self::RoomDeleted { at, .. }
            | Self::CallInitiated { at, .. }
            | Self::CallRinging { at, .. }
            | Self::CallAnswered { at, .. }
            | Self::CallRejected { at, .. }
            | Self::CallRecovered { at, .. }
            | Self::CallEnded { at, .. }
            | Self::ParticipantJoined { at, .. }
            | Self::RoleChanged { at, .. }
            | Self::MediaChanged { at, .. }
            | Self::ParticipantLeft { at, .. }
            | Self::RecordingStarted { at, .. }
            | Self::RecordingPaused { at, .. }
            | Self::RecordingStopped { at, .. }
            | Self::RecordingProcessed { at, .. }
            | Self::RecordingAvailable { at, .. }
            | Self::RecordingComposeRequested { at, .. }
            | Self::RecordingRecomposed { at, .. }
            | Self::RecordingFailed { at, .. }
            | Self::RecordingDeleted { at, .. }
            | Self::RecordingTranscriptRequested { at, .. }
            | Self::RecordingTranscribed { at, .. }
            | Self::RecordingTranscriptFailed { at, .. }
            | Self::FileDeleted { at, .. }
            | Self::TranscriptionStarted { at, .. }
            | Self::TranscriptionStopped { at, .. }
            | Self::TranscriptionInterrupted { at, .. }
            | Self::TranscriptionReplaced { at, .. }
            | Self::UtteranceSpoken { at, .. } => Some(*at),
        }
    }

    /// The id of the room or call it is about.
    pub fn subject(&self) -> &str {
        match self {
            Self::RoomCreated { room, .. } | Self::RoomUpdated { room, .. } => {
                room.room_id.as_str()
            }
            Self::RoomDeleted { room_id, .. } => room_id.as_str(),
            Self::RecordingRequested { recording } => recording.call_id.as_str(),
            Self::FileShared { file } => file.call_id.as_str(),
            Self::CallInitiated { call, .. } => call.call_id.as_str(),
            Self::CallRinging { call_id, .. }
            | Self::CallAnswered { call_id, .. }
            | Self::CallRejected { call_id, .. }
            | Self::CallRecovered { call_id, .. }
            | Self::CallEnded { call_id, .. }
            | Self::ParticipantJoined { call_id, .. }
            | Self::RoleChanged { call_id, .. }
            | Self::MediaChanged { call_id, .. }
            | Self::ParticipantLeft { call_id, .. }
            | Self::RecordingStarted { call_id, .. }
            | Self::RecordingPaused { call_id, .. }
            | Self::RecordingStopped { call_id, .. }
            | Self::RecordingProcessed { call_id, .. }
            | Self::RecordingAvailable { call_id, .. }
            | Self::RecordingComposeRequested { call_id, .. }
            | Self::RecordingRecomposed { call_id, .. }
            | Self::RecordingFailed { call_id, .. }
            | Self::RecordingDeleted { call_id, .. }
            | Self::RecordingTranscriptRequested { call_id, .. }
            | Self::RecordingTranscribed { call_id, .. }
            | Self::RecordingTranscriptFailed { call_id, .. }
            | Self::FileDeleted { call_id, .. }
            | Self::TranscriptionStarted { call_id, .. }
            | Self::TranscriptionStopped { call_id, .. }
            | Self::TranscriptionInterrupted { call_id, .. }
            | Self::TranscriptionReplaced { call_id, .. }
            | Self::UtteranceSpoken { call_id, .. } => call_id.as_str(),
        }
    }
}
