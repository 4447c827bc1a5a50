//! Vosk, which has a folder for each language.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io};

use calls_codec::vosk::Vosk as Library;
use calls_model::Language;
use rust_embed::RustEmbed;

use super::{Equipment, NoModel, Read, Source};
use crate::config::Transcription as Config;
use crate::transcription::engine::Vosk;

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

/// Far longer than a tenth of a second of sound ever takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// The library, and the folder with a folder for each language.
pub(super) struct Folders {
    library: Result<Library, String>,
    folder: PathBuf,
}

impl Folders {
    /// Opens the library.
    pub(super) fn open(config: &Config) -> Self {
        Self {
            library: open_library(&config.library),
            folder: config.models.clone(),
        }
    }

    /// Reads the model in a folder.
    pub(super) fn read(&self, folder: &Path) -> Read {
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

impl Source for Folders {
    fn known(&self) -> BTreeMap<Language, Option<PathBuf>> {
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

    fn missing(&self) -> Option<NoModel> {
        self.library.as_ref().err().cloned().map(NoModel::NoEngine)
    }

    fn equipment(&self) -> Equipment {
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

    fn patience(&self) -> Duration {
        PATIENCE
    }
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
