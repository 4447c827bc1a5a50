//! A subscriber: the slot that the forwarder fills for it, the network between, and what it shows.

use std::fmt;
use std::ops::Range;
use std::time::{Duration, Instant};

use bytes::Bytes;
use calls_media::inbound::Inbound;
use calls_media::outbound::{Outbound, SlotStats};
use calls_media::seam::{
    ExtensionIds, Kind, Layer, Mid, PeerId, Priority, RtpSink, Shown, SlotSpec, Ssrc, TrackId,
    TrackSpec, Unsealable,
};
use calls_model::Source;

use super::decoder::Decoder;
use super::link::{Conditions, Link};
use super::publisher::{EXTENSIONS, TRACK, VP8};

const SLOT: Ssrc = Ssrc(0x1000);
const RTX: Ssrc = Ssrc(0x2000);
/// The slot as the viewer's own end calls it.
const SCREEN: TrackId = TrackId {
    peer: PeerId(9),
    index: 0,
};
const PLAIN: ExtensionIds = ExtensionIds {
    rid: None,
    repaired_rid: None,
    ..EXTENSIONS
};

/// One subscriber, both ends of its connection.
pub(crate) struct Viewer {
    /// The forwarder's end.
    pub(crate) outbound: Outbound,
    /// The viewer's own end.
    pub(crate) inbound: Inbound,
    pub(crate) down: Link,
    pub(crate) up: Link,
    decoder: Decoder,
    pub(crate) withheld: bool,
}

/// Keeps what leaves.
#[derive(Default)]
pub(crate) struct Leaving(pub(crate) Vec<Bytes>);

impl RtpSink for Leaving {
    fn rtp(&mut self, _: Ssrc, _: u64, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), Unsealable> {
        let mut packet = Vec::new();
        write(&mut packet);
        self.0.push(packet.into());
        Ok(())
    }
}

impl fmt::Debug for Viewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stats = self.outbound.stats();
        write!(
            f,
            "{} lines, plays {:?}, estimate {:?}, loss {:.2}, rtt {:?}, withheld {}, pacing {}; {:?}",
            self.height(),
            stats.slots.first().and_then(|slot| Some(slot.playing?.1.0)),
            stats.estimate.map(|rate| rate.0 / 1000),
            stats.loss,
            stats.rtt.map(|rtt| rtt.as_millis()),
            self.withheld,
            self.outbound.is_pacing(),
            self.down.conditions,
        )
    }
}

impl Viewer {
    pub(crate) fn new(conditions: Conditions, seed: u64, now: Instant) -> Self {
        let mut outbound = Outbound::new(Ssrc(1), "forwarder", now);
        outbound.set_slots(vec![SlotSpec {
            mid: Mid("s".into()),
            kind: Kind::Video,
            ssrc: SLOT,
            rtx_ssrc: Some(RTX),
            codecs: vec![VP8],
            extensions: PLAIN,
        }]);
        let shown = Shown {
            track: TRACK,
            layers: 3,
            size: Some((1280, 720)),
            priority: Priority::Usual,
        };
        outbound
            .show("s", Some(shown), now)
            .expect("there is a slot");
        let mut inbound = Inbound::new(Ssrc(2), "viewer", now);
        inbound.set_tracks(vec![TrackSpec {
            id: SCREEN,
            mid: Mid("s".into()),
            source: Source::Camera,
            kind: Kind::Video,
            codecs: vec![VP8],
            rids: Vec::new(),
            ssrcs: vec![(SLOT, Some(RTX))],
            extensions: PLAIN,
        }]);
        Self {
            outbound,
            inbound,
            down: Link::new(conditions, seed),
            up: Link::new(Conditions::good(), seed + 1),
            decoder: Decoder::default(),
            withheld: false,
        }
    }

    /// A packet came through the network.
    pub(crate) fn receive(&mut self, packet: Bytes, zero: Instant, now: Duration) {
        self.inbound.handle_rtp(packet, zero + now);
        while let Some(burst) = self.inbound.poll_burst() {
            for packet in burst.iter() {
                self.decoder.take(packet, now);
            }
        }
        if self.decoder.needs_key_frame(now) {
            self.inbound.request_keyframe(SCREEN, Layer(0), zero + now);
        }
    }

    /// Lines of the picture that was shown last.
    pub(crate) fn height(&self) -> u16 {
        self.decoder.shown().last().map_or(0, |shown| shown.height)
    }

    /// The forwarder says that nothing fits.
    pub(crate) fn is_withheld(&self) -> bool {
        self.withheld
    }

    /// The forwarder says that a ceiling withholds something, not the path.
    pub(crate) fn is_capped(&self) -> bool {
        self.outbound.is_capped()
    }

    /// Payload bytes that it was sent so far, and packets that were sent again.
    pub(crate) fn sent(&self) -> (u64, u64) {
        let slots = self.outbound.stats().slots;
        let sum = |(bytes, resent), slot: &SlotStats| (bytes + slot.bytes, resent + slot.resent);
        slots.iter().fold((0, 0), sum)
    }

    /// The longest time without a new frame.
    pub(crate) fn longest_freeze(&self, within: Range<Duration>) -> Duration {
        let frames = self.decoder.shown().iter().map(|shown| shown.at);
        let inside = frames.filter(|at| within.contains(at));
        let ends = std::iter::once(within.start)
            .chain(inside)
            .chain([within.end]);
        let ends: Vec<_> = ends.collect();
        ends.windows(2)
            .map(|pair| pair[1].saturating_sub(pair[0]))
            .max()
            .unwrap_or_default()
    }
}
