//! Redundant audio (RFC 2198).

use crate::seam::PayloadType;

/// The payload type of its first block, by which its sender means Opus.
pub fn block_type(payload: &[u8]) -> Option<PayloadType> {
    payload.first().map(|first| PayloadType(first & 0x7f))
}

/// Where the primary encoding begins: behind the block headers and the redundant blocks.
pub fn primary(payload: &[u8]) -> Option<u16> {
    let mut headers = 0usize;
    let mut redundant = 0usize;
    loop {
        let &first = payload.get(headers)?;
        if first & 0x80 == 0 {
            headers += 1;
            break;
        }
        // |1| PT (7) | timestamp offset (14) | length (10) |
        let &[_, _, high, low] = payload.get(headers..)?.first_chunk::<4>()?;
        redundant += usize::from(u16::from_be_bytes([high & 0x03, low]));
        headers += 4;
    }
    let start = headers + redundant;
    if start > payload.len() {
        None
    } else {
        u16::try_from(start).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_primary_encoding_stands_last() {
        let payload = [0xef, 0x0f, 0x00, 0x02, 0x6f, 1, 2, 7, 8, 9];
        assert_eq!(primary(&payload), Some(7));
        assert_eq!(primary(&[0x6f, 7, 8]), Some(1));
    }

    #[test]
    fn a_block_longer_than_the_packet_is_no_packet() {
        assert_eq!(primary(&[0xef, 0, 0, 9, 0x6f, 1, 2]), None);
        assert_eq!(primary(&[0xef, 0, 0]), None);
        assert_eq!(primary(&[]), None);
    }
}
