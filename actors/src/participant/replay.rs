//! What a client was told, numbered, so that a dropped socket misses nothing.

use std::collections::VecDeque;

use crate::event::{Frame, SharedEvent};

/// Events that are kept for a resume: half a minute of a lively room.
pub const EVENTS: usize = 512;

/// Bytes of events that are kept for a resume. Most of them are shared with everybody else in the room.
pub const BYTES: usize = 256 * 1024;

/// More was missed than is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MissedTooMuch;

/// The events of one session.
#[derive(Debug, Default)]
pub struct Replay {
    seq: u64,
    kept: VecDeque<Frame>,
    bytes: usize,
    /// The last one that had to be forgotten.
    forgotten: u64,
}

impl Replay {
    /// Numbers an event that need not be told again: it is worth nothing later, or is told anew after every resume.
    pub fn number(&mut self, event: &SharedEvent) -> Frame {
        self.seq += 1;
        Frame::new(Some(self.seq), event)
    }

    /// Numbers an event and keeps it. The oldest make room for it.
    pub fn push(&mut self, event: &SharedEvent) -> Frame {
        let frame = self.number(event);
        self.bytes += frame.bytes();
        self.kept.push_back(frame.clone());
        while self.kept.len() > EVENTS || self.bytes > BYTES {
            let Some(oldest) = self.kept.pop_front() else {
                break;
            };
            self.bytes -= oldest.bytes();
            self.forgotten = oldest.seq().unwrap_or(self.forgotten);
        }
        frame
    }

    /// What came after `last_seq`.
    ///
    /// # Errors
    ///
    /// Some of it is not kept any more.
    pub fn after(&self, last_seq: u64) -> Result<impl Iterator<Item = &Frame>, MissedTooMuch> {
        if last_seq < self.forgotten {
            return Err(MissedTooMuch);
        }
        let missed = move |frame: &&Frame| frame.seq() > Some(last_seq);
        Ok(self.kept.iter().filter(missed))
    }
}

#[cfg(test)]
mod tests {
    use calls_model::signal::{Empty, Event};

    use super::*;

    fn small() -> SharedEvent {
        Event::Admitted(Empty {}).into()
    }

    fn large() -> SharedEvent {
        Event::Ok("x".repeat(BYTES / 4).into()).into()
    }

    fn seqs(replay: &Replay, last_seq: u64) -> Option<Vec<u64>> {
        let after = replay.after(last_seq).ok()?;
        Some(after.filter_map(Frame::seq).collect())
    }

    #[test]
    fn only_what_was_missed_is_told_again() {
        let mut replay = Replay::default();
        (0..3).for_each(|_| _ = replay.push(&small()));
        assert_eq!(seqs(&replay, 1), Some(vec![2, 3]));
        assert_eq!(seqs(&replay, 3), Some(vec![]));
    }

    #[test]
    fn who_missed_more_events_than_are_kept_cannot_resume() {
        let mut replay = Replay::default();
        (0..=EVENTS).for_each(|_| _ = replay.push(&small()));
        assert_eq!(seqs(&replay, 0), None);
        assert_eq!(seqs(&replay, 1).map(|seqs| seqs.len()), Some(EVENTS));
    }

    #[test]
    fn who_missed_more_bytes_than_are_kept_cannot_resume() {
        let mut replay = Replay::default();
        (0..100).for_each(|_| _ = replay.push(&large()));
        assert!(replay.bytes <= BYTES);
        assert_eq!(seqs(&replay, 96), None);
        assert_eq!(seqs(&replay, 97), Some(vec![98, 99, 100]));
    }

    #[test]
    fn what_need_not_be_told_again_is_counted_and_takes_no_room() {
        let mut replay = Replay::default();
        (0..100).for_each(|_| _ = replay.number(&large()));
        replay.push(&small());
        assert_eq!(seqs(&replay, 0), Some(vec![101]));
    }
}
