//! What many tests need.

use std::cell::Cell;
use std::time::Instant;

use bytes::Bytes;

use crate::peer::PeerLimits;
use crate::seam::{
    Codec, CodecSpec, ExtensionIds, Feedback, Kind, Layer, Mid, Packet, PayloadInfo, PayloadType,
    PeerId, RtpSink, SlotSpec, Ssrc, TrackId, Unsealable,
};
use crate::slot::Stamp;

thread_local! {
    /// RTCP compounds that were begun, for tests that want none.
    pub(crate) static COMPOUNDS: Cell<usize> = const { Cell::new(0) };
}

/// As many as a server usually lets a client have.
pub(crate) const LIMITS: PeerLimits = PeerLimits {
    audio_tracks: 4,
    video_tracks: 4,
    audio_slots: 5,
    video_slots: 49,
};

/// The track that most tests speak of.
pub(crate) const TRACK: TrackId = TrackId {
    peer: PeerId(1),
    index: 0,
};
/// The payload type that a listener of the tests has for everything, and that of its retransmissions.
pub(crate) const PT: PayloadType = PayloadType(96);
pub(crate) const RTX: PayloadType = PayloadType(97);

/// An inter frame of one packet, in VP8.
pub(crate) fn packet(seq: u64) -> Packet {
    Packet {
        track: TRACK,
        layer: Layer(0),
        codec: Codec::Vp8,
        seq,
        timestamp: 3000,
        marker: false,
        arrival: Instant::now(),
        audio_level: None,
        orientation: None,
        dependency_descriptor: None,
        info: PayloadInfo::default(),
        payload: Bytes::copy_from_slice(&seq.to_be_bytes()),
    }
}

/// The beginning of a key frame.
pub(crate) fn keyframe(seq: u64) -> Packet {
    let info = PayloadInfo {
        starts_keyframe: true,
        ..PayloadInfo::default()
    };
    Packet {
        info,
        ..packet(seq)
    }
}

/// What a slot writes over a packet.
pub(crate) fn stamp(index: u64) -> Stamp {
    Stamp {
        index,
        timestamp: 90,
        marker: true,
        pt: PT,
        rtx: Some(RTX),
        picture_id: None,
        tl0_pic_idx: None,
        frame_number: None,
        skip: 0,
    }
}

/// A slot for what is coded so, with every extension.
pub(crate) fn slot(codec: Codec) -> SlotSpec {
    let sound = matches!(codec, Codec::Opus | Codec::Red);
    SlotSpec {
        mid: Mid(if sound { "a0" } else { "v0" }.into()),
        kind: if sound { Kind::Audio } else { Kind::Video },
        ssrc: Ssrc(if sound { 0x1_0000 } else { 0x2_0000 }),
        rtx_ssrc: Some(Ssrc(0x3_0000)),
        codecs: vec![CodecSpec {
            codec,
            pt: PT,
            rtx: Some(RTX),
            feedback: Feedback::default(),
        }],
        extensions: ExtensionIds {
            mid: Some(1),
            rid: None,
            repaired_rid: None,
            transport_cc: Some(2),
            abs_send_time: Some(3),
            audio_level: Some(4),
            orientation: Some(5),
            dependency_descriptor: Some(6),
        },
    }
}

/// Keeps what was sent.
#[derive(Default)]
pub(crate) struct Sent(pub(crate) Vec<(Ssrc, u64, Vec<u8>)>);

impl RtpSink for Sent {
    fn rtp(
        &mut self,
        ssrc: Ssrc,
        index: u64,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), Unsealable> {
        if self.0.iter().any(|&(s, i, _)| (s, i) == (ssrc, index)) {
            return Err(Unsealable);
        }
        let mut packet = Vec::new();
        write(&mut packet);
        self.0.push((ssrc, index, packet));
        Ok(())
    }
}
