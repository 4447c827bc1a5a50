//! The words that transport and forwarding share.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use calls_model::Source;

/// A network path that datagrams take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Path {
    /// UDP to and from this address.
    Udp(SocketAddr),
    /// One ICE-TCP connection (RFC 6544), framed as in RFC 4571.
    Tcp {
        /// The port's own number of the connection, never used twice.
        connection: u64,
        /// The address at its other end.
        remote: SocketAddr,
    },
}

impl Path {
    /// The address at the other end.
    pub fn remote(self) -> SocketAddr {
        match self {
            Self::Udp(remote) | Self::Tcp { remote, .. } => remote,
        }
    }
}

/// One peer connection, unique in the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(pub u64);

/// One published track, unique in the process. Its layers share it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackId {
    /// Who publishes it.
    pub peer: PeerId,
    /// Which of theirs; never used twice by one peer.
    pub index: u32,
}

/// One encoding of a track. 0 is the smallest; a track without simulcast has only 0. Of a scalable stream, which is one
/// encoding, it is one spatial layer with all that it needs of those below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Layer(pub u8);

/// Most layers of one track.
pub const MAX_LAYERS: usize = 4;

/// A set of layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LayerSet(u8);

impl LayerSet {
    /// None.
    pub const NONE: Self = Self(0);

    /// Just this one.
    pub fn only(layer: Layer) -> Self {
        Self(1 << layer.0)
    }

    /// With this one too.
    #[must_use]
    pub fn with(self, layer: Layer) -> Self {
        Self(self.0 | 1 << layer.0)
    }

    /// Every layer there can be.
    pub const ALL: Self = Self(u8::MAX);

    /// Without those of the other.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Both sets together.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Holds this one.
    pub fn has(self, layer: Layer) -> bool {
        self.0 & (1 << layer.0) != 0
    }

    /// Shares one with the other.
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Holds none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// A media kind, as an m-line says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `m=audio`
    Audio,
    /// `m=video`
    Video,
}

/// What a payload is coded in, as far as two ends must agree on it to understand each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Codec {
    /// RFC 7587.
    Opus,
    /// RFC 2198, around Opus.
    Red,
    /// RFC 7741.
    Vp8,
    /// RFC 9628; profile 0 or 2 matters.
    Vp9 {
        /// `profile-id`
        profile: u8,
    },
    /// RFC 6184, packetization-mode 1 or 0.
    H264 {
        /// `profile_idc`, first byte of `profile-level-id` (0x42 baseline, 0x4d main, 0x64 high).
        profile: u8,
        /// `packetization-mode`
        mode: u8,
    },
    /// AV1 RTP specification 1.0.
    Av1,
}

/// RTP payload type, 0 to 127.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PayloadType(pub u8);

/// Synchronization source (RFC 3550 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ssrc(pub u32);

impl fmt::Display for Ssrc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// Bits per second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bitrate(pub u64);

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bit rates are far below 2^52, and a float that is none becomes a bound"
)]
impl Bitrate {
    /// So many bytes in that time.
    pub fn of(bytes: u64, span: Duration) -> Self {
        Self::from_f64(bytes as f64 * 8.0 / span.as_secs_f64())
    }

    /// As a float, for estimates.
    pub fn as_f64(self) -> f64 {
        self.0 as f64
    }

    /// From an estimate.
    pub fn from_f64(bits_per_second: f64) -> Self {
        Self(bits_per_second as u64)
    }

    /// So many times as much.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self::from_f64(self.as_f64() * factor)
    }

    /// What passes in that time, in bytes.
    pub fn bytes_in(self, span: Duration) -> u64 {
        (self.as_f64() * span.as_secs_f64() / 8.0) as u64
    }

    /// What is left of it.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl std::ops::Add for Bitrate {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl std::iter::Sum for Bitrate {
    fn sum<I: Iterator<Item = Self>>(rates: I) -> Self {
        rates.fold(Self(0), std::ops::Add::add)
    }
}

/// Media identification of an m-line (RFC 8843 §15); at most 16 ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mid(pub Arc<str>);

/// Name of one encoding of an m-line (RFC 8852); at most 16 ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Rid(pub Arc<str>);

/// One codec of an m-line, with this peer's numbers for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodecSpec {
    /// What it is.
    pub codec: Codec,
    /// Its payload type here.
    pub pt: PayloadType,
    /// The payload type of its retransmissions (RFC 4588), where agreed.
    pub rtx: Option<PayloadType>,
    /// The feedback that was agreed on for it (`a=rtcp-fb`).
    pub feedback: Feedback,
}

/// RTCP feedback that both ends understand (RFC 4585, RFC 5104).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Feedback {
    /// `nack`: single packets may be asked for again.
    pub nack: bool,
    /// `nack pli`: a key frame may be asked for.
    pub pli: bool,
    /// `ccm fir`: the older way to ask for a key frame.
    pub fir: bool,
}

/// This peer's numbers of the header extensions that were agreed on (RFC 8285); 1 to 14.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExtensionIds {
    /// `urn:ietf:params:rtp-hdrext:sdes:mid`
    pub mid: Option<u8>,
    /// `urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id`
    pub rid: Option<u8>,
    /// `urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id`
    pub repaired_rid: Option<u8>,
    /// `http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01`
    pub transport_cc: Option<u8>,
    /// `http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time`
    pub abs_send_time: Option<u8>,
    /// `urn:ietf:params:rtp-hdrext:ssrc-audio-level` (RFC 6464)
    pub audio_level: Option<u8>,
    /// `urn:3gpp:video-orientation`
    pub orientation: Option<u8>,
    /// AV1 dependency descriptor.
    pub dependency_descriptor: Option<u8>,
}

/// An m-line on which this peer sends to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackSpec {
    /// The same for the same m-line over every re-offer.
    pub id: TrackId,
    /// The m-line.
    pub mid: Mid,
    /// What `publish` named it.
    pub source: Source,
    /// Audio or video.
    pub kind: Kind,
    /// What may arrive, in the order of the answer.
    pub codecs: Vec<CodecSpec>,
    /// Encodings in the order of `a=simulcast`, smallest first; empty without simulcast.
    pub rids: Vec<Rid>,
    /// Declared `a=ssrc` with the SSRC of its retransmissions (`a=ssrc-group:FID`); may be empty.
    pub ssrcs: Vec<(Ssrc, Option<Ssrc>)>,
    /// Numbers of the header extensions.
    pub extensions: ExtensionIds,
}

/// An m-line on which we send to this peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotSpec {
    /// The m-line.
    pub mid: Mid,
    /// Audio or video.
    pub kind: Kind,
    /// The one SSRC that it has for good.
    pub ssrc: Ssrc,
    /// The SSRC of its retransmissions.
    pub rtx_ssrc: Option<Ssrc>,
    /// What this peer can decode.
    pub codecs: Vec<CodecSpec>,
    /// Numbers of the header extensions.
    pub extensions: ExtensionIds,
}

/// What matters more on a subscriber's screen, where not everything fits through the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Priority {
    /// Whoever else is there.
    #[default]
    Usual,
    /// Who speaks, or was pinned.
    Speaker,
    /// A shared screen.
    Screen,
}

/// What a slot is to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shown {
    /// Whose picture or voice.
    pub track: TrackId,
    /// How many layers the track has.
    pub layers: u8,
    /// Its size on screen in pixels; `None` is as good as can be, a zero hides it.
    pub size: Option<(u32, u32)>,
    /// How much it matters where not everything fits through the path.
    pub priority: Priority,
}

/// There is no such slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("there is no slot with this mid")]
pub struct NoSuchSlot;

/// What a forwarder knows of a payload without decoding it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PayloadInfo {
    /// A decoder can start here: the first packet of a key frame.
    pub starts_keyframe: bool,
    /// Width and height of the picture in pixels, where the start of a key frame tells them cheaply.
    pub size: Option<(u16, u16)>,
    /// The running numbers of its picture, where the codec has any.
    pub picture: PictureInfo,
    /// Where its frame stands in a scalable stream (SVC); `None` in every other stream.
    pub svc: Option<SvcFrame>,
}

/// A frame among the spatial layers of one scalable stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SvcFrame {
    /// How many layers the stream has now, [`MAX_LAYERS`] at most.
    pub layers: u8,
    /// Which of them this is; 0 is the smallest.
    pub spatial: u8,
    /// The layers that cannot be shown without it. Layers above the highest count as the highest.
    pub needed: LayerSet,
    /// The packet is the first of its frame.
    pub begins: bool,
    /// The packet is the last of its frame.
    pub ends: bool,
    /// Width and height of the layer in pixels, where known.
    pub size: Option<(u16, u16)>,
}

/// The running numbers of a payload descriptor of VP8 (RFC 7741 §4.2) or VP9 (RFC 9628 §4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PictureInfo {
    /// Picture id.
    pub picture_id: Option<PictureId>,
    /// TL0PICIDX and its offset in the payload. It stands behind the picture id.
    pub tl0_pic_idx: Option<(u8, u8)>,
    /// Temporal layer id, 0 where there is none.
    pub tid: u8,
}

/// A picture id and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PictureId {
    /// 15 bits, or 7 if it is short.
    pub number: u16,
    /// Its offset in the payload.
    pub at: u8,
    /// It has one byte instead of two.
    pub short: bool,
}

/// One media packet inside the server: decrypted and parsed once, shared by every listener.
#[derive(Debug, Clone)]
pub struct Packet {
    /// Of which track.
    pub track: TrackId,
    /// Of which of its encodings.
    pub layer: Layer,
    /// How the payload is coded.
    pub codec: Codec,
    /// Sequence number, extended by its wrap-arounds; per track and layer.
    pub seq: u64,
    /// RTP timestamp, in the codec's clock (Opus 48 kHz, video 90 kHz).
    pub timestamp: u32,
    /// Last packet of a frame, or first of a talk spurt.
    pub marker: bool,
    /// When it came off the wire.
    pub arrival: Instant,
    /// Loudness in -dBov, 0 loudest, 127 silence (RFC 6464).
    pub audio_level: Option<u8>,
    /// Rotation of the picture, as its extension byte says it.
    pub orientation: Option<u8>,
    /// Dependency descriptor of AV1 (VP9 may have one too), as it came.
    pub dependency_descriptor: Option<Bytes>,
    /// What its payload tells without decoding.
    pub info: PayloadInfo,
    /// The payload, padding removed.
    pub payload: Bytes,
}

/// What each layer of a track takes, in kbit/s, a spatial layer with all that it needs; 0 where nothing was measured yet. A layer that pauses keeps its figure.
pub type Rates = [u16; MAX_LAYERS];

/// Packets of ONE track that came off the wire together, in order of arrival; shared by pointer.
#[derive(Debug, Clone)]
pub struct Burst {
    packets: Arc<[Packet]>,
    /// What the layers of the track take.
    pub rates: Rates,
}

impl Burst {
    /// Packets of a track whose layers take so much.
    pub fn new(packets: Arc<[Packet]>, rates: Rates) -> Self {
        Self { packets, rates }
    }

    /// The same packets in memory of their own, for another thread: listeners count who holds a payload, and two threads that count
    /// in one place wait for each other.
    #[must_use]
    pub fn copied(&self) -> Self {
        let size = |packet: &Packet| packet.payload.len();
        let mut payloads = BytesMut::with_capacity(self.iter().map(size).sum());
        let copy = |packet: &Packet| {
            payloads.extend_from_slice(&packet.payload);
            // Field by field: a clone would count, too.
            Packet {
                track: packet.track,
                layer: packet.layer,
                codec: packet.codec,
                seq: packet.seq,
                timestamp: packet.timestamp,
                marker: packet.marker,
                arrival: packet.arrival,
                audio_level: packet.audio_level,
                orientation: packet.orientation,
                dependency_descriptor: (packet.dependency_descriptor.as_deref())
                    .map(Bytes::copy_from_slice),
                info: packet.info,
                payload: payloads.split().freeze(),
            }
        };
        Self::new(self.iter().map(copy).collect(), self.rates)
    }

    /// Both are the very same packets.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.packets, &other.packets)
    }
}

impl std::ops::Deref for Burst {
    type Target = [Packet];

    fn deref(&self) -> &[Packet] {
        &self.packets
    }
}

impl<P: Into<Arc<[Packet]>>> From<P> for Burst {
    fn from(packets: P) -> Self {
        Self::new(packets.into(), Rates::default())
    }
}

impl FromIterator<Packet> for Burst {
    fn from_iter<I: IntoIterator<Item = Packet>>(packets: I) -> Self {
        Self::new(packets.into_iter().collect(), Rates::default())
    }
}

/// A publisher's clock: the pair of its latest sender report (RFC 3550 §6.4.1), and when it reached us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceClock {
    /// Of which track.
    pub track: TrackId,
    /// Of which of its encodings.
    pub layer: Layer,
    /// NTP timestamp, 32.32 fixed point.
    pub ntp: u64,
    /// RTP timestamp of the same moment.
    pub rtp: u32,
    /// When the report came off the wire.
    pub arrival: Instant,
}

/// Where sealed or to-be-sealed datagrams go. `write` appends exactly one datagram to the buffer it is given,
/// which may hold earlier ones; so sealing happens in place and nothing is copied twice.
pub trait Egress {
    /// Queues one datagram for `path`; it leaves with the next flush.
    fn datagram(&mut self, path: Path, write: impl FnOnce(&mut Vec<u8>));
}

/// A packet that was not taken: a nonce would be made of its index, which was used before, lies too far back to tell, or is beyond
/// what a key may seal (RFC 3711 §3.3.1, RFC 7714 §8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a packet of this index cannot be sealed")]
pub struct Unsealable;

/// Where a forwarder puts plain RTP; the transport behind it seals in place and passes on to [`Egress`].
pub trait RtpSink {
    /// Queues one packet. `index` is the 48-bit SRTP packet index (roll-over counter and sequence number,
    /// RFC 3711 §3.3.1) of `ssrc`; `write` appends the plain RTP packet. Where there is no room for it, it is not
    /// called, or what it wrote is thrown away: the packet is lost on its way, as it may be later.
    ///
    /// # Errors
    ///
    /// No packet of this index can be sealed.
    fn rtp(
        &mut self,
        ssrc: Ssrc,
        index: u64,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), Unsealable>;

    /// Packets of this source will follow soon: what is known of it is fetched.
    fn fetch(&self, _: Ssrc) {}
}
