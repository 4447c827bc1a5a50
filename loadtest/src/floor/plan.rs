//! Who is at the floor, and who receives from whom: written by the crowd, read by the program.

use serde::{Deserialize, Serialize};

use crate::scenario::Scenario;

/// Bytes of keying material for AES-128-GCM: two keys of 16, two salts of 12 (RFC 5764 §4.2, RFC 7714 §12).
pub(super) const MATERIAL: usize = 56;

/// Everybody, room by room.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Plan {
    /// Who is there; their place is their number.
    pub(super) members: Vec<Member>,
}

/// One at the floor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Member {
    /// Which room.
    pub(super) room: usize,
    /// What its keys are made of.
    pub(super) material: Vec<u8>,
    /// Who receives its microphone, by number.
    pub(super) audio_to: Vec<usize>,
    /// Who receives its camera, by number.
    pub(super) video_to: Vec<usize>,
}

impl Plan {
    /// The same streams to as many as the server would send them to: each receives from the first others, as far as
    /// its slots go.
    pub(super) fn of(scenario: &Scenario) -> Self {
        let people = scenario.people() as usize;
        let publishers = scenario.publishers as usize;
        let mut members = Vec::new();
        for room in 0..scenario.rooms as usize {
            let first = members.len();
            for seat in 0..people {
                let receives = |listener: usize, slots: u32| {
                    let others = (0..publishers).filter(|other| *other != listener);
                    seat < publishers && others.take(slots as usize).any(|other| other == seat)
                };
                let listeners = |slots| {
                    let listeners = (0..people).filter(move |listener| receives(*listener, slots));
                    listeners.map(|listener| first + listener).collect()
                };
                members.push(Member {
                    room,
                    material: (0..MATERIAL).map(|_| rand::random()).collect(),
                    audio_to: listeners(scenario.audio_slots),
                    video_to: if scenario.video.is_some() {
                        listeners(scenario.video_slots)
                    } else {
                        Vec::new()
                    },
                });
            }
        }
        Self { members }
    }

    /// Who publishes has the lowest numbers of a room.
    pub(super) fn seat(number: usize, scenario: &Scenario) -> u32 {
        let people = scenario.people().max(1);
        u32::try_from(number).unwrap_or(u32::MAX) % people
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::tests::meeting;
    use crate::stay::Present;

    #[test]
    fn as_many_streams_are_planned_as_the_scenario_expects_to_be_forwarded() {
        let scenario = Scenario {
            rooms: 2,
            viewers: 3,
            ..meeting()
        };
        let plan = Plan::of(&scenario);
        let streams = |pick: fn(&Member) -> usize| plan.members.iter().map(pick).sum::<usize>();
        let expected = |slots| {
            let publishers = f64::from(scenario.rooms * scenario.publishers);
            (scenario.fan_out(Present::everybody(&scenario), slots) * publishers).round()
        };
        #[expect(clippy::cast_precision_loss, reason = "some hundreds")]
        let planned = [
            streams(|member| member.audio_to.len()) as f64,
            streams(|member| member.video_to.len()) as f64,
        ];
        assert!((planned[0] - expected(scenario.audio_slots)).abs() < 0.5);
        assert!((planned[1] - expected(scenario.video_slots)).abs() < 0.5);
    }

    #[test]
    fn nobody_receives_what_they_send_and_rooms_are_apart() {
        let scenario = Scenario {
            rooms: 2,
            ..meeting()
        };
        let plan = Plan::of(&scenario);
        for (number, member) in plan.members.iter().enumerate() {
            for to in member.audio_to.iter().chain(&member.video_to) {
                assert_ne!(*to, number);
                assert_eq!(plan.members[*to].room, member.room);
            }
        }
    }
}
