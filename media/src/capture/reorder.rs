//! The jitter buffer of one encoding: order, and patience for what was lost.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::seam::Packet;

/// How long a missing packet is waited for: a retransmission over a long path, asked for twice, comes in time.
const PATIENCE: Duration = Duration::from_millis(300);

/// Most packets that wait behind a missing one: half a second of a large picture. Beyond it the missing one is lost.
const MOST: usize = 1024;

/// A step of sequence numbers that no loss explains: the stream began anew.
const RESTART: u64 = 1 << 14;

/// What comes out of the jitter buffer.
#[derive(Debug, Clone)]
pub enum Ordered {
    /// The next packet.
    Packet(Packet),
    /// So many packets never came.
    Lost(u64),
    /// The stream began anew: nothing goes on from before.
    Restarted,
}

/// Puts the packets of one encoding back into the order in which they were sent.
#[derive(Debug, Default)]
pub struct Reorder {
    next: Option<u64>,
    waiting: BTreeMap<u64, Packet>,
    restarted: bool,
}

impl Reorder {
    /// Takes a packet. Tells whether it was of any use: one that comes twice, or after it was given up, is not.
    pub fn push(&mut self, packet: Packet) -> bool {
        if let Some(next) = self.next {
            if packet.seq < next && next - packet.seq < RESTART {
                return false;
            }
            if packet.seq.abs_diff(next) >= RESTART {
                self.waiting.clear();
                self.next = None;
                self.restarted = true;
            }
        }
        self.waiting.insert(packet.seq, packet).is_none()
    }

    /// The next thing in order, unless it is worth waiting for.
    pub fn pop(&mut self, now: Instant) -> Option<Ordered> {
        let (&first, head) = self.waiting.first_key_value()?;
        if std::mem::take(&mut self.restarted) {
            return Some(Ordered::Restarted);
        }
        let next = *self.next.get_or_insert(first);
        if first > next {
            let given_up = now.saturating_duration_since(head.arrival) >= PATIENCE;
            if !given_up && self.waiting.len() < MOST {
                return None;
            }
            self.next = Some(first);
            return Some(Ordered::Lost(first - next));
        }
        self.next = Some(next + 1);
        self.waiting
            .pop_first()
            .map(|(_, packet)| Ordered::Packet(packet))
    }

    /// How many packets wait behind a missing one.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::packet;

    fn drain(reorder: &mut Reorder, now: Instant) -> Vec<Result<u64, u64>> {
        let ordered = std::iter::from_fn(|| reorder.pop(now));
        ordered
            .map(|one| match one {
                Ordered::Packet(packet) => Ok(packet.seq),
                Ordered::Lost(count) => Err(count),
                Ordered::Restarted => Err(0),
            })
            .collect()
    }

    fn at(now: Instant, seq: u64) -> Packet {
        Packet {
            arrival: now,
            ..packet(seq)
        }
    }

    #[test]
    fn a_late_packet_takes_its_place_and_nobody_waits_without_need() {
        let (mut reorder, now) = (Reorder::default(), Instant::now());
        reorder.push(at(now, 10));
        assert_eq!(drain(&mut reorder, now), [Ok(10)]);
        reorder.push(at(now, 12));
        assert_eq!(drain(&mut reorder, now), []);
        reorder.push(at(now, 11));
        assert_eq!(drain(&mut reorder, now), [Ok(11), Ok(12)]);
    }

    #[test]
    fn what_does_not_come_in_time_is_lost_and_told() {
        let (mut reorder, now) = (Reorder::default(), Instant::now());
        for seq in [1, 2, 5] {
            reorder.push(at(now, seq));
        }
        assert_eq!(drain(&mut reorder, now), [Ok(1), Ok(2)]);
        assert_eq!(drain(&mut reorder, now + PATIENCE), [Err(2), Ok(5)]);
        assert!(!reorder.push(at(now, 4)), "it was given up");
    }

    #[test]
    fn a_stream_that_begins_anew_is_not_taken_for_loss() {
        let (mut reorder, now) = (Reorder::default(), Instant::now());
        reorder.push(at(now, 100));
        drain(&mut reorder, now);
        reorder.push(at(now, 100 + (1 << 17)));
        assert_eq!(drain(&mut reorder, now), [Err(0), Ok(100 + (1 << 17))]);
    }

    proptest! {
        #[test]
        fn whatever_order_they_come_in_they_leave_in_the_order_they_were_sent(
            order in Just((1u64..60).collect::<Vec<_>>()).prop_shuffle()
        ) {
            let (mut reorder, now) = (Reorder::default(), Instant::now());
            reorder.push(at(now, 0));
            let mut out = drain(&mut reorder, now);
            for seq in order {
                reorder.push(at(now, seq));
                out.extend(drain(&mut reorder, now));
            }
            let sent: Vec<_> = (0..60).map(Ok).collect();
            prop_assert_eq!(out, sent);
        }
    }
}
