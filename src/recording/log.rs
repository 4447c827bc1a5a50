//! What the files of a recording mean: one line of JSON for each thing that happened, in order; a file for each segment.
//!
//! Times are microseconds from the recording's zero on the server's clock, pauses included. After a kill the last line
//! may be cut off; it is left out then.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use calls_model::{DisplayName, ParticipantId, Source, UserId};
use serde::{Deserialize, Serialize};

/// The log of a segment.
fn path(folder: &Path, segment: u32) -> PathBuf {
    folder.join(format!("log-{segment}.jsonl"))
}

/// One track of a recording, by the numbers it had in the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct TrackKey {
    /// Of which peer connection; its tracks have one clock.
    pub(super) peer: u64,
    /// Which of them.
    pub(super) index: u32,
}

/// One encoding of a track, until it begins anew: its RTP timestamps go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct LaneKey {
    /// Of which track.
    pub(super) track: TrackKey,
    /// Which encoding.
    pub(super) layer: u8,
    /// Counts its beginnings.
    pub(super) generation: u32,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub(super) enum Entry {
    /// A segment began: the first, or one after a crash of the recorder or of the server.
    Begun {
        segment: u32,
        at_us: i64,
        /// In which run of the server.
        #[serde(default)]
        run: Option<String>,
    },
    /// A track belongs to it.
    Track {
        track: TrackKey,
        participant_id: ParticipantId,
        user_id: UserId,
        /// As they came in.
        #[serde(default)]
        display_name: Option<DisplayName>,
        source: Source,
    },
    /// A file was opened for a track.
    File {
        file: String,
        track: TrackKey,
        codec: String,
    },
    /// From `at_us` on, times in the file go on from this RTP timestamp of this lane.
    Epoch {
        file: String,
        lane: LaneKey,
        at_us: i64,
        rtp: i64,
        rate: u32,
    },
    /// A sender report.
    Clock {
        lane: LaneKey,
        rtp: i64,
        ntp_us: i64,
        arrival_us: i64,
    },
    /// Nothing came of a track in this time; `lost` packets of it were missed.
    Gap {
        track: TrackKey,
        from_us: i64,
        to_us: i64,
        lost: u64,
    },
    /// This participant has the floor from now on.
    Speaking {
        participant_id: ParticipantId,
        at_us: i64,
    },
    /// What is said is left out.
    Paused { at_us: i64 },
    /// It is taken again.
    Resumed { at_us: i64 },
    /// What was counted of a track in this segment so far.
    Counts {
        track: TrackKey,
        received: u64,
        lost: u64,
        dropped: u64,
        frames: u64,
        silence_us: i64,
    },
    /// Everything is on disk; the last frame ends here.
    Synced { end_us: i64 },
    /// The segment was closed.
    Closed,
}

/// A log that is being written.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    waiting: Vec<u8>,
}

impl Log {
    /// Begins the log of the next segment, and tells which that is.
    pub(super) fn begin(folder: &Path) -> io::Result<(Self, u32)> {
        for segment in 0.. {
            let created = OpenOptions::new()
                .create_new(true)
                .append(true)
                .open(path(folder, segment));
            match created {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                created => {
                    let waiting = Vec::new();
                    let file = created?;
                    return Ok((Self { file, waiting }, segment));
                }
            }
        }
        Err(io::Error::other("there are too many segments"))
    }

    /// Notes something; it is in the file with the next [`flush`](Self::flush).
    pub(super) fn note(&mut self, entry: &Entry) {
        if serde_json::to_writer(&mut self.waiting, entry).is_ok() {
            self.waiting.push(b'\n');
        }
    }

    /// Hands it over to the file.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.waiting)?;
        self.waiting.clear();
        Ok(())
    }

    /// Makes it survive a power cut.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.flush()?;
        self.file.sync_data()
    }
}

/// Reads the logs of all segments. Lines that are none are left out: a crash cut them off.
pub(super) fn read(folder: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for segment in 0.. {
        let file = match File::open(path(folder, segment)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            file => file?,
        };
        for line in BufReader::new(file).split(b'\n') {
            entries.extend(serde_json::from_slice(&line?).ok());
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_a_crash_cut_off_spoils_no_other() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let begun = |segment| Entry::Begun {
            segment,
            at_us: 7,
            run: None,
        };
        let (mut log, segment) = Log::begin(folder.path()).expect("a log");
        log.note(&begun(segment));
        log.waiting.extend_from_slice(br#"{"t":"begun","seg"#);
        log.flush().expect("written");
        let (mut log, segment) = Log::begin(folder.path()).expect("a log");
        log.note(&begun(segment));
        log.sync().expect("written");
        assert_eq!(read(folder.path()).expect("read"), [begun(0), begun(1)]);
    }
}
