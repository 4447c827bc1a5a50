//! Whisper, an offline speech recogniser that hears whole stretches of speech, by whisper.cpp.
//!
//! whisper.cpp is C++ that takes a minute to compile, so it is built in by the feature `whisper` alone. Without it all of
//! this is there too, and says [`WhisperFault::NotBuiltIn`].

use std::path::PathBuf;

#[cfg(any(not(feature = "whisper"), test))]
#[cfg_attr(feature = "whisper", allow(dead_code, unreachable_pub))] // its tests alone
mod absent;
#[cfg(feature = "whisper")]
mod built_in;
#[cfg(feature = "whisper")]
mod file;
#[cfg(any(feature = "whisper", test))]
mod pieces;

#[cfg(not(feature = "whisper"))]
pub use absent::{VERSION, WhisperModel, languages};
#[cfg(feature = "whisper")]
pub use built_in::{VERSION, WhisperModel, languages};

/// Samples a second of all sound here; mono.
pub const RATE: usize = 16_000;

/// Speech cannot be recognised.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhisperFault {
    /// The program was compiled without whisper.cpp.
    #[error("this server was built without Whisper: `cargo build --release --features whisper`")]
    NotBuiltIn,
    /// The file is no model that can be read.
    #[error("{} is no Whisper model that can be read: {reason}", path.display())]
    Model {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The engine failed in the middle.
    #[error("the speech engine failed: {0}")]
    Broken(String),
}

/// A word, in seconds of the sound that it is in.
#[derive(Debug, Clone, PartialEq)]
pub struct HeardWord {
    /// As it is written, with what punctuation belongs to it. A language that is written without blanks has long ones.
    pub word: String,
    /// Where it begins.
    pub start: f64,
    /// Where it ends.
    pub end: f64,
    /// How sure the engine is, 0 to 1: the mean of its pieces.
    pub confidence: f32,
}
