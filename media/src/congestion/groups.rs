//! Packets sent together, and by how much the gaps between them grew on the way (draft-ietf-rmcat-gcc-02 §5.2).

use std::time::Duration;

/// Packets sent within this time belong together: pacing sends them so.
const TOGETHER: Duration = Duration::from_millis(5);
/// Packets that arrive within this time of each other although they were sent apart were held up together.
const HELD_UP: Duration = Duration::from_millis(5);
/// So long without an arrival, the past says nothing any more.
const PAUSE_MICROS: i64 = 3_000_000;

/// How two groups that followed each other differ, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(clippy::struct_field_names, reason = "floats carry their unit")]
pub(super) struct Delta {
    /// Between their departures.
    pub(super) sent_ms: f64,
    /// Between their arrivals.
    pub(super) arrived_ms: f64,
    /// When the later one arrived, by the receiver's clock.
    pub(super) arrival_ms: f64,
}

#[derive(Debug, Clone, Copy)]
struct Group {
    first_sent: Duration,
    last_sent: Duration,
    first_arrival: Duration,
    last_arrival: Duration,
}

/// Forms groups as packets are told of.
#[derive(Debug, Default)]
pub(super) struct Groups {
    before: Option<Group>,
    current: Option<Group>,
}

impl Groups {
    /// A packet was told of; the difference between the two groups before it, if it begins another.
    pub(super) fn arrived(&mut self, sent: Duration, arrival: Duration) -> Option<Delta> {
        let Some(current) = &mut self.current else {
            self.current = Some(Group::of(sent, arrival));
            return None;
        };
        if sent < current.first_sent {
            return None; // reordered; its group is closed
        }
        if (micros(arrival) - micros(current.last_arrival)).abs() > PAUSE_MICROS {
            *self = Self {
                before: None,
                current: Some(Group::of(sent, arrival)),
            };
            return None;
        }
        if current.takes(sent, arrival) {
            current.last_sent = current.last_sent.max(sent);
            current.last_arrival = current.last_arrival.max(arrival);
            return None;
        }
        let delta = self.before.map(|before| Delta {
            sent_ms: millis(current.last_sent, before.last_sent),
            arrived_ms: millis(current.last_arrival, before.last_arrival),
            arrival_ms: current.last_arrival.as_secs_f64() * 1e3,
        });
        self.before = self.current.replace(Group::of(sent, arrival));
        // A receiver's clock that stepped back says nothing.
        delta.filter(|delta| delta.arrived_ms >= 0.0)
    }
}

impl Group {
    fn of(sent: Duration, arrival: Duration) -> Self {
        Self {
            first_sent: sent,
            last_sent: sent,
            first_arrival: arrival,
            last_arrival: arrival,
        }
    }

    fn takes(&self, sent: Duration, arrival: Duration) -> bool {
        if sent.saturating_sub(self.first_sent) <= TOGETHER {
            return true;
        }
        // Sent apart, arrived at once: something on the way held them up, and it is over.
        let slower =
            micros(arrival) - micros(self.last_arrival) < micros(sent) - micros(self.last_sent);
        let near = arrival.saturating_sub(self.last_arrival) <= HELD_UP;
        let short = arrival.saturating_sub(self.first_arrival) < 20 * HELD_UP;
        slower && near && short
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

fn millis(later: Duration, earlier: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "differences are small")]
    let micros = (micros(later) - micros(earlier)) as f64;
    micros / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn packets_of_one_frame_are_one_group() {
        let mut groups = Groups::default();
        for frame in 0..3u32 {
            for packet in 0..4u32 {
                let sent = frame * 33 * MS + packet * MS / 2;
                let delta = groups.arrived(sent, sent + 40 * MS);
                let closes = frame == 2 && packet == 0;
                assert_eq!(delta.is_some(), closes, "frame {frame}, packet {packet}");
                if let Some(delta) = delta {
                    assert!((delta.sent_ms - 33.0).abs() < 0.01);
                    assert!((delta.arrived_ms - 33.0).abs() < 0.01);
                }
            }
        }
    }

    #[test]
    fn a_queue_that_grows_shows_in_the_difference() {
        let mut groups = Groups::default();
        let deltas: Vec<_> = (0..5u32)
            .filter_map(|n| groups.arrived(n * 20 * MS, 100 * MS + n * 30 * MS))
            .collect();
        assert_eq!(deltas.len(), 3);
        assert!(
            deltas
                .iter()
                .all(|delta| (delta.arrived_ms - delta.sent_ms - 10.0).abs() < 0.01)
        );
    }

    #[test]
    fn what_was_held_up_and_let_go_at_once_is_one_group() {
        let mut groups = Groups::default();
        groups.arrived(Duration::ZERO, 50 * MS);
        groups.arrived(20 * MS, 120 * MS);
        assert!(groups.arrived(40 * MS, 121 * MS).is_none());
        assert!(groups.arrived(60 * MS, 122 * MS).is_none());
    }

    #[test]
    fn after_a_pause_the_past_does_not_count() {
        let mut groups = Groups::default();
        for n in 0..3 {
            groups.arrived(n * 20 * MS, n * 20 * MS);
        }
        assert!(groups.arrived(9000 * MS, 9000 * MS).is_none());
        assert!(groups.arrived(9020 * MS, 9020 * MS).is_none());
    }
}
