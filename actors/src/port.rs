//! A media port: one UDP socket and one ICE-TCP listener, and whom a datagram is for.
//!
//! * Parent: [`Keeper`](keeper::Keeper). Children: none.
//! * Receives nothing but datagrams off the wire. Sends [`Datagrams`] to participants, one message each per wake-up.
//! * Ends with its arbiter only.
//! * On crash: the keeper starts a fresh one within the same second. Sockets, bindings, connections and what waits to
//!   be sent are in [`Port`], which [`PortHandle`]s share and which stays.

pub mod addresses;
mod arena;
mod counters;
mod demux;
mod egress;
pub(crate) mod keeper;
pub(crate) mod tcp;
pub mod udp;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use actix::prelude::*;
use bytes::BytesMut;
use calls_media::seam::{Path, PeerId};
use calls_media::{HostCandidate, Identity};
use tokio::net::TcpListener;

use self::arena::Arena;
pub(crate) use self::counters::PortCounters;
pub use self::counters::{PortStats, Stray, Unsent};
use self::demux::Demux;
use self::egress::Flushed;
pub use self::egress::PortEgress;
use self::tcp::Connections;
use self::udp::{Buffers, UdpDoor};
use crate::lifeline::Lifeline;
use crate::metrics::Alive;

/// Batches received before participants get a turn.
const BATCHES: usize = 4;

/// From a port to a participant, its room, a listener: what they all have to send leaves together.
const HOPS: u32 = 3;

/// How long receiving rests after an error that is not ours to mend.
const ERROR_REST: Duration = Duration::from_millis(10);

// ── messages ────────────────────────────────────────────────────────────────

/// What arrived for one participant since the port last looked, in order of arrival.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Datagrams {
    /// Each with the path that it came on.
    pub batch: Vec<(Path, BytesMut)>,
    /// When they were read.
    pub at: Instant,
}

// ── what stays ──────────────────────────────────────────────────────────────

/// What a participant holds of its port. It stays on the port's arbiter and outlives crashes of [`MediaPort`].
#[derive(Clone)]
pub struct PortHandle {
    port: Rc<Port>,
}

/// All of a port that must survive a crash of its actor.
pub(crate) struct Port {
    index: usize,
    identity: Arc<Identity>,
    candidates: Arc<[HostCandidate]>,
    udp: UdpDoor,
    listener: Option<TcpListener>,
    connections: Rc<Connections>,
    demux: Rc<RefCell<Demux>>,
    egress: RefCell<PortEgress>,
    /// The port has more addresses than one, so answers must come from the one that was written to.
    wildcard: bool,
    counters: Arc<PortCounters>,
}

/// Open sockets and what belongs to them, on the way to their arbiter.
pub(crate) struct Opened {
    pub(crate) index: usize,
    pub(crate) identity: Arc<Identity>,
    pub(crate) candidates: Arc<[HostCandidate]>,
    pub(crate) udp: std::net::UdpSocket,
    pub(crate) tcp: Option<std::net::TcpListener>,
    pub(crate) tcp_connections: usize,
    pub(crate) offload: bool,
    pub(crate) counters: Arc<PortCounters>,
}

impl PortHandle {
    /// Takes over what was opened. Needs the arbiter's runtime.
    pub(crate) fn open(opened: Opened) -> std::io::Result<Self> {
        let wildcard = opened.udp.local_addr()?.ip().is_unspecified();
        let demux = Rc::new(RefCell::new(Demux::default()));
        let connections = Rc::new(Connections::new(opened.tcp_connections));
        let udp = UdpDoor::new(opened.udp, opened.offload)?;
        let egress = PortEgress::new(
            udp.segments(),
            wildcard.then(|| Rc::clone(&demux)),
            Rc::clone(&connections),
            Arc::clone(&opened.counters),
        );
        let port = Port {
            index: opened.index,
            identity: opened.identity,
            candidates: opened.candidates,
            udp,
            listener: opened.tcp.map(TcpListener::from_std).transpose()?,
            connections,
            demux,
            egress: RefCell::new(egress),
            wildcard,
            counters: opened.counters,
        };
        Ok(Self {
            port: Rc::new(port),
        })
    }

    /// Which of the process's ports it is.
    pub fn index(&self) -> usize {
        self.port.index
    }

    /// The addresses to name in answers.
    pub fn candidates(&self) -> Arc<[HostCandidate]> {
        Arc::clone(&self.port.candidates)
    }

    /// The certificate to show.
    pub fn identity(&self) -> Arc<Identity> {
        Arc::clone(&self.port.identity)
    }

    /// From now on, checks that name one of `ufrags` (and then all else from where they came) go to `door`.
    /// Call it again whenever the ufrags change; what it names replaces what it named before.
    pub fn register<'a>(
        &self,
        peer: PeerId,
        ufrags: impl IntoIterator<Item = &'a str>,
        door: Recipient<Datagrams>,
    ) {
        let mut demux = self.port.demux.borrow_mut();
        demux.register(peer, ufrags, door);
        self.port.counters.peers(demux.peers());
    }

    /// `path` proved itself to be `peer`'s (`PeerEvent::Path`).
    pub fn bind(&self, path: Path, peer: PeerId) {
        self.port.demux.borrow_mut().bind(path, peer);
    }

    /// Nothing more for `peer`; its TCP connections are closed. Forgetting twice is harmless.
    pub fn forget(&self, peer: PeerId) {
        self.port.forget(peer);
    }

    /// Queues datagrams; they leave together once everybody who is awake now has had their turn, or once there is plenty.
    /// Not to be nested.
    pub fn with_egress<R>(&self, write: impl FnOnce(&mut PortEgress) -> R) -> R {
        let mut egress = self.port.egress.borrow_mut();
        let result = write(&mut egress);
        if egress.is_plenty() {
            drop(egress);
            self.port.flush(); // what the socket does not take, the sending task sends
        }
        result
    }
}

impl Port {
    fn forget(&self, peer: PeerId) {
        let mut demux = self.demux.borrow_mut();
        for path in demux.forget(peer) {
            self.connections.close(path);
        }
        self.counters.peers(demux.peers());
    }

    // ── hot path ────────────────────────────────────────────────────────────

    /// Receives what is there and hands it out; true if there may be more.
    fn receive(&self, buffers: &mut Buffers, arena: &mut Arena) -> std::io::Result<bool> {
        let (mut datagrams, mut batches) = (0, 0);
        let outcome = loop {
            let mut demux = self.demux.borrow_mut();
            let received = self.udp.receive(buffers, |remote, local, datagram| {
                let path = Path::Udp(remote);
                match demux.whose(path, local.filter(|_| self.wildcard), datagram) {
                    Ok(peer) => demux.put(peer, path, arena.copy(datagram)),
                    Err(stray) => self.counters.stray(stray, 1),
                }
            });
            batches += 1;
            let received = match received {
                Ok(received) => received,
                Err(error) => break Err(error),
            };
            datagrams += received.datagrams;
            if received.drained || batches >= BATCHES {
                break Ok(!received.drained);
            }
        };
        self.counters.received(datagrams, batches);
        self.deliver();
        outcome
    }

    /// Hands out what came over a TCP connection; false if it has no business here.
    fn take_frames(&self, path: Path, frames: Vec<BytesMut>) -> bool {
        self.counters.received(frames.len(), 1);
        let mut welcome = true;
        for frame in frames {
            let mut demux = self.demux.borrow_mut();
            match demux.whose(path, None, &frame) {
                Ok(peer) => demux.put(peer, path, frame),
                Err(stray) => {
                    self.counters.stray(stray, 1);
                    welcome = demux.is_proven(path);
                }
            }
        }
        self.deliver();
        welcome
    }

    fn deliver(&self) {
        let gone = self
            .demux
            .borrow_mut()
            .deliver(Instant::now(), &self.counters);
        for peer in gone {
            self.forget(peer);
        }
    }

    fn flush(&self) -> Flushed {
        self.egress
            .borrow_mut()
            .flush(self.udp.segments(), |runs| self.udp.send_many(runs))
    }
}

// ── actor ───────────────────────────────────────────────────────────────────

/// The actor that serves a port's sockets.
pub struct MediaPort {
    port: Rc<Port>,
    _lifeline: Lifeline<usize>,
    _alive: Alive,
}

impl MediaPort {
    /// Serves a port; `lifeline` bears its number.
    pub(crate) fn new(handle: &PortHandle, lifeline: Lifeline<usize>, alive: Alive) -> Self {
        Self {
            port: Rc::clone(&handle.port),
            _lifeline: lifeline,
            _alive: alive,
        }
    }
}

impl Actor for MediaPort {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.spawn(send(Rc::clone(&self.port)).into_actor(self));
        ctx.spawn(receive(Rc::clone(&self.port)).into_actor(self));
        if self.port.listener.is_some() {
            ctx.spawn(tcp::accept(Rc::clone(&self.port)).into_actor(self));
        }
    }
}

async fn receive(port: Rc<Port>) {
    let (mut buffers, mut arena) = (Buffers::new(), Arena::default());
    loop {
        let more = match port.udp.readable().await {
            Ok(()) => port.receive(&mut buffers, &mut arena),
            Err(error) => Err(error),
        };
        match more {
            Ok(true) => tokio::task::yield_now().await,
            Ok(false) => {}
            Err(error) => {
                tracing::debug!(error = %error, "media port cannot receive");
                tokio::time::sleep(ERROR_REST).await;
            }
        }
    }
}

async fn send(port: Rc<Port>) {
    loop {
        std::future::poll_fn(|cx| port.egress.borrow_mut().poll_waiting(cx)).await;
        let_others(HOPS).await;
        while port.flush() == Flushed::Blocked {
            if port.udp.writable().await.is_err() {
                tokio::time::sleep(ERROR_REST).await;
            }
        }
    }
}

/// Waits until whoever is awake now has had a turn, so many times, without a look at the sockets in between.
async fn let_others(mut turns: u32) {
    std::future::poll_fn(|cx| {
        if turns == 0 {
            return Poll::Ready(());
        }
        turns -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Makes the actor panic.
#[cfg(any(test, feature = "testing"))]
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct CrashPort;

#[cfg(any(test, feature = "testing"))]
impl Handler<CrashPort> for MediaPort {
    type Result = ();

    fn handle(&mut self, _: CrashPort, _: &mut Self::Context) {
        panic!("a test wanted this port to crash");
    }
}

#[cfg(test)]
mod tests;
