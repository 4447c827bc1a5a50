//! What understands which language, and each model that was read.

mod folders;
mod one;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use calls_model::Language;

use self::folders::Folders;
use self::one::One;
use super::engine::{Engine, EngineError, RATE};
use crate::config::{SpeechEngine, Transcription as Config};

/// There is nobody who understands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoModel {
    /// The engine, or the one model that it lives by, is not there.
    #[error("the speech engine is missing: {0}")]
    NoEngine(String),
    /// There is no model of this language.
    #[error("there is no speech model of \"{0}\"")]
    Unknown(Language),
    /// It is there, and cannot be read.
    #[error("{0}")]
    Broken(String),
}

/// What understands, for those who keep the server running.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Equipment {
    /// Which engine.
    pub engine: &'static str,
    /// Its library, where it is a file.
    pub library: Option<String>,
    /// The engine's version, where it says.
    pub version: Option<String>,
    /// Why nothing can be understood.
    pub fault: Option<String>,
}

/// An engine for one language, or why there is none.
type Read = Result<Arc<dyn Engine>, NoModel>;

/// An engine, and what models it has.
trait Source: Send + Sync {
    /// Which languages there are models of, and where; the bundled one has no place of its own.
    fn known(&self) -> BTreeMap<Language, Option<PathBuf>>;

    /// Why nothing at all can be understood, as far as that shows without reading a model.
    fn missing(&self) -> Option<NoModel>;

    /// What understands here.
    fn equipment(&self) -> Equipment;

    /// Reads the model of a language that is known.
    fn load(&self, language: &Language) -> Read;

    /// How long one piece of sound may take. Whoever takes longer hangs.
    fn patience(&self) -> Duration;
}

/// All models of a server. Each is read once, when it is wanted first.
pub struct Models {
    source: Box<dyn Source>,
    language: Language,
    /// Nobody waits for a model but who wants that very one.
    kept: Mutex<HashMap<Language, Arc<OnceLock<Read>>>>,
}

impl Models {
    /// Opens the engine; reads no model yet.
    pub fn open(config: &Config) -> Self {
        Self {
            source: match config.engine {
                SpeechEngine::Vosk => Box::new(Folders::open(config)),
                SpeechEngine::Whisper => Box::new(One::new(&config.whisper_model)),
            },
            language: config.language.clone(),
            kept: Mutex::default(),
        }
    }

    /// What is understood where nobody says.
    pub fn language(&self) -> &Language {
        &self.language
    }

    /// Which languages there are models of, and where; the bundled one has no place of its own.
    pub fn known(&self) -> BTreeMap<Language, Option<PathBuf>> {
        self.source.known()
    }

    /// The language that is meant: the very one, else the same without its region.
    ///
    /// # Errors
    ///
    /// [`NoModel::Unknown`] where there is no model of it.
    pub fn resolve(&self, asked: &Language) -> Result<Language, NoModel> {
        let known = self.known();
        let same = |tag: &str| {
            known
                .keys()
                .find(|one| one.as_str().eq_ignore_ascii_case(tag))
        };
        let primary = asked.as_str().split('-').next().unwrap_or_default();
        let found = same(asked.as_str()).or_else(|| same(primary));
        found
            .cloned()
            .ok_or_else(|| NoModel::Unknown(asked.clone()))
    }

    /// Why nothing at all can be understood, if it cannot.
    pub fn missing(&self) -> Option<NoModel> {
        self.source.missing()
    }

    /// What understands here.
    pub fn equipment(&self) -> Equipment {
        self.source.equipment()
    }

    /// How long one piece of sound may take. Whoever takes longer hangs.
    pub(super) fn patience(&self) -> Duration {
        self.source.patience()
    }

    /// Reads the model of a language and has it listen to a second of silence.
    ///
    /// # Errors
    ///
    /// [`NoModel`] says what is wrong with it.
    pub fn try_language(&self, language: &Language) -> Result<(), NoModel> {
        let language = self.resolve(language)?;
        try_out(&*self.engine(&language)?)
    }

    /// What makes listeners of a language, if its model was read and is good.
    pub fn ready(&self, language: &Language) -> Option<Arc<dyn Engine>> {
        self.known_as(language)?.ok()
    }

    /// What was found when a model was read, if it was.
    pub fn known_fault(&self, language: &Language) -> Option<NoModel> {
        self.known_as(language)?.err()
    }

    /// The engine of a language. It takes as long as reading the model does, the first time.
    ///
    /// # Errors
    ///
    /// [`NoModel`] says why there is none.
    pub fn engine(&self, language: &Language) -> Read {
        let place = self.lock().entry(language.clone()).or_default().clone();
        place.get_or_init(|| self.source.load(language)).clone()
    }

    /// With this engine for a language, whatever is on disk.
    #[cfg(all(test, feature = "testing"))]
    pub(super) fn with(self, language: &Language, engine: Arc<dyn Engine>) -> Self {
        self.lock()
            .insert(language.clone(), Arc::new(OnceLock::from(Ok(engine))));
        self
    }

    /// The same, but reading it takes so long.
    #[cfg(all(test, feature = "testing"))]
    pub(super) fn with_late(
        self,
        language: &Language,
        engine: Arc<dyn Engine>,
        takes: Duration,
    ) -> Self {
        let place = Arc::<OnceLock<Read>>::default();
        self.lock().insert(language.clone(), place.clone());
        let (begun, begins) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            place.get_or_init(|| {
                let _ = begun.send(());
                std::thread::sleep(takes);
                Ok(engine)
            });
        });
        begins.recv().expect("it is read"); // else whoever asks first would read another
        self
    }

    /// What came of reading it, if that is over.
    fn known_as(&self, language: &Language) -> Option<Read> {
        self.lock().get(language)?.get().cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Language, Arc<OnceLock<Read>>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a Vosk model, which need not be among those of a server, and has it listen to a second of silence.
///
/// # Errors
///
/// [`NoModel`] says what is wrong with it, or with Vosk.
pub fn try_folder(config: &Config, folder: &Path) -> Result<(), NoModel> {
    try_out(&*Folders::open(config).read(folder)?)
}

/// Has an engine listen to a second of silence.
fn try_out(engine: &dyn Engine) -> Result<(), NoModel> {
    let broken = |error: EngineError| NoModel::Broken(error.to_string());
    let mut listener = engine.listen(&[]).map_err(broken)?;
    listener.hear(&vec![0; RATE as usize]).map_err(broken)?;
    listener.finish().map_err(broken)?;
    Ok(())
}
