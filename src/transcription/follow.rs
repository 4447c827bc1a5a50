//! One voice, from sound to words: what is speech is given to a listener, and what that understands gets its time.

use std::sync::Arc;

use calls_actors::transcriber::HearingTold;
use calls_model::signal::Caption;
use calls_model::{ParticipantId, SpokenWord, UserId, Utterance};

use super::engine::{Engine, EngineError, Heard, Listener, RATE, Word};
use super::gate::{FRAME, Gate, Passed};
use super::sound::Piece;
use crate::telemetry::names::SPEECH_HEARD;

/// Samples that an engine is given at a time: 96 ms.
const CHUNK: usize = 6 * FRAME;

/// Who speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Speaker {
    /// Whose presence.
    pub(super) participant_id: ParticipantId,
    /// Whose.
    pub(super) user_id: UserId,
}

/// Follows what one speaker says.
pub(super) struct Follow {
    speaker: Speaker,
    phrases: Arc<[String]>,
    engine: Arc<dyn Engine>,
    gate: Gate,
    /// Sound that makes no whole frame yet, and when it begins.
    rest: (i64, Vec<i16>),
    listener: Option<Box<dyn Listener>>,
    /// Speech that the listener was not given yet.
    waiting: Vec<i16>,
    /// Samples that the listener was given.
    given: usize,
    /// When what it was given was said: from which sample on, and from which moment.
    moments: Vec<(usize, i64)>,
    partial: String,
}

impl Follow {
    pub(super) fn new(speaker: Speaker, phrases: Arc<[String]>, engine: Arc<dyn Engine>) -> Self {
        Self {
            speaker,
            phrases,
            engine,
            gate: Gate::default(),
            rest: (0, Vec::new()),
            listener: None,
            waiting: Vec::new(),
            given: 0,
            moments: Vec::new(),
            partial: String::new(),
        }
    }

    /// They are in the middle of saying something.
    pub(super) fn is_speaking(&self) -> bool {
        self.gate.is_open()
    }

    /// Lets go of the listener: another one comes when they speak again.
    pub(super) fn forget(&mut self) {
        self.listener = None;
        self.given = 0;
        self.moments.clear();
    }

    /// Takes the next piece of sound; tells whether there was speech in it.
    pub(super) fn hear(
        &mut self,
        piece: Piece,
        told: &mut Vec<HearingTold>,
    ) -> Result<bool, EngineError> {
        let mut spoke = false;
        if piece.apart {
            self.pause(told)?;
            self.rest.1.clear();
        }
        if self.rest.1.is_empty() {
            self.rest.0 = piece.at_us;
        }
        self.rest.1.extend(piece.samples);
        let (mut at_us, rest) = std::mem::take(&mut self.rest);
        let frames = rest.chunks_exact(FRAME);
        let left = frames.remainder().to_vec();
        for frame in frames {
            match self.gate.pass(at_us, frame) {
                Passed::Nothing => {}
                Passed::Opened { at_us, samples } => {
                    self.moments.push((self.given + self.waiting.len(), at_us));
                    self.waiting.extend(samples);
                }
                Passed::More(samples) => self.waiting.extend(samples),
                Passed::Closed => self.pause(told)?,
            }
            if self.waiting.len() >= CHUNK {
                spoke = true;
                self.give(told)?;
            }
            at_us += length_us(FRAME);
        }
        self.rest = (at_us, left);
        Ok(spoke)
    }

    /// Gives the listener what waits.
    fn give(&mut self, told: &mut Vec<HearingTold>) -> Result<(), EngineError> {
        let listener = match &mut self.listener {
            Some(listener) => listener,
            none => none.insert(self.engine.listen(&self.phrases)?),
        };
        let samples = std::mem::take(&mut self.waiting);
        self.given += samples.len();
        metrics::counter!(SPEECH_HEARD).increment(length_us(samples.len()).unsigned_abs() / 1000);
        match listener.hear(&samples)? {
            Heard::Final(words) => self.said(words, told),
            Heard::Partial(text) if text != self.partial && !text.is_empty() => {
                self.partial.clone_from(&text);
                told.push(HearingTold::Partial(Caption {
                    participant_id: self.speaker.participant_id.clone(),
                    text,
                    is_final: false,
                    start_ms: ms(self.moments.last().map_or(0, |moment| moment.1)),
                    end_ms: ms(self.said_at(self.given)),
                }));
            }
            Heard::Partial(_) => {}
        }
        Ok(())
    }

    /// They paused.
    pub(super) fn pause(&mut self, told: &mut Vec<HearingTold>) -> Result<(), EngineError> {
        self.gate.close();
        if !self.waiting.is_empty() {
            self.give(told)?;
        }
        if let Some(listener) = &mut self.listener {
            let words = listener.finish()?;
            self.said(words, told);
        }
        Ok(())
    }

    fn said(&mut self, words: Vec<Word>, told: &mut Vec<HearingTold>) {
        let shown = !std::mem::take(&mut self.partial).is_empty();
        let words: Vec<SpokenWord> = words.into_iter().map(|word| self.spoken(word)).collect();
        let (Some(first), Some(last)) = (words.first(), words.last()) else {
            if shown {
                told.push(self.nothing()); // what was shown was no word after all
            }
            return;
        };
        let text: Vec<&str> = words.iter().map(|word| word.word.as_str()).collect();
        let sure: f32 = words.iter().map(|word| word.confidence).sum();
        #[expect(
            clippy::cast_precision_loss,
            reason = "nobody says 2^23 words in one go"
        )]
        let confidence = sure / words.len() as f32;
        told.push(HearingTold::Said(Utterance {
            participant_id: self.speaker.participant_id.clone(),
            user_id: self.speaker.user_id.clone(),
            text: text.join(" "),
            start_ms: first.start_ms,
            end_ms: last.end_ms,
            confidence,
            words,
        }));
        // Nothing before the moment that holds now is asked for again.
        let current = self.moments.len().saturating_sub(1);
        self.moments.drain(..current);
    }

    fn nothing(&self) -> HearingTold {
        let now_ms = ms(self.said_at(self.given));
        HearingTold::Partial(Caption {
            participant_id: self.speaker.participant_id.clone(),
            text: String::new(),
            is_final: true,
            start_ms: now_ms,
            end_ms: now_ms,
        })
    }

    fn spoken(&self, word: Word) -> SpokenWord {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "seconds of sound, from 0 on"
        )]
        let sample = |seconds: f64| (seconds * f64::from(RATE)) as usize;
        SpokenWord {
            start_ms: ms(self.said_at(sample(word.start))),
            end_ms: ms(self.said_at(sample(word.end))),
            word: word.word,
            confidence: word.confidence,
        }
    }

    /// When a sample that the listener was given was said.
    fn said_at(&self, sample: usize) -> i64 {
        let after = self.moments.partition_point(|moment| moment.0 <= sample);
        let moment = self.moments.get(after.saturating_sub(1));
        moment.map_or(0, |(from, at_us)| {
            at_us + length_us(sample.saturating_sub(*from))
        })
    }
}

/// How long so many samples last, in microseconds.
pub(super) fn length_us(samples: usize) -> i64 {
    i64::try_from(samples).unwrap_or(i64::MAX) * 1_000_000 / i64::from(RATE)
}

fn ms(us: i64) -> u64 {
    u64::try_from(us / 1000).unwrap_or(0)
}
