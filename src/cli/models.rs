//! `calls models`: what the server understands, and how it learns more.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use calls_model::Language;
use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};

use super::{complain, say};
use crate::config::{Config, SpeechEngine, Transcription};
use crate::transcription::catalogue::{self, Catalogue, FetchError, Listed};
use crate::transcription::{Models, NoModel, try_folder};

/// What to do with speech models.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// List what is installed, and what transcription.catalogue has
    List {
        /// Ask nobody: only what is installed
        #[arg(long)]
        installed: bool,
    },
    /// Download a model, check it, and put it where the server finds it
    Fetch {
        /// Its name in the list; or a language, such as "de", for the small model of it
        name: String,
        /// What it shall be found as, where that is not the language that the list says
        #[arg(long, value_name = "TAG")]
        language: Option<Language>,
        /// Put it in the place of a model that is there
        #[arg(long)]
        replace: bool,
    },
    /// Load models and have them listen to a second of silence
    Check {
        /// Which languages; one of each model that is installed where none is named
        languages: Vec<Language>,
    },
}

pub(super) fn run(config: &Config, action: &Action) -> Result<ExitCode, String> {
    let speech = &config.transcription;
    match action {
        Action::List { installed } => list(speech, *installed),
        Action::Fetch {
            name,
            language,
            replace,
        } => actix::System::new().block_on(fetch(speech, name, language.as_ref(), *replace)),
        Action::Check { languages } => check(speech, languages),
    }
}

fn list(config: &Transcription, installed: bool) -> Result<ExitCode, String> {
    let models = Models::open(config);
    say("Installed:");
    for (place, languages) in by_place(&models) {
        let place = place.map_or("bundled, for commands and menus".to_owned(), |place| {
            place.display().to_string()
        });
        let languages: Vec<&str> = languages.iter().map(Language::as_str).collect();
        say(&format!("  {:<8} {place}", languages.join(" ")));
    }
    if let Some(why) = models.missing() {
        complain(&format!("Nothing is understood: {why}"));
    }
    if installed {
        return Ok(ExitCode::SUCCESS);
    }
    let host = &config.catalogue;
    let listed = async { Catalogue::new(host)?.list().await };
    let listed = actix::System::new().block_on(listed);
    let listed = listed.map_err(|error| {
        format!(
            "what else could be fetched is not known: {error}; what is installed works without that"
        )
    })?;
    say(&format!("At {host}:"));
    for model in listed.iter().filter(|model| !model.is_obsolete()) {
        let language = model.language();
        let tag = language.as_ref().map_or("?", Language::as_str);
        let Listed {
            name,
            lang_text,
            kind,
            md5,
            ..
        } = model;
        let size = megabytes(model.size);
        say(&format!(
            "  {tag:<8} {size:>8}  {kind:<6} {name}  md5 {md5}  {lang_text}"
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Which languages each model serves: Vosk's one each, Whisper's all.
fn by_place(models: &Models) -> BTreeMap<Option<PathBuf>, Vec<Language>> {
    let mut places: BTreeMap<_, Vec<Language>> = BTreeMap::new();
    for (language, place) in models.known() {
        places.entry(place).or_default().push(language);
    }
    places
}

async fn fetch(
    config: &Transcription,
    name: &str,
    language: Option<&Language>,
    replace: bool,
) -> Result<ExitCode, String> {
    let folder = &config.models;
    let catalogue = Catalogue::new(&config.catalogue).map_err(told)?;
    let listed = catalogue.list().await.map_err(told)?;
    let model = pick(&listed, name)?;
    let language = match language {
        Some(language) => language.clone(),
        None => model.language().map_err(told)?,
    };
    let place = folder.join(language.as_str());
    if place.exists() && !replace {
        return Err(format!(
            "{} is there already; --replace puts {} in its place, --language TAG beside it",
            place.display(),
            model.name
        ));
    }
    say(&format!("{}, {}", model.name, megabytes(model.size)));
    let bar = ProgressBar::new(model.size);
    let style = "{bar:40} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} to go";
    bar.set_style(ProgressStyle::with_template(style).map_err(|error| error.to_string())?);
    let fetched = catalogue.fetch(model, folder, |bytes| bar.set_position(bytes));
    let fetched = fetched.await;
    bar.finish_and_clear();
    let fetched = fetched.map_err(told)?;
    // A model that does not load must not take the place of one that does.
    match try_folder(config, &fetched) {
        Ok(()) => {}
        Err(why @ NoModel::NoEngine(_)) => {
            complain(&format!("{} was not loaded to check it: {why}", model.name));
        }
        Err(why) => {
            catalogue::forget(folder).map_err(told)?;
            return Err(format!("{} is of no use: {why}", model.name));
        }
    }
    let place = catalogue::install(&fetched, folder, &language).map_err(told)?;
    if config.engine != SpeechEngine::Vosk {
        complain("transcription.engine is not \"vosk\": until it is, this model is of no use");
    }
    say(&format!(
        "{language} is understood by {}; a server that runs finds it by itself, unless it has a model of {language} in \
         use already: then at its next start",
        place.display()
    ));
    Ok(ExitCode::SUCCESS)
}

/// The model that is meant: by its name, or the small one of a language.
fn pick<'a>(listed: &'a [Listed], name: &str) -> Result<&'a Listed, String> {
    if let Some(model) = listed.iter().find(|model| model.name == name) {
        return Ok(model);
    }
    let speaks = |model: &&Listed| {
        let language = model.language();
        language.is_ok_and(|language| language.as_str().eq_ignore_ascii_case(name))
    };
    let mut small = listed
        .iter()
        .filter(|model| !model.is_obsolete() && model.kind == "small")
        .filter(speaks);
    small.next().ok_or_else(|| {
        let names: BTreeSet<&str> = listed.iter().map(|model| model.name.as_str()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        format!(
            "there is no model \"{name}\", and no small one of such a language; there are: {}",
            names.join(", ")
        )
    })
}

fn check(config: &Transcription, languages: &[Language]) -> Result<ExitCode, String> {
    let models = Models::open(config);
    if let Some(why) = models.missing() {
        return Err(why.to_string());
    }
    let languages: Vec<Language> = if languages.is_empty() {
        let served = by_place(&models).into_values();
        served
            .filter_map(|languages| languages.into_iter().next())
            .collect()
    } else {
        languages.to_vec()
    };
    let mut bad = 0;
    for language in languages {
        let begun = Instant::now();
        match models.try_language(&language) {
            Ok(()) => say(&format!(
                "  ok    {language}, in {}",
                seconds(begun.elapsed())
            )),
            Err(why) => {
                bad += 1;
                say(&format!("  BAD   {language}: {why}"));
            }
        }
    }
    Ok(if bad == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[expect(clippy::needless_pass_by_value, reason = "it is passed on by map_err")]
fn told(error: FetchError) -> String {
    error.to_string()
}

fn megabytes(bytes: u64) -> String {
    format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10)
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}
