//! How packets leave through a slot: at once, after waiting for the path, again, or as a probe of it.

use std::time::{Duration, Instant};

use super::aim::Verdict;
use super::ladder::Place;
use super::{Gate, REPORT_AFTER_SWITCH, REPORT_PAUSE, Slot, Stamp};
use crate::cache;
use crate::codecs::{self, Playable};
use crate::congestion::{Amount, Probe};
use crate::outbound::News;
use crate::rtp::seq::near;
use crate::seam::{Burst, Kind, Packet, PayloadType, RtpSink, Ssrc};

impl Slot {
    /// Sends packets again that did not arrive, each at most once per `pause`. Only by RTX: the same packet under the
    /// same SSRC would have to be sealed twice with one nonce.
    pub(crate) fn resend(
        &mut self,
        lost: &[u16],
        pause: Duration,
        gate: &mut Gate,
        now: Instant,
        sink: &mut impl RtpSink,
    ) {
        self.stats.nacks += lost.len() as u64;
        let (Some(highest), Some(ssrc)) = (self.rewriter.highest(), self.spec.rtx_ssrc) else {
            return;
        };
        for &sequence in lost {
            let index = near(highest, sequence);
            // A key frame makes up for all that was before it.
            if index < self.useful_from || !gate.pacer.may_repair(now) {
                continue;
            }
            let Some((stamp, packet)) = self.history.resend(index, now, pause) else {
                continue;
            };
            let Some(pt) = stamp.rtx else { continue };
            let rtx = (ssrc, pt, self.rtx_index);
            let spec = &self.spec;
            let bytes = gate.send(spec, (ssrc, rtx.2), None, now, sink, |out, departure| {
                stamp.write_rtx(out, spec, packet, departure, rtx);
            });
            self.rtx_index += 1;
            if let Some(bytes) = bytes {
                gate.pacer.repaired(bytes);
                self.stats.resent += 1;
            }
        }
    }

    /// It can carry a probe: there is a stream for retransmissions.
    pub(crate) fn can_probe(&self) -> bool {
        self.spec.kind == Kind::Video && self.rtx().is_some()
    }

    /// Sends what nobody needs, to see how the path takes it: what went out last again, else padding (RFC 3550 §5.1).
    pub(crate) fn probe(
        &mut self,
        probe: Probe,
        gate: &mut Gate,
        now: Instant,
        sink: &mut impl RtpSink,
    ) {
        let Some((ssrc, pt)) = self.rtx() else { return };
        let id = Some(probe.id);
        let spec = &self.spec;
        let mut sent = Amount::default();
        let most = if probe.in_small_packets {
            0
        } else {
            usize::MAX
        };
        for (stamp, packet) in self.history.latest().take(most) {
            if probe.is_all(sent) {
                return;
            }
            let rtx = (ssrc, pt, self.rtx_index);
            let bytes = gate.send(spec, (ssrc, rtx.2), id, now, sink, |out, departure| {
                stamp.write_rtx(out, spec, packet, departure, rtx);
            });
            self.rtx_index += 1;
            let Some(bytes @ 1..) = bytes else {
                return; // nothing can leave, so nothing is tried
            };
            sent.add(bytes as u64);
        }
        let timestamp = self.rewriter.last().map_or(0, |(timestamp, _)| timestamp);
        while !probe.is_all(sent) {
            let rtx = (ssrc, pt, self.rtx_index);
            let bytes = gate.send(spec, (ssrc, rtx.2), id, now, sink, |out, departure| {
                Stamp::write_padding(out, spec, departure, rtx, timestamp);
            });
            self.rtx_index += 1;
            let Some(bytes @ 1..) = bytes else {
                return;
            };
            sent.add(bytes as u64);
        }
    }

    fn rtx(&self) -> Option<(Ssrc, PayloadType)> {
        let pt = self.spec.codecs.iter().find_map(|codec| codec.rtx)?;
        Some((self.spec.rtx_ssrc?, pt))
    }

    // ── hot path ──

    /// Something will be forwarded soon.
    pub(crate) fn fetch(&self) {
        cache::fetch(self);
    }

    /// Sends what of this burst plays here, or lets it wait until the path is free. `number` is the slot's own.
    pub(crate) fn forward(
        &mut self,
        number: usize,
        burst: &Burst,
        gate: &mut Gate,
        now: Instant,
        sink: &mut impl RtpSink,
        news: &mut News,
    ) {
        sink.fetch(self.spec.ssrc);
        self.history.fetch_behind();
        self.rates = burst.rates;
        for (at, packet) in burst.iter().enumerate() {
            let switches = match self.pick(packet, now, news) {
                Verdict::Drop | Verdict::LeaveOut => continue,
                Verdict::Play => false,
                Verdict::Switch => true,
            };
            if self.spec.kind == Kind::Video && !gate.pacer.is_free(now) {
                gate.pacer.push(number, burst, at, switches, now);
            } else {
                self.depart(burst, at, switches, gate, now, sink, news);
            }
        }
    }

    /// Whether a packet plays here.
    fn pick(&mut self, packet: &Packet, now: Instant, news: &mut News) -> Verdict {
        let playable = match self.playable {
            Some((codec, playable)) if codec == packet.codec => playable,
            _ => self.change_codec(packet, now, news),
        };
        let verdict = match &mut self.aim {
            Some(aim) if playable.is_some() => aim.see(packet, now, news),
            _ => Verdict::Drop,
        };
        match verdict {
            Verdict::Play | Verdict::Switch => self.rewriter.pass(packet),
            // One that comes so late that its number is taken leaves all the same, but empty.
            Verdict::LeaveOut if !self.rewriter.leave_out(packet) => return Verdict::Play,
            Verdict::LeaveOut | Verdict::Drop => {}
        }
        verdict
    }

    /// Sends one packet that was picked.
    #[expect(
        clippy::too_many_arguments,
        reason = "the one place where all of it meets"
    )]
    pub(crate) fn depart(
        &mut self,
        burst: &Burst,
        at: usize,
        switches: bool,
        gate: &mut Gate,
        now: Instant,
        sink: &mut impl RtpSink,
        news: &mut News,
    ) {
        let Some(packet) = burst.get(at) else { return };
        let Some(stamp) = self.admit(packet, switches, now, news) else {
            return;
        };
        let spec = &self.spec;
        let admitted = gate.send(
            spec,
            (spec.ssrc, stamp.index),
            None,
            now,
            sink,
            |out, departure| {
                stamp.write(out, spec, packet, departure);
            },
        );
        if admitted.is_none() {
            return;
        }
        if packet.info.starts_keyframe {
            self.useful_from = stamp.index;
        }
        if self.spec.rtx_ssrc.is_some() && stamp.rtx.is_some() {
            self.history.remember(stamp, burst, at, gate.latest());
        }
        self.stats.packets += 1;
        self.stats.bytes += packet.payload.len() as u64;
        if self.report_due.is_none() {
            self.report_due = Some(now + REPORT_PAUSE);
            news.timer_changed();
        }
    }

    fn admit(
        &mut self,
        packet: &Packet,
        switches: bool,
        now: Instant,
        news: &mut News,
    ) -> Option<Stamp> {
        let playable = match self.playable {
            Some((codec, playable)) => playable.filter(|_| codec == packet.codec),
            None => self.change_codec(packet, now, news), // negotiated again while it waited
        }?;
        if switches {
            self.switch(packet, now, news);
        } else if self.rewriter.leapt(packet) {
            let aim = self.aim.as_mut()?;
            aim.begin_anew(now, news);
            if aim.see(packet, now, news) != Verdict::Switch {
                return None;
            }
            self.switch(packet, now, news);
        }
        let numbers = self.rewriter.rewrite(packet)?;
        let place = self
            .aim
            .as_ref()
            .map_or(Place::Within, |aim| aim.place(packet));
        let (codec, skip) = match playable {
            Playable::AsIs(codec) if place == Place::LeftOut => (codec, u16::MAX),
            Playable::AsIs(codec) => (codec, 0),
            // What has no primary encoding is padding. It leaves empty, so that no number is missing.
            Playable::Unwrapped(codec) => {
                let primary = codecs::red::primary(&packet.payload);
                (codec, primary.unwrap_or(u16::MAX))
            }
        };
        Some(Stamp {
            index: numbers.index,
            timestamp: numbers.timestamp,
            marker: match place {
                Place::Last => true,
                Place::LeftOut => false,
                Place::Within => packet.marker || std::mem::take(&mut self.begin_talk_spurt),
            },
            pt: codec.pt,
            rtx: codec.rtx,
            picture_id: numbers.picture_id,
            tl0_pic_idx: numbers.tl0_pic_idx,
            frame_number: numbers.frame_number,
            skip,
        })
    }

    fn switch(&mut self, packet: &Packet, now: Instant, news: &mut News) {
        self.rewriter.switch(packet);
        // A receiver takes a marked packet as the beginning of a talk spurt (RFC 3551 §4.1).
        self.begin_talk_spurt = self.spec.kind == Kind::Audio;
        self.stats.switches += 1;
        let soon = now + REPORT_AFTER_SWITCH;
        self.report_due = Some(self.report_due.map_or(soon, |due| due.min(soon)));
        news.timer_changed();
    }
}
