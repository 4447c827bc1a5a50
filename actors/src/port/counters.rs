//! What a port counts: for its own load figures, and for `/metrics` over all ports.

use std::sync::atomic::{AtomicU64, Ordering};

use metrics::Counter;

use crate::metrics as names;

/// Why a received datagram reached nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stray {
    /// Neither STUN nor from a path that anybody has proven.
    UnknownPath,
    /// A check for an ufrag that nobody has here.
    UnknownUfrag,
    /// Not even a datagram that ICE, DTLS or SRTP could have sent.
    Malformed,
    /// The participant does not keep up.
    MailboxFull,
    /// The participant is no more.
    Gone,
}

impl Stray {
    const ALL: [Self; 5] = [
        Self::UnknownPath,
        Self::UnknownUfrag,
        Self::Malformed,
        Self::MailboxFull,
        Self::Gone,
    ];

    /// The label in `/metrics`.
    pub fn label(self) -> &'static str {
        match self {
            Self::UnknownPath => "unknown_path",
            Self::UnknownUfrag => "unknown_ufrag",
            Self::Malformed => "malformed",
            Self::MailboxFull => "mailbox_full",
            Self::Gone => "gone",
        }
    }
}

/// Why a queued datagram never left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsent {
    /// The socket does not take as much as is queued.
    QueueFull,
    /// The ICE-TCP connection is too slow, or gone.
    TcpSlow,
    /// The network refused it.
    Refused,
}

impl Unsent {
    const ALL: [Self; 3] = [Self::QueueFull, Self::TcpSlow, Self::Refused];

    /// The label in `/metrics`.
    pub fn label(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::TcpSlow => "tcp_slow",
            Self::Refused => "refused",
        }
    }
}

/// One count, here and in `/metrics`.
struct Tally {
    here: AtomicU64,
    everywhere: Counter,
}

impl Tally {
    fn new(everywhere: Counter) -> Self {
        Self {
            here: AtomicU64::new(0),
            everywhere,
        }
    }

    fn add(&self, count: usize) {
        if count > 0 {
            let count = count as u64;
            self.here.fetch_add(count, Ordering::Relaxed);
            self.everywhere.increment(count);
        }
    }

    fn get(&self) -> u64 {
        self.here.load(Ordering::Relaxed)
    }
}

/// What one port counted since it opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PortStats {
    /// Datagrams handed to participants or dropped as strays.
    pub received: u64,
    /// Times the kernel was asked for datagrams.
    pub receives: u64,
    /// Datagrams sent over UDP.
    pub sent: u64,
    /// Times the kernel was asked to send; with segmentation offload fewer than `sent`.
    pub sends: u64,
    /// Received, but for nobody.
    pub strays: u64,
    /// Queued, but never sent.
    pub unsent: u64,
    /// Crashes of the port's actor that were mended.
    pub restarts: u64,
    /// Participants registered now.
    pub peers: u64,
}

/// The counters of one port, readable from every thread.
pub(crate) struct PortCounters {
    received: Tally,
    receives: Tally,
    sent: Tally,
    sends: Tally,
    restarts: Tally,
    strays: [Tally; Stray::ALL.len()],
    unsent: [Tally; Unsent::ALL.len()],
    peers: AtomicU64,
}

impl PortCounters {
    pub(crate) fn new() -> Self {
        let stray =
            |reason: Stray| metrics::counter!(names::UDP_DROPPED, "reason" => reason.label());
        let unsent =
            |reason: Unsent| metrics::counter!(names::EGRESS_DROPPED, "reason" => reason.label());
        Self {
            received: Tally::new(metrics::counter!(names::UDP_RECEIVED)),
            receives: Tally::new(metrics::counter!(names::UDP_RECEIVES)),
            sent: Tally::new(metrics::counter!(names::UDP_SENT)),
            sends: Tally::new(metrics::counter!(names::UDP_SENDS)),
            restarts: Tally::new(metrics::counter!(names::PORT_RESTARTS)),
            strays: Stray::ALL.map(|reason| Tally::new(stray(reason))),
            unsent: Unsent::ALL.map(|reason| Tally::new(unsent(reason))),
            peers: AtomicU64::new(0),
        }
    }

    pub(crate) fn received(&self, datagrams: usize, receives: usize) {
        self.received.add(datagrams);
        self.receives.add(receives);
    }

    pub(crate) fn sent(&self, datagrams: usize, sends: usize) {
        self.sent.add(datagrams);
        self.sends.add(sends);
    }

    pub(crate) fn stray(&self, reason: Stray, datagrams: usize) {
        self.strays[reason as usize].add(datagrams);
    }

    pub(crate) fn unsent(&self, reason: Unsent, datagrams: usize) {
        self.unsent[reason as usize].add(datagrams);
    }

    pub(crate) fn restarted(&self) {
        self.restarts.add(1);
    }

    pub(crate) fn peers(&self, registered: usize) {
        self.peers.store(registered as u64, Ordering::Relaxed);
    }

    pub(crate) fn strays(&self, reason: Stray) -> u64 {
        self.strays[reason as usize].get()
    }

    pub(crate) fn stats(&self) -> PortStats {
        PortStats {
            received: self.received.get(),
            receives: self.receives.get(),
            sent: self.sent.get(),
            sends: self.sends.get(),
            strays: self.strays.iter().map(Tally::get).sum(),
            unsent: self.unsent.iter().map(Tally::get).sum(),
            restarts: self.restarts.get(),
            peers: self.peers.load(Ordering::Relaxed),
        }
    }
}
