//! When a composite has its pictures: when the cameras had theirs, so that nobody's are moved without need.
//!
//! libavfilter takes these times from a tiny film (the clock), which everything is laid upon.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::path::Path;

use calls_codec::{CodecError, Coding, Container, Muxer, Sample, StreamFormat};

use super::RenderError;

/// Pictures of one file keep their times when they are that far apart: 60 a second.
const APART_MS: u32 = 15;

/// Where several files take turns: 30 a second.
const APART_OF_OTHERS_MS: u32 = 28;

/// A picture that is between two of them is shown with the one that it is nearer to. It is less than
/// [`APART_MS`], so it moves none that has a time of its own.
pub(super) const NEAR_MS: u64 = 14;

/// A picture is repeated after that time, for who seeks.
const STILL_MS: u32 = 200;

/// How long the last picture stands.
const LAST_MS: u64 = 40;

/// Width and height of the clock's picture.
const SIZE: u32 = 16;

/// Its picture, of the colour of the ground: a key frame of VP8.
const PICTURE: [u8; 38] = [
    0x30, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x10, 0x00, 0x10, 0x00, 0x00, 0x07, 0x08, 0x85, 0x85, 0x88,
    0x99, 0x84, 0x88, 0x00, 0x28, 0x10, 0x13, 0xa7, 0xa3, 0x78, 0x40, 0xfe, 0xff, 0x2e, 0xa7, 0xb2,
    0x77, 0xa5, 0xa0, 0xf8, 0xaf, 0x80,
];

/// Writes the clock into that file.
///
/// # Errors
///
/// It cannot be written.
pub(super) fn write(path: &Path, times: &[u32]) -> Result<(), RenderError> {
    let said = |error: CodecError| RenderError::Refused(error.to_string());
    let format = StreamFormat {
        coding: Coding::Vp8,
        size: Some((SIZE, SIZE)),
        parameters: Vec::new(),
    };
    let mut clock = Muxer::live(File::create(path)?, Container::WebM, &format).map_err(said)?;
    for &at_ms in times {
        let sample = Sample {
            at_us: i64::from(at_ms) * 1000,
            lasts_us: 0,
            key: true,
            data: &PICTURE,
        };
        clock.write(0, sample).map_err(said)?;
    }
    clock.finish().map_err(said).map(drop)
}

/// When there are pictures, in milliseconds: where files have theirs (in order), unless that is too often, and in any case at
/// these moments and at both ends.
pub(super) fn times(files: &[&[u32]], moments: &[u64], length_ms: u64) -> Vec<u32> {
    let millis = |ms: u64| u32::try_from(ms).unwrap_or(u32::MAX);
    let ends = [0, length_ms.saturating_sub(LAST_MS)];
    let moments = ends.iter().chain(moments).map(|&at| millis(at));
    let mut moments: Vec<u32> = moments.collect();
    moments.sort_unstable();
    let length = millis(length_ms.max(1));
    let mut times: Vec<u32> = Vec::new();
    let mut shown: Option<(u32, usize)> = None;
    for (at, file) in Merged::of(&moments, files) {
        if at >= length {
            break;
        }
        let far = match (file, shown) {
            (Some(file), Some((last, of))) if of == file => at >= last + APART_MS,
            (Some(_), Some((last, _))) => at >= last + APART_OF_OTHERS_MS,
            (None, _) | (_, None) => true,
        };
        if !far {
            continue;
        }
        shown = file.map(|file| (at, file)).or(shown);
        match times.last() {
            Some(&last) if last == at => {}
            Some(&last) => {
                times.extend((last + STILL_MS..at).step_by(STILL_MS as usize));
                times.push(at);
            }
            None => times.push(at),
        }
    }
    times
}

/// All of these times in order, each with its file; of one time the moments come first. What is merged is never all in memory
/// at once.
struct Merged<'a> {
    moments: &'a [u32],
    files: &'a [&'a [u32]],
    /// The next time of each list, and where in which it is.
    heads: BinaryHeap<Reverse<(u32, Option<usize>, usize)>>,
}

impl<'a> Merged<'a> {
    fn of(moments: &'a [u32], files: &'a [&'a [u32]]) -> Self {
        let mut merged = Self {
            moments,
            files,
            heads: BinaryHeap::new(),
        };
        merged.put(None, 0);
        for file in 0..files.len() {
            merged.put(Some(file), 0);
        }
        merged
    }

    fn put(&mut self, list: Option<usize>, index: usize) {
        let times = list.map_or(self.moments, |file| self.files[file]);
        let head = times.get(index).map(|&at| Reverse((at, list, index)));
        self.heads.extend(head);
    }
}

impl Iterator for Merged<'_> {
    type Item = (u32, Option<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((at, list, index)) = self.heads.pop()?;
        self.put(list, index + 1);
        Some((at, list))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every(apart: u32, from: u32, to: u32) -> Vec<u32> {
        let steps = (0..).map(|step| from + step * apart);
        steps.take_while(|at| *at < to).collect()
    }

    #[test]
    fn who_is_alone_keeps_every_time() {
        for apart in [20, 33, 40, 66] {
            let camera = every(apart, 7, 10_000);
            let times = times(&[&camera], &[], 10_000);
            assert!(camera.iter().all(|at| times.contains(at)), "{apart}");
            assert!(times.len() <= camera.len() + 2, "and there is nothing else");
        }
    }

    #[test]
    fn where_four_take_turns_none_is_far_from_its_time_and_there_are_no_more_pictures_than_of_one()
    {
        let cameras = [0, 9, 17, 26].map(|from| every(33, from, 10_000));
        let files: Vec<&[u32]> = cameras.iter().map(Vec::as_slice).collect();
        let times = times(&files, &[], 10_000);
        assert!(times.len() <= cameras[0].len() + 2, "{}", times.len());
        for at in cameras.iter().flatten().filter(|at| **at < 9_900) {
            let nearest = times.iter().map(|time| time.abs_diff(*at)).min();
            assert!(
                nearest.is_some_and(|apart| apart <= 17),
                "{at}: {nearest:?}"
            );
        }
    }

    #[test]
    fn what_stands_still_is_repeated_and_moments_are_kept() {
        let times = times(&[&[0, 1000]], &[500, 501], 1500);
        let wanted = [0, 200, 400, 500, 501, 701, 901, 1000, 1200, 1400, 1460];
        assert_eq!(times, wanted);
    }

    #[test]
    fn there_is_a_picture_where_nothing_is() {
        assert_eq!(times(&[], &[], 0), [0]);
        assert_eq!(times(&[&[5000]], &[9000], 100), [0, 60]);
    }

    #[test]
    fn what_is_merged_is_in_order_and_moments_come_first() {
        let files: [&[u32]; 3] = [&[1, 5, 9], &[], &[0, 5]];
        let all: Vec<_> = Merged::of(&[5, 7], &files).collect();
        let one = Some(0);
        let three = Some(2);
        let wanted = [
            (0, three),
            (1, one),
            (5, None),
            (5, one),
            (5, three),
            (7, None),
            (9, one),
        ];
        assert_eq!(all, wanted);
    }

    #[test]
    fn the_times_of_fifty_cameras_are_not_in_memory_once_more() {
        const HOUR_MS: u32 = 3600 * 1000;
        let camera: Vec<u32> = every(33, 0, HOUR_MS);
        let files: Vec<&[u32]> = vec![&camera; 50];
        let mut merged = Merged::of(&[], &files);
        let mut most = merged.heads.capacity();
        while merged.next().is_some() {
            most = most.max(merged.heads.capacity());
        }
        assert!(most < 100, "{most} times of {}", 50 * camera.len());
        let times = times(&files, &[], u64::from(HOUR_MS));
        assert!(times.len() <= camera.len() + 2, "{}", times.len());
    }
}
