//! Recordings of all rooms at once: begun when everybody is inside, stopped before anybody leaves, waited for.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use calls_model::{
    CallId, FileKind, Recording, RecordingFile, RecordingMode, RecordingReport, RecordingStatus,
    Source, Timestamp,
};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::api::{Api, ApiFailed};
use crate::causes::with_causes;
use crate::measure::Stopwatch;
use crate::report::Recorded;
use crate::scenario::Scenario;

/// How long the server may take to make all files whole.
const WHOLE_WITHIN: Duration = Duration::from_secs(300);

/// How often it is asked.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// Recordings that run.
pub(super) struct Recordings {
    /// And when the server had said of each that it does.
    running: Vec<(Recording, Instant)>,
    recorded: Recorded,
}

/// Begins to record these calls, all at once.
pub(super) async fn begin(api: &Api, calls: Vec<CallId>, mode: RecordingMode) -> Recordings {
    let mut starting = JoinSet::new();
    for call in calls {
        let api = api.clone();
        starting.spawn(async move { Ok((api.record(&call, mode).await?, Instant::now())) });
    }
    let mut recordings = Recordings {
        running: Vec::new(),
        recorded: Recorded::default(),
    };
    for started in starting.join_all().await {
        match started {
            Ok(running) => recordings.running.push(running),
            Err(failed) => recordings.fail(&failed),
        }
    }
    recordings
}

impl Recordings {
    fn fail(&mut self, failed: &ApiFailed) {
        self.recorded.failures.push(with_causes(failed));
    }

    /// Stops them.
    pub(super) async fn stop(&mut self, api: &Api) {
        let mut stopping = JoinSet::new();
        for (recording, _) in &self.running {
            let (api, call) = (api.clone(), recording.call_id.clone());
            stopping.spawn(async move { api.stop_recording(&call).await });
        }
        for stopped in stopping.join_all().await {
            if let Err(failed) = stopped {
                self.fail(&failed);
            }
        }
    }

    /// Waits until all their files are whole, and adds up what their reports say. Measuring ended at `measured`.
    pub(super) async fn settle(
        mut self,
        api: &Api,
        stopwatch: &Stopwatch,
        scenario: &Scenario,
        measured: Instant,
    ) -> Recorded {
        let running = std::mem::take(&mut self.running);
        stopwatch.phase("making files", running.len() as u64);
        let deadline = Instant::now() + WHOLE_WITHIN;
        for (recording, began) in running {
            let length = measured.saturating_duration_since(began);
            match self.whole(api, recording, deadline).await {
                Ok(Some((recording, report))) => {
                    self.recorded.add(&recording, &report, scenario, length);
                }
                Ok(None) => {}
                Err(failed) => self.fail(&failed),
            }
            stopwatch.step();
        }
        self.recorded.failures.sort();
        self.recorded.failures.dedup();
        self.recorded
    }

    /// One and its report, once it can be had.
    async fn whole(
        &mut self,
        api: &Api,
        mut recording: Recording,
        deadline: Instant,
    ) -> Result<Option<(Recording, RecordingReport)>, ApiFailed> {
        let id = recording.recording_id.clone();
        while recording.status.is_unsettled() && Instant::now() < deadline {
            sleep(ASK_EVERY).await;
            recording = api.recording(&id).await?;
        }
        if recording.status != RecordingStatus::Available {
            let why = recording.error.unwrap_or_default();
            let status = recording.status;
            let failures = &mut self.recorded.failures;
            failures.push(format!("a recording is {status:?} {why}"));
            return Ok(None);
        }
        let report = api.recording_report(&id).await?;
        Ok(Some((recording, report)))
    }
}

impl Recorded {
    /// Adds what came of one recording; so long after the server had said that it records, measuring ended.
    fn add(
        &mut self,
        recording: &Recording,
        report: &RecordingReport,
        scenario: &Scenario,
        length: Duration,
    ) {
        self.available += 1;
        self.files += recording.files.len();
        self.bytes += recording.size_bytes;
        self.interruptions += report.interruptions.len();
        for track in &report.tracks {
            self.packets_received += track.packets_received;
            self.packets_lost += track.packets_lost;
            self.bursts_dropped += track.bursts_dropped;
        }
        self.without_pictures += blind(recording, report, scenario);
        self.without_voices += mute(recording, report, scenario);
        let early = length.saturating_sub(shortest(recording)).as_millis();
        let early = u64::try_from(early).unwrap_or(u64::MAX);
        self.ended_early_ms = self.ended_early_ms.max(early);
    }
}

/// Publishers with cameras of whom it has no pictures.
fn blind(recording: &Recording, report: &RecordingReport, scenario: &Scenario) -> u32 {
    let mode = recording.mode;
    if scenario.video.is_none() || mode == RecordingMode::Audio {
        return 0;
    }
    let video = |file: &RecordingFile| file.kind == FileKind::Video;
    if mode.has_pictures() && !recording.files.iter().any(video) {
        return scenario.publishers;
    }
    scenario
        .publishers
        .saturating_sub(written(report, Source::Camera))
}

/// Publishers of whom it has no voice. In one file of all, voices stand in that of the pictures, where there is one.
fn mute(recording: &Recording, report: &RecordingReport, scenario: &Scenario) -> u32 {
    let of_all = |file: &RecordingFile| file.kind.is_of_all();
    if recording.mode != RecordingMode::Tracks && !recording.files.iter().any(of_all) {
        return scenario.publishers;
    }
    let heard = written(report, Source::Microphone);
    scenario.publishers.saturating_sub(heard)
}

/// Tracks of this source that have something in them.
fn written(report: &RecordingReport, source: Source) -> u32 {
    let of_source = report.tracks.iter().filter(|track| track.source == source);
    let written = of_source.filter(|track| track.frames_written > 0).count();
    u32::try_from(written).unwrap_or(u32::MAX)
}

/// From when it was asked for, by the server's clock, until the first of its tracks ends: nobody who publishes stops before
/// measuring does. A source may have several files, one after the other.
fn shortest(recording: &Recording) -> Duration {
    let asked = recording.requested_at.millis();
    let begins = recording.begins_at.map_or(asked, Timestamp::millis);
    let waited = u64::try_from(begins - asked).unwrap_or(0);
    let mut ends = BTreeMap::new();
    for file in &recording.files {
        if file.kind != FileKind::Transcript {
            let end = ends.entry((&file.participant_id, file.source)).or_insert(0);
            *end = file.start_ms.saturating_add(file.duration_ms).max(*end);
        }
    }
    let first = ends.into_values().min();
    Duration::from_millis(first.map_or(0, |end| waited.saturating_add(end)))
}

#[cfg(test)]
mod tests {
    use calls_model::{ParticipantId, RecordingId};
    use serde_json::{Value, json};

    use super::*;
    use crate::scenario::tests::meeting;

    /// Of these files; its first packet came 500 ms after it was asked for.
    fn recording(mode: &str, files: &[Value]) -> Recording {
        serde_json::from_value(json!({
            "recording_id": RecordingId::new(), "call_id": CallId::new(), "mode": mode, "status": "available",
            "paused": false, "live": false, "layout": null, "participants": [], "requested_at": "2026-01-01T00:00:00.000Z",
            "started_at": null, "begins_at": "2026-01-01T00:00:00.500Z", "duration_seconds": 0, "size_bytes": 0,
            "files": files, "progress": 100, "error": null,
        }))
        .unwrap()
    }

    fn file(who: &ParticipantId, source: &str, (from, to): (u64, u64)) -> Value {
        json!({
            "name": "1", "kind": "track", "participant_id": who, "user_id": "ada", "source": source, "codec": "x",
            "media_type": "x", "start_ms": from, "duration_ms": to - from, "size_bytes": 7, "sha256": "", "place": "local",
        })
    }

    /// Whose cameras have so many frames each, and whose microphones many.
    fn report(frames: &[u64]) -> RecordingReport {
        let both = |&frames| [("microphone", 100), ("camera", frames)];
        report_of(frames.iter().flat_map(both))
    }

    /// Of tracks from these sources, with so many frames each.
    fn report_of(tracks: impl IntoIterator<Item = (&'static str, u64)>) -> RecordingReport {
        let track = |(source, frames)| {
            json!({
                "participant_id": ParticipantId::new(), "user_id": "ada", "source": source, "files": [],
                "packets_received": 100, "packets_lost": 0, "bursts_dropped": 0, "frames_written": frames,
                "frames_unreadable": 0, "silence_ms": 0, "drift_ms": 0, "gaps": [],
            })
        };
        let tracks: Vec<Value> = tracks.into_iter().map(track).collect();
        serde_json::from_value(json!({ "interruptions": [], "pauses": [], "tracks": tracks }))
            .unwrap()
    }

    fn recorded(recording: &Recording, report: &RecordingReport) -> Recorded {
        let scenario = Scenario {
            publishers: 2,
            ..meeting()
        };
        let mut recorded = Recorded::default();
        recorded.add(recording, report, &scenario, Duration::from_secs(7));
        recorded
    }

    #[test]
    fn how_much_before_measuring_the_first_track_of_a_recording_ends_is_told() {
        let (ada, bob) = (ParticipantId::new(), ParticipantId::new());
        let early = |files: &[Value]| {
            recorded(&recording("tracks", files), &report(&[9, 9])).ended_early_ms
        };
        let whole = || {
            vec![
                file(&ada, "microphone", (0, 3000)),
                file(&ada, "microphone", (3100, 6600)),
                file(&bob, "microphone", (20, 6500)),
            ]
        };
        assert_eq!(early(&whole()), 0);
        let half = [whole(), vec![file(&bob, "camera", (100, 3500))]].concat();
        assert_eq!(early(&half), 3000);
        assert_eq!(early(&[]), 7000, "there is nothing");
    }

    #[test]
    fn publishers_of_whom_a_recording_has_no_pictures_are_counted() {
        let blind = |mode, files: &[Value], frames: &[u64]| {
            recorded(&recording(mode, files), &report(frames)).without_pictures
        };
        assert_eq!(blind("tracks", &[], &[30, 30]), 0);
        assert_eq!(blind("tracks", &[], &[30, 0]), 1, "an empty track");
        assert_eq!(blind("tracks", &[], &[30]), 1, "no track");
        assert_eq!(blind("audio", &[], &[0, 0]), 0, "none is wanted");
        let mut all = file(&ParticipantId::new(), "camera", (0, 1));
        all["kind"] = json!("audio");
        assert_eq!(blind("video", &[all.clone()], &[30, 30]), 2);
        all["kind"] = json!("video");
        assert_eq!(blind("video", &[all], &[30, 30]), 0);
    }

    #[test]
    fn publishers_of_whom_a_recording_has_no_voice_are_counted() {
        let mute = |mode, files: &[Value], frames: &[u64]| {
            let cameras = [("camera", 30), ("camera", 30)];
            let voices = frames.iter().map(|&frames| ("microphone", frames));
            let report = report_of(cameras.into_iter().chain(voices));
            recorded(&recording(mode, files), &report).without_voices
        };
        assert_eq!(mute("tracks", &[], &[50, 50]), 0);
        assert_eq!(mute("tracks", &[], &[50, 0]), 1, "an empty track");
        assert_eq!(mute("tracks", &[], &[]), 2, "no track");
        let mut all = file(&ParticipantId::new(), "microphone", (0, 1));
        for (mode, kind) in [("audio", "audio"), ("video", "video")] {
            assert_eq!(mute(mode, &[], &[50, 50]), 2, "no file of all");
            all["kind"] = json!(kind);
            assert_eq!(mute(mode, std::slice::from_ref(&all), &[50, 50]), 0);
            assert_eq!(mute(mode, std::slice::from_ref(&all), &[50]), 1);
        }
    }
}
