use proptest::prelude::*;

use super::*;
use crate::seam::PeerId;

const MS: Duration = Duration::from_millis(1);
const SPEECH_LEVEL: u8 = 30;
const HUM: u8 = 70;

fn voice(name: u64) -> TrackId {
    TrackId {
        peer: PeerId(name),
        index: 0,
    }
}

/// A room in which packets come every 20 ms.
struct Room {
    speakers: Speakers,
    now: Instant,
}

impl Room {
    fn new() -> Self {
        Self {
            speakers: Speakers::new(),
            now: Instant::now(),
        }
    }

    fn pass(&mut self, ms: u32, levels: &[(u64, u8)]) -> Vec<u64> {
        for _ in 0..ms / 20 {
            self.now += 20 * MS;
            for &(name, level) in levels {
                self.speakers.hear(voice(name), level, self.now);
            }
        }
        self.loudest(2)
    }

    fn loudest(&mut self, n: usize) -> Vec<u64> {
        self.speakers
            .loudest(n, self.now)
            .iter()
            .map(|speaker| speaker.track.peer.0)
            .collect()
    }

    fn speaking(&mut self) -> Vec<u64> {
        let loudest = self.speakers.loudest(2, self.now).into_iter();
        loudest
            .filter(|speaker| speaker.speaking)
            .map(|speaker| speaker.track.peer.0)
            .collect()
    }
}

#[test]
fn who_speaks_is_found_within_two_hundred_ms_and_the_loudest_is_first() {
    let mut room = Room::new();
    room.pass(1000, &[(1, HUM), (2, HUM), (3, HUM), (4, HUM)]);
    assert!(room.speaking().is_empty());
    let loudest = room.pass(200, &[(1, HUM), (2, HUM), (3, 40), (4, 20)]);
    assert_eq!(loudest, [4, 3]);
    assert_eq!(room.speaking(), [4, 3]);
}

#[test]
fn a_pause_between_sentences_costs_no_place() {
    let mut room = Room::new();
    room.pass(1000, &[(1, SPEECH_LEVEL), (2, HUM), (3, HUM)]);
    room.pass(1000, &[(1, HUM), (2, SPEECH_LEVEL), (3, HUM)]);
    assert!(room.loudest(2).contains(&1));
    let later = room.pass(1600, &[(1, HUM), (2, SPEECH_LEVEL), (3, SPEECH_LEVEL)]);
    assert_eq!(later.len(), 2);
    assert!(!later.contains(&1));
}

#[test]
fn places_that_nobody_speaks_in_go_to_those_who_spoke_last() {
    let mut room = Room::new();
    room.pass(500, &[(1, HUM), (2, HUM), (3, SPEECH_LEVEL), (4, HUM)]);
    room.pass(500, &[(1, HUM), (2, HUM), (3, HUM), (4, SPEECH_LEVEL)]);
    let silent = room.pass(5000, &[(1, HUM), (2, HUM), (3, HUM), (4, HUM)]);
    assert_eq!(silent, [4, 3]);
    assert!(room.speaking().is_empty());
}

#[test]
fn a_much_louder_voice_takes_the_quietest_place_but_not_at_once() {
    let mut room = Room::new();
    room.pass(400, &[(1, 45), (2, 35)]);
    let crowd = [(1, 45), (2, 35), (3, 15)];
    assert!(!room.pass(200, &crowd).contains(&3), "they have just begun");
    let later = room.pass(1000, &crowd);
    assert_eq!(later, [3, 2]);
}

#[test]
fn a_little_louder_is_not_enough() {
    let mut room = Room::new();
    room.pass(2000, &[(1, 33), (2, 33)]);
    assert!(!room.pass(3000, &[(1, 33), (2, 33), (3, 30)]).contains(&3));
}

#[test]
fn a_voice_without_packets_falls_silent() {
    let mut room = Room::new();
    room.pass(1000, &[(1, SPEECH_LEVEL)]);
    room.now += 2000 * MS;
    let speakers = room.speakers.loudest(2, room.now);
    assert_eq!((speakers[0].speaking, speakers[0].loudness), (false, 0));
}

#[test]
fn a_click_is_no_speech() {
    let mut room = Room::new();
    room.pass(1000, &[(1, 127)]);
    room.pass(20, &[(1, 0)]);
    room.pass(100, &[(1, 127)]);
    assert!(room.speaking().is_empty());
}

#[test]
fn who_left_is_forgotten() {
    let mut room = Room::new();
    room.pass(1000, &[(1, SPEECH_LEVEL), (2, HUM)]);
    room.speakers.forget(voice(1));
    assert_eq!(room.loudest(2), [2]);
}

proptest! {
    #[test]
    fn as_many_as_there_are_and_nobody_twice(
        levels in proptest::collection::vec((0u64..8, any::<u8>(), 0u32..300), 0..200),
        n in 0usize..6,
    ) {
        let mut room = Room::new();
        for (name, level, pause) in levels {
            room.now += pause * MS;
            room.speakers.hear(voice(name), level, room.now);
            let mut loudest = room.loudest(n);
            prop_assert_eq!(loudest.len(), n.min(room.speakers.voices.len()));
            loudest.sort_unstable();
            loudest.dedup();
            prop_assert_eq!(loudest.len(), n.min(room.speakers.voices.len()));
        }
    }

    #[test]
    fn who_keeps_speaking_keeps_the_place_for_its_tenure(
        others in proptest::collection::vec((2u64..8, 0u8..127), 1..60),
    ) {
        let mut room = Room::new();
        room.pass(400, &[(1, SPEECH_LEVEL)]);
        for (name, level) in others.into_iter().take(25) {
            let loudest = room.pass(20, &[(1, SPEECH_LEVEL), (name, level)]);
            prop_assert!(loudest.contains(&1));
        }
    }
}
