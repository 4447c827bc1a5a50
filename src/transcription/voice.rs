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
    came: Option<Instant>,
    spoke: Option<Instant>,
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
        })
    }

    /// Takes packets; gives what came of them.
    pub(super) fn take(
        &mut self,
        packets: &[Packet],
        now: Instant,
    ) -> Result<Vec<HearingTold>, EngineError> {
        self.came = Some(now);
        for packet in packets {
            self.sound.take(packet.clone());
        }
        let mut told = Vec::new();
        self.drain(now, &mut told)?;
        Ok(told)
    }

    fn drain(&mut self, now: Instant, told: &mut Vec<HearingTold>) -> Result<(), EngineError> {
        for piece in self.sound.drain(now) {
            if self.follow.hear(piece, told)? {
                self.spoke = Some(now);
            }
        }
        Ok(())
    }

    /// Time passes: who sends nothing any more has paused.
    pub(super) fn tick(&mut self, now: Instant) -> Result<Vec<HearingTold>, EngineError> {
        let mut told = Vec::new();
        self.drain(now, &mut told)?;
        let since = |moment: Option<Instant>| moment.map(|at| now.saturating_duration_since(at));
        let speaking = self.follow.is_speaking();
        if speaking && since(self.came).is_some_and(|gone| gone >= PAUSED) {
            self.follow.pause(&mut told)?;
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
        Ok(told)
    }
}
