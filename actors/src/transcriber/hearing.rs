//! The port to whatever understands speech: threads of its own, with queues that never make media wait.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::WeakRecipient;
use actix::prelude::*;
use calls_media::seam::{Burst, TrackId};
use calls_model::signal::Caption;
use calls_model::{CallId, Language, ParticipantId, UserId, Utterance};

/// What is to be understood.
#[derive(Debug, Clone)]
pub struct HearingPlan {
    /// Of which call.
    pub call_id: CallId,
    /// What is spoken.
    pub language: Language,
    /// The phrases that are listened for; empty: free speech.
    pub phrases: Arc<[String]>,
    /// From when its times count: the call's `started_at`.
    pub zero: Instant,
}

/// A microphone that is listened to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voice {
    /// Which track.
    pub track: TrackId,
    /// Whose presence.
    pub participant_id: ParticipantId,
    /// Whose.
    pub user_id: UserId,
}

/// Nothing can be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecogniserRefused {
    /// This server has no engine, or no model that loads.
    #[error("this server does not transcribe: {0}")]
    Off(String),
    /// There is no model of this language.
    #[error("no speech model understands \"{asked}\"; there are: {known}")]
    UnknownLanguage {
        /// What was asked for.
        asked: Language,
        /// What there is, with commas between.
        known: String,
    },
    /// Some of the phrases have words that the model does not.
    #[error(
        "the speech model of \"{language}\" does not know: {}",
        words.join(", ")
    )]
    UnknownWords {
        /// Whose model.
        language: Language,
        /// The words, each once.
        words: Vec<String>,
    },
    /// The model understands free speech only.
    #[error("the speech model of \"{0}\" takes no phrases")]
    NoPhrases(Language),
    /// So many run already.
    #[error("{limit} calls are transcribed already")]
    Busy {
        /// The most at a time.
        limit: usize,
    },
}

/// Opens hearings.
pub trait Recogniser: Send + Sync + 'static {
    /// Whether a new transcription may begin, and in which language: the one that was asked for, else the server's own.
    /// `phrases` are what will be listened for; none: free speech.
    ///
    /// # Errors
    ///
    /// [`RecogniserRefused`] says why not.
    fn admit(
        &self,
        language: Option<&Language>,
        phrases: &[String],
    ) -> Result<Language, RecogniserRefused>;

    /// Begins to listen. Returns at once; news comes by `told`, which keeps nobody alive.
    ///
    /// # Errors
    ///
    /// [`RecogniserRefused`] says why not.
    fn open(
        &self,
        plan: &HearingPlan,
        told: WeakRecipient<HearingTold>,
    ) -> Result<Box<dyn Hearing>, RecogniserRefused>;
}

/// One call that is listened to. Dropping it ends it as well.
pub trait Hearing: Send {
    /// Somebody's microphone belongs to it from now on. It comes before its packets.
    fn voice(&self, voice: Voice);

    /// A microphone is gone, or muted: what it said so far is understood now.
    fn hush(&self, track: TrackId);

    /// Understands everything that came before and ends; [`HearingTold::Closed`] follows.
    fn close(&self);

    /// How long one piece of its work may take.
    fn patience(&self) -> Duration;

    /// When the oldest speech came that it has told nothing final of yet.
    fn untold_since(&self) -> Option<Instant>;

    // ── hot path ────────────────────────────────────────────────────────────

    /// Takes packets. `false` where it cannot keep up and has dropped them.
    fn packets(&self, burst: Burst) -> bool;
}

/// What a hearing tells.
#[derive(Debug, Clone, PartialEq, Message)]
#[rtype(result = "()")]
pub enum HearingTold {
    /// Somebody is in the middle of saying this.
    Partial(Caption),
    /// Somebody said this, and paused.
    Said(Utterance),
    /// It works on what was said so long ago.
    Behind(Duration),
    /// It works on what is said now.
    CaughtUp,
    /// It cannot go on; nothing more comes of it.
    Failed {
        /// Why.
        reason: String,
        /// What came from then on was not understood; `None`: from now on.
        since: Option<Instant>,
    },
    /// All was understood.
    Closed,
}

/// Understands nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoRecogniser;

impl NoRecogniser {
    fn off() -> RecogniserRefused {
        RecogniserRefused::Off("it has no engine for speech".to_owned())
    }
}

impl Recogniser for NoRecogniser {
    fn admit(&self, _: Option<&Language>, _: &[String]) -> Result<Language, RecogniserRefused> {
        Err(Self::off())
    }

    fn open(
        &self,
        _: &HearingPlan,
        _: WeakRecipient<HearingTold>,
    ) -> Result<Box<dyn Hearing>, RecogniserRefused> {
        Err(Self::off())
    }
}
