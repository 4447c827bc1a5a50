//! Opus-shaped packets, 20 ms each.

use std::time::Duration;

use bytes::Bytes;
use rtc::rtp::{Header, Packet};

use super::{OPUS, stamp};

/// One packet's worth of sound.
pub(crate) const PACKET_TIME: Duration = Duration::from_millis(20);

/// Samples in [`PACKET_TIME`] at Opus' RTP clock of 48 kHz (RFC 7587 §4.1).
const SAMPLES: u32 = 960;

/// RFC 6716 §3.1: full-band CELT, 20 ms, mono, one frame.
const TABLE_OF_CONTENTS: u8 = 31 << 3;

/// One microphone's stream of packets.
#[derive(Debug)]
pub(crate) struct Microphone {
    header: Header,
    size: usize,
}

impl Microphone {
    /// A stream of packets with payloads of this size.
    pub(crate) fn new(ssrc: u32, size: usize) -> Self {
        let header = Header {
            version: 2,
            payload_type: OPUS,
            ssrc,
            sequence_number: rand::random(),
            timestamp: rand::random(),
            ..Header::default()
        };
        Self {
            header,
            size: size.max(1 + stamp::LEN),
        }
    }

    /// The next packet, sent at this time.
    pub(crate) fn packet(&mut self, at: Duration) -> Packet {
        let mut payload = vec![0x55; self.size];
        payload[0] = TABLE_OF_CONTENTS;
        stamp::stamp(&mut payload, stamp::Stamp { at, layer: 0 });
        let header = self.header.clone();
        self.header.sequence_number = self.header.sequence_number.wrapping_add(1);
        self.header.timestamp = self.header.timestamp.wrapping_add(SAMPLES);
        Packet {
            header,
            payload: Bytes::from(payload),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::stamped;
    use super::*;

    #[test]
    fn packets_follow_one_another_by_one_number_and_twenty_milliseconds() {
        let mut microphone = Microphone::new(7, 120);
        let (first, second) = (
            microphone.packet(Duration::ZERO),
            microphone.packet(PACKET_TIME),
        );

        assert_eq!(
            second.header.sequence_number,
            first.header.sequence_number.wrapping_add(1)
        );
        assert_eq!(
            second.header.timestamp,
            first.header.timestamp.wrapping_add(SAMPLES)
        );
        assert_eq!(second.payload.len(), 120);
        assert_eq!(stamped(&second.payload).unwrap().at, PACKET_TIME);
    }
}
