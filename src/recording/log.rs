//! What the files of a recording mean: one line of JSON for each thing that happened, in order.
//!
//! Times are microseconds from the recording's zero on the server's clock, pauses included. After a kill the last line
//! may be cut off; it is left out then.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use calls_model::{ParticipantId, Source, UserId};
use serde::{Deserialize, Serialize};

/// The name of the log in a recording's folder.
pub(super) const NAME: &str = "log.jsonl";

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
    /// A segment began: the first, or one after a crash of the recorder.
    Begun { segment: u32, at_us: i64 },
    /// A track belongs to it.
    Track {
        track: TrackKey,
        participant_id: ParticipantId,
        user_id: UserId,
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
    /// Everything up to here is on disk.
    Synced { at_us: i64 },
    /// The segment was closed.
    Closed { at_us: i64 },
}

/// A log that is being written.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    waiting: Vec<u8>,
}

impl Log {
    /// Goes on with the log of a folder, or begins it.
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        let path = folder.join(NAME);
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        // A line that a crash cut off ends here.
        let waiting = if file.metadata()?.len() > 0 {
            vec![b'\n']
        } else {
            Vec::new()
        };
        Ok(Self { file, waiting })
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

/// Reads a log. Lines that are none are left out: a crash cut them off.
pub(super) fn read(folder: &Path) -> io::Result<Vec<Entry>> {
    let lines = BufReader::new(File::open(folder.join(NAME))?).split(b'\n');
    let mut entries = Vec::new();
    for line in lines {
        entries.extend(serde_json::from_slice(&line?).ok());
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_a_crash_cut_off_spoils_no_other() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let mut log = Log::open(folder.path()).expect("a log");
        let begun = |segment| Entry::Begun { segment, at_us: 7 };
        log.note(&begun(0));
        log.waiting.extend_from_slice(br#"{"t":"begun","seg"#);
        log.flush().expect("written");
        let mut log = Log::open(folder.path()).expect("a log");
        log.note(&begun(1));
        log.sync().expect("written");
        assert_eq!(read(folder.path()).expect("read"), [begun(0), begun(1)]);
    }
}
