//! Makes the files that people get of those that were written live: whole, with an index, and all on one timeline.
//!
//! It may be killed at any moment and begun again: what it makes gets its name last, and what it is made of goes after
//! that.

mod excerpt;
mod gaps;
mod present;
mod report;
mod session;
mod timeline;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use calls_codec::{CodecError, Container, Demuxer, Muxer, Sample};
use calls_model::{FileKind, FilePlace, RecordingFile, RecordingReport, Source};
use sha2::{Digest, Sha256};

pub(super) use self::excerpt::{Excerpt, Following};
use self::report::{Copies, Missed, report};
use self::session::{Known, LiveFile, Session};
use self::timeline::{Timeline, cut};
use super::log::TrackKey;
use super::writer::GAP_US;

/// So long no sound is missing in what was written: silence was put in. (Clocks that run apart make for less.)
const SILENT_HOLE_US: i64 = 60_000;

/// Where live files are, and by which name they go.
const LIVE: [&str; 2] = ["live", "live-going"];

/// So long no picture is missing without a line in the log.
const STILL_HOLE_US: i64 = GAP_US;

/// A recording cannot be finished.
#[derive(Debug, thiserror::Error)]
pub enum FinishError {
    /// FFmpeg says no.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// A live file cannot be read.
    #[error("{0} cannot be read: {1}")]
    Input(String, CodecError),
    /// The system says no.
    #[error("{0}")]
    System(#[from] io::Error),
    /// There is nothing in it.
    #[error("nothing was recorded: nobody who was to be recorded sent sound or pictures")]
    Empty,
    /// There was something in it.
    #[error("what was recorded is damaged and cannot be read")]
    Unreadable,
    /// Something of a live file cannot be read.
    #[error("something of {0} is damaged and cannot be read")]
    Damaged(String),
    /// Something was recorded, and its folder is not there: perhaps another disk belongs where recordings are.
    #[error("the folder of the recording is not there")]
    Missing,
}

impl FinishError {
    /// Trying again comes to the same.
    pub(super) fn is_final(&self) -> bool {
        matches!(self, Self::Empty | Self::Unreadable)
    }
}

/// What a recording came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// One file for each that was written.
    pub files: Vec<RecordingFile>,
    /// From the first frame to the end of the last.
    pub duration_ms: u64,
    /// How far it can be trusted.
    pub report: RecordingReport,
    /// When the first frame is, in microseconds from when the recording was asked for.
    pub begins_us: i64,
}

/// Finishes what is in a folder. `run` is this run of the server, which tells a recorder that crashed from a server that
/// did; `None`: another one than recorded.
///
/// # Errors
///
/// When nothing was recorded, or a file cannot be read or written.
pub fn finish(folder: &Path, run: Option<&str>) -> Result<Finished, FinishError> {
    finish_into(folder, folder, run)
}

/// The same, with what comes of it in another folder.
pub(super) fn finish_into(
    folder: &Path,
    into: &Path,
    run: Option<&str>,
) -> Result<Finished, FinishError> {
    let (session, lines) = Session::of(folder, run)?;
    let missed = Missed {
        lines,
        files: strays(folder, &session)?,
    };
    let nothing = || {
        if report::is_lost(&session, missed) {
            FinishError::Unreadable
        } else {
            FinishError::Empty
        }
    };
    let origin_us = origin(folder, &session)?.ok_or_else(nothing)?;
    let mut files = Vec::new();
    let mut copies = BTreeMap::<TrackKey, Copies>::new();
    for live in &session.files {
        let Some(known) = session.tracks.get(&live.track) else {
            continue;
        };
        let timeline = Timeline::of(&session, live, origin_us);
        let of = copies.entry(live.track).or_default();
        let number = files.len();
        files.extend(whole((folder, into), live, (known, number), &timeline, of)?);
    }
    if files.is_empty() {
        return Err(nothing());
    }
    let ends = files.iter().map(|file| file.start_ms + file.duration_ms);
    let duration_ms = ends.max().unwrap_or(0);
    let report = report(&session, &copies, missed, origin_us);
    File::open(into)?.sync_all()?; // their names outlive a power cut
    Ok(Finished {
        files,
        duration_ms,
        report,
        begins_us: origin_us,
    })
}

/// How many media files there are that the log does not know, or not whose they are.
fn strays(folder: &Path, session: &Session) -> io::Result<u64> {
    let entries = match fs::read_dir(folder.join("live")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        entries => entries?,
    };
    let known = |name: &str| {
        let of = |live: &&LiveFile| live.name.strip_prefix("live/") == Some(name);
        let live = session.files.iter().find(of);
        live.is_some_and(|live| session.tracks.contains_key(&live.track))
    };
    let mut strays = 0;
    for entry in entries {
        let entry = entry?;
        let known = entry.file_name().to_str().is_some_and(known);
        strays += u64::from(!known && entry.file_type()?.is_file());
    }
    Ok(strays)
}

/// Lets go of what finished files were made of.
///
/// # Errors
///
/// What the system says.
pub fn let_go(folder: &Path) -> io::Result<()> {
    let [live, going] = LIVE.map(|name| folder.join(name));
    // By another name: half of it would look like all that there ever was. A kill may have left it by that name before.
    for step in [
        fs::remove_dir_all(&going),
        fs::rename(live, &going),
        fs::remove_dir_all(&going),
    ] {
        match step {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// There is something that finished files were made of.
pub fn is_left(folder: &Path) -> bool {
    LIVE.iter().any(|name| folder.join(name).exists())
}

/// When the first frame of all is, in microseconds from when the recording was asked for, as its log in this folder says;
/// `None` where there is none.
pub fn begins_us(folder: &Path) -> Option<i64> {
    let (session, _) = Session::of(folder, None).ok()?;
    let epochs = session.files.iter().flat_map(|live| &live.epochs);
    epochs.map(|epoch| epoch.at_us).min()
}

/// Up to when there is something, in microseconds from when the recording was asked for, as its log in this folder says;
/// `None` where nothing is known to be on disk.
pub fn ends_us(folder: &Path) -> Option<i64> {
    let (session, _) = Session::of(folder, None).ok()?;
    Some(session.end_us).filter(|&end| end > 0)
}

/// When the first frame of all is; `None` where there is none.
fn origin(folder: &Path, session: &Session) -> Result<Option<i64>, FinishError> {
    let mut origin: Option<i64> = None;
    for live in &session.files {
        let Some(mut demuxer) = open(folder, live)? else {
            continue;
        };
        let first = demuxer.read().map_err(input(live))?;
        let first = first.map(|first| first.at_us);
        let timeline = Timeline::of(session, live, 0);
        let first = first.map(|first| cut(timeline.raw(first), &session.pauses));
        origin = [origin, first].into_iter().flatten().min();
    }
    Ok(origin)
}

/// A live file; `None` where it was killed before its first cluster.
fn open(folder: &Path, live: &LiveFile) -> Result<Option<Demuxer>, FinishError> {
    match Demuxer::open(&folder.join(&live.name)) {
        Err(error) if error.of_system => Err(input(live)(error)),
        opened => Ok(opened.ok()),
    }
}

/// Names the live file that is at fault.
fn input(live: &LiveFile) -> impl Fn(CodecError) -> FinishError {
    |error| FinishError::Input(live.name.clone(), error)
}

/// A whole copy of a live file; `None` where there is nothing in it.
fn whole(
    (folder, into): (&Path, &Path),
    live: &LiveFile,
    (known, number): (&Known, usize),
    timeline: &Timeline<'_>,
    copies: &mut Copies,
) -> Result<Option<RecordingFile>, FinishError> {
    let Some(mut from) = open(folder, live)? else {
        return Ok(None);
    };
    let container = live.container();
    let name = format!(
        "{:02}-{}-{}.{}",
        number + 1,
        plain(known.user_id.as_str()),
        source(known.source),
        container.extension()
    );
    let part = into.join(format!("{name}.part"));
    let mut to = Muxer::whole(&part, container, &from)?;
    let (mut first, mut end, mut damage) = (None, 0, 0);
    loop {
        let before = end;
        let Some(read) = from.read().map_err(input(live))? else {
            break;
        };
        let at_us = timeline.at(read.at_us).max(0);
        let (lasts_us, hole_us) = if known.source.is_audio() {
            (read.lasts_us, SILENT_HOLE_US)
        } else {
            (0, STILL_HOLE_US)
        };
        if first.is_some() && at_us - before >= hole_us {
            copies.holes.push((live.segment, before, at_us));
        }
        to.write(
            0,
            Sample {
                at_us,
                lasts_us,
                key: read.key,
                data: read.data,
            },
        )?;
        first.get_or_insert(at_us);
        end = at_us + lasts_us;
        *copies.frames.entry(live.segment).or_default() += 1;
        if from.damage() > damage {
            damage = from.damage();
            copies.damage.push((before, Some(at_us)));
        }
    }
    if from.gave_up() {
        copies.damage.push((end, None));
    }
    to.finish()?;
    let Some(first) = first else {
        fs::remove_file(part)?;
        return Ok(None);
    };
    let path = into.join(&name);
    fs::rename(part, &path)?;
    copies.names.push(name.clone());
    copies.spans.push((live.segment, first, end));
    Ok(Some(RecordingFile {
        size_bytes: fs::metadata(&path)?.len(),
        sha256: sha256(&path)?,
        ..described(live, known, name, (first, end))
    }))
}

/// What can be said of a file without looking into it; its time in microseconds.
fn described(
    live: &LiveFile,
    known: &Known,
    name: String,
    (first, end): (i64, i64),
) -> RecordingFile {
    RecordingFile {
        name,
        kind: FileKind::Track,
        participant_id: Some(known.participant_id.clone()),
        user_id: Some(known.user_id.clone()),
        display_name: known.display_name.clone(),
        source: Some(known.source),
        codec: live.codec.clone(),
        media_type: media_type(known.source, live.container()).to_owned(),
        start_ms: millis(first),
        duration_ms: millis(end - first),
        size_bytes: 0,
        sha256: String::new(),
        place: FilePlace::Local,
        url: None,
    }
}

/// SHA-256 of a file in lower-case hex.
///
/// # Errors
///
/// What the system says.
pub fn sha256(path: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    io::copy(&mut File::open(path)?, &mut hash)?;
    Ok(hex::encode(hash.finalize()))
}

fn media_type(source: Source, container: Container) -> &'static str {
    match (source.is_audio(), container) {
        (true, Container::WebM) => "audio/webm",
        (false, Container::WebM) => "video/webm",
        (_, Container::Mp4) => "video/mp4",
        (_, Container::Matroska) => "video/x-matroska",
    }
}

fn source(source: Source) -> &'static str {
    match source {
        Source::Microphone => "microphone",
        Source::Camera => "camera",
        Source::Screen => "screen",
        Source::ScreenAudio => "screen-audio",
    }
}

/// What a name on disk may hold.
fn plain(text: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    text.chars()
        .take(40)
        .map(|c| if fits(c) { c } else { '_' })
        .collect()
}

fn millis(micros: i64) -> u64 {
    u64::try_from((micros + 500) / 1000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_half_let_go_of_goes_with_the_rest() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in LIVE {
            let live = folder.path().join(name);
            fs::create_dir(&live).expect("made");
            fs::write(live.join("a file"), "of it").expect("written");
        }
        let_go(folder.path()).expect("gone");
        assert!(!is_left(folder.path()));
        fs::create_dir(folder.path().join(LIVE[1])).expect("made");
        assert!(is_left(folder.path()), "a kill left it");
        let_go(folder.path()).expect("gone");
        assert!(!is_left(folder.path()));
        let_go(folder.path()).expect("nothing is there");
    }

    #[test]
    fn a_name_on_disk_holds_nothing_that_leads_elsewhere() {
        assert_eq!(plain("../a b@c.example"), "___a_b_c_example");
    }
}
