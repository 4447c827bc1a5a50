//! Packets of one encoding, in order, put together to frames as a file wants them.

use bytes::{Bytes, BytesMut};
use rtc_rtp::codec::av1::Av1Depacketizer;
use rtc_rtp::codec::h264::H264Packet;
use rtc_rtp::codec::vp8::Vp8Packet;
use rtc_rtp::codec::vp9::Vp9Packet;
use rtc_rtp::packetizer::Depacketizer;

use super::headers;
use super::unwrap::Unwrap;
use crate::codecs::red;
use crate::seam::{Codec, Packet};

/// Largest frame that is put together, in bytes; what claims to be larger is not one.
const MAX_FRAME: usize = 8 << 20;

/// Where a decoder can start, and with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Width and height in pixels, where the payload told them cheaply.
    pub size: Option<(u16, u16)>,
    /// What a container wants to know before the first frame: SPS and PPS (H.264, Annex B), the sequence header (AV1);
    /// empty for others.
    pub parameters: Bytes,
}

/// One frame of sound or picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// How it is coded; RED is taken off.
    pub codec: Codec,
    /// RTP timestamp beyond its wrap-arounds, in the codec's clock.
    pub timestamp: i64,
    /// Present where a decoder can start; always for sound.
    pub started: Option<Started>,
    /// Loudness in -dBov, 127 silence (RFC 6464).
    pub audio_level: Option<u8>,
    /// The frame: Annex B for H.264, OBUs with sizes for AV1.
    pub data: Bytes,
}

/// Takes the packets of one payload apart.
#[derive(Debug)]
enum Unpack {
    Vp8,
    Vp9,
    H264(Box<H264Packet>),
    Av1(Box<Av1Depacketizer>),
}

impl Unpack {
    fn of(codec: Codec) -> Option<Self> {
        Some(match codec {
            Codec::Opus | Codec::Red => return None,
            Codec::Vp8 => Self::Vp8,
            Codec::Vp9 { .. } => Self::Vp9,
            Codec::H264 { .. } => Self::H264(Box::default()),
            Codec::Av1 => Self::Av1(Box::default()),
        })
    }

    fn take(&mut self, payload: &Bytes) -> Option<Bytes> {
        match self {
            Self::Vp8 => Vp8Packet::default().depacketize(payload),
            Self::Vp9 => Vp9Packet::default().depacketize(payload),
            Self::H264(unpack) => unpack.depacketize(payload),
            Self::Av1(unpack) => unpack.depacketize(payload),
        }
        .ok()
    }
}

/// A picture that is being put together.
#[derive(Debug)]
struct Picture {
    timestamp: u32,
    codec: Codec,
    starts: bool,
    size: Option<(u16, u16)>,
    unpack: Unpack,
    data: BytesMut,
    whole: bool,
}

/// Puts the packets of one encoding together.
#[derive(Debug, Default)]
pub struct Frames {
    unwrap: Unwrap,
    picture: Option<Picture>,
    /// Pictures that build on what was lost are of no use until a key frame comes.
    broken: bool,
    begun: bool,
}

impl Frames {
    /// Something before the next packet is missing. Tells whether a key frame has to be asked for.
    pub fn lost(&mut self) -> bool {
        self.broken = true;
        if let Some(picture) = &mut self.picture {
            picture.whole = false;
        }
        self.begun
    }

    /// Nothing goes on from before.
    pub fn restart(&mut self) {
        *self = Self::default();
    }

    /// A decoder needs a key frame before anything else is of use.
    pub fn needs_keyframe(&self) -> bool {
        self.broken || !self.begun
    }

    /// The extended timestamp nearest to the last frame's; changes nothing.
    pub fn near(&self, timestamp: u32) -> i64 {
        self.unwrap.near(timestamp)
    }

    /// Takes the next packet in order. Gives the frame that it completes.
    pub fn push(&mut self, packet: &Packet) -> Option<Frame> {
        if matches!(packet.codec, Codec::Opus | Codec::Red) {
            return self.sound(packet);
        }
        if packet.payload.is_empty() {
            return None; // padding, by which a sender probes its path
        }
        let earlier = self
            .picture
            .take_if(|picture| picture.timestamp != packet.timestamp)
            .is_some();
        if earlier {
            self.broken = true; // its last packet never came, and was not told as lost
        }
        let unpack = Unpack::of(packet.codec)?;
        let starts = packet.info.starts_keyframe;
        let picture = self.picture.get_or_insert_with(|| Picture {
            timestamp: packet.timestamp,
            codec: packet.codec,
            starts: false,
            size: None,
            unpack,
            data: BytesMut::new(),
            whole: true,
        });
        picture.starts |= starts;
        picture.size = picture.size.or(packet.info.size);
        if starts {
            picture.whole = true; // what was lost came before the key frame
        }
        match picture.unpack.take(&packet.payload) {
            Some(data) if picture.data.len() + data.len() <= MAX_FRAME => {
                picture.data.extend_from_slice(&data);
            }
            _ => picture.whole = false,
        }
        if packet.marker { self.complete() } else { None }
    }

    fn complete(&mut self) -> Option<Frame> {
        let picture = self.picture.take()?;
        if !picture.whole || picture.data.is_empty() {
            self.broken = true;
            return None;
        }
        if picture.starts {
            self.broken = false;
            self.begun = true;
        } else if self.broken || !self.begun {
            return None;
        }
        let data = picture.data.freeze();
        let started = picture.starts.then(|| Started {
            size: picture.size,
            parameters: headers::parameter_sets(picture.codec, &data),
        });
        Some(Frame {
            codec: picture.codec,
            timestamp: self.unwrap.extend(picture.timestamp),
            started,
            audio_level: None,
            data,
        })
    }

    fn sound(&mut self, packet: &Packet) -> Option<Frame> {
        let data = match packet.codec {
            Codec::Red => {
                let primary = usize::from(red::primary(&packet.payload)?);
                packet.payload.slice(primary..)
            }
            _ => packet.payload.clone(),
        };
        if data.is_empty() {
            return None; // padding: a probe
        }
        (self.begun, self.broken) = (true, false);
        Some(Frame {
            codec: Codec::Opus,
            timestamp: self.unwrap.extend(packet.timestamp),
            started: Some(Started {
                size: None,
                parameters: Bytes::new(),
            }),
            audio_level: packet.audio_level,
            data,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{keyframe, packet};

    /// A VP8 packet: one byte of descriptor (S for the first), then the payload.
    fn vp8(
        mut packet: Packet,
        timestamp: u32,
        first: bool,
        marker: bool,
        payload: &[u8],
    ) -> Packet {
        let mut bytes = vec![if first { 0x10 } else { 0x00 }];
        bytes.extend_from_slice(payload);
        packet.payload = bytes.into();
        packet.timestamp = timestamp;
        packet.marker = marker;
        packet
    }

    #[test]
    fn a_picture_is_whole_with_its_last_packet() {
        let mut frames = Frames::default();
        assert_eq!(
            frames.push(&vp8(keyframe(1), 90, true, false, b"key")),
            None
        );
        let frame = frames.push(&vp8(packet(2), 90, false, true, b"frame"));
        let frame = frame.expect("it is whole");
        assert_eq!((&frame.data[..], frame.timestamp), (&b"keyframe"[..], 90));
        assert!(frame.started.is_some());
    }

    #[test]
    fn nothing_is_kept_before_the_first_key_frame() {
        let mut frames = Frames::default();
        assert_eq!(frames.push(&vp8(packet(1), 90, true, true, b"inter")), None);
        assert!(frames.needs_keyframe());
    }

    #[test]
    fn after_a_loss_pictures_wait_for_a_key_frame() {
        let mut frames = Frames::default();
        frames.push(&vp8(keyframe(1), 90, true, true, b"key"));
        assert!(frames.lost(), "somebody has to ask for a key frame");
        assert_eq!(
            frames.push(&vp8(packet(4), 180, true, true, b"inter")),
            None
        );
        let back = frames.push(&vp8(keyframe(5), 270, true, true, b"key"));
        assert!(back.is_some());
        let inter = frames.push(&vp8(packet(6), 360, true, true, b"inter"));
        assert!(inter.is_some_and(|frame| frame.started.is_none()));
    }

    #[test]
    fn redundancy_is_taken_off_sound() {
        let mut frames = Frames::default();
        let red = Packet {
            codec: Codec::Red,
            payload: Bytes::from_static(&[0xef, 0x0f, 0x00, 0x02, 0x6f, 1, 2, 7, 8, 9]),
            ..packet(1)
        };
        let frame = frames.push(&red).expect("sound is whole in one packet");
        assert_eq!(
            (frame.codec, &frame.data[..]),
            (Codec::Opus, &[7, 8, 9][..])
        );
    }
}
