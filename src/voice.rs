//! Text to speech, for announcements.
//!
//! ```text
//! POST …/say ▸ Cached ▸ Espeak (a process of its own) ▸ samples ▸ Opus ▸ the call's announcer
//! ```
//!
//! The synthesizer is a program that is given text and gives sound, so its licence (GPL) is its own.

mod cached;
mod encode;
mod espeak;

use std::fmt;

use async_trait::async_trait;
use calls_actors::announcer::{MOST, Speech};
use calls_model::{Language, VoiceName};

pub use cached::Cached;
pub use espeak::Espeak;

/// What is to be said, and how.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Line {
    /// The words.
    pub text: String,
    /// The language that they are read in.
    pub language: Language,
    /// Whose voice; the synthesizer's own where it is left out.
    pub voice: Option<VoiceName>,
}

/// Nothing was said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Speechless {
    /// The program cannot be started.
    #[error("the voice \"{program}\" cannot be started: {reason}")]
    NoProgram {
        /// Which.
        program: String,
        /// Why not.
        reason: String,
    },
    /// It knows no such voice or language.
    #[error("there is no such voice: {0}")]
    NoVoice(String),
    /// It gave no sound.
    #[error("the voice failed: {0}")]
    Failed(String),
    /// It took longer than anybody waits.
    #[error("the voice took more than {0} s")]
    TooSlow(u64),
    /// More than anybody listens to.
    #[error("that is longer than {} s", MOST / 50)]
    TooLong,
    /// There was nothing in it that can be said.
    #[error("there is nothing in the text that can be said")]
    Nothing,
}

/// Says things.
#[async_trait]
pub trait Voice: Send + Sync + fmt::Debug {
    /// The speech of a line.
    ///
    /// # Errors
    ///
    /// [`Speechless`] says why there is none.
    async fn speak(&self, line: &Line) -> Result<Speech, Speechless>;
}
