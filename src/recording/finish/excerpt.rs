//! The pictures of a stretch of a recording that may still go on.

use std::fmt;
use std::path::Path;

use calls_codec::{Demuxer, Muxer, Sample};
use calls_model::{RecordingFile, Turn};

use super::session::{Known, LiveFile, Reading, Session};
use super::timeline::{Timeline, cut};
use super::{FinishError, STILL_HOLE_US, described, millis, open, origin, report};

/// A stretch of a recording. Its times begin where decoding has to.
#[derive(Debug)]
pub(in crate::recording) struct Excerpt {
    /// Its pictures.
    pub(in crate::recording) files: Vec<RecordingFile>,
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
            if let Some(key_us) = begins(folder, live, &timeline, stretch)? {
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
        turns,
        skip_ms: from_ms - before_ms,
    })
}

/// Where decoding has to begin for this stretch; `None` where nothing of it is in this file.
fn begins(
    folder: &Path,
    live: &LiveFile,
    timeline: &Timeline<'_>,
    (from_us, to_us): (i64, i64),
) -> Result<Option<i64>, FinishError> {
    let Some(mut file) = open(folder, live)? else {
        return Ok(None); // nothing of it is on disk yet
    };
    let (mut key_us, mut seen) = (None, false);
    while let Some(read) = file.read()? {
        let at_us = timeline.at(read.at_us).max(0);
        if at_us >= to_us {
            break;
        }
        if read.key && (at_us <= from_us || key_us.is_none()) {
            key_us = Some(at_us);
        }
        seen |= at_us >= from_us;
    }
    Ok(key_us.filter(|_| seen))
}

fn copy(
    folder: &Path,
    part: &Part<'_>,
    (base_us, to_us): (i64, i64),
    into: &Path,
    number: usize,
) -> Result<Option<RecordingFile>, FinishError> {
    let Part { live, known, .. } = part;
    let mut from = Demuxer::open(&folder.join(&live.name))?;
    let name = format!("{number:02}.{}", live.container().extension());
    let mut to = Muxer::whole(&into.join(&name), live.container(), &from)?;
    let at = |raw_us: i64| cut(raw_us, part.timeline.pauses) - part.timeline.origin_us;
    // A hole of which the log knows nothing is damage.
    let told = |from_us: i64, to_us: i64| {
        let mut gaps = known.gaps.iter();
        gaps.any(|&(begins, ends, _)| at(begins) < to_us && from_us < at(ends))
    };
    let (mut first, mut end, mut before) = (None, 0, None);
    let damaged = || FinishError::Damaged(live.name.clone());
    while let Some(read) = from.read()? {
        let at_us = part.timeline.at(read.at_us).max(0);
        let before = before.replace(at_us).unwrap_or(at_us);
        if at_us < part.key_us {
            continue;
        }
        if at_us - before >= STILL_HOLE_US && !told(before, at_us) {
            return Err(damaged());
        }
        if at_us >= to_us {
            break;
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
