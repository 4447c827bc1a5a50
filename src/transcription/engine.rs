//! What understands speech, behind a trait: Vosk.

use std::sync::Arc;

use calls_codec::vosk::{Accepted, Recogniser, SpeechModel, VoskError};
use serde::Deserialize;

/// Samples a second of all sound here; mono.
pub(super) const RATE: u32 = 16_000;

/// An engine could not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EngineError(pub String);

impl From<VoskError> for EngineError {
    fn from(error: VoskError) -> Self {
        Self(error.to_string())
    }
}

/// A word, and where it was in the sound that the listener was given.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Word {
    /// As it is written.
    pub word: String,
    /// Where it begins, in seconds of sound.
    pub start: f64,
    /// Where it ends.
    pub end: f64,
    /// How sure the engine is, 0 to 1.
    #[serde(rename = "conf", default = "sure")]
    pub confidence: f32,
}

fn sure() -> f32 {
    1.0
}

/// What came of a piece of sound.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// So far, in the middle of it.
    Partial(String),
    /// Up to a pause.
    Final(Vec<Word>),
}

/// Makes listeners. One model serves all of them.
pub trait Engine: Send + Sync {
    /// Somebody who follows one voice. `phrases` are what may be said; anything where there are none.
    ///
    /// # Errors
    ///
    /// [`EngineError`] says why there is none.
    fn listen(&self, phrases: &[String]) -> Result<Box<dyn Listener>, EngineError>;
}

/// Follows one voice, at [`RATE`].
pub trait Listener: Send {
    /// Takes the next piece of sound, of 60 to 200 ms.
    ///
    /// # Errors
    ///
    /// [`EngineError`] where it cannot go on.
    fn hear(&mut self, samples: &[i16]) -> Result<Heard, EngineError>;

    /// Nothing more comes for now: what was said up to here.
    fn finish(&mut self) -> Vec<Word>;
}

/// A model of Vosk.
pub(super) struct Vosk(pub(super) Arc<SpeechModel>);

impl Engine for Vosk {
    fn listen(&self, phrases: &[String]) -> Result<Box<dyn Listener>, EngineError> {
        let phrases = (!phrases.is_empty()).then(|| serde_json::json!(phrases).to_string());
        #[expect(clippy::cast_precision_loss, reason = "16000 is exact")]
        let engine = Recogniser::new(&self.0, RATE as f32, phrases.as_deref())?;
        Ok(Box::new(Following(engine)))
    }
}

/// What stands for sounds that are no word of the model.
const UNKNOWN: &str = "[unk]";

struct Following(Recogniser);

#[derive(Deserialize, Default)]
struct Said {
    #[serde(default)]
    result: Vec<Word>,
}

#[derive(Deserialize, Default)]
struct SoFar {
    #[serde(default)]
    partial: String,
}

fn words(json: &str) -> Vec<Word> {
    let said: Said = serde_json::from_str(json).unwrap_or_default(); // no words: silence
    let known = said.result.into_iter().filter(|word| word.word != UNKNOWN);
    known.collect()
}

impl Listener for Following {
    fn hear(&mut self, samples: &[i16]) -> Result<Heard, EngineError> {
        Ok(match self.0.accept(samples)? {
            Accepted::Pause => Heard::Final(words(&self.0.result())),
            Accepted::Running => {
                let so_far: SoFar = serde_json::from_str(&self.0.partial()).unwrap_or_default();
                let known = so_far
                    .partial
                    .split_whitespace()
                    .filter(|word| *word != UNKNOWN);
                Heard::Partial(known.collect::<Vec<_>>().join(" "))
            }
        })
    }

    fn finish(&mut self) -> Vec<Word> {
        words(&self.0.last())
    }
}
