//! What the files of a recording mean: one line of JSON for each thing that happened, in order; a file for each segment.
//!
//! Times are microseconds from the recording's zero on the server's clock, pauses included. After a kill the last line of a
//! segment may be cut off; it is left out then. Any other line that cannot be read is damage, and counted.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use calls_model::{DisplayName, ParticipantId, Source, UserId};
use serde::{Deserialize, Serialize};

/// The log of a segment.
fn path(folder: &Path, segment: u32) -> PathBuf {
    folder.join(format!("log-{segment}.jsonl"))
}

/// The segments that have a log, in order.
fn segments(folder: &Path) -> io::Result<Vec<u32>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut segments = Vec::new();
    for entry in entries {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| {
            let number = name.strip_prefix("log-")?.strip_suffix(".jsonl")?;
            number.parse::<u32>().ok()
        });
        segments.extend(number);
    }
    segments.sort_unstable();
    Ok(segments)
}

/// One track of a recording, by the numbers it had in the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct TrackKey {
    /// In which run of the server, counted from 1: each run counts its peers anew. Known when it is read.
    #[serde(skip)]
    pub(super) run: u32,
    /// Of which peer connection; its tracks have one clock.
    pub(super) peer: u64,
    /// Which of them.
    pub(super) index: u32,
}

/// One encoding of a track, until it begins anew: its RTP timestamps go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct LaneKey {
    /// In which segment: each counts beginnings anew. Known when it is read.
    #[serde(skip)]
    pub(super) segment: u32,
    /// Of which track.
    pub(super) track: TrackKey,
    /// Which encoding.
    pub(super) layer: u8,
    /// Counts its beginnings.
    pub(super) generation: u32,
}

/// A moment on both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Alive {
    /// On the recording's.
    pub(super) at_us: i64,
    /// On the machine's, in milliseconds since 1970. It may jump.
    pub(super) wall_ms: i64,
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
        /// From when on.
        #[serde(default)]
        at_us: Option<i64>,
        participant_id: ParticipantId,
        user_id: UserId,
        /// As they came in.
        #[serde(default)]
        display_name: Option<DisplayName>,
        source: Source,
    },
    /// A track is not published any more.
    Gone {
        track: TrackKey,
        at_us: i64,
        /// Its publisher left the call.
        left: bool,
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
    /// Nothing came of a track in this time, because `lost` packets were, or because nothing was sent.
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
    Synced {
        end_us: i64,
        /// When that was.
        #[serde(default)]
        alive: Option<Alive>,
    },
    /// The segment was closed.
    Closed,
    /// It could not go on. Where this is missing too, the server ended.
    Broke,
}

impl Entry {
    /// It was read in this segment, of this run of the server.
    fn in_segment(&mut self, segment: u32, run: u32) {
        match self {
            Self::Track { track, .. }
            | Self::Gone { track, .. }
            | Self::File { track, .. }
            | Self::Gap { track, .. }
            | Self::Counts { track, .. } => track.run = run,
            Self::Epoch { lane, .. } | Self::Clock { lane, .. } => {
                lane.segment = segment;
                lane.track.run = run;
            }
            Self::Begun { .. }
            | Self::Speaking { .. }
            | Self::Paused { .. }
            | Self::Resumed { .. }
            | Self::Synced { .. }
            | Self::Closed
            | Self::Broke => {}
        }
    }
}

/// A log that is being written.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    /// How long it is.
    written: u64,
    waiting: Vec<u8>,
}

impl Log {
    /// Begins the log of the next segment, and tells which that is.
    pub(super) fn begin(folder: &Path) -> io::Result<(Self, u32)> {
        let next = segments(folder)?.last().map_or(0, |last| last + 1);
        for segment in next.. {
            let created = OpenOptions::new()
                .create_new(true)
                .append(true)
                .open(path(folder, segment));
            match created {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                created => {
                    let log = Self {
                        file: created?,
                        written: 0,
                        waiting: Vec::new(),
                    };
                    return Ok((log, segment));
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

    /// Hands it over to the file. What cannot be written leaves nothing of itself behind.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        let done = self.file.write_all(&waiting);
        if done.is_err() {
            let _ = self.file.set_len(self.written); // or a line is cut off
        } else {
            self.written += waiting.len() as u64;
        }
        done
    }

    /// Makes it survive a power cut.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.flush()?;
        self.file.sync_data()
    }
}

/// Reads the logs of all segments, and on from where it was.
#[derive(Debug, Default)]
pub(super) struct Reader {
    /// In the log of which segment it is, and how far.
    place: Option<(u32, u64)>,
    /// The run of the server that segment is of, by its number and its name.
    run: u32,
    name: Option<String>,
    begins: bool,
    /// Lines that are none, apart from those that a crash cut off, and whole logs that are missing.
    pub(super) unreadable: u64,
}

impl Reader {
    /// Reads what was not read before. A line that is not whole yet is read next time.
    pub(super) fn read_on(&mut self, folder: &Path, mut take: impl FnMut(Entry)) -> io::Result<()> {
        for segment in segments(folder)? {
            let at = match self.place {
                Some((now, _)) if segment < now => continue,
                Some((now, at)) if segment == now => at,
                before => {
                    let next = before.map_or(0, |(before, _)| before + 1);
                    self.unreadable += u64::from(segment - next);
                    self.begins = true;
                    0
                }
            };
            self.place = Some((segment, at));
            let mut file = File::open(path(folder, segment))?;
            file.seek(SeekFrom::Start(at))?;
            self.read_lines((segment, at), BufReader::new(file), &mut take)?;
        }
        Ok(())
    }

    /// Reads what follows in the log of a segment. It notes each line, so that none is taken twice, whatever fails.
    fn read_lines(
        &mut self,
        (segment, mut at): (u32, u64),
        mut log: impl BufRead,
        take: &mut impl FnMut(Entry),
    ) -> io::Result<()> {
        let mut line = Vec::new();
        while log.read_until(b'\n', &mut line)? > 0 {
            let entry = serde_json::from_slice::<Entry>(&line);
            if entry.is_err() && !line.ends_with(b"\n") {
                break;
            }
            at += line.len() as u64;
            self.place = Some((segment, at));
            match entry {
                Ok(entry) => take(self.of_segment(entry, segment)),
                Err(_) if line == b"\n" => {} // of one that was whole but for it
                Err(_) => self.unreadable += 1,
            }
            line.clear();
        }
        Ok(())
    }

    fn of_segment(&mut self, mut entry: Entry, segment: u32) -> Entry {
        if std::mem::take(&mut self.begins) {
            let of = match &entry {
                Entry::Begun { run, .. } => run.clone(),
                _ => None, // nobody knows; so nothing is taken for what it may not be
            };
            self.run += u32::from(of.is_none() || of != self.name);
            self.name = of;
        }
        entry.in_segment(segment, self.run);
        entry
    }
}

/// How much of the end of a log is read first, where only the last of it is wanted.
const TAIL: u64 = 64 * 1024;

/// When it was last written to; `None` where nobody knows, as where the newest log cannot be read: an older one tells too
/// early a time. Of hours of it only the end is read.
pub(super) fn last_alive(folder: &Path) -> Option<Alive> {
    for segment in segments(folder).ok()?.into_iter().rev() {
        let mut file = File::open(path(folder, segment)).ok()?;
        let alive = last_alive_in(&mut file, TAIL).ok()?;
        if alive.is_some() {
            return alive;
        }
    }
    None
}

/// The same of one log, of which it first reads so much.
fn last_alive_in(file: &mut (impl Read + Seek), mut tail: u64) -> io::Result<Option<Alive>> {
    let length = file.seek(SeekFrom::End(0))?;
    loop {
        file.seek(SeekFrom::Start(length.saturating_sub(tail)))?;
        let mut end = Vec::new();
        file.by_ref().take(tail).read_to_end(&mut end)?;
        // The first line may be cut off; then it is none, or is read with more of the log.
        let mut lines = end.rsplit(|&byte| byte == b'\n');
        let alive = lines.find_map(|line| match serde_json::from_slice(line) {
            Ok(Entry::Synced { alive, .. }) => alive,
            _ => None,
        });
        if alive.is_some() || tail >= length {
            return Ok(alive);
        }
        tail = tail.saturating_mul(8);
    }
}

/// Reads the logs of all segments.
#[cfg(test)]
fn read(folder: &Path) -> io::Result<(Vec<Entry>, u64)> {
    let (mut reader, mut entries) = (Reader::default(), Vec::new());
    reader.read_on(folder, |entry| entries.push(entry))?;
    Ok((entries, reader.unreadable))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn begun(segment: u32, run: &str) -> Entry {
        Entry::Begun {
            segment,
            at_us: 7,
            run: Some(run.to_owned()),
        }
    }

    fn segment(folder: &TempDir, run: &str, entries: &[Entry]) -> u32 {
        let (mut log, segment) = Log::begin(folder.path()).expect("a log");
        log.note(&begun(segment, run));
        for entry in entries {
            log.note(entry);
        }
        log.sync().expect("written");
        segment
    }

    fn append(folder: &TempDir, segment: u32, text: &str) {
        let path = path(folder.path(), segment);
        let file = OpenOptions::new().append(true).open(path);
        let written = file.expect("a log").write_all(text.as_bytes());
        written.expect("written");
    }

    #[test]
    fn a_line_that_a_crash_cut_off_spoils_no_other_and_is_no_damage() {
        let folder = TempDir::new().expect("a folder");
        segment(&folder, "one", &[]);
        append(&folder, 0, r#"{"t":"begun","seg"#);
        segment(&folder, "one", &[]);
        let (entries, unreadable) = read(folder.path()).expect("read");
        assert_eq!(entries, [begun(0, "one"), begun(1, "one")]);
        assert_eq!(unreadable, 0);
    }

    #[test]
    fn a_line_that_is_none_is_counted_and_so_is_a_log_that_is_missing() {
        let folder = TempDir::new().expect("a folder");
        segment(&folder, "one", &[]);
        append(&folder, 0, "{\"t\":\"tr\u{1}ck\"}\n{\"t\":\"closed\"}\n");
        segment(&folder, "one", &[]);
        segment(&folder, "one", &[]);
        fs::remove_file(path(folder.path(), 1)).expect("it was there");
        let (entries, unreadable) = read(folder.path()).expect("read");
        let wanted = [begun(0, "one"), Entry::Closed, begun(2, "one")];
        assert_eq!(entries, wanted);
        assert_eq!(unreadable, 2);
        assert_eq!(segment(&folder, "one", &[]), 3, "none is begun again");
    }

    #[test]
    fn peers_of_another_run_of_the_server_are_others_though_they_have_the_same_numbers() {
        let folder = TempDir::new().expect("a folder");
        let track = TrackKey {
            run: 0,
            peer: 1,
            index: 0,
        };
        let lane = LaneKey {
            segment: 0,
            track,
            layer: 0,
            generation: 0,
        };
        let clock = Entry::Clock {
            lane,
            rtp: 0,
            ntp_us: 0,
            arrival_us: 0,
        };
        for run in ["one", "one", "two"] {
            segment(&folder, run, std::slice::from_ref(&clock));
        }
        let (entries, _) = read(folder.path()).expect("read");
        let lanes = entries.iter().filter_map(|entry| match entry {
            Entry::Clock { lane, .. } => Some((lane.track.run, lane.segment)),
            _ => None,
        });
        assert_eq!(lanes.collect::<Vec<_>>(), [(1, 0), (1, 1), (2, 2)]);
    }

    #[test]
    fn it_reads_on_where_it_was_and_a_line_when_it_is_whole() {
        let folder = TempDir::new().expect("a folder");
        let (mut reader, mut entries) = (Reader::default(), Vec::new());
        let mut read_on = || {
            let mut new = Vec::new();
            let read = reader.read_on(folder.path(), |entry| new.push(entry));
            read.expect("read");
            entries.extend_from_slice(&new);
            (new, reader.unreadable)
        };
        assert_eq!(read_on(), (vec![], 0), "nothing is there yet");
        segment(&folder, "one", &[]);
        assert_eq!(read_on(), (vec![begun(0, "one")], 0));
        append(&folder, 0, r#"{"t":"clo"#);
        assert_eq!(read_on(), (vec![], 0), "it is not whole");
        append(&folder, 0, "sed\"}");
        assert_eq!(read_on(), (vec![Entry::Closed], 0), "it is");
        append(&folder, 0, "\n{\"t\":\"br");
        segment(&folder, "two", &[Entry::Broke]);
        let wanted = vec![begun(1, "two"), Entry::Broke];
        assert_eq!(read_on(), (wanted, 0), "and one was cut off");
        assert_eq!(read_on(), (vec![], 0));
        assert_eq!(read(folder.path()).expect("read"), (entries, 0));
    }

    /// A disk that fails.
    struct Fails;

    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the disk fails"))
        }
    }

    #[test]
    fn what_was_taken_before_the_disk_failed_is_not_taken_again() {
        let folder = TempDir::new().expect("a folder");
        segment(&folder, "one", &[Entry::Closed]);
        let log = fs::read(path(folder.path(), 0)).expect("a log");
        let whole = log.iter().position(|&byte| byte == b'\n').expect("a line") + 1;
        let (mut reader, mut entries) = (Reader::default(), Vec::new());
        let failing = BufReader::new(log[..whole + 4].chain(Fails));
        reader.begins = true;
        let failed = reader.read_lines((0, 0), failing, &mut |entry| entries.push(entry));
        assert!(failed.is_err());
        assert_eq!(entries, [begun(0, "one")]);
        let read = reader.read_on(folder.path(), |entry| entries.push(entry));
        read.expect("the disk is well again");
        assert_eq!(entries, [begun(0, "one"), Entry::Closed]);
        assert_eq!(reader.unreadable, 0);
    }

    #[test]
    fn where_the_newest_log_cannot_be_read_nobody_knows_when_it_was_last_written_to() {
        let folder = TempDir::new().expect("a folder");
        let alive = Some(Alive {
            at_us: 7,
            wall_ms: 7,
        });
        let end_us = 7;
        segment(&folder, "one", &[Entry::Synced { end_us, alive }]);
        segment(&folder, "one", &[]);
        assert_eq!(last_alive(folder.path()), alive, "the newest says nothing");
        let newest = path(folder.path(), 1);
        fs::remove_file(&newest).expect("it was there");
        fs::create_dir(&newest).expect("as what cannot be read");
        assert_eq!(last_alive(folder.path()), None);
    }

    /// A file of which it is counted how much is read.
    struct Counted(io::Cursor<Vec<u8>>, u64);

    impl Read for Counted {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let read = self.0.read(into)?;
            self.1 += read as u64;
            Ok(read)
        }
    }

    impl Seek for Counted {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }

    #[test]
    fn of_a_long_log_only_the_end_is_read_to_know_when_it_was_last_written_to() {
        let line = |entry: &Entry| serde_json::to_string(entry).expect("a line") + "\n";
        let alive = |at_us| Alive { at_us, wall_ms: 7 };
        let synced = |at_us| Entry::Synced {
            end_us: at_us,
            alive: Some(alive(at_us)),
        };
        let lines = (0..10_000).map(|at_us| line(&synced(at_us)));
        let rest = line(&Entry::Closed).repeat(10);
        let log = lines.collect::<String>() + &rest + "{\"t\":\"syn";
        let mut log = Counted(io::Cursor::new(log.into_bytes()), 0);
        let found = last_alive_in(&mut log, 32).expect("read");
        assert_eq!(found, Some(alive(9999)));
        assert!(log.1 < 4000, "{} bytes", log.1);
        let none = line(&Entry::Closed).repeat(1000);
        let mut none = Counted(io::Cursor::new(none.into_bytes()), 0);
        assert_eq!(last_alive_in(&mut none, 32).expect("read"), None);
    }
}
