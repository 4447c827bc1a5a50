//! The words in which a peer speaks with its owner.

use std::net::SocketAddr;
use std::time::Duration;

use calls_model::Source;

use crate::outbound::OutboundEvent;
use crate::seam::{
    Codec, Kind, Layer, LayerSet, Mid, Path, Rid, SlotSpec, SourceClock, TrackId, TrackSpec,
};
use crate::srtp::Profile;

/// What carries datagrams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// One datagram each.
    Udp,
    /// ICE-TCP passive (RFC 6544).
    Tcp,
}

/// An address on which this server can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HostCandidate {
    /// The address to name in answers.
    pub address: SocketAddr,
    /// What carries datagrams there.
    pub protocol: Protocol,
}

/// How many tracks and slots one peer may have. An offer of more is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerLimits {
    /// M-lines on which it publishes sound.
    pub audio_tracks: usize,
    /// M-lines on which it publishes pictures.
    pub video_tracks: usize,
    /// M-lines on which it hears others.
    pub audio_slots: usize,
    /// M-lines on which it sees others.
    pub video_slots: usize,
}

impl PeerLimits {
    pub(crate) fn tracks(self, kind: Kind) -> usize {
        match kind {
            Kind::Audio => self.audio_tracks,
            Kind::Video => self.video_tracks,
        }
    }

    pub(crate) fn slots(self, kind: Kind) -> usize {
        match kind {
            Kind::Audio => self.audio_slots,
            Kind::Video => self.video_slots,
        }
    }
}

/// What an offer came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Negotiated {
    /// The SDP to send back.
    pub answer: String,
    /// Every track that this peer publishes now.
    pub tracks: Vec<TrackInfo>,
    /// Tracks that it published before this offer and does not publish any more.
    pub ended: Vec<TrackId>,
    /// Every slot that it has now.
    pub slots: Vec<SlotInfo>,
}

/// A track that a peer publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackInfo {
    /// The same over every re-offer.
    pub id: TrackId,
    /// Its m-line.
    pub mid: Mid,
    /// What it carries.
    pub source: Source,
    /// Audio or video.
    pub kind: Kind,
    /// Its encodings, smallest first; empty without simulcast.
    pub rids: Vec<Rid>,
    /// What it may be coded in.
    pub codecs: Vec<Codec>,
}

impl From<&TrackSpec> for TrackInfo {
    fn from(track: &TrackSpec) -> Self {
        Self {
            id: track.id,
            mid: track.mid.clone(),
            source: track.source,
            kind: track.kind,
            rids: track.rids.clone(),
            codecs: track.codecs.iter().map(|codec| codec.codec).collect(),
        }
    }
}

/// An m-line into which the server may put a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotInfo {
    /// Its m-line.
    pub mid: Mid,
    /// Audio or video.
    pub kind: Kind,
    /// What its peer can decode.
    pub codecs: Vec<Codec>,
}

impl From<&SlotSpec> for SlotInfo {
    fn from(slot: &SlotSpec) -> Self {
        Self {
            mid: slot.mid.clone(),
            kind: slot.kind,
            codecs: slot.codecs.iter().map(|codec| codec.codec).collect(),
        }
    }
}

/// What a peer tells its owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PeerEvent {
    /// This path proved itself by a checked STUN request: the port may bind it.
    Path(Path),
    /// DTLS is done; media flows.
    Connected,
    /// It is over.
    Closed(CloseReason),
    /// This subscriber now wants these layers of that track (`NONE`: no more of it).
    Watch {
        /// Of whom.
        track: TrackId,
        /// Which.
        layers: LayerSet,
    },
    /// This subscriber needs a key frame of that publisher.
    Keyframe {
        /// Of whom.
        track: TrackId,
        /// Which.
        layer: Layer,
    },
    /// This subscriber cannot decode what this slot shows, so nothing is sent.
    Unplayable {
        /// Which slot.
        mid: Mid,
    },
    /// What this slot shows can be decoded again, or it shows something else.
    Playable {
        /// Which slot.
        mid: Mid,
    },
    /// Not even the lowest layer of what this slot shows fits through the path, so nothing is sent.
    Withheld {
        /// Which slot.
        mid: Mid,
    },
    /// What this slot shows fits again.
    Granted {
        /// Which slot.
        mid: Mid,
    },
    /// This publisher's sender report, for whoever watches.
    Clock(SourceClock),
}

impl From<OutboundEvent> for PeerEvent {
    fn from(event: OutboundEvent) -> Self {
        match event {
            OutboundEvent::Watch { track, layers } => Self::Watch { track, layers },
            OutboundEvent::Keyframe { track, layer } => Self::Keyframe { track, layer },
            OutboundEvent::Unplayable { mid } => Self::Unplayable { mid },
            OutboundEvent::Playable { mid } => Self::Playable { mid },
            OutboundEvent::Withheld { mid } => Self::Withheld { mid },
            OutboundEvent::Granted { mid } => Self::Granted { mid },
        }
    }
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The peer closed DTLS, or we did.
    DtlsClosed,
    /// The peer stopped checking its path (RFC 7675). An ICE restart can bring it back: then comes
    /// [`PeerEvent::Connected`] again.
    ConsentLost,
    /// The handshake failed, or its certificate was another than the offer said.
    DtlsFailed,
}

/// What a peer counted since it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PeerStats {
    /// Datagrams that came in, of any sort.
    pub received: u64,
    /// Their bytes.
    pub received_bytes: u64,
    /// RTP and RTCP packets that went out.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Datagrams that were garbage, unexpected or not authentic.
    pub rejected: u64,
    /// Authentic packets that came a second time.
    pub replayed: u64,
    /// Packets that were not sent because they could not be sealed: most likely their index had been used or lay too far back.
    pub unsealed: u64,
    /// Round-trip time, from the peer's reception reports.
    pub rtt: Option<Duration>,
    /// How its media is protected, once it is connected.
    pub profile: Option<Profile>,
}
