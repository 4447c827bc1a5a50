//! What a slot aims at: which layer it wants, which it waits for, and which it plays meanwhile.

use std::time::{Duration, Instant};

use super::ladder::{Ladder, Place};
use crate::allocation::Grant;
use crate::layers::Sizes;
use crate::outbound::{News, Picture};
use crate::seam::{Codec, Layer, LayerSet, MAX_LAYERS, Packet, Shown, SvcFrame, TrackId};

/// A layer that sent nothing for so long has stalled. Shared screens send one frame a second.
pub(super) const STALL: Duration = Duration::from_millis(1_200);
/// A layer that sent something within this time may stand in for one that stalled.
const RECENT: Duration = Duration::from_millis(500);
/// How long a slot that shows nothing waits for the wanted layer before it takes any.
const START_PATIENCE: Duration = Duration::from_millis(400);
/// How long one that plays something waits.
const PATIENCE: Duration = Duration::from_secs(1);
/// A key frame that did not come is asked for again after this, then ever later.
const ASK_AGAIN: Duration = Duration::from_millis(500);
const ASK_LATEST: Duration = Duration::from_secs(4);

#[expect(clippy::cast_possible_truncation, reason = "a handful")]
const MOST_LAYERS: u8 = MAX_LAYERS as u8;

/// What is to be done with a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It belongs to what plays.
    Play,
    /// From here on this plays.
    Switch,
    /// It belongs to what plays, but to a higher layer than leaves: numbers close over it.
    LeaveOut,
    /// It is not for this slot, or no decoder could start with it.
    Drop,
}

/// A slot's aim at one track.
#[derive(Debug)]
pub(super) struct Aim {
    shown: Shown,
    needs_keyframe: bool,
    sizes: Sizes,
    /// What suits the tile.
    suits: Layer,
    /// What the path carries.
    grant: Grant,
    /// The lesser of the two.
    wanted: Layer,
    playing: Option<Layer>,
    target: Option<Layer>,
    /// The wanted layer stalled, so any other is looked for.
    searching: bool,
    since: Instant,
    asked: Instant,
    ask_pause: Duration,
    flow: [Flow; MAX_LAYERS],
    /// The listener is told by dependency descriptors which frame is of which layer.
    described: bool,
    /// Where it stands between the spatial layers, in a stream that has some.
    ladder: Option<Box<Ladder>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Flow {
    newest: u64,
    last: Option<Instant>,
}

impl Aim {
    /// At a track whose packets can be played from any, as sound is.
    pub(super) fn at_sound(shown: Shown, now: Instant, news: &mut News) -> Self {
        Self::new(
            Shown {
                layers: 1,
                size: None,
                ..shown
            },
            false,
            now,
            news,
        )
    }

    /// At a track that needs a key frame to begin.
    pub(super) fn at_picture(shown: Shown, now: Instant, news: &mut News) -> Self {
        Self::new(shown, true, now, news)
    }

    fn new(shown: Shown, needs_keyframe: bool, now: Instant, news: &mut News) -> Self {
        let shown = bounded(shown);
        let sizes = Sizes::unknown(shown.layers);
        let wanted = sizes.suiting(shown.size, None);
        let mut aim = Self {
            shown,
            needs_keyframe,
            sizes,
            suits: wanted,
            grant: Grant::ALL,
            wanted,
            playing: None,
            target: None,
            searching: false,
            since: now,
            asked: now,
            ask_pause: ASK_AGAIN,
            flow: [Flow::default(); MAX_LAYERS],
            described: true,
            ladder: None,
        };
        aim.go_for(wanted, now, news);
        aim
    }

    /// Whether the listener takes dependency descriptors.
    #[must_use]
    pub(super) fn described(mut self, described: bool) -> Self {
        self.described = described;
        self
    }

    pub(super) fn track(&self) -> TrackId {
        self.shown.track
    }

    /// The encoding that plays.
    pub(super) fn playing(&self) -> Option<Layer> {
        self.playing
    }

    /// What of it is seen: the spatial layer in a scalable stream.
    pub(super) fn seen(&self) -> Option<Layer> {
        let spatial = self.ladder.as_ref().map(|ladder| ladder.playing());
        self.playing.map(|encoding| spatial.unwrap_or(encoding))
    }

    /// How many layers there are to choose from.
    pub(super) fn layers(&self) -> u8 {
        let spatial = self.ladder.as_ref().map(|ladder| ladder.layers());
        spatial.unwrap_or(self.shown.layers)
    }

    /// What suits its tile, whatever the path carries.
    pub(super) fn suits(&self) -> Layer {
        let spatial = self.ladder.as_ref().map(|ladder| ladder.suits());
        spatial.unwrap_or(self.suits)
    }

    /// The picture that is seen, and whether its tile could use a larger one. `None`: nothing plays, nor is it withheld.
    pub(super) fn picture(&self) -> Option<Picture> {
        if self.grant == Grant::Paused {
            return Some(Picture::WITHHELD);
        }
        let seen = self.seen()?;
        let size = match &self.ladder {
            Some(ladder) => ladder.size(),
            None => self.playing.and_then(|encoding| self.sizes.told(encoding)),
        };
        Some(Picture {
            size,
            withheld: false,
            reduced: seen < self.suits(),
        })
    }

    /// What is shown, and how.
    pub(super) fn shown(&self) -> &Shown {
        &self.shown
    }

    /// What the path was found to carry for it.
    pub(super) fn grant(&self) -> Grant {
        self.grant
    }

    /// What plays is a better layer than that.
    pub(super) fn plays_more_than_granted(&self) -> bool {
        self.seen()
            .is_some_and(|seen| seen > self.grant.bounds(seen))
    }

    /// The path carries this much for it from now on.
    pub(super) fn set_grant(&mut self, grant: Grant, now: Instant, news: &mut News) {
        if grant == self.grant {
            return;
        }
        let resumes = self.grant == Grant::Paused;
        self.grant = grant;
        news.watch_changed();
        match grant {
            Grant::Paused => {
                self.playing = None;
                self.target = None;
            }
            Grant::UpTo(_) if resumes => {
                self.wanted = self.grant.bounds(self.suits);
                self.since = now;
                self.choose_spatial(now);
                self.go_for(self.wanted, now, news);
            }
            Grant::UpTo(_) => self.review(now, news),
        }
    }

    /// What plays came too late to be of use: it begins anew with what is granted now.
    pub(super) fn skip_ahead(&mut self, now: Instant, news: &mut News) {
        if self.playing.take().is_some() {
            self.target = None;
            self.go_for(self.wanted, now, news);
        }
    }

    /// The layers that must come in for this.
    pub(super) fn watch(&self) -> LayerSet {
        if self.grant == Grant::Paused {
            return LayerSet::NONE;
        }
        let layers = if self.searching { self.shown.layers } else { 0 };
        let searched = (0..layers).map(Layer);
        let others = self.playing.into_iter().chain(self.target).chain(searched);
        others.fold(LayerSet::only(self.wanted), LayerSet::with)
    }

    /// The same track on a tile of another size.
    pub(super) fn resize(&mut self, shown: Shown, now: Instant, news: &mut News) {
        let shown = bounded(shown);
        if self.needs_keyframe && shown != self.shown {
            if shown.layers != self.shown.layers {
                self.ladder = None;
                self.sizes = Sizes::unknown(shown.layers);
                self.suits = self.sizes.suiting(shown.size, None);
                self.wanted = self.grant.bounds(self.suits);
            }
            self.shown = shown;
            self.review(now, news);
        }
    }

    /// What plays must begin anew: its source did, or the decoder changed.
    pub(super) fn begin_anew(&mut self, now: Instant, news: &mut News) {
        let layer = self.playing.take().or(self.target).unwrap_or(self.wanted);
        self.target = None;
        self.ladder = None;
        news.timer_changed();
        if self.grant != Grant::Paused {
            self.go_for(layer, now, news);
        }
    }

    /// The listener's decoder needs a key frame of what plays.
    pub(super) fn refresh(&mut self, now: Instant, news: &mut News) {
        if self.needs_keyframe
            && let Some(layer) = self.playing.or(self.target)
        {
            self.asked = now;
            news.keyframe(self.track(), layer);
        }
    }

    /// There is a reason to look after this every now and then.
    pub(super) fn needs_review(&self) -> bool {
        self.needs_keyframe && (self.target.is_some() || self.layers() > 1)
    }

    /// Falls back from a layer that stalled, returns to it, asks again for key frames that did not come.
    pub(super) fn review(&mut self, now: Instant, news: &mut News) {
        if !self.needs_keyframe {
            return;
        }
        self.suits = self.sizes.suiting(self.shown.size, Some(self.suits));
        if self.grant == Grant::Paused {
            return;
        }
        let wanted = self.grant.bounds(self.suits);
        if wanted != self.wanted {
            self.wanted = wanted;
            self.since = now;
            news.watch_changed();
        }
        let goal = self.goal(now, news);
        self.go_for(goal, now, news);
        if self.choose_spatial(now) {
            self.ask_pause = ASK_AGAIN;
        }
        let waits = self.target.is_some() || self.climbs();
        if waits && now.saturating_duration_since(self.asked) >= self.ask_pause {
            self.ask_pause = (self.ask_pause * 2).min(ASK_LATEST);
            self.ask(now, news);
        }
    }

    /// Works out which spatial layer is wanted; true if that changed.
    fn choose_spatial(&mut self, now: Instant) -> bool {
        let (tile, grant) = (self.shown.size, self.grant);
        let ladder = self.ladder.as_mut();
        ladder.is_some_and(|ladder| ladder.choose(tile, grant, now))
    }

    /// A key frame is waited for to go to another spatial layer.
    fn climbs(&self) -> bool {
        self.ladder
            .as_ref()
            .is_some_and(|ladder| ladder.needs_keyframe())
    }

    fn goal(&mut self, now: Instant, news: &mut News) -> Layer {
        let within = |at: Option<Instant>, limit| {
            at.is_some_and(|at| now.saturating_duration_since(at) < limit)
        };
        let flow = |layer: u8| self.flow[usize::from(layer)].last;
        let patience = if self.playing.is_some() {
            PATIENCE
        } else {
            START_PATIENCE
        };
        let wanted = self.wanted.0;
        let alive = within(flow(wanted), STALL) || within(Some(self.since), patience);
        let searching = !alive && self.shown.layers > 1;
        let goal = if alive {
            self.wanted
        } else {
            // The nearest below, else the nearest above, else what there is.
            let mut others = (0..wanted).rev().chain(wanted + 1..self.shown.layers);
            let found = others.find(|&layer| within(flow(layer), RECENT)).map(Layer);
            found.or(self.playing).unwrap_or(self.wanted)
        };
        if searching != self.searching {
            self.searching = searching;
            news.watch_changed();
        }
        goal
    }

    fn go_for(&mut self, goal: Layer, now: Instant, news: &mut News) {
        let target = (self.playing != Some(goal)).then_some(goal);
        if target == self.target {
            return;
        }
        self.target = target;
        news.watch_changed();
        if target.is_some() {
            self.ask_pause = ASK_AGAIN;
            self.ask(now, news);
        }
    }

    fn ask(&mut self, now: Instant, news: &mut News) {
        if self.needs_keyframe
            && let Some(layer) = self.target.or(self.playing.filter(|_| self.climbs()))
        {
            self.asked = now;
            news.keyframe(self.track(), layer);
        }
    }

    // ── hot path ──

    /// Takes note of a packet and says what to do with it.
    pub(super) fn see(&mut self, packet: &Packet, now: Instant, news: &mut News) -> Verdict {
        let verdict = self.see_encoding(packet, now, news);
        match &packet.info.svc {
            // Of several encodings one is chosen, not a layer within.
            Some(svc) if self.shown.layers == 1 => self.climb(verdict, packet, svc, now, news),
            Some(_) | None => verdict,
        }
    }

    /// Where a packet that was to be played stands in its picture.
    pub(super) fn place(&self, packet: &Packet) -> Place {
        match (&packet.info.svc, &self.ladder) {
            (Some(svc), Some(ladder)) => ladder.place(packet, svc),
            _ => Place::Within,
        }
    }

    fn climb(
        &mut self,
        verdict: Verdict,
        packet: &Packet,
        svc: &SvcFrame,
        now: Instant,
        news: &mut News,
    ) -> Verdict {
        let first = self.ladder.is_none();
        let ladder = self.ladder.get_or_insert_with(|| {
            // A frame of AV1 does not say in its payload which layer it is of; whoever is not told takes the lowest for all.
            let blind = packet.codec == Codec::Av1 && !self.described;
            let most = if blind { Layer(0) } else { Layer(MOST_LAYERS) };
            Box::new(Ladder::new(svc.layers, most, now))
        });
        if ladder.notice(packet, svc, now) || first {
            ladder.choose(self.shown.size, self.grant, now);
            // It was reckoned with one layer until now.
            news.share_due();
        }
        match verdict {
            Verdict::Drop | Verdict::LeaveOut => return Verdict::Drop,
            Verdict::Switch => ladder.begin(now),
            Verdict::Play => {}
        }
        let passes = ladder.passes(packet, svc, now);
        match (passes, ladder.owes_switch()) {
            (true, true) => {
                ladder.switched();
                Verdict::Switch
            }
            (true, false) => Verdict::Play,
            (false, true) => Verdict::Drop,
            (false, false) => Verdict::LeaveOut,
        }
    }

    fn see_encoding(&mut self, packet: &Packet, now: Instant, news: &mut News) -> Verdict {
        let Some(flow) = self.flow.get_mut(usize::from(packet.layer.0)) else {
            return Verdict::Drop;
        };
        let newest = packet.seq > flow.newest;
        flow.newest = flow.newest.max(packet.seq);
        // Empty packets are padding, by which a sender probes its path: no picture comes of them.
        if !packet.payload.is_empty() {
            flow.last = Some(now);
        }
        if let Some(size) = packet.info.size {
            self.sizes.learn(packet.layer, size);
        }
        if self.target == Some(packet.layer) {
            // A key frame that begins late has lost what was dropped behind it, so it is no place to start.
            if !self.needs_keyframe || (packet.info.starts_keyframe && newest) {
                self.playing = self.target.take();
                news.watch_changed();
                return Verdict::Switch;
            }
            if now.saturating_duration_since(self.asked) >= ASK_AGAIN {
                self.ask(now, news);
            }
        }
        if self.playing == Some(packet.layer) {
            Verdict::Play
        } else {
            Verdict::Drop
        }
    }
}

fn bounded(shown: Shown) -> Shown {
    Shown {
        layers: shown.layers.clamp(1, MOST_LAYERS),
        ..shown
    }
}

#[cfg(test)]
mod tests;
