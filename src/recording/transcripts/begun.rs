//! The transcripts that are begun: the one that is being made, and those that wait for another try.

use std::collections::HashMap;
use std::time::Instant;

use calls_model::RecordingId;

use crate::recording::backoff;

/// All that are begun.
#[derive(Debug, Default)]
pub(super) struct AllBegun(HashMap<RecordingId, Begun>);

/// How far one is.
#[derive(Debug, Default)]
pub(super) struct Begun {
    /// In percent.
    pub(super) progress: u8,
    waits: Option<Waits>,
}

/// It could not be made, and is tried again.
#[derive(Debug)]
struct Waits {
    what_for: String,
    until: Instant,
    tries: u32,
}

impl Begun {
    /// What it waits for, where it does.
    pub(super) fn waits_for(&self) -> Option<&str> {
        self.waits.as_ref().map(|waits| waits.what_for.as_str())
    }
}

impl AllBegun {
    /// This one is being made now.
    pub(super) fn begin(&mut self, id: &RecordingId) {
        self.0.entry(id.clone()).or_default();
    }

    /// This one is made, or nothing comes of it.
    pub(super) fn done(&mut self, id: &RecordingId) {
        self.0.remove(id);
    }

    pub(super) fn get(&self, id: &RecordingId) -> Option<&Begun> {
        self.0.get(id)
    }

    pub(super) fn progressed(&mut self, id: &RecordingId, percent: u8) {
        if let Some(begun) = self.0.get_mut(id) {
            begun.progress = percent;
        }
    }

    /// Others go first for a while.
    pub(super) fn put_off(&mut self, id: &RecordingId, what_for: String, now: Instant) {
        let begun = self.0.entry(id.clone()).or_default();
        let tries = begun.waits.as_ref().map_or(0, |waits| waits.tries);
        begun.waits = Some(Waits {
            what_for,
            until: now + backoff::wait(tries),
            tries: tries.saturating_add(1),
        });
    }

    /// Those whose time has not come yet.
    pub(super) fn waiting(&self, now: Instant) -> Vec<RecordingId> {
        let waits = self.0.iter().filter(|(_, begun)| {
            let waits = begun.waits.as_ref();
            waits.is_some_and(|waits| waits.until > now)
        });
        waits.map(|(id, _)| id.clone()).collect()
    }

    /// Nothing is to be made but these: all others were deleted with their recordings.
    pub(super) fn only(&mut self, waiting: &[RecordingId]) {
        self.0.retain(|id, _| waiting.contains(id));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn one_that_was_deleted_while_it_waited_is_forgotten_when_its_time_has_come() {
        let (id, now) = (RecordingId::new(), Instant::now());
        let mut begun = AllBegun::default();
        begun.begin(&id);
        begun.put_off(&id, "a disk".to_owned(), now);
        begun.only(&begun.waiting(now));
        let waits = begun.get(&id).and_then(Begun::waits_for);
        assert_eq!(waits, Some("a disk"));
        begun.only(&begun.waiting(now + Duration::from_secs(2)));
        assert!(begun.get(&id).is_none());
    }

    #[test]
    fn each_try_in_vain_makes_the_next_one_wait_longer() {
        let (id, now) = (RecordingId::new(), Instant::now());
        let mut begun = AllBegun::default();
        begun.put_off(&id, String::new(), now);
        begun.put_off(&id, String::new(), now);
        let waits = |seconds| !begun.waiting(now + Duration::from_secs(seconds)).is_empty();
        assert_eq!([3, 4].map(waits), [true, false]);
    }
}
