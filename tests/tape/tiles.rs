//! What stands on a tile of a composite where somebody has no picture, and who has one.

use std::path::Path;
use std::process::Command;

use calls_model::{Layout, ParticipantId, RecordingFile, RecordingMode, Source, Turn};

use super::composed::{GRID, compose, track, voice};
use super::reel::ffmpeg;

const WIDTH: usize = 1280;

/// Seconds of each recording.
const SECONDS: u64 = 8;

/// Red, green and blue of each point of a picture.
pub(crate) struct Picture(Vec<u8>);

impl Picture {
    /// Of this file at this moment.
    pub(crate) fn of(file: &Path, second: &str) -> Self {
        let ran = Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-ss", second, "-i"])
            .arg(file)
            .args(["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
            .output()
            .expect("ffmpeg is there");
        assert_eq!(ran.stdout.len(), WIDTH * 720 * 3, "at {second} s");
        Self(ran.stdout)
    }

    fn at(&self, x: usize, y: usize) -> [u8; 3] {
        let from = (y * WIDTH + x) * 3;
        self.0[from..from + 3].try_into().expect("a point")
    }

    /// Points of this part that are as bright as writing.
    fn bright(&self, (x, y): (usize, usize), (width, height): (usize, usize)) -> usize {
        let points = (y..y + height).flat_map(|y| (x..x + width).map(move |x| (x, y)));
        let bright = |&(x, y): &(usize, usize)| self.at(x, y).iter().all(|part| *part > 180);
        points.filter(bright).count()
    }

    /// There is a calm colour at the corner of this tile, letters in its middle and a name at its foot. Tells the colour.
    pub(crate) fn stands_in(
        &self,
        (x, y): (usize, usize),
        (width, height): (usize, usize),
    ) -> [u8; 3] {
        let colour = self.at(x + 8, y + 8);
        let (least, most) = (colour.iter().min(), colour.iter().max());
        let (least, most) = (least.copied().unwrap_or(0), most.copied().unwrap_or(0));
        assert!((30..150).contains(&most) && most - least > 20, "{colour:?}");
        let (middle, centre) = (x + width / 2, y + height / 2);
        let letters = self.bright((middle - 60, centre - 60), (120, 120));
        assert!(letters > 60, "{letters} points of letters");
        let name = self.bright((x + 6, y + height - 44), (120, 40));
        assert!(name > 20, "{name} points of a name");
        colour
    }

    /// A picture of one colour, by which of red, green and blue that is.
    fn is_of(&self, (x, y): (usize, usize), part: usize) -> bool {
        let colour = self.at(x, y);
        (0..3).all(|of| {
            if of == part {
                colour[of] > 150
            } else {
                colour[of] < 100
            }
        })
    }
}

/// A camera that sees one colour, while this is so.
fn camera(folder: &Path, user: &str, colour: &str, on: &str) -> RecordingFile {
    let name = format!("{user}.webm");
    let picture = format!("color={colour}:s=320x180:r=25:d={SECONDS},select='{on}'");
    let film = [
        "-f",
        "lavfi",
        "-i",
        &picture,
        "-fps_mode",
        "vfr",
        "-c:v",
        "libvpx",
    ];
    ffmpeg(&film, &folder.join(&name));
    track(&name, user, Source::Camera, SECONDS)
}

fn turn(user: &str, from_ms: u64) -> Turn {
    Turn {
        from_ms,
        participant_id: ParticipantId::new(),
        user_id: user.to_owned().try_into().expect("an id"),
    }
}

const HALF: (usize, usize) = (640, 720);

#[test]
fn a_camera_that_is_off_stands_for_less_than_a_second_and_then_letters_stand_in_until_it_is_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let tracks = [
        camera(folder.path(), "ann", "red", "lt(t,3)+gte(t,6)"),
        camera(folder.path(), "bob", "blue", "1"),
    ];
    let made = compose(folder.path(), RecordingMode::Composite, GRID, &tracks);
    for second in ["2.8", "3.2", "6.1", "7.5"] {
        let picture = Picture::of(&made, second);
        assert!(picture.is_of((320, 360), 0), "at {second} s");
    }
    for second in ["3.9", "5.9"] {
        let picture = Picture::of(&made, second);
        picture.stands_in((0, 0), HALF);
        assert!(picture.is_of((960, 360), 2), "bob is as before");
    }
}

#[test]
fn whoever_sends_a_voice_only_has_a_tile_of_their_own_colour() {
    let folder = tempfile::tempdir().expect("a folder");
    let tracks = ["ann", "bob", "cem"]
        .map(|user| voice(folder.path(), &format!("{user}-v.webm"), user, SECONDS));
    let made = compose(folder.path(), RecordingMode::Composite, GRID, &tracks);
    let picture = Picture::of(&made, "4");
    let places = [(0, 0), (640, 0), (0, 360)];
    let [ann, bob, cem] = places.map(|place| picture.stands_in(place, (640, 360)));
    assert!(
        ann != bob && bob != cem && cem != ann,
        "{ann:?} {bob:?} {cem:?}"
    );
    let made = compose(folder.path(), RecordingMode::Video, GRID, &tracks);
    let picture = Picture::of(&made, "4");
    assert_eq!(picture.bright((0, 0), (1280, 720)), 0, "without names");
    assert!(
        picture.at(320, 180).iter().max() > Some(&60),
        "and not black"
    );
}

#[test]
fn who_speaks_without_a_picture_has_letters_on_the_stage() {
    let folder = tempfile::tempdir().expect("a folder");
    let tracks = [
        RecordingFile {
            duration_ms: 4_000,
            ..camera(folder.path(), "ann", "red", "lt(t,4)")
        },
        camera(folder.path(), "bob", "blue", "1"),
        voice(folder.path(), "voice.webm", "ann", SECONDS),
    ];
    let turns = [turn("bob", 0), turn("ann", 2_000)];
    let layout = (Layout::Speaker, &turns[..]);
    let made = compose(folder.path(), RecordingMode::Composite, layout, &tracks);
    assert!(Picture::of(&made, "1").is_of((512, 360), 2), "bob is large");
    assert!(Picture::of(&made, "3").is_of((512, 360), 0), "ann is");
    let picture = Picture::of(&made, "6");
    let large = picture.stands_in((0, 0), (1024, 720));
    let small = picture.stands_in((1024, 0), (256, 144));
    assert_eq!(large, small);
    assert!(picture.is_of((1152, 216), 2), "bob stands beside");
}

#[test]
fn who_comes_gets_a_tile_and_who_leaves_makes_room() {
    let folder = tempfile::tempdir().expect("a folder");
    let tracks = [
        camera(folder.path(), "ann", "red", "1"),
        RecordingFile {
            start_ms: 2_000,
            ..voice(folder.path(), "voice.webm", "bob", 3)
        },
    ];
    let made = compose(folder.path(), RecordingMode::Composite, GRID, &tracks);
    for second in ["1.9", "6"] {
        let picture = Picture::of(&made, second);
        for x in [20, 640, 1260] {
            assert!(picture.is_of((x, 360), 0), "ann is alone at {second} s");
        }
    }
    for second in ["2.1", "4.9"] {
        let picture = Picture::of(&made, second);
        assert!(picture.is_of((320, 360), 0), "ann is smaller at {second} s");
        picture.stands_in((640, 0), HALF);
    }
}

#[test]
fn a_camera_that_turns_and_turns_back_is_as_large_as_before() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, size) in [("0", "640x360"), ("1", "360x640"), ("2", "640x360")] {
        let picture = format!("color=red:s={size}:r=25:d=2");
        let film = ["-f", "lavfi", "-i", &picture, "-c:v", "libvpx"];
        ffmpeg(&film, &folder.path().join(format!("{name}.ivf")));
    }
    let list = "file 0.ivf\nfile 1.ivf\nfile 2.ivf\n";
    let path = folder.path().join("list.txt");
    std::fs::write(&path, list).expect("written");
    let list = path.display().to_string();
    let joined = ["-f", "concat", "-i", &list, "-c", "copy"];
    ffmpeg(&joined, &folder.path().join("turns.webm"));
    let tracks = [track("turns.webm", "ann", Source::Camera, 6)];
    let made = compose(folder.path(), RecordingMode::Composite, GRID, &tracks);
    for second in ["1", "5"] {
        let picture = Picture::of(&made, second);
        assert!(picture.is_of((20, 360), 0), "at {second} s");
    }
    let picture = Picture::of(&made, "3");
    assert!(picture.is_of((640, 20), 0) && !picture.is_of((20, 360), 0));
}
