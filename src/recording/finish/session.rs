//! What a recording's log says: its tracks, their files and clocks, and where something is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use calls_codec::Container;
use calls_media::capture::{Alignment, ClockPoint};
use calls_model::{DisplayName, ParticipantId, Source, UserId};

use super::gaps::Place;
use crate::recording::log::{Entry, LaneKey, Reader, TrackKey};
use crate::recording::writer::is_likely;

pub(super) struct LiveFile {
    pub(super) name: String,
    pub(super) segment: u32,
    pub(super) track: TrackKey,
    pub(super) codec: String,
    pub(super) epochs: Vec<LiveEpoch>,
}

impl LiveFile {
    /// What its whole copy is kept in.
    pub(super) fn container(&self) -> Container {
        if self.codec == "h264" {
            Container::Mp4
        } else {
            Container::WebM
        }
    }
}

pub(super) struct LiveEpoch {
    pub(super) at_us: i64,
    pub(super) rtp: i64,
    pub(super) rate: u32,
    pub(super) lane: LaneKey,
}

pub(super) struct Known {
    pub(super) participant_id: ParticipantId,
    pub(super) user_id: UserId,
    pub(super) display_name: Option<DisplayName>,
    pub(super) source: Source,
    /// The last that was counted in each segment.
    pub(super) counts: BTreeMap<u32, [i64; 5]>,
    pub(super) gaps: Vec<(i64, i64, bool)>,
    /// From when on it was where.
    pub(super) places: Vec<(i64, Place)>,
}

/// Nothing was written, though it should have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Interruption {
    pub(super) from_us: i64,
    /// `None`: nobody came back.
    pub(super) to_us: Option<i64>,
    /// The segment that went on; those below it were before.
    pub(super) next: u32,
    /// Another run of the server went on with it: it was not only the recorder that had crashed.
    pub(super) of_server: bool,
}

/// A log, read.
#[derive(Default)]
pub(super) struct Session {
    pub(super) tracks: BTreeMap<TrackKey, Known>,
    pub(super) files: Vec<LiveFile>,
    pub(super) clocks: BTreeMap<LaneKey, Vec<ClockPoint>>,
    /// Who took the floor, and when.
    pub(super) speaking: Vec<(i64, ParticipantId)>,
    /// From, to.
    pub(super) pauses: Vec<(i64, Option<i64>)>,
    /// Between the segments.
    pub(super) interruptions: Vec<Interruption>,
    /// The segments that came to their end.
    pub(super) closed: BTreeSet<u32>,
    /// Up to here everything was on disk.
    pub(super) end_us: i64,
}

/// A log that is being read.
#[derive(Default)]
pub(super) struct Reading {
    log: Reader,
    so_far: Story,
}

impl Reading {
    /// Reads what was not read before.
    pub(super) fn read_on(&mut self, folder: &Path) -> io::Result<&Session> {
        let so_far = &mut self.so_far;
        self.log.read_on(folder, |entry| so_far.take(entry))?;
        Ok(&self.so_far.session)
    }
}

/// What a log has told so far.
#[derive(Default)]
struct Story {
    session: Session,
    segment: u32,
    /// Up to where anything was on disk, once something was.
    end: Option<i64>,
    /// A segment began and is not closed.
    open: bool,
    /// Where the one before it ended, until this one writes something.
    ended: Option<i64>,
    /// The run of the server that the segment is of.
    written: Option<String>,
    of_server: bool,
    broke: bool,
}

impl Story {
    #[expect(clippy::too_many_lines, reason = "one arm for each entry")]
    fn take(&mut self, entry: Entry) {
        let session = &mut self.session;
        match entry {
            Entry::Begun {
                segment: number,
                at_us,
                run,
            } => {
                for known in session.tracks.values_mut() {
                    if let Some((_, Place::There)) = known.places.last() {
                        known.places.push((at_us, Place::Away));
                    }
                }
                // One that began and wrote nothing may have been of this run.
                let went_on = self.ended.is_some();
                self.of_server = (went_on && self.of_server) || run != self.written;
                (self.segment, self.written, self.broke) = (number, run, false);
                (self.open, self.ended) = (true, self.end);
            }
            Entry::Track {
                track,
                at_us,
                participant_id,
                user_id,
                display_name,
                source,
            } => {
                let known = session.tracks.entry(track).or_insert(Known {
                    participant_id,
                    user_id,
                    display_name,
                    source,
                    counts: BTreeMap::new(),
                    gaps: Vec::new(),
                    places: Vec::new(),
                });
                known.places.extend(at_us.map(|at| (at, Place::There)));
            }
            Entry::Gone { track, at_us, left } => {
                let place = if left {
                    Place::Left
                } else {
                    Place::Unpublished
                };
                if let Some(known) = session.tracks.get_mut(&track) {
                    known.places.push((at_us, place));
                }
            }
            Entry::File { file, track, codec } => session.files.push(LiveFile {
                name: file,
                segment: self.segment,
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
                session.resume(at_us); // nothing is written in a pause
                self.open = true;
                if let Some(from) = self.ended.take() {
                    session.interruptions.push(Interruption {
                        from_us: from,
                        to_us: Some(at_us.max(from)),
                        next: self.segment,
                        of_server: self.of_server,
                    });
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
            Entry::Speaking {
                participant_id,
                at_us,
            } => session.speaking.push((at_us, participant_id)),
            // A segment that begins in a pause says so again: it is the same pause.
            Entry::Paused { at_us } if !session.is_paused() => {
                session.pauses.push((at_us, None));
            }
            Entry::Paused { .. } => {}
            Entry::Resumed { at_us } => session.resume(at_us),
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
                    known.counts.insert(self.segment, counts);
                }
            }
            Entry::Synced { end_us, .. } => {
                session.end_us = session.end_us.max(end_us); // a segment begins with nothing
                self.end = Some(session.end_us);
            }
            Entry::Broke => self.broke = true,
            Entry::Closed => {
                session.closed.insert(self.segment);
                // It went on after a crash, and nobody was there any more.
                self.open = false;
                if let Some(from) = self.ended.take() {
                    session.interruptions.push(Interruption {
                        from_us: from,
                        to_us: None,
                        next: self.segment,
                        of_server: self.of_server,
                    });
                }
            }
        }
    }

    /// The log ends here, as it is read in this run of the server, where that matters.
    fn ends(self, present: Option<&str>) -> Session {
        let mut session = self.session;
        if self.open {
            session.interruptions.push(Interruption {
                from_us: self.end.unwrap_or(0),
                to_us: None,
                next: self.segment + 1,
                of_server: (self.of_server && self.ended.is_some())
                    || (!self.broke
                        && (self.written.is_none() || self.written.as_deref() != present)),
            });
        }
        session
    }
}

impl Session {
    /// What the logs in this folder say, and how many lines of them say nothing.
    pub(super) fn of(folder: &Path, present: Option<&str>) -> io::Result<(Self, u64)> {
        let mut reading = Reading::default();
        reading.read_on(folder)?;
        Ok((reading.so_far.ends(present), reading.log.unreadable))
    }

    #[cfg(test)]
    pub(super) fn read(entries: Vec<Entry>, present: Option<&str>) -> Self {
        let mut story = Story::default();
        for entry in entries {
            story.take(entry);
        }
        story.ends(present)
    }

    fn is_paused(&self) -> bool {
        self.pauses.last().is_some_and(|pause| pause.1.is_none())
    }

    fn resume(&mut self, at_us: i64) {
        if let Some(last) = self.pauses.last_mut() {
            last.1.get_or_insert(at_us);
        }
    }

    /// When what an epoch has was captured. Reports that contradict when it came are not of these timestamps: a browser
    /// that is starved of time says in them where it should be by now.
    pub(super) fn alignment(&self, epoch: &LiveEpoch) -> Alignment {
        let own = self.clocks.get(&epoch.lane).map_or(&[][..], Vec::as_slice);
        let publisher = |lane: &LaneKey| (lane.track.run, lane.track.peer);
        let peer = |lane: &LaneKey| publisher(lane) == publisher(&epoch.lane);
        let all = self.clocks.iter().filter(|(lane, _)| peer(lane));
        let all: Vec<ClockPoint> = all.flat_map(|(_, points)| points.iter().copied()).collect();
        let came = (epoch.rtp, epoch.at_us);
        let told = Alignment::new(epoch.rate, own, &all, came);
        if is_likely(epoch.at_us - told.at(epoch.rtp)) {
            told
        } else {
            Alignment::new(epoch.rate, &[], &[], came)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Option<&str> = Some("one");

    const LANE: LaneKey = LaneKey {
        segment: 0,
        track: TrackKey {
            run: 1,
            peer: 1,
            index: 0,
        },
        layer: 0,
        generation: 0,
    };

    fn begun(segment: u32, run: &str) -> Entry {
        Entry::Begun {
            segment,
            at_us: 0,
            run: Some(run.to_owned()),
        }
    }

    fn synced(end_us: i64) -> Entry {
        Entry::Synced {
            end_us,
            alive: None,
        }
    }

    fn interruption(from_us: i64, to: (Option<i64>, u32), of_server: bool) -> Interruption {
        let (to_us, next) = to;
        Interruption {
            from_us,
            to_us,
            next,
            of_server,
        }
    }

    #[test]
    fn a_crash_after_which_nobody_came_back_is_an_interruption() {
        let begun = |segment| begun(segment, "one");
        let end_us = 4_000_000;
        let entries = vec![begun(0), synced(end_us), begun(1), Entry::Closed];
        let session = Session::read(entries, ONE);
        assert_eq!(
            session.interruptions,
            [interruption(end_us, (None, 1), false)]
        );
        let quiet = Session::read(vec![begun(0), Entry::Closed], ONE);
        assert_eq!(quiet.interruptions, []);
    }

    #[test]
    fn a_recorder_that_broke_is_no_stop_of_the_server_whenever_that_is_read() {
        let end_us = 4_000_000;
        let broke = vec![begun(0, "one"), synced(end_us), Entry::Broke];
        let session = Session::read(broke, Some("two"));
        assert_eq!(
            session.interruptions,
            [interruption(end_us, (None, 1), false)]
        );
        let killed = vec![begun(0, "one"), synced(end_us)];
        let session = Session::read(killed, Some("two"));
        assert_eq!(
            session.interruptions,
            [interruption(end_us, (None, 1), true)]
        );
    }

    #[test]
    fn a_segment_that_wrote_nothing_yet_does_not_begin_the_recording_anew() {
        let entries = vec![begun(0, "one"), synced(4), begun(1, "one"), synced(0)];
        let session = Session::read(entries, ONE);
        assert_eq!(session.end_us, 4);
        assert_eq!(session.interruptions, [interruption(4, (None, 2), false)]);
    }

    #[test]
    fn a_crash_in_a_pause_is_part_of_the_pause() {
        let begun = |segment| begun(segment, "one");
        let paused = |at_us| Entry::Paused { at_us };
        let entries = vec![
            begun(0),
            paused(1_000_000),
            begun(1),
            paused(3_000_000),
            Entry::Resumed { at_us: 5_000_000 },
            Entry::Closed,
        ];
        let session = Session::read(entries, ONE);
        assert_eq!(session.pauses, [(1_000_000, Some(5_000_000))]);
    }

    #[test]
    fn reports_that_contradict_when_something_came_are_not_believed() {
        let epoch = |rtp| LiveEpoch {
            at_us: 70_000_000,
            rtp,
            rate: 48_000,
            lane: LANE,
        };
        let clock = |rtp, second: i64| Entry::Clock {
            lane: LANE,
            rtp,
            ntp_us: second * 1_000_000,
            arrival_us: second * 1_000_000 + 20_000,
        };
        // A second later, it says what it should have sent by then.
        let reports = vec![begun(0, "one"), clock(71 * 48_000, 71)];
        let session = Session::read(reports, ONE);
        let at = |rtp| session.alignment(&epoch(rtp)).at(rtp);
        assert_eq!(at(70 * 48_000), 70_020_000);
        assert_eq!(at(4 * 48_000), 70_000_000);
    }

    #[test]
    fn a_segment_that_was_never_closed_is_an_interruption() {
        let lane = LANE;
        let epoch = |at_us| Entry::Epoch {
            file: "x".into(),
            lane,
            at_us,
            rtp: 0,
            rate: 90_000,
        };
        let begun = |segment| begun(segment, "one");
        let entries = vec![
            begun(0),
            epoch(1_000_000),
            synced(4_000_000),
            begun(1),
            epoch(5_000_000),
            synced(7_000_000),
        ];
        let session = Session::read(entries, ONE);
        let seen = session.interruptions;
        let wanted = [
            interruption(4_000_000, (Some(5_000_000), 1), false),
            interruption(7_000_000, (None, 2), false),
        ];
        assert_eq!(seen, wanted);
    }

    #[test]
    fn a_stop_of_the_server_is_told_from_a_crash_of_the_recorder() {
        let lane = LANE;
        let epoch = |at_us| Entry::Epoch {
            file: "x".into(),
            lane,
            at_us,
            rtp: 0,
            rate: 90_000,
        };
        let entries = || {
            vec![
                begun(0, "one"),
                epoch(0),
                synced(1_000_000),
                begun(1, "one"), // a crash
                epoch(2_000_000),
                synced(3_000_000),
                begun(2, "two"), // the server's end, and a crash before anything was written
                begun(3, "two"),
                epoch(4_000_000),
                synced(5_000_000),
            ]
        };
        let reasons = |present| {
            let session = Session::read(entries(), Some(present));
            let all = session.interruptions.iter();
            all.map(|one| one.of_server).collect::<Vec<_>>()
        };
        assert_eq!(reasons("two"), [false, true, false]);
        assert_eq!(reasons("three"), [false, true, true]);
    }
}
