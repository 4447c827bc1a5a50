//! The clock on the wall.

use calls_actors::clock::Clock;
use calls_model::Timestamp;
use chrono::Utc;

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Utc::now().into()
    }
}
