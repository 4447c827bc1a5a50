//! Figures of what one peer sends to us.

use std::time::Duration;

use crate::seam::{Layer, TrackId};

/// What [`Inbound`](super::Inbound) has seen of each layer so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct InboundStats {
    /// One entry per layer that has sent something.
    pub layers: Vec<LayerStats>,
    /// Packets that belonged to no track or could not be parsed.
    pub ignored: u64,
}

/// What has been seen of one layer.
#[derive(Debug, Clone, PartialEq)]
pub struct LayerStats {
    /// Of which track.
    pub track: TrackId,
    /// Which of its encodings.
    pub layer: Layer,
    /// Packets received, duplicates not counted.
    pub packets: u64,
    /// Payload bytes received.
    pub bytes: u64,
    /// Packets that never came.
    pub lost: u64,
    /// Packets that came by retransmission.
    pub recovered: u64,
    /// Packets asked for again, each time counted.
    pub nacks: u64,
    /// Key frames asked for.
    pub keyframe_requests: u64,
    /// Key frames that began.
    pub keyframes: u64,
    /// Interarrival jitter (RFC 3550 §6.4.1).
    pub jitter: Duration,
    /// Bits per second over the last second.
    pub bitrate: u64,
    /// Width and height, if a key frame told them.
    pub size: Option<(u16, u16)>,
}

impl LayerStats {
    pub(super) fn new(track: TrackId, layer: Layer) -> Self {
        Self {
            track,
            layer,
            packets: 0,
            bytes: 0,
            lost: 0,
            recovered: 0,
            nacks: 0,
            keyframe_requests: 0,
            keyframes: 0,
            jitter: Duration::ZERO,
            bitrate: 0,
            size: None,
        }
    }
}
