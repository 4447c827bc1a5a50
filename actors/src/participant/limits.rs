//! How much one client may negotiate and be sent: what `welcome` tells it and what its connection holds it to; and how
//! many may be hidden in one room.

use calls_media::PeerLimits;
use calls_media::seam::Bitrate;

use crate::room::speaking::VOICES;

/// What holds where nothing else is configured.
///
/// A client hears as many voices as there are at once, and sees a full grid of seven by seven. Of each kind it may
/// publish what it has by itself and what it shares, twice: somebody may have a second camera.
pub const LIMITS: PeerLimits = PeerLimits {
    audio_tracks: 4,
    video_tracks: 4,
    audio_slots: VOICES,
    video_slots: 49,
};

/// The most that one client, and one room, may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// What a client may negotiate.
    pub peer: PeerLimits,
    /// What it is sent, in bits a second; none: what its path carries.
    pub bitrate: Option<Bitrate>,
    /// Hidden presences in a room. They take no seat of the others'.
    pub hidden: u32,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            peer: LIMITS,
            bitrate: None,
            hidden: 16,
        }
    }
}
