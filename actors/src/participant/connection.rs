//! A peer connection and the port on which it lives.

use std::time::Instant;

use actix::prelude::*;
use calls_media::cache;
use calls_media::seam::{Burst, PeerId};
use calls_media::{Negotiated, Peer, SdpRefused};
use calls_model::signal::PublishedMid;

use super::Bounds;
use super::quality::Figures;
use crate::port::{Datagrams, PortHandle};

/// A connection; the port forgets it when it is dropped.
pub(super) struct Connection {
    /// The connection itself.
    pub(super) peer: Peer,
    id: PeerId,
    port: PortHandle,
}

impl Connection {
    /// One that waits for its first offer.
    pub(super) fn new(id: PeerId, port: PortHandle, bounds: Bounds, now: Instant) -> Self {
        let (identity, candidates) = (port.identity(), port.candidates());
        let mut peer = Peer::new(id, identity, candidates, bounds.peer, now);
        if let Some(ceiling) = bounds.bitrate {
            peer.limit(ceiling);
        }
        Self { peer, id, port }
    }

    /// Answers an offer, and takes in what comes to the addresses that the answer names.
    pub(super) fn offer(
        &mut self,
        sdp: &str,
        publish: &[PublishedMid],
        door: Recipient<Datagrams>,
        now: Instant,
    ) -> Result<Negotiated, SdpRefused> {
        let negotiated = self.peer.offer(sdp, publish, now)?;
        self.port.register(self.id, self.peer.ufrags(), door);
        Ok(negotiated)
    }

    /// A path proved itself.
    pub(super) fn bind(&self, path: calls_media::seam::Path) {
        self.port.bind(path, self.id);
    }

    /// What it counted.
    pub(super) fn figures(&self, now: Instant) -> Figures {
        let stats = self.peer.stats();
        let inbound = self.peer.inbound_stats(now);
        let outbound = self.peer.outbound_stats();
        Figures {
            received_bytes: stats.received_bytes,
            sent_bytes: stats.sent_bytes,
            packets: inbound.layers.iter().map(|layer| layer.packets).sum(),
            lost: inbound.layers.iter().map(|layer| layer.lost).sum(),
            loss: outbound
                .slots
                .iter()
                .map(|slot| slot.loss)
                .fold(outbound.loss, f32::max),
            rtt: stats.rtt,
            jitter: inbound
                .layers
                .iter()
                .map(|layer| layer.jitter)
                .max()
                .unwrap_or_default(),
            estimate: outbound.estimate.map(|rate| rate.0),
            up_height: (inbound.layers.iter())
                .filter(|layer| layer.bitrate > 0)
                .filter_map(|layer| layer.size.map(|(_, height)| height))
                .max(),
            pictures: outbound
                .slots
                .iter()
                .filter_map(|slot| slot.picture)
                .collect(),
        }
    }

    /// Sends what waits.
    pub(super) fn flush(&mut self, now: Instant) {
        self.port.with_egress(|egress| self.peer.flush(egress, now));
    }

    /// Says goodbye to the other end.
    pub(super) fn close(&mut self, now: Instant) {
        self.peer.close(now);
        self.flush(now);
    }

    // ── hot path ────────────────────────────────────────────────────────────

    /// Datagrams will be handled soon.
    pub(super) fn fetch_for_datagrams(&self) {
        cache::fetch(&self.port);
        self.peer.fetch_for_datagrams();
    }

    /// A burst will be forwarded soon.
    pub(super) fn fetch_for_burst(&self) {
        cache::fetch(&self.port);
        self.peer.fetch_for_burst();
    }

    /// Sends a burst into the slots that show it.
    pub(super) fn forward(&mut self, burst: &Burst, now: Instant) {
        self.port
            .with_egress(|egress| self.peer.forward(burst, egress, now));
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.port.forget(self.id);
    }
}
