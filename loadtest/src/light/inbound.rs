//! What a light participant receives: counted by header, opened only now and then, and reported like a browser does.

use std::time::Instant;

use rtc::rtcp;
use rtc::rtcp::payload_feedbacks::picture_loss_indication::PictureLossIndication;
use rtc::rtcp::receiver_report::ReceiverReport;
use rtc::rtcp::reception_report::ReceptionReport;
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::{
    TransportLayerNack, nack_pairs_from_sequence_numbers,
};
use rtc::srtp::context::Context;

use super::arrivals::Arrivals;
use super::header::Header;
use super::sdp::Remote;
use super::stream::{Place, Stream};
use crate::tally::{Arrival, Kind, Tallies};
use crate::traffic::{Stamp, stamped};

/// One packet in so many is opened: for its stamp, and to see that it is authentic. No multiple of packets in a frame.
const OPEN_EVERY: u32 = 7;

/// Most reports of one receiver report (RFC 3550 §6.4.2: the count has 5 bits).
const MOST_REPORTS: usize = 31;

/// What comes in by one transport.
pub(super) struct Inbound {
    /// Under which our reports go out.
    reporter: u32,
    zero: Instant,
    transport_cc: Option<u8>,
    streams: Vec<Stream>,
    /// Payload types of pictures, of sound, and of retransmissions.
    video: Vec<u8>,
    audio: Vec<u8>,
    rtx: Vec<u8>,
    /// SSRCs of retransmissions, and of what they repeat.
    repairs: Vec<(u32, u32)>,
    arrivals: Arrivals,
    until_opened: u32,
}

impl Inbound {
    /// Nothing yet of what `remote` declares.
    pub(super) fn new(remote: &Remote, reporter: u32, now: Instant) -> Self {
        let lines = || remote.lines.iter();
        let payload_types = |kind| {
            lines()
                .filter(move |line| line.kind == kind)
                .filter_map(|line| line.payload_type)
                .collect()
        };
        let declared = lines().flat_map(|line| &line.streams);
        Self {
            reporter,
            zero: now,
            transport_cc: lines().find_map(|line| line.extensions.transport_cc),
            streams: Vec::new(),
            video: payload_types(Kind::Video),
            audio: payload_types(Kind::Audio),
            rtx: lines().filter_map(|line| line.rtx_payload_type).collect(),
            repairs: declared
                .filter_map(|&(media, rtx)| Some((rtx?, media)))
                .collect(),
            arrivals: Arrivals::new(now),
            until_opened: OPEN_EVERY,
        }
    }

    /// Takes a sealed packet. Tells the kind of media that it was, if it was any.
    pub(super) fn rtp(
        &mut self,
        packet: &[u8],
        open: &mut Context,
        tallies: &Tallies,
        now: Instant,
    ) -> Option<Kind> {
        let Some(header) = Header::read(packet, self.transport_cc) else {
            tallies.broken();
            return None;
        };
        if let Some(number) = header.transport_number {
            self.arrivals.record(number, now);
        }
        if self.rtx.contains(&header.payload_type) {
            self.repair(&header, packet, open, tallies);
            return None;
        }
        let Some(kind) = self.kind(header.payload_type) else {
            tallies.broken();
            return None;
        };
        let since_start = now.saturating_duration_since(self.zero);
        let stream = self.stream(header.ssrc, kind);
        let place = stream.on(header.sequence, now);
        stream.arrived(header.timestamp, since_start);
        let tally = tallies.of(kind);
        let missing = match place {
            Place::Next(missing) => i64::try_from(missing).unwrap_or(i64::MAX),
            Place::Late => -1,
            Place::Again => return None,
        };
        if header.padding {
            tallies.arrived(tally, Arrival::padding(missing, packet.len()));
            return None;
        }
        self.stream(header.ssrc, kind).moves();
        self.until_opened -= 1;
        let opened = if self.until_opened == 0 {
            self.until_opened = OPEN_EVERY;
            let opened = opened(packet, header.length, open);
            tallies.opened(tally, opened.is_some());
            opened
        } else {
            None
        };
        if let Some(stamp) = opened.filter(|_| kind == Kind::Video) {
            let stream = self.stream(header.ssrc, kind);
            let before = stream.layer.replace(stamp.layer);
            tallies.plays(before, Some(stamp.layer));
        }
        let latency = opened.map(|stamp| tallies.clock.elapsed().saturating_sub(stamp.at));
        tallies.arrived(
            tally,
            Arrival {
                missing,
                bytes: packet.len(),
                padding: false,
                latency,
            },
        );
        Some(kind)
    }

    /// A retransmission: what it repeats stands first in its payload (RFC 4588 §4).
    fn repair(&mut self, header: &Header, packet: &[u8], open: &mut Context, tallies: &Tallies) {
        let plain = open.decrypt_rtp(packet);
        tallies.opened(&tallies.video, plain.is_ok());
        let Ok(plain) = plain else {
            return;
        };
        let media = self.repairs.iter().find(|repair| repair.0 == header.ssrc);
        let number = plain
            .get(header.length..)
            .and_then(|payload| payload.first_chunk())
            .filter(|_| !header.padding)
            .map(|number| u16::from_be_bytes(*number));
        let stream = media
            .and_then(|(_, media)| self.streams.iter_mut().find(|stream| stream.ssrc == *media));
        let missing = stream
            .zip(number)
            .is_some_and(|(stream, number)| stream.repaired(number) == Place::Late);
        if missing {
            tallies.repaired(&tallies.video, packet.len());
        } else {
            tallies.arrived(&tallies.video, Arrival::padding(0, packet.len()));
        }
    }

    /// What a sender tells of itself.
    pub(super) fn sender_report(&mut self, report: &SenderReport, now: Instant) {
        if let Some(stream) = self
            .streams
            .iter_mut()
            .find(|stream| stream.ssrc == report.ssrc)
        {
            stream.told(report, now);
        }
    }

    /// When [`Inbound::feedback`] has something to tell.
    pub(super) fn due(&self) -> Option<Instant> {
        let gaps = self.streams.iter().filter_map(Stream::due);
        gaps.chain(self.arrivals.due()).min()
    }

    /// What is due to be told at once: arrivals, and what is missing.
    pub(super) fn feedback(&mut self, now: Instant, out: &mut Vec<Box<dyn rtcp::Packet>>) {
        let (sender_ssrc, any) = (
            self.reporter,
            self.streams.first().map_or(0, |stream| stream.ssrc),
        );
        if let Some(mut report) = self.arrivals.report(now) {
            report.sender_ssrc = sender_ssrc;
            report.media_ssrc = any;
            out.push(Box::new(report));
        }
        for stream in &mut self.streams {
            if stream.due().is_none_or(|due| due > now) {
                continue;
            }
            let wanted = stream.wanted(now);
            // There are no retransmissions of sound.
            if !wanted.packets.is_empty() && stream.kind == Kind::Video {
                out.push(Box::new(TransportLayerNack {
                    sender_ssrc,
                    media_ssrc: stream.ssrc,
                    nacks: nack_pairs_from_sequence_numbers(&wanted.packets),
                }));
            }
            if wanted.key_frame {
                out.push(Box::new(PictureLossIndication {
                    sender_ssrc,
                    media_ssrc: stream.ssrc,
                }));
            }
        }
    }

    /// The regular reports. Once a picture stands still it shows nothing.
    pub(super) fn reports(&mut self, tallies: &Tallies, now: Instant) -> Vec<ReceiverReport> {
        for stream in &mut self.streams {
            if stream.stands_still() {
                tallies.plays(stream.layer.take(), None);
            }
        }
        let reports: Vec<ReceptionReport> = self
            .streams
            .iter_mut()
            .filter_map(|stream| stream.report(now))
            .collect();
        reports
            .chunks(MOST_REPORTS)
            .map(|reports| ReceiverReport {
                ssrc: self.reporter,
                reports: reports.to_vec(),
                ..ReceiverReport::default()
            })
            .collect()
    }

    /// It receives nothing any more.
    pub(super) fn end(&mut self, tallies: &Tallies) {
        for stream in &mut self.streams {
            tallies.plays(stream.layer.take(), None);
        }
    }

    fn kind(&self, payload_type: u8) -> Option<Kind> {
        let kinds = [(Kind::Audio, &self.audio), (Kind::Video, &self.video)];
        let known = kinds
            .iter()
            .find(|(_, types)| types.contains(&payload_type));
        known.map(|(kind, _)| *kind)
    }

    fn stream(&mut self, ssrc: u32, kind: Kind) -> &mut Stream {
        let at = self.streams.iter().position(|stream| stream.ssrc == ssrc);
        let at = at.unwrap_or_else(|| {
            self.streams.push(Stream::new(ssrc, kind));
            self.streams.len() - 1
        });
        &mut self.streams[at]
    }
}

/// What this packet says, if it opens and is one of ours.
fn opened(packet: &[u8], header: usize, open: &mut Context) -> Option<Stamp> {
    let plain = open.decrypt_rtp(packet).ok()?;
    plain.get(header..).and_then(stamped)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rtc::shared::marshal::Marshal;
    use rtc::srtp::protection_profile::ProtectionProfile;

    use super::super::ice::Credentials;
    use super::super::identity::Identity;
    use super::super::keys::Keys;
    use super::super::sdp::RemoteLine;
    use super::*;
    use crate::traffic::{Camera, VP8};

    /// Receives VP8, on a connection whose directions have the same keys, those of `secret`.
    fn inbound(began: Instant, secret: u8) -> (Inbound, Keys) {
        let line = RemoteLine {
            payload_type: Some(VP8),
            ..RemoteLine::new(Kind::Video)
        };
        let remote = Remote {
            credentials: Credentials::generate(),
            fingerprint: String::new(),
            address: ([127, 0, 0, 1], 1).into(),
            lines: vec![line],
        };
        let identity = Identity::generate().unwrap();
        let profile = ProtectionProfile::AeadAes128Gcm;
        let keys = Keys::of_client(profile, &[secret; 56], identity.provider()).unwrap();
        (Inbound::new(&remote, 1, began), keys)
    }

    #[test]
    fn packets_that_cannot_be_opened_are_counted_apart() {
        let began = Instant::now();
        let ((mut inbound, mut keys), (_, mut others)) = (inbound(began, 1), inbound(began, 2));
        let tallies = Tallies::new();
        tallies.measure(true);
        let mut camera = Camera::new(1, 1000, 30, 1100);
        let packets = std::iter::repeat_with(|| camera.frame(false, Duration::ZERO)).flatten();
        for (number, packet) in packets.take(10 * OPEN_EVERY as usize).enumerate() {
            let seal = if number < 3 * OPEN_EVERY as usize {
                &mut others.seal
            } else {
                &mut keys.seal
            };
            let sealed = seal.encrypt_rtp(&packet.marshal().unwrap()).unwrap();
            inbound.rtp(&sealed, &mut keys.open, &tallies, began);
        }
        let counted = tallies.video.counted();
        assert_eq!((counted.opened, counted.unopened), (7, 3));
        assert_eq!(tallies.trouble().broken, 3);
    }

    #[test]
    fn a_picture_that_stands_still_shows_nothing_until_it_moves() {
        let began = Instant::now();
        let (mut inbound, mut keys) = inbound(began, 1);
        let tallies = Tallies::new();
        let mut cameras = Camera::simulcast(&[1, 2], 1000, 30, 1100);
        let mut play = |inbound: &mut Inbound, frames: usize, now| {
            for _ in 0..frames {
                for packet in cameras[1].frame(false, Duration::ZERO) {
                    let plain = packet.marshal().unwrap();
                    let sealed = keys.seal.encrypt_rtp(&plain).unwrap();
                    inbound.rtp(&sealed, &mut keys.open, &tallies, now);
                }
            }
        };
        for second in 1..=10 {
            let now = began + Duration::from_secs(second);
            let frames = if (4..=8).contains(&second) { 0 } else { 2 };
            play(&mut inbound, frames, now);
            inbound.reports(&tallies, now);
            let shown = i64::from(!(5..=8).contains(&second));
            assert_eq!(tallies.playing(), [0, shown, 0], "at second {second}");
        }
    }
}
