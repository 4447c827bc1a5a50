//! Which slots show a track, and which layers of it all of them together want.

use std::collections::VecDeque;

use smallvec::SmallVec;

use super::words::OutboundEvent;
use crate::seam::{LayerSet, TrackId};
use crate::slot::Slot;

/// Who shows what, and what was told of it.
#[derive(Debug, Default)]
pub(super) struct Watches {
    /// Sorted by track, so that a burst finds its slots by bisection.
    routes: SmallVec<[(TrackId, usize); 4]>,
    /// Sorted by track.
    told: Vec<(TrackId, LayerSet)>,
    events: VecDeque<OutboundEvent>,
}

impl Watches {
    /// Slots were pointed elsewhere.
    pub(super) fn reroute(&mut self, slots: &[Slot]) {
        self.routes.clear();
        let shown = slots
            .iter()
            .enumerate()
            .filter_map(|(at, slot)| Some((slot.watch()?.0, at)));
        self.routes.extend(shown);
        self.routes.sort_unstable();
    }

    /// Works out which layers are wanted now, and tells what changed.
    pub(super) fn update(&mut self, slots: &[Slot]) {
        let mut wanted: Vec<(TrackId, LayerSet)> = Vec::new();
        for &(track, slot) in &self.routes {
            let Some((_, layers)) = slots.get(slot).and_then(Slot::watch) else {
                continue;
            };
            match wanted.last_mut() {
                Some((last, all)) if *last == track => *all = all.union(layers),
                _ => wanted.push((track, layers)),
            }
        }
        let find = |list: &[(TrackId, LayerSet)], track| {
            let at = list
                .binary_search_by_key(&track, |&(known, _)| known)
                .ok()?;
            Some(list[at].1)
        };
        for &(track, _) in &self.told {
            if find(&wanted, track).is_none() {
                self.events.push_back(OutboundEvent::Watch {
                    track,
                    layers: LayerSet::NONE,
                });
            }
        }
        for &(track, layers) in &wanted {
            if find(&self.told, track) != Some(layers) {
                self.events
                    .push_back(OutboundEvent::Watch { track, layers });
            }
        }
        self.told = wanted;
    }

    pub(super) fn pop(&mut self) -> Option<OutboundEvent> {
        self.events.pop_front()
    }

    /// Some slot shows a track for which this holds.
    pub(super) fn any(&self, of: impl Fn(TrackId) -> bool) -> bool {
        self.routes.iter().any(|&(track, _)| of(track))
    }

    // ── hot path ──

    /// The slots that show this track.
    pub(super) fn slots(&self, track: TrackId) -> impl Iterator<Item = usize> {
        let first = self.routes.partition_point(|&(known, _)| known < track);
        let routes = &self.routes[first..];
        routes
            .iter()
            .take_while(move |&&(known, _)| known == track)
            .map(|&(_, slot)| slot)
    }
}
