//! How good a connection was, over time.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ParticipantId, Timestamp};

/// Five seconds of one connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QualitySample {
    /// When they ended.
    pub at: Timestamp,
    /// Whose connection.
    pub participant_id: ParticipantId,
    /// 0 (gone) to 5 (perfect), the mean of its seconds.
    pub score: f32,
    /// What it sent, in kbit/s.
    pub up_kbps: u32,
    /// What was sent to it, in kbit/s.
    pub down_kbps: u32,
    /// Lost share, 0 to 1, the mean of its seconds.
    pub loss: f32,
    /// Round-trip time, where it is known.
    #[schema(required = true)]
    pub rtt_ms: Option<u32>,
    /// Interarrival jitter of what it sent (RFC 3550 §6.4.1), the worst of its tracks and seconds.
    pub jitter_ms: u32,
    /// Pictures that froze at it, as it says itself.
    pub freezes: u32,
    /// What the path to it is believed to carry, where that is known.
    #[schema(required = true)]
    pub estimate_kbps: Option<u32>,
    /// Height in pixels of the largest picture that it sent at their end; null where it sent none, or none that tells its size.
    #[schema(required = true)]
    pub up_height: Option<u32>,
    /// Mean height in pixels of the pictures that were sent to it at their end, which tells of the layers that it got; null where none was, or none that tells its size.
    #[schema(required = true)]
    pub down_height: Option<u32>,
    /// How many pictures there were for it at their end, in tiles that it has on screen. Null: kept before pictures were counted.
    #[schema(required = true)]
    pub pictures: Option<u32>,
    /// How many of those were sent at a lower layer than suits their tile, or withheld, as its path carried no more or their source sent no more.
    #[schema(required = true)]
    pub reduced_pictures: Option<u32>,
}
