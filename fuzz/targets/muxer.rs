//! Any frames, in any order of time, into a file that is being made; and any frame asked for its size.
#![no_main]

use std::fs::File;

use calls_codec::{Coding, Container, Muxer, Sample, StreamFormat, picture_size};
use libfuzzer_sys::fuzz_target;

const CODINGS: [Coding; 5] = [
    Coding::Opus,
    Coding::Vp8,
    Coding::Vp9,
    Coding::H264,
    Coding::Av1,
];

fuzz_target!(|input: &[u8]| {
    let Some((&[kind, split], input)) = input.split_first_chunk::<2>() else {
        return;
    };
    let coding = CODINGS[usize::from(kind) % CODINGS.len()];
    let (parameters, frames) = input.split_at(usize::from(split).min(input.len()));
    let _ = picture_size(coding, frames);
    let format = StreamFormat {
        coding,
        size: (!coding.is_audio()).then_some((640, 360)),
        parameters: parameters.to_vec(),
    };
    let nowhere = File::options().write(true).open("/dev/null");
    let container = Container::Matroska; // the one that takes anything
    let Ok(mut muxer) = Muxer::live(nowhere.expect("Unix"), container, &format) else {
        return;
    };
    let mut rest = frames;
    while let Some((&[step, length, key], after)) = rest.split_first_chunk::<3>() {
        let (data, after) = after.split_at(usize::from(length).min(after.len()));
        let sample = Sample {
            at_us: i64::from(i8::from_ne_bytes([step])) * 100_003,
            lasts_us: i64::from(key) * 1_000,
            key: key % 2 == 0,
            data,
        };
        if muxer.write(0, sample).is_err() {
            break;
        }
        if key % 16 == 0 {
            let _ = muxer.flush();
        }
        rest = after;
    }
    let _ = muxer.finish();
});
