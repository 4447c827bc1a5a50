//! The seam to sockets and clocks.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

/// What time it is, by both clocks that TURN needs.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// For lifetimes; never goes back.
    pub at: Instant,
    /// Seconds since 1970, which passwords are dated in.
    pub unix_seconds: u64,
}

/// Who sent something: the 5-tuple of RFC 8656 §2.2, less what is the same for everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Client {
    /// By datagrams.
    Udp {
        /// From here.
        remote: SocketAddr,
        /// To this address of ours, where there are several; answers come from it.
        local: Option<IpAddr>,
    },
    /// By a TCP or TLS connection.
    Stream {
        /// Which; never used twice.
        connection: u64,
        /// From here.
        remote: SocketAddr,
    },
}

impl Client {
    /// Where it is.
    pub fn remote(self) -> SocketAddr {
        match self {
            Self::Udp { remote, .. } | Self::Stream { remote, .. } => remote,
        }
    }

    /// Its frames follow each other in a stream of bytes, and it is where it says it is.
    pub fn is_stream(self) -> bool {
        matches!(self, Self::Stream { .. })
    }
}

/// Names the socket of one allocation; never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RelayId(pub u64);

/// IPv4 or IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// That of an address.
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }
}

/// What kind of relay a client asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// Its family.
    pub family: Family,
    /// Its port must be even.
    pub even: bool,
}

/// What a [`Server`](crate::Server) acts on.
pub trait Outside {
    /// Opens the socket of an allocation; gives the address that its client is told, or none where there is no room.
    fn open(&mut self, relay: RelayId, wanted: Wanted) -> Option<SocketAddr>;

    /// Closes it.
    fn close(&mut self, relay: RelayId);

    /// Sends a client what `write` appends: one datagram, or one frame of its stream.
    fn to_client(&mut self, client: Client, write: impl FnOnce(&mut Vec<u8>));

    /// Sends a peer something from a relay. `peer` is [`Peer::real`](crate::Peer::real) of one that was configured.
    fn to_peer(&mut self, relay: RelayId, peer: SocketAddr, payload: &[u8]);
}
