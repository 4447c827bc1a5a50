//! How far a recording can be trusted, told from its log.

use std::collections::BTreeMap;

use calls_model::{Gap, ParticipantId, RecordingReport, TrackReport, Turn};

use super::millis;
use super::session::{Known, Session};
use super::timeline::cut;
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

/// What of each track was lost, and where something is missing.
pub(super) fn report(
    session: &Session,
    copies: &BTreeMap<TrackKey, Copies>,
    missed: Missed,
    origin_us: i64,
) -> RecordingReport {
    let pauses = &session.pauses;
    let at = |raw: i64| millis((cut(raw, pauses) - origin_us).max(0));
    let gap = |from: i64, to: Option<i64>, reason: &str| Gap {
        from_ms: at(from),
        to_ms: to.map(at),
        reason: reason.to_owned(),
    };
    let interruptions = session.interruptions.iter().map(|one| {
        let reason = if one.of_server {
            "server_stopped"
        } else {
            "recorder_crashed"
        };
        gap(one.from_us, one.to_us, reason)
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
        let none = Copies::default();
        let copies = copies.get(key).unwrap_or(&none);
        let missing = missing(session, known, &copies.frames);
        let gaps = known.gaps.iter();
        let gaps = gaps
            .map(|&(from, to, lost)| gap(from, Some(to), if lost { "loss" } else { "no_media" }));
        let mut gaps: Vec<Gap> = gaps.collect();
        let damage = copies.damage.iter().copied();
        let damage = damage.chain(unexplained(&copies.holes, &missing, &gaps));
        let damage: Vec<Gap> = damage
            .map(|(from, to)| Gap {
                from_ms: millis(from),
                to_ms: to.map(millis),
                reason: Gap::DAMAGED.to_owned(),
            })
            .collect();
        gaps.extend(damage);
        let files = session.files.iter().filter(|file| file.track == *key);
        let epochs = files.flat_map(|file| &file.epochs);
        let drifts = epochs.map(|epoch| session.alignment(epoch).drift_us() / 1000);
        TrackReport {
            participant_id: known.participant_id.clone(),
            user_id: known.user_id.clone(),
            source: known.source,
            files: copies.names.clone(),
            packets_received: count(0),
            packets_lost: count(1),
            bursts_dropped: count(2),
            frames_written: count(3),
            frames_unreadable: missing.values().sum(),
            silence_ms: millis(sum(4)),
            drift_ms: drifts.max_by_key(|drift| drift.abs()).unwrap_or(0),
            gaps,
        }
    });
    RecordingReport {
        begins_at: None, // by the clock of the wall, of which nothing is known here
        interruptions: interruptions.collect(),
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
    gaps: &[Gap],
) -> impl Iterator<Item = (i64, Option<i64>)> + use<'a> {
    let known: Vec<(u64, u64)> = gaps
        .iter()
        .filter_map(|gap| Some((gap.from_ms, gap.to_ms?)))
        .collect();
    let told = move |from: i64, to: i64| {
        let overlap = |&(begins, ends): &(u64, u64)| begins < millis(to) && millis(from) < ends;
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
