//! What waits for one destination: runs of equal datagrams, each of which leaves with one system call (UDP GSO).

use std::net::SocketAddr;

use quinn_udp::{Transmit, UdpSockRef, UdpSocketState};

/// Datagrams ready to leave, one behind the other.
#[derive(Default)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    /// Length of each datagram.
    lengths: Vec<usize>,
}

impl Outbox {
    /// Nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// Copies a plain packet in, which is to grow by `tag`; where it begins.
    pub(super) fn begin(&mut self, plain: &[u8], tag: usize) -> usize {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(plain);
        self.lengths.push(plain.len() + tag);
        start
    }

    /// Where the packet stands that was begun last.
    pub(super) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Sends all of it.
    pub(super) fn flush(
        &mut self,
        destination: SocketAddr,
        state: &UdpSocketState,
        socket: &mio::net::UdpSocket,
    ) {
        let mut start = 0;
        for run in self.lengths.chunk_by(|a, b| a == b) {
            for run in run.chunks(state.max_gso_segments().max(1)) {
                let length: usize = run.iter().sum();
                let transmit = Transmit {
                    destination,
                    ecn: None,
                    contents: &self.bytes[start..start + length],
                    segment_size: (run.len() > 1).then(|| run[0]),
                    src_ip: None,
                };
                // What the kernel does not take shows as loss.
                let _lost = state.try_send(UdpSockRef::from(socket), &transmit);
                start += length;
            }
        }
        self.bytes.clear();
        self.lengths.clear();
    }
}
