//! VP8-shaped packets: a valid payload descriptor (RFC 7741 §4.2) and the first bytes of a frame (RFC 6386 §9.1),
//! so that a forwarder finds key frames, frame ends and picture ids; what follows is filling.

use std::time::Duration;

use bytes::Bytes;
use rtc::rtp::{Header, Packet};

use super::{VP8, stamp};

/// RTP clock of video.
const CLOCK: u64 = 90_000;

/// Extension bits follow; this packet begins partition 0.
const DESCRIPTOR_FIRST: u8 = 0x90;

/// Extension bits follow; this packet goes on.
const DESCRIPTOR_NEXT: u8 = 0x80;

/// The extension holds a picture id.
const HAS_PICTURE_ID: u8 = 0x80;

/// The picture id has 15 bits.
const LONG_PICTURE_ID: u16 = 0x8000;

/// Descriptor, frame header of a key frame, and the stamp.
const SMALLEST: usize = 4 + KEY_FRAME.len() + 4 + stamp::LEN;

/// A shown key frame: frame tag, start code; width and height follow.
const KEY_FRAME: [u8; 6] = [0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a];

/// Size of the only encoding, or of the largest.
const SIZE: (u16, u16) = (640, 360);

/// A shown frame that builds on the one before: frame tag.
const DELTA_FRAME: [u8; 3] = [0x11, 0x02, 0x00];

/// One camera's stream of frames.
#[derive(Debug)]
pub(crate) struct Camera {
    ssrc: u32,
    sequence: u16,
    first_timestamp: u32,
    picture: u16,
    frames: u64,
    fps: u64,
    sizes: Vec<usize>,
    layer: u8,
    size: (u16, u16),
}

impl Camera {
    /// Frames of this many bits a second, cut into equal packets no larger than `packet_bytes`.
    pub(crate) fn new(ssrc: u32, kbps: u32, fps: u32, packet_bytes: usize) -> Self {
        let (frame, packets) = frame_size(kbps, fps, packet_bytes);
        Self {
            ssrc,
            sequence: rand::random(),
            first_timestamp: rand::random(),
            picture: rand::random::<u16>() & !LONG_PICTURE_ID,
            frames: 0,
            fps: u64::from(fps),
            sizes: vec![frame.div_ceil(packets).max(SMALLEST); packets],
            layer: 0,
            size: SIZE,
        }
    }

    /// All encodings of one camera, smallest first, one for each SSRC: each has a third of the bits and half of the
    /// width and height of the next.
    pub(crate) fn simulcast(ssrcs: &[u32], kbps: u32, fps: u32, packet_bytes: usize) -> Vec<Self> {
        let layers = u8::try_from(ssrcs.len()).unwrap_or(u8::MAX);
        let encodings = (0..layers).zip(ssrcs).map(|(layer, &ssrc)| {
            let below = u32::from(layers - 1 - layer);
            Self {
                layer,
                size: (SIZE.0 >> below, SIZE.1 >> below),
                ..Self::new(ssrc, smaller(kbps, below), fps, packet_bytes)
            }
        });
        encodings.collect()
    }

    /// How many packets all encodings of one camera have for each frame together.
    pub(crate) fn packets(encodings: u32, kbps: u32, fps: u32, packet_bytes: u32) -> u64 {
        let each = (0..encodings)
            .map(|below| frame_size(smaller(kbps, below), fps, packet_bytes as usize).1);
        each.sum::<usize>() as u64
    }

    /// The packets of the next frame, sent at this time.
    pub(crate) fn frame(&mut self, key: bool, at: Duration) -> Vec<Packet> {
        let ticks = self.frames * CLOCK / self.fps;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "RTP time wraps (RFC 3550 §5.1)"
        )]
        let timestamp = self.first_timestamp.wrapping_add(ticks as u32);
        let last = self.sizes.len() - 1;
        let packets = (0..self.sizes.len())
            .map(|index| {
                let header = Header {
                    version: 2,
                    marker: index == last,
                    payload_type: VP8,
                    sequence_number: self
                        .sequence
                        .wrapping_add(u16::try_from(index).unwrap_or(0)),
                    timestamp,
                    ssrc: self.ssrc,
                    ..Header::default()
                };
                Packet {
                    header,
                    payload: self.payload(index, key, at),
                }
            })
            .collect();
        self.sequence = self
            .sequence
            .wrapping_add(u16::try_from(last + 1).unwrap_or(0));
        self.picture = (self.picture + 1) & !LONG_PICTURE_ID;
        self.frames += 1;
        packets
    }

    fn payload(&self, index: usize, key: bool, at: Duration) -> Bytes {
        let mut payload = Vec::with_capacity(self.sizes[index]);
        payload.push(if index == 0 {
            DESCRIPTOR_FIRST
        } else {
            DESCRIPTOR_NEXT
        });
        payload.push(HAS_PICTURE_ID);
        payload.extend((self.picture | LONG_PICTURE_ID).to_be_bytes());
        match (index, key) {
            (0, true) => {
                payload.extend(KEY_FRAME);
                payload.extend(self.size.0.to_le_bytes());
                payload.extend(self.size.1.to_le_bytes());
            }
            (0, false) => payload.extend(DELTA_FRAME),
            _ => {}
        }
        payload.resize(self.sizes[index], 0x55);
        let layer = self.layer;
        stamp::stamp(&mut payload, stamp::Stamp { at, layer });
        Bytes::from(payload)
    }
}

/// Bits of the encoding that is so many below the largest.
fn smaller(kbps: u32, below: u32) -> u32 {
    (kbps / 3_u32.pow(below)).max(1)
}

/// Bytes of a frame, and into how many packets it is cut.
fn frame_size(kbps: u32, fps: u32, packet_bytes: usize) -> (usize, usize) {
    let frame = kbps as usize * 1000 / 8 / fps as usize;
    (frame, frame.div_ceil(packet_bytes).max(1))
}

#[cfg(test)]
mod tests {
    use super::super::stamped;
    use super::*;

    const A_SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_megabit_at_thirty_frames_is_four_packets_a_frame() {
        let frame = Camera::new(1, 1000, 30, 1100).frame(true, A_SECOND);

        assert_eq!(
            frame
                .iter()
                .map(|packet| packet.payload.len())
                .collect::<Vec<_>>(),
            [1042; 4]
        );
        assert!(
            frame
                .iter()
                .all(|packet| stamped(&packet.payload).unwrap().at == A_SECOND)
        );
        assert_eq!(
            frame
                .iter()
                .map(|packet| packet.header.marker)
                .collect::<Vec<_>>(),
            [false, false, false, true],
        );
    }

    #[test]
    fn a_key_frame_shows_its_start_code_and_a_delta_frame_does_not() {
        let mut camera = Camera::new(1, 1000, 30, 1100);
        let (key, delta) = (camera.frame(true, A_SECOND), camera.frame(false, A_SECOND));

        assert_eq!(key[0].payload[4] & 1, 0, "the inverse key frame flag");
        assert_eq!(key[0].payload[7..10], [0x9d, 0x01, 0x2a]);
        assert_eq!(delta[0].payload[4] & 1, 1);
    }

    #[test]
    fn frames_follow_one_another_in_number_time_and_picture_id() {
        let mut camera = Camera::new(1, 1000, 30, 1100);
        let (first, second) = (camera.frame(true, A_SECOND), camera.frame(false, A_SECOND));
        let picture = |packet: &Packet| {
            u16::from_be_bytes([packet.payload[2], packet.payload[3]]) & !LONG_PICTURE_ID
        };

        let (before, after) = (&first[3], &second[0]);
        assert_eq!(
            after.header.sequence_number,
            before.header.sequence_number.wrapping_add(1)
        );
        assert_eq!(
            after.header.timestamp,
            before.header.timestamp.wrapping_add(3000)
        );
        assert_eq!(picture(after), (picture(before) + 1) & !LONG_PICTURE_ID);
        assert_eq!(before.payload[0], DESCRIPTOR_NEXT);
        assert_eq!(after.payload[0], DESCRIPTOR_FIRST);
    }

    #[test]
    fn even_the_smallest_frame_holds_its_headers_and_the_stamp() {
        let frame = Camera::new(1, 1, 30, 1100).frame(true, A_SECOND);
        assert_eq!(frame[0].payload.len(), SMALLEST);
        assert_eq!(stamped(&frame[0].payload).unwrap().at, A_SECOND);
    }

    #[test]
    fn each_encoding_is_half_as_wide_as_the_next_and_says_which_it_is() {
        let mut encodings = Camera::simulcast(&[1, 2, 3], 900, 30, 1100);
        let told: Vec<_> = encodings
            .iter_mut()
            .map(|camera| {
                let frame = camera.frame(true, A_SECOND);
                let payload = &frame[0].payload;
                let width = u16::from_le_bytes([payload[10], payload[11]]);
                let bytes: usize = frame.iter().map(|packet| packet.payload.len()).sum();
                (width, bytes, stamped(payload).unwrap().layer)
            })
            .collect();
        assert_eq!(told, [(160, 416, 0), (320, 1250, 1), (640, 3752, 2)]);
    }
}
