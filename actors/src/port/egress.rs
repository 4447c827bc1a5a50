//! What waits to be sent by a port, by destination.
//!
//! Everybody on the arbiter writes here while they have their turn; the port's sending task was woken by the first of
//! them, so it runs after all who were awake by then, and sends what waits. Where that is plenty it does not wait so long.

mod outbox;

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use calls_media::seam::{Egress, Path};
use foldhash::HashMap;
use quinn_udp::Transmit;

use self::outbox::Outbox;
use super::PortCounters;
use super::counters::Unsent;
use super::demux::{Demux, Local};
use super::tcp::Connections;
use super::udp::MOST;

/// Bytes that may wait for one destination. More means that its route does not keep up; what comes later is dropped.
const DESTINATION_LIMIT: usize = 512 * 1024;

/// Bytes that may wait altogether.
const PORT_LIMIT: usize = 16 * 1024 * 1024;

/// Bytes that are sent at once: frames for a handful of destinations, so that what the next are written into is still in the
/// processor's nearest cache. A call more for each costs less than that saves.
const PLENTY: usize = 24 * 1024;

/// What so many flushes had no use for is given back.
const FLUSHES: usize = 1024;

/// What waits to be sent. Its memory is used again after every flush.
pub struct PortEgress {
    /// The first `open` of them hold something.
    outboxes: Vec<Outbox>,
    open: usize,
    /// Of the latest flushes: how many there were, and the most that were open in one.
    flushes: usize,
    most_open: usize,
    index: HashMap<SocketAddr, usize>,
    /// Bytes in all of them.
    waiting: usize,
    /// The socket took no more at the latest flush.
    blocked: bool,
    /// Datagrams that one send may carry.
    segments: usize,
    /// Knows the addresses that peers wrote to; only where the port has more than one.
    locals: Option<Rc<RefCell<Demux>>>,
    connections: Rc<Connections>,
    connections_wait: bool,
    sender: Option<Waker>,
    counters: Arc<PortCounters>,
}

/// How a flush ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flushed {
    /// Nothing waits any more.
    All,
    /// The socket takes no more now.
    Blocked,
}

impl PortEgress {
    /// Nothing waits; one send may carry so many `segments`.
    pub(super) fn new(
        segments: usize,
        locals: Option<Rc<RefCell<Demux>>>,
        connections: Rc<Connections>,
        counters: Arc<PortCounters>,
    ) -> Self {
        Self {
            outboxes: Vec::new(),
            open: 0,
            flushes: 0,
            most_open: 0,
            index: HashMap::default(),
            waiting: 0,
            blocked: false,
            segments,
            locals,
            connections,
            connections_wait: false,
            sender: None,
            counters,
        }
    }

    /// Ready once something waits.
    pub(super) fn poll_waiting(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.open > 0 || self.connections_wait {
            return Poll::Ready(());
        }
        self.sender = Some(cx.waker().clone());
        Poll::Pending
    }

    // ── hot path ────────────────────────────────────────────────────────────

    /// So much waits that it may as well leave now.
    pub(super) fn is_plenty(&self) -> bool {
        self.waiting >= PLENTY && !self.blocked
    }

    /// Sends what waits, destination by destination. `send` sends the first of some runs, at least one, and says how many.
    /// `segments` is how many datagrams one run may carry from now on.
    pub(super) fn flush(
        &mut self,
        segments: usize,
        mut send: impl FnMut(&mut [Transmit<'_>]) -> io::Result<usize>,
    ) -> Flushed {
        self.segments = segments;
        if std::mem::take(&mut self.connections_wait) {
            self.connections.wake_writers();
        }
        let mut total = Sent::default();
        // Those before it have sent all.
        let mut first = 0;
        let flushed = loop {
            let open = &self.outboxes[first..self.open];
            let mut runs: Vec<Transmit<'_>> = Vec::with_capacity(MOST);
            runs.extend(open.iter().flat_map(Outbox::transmits).take(MOST));
            if runs.is_empty() {
                break Flushed::All;
            }
            let (mut left, whole) = match send(&mut runs) {
                Ok(0) => break Flushed::Blocked,
                Ok(count) => (count, true),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Flushed::Blocked,
                Err(_) => (1, false),
            };
            total.sends += 1;
            if !whole {
                let pieces = send_pieces(&runs[0], &mut send);
                total.sends += pieces;
                total.datagrams += pieces;
                let datagrams = runs[0].contents.len().div_ceil(segment(&runs[0]));
                self.counters.unsent(Unsent::Refused, datagrams - pieces);
            }
            while left > 0 && first < self.open {
                let outbox = &mut self.outboxes[first];
                let Some(run) = outbox.left() else {
                    first += 1;
                    continue;
                };
                left -= 1;
                self.waiting -= run.length;
                total.datagrams += if whole { run.datagrams() } else { 0 };
            }
        };
        self.counters.sent(total.datagrams, total.sends);
        self.blocked = flushed == Flushed::Blocked;
        if !self.blocked {
            self.all_left();
        }
        flushed
    }

    fn all_left(&mut self) {
        self.most_open = self.most_open.max(self.open);
        self.flushes += 1;
        if self.flushes == FLUSHES {
            self.outboxes.truncate(self.most_open);
            (self.flushes, self.most_open) = (0, 0);
        }
        self.open = 0;
        self.index.clear();
    }

    /// The outbox for a destination.
    fn outbox(&mut self, remote: SocketAddr) -> usize {
        // Datagrams of one turn go to one destination mostly.
        if let Some(last) = self.open.checked_sub(1)
            && self.outboxes[last].remote == remote
        {
            return last;
        }
        if let Some(&at) = self.index.get(&remote) {
            return at;
        }
        let local = self.locals.as_ref().map_or_else(Local::default, |demux| {
            demux.borrow().local(Path::Udp(remote))
        });
        let at = self.open;
        match self.outboxes.get_mut(at) {
            Some(outbox) => outbox.reuse(remote, local),
            None => self.outboxes.push(Outbox::new(remote, local)),
        }
        self.open += 1;
        self.index.insert(remote, at);
        at
    }

    fn wake_sender(&mut self) {
        if let Some(sender) = self.sender.take() {
            sender.wake();
        }
    }
}

/// What became of a flush.
#[derive(Default)]
struct Sent {
    datagrams: usize,
    sends: usize,
}

/// Sends a run that was refused as one piece by piece, since not every driver can cut a run apart; how many were taken.
fn send_pieces(
    run: &Transmit<'_>,
    send: &mut impl FnMut(&mut [Transmit<'_>]) -> io::Result<usize>,
) -> usize {
    if run.segment_size.is_none() {
        return 0;
    }
    let pieces = run.contents.chunks(segment(run));
    let taken = pieces.filter(|contents| {
        let piece = Transmit {
            segment_size: None,
            contents,
            ..run.clone()
        };
        send(&mut [piece]).is_ok()
    });
    taken.count()
}

fn segment(run: &Transmit<'_>) -> usize {
    run.segment_size.unwrap_or(run.contents.len()).max(1)
}

impl Egress for PortEgress {
    /// `write` is not called where nothing can be queued: the connection is gone or too slow, the queue is full.
    fn datagram(&mut self, path: Path, write: impl FnOnce(&mut Vec<u8>)) {
        match path {
            Path::Udp(remote) => {
                let at = self.outbox(remote);
                let outbox = &mut self.outboxes[at];
                if outbox.waiting() > DESTINATION_LIMIT || self.waiting > PORT_LIMIT {
                    self.counters.unsent(Unsent::QueueFull, 1);
                } else {
                    self.waiting += outbox.push(self.segments, write);
                }
            }
            Path::Tcp { connection, .. } => {
                if self.connections.queue(connection, write) {
                    self.connections_wait = true;
                } else {
                    self.counters.unsent(Unsent::TcpSlow, 1);
                }
            }
        }
        self.wake_sender();
    }
}

#[cfg(test)]
mod tests;
