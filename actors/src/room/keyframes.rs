//! Wishes for key frames, of however many: a publisher hears of one at a time.

use std::time::{Duration, Instant};

use calls_media::seam::{Burst, Layer, TrackId};
use foldhash::HashMap;

/// A publisher is asked for a key frame of one encoding at most this often. A key frame costs ten times another one, and
/// serves everybody who asked before it came.
pub const PAUSE: Duration = Duration::from_millis(500);

/// What to do about a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Ask the publisher now.
    Ask,
    /// Ask then, unless a key frame comes before.
    Later(Instant),
    /// Somebody wished for the same already.
    Known,
}

#[derive(Debug)]
struct Asked {
    at: Instant,
    /// Somebody wished for another one since.
    again: bool,
}

/// The wishes of one room.
#[derive(Debug, Default)]
pub struct Keyframes {
    asked: HashMap<(TrackId, Layer), Asked>,
    /// How many are to be asked for again.
    open: usize,
}

impl Keyframes {
    /// Somebody needs a key frame.
    pub fn want(&mut self, track: TrackId, layer: Layer, now: Instant) -> Wish {
        let Some(asked) = self.asked.get_mut(&(track, layer)) else {
            self.asked.insert(
                (track, layer),
                Asked {
                    at: now,
                    again: false,
                },
            );
            return Wish::Ask;
        };
        if asked.again {
            return Wish::Known;
        }
        let due = asked.at + PAUSE;
        if due <= now {
            asked.at = now;
            return Wish::Ask;
        }
        asked.again = true;
        self.open += 1;
        Wish::Later(due)
    }

    /// The time of a [`Wish::Later`] has come: is the publisher still to be asked?
    pub fn is_due(&mut self, track: TrackId, layer: Layer, now: Instant) -> bool {
        let Some(asked) = self.asked.get_mut(&(track, layer)) else {
            return false;
        };
        let due = std::mem::take(&mut asked.again);
        if due {
            self.open -= 1;
            asked.at = now;
        }
        due
    }

    /// A track is gone.
    pub fn forget(&mut self, track: TrackId) {
        self.asked.retain(|(known, _), _| *known != track);
        self.open = self.asked.values().filter(|asked| asked.again).count();
    }

    // ── hot path ────────────────────────────────────────────────────────────

    /// A burst is passed on: key frames in it serve everybody who waits for one.
    pub fn pass(&mut self, burst: &Burst) {
        if self.open == 0 {
            return; // nearly always
        }
        for packet in burst.iter().filter(|packet| packet.info.starts_keyframe) {
            if let Some(asked) = self.asked.get_mut(&(packet.track, packet.layer))
                && std::mem::take(&mut asked.again)
            {
                self.open -= 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use calls_media::seam::PeerId;

    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const FACE: TrackId = TrackId {
        peer: PeerId(1),
        index: 0,
    };

    #[test]
    fn each_encoding_is_asked_for_by_itself() {
        let (mut keyframes, now) = (Keyframes::default(), Instant::now());
        assert_eq!(keyframes.want(FACE, Layer(0), now), Wish::Ask);
        assert_eq!(keyframes.want(FACE, Layer(1), now), Wish::Ask);
    }

    #[test]
    fn a_second_wish_waits_and_those_after_it_wait_with_it() {
        let (mut keyframes, now) = (Keyframes::default(), Instant::now());
        keyframes.want(FACE, Layer(0), now);
        let second = keyframes.want(FACE, Layer(0), now + 100 * MS);
        assert_eq!(second, Wish::Later(now + PAUSE));
        let third = keyframes.want(FACE, Layer(0), now + 200 * MS);
        assert_eq!(third, Wish::Known);
        assert!(keyframes.is_due(FACE, Layer(0), now + PAUSE));
        let fourth = keyframes.want(FACE, Layer(0), now + PAUSE + MS);
        assert_eq!(fourth, Wish::Later(now + 2 * PAUSE));
    }

    #[test]
    fn what_is_gone_is_not_asked_for() {
        let (mut keyframes, now) = (Keyframes::default(), Instant::now());
        keyframes.want(FACE, Layer(0), now);
        keyframes.want(FACE, Layer(0), now);
        keyframes.forget(FACE);
        assert!(!keyframes.is_due(FACE, Layer(0), now + PAUSE));
        assert_eq!(keyframes.open, 0);
    }
}
