//! What a light participant sends: a microphone's and a camera's packets, on time.

use std::collections::VecDeque;
use std::time::{Duration, Instant, SystemTime};

use bytes::{BufMut, Bytes, BytesMut};
use rand::RngExt;
use rtc::rtcp::sender_report::SenderReport;
use rtc::rtp::Packet;
use rtc::shared::error::Error;
use rtc::shared::marshal::Marshal;
use rtc::srtp::context::Context;

use super::sdp::Extensions;
use crate::speech::Turns;
use crate::tally::{Kind, Tallies};
use crate::traffic::{Camera, Microphone, PACKET_TIME, VP8_RTX};

/// Packets that are kept to be sent again.
const KEPT: usize = 256;

/// Who is late by more than this goes on from now, and does not catch up.
const TOO_LATE: Duration = Duration::from_millis(200);

/// Longest time without a key frame, in frames.
const KEY_FRAME_EVERY: u64 = 300;

/// Seconds from 1900, where NTP begins, to 1970.
const NTP_EPOCH: u64 = 2_208_988_800;

/// All that one participant sends.
pub(crate) struct Outbound {
    tracks: Vec<Track>,
    transport_number: u16,
}

/// One sent stream.
struct Track {
    source: Source,
    extensions: Extensions,
    ssrc: u32,
    name: Option<Name>,
    rtx: Option<Repairs>,
    due: Instant,
    pause: Duration,
    packets: u32,
    octets: u32,
    timestamp: u32,
}

enum Source {
    Microphone(Microphone, Turns),
    Camera(Camera, u64, bool),
}

/// What an encoding is called: its m-line and itself.
#[derive(Clone)]
pub(crate) struct Name {
    pub(crate) mid: Bytes,
    pub(crate) rid: Bytes,
}

/// Sends again what got lost (RFC 4588).
struct Repairs {
    ssrc: u32,
    sequence: u16,
    kept: VecDeque<Packet>,
}

impl Outbound {
    /// Nothing is sent.
    pub(crate) fn nothing() -> Self {
        Self {
            tracks: Vec::new(),
            transport_number: rand::random(),
        }
    }

    /// Also sends a microphone.
    pub(crate) fn microphone(
        &mut self,
        microphone: Microphone,
        turns: Turns,
        ssrc: u32,
        extensions: Extensions,
    ) {
        let source = Source::Microphone(microphone, turns);
        self.add(source, (ssrc, None), None, extensions, PACKET_TIME);
    }

    /// Also sends a camera or one of its encodings, which has a name, and retransmissions where those have an SSRC.
    pub(crate) fn camera(
        &mut self,
        camera: Camera,
        fps: u32,
        ssrcs: (u32, Option<u32>),
        name: Option<Name>,
        extensions: Extensions,
    ) {
        let pause = Duration::from_secs(1) / fps;
        let source = Source::Camera(camera, 0, true);
        self.add(source, ssrcs, name, extensions, pause);
    }

    fn add(
        &mut self,
        source: Source,
        (ssrc, rtx): (u32, Option<u32>),
        name: Option<Name>,
        extensions: Extensions,
        pause: Duration,
    ) {
        // The crowd's packets must not all come at the same moment.
        let phase = pause.mul_f64(rand::rng().random_range(0.0..1.0));
        self.tracks.push(Track {
            source,
            extensions,
            ssrc,
            name,
            rtx: rtx.map(|ssrc| Repairs {
                ssrc,
                sequence: rand::random(),
                kept: VecDeque::with_capacity(KEPT),
            }),
            due: Instant::now() + phase,
            pause,
            packets: 0,
            octets: 0,
            timestamp: 0,
        });
    }

    /// When [`Outbound::send`] has something to send.
    pub(super) fn due(&self) -> Option<Instant> {
        self.tracks.iter().map(|track| track.due).min()
    }

    /// Sends what is due.
    pub(super) fn send(
        &mut self,
        seal: &mut Context,
        tallies: &Tallies,
        now: Instant,
        out: &mut Vec<BytesMut>,
    ) -> Result<(), Error> {
        for track in &mut self.tracks {
            if track.due > now {
                continue;
            }
            let late = now - track.due;
            tallies.was_late(late, track.skipped(late) + 1);
            track.due = if late > TOO_LATE { now } else { track.due } + track.pause;
            for mut packet in track.source.next(tallies) {
                track.sign(&mut packet, &mut self.transport_number, tallies)?;
                out.push(seal.encrypt_rtp_with_header(&packet.marshal()?, &packet.header)?);
                tallies.sent(tallies.of(track.source.kind()));
                track.keep(packet);
            }
        }
        Ok(())
    }

    /// A key frame is wanted of this stream.
    pub(super) fn key_frame(&mut self, ssrc: u32) {
        for track in self.tracks.iter_mut().filter(|track| track.ssrc == ssrc) {
            if let Source::Camera(_, _, wanted) = &mut track.source {
                *wanted = true;
            }
        }
    }

    /// These packets of this stream are wanted again.
    pub(super) fn send_again(
        &mut self,
        ssrc: u32,
        numbers: &[u16],
        seal: &mut Context,
        out: &mut Vec<BytesMut>,
    ) -> Result<(), Error> {
        let track = self.tracks.iter_mut().find(|track| track.ssrc == ssrc);
        let Some((extensions, name, repairs)) = track.and_then(|track| {
            let (extensions, name) = (track.extensions, track.name.clone());
            Some((extensions, name, track.rtx.as_mut()?))
        }) else {
            return Ok(());
        };
        for number in numbers {
            if let Some(mut packet) = repairs.packet(*number) {
                let header = &mut packet.header;
                if let Some(id) = extensions.transport_cc {
                    header.set_extension(id, next(&mut self.transport_number))?;
                }
                if let (Some(name), Some(rid), Some(repaired)) =
                    (&name, extensions.rid, extensions.repaired_rid)
                {
                    header.del_extension(rid)?;
                    header.set_extension(repaired, name.rid.clone())?;
                }
                out.push(seal.encrypt_rtp_with_header(&packet.marshal()?, &packet.header)?);
            }
        }
        Ok(())
    }

    /// What is told of each sent stream.
    pub(super) fn reports(&self) -> impl Iterator<Item = SenderReport> {
        let since_1970 = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let fraction = (u64::from(since_1970.subsec_nanos()) << 32) / 1_000_000_000;
        let ntp_time = ((since_1970.as_secs() + NTP_EPOCH) << 32) | fraction;
        let sending = self.tracks.iter().filter(|track| track.packets > 0);
        sending.map(move |track| SenderReport {
            ssrc: track.ssrc,
            ntp_time,
            rtp_time: track.timestamp,
            packet_count: track.packets,
            octet_count: track.octets,
            ..SenderReport::default()
        })
    }
}

impl Source {
    fn kind(&self) -> Kind {
        match self {
            Self::Microphone(..) => Kind::Audio,
            Self::Camera(..) => Kind::Video,
        }
    }

    fn next(&mut self, tallies: &Tallies) -> Vec<Packet> {
        let now = tallies.clock.elapsed();
        match self {
            Self::Microphone(microphone, _) => vec![microphone.packet(now)],
            Self::Camera(camera, frames, wanted) => {
                let key = std::mem::take(wanted) || frames.is_multiple_of(KEY_FRAME_EVERY);
                *frames += 1;
                camera.frame(key, now)
            }
        }
    }
}

impl Track {
    /// How many times of sending pass unused where it is so late. They are as late as the next: a harness that stood still
    /// must not seem to be one that had little to send.
    fn skipped(&self, late: Duration) -> u64 {
        if late > TOO_LATE {
            u64::try_from(late.as_nanos() / self.pause.as_nanos()).unwrap_or(u64::MAX)
        } else {
            0
        }
    }

    /// Puts the header extensions in.
    fn sign(&self, packet: &mut Packet, number: &mut u16, tallies: &Tallies) -> Result<(), Error> {
        let header = &mut packet.header;
        if let (Source::Microphone(_, turns), Some(id)) =
            (&self.source, self.extensions.audio_level)
        {
            let level = turns.level(tallies.clock.elapsed());
            header.set_extension(id, Bytes::copy_from_slice(&[level]))?;
        }
        if let Some(id) = self.extensions.transport_cc {
            header.set_extension(id, next(number))?;
        }
        if let Some(name) = &self.name {
            let (mid, rid) = (self.extensions.mid, self.extensions.rid);
            for (id, value) in [(mid, &name.mid), (rid, &name.rid)] {
                if let Some(id) = id {
                    header.set_extension(id, value.clone())?;
                }
            }
        }
        Ok(())
    }

    fn keep(&mut self, packet: Packet) {
        self.packets = self.packets.wrapping_add(1);
        let octets = u32::try_from(packet.payload.len()).unwrap_or(0);
        self.octets = self.octets.wrapping_add(octets);
        self.timestamp = packet.header.timestamp;
        if let Some(repairs) = &mut self.rtx {
            if repairs.kept.len() == KEPT {
                repairs.kept.pop_front();
            }
            repairs.kept.push_back(packet);
        }
    }
}

impl Repairs {
    fn packet(&mut self, number: u16) -> Option<Packet> {
        let kept = &mut self.kept.iter();
        let packet = kept.find(|packet| packet.header.sequence_number == number)?;
        let mut payload = BytesMut::with_capacity(2 + packet.payload.len());
        payload.put_u16(number);
        payload.extend_from_slice(&packet.payload);
        let mut header = packet.header.clone();
        header.payload_type = VP8_RTX;
        header.ssrc = self.ssrc;
        header.sequence_number = self.sequence;
        self.sequence = self.sequence.wrapping_add(1);
        Some(Packet {
            header,
            payload: payload.freeze(),
        })
    }
}

fn next(number: &mut u16) -> Bytes {
    *number = number.wrapping_add(1);
    Bytes::copy_from_slice(&number.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_skipped_while_the_harness_stood_still_is_late_too() {
        let mut outbound = Outbound::nothing();
        let turns = Turns {
            seat: 0,
            speakers: 1,
        };
        let extensions = crate::floor::EXTENSIONS;
        outbound.microphone(Microphone::new(1, 100), turns, 1, extensions);
        let track = &outbound.tracks[0];
        let skipped = [20, 200, 250, 1000].map(|ms| track.skipped(Duration::from_millis(ms)));
        assert_eq!(skipped, [0, 0, 12, 50], "up to 200 ms it catches up");
    }
}
