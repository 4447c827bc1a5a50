//! A composite that is made while it is recorded.

use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use calls::recording::ahead::{Ahead, Followed};
use calls_codec::Demuxer;
use calls_media::seam::Codec;
use calls_model::{Layout, RecordingMode};

use super::play::{Clocks, Network, Played, flashes, play_and, times};
use super::reel::Reel;
use super::tiles::Picture;

/// Two pieces, and what is left at the end.
const SECONDS: i64 = 70;

/// Sound and picture of one moment are no further apart, in microseconds.
const APART: i64 = 40_000;

fn ahead(folder: &Path) -> Ahead {
    Ahead {
        folder: folder.to_owned(),
        ffmpeg: "ffmpeg".to_owned(),
        mode: RecordingMode::Composite,
        layout: Layout::Grid,
        followed: Followed::default(),
    }
}

fn pieces(played: &Played) -> Vec<String> {
    let entries = std::fs::read_dir(played.place().join("live/pieces")).expect("pieces");
    let names = entries.map(|entry| entry.expect("a piece").file_name());
    let mut names: Vec<String> = names
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

async fn played(mut meanwhile: impl FnMut(i64, &Path)) -> Played {
    let (beep, flash) = (Reel::beep(), Reel::flash(Codec::Vp8));
    let network = Network::default();
    let clocks = Clocks::default();
    play_and(
        [&beep, &flash],
        SECONDS,
        network,
        clocks,
        |second, folder| {
            meanwhile(second, folder);
        },
    )
    .await
}

#[actix::test]
async fn pieces_made_meanwhile_become_one_file_without_a_seam() {
    let played = played(|second, folder| {
        if second != 50 {
            return;
        }
        let began = Instant::now();
        while !ahead(folder).next().expect("a piece") {
            assert!(
                began.elapsed() < Duration::from_secs(20),
                "the first piece is due"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    })
    .await;
    let ahead = ahead(&played.place());
    let tries = played.place().join("live/pieces/tries");
    std::fs::write(&tries, "..").expect("as two kills leave it");
    assert!(ahead.next().expect("a piece"), "the second is due");
    assert!(!tries.exists(), "it came to its end");
    assert!(!ahead.next().expect("nothing"), "and no third");
    let finished = &played.finished;
    let made = ahead.whole(&finished.files, finished.duration_ms, |_| ());
    let made = made.expect("made").expect("of pieces");
    assert_eq!(pieces(&played).len(), 3);
    assert_eq!((&*made.file.codec, &*made.missing), ("h264+aac", &[][..]));

    let file = played.place().join(made.file.name);
    let flashes = flashes(&played.place(), &file);
    let (times, wanted) = (times(&file), finished.duration_ms * 1000);
    let ends = times.last().copied().unwrap_or(0);
    let wanted = i64::try_from(wanted).expect("short");
    assert!((ends - wanted).abs() < 100_000, "{ends} of {wanted}");
    let longest = times.windows(2).map(|two| two[1] - two[0]).max();
    assert!(longest <= Some(80_000), "no seam: {longest:?}");
    let beeps = played.beeps_in(&file);
    let count = i64::try_from(flashes.len()).expect("few");
    assert!(count >= SECONDS - 2, "{count} flashes");
    for flash in &flashes {
        let apart = beeps.iter().map(|beep| (beep - flash).abs()).min();
        assert!(
            apart.is_some_and(|apart| apart <= APART),
            "{flash}: {apart:?} us apart"
        );
    }

    let piece = played.place().join("live/pieces/0-30000.mp4");
    let good = std::fs::read(&piece).expect("a piece");
    for left in [good.len() * 9 / 10, 0] {
        std::fs::write(&piece, &good[..left]).expect("spoiled");
        let made = ahead.whole(&finished.files, finished.duration_ms, |_| ());
        assert!(made.is_err(), "one that breaks off is no end: {made:?}");
    }
}

#[actix::test]
async fn a_piece_of_which_something_is_damaged_is_not_made() {
    played(|second, folder| {
        if second != 50 {
            return;
        }
        let files = std::fs::read_dir(folder.join("live")).expect("a folder");
        let mut files = files.map(|file| file.expect("a file").path());
        let is_picture = |path: &PathBuf| {
            let file = Demuxer::open(path).expect("it opens");
            file.size(0).is_some()
        };
        let camera = files.find(is_picture).expect("it is recorded");
        let mut bytes = std::fs::read(&camera).expect("a file");
        let (from, to) = (bytes.len() / 5, bytes.len() / 3);
        bytes[from..to].fill(0xff);
        let file = std::fs::File::options().write(true).open(&camera);
        let damaged = file.expect("it opens").write_all_at(&bytes[..to], 0);
        damaged.expect("the disk fails");
        let made = ahead(folder).next();
        let why = made.expect_err("it is damaged").to_string();
        assert!(why.ends_with("is damaged and cannot be read"), "{why}");
        let again = ahead(folder).next().expect("given up");
        assert!(!again, "the whole is made at the end, with a report");
    })
    .await;
}

#[actix::test]
async fn a_screen_of_two_pictures_a_second_is_composed_meanwhile() {
    let (beep, mut screen) = (Reel::beep(), Reel::flash(Codec::Vp8));
    let picture = screen.frames.swap_remove(0).1;
    screen.frames = vec![(0, picture.clone()), (500_000, picture)];
    let mut made = false;
    let clocks = Clocks::default();
    play_and(
        [&beep, &screen],
        SECONDS,
        Network::default(),
        clocks,
        |second, folder| made |= second > 40 && !made && ahead(folder).next().expect("a piece"),
    )
    .await;
    assert!(made, "nothing of it is damaged");
}

#[actix::test]
async fn pieces_of_a_picture_that_stutters_become_one_file() {
    let (beep, mut camera) = (Reel::beep(), Reel::flash(Codec::Vp8));
    let picture = camera.frames.swap_remove(0).1;
    let slow_and_then_fast = [0, 300, 600].into_iter().chain((40..50).map(|at| at * 20));
    camera.frames = slow_and_then_fast
        .map(|ms| (ms * 1000, picture.clone()))
        .collect();
    let (network, clocks) = (Network::default(), Clocks::default());
    let played = play_and([&beep, &camera], 40, network, clocks, |_, _| ()).await;
    let ahead = ahead(&played.place());
    assert!(ahead.next().expect("a piece"), "it is due");
    let finished = &played.finished;
    let made = ahead.whole(&finished.files, finished.duration_ms, |_| ());
    let made = made.expect("they follow each other").expect("of pieces");
    let times = times(&played.place().join(made.file.name));
    let longest = times.windows(2).map(|two| two[1] - two[0]).max();
    assert!(longest <= Some(320_000), "no seam: {longest:?}");
}

#[actix::test]
async fn whoever_has_no_picture_has_a_tile_in_pieces_too() {
    let (beep, mut camera) = (Reel::beep(), Reel::flash(Codec::Vp8));
    camera.frames.clear();
    let (network, clocks) = (Network::default(), Clocks::default());
    let played = play_and([&beep, &camera], 40, network, clocks, |_, _| ()).await;
    let ahead = ahead(&played.place());
    assert!(ahead.next().expect("a piece"), "it is due");
    let piece = played.place().join("live/pieces/0-30000.mp4");
    Picture::of(&piece, "15").stands_in((0, 0), (1280, 720));
}

#[actix::test]
async fn a_piece_that_ends_the_server_each_time_is_given_up() {
    played(|second, folder| {
        if second == 50 {
            let place = folder.join("live/pieces");
            std::fs::create_dir_all(&place).expect("a folder");
            std::fs::write(place.join("tries"), "...").expect("as three kills leave it");
            let why = ahead(folder).next().expect_err("it is given up");
            assert_eq!(why.to_string(), "a piece came to no end in 3 tries");
            assert!(!ahead(folder).next().expect("for good"));
        }
    })
    .await;
}

#[actix::test]
async fn a_recording_that_was_not_composed_meanwhile_is_left_to_its_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = ahead(folder.path()).whole(&[], 1000, |_| ());
    assert_eq!(made.expect("read"), None);
}
