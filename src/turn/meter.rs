//! What the server counted, handed on to `/metrics`.

use calls_turn::{Refusal, Stats};
use metrics::{Counter, Gauge};

use crate::telemetry::names;

/// Hands on what was added since it looked last.
pub(super) struct Meter {
    last: Stats,
    dropped: u64,
    allocations: Gauge,
    bytes: [Counter; 2],
    datagrams: [Counter; 2],
    refusals: [Counter; Refusal::CODES.len()],
    withheld: Counter,
    strays: [Counter; 2],
    unsent: Counter,
}

/// The two ways, as the label `to` names them, in the order of [`flows`].
const WAYS: [&str; 2] = ["peer", "client"];

impl Meter {
    pub(super) fn new() -> Self {
        Self {
            last: Stats::default(),
            dropped: 0,
            allocations: metrics::gauge!(names::TURN_ALLOCATIONS),
            bytes: WAYS.map(|to| metrics::counter!(names::TURN_RELAYED_BYTES, "to" => to)),
            datagrams: WAYS.map(|to| metrics::counter!(names::TURN_RELAYED, "to" => to)),
            refusals: Refusal::CODES
                .map(|code| metrics::counter!(names::TURN_REFUSALS, "code" => code.to_string())),
            withheld: metrics::counter!(names::TURN_WITHHELD),
            strays: WAYS.map(|to| metrics::counter!(names::TURN_STRAYS, "to" => to)),
            unsent: metrics::counter!(names::TURN_UNSENT),
        }
    }

    /// These are the figures now.
    #[expect(clippy::cast_precision_loss, reason = "nobody has 2^52 allocations")]
    pub(super) fn read(&mut self, stats: Stats, dropped: u64) {
        let last = std::mem::replace(&mut self.last, stats);
        self.allocations.set(stats.allocations as f64);
        for (way, (now, before)) in flows(&stats).iter().zip(flows(&last)).enumerate() {
            self.bytes[way].increment(now.bytes - before.bytes);
            self.datagrams[way].increment(now.datagrams - before.datagrams);
        }
        for (at, counter) in self.refusals.iter().enumerate() {
            counter.increment(stats.refused[at] - last.refused[at]);
        }
        self.withheld.increment(stats.withheld - last.withheld);
        self.strays[0].increment(stats.ignored - last.ignored);
        self.strays[1].increment(stats.uninvited - last.uninvited);
        self.unsent
            .increment(dropped - std::mem::replace(&mut self.dropped, dropped));
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.allocations.set(0.0); // they went with the server
    }
}

fn flows(stats: &Stats) -> [calls_turn::Flow; 2] {
    [stats.to_peers, stats.to_clients]
}
