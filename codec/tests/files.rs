//! Files that are written, cut off, read again and finished.

use std::fs::{self, File};
use std::path::Path;

use calls_codec::{Coding, Container, Demuxer, Muxer, Sample, StreamFormat, picture_size};
use tempfile::TempDir;

/// 20 ms of silence (RFC 6716: CELT, fullband, stereo).
const SILENCE: [u8; 3] = [0xfc, 0xff, 0xfe];

/// The beginning of a VP8 key frame of 64x48 (RFC 6386 §9.1), and nothing that could be decoded.
const KEY: [u8; 12] = [0x10, 0, 0, 0x9d, 0x01, 0x2a, 64, 0, 48, 0, 0, 0];

fn opus() -> StreamFormat {
    StreamFormat {
        coding: Coding::Opus,
        size: None,
        parameters: Vec::new(),
    }
}

fn vp8() -> StreamFormat {
    StreamFormat {
        coding: Coding::Vp8,
        size: Some((64, 48)),
        parameters: Vec::new(),
    }
}

fn sound(muxer: &mut Muxer, frames: std::ops::Range<i64>) {
    for frame in frames {
        let sample = Sample {
            at_us: frame * 20_000,
            lasts_us: 20_000,
            key: true,
            data: &SILENCE,
        };
        muxer.write(0, sample).expect("it takes it");
    }
}

fn times(path: &Path) -> Vec<i64> {
    let mut demuxer = Demuxer::open(path).expect("it can be read");
    let mut times = Vec::new();
    while let Some(read) = demuxer.read().expect("to its end") {
        times.push(read.at_us);
    }
    times
}

#[test]
fn what_was_flushed_is_there_when_the_writer_dies() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("cut.webm");
    let file = File::create(&path).expect("a file");
    let mut muxer = Muxer::live(file, Container::WebM, &opus()).expect("a muxer");
    sound(&mut muxer, 0..50);
    muxer.flush().expect("flushed");
    sound(&mut muxer, 50..60);
    std::mem::forget(muxer); // as a kill would: nothing more reaches the file
    let times = times(&path);
    // Matroska holds one frame of sound back, to see whether a key frame follows.
    assert_eq!((times.len(), times[48]), (49, 960_000));
}

#[test]
fn a_file_cut_anywhere_can_be_read_up_to_there() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("whole.webm");
    let file = File::create(&path).expect("a file");
    let mut muxer = Muxer::live(file, Container::WebM, &opus()).expect("a muxer");
    for second in 0..4 {
        sound(&mut muxer, second * 50..(second + 1) * 50);
        muxer.flush().expect("flushed");
    }
    muxer.finish().expect("finished");
    let bytes = fs::read(&path).expect("it is there");
    let cut = folder.path().join("cut.webm");
    for length in (600..bytes.len()).step_by(37) {
        fs::write(&cut, &bytes[..length]).expect("written");
        let seen = times(&cut);
        assert!(seen.is_sorted() && seen.len() <= 200, "{length}");
    }
    assert_eq!(times(&path).len(), 200);
}

#[test]
fn a_finished_copy_has_the_times_that_it_was_given() {
    let folder = TempDir::new().expect("a folder");
    let (live, whole) = (
        folder.path().join("live.webm"),
        folder.path().join("whole.webm"),
    );
    let file = File::create(&live).expect("a file");
    let mut muxer = Muxer::live(file, Container::WebM, &opus()).expect("a muxer");
    sound(&mut muxer, 0..10);
    muxer.finish().expect("finished");

    let mut from = Demuxer::open(&live).expect("it can be read");
    let mut to = Muxer::whole(&whole, Container::WebM, &from).expect("a muxer");
    while let Some(read) = from.read().expect("to its end") {
        let sample = Sample {
            at_us: read.at_us + 3_000_000,
            lasts_us: 20_000,
            key: read.key,
            data: read.data,
        };
        to.write(0, sample).expect("it takes it");
    }
    to.finish().expect("finished");
    let times = times(&whole);
    assert_eq!((times[0], times.len()), (3_000_000, 10));
}

#[test]
fn times_that_do_not_rise_lose_no_frame() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("still.webm");
    let file = File::create(&path).expect("a file");
    let mut muxer = Muxer::live(file, Container::WebM, &vp8()).expect("a muxer");
    for at_us in [0, 40_000, 20_000, 40_000] {
        let sample = Sample {
            at_us,
            lasts_us: 0,
            key: true,
            data: &KEY,
        };
        muxer.write(0, sample).expect("it takes it");
    }
    muxer.finish().expect("finished");
    assert_eq!(times(&path), [0, 40_000, 41_000, 42_000]);
}

#[test]
fn a_full_disk_is_told_by_its_name() {
    let file = File::options()
        .write(true)
        .open("/dev/full")
        .expect("Linux has it");
    let begun = Muxer::live(file, Container::WebM, &opus()).and_then(|mut muxer| {
        sound(&mut muxer, 0..1);
        muxer.flush()
    });
    let error = begun.expect_err("nothing fits");
    assert!(error.reason.contains("No space left"), "{error}");
}

#[test]
fn what_is_no_recording_is_refused_with_a_reason() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("no.webm");
    fs::write(&path, b"not a recording").expect("written");
    let error = Demuxer::open(&path).expect_err("it is none");
    assert!(
        error.to_string().starts_with("open a recorded file: "),
        "{error}"
    );
}

#[test]
fn a_key_frame_tells_its_size() {
    assert_eq!(picture_size(Coding::Vp8, &KEY), Some((64, 48)));
    assert_eq!(picture_size(Coding::Vp8, &[1, 2]), None);
}

#[test]
fn what_the_system_does_not_let_be_read_is_told_apart_from_what_is_no_recording() {
    let refused = Demuxer::open(Path::new("/proc/self/mem")).expect_err("nothing is there");
    assert!(refused.of_system, "{refused}");
    let folder = TempDir::new().expect("a folder");
    let refused = Demuxer::open(folder.path()).expect_err("a folder is no file");
    assert!(refused.of_system, "{refused}");
    let path = folder.path().join("empty.webm");
    File::create(&path).expect("a file");
    let refused = Demuxer::open(&path).expect_err("there is nothing in it");
    assert!(!refused.of_system, "{refused}");
    let refused = Demuxer::open(&folder.path().join("none.webm")).expect_err("it is not there");
    assert!(!refused.of_system, "{refused}");
}

#[test]
fn a_damaged_place_in_the_middle_does_not_take_the_rest_along() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("damaged.webm");
    let file = File::create(&path).expect("a file");
    let mut muxer = Muxer::live(file, Container::WebM, &opus()).expect("a muxer");
    for second in 0..20 {
        sound(&mut muxer, second * 50..(second + 1) * 50);
        muxer.flush().expect("flushed");
    }
    muxer.finish().expect("finished");
    let mut bytes = fs::read(&path).expect("a file");
    let middle = bytes.len() / 2;
    bytes[middle..middle + 300].fill(0xff);
    fs::write(&path, bytes).expect("written");
    let times = times(&path);
    // FFmpeg may say nothing of it: whoever knows how many there were finds the hole.
    assert!(
        (900..1000).contains(&times.len()),
        "{} of 1000 frames are left",
        times.len()
    );
    let holes = times.windows(2).filter(|two| two[1] - two[0] > 20_000);
    assert_eq!(holes.count(), 1, "one place is damaged");
    assert_eq!(times.last(), Some(&19_980_000));
}

#[test]
fn a_file_with_hundreds_of_damaged_places_is_read_to_its_end() {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("riddled.webm");
    let file = File::create(&path).expect("a file");
    let mut muxer = Muxer::live(file, Container::WebM, &opus()).expect("a muxer");
    for second in 0..400 {
        sound(&mut muxer, second * 50..(second + 1) * 50);
        muxer.flush().expect("flushed");
    }
    muxer.finish().expect("finished");
    let mut bytes = fs::read(&path).expect("a file");
    for place in (2000..bytes.len() - 4000).step_by(700) {
        bytes[place..place + 30].fill(0xff);
    }
    fs::write(&path, bytes).expect("written");
    let mut demuxer = Demuxer::open(&path).expect("it opens");
    let mut last = 0;
    while let Some(read) = demuxer.read().expect("to its end") {
        last = read.at_us;
    }
    assert_eq!(last, 399_980_000);
    assert!(!demuxer.gave_up());
}
