//! Recordings of all rooms at once: begun when everybody is inside, stopped before anybody leaves, waited for.

use std::time::{Duration, Instant};

use calls_model::{CallId, Recording, RecordingMode, RecordingStatus};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::api::{Api, ApiFailed};
use crate::causes::with_causes;
use crate::measure::Stopwatch;
use crate::report::Recorded;

/// How long the server may take to make all files whole.
const WHOLE_WITHIN: Duration = Duration::from_secs(300);

/// How often it is asked.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// Recordings that run.
pub(super) struct Recordings {
    running: Vec<Recording>,
    recorded: Recorded,
}

/// Begins to record these calls, all at once.
pub(super) async fn begin(api: &Api, calls: Vec<CallId>, mode: RecordingMode) -> Recordings {
    let mut starting = JoinSet::new();
    for call in calls {
        let api = api.clone();
        starting.spawn(async move { api.record(&call, mode).await });
    }
    let mut recordings = Recordings {
        running: Vec::new(),
        recorded: Recorded::default(),
    };
    for started in starting.join_all().await {
        match started {
            Ok(recording) => recordings.running.push(recording),
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
        for recording in &self.running {
            let (api, call) = (api.clone(), recording.call_id.clone());
            stopping.spawn(async move { api.stop_recording(&call).await });
        }
        for stopped in stopping.join_all().await {
            if let Err(failed) = stopped {
                self.fail(&failed);
            }
        }
    }

    /// Waits until all their files are whole, and adds up what their reports say.
    pub(super) async fn settle(mut self, api: &Api, stopwatch: &Stopwatch) -> Recorded {
        let running = std::mem::take(&mut self.running);
        stopwatch.phase("making files", running.len() as u64);
        let deadline = Instant::now() + WHOLE_WITHIN;
        for recording in running {
            if let Err(failed) = self.one(api, recording, deadline).await {
                self.fail(&failed);
            }
            stopwatch.step();
        }
        self.recorded.failures.sort();
        self.recorded.failures.dedup();
        self.recorded
    }

    async fn one(
        &mut self,
        api: &Api,
        mut recording: Recording,
        deadline: Instant,
    ) -> Result<(), ApiFailed> {
        let id = recording.recording_id.clone();
        while recording.status.is_unsettled() && Instant::now() < deadline {
            sleep(ASK_EVERY).await;
            recording = api.recording(&id).await?;
        }
        let recorded = &mut self.recorded;
        if recording.status != RecordingStatus::Available {
            let why = recording.error.unwrap_or_default();
            let status = recording.status;
            recorded
                .failures
                .push(format!("a recording is {status:?} {why}"));
            return Ok(());
        }
        let report = api.recording_report(&id).await?;
        recorded.available += 1;
        recorded.files += recording.files.len();
        recorded.bytes += recording.size_bytes;
        recorded.interruptions += report.interruptions.len();
        for track in &report.tracks {
            recorded.packets_received += track.packets_received;
            recorded.packets_lost += track.packets_lost;
            recorded.bursts_dropped += track.bursts_dropped;
        }
        Ok(())
    }
}
