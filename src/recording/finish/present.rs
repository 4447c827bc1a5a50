//! Who was there in a stretch of a recording that may still go on.

use calls_model::{RecordingFile, Source};

use super::described;
use super::gaps::Place;
use super::session::{Known, LiveFile, Session};
use super::timeline::{Timeline, cut};

/// Everybody of whom anything was recorded before the stretch ends, in the order in which they came: as a voice each, without
/// a file, that lasts as long as they are there. Those who have gone before it have none of its time.
pub(super) fn present(
    session: &Session,
    origin_us: i64,
    (from_us, to_us): (i64, i64),
) -> Vec<RecordingFile> {
    let mut people: Vec<(i64, &LiveFile, &Known)> = Vec::new();
    for live in &session.files {
        let known = session.tracks.get(&live.track);
        let (Some(known), Some(epoch)) = (known, live.epochs.first()) else {
            continue;
        };
        let timeline = Timeline::of(session, live, origin_us);
        let came_us = timeline.at(epoch.at_us).max(0);
        let mut others = people.iter_mut();
        match others.find(|(_, _, one)| one.user_id == known.user_id) {
            Some((came, ..)) => *came = came_us.min(*came),
            None => people.push((came_us, live, known)),
        }
    }
    people.retain(|(came_us, ..)| *came_us < to_us);
    people.sort_by_key(|(came_us, ..)| *came_us);
    let there = |(came_us, live, known): (i64, &LiveFile, &Known)| {
        let tracks = session.tracks.values();
        let own = tracks.filter(|track| track.user_id == known.user_id);
        let went = own.map(|track| went_us(session, track, origin_us, to_us));
        let begins = (came_us - from_us).max(0);
        let ends = (went.max().unwrap_or(to_us) - from_us).max(begins);
        RecordingFile {
            source: Some(Source::Microphone),
            ..described(live, known, String::new(), (begins, ends))
        }
    };
    people.into_iter().map(there).collect()
}

/// When a track was not published any more, at the latest where the stretch ends.
fn went_us(session: &Session, track: &Known, origin_us: i64, to_us: i64) -> i64 {
    let places = track.places.iter().map(|&(at_us, place)| {
        let at_us = cut(at_us, &session.pauses) - origin_us;
        (at_us, place)
    });
    let before = places.take_while(|(at_us, _)| *at_us < to_us).last();
    match before {
        Some((_, Place::There)) => to_us,
        Some((at_us, Place::Unpublished | Place::Left | Place::Away)) => at_us,
        None if track.places.is_empty() => to_us, // a log that does not say it
        None => 0,
    }
}

#[cfg(test)]
mod tests {
    use calls_model::{ParticipantId, UserId};

    use super::*;
    use crate::recording::log::{Entry, LaneKey, TrackKey};

    const SECOND: i64 = 1_000_000;

    fn key(peer: u32) -> TrackKey {
        TrackKey {
            run: 1,
            peer: peer.into(),
            index: 0,
        }
    }

    /// A voice of that user, from then on.
    fn comes(peer: u32, user: &str, second: i64) -> [Entry; 3] {
        let (track, at_us) = (key(peer), second * SECOND);
        let file = format!("live/{peer}.webm");
        [
            Entry::Track {
                track,
                at_us: Some(at_us),
                participant_id: ParticipantId::new(),
                user_id: UserId::try_from(user.to_owned()).expect("an id"),
                display_name: None,
                source: Source::Microphone,
            },
            Entry::File {
                file: file.clone(),
                track,
                codec: "opus".to_owned(),
            },
            Entry::Epoch {
                file,
                lane: LaneKey {
                    segment: 0,
                    track,
                    layer: 0,
                    generation: 0,
                },
                at_us,
                rtp: second * 48_000,
                rate: 48_000,
            },
        ]
    }

    fn goes(peer: u32, second: i64, left: bool) -> Entry {
        Entry::Gone {
            track: key(peer),
            at_us: second * SECOND,
            left,
        }
    }

    /// Who was there from when to when, in seconds of a stretch.
    fn there(entries: &[Entry], (from, to): (i64, i64)) -> Vec<(String, u64, u64)> {
        let session = Session::read(entries.to_vec(), None);
        let people = present(&session, 0, (from * SECOND, to * SECOND)).into_iter();
        let times = people.map(|one| {
            let user = one.user_id.expect("a user").as_str().to_owned();
            let begins = one.start_ms / 1000;
            (user, begins, begins + one.duration_ms / 1000)
        });
        times.collect()
    }

    #[test]
    fn people_are_there_while_anything_of_them_is_published() {
        let mut entries = Vec::new();
        entries.extend(comes(1, "ann", 0));
        entries.extend(comes(2, "bob", 10));
        entries.push(goes(2, 40, true));
        entries.extend(comes(3, "cem", 70));
        entries.push(goes(1, 80, false));
        let (ann, bob, cem) = ("ann".to_owned(), "bob".to_owned(), "cem".to_owned());
        let first = [(ann.clone(), 0, 30), (bob.clone(), 10, 30)];
        assert_eq!(there(&entries, (0, 30)), first);
        let second = [(ann.clone(), 0, 30), (bob.clone(), 0, 10)];
        assert_eq!(there(&entries, (30, 60)), second);
        let third = [(ann.clone(), 0, 20), (bob.clone(), 0, 0), (cem, 10, 30)];
        assert_eq!(there(&entries, (60, 90)), third);
        entries.extend(comes(4, "bob", 95));
        let back = there(&entries, (90, 120));
        assert_eq!(back[..2], [(ann, 0, 0), (bob, 0, 30)], "{back:?}");
    }
}
