//! What stands unencrypted before an SRTP packet's payload (RFC 3550 §5.1, RFC 8285 §4.2).

/// As much of a packet as can be read without a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) payload_type: u8,
    pub(crate) sequence: u16,
    pub(crate) timestamp: u32,
    pub(crate) ssrc: u32,
    /// There is nothing but padding, or some after the payload.
    pub(crate) padding: bool,
    pub(crate) transport_number: Option<u16>,
    /// Where that number stands.
    pub(crate) transport_number_at: Option<usize>,
    /// Where the payload begins.
    pub(crate) length: usize,
}

/// Marks extensions of one-byte headers.
const ONE_BYTE: u16 = 0xbede;

impl Header {
    /// Reads it; nothing where this is no RTP. The transport-wide number is looked for in extension `transport_cc`.
    pub(crate) fn read(packet: &[u8], transport_cc: Option<u8>) -> Option<Self> {
        let fixed: &[u8; 12] = packet.first_chunk()?;
        let mut length = 12 + 4 * usize::from(fixed[0] & 0x0f);
        let mut transport_number_at = None;
        if fixed[0] & 0x10 != 0 {
            let profile = u16::from_be_bytes(*packet.get(length..)?.first_chunk()?);
            let words = u16::from_be_bytes(*packet.get(length + 2..)?.first_chunk()?);
            let begin = length + 4;
            length = begin + 4 * usize::from(words);
            let extensions = packet.get(begin..length)?;
            if let Some(id) = transport_cc.filter(|_| profile == ONE_BYTE) {
                transport_number_at = find(extensions, id)
                    .filter(|(_, value)| value.len() >= 2)
                    .map(|(at, _)| begin + at);
            }
        }
        (fixed[0] >> 6 == 2 && packet.len() >= length).then_some(Self {
            payload_type: fixed[1] & 0x7f,
            sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
            timestamp: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
            ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
            padding: fixed[0] & 0x20 != 0,
            transport_number: transport_number_at
                .and_then(|at| packet.get(at..)?.first_chunk())
                .map(|number| u16::from_be_bytes(*number)),
            transport_number_at,
            length,
        })
    }
}

/// The value of an extension, and where it begins.
fn find(extensions: &[u8], id: u8) -> Option<(usize, &[u8])> {
    let mut at = 0;
    while let Some(&first) = extensions.get(at) {
        at += 1;
        if first == 0 {
            continue; // padding
        }
        let length = usize::from(first & 0x0f) + 1;
        let value = extensions.get(at..at + length)?;
        if first >> 4 == id {
            return Some((at, value));
        }
        at += length;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use rtc::rtp;
    use rtc::shared::marshal::Marshal;

    #[test]
    fn a_header_reads_as_it_was_written() {
        let mut header = rtp::Header {
            version: 2,
            marker: true,
            payload_type: 96,
            sequence_number: 65_535,
            timestamp: 7,
            ssrc: 0xdead_beef,
            ..rtp::Header::default()
        };
        header
            .set_extension(1, Bytes::from_static(&[0x94]))
            .unwrap();
        header
            .set_extension(3, Bytes::from_static(&[0x12, 0x34]))
            .unwrap();
        let packet = rtp::Packet {
            header,
            payload: Bytes::from_static(b"payload"),
        };
        let bytes = packet.marshal().unwrap();

        let read = Header::read(&bytes, Some(3)).unwrap();
        assert_eq!(
            (read.payload_type, read.sequence, read.timestamp, read.ssrc),
            (96, 65_535, 7, 0xdead_beef)
        );
        assert_eq!(read.transport_number, Some(0x1234));
        let at = read.transport_number_at.unwrap();
        assert_eq!(bytes[at..at + 2], [0x12, 0x34]);
        assert_eq!(&bytes[read.length..], b"payload");
        assert_eq!(
            Header::read(&bytes, Some(2)).unwrap().transport_number,
            None
        );
        assert_eq!(Header::read(&bytes[..14], Some(3)), None, "cut off");
    }
}
