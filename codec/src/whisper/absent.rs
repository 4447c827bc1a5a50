//! In the place of whisper.cpp where it was not built in.

use std::path::Path;

use super::{HeardWord, WhisperFault};

/// The version of whisper.cpp: there is none.
pub const VERSION: Option<&str> = None;

/// A model; there can be none.
#[derive(Debug)]
pub enum WhisperModel {}

impl WhisperModel {
    /// Reads no model.
    ///
    /// # Errors
    ///
    /// [`WhisperFault::NotBuiltIn`], always.
    pub fn open(_: &Path) -> Result<Self, WhisperFault> {
        Err(WhisperFault::NotBuiltIn)
    }

    /// Nobody gets here: there is no model.
    ///
    /// # Errors
    ///
    /// None.
    pub fn understand(&self, _: &str, _: &[i16]) -> Result<Vec<HeardWord>, WhisperFault> {
        match *self {}
    }
}

/// Which languages a model was made for.
///
/// # Errors
///
/// [`WhisperFault::NotBuiltIn`], always.
pub fn languages(_: &Path) -> Result<Vec<&'static str>, WhisperFault> {
    Err(WhisperFault::NotBuiltIn)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_whisper_a_model_is_refused_with_the_way_to_have_it() {
        let refused = WhisperModel::open(Path::new("ggml-base.bin")).expect_err("there is none");
        assert_eq!(languages(Path::new("ggml-base.bin")), Err(refused.clone()));
        assert!(
            refused.to_string().contains("--features whisper"),
            "{refused}"
        );
    }
}
