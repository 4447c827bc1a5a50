//! What transcription needs: an engine, and models.

use std::path::PathBuf;

use calls_model::Language;

use super::Finding;
use crate::config::{SpeechEngine, Transcription};
use crate::transcription::{Models, try_folder};

pub(super) fn examine(config: &Transcription) -> Vec<Finding> {
    let models = Models::open(config);
    let equipment = models.equipment();
    let engine = equipment.engine;
    if let Some(fault) = equipment.fault {
        return vec![Finding::Odd(
            format!("transcription: {fault}"),
            match config.engine {
                SpeechEngine::Vosk => {
                    "Calls work, and nobody's words are understood: `scripts/setup run` fetches libvosk, transcription.library names it."
                }
                SpeechEngine::Whisper => {
                    "Calls work, and nobody's words are understood: build with `--features whisper`, let transcription.whisper_model \
                     name a file of whisper.cpp (ggml-*.bin), or let transcription.engine be \"vosk\"."
                }
            },
        )];
    }
    let version = equipment
        .version
        .unwrap_or_else(|| "of an unknown version".to_owned());
    let library = equipment.library.unwrap_or_else(|| "built in".to_owned());
    let mut findings = vec![Finding::Good(format!(
        "transcription: {engine} {version}, {library}"
    ))];
    findings.extend(match config.engine {
        SpeechEngine::Vosk => folders(config, &models),
        SpeechEngine::Whisper => vec![one(config, &models)],
    });
    if let Err(why) = models.resolve(models.language()) {
        findings.push(Finding::Odd(
            format!("transcription.language: {why}"),
            "Whoever names no language gets an error: bring a model of it, or name another language.",
        ));
    }
    findings
}

/// Vosk's models.
fn folders(config: &Transcription, models: &Models) -> Vec<Finding> {
    let finding = |(language, folder): (Language, Option<PathBuf>)| {
        let what = format!("transcription.models: {language}");
        match folder {
            // To load it, it would have to be unpacked, and nothing is changed here.
            None => Finding::Good(format!("{what}, bundled, for commands and menus")),
            Some(folder) => match try_folder(config, &folder) {
                Ok(()) => Finding::Good(format!("{what}, {}", folder.display())),
                Err(why) => Finding::Odd(
                    format!("{what}: {why}"),
                    "Nobody who speaks it is understood: `calls models fetch` brings a good one, with --replace.",
                ),
            },
        }
    };
    models.known().into_iter().map(finding).collect()
}

/// Whisper's model: read, and not run, which takes long with a large one.
fn one(config: &Transcription, models: &Models) -> Finding {
    let path = config.whisper_model.display();
    let known = models.known();
    let read = known.keys().next().map(|any| models.engine(any));
    match read {
        Some(Err(why)) => Finding::Odd(
            format!("transcription.whisper_model: {why}"),
            "Nobody is understood: put a whole file of whisper.cpp (ggml-*.bin) there.",
        ),
        _ => Finding::Good(format!(
            "transcription.whisper_model: {path}, of {} languages",
            known.len()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn config() -> (tempfile::TempDir, Transcription) {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::load(None).unwrap().transcription;
        config.models = folder.path().join("models");
        (folder, config)
    }

    #[test]
    fn the_engine_is_told_of_and_nothing_is_unpacked() {
        let (_folder, config) = config();
        let findings = examine(&config);
        assert!(
            matches!(&findings[..], [Finding::Good(engine), Finding::Good(_)] if engine.contains("libvosk.so")),
            "{findings:?}"
        );
        assert!(!config.models.exists());
    }

    #[test]
    fn a_missing_engine_and_a_broken_model_are_odd_and_no_more() {
        let (_folder, mut config) = config();
        std::fs::create_dir_all(config.models.join("de/am")).unwrap();
        let findings = examine(&config);
        let [_, Finding::Odd(broken, _), Finding::Good(_)] = &findings[..] else {
            panic!("{findings:?}");
        };
        assert!(broken.starts_with("transcription.models: de: "), "{broken}");
        config.library = "/nowhere/libvosk.so".into();
        let findings = examine(&config);
        let [Finding::Odd(missing, _)] = &findings[..] else {
            panic!("{findings:?}");
        };
        assert!(missing.contains("/nowhere/libvosk.so"), "{missing}");
    }

    #[test]
    fn whisper_without_a_model_is_odd_and_says_what_to_do() {
        let (folder, mut config) = config();
        config.engine = SpeechEngine::Whisper;
        config.whisper_model = folder.path().join("ggml-base.bin");
        let findings = examine(&config);
        let [Finding::Odd(fault, advice)] = &findings[..] else {
            panic!("{findings:?}");
        };
        let wanted = if cfg!(feature = "whisper") {
            "ggml-base.bin"
        } else {
            "built without Whisper"
        };
        assert!(fault.contains(wanted), "{fault}");
        assert!(advice.contains("--features whisper"), "{advice}");
    }
}
