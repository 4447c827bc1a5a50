//! The server: who asks, what they have, and what is relayed for them.

mod requests;
mod verbs;

use std::net::SocketAddr;

use rtc_stun::crypto::RTCCrypto;
use rtc_stun::crypto::RTCCryptoProvider;
use rtc_stun::crypto::providers::AwsLcRsProvider;

use crate::allocations::Allocations;
use crate::budget::Budget;
use crate::nonce::Nonces;
use crate::outside::{Client, Now, Outside, RelayId};
use crate::peers::Peers;
use crate::wire::indication::{self, Send};
use crate::wire::{LONGEST_PAYLOAD, TransactionId, channel};
use crate::{Quotas, Secret, Stats};

/// A TURN server. It keeps nothing of those who have not shown a password.
pub struct Server {
    secret: Secret,
    peers: Peers,
    quotas: Quotas,
    nonces: Nonces,
    budget: Budget,
    allocations: Allocations,
    stats: Stats,
    crypto: AwsLcRsProvider,
    /// The relay that is opened next.
    next_relay: u64,
    /// Counts indications to clients. Nobody answers those, so they only have to differ.
    next_indication: u64,
}

impl Server {
    /// Nobody is here yet. `key` is what nonces are sealed with; nobody else has it.
    pub fn new(secret: Secret, peers: Peers, quotas: Quotas, key: &[u8; 32], now: Now) -> Self {
        Self {
            secret,
            peers,
            quotas,
            nonces: Nonces::new(key, now.at),
            budget: Budget::new(now.at),
            allocations: Allocations::default(),
            stats: Stats::default(),
            crypto: AwsLcRsProvider::new(),
            next_relay: 0,
            next_indication: 0,
        }
    }

    /// What it counted.
    pub fn stats(&self) -> Stats {
        Stats {
            allocations: self.allocations.len() as u64,
            ..self.stats
        }
    }

    /// The client has an allocation.
    pub fn serves(&self, client: Client, now: Now) -> bool {
        self.allocations.of_client(client, now.at).is_some()
    }

    /// A client's connection ended, and so does its allocation.
    pub fn gone(&mut self, client: Client, outside: &mut impl Outside) {
        if let Some(allocation) = self.allocations.remove(client) {
            outside.close(allocation.relay);
        }
    }

    /// Ends what nobody refreshed. To be called every second or so.
    pub fn tick(&mut self, now: Now, outside: &mut impl Outside) {
        while let Some(allocation) = self.allocations.next_expired(now.at) {
            outside.close(allocation.relay);
        }
    }

    fn crypto(&self) -> &dyn RTCCrypto {
        self.crypto.crypto()
    }

    // ── hot path ────────────────────────────────────────────────────────────

    /// Takes one datagram, or one message of a stream, from a client. Any bytes may come.
    pub fn from_client(
        &mut self,
        client: Client,
        bytes: &[u8],
        now: Now,
        outside: &mut impl Outside,
    ) {
        let known = match bytes.first() {
            Some(&first) if channel::is_channel(first) => {
                self.channel_data(client, bytes, now, outside)
            }
            Some(_) if Send::is_it(bytes) => self.send(client, bytes, now, outside),
            _ => self.request(client, bytes, now, outside),
        };
        if known.is_none() {
            self.stats.ignored += 1;
        }
    }

    fn channel_data(
        &mut self,
        client: Client,
        bytes: &[u8],
        now: Now,
        outside: &mut impl Outside,
    ) -> Option<()> {
        let (number, payload) = channel::read(bytes)?;
        let allocation = self.allocations.of_client_mut(client, now.at)?;
        let peer = allocation.reach.peer_of(number, now.at)?;
        allocation.last = Some(peer);
        self.stats.to_peers.add(payload);
        outside.to_peer(allocation.relay, self.peers.get(peer).real, payload);
        Some(())
    }

    fn send(
        &mut self,
        client: Client,
        bytes: &[u8],
        now: Now,
        outside: &mut impl Outside,
    ) -> Option<()> {
        let Send { peer, payload } = Send::parse(bytes)?;
        let allocation = self.allocations.of_client_mut(client, now.at)?;
        if !allocation.reach.permits(peer.ip(), now.at) {
            return None;
        }
        let peer = self.peers.shown(peer)?;
        allocation.last = Some(peer);
        self.stats.to_peers.add(payload);
        outside.to_peer(allocation.relay, self.peers.get(peer).real, payload);
        Some(())
    }

    /// Takes one datagram that came to a relay. Anybody may have sent it.
    pub fn from_peer(
        &mut self,
        relay: RelayId,
        from: SocketAddr,
        payload: &[u8],
        now: Now,
        outside: &mut impl Outside,
    ) {
        if self
            .relay_back(relay, from, payload, now, outside)
            .is_none()
        {
            self.stats.uninvited += 1;
        }
    }

    fn relay_back(
        &mut self,
        relay: RelayId,
        from: SocketAddr,
        payload: &[u8],
        now: Now,
        outside: &mut impl Outside,
    ) -> Option<()> {
        let allocation = self.allocations.of_relay(relay, now.at)?;
        let peer = self.peers.real(from, allocation.last)?;
        let shown = self.peers.get(peer).shown;
        if payload.len() > LONGEST_PAYLOAD || !allocation.reach.permits(shown.ip(), now.at) {
            return None;
        }
        let client = allocation.client;
        if let Some(number) = allocation.reach.channel_to(peer, now.at) {
            let padded = client.is_stream();
            outside.to_client(client, |out| channel::write(out, number, payload, padded));
        } else {
            self.next_indication += 1;
            let mut transaction = TransactionId::default();
            transaction[4..].copy_from_slice(&self.next_indication.to_be_bytes());
            outside.to_client(client, |out| {
                indication::write_data(out, &transaction, shown, payload);
            });
        }
        self.stats.to_clients.add(payload);
        Some(())
    }
}

#[cfg(test)]
mod tests;
