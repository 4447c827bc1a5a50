//! What a stream is coded in, and what it is put into.

use std::ffi::CStr;

use ffmpeg_sys_next as ff;

/// How frames are coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Coding {
    /// RFC 6716.
    Opus,
    /// RFC 6386.
    Vp8,
    /// VP9 bitstream specification.
    Vp9,
    /// ISO 14496-10; frames in Annex B.
    H264,
    /// AV1 bitstream specification; frames as OBUs with sizes.
    Av1,
}

impl Coding {
    /// It is sound.
    pub fn is_audio(self) -> bool {
        self == Self::Opus
    }

    pub(crate) fn id(self) -> ff::AVCodecID {
        match self {
            Self::Opus => ff::AVCodecID::AV_CODEC_ID_OPUS,
            Self::Vp8 => ff::AVCodecID::AV_CODEC_ID_VP8,
            Self::Vp9 => ff::AVCodecID::AV_CODEC_ID_VP9,
            Self::H264 => ff::AVCodecID::AV_CODEC_ID_H264,
            Self::Av1 => ff::AVCodecID::AV_CODEC_ID_AV1,
        }
    }
}

/// What streams are put into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Container {
    /// `WebM`: Opus, VP8, VP9, AV1.
    WebM,
    /// Matroska: anything.
    Matroska,
    /// MP4 (ISO 14496-14), its index in front.
    Mp4,
}

impl Container {
    pub(crate) fn name(self) -> &'static CStr {
        match self {
            Self::WebM => c"webm",
            Self::Matroska => c"matroska",
            Self::Mp4 => c"mp4",
        }
    }

    /// What the names of its files end in.
    pub fn extension(self) -> &'static str {
        match self {
            Self::WebM => "webm",
            Self::Matroska => "mkv",
            Self::Mp4 => "mp4",
        }
    }
}

/// One stream of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamFormat {
    /// How its frames are coded.
    pub coding: Coding,
    /// Width and height in pixels; of a picture only.
    pub size: Option<(u32, u32)>,
    /// SPS and PPS of H.264 in Annex B, the sequence header of AV1; else empty.
    pub parameters: Vec<u8>,
}

/// An `OpusHead` (RFC 7845 §5.1) of a stereo stream, into which mono is put as well. No samples are skipped: these
/// streams begin in the middle of speech.
pub(crate) const OPUS_HEAD: [u8; 19] = [
    b'O', b'p', b'u', b's', b'H', b'e', b'a', b'd', 1, 2, 0, 0, 0x80, 0xbb, 0, 0, 0, 0, 0,
];
