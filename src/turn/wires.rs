//! What the TURN server acts on: sockets, and what waits to leave by them.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use calls_actors::port::udp::{Transmit, UdpDoor};
use calls_turn::{Client, Outside, RelayId, Wanted};

use super::batch::{Batch, Run};
use super::open::Sockets;
use super::pool::{Pool, Relay};
use super::streams::Connections;

/// A client without connection, and the address of ours that it knows.
type Remote = (SocketAddr, Option<IpAddr>);

/// All sockets of TURN.
pub(super) struct Wires {
    sockets: Rc<Sockets>,
    relays: HashMap<RelayId, Rc<Relay>>,
    pool: Pool,
    /// Relays that nobody listens to yet.
    opened: Vec<(RelayId, Rc<Relay>)>,
    connections: Rc<Connections>,
    to_clients: Batch<Remote>,
    to_peers: Batch<(RelayId, SocketAddr)>,
    /// Datagrams that a socket or a connection did not take.
    dropped: u64,
}

impl Wires {
    pub(super) fn new(sockets: Rc<Sockets>, connections: Rc<Connections>) -> Self {
        let settings = &sockets.settings;
        let pool = Pool::new(
            settings.reach.clone(),
            settings.relay_ports,
            settings.offload,
        );
        let most = sockets.door.segments();
        Self {
            sockets,
            relays: HashMap::new(),
            pool,
            opened: Vec::new(),
            connections,
            to_clients: Batch::new(most),
            to_peers: Batch::new(most),
            dropped: 0,
        }
    }

    /// Relays that were opened since this was asked last.
    pub(super) fn opened(&mut self) -> impl Iterator<Item = (RelayId, Rc<Relay>)> + '_ {
        self.opened.drain(..)
    }

    /// Datagrams that did not leave.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    // ── hot path ────────────────────────────────────────────────────────────

    /// Sends what waits.
    pub(super) fn flush(&mut self) {
        let Self {
            sockets,
            relays,
            to_clients,
            to_peers,
            dropped,
            ..
        } = self;
        to_clients.flush(|run| *dropped += send_to_client(&sockets.door, run));
        to_peers.flush(|run| *dropped += send_to_peer(relays, run));
        self.connections.wake_writers();
    }
}

impl Outside for Wires {
    fn open(&mut self, id: RelayId, wanted: Wanted) -> Option<SocketAddr> {
        let (relay, told) = self.pool.open(wanted)?;
        let relay = Rc::new(relay);
        self.relays.insert(id, Rc::clone(&relay));
        self.opened.push((id, relay));
        Some(told)
    }

    fn close(&mut self, relay: RelayId) {
        if let Some(relay) = self.relays.remove(&relay) {
            self.pool.close(&relay);
        }
    }

    fn to_client(&mut self, client: Client, write: impl FnOnce(&mut Vec<u8>)) {
        match client {
            Client::Udp { remote, local } => {
                let (door, dropped) = (&self.sockets.door, &mut self.dropped);
                self.to_clients.push((remote, local), write, |run| {
                    *dropped += send_to_client(door, run);
                });
            }
            Client::Stream { connection, .. } => {
                if !self.connections.queue(connection, write) {
                    self.dropped += 1;
                }
            }
        }
    }

    fn to_peer(&mut self, relay: RelayId, peer: SocketAddr, payload: &[u8]) {
        let (relays, dropped) = (&self.relays, &mut self.dropped);
        self.to_peers.push(
            (relay, peer),
            |out| out.extend_from_slice(payload),
            |run| *dropped += send_to_peer(relays, run),
        );
    }
}

fn send_to_client(door: &UdpDoor, run: Run<'_, Remote>) -> u64 {
    let (remote, local) = run.to;
    send(door, remote, local, run.bytes, run.segment)
}

fn send_to_peer(relays: &HashMap<RelayId, Rc<Relay>>, run: Run<'_, (RelayId, SocketAddr)>) -> u64 {
    let (relay, peer) = run.to;
    relays.get(&relay).map_or(0, |relay| {
        send(&relay.door, peer, None, run.bytes, run.segment)
    })
}

/// Sends a run; tells how many datagrams did not leave. Those would be late if they waited, so they do not.
fn send(
    door: &UdpDoor,
    destination: SocketAddr,
    source: Option<IpAddr>,
    bytes: &[u8],
    segment: usize,
) -> u64 {
    let mut transmit = Transmit {
        destination,
        ecn: None,
        contents: bytes,
        segment_size: (bytes.len() > segment).then_some(segment),
        src_ip: source,
    };
    if door.send(&transmit).is_ok() {
        return 0;
    }
    if transmit.segment_size.take().is_none() {
        return 1;
    }
    // Not every driver can cut a run apart, and not every queue has room for all of it.
    let lost = bytes.chunks(segment).filter(|&datagram| {
        transmit.contents = datagram;
        door.send(&transmit).is_err()
    });
    lost.count() as u64
}
