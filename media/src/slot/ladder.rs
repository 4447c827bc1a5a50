//! Which spatial layer of a scalable stream (SVC) leaves through a slot.

use std::time::{Duration, Instant};

use super::aim::STALL;
use crate::allocation::Grant;
use crate::layers::Sizes;
use crate::seam::{Layer, LayerSet, MAX_LAYERS, Packet, SvcFrame};

/// Layers are believed to flow for so long before they were seen.
const TRUST: Duration = Duration::from_secs(1);
/// Changes of layer that late packets can be told by.
const TURNS: usize = 8;

/// Where a slot stands between the layers of one stream.
///
/// It goes to another layer at the beginning of a picture, and only if nothing was left out since the latest key frame
/// of what that layer needs: at a key frame to any; where layers predict each other (L3T3), to a lower one at any
/// picture, for a higher one needs all of those below; where they do so at key frames only (`L3T3_KEY`), no.
#[derive(Debug)]
pub(super) struct Ladder {
    sizes: Sizes,
    layers: u8,
    /// The highest that the listener can make a picture of.
    most: Layer,
    /// What suits the tile, once that was worked out.
    suits: Option<Layer>,
    /// What of that the path carries, and flows.
    wanted: Layer,
    playing: Layer,
    /// The layers of whose needs nothing was left out since the latest key frame.
    intact: LayerSet,
    newest: u64,
    /// Nothing is missing since then.
    gapless: bool,
    /// Where that key frame began.
    key: u64,
    begun: Instant,
    /// When each layer's own frames came last.
    seen: [Option<Instant>; MAX_LAYERS],
    /// When something of what plays came last.
    fed: Option<Instant>,
    /// From which packet on which layer plays, the latest first.
    turns: [Option<(u64, Layer)>; TURNS],
    /// It plays from here on, but nothing of it has left yet.
    owes_switch: bool,
}

impl Ladder {
    /// Of a stream with so many layers, of which all up to `most` left until now.
    pub(super) fn new(layers: u8, most: Layer, now: Instant) -> Self {
        let top = Layer(layers.saturating_sub(1)).min(most);
        Self {
            sizes: Sizes::unknown(layers),
            layers,
            most,
            suits: None,
            wanted: top,
            playing: top,
            intact: LayerSet::ALL,
            newest: 0,
            gapless: false,
            key: 0,
            begun: now,
            seen: [None; MAX_LAYERS],
            fed: None,
            turns: first_turn(top),
            owes_switch: false,
        }
    }

    pub(super) fn layers(&self) -> u8 {
        self.layers
    }

    /// What suits the tile, whatever the path carries.
    pub(super) fn suits(&self) -> Layer {
        self.suits.unwrap_or(self.playing)
    }

    pub(super) fn playing(&self) -> Layer {
        self.playing
    }

    /// Width and height of what plays, where that was told.
    pub(super) fn size(&self) -> Option<(u16, u16)> {
        self.sizes.told(self.playing)
    }

    /// Only a key frame leads to what is wanted.
    pub(super) fn needs_keyframe(&self) -> bool {
        self.wanted != self.playing && !self.reaches(self.wanted)
    }

    /// A picture that is no key frame can be the first of this layer. What of a lower one is still on its way will
    /// leave when it comes; of a higher one it would come behind the end of its picture.
    fn reaches(&self, layer: Layer) -> bool {
        self.intact.has(layer) && (layer < self.playing || self.gapless)
    }

    /// Works out what is wanted; true if that changed.
    pub(super) fn choose(&mut self, tile: Option<(u32, u32)>, grant: Grant, now: Instant) -> bool {
        let suits = self.sizes.suiting(tile, self.suits).min(self.most);
        self.suits = Some(suits);
        let bounded = grant.bounds(suits);
        let mut candidates = (0..=bounded.0).rev().map(Layer);
        let flowing = candidates.find(|&layer| self.flows(layer, now));
        let wanted = flowing.unwrap_or(self.playing.min(bounded));
        std::mem::replace(&mut self.wanted, wanted) != wanted
    }

    fn flows(&self, layer: Layer, now: Instant) -> bool {
        let within = |at: Option<Instant>, limit| {
            at.is_some_and(|at| now.saturating_duration_since(at) < limit)
        };
        let own = self.seen.get(usize::from(layer.0)).copied().flatten();
        within(own, STALL)
            || within(Some(self.begun), TRUST)
            || (layer == self.playing && within(self.fed, STALL))
    }

    // ── hot path ──

    /// Takes note of a packet that nothing leaves of now; true if the stream has another number of layers than before.
    pub(super) fn notice(&mut self, packet: &Packet, svc: &SvcFrame, now: Instant) -> bool {
        if let Some(seen) = self.seen.get_mut(usize::from(svc.spatial)) {
            *seen = Some(now);
        }
        if let Some(size) = svc.size.filter(|_| svc.begins) {
            self.sizes.learn(Layer(svc.spatial), size);
        }
        let changed = packet.seq > self.newest && svc.layers != self.layers;
        if changed {
            self.layers = svc.layers;
            self.sizes.resize(svc.layers);
        }
        changed
    }

    /// The stream begins to play.
    pub(super) fn begin(&mut self, now: Instant) {
        self.begun = now;
        self.intact = LayerSet::ALL;
        self.playing = self.wanted;
        self.turns = first_turn(self.wanted);
        self.owes_switch = true;
    }

    /// Whether a packet leaves.
    pub(super) fn passes(&mut self, packet: &Packet, svc: &SvcFrame, now: Instant) -> bool {
        if packet.seq > self.newest {
            self.gapless &= packet.seq == self.newest + 1;
            self.newest = packet.seq;
            // A picture that begins late has lost what was decided on without it.
            if svc.begins && svc.spatial == 0 {
                self.begin_picture(packet);
            }
        }
        let passes = self.needs(packet, svc);
        if passes {
            self.fed = Some(now);
        } else if packet.seq >= self.key {
            self.intact = self.intact.without(svc.needed);
        }
        passes
    }

    /// What played when it was sent needs it, or what plays now since then without a key frame.
    fn needs(&self, packet: &Packet, svc: &SvcFrame) -> bool {
        let then = self.at(packet.seq);
        then.is_some_and(|layer| svc.needed.has(layer))
            || (packet.seq >= self.key && svc.needed.has(self.playing))
    }

    fn begin_picture(&mut self, packet: &Packet) {
        if packet.info.starts_keyframe {
            self.intact = LayerSet::ALL;
            self.key = packet.seq;
            self.gapless = true;
        }
        if self.wanted != self.playing && self.reaches(self.wanted) {
            self.playing = self.wanted;
            self.turns.rotate_right(1);
            self.turns[0] = Some((packet.seq, self.wanted));
        }
    }

    /// Nothing has left yet since it began.
    pub(super) fn owes_switch(&self) -> bool {
        self.owes_switch
    }

    /// The first packet leaves since it began.
    pub(super) fn switched(&mut self) {
        self.owes_switch = false;
    }

    /// The layer that played when this packet was sent; `None` if that is too long ago.
    fn at(&self, seq: u64) -> Option<Layer> {
        let mut turns = self.turns.iter().flatten();
        turns
            .find(|(from, _)| seq >= *from)
            .map(|(_, layer)| *layer)
    }

    /// What becomes of a packet whose number was kept.
    pub(super) fn place(&self, packet: &Packet, svc: &SvcFrame) -> Place {
        if !self.needs(packet, svc) {
            return Place::LeftOut;
        }
        let highest = |layer: Layer| layer.0.min(svc.layers.saturating_sub(1));
        if svc.ends && self.at(packet.seq).map(highest) == Some(svc.spatial) {
            Place::Last
        } else {
            Place::Within
        }
    }
}

/// Nothing else has played yet.
fn first_turn(layer: Layer) -> [Option<(u64, Layer)>; TURNS] {
    let mut turns = [None; TURNS];
    turns[0] = Some((0, layer));
    turns
}

/// Where a packet stands in the picture that leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It belongs to a higher layer, but others have left with higher numbers, so it leaves empty.
    LeftOut,
    /// As the publisher marked it.
    Within,
    /// The last packet of the picture, for nothing above it leaves.
    Last,
}
