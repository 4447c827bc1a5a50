//! What a room offers to ears and eyes, most important first.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use calls_media::seam::{Codec, TrackId};
use calls_model::{DisplayName, ParticipantId, Source, UserId};

/// A track as its publisher announces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announced {
    /// Which.
    pub track: TrackId,
    /// What it shows or carries.
    pub source: Source,
    /// How many encodings it has.
    pub layers: u8,
    /// What it may be coded in.
    pub codecs: Arc<[Codec]>,
    /// Its publisher or a moderator silenced it.
    pub muted: bool,
}

/// A track as subscribers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Staged {
    /// Whose presence.
    pub participant_id: ParticipantId,
    /// Whose.
    pub user_id: UserId,
    /// What they are called, as they came in.
    pub display_name: Option<DisplayName>,
    /// What it is.
    pub announced: Announced,
}

/// All tracks of a room, in the order in which slots should be filled.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stage {
    /// The sound of screens, then voices, loudest first.
    pub audio: Vec<Staged>,
    /// Screens, then the faces of those who spoke last.
    pub video: Vec<Staged>,
}

impl Stage {
    /// The picture of whoever spoke last.
    pub fn last_speaker(&self) -> Option<&Staged> {
        self.video
            .iter()
            .find(|staged| staged.announced.source == Source::Camera)
    }
}

#[derive(Debug)]
struct Publisher {
    user_id: UserId,
    display_name: Option<DisplayName>,
    tracks: Vec<Announced>,
}

/// Who publishes what.
#[derive(Debug, Default)]
pub struct Publishers {
    all: BTreeMap<ParticipantId, Publisher>,
    owners: HashMap<TrackId, ParticipantId>,
}

impl Publishers {
    /// Replaces what somebody publishes. Returns the tracks that they do not publish any more.
    pub fn announce(
        &mut self,
        who: &ParticipantId,
        (user_id, display_name): (&UserId, Option<&DisplayName>),
        tracks: Vec<Announced>,
    ) -> Vec<TrackId> {
        let ended = self.remove(who);
        self.owners.extend(
            tracks
                .iter()
                .map(|announced| (announced.track, who.clone())),
        );
        self.all.insert(
            who.clone(),
            Publisher {
                user_id: user_id.clone(),
                display_name: display_name.cloned(),
                tracks,
            },
        );
        ended
            .into_iter()
            .filter(|track| !self.owners.contains_key(track))
            .collect()
    }

    /// Silences a source. Tells whether it was heard or seen before.
    pub fn mute(&mut self, who: &ParticipantId, source: Source) -> bool {
        let tracks = self
            .all
            .get_mut(who)
            .map(|publisher| publisher.tracks.iter_mut());
        let open = tracks
            .into_iter()
            .flatten()
            .filter(|own| own.source == source && !own.muted);
        open.map(|own| own.muted = true).count() > 0
    }

    /// Forgets somebody. Returns the tracks that ended by it.
    pub fn remove(&mut self, who: &ParticipantId) -> Vec<TrackId> {
        let Some(publisher) = self.all.remove(who) else {
            return Vec::new();
        };
        let tracks: Vec<TrackId> = publisher.tracks.iter().map(|own| own.track).collect();
        for track in &tracks {
            self.owners.remove(track);
        }
        tracks
    }

    /// Who publishes this track.
    pub fn owner(&self, track: TrackId) -> Option<&ParticipantId> {
        self.owners.get(&track)
    }

    /// All tracks.
    pub fn tracks(&self) -> Vec<TrackId> {
        self.owners.keys().copied().collect()
    }

    /// Sources of somebody that are published and not muted.
    pub fn open_sources(&self, who: &ParticipantId) -> Vec<Source> {
        let tracks = self
            .all
            .get(who)
            .map(|publisher| publisher.tracks.as_slice());
        let open = tracks
            .unwrap_or_default()
            .iter()
            .filter(|announced| !announced.muted);
        open.map(|announced| announced.source).collect()
    }

    /// The stage, with voices in the order of `loudest` and faces in the order of `floor`.
    pub fn stage(&self, loudest: &[TrackId], floor: &[ParticipantId]) -> Stage {
        let all: Vec<Staged> = self
            .all
            .iter()
            .flat_map(|(participant_id, publisher)| {
                publisher.tracks.iter().map(|announced| Staged {
                    participant_id: participant_id.clone(),
                    user_id: publisher.user_id.clone(),
                    display_name: publisher.display_name.clone(),
                    announced: announced.clone(),
                })
            })
            .collect();
        let (mut audio, mut video): (Vec<Staged>, Vec<Staged>) = all
            .into_iter()
            .partition(|staged| staged.announced.source.is_audio());
        audio.sort_by_key(|staged| {
            let voice = staged.announced.source == Source::Microphone;
            (voice, place(loudest, &staged.announced.track))
        });
        video.sort_by_key(|staged| {
            let face = staged.announced.source == Source::Camera;
            (face, place(floor, &staged.participant_id))
        });
        Stage { audio, video }
    }
}

/// Where something stands in a list; what is not in it comes last.
fn place<T: PartialEq>(list: &[T], wanted: &T) -> usize {
    list.iter()
        .position(|one| one == wanted)
        .unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use calls_media::seam::PeerId;

    use super::*;

    fn id(name: &str) -> ParticipantId {
        format!("part_{name}").parse().unwrap()
    }

    fn track(peer: u64, index: u32) -> TrackId {
        TrackId {
            peer: PeerId(peer),
            index,
        }
    }

    fn announced(track: TrackId, source: Source) -> Announced {
        Announced {
            track,
            source,
            layers: 1,
            codecs: [].into(),
            muted: false,
        }
    }

    fn two() -> Publishers {
        let mut publishers = Publishers::default();
        for (peer, name) in [(1, "ann"), (2, "bob")] {
            let tracks = vec![
                announced(track(peer, 0), Source::Microphone),
                announced(track(peer, 1), Source::Camera),
            ];
            publishers.announce(&id(name), (&name.parse().unwrap(), None), tracks);
        }
        publishers
    }

    #[test]
    fn the_loudest_voice_and_the_face_of_who_spoke_last_come_first() {
        let stage = two().stage(&[track(2, 0)], &[id("bob")]);
        let who = |staged: &[Staged]| staged[0].participant_id.clone();
        assert_eq!(
            (who(&stage.audio), who(&stage.video)),
            (id("bob"), id("bob"))
        );
    }

    #[test]
    fn a_screen_comes_before_every_face_and_its_sound_before_every_voice() {
        let mut publishers = two();
        let tracks = vec![
            announced(track(3, 0), Source::ScreenAudio),
            announced(track(3, 1), Source::Screen),
        ];
        publishers.announce(&id("cid"), (&"cid".parse().unwrap(), None), tracks);
        let stage = publishers.stage(&[track(2, 0)], &[id("bob")]);
        assert_eq!(stage.audio[0].announced.source, Source::ScreenAudio);
        assert_eq!(stage.video[0].announced.source, Source::Screen);
    }

    #[test]
    fn what_is_announced_no_more_has_ended() {
        let mut publishers = two();
        let tracks = vec![announced(track(1, 1), Source::Camera)];
        let gone = publishers.announce(&id("ann"), (&"ann".parse().unwrap(), None), tracks);
        assert_eq!(gone, [track(1, 0)]);
        assert_eq!(publishers.remove(&id("ann")), [track(1, 1)]);
        assert_eq!(publishers.owner(track(1, 1)), None);
    }

    #[test]
    fn a_muted_source_is_not_open() {
        let mut publishers = Publishers::default();
        let muted = Announced {
            muted: true,
            ..announced(track(1, 0), Source::Microphone)
        };
        publishers.announce(&id("ann"), (&"ann".parse().unwrap(), None), vec![muted]);
        assert!(publishers.open_sources(&id("ann")).is_empty());
    }
}
