//! One place on a subscriber's screen or in its ears: one SSRC for good, whatever plays in it.

mod aim;
mod gate;
mod ladder;
mod left_out;
mod rewrite;
mod running;
mod sending;
mod stamp;

use std::time::{Duration, Instant};

use crate::allocation::{Ask, Grant};
use crate::codecs::{self, Playable};
use crate::congestion::Confirmed;
use crate::history::History;
use crate::outbound::{News, OutboundEvent, Picture, SlotStats};
use crate::reports::{Timeline, WallClock, ticks};
use crate::rtcp::ReceptionBlock;
use crate::rtp::seq::timestamp_step;
use crate::seam::{
    Bitrate, Codec, Kind, Layer, LayerSet, MAX_LAYERS, Packet, Rates, Shown, SlotSpec, SourceClock,
    Ssrc, TrackId,
};
use aim::Aim;
use rewrite::Rewriter;

pub(crate) use gate::Gate;
pub(crate) use stamp::{Departure, Stamp};

/// Packets that are remembered at most: a second of busy video. Sound is not sent again.
const HISTORY: usize = 1024;
/// Sender reports go out this often, and the first after a switch sooner.
const REPORT_PAUSE: Duration = Duration::from_secs(1);
const REPORT_AFTER_SWITCH: Duration = Duration::from_millis(100);
/// A publisher's clock that contradicts the arrival of its packets by more seconds than this is not believed.
const CLOCK_TRUST: u32 = 5;
/// A listener's key frame requests are heard this often.
const REFRESH_PAUSE: Duration = Duration::from_millis(200);

/// A slot and what plays in it.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) spec: SlotSpec,
    aim: Option<Aim>,
    rewriter: Rewriter,
    history: History,
    /// How the codec of the last packet is played.
    playable: Option<(Codec, Option<Playable>)>,
    begin_talk_spurt: bool,
    clocks: [Option<SourceClock>; MAX_LAYERS],
    clock_rate: u32,
    rtx_index: u64,
    /// Where the latest key frame began: nobody needs what was before it.
    useful_from: u64,
    /// What the layers of its source take.
    rates: Rates,
    report_due: Option<Instant>,
    refreshed: Option<Instant>,
    stats: SlotStats,
}

impl Slot {
    pub(crate) fn new(spec: SlotSpec) -> Self {
        Self {
            aim: None,
            rewriter: Rewriter::new(spec.ssrc),
            history: History::new(HISTORY),
            playable: None,
            begin_talk_spurt: false,
            clocks: [None; MAX_LAYERS],
            clock_rate: if spec.kind == Kind::Video {
                90_000
            } else {
                48_000
            },
            rtx_index: spec.rtx_ssrc.map_or(0, |ssrc| u64::from(ssrc.0 & 0x7fff)),
            useful_from: 0,
            rates: Rates::default(),
            report_due: None,
            refreshed: None,
            stats: SlotStats::new(spec.mid.clone()),
            spec,
        }
    }

    /// Negotiated again, under the same SSRC.
    pub(crate) fn renegotiate(&mut self, spec: SlotSpec, news: &mut News) {
        let numbered = |spec: &SlotSpec| spec.extensions.transport_cc.is_some();
        if !numbered(&self.spec) && numbered(&spec) {
            self.history.forget_payloads(); // no feedback will ever be about them
        }
        self.spec = spec;
        self.aim = (self.aim.take()).map(|aim| aim.described(self.is_described()));
        self.set_playable(None, news);
    }

    fn is_described(&self) -> bool {
        self.spec.extensions.dependency_descriptor.is_some()
    }

    /// The track that it is pointed at, and the layers that must come in for it.
    pub(crate) fn watch(&self) -> Option<(TrackId, LayerSet)> {
        self.aim.as_ref().map(|aim| (aim.track(), aim.watch()))
    }

    /// Reports about this SSRC are about it.
    pub(crate) fn sends(&self, ssrc: Ssrc) -> bool {
        self.spec.ssrc == ssrc
    }

    /// Points it at a track or at nothing. A tile without size shows nothing.
    pub(crate) fn show(&mut self, shown: Option<Shown>, now: Instant, news: &mut News) {
        let visible = |shown: &Shown| {
            self.spec.kind == Kind::Audio || shown.size.is_none_or(|(w, h)| w > 0 && h > 0)
        };
        let shown = shown.filter(visible);
        if let (Some(aim), Some(shown)) = (&mut self.aim, shown)
            && aim.track() == shown.track
        {
            aim.resize(shown, now, news);
            return;
        }
        self.empty(news);
        self.aim = shown.map(|shown| match self.spec.kind {
            Kind::Audio => Aim::at_sound(shown, now, news),
            Kind::Video => Aim::at_picture(shown, now, news).described(self.is_described()),
        });
        if self.aim.is_none() {
            self.history.forget_payloads();
        }
    }

    /// What it would like of the path; `None` for sound, and where nothing is shown.
    pub(crate) fn ask(&self) -> Option<Ask> {
        let aim = self
            .aim
            .as_ref()
            .filter(|_| self.spec.kind == Kind::Video)?;
        let shown = aim.shown();
        Some(Ask {
            priority: shown.priority,
            pixels: shown.size.map_or(u64::MAX, |(width, height)| {
                u64::from(width) * u64::from(height)
            }),
            rates: self.rates.map(|kbps| Bitrate(u64::from(kbps) * 1000)),
            layers: aim.layers(),
            wanted: aim.suits(),
            before: Some(aim.grant()),
        })
    }

    /// What sound takes that plays in it; `None` where none does.
    pub(crate) fn sound(&self) -> Option<Bitrate> {
        let plays = self.spec.kind == Kind::Audio && self.aim.is_some();
        plays.then(|| Bitrate(u64::from(self.rates[0]) * 1000))
    }

    /// The path carries this much for it from now on.
    pub(crate) fn grant(&mut self, grant: Grant, now: Instant, news: &mut News) {
        let Some(aim) = &mut self.aim else { return };
        let before = aim.grant();
        aim.set_grant(grant, now, news);
        let mid = || self.spec.mid.clone();
        match (before == Grant::Paused, grant == Grant::Paused) {
            (false, true) => news.tell(OutboundEvent::Withheld { mid: mid() }),
            (true, false) => news.tell(OutboundEvent::Granted { mid: mid() }),
            (true, true) | (false, false) => {}
        }
    }

    /// Packets that left through it.
    pub(crate) fn sent(&self) -> u64 {
        self.stats.packets
    }

    /// It still plays a better layer than the path was found to carry.
    pub(crate) fn plays_more_than_granted(&self) -> bool {
        self.aim.as_ref().is_some_and(Aim::plays_more_than_granted)
    }

    /// What waited to leave through it was too late: it begins anew.
    pub(crate) fn skip_ahead(&mut self, now: Instant, news: &mut News) {
        if let Some(aim) = &mut self.aim {
            aim.skip_ahead(now, news);
        }
    }

    /// Its m-line rests. It keeps its numbers, for it may come back.
    pub(crate) fn rest(&mut self, news: &mut News) {
        self.empty(news);
        self.history.forget_payloads();
        self.report_due = None;
    }

    fn empty(&mut self, news: &mut News) {
        news.watch_changed();
        self.rewriter.leave();
        self.clocks = [None; MAX_LAYERS];
        self.set_playable(None, news);
        self.aim = None;
    }

    /// There is a reason to look after it every now and then.
    pub(crate) fn needs_review(&self) -> bool {
        self.aim.as_ref().is_some_and(Aim::needs_review) && !self.is_unplayable()
    }

    /// Does what is due.
    pub(crate) fn review(&mut self, now: Instant, news: &mut News) {
        if !self.is_unplayable()
            && let Some(aim) = &mut self.aim
        {
            aim.review(now, news);
        }
    }

    /// The listener's decoder needs a key frame.
    pub(crate) fn refresh(&mut self, now: Instant, news: &mut News) {
        self.stats.keyframe_requests += 1;
        let soon = self
            .refreshed
            .is_some_and(|at| now.saturating_duration_since(at) < REFRESH_PAUSE);
        if !soon && let Some(aim) = &mut self.aim {
            self.refreshed = Some(now);
            aim.refresh(now, news);
        }
    }

    /// How the listener receives it.
    pub(crate) fn reception(&mut self, block: &ReceptionBlock) {
        self.stats.loss = f32::from(block.fraction_lost) / 256.0;
        self.stats.jitter = Duration::from_secs(1) * block.jitter / self.clock_rate;
    }

    /// The round trip to the listener.
    pub(crate) fn set_rtt(&mut self, rtt: Duration) {
        self.history.set_rtt(rtt);
    }

    /// Feedback has come this far: lets go of what is known to have come in.
    pub(crate) fn confirm(&mut self, confirmed: Confirmed) {
        if self.spec.extensions.transport_cc.is_some() {
            self.history.confirm(confirmed);
        }
    }

    /// Lets go of what nobody will ask for any more.
    pub(crate) fn tidy(&mut self, now: Instant) {
        self.history.expire(now);
    }

    /// Its source's clock.
    pub(crate) fn clock(&mut self, clock: SourceClock) {
        if let Some(known) = self.clocks.get_mut(usize::from(clock.layer.0)) {
            *known = Some(clock);
        }
    }

    /// When a sender report is due.
    pub(crate) fn report_due(&self) -> Option<Instant> {
        self.report_due
    }

    /// RTP timestamp, packets and octets of a sender report made now.
    pub(crate) fn report(
        &mut self,
        timeline: &Timeline,
        wall: WallClock,
        now: Instant,
    ) -> Option<(u32, u32, u32)> {
        self.report_due = None;
        let (timestamp, at) = self.rewriter.last()?;
        let by_arrival =
            timestamp.wrapping_add(ticks(now.saturating_duration_since(at), self.clock_rate));
        let rtp = self
            .timestamp_by_clock(timeline, wall, now)
            .unwrap_or(by_arrival);
        let off = timestamp_step(rtp, by_arrival).unsigned_abs();
        let rtp = if off > CLOCK_TRUST * self.clock_rate {
            by_arrival
        } else {
            rtp
        };
        Some((rtp, wrapped(self.stats.packets), wrapped(self.stats.bytes)))
    }

    fn timestamp_by_clock(
        &self,
        timeline: &Timeline,
        wall: WallClock,
        now: Instant,
    ) -> Option<u32> {
        let playing = self.playing()?;
        let clock = self.clocks.get(usize::from(playing.0))?.as_ref()?;
        self.rewriter
            .timestamp(timeline.rtp_at(clock, self.clock_rate, wall, now)?)
    }

    /// Figures so far.
    pub(crate) fn stats(&self) -> SlotStats {
        let playing = self
            .aim
            .as_ref()
            .and_then(|aim| Some((aim.track(), aim.seen()?)));
        SlotStats {
            playing,
            picture: self.picture(),
            ..self.stats.clone()
        }
    }

    fn picture(&self) -> Option<Picture> {
        let shows = self.spec.kind == Kind::Video && !self.is_unplayable();
        self.aim.as_ref().filter(|_| shows)?.picture()
    }

    fn playing(&self) -> Option<Layer> {
        self.aim.as_ref()?.playing()
    }

    fn is_unplayable(&self) -> bool {
        matches!(self.playable, Some((_, None)))
    }

    fn set_playable(&mut self, playable: Option<(Codec, Option<Playable>)>, news: &mut News) {
        let before = self.is_unplayable();
        self.playable = playable;
        let mid = || self.spec.mid.clone();
        match (before, self.is_unplayable()) {
            (false, true) => news.tell(OutboundEvent::Unplayable { mid: mid() }),
            (true, false) => news.tell(OutboundEvent::Playable { mid: mid() }),
            (true, true) | (false, false) => {}
        }
    }

    /// Another codec than before comes in.
    #[cold]
    fn change_codec(&mut self, packet: &Packet, now: Instant, news: &mut News) -> Option<Playable> {
        // Sound goes on: redundancy comes and goes within one stream.
        let changed = self.playable.is_some() && self.spec.kind == Kind::Video;
        let playable = codecs::playable(&self.spec.codecs, packet.codec, &packet.payload);
        self.set_playable(Some((packet.codec, playable)), news);
        if changed && let Some(aim) = &mut self.aim {
            aim.begin_anew(now, news);
        }
        playable
    }
}

/// Counters of sender reports wrap (RFC 3550 §6.4.1).
#[expect(clippy::cast_possible_truncation, reason = "they wrap")]
fn wrapped(count: u64) -> u32 {
    count as u32
}
