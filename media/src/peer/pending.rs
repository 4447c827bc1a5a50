//! What was written while no egress was at hand: answers to checks, retransmissions.

use std::collections::VecDeque;

use crate::seam::{Egress, Path};

/// Most datagrams that wait for a flush; what comes on top is dropped, as a full socket would.
const MOST: usize = 512;

/// Datagrams that wait for the next flush.
#[derive(Debug, Default)]
pub(super) struct Pending(VecDeque<(Path, Vec<u8>)>);

impl Pending {
    pub(super) fn push(&mut self, path: Path, datagram: Vec<u8>) {
        if self.0.len() < MOST {
            self.0.push_back((path, datagram));
        }
    }

    pub(super) fn flush(&mut self, egress: &mut impl Egress) {
        for (path, datagram) in self.0.drain(..) {
            egress.datagram(path, |out| out.extend_from_slice(&datagram));
        }
    }
}

impl Egress for Pending {
    fn datagram(&mut self, path: Path, write: impl FnOnce(&mut Vec<u8>)) {
        let mut datagram = Vec::new();
        write(&mut datagram);
        self.push(path, datagram);
    }
}
