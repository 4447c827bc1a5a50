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
    /// Frames in them.
    pub(super) frames: u64,
    /// From, to: what could not be read, in microseconds of the recording; with no end where it was given up.
    pub(super) damage: Vec<(i64, Option<i64>)>,
}

/// What of each track was lost, and where something is missing.
pub(super) fn report(
    session: &Session,
    copies: &BTreeMap<TrackKey, Copies>,
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
        let damage = copies.damage.iter().map(|&(from, to)| Gap {
            from_ms: millis(from),
            to_ms: to.map(millis),
            reason: Gap::DAMAGED.to_owned(),
        });
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
            frames_unreadable: unreadable(session, known, copies.frames),
            silence_ms: millis(sum(4)),
            drift_ms: drifts.max_by_key(|drift| drift.abs()).unwrap_or(0),
            gaps: known
                .gaps
                .iter()
                .map(|&(from, to, lost)| {
                    gap(from, Some(to), if lost { "loss" } else { "no_media" })
                })
                .chain(damage)
                .collect(),
        }
    });
    RecordingReport {
        interruptions: interruptions.collect(),
        pauses: left_out.collect(),
        tracks: tracks.collect(),
        turns: turns(session, origin_us),
        layout: None,
        not_composed: None,
    }
}

/// How many frames were written, where none can be read.
pub(super) fn lost(session: &Session) -> u64 {
    let all = session.tracks.values();
    all.map(|known| unreadable(session, known, 0)).sum()
}

/// How many frames were written and could not be read again.
fn unreadable(session: &Session, known: &Known, read: u64) -> u64 {
    let [_, _, _, frames, silence_us] = known.counts.values().fold([0; 5], |sum, counts| {
        std::array::from_fn(|index| sum[index] + counts[index])
    });
    let written = u64::try_from(frames + silence_us / SILENCE_US).unwrap_or(0);
    // A segment that a crash ended held one frame back when it was last counted.
    let held_back = u64::try_from(session.interruptions.len()).unwrap_or(0);
    let missing = written.saturating_sub(read);
    if missing > held_back { missing } else { 0 }
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
