//! What a container wants to know of a stream before its first frame.

use bytes::{BufMut, Bytes, BytesMut};

use crate::seam::Codec;

/// SPS and PPS of an H.264 key frame in Annex B (ISO 14496-10 Annex B, types 7 and 8), the sequence header of an AV1
/// key frame (AV1 specification §5.3, type 1); empty for other codecs, and where there is none.
pub(super) fn parameter_sets(codec: Codec, frame: &[u8]) -> Bytes {
    match codec {
        Codec::H264 { .. } => {
            let mut sets = BytesMut::new();
            for unit in annex_b(frame) {
                if unit
                    .first()
                    .is_some_and(|first| matches!(first & 0x1f, 7 | 8))
                {
                    sets.put_slice(&[0, 0, 0, 1]);
                    sets.put_slice(unit);
                }
            }
            sets.freeze()
        }
        Codec::Av1 => obus(frame)
            .find(|(kind, _)| *kind == 1)
            .map_or_else(Bytes::new, |(_, obu)| Bytes::copy_from_slice(obu)),
        Codec::Opus | Codec::Red | Codec::Vp8 | Codec::Vp9 { .. } => Bytes::new(),
    }
}

/// The units between start codes of four bytes, as our depacketizer writes them.
fn annex_b(frame: &[u8]) -> impl Iterator<Item = &[u8]> {
    const START: [u8; 4] = [0, 0, 0, 1];
    let find = |bytes: &[u8]| bytes.windows(4).position(|window| window == START);
    let mut rest = find(frame).map_or(&[][..], |at| &frame[at + 4..]);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = find(rest).unwrap_or(rest.len());
        let unit = &rest[..end];
        rest = rest.get(end + 4..).unwrap_or_default();
        Some(unit)
    })
}

/// Type and bytes of each OBU; all have a size field, as our depacketizer writes them.
fn obus(mut rest: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let &header = rest.first()?;
        let begin = if header & 0x04 == 0 { 1 } else { 2 };
        let (size, length) = leb128(rest.get(begin..)?)?;
        let end = begin.checked_add(length)?.checked_add(size)?;
        let obu = rest.get(..end)?;
        rest = &rest[end..];
        Some((header >> 3 & 0x0f, obu))
    })
}

/// A number and how many bytes it took (AV1 specification §4.10.5).
fn leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0usize;
    for (index, &byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const H264: Codec = Codec::H264 {
        profile: 0x42,
        mode: 1,
    };

    #[test]
    fn the_parameter_sets_of_h264_are_found_between_other_units() {
        let frame = [
            0, 0, 0, 1, 0x09, 0xf0, 0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x68, 3, 0, 0, 0, 1, 0x65,
            9,
        ];
        let sets = parameter_sets(H264, &frame);
        assert_eq!(sets[..], [0, 0, 0, 1, 0x67, 1, 2, 0, 0, 0, 1, 0x68, 3]);
    }

    #[test]
    fn the_sequence_header_of_av1_is_found_and_keeps_its_size() {
        let frame = [0x2a, 0, 0x0a, 2, 7, 7, 0x32, 1, 9];
        assert_eq!(parameter_sets(Codec::Av1, &frame)[..], [0x0a, 2, 7, 7]);
        assert!(parameter_sets(Codec::Av1, &[0x32, 1, 9]).is_empty());
    }

    proptest! {
        #[test]
        fn any_frame_is_survived(frame in proptest::collection::vec(any::<u8>(), 0..64)) {
            parameter_sets(H264, &frame);
            parameter_sets(Codec::Av1, &frame);
        }
    }
}
