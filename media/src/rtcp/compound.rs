//! Writing: compounds that are whole by themselves (RFC 3550 §6.1), so it does not matter whether reduced-size
//! RTCP (RFC 5506) was agreed on.

use bytes::Bytes;
use rtc_rtcp::packet::{Packet, marshal};
use rtc_rtcp::payload_feedbacks::full_intra_request::{FirEntry, FullIntraRequest};
use rtc_rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc_rtcp::receiver_report::ReceiverReport;
use rtc_rtcp::reception_report::ReceptionReport;
use rtc_rtcp::sender_report::SenderReport;
use rtc_rtcp::source_description::{
    SdesType, SourceDescription, SourceDescriptionChunk, SourceDescriptionItem,
};
use rtc_rtcp::transport_feedbacks::transport_layer_nack::{
    NackPair, TransportLayerNack, nack_pairs_from_sequence_numbers,
};

use super::ReceptionBlock;
use crate::seam::Ssrc;

/// A compound stays below this, so that it fits every path with SRTCP around it.
const LARGEST: usize = 1100;

/// A compound that is being written: reports first, their SDES, then feedback.
pub(crate) struct Compound {
    sender: Ssrc,
    reports: Vec<Box<dyn Packet>>,
    feedback: Vec<Box<dyn Packet>>,
    described: Vec<Ssrc>,
    cname: Bytes,
    transport_feedback: Option<Vec<u8>>,
    size: usize,
}

impl Compound {
    /// A compound from `sender` that says nothing yet.
    pub(crate) fn new(sender: Ssrc, cname: &Bytes) -> Self {
        #[cfg(test)]
        crate::testing::COMPOUNDS.set(crate::testing::COMPOUNDS.get() + 1);
        Self {
            sender,
            reports: Vec::new(),
            feedback: Vec::new(),
            described: Vec::new(),
            cname: cname.clone(),
            transport_feedback: None,
            size: 16 + cname.len(), // an empty receiver report, and the head of an SDES
        }
    }

    /// There is room for so many bytes more.
    pub(crate) fn fits(&self, more: usize) -> bool {
        self.size + more <= LARGEST
    }

    /// How many more things of this size there is room for.
    pub(crate) fn room_for(&self, each: usize) -> usize {
        LARGEST.saturating_sub(self.size) / each
    }

    /// How streams are received; at most 31.
    pub(crate) fn reception(&mut self, blocks: &[ReceptionBlock]) {
        let reports: Vec<_> = blocks.iter().map(report).collect();
        let packet = ReceiverReport {
            ssrc: self.sender.0,
            reports,
            ..ReceiverReport::default()
        };
        self.described.push(self.sender);
        self.push_report(Box::new(packet));
    }

    /// The bytes that one [`Self::sender`] takes.
    pub(crate) fn sender_size(&self) -> usize {
        28 + 12 + self.cname.len()
    }

    /// A sender's clock and counters.
    pub(crate) fn sender(&mut self, ssrc: Ssrc, ntp: u64, rtp: u32, packets: u32, octets: u32) {
        self.described.push(ssrc);
        self.size += 12 + self.cname.len();
        self.push_report(Box::new(SenderReport {
            ssrc: ssrc.0,
            ntp_time: ntp,
            rtp_time: rtp,
            packet_count: packets,
            octet_count: octets,
            ..SenderReport::default()
        }));
    }

    /// These numbers of a stream did not arrive.
    pub(crate) fn nack(&mut self, media: Ssrc, lost: &[u16]) {
        let nacks: Vec<NackPair> = nack_pairs_from_sequence_numbers(lost);
        let packet = TransportLayerNack {
            sender_ssrc: self.sender.0,
            media_ssrc: media.0,
            nacks,
        };
        self.push_feedback(Box::new(packet));
    }

    /// A key frame is needed.
    pub(crate) fn picture_loss(&mut self, media: Ssrc) {
        let packet = PictureLossIndication {
            sender_ssrc: self.sender.0,
            media_ssrc: media.0,
        };
        self.push_feedback(Box::new(packet));
    }

    /// A key frame is needed, said the older way; `request` counts them.
    pub(crate) fn full_intra(&mut self, media: Ssrc, request: u8) {
        let entry = FirEntry {
            ssrc: media.0,
            sequence_number: request,
        };
        // RFC 5104 §4.3.1.2: the media source of the common header is unused and 0.
        let packet = FullIntraRequest {
            sender_ssrc: self.sender.0,
            media_ssrc: 0,
            fir: vec![entry],
        };
        self.push_feedback(Box::new(packet));
    }

    /// Transport-wide feedback, already written.
    pub(crate) fn transport_feedback(&mut self, packet: Vec<u8>) {
        self.size += packet.len();
        self.transport_feedback = Some(packet);
    }

    /// The bytes; `None` if nothing was said.
    pub(crate) fn finish(mut self) -> Option<Bytes> {
        if self.reports.is_empty() {
            if self.feedback.is_empty() && self.transport_feedback.is_none() {
                return None;
            }
            self.reception(&[]);
        }
        let chunks = self.described.iter().map(|ssrc| SourceDescriptionChunk {
            source: ssrc.0,
            items: vec![SourceDescriptionItem {
                sdes_type: SdesType::SdesCname,
                text: self.cname.clone(),
            }],
        });
        self.reports.push(Box::new(SourceDescription {
            chunks: chunks.collect(),
        }));
        self.reports.append(&mut self.feedback);
        let mut bytes = marshal(&self.reports).ok()?;
        bytes.extend_from_slice(&self.transport_feedback.unwrap_or_default());
        Some(bytes.freeze())
    }

    fn push_report(&mut self, packet: Box<dyn Packet>) {
        self.size += packet.raw_size();
        self.reports.push(packet);
    }

    fn push_feedback(&mut self, packet: Box<dyn Packet>) {
        self.size += packet.raw_size();
        self.feedback.push(packet);
    }
}

fn report(block: &ReceptionBlock) -> ReceptionReport {
    ReceptionReport {
        ssrc: block.ssrc.0,
        fraction_lost: block.fraction_lost,
        total_lost: block.total_lost.cast_unsigned() & 0x00ff_ffff,
        last_sequence_number: block.highest,
        jitter: block.jitter,
        last_sender_report: block.last_sender_report,
        delay: block.delay,
    }
}
