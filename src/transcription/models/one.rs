//! Whisper, which has one model for all languages.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use calls_codec::whisper::{VERSION, WhisperModel, languages};
use calls_model::Language;

use super::{Equipment, NoModel, Read, Source};
use crate::transcription::whisper::Whisper;

/// Longer than half a minute of speech takes a large model on a busy core.
const PATIENCE: Duration = Duration::from_secs(180);

/// The file, and the model in it when that was read.
pub(super) struct One {
    path: PathBuf,
    model: OnceLock<Result<Arc<WhisperModel>, NoModel>>,
}

impl One {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            model: OnceLock::new(),
        }
    }
}

impl Source for One {
    fn known(&self) -> BTreeMap<Language, Option<PathBuf>> {
        let known = languages(&self.path).unwrap_or_default(); // why there are none, `missing` says
        let known = known.into_iter().filter_map(|tag| tag.parse().ok());
        known.map(|tag| (tag, Some(self.path.clone()))).collect()
    }

    fn missing(&self) -> Option<NoModel> {
        let fault = languages(&self.path).err()?;
        Some(NoModel::NoEngine(fault.to_string()))
    }

    fn equipment(&self) -> Equipment {
        Equipment {
            engine: "whisper",
            library: None,
            version: VERSION.map(str::to_owned),
            fault: self.missing().map(|missing| missing.to_string()),
        }
    }

    fn load(&self, language: &Language) -> Read {
        let model = self.model.get_or_init(|| {
            let model = WhisperModel::open(&self.path);
            model
                .map(Arc::new)
                .map_err(|fault| NoModel::Broken(fault.to_string()))
        });
        Ok(Arc::new(Whisper::new(model.clone()?, language)))
    }

    fn patience(&self) -> Duration {
        PATIENCE
    }
}

#[cfg(all(test, not(feature = "whisper")))]
mod tests {
    use crate::config::{Config, SpeechEngine};
    use crate::transcription::Models;

    #[test]
    fn a_server_that_was_built_without_whisper_says_so() {
        let mut config = Config::load(None).expect("the defaults").transcription;
        config.engine = SpeechEngine::Whisper;
        let models = Models::open(&config);
        assert!(models.known().is_empty());
        let fault = models.equipment().fault.expect("there is one");
        assert!(fault.contains("built without Whisper"), "{fault}");
    }
}
