//! What a client was told, numbered, so that a dropped socket misses nothing.

use std::collections::VecDeque;

use calls_model::signal::{Event, ServerFrame};

/// Events that are kept: half a minute of a lively room.
const KEPT: usize = 512;

/// The events of one session.
#[derive(Debug, Default)]
pub struct Replay {
    seq: u64,
    kept: VecDeque<ServerFrame>,
}

impl Replay {
    /// Numbers an event and keeps it.
    pub fn push(&mut self, event: Event) -> ServerFrame {
        self.seq += 1;
        let frame = ServerFrame {
            re: None,
            seq: Some(self.seq),
            event,
        };
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(frame.clone());
        frame
    }

    /// What came after `last_seq`, as far as it is still kept.
    pub fn after(&self, last_seq: u64) -> impl Iterator<Item = &ServerFrame> {
        self.kept
            .iter()
            .filter(move |frame| frame.seq > Some(last_seq))
    }
}

#[cfg(test)]
mod tests {
    use calls_model::signal::Empty;

    use super::*;

    fn seqs(replay: &Replay, last_seq: u64) -> Vec<u64> {
        replay
            .after(last_seq)
            .filter_map(|frame| frame.seq)
            .collect()
    }

    #[test]
    fn only_what_was_missed_is_told_again() {
        let mut replay = Replay::default();
        (0..3).for_each(|_| _ = replay.push(Event::Admitted(Empty {})));
        assert_eq!(seqs(&replay, 1), [2, 3]);
        assert!(seqs(&replay, 3).is_empty());
    }

    #[test]
    fn a_long_absence_brings_back_the_latest_events_only() {
        let mut replay = Replay::default();
        (0..=KEPT).for_each(|_| _ = replay.push(Event::Admitted(Empty {})));
        let seqs = seqs(&replay, 0);
        assert_eq!((seqs.len(), seqs[0]), (KEPT, 2));
    }
}
