//! Whose pictures there are: a seat for each person who was there, and one for each screen.

use calls_model::{DisplayName, RecordingFile, Source, UserId};

use super::is_audio;
use super::spans::{Time, holds, joined};

/// Of a camera: a picture for which no other comes so soon stutters; after that it is off…
pub(in crate::recording) const STUTTERS_MS: u64 = 2000;

/// …and its last picture stood for so long.
pub(in crate::recording) const STANDS_MS: u64 = 500;

/// A last picture of a screen stays for so long; its length is not known.
const LAST_MS: u64 = 200;

/// So many seats can be told from one another; where there are more, it takes a picture to have one.
const MOST_SEATS: usize = 49;

/// A camera that goes off and on more often than that is taken to stutter: each time is a term that FFmpeg reckons with.
const MOST_TIMES: usize = 500;

/// A person who was there, or the screen of one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seat<'a> {
    whose: Option<&'a str>,
    pub(super) is_screen: bool,
    /// What stands on it.
    pub(super) name: Option<&'a str>,
    came_ms: u64,
    /// Which colour it has where there is no picture: counts people as they come.
    pub(super) number: usize,
    /// When it is taken.
    pub(super) there: Vec<Time>,
    /// Which files' pictures are to be seen there, and when.
    pub(super) pictures: Vec<(usize, Vec<Time>)>,
}

impl Seat<'_> {
    pub(super) fn is_of(&self, user: &str) -> bool {
        self.whose == Some(user)
    }

    /// There is a picture of it at this moment.
    pub(super) fn is_seen(&self, at_ms: u64) -> bool {
        let mut pictures = self.pictures.iter();
        pictures.any(|(_, times)| holds(times, at_ms))
    }

    /// When there is one.
    pub(super) fn seen(&self) -> Vec<Time> {
        let times = self.pictures.iter().flat_map(|(_, times)| times);
        joined(times.copied().collect(), 0)
    }
}

/// Everybody and every screen in these tracks, screens first, then people as they came; and when pictures of which `times`
/// tells are to be seen.
pub(super) fn seats<'a>(tracks: &'a [RecordingFile], times: &[(usize, &[u32])]) -> Vec<Seat<'a>> {
    let mut seats: Vec<Seat<'a>> = Vec::new();
    for (index, file) in tracks.iter().enumerate() {
        let ends = file.start_ms + file.duration_ms + LAST_MS;
        let person = place(&mut seats, file, false);
        person.came_ms = person.came_ms.min(file.start_ms);
        if file.duration_ms > 0 || !is_audio(file) {
            person.there.push((file.start_ms, ends));
        }
        let Some((_, times)) = times.iter().find(|(of, _)| *of == index) else {
            continue;
        };
        let is_screen = file.source == Some(Source::Screen);
        let seat = place(&mut seats, file, is_screen);
        if is_screen {
            seat.there.push((file.start_ms, ends));
            seat.pictures.push((index, vec![(file.start_ms, ends)]));
        } else {
            seat.pictures.push((index, shown(times)));
        }
    }
    for seat in &mut seats {
        // People are there from the first of their tracks to the end of the last.
        let apart = if seat.is_screen { 0 } else { u64::MAX / 2 };
        seat.there = joined(std::mem::take(&mut seat.there), apart);
    }
    seats.sort_by_key(|seat| (!seat.is_screen, seat.came_ms));
    if seats.len() > MOST_SEATS {
        let mut number = 0;
        seats.retain(|seat| {
            number += 1;
            number <= MOST_SEATS || !seat.pictures.is_empty()
        });
    }
    let people = seats.iter_mut().filter(|seat| !seat.is_screen);
    for (number, seat) in people.enumerate() {
        seat.number = number;
    }
    seats
}

/// The seat that a file belongs to.
fn place<'s, 'a>(
    seats: &'s mut Vec<Seat<'a>>,
    file: &'a RecordingFile,
    is_screen: bool,
) -> &'s mut Seat<'a> {
    let whose = file.user_id.as_ref().map(UserId::as_str);
    let same = |seat: &Seat<'_>| seat.whose == whose && seat.is_screen == is_screen;
    let index = seats.iter().position(same).unwrap_or_else(|| {
        let called = file.display_name.as_ref().map(DisplayName::as_str);
        seats.push(Seat {
            whose,
            is_screen,
            name: called.or(whose),
            came_ms: file.start_ms,
            number: 0,
            there: Vec::new(),
            pictures: Vec::new(),
        });
        seats.len() - 1
    });
    &mut seats[index]
}

/// When a camera is to be seen that has its pictures at these times.
fn shown(times: &[u32]) -> Vec<Time> {
    let mut shown: Vec<Time> = Vec::new();
    for (index, &at) in times.iter().enumerate() {
        let at = u64::from(at);
        let next = times.get(index + 1).map(|&next| u64::from(next));
        let ends = next.filter(|next| *next <= at + STUTTERS_MS);
        let ends = ends.unwrap_or(at + STANDS_MS);
        match shown.last_mut() {
            Some(last) if last.1 == at => last.1 = ends,
            _ => shown.push((at, ends)),
        }
    }
    shown.retain(|(from, to)| from < to);
    let mut apart = STUTTERS_MS;
    while shown.len() > MOST_TIMES {
        apart *= 2;
        shown = joined(shown, apart);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_camera_that_goes_off_and_on_all_day_has_a_bounded_number_of_times() {
        let now_and_then: Vec<u32> = (0..20_000).map(|n| n * 4_000).collect();
        let shown = shown(&now_and_then);
        assert!(shown.len() <= MOST_TIMES, "{}", shown.len());
        assert_eq!(shown.first().map(|time| time.0), Some(0));
    }
}
