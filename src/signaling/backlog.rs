//! How much of what was sent has not arrived: pings are answered in order, so a pong tells what came before it.

use std::collections::VecDeque;

/// Pings that may be unanswered at a time.
const MARKS: usize = 64;

/// What waits for one socket.
#[derive(Debug)]
pub(super) struct Backlog {
    limit: u64,
    sent: u64,
    arrived: u64,
    marks: VecDeque<(u64, u64)>,
    next: u64,
}

impl Backlog {
    /// Gives up on a socket that has more than `limit` bytes waiting.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit: limit as u64,
            sent: 0,
            arrived: 0,
            marks: VecDeque::new(),
            next: 0,
        }
    }

    /// So many bytes more were sent.
    pub(super) fn sent(&mut self, bytes: usize) {
        self.sent += bytes as u64;
    }

    /// It is worth asking how far it got.
    pub(super) fn wants_ping(&self) -> bool {
        let asked = self.marks.back().map_or(self.arrived, |(_, sent)| *sent);
        self.marks.len() < MARKS && self.sent - asked >= (self.limit / 8).max(1)
    }

    /// The payload of a ping that asks.
    pub(super) fn ping(&mut self) -> [u8; 8] {
        if self.marks.len() < MARKS {
            self.marks.push_back((self.next, self.sent));
        }
        let number = self.next;
        self.next += 1;
        number.to_be_bytes()
    }

    /// A pong came, and whether it was asked for: others tell nothing.
    pub(super) fn pong(&mut self, payload: &[u8]) -> bool {
        let Ok(number) = payload.try_into().map(u64::from_be_bytes) else {
            return false;
        };
        let asked = |mark: &(u64, u64)| mark.0 == number;
        let Some(found) = self.marks.iter().position(asked) else {
            return false;
        };
        if let Some((_, sent)) = self.marks.drain(..=found).next_back() {
            self.arrived = sent;
        }
        true
    }

    /// Too much waits.
    pub(super) fn is_too_long(&self) -> bool {
        self.sent - self.arrived > self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_answers_has_no_backlog() {
        let mut backlog = Backlog::new(1000);
        for _ in 0..100 {
            backlog.sent(500);
            let ping = backlog.ping();
            assert!(backlog.pong(&ping));
        }
        assert!(!backlog.is_too_long());
    }

    #[test]
    fn one_that_does_not_is_found_out() {
        let mut backlog = Backlog::new(1000);
        backlog.sent(900);
        assert!(backlog.wants_ping() && !backlog.is_too_long());
        backlog.ping();
        assert!(!backlog.wants_ping());
        backlog.sent(101);
        assert!(backlog.is_too_long());
    }

    #[test]
    fn a_made_up_pong_tells_nothing() {
        let mut backlog = Backlog::new(1000);
        backlog.sent(2000);
        backlog.ping();
        for payload in [&b""[..], b"x", &7_u64.to_be_bytes()] {
            assert!(!backlog.pong(payload));
        }
        assert!(backlog.is_too_long());
    }
}
