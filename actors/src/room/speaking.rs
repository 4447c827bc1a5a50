//! Who speaks, who spoke, and who has the floor.

use std::collections::HashMap;
use std::time::Instant;

use calls_media::seam::{Burst, TrackId};
use calls_media::speakers::Speakers;
use calls_model::ParticipantId;
use calls_model::signal::Speaker;

/// Voices that compete for audio slots.
pub const VOICES: usize = 5;

/// Levels are told in steps of this many dB, so that a hum is no news.
const STEP: u8 = 6;

/// How many who spoke are remembered: more than any screen shows.
const FLOOR: usize = 32;

/// RFC 6464: silence.
const SILENCE: u8 = 127;

/// What a look at the levels brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Who speaks now, loudest first; only if that changed.
    pub speakers: Option<Vec<Speaker>>,
    /// The order of voices or faces changed.
    pub reordered: bool,
}

/// The voices of a room.
#[derive(Debug, Default)]
pub struct Speaking {
    levels: Speakers,
    voices: HashMap<TrackId, ParticipantId>,
    told: Vec<Speaker>,
    loudest: Vec<TrackId>,
    floor: Vec<ParticipantId>,
}

impl Speaking {
    /// This microphone may be heard from now on.
    pub fn voice(&mut self, track: TrackId, who: &ParticipantId) {
        self.voices.insert(track, who.clone());
    }

    /// This track is gone.
    pub fn forget(&mut self, track: TrackId) {
        if self.voices.remove(&track).is_some() {
            self.levels.forget(track);
            self.loudest.retain(|&loud| loud != track);
        }
    }

    /// This participant is gone.
    pub fn forget_participant(&mut self, who: &ParticipantId) {
        self.floor.retain(|one| one != who);
    }

    /// Voices, loudest first.
    pub fn loudest(&self) -> &[TrackId] {
        &self.loudest
    }

    /// Who spoke, latest first.
    pub fn floor(&self) -> &[ParticipantId] {
        &self.floor
    }

    /// Compares the levels. To be called a few times a second.
    pub fn look(&mut self, now: Instant) -> Heard {
        let loudest = self.levels.loudest(VOICES, now);
        let speakers: Vec<Speaker> = loudest
            .iter()
            .filter(|voice| voice.speaking)
            .filter_map(|voice| {
                let participant_id = self.voices.get(&voice.track)?.clone();
                let level = SILENCE - voice.loudness.min(SILENCE) / STEP * STEP;
                Some(Speaker {
                    participant_id,
                    level,
                })
            })
            .collect();
        let loudest: Vec<TrackId> = loudest.into_iter().map(|voice| voice.track).collect();
        let mut reordered = loudest != self.loudest;
        self.loudest = loudest;
        reordered |= speakers
            .first()
            .is_some_and(|first| self.take_floor(&first.participant_id));
        let speakers = (speakers != self.told).then(|| {
            self.told.clone_from(&speakers);
            speakers
        });
        Heard {
            speakers,
            reordered,
        }
    }

    fn take_floor(&mut self, who: &ParticipantId) -> bool {
        if self.floor.first() == Some(who) {
            return false;
        }
        self.floor.retain(|one| one != who);
        self.floor.insert(0, who.clone());
        self.floor.truncate(FLOOR);
        true
    }

    // ── hot path ────────────────────────────────────────────────────────────

    /// Takes the levels of a burst, if it is a voice.
    pub fn hear(&mut self, burst: &Burst) {
        let levels = burst
            .iter()
            .filter_map(|packet| Some((packet, packet.audio_level?)));
        for (packet, level) in levels {
            if self.voices.contains_key(&packet.track) {
                self.levels.hear(packet.track, level, packet.arrival);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use calls_media::seam::{Codec, Layer, Packet, PayloadInfo, PeerId};

    use super::*;

    const LOUD: u8 = 15;

    fn id(name: &str) -> ParticipantId {
        format!("part_{name}").parse().unwrap()
    }

    fn track(peer: u64) -> TrackId {
        TrackId {
            peer: PeerId(peer),
            index: 0,
        }
    }

    fn burst(track: TrackId, level: u8, arrival: Instant) -> Burst {
        let packet = Packet {
            track,
            layer: Layer(0),
            codec: Codec::Opus,
            seq: 0,
            timestamp: 0,
            marker: false,
            arrival,
            audio_level: Some(level),
            orientation: None,
            dependency_descriptor: None,
            info: PayloadInfo::default(),
            payload: bytes::Bytes::new(),
        };
        [packet].into()
    }

    /// A second of this level. Returns the last moment of it.
    fn hear(speaking: &mut Speaking, track: TrackId, level: u8, from: Instant) -> Instant {
        let times = (0..50).map(|count| from + Duration::from_millis(20 * count));
        times
            .inspect(|&at| speaking.hear(&burst(track, level, at)))
            .last()
            .unwrap()
    }

    #[test]
    fn who_speaks_takes_the_floor_and_is_told_once() {
        let mut speaking = Speaking::default();
        speaking.voice(track(1), &id("ann"));
        let now = hear(&mut speaking, track(1), LOUD, Instant::now());
        let heard = speaking.look(now);
        assert_eq!(heard.speakers.unwrap()[0].participant_id, id("ann"));
        assert!(heard.reordered);
        assert_eq!(
            (speaking.floor(), speaking.loudest()),
            (&[id("ann")][..], &[track(1)][..])
        );
        assert_eq!(
            speaking.look(now),
            Heard {
                speakers: None,
                reordered: false
            }
        );
    }

    #[test]
    fn the_latest_to_speak_has_the_floor_before_who_spoke_earlier() {
        let mut speaking = Speaking::default();
        let mut now = Instant::now();
        for (peer, name) in [(1, "ann"), (2, "bob")] {
            speaking.voice(track(peer), &id(name));
            now = hear(
                &mut speaking,
                track(peer),
                LOUD,
                now + Duration::from_secs(5),
            );
            speaking.look(now);
        }
        assert_eq!(speaking.floor(), [id("bob"), id("ann")]);
    }

    #[test]
    fn what_is_no_microphone_is_not_heard() {
        let mut speaking = Speaking::default();
        let now = hear(&mut speaking, track(9), LOUD, Instant::now());
        assert_eq!(
            speaking.look(now),
            Heard {
                speakers: None,
                reordered: false
            }
        );
    }
}
