//! Who speaks: the loudest of a room, by the levels that their packets carry (RFC 6464).
//!
//! Loudness here is turned round: 0 is silence, 127 the loudest there is.

use std::cmp::Reverse;
use std::time::{Duration, Instant};

use crate::seam::TrackId;

/// Digital silence in -dBov, and the loudness of 0 dBov.
const FULL: u8 = 127;
/// A voice this loud speaks: -50 dBov. Rooms hum at -60 and below.
const SPEECH: f32 = 77.0;
/// How fast loudness rises and falls; words start sharply and trail off.
const ATTACK: Duration = Duration::from_millis(60);
const RELEASE: Duration = Duration::from_millis(300);
/// A voice without packets for so long is silent. With discontinuous transmission one comes every 400 ms.
const ABSENT: Duration = Duration::from_millis(700);
/// Who fell silent keeps a place for so long: the pause between two sentences.
const HOLD: Duration = Duration::from_millis(1_500);
/// Who got a place keeps it for so long, even against louder ones.
const TENURE: Duration = Duration::from_secs(1);
/// Against one who speaks, another must be louder by this.
const MARGIN: f32 = 6.0;

/// A room's voices.
#[derive(Debug, Default)]
pub struct Speakers {
    voices: Vec<Voice>,
}

/// One of the loudest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Speaker {
    /// Who.
    pub track: TrackId,
    /// How loud, smoothed: 0 silence, 127 loudest.
    pub loudness: u8,
    /// Speaks now, or did a moment ago.
    pub speaking: bool,
}

#[derive(Debug)]
struct Voice {
    track: TrackId,
    loudness: f32,
    heard: Instant,
    spoke: Option<Instant>,
    placed: Option<Instant>,
}

impl Voice {
    fn new(track: TrackId, now: Instant) -> Self {
        Self {
            track,
            loudness: 0.0,
            heard: now,
            spoke: None,
            placed: None,
        }
    }

    fn speaks(&self, now: Instant) -> bool {
        self.spoke
            .is_some_and(|spoke| now.saturating_duration_since(spoke) < HOLD)
    }

    fn loudness(&self, now: Instant) -> f32 {
        if now.saturating_duration_since(self.heard) < ABSENT {
            self.loudness
        } else {
            0.0
        }
    }

    /// What it takes to be heard before others: to speak, and loudly; else to have spoken last.
    fn rank(&self, now: Instant) -> impl Ord + use<> {
        let speaks = self.speaks(now);
        let loudness = if speaks {
            whole(self.loudness(now) * 8.0)
        } else {
            0
        };
        (
            Reverse(speaks),
            Reverse(loudness),
            Reverse(self.spoke),
            Reverse(self.placed.is_some()),
        )
    }
}

impl Speakers {
    /// Nobody yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A packet of this voice came, this loud in -dBov (RFC 6464).
    pub fn hear(&mut self, track: TrackId, level: u8, arrival: Instant) {
        let at = self
            .voices
            .iter()
            .position(|voice| voice.track == track)
            .unwrap_or_else(|| {
                self.voices.push(Voice::new(track, arrival));
                self.voices.len() - 1
            });
        let voice = &mut self.voices[at];
        let now = f32::from(FULL - level.min(FULL));
        let before = voice.loudness(arrival);
        let passed = arrival
            .saturating_duration_since(voice.heard)
            .max(Duration::from_millis(1));
        let inertia = if now > before { ATTACK } else { RELEASE };
        voice.loudness = before + (now - before) * passed.div_duration_f32(passed + inertia);
        voice.heard = voice.heard.max(arrival);
        if voice.loudness >= SPEECH {
            voice.spoke = Some(arrival);
        }
    }

    /// This voice is gone.
    pub fn forget(&mut self, track: TrackId) {
        self.voices.retain(|voice| voice.track != track);
    }

    /// The `n` loudest, loudest first; `n` should always be the same. Who speaks keeps a place for a moment after
    /// falling silent; places that nobody speaks in go to those who spoke last, then to those who came first.
    pub fn loudest(&mut self, n: usize, now: Instant) -> Vec<Speaker> {
        self.voices.sort_by_cached_key(|voice| voice.rank(now));
        let mut chosen: Vec<usize> = Vec::with_capacity(n);
        let keeps = |voice: &Voice| voice.placed.is_some() && voice.speaks(now);
        chosen.extend(
            (0..self.voices.len())
                .filter(|&at| keeps(&self.voices[at]))
                .take(n),
        );
        for at in 0..self.voices.len() {
            if keeps(&self.voices[at]) {
                continue;
            }
            if chosen.len() < n {
                chosen.push(at);
            } else if let Some(place) = self.displaced(&chosen, at, now) {
                chosen[place] = at;
            }
        }
        chosen.sort_unstable();
        for (at, voice) in self.voices.iter_mut().enumerate() {
            let placed = chosen.binary_search(&at).is_ok();
            voice.placed = placed.then(|| voice.placed.unwrap_or(now));
        }
        let speakers = chosen.into_iter().map(|at| &self.voices[at]);
        speakers
            .map(|voice| Speaker {
                track: voice.track,
                loudness: u8::try_from(whole(voice.loudness(now))).unwrap_or(FULL),
                speaking: voice.speaks(now),
            })
            .collect()
    }

    /// The place that this challenger takes: that of the quietest who had it long enough.
    fn displaced(&self, chosen: &[usize], challenger: usize, now: Instant) -> Option<usize> {
        let challenger = &self.voices[challenger];
        if !challenger.speaks(now) {
            return None;
        }
        let ripe = |voice: &Voice| {
            voice
                .placed
                .is_some_and(|placed| now.saturating_duration_since(placed) >= TENURE)
        };
        let candidates = chosen
            .iter()
            .enumerate()
            .map(|(place, &at)| (place, &self.voices[at]));
        let (place, quietest) = candidates
            .filter(|(_, voice)| ripe(voice))
            .min_by(|(_, a), (_, b)| a.loudness(now).total_cmp(&b.loudness(now)))?;
        (challenger.loudness(now) >= quietest.loudness(now) + MARGIN).then_some(place)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "0 to 1016"
)]
fn whole(loudness: f32) -> u16 {
    loudness as u16
}

#[cfg(test)]
mod tests;
