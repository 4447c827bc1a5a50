//! Whisper, which hears whole stretches of speech: what somebody says is understood when they pause, or after [`LONGEST`].
//! There are no captions of what is being said.

use std::sync::Arc;
use std::time::Duration;

use calls_codec::whisper::{HeardWord, WhisperFault, WhisperModel};
use calls_model::Language;

use super::engine::{Engine, EngineError, Heard, Listener, RATE, Unfit, Word};

/// What is heard at once at most: Whisper's window is 30 s.
const LONGEST: Duration = Duration::from_secs(28);

/// A language of a model.
pub(super) struct Whisper {
    model: Arc<WhisperModel>,
    language: Arc<str>,
}

impl Whisper {
    pub(super) fn new(model: Arc<WhisperModel>, language: &Language) -> Self {
        Self {
            model,
            language: language.as_str().into(),
        }
    }
}

impl Engine for Whisper {
    fn listen(&self, _: &[String]) -> Result<Box<dyn Listener>, EngineError> {
        let (model, language) = (self.model.clone(), self.language.clone());
        let ear = move |samples: &[i16]| model.understand(&language, samples);
        Ok(Box::new(Stretches::new(ear)))
    }

    fn unfit(&self, phrases: &[String]) -> Option<Unfit> {
        (!phrases.is_empty()).then_some(Unfit::NoPhrases)
    }
}

impl From<WhisperFault> for EngineError {
    fn from(fault: WhisperFault) -> Self {
        Self(fault.to_string())
    }
}

/// Gathers speech, and has a whole stretch of it understood.
struct Stretches<E> {
    ear: E,
    stretch: Vec<i16>,
    /// Samples before it.
    before: usize,
}

impl<E> Stretches<E>
where
    E: FnMut(&[i16]) -> Result<Vec<HeardWord>, WhisperFault>,
{
    fn new(ear: E) -> Self {
        Self {
            ear,
            stretch: Vec::new(),
            before: 0,
        }
    }

    fn understand(&mut self) -> Result<Vec<Word>, EngineError> {
        let stretch = std::mem::take(&mut self.stretch);
        #[expect(clippy::cast_precision_loss, reason = "samples of some hours")]
        let [before, lasts] = [self.before, stretch.len()].map(|it| it as f64 / f64::from(RATE));
        self.before += stretch.len();
        let words = (self.ear)(&stretch)?;
        // It may believe that a word goes on in the silence that it fills its window with.
        let word = |heard: HeardWord| Word {
            word: heard.word,
            start: before + heard.start.min(lasts),
            end: before + heard.end.min(lasts),
            confidence: heard.confidence,
        };
        Ok(words.into_iter().map(word).collect())
    }
}

impl<E> Listener for Stretches<E>
where
    E: FnMut(&[i16]) -> Result<Vec<HeardWord>, WhisperFault> + Send,
{
    fn hear(&mut self, samples: &[i16]) -> Result<Heard, EngineError> {
        self.stretch.extend(samples);
        let longest = LONGEST.as_secs() * u64::from(RATE);
        if (self.stretch.len() as u64) < longest {
            return Ok(Heard::Partial(String::new()));
        }
        self.understand().map(Heard::Final)
    }

    fn finish(&mut self) -> Result<Vec<Word>, EngineError> {
        if self.stretch.is_empty() {
            return Ok(Vec::new());
        }
        self.understand()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static SECOND: [i16; 16_000] = [1; 16_000];

    /// Hears one word in the last second of each stretch; breaks over silence.
    fn parrot(samples: &[i16]) -> Result<Vec<HeardWord>, WhisperFault> {
        if samples.iter().all(|&sample| sample == 0) {
            return Err(WhisperFault::Broken("silence".to_owned()));
        }
        #[expect(clippy::cast_precision_loss, reason = "some seconds")]
        let end = samples.len() as f64 / f64::from(RATE);
        Ok(vec![HeardWord {
            word: "hello".to_owned(),
            start: end - 1.0,
            end: end + 2.0,
            confidence: 0.9,
        }])
    }

    fn times(words: &[Word]) -> Vec<(f64, f64)> {
        words.iter().map(|word| (word.start, word.end)).collect()
    }

    #[test]
    fn what_is_said_is_understood_at_a_pause_with_times_of_all_that_was_heard() {
        let mut listener = Stretches::new(parrot);
        for _ in 0..3 {
            let heard = listener.hear(&SECOND);
            assert_eq!(heard, Ok(Heard::Partial(String::new())));
        }
        assert_eq!(times(&listener.finish().expect("a pause")), [(2.0, 3.0)]);
        assert_eq!(listener.finish(), Ok(Vec::new()), "nothing was said since");
        listener.hear(&SECOND).expect("it hears");
        assert_eq!(times(&listener.finish().expect("a pause")), [(3.0, 4.0)]);
    }

    #[test]
    fn who_never_pauses_is_understood_all_the_same() {
        let mut listener = Stretches::new(parrot);
        let heard = (0..30).map(|_| listener.hear(&SECOND).expect("it hears"));
        let heard: Vec<Heard> = heard.collect();
        let Heard::Final(words) = &heard[27] else {
            panic!("{heard:?}");
        };
        assert_eq!(times(words), [(27.0, 28.0)]);
    }

    #[test]
    fn a_stretch_that_the_engine_breaks_over_is_no_silence() {
        let mut listener = Stretches::new(parrot);
        listener.hear(&[0; 1600]).expect("it only gathers");
        let broken = listener.finish().expect_err("it broke");
        assert_eq!(broken.to_string(), "the speech engine failed: silence");
        listener.hear(&SECOND).expect("it hears");
        assert_eq!(times(&listener.finish().expect("a pause")), [(0.1, 1.1)]);
    }
}
