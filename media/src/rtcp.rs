//! RTCP as this server understands it: what arrives becomes [`Rtcp`], anything else is skipped.

mod compound;

use bytes::Buf;
use rtc_rtcp::header::{FORMAT_FIR, FORMAT_PLI, FORMAT_REMB, FORMAT_TCC, FORMAT_TLN};
use rtc_rtcp::payload_feedbacks::full_intra_request::FullIntraRequest;
use rtc_rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc_rtcp::payload_feedbacks::receiver_estimated_maximum_bitrate::ReceiverEstimatedMaximumBitrate;
use rtc_rtcp::receiver_report::ReceiverReport;
use rtc_rtcp::reception_report::ReceptionReport;
use rtc_rtcp::sender_report::SenderReport;
use rtc_rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;
use rtc_shared::marshal::Unmarshal;

pub(crate) use compound::Compound;

use crate::seam::{Bitrate, Ssrc};
use crate::twcc;
pub use crate::twcc::TransportFeedback;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;

/// One report or feedback message that matters to us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rtcp {
    /// A sender's clock and counters (RFC 3550 §6.4.1).
    SenderReport {
        /// Whose.
        ssrc: Ssrc,
        /// NTP timestamp, 32.32 fixed point.
        ntp: u64,
        /// RTP timestamp of the same moment.
        rtp: u32,
    },
    /// How one of our streams is received (the report block of RFC 3550 §6.4).
    Reception(ReceptionBlock),
    /// Packets that did not arrive (RFC 4585 §6.2.1).
    Nack {
        /// Of which of our streams.
        media: Ssrc,
        /// Their sequence numbers.
        lost: Vec<u16>,
    },
    /// When packets arrived, whatever their stream.
    Transport(TransportFeedback),
    /// The receiver can take so much at most (draft-alvestrand-rmcat-remb).
    Remb(Bitrate),
    /// A decoder needs a key frame (RFC 4585 §6.3.1, RFC 5104 §4.3.1).
    KeyframeRequest {
        /// Of which of our streams.
        media: Ssrc,
    },
}

/// One report block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReceptionBlock {
    /// Which stream it is about.
    pub ssrc: Ssrc,
    /// Lost since the last report, in 1/256.
    pub fraction_lost: u8,
    /// Lost since the beginning; 24 bits on the wire, negative after duplicates.
    pub total_lost: i32,
    /// Highest sequence number received, with its wrap-arounds.
    pub highest: u32,
    /// Interarrival jitter in timestamp units.
    pub jitter: u32,
    /// Middle 32 bits of the NTP timestamp of the last sender report, 0 if none came.
    pub last_sender_report: u32,
    /// Time since that one, in 1/65536 s.
    pub delay: u32,
}

/// Reads a decrypted RTCP datagram. Total: what is malformed or unknown is skipped.
pub fn parse(datagram: &[u8]) -> Vec<Rtcp> {
    let mut found = Vec::new();
    let mut rest = datagram;
    while let Some((packet, behind)) = next_packet(rest) {
        read(packet, &mut found);
        rest = behind;
    }
    found
}

/// One packet of a compound, header included and padding removed.
#[derive(Clone, Copy)]
struct Unpadded<'a> {
    header: [u8; 4],
    body: &'a [u8],
}

impl<'a> Unpadded<'a> {
    /// Its bytes, as the parsers want them.
    fn reader(&'a self) -> impl Buf + 'a {
        self.header.as_slice().chain(self.body)
    }
}

/// Splits off the packet that stands first. The parsers behind this see only whole packets of version 2 whose
/// length field is right, so that their arithmetic cannot run over.
fn next_packet(datagram: &[u8]) -> Option<(Unpadded<'_>, &[u8])> {
    let (&[flags, kind, l0, l1], rest) = datagram.split_first_chunk::<4>()?;
    if flags >> 6 != 2 {
        return None;
    }
    let (body, behind) = rest.split_at_checked(usize::from(u16::from_be_bytes([l0, l1])) * 4)?;
    let padding = if flags & 0x20 == 0 {
        0
    } else {
        usize::from(*body.last()?)
    };
    let body = body.get(..body.len().checked_sub(padding)?)?;
    let [l0, l1] = u16::try_from(body.len() / 4).ok()?.to_be_bytes();
    Some((
        Unpadded {
            header: [flags & !0x20, kind, l0, l1],
            body,
        },
        behind,
    ))
}

fn read(packet: Unpadded<'_>, found: &mut Vec<Rtcp>) {
    let [flags, kind, ..] = packet.header;
    let whole_words = packet.body.len().is_multiple_of(4);
    match (kind, flags & 0x1f) {
        (TRANSPORT_FEEDBACK, FORMAT_TCC) => {
            found.extend(twcc::feedback(packet.body).map(Rtcp::Transport));
        }
        // Only transport feedback ends anywhere; others whose padding says so are malformed.
        _ if !whole_words => {}
        (PAYLOAD_FEEDBACK, FORMAT_REMB) => {
            let remb = ReceiverEstimatedMaximumBitrate::unmarshal(&mut packet.reader());
            found.extend(
                remb.ok()
                    .map(|remb| Rtcp::Remb(Bitrate::from_f64(remb.bitrate.into()))),
            );
        }
        (SENDER_REPORT, _) => {
            let Ok(report) = SenderReport::unmarshal(&mut packet.reader()) else {
                return;
            };
            let (ntp, rtp) = (report.ntp_time, report.rtp_time);
            found.push(Rtcp::SenderReport {
                ssrc: Ssrc(report.ssrc),
                ntp,
                rtp,
            });
            found.extend(report.reports.iter().map(reception));
        }
        (RECEIVER_REPORT, _) => {
            let Ok(report) = ReceiverReport::unmarshal(&mut packet.reader()) else {
                return;
            };
            found.extend(report.reports.iter().map(reception));
        }
        (TRANSPORT_FEEDBACK, FORMAT_TLN) => {
            let Ok(nack) = TransportLayerNack::unmarshal(&mut packet.reader()) else {
                return;
            };
            let lost = nack.nacks.into_iter().flatten().collect();
            found.push(Rtcp::Nack {
                media: Ssrc(nack.media_ssrc),
                lost,
            });
        }
        (PAYLOAD_FEEDBACK, FORMAT_PLI) => {
            let Ok(pli) = PictureLossIndication::unmarshal(&mut packet.reader()) else {
                return;
            };
            found.push(Rtcp::KeyframeRequest {
                media: Ssrc(pli.media_ssrc),
            });
        }
        (PAYLOAD_FEEDBACK, FORMAT_FIR) => {
            let Ok(fir) = FullIntraRequest::unmarshal(&mut packet.reader()) else {
                return;
            };
            let wanted = fir.fir.iter().map(|entry| Ssrc(entry.ssrc));
            found.extend(wanted.map(|media| Rtcp::KeyframeRequest { media }));
        }
        _ => {}
    }
}

fn reception(report: &ReceptionReport) -> Rtcp {
    Rtcp::Reception(ReceptionBlock {
        ssrc: Ssrc(report.ssrc),
        fraction_lost: report.fraction_lost,
        total_lost: (report.total_lost << 8).cast_signed() >> 8,
        highest: report.last_sequence_number,
        jitter: report.jitter,
        last_sender_report: report.last_sender_report,
        delay: report.delay,
    })
}

#[cfg(test)]
mod tests;
