//! What transcription needs: an engine, and models.

use super::Finding;
use crate::config::Transcription;
use crate::transcription::Models;

pub(super) fn examine(config: &Transcription) -> Vec<Finding> {
    let models = Models::open(config);
    let equipment = models.equipment();
    let engine = equipment.engine;
    let Some(library) = equipment.library.filter(|_| equipment.fault.is_none()) else {
        return vec![Finding::Odd(
            format!(
                "transcription: {}",
                equipment.fault.unwrap_or_else(|| format!("no {engine}"))
            ),
            "Calls work, and nobody's words are understood: `scripts/setup run` fetches libvosk, transcription.library names it.",
        )];
    };
    let version = equipment
        .version
        .unwrap_or_else(|| "of an unknown version".to_owned());
    let mut findings = vec![Finding::Good(format!(
        "transcription: {engine} {version}, {library}"
    ))];
    for (language, folder) in models.known() {
        let what = format!("transcription.models: {language}");
        findings.push(match folder {
            // To load it, it would have to be unpacked, and nothing is changed here.
            None => Finding::Good(format!("{what}, bundled, for commands and menus")),
            Some(folder) => match models.try_folder(&folder) {
                Ok(()) => Finding::Good(format!("{what}, {}", folder.display())),
                Err(why) => Finding::Odd(
                    format!("{what}: {why}"),
                    "Nobody who speaks it is understood: `calls models fetch` brings a good one, with --replace.",
                ),
            },
        });
    }
    if let Err(why) = models.resolve(models.language()) {
        findings.push(Finding::Odd(
            format!("transcription.language: {why}"),
            "Whoever names no language gets an error: `calls models fetch` brings a model, or name another language.",
        ));
    }
    findings
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
}
