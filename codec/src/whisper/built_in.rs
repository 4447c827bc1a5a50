//! whisper.cpp, as `whisper-rs` binds it.

use std::path::Path;
use std::sync::{Mutex, Once, PoisonError};

use whisper_rs::{
    FullParams, SamplingStrategy, WhisperContext, WhisperContextParameters, WhisperError,
    WhisperState,
};

use super::pieces::{Piece, join};
use super::{HeardWord, RATE, WhisperFault, file};

/// The version of whisper.cpp.
pub const VERSION: Option<&str> = Some(whisper_rs::WHISPER_CPP_VERSION);

/// Which languages a model was made for, by their tags of ISO 639-1; looks at the file's first bytes alone.
///
/// # Errors
///
/// [`WhisperFault::Model`] where that is no model.
pub fn languages(path: &Path) -> Result<Vec<&'static str>, WhisperFault> {
    let refused = |error: std::io::Error| refused(path, &error.to_string());
    let known = 0..file::languages(path).map_err(refused)?;
    Ok(known.filter_map(whisper_rs::get_lang_str).collect())
}

fn refused(path: &Path, reason: &str) -> WhisperFault {
    WhisperFault::Model {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}

fn broken(error: WhisperError) -> WhisperFault {
    WhisperFault::Broken(error.to_string())
}

/// A model in memory, which threads share.
pub struct WhisperModel {
    context: WhisperContext,
    languages: i32,
    /// What a run needs besides: some hundred megabytes of a large model. As many as ever ran at a time.
    idle: Mutex<Vec<WhisperState>>,
}

impl WhisperModel {
    /// Reads a model (`ggml-*.bin`). Some seconds for a large one. whisper.cpp trusts its files and ends the process over
    /// some, so the file is looked through first.
    ///
    /// # Errors
    ///
    /// [`WhisperFault::Model`] where there is none that can be read.
    pub fn open(path: &Path) -> Result<Self, WhisperFault> {
        static QUIET: Once = Once::new();
        QUIET.call_once(whisper_rs::install_logging_hooks); // it tells much, and to nobody
        file::check(path).map_err(|error| refused(path, &error.to_string()))?;
        let context = WhisperContext::new_with_params(path, WhisperContextParameters::default());
        Ok(Self {
            context: context.map_err(|error| refused(path, &error.to_string()))?,
            languages: file::languages(path).map_err(|error| refused(path, &error.to_string()))?,
            idle: Mutex::default(),
        })
    }

    /// What is said in these samples, in one of the model's [`languages`]. It takes as long for a second as for half a
    /// minute, which is the most that is heard at once; what is longer is cut by the engine.
    ///
    /// # Errors
    ///
    /// [`WhisperFault::Broken`] where the engine failed, knows no such language, or has no memory left.
    pub fn understand(
        &self,
        language: &str,
        samples: &[i16],
    ) -> Result<Vec<HeardWord>, WhisperFault> {
        // Less than a tenth of a second is no speech, and nothing that it could work with.
        if samples.len() < RATE / 10 {
            return Ok(Vec::new());
        }
        if whisper_rs::get_lang_id(language).is_none_or(|id| id >= self.languages) {
            let reason = format!("it knows no language \"{language}\"");
            return Err(WhisperFault::Broken(reason));
        }
        let idle = self.idle.lock();
        let idle = idle.unwrap_or_else(PoisonError::into_inner).pop();
        let mut state = match idle {
            Some(state) => state,
            None => self.context.create_state().map_err(broken)?,
        };
        let sound: Vec<f32> = samples
            .iter()
            .map(|&one| f32::from(one) / 32_768.0)
            .collect();
        state.full(parameters(language), &sound).map_err(broken)?;
        let words = self.words(&state);
        let idle = self.idle.lock();
        idle.unwrap_or_else(PoisonError::into_inner).push(state);
        Ok(words)
    }

    /// What a run came to.
    fn words(&self, state: &WhisperState) -> Vec<HeardWord> {
        let mut words = Vec::new();
        for segment in state.as_iter() {
            let tokens = (0..segment.n_tokens()).filter_map(|number| segment.get_token(number));
            let pieces = tokens.filter_map(|token| {
                let data = token.token_data();
                let text = token.to_bytes().ok()?.to_vec();
                // From this one on, tokens stand for times, languages and tasks.
                (data.id < self.context.token_eot()).then_some(Piece {
                    text,
                    start: data.t0,
                    end: data.t1,
                    sure: data.p,
                })
            });
            words.extend(join(pieces));
        }
        words
    }
}

fn parameters(language: &str) -> FullParams<'_, '_> {
    let mut parameters = FullParams::new(SamplingStrategy::Greedy { best_of: 1 });
    parameters.set_language(Some(language));
    parameters.set_n_threads(1); // the server has a thread for each core already
    parameters.set_no_context(true); // stretches of different people may follow each other
    parameters.set_token_timestamps(true);
    parameters.set_suppress_blank(true);
    parameters.set_suppress_nst(true);
    parameters.set_print_special(false);
    parameters.set_print_progress(false);
    parameters.set_print_realtime(false);
    parameters.set_print_timestamps(false);
    parameters
}
