//! Why a participant says no to its client.

use calls_media::SdpRefused;
use calls_model::Source;

use super::slots::UnknownSlot;
use crate::calls::{ModerateRefused, RecordRefused, TranscribeRefused};

/// The socket could not be attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AttachRefused {
    /// `resume.session` is not this presence's.
    #[error("no such session to resume")]
    UnknownSession,
    /// More was missed than is kept for a resume.
    #[error("more was missed than is kept")]
    MissedTooMuch,
    /// The presence is over.
    #[error("participant is gone")]
    Gone,
}

/// Why a client's request was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignalRefused {
    /// It waits to be let in.
    #[error("not admitted yet")]
    NotAdmitted,
    /// Its role only watches.
    #[error("an observer may not publish")]
    MayNotPublish,
    /// The room allows it only to those who moderate.
    #[error("only those who moderate may {0} now")]
    NotPermitted(&'static str),
    /// The offer cannot be answered.
    #[error(transparent)]
    Sdp(#[from] SdpRefused),
    /// No slot of that mid.
    #[error(transparent)]
    NoSuchSlot(#[from] UnknownSlot),
    /// Nothing of that kind is published.
    #[error("no {} is published", name(*.0))]
    NotPublished(Source),
    /// Recording was refused.
    #[error(transparent)]
    Record(#[from] RecordRefused),
    /// Transcribing was refused.
    #[error(transparent)]
    Transcribe(#[from] TranscribeRefused),
    /// Nobody of that id is there.
    #[error("participant not found")]
    NoSuchParticipant,
    /// Longer or shorter than is allowed.
    #[error("{what} must be 1 to {limit} long, not {size}")]
    TooLong {
        /// What is: characters of a topic, bytes of a payload as JSON.
        what: &'static str,
        /// How long it is.
        size: usize,
        /// How long it may be.
        limit: usize,
    },
    /// `hello` comes once, and first.
    #[error("hello was said already")]
    SecondHello,
    /// Moderation was refused.
    #[error(transparent)]
    Moderate(#[from] ModerateRefused),
    /// The room is being opened anew; try again.
    #[error("room is not reachable right now")]
    Unreachable,
}

fn name(source: Source) -> &'static str {
    match source {
        Source::Microphone => "microphone",
        Source::Camera => "camera",
        Source::Screen => "screen",
        Source::ScreenAudio => "screen audio",
    }
}
