//! As much of STUN (RFC 8489) as tells whom a connectivity check is for. Whether it is genuine, the peer finds out.

/// Bytes of a STUN header.
const HEADER: usize = 20;

/// Bytes 4 to 7 of every STUN message (RFC 8489 §5).
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];

/// Method Binding, class request.
const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];

/// Attribute type USERNAME.
const USERNAME: u16 = 0x0006;

/// A connectivity check, as far as it is for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Check<'a> {
    /// The ufrag of the one who is checked: USERNAME up to the colon (RFC 8445 §7.2.2).
    pub(super) ufrag: &'a [u8],
}

/// STUN, and not DTLS or RTP (RFC 7983 §7).
pub(super) fn is_stun(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|&first| first < 4)
}

impl<'a> Check<'a> {
    /// Reads a binding request that carries a username. Any bytes may come.
    pub(super) fn parse(datagram: &'a [u8]) -> Option<Self> {
        let (header, mut attributes) = datagram.split_at_checked(HEADER)?;
        if header[..2] != BINDING_REQUEST || header[4..8] != MAGIC_COOKIE {
            return None;
        }
        if usize::from(u16::from_be_bytes([header[2], header[3]])) != attributes.len() {
            return None;
        }
        while let Some((&[t0, t1, l0, l1], rest)) = attributes.split_first_chunk::<4>() {
            let length = usize::from(u16::from_be_bytes([l0, l1]));
            let value = rest.get(..length)?;
            if u16::from_be_bytes([t0, t1]) == USERNAME {
                let colon = value.iter().position(|&byte| byte == b':')?;
                return Some(Self {
                    ufrag: &value[..colon],
                });
            }
            attributes = rest.get(length.next_multiple_of(4)..)?;
        }
        None
    }
}
