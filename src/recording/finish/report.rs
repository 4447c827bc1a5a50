//! How far a recording can be trusted, told from its log.

use std::collections::BTreeMap;

use calls_model::{Gap, ParticipantId, RecordingReport, TrackReport, Turn};

use super::gaps::{Coverage, Stretch};
use super::millis;
use super::session::{Known, Session};
use super::timeline::{ROUNDING_US, cut};
use crate::recording::log::TrackKey;
use crate::recording::writer::SILENCE_US;

/// What was copied of a track.
#[derive(Debug, Default)]
pub(super) struct Copies {
    /// Its whole files.
    pub(super) names: Vec<String>,
    /// Frames in them, by the segment that they were written in.
    pub(super) frames: BTreeMap<u32, u64>,
    /// From, to: what could not be read, in microseconds of the recording; with no end where it was given up.
    pub(super) damage: Vec<(i64, Option<i64>)>,
    /// Of which segment, from, to: what they hold, in microseconds of the recording.
    pub(super) spans: Vec<(u32, i64, i64)>,
    /// Of which segment, from, to: where nothing is, in microseconds of the recording.
    pub(super) holes: Vec<(u32, i64, i64)>,
}

/// What was written and cannot be told what it is of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Missed {
    /// Lines of the log that are none.
    pub(super) lines: u64,
    /// Media files.
    pub(super) files: u64,
}

/// What of each source was lost, and where something is missing.
pub(super) fn report(
    session: &Session,
    copies: &BTreeMap<TrackKey, Copies>,
    missed: Missed,
    origin_us: i64,
) -> RecordingReport {
    let told = Told {
        session,
        copies,
        origin_us,
    };
    let interruptions = told.interruptions();
    let left_out = session.pauses.iter().map(|&(from, to)| Gap {
        from_ms: millis((from - origin_us).max(0)),
        to_ms: to.map(|to| millis((to - origin_us).max(0))),
        reason: "paused".to_owned(),
    });
    let tracks = told.sources().into_iter();
    let tracks = tracks.map(|source| told.source(&source, &interruptions));
    RecordingReport {
        begins_at: None, // by the clock of the wall, of which nothing is known here
        interruptions: interruptions.iter().map(|one| one.told()).collect(),
        pauses: left_out.collect(),
        tracks: tracks.collect(),
        log_lines_unreadable: missed.lines,
        files_unknown: missed.files,
        files_damaged: Vec::new(),
        turns: turns(session, origin_us),
        layout: None,
        not_composed: None,
    }
}

/// A track, and what is known of it.
type Track<'a> = (&'a TrackKey, &'a Known);

/// What a report is made of.
struct Told<'a> {
    session: &'a Session,
    copies: &'a BTreeMap<TrackKey, Copies>,
    origin_us: i64,
}

impl<'a> Told<'a> {
    /// A time of the log as one of the recording.
    fn at(&self, raw_us: i64) -> i64 {
        (cut(raw_us, &self.session.pauses) - self.origin_us).max(0)
    }

    /// What is in files: of which segment, from, to.
    fn spans(&self) -> impl Iterator<Item = (u32, i64, i64)> {
        self.copies.values().flat_map(|of| of.spans.iter().copied())
    }

    /// From where the last file before ends to where the first after it begins: the log may know less than was written.
    fn interruptions(&self) -> Vec<Stretch> {
        let told = self.session.interruptions.iter().map(|one| {
            let before = self.spans().filter(|(segment, ..)| *segment < one.next);
            let from = before.map(|(_, _, end)| end).max();
            let from_us = self.at(one.from_us).max(from.unwrap_or(0));
            let after = self.spans().filter(|(segment, ..)| *segment == one.next);
            let after = after.map(|(_, first, _)| first).min();
            let to_us = one.to_us.map(|to| after.unwrap_or_else(|| self.at(to)));
            Stretch {
                from_us,
                to_us: to_us.map(|to| to.max(from_us)),
                reason: if one.of_server {
                    "server_stopped"
                } else {
                    "recorder_crashed"
                },
            }
        });
        told.collect()
    }

    /// The tracks of each source of each presence, in the order in which they were published first.
    fn sources(&self) -> Vec<Vec<Track<'a>>> {
        let mut sources: Vec<Vec<Track<'a>>> = Vec::new();
        for track in &self.session.tracks {
            let whose = |(_, known): &Track<'_>| (known.participant_id.clone(), known.source);
            let own = whose(&track);
            match sources.iter_mut().find(|of| whose(&of[0]) == own) {
                Some(of) => of.push(track),
                None => sources.push(vec![track]),
            }
        }
        sources
    }

    /// What is told of a source, which has a track at least.
    fn source(&self, tracks: &[Track<'_>], interruptions: &[Stretch]) -> TrackReport {
        let (_, known) = tracks[0];
        let sum = |index: usize| {
            let counts = tracks.iter().flat_map(|(_, known)| known.counts.values());
            counts.map(|counts| counts[index]).sum::<i64>()
        };
        let count = |index| u64::try_from(sum(index)).unwrap_or(0);
        let mut report = TrackReport {
            participant_id: known.participant_id.clone(),
            user_id: known.user_id.clone(),
            source: known.source,
            files: Vec::new(),
            packets_received: count(0),
            packets_lost: count(1),
            bursts_dropped: count(2),
            frames_written: count(3),
            frames_unreadable: 0,
            silence_ms: millis(sum(4)),
            drift_ms: 0,
            gaps: Vec::new(),
        };
        let mut coverage = Coverage::default();
        for (key, known) in tracks {
            let none = Copies::default();
            let copies = self.copies.get(key).unwrap_or(&none);
            let missing = missing(self.session, known, &copies.frames);
            report.frames_unreadable += missing.values().sum::<u64>();
            report.files.extend(copies.names.iter().cloned());
            let damage = self.add(&mut coverage, known, copies, &missing);
            coverage.is_damaged |= !missing.is_empty() && !damage;
        }
        let drifts = self.session.files.iter();
        let drifts = drifts.filter(|file| tracks.iter().any(|(key, _)| file.track == **key));
        let drifts = drifts.flat_map(|file| &file.epochs);
        let drifts = drifts.map(|epoch| self.session.alignment(epoch).drift_us() / 1000);
        report.drift_ms = drifts.max_by_key(|drift| drift.abs()).unwrap_or(0);
        report.files.sort_by_key(|name| number(name));
        let ends_us = self.spans().map(|(_, _, end)| end).max().unwrap_or(0);
        let gaps = coverage.gaps(interruptions, ends_us).into_iter();
        report.gaps = gaps.map(Stretch::told).collect();
        report
    }

    /// Adds what is known of a track to what is known of its source. Tells whether anything of it is damaged.
    fn add(
        &self,
        coverage: &mut Coverage,
        known: &Known,
        copies: &Copies,
        missing: &BTreeMap<u32, u64>,
    ) -> bool {
        let places = known.places.iter().map(|&(at, place)| (self.at(at), place));
        coverage.tracks.push(places.collect());
        let spans = copies.spans.iter().map(|&(_, first, end)| (first, end));
        coverage.files.extend(spans);
        let gaps = known.gaps.iter().map(|&(from, to, lost)| {
            let reason = if lost { Gap::LOSS } else { Gap::NO_MEDIA };
            Stretch::new(self.at(from), self.at(to), reason)
        });
        let gaps: Vec<Stretch> = gaps.collect();
        let damage = copies.damage.iter().copied();
        let damage = damage.chain(unexplained(&copies.holes, missing, &gaps));
        let damage = damage.map(|(from_us, to_us)| Stretch {
            from_us,
            to_us,
            reason: Gap::DAMAGED,
        });
        let damage: Vec<Stretch> = damage.collect();
        let damaged = !damage.is_empty();
        coverage.gaps.extend(gaps);
        coverage.gaps.extend(damage);
        damaged
    }
}

/// The number that the name of a file begins with.
fn number(name: &str) -> u32 {
    let number = name.split_once('-').map(|(number, _)| number.parse());
    number.and_then(Result::ok).unwrap_or(0)
}

/// Something was written that cannot be read, where no frame can be.
pub(super) fn is_lost(session: &Session, missed: Missed) -> bool {
    let mut all = session.tracks.values();
    missed != Missed::default()
        || all.any(|known| !missing(session, known, &BTreeMap::new()).is_empty())
}

/// Holes of segments of which frames are missing, where nothing else tells why they are there.
fn unexplained<'a>(
    holes: &'a [(u32, i64, i64)],
    missing: &'a BTreeMap<u32, u64>,
    gaps: &[Stretch],
) -> impl Iterator<Item = (i64, Option<i64>)> + use<'a> {
    let known: Vec<(i64, i64)> = gaps
        .iter()
        .filter_map(|gap| Some((gap.from_us, gap.to_us?)))
        .collect();
    let told = move |from: i64, to: i64| {
        let overlap =
            |&(begins, ends): &(i64, i64)| begins + ROUNDING_US < to && from + ROUNDING_US < ends;
        known.iter().any(overlap)
    };
    holes
        .iter()
        .filter(move |(segment, from, to)| missing.contains_key(segment) && !told(*from, *to))
        .map(|&(_, from, to)| (from, Some(to)))
}

/// How many frames of each segment were written and could not be read again, where there are such. Each counts by itself:
/// after a kill there are more frames in one than were counted last, and they make up for none of another.
fn missing(session: &Session, known: &Known, read: &BTreeMap<u32, u64>) -> BTreeMap<u32, u64> {
    let missing = known.counts.iter().filter_map(|(&segment, counts)| {
        let [_, _, _, frames, silence_us] = counts;
        let written = u64::try_from(frames + silence_us / SILENCE_US).unwrap_or(0);
        let missing = written.saturating_sub(read.get(&segment).copied().unwrap_or(0));
        // One that a crash ended held one frame back when it was last counted.
        let held_back = u64::from(!session.closed.contains(&segment));
        (missing > held_back).then_some((segment, missing))
    });
    missing.collect()
}

/// Who had the floor.
pub(super) fn turns(session: &Session, origin_us: i64) -> Vec<Turn> {
    let user = |who: &ParticipantId| {
        let mut known = session.tracks.values();
        known.find(|known| known.participant_id == *who)
    };
    let turn = |(from, who): &(i64, ParticipantId)| {
        Some(Turn {
            from_ms: millis((cut(*from, &session.pauses) - origin_us).max(0)),
            participant_id: who.clone(),
            user_id: user(who)?.user_id.clone(),
        })
    };
    session.speaking.iter().filter_map(turn).collect()
}

#[cfg(test)]
mod tests {
    use calls_model::{ParticipantId, Source, UserId};

    use super::*;
    use crate::recording::log::Entry;

    #[test]
    fn frames_that_came_after_the_last_count_make_up_for_none_of_another_segment() {
        let track = TrackKey {
            run: 1,
            peer: 1,
            index: 0,
        };
        let begun = |segment| Entry::Begun {
            segment,
            at_us: 0,
            run: None,
        };
        let counted = |frames| Entry::Counts {
            track,
            received: frames,
            lost: 0,
            dropped: 0,
            frames,
            silence_us: 0,
        };
        let known = Entry::Track {
            track,
            at_us: None,
            participant_id: ParticipantId::new(),
            user_id: UserId::try_from("ada".to_owned()).expect("an id"),
            display_name: None,
            source: Source::Camera,
        };
        let killed = vec![begun(0), known, counted(100)];
        let entries = [killed, vec![begun(1), counted(50), Entry::Closed]].concat();
        let session = Session::read(entries, None);
        let known = &session.tracks[&track];
        let missing = |read: [u64; 2]| missing(&session, known, &(0..).zip(read).collect());
        let unreadable = |read| missing(read).values().sum::<u64>();
        assert_eq!(unreadable([115, 50]), 0, "15 came after the last count");
        assert_eq!(unreadable([99, 50]), 0, "one was held back by the kill");
        assert_eq!(unreadable([115, 49]), 1);
        assert_eq!(unreadable([90, 60]), 10);
    }
}
