//! Datagrams in a stream of bytes: two bytes of length, then the datagram (RFC 4571 §2).

use bytes::{Buf, BytesMut};

/// Bytes before each datagram.
pub(super) const HEADER: usize = 2;

/// Longest datagram that is taken: well above what ICE, DTLS and SRTP send.
const LONGEST: usize = 4096;

/// A client frames more than it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a frame is too long ({0} bytes)")]
pub(super) struct FrameTooLong(usize);

/// Cuts datagrams out of what was read.
#[derive(Debug, Default)]
pub(super) struct Deframer {
    read: BytesMut,
}

impl Deframer {
    /// Where to append what is read next; there is space for `most` at least.
    pub(super) fn space(&mut self, most: usize) -> &mut BytesMut {
        self.read.reserve(most);
        &mut self.read
    }

    /// The next datagram, once all of it is there. Empty ones keep a connection alive and say nothing.
    pub(super) fn next(&mut self) -> Result<Option<BytesMut>, FrameTooLong> {
        while let Some(&[high, low]) = self.read.first_chunk::<HEADER>() {
            let length = usize::from(u16::from_be_bytes([high, low]));
            if length > LONGEST {
                return Err(FrameTooLong(length));
            }
            if self.read.len() < HEADER + length {
                return Ok(None);
            }
            self.read.advance(HEADER);
            if length > 0 {
                return Ok(Some(self.read.split_to(length)));
            }
        }
        Ok(None)
    }
}

/// Appends a frame around the datagram that `write` writes; false if there is none, or one too long to frame.
pub(super) fn append(stream: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> bool {
    let start = stream.len();
    stream.extend([0; HEADER]);
    write(stream);
    let length = stream.len().saturating_sub(start + HEADER);
    match u16::try_from(length) {
        Ok(length) if length > 0 => {
            stream[start..start + HEADER].copy_from_slice(&length.to_be_bytes());
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn datagrams(deframer: &mut Deframer) -> Result<Vec<BytesMut>, FrameTooLong> {
        std::iter::from_fn(|| deframer.next().transpose()).collect()
    }

    #[test]
    fn a_frame_that_is_too_long_ends_the_connection() {
        let mut deframer = Deframer::default();
        deframer.space(8).extend_from_slice(&[0x10, 0x01, 9, 9]);
        assert_eq!(deframer.next(), Err(FrameTooLong(4097)));
    }

    #[test]
    fn nothing_written_is_no_frame() {
        assert!(!append(&mut Vec::new(), |_| {}));
    }

    #[test]
    fn empty_frames_are_passed_over() {
        let mut deframer = Deframer::default();
        deframer.space(8).extend_from_slice(&[0, 0, 0, 0, 0, 1, 7]);
        assert_eq!(datagrams(&mut deframer), Ok(vec![BytesMut::from(&[7][..])]));
    }

    proptest! {
        #[test]
        fn datagrams_come_out_as_they_went_in_wherever_the_stream_is_cut(
            sent in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 0..20),
            cut in 1..200usize,
        ) {
            let mut stream = Vec::new();
            for datagram in &sent {
                prop_assert!(append(&mut stream, |bytes| bytes.extend(datagram)));
            }
            let mut deframer = Deframer::default();
            let mut got = Vec::new();
            for piece in stream.chunks(cut) {
                deframer.space(piece.len()).extend_from_slice(piece);
                got.extend(datagrams(&mut deframer).expect("none is too long"));
            }
            prop_assert_eq!(got, sent);
        }

        #[test]
        fn any_bytes_are_survived(stream in prop::collection::vec(any::<u8>(), 0..2000)) {
            let mut deframer = Deframer::default();
            deframer.space(stream.len()).extend_from_slice(&stream);
            let _ = datagrams(&mut deframer);
        }
    }
}
