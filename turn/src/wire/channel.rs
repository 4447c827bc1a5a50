//! `ChannelData`: four bytes before a payload instead of an indication's forty (RFC 8656 §12.4).

/// Numbers that a channel may have. RFC 8656 leaves those from 0x5000 on to others, but clients of RFC 5766 choose among
/// all of them, coturn's for one, and here nobody else uses them.
pub(crate) const NUMBERS: std::ops::RangeInclusive<u16> = 0x4000..=0x7FFF;

/// Bytes before the payload.
pub(crate) const HEADER: usize = 4;

/// Frames of a stream are as long as a multiple of this.
pub(crate) const PADDED_TO: usize = 4;

/// These bytes begin like `ChannelData`, and not like STUN.
pub(crate) fn is_channel(first: u8) -> bool {
    (0x40..=0x7F).contains(&first)
}

/// The number and the payload; what follows the payload is padding.
pub(crate) fn read(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (&[n0, n1, l0, l1], rest) = bytes.split_first_chunk::<HEADER>()?;
    let number = u16::from_be_bytes([n0, n1]);
    let payload = rest.get(..usize::from(u16::from_be_bytes([l0, l1])))?;
    NUMBERS.contains(&number).then_some((number, payload))
}

/// Appends a message; `padded` for streams. The payload is not longer than [`super::LONGEST_PAYLOAD`].
pub(crate) fn write(out: &mut Vec<u8>, number: u16, payload: &[u8], padded: bool) {
    let length = u16::try_from(payload.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&number.to_be_bytes());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(payload);
    if padded {
        let padding = payload.len().next_multiple_of(PADDED_TO) - payload.len();
        out.extend_from_slice(&[0; PADDED_TO][..padding]);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            number in NUMBERS, payload in prop::collection::vec(any::<u8>(), 0..2000), padded: bool
        ) {
            let mut bytes = Vec::new();
            write(&mut bytes, number, &payload, padded);
            prop_assert_eq!(read(&bytes), Some((number, &payload[..])));
            prop_assert!(!padded || bytes.len().is_multiple_of(PADDED_TO));
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = read(&bytes);
        }
    }

    #[test]
    fn a_number_that_is_no_channels_is_not_read() {
        assert_eq!(read(&[0x80, 0, 0, 0]), None);
        assert_eq!(read(&[0x40, 0, 0, 1]), None, "cut short");
    }
}
