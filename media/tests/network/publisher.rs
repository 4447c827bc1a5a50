//! A camera with three layers, as a browser sends it.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use calls_media::rtcp::{self, Rtcp};
use calls_media::rtp::seq::low16;
use calls_media::rtp::write::{Elements, Header};
use calls_media::seam::{
    Codec, CodecSpec, ExtensionIds, Feedback, Kind, Layer, LayerSet, Mid, PayloadType, PeerId, Rid,
    Ssrc, TrackId, TrackSpec,
};
use calls_model::Source;

pub(crate) const TRACK: TrackId = TrackId {
    peer: PeerId(1),
    index: 0,
};
pub(crate) const EXTENSIONS: ExtensionIds = ExtensionIds {
    mid: Some(1),
    rid: Some(2),
    repaired_rid: Some(3),
    transport_cc: Some(4),
    abs_send_time: None,
    audio_level: None,
    orientation: None,
    dependency_descriptor: None,
};
pub(crate) const VP8: CodecSpec = CodecSpec {
    codec: Codec::Vp8,
    pt: PayloadType(96),
    rtx: Some(PayloadType(97)),
    feedback: Feedback {
        nack: true,
        pli: true,
        fir: true,
    },
};

/// Width, height and kbit/s of the layers.
const LAYERS: [(u16, u16, usize); 3] = [(320, 180, 150), (640, 360, 500), (1280, 720, 1_500)];
const RIDS: [&str; 3] = ["q", "h", "f"];
const FRAMES_A_SECOND: usize = 30;
pub(crate) const FRAME: Duration = Duration::from_micros(33_333);
const PAYLOAD: usize = 1_100;
/// A key frame takes so many times what another one does.
const KEY_FRAME: usize = 5;
const HISTORY: usize = 600;

struct Encoder {
    number: u8,
    active: bool,
    key_wanted: bool,
    sequence: u64,
    rtx_sequence: u64,
    picture: u16,
    sent: VecDeque<(u64, Bytes)>,
}

/// Three encoders behind one camera.
pub(crate) struct Publisher {
    encoders: Vec<Encoder>,
    transport_cc: u16,
    frame: u32,
}

impl Publisher {
    pub(crate) fn new() -> Self {
        let encoder = |number: u8| Encoder {
            number,
            active: true,
            key_wanted: true,
            sequence: 1_000 * u64::from(number) + 65_000,
            rtx_sequence: 5,
            picture: 77,
            sent: VecDeque::new(),
        };
        Self {
            encoders: (0..3).map(encoder).collect(),
            transport_cc: 65_530,
            frame: 0,
        }
    }

    /// What it has negotiated.
    pub(crate) fn spec() -> TrackSpec {
        TrackSpec {
            id: TRACK,
            mid: Mid("v".into()),
            source: Source::Camera,
            kind: Kind::Video,
            codecs: vec![VP8],
            rids: RIDS.map(|rid| Rid(rid.into())).to_vec(),
            ssrcs: Vec::new(),
            extensions: EXTENSIONS,
        }
    }

    /// Which layers are encoded.
    pub(crate) fn layers(&self) -> [bool; 3] {
        [0, 1, 2].map(|at: usize| self.encoders[at].active)
    }

    /// Somebody watches these layers; the others are not encoded.
    pub(crate) fn encode(&mut self, layers: LayerSet) {
        for encoder in &mut self.encoders {
            let active = layers.has(Layer(encoder.number));
            encoder.key_wanted |= active && !encoder.active;
            encoder.active = active;
        }
    }

    /// The next picture, as packets.
    pub(crate) fn frame(&mut self) -> Vec<Bytes> {
        self.frame += 1;
        let timestamp = self.frame * 3_000;
        let mut packets = Vec::new();
        for encoder in self.encoders.iter_mut().filter(|encoder| encoder.active) {
            encoder.frame(timestamp, &mut self.transport_cc, &mut packets);
        }
        packets
    }

    /// Obeys feedback; the packets that are sent again.
    pub(crate) fn feedback(&mut self, report: &[u8]) -> Vec<Bytes> {
        let mut again = Vec::new();
        for report in rtcp::parse(report) {
            match report {
                Rtcp::KeyframeRequest { media } => {
                    let of = |encoder: &&mut Encoder| encoder.ssrc() == media;
                    if let Some(encoder) = self.encoders.iter_mut().find(of) {
                        encoder.key_wanted = true;
                    }
                }
                Rtcp::Nack { media, lost } => {
                    let of = |encoder: &&mut Encoder| encoder.ssrc() == media;
                    if let Some(encoder) = self.encoders.iter_mut().find(of) {
                        for sequence in lost {
                            again.extend(encoder.again(sequence, &mut self.transport_cc));
                        }
                    }
                }
                _ => {}
            }
        }
        again
    }
}

impl Encoder {
    fn ssrc(&self) -> Ssrc {
        Ssrc(100 + u32::from(self.number))
    }

    fn frame(&mut self, timestamp: u32, transport_cc: &mut u16, packets: &mut Vec<Bytes>) {
        let (width, height, kbps) = LAYERS[usize::from(self.number)];
        let key = std::mem::take(&mut self.key_wanted);
        let size = kbps * 1000 / 8 / FRAMES_A_SECOND * if key { KEY_FRAME } else { 1 };
        let count = size.div_ceil(PAYLOAD);
        self.picture = (self.picture + 1) & 0x7fff;
        for part in 0..count {
            let [p0, p1] = (self.picture | 0x8000).to_be_bytes();
            let first = part == 0;
            let mut payload = vec![0x80 | if first { 0x10 } else { 0 }, 0x80, p0, p1];
            if first {
                payload.extend([u8::from(!key), 0, 0]);
                if key {
                    payload.extend([0x9d, 0x01, 0x2a]);
                    payload.extend(width.to_le_bytes());
                    payload.extend(height.to_le_bytes());
                }
            }
            payload.resize(size / count, 0x55);
            let payload = Bytes::from(payload);
            let header = Header {
                pt: VP8.pt,
                marker: part + 1 == count,
                sequence: low16(self.sequence),
                timestamp,
                ssrc: self.ssrc(),
            };
            packets.push(self.packet(header, EXTENSIONS.rid, &payload, transport_cc));
            self.sent
                .push_back((self.sequence, packets[packets.len() - 1].clone()));
            if self.sent.len() > HISTORY {
                self.sent.pop_front();
            }
            self.sequence += 1;
        }
    }

    fn again(&mut self, sequence: u16, transport_cc: &mut u16) -> Option<Bytes> {
        let find = |(number, _): &&(u64, Bytes)| low16(*number) == sequence;
        let (_, packet) = self.sent.iter().rev().find(find)?;
        let packet = packet.clone();
        let view = calls_media::rtp::RtpView::parse(&packet).ok()?;
        let header = Header {
            pt: VP8.rtx?,
            marker: view.marker,
            sequence: low16(self.rtx_sequence),
            timestamp: view.timestamp,
            ssrc: Ssrc(200 + u32::from(self.number)),
        };
        self.rtx_sequence += 1;
        let mut payload = sequence.to_be_bytes().to_vec();
        payload.extend_from_slice(view.payload);
        Some(self.packet(header, EXTENSIONS.repaired_rid, &payload, transport_cc))
    }

    fn packet(
        &self,
        header: Header,
        rid: Option<u8>,
        payload: &[u8],
        transport_cc: &mut u16,
    ) -> Bytes {
        let mut out = Vec::new();
        header.write(&mut out, 0, |elements: &mut Elements<'_>| {
            elements.put(EXTENSIONS.mid, b"v");
            elements.put(rid, RIDS[usize::from(self.number)].as_bytes());
            elements.put(EXTENSIONS.transport_cc, &transport_cc.to_be_bytes());
        });
        *transport_cc = transport_cc.wrapping_add(1);
        out.extend_from_slice(payload);
        out.into()
    }
}
