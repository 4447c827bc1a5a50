//! SRTP of a connected peer, between the wire and the forwarding.

use std::time::Instant;

use bytes::BytesMut;

use super::words::PeerStats;
use crate::inbound::Inbound;
use crate::rtcp::{self, Rtcp};
use crate::seam::{Egress, Path, RtpSink, Ssrc, Unsealable};
use crate::srtp::{Keys, Opener, Sealer, SrtpError};

/// Both directions of a connected peer.
pub(super) struct Media {
    opener: Opener,
    sealer: Sealer,
}

impl Media {
    /// We are the DTLS server: its keys are ours.
    pub(super) fn new(keys: &Keys) -> Self {
        Self {
            opener: Opener::new(keys.profile, &keys.client),
            sealer: Sealer::new(keys.profile, &keys.server),
        }
    }

    /// Opens an SRTP packet and hands it on.
    pub(super) fn rtp(
        &mut self,
        mut packet: BytesMut,
        inbound: &mut Inbound,
        stats: &mut PeerStats,
        now: Instant,
    ) {
        match self.opener.open_rtp(&mut packet) {
            Ok(()) => inbound.handle_rtp(packet.freeze(), now),
            Err(error) => count(stats, error),
        }
    }

    /// Opens an SRTCP packet and reads it.
    pub(super) fn rtcp(
        &mut self,
        mut packet: BytesMut,
        stats: &mut PeerStats,
    ) -> Option<Vec<Rtcp>> {
        match self.opener.open_rtcp(&mut packet) {
            Ok(()) => Some(rtcp::parse(&packet)),
            Err(error) => {
                count(stats, error);
                None
            }
        }
    }

    /// Seals a plain RTCP compound.
    pub(super) fn report(
        &mut self,
        report: &[u8],
        path: Path,
        egress: &mut impl Egress,
        stats: &mut PeerStats,
    ) {
        egress.datagram(path, |out| {
            let start = out.len();
            out.extend_from_slice(report);
            if self.sealer.seal_rtcp(out, start).is_err() {
                out.truncate(start);
            }
            stats.sent += 1;
            stats.sent_bytes += (out.len() - start) as u64;
        });
    }

    /// Something will be opened soon.
    pub(super) fn fetch_opener(&self) {
        self.opener.fetch();
    }

    /// Something will be sealed soon.
    pub(super) fn fetch_sealer(&self) {
        self.sealer.fetch();
    }

    /// Where forwarders put plain packets.
    pub(super) fn sink<'a, E>(
        &'a mut self,
        path: Path,
        egress: &'a mut E,
        stats: &'a mut PeerStats,
    ) -> Sink<'a, E> {
        Sink {
            sealer: &mut self.sealer,
            path,
            egress,
            stats,
        }
    }
}

fn count(stats: &mut PeerStats, error: SrtpError) {
    match error {
        SrtpError::Replayed => stats.replayed += 1,
        _ => stats.rejected += 1,
    }
}

/// Seals in the buffer that the packet leaves from.
pub(super) struct Sink<'a, E> {
    sealer: &'a mut Sealer,
    path: Path,
    egress: &'a mut E,
    stats: &'a mut PeerStats,
}

impl<E: Egress> RtpSink for Sink<'_, E> {
    fn fetch(&self, ssrc: Ssrc) {
        self.sealer.fetch_behind(ssrc.0);
    }

    fn rtp(
        &mut self,
        ssrc: Ssrc,
        index: u64,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), Unsealable> {
        if self.sealer.reserve(ssrc.0, index).is_err() {
            self.stats.unsealed += 1;
            return Err(Unsealable);
        }
        self.egress.datagram(self.path, |out| {
            let start = out.len();
            write(out);
            if self.sealer.seal_rtp(out, start, ssrc.0, index).is_err() {
                out.truncate(start);
                self.stats.unsealed += 1;
            }
            self.stats.sent += 1;
            self.stats.sent_bytes += (out.len() - start) as u64;
        });
        Ok(())
    }
}
