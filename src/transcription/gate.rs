//! Lets speech through, and nothing else.

use std::collections::VecDeque;

use earshot::Detector;

/// Samples that are judged together: 16 ms.
pub(super) const FRAME: usize = 256;

/// Microseconds of a frame.
const FRAME_US: i64 = 16_000;

/// A frame at least as likely to be speech counts as speech.
const SPEECH: f32 = 0.5;

/// What is let through before the first frame of speech: the beginnings of words are soft. 320 ms.
const BEFORE: usize = 20;

/// So many of the last [`LOOK`] frames have to be speech for the gate to open.
const OPENS_AT: usize = 3;
const LOOK: usize = 6;

/// Silence after which it closes: 560 ms, about as long as a pause between sentences.
const CLOSES_AFTER: usize = 35;

/// What the gate makes of a frame.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Passed {
    /// Nobody speaks.
    Nothing,
    /// Speech begins: this sound, from this moment on.
    Opened { at_us: i64, samples: Vec<i16> },
    /// Speech goes on.
    More(Vec<i16>),
    /// Nobody has spoken for a while.
    Closed,
}

/// Judges one voice.
pub(super) struct Gate {
    detector: Box<Detector>,
    /// The last frames, and whether they were speech; while it is closed.
    before: VecDeque<(bool, Vec<i16>)>,
    open: bool,
    silent: usize,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            detector: Detector::default_boxed(),
            before: VecDeque::with_capacity(BEFORE + 1),
            open: false,
            silent: 0,
        }
    }
}

impl Gate {
    /// Somebody speaks.
    pub(super) fn is_open(&self) -> bool {
        self.open
    }

    /// Takes the next frame, of which the first sample was said at that moment.
    pub(super) fn pass(&mut self, at_us: i64, frame: &[i16]) -> Passed {
        let speech = self.detector.predict_i16(frame) >= SPEECH;
        if self.open {
            self.silent = if speech { 0 } else { self.silent + 1 };
            if self.silent >= CLOSES_AFTER {
                self.close();
                return Passed::Closed;
            }
            return Passed::More(frame.to_vec());
        }
        self.before.push_back((speech, frame.to_vec()));
        if self.before.len() > BEFORE {
            self.before.pop_front();
        }
        let lately = self.before.iter().rev().take(LOOK);
        if lately.filter(|(speech, _)| *speech).count() < OPENS_AT {
            return Passed::Nothing;
        }
        self.open = true;
        self.silent = 0;
        let earlier = i64::try_from(self.before.len() - 1).unwrap_or(0) * FRAME_US;
        let samples = self.before.drain(..).flat_map(|(_, frame)| frame);
        Passed::Opened {
            at_us: at_us - earlier,
            samples: samples.collect(),
        }
    }

    /// What comes next has nothing to do with what came before.
    pub(super) fn close(&mut self) {
        self.open = false;
        self.silent = 0;
        self.before.clear();
        self.detector.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples of a second.
    const SECOND: usize = 16_000;

    /// A clip of the bundled test set, at 16 kHz.
    fn clip() -> Vec<i16> {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/speech/testwav/espeak01.wav");
        crate::transcription::sound::wav(&std::fs::read(file).expect("a test clip"))
    }

    fn run(gate: &mut Gate, samples: &[i16]) -> (usize, usize, usize) {
        let (mut opened, mut closed, mut passed) = (0, 0, 0);
        for (number, frame) in samples.chunks_exact(FRAME).enumerate() {
            match gate.pass(i64::try_from(number).unwrap() * FRAME_US, frame) {
                Passed::Opened { samples, .. } => {
                    (opened, passed) = (opened + 1, passed + samples.len());
                }
                Passed::More(samples) => passed += samples.len(),
                Passed::Closed => closed += 1,
                Passed::Nothing => {}
            }
        }
        (opened, closed, passed)
    }

    #[test]
    fn silence_and_a_hum_pass_nothing() {
        let mut gate = Gate::default();
        assert_eq!(run(&mut gate, &vec![0; SECOND]), (0, 0, 0));
        let hum: Vec<i16> = (0..16_000)
            .map(|n: i32| if n % 320 < 160 { 40 } else { -40 })
            .collect();
        assert_eq!(run(&mut gate, &hum).2, 0);
    }

    #[test]
    fn a_sentence_opens_it_once_and_the_pause_after_it_closes_it() {
        let mut sound = clip();
        sound.extend(vec![0; SECOND]);
        let (opened, closed, passed) = run(&mut Gate::default(), &sound);
        assert_eq!((opened, closed), (1, 1));
        assert!(
            passed * 10 > clip().len() * 7,
            "{passed} of {}",
            clip().len()
        );
    }
}
