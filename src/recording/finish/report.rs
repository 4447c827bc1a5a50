//! How far a recording can be trusted, told from its log.

use std::collections::BTreeMap;

use calls_model::{Gap, ParticipantId, RecordingReport, TrackReport, Turn};

use super::millis;
use super::session::Session;
use super::timeline::cut;
use crate::recording::log::TrackKey;

/// What of each track was lost, and where something is missing.
pub(super) fn report(
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
        turns: turns(session, origin_us),
        not_composed: None,
    }
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
