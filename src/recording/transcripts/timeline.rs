//! From the time of a recording to the time of its call.

use std::path::Path;

use calls_model::{Call, Gap, Timestamp, Utterance};

use crate::recording::finish;
use crate::store::StoredRecording;

/// Where a recording lies in its call.
pub(super) struct CallTime {
    /// When the recording begins, in milliseconds from the call's `started_at`.
    begins_ms: i64,
    /// What was left out of it, counted as if it had been kept.
    pauses: Vec<Gap>,
}

impl CallTime {
    /// Of a recording whose log is in this folder.
    pub(super) fn of(stored: &StoredRecording, call: &Call, folder: &Path) -> Self {
        let recording = &stored.recording;
        // Where an earlier version made it and the log is lost, it began when its first packet was on disk, a moment later.
        let asked = recording.requested_at.millis();
        let logged = || Some(asked + finish::begins_us(folder)? / 1000);
        let begins = recording.begins_at.map(Timestamp::millis).or_else(logged);
        let first = begins.unwrap_or(recording.started_at.map_or(asked, Timestamp::millis));
        let report = stored.report.as_ref();
        Self {
            begins_ms: call.started_at.map_or(0, |begun| first - begun.millis()),
            pauses: report.map_or_else(Vec::new, |report| report.pauses.clone()),
        }
    }

    /// All of these, with the times of the call.
    pub(super) fn all(&self, utterances: Vec<Utterance>) -> Vec<Utterance> {
        let moved = utterances.into_iter().map(|mut said| {
            said.start_ms = self.at(said.start_ms);
            said.end_ms = self.at(said.end_ms);
            for word in &mut said.words {
                word.start_ms = self.at(word.start_ms);
                word.end_ms = self.at(word.end_ms);
            }
            said
        });
        moved.collect()
    }

    fn at(&self, ms: u64) -> u64 {
        let with_pauses = self.pauses.iter().fold(ms, |ms, pause| match pause.to_ms {
            Some(to) if ms >= pause.from_ms => ms + to.saturating_sub(pause.from_ms),
            _ => ms,
        });
        let at = self.begins_ms + i64::try_from(with_pauses).unwrap_or(i64::MAX / 2);
        u64::try_from(at).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_out_of_the_recording_was_not_left_out_of_the_call() {
        let pause = |from_ms, to_ms| Gap {
            from_ms,
            to_ms: Some(to_ms),
            reason: "paused".to_owned(),
        };
        let time = CallTime {
            begins_ms: 10_000,
            pauses: vec![pause(1000, 3000), pause(5000, 6000)],
        };
        let times = [0, 999, 1000, 2000, 2999, 3000].map(|ms| time.at(ms));
        assert_eq!(times, [10_000, 10_999, 13_000, 14_000, 14_999, 16_000]);
    }
}
