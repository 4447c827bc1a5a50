//! Two clocks: one that people read, and one that timers count by.

use std::time::Instant;

use calls_model::Timestamp;

/// The clock on the wall; facts and wire types carry its time.
pub trait Clock: Send + Sync + 'static {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The clock of timers and media: never set back, and it stands still while a test has paused time.
pub fn instant() -> Instant {
    tokio::time::Instant::now().into_std()
}
