//! What tracks are coded in, by its names.

use calls_codec::Coding;
use calls_media::seam::Codec;

/// How FFmpeg names what a packet is coded in.
pub(super) fn coding(codec: Codec) -> Coding {
    match codec {
        Codec::Opus | Codec::Red => Coding::Opus,
        Codec::Vp8 => Coding::Vp8,
        Codec::Vp9 { .. } => Coding::Vp9,
        Codec::H264 { .. } => Coding::H264,
        Codec::Av1 => Coding::Av1,
    }
}

/// How it is called in the log.
pub(super) fn word(coding: Coding) -> &'static str {
    match coding {
        Coding::Opus => "opus",
        Coding::Vp8 => "vp8",
        Coding::Vp9 => "vp9",
        Coding::H264 => "h264",
        Coding::Av1 => "av1",
    }
}
