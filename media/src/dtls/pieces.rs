//! A `ClientHello` in pieces, put together (RFC 6347 §4.2.3).
//!
//! Browsers offer post-quantum key shares, and then their hello is larger than a datagram. The library behind us takes
//! the first piece of the second hello for the first hello once more, so it is given whole ones only.

use bytes::{BufMut, BytesMut};

use super::records::{CLIENT_HELLO, HANDSHAKE, HANDSHAKE_HEADER, Record};

/// Largest hello that is put together; those of browsers have less than 2 KiB.
const LARGEST: usize = 8 * 1024;

/// DTLS 1.2.
const VERSION: [u8; 2] = [0xfe, 0xfd];

/// One of several records that carry one hello.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    sequence: [u8; 6],
    message: u16,
    total: usize,
    offset: usize,
    bytes: &'a [u8],
}

impl<'a> Piece<'a> {
    /// The piece in this record; `None` for anything else, a whole hello among it.
    pub(super) fn of(record: &Record<'a>) -> Option<Self> {
        let (header, bytes) = record.body.split_first_chunk::<HANDSHAKE_HEADER>()?;
        let number = |at: usize| {
            header[at..at + 3]
                .iter()
                .fold(0, |number, byte| number << 8 | usize::from(*byte))
        };
        let (total, offset, len) = (number(1), number(6), number(9));
        let in_pieces = record.is_handshake()
            && record.epoch == 0
            && header[0] == CLIENT_HELLO
            && len < total
            && total <= LARGEST
            && bytes.len() == len
            && offset + len <= total;
        in_pieces.then(|| Self {
            sequence: record.sequence,
            message: u16::from_be_bytes([header[4], header[5]]),
            total,
            offset,
            bytes,
        })
    }
}

/// What there is of a hello.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    message: u16,
    bytes: Vec<u8>,
    known: Vec<bool>,
}

impl Pieces {
    /// Takes a piece. Returns the hello as one record once nothing of it is missing, and begins anew.
    pub(super) fn take(&mut self, piece: Piece<'_>) -> Option<BytesMut> {
        if self.message != piece.message || self.bytes.len() != piece.total {
            self.message = piece.message;
            self.bytes = vec![0; piece.total];
            self.known = vec![false; piece.total];
        }
        let range = piece.offset..piece.offset + piece.bytes.len();
        self.bytes[range.clone()].copy_from_slice(piece.bytes);
        self.known[range].fill(true);
        if self.known.contains(&false) {
            return None;
        }
        let whole = std::mem::take(self);
        Some(whole.record(piece.sequence))
    }

    /// One record with all of it, under the number of the record that completed it.
    fn record(&self, sequence: [u8; 6]) -> BytesMut {
        let total = u16::try_from(self.bytes.len()).unwrap_or(u16::MAX);
        let header = u16::try_from(HANDSHAKE_HEADER).unwrap_or(u16::MAX);
        let mut record = BytesMut::with_capacity(self.bytes.len() + 32);
        record.put_u8(HANDSHAKE);
        record.put_slice(&VERSION);
        record.put_u16(0); // epoch
        record.put_slice(&sequence);
        record.put_u16(header + total);
        record.put_u8(CLIENT_HELLO);
        record.put_uint(total.into(), 3);
        record.put_u16(self.message);
        record.put_uint(0, 3);
        record.put_uint(total.into(), 3);
        record.put_slice(&self.bytes);
        record
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A record with some bytes of a hello.
    fn datagram(sequence: u8, message: u8, hello: &[u8], range: std::ops::Range<usize>) -> Vec<u8> {
        let byte = |number: usize| u8::try_from(number).unwrap();
        let (total, len) = (byte(hello.len()), byte(range.len()));
        let mut bytes = vec![
            HANDSHAKE,
            0xfe,
            0xfd,
            0,
            0,
            0,
            0,
            0,
            0,
            0,
            sequence,
            0,
            len + 12,
        ];
        bytes.extend([
            CLIENT_HELLO,
            0,
            0,
            total,
            0,
            message,
            0,
            0,
            byte(range.start),
            0,
            0,
            len,
        ]);
        bytes.extend(&hello[range]);
        bytes
    }

    fn take(pieces: &mut Pieces, datagram: &[u8]) -> Option<BytesMut> {
        pieces.take(Piece::of(&Record::all(datagram).unwrap()[0]).unwrap())
    }

    #[test]
    fn a_hello_in_pieces_becomes_one_record() {
        let hello: Vec<u8> = (0..100).collect();
        let mut pieces = Pieces::default();
        assert_eq!(take(&mut pieces, &datagram(4, 1, &hello, 0..60)), None);
        let whole = take(&mut pieces, &datagram(5, 1, &hello, 60..100)).unwrap();
        assert_eq!(whole, datagram(5, 1, &hello, 0..100));
    }

    #[test]
    fn pieces_may_come_twice_and_in_any_order() {
        let hello: Vec<u8> = (0..100).collect();
        let mut pieces = Pieces::default();
        for (sequence, range) in [(1, 60..100), (2, 60..100), (3, 30..70)] {
            assert_eq!(
                take(&mut pieces, &datagram(sequence, 0, &hello, range)),
                None
            );
        }
        assert!(take(&mut pieces, &datagram(4, 0, &hello, 0..31)).is_some());
    }

    #[test]
    fn another_hello_begins_anew() {
        let hello: Vec<u8> = (0..100).collect();
        let mut pieces = Pieces::default();
        assert_eq!(take(&mut pieces, &datagram(1, 0, &hello, 0..60)), None);
        assert_eq!(take(&mut pieces, &datagram(2, 1, &hello, 60..100)), None);
    }

    #[test]
    fn a_whole_hello_is_no_piece() {
        let whole = datagram(1, 0, &[7; 50], 0..50);
        assert_eq!(Piece::of(&Record::all(&whole).unwrap()[0]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_taken_without_a_panic(bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6)) {
            let mut pieces = Pieces::default();
            for mut body in bodies {
                if let Some(first) = body.first_mut() {
                    *first = CLIENT_HELLO;
                }
                let len = u8::try_from(body.len()).unwrap();
                let head = [HANDSHAKE, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, len];
                let datagram = [&head[..], &body].concat();
                for record in Record::all(&datagram).unwrap_or_default() {
                    if let Some(piece) = Piece::of(&record) {
                        pieces.take(piece);
                    }
                }
            }
        }
    }
}
