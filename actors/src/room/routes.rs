//! Which tracks go where: by track and encoding, to those who watch it.

use calls_media::seam::{LayerSet, SourceClock, TrackId};
use calls_model::ParticipantId;
use foldhash::HashMap;

/// Somebody who watches a track.
#[derive(Debug)]
pub struct Watcher<Door> {
    who: ParticipantId,
    /// The encodings they want.
    pub layers: LayerSet,
    /// Where they are.
    pub door: Door,
}

impl<Door> Watcher<Door> {
    /// Who it is.
    pub fn who(&self) -> &ParticipantId {
        &self.who
    }
}

#[derive(Debug)]
struct Route<Door> {
    watchers: Vec<Watcher<Door>>,
    /// The latest of each encoding, for those who come later.
    clocks: Vec<SourceClock>,
    wanted: LayerSet,
}

impl<Door> Default for Route<Door> {
    fn default() -> Self {
        Self {
            watchers: Vec::new(),
            clocks: Vec::new(),
            wanted: LayerSet::NONE,
        }
    }
}

impl<Door> Route<Door> {
    /// Adds up what is wanted; `Some` if that changed.
    fn recount(&mut self) -> Option<LayerSet> {
        let wanted = self
            .watchers
            .iter()
            .fold(LayerSet::NONE, |all, one| all.union(one.layers));
        (wanted != self.wanted).then(|| {
            self.wanted = wanted;
            wanted
        })
    }
}

/// The routes of one room.
#[derive(Debug)]
pub struct Routes<Door> {
    by_track: HashMap<TrackId, Route<Door>>,
}

impl<Door> Default for Routes<Door> {
    fn default() -> Self {
        Self {
            by_track: HashMap::default(),
        }
    }
}

impl<Door> Routes<Door> {
    /// Somebody wants these layers of a track, and no others. Returns what all together want, if that changed.
    pub fn watch(
        &mut self,
        track: TrackId,
        who: &ParticipantId,
        layers: LayerSet,
        door: Door,
    ) -> Option<LayerSet> {
        if layers.is_empty() && !self.by_track.contains_key(&track) {
            return None;
        }
        let route = self.by_track.entry(track).or_default();
        route.watchers.retain(|watcher| &watcher.who != who);
        if !layers.is_empty() {
            route.watchers.push(Watcher {
                who: who.clone(),
                layers,
                door,
            });
        }
        route.recount()
    }

    /// Nothing more for somebody. Returns the tracks that fewer layers are wanted of.
    pub fn forget_watcher(&mut self, who: &ParticipantId) -> Vec<(TrackId, LayerSet)> {
        let forget = |(track, route): (&TrackId, &mut Route<Door>)| {
            route.watchers.retain(|watcher| &watcher.who != who);
            route.recount().map(|wanted| (*track, wanted))
        };
        self.by_track.iter_mut().filter_map(forget).collect()
    }

    /// A track is gone.
    pub fn forget_track(&mut self, track: TrackId) {
        self.by_track.remove(&track);
    }

    /// What all together want of a track.
    pub fn wanted(&self, track: TrackId) -> LayerSet {
        self.by_track
            .get(&track)
            .map_or(LayerSet::NONE, |route| route.wanted)
    }

    /// Keeps a clock.
    pub fn keep_clock(&mut self, clock: SourceClock) {
        let route = self.by_track.entry(clock.track).or_default();
        route.clocks.retain(|kept| kept.layer != clock.layer);
        route.clocks.push(clock);
    }

    /// The latest clock of each encoding.
    pub fn clocks(&self, track: TrackId) -> &[SourceClock] {
        self.by_track
            .get(&track)
            .map(|route| route.clocks.as_slice())
            .unwrap_or_default()
    }

    // ── hot path ────────────────────────────────────────────────────────────

    /// Who watches a track.
    pub fn watchers(&self, track: TrackId) -> &[Watcher<Door>] {
        self.by_track
            .get(&track)
            .map(|route| route.watchers.as_slice())
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use calls_media::seam::{Layer, PeerId};

    use super::*;

    const FACE: TrackId = TrackId {
        peer: PeerId(1),
        index: 0,
    };

    fn id(name: &str) -> ParticipantId {
        format!("part_{name}").parse().unwrap()
    }

    fn only(layer: u8) -> LayerSet {
        LayerSet::only(Layer(layer))
    }

    #[test]
    fn a_publisher_hears_of_layers_only_when_the_sum_changes() {
        let mut routes = Routes::default();
        assert_eq!(routes.watch(FACE, &id("ann"), only(0), ()), Some(only(0)));
        assert_eq!(routes.watch(FACE, &id("bob"), only(0), ()), None);
        assert_eq!(
            routes.watch(FACE, &id("bob"), only(2), ()),
            Some(only(0).union(only(2)))
        );
    }

    #[test]
    fn who_watches_anew_is_not_counted_twice() {
        let mut routes = Routes::default();
        routes.watch(FACE, &id("ann"), only(0), ());
        routes.watch(FACE, &id("ann"), only(1), ());
        assert_eq!(
            (routes.watchers(FACE).len(), routes.wanted(FACE)),
            (1, only(1))
        );
    }

    #[test]
    fn when_the_last_watcher_goes_nothing_is_wanted() {
        let mut routes = Routes::default();
        routes.watch(FACE, &id("ann"), only(1), ());
        assert_eq!(routes.forget_watcher(&id("ann")), [(FACE, LayerSet::NONE)]);
        assert!(routes.watchers(FACE).is_empty());
    }
}
