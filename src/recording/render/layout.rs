//! Where in the picture each recorded picture stands, and when.

use calls_model::{Layout, RecordingFile, Source, Turn};

/// Size of the whole picture.
pub(super) const WIDTH: u32 = 1280;
pub(super) const HEIGHT: u32 = 720;

/// A last picture stays for so long; its length is not known.
const LAST_MS: u64 = 200;

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

/// From, to, in milliseconds.
pub(super) type Time = (u64, u64);

/// Where a file's picture stands at some times.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) tile: Tile,
    pub(super) times: Vec<Time>,
}

/// Whose picture: files of one share a tile, a screen has its own.
type Person<'a> = (Option<&'a str>, bool);

/// The places of each of these files.
pub(super) fn places(layout: Layout, files: &[&RecordingFile], turns: &[Turn]) -> Vec<Vec<Place>> {
    let people = people(files);
    let tiles = tiles(layout, &people);
    let small = |file: &&RecordingFile| Place {
        tile: tiles[people
            .iter()
            .position(|one| *one == person(file))
            .unwrap_or(0)],
        times: vec![time(file)],
    };
    let mut places: Vec<Vec<Place>> = files.iter().map(|file| vec![small(file)]).collect();
    if let (Layout::Speaker, Some(tile)) = (layout, stage(people.len())) {
        for (places, times) in places.iter_mut().zip(on_stage(files, turns)) {
            if !times.is_empty() {
                places.push(Place { tile, times });
            }
        }
    }
    places
}

fn person(file: &RecordingFile) -> Person<'_> {
    let whose = file.user_id.as_ref().map(calls_model::UserId::as_str);
    (whose, file.source == Some(Source::Screen))
}

fn people<'a>(files: &[&'a RecordingFile]) -> Vec<Person<'a>> {
    let mut people = Vec::new();
    for file in files {
        let one = person(file);
        if !people.contains(&one) {
            people.push(one);
        }
    }
    people.sort_by_key(|&(_, screen)| !screen);
    people
}

fn time(file: &RecordingFile) -> Time {
    (file.start_ms, file.start_ms + file.duration_ms + LAST_MS)
}

/// When each of these files is the large one: the latest to speak of those who are to be seen then.
fn on_stage(files: &[&RecordingFile], turns: &[Turn]) -> Vec<Vec<Time>> {
    let mut shown = vec![Vec::new(); files.len()];
    let mut moments: Vec<u64> = files
        .iter()
        .flat_map(|file| [time(file).0, time(file).1])
        .collect();
    moments.extend(turns.iter().map(|turn| turn.from_ms));
    moments.sort_unstable();
    moments.dedup();
    let mut turns = turns.iter().peekable();
    let mut spoke: Vec<&str> = Vec::new(); // latest last
    for pair in moments.windows(2) {
        let (from, to) = (pair[0], pair[1]);
        while let Some(turn) = turns.next_if(|turn| turn.from_ms <= from) {
            let settles = |next: &&Turn| next.from_ms >= turn.from_ms + SETTLES_MS;
            if turns.peek().is_none_or(settles) {
                spoke.retain(|who| *who != turn.user_id.as_str());
                spoke.push(turn.user_id.as_str());
            }
        }
        let seen = (0..files.len())
            .filter(|&file| time(files[file]).0 <= from && to <= time(files[file]).1);
        let rank = |&file: &usize| {
            let (whose, screen) = person(files[file]);
            let spoke = spoke.iter().position(|who| Some(*who) == whose);
            (spoke, !screen, std::cmp::Reverse(file))
        };
        if let Some(large) = seen.max_by_key(rank) {
            let times: &mut Vec<Time> = &mut shown[large];
            match times.last_mut() {
                Some(last) if last.1 == from => last.1 = to,
                _ => times.push((from, to)),
            }
        }
    }
    shown
}

/// Where each of them stands.
fn tiles(layout: Layout, people: &[Person<'_>]) -> Vec<Tile> {
    let count = u32::try_from(people.len()).unwrap_or(u32::MAX).max(1);
    match layout {
        Layout::Speaker if count > 1 => beside(count),
        Layout::ScreenFirst if count > 1 && people[0].1 => {
            let screen = stage(people.len()).into_iter();
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
fn stage(people: usize) -> Option<Tile> {
    (people > 1).then(|| Tile {
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
    use calls_model::{FileKind, FilePlace, ParticipantId};

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
            duration_ms: to - from - LAST_MS,
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

    #[test]
    fn tiles_lie_inside_the_picture_and_not_on_each_other() {
        for layout in [Layout::Grid, Layout::Speaker, Layout::ScreenFirst] {
            for count in 1..=49usize {
                let people: Vec<Person<'_>> = (0..count).map(|index| (None, index == 0)).collect();
                let mut tiles = tiles(layout, &people);
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
        let (face, screen) = (
            file("ann", Source::Camera, (0, 9000)),
            file("ann", Source::Screen, (0, 9000)),
        );
        let places = places(Layout::ScreenFirst, &[&face, &screen], &[]);
        assert!(places[1][0].tile.width > places[0][0].tile.width);
    }

    #[test]
    fn who_speaks_is_large_until_another_has_spoken_for_a_while() {
        let (ann, bob) = (
            file("ann", Source::Camera, (0, 20_000)),
            file("bob", Source::Camera, (0, 20_000)),
        );
        let turns = [
            turn("ann", 500),
            turn("bob", 5_000),
            turn("ann", 12_000),
            turn("bob", 12_400),
        ];
        let shown = on_stage(&[&ann, &bob], &turns);
        assert_eq!(shown, [vec![(0, 5_000)], vec![(5_000, 20_000)]]);
    }

    #[test]
    fn where_the_speaker_is_not_to_be_seen_the_one_before_is_large() {
        let (ann, bob) = (
            file("ann", Source::Camera, (0, 20_000)),
            file("bob", Source::Camera, (8_000, 15_000)),
        );
        let shown = on_stage(&[&ann, &bob], &[turn("ann", 0), turn("bob", 5_000)]);
        assert_eq!(
            shown,
            [vec![(0, 8_000), (15_000, 20_000)], vec![(8_000, 15_000)]]
        );
    }

    #[test]
    fn alone_nobody_stands_twice() {
        let ann = file("ann", Source::Camera, (0, 20_000));
        let places = places(Layout::Speaker, &[&ann], &[turn("ann", 0)]);
        assert_eq!(places[0].len(), 1);
        assert_eq!(places[0][0].tile.width, WIDTH);
    }
}
