//! What a simulated participant sends: packets that look like a camera's and a microphone's to anybody but a decoder.

mod camera;
mod microphone;
mod stamp;

pub(crate) use camera::Camera;
pub(crate) use microphone::{Microphone, PACKET_TIME};
pub(crate) use stamp::{Clock, Stamp, stamped};

/// RTP payload type of VP8 in our offers.
pub(crate) const VP8: u8 = 96;

/// RTP payload type of the retransmissions of VP8 (RFC 4588).
pub(crate) const VP8_RTX: u8 = 97;

/// RTP payload type of Opus.
pub(crate) const OPUS: u8 = 111;
