//! The pictures of a stretch of a recording that may still go on.

use std::fmt;
use std::path::Path;

use calls_codec::{Demuxer, Muxer, Sample};
use calls_model::{RecordingFile, Source, Turn};

use super::present::present;
use super::session::{Known, LiveFile, Reading, Session};
use super::timeline::{Timeline, cut};
use super::{FinishError, STILL_HOLE_US, described, input, millis, open, origin, report};
use crate::recording::render::{STANDS_MS, STUTTERS_MS};

/// A stretch of a recording. Its times begin where decoding has to.
#[derive(Debug)]
pub(in crate::recording) struct Excerpt {
    /// Its pictures.
    pub(in crate::recording) files: Vec<RecordingFile>,
    /// Who was there, whether they had a picture or not: voices that have no file.
    pub(in crate::recording) people: Vec<RecordingFile>,
    /// Who had the floor.
    pub(in crate::recording) turns: Vec<Turn>,
    /// How much before the stretch is in it.
    pub(in crate::recording) skip_ms: u64,
}

/// A file, and where in it the stretch begins: the last key frame before it.
struct Part<'a> {
    live: &'a LiveFile,
    known: &'a Known,
    timeline: Timeline<'a>,
    key_us: i64,
}

/// What is added to an interval of pictures before it is a hole: to the writer a picture lasts a millisecond, and the file
/// rounds to milliseconds.
const ROUNDING_US: i64 = 2000;

/// The log of a recording that goes on, read on each time that something is asked.
#[derive(Default)]
pub(in crate::recording) struct Following(Reading);

impl fmt::Debug for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Following").finish_non_exhaustive() // of hours it is long
    }
}

impl Following {
    /// Whether so much of it is on disk by now.
    pub(in crate::recording) fn has(
        &mut self,
        folder: &Path,
        wanted_ms: u64,
    ) -> Result<bool, FinishError> {
        let session = self.0.read_on(folder)?;
        let end_us = cut(session.end_us, &session.pauses);
        if millis(end_us.max(0)) < wanted_ms {
            return Ok(false); // wherever it begins; that is in every file
        }
        let from = origin(folder, session)?;
        Ok(from.is_some_and(|from| millis((end_us - from).max(0)) >= wanted_ms))
    }

    /// Copies the pictures of a stretch to where `to` is.
    pub(in crate::recording) fn excerpt(
        &mut self,
        folder: &Path,
        stretch: (u64, u64),
        to: &Path,
    ) -> Result<Excerpt, FinishError> {
        excerpt(self.0.read_on(folder)?, folder, stretch, to)
    }
}

fn excerpt(
    session: &Session,
    folder: &Path,
    (from_ms, to_ms): (u64, u64),
    to: &Path,
) -> Result<Excerpt, FinishError> {
    let origin_us = origin(folder, session)?.ok_or(FinishError::Empty)?;
    let micros = |ms: u64| i64::try_from(ms * 1000).unwrap_or(i64::MAX);
    let stretch = (micros(from_ms), micros(to_ms));
    let mut parts = Vec::new();
    for live in &session.files {
        let known = session.tracks.get(&live.track);
        if let Some(known) = known.filter(|known| !known.source.is_audio()) {
            let timeline = Timeline::of(session, live, origin_us);
            let is_camera = known.source == Source::Camera;
            if let Some(key_us) = begins(folder, live, (&timeline, is_camera), stretch)? {
                parts.push(Part {
                    live,
                    known,
                    timeline,
                    key_us,
                });
            }
        }
    }
    let begins = parts.iter().map(|part| part.key_us).min();
    let base = begins.unwrap_or(stretch.0).min(stretch.0);
    let mut files = Vec::new();
    for (number, part) in parts.iter().enumerate() {
        files.extend(copy(folder, part, (base, stretch.1), to, number)?);
    }
    let before_ms = millis(base);
    let mut turns = report::turns(session, origin_us);
    turns.retain(|turn| turn.from_ms < to_ms);
    for turn in &mut turns {
        turn.from_ms = turn.from_ms.saturating_sub(before_ms);
    }
    Ok(Excerpt {
        files,
        people: present(session, origin_us, (base, stretch.1)),
        turns,
        skip_ms: from_ms - before_ms,
    })
}

/// Where decoding has to begin for this stretch; `None` where nothing of it is in this file. Of a camera that is off when it
/// begins, what was before is not needed.
fn begins(
    folder: &Path,
    live: &LiveFile,
    (timeline, is_camera): (&Timeline<'_>, bool),
    (from_us, to_us): (i64, i64),
) -> Result<Option<i64>, FinishError> {
    let Some(mut file) = open(folder, live)? else {
        return Ok(None); // nothing of it is on disk yet
    };
    let (mut key_us, mut seen, mut before_us) = (None, false, None);
    while let Some(read) = file.read().map_err(input(live))? {
        let at_us = timeline.at(read.at_us).max(0);
        if at_us >= to_us {
            break;
        }
        let is_off = |before_us| is_camera && !seen && is_off(before_us, from_us, at_us);
        if read.key && (at_us <= from_us || key_us.is_none() || before_us.is_some_and(is_off)) {
            key_us = Some(at_us);
        }
        seen |= at_us >= from_us;
        before_us = Some(at_us);
    }
    Ok(key_us.filter(|_| seen))
}

/// A camera with one picture then and its next one there is off in between.
fn is_off(before_us: i64, at_us: i64, next_us: i64) -> bool {
    let [stutters, stands] = [STUTTERS_MS, STANDS_MS].map(|ms| i64::try_from(ms * 1000));
    let (Ok(stutters), Ok(stands)) = (stutters, stands) else {
        return false;
    };
    next_us > before_us + stutters && at_us >= before_us + stands
}

fn copy(
    folder: &Path,
    part: &Part<'_>,
    (base_us, to_us): (i64, i64),
    into: &Path,
    number: usize,
) -> Result<Option<RecordingFile>, FinishError> {
    let Part {
        live,
        known,
        timeline,
        key_us,
    } = part;
    let mut from = Demuxer::open(&folder.join(&live.name)).map_err(input(live))?;
    let name = format!("{number:02}.{}", live.container().extension());
    let mut to = Muxer::whole(&into.join(&name), live.container(), &from)?;
    // A hole of which the log knows nothing is damage. Both are told in the times of the file, as the writer saw them.
    let told = |from_us: i64, to_us: i64| {
        let mut gaps = known.gaps.iter();
        gaps.any(|&(begins, ends, _)| begins < to_us && from_us < ends)
    };
    // After a pause pictures wait for a key frame, of which the log says nothing.
    let paused = |from_us: i64, to_us: i64| {
        let (from_us, to_us) = (timeline.raw(from_us), timeline.raw(to_us));
        let mut pauses = timeline.pauses.iter();
        pauses.any(|&(begins, ends)| begins <= to_us && ends.is_none_or(|ends| from_us <= ends))
    };
    let (mut first, mut end, mut before) = (None, 0, None);
    let damaged = || FinishError::Damaged(live.name.clone());
    while let Some(read) = from.read().map_err(input(live))? {
        let at_us = timeline.at(read.at_us).max(0);
        let (from_us, until_us) = (before.replace(read.at_us), read.at_us);
        if at_us >= to_us {
            break; // what the log says of what comes then may not be there yet
        }
        if at_us < *key_us {
            continue;
        }
        let hole = from_us.filter(|from| until_us - from >= STILL_HOLE_US + ROUNDING_US);
        if hole.is_some_and(|from| !told(from, until_us) && !paused(from, until_us)) {
            return Err(damaged());
        }
        let at_us = at_us - base_us;
        let sample = Sample {
            at_us,
            lasts_us: 0,
            key: read.key,
            data: read.data,
        };
        to.write(0, sample)?;
        first.get_or_insert(at_us);
        end = at_us;
    }
    if from.damage() > 0 || from.gave_up() {
        return Err(damaged());
    }
    to.finish()?;
    Ok(first.map(|first| described(live, known, name, (first, end))))
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use calls_codec::{Coding, Container, StreamFormat};
    use calls_model::{ParticipantId, Source, UserId};
    use tempfile::TempDir;

    use super::*;
    use crate::recording::log::{Entry, LaneKey, Log, TrackKey};

    const TRACK: TrackKey = TrackKey {
        run: 1,
        peer: 1,
        index: 0,
    };

    /// Looks like a key frame of VP8 (RFC 6386 §9.1).
    const PICTURE: [u8; 40] = {
        let mut picture = [0x55; 40];
        let begins = [0x00, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01];
        picture
            .split_at_mut(begins.len())
            .0
            .copy_from_slice(&begins);
        picture
    };

    /// The times of an excerpt's pictures, of a camera that has its own at these, all in milliseconds; and what its log says
    /// beside that.
    fn excerpt(pictures: &[i64], says: &[Entry], to_ms: u64) -> Result<Vec<i64>, FinishError> {
        let (_, times) = stretch(pictures, says, (0, to_ms))?;
        Ok(times)
    }

    /// How much before a stretch is needed for it, and the times of its pictures from there on.
    fn stretch(
        pictures: &[i64],
        says: &[Entry],
        stretch: (u64, u64),
    ) -> Result<(u64, Vec<i64>), FinishError> {
        let (folder, into) = (TempDir::new()?, TempDir::new()?);
        fs::create_dir(folder.path().join("live"))?;
        let name = "live/0-0-0.webm".to_owned();
        let format = StreamFormat {
            coding: Coding::Vp8,
            size: Some((640, 360)),
            parameters: Vec::new(),
        };
        let file = File::create(folder.path().join(&name))?;
        let mut camera = Muxer::live(file, Container::WebM, &format)?;
        for at_ms in pictures {
            let sample = Sample {
                at_us: at_ms * 1000,
                lasts_us: 0,
                key: true,
                data: &PICTURE,
            };
            camera.write(0, sample)?;
        }
        camera.finish()?;
        let begun = [
            Entry::Begun {
                segment: 0,
                at_us: 0,
                run: None,
            },
            Entry::Track {
                at_us: None,
                track: TRACK,
                participant_id: ParticipantId::new(),
                user_id: UserId::try_from("ada".to_owned()).expect("an id"),
                display_name: None,
                source: Source::Camera,
            },
            Entry::File {
                file: name.clone(),
                track: TRACK,
                codec: "vp8".to_owned(),
            },
            Entry::Epoch {
                file: name,
                lane: LaneKey {
                    segment: 0,
                    track: TRACK,
                    layer: 0,
                    generation: 0,
                },
                at_us: 0,
                rtp: 0,
                rate: 90_000,
            },
        ];
        let (mut log, _) = Log::begin(folder.path())?;
        for entry in begun.iter().chain(says) {
            log.note(entry);
        }
        log.sync()?;
        let made = Following::default().excerpt(folder.path(), stretch, into.path())?;
        let mut times = Vec::new();
        for file in made.files {
            let mut file = Demuxer::open(&into.path().join(file.name))?;
            while let Some(read) = file.read()? {
                times.push(read.at_us / 1000);
            }
        }
        Ok((made.skip_ms, times))
    }

    fn is_damage(made: &Result<Vec<i64>, FinishError>) -> bool {
        matches!(made, Err(FinishError::Damaged(_)))
    }

    #[test]
    fn two_pictures_a_second_are_no_damage_and_fewer_are_unless_the_log_knows() {
        let screen = [0, 500, 1001, 1501];
        assert_eq!(excerpt(&screen, &[], 2000).expect("all of it"), screen);
        let hole = [0, 500, 1010];
        let made = excerpt(&hole, &[], 2000);
        assert!(is_damage(&made), "{made:?}");
        let gap = Entry::Gap {
            track: TRACK,
            from_us: 501_000,
            to_us: 1_010_000,
            lost: 0,
        };
        assert_eq!(excerpt(&hole, &[gap], 2000).expect("all of it"), hole);
    }

    #[test]
    fn waiting_for_a_key_frame_after_a_pause_is_no_damage() {
        let pause = [
            Entry::Paused { at_us: 410_000 },
            Entry::Resumed { at_us: 2_410_000 },
        ];
        let made = excerpt(&[0, 400, 3100, 3200], &pause, 2000);
        assert_eq!(made.expect("all of it"), [0, 400, 1100, 1200]);
        let made = excerpt(&[0, 400, 3100, 3700], &pause, 2000);
        assert!(is_damage(&made), "one that touches no pause is: {made:?}");
    }

    #[test]
    fn what_comes_after_the_stretch_is_not_asked_for_its_holes() {
        let pictures = [0, 400, 1200];
        let made = excerpt(&pictures, &[], 1000);
        assert_eq!(made.expect("the log is behind"), [0, 400]);
        let made = excerpt(&pictures, &[], 2000);
        assert!(is_damage(&made), "of a stretch with it: {made:?}");
    }

    #[test]
    fn what_a_camera_saw_before_it_was_off_is_not_needed_to_go_on() {
        let gap = |from_ms: i64, to_ms: i64| Entry::Gap {
            track: TRACK,
            from_us: from_ms * 1000,
            to_us: to_ms * 1000,
            lost: 0,
        };
        let pictures = [0, 400, 100_000, 100_400];
        let off = [gap(400, 100_000)];
        let made = stretch(&pictures, &off, (90_000, 120_000)).expect("it is read");
        assert_eq!(made, (0, vec![10_000, 10_400]));
        let made = stretch(&pictures, &off, (600, 100_200)).expect("it is read");
        assert_eq!(
            made,
            (200, vec![0, 99_600]),
            "its last picture still stands"
        );
        let stutters = stretch(&[0, 400, 1900, 2300], &[gap(400, 1900)], (1500, 3000));
        assert_eq!(stutters.expect("it is read"), (1100, vec![0, 1500, 1900]));
    }
}
