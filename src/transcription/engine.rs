//! What understands speech, behind a trait; and Vosk, which does so while it is spoken.

use std::collections::BTreeSet;
use std::path::Path;
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

    /// Why these phrases cannot be listened for, if they cannot.
    fn unfit(&self, phrases: &[String]) -> Option<Unfit>;
}

/// Phrases cannot be listened for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// The model has none of these words.
    Unknown(Vec<String>),
    /// The model understands free speech only.
    NoPhrases,
}

/// Follows one voice, at [`RATE`].
pub trait Listener: Send {
    /// Takes the next piece of sound, of 60 to 200 ms. What is partial may be empty: some understand at pauses only.
    ///
    /// # Errors
    ///
    /// [`EngineError`] where it cannot go on.
    fn hear(&mut self, samples: &[i16]) -> Result<Heard, EngineError>;

    /// Nothing more comes for now: what was said up to here.
    ///
    /// # Errors
    ///
    /// [`EngineError`] where it cannot tell.
    fn finish(&mut self) -> Result<Vec<Word>, EngineError>;
}

/// A model of Vosk.
pub(super) struct Vosk {
    model: Arc<SpeechModel>,
    /// Its graph is put together while it listens, so phrases can take the place of free speech.
    takes_phrases: bool,
}

impl Vosk {
    /// Over the model that was read from this folder.
    pub(super) fn new(model: SpeechModel, folder: &Path) -> Self {
        let has =
            |name: &str| folder.join("graph").join(name).exists() || folder.join(name).exists();
        Self {
            model: Arc::new(model),
            takes_phrases: has("HCLr.fst") && has("Gr.fst"),
        }
    }
}

impl Engine for Vosk {
    fn listen(&self, phrases: &[String]) -> Result<Box<dyn Listener>, EngineError> {
        let phrases: Vec<String> = phrases.iter().map(|one| one.to_lowercase()).collect();
        let phrases = (!phrases.is_empty()).then(|| serde_json::json!(phrases).to_string());
        #[expect(clippy::cast_precision_loss, reason = "16000 is exact")]
        let engine = Recogniser::new(&self.model, RATE as f32, phrases.as_deref())?;
        Ok(Box::new(Following(engine)))
    }

    fn unfit(&self, phrases: &[String]) -> Option<Unfit> {
        if phrases.is_empty() {
            return None;
        }
        if !self.takes_phrases {
            return Some(Unfit::NoPhrases);
        }
        let words = phrases.iter().flat_map(|phrase| phrase.split_whitespace());
        let unknown: BTreeSet<String> = words
            .map(str::to_lowercase)
            .filter(|word| !self.model.knows(word))
            .collect();
        (!unknown.is_empty()).then(|| Unfit::Unknown(unknown.into_iter().collect()))
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

    fn finish(&mut self) -> Result<Vec<Word>, EngineError> {
        Ok(words(&self.0.last()))
    }
}
