//! What leaves through all slots of a peer together: one clock, one transport-wide count, one path.

use std::time::Instant;

use crate::cache;
use crate::congestion::{Congestion, ProbeId};
use crate::pacer::Pacer;
use crate::reports::WallClock;
use crate::seam::{Kind, RtpSink, SlotSpec, Ssrc};
use crate::slot::Departure;

/// Bytes that SRTP adds: the tag of AES-GCM.
const SEAL: usize = 16;

/// The way out of one peer's slots.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) wall: WallClock,
    pub(crate) congestion: Congestion,
    pub(crate) pacer: Pacer,
    /// The next transport-wide sequence number.
    transport_cc: u16,
    /// When the latest packet left.
    latest: Instant,
}

impl Gate {
    /// Nothing has left yet.
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            wall: WallClock::new(now),
            congestion: Congestion::new(now),
            pacer: Pacer::new(now),
            transport_cc: 0,
            latest: now,
        }
    }

    // ── hot path ──

    /// Packets will leave soon.
    pub(crate) fn fetch(&self) {
        cache::fetch(&self.wall);
        cache::fetch(&self.pacer);
        cache::fetch(&self.latest);
        self.congestion.fetch();
    }

    /// When the latest packet left. Messages bring the time at which they were read, which may be before that; what follows
    /// counts as sent at the same time then.
    pub(crate) fn latest(&self) -> Instant {
        self.latest
    }

    /// Lets one packet out, and gives back its size; `None` if it cannot be sealed, which the path never learns of. 0 if it was
    /// not even written for want of room: noted as sent, and lost. `write` appends it as it leaves.
    pub(crate) fn send(
        &mut self,
        slot: &SlotSpec,
        (ssrc, index): (Ssrc, u64),
        probe: ProbeId,
        now: Instant,
        sink: &mut impl RtpSink,
        write: impl FnOnce(&mut Vec<u8>, Departure),
    ) -> Option<usize> {
        self.latest = self.latest.max(now);
        let now = self.latest;
        let departure = Departure {
            abs_send_time: self.wall.abs_send_time(now),
            transport_cc: self.transport_cc,
        };
        let mut bytes = 0;
        let admitted = sink.rtp(ssrc, index, |out| {
            let start = out.len();
            write(out, departure);
            bytes = out.len() - start + SEAL;
        });
        admitted.ok()?;
        self.pacer.left(bytes);
        if slot.kind == Kind::Video {
            self.congestion.left(bytes);
        }
        if slot.extensions.transport_cc.is_some() {
            self.congestion.sent(self.transport_cc, bytes, probe, now);
            self.transport_cc = self.transport_cc.wrapping_add(1);
        }
        Some(bytes)
    }
}
