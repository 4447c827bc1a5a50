//! What every actor here uses, handed down from parent to child.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use calls_media::seam::PeerId;

use crate::clock::Clock;
use crate::journal::Scribe;
use crate::metrics::LiveCount;
use crate::participant::Bounds;
use crate::recorder::{NoStudio, Studio};
use crate::transcriber::{NoRecogniser, Recogniser};

/// Clock, journal, studio, recogniser and counters. Clones are the same.
#[derive(Clone)]
pub struct Services {
    /// The clock on the wall.
    pub clock: Arc<dyn Clock>,
    /// Writes facts.
    pub scribe: Scribe,
    /// Counts the living.
    pub living: LiveCount,
    /// Opens tapes for recordings.
    pub studio: Arc<dyn Studio>,
    /// Understands speech.
    pub recogniser: Arc<dyn Recogniser>,
    /// What clients and rooms may have at most.
    pub bounds: Bounds,
    peers: Arc<AtomicU64>,
}

impl Services {
    /// For one process, or one test.
    pub fn new(clock: Arc<dyn Clock>, scribe: Scribe, living: LiveCount) -> Self {
        Self {
            clock,
            scribe,
            living,
            studio: Arc::new(NoStudio),
            recogniser: Arc::new(NoRecogniser),
            bounds: Bounds::default(),
            peers: Arc::default(),
        }
    }

    /// With a studio to record in; without, nothing can be recorded.
    #[must_use]
    pub fn recording_in(mut self, studio: Arc<dyn Studio>) -> Self {
        self.studio = studio;
        self
    }

    /// With somebody who understands speech; without, nothing can be transcribed.
    #[must_use]
    pub fn understood_by(mut self, recogniser: Arc<dyn Recogniser>) -> Self {
        self.recogniser = recogniser;
        self
    }

    /// With other bounds than the default.
    #[must_use]
    pub fn bounded_by(mut self, bounds: Bounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// A number that no other peer connection of the process has.
    pub fn next_peer(&self) -> PeerId {
        PeerId(self.peers.fetch_add(1, Ordering::Relaxed) + 1)
    }
}
