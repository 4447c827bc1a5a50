//! What was said: words with their times, and what a call is told of them while they are spoken.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Language, ParticipantId, Timestamp, UserId};

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
