//! Names of everything that is counted here, and how many actors live.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Actors alive; label `actor`.
pub const ACTORS: &str = "calls_actors";
/// Actors that panicked; label `actor`.
pub const CRASHES: &str = "calls_actor_crashes_total";
/// Calls that ended; label `reason`.
pub const CALLS_ENDED: &str = "calls_ended_total";
/// Seconds from answer to end, by call.
pub const CALL_SECONDS: &str = "calls_duration_seconds";
/// Presences that ended; label `reason`.
pub const PARTICIPANTS_LEFT: &str = "calls_participants_left_total";
/// Bursts that did not fit into a mailbox; label `at`: `room`, `branch`, `participant`, `recorder` or `transcriber`.
pub const BURSTS_DROPPED: &str = "calls_bursts_dropped_total";
/// Transactions of facts that failed for good.
pub const FACTS_LOST: &str = "calls_facts_lost_total";
/// Entries of facts that wait for a database that is away: an alarm.
pub const FACTS_WAITING: &str = "calls_facts_waiting";
/// Samples of quality that were not kept.
pub const SAMPLES_LOST: &str = "calls_quality_samples_lost_total";
/// Scores of connections, 0 (gone) to 5 (perfect), one every five seconds.
pub const QUALITY_SCORE: &str = "calls_quality_score";
/// Round-trip times of connections in seconds, one every five seconds.
pub const QUALITY_RTT: &str = "calls_quality_rtt_seconds";
/// Lost shares of connections, 0 to 1, one every five seconds.
pub const QUALITY_LOSS: &str = "calls_quality_loss_ratio";
/// Recordings that were asked for and did not begin, because the server could not or nothing came to be recorded.
pub const RECORDING_STARTS_FAILED: &str = "calls_recording_starts_failed_total";
/// Pictures that froze at clients, as they say themselves.
pub const FREEZES: &str = "calls_freezes_total";
/// What was refused because there was too much of it; label `limit`, see docs/LIMITS.md.
pub const LIMITS_HIT: &str = "calls_limits_hit_total";
/// Sockets of users on which calls ring.
pub const DEVICES: &str = "calls_devices";

/// Datagrams received by media ports, strays included.
pub const UDP_RECEIVED: &str = "calls_udp_received_datagrams_total";
/// Times the kernel was asked for datagrams.
pub const UDP_RECEIVES: &str = "calls_udp_receives_total";
/// Datagrams sent by media ports.
pub const UDP_SENT: &str = "calls_udp_sent_datagrams_total";
/// Times the kernel was asked to send; one may carry many datagrams.
pub const UDP_SENDS: &str = "calls_udp_sends_total";
/// Received datagrams that reached nobody; label `reason`.
pub const UDP_DROPPED: &str = "calls_udp_dropped_datagrams_total";
/// Queued datagrams that never left; label `reason`.
pub const EGRESS_DROPPED: &str = "calls_egress_dropped_datagrams_total";
/// ICE-TCP connections open now.
pub const TCP_CONNECTIONS: &str = "calls_tcp_connections";
/// Crashes of media ports that were mended.
pub const PORT_RESTARTS: &str = "calls_media_port_restarts_total";

/// Seconds since somebody on whom everything depends answered; label `of`: `calls`, `media-0`, …
pub const HEARTBEAT_AGE: &str = "calls_heartbeat_age_seconds";
/// Times that one of them did not answer in time; label `of`.
pub const HEARTBEATS_LATE: &str = "calls_heartbeats_late_total";

/// Tells the exporter what the names mean.
pub fn describe() {
    describe_gauge!(ACTORS, "Actors alive.");
    describe_counter!(CRASHES, "Actors that panicked.");
    describe_counter!(CALLS_ENDED, "Calls that ended.");
    describe_histogram!(
        CALL_SECONDS,
        Unit::Seconds,
        "Seconds from answer to end, by call."
    );
    describe_counter!(PARTICIPANTS_LEFT, "Presences that ended.");
    describe_counter!(BURSTS_DROPPED, "Bursts that did not fit into a mailbox.");
    describe_counter!(FACTS_LOST, "Transactions of facts that failed for good.");
    describe_counter!(SAMPLES_LOST, "Samples of quality that were not kept.");
    describe_histogram!(
        QUALITY_SCORE,
        "Scores of connections, 0 (gone) to 5 (perfect)."
    );
    describe_histogram!(
        QUALITY_RTT,
        Unit::Seconds,
        "Round-trip times of connections."
    );
    describe_histogram!(QUALITY_LOSS, "Lost shares of connections, 0 to 1.");
    describe_counter!(
        FREEZES,
        "Pictures that froze at clients, as they say themselves."
    );
    describe_counter!(
        RECORDING_STARTS_FAILED,
        "Recordings that were asked for and did not begin."
    );
    // A rate knows no step from nothing to one.
    for alarm in [FACTS_LOST, RECORDING_STARTS_FAILED] {
        metrics::counter!(alarm).increment(0);
    }
    describe_gauge!(
        FACTS_WAITING,
        "Entries of facts that wait for a database that is away."
    );
    describe_gauge!(DEVICES, "Sockets of users on which calls ring.");
    describe_counter!(UDP_RECEIVED, "Datagrams received by media ports.");
    describe_counter!(UDP_RECEIVES, "Times the kernel was asked for datagrams.");
    describe_counter!(UDP_SENT, "Datagrams sent by media ports.");
    describe_counter!(UDP_SENDS, "Times the kernel was asked to send.");
    describe_counter!(UDP_DROPPED, "Received datagrams that reached nobody.");
    describe_counter!(EGRESS_DROPPED, "Queued datagrams that never left.");
    describe_gauge!(TCP_CONNECTIONS, "ICE-TCP connections open now.");
    describe_counter!(PORT_RESTARTS, "Crashes of media ports that were mended.");
    describe_gauge!(
        HEARTBEAT_AGE,
        Unit::Seconds,
        "Seconds since this actor answered."
    );
    describe_counter!(
        HEARTBEATS_LATE,
        "Times that this actor did not answer in time."
    );
}

/// The kinds of actors, as the label `actor` names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActorKind {
    /// `Call`
    Call,
    /// `Room`
    Room,
    /// `Branch`
    Branch,
    /// `Participant`
    Participant,
    /// `MediaPort`
    MediaPort,
    /// `Recorder`
    Recorder,
    /// `Announcer`
    Announcer,
    /// `Transcriber`
    Transcriber,
    /// The server's `TurnPort`
    TurnPort,
}

impl ActorKind {
    /// The label's value.
    pub fn label(self) -> &'static str {
        match self {
            Self::Call => "call",
            Self::Room => "room",
            Self::Branch => "branch",
            Self::Participant => "participant",
            Self::MediaPort => "media_port",
            Self::Recorder => "recorder",
            Self::Announcer => "announcer",
            Self::Transcriber => "transcriber",
            Self::TurnPort => "turn_port",
        }
    }
}

/// Counts who lives. Clones share the count; a test asserts that it came back to zero.
#[derive(Debug, Clone, Default)]
pub struct LiveCount {
    alive: Arc<[AtomicUsize; 9]>,
}

impl LiveCount {
    /// Counts one in, until the value that is returned is dropped.
    pub fn enter(&self, kind: ActorKind) -> Alive {
        self.alive[kind as usize].fetch_add(1, Ordering::Relaxed);
        metrics::gauge!(ACTORS, "actor" => kind.label()).increment(1);
        Alive {
            count: self.clone(),
            kind,
        }
    }

    /// How many of a kind live.
    pub fn of(&self, kind: ActorKind) -> usize {
        self.alive[kind as usize].load(Ordering::Relaxed)
    }

    /// How many live altogether.
    pub fn total(&self) -> usize {
        self.alive
            .iter()
            .map(|count| count.load(Ordering::Relaxed))
            .sum()
    }
}

/// Kept by a living actor among its state.
#[derive(Debug)]
pub struct Alive {
    count: LiveCount,
    kind: ActorKind,
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.count.alive[self.kind as usize].fetch_sub(1, Ordering::Relaxed);
        metrics::gauge!(ACTORS, "actor" => self.kind.label()).decrement(1);
        if std::thread::panicking() {
            metrics::counter!(CRASHES, "actor" => self.kind.label()).increment(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dead_are_not_counted() {
        let count = LiveCount::default();
        let alive = count.enter(ActorKind::Room);
        assert_eq!((count.of(ActorKind::Room), count.total()), (1, 1));
        drop(alive);
        assert_eq!(count.total(), 0);
    }
}
