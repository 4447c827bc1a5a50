//! The recording that runs: how it stands, and how long it is.

use std::time::Duration;

use calls_model::signal::{RecordingEvent, RecordingNews};
use calls_model::{
    Fact, ParticipantId, Recording, RecordingId, RecordingInput, RecordingStatus, Stopwatch,
    Timestamp,
};
use tracing::warn;

use crate::calls::RecordRefused;
use crate::clock;
use crate::recorder::Plan;

/// The recording that runs.
#[derive(Debug, Clone)]
pub struct LiveRecording {
    pub(super) recording: Recording,
    pub(super) plan: Plan,
    /// How long it is.
    pub(super) time: Stopwatch,
    /// Who did the last thing to it; the application itself where nobody did.
    pub(super) by: Option<ParticipantId>,
}

impl LiveRecording {
    /// One that ran when the server went down: it goes on with the next segment, on the same timeline, of which so much is
    /// behind it. What the machine's clock says of that is believed only where nobody knows.
    pub(crate) fn recovered(
        recording: Recording,
        now: Timestamp,
        behind: Option<Duration>,
    ) -> Self {
        let asked = || {
            let since = now.millis() - recording.requested_at.millis();
            Duration::from_millis(u64::try_from(since).unwrap_or(0))
        };
        let since = behind.unwrap_or_else(asked);
        let present = clock::instant();
        let zero = present.checked_sub(since).unwrap_or(present);
        let plan = Plan::of(&recording, zero);
        let most = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let time = Stopwatch {
            kept_ms: recording.duration_seconds.saturating_mul(1000).min(most),
            runs_since: (!recording.paused).then_some(now),
        };
        Self {
            recording,
            plan,
            time,
            by: None,
        }
    }

    /// Which.
    pub fn id(&self) -> &RecordingId {
        &self.recording.recording_id
    }

    /// The fact that it ends with its call.
    pub(crate) fn ended(&self, at: Timestamp) -> Fact {
        self.stopped(at).1
    }

    pub(crate) fn is_active(&self) -> bool {
        self.recording.status == RecordingStatus::Active
    }

    /// Its time stands still from now on, or runs again.
    pub(super) fn pause(&mut self, paused: bool, at: Timestamp) {
        self.recording.paused = paused;
        self.time = if paused {
            self.time.halt(at)
        } else {
            self.time.run(at)
        };
    }

    /// The fact that nothing comes of it.
    pub(super) fn failed(&self, why: &RecordRefused, at: Timestamp) -> Fact {
        Fact::RecordingFailed {
            call_id: self.recording.call_id.clone(),
            recording_id: self.id().clone(),
            reason: why.to_string(),
            at,
        }
    }

    pub(super) fn advance(&mut self, input: RecordingInput) {
        match self.recording.status.on(input) {
            Ok(status) => self.recording.status = status,
            Err(illegal) => warn!(recording.id = %self.id(), "{illegal}"),
        }
    }

    pub(super) fn event(&self, event: RecordingNews) -> RecordingEvent {
        RecordingEvent {
            event,
            recording_id: self.id().clone(),
            mode: self.recording.mode,
            by: self.by.clone(),
        }
    }

    /// As it is now, with its length.
    pub(super) fn shown(&self, now: Timestamp) -> Recording {
        Recording {
            duration_seconds: self.time.seconds(now),
            ..self.recording.clone()
        }
    }

    /// As it is when nothing more is recorded, and the fact of it.
    pub(super) fn stopped(&self, at: Timestamp) -> (Recording, Fact) {
        let mut recording = self.shown(at);
        recording.status = RecordingStatus::Processing;
        recording.paused = false;
        let fact = Fact::RecordingStopped {
            call_id: recording.call_id.clone(),
            recording_id: recording.recording_id.clone(),
            at,
        };
        (recording, fact)
    }
}
