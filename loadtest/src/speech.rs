//! Who of a room speaks when: they take turns.

use std::time::Duration;

/// How long one speaks before the next takes over.
const TURN: Duration = Duration::from_secs(4);

/// Loudness of who speaks, in -dBov.
const SPEAKING: u8 = 20;

/// Loudness of who listens.
const LISTENING: u8 = 70;

/// Set beside the loudness where there is a voice (RFC 6464 §3).
const VOICE: u8 = 0x80;

/// One speaker's place among all of a room.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Turns {
    /// Which of them, from 0.
    pub(crate) seat: u32,
    /// How many there are.
    pub(crate) speakers: u32,
}

impl Turns {
    /// It speaks now.
    pub(crate) fn speaks(self, now: Duration) -> bool {
        let turn = now.as_millis() / TURN.as_millis();
        turn % u128::from(self.speakers.max(1)) == u128::from(self.seat)
    }

    /// The loudness, in -dBov.
    pub(crate) fn loudness(self, now: Duration) -> u8 {
        if self.speaks(now) {
            SPEAKING
        } else {
            LISTENING
        }
    }

    /// The header extension's byte (RFC 6464 §3).
    pub(crate) fn level(self, now: Duration) -> u8 {
        self.loudness(now) | if self.speaks(now) { VOICE } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_speaks_at_any_time_and_everybody_has_a_turn() {
        let speaker = |now| {
            (0..3)
                .filter(|&seat| Turns { seat, speakers: 3 }.speaks(now))
                .collect::<Vec<_>>()
        };
        let turns: Vec<_> = (0..4).map(|turn| speaker(TURN * turn)).collect();
        assert_eq!(turns, [[0], [1], [2], [0]]);
    }

    #[test]
    fn the_byte_says_how_loud_and_whether_it_is_a_voice() {
        let level = |seat| Turns { seat, speakers: 2 }.level(Duration::ZERO);
        assert_eq!((level(0), level(1)), (0x94, 70));
    }
}
