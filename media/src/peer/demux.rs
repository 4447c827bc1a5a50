//! Telling apart what shares one path (RFC 7983, RFC 5761).

/// What a datagram looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Datagram {
    Stun,
    Dtls,
    Rtp,
    Rtcp,
    Garbage,
}

impl Datagram {
    pub(super) fn of(bytes: &[u8]) -> Self {
        match *bytes {
            [0..=3, ..] => Self::Stun,
            [20..=63, ..] => Self::Dtls,
            // RFC 5761 §4: these payload types are left free so that RTCP packet types can be seen.
            [128..=191, 192..=223, ..] => Self::Rtcp,
            [128..=191, _, ..] => Self::Rtp,
            _ => Self::Garbage,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_tell_what_it_is() {
        let cases = [
            (&[0, 1][..], Datagram::Stun),
            (&[22, 0xfe], Datagram::Dtls),
            (&[0x80, 96], Datagram::Rtp),
            (&[0x90, 0xef], Datagram::Rtp),
            (&[0x80, 200], Datagram::Rtcp),
            (&[0x8f, 206], Datagram::Rtcp),
            (&[0x80], Datagram::Garbage),
            (&[], Datagram::Garbage),
            (&[0x40, 0], Datagram::Garbage),
            (&[0xff, 200], Datagram::Garbage),
        ];
        for (bytes, expected) in cases {
            assert_eq!(Datagram::of(bytes), expected, "{bytes:?}");
        }
    }
}
