//! How much one client may negotiate: what `welcome` tells it and what its connection holds it to.

use calls_media::PeerLimits;

use crate::room::speaking::VOICES;

/// A client hears as many voices as there are at once, and sees a full grid of seven by seven. Of each kind it may
/// publish what it has by itself and what it shares, twice: somebody may have a second camera.
pub const LIMITS: PeerLimits = PeerLimits {
    audio_tracks: 4,
    video_tracks: 4,
    audio_slots: VOICES,
    video_slots: 49,
};
