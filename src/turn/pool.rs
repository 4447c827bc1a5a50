//! Relays' sockets, and the ports that are left for more.

use std::collections::VecDeque;
use std::net::SocketAddr;

use calls_actors::port::udp::{self, UdpDoor};
use calls_turn::Wanted;
use rand::seq::SliceRandom;
use tokio::sync::Notify;

use super::peers::Reach;

/// How many ports are tried that turn out to be somebody else's, before there is no room.
const TRIES: usize = 32;

/// The socket of one allocation.
pub(super) struct Relay {
    pub(super) door: UdpDoor,
    pub(super) closed: Notify,
    port: u16,
}

/// Makes relays.
pub(super) struct Pool {
    reach: Reach,
    offload: bool,
    /// In no order, so that nobody guesses the next one.
    free: VecDeque<u16>,
}

impl Pool {
    /// All ports from the first to the last are free.
    pub(super) fn new(reach: Reach, [first, last]: [u16; 2], offload: bool) -> Self {
        let mut free: Vec<u16> = (first..=last).collect();
        free.shuffle(&mut rand::rng());
        Self {
            reach,
            offload,
            free: free.into(),
        }
    }

    /// A socket, and the address that its client is told; none where there is no room.
    pub(super) fn open(&mut self, wanted: Wanted) -> Option<(Relay, SocketAddr)> {
        let ground = self.reach.ground(wanted.family)?;
        for _ in 0..TRIES {
            let fits = |port: &u16| !wanted.even || port.is_multiple_of(2);
            let port = self.free.remove(self.free.iter().position(fits)?)?;
            let socket = udp::bind(SocketAddr::new(ground.bind, port))
                .and_then(|socket| UdpDoor::new(socket, self.offload));
            match socket {
                Ok(door) => {
                    let closed = Notify::new();
                    let told = SocketAddr::new(ground.told, port);
                    return Some((Relay { door, closed, port }, told));
                }
                // Somebody else's now, perhaps free later.
                Err(_) => self.free.push_back(port),
            }
        }
        None
    }

    /// Its port is free again.
    pub(super) fn close(&mut self, relay: &Relay) {
        relay.closed.notify_one();
        self.free.push_back(relay.port);
    }
}
