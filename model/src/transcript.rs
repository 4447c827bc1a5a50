//! What was said: words with their times, and what a call is told of them while they are spoken.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{CallId, Language, ParticipantId, Timestamp, UserId};

/// One word of an utterance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SpokenWord {
    /// As it is written, in lower case.
    pub word: String,
    /// Where it begins, in milliseconds from the call's `started_at`.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
    /// How sure the engine is, 0 to 1.
    pub confidence: f32,
}

/// What somebody said in one go, up to a pause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Utterance {
    /// Whose presence.
    pub participant_id: ParticipantId,
    /// Whose.
    pub user_id: UserId,
    /// The words, with blanks between them.
    pub text: String,
    /// Where it begins, in milliseconds from the call's `started_at`.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
    /// How sure the engine is, 0 to 1: the mean of its words.
    pub confidence: f32,
    /// Its words, in order.
    pub words: Vec<SpokenWord>,
}

/// A part of somebody's speech that nobody listened to: a recogniser broke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Unheard {
    /// Where it begins, in milliseconds from the call's `started_at`.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
    /// Why.
    pub reason: String,
}

/// A place in some transcript where all words of a search were said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Found {
    /// In which call.
    pub call_id: CallId,
    /// Whose presence.
    pub participant_id: ParticipantId,
    /// Who said it.
    pub user_id: UserId,
    /// What they said, around the first of the words.
    pub snippet: String,
    /// Where it begins, in milliseconds from the call's `started_at`.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
    /// When it was said.
    pub spoken_at: Timestamp,
}

/// All that was said in a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Transcript {
    /// In which call.
    pub call_id: CallId,
    /// What was said, in the order in which it began.
    pub utterances: Vec<Utterance>,
    /// When nobody listened, because a recogniser broke.
    pub unheard: Vec<Unheard>,
}

/// A transcription that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Transcription {
    /// What is understood.
    pub language: Language,
    /// The phrases that are listened for, where it is no free speech.
    pub phrases: Vec<String>,
    /// Since when.
    pub started_at: Timestamp,
}
