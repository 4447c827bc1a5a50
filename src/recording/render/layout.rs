//! Where in the picture each seat is, and when.

use std::cmp::Reverse;

use calls_model::{Layout, Turn};

use super::seats::Seat;
use super::spans::{Time, holds, joined};

/// Size of the whole picture.
pub(super) const WIDTH: u32 = 1280;
pub(super) const HEIGHT: u32 = 720;

/// Who has the floor for less than that is not made large: a cough, a "yes".
const SETTLES_MS: u64 = 1000;

/// A part of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tile {
    pub(super) x: u32,
    pub(super) y: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// Where a seat is at some times.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) tile: Tile,
    pub(super) times: Vec<Time>,
}

/// Each costs filters of its own: where there would be more, people keep their tiles from beginning to end.
const MOST_PLACES: usize = 100;

/// The places of each of these seats: who comes gets one, and who goes makes room, unless too many come and go. Also then
/// `screen_first` gives a screen the stage only while it is shared, unless so many are shared that this moves too much.
pub(super) fn places(layout: Layout, seats: &mut [Seat<'_>], turns: &[Turn]) -> Vec<Vec<Place>> {
    let moving = arranged(layout, seats, turns);
    if !are_too_many(&moving) {
        return moving;
    }
    let begins = seats
        .iter()
        .filter_map(|seat| seat.there.first())
        .map(|time| time.0)
        .min();
    let ends = seats
        .iter()
        .filter_map(|seat| seat.there.last())
        .map(|time| time.1)
        .max();
    let all = begins.zip(ends);
    let stay = |seats: &mut [Seat<'_>], screens: bool| {
        for seat in seats.iter_mut().filter(|seat| seat.is_screen == screens) {
            seat.there = all.into_iter().collect();
        }
    };
    stay(seats, false);
    if layout == Layout::ScreenFirst {
        let staged = arranged(layout, seats, turns);
        if !are_too_many(&staged) {
            return staged;
        }
    }
    stay(seats, true);
    arranged(layout, seats, turns)
}

fn are_too_many(places: &[Vec<Place>]) -> bool {
    places.iter().flatten().count() > MOST_PLACES
}

fn arranged(layout: Layout, seats: &[Seat<'_>], turns: &[Turn]) -> Vec<Vec<Place>> {
    let mut places: Vec<Vec<Place>> = seats.iter().map(|_| Vec::new()).collect();
    let mut floor = Floor::of(turns);
    for (from, to) in stretches(layout, seats, turns) {
        floor.goes_on_to(from);
        let taken: Vec<usize> = (0..seats.len())
            .filter(|&seat| holds(&seats[seat].there, from))
            .collect();
        let has_screen = taken.first().is_some_and(|&seat| seats[seat].is_screen);
        let tiles = tiles(layout, taken.len(), has_screen);
        for (&seat, tile) in taken.iter().zip(tiles) {
            add(&mut places[seat], tile, (from, to));
        }
        if let (Layout::Speaker, Some(tile)) = (layout, stage(taken.len())) {
            let rank = |&&seat: &&usize| {
                let of = &seats[seat];
                let spoke = floor.rank(of);
                (spoke, of.is_seen(from), !of.is_screen, Reverse(seat))
            };
            if let Some(&large) = taken.iter().max_by_key(rank) {
                add(&mut places[large], tile, (from, to));
            }
        }
    }
    for place in places.iter_mut().flatten() {
        place.times = joined(std::mem::take(&mut place.times), 0);
    }
    places
}

fn add(places: &mut Vec<Place>, tile: Tile, during: Time) {
    match places.iter_mut().find(|place| place.tile == tile) {
        Some(place) => place.times.push(during),
        None => places.push(Place {
            tile,
            times: vec![during],
        }),
    }
}

/// Times in which nothing moves.
fn stretches(layout: Layout, seats: &[Seat<'_>], turns: &[Turn]) -> Vec<Time> {
    let mut times: Vec<Time> = seats.iter().flat_map(|seat| seat.there.clone()).collect();
    let mut moments = Vec::new();
    if layout == Layout::Speaker {
        times.extend(seats.iter().flat_map(Seat::seen));
        moments.extend(turns.iter().map(|turn| turn.from_ms));
    }
    moments.extend(times.iter().flat_map(|&(from, to)| [from, to]));
    moments.sort_unstable();
    moments.dedup();
    moments.windows(2).map(|pair| (pair[0], pair[1])).collect()
}

/// Who had the floor so far.
struct Floor<'a> {
    turns: &'a [Turn],
    /// Latest last.
    spoke: Vec<&'a str>,
}

impl<'a> Floor<'a> {
    fn of(turns: &'a [Turn]) -> Self {
        Self {
            turns,
            spoke: Vec::new(),
        }
    }

    fn goes_on_to(&mut self, at_ms: u64) {
        while let [turn, rest @ ..] = self.turns
            && turn.from_ms <= at_ms
        {
            self.turns = rest;
            let settles = |next: &Turn| next.from_ms >= turn.from_ms + SETTLES_MS;
            if rest.first().is_none_or(settles) {
                self.spoke.retain(|who| *who != turn.user_id.as_str());
                self.spoke.push(turn.user_id.as_str());
            }
        }
    }

    /// Who spoke later has more.
    fn rank(&self, seat: &Seat<'_>) -> Option<usize> {
        self.spoke.iter().position(|who| seat.is_of(who))
    }
}

/// Where each of them stands.
fn tiles(layout: Layout, seats: usize, has_screen: bool) -> Vec<Tile> {
    let count = u32::try_from(seats).unwrap_or(u32::MAX).max(1);
    match layout {
        Layout::Speaker if count > 1 => beside(count),
        Layout::ScreenFirst if count > 1 && has_screen => {
            let screen = stage(seats).into_iter();
            screen.chain(beside(count - 1)).collect()
        }
        Layout::Grid | Layout::Speaker | Layout::ScreenFirst => grid(count),
    }
}

fn grid(count: u32) -> Vec<Tile> {
    let columns = (1..=count)
        .find(|columns| columns * columns >= count)
        .unwrap_or(1);
    let rows = count.div_ceil(columns);
    let (width, height) = (even(WIDTH / columns), even(HEIGHT / rows));
    let tile = |index: u32| Tile {
        x: index % columns * width,
        y: index / columns * height,
        width,
        height,
    };
    (0..count).map(tile).collect()
}

/// How wide the column beside a large picture is.
fn side() -> u32 {
    even(WIDTH / 5)
}

/// The large one, where there is more than one.
fn stage(seats: usize) -> Option<Tile> {
    (seats > 1).then(|| Tile {
        x: 0,
        y: 0,
        width: WIDTH - side(),
        height: HEIGHT,
    })
}

/// So many in a column beside a large one.
fn beside(count: u32) -> Vec<Tile> {
    let height = even((HEIGHT / count.max(1)).min(side() * 9 / 16));
    let tile = |index: u32| Tile {
        x: WIDTH - side(),
        y: index * height,
        width: side(),
        height,
    };
    (0..count).map(tile).collect()
}

/// What H.264 can halve.
fn even(size: u32) -> u32 {
    (size & !1).max(2)
}

#[cfg(test)]
mod tests {
    use calls_model::{FileKind, FilePlace, ParticipantId, RecordingFile, Source};

    use super::super::seats::seats;
    use super::*;

    fn file(user: &str, source: Source, (from, to): Time) -> RecordingFile {
        RecordingFile {
            name: String::new(),
            kind: FileKind::Track,
            participant_id: None,
            user_id: user.to_owned().try_into().ok(),
            display_name: None,
            source: Some(source),
            codec: String::new(),
            media_type: String::new(),
            start_ms: from,
            duration_ms: to - from - 200,
            size_bytes: 0,
            sha256: String::new(),
            place: FilePlace::Local,
            url: None,
        }
    }

    fn turn(user: &str, from_ms: u64) -> Turn {
        Turn {
            from_ms,
            participant_id: ParticipantId::new(),
            user_id: user.to_owned().try_into().expect("an id"),
        }
    }

    /// When each of these voices and screens has a tile of that width.
    fn wide(layout: Layout, files: &[RecordingFile], turns: &[Turn], width: u32) -> Vec<Vec<Time>> {
        let no_times: Vec<(usize, &[u32])> = (0..files.len())
            .filter(|&file| files[file].source == Some(Source::Screen))
            .map(|file| (file, &[][..]))
            .collect();
        let mut seats = seats(files, &no_times);
        let wide = |places: Vec<Place>| {
            let wide = places.into_iter().filter(|place| place.tile.width == width);
            wide.flat_map(|place| place.times).collect()
        };
        let places = places(layout, &mut seats, turns).into_iter();
        places.map(wide).collect()
    }

    const STAGE: u32 = WIDTH - WIDTH / 5;

    #[test]
    fn a_crowd_that_comes_and_goes_keeps_its_tiles() {
        for (people, at_most) in [(5, MOST_PLACES), (60, 2 * 49)] {
            let files = (0..people).map(|n: u64| {
                let time = (n * 1000, 200_000 - n * 1000);
                file(&format!("user{n}"), Source::Microphone, time)
            });
            let files: Vec<RecordingFile> = files.collect();
            for layout in [Layout::Grid, Layout::Speaker] {
                let mut seats = seats(&files, &[]);
                let places = places(layout, &mut seats, &[]);
                assert!(
                    places.iter().all(|of| !of.is_empty()),
                    "{layout:?} of {people}"
                );
                let places = places.iter().flatten().count();
                assert!(places <= at_most, "{layout:?} of {people}: {places}");
            }
        }
    }

    #[test]
    fn screens_that_are_shared_at_once_move_no_crowd() {
        let screens = [("ann", (1000, 90_000)), ("bob", (20_000, 99_000))];
        let screens = screens.map(|(user, time)| file(user, Source::Screen, time));
        let people = (0..49).map(|n: u64| {
            let time = (n * 1000, 200_000 - n * 1000);
            file(&format!("user{n}"), Source::Microphone, time)
        });
        let files: Vec<RecordingFile> = screens.into_iter().chain(people).collect();
        for layout in [Layout::Grid, Layout::Speaker, Layout::ScreenFirst] {
            let mut seats = seats(&files, &[(0, &[][..]), (1, &[][..])]);
            let places = places(layout, &mut seats, &[turn("user3", 0)]);
            let fixed = places.iter().flatten().count();
            // On the stage of the speaker, who has the floor has a second tile.
            let at_most = seats.len() + usize::from(layout == Layout::Speaker);
            assert!(fixed <= at_most, "{layout:?}: {fixed}");
        }
    }

    #[test]
    fn a_crowd_in_a_grid_stays_where_it_is_when_a_screen_is_shared() {
        let screen = file("ann", Source::Screen, (50_000, 60_000));
        let people = (0..40).map(|n: u64| {
            let time = (n * 1000, 200_000 - n * 1000);
            file(&format!("user{n}"), Source::Microphone, time)
        });
        let files: Vec<RecordingFile> = [screen].into_iter().chain(people).collect();
        let mut seats = seats(&files, &[(0, &[][..])]);
        let places = places(Layout::Grid, &mut seats, &[]);
        assert!(places.iter().all(|of| of.len() == 1), "one tile each");
    }

    #[test]
    fn tiles_lie_inside_the_picture_and_not_on_each_other() {
        for layout in [Layout::Grid, Layout::Speaker, Layout::ScreenFirst] {
            for count in 1..=49usize {
                let mut tiles = tiles(layout, count, true);
                assert_eq!(tiles.len(), count);
                tiles.extend(stage(count).filter(|_| layout == Layout::Speaker));
                for (index, a) in tiles.iter().enumerate() {
                    assert!(
                        a.x + a.width <= WIDTH && a.y + a.height <= HEIGHT,
                        "{layout:?} {a:?}"
                    );
                    let apart = |b: &Tile| {
                        a.x + a.width <= b.x
                            || b.x + b.width <= a.x
                            || a.y + a.height <= b.y
                            || b.y + b.height <= a.y
                    };
                    assert!(
                        tiles[index + 1..].iter().all(apart),
                        "{layout:?} of {count}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_screen_comes_first() {
        let face = file("ann", Source::Camera, (0, 9000));
        let screen = file("ann", Source::Screen, (2000, 9000));
        let large = wide(Layout::ScreenFirst, &[face, screen], &[], STAGE);
        assert_eq!(
            large,
            [vec![(2000, 9000)], vec![]],
            "the screen's seat is first"
        );
    }

    #[test]
    fn each_screen_has_the_stage_while_it_is_shared_also_among_a_crowd() {
        let screens = [("ann", (1000, 9000)), ("bob", (20_000, 30_000))];
        let screens = screens.map(|(user, time)| file(user, Source::Screen, time));
        let people = (0..40).map(|n: u64| {
            let time = (n * 1000, 200_000 - n * 1000);
            file(&format!("user{n}"), Source::Microphone, time)
        });
        let files: Vec<RecordingFile> = screens.into_iter().chain(people).collect();
        let no_times = [(0, &[][..]), (1, &[][..])];
        let moving = arranged(Layout::ScreenFirst, &seats(&files, &no_times), &[]);
        assert!(moving.iter().flatten().count() > MOST_PLACES);
        let large = wide(Layout::ScreenFirst, &files, &[], STAGE);
        assert_eq!(large[..2], [vec![(1000, 9000)], vec![(20_000, 30_000)]]);
    }

    #[test]
    fn who_comes_gets_a_place_and_who_goes_makes_room() {
        let files = [("ann", (0, 20_000)), ("bob", (5_000, 12_000))]
            .map(|(user, time)| file(user, Source::Microphone, time));
        let alone = wide(Layout::Grid, &files, &[], WIDTH);
        assert_eq!(alone, [vec![(0, 5_000), (12_000, 20_000)], vec![]]);
        let two = wide(Layout::Grid, &files, &[], WIDTH / 2);
        assert_eq!(two, [vec![(5_000, 12_000)], vec![(5_000, 12_000)]]);
    }

    #[test]
    fn who_speaks_is_large_until_another_has_spoken_for_a_while() {
        let files = ["ann", "bob"].map(|user| file(user, Source::Microphone, (0, 20_000)));
        let turns = [
            turn("ann", 500),
            turn("bob", 5_000),
            turn("ann", 12_000),
            turn("bob", 12_400),
        ];
        let large = wide(Layout::Speaker, &files, &turns, STAGE);
        assert_eq!(large, [vec![(0, 5_000)], vec![(5_000, 20_000)]]);
    }

    #[test]
    fn where_the_speaker_has_left_the_one_before_is_large() {
        let files = [
            ("ann", (0, 20_000)),
            ("bob", (0, 15_000)),
            ("cem", (0, 20_000)),
        ]
        .map(|(user, time)| file(user, Source::Microphone, time));
        let turns = [turn("cem", 0), turn("ann", 2_000), turn("bob", 5_000)];
        let large = wide(Layout::Speaker, &files, &turns, STAGE);
        let ann = vec![(2_000, 5_000), (15_000, 20_000)];
        assert_eq!(large, [ann, vec![(5_000, 15_000)], vec![(0, 2_000)]]);
    }

    #[test]
    fn alone_nobody_stands_twice() {
        let ann = file("ann", Source::Microphone, (0, 20_000));
        let all = wide(Layout::Speaker, &[ann], &[turn("ann", 0)], WIDTH);
        assert_eq!(all, [vec![(0, 20_000)]]);
    }
}
