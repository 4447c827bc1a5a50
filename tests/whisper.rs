//! A server with Whisper, from its configuration to what it hears.

#[path = "../codec/tests/tiny/mod.rs"]
mod tiny;

use calls::config::{Config, SpeechEngine};
use calls::transcription::{Heard, Models, NoModel, Unfit};

#[test]
fn a_server_with_whisper_hears_by_its_model_and_says_what_is_wrong_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = Config::load(None).expect("the defaults").transcription;
    config.engine = SpeechEngine::Whisper;
    config.whisper_model = folder.path().join("ggml-random.bin");
    let missing = Models::open(&config).missing().expect("there is none");
    assert!(missing.to_string().contains("ggml-random.bin"), "{missing}");

    tiny::write(folder.path());
    let models = Models::open(&config);
    assert_eq!(
        (models.missing(), models.equipment().engine),
        (None, "whisper")
    );
    let language = models.resolve(&"de-AT".parse().expect("a tag"));
    let language = language.expect("one model, many languages");
    assert_eq!(language.as_str(), "de");
    models.try_language(&language).expect("it runs");
    let engine = models.engine(&language).expect("a model");
    assert_eq!(engine.unfit(&["yes".to_owned()]), Some(Unfit::NoPhrases));
    let mut listener = engine.listen(&[]).expect("somebody listens");
    for _ in 0..10 {
        let heard = listener.hear(&[100; 1600]).expect("it hears");
        assert_eq!(heard, Heard::Partial(String::new()));
    }
    // What random weights make of it is nothing; that it lies within the sound is ours.
    for word in listener.finish().expect("it runs") {
        assert!(word.start <= word.end && word.end <= 1.0, "{word:?}");
    }
    let unknown = models.resolve(&"qqx".parse().expect("a tag"));
    assert!(matches!(unknown, Err(NoModel::Unknown(_))), "{unknown:?}");

    let whole = std::fs::read(&config.whisper_model).expect("a file");
    std::fs::write(&config.whisper_model, &whole[..whole.len() / 2]).expect("written");
    let broken = Models::open(&config).engine(&language).err();
    assert!(matches!(broken, Some(NoModel::Broken(_))), "{broken:?}");
}
