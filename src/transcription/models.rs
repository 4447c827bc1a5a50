//! Where engine and models are, and each model that was read.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::{fs, io};

use calls_codec::vosk::Vosk as Library;
use calls_model::Language;
use rust_embed::RustEmbed;

use super::engine::{Engine, EngineError, RATE, Vosk};
use crate::config::Transcription as Config;

/// The small English model for commands and menus, which every server has.
#[derive(RustEmbed)]
#[folder = "speech/model"]
struct Bundled;

/// What the bundled model understands.
const BUNDLED: &str = "en";

/// Where the bundled model is unpacked, below the folder of models.
const UNPACKED: &str = ".bundled";

/// The library's name.
const LIBRARY: &str = "libvosk.so";

/// There is nobody who understands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoModel {
    /// The engine's library cannot be opened.
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
    /// Its library.
    pub library: Option<String>,
    /// The library's version, where it says.
    pub version: Option<String>,
    /// Why nothing can be understood.
    pub fault: Option<String>,
}

type Read = Result<Arc<dyn Engine>, NoModel>;

/// All models of a server. Each is read once, when it is wanted first.
pub struct Models {
    library: Result<Library, String>,
    folder: PathBuf,
    language: Language,
    /// Nobody waits for a model but who wants that very one.
    kept: Mutex<HashMap<Language, Arc<OnceLock<Read>>>>,
}

impl Models {
    /// Opens the engine's library; reads no model yet.
    pub fn open(config: &Config) -> Self {
        Self {
            library: open_library(&config.library),
            folder: config.models.clone(),
            language: config.language.clone(),
            kept: Mutex::default(),
        }
    }

    /// What is understood where nobody says.
    pub fn language(&self) -> &Language {
        &self.language
    }

    /// Which languages there are models of, and where; the bundled one has no folder of its own.
    pub fn known(&self) -> BTreeMap<Language, Option<PathBuf>> {
        let bundled = BUNDLED.parse().map(|language| (language, None));
        let mut known: BTreeMap<Language, Option<PathBuf>> = bundled.into_iter().collect();
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().parse();
            if let (Ok(language), true) = (name, entry.path().is_dir()) {
                known.insert(language, Some(entry.path()));
            }
        }
        known
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
        self.library.as_ref().err().cloned().map(NoModel::NoEngine)
    }

    /// What understands here.
    pub fn equipment(&self) -> Equipment {
        let library = self.library.as_ref().ok().map(Library::path);
        // Vosk does not tell its version; whoever puts the library there writes it beside.
        let beside = library
            .and_then(Path::parent)
            .map(|folder| folder.join("version"));
        let version = beside.and_then(|path| fs::read_to_string(path).ok());
        Equipment {
            engine: "vosk",
            library: library.map(|path| path.display().to_string()),
            version: version.map(|version| version.trim().to_owned()),
            fault: self.missing().map(|missing| missing.to_string()),
        }
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

    /// As [`try_language`](Self::try_language), with a folder that need not be among the models.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn try_folder(&self, folder: &Path) -> Result<(), NoModel> {
        try_out(&*self.read(folder)?)
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
        place.get_or_init(|| self.load(language)).clone()
    }

    /// With this engine for a language, whatever is on disk.
    #[cfg(all(test, feature = "testing"))]
    pub(super) fn with(self, language: &Language, engine: Arc<dyn Engine>) -> Self {
        self.lock()
            .insert(language.clone(), Arc::new(OnceLock::from(Ok(engine))));
        self
    }

    /// What came of reading it, if that is over.
    fn known_as(&self, language: &Language) -> Option<Read> {
        self.lock().get(language)?.get().cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Language, Arc<OnceLock<Read>>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn load(&self, language: &Language) -> Read {
        let folder = match self.known().remove(language) {
            None => return Err(NoModel::Unknown(language.clone())),
            Some(Some(folder)) => folder,
            Some(None) => self.unpack().map_err(|error| {
                let folder = self.folder.display();
                NoModel::Broken(format!(
                    "the bundled speech model cannot be unpacked into {folder}: {error}"
                ))
            })?,
        };
        self.read(&folder)
    }

    fn read(&self, folder: &Path) -> Read {
        let library = self.library.as_ref();
        let library = library.map_err(|reason| NoModel::NoEngine(reason.clone()))?;
        let model = library.model(folder);
        let model = model.map_err(|error| NoModel::Broken(error.to_string()))?;
        Ok(Arc::new(Vosk::new(model, folder)))
    }

    /// Puts the bundled model onto the disk, where its engine can read it.
    fn unpack(&self) -> io::Result<PathBuf> {
        let folder = self.folder.join(UNPACKED).join(env!("CARGO_PKG_VERSION"));
        for name in Bundled::iter() {
            let path = folder.join(&*name);
            let file = Bundled::get(&name).ok_or(io::ErrorKind::NotFound)?;
            if fs::metadata(&path).is_ok_and(|there| there.len() == file.data.len() as u64) {
                continue;
            }
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(path, file.data)?;
        }
        Ok(folder)
    }
}

/// Has an engine listen to a second of silence.
fn try_out(engine: &dyn Engine) -> Result<(), NoModel> {
    let broken = |error: EngineError| NoModel::Broken(error.to_string());
    let mut listener = engine.listen(&[]).map_err(broken)?;
    listener.hear(&vec![0; RATE as usize]).map_err(broken)?;
    listener.finish();
    Ok(())
}

/// Where the library may be: where the configuration says; else beside the program, where it was built, in the system.
fn open_library(configured: &Path) -> Result<Library, String> {
    if !configured.as_os_str().is_empty() {
        return Library::open(configured).map_err(|error| error.to_string());
    }
    let program = std::env::current_exe().ok();
    let beside = program.as_deref().and_then(Path::parent);
    let places = [
        beside.map(|folder| folder.join(LIBRARY)),
        beside.map(|folder| folder.join("../lib/calls").join(LIBRARY)),
        Some(Path::new("vendor/vosk").join(LIBRARY)),
        Some(
            Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("vendor/vosk")
                .join(LIBRARY),
        ),
    ];
    let there = places.into_iter().flatten().find(|path| path.exists());
    match there {
        Some(path) => Library::open(&path).map_err(|error| error.to_string()),
        None => Library::open(Path::new(LIBRARY)).map_err(|_| {
            format!("no {LIBRARY} beside the program, in vendor/vosk, or in the system; `scripts/setup run` fetches it")
        }),
    }
}
