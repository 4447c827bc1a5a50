//! Writing: header and extensions, straight into the buffer that will be sealed.

use super::extension::{ONE_BYTE, TWO_BYTE};
use crate::seam::{PayloadType, Ssrc};

/// Longest element of the one-byte form.
const ONE_BYTE_LONGEST: usize = 16;

/// The fixed header of a packet to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// How the payload is coded.
    pub pt: PayloadType,
    /// The marker bit.
    pub marker: bool,
    /// The 16-bit sequence number.
    pub sequence: u16,
    /// The media timestamp.
    pub timestamp: u32,
    /// The stream.
    pub ssrc: Ssrc,
}

impl Header {
    /// Appends the header, and behind it what `elements` puts into the extension block. `longest` is the longest
    /// element to come: it chooses between the one-byte and the two-byte form (RFC 8285 §4.1.2).
    pub fn write(
        self,
        out: &mut Vec<u8>,
        longest: usize,
        elements: impl FnOnce(&mut Elements<'_>),
    ) {
        let start = out.len();
        let [s0, s1] = self.sequence.to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.to_be_bytes();
        let [r0, r1, r2, r3] = self.ssrc.0.to_be_bytes();
        let kind = self.pt.0 & 0x7f | u8::from(self.marker) << 7;
        let two_byte = longest > ONE_BYTE_LONGEST;
        let [p0, p1] = if two_byte { TWO_BYTE } else { ONE_BYTE }.to_be_bytes();
        out.extend_from_slice(&[
            0x90, kind, s0, s1, t0, t1, t2, t3, r0, r1, r2, r3, p0, p1, 0, 0,
        ]);
        let block = out.len();
        elements(&mut Elements { out, two_byte });
        if out.len() == block {
            out[start] = 0x80;
            out.truncate(block - 4);
            return;
        }
        while !(out.len() - block).is_multiple_of(4) {
            out.push(0);
        }
        let words = u16::try_from((out.len() - block) / 4).unwrap_or(u16::MAX);
        out[block - 2..block].copy_from_slice(&words.to_be_bytes());
    }
}

/// Takes the elements of one extension block.
#[derive(Debug)]
pub struct Elements<'a> {
    out: &'a mut Vec<u8>,
    two_byte: bool,
}

impl Elements<'_> {
    /// Appends one element, if it was agreed on and fits the form.
    pub fn put(&mut self, id: Option<u8>, data: &[u8]) {
        self.put_parts(id, &[data]);
    }

    /// The same, of data that stands in several places.
    pub fn put_parts(&mut self, id: Option<u8>, parts: &[&[u8]]) {
        let Some(id) = id else { return };
        let length = parts.iter().map(|part| part.len()).sum::<usize>();
        let Ok(length) = u8::try_from(length) else {
            return;
        };
        if self.two_byte {
            self.out.extend_from_slice(&[id, length]);
        } else if (1..=16).contains(&length) && (1..=14).contains(&id) {
            self.out.push(id << 4 | (length - 1));
        } else {
            return;
        }
        for part in parts {
            self.out.extend_from_slice(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rtp::RtpView;

    const HEADER: Header = Header {
        pt: PayloadType(111),
        marker: true,
        sequence: 65_535,
        timestamp: 0xdead_beef,
        ssrc: Ssrc(0x0102_0304),
    };

    #[test]
    fn a_header_without_extensions_is_twelve_bytes() {
        let mut out = Vec::new();
        HEADER.write(&mut out, 0, |_| {});
        assert_eq!(
            out,
            [0x80, 0xef, 0xff, 0xff, 0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4]
        );
    }

    #[test]
    fn what_was_in_the_buffer_before_stays() {
        let mut out = b"earlier datagram".to_vec();
        HEADER.write(&mut out, 1, |elements| elements.put(Some(3), &[7]));
        assert!(out.starts_with(b"earlier datagram"));
        let view = RtpView::parse(&out[16..]).unwrap();
        assert_eq!(view.extensions.get(Some(3)), Some(&[7][..]));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            elements in proptest::collection::vec((1u8..15, proptest::collection::vec(any::<u8>(), 1..40)), 0..6),
            payload in proptest::collection::vec(any::<u8>(), 0..50),
        ) {
            let longest = elements.iter().map(|(_, data)| data.len()).max().unwrap_or(0);
            let mut out = Vec::new();
            HEADER.write(&mut out, longest, |writer| {
                for (id, data) in &elements {
                    writer.put(Some(*id), data);
                }
            });
            out.extend_from_slice(&payload);
            let view = RtpView::parse(&out).unwrap();
            let read: Vec<_> = view.extensions.iter().map(|(id, data)| (id, data.to_vec())).collect();
            prop_assert_eq!(read, elements);
            prop_assert_eq!(view.payload, &payload[..]);
            prop_assert_eq!((view.sequence, view.timestamp, view.ssrc), (65_535, HEADER.timestamp, HEADER.ssrc));
        }
    }
}
