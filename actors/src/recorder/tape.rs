//! The port to whatever writes a recording: a thread of its own, with a queue that never makes media wait.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::WeakRecipient;
use actix::prelude::*;
use calls_media::seam::{Burst, Layer, SourceClock, TrackId};
use calls_model::{
    CallId, DisplayName, ParticipantId, Recording, RecordingId, RecordingMode, Source, Timestamp,
    UserId,
};

/// What is to be recorded.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Which recording.
    pub recording_id: RecordingId,
    /// Of which call.
    pub call_id: CallId,
    /// What it is to be made of.
    pub mode: RecordingMode,
    /// It is composed meanwhile: decoders need a fresh start now and then.
    pub live: bool,
    /// Whom; empty: everybody.
    pub participants: Arc<[UserId]>,
    /// From when its times count. Every segment of a recording counts from the same moment.
    pub zero: Instant,
}

impl Plan {
    /// Of a recording whose times count from `zero`.
    pub(crate) fn of(recording: &Recording, zero: Instant) -> Self {
        Self {
            recording_id: recording.recording_id.clone(),
            call_id: recording.call_id.clone(),
            mode: recording.mode,
            live: recording.live,
            participants: Arc::from(recording.participants.clone()),
            zero,
        }
    }

    /// Whether this belongs into it.
    pub fn wants(&self, user: &UserId, source: Source) -> bool {
        let selected = self.participants.is_empty() || self.participants.contains(user);
        selected && (self.mode != RecordingMode::Audio || source.is_audio())
    }
}

/// A track that is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TapeTrack {
    /// Which.
    pub track: TrackId,
    /// Whose presence.
    pub participant_id: ParticipantId,
    /// Whose.
    pub user_id: UserId,
    /// What they are called, as they came in.
    pub display_name: Option<DisplayName>,
    /// What it shows or carries.
    pub source: Source,
}

/// Nothing can be recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StudioRefused {
    /// This server does not record.
    #[error("this server does not record")]
    Off,
    /// New recordings wait until there is room again.
    #[error("the disk is too full to record ({free_mb} MB free, {wanted_mb} MB are kept free)")]
    DiskFull {
        /// What is free.
        free_mb: u64,
        /// What must stay free.
        wanted_mb: u64,
    },
    /// So many run already.
    #[error("{limit} recordings run already")]
    Busy {
        /// The most at a time.
        limit: usize,
    },
    /// The system says no.
    #[error("{0}")]
    System(String),
}

/// Opens tapes.
pub trait Studio: Send + Sync + 'static {
    /// Whether a new recording may begin.
    ///
    /// # Errors
    ///
    /// [`StudioRefused`] says why not.
    fn admit(&self) -> Result<(), StudioRefused>;

    /// How much time was behind a recording now that an earlier run of the server began, by what it wrote; `None`: nobody
    /// knows.
    fn recorded_for(&self, id: &RecordingId, now: Timestamp) -> Option<Duration>;

    /// Opens the next segment of a recording. Returns at once; news comes by `told`, which keeps nobody alive.
    ///
    /// # Errors
    ///
    /// [`StudioRefused`] says why not.
    fn open(
        &self,
        plan: &Plan,
        told: WeakRecipient<TapeTold>,
    ) -> Result<Box<dyn Tape>, StudioRefused>;
}

/// What a segment is written on. Dropping it closes it as well.
pub trait Tape: Send {
    /// A track belongs to the recording from now on. It comes before its packets.
    fn track(&self, track: TapeTrack);

    /// What is sent of it from now on goes to nobody, or to all again.
    fn muted(&self, track: TrackId, muted: bool);

    /// It is not published any more, as its publisher left the call, or as they took it back.
    fn gone(&self, track: TrackId, left: bool);

    /// A sender report.
    fn clock(&self, clock: SourceClock);

    /// What comes from now on is left out, or taken again.
    fn pause(&self, paused: bool);

    /// Makes the thread that writes panic.
    #[cfg(feature = "testing")]
    fn crash(&self);

    /// Writes everything that came before and closes the files; [`TapeTold::Closed`] follows.
    fn close(&self);

    // ── hot path ────────────────────────────────────────────────────────────

    /// Takes packets. `false` where it cannot keep up and has dropped them.
    fn packets(&self, burst: Burst) -> bool;
}

/// What a tape tells.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub enum TapeTold {
    /// The first packet is on disk.
    Rolling,
    /// A decoder needs a fresh start.
    Keyframe {
        /// Of which track.
        track: TrackId,
        /// Of which encoding.
        layer: Layer,
    },
    /// It cannot go on; nothing more is written to it.
    Failed(String),
    /// All is written, and it is closed.
    Closed,
}

/// Records nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoStudio;

impl Studio for NoStudio {
    fn admit(&self) -> Result<(), StudioRefused> {
        Err(StudioRefused::Off)
    }

    fn recorded_for(&self, _: &RecordingId, _: Timestamp) -> Option<Duration> {
        None
    }

    fn open(&self, _: &Plan, _: WeakRecipient<TapeTold>) -> Result<Box<dyn Tape>, StudioRefused> {
        Err(StudioRefused::Off)
    }
}
