//! Two tracks, a slot that plays, and a sink that goes nowhere.

use std::time::Instant;

use bytes::Bytes;
use calls_media::outbound::Outbound;
use calls_media::seam::{
    Burst, Codec, CodecSpec, ExtensionIds, Feedback, Kind, Layer, Mid, Packet, PayloadInfo,
    PayloadType, PeerId, Priority, Rid, RtpSink, Shown, SlotSpec, Ssrc, TrackId, TrackSpec,
    Unsealable,
};
use calls_model::Source;

/// The simulcast camera of [`tracks`].
pub const CAMERA: TrackId = TrackId {
    peer: PeerId(1),
    index: 0,
};

const CODECS: [(Codec, u8); 6] = [
    (Codec::Vp8, 96),
    (Codec::Vp9 { profile: 0 }, 98),
    (
        Codec::H264 {
            profile: 0x42,
            mode: 1,
        },
        100,
    ),
    (Codec::Av1, 102),
    (Codec::Opus, 104),
    (Codec::Red, 106),
];

/// Throws away what it is given, but has it written.
pub struct Nowhere;

impl RtpSink for Nowhere {
    fn rtp(
        &mut self,
        _: Ssrc,
        index: u64,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), Unsealable> {
        let mut packet = Vec::new();
        write(&mut packet);
        assert!(packet.len() >= 12 && index < 1 << 48);
        Ok(())
    }
}

fn codecs() -> Vec<CodecSpec> {
    let feedback = Feedback {
        nack: true,
        pli: true,
        fir: true,
    };
    let spec = |(codec, pt): (Codec, u8)| CodecSpec {
        codec,
        pt: PayloadType(pt),
        rtx: Some(PayloadType(pt + 1)),
        feedback,
    };
    CODECS.into_iter().map(spec).collect()
}

fn extensions() -> ExtensionIds {
    ExtensionIds {
        mid: Some(1),
        rid: Some(2),
        repaired_rid: Some(3),
        transport_cc: Some(4),
        abs_send_time: Some(5),
        audio_level: Some(6),
        orientation: Some(7),
        dependency_descriptor: Some(8),
    }
}

/// A simulcast camera that must be named by mid and rid, and a second one under the SSRC "aaaa".
pub fn tracks() -> Vec<TrackSpec> {
    let spec = |index, mid: &str, rids: &[&str], ssrcs| TrackSpec {
        id: TrackId {
            peer: PeerId(1),
            index,
        },
        mid: Mid(mid.into()),
        source: Source::Camera,
        kind: Kind::Video,
        codecs: codecs(),
        rids: rids.iter().map(|&rid| Rid(rid.into())).collect(),
        ssrcs,
        extensions: extensions(),
    };
    let declared = (Ssrc(0x6161_6161), Some(Ssrc(0x6262_6262)));
    vec![
        spec(0, "0", &["q", "h"], Vec::new()),
        spec(1, "1", &[], vec![declared]),
    ]
}

/// A packet of the camera that begins a key frame.
pub fn packet(seq: u64, arrival: Instant) -> Packet {
    Packet {
        track: CAMERA,
        layer: Layer(0),
        codec: Codec::Vp8,
        seq,
        timestamp: 0,
        marker: false,
        arrival,
        audio_level: Some(1),
        orientation: Some(1),
        dependency_descriptor: None,
        info: PayloadInfo {
            starts_keyframe: true,
            ..PayloadInfo::default()
        },
        payload: Bytes::from_static(b"payload"),
    }
}

/// One slot that knows every codec and plays the camera, a few packets sent. Its SSRC is "aaaa".
pub fn playing(now: Instant) -> Outbound {
    let mut outbound = Outbound::new(Ssrc(1), "calls", now);
    outbound.set_slots(vec![SlotSpec {
        mid: Mid("0".into()),
        kind: Kind::Video,
        ssrc: Ssrc(0x6161_6161),
        rtx_ssrc: Some(Ssrc(0x6262_6262)),
        codecs: codecs(),
        extensions: extensions(),
    }]);
    let shown = Shown {
        track: CAMERA,
        layers: 2,
        size: Some((160, 90)),
        priority: Priority::Usual,
    };
    outbound
        .show("0", Some(shown), now)
        .expect("it was just made");
    let burst: Burst = (100..110).map(|seq| packet(seq, now)).collect();
    outbound.forward(&burst, now, &mut Nowhere);
    outbound
}
