//! The spatial layers of one scalable stream (SVC), as its packets tell them: by the dependency descriptor, and where
//! that is missing or says nothing, by the payload descriptor of VP9.

use std::time::Instant;

use super::rate::Rate;
use crate::codecs::{descriptor, vp9};
use crate::seam::{Codec, Layer, LayerSet, MAX_LAYERS, SvcFrame};

#[expect(clippy::cast_possible_truncation, reason = "a handful")]
const MOST_LAYERS: u8 = MAX_LAYERS as u8;

/// A packet of a codec that can have layers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) codec: Codec,
    pub(super) seq: u64,
    /// The dependency descriptor.
    pub(super) descriptor: Option<&'a [u8]>,
    pub(super) payload: &'a [u8],
}

impl Seen<'_> {
    /// It says something about layers.
    pub(super) fn may_be_layered(&self) -> bool {
        let vp9 = matches!(self.codec, Codec::Vp9 { .. });
        let layers = |first: &u8| first & 0x20 != 0; // L
        self.descriptor.is_some() || (vp9 && self.payload.first().is_some_and(layers))
    }
}

/// What a stream has told of its layers so far.
#[derive(Debug)]
pub(super) struct Scalability {
    structure: Option<descriptor::Structure>,
    /// The decode targets that are sent, a bit for each.
    active: u32,
    /// Layers and sizes as VP9 tells them.
    layers: u8,
    sizes: [Option<(u16, u16)>; MAX_LAYERS],
    /// The packet that told one of these last: an older one that comes late does not take it back.
    told: u64,
    /// There were several layers at some time.
    scalable: bool,
    /// What each layer takes with all that it needs.
    rates: [Rate; MAX_LAYERS],
}

impl Scalability {
    pub(super) fn new(zero: Instant) -> Self {
        Self {
            structure: None,
            active: u32::MAX,
            layers: 1,
            sizes: [None; MAX_LAYERS],
            told: 0,
            scalable: false,
            rates: std::array::from_fn(|_| Rate::new(zero)),
        }
    }

    /// Kilobits a second of each layer with all that it needs; `None` if there never were several.
    pub(super) fn kbps(&self, now: Instant) -> Option<[u16; MAX_LAYERS]> {
        let rates = self.rates.each_ref();
        self.scalable.then(|| rates.map(|rate| rate.kbps(now)))
    }

    // ── hot path ──

    /// Where the packet stands; `None` in a stream of one layer, and where it cannot be told.
    pub(super) fn read(&mut self, seen: Seen<'_>, now: Instant) -> Option<SvcFrame> {
        let described = seen
            .descriptor
            .and_then(|bytes| self.by_descriptor(bytes, seen.seq));
        let frame = match (described, seen.codec) {
            (None, Codec::Vp9 { .. }) => self.by_payload(seen)?,
            (described, _) => described?,
        };
        // More layers than we tell apart leave whole.
        self.scalable |= frame.layers > 1;
        if !self.scalable || frame.layers > MOST_LAYERS {
            return None;
        }
        for (layer, rate) in (0u8..).map(Layer).zip(&mut self.rates) {
            if frame.needed.has(layer) {
                rate.add(seen.payload.len(), now);
            }
        }
        Some(frame)
    }

    fn by_descriptor(&mut self, bytes: &[u8], seq: u64) -> Option<SvcFrame> {
        let descriptor = descriptor::Descriptor::parse(bytes, self.structure.as_ref())?;
        if seq >= self.told {
            if let Some(structure) = descriptor.structure {
                self.structure = Some(structure);
                self.told = seq;
            }
            if let Some(active) = descriptor.active {
                self.active = active;
                self.told = seq;
            }
        }
        let structure = self.structure.as_ref()?;
        let (layers, indications) = descriptor.frame;
        let sent = |target: usize| self.active >> target & 1 == 1;
        let targets = structure.targets.iter().enumerate();
        let highest = targets
            .filter(|(target, _)| sent(*target))
            .map(|(_, layers)| layers.spatial)
            .max();
        let highest = highest.unwrap_or(0).max(layers.spatial);
        let needs = |layer: u8| match structure.target(layer) {
            Some(target) => indications.of(target) != descriptor::Indication::NotPresent,
            None => layers.spatial <= layer,
        };
        Some(SvcFrame {
            layers: highest + 1,
            spatial: layers.spatial,
            needed: needed(highest, needs),
            begins: descriptor.begins,
            ends: descriptor.ends,
            size: structure.sizes.get(usize::from(layers.spatial)).copied(),
        })
    }

    fn by_payload(&mut self, seen: Seen<'_>) -> Option<SvcFrame> {
        let descriptor = vp9::Descriptor::read(seen.payload)?;
        let spatial = descriptor.spatial?;
        if let Some(structure) = descriptor.structure.filter(|_| seen.seq >= self.told) {
            self.told = seen.seq;
            self.layers = structure.layers;
            if let Some(told) = structure.sizes {
                let told = told.iter().take(structure.layers.into()).map(Some);
                let all = told.chain(std::iter::repeat(None));
                (self.sizes.iter_mut().zip(all)).for_each(|(known, told)| *known = told.copied());
            }
        }
        self.layers = self.layers.max(spatial + 1);
        let highest = self.layers - 1;
        let needs = |layer| spatial == layer || (spatial < layer && !descriptor.spared);
        Some(SvcFrame {
            layers: self.layers,
            spatial,
            needed: needed(highest, needs),
            begins: descriptor.begins,
            ends: descriptor.ends,
            size: self.sizes.get(usize::from(spatial)).copied().flatten(),
        })
    }
}

/// The layers that need a frame; all above the highest count as that.
fn needed(highest: u8, needs: impl Fn(u8) -> bool) -> LayerSet {
    let layers = (0..MOST_LAYERS).filter(|&layer| needs(layer.min(highest)));
    layers.map(Layer).fold(LayerSet::NONE, LayerSet::with)
}

#[cfg(test)]
mod tests;
