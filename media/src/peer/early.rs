//! DTLS that came before its path was verified.
//!
//! A client may send its `ClientHello` right behind its first check, and the network may swap them. Dropping it
//! would cost the client a retransmission: a second of every join. So a little of it is held.

use std::collections::VecDeque;

use bytes::BytesMut;

use crate::seam::Path;

/// Most datagrams to hold; the oldest goes first.
const MOST: usize = 8;

/// No datagram of a handshake is longer.
const LONGEST: usize = 2048;

/// What is held, in order of arrival.
#[derive(Debug, Default)]
pub(super) struct Early(VecDeque<(Path, BytesMut)>);

impl Early {
    pub(super) fn hold(&mut self, path: Path, datagram: BytesMut) {
        if datagram.len() > LONGEST {
            return;
        }
        if self.0.len() == MOST {
            self.0.pop_front();
        }
        self.0.push_back((path, datagram));
    }

    /// Gives out what came on this path.
    pub(super) fn take(&mut self, path: Path) -> Vec<BytesMut> {
        let (taken, kept) = std::mem::take(&mut self.0)
            .into_iter()
            .partition(|(it, _)| *it == path);
        self.0 = kept;
        let taken: VecDeque<(Path, BytesMut)> = taken;
        taken.into_iter().map(|(_, datagram)| datagram).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(port: u16) -> Path {
        Path::Udp(([192, 0, 2, 1], port).into())
    }

    #[test]
    fn what_is_held_comes_back_in_order_for_its_path_only() {
        let mut early = Early::default();
        for (port, byte) in [(1, 1u8), (2, 2), (1, 3)] {
            early.hold(path(port), BytesMut::from(&[byte][..]));
        }
        assert_eq!(early.take(path(1)), [&[1u8][..], &[3]]);
        assert!(early.take(path(1)).is_empty());
        assert_eq!(early.take(path(2)), [&[2u8][..]]);
    }

    #[test]
    fn only_a_little_is_held() {
        let mut early = Early::default();
        early.hold(path(1), BytesMut::zeroed(LONGEST + 1));
        assert!(early.take(path(1)).is_empty());
        for byte in 0..20u8 {
            early.hold(path(1), BytesMut::from(&[byte][..]));
        }
        assert_eq!(
            early.take(path(1)),
            (12..20u8).map(|byte| vec![byte]).collect::<Vec<_>>()
        );
    }
}
