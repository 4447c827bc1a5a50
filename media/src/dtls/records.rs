//! Just enough of the DTLS record layer to guard the library behind it (RFC 6347 §4.1, §4.2.2).

/// Type, version, epoch, sequence number, length.
const RECORD_HEADER: usize = 13;

/// Type, length, message number, fragment offset and length.
pub(super) const HANDSHAKE_HEADER: usize = 12;

/// Most records of one datagram; a flight has about six.
const MAX_RECORDS: usize = 32;

const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
const FATAL: u8 = 2;
pub(super) const CLIENT_HELLO: u8 = 1;
const USE_SRTP: u16 = 14;

/// One record of a datagram.
#[derive(Debug, Clone, Copy)]
pub(super) struct Record<'a> {
    content: u8,
    pub(super) epoch: u16,
    /// Counts the records of an epoch; never used twice.
    pub(super) sequence: [u8; 6],
    pub(super) body: &'a [u8],
}

impl<'a> Record<'a> {
    /// Every record; `None` unless they fill the datagram exactly.
    pub(super) fn all(mut datagram: &'a [u8]) -> Option<Vec<Self>> {
        let mut records = Vec::new();
        while let Some(header) = datagram.first_chunk::<RECORD_HEADER>() {
            let len = usize::from(u16::from_be_bytes([header[11], header[12]]));
            let body = datagram.get(RECORD_HEADER..RECORD_HEADER + len)?;
            if !(20..64).contains(&header[0]) || header[1] != 0xfe || records.len() == MAX_RECORDS {
                return None;
            }
            let epoch = u16::from_be_bytes([header[3], header[4]]);
            records.push(Self {
                content: header[0],
                epoch,
                sequence: [
                    header[5], header[6], header[7], header[8], header[9], header[10],
                ],
                body,
            });
            datagram = &datagram[RECORD_HEADER + len..];
        }
        (datagram.is_empty() && !records.is_empty()).then_some(records)
    }

    pub(super) fn is_handshake(&self) -> bool {
        self.content == HANDSHAKE
    }

    pub(super) fn is_plain_fatal_alert(&self) -> bool {
        self.content == ALERT && self.epoch == 0 && self.body.first() == Some(&FATAL)
    }
}

/// A `ClientHello`, or the fragment of one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Hello {
    /// Its number among the client's handshake messages.
    pub(super) message: u16,
    /// The profiles of its `use_srtp` extension (RFC 5764 §4.1.1); empty if only a fragment is here.
    pub(super) srtp_profiles: Vec<u16>,
}

impl Hello {
    /// The hello at the start of this record.
    pub(super) fn of(record: &Record<'_>) -> Option<Self> {
        let body = record.body;
        if record.content != HANDSHAKE || record.epoch != 0 || body.first() != Some(&CLIENT_HELLO) {
            return None;
        }
        let message = u16::from_be_bytes(*body.get(4..)?.first_chunk()?);
        let profiles = body.get(HANDSHAKE_HEADER..).and_then(srtp_profiles);
        Some(Self {
            message,
            srtp_profiles: profiles.unwrap_or_default(),
        })
    }
}

fn srtp_profiles(hello: &[u8]) -> Option<Vec<u16>> {
    let mut rest = Reader(hello.get(34..)?); // version and random
    rest.vector::<1>()?; // session id
    rest.vector::<1>()?; // cookie
    rest.vector::<2>()?; // cipher suites
    rest.vector::<1>()?; // compression methods
    let mut extensions = Reader(rest.vector::<2>()?);
    loop {
        let typ = extensions.number::<2>()?;
        let body = extensions.vector::<2>()?;
        if typ == usize::from(USE_SRTP) {
            let profiles = Reader(body).vector::<2>()?;
            let pairs = profiles.chunks_exact(2);
            return Some(
                pairs
                    .map(|pair| u16::from_be_bytes([pair[0], pair[1]]))
                    .collect(),
            );
        }
    }
}

/// Reads TLS vectors (RFC 5246 §4.3).
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn number<const BYTES: usize>(&mut self) -> Option<usize> {
        let (number, rest) = self.0.split_first_chunk::<BYTES>()?;
        self.0 = rest;
        Some(
            number
                .iter()
                .fold(0, |number, byte| number << 8 | usize::from(*byte)),
        )
    }

    /// A vector whose length is told by so many bytes.
    fn vector<const BYTES: usize>(&mut self) -> Option<&'a [u8]> {
        let len = self.number::<BYTES>()?;
        let (vector, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(vector)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(content: u8, epoch: u8, body: &[u8]) -> Vec<u8> {
        let len = u8::try_from(body.len()).unwrap();
        [
            &[content, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 9, 0, len][..],
            body,
        ]
        .concat()
    }

    fn hello(extensions: &[u8]) -> Vec<u8> {
        let mut body = vec![1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        body.extend([0; 34]);
        body.extend([0, 2, 7, 7, 0, 2, 0xc0, 0x2b, 1, 0]);
        body.extend([0, u8::try_from(extensions.len()).unwrap()]);
        body.extend(extensions);
        body
    }

    #[test]
    fn the_srtp_profiles_of_a_hello_are_found_behind_other_extensions() {
        let body = hello(&[0, 23, 0, 0, 0, 14, 0, 7, 0, 4, 0, 1, 0, 7, 0]);
        let datagram = record(22, 0, &body);
        let records = Record::all(&datagram).unwrap();
        let expected = Hello {
            message: 1,
            srtp_profiles: vec![1, 7],
        };
        assert_eq!(Hello::of(&records[0]), Some(expected));
    }

    #[test]
    fn a_fragment_of_a_hello_is_one_without_profiles() {
        let datagram = record(22, 0, &hello(&[])[..30]);
        let records = Record::all(&datagram).unwrap();
        let expected = Hello {
            message: 1,
            srtp_profiles: vec![],
        };
        assert_eq!(Hello::of(&records[0]), Some(expected));
    }

    #[test]
    fn an_encrypted_record_is_no_hello_and_no_plain_alert() {
        let datagram = [record(22, 1, &hello(&[])), record(21, 1, &[2, 40])].concat();
        let records = Record::all(&datagram).unwrap();
        assert_eq!(Hello::of(&records[0]), None);
        assert!(!records[1].is_plain_fatal_alert());
    }

    #[test]
    fn records_must_fill_their_datagram() {
        let datagram = record(22, 0, &[1, 2, 3]);
        assert!(Record::all(&datagram[..15]).is_none());
        assert!(Record::all(&[&datagram[..], &[0]].concat()).is_none());
        assert!(Record::all(&[]).is_none());
        assert!(Record::all(&record(23, 1, &[]).repeat(MAX_RECORDS + 1)).is_none());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..180)) {
            for datagram in [bytes.clone(), record(22, 0, &bytes), record(22, 0, &hello(&bytes))] {
                for record in Record::all(&datagram).unwrap_or_default() {
                    let _ = Hello::of(&record);
                }
            }
        }
    }
}
