//! The official models of Vosk: which there are, and how one comes onto this machine.
//!
//! A host of models has a list (`model-list.json`) and an archive for each model (`NAME.zip`). What was downloaded in
//! part goes on where it was; what arrives otherwise than the list says goes again, and nothing takes a place among the
//! models before it is whole and can be read.

mod unpack;

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use calls_model::Language;
use md5::{Digest, Md5};
use reqwest::header::{CONTENT_RANGE, RANGE};
use reqwest::{Client, Response, StatusCode};
use serde::Deserialize;
use tokio::fs::{self, File, OpenOptions};
use tokio::io::AsyncWriteExt;

use crate::causes::causes;

pub use self::unpack::UnpackError;

/// How long a host may be silent.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where downloads are until they are whole, below the folder of models. No language is called so.
const UNDERWAY: &str = ".fetch";

/// Tags of the list that mean another language to everybody else (ISO 639-1).
const TAGS: [(&str, &str); 3] = [("cn", "zh"), ("kz", "kk"), ("vn", "vi")];

/// A model cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// What the host, or the way there, says.
    #[error("{url}: {reason}")]
    Host {
        /// What was asked for.
        url: String,
        /// Why not.
        reason: String,
    },
    /// What arrived is not what the list promises.
    #[error("{name} did not arrive as it left: {detail}; fetch it again")]
    Differs {
        /// Which model.
        name: String,
        /// What differs.
        detail: String,
    },
    /// The list has a name that would lead elsewhere.
    #[error("\"{0}\" is no name of a model")]
    Name(String),
    /// The archive is bad.
    #[error(transparent)]
    Unpack(#[from] UnpackError),
    /// What the system says.
    #[error("{}: {error}", path.display())]
    System {
        /// Of which file.
        path: PathBuf,
        /// What it says.
        error: std::io::Error,
    },
}

fn system(path: &Path) -> impl FnOnce(std::io::Error) -> FetchError + use<> {
    let path = path.to_owned();
    |error| FetchError::System { path, error }
}

/// One model of the list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Listed {
    /// Its name, which is that of its archive.
    pub name: String,
    /// Its language, in tags of the list's own.
    lang: String,
    /// Its language, for people.
    #[serde(default)]
    pub lang_text: String,
    /// How large its archive is, in bytes.
    pub size: u64,
    /// MD5 of the archive, in hex.
    pub md5: String,
    /// `small`, `big`, `big-lgraph`, …
    #[serde(rename = "type", default)]
    pub kind: String,
    /// A newer one stands in its place: `true` or `false`, as text.
    #[serde(default)]
    obsolete: String,
}

impl Listed {
    /// What it understands.
    ///
    /// # Errors
    ///
    /// The list has no language for it.
    pub fn language(&self) -> Result<Language, FetchError> {
        let other = TAGS.iter().find(|(theirs, _)| *theirs == self.lang);
        let tag = other.map_or(self.lang.as_str(), |(_, ours)| ours);
        tag.parse().map_err(|_| FetchError::Name(self.lang.clone()))
    }

    /// A newer one stands in its place.
    pub fn is_obsolete(&self) -> bool {
        self.obsolete == "true"
    }
}

/// A host of models.
#[derive(Debug)]
pub struct Catalogue {
    base: String,
    http: Client,
}

impl Catalogue {
    /// The one at this address.
    ///
    /// # Errors
    ///
    /// The system has no TLS roots to trust.
    pub fn new(base: &str) -> Result<Self, FetchError> {
        let base = base.trim_end_matches('/').to_owned();
        let client = Client::builder()
            .connect_timeout(PATIENCE)
            .read_timeout(PATIENCE)
            .user_agent(concat!("Calls/", env!("CARGO_PKG_VERSION")))
            .build();
        match client {
            Ok(http) => Ok(Self { base, http }),
            Err(error) => Err(of_host(&base, &error)),
        }
    }

    /// All models that it has.
    ///
    /// # Errors
    ///
    /// The host cannot be reached, or has no list.
    pub async fn list(&self) -> Result<Vec<Listed>, FetchError> {
        let url = format!("{}/model-list.json", self.base);
        let answer = self.http.get(&url).send().await;
        let answer = answer.and_then(Response::error_for_status);
        let list = match answer {
            Ok(answer) => answer.json().await,
            Err(error) => Err(error),
        };
        list.map_err(|error| of_host(&url, &error))
    }

    /// Brings a model onto the disk, whole and unpacked, and tells where it is: below `models`, but not among them yet.
    /// `progressed` is told how many bytes of the archive are here.
    ///
    /// # Errors
    ///
    /// It cannot be had, or is not what the list promises. What came of it so far is kept for the next time.
    pub async fn fetch(
        &self,
        model: &Listed,
        models: &Path,
        progressed: impl Fn(u64),
    ) -> Result<PathBuf, FetchError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if model.name.is_empty() || model.name.starts_with('.') || !model.name.chars().all(fits) {
            return Err(FetchError::Name(model.name.clone()));
        }
        let underway = models.join(UNDERWAY);
        fs::create_dir_all(&underway)
            .await
            .map_err(system(&underway))?;
        let archive = underway.join(format!("{}.zip", model.name));
        self.download(model, &archive, progressed).await?;
        let whole = tokio::task::spawn_blocking({
            let (model, archive) = (model.clone(), archive.clone());
            move || -> Result<PathBuf, FetchError> {
                compare(&model, &archive)?;
                let folder = archive.with_extension("unpacked");
                Ok(unpack::unpack(&archive, &folder)?)
            }
        });
        let whole = whole.await.unwrap_or_else(|crashed| {
            let error = std::io::Error::other(crashed);
            Err(system(&archive)(error))
        });
        // Whole, it is needed no more; bad, it is fetched anew.
        fs::remove_file(&archive).await.map_err(system(&archive))?;
        whole
    }

    async fn download(
        &self,
        model: &Listed,
        archive: &Path,
        progressed: impl Fn(u64),
    ) -> Result<(), FetchError> {
        let url = format!("{}/{}.zip", self.base, model.name);
        let mut have = fs::metadata(archive).await.map_or(0, |file| file.len());
        if have >= model.size {
            return Ok(()); // what is wrong with it shows when it is compared
        }
        let mut ask = self.http.get(&url);
        if have > 0 {
            ask = ask.header(RANGE, format!("bytes={have}-"));
        }
        let answer = ask.send().await.and_then(Response::error_for_status);
        let mut answer = answer.map_err(|error| of_host(&url, &error))?;
        let range = answer.headers().get(CONTENT_RANGE);
        let from = format!("bytes {have}-");
        let goes_on = answer.status() == StatusCode::PARTIAL_CONTENT
            && range.is_some_and(|range| range.to_str().is_ok_and(|it| it.starts_with(&from)));
        let mut options = OpenOptions::new();
        options.create(true).write(true);
        if goes_on {
            options.append(true);
        } else {
            options.truncate(true);
            have = 0;
        }
        let mut file = options.open(archive).await.map_err(system(archive))?;
        progressed(have);
        let told = receive(&mut answer, &mut file, model, &mut have, progressed).await;
        file.sync_all().await.map_err(system(archive))?;
        match told {
            Ok(()) => Ok(()),
            Err(reason) => Err(FetchError::Host { url, reason }),
        }
    }
}

/// Takes what comes, up to what was promised.
async fn receive(
    answer: &mut Response,
    file: &mut File,
    model: &Listed,
    have: &mut u64,
    progressed: impl Fn(u64),
) -> Result<(), String> {
    while let Some(bytes) = answer.chunk().await.map_err(|error| causes(&error))? {
        *have += bytes.len() as u64;
        if *have > model.size {
            return Err(format!("more than {} bytes came", model.size));
        }
        let written = file.write_all(&bytes).await;
        written.map_err(|error| error.to_string())?;
        progressed(*have);
    }
    if *have < model.size {
        return Err(format!(
            "it ended after {have} of {} bytes; the next fetch goes on there",
            model.size
        ));
    }
    Ok(())
}

/// How large a file is, and its MD5 in hex.
fn sum(path: &Path) -> std::io::Result<(u64, String)> {
    let mut file = std::fs::File::open(path)?;
    let (mut hash, mut size) = (Md5::new(), 0);
    let mut part = vec![0; 1 << 16];
    loop {
        let length = file.read(&mut part)?;
        if length == 0 {
            return Ok((size, hex::encode(hash.finalize())));
        }
        hash.update(&part[..length]);
        size += length as u64;
    }
}

/// It is what the list promises.
fn compare(model: &Listed, archive: &Path) -> Result<(), FetchError> {
    let (size, sum) = sum(archive).map_err(system(archive))?;
    if size == model.size && sum.eq_ignore_ascii_case(&model.md5) {
        return Ok(());
    }
    Err(FetchError::Differs {
        name: model.name.clone(),
        detail: format!(
            "{size} bytes with the MD5 {sum}, not {} with {}",
            model.size, model.md5
        ),
    })
}

/// Puts a model that [`Catalogue::fetch`] brought into its place among the models; another one that is there goes.
///
/// # Errors
///
/// What the system says.
pub fn install(fetched: &Path, models: &Path, language: &Language) -> Result<PathBuf, FetchError> {
    let place = models.join(language.as_str());
    let old = models.join(UNDERWAY).join("replaced");
    if old.exists() {
        std::fs::remove_dir_all(&old).map_err(system(&old))?;
    }
    if place.exists() {
        std::fs::rename(&place, &old).map_err(system(&place))?;
    }
    std::fs::rename(fetched, &place).map_err(system(&place))?;
    forget(models)?;
    Ok(place)
}

/// Lets go of everything that is under way.
///
/// # Errors
///
/// What the system says.
pub fn forget(models: &Path) -> Result<(), FetchError> {
    let underway = models.join(UNDERWAY);
    match std::fs::remove_dir_all(&underway) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(system(&underway)(error)),
        _ => Ok(()),
    }
}

fn of_host(url: &str, error: &reqwest::Error) -> FetchError {
    FetchError::Host {
        url: url.to_owned(),
        reason: causes(error),
    }
}
