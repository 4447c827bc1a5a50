//! Makes the files that people get of those that were written live: whole, with an index, and all on one timeline.
//!
//! It may be killed at any moment and begun again: what it makes gets its name last, and what it is made of goes after
//! that.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use calls_codec::{CodecError, Container, Demuxer, Muxer, Sample};
use calls_media::capture::{Alignment, ClockPoint};
use calls_model::{
    FileKind, FilePlace, Gap, ParticipantId, RecordingFile, RecordingReport, Source, TrackReport,
    UserId,
};
use sha2::{Digest, Sha256};

use super::log::{self, Entry, LaneKey, TrackKey};

/// How far a time in a file may be off by rounding (Matroska counts milliseconds).
const ROUNDING_US: i64 = 1000;

/// A recording cannot be finished.
#[derive(Debug, thiserror::Error)]
pub enum FinishError {
    /// FFmpeg says no.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The system says no.
    #[error("{0}")]
    System(#[from] io::Error),
    /// There is nothing in it.
    #[error("nothing was recorded")]
    Empty,
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
}

struct LiveFile {
    name: String,
    track: TrackKey,
    codec: String,
    epochs: Vec<LiveEpoch>,
}

struct LiveEpoch {
    at_us: i64,
    rtp: i64,
    rate: u32,
    lane: LaneKey,
}

struct Known {
    participant_id: ParticipantId,
    user_id: UserId,
    source: Source,
    /// The last that was counted in each segment.
    counts: BTreeMap<u32, [i64; 5]>,
    gaps: Vec<(i64, i64, bool)>,
}

/// A log, read.
#[derive(Default)]
struct Session {
    tracks: BTreeMap<TrackKey, Known>,
    files: Vec<LiveFile>,
    clocks: BTreeMap<LaneKey, Vec<ClockPoint>>,
    /// From, to.
    pauses: Vec<(i64, Option<i64>)>,
    /// From, to: between the segments.
    interruptions: Vec<(i64, Option<i64>)>,
}

impl Session {
    #[expect(clippy::too_many_lines, reason = "one arm for each entry")]
    fn read(entries: Vec<Entry>) -> Self {
        let mut session = Self::default();
        let (mut segment, mut end, mut open) = (0, None, None);
        for entry in entries {
            match entry {
                Entry::Begun {
                    segment: number, ..
                } => {
                    segment = number;
                    open = Some(end);
                }
                Entry::Track {
                    track,
                    participant_id,
                    user_id,
                    source,
                } => {
                    session.tracks.entry(track).or_insert(Known {
                        participant_id,
                        user_id,
                        source,
                        counts: BTreeMap::new(),
                        gaps: Vec::new(),
                    });
                }
                Entry::File { file, track, codec } => session.files.push(LiveFile {
                    name: file,
                    track,
                    codec,
                    epochs: Vec::new(),
                }),
                Entry::Epoch {
                    file,
                    lane,
                    at_us,
                    rtp,
                    rate,
                } => {
                    if let Some(Some(from)) = open.replace(None) {
                        session.interruptions.push((from, Some(at_us.max(from))));
                    }
                    let mut files = session.files.iter_mut();
                    if let Some(of) = files.find(|one| one.name == file) {
                        of.epochs.push(LiveEpoch {
                            at_us,
                            rtp,
                            rate,
                            lane,
                        });
                    }
                }
                Entry::Clock {
                    lane,
                    rtp,
                    ntp_us,
                    arrival_us,
                } => {
                    let point = ClockPoint {
                        rtp,
                        ntp_us,
                        arrival_us,
                    };
                    session.clocks.entry(lane).or_default().push(point);
                }
                Entry::Gap {
                    track,
                    from_us,
                    to_us,
                    lost,
                } => {
                    if let Some(known) = session.tracks.get_mut(&track) {
                        known.gaps.push((from_us, to_us, lost > 0));
                    }
                }
                Entry::Paused { at_us } => session.pauses.push((at_us, None)),
                Entry::Resumed { at_us } => {
                    if let Some(last) = session.pauses.last_mut() {
                        last.1.get_or_insert(at_us);
                    }
                }
                Entry::Counts {
                    track,
                    received,
                    lost,
                    dropped,
                    frames,
                    silence_us,
                } => {
                    let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
                    let counts = [
                        number(received),
                        number(lost),
                        number(dropped),
                        number(frames),
                        silence_us,
                    ];
                    if let Some(known) = session.tracks.get_mut(&track) {
                        known.counts.insert(segment, counts);
                    }
                }
                Entry::Synced { end_us } => end = Some(end_us),
                Entry::Closed => open = None,
            }
        }
        if open.is_some() {
            session.interruptions.push((end.unwrap_or(0), None));
        }
        session
    }

    fn alignment(&self, epoch: &LiveEpoch) -> Alignment {
        let own = self.clocks.get(&epoch.lane).map_or(&[][..], Vec::as_slice);
        let peer = |lane: &LaneKey| lane.track.peer == epoch.lane.track.peer;
        let all = self.clocks.iter().filter(|(lane, _)| peer(lane));
        let all: Vec<ClockPoint> = all.flat_map(|(_, points)| points.iter().copied()).collect();
        Alignment::new(epoch.rate, own, &all, (epoch.rtp, epoch.at_us))
    }
}

/// From a time in a live file to the time of the recording.
struct Timeline<'a> {
    epochs: Vec<(&'a LiveEpoch, Alignment)>,
    pauses: &'a [(i64, Option<i64>)],
    origin_us: i64,
}

impl<'a> Timeline<'a> {
    fn of(session: &'a Session, file: &'a LiveFile, origin_us: i64) -> Self {
        let align = |epoch: &'a LiveEpoch| (epoch, session.alignment(epoch));
        Self {
            epochs: file.epochs.iter().map(align).collect(),
            pauses: &session.pauses,
            origin_us,
        }
    }

    /// Microseconds from the recording's zero, pauses included.
    fn raw(&self, at_us: i64) -> i64 {
        let begun = |(epoch, _): &&(&LiveEpoch, Alignment)| epoch.at_us <= at_us + ROUNDING_US;
        let Some((epoch, alignment)) = self.epochs.iter().rev().find(begun) else {
            return at_us;
        };
        let rate = i64::from(epoch.rate);
        alignment.at(epoch.rtp + (at_us - epoch.at_us) * rate / 1_000_000)
    }

    /// Microseconds from the beginning of the recording, pauses cut out.
    fn at(&self, at_us: i64) -> i64 {
        cut(self.raw(at_us), self.pauses) - self.origin_us
    }
}

/// Cuts pauses out of a time.
fn cut(raw_us: i64, pauses: &[(i64, Option<i64>)]) -> i64 {
    let left_out = pauses.iter().map(|&(from, to)| {
        let to = to.unwrap_or(i64::MAX).min(raw_us);
        (to - from).max(0)
    });
    raw_us - left_out.sum::<i64>()
}

/// Finishes what is in a folder.
///
/// # Errors
///
/// When nothing was recorded, or a file cannot be read or written.
pub fn finish(folder: &Path) -> Result<Finished, FinishError> {
    let entries = log::read(folder)?;
    let session = Session::read(entries);
    let origin_us = origin(folder, &session).ok_or(FinishError::Empty)?;
    let mut files = Vec::new();
    let mut names = BTreeMap::<TrackKey, Vec<String>>::new();
    for live in &session.files {
        let Some(known) = session.tracks.get(&live.track) else {
            continue;
        };
        let timeline = Timeline::of(&session, live, origin_us);
        if let Some(file) = whole(folder, live, known, &timeline, files.len())? {
            names.entry(live.track).or_default().push(file.name.clone());
            files.push(file);
        }
    }
    if files.is_empty() {
        return Err(FinishError::Empty);
    }
    let ends = files.iter().map(|file| file.start_ms + file.duration_ms);
    let duration_ms = ends.max().unwrap_or(0);
    let report = report(&session, &names, origin_us);
    Ok(Finished {
        files,
        duration_ms,
        report,
    })
}

/// Lets go of what finished files were made of.
///
/// # Errors
///
/// What the system says.
pub fn let_go(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder.join("live")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    }
}

/// When the first frame of all is; `None` where there is none.
fn origin(folder: &Path, session: &Session) -> Option<i64> {
    let first = |live: &LiveFile| {
        let mut demuxer = Demuxer::open(&folder.join(&live.name)).ok()?;
        let first = demuxer.read().ok()??.at_us;
        let raw = Timeline::of(session, live, 0).raw(first);
        Some(cut(raw, &session.pauses))
    };
    session.files.iter().filter_map(first).min()
}

/// A whole copy of a live file; `None` where there is nothing in it.
fn whole(
    folder: &Path,
    live: &LiveFile,
    known: &Known,
    timeline: &Timeline<'_>,
    number: usize,
) -> Result<Option<RecordingFile>, FinishError> {
    let Ok(mut from) = Demuxer::open(&folder.join(&live.name)) else {
        return Ok(None); // killed before its first cluster
    };
    let h264 = live.codec == "h264";
    let container = if h264 {
        Container::Mp4
    } else {
        Container::WebM
    };
    let name = format!(
        "{:02}-{}-{}.{}",
        number + 1,
        plain(known.user_id.as_str()),
        source(known.source),
        container.extension()
    );
    let part = folder.join(format!("{name}.part"));
    let mut to = Muxer::whole(&part, container, &from)?;
    let (mut first, mut end) = (None, 0);
    while let Some(read) = from.read()? {
        let at_us = timeline.at(read.at_us).max(0);
        let lasts_us = if known.source.is_audio() {
            read.lasts_us
        } else {
            0
        };
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
    }
    to.finish()?;
    let Some(first) = first else {
        fs::remove_file(part)?;
        return Ok(None);
    };
    let path = folder.join(&name);
    fs::rename(part, &path)?;
    Ok(Some(RecordingFile {
        name,
        kind: FileKind::Track,
        participant_id: Some(known.participant_id.clone()),
        user_id: Some(known.user_id.clone()),
        source: Some(known.source),
        codec: live.codec.clone(),
        media_type: media_type(known.source, container).to_owned(),
        start_ms: millis(first),
        duration_ms: millis(end - first),
        size_bytes: fs::metadata(&path)?.len(),
        sha256: sha256(&path)?,
        place: FilePlace::Local,
        url: None,
    }))
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

fn report(
    session: &Session,
    names: &BTreeMap<TrackKey, Vec<String>>,
    origin_us: i64,
) -> RecordingReport {
    let pauses = &session.pauses;
    let at = |raw: i64| millis((cut(raw, pauses) - origin_us).max(0));
    let gap = |from: i64, to: Option<i64>, reason: &str| Gap {
        from_ms: at(from),
        to_ms: to.map(at),
        reason: reason.to_owned(),
    };
    let interruptions = session.interruptions.iter().map(|&(from, to)| {
        let reason = if to.is_some() {
            "recorder_crashed"
        } else {
            "server_stopped"
        };
        gap(from, to, reason)
    });
    let left_out = pauses.iter().map(|&(from, to)| Gap {
        from_ms: millis((from - origin_us).max(0)),
        to_ms: to.map(|to| millis((to - origin_us).max(0))),
        reason: "paused".to_owned(),
    });
    let tracks = session.tracks.iter().map(|(key, known)| {
        let sum = |index: usize| {
            known
                .counts
                .values()
                .map(|counts| counts[index])
                .sum::<i64>()
        };
        let count = |index| u64::try_from(sum(index)).unwrap_or(0);
        let files = session.files.iter().filter(|file| file.track == *key);
        let epochs = files.flat_map(|file| &file.epochs);
        let drifts = epochs.map(|epoch| session.alignment(epoch).drift_us() / 1000);
        TrackReport {
            participant_id: known.participant_id.clone(),
            user_id: known.user_id.clone(),
            source: known.source,
            files: names.get(key).cloned().unwrap_or_default(),
            packets_received: count(0),
            packets_lost: count(1),
            bursts_dropped: count(2),
            frames_written: count(3),
            silence_ms: millis(sum(4)),
            drift_ms: drifts.max_by_key(|drift| drift.abs()).unwrap_or(0),
            gaps: known
                .gaps
                .iter()
                .map(|&(from, to, lost)| {
                    gap(from, Some(to), if lost { "loss" } else { "no_media" })
                })
                .collect(),
        }
    });
    RecordingReport {
        interruptions: interruptions.collect(),
        pauses: left_out.collect(),
        tracks: tracks.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_cut_out() {
        let pauses = [(1000, Some(3000)), (5000, None)];
        let times = [500, 1000, 2000, 3000, 4000, 9000].map(|at| cut(at, &pauses));
        assert_eq!(times, [500, 1000, 1000, 1000, 2000, 3000]);
    }

    #[test]
    fn a_name_on_disk_holds_nothing_that_leads_elsewhere() {
        assert_eq!(plain("../a b@c.example"), "___a_b_c_example");
    }

    #[test]
    fn a_segment_that_was_never_closed_is_an_interruption() {
        let lane = LaneKey {
            track: TrackKey { peer: 1, index: 0 },
            layer: 0,
            generation: 0,
        };
        let epoch = |at_us| Entry::Epoch {
            file: "x".into(),
            lane,
            at_us,
            rtp: 0,
            rate: 90_000,
        };
        let begun = |segment| Entry::Begun { segment, at_us: 0 };
        let synced = |end_us| Entry::Synced { end_us };
        let entries = vec![
            begun(0),
            epoch(1_000_000),
            synced(4_000_000),
            begun(1),
            epoch(5_000_000),
            synced(7_000_000),
        ];
        let session = Session::read(entries);
        let seen = session.interruptions;
        assert_eq!(seen, [(4_000_000, Some(5_000_000)), (7_000_000, None)]);
    }
}
