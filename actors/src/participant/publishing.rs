//! What a participant sends: its tracks, which are silenced, and which encodings of them anybody watches.

use std::collections::HashSet;

use calls_media::TrackInfo;
use calls_media::seam::{Kind, Layer, LayerSet, TrackId};
use calls_model::Source;
use calls_model::signal::Layers;

use crate::room::stage::Announced;

#[derive(Debug)]
struct Published {
    info: TrackInfo,
    /// What the client was told; `None`: nothing yet, so it sends all.
    told: Option<LayerSet>,
}

impl Published {
    fn layers(&self) -> u8 {
        u8::try_from(self.info.rids.len()).unwrap_or(u8::MAX).max(1)
    }
}

/// The tracks of one participant.
#[derive(Debug, Default)]
pub struct Publishing {
    tracks: Vec<Published>,
    muted: HashSet<Source>,
}

impl Publishing {
    /// Takes what an offer came to. What was silenced stays silenced; but a screen that is shared anew is another one.
    pub fn negotiated(&mut self, tracks: Vec<TrackInfo>) {
        let before = std::mem::take(&mut self.tracks);
        for source in [Source::Screen, Source::ScreenAudio] {
            if !before.iter().any(|old| old.info.source == source) {
                self.muted.remove(&source);
            }
        }
        let told = |id: TrackId| before.iter().find(|old| old.info.id == id)?.told;
        self.tracks = tracks
            .into_iter()
            .map(|info| Published {
                told: told(info.id),
                info,
            })
            .collect();
    }

    /// Silences a source, or ends that. Tells whether anything changed.
    pub fn set_muted(&mut self, source: Source, muted: bool) -> bool {
        if muted {
            self.muted.insert(source)
        } else {
            self.muted.remove(&source)
        }
    }

    /// Silences all sources.
    pub fn mute_all(&mut self) {
        let all = [
            Source::Microphone,
            Source::Camera,
            Source::Screen,
            Source::ScreenAudio,
        ];
        self.muted.extend(all);
    }

    /// Something of this kind is published.
    pub fn has(&self, source: Source) -> bool {
        self.tracks.iter().any(|own| own.info.source == source)
    }

    /// What to announce to the room.
    pub fn announce(&self) -> Vec<Announced> {
        let announced = |published: &Published| Announced {
            track: published.info.id,
            source: published.info.source,
            layers: published.layers(),
            codecs: published.info.codecs.as_slice().into(),
            muted: self.muted.contains(&published.info.source),
        };
        self.tracks.iter().map(announced).collect()
    }

    /// Every encoding of the pictures of a source: what needs a key frame when it is seen again.
    pub fn pictures(&self, source: Source) -> Vec<(TrackId, Layer)> {
        self.tracks
            .iter()
            .filter(|own| own.info.source == source && own.info.kind == Kind::Video)
            .flat_map(|own| (0..own.layers()).map(|layer| (own.info.id, Layer(layer))))
            .collect()
    }

    /// The room wants these encodings. Returns what to tell the client, if it can do something about it: nothing is
    /// worth sending where nobody watches, and the smallest always is where anybody does, as whoever watches a larger one
    /// falls back on it when their network gets worse.
    pub fn watched(&mut self, track: TrackId, layers: LayerSet) -> Option<Layers> {
        let own = self.tracks.iter_mut().find(|own| own.info.id == track)?;
        let layers = if layers.is_empty() {
            layers
        } else {
            layers.with(Layer(0))
        };
        if own.info.rids.is_empty() || own.told == Some(layers) {
            return None;
        }
        own.told = Some(layers);
        let wanted = |(index, _): &(u8, _)| layers.has(Layer(*index));
        let rids = (0..).zip(&own.info.rids).filter(wanted);
        Some(Layers {
            mid: own.info.mid.0.to_string(),
            rids: rids.map(|(_, rid)| rid.0.to_string()).collect(),
        })
    }

    // ── hot path ────────────────────────────────────────────────────────────

    /// This track may be forwarded.
    pub fn is_open(&self, track: TrackId) -> bool {
        let own = self.tracks.iter().find(|own| own.info.id == track);
        own.is_some_and(|own| !self.muted.contains(&own.info.source))
    }
}

#[cfg(test)]
mod tests {
    use calls_media::seam::{Mid, PeerId, Rid};

    use super::*;

    const FACE: TrackId = TrackId {
        peer: PeerId(1),
        index: 0,
    };

    fn camera(rids: &[&str]) -> TrackInfo {
        TrackInfo {
            id: FACE,
            mid: Mid("1".into()),
            source: Source::Camera,
            kind: Kind::Video,
            rids: rids.iter().map(|&rid| Rid(rid.into())).collect(),
            codecs: Vec::new(),
        }
    }

    fn screen() -> TrackInfo {
        TrackInfo {
            source: Source::Screen,
            ..camera(&[])
        }
    }

    #[test]
    fn a_screen_that_was_silenced_is_open_when_it_is_shared_anew() {
        let mut publishing = Publishing::default();
        publishing.negotiated(vec![screen()]);
        publishing.set_muted(Source::Screen, true);
        publishing.negotiated(vec![screen()]);
        assert!(!publishing.is_open(FACE), "the same one stays silent");

        publishing.negotiated(Vec::new());
        publishing.negotiated(vec![screen()]);
        assert!(publishing.is_open(FACE));
    }

    fn publishing(rids: &[&str]) -> Publishing {
        let mut publishing = Publishing::default();
        publishing.negotiated(vec![camera(rids)]);
        publishing
    }

    #[test]
    fn a_muted_source_stays_muted_over_a_new_offer() {
        let mut publishing = publishing(&[]);
        assert!(publishing.set_muted(Source::Camera, true));
        publishing.negotiated(vec![camera(&[])]);
        assert!(!publishing.is_open(FACE));
        assert!(publishing.announce()[0].muted);
    }

    #[test]
    fn muting_twice_is_no_change() {
        let mut publishing = publishing(&[]);
        assert!(publishing.set_muted(Source::Camera, true));
        assert!(!publishing.set_muted(Source::Camera, true));
    }

    #[test]
    fn a_publisher_is_told_by_name_which_encodings_are_watched() {
        let mut publishing = publishing(&["q", "h", "f"]);
        let layers = LayerSet::only(Layer(0)).with(Layer(2));
        let told = publishing.watched(FACE, layers).unwrap();
        assert_eq!(
            (told.mid.as_str(), told.rids),
            ("1", vec!["q".to_owned(), "f".to_owned()])
        );
        assert_eq!(publishing.watched(FACE, layers), None, "nothing new");
    }

    #[test]
    fn the_smallest_encoding_is_worth_sending_while_anybody_watches() {
        let mut publishing = publishing(&["q", "h", "f"]);
        let told = publishing.watched(FACE, LayerSet::only(Layer(2))).unwrap();
        assert_eq!(told.rids, ["q", "f"]);
    }

    #[test]
    fn a_publisher_whom_nobody_watches_is_told_so_from_the_start_and_again() {
        let mut publishing = publishing(&["q", "h"]);
        let mut told = |layers| publishing.watched(FACE, layers).map(|told| told.rids.len());
        assert_eq!(told(LayerSet::NONE), Some(0));
        assert_eq!(told(LayerSet::NONE), None, "nothing new");
        assert_eq!(told(LayerSet::only(Layer(1))), Some(2));
        assert_eq!(told(LayerSet::NONE), Some(0));
    }

    #[test]
    fn a_track_without_simulcast_is_never_told_to_stop() {
        let mut publishing = publishing(&[]);
        assert_eq!(publishing.watched(FACE, LayerSet::NONE), None);
    }
}
