//! What a slot writes over a packet: everything that differs between listeners.

use crate::codecs::descriptor;
use crate::rtp::seq::low16;
use crate::rtp::write::{Elements, Header};
use crate::seam::{Packet, PayloadType, SlotSpec, Ssrc};

/// The numbers under which one packet leaves through one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Sequence number with its roll-overs.
    pub(crate) index: u64,
    pub(crate) timestamp: u32,
    pub(crate) marker: bool,
    pub(crate) pt: PayloadType,
    /// The payload type of its retransmission.
    pub(crate) rtx: Option<PayloadType>,
    /// Picture id, 15 bits.
    pub(crate) picture_id: Option<u16>,
    /// TL0PICIDX.
    pub(crate) tl0_pic_idx: Option<u8>,
    /// Frame number of the dependency descriptor.
    pub(crate) frame_number: Option<u16>,
    /// Bytes left out at the beginning of the payload.
    pub(crate) skip: u16,
}

/// Numbers that belong to the departure, not to the packet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Departure {
    pub(crate) abs_send_time: [u8; 3],
    pub(crate) transport_cc: u16,
}

impl Stamp {
    /// Appends the packet as this slot sends it.
    pub(crate) fn write(
        &self,
        out: &mut Vec<u8>,
        slot: &SlotSpec,
        packet: &Packet,
        departure: Departure,
    ) {
        self.header(slot.ssrc, self.pt, self.index, out, slot, packet, departure);
        self.payload(out, packet);
    }

    /// Bytes of padding in a packet of nothing else: the most that its own last byte can tell.
    pub(crate) const PADDING: u8 = 255;

    /// Appends a packet of padding on the stream of retransmissions.
    pub(crate) fn write_padding(
        out: &mut Vec<u8>,
        slot: &SlotSpec,
        departure: Departure,
        (ssrc, pt, index): (Ssrc, PayloadType, u64),
        timestamp: u32,
    ) {
        let start = out.len();
        let header = Header {
            pt,
            marker: false,
            sequence: low16(index),
            timestamp,
            ssrc,
        };
        header.write(out, 0, |elements: &mut Elements<'_>| {
            let ids = slot.extensions;
            elements.put(ids.mid, slot.mid.0.as_bytes());
            elements.put(ids.abs_send_time, &departure.abs_send_time);
            elements.put(ids.transport_cc, &departure.transport_cc.to_be_bytes());
        });
        out[start] |= 0x20;
        out.resize(out.len() + usize::from(Self::PADDING) - 1, 0);
        out.push(Self::PADDING);
    }

    /// Appends its retransmission (RFC 4588 §4): another stream, and the number it had before the payload.
    pub(crate) fn write_rtx(
        &self,
        out: &mut Vec<u8>,
        slot: &SlotSpec,
        packet: &Packet,
        departure: Departure,
        (ssrc, pt, index): (Ssrc, PayloadType, u64),
    ) {
        self.header(ssrc, pt, index, out, slot, packet, departure);
        out.extend_from_slice(&low16(self.index).to_be_bytes());
        self.payload(out, packet);
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one private place where all numbers meet"
    )]
    fn header(
        &self,
        ssrc: Ssrc,
        pt: PayloadType,
        index: u64,
        out: &mut Vec<u8>,
        slot: &SlotSpec,
        packet: &Packet,
        departure: Departure,
    ) {
        let (marker, timestamp) = (self.marker, self.timestamp);
        let header = Header {
            pt,
            marker,
            sequence: low16(index),
            timestamp,
            ssrc,
        };
        let descriptor = packet.dependency_descriptor.as_deref();
        let descriptor = descriptor.filter(|_| slot.extensions.dependency_descriptor.is_some());
        let longest = descriptor.map_or(0, <[u8]>::len);
        header.write(out, longest, |elements: &mut Elements<'_>| {
            let ids = slot.extensions;
            elements.put(ids.mid, slot.mid.0.as_bytes());
            elements.put(ids.abs_send_time, &departure.abs_send_time);
            elements.put(ids.transport_cc, &departure.transport_cc.to_be_bytes());
            if let Some(level) = packet.audio_level {
                elements.put(ids.audio_level, &[level]);
            }
            if let Some(orientation) = packet.orientation {
                elements.put(ids.orientation, &[orientation]);
            }
            if let Some(descriptor) = descriptor
                && let Some(number) = self.frame_number
                && let Some((before, behind)) = descriptor::around_frame_number(descriptor)
            {
                let parts = [before, &number.to_be_bytes(), behind];
                elements.put_parts(ids.dependency_descriptor, &parts);
            }
        });
    }

    fn payload(&self, out: &mut Vec<u8>, packet: &Packet) {
        let start = out.len();
        out.extend_from_slice(
            packet
                .payload
                .get(usize::from(self.skip)..)
                .unwrap_or_default(),
        );
        let picture = packet.info.picture;
        // A short picture id is written as a long one: a listener sees one width whatever plays.
        let mut widened = 0;
        if let (Some(new), Some(id)) = (self.picture_id, picture.picture_id) {
            let at = start + usize::from(id.at);
            if id.short && at < out.len() {
                out.insert(at, 0);
                widened = 1;
            }
            if let Some(place) = out.get_mut(at..at + 2) {
                place.copy_from_slice(&(new | 0x8000).to_be_bytes());
            }
        }
        if let (Some(new), Some((_, at))) = (self.tl0_pic_idx, picture.tl0_pic_idx)
            && let Some(place) = out.get_mut(start + widened + usize::from(at))
        {
            *place = new;
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::codecs;
    use crate::rtp::RtpView;
    use crate::seam::Codec;
    use crate::testing::{packet, slot, stamp};

    const DEPARTURE: Departure = Departure {
        abs_send_time: [1, 2, 3],
        transport_cc: 0x0405,
    };

    fn vp8() -> (Packet, Stamp) {
        let payload = Bytes::from_static(&[0x90, 0xe0, 0x80, 0x01, 0x07, 0x00, 0x50, 9, 9]);
        let info = codecs::inspect(Codec::Vp8, &payload);
        let stamp = Stamp {
            picture_id: Some(0x1234),
            tl0_pic_idx: Some(0x56),
            ..stamp(70_000)
        };
        (
            Packet {
                info,
                payload,
                ..packet(1)
            },
            stamp,
        )
    }

    #[test]
    fn all_that_was_agreed_on_is_written() {
        let (packet, stamp) = vp8();
        let packet = Packet {
            audio_level: Some(33),
            orientation: Some(1),
            ..packet
        };
        let slot = slot(Codec::Vp8);
        let mut out = Vec::new();
        stamp.write(&mut out, &slot, &packet, DEPARTURE);
        let view = RtpView::parse(&out).unwrap();
        let ids = slot.extensions;
        assert_eq!((view.sequence, view.ssrc), (low16(70_000), slot.ssrc));
        assert_eq!(view.extensions.get(ids.mid), Some(slot.mid.0.as_bytes()));
        assert_eq!(view.extensions.get(ids.abs_send_time), Some(&[1, 2, 3][..]));
        assert_eq!(view.extensions.get(ids.transport_cc), Some(&[4, 5][..]));
        assert_eq!(view.extensions.get(ids.audio_level), Some(&[33][..]));
        assert_eq!(view.extensions.get(ids.orientation), Some(&[1][..]));
        assert_eq!(
            view.payload,
            [0x90, 0xe0, 0x92, 0x34, 0x56, 0x00, 0x50, 9, 9]
        );
    }

    #[test]
    fn a_long_dependency_descriptor_fits_beside_the_others() {
        let (packet, stamp) = vp8();
        let descriptor = Bytes::from(vec![7; 60]);
        let stamp = Stamp {
            frame_number: Some(0x1234),
            ..stamp
        };
        let packet = Packet {
            dependency_descriptor: Some(descriptor.clone()),
            ..packet
        };
        let slot = slot(Codec::Vp8);
        let mut out = Vec::new();
        stamp.write(&mut out, &slot, &packet, DEPARTURE);
        let view = RtpView::parse(&out).unwrap();
        let ids = slot.extensions;
        let written = [&[7, 0x12, 0x34][..], &descriptor[3..]].concat();
        assert_eq!(
            view.extensions.get(ids.dependency_descriptor),
            Some(&written[..])
        );
        assert_eq!(view.extensions.get(ids.mid), Some(slot.mid.0.as_bytes()));
    }

    #[test]
    fn a_short_picture_id_leaves_as_a_long_one() {
        let cases = [
            (Codec::Vp8, &[0x90, 0xe0, 0x05, 0x07, 0x00, 0x50, 9][..], 2),
            (Codec::Vp9 { profile: 0 }, &[0xe8, 0x05, 0x00, 0x07, 9], 1),
        ];
        for (codec, payload, at) in cases {
            let (_, stamp) = vp8();
            let payload = Bytes::copy_from_slice(payload);
            let packet = Packet {
                codec,
                info: codecs::inspect(codec, &payload),
                payload: payload.clone(),
                ..packet(1)
            };
            let mut out = Vec::new();
            stamp.write(&mut out, &slot(codec), &packet, DEPARTURE);
            let written = RtpView::parse(&out).unwrap().payload.to_vec();
            let mut expected = [&payload[..at], &[0x92, 0x34], &payload[at + 1..]].concat();
            let index = expected.iter_mut().find(|byte| **byte == 0x07).unwrap();
            *index = 0x56;
            assert_eq!(written, expected);
        }
    }

    #[test]
    fn what_is_no_descriptor_is_left_out() {
        let (packet, stamp) = vp8();
        let packet = Packet {
            dependency_descriptor: Some(Bytes::from_static(&[7, 7])),
            ..packet
        };
        let slot = slot(Codec::Vp8);
        let mut out = Vec::new();
        stamp.write(&mut out, &slot, &packet, DEPARTURE);
        let view = RtpView::parse(&out).unwrap();
        let id = slot.extensions.dependency_descriptor;
        assert_eq!(view.extensions.get(id), None);
    }

    #[test]
    fn a_retransmission_carries_its_first_number_and_the_same_payload() {
        let (packet, stamp) = vp8();
        let slot = slot(Codec::Vp8);
        let (mut first, mut again) = (Vec::new(), Vec::new());
        stamp.write(&mut first, &slot, &packet, DEPARTURE);
        let rtx = (slot.rtx_ssrc.unwrap(), PayloadType(97), 5);
        stamp.write_rtx(&mut again, &slot, &packet, DEPARTURE, rtx);
        let (first, again) = (
            RtpView::parse(&first).unwrap(),
            RtpView::parse(&again).unwrap(),
        );
        assert_eq!((again.ssrc, again.pt, again.sequence), (rtx.0, rtx.1, 5));
        assert_eq!(again.timestamp, first.timestamp);
        assert_eq!(again.payload[..2], low16(70_000).to_be_bytes());
        assert_eq!(again.payload[2..], *first.payload);
    }
}
