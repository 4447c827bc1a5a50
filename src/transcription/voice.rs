//! One microphone: its packets in, captions and utterances out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use calls_actors::transcriber::{HearingTold, Voice as Whose};
use calls_media::seam::Packet;

use super::engine::{Engine, EngineError};
use super::follow::{Follow, Speaker};
use super::sound::Sound;

/// A voice that sends nothing for so long has paused.
const PAUSED: Duration = Duration::from_millis(600);

/// A voice that is silent for so long gets a listener anew when it speaks again: who is silent costs nothing.
const IDLE: Duration = Duration::from_secs(20);

/// Somebody's microphone, listened to.
pub(super) struct Voice {
    sound: Sound,
    follow: Follow,
    /// When its latest packet came.
    came: Option<Instant>,
    spoke: Option<Instant>,
    /// When it began to say what is not over yet.
    began: Option<Instant>,
}

impl Voice {
    pub(super) fn new(
        whose: Whose,
        phrases: Arc<[String]>,
        engine: Arc<dyn Engine>,
        zero: Instant,
    ) -> Result<Self, EngineError> {
        let speaker = Speaker {
            participant_id: whose.participant_id,
            user_id: whose.user_id,
        };
        Ok(Self {
            sound: Sound::new(zero)?,
            follow: Follow::new(speaker, phrases, engine),
            came: None,
            spoke: None,
            began: None,
        })
    }

    /// When it began to say what is not over yet.
    pub(super) fn began(&self) -> Option<Instant> {
        self.began
    }

    /// Takes packets, which came at this moment; gives what came of them.
    pub(super) fn take(
        &mut self,
        packets: &[Packet],
        came: Instant,
    ) -> Result<Vec<HearingTold>, EngineError> {
        self.came = Some(came);
        for packet in packets {
            self.sound.take(packet.clone());
        }
        let mut told = Vec::new();
        self.drain(came, &mut told)?;
        Ok(told)
    }

    fn drain(&mut self, now: Instant, told: &mut Vec<HearingTold>) -> Result<(), EngineError> {
        for piece in self.sound.drain(now) {
            if self.follow.hear(piece, told)? {
                self.spoke = Some(now);
            }
        }
        self.mark(now);
        Ok(())
    }

    fn mark(&mut self, now: Instant) {
        self.began = self.follow.is_speaking().then(|| self.began.unwrap_or(now));
    }

    /// Everything that came until now was taken: who sends nothing any more has paused.
    pub(super) fn tick(&mut self, now: Instant) -> Result<Vec<HearingTold>, EngineError> {
        let mut told = Vec::new();
        self.drain(now, &mut told)?;
        let since = |moment: Option<Instant>| moment.map(|at| now.saturating_duration_since(at));
        let speaking = self.follow.is_speaking();
        if speaking && since(self.came).is_some_and(|gone| gone >= PAUSED) {
            self.follow.pause(&mut told)?;
            self.mark(now);
        }
        if !self.follow.is_speaking() && since(self.spoke).is_some_and(|gone| gone >= IDLE) {
            self.follow.forget();
        }
        Ok(told)
    }

    /// Nothing more comes: what was said up to here.
    pub(super) fn finish(&mut self) -> Result<Vec<HearingTold>, EngineError> {
        let mut told = Vec::new();
        // Nothing that is missing comes any more.
        self.drain(Instant::now() + Duration::from_secs(1), &mut told)?;
        self.follow.pause(&mut told)?;
        self.began = None;
        Ok(told)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use bytes::Bytes;
    use calls_media::seam::{Codec, Layer, PayloadInfo, PeerId, TrackId};
    use calls_model::ParticipantId;
    use opus::{Application, Channels, Encoder};

    use super::*;
    use crate::transcription::sound::wav;
    use crate::transcription::{Heard, Listener, Unfit, Word};

    /// Counts those who listen.
    #[derive(Clone, Default)]
    struct Counted(Arc<AtomicUsize>);

    impl Engine for Counted {
        fn listen(&self, _: &[String]) -> Result<Box<dyn Listener>, EngineError> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Ok(Box::new(Self(self.0.clone())))
        }

        fn unfit(&self, _: &[String]) -> Option<Unfit> {
            None
        }
    }

    impl Listener for Counted {
        fn hear(&mut self, _: &[i16]) -> Result<Heard, EngineError> {
            Ok(Heard::Partial(String::new()))
        }

        fn finish(&mut self) -> Result<Vec<Word>, EngineError> {
            Ok(Vec::new())
        }
    }

    /// What somebody says, all of which came at this moment.
    fn sentence(from: u32, arrival: Instant) -> Vec<Packet> {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/speech/testwav/espeak01.wav");
        let samples = wav(&std::fs::read(file).expect("a clip"));
        let encoder = Encoder::new(16_000, Channels::Mono, Application::Voip);
        let mut encoder = encoder.expect("an encoder");
        let packet = |(number, frame): (u32, &[i16])| Packet {
            track: TrackId {
                peer: PeerId(1),
                index: 0,
            },
            layer: Layer(0),
            codec: Codec::Opus,
            seq: u64::from(number),
            timestamp: number * 960,
            marker: false,
            arrival,
            audio_level: None,
            orientation: None,
            dependency_descriptor: None,
            info: PayloadInfo::default(),
            payload: Bytes::from(encoder.encode_vec(frame, 1000).expect("a packet")),
        };
        (from..)
            .zip(samples.chunks_exact(320))
            .map(packet)
            .collect()
    }

    #[test]
    fn who_is_silent_for_long_has_no_listener_until_they_speak_again() {
        let begun = Instant::now();
        let engine = Counted::default();
        let listeners = engine.0.clone();
        // One reference is ours, one the engine's: the rest are listeners.
        let now_listening = || Arc::strong_count(&listeners) - 2;
        let whose = Whose {
            track: TrackId {
                peer: PeerId(1),
                index: 0,
            },
            participant_id: ParticipantId::new(),
            user_id: "ann".parse().expect("an id"),
        };
        let voice = Voice::new(whose, Arc::from([]), Arc::new(engine), begun);
        let mut voice = voice.expect("a voice");
        assert_eq!(now_listening(), 0, "nobody spoke yet");
        voice.take(&sentence(0, begun), begun).expect("it hears");
        assert_eq!(now_listening(), 1);
        let mut after = |time: Duration| voice.tick(begun + time).expect("it waits");
        after(PAUSED);
        after(IDLE / 2);
        assert_eq!(now_listening(), 1, "who pauses may go on");
        after(IDLE + PAUSED);
        assert_eq!(now_listening(), 0);
        let later = begun + 2 * IDLE;
        voice.take(&sentence(2000, later), later).expect("it hears");
        // What may still come of the packets between is waited for.
        voice.tick(later + PAUSED).expect("it waits");
        assert_eq!((now_listening(), listeners.load(Ordering::Relaxed)), (1, 2));
    }
}
