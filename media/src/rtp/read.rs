//! Reading: a view into a packet, its header fields already taken apart.

use super::extension::Extensions;
use crate::seam::{PayloadType, Ssrc};

/// The fixed header (RFC 3550 §5.1).
const FIXED_HEADER: usize = 12;

/// These bytes are not an RTP packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadRtp {
    /// The packet ends inside its header.
    #[error("rtp packet ends inside its header ({0} bytes)")]
    Truncated(usize),
    /// Another version than 2.
    #[error("rtp version {0} is not 2")]
    Version(u8),
    /// More padding than there is payload, or none where some was announced.
    #[error("rtp padding of {0} bytes does not fit")]
    Padding(u8),
}

/// A packet, taken apart where it lies.
#[derive(Debug, Clone, Copy)]
pub struct RtpView<'a> {
    /// The marker bit.
    pub marker: bool,
    /// How the payload is coded.
    pub pt: PayloadType,
    /// The 16-bit sequence number.
    pub sequence: u16,
    /// The media timestamp.
    pub timestamp: u32,
    /// Who sent it.
    pub ssrc: Ssrc,
    /// Header extensions (RFC 8285).
    pub extensions: Extensions<'a>,
    /// The payload, padding removed.
    pub payload: &'a [u8],
}

impl<'a> RtpView<'a> {
    /// Reads any bytes.
    ///
    /// # Errors
    ///
    /// They are not an RTP packet.
    pub fn parse(packet: &'a [u8]) -> Result<Self, BadRtp> {
        let truncated = BadRtp::Truncated(packet.len());
        let (fixed, rest) = packet
            .split_first_chunk::<FIXED_HEADER>()
            .ok_or(truncated)?;
        let [flags, kind, s0, s1, t0, t1, t2, t3, r0, r1, r2, r3] = *fixed;
        if flags >> 6 != 2 {
            return Err(BadRtp::Version(flags >> 6));
        }
        let contributors = usize::from(flags & 0x0f) * 4;
        let rest = rest.get(contributors..).ok_or(truncated)?;
        let (extensions, body) = if flags & 0x10 == 0 {
            (Extensions::none(), rest)
        } else {
            Extensions::split(rest).ok_or(truncated)?
        };
        let payload = if flags & 0x20 == 0 {
            body
        } else {
            without_padding(body)?
        };
        Ok(Self {
            marker: kind & 0x80 != 0,
            pt: PayloadType(kind & 0x7f),
            sequence: u16::from_be_bytes([s0, s1]),
            timestamp: u32::from_be_bytes([t0, t1, t2, t3]),
            ssrc: Ssrc(u32::from_be_bytes([r0, r1, r2, r3])),
            extensions,
            payload,
        })
    }
}

fn without_padding(body: &[u8]) -> Result<&[u8], BadRtp> {
    let &padding = body.last().ok_or(BadRtp::Padding(0))?;
    match body.len().checked_sub(usize::from(padding)) {
        Some(length) if padding > 0 => Ok(&body[..length]),
        _ => Err(BadRtp::Padding(padding)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADER: [u8; 12] = [0x80, 0xe0, 0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 2];

    #[test]
    fn a_plain_packet_reads_back() {
        let bytes = [&HEADER[..], b"hi"].concat();
        let view = RtpView::parse(&bytes).unwrap();
        assert_eq!(
            (view.marker, view.pt, view.sequence),
            (true, PayloadType(96), 0x1234)
        );
        assert_eq!(
            (view.timestamp, view.ssrc, view.payload),
            (1, Ssrc(2), &b"hi"[..])
        );
    }

    #[test]
    fn contributing_sources_and_padding_are_no_payload() {
        let mut bytes = HEADER.to_vec();
        bytes[0] |= 0x20 | 2;
        bytes.extend_from_slice(&[9; 8]);
        bytes.extend_from_slice(&[b'x', 0, 2]);
        assert_eq!(RtpView::parse(&bytes).unwrap().payload, b"x");
    }

    #[test]
    fn padding_longer_than_the_body_is_refused() {
        let mut bytes = HEADER.to_vec();
        bytes[0] |= 0x20;
        assert_eq!(RtpView::parse(&bytes).unwrap_err(), BadRtp::Padding(0));
        bytes.push(0);
        assert_eq!(RtpView::parse(&bytes).unwrap_err(), BadRtp::Padding(0));
        *bytes.last_mut().unwrap() = 3;
        assert_eq!(RtpView::parse(&bytes).unwrap_err(), BadRtp::Padding(3));
    }

    #[test]
    fn another_version_is_refused() {
        assert_eq!(RtpView::parse(&[0x40; 20]).unwrap_err(), BadRtp::Version(1));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_packet_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(view) = RtpView::parse(&bytes) {
                prop_assert!(view.payload.len() + FIXED_HEADER <= bytes.len());
                let elements: usize = view.extensions.iter().map(|(_, data)| data.len()).sum();
                prop_assert!(elements <= bytes.len());
            }
        }

        #[test]
        fn any_tail_behind_a_true_header_is_survived(
            flags in 0u8..64,
            tail in proptest::collection::vec(any::<u8>(), 0..120),
        ) {
            let mut bytes = HEADER.to_vec();
            bytes[0] |= flags;
            bytes.extend(tail);
            if let Ok(view) = RtpView::parse(&bytes) {
                prop_assert!(view.extensions.iter().all(|(id, _)| id != 0));
            }
        }
    }
}
