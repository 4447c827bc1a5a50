//! Which tracks go where: by track and encoding, to those who watch it.

use actix::Recipient;
use calls_media::seam::{LayerSet, SourceClock, TrackId};
use foldhash::HashMap;

use super::Packets;

/// Somebody who watches a track.
#[derive(Debug)]
pub struct Watcher<Who, Door> {
    /// Who it is.
    pub who: Who,
    /// The encodings they want.
    pub layers: LayerSet,
    /// Where they are.
    pub door: Door,
}

#[derive(Debug)]
struct Route<Who, Door> {
    watchers: Vec<Watcher<Who, Door>>,
    /// The latest of each encoding, for those who come later.
    clocks: Vec<SourceClock>,
    wanted: LayerSet,
}

impl<Who, Door> Default for Route<Who, Door> {
    fn default() -> Self {
        Self {
            watchers: Vec::new(),
            clocks: Vec::new(),
            wanted: LayerSet::NONE,
        }
    }
}

impl<Who, Door> Route<Who, Door> {
    /// Nothing is known of it: its track may be gone, and nobody who watched it late would end it again.
    fn is_empty(&self) -> bool {
        self.watchers.is_empty() && self.clocks.is_empty()
    }

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

/// The routes of one room, or of one branch of it.
#[derive(Debug)]
pub struct Routes<Who, Door> {
    by_track: HashMap<TrackId, Route<Who, Door>>,
}

impl<Who, Door> Default for Routes<Who, Door> {
    fn default() -> Self {
        Self {
            by_track: HashMap::default(),
        }
    }
}

impl<Who: Clone + PartialEq, Door> Routes<Who, Door> {
    /// Somebody wants these layers of a track, and no others. Returns what all together want, if that changed.
    pub fn watch(
        &mut self,
        track: TrackId,
        who: &Who,
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
        let changed = route.recount();
        if route.is_empty() {
            self.by_track.remove(&track);
        }
        changed
    }

    /// Nothing more for somebody. Returns the tracks that fewer layers are wanted of.
    pub fn forget_watcher(&mut self, who: &Who) -> Vec<(TrackId, LayerSet)> {
        let forget = |(track, route): (&TrackId, &mut Route<Who, Door>)| {
            route.watchers.retain(|watcher| &watcher.who != who);
            route.recount().map(|wanted| (*track, wanted))
        };
        let changed = self.by_track.iter_mut().filter_map(forget).collect();
        self.by_track.retain(|_, route| !route.is_empty());
        changed
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

    /// Everybody who watches, by track.
    pub fn all(&self) -> impl Iterator<Item = (TrackId, &Watcher<Who, Door>)> {
        let tracks = self.by_track.iter();
        tracks.flat_map(|(&track, route)| route.watchers.iter().map(move |one| (track, one)))
    }

    /// What all together want, of each track of which they want something.
    pub fn all_wanted(&self) -> Vec<(TrackId, LayerSet)> {
        let wanted = self
            .by_track
            .iter()
            .map(|(&track, route)| (track, route.wanted));
        wanted.filter(|(_, layers)| !layers.is_empty()).collect()
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
    pub fn watchers(&self, track: TrackId) -> &[Watcher<Who, Door>] {
        self.by_track
            .get(&track)
            .map(|route| route.watchers.as_slice())
            .unwrap_or_default()
    }
}

impl<Who: Clone + PartialEq> Routes<Who, Recipient<Packets>> {
    /// Sends packets to all who watch them. Returns how many had no room for them: a listener that cannot keep up loses
    /// media, never the others.
    pub fn send(&self, packets: &Packets) -> u64 {
        let mut dropped = 0;
        for watcher in self.watchers(packets.track) {
            if watcher.layers.meets(packets.layers)
                && watcher.door.try_send(packets.clone()).is_err()
            {
                dropped += 1;
            }
        }
        dropped
    }
}

#[cfg(test)]
mod tests {
    use calls_media::seam::{Layer, PeerId};
    use calls_model::ParticipantId;

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

    #[test]
    fn a_track_that_was_watched_after_its_end_leaves_nothing() {
        let mut routes = Routes::default();
        for stop in [true, false] {
            routes.watch(FACE, &id("ann"), only(1), ());
            routes.forget_track(FACE);
            routes.watch(FACE, &id("ann"), only(1), ());
            if stop {
                routes.watch(FACE, &id("ann"), LayerSet::NONE, ());
            } else {
                routes.forget_watcher(&id("ann"));
            }
            assert!(routes.by_track.is_empty());
        }
    }
}
