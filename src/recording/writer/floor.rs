//! Who of those that are recorded has the floor.

use std::collections::HashMap;
use std::time::Instant;

use calls_media::seam::{Burst, TrackId};
use calls_media::speakers::Speakers;
use calls_model::ParticipantId;

/// The recorded voices.
#[derive(Debug, Default)]
pub(super) struct Floor {
    levels: Speakers,
    voices: HashMap<TrackId, ParticipantId>,
    taken: Option<ParticipantId>,
}

impl Floor {
    /// This microphone is recorded.
    pub(super) fn voice(&mut self, track: TrackId, who: ParticipantId) {
        self.voices.insert(track, who);
    }

    /// Takes the levels of a burst, if it is a voice and tells them (RFC 6464).
    pub(super) fn hear(&mut self, burst: &Burst) {
        for packet in burst.iter() {
            if let Some(level) = packet.audio_level
                && self.voices.contains_key(&packet.track)
            {
                self.levels.hear(packet.track, level, packet.arrival);
            }
        }
    }

    /// Who took the floor since it was last looked.
    pub(super) fn look(&mut self, now: Instant) -> Option<ParticipantId> {
        let loudest = self.levels.loudest(1, now).into_iter().next()?;
        let who = self.voices.get(&loudest.track)?;
        if !loudest.speaking || self.taken.as_ref() == Some(who) {
            return None;
        }
        self.taken = Some(who.clone());
        self.taken.clone()
    }
}
