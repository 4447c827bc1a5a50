//! A thread that carries the packets of many light participants: one `epoll`, `recvmmsg` for each socket that has
//! something, and one heap of times.
//!
//! Sockets do not ask for GRO, as browsers' do not: the kernel cuts a run of datagrams apart on its way to them, in the
//! sender's time. Packets are sent one by one, as browsers do.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, IoSliceMut};
use std::net::UdpSocket;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use mio::{Events, Interest, Poll, Token, Waker};
use nix::sys::socket::{setsockopt, sockopt};
use quinn_udp::{BATCH_SIZE, RecvMeta, UdpSockRef, UdpSocketState};
use tokio::sync::watch;

use super::client::{Client, ClientFailed};
use super::ice::Credentials;
use crate::impair::{Impairment, Links};
use crate::stay::First;
use crate::tally::{Kind, Tallies};

/// Bytes of a datagram that is received; none of ours or of the server's is longer.
const DATAGRAM: usize = 2048;

/// Sockets that are looked at in one turn.
const EVENTS: usize = 1024;

/// Longest sleep.
const NAP: Duration = Duration::from_millis(500);

/// Receive buffer of each socket, as far as the kernel gives it.
const RECEIVE_BUFFER: usize = 1 << 20;

/// The token of the waker.
const WAKER: Token = Token(usize::MAX);

/// How far one participant is.
#[derive(Debug, Clone)]
pub(crate) enum Stage {
    /// Media cannot flow yet.
    Connecting,
    /// Media can flow.
    Connected,
    /// It is over.
    Failed(ClientFailed),
}

/// What one participant tells of its media.
#[derive(Debug)]
pub(crate) struct Progress {
    /// How far it is.
    pub(crate) stage: watch::Sender<Stage>,
    /// When media could flow for the first time.
    pub(crate) connected: OnceLock<Instant>,
    /// When somebody else's voice came for the first time.
    first_audio: OnceLock<Instant>,
    /// And a picture.
    first_video: OnceLock<Instant>,
}

enum Order {
    Carry(u64, Box<Passenger>),
    /// New credentials of ours and of the other side.
    Restart(u64, Box<(Credentials, Credentials)>),
    Drop(u64),
}

struct Passenger {
    socket: UdpSocket,
    client: Client,
    links: Option<Box<Links>>,
    progress: Arc<Progress>,
}

/// All lanes.
pub(crate) struct Lanes {
    lanes: Vec<Lane>,
    carried: std::sync::atomic::AtomicU64,
}

struct Lane {
    orders: Sender<Order>,
    waker: Waker,
}

/// A carried participant; ends when dropped.
pub(crate) struct Ticket {
    lanes: Arc<Lanes>,
    number: u64,
    /// What it tells.
    pub(crate) progress: Arc<Progress>,
}

impl Progress {
    /// When the first packets of others came.
    pub(crate) fn first(&self) -> First {
        First {
            audio: self.first_audio.get().copied(),
            video: self.first_video.get().copied(),
        }
    }
}

impl Ticket {
    /// Checks anew, under these credentials of ours and of the other side; connecting until a check is answered.
    pub(crate) fn restart(&self, local: Credentials, remote: Credentials) {
        self.progress.stage.send_replace(Stage::Connecting);
        let order = Order::Restart(self.number, Box::new((local, remote)));
        self.lanes.order(self.number, order);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.lanes.order(self.number, Order::Drop(self.number));
    }
}

impl Lanes {
    /// Starts so many threads. They end when this is dropped.
    pub(crate) fn start(threads: usize, tallies: &Arc<Tallies>) -> io::Result<Arc<Self>> {
        let mut lanes = Vec::new();
        for number in 0..threads.max(1) {
            let poll = Poll::new()?;
            let waker = Waker::new(poll.registry(), WAKER)?;
            let (orders, receiver) = channel();
            let road = Road::new(number, poll, receiver, Arc::clone(tallies));
            std::thread::Builder::new()
                .name(format!("lane-{number}"))
                .spawn(move || road.run())?;
            lanes.push(Lane { orders, waker });
        }
        Ok(Arc::new(Self {
            lanes,
            carried: std::sync::atomic::AtomicU64::new(0),
        }))
    }

    /// Carries a participant whose packets leave by `socket`, which is connected, maybe over a bad network.
    pub(crate) fn carry(
        self: &Arc<Self>,
        socket: UdpSocket,
        client: Client,
        impairment: Option<Impairment>,
    ) -> Ticket {
        let number = self
            .carried
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let links = impairment.map(|bad| Box::new(Links::new(bad, number, Instant::now())));
        let progress = Arc::new(Progress {
            stage: watch::Sender::new(Stage::Connecting),
            connected: OnceLock::new(),
            first_audio: OnceLock::new(),
            first_video: OnceLock::new(),
        });
        let passenger = Passenger {
            socket,
            client,
            links,
            progress: Arc::clone(&progress),
        };
        self.order(number, Order::Carry(number, Box::new(passenger)));
        Ticket {
            lanes: Arc::clone(self),
            number,
            progress,
        }
    }

    fn order(&self, number: u64, order: Order) {
        let lane = usize::try_from(number).unwrap_or(0) % self.lanes.len();
        let lane = &self.lanes[lane];
        // A lane that is gone carries nobody, and its participants show it.
        let gone = lane.orders.send(order).is_err() || lane.waker.wake().is_err();
        if gone {
            tracing::error!("a lane is gone");
        }
    }
}

/// One thread's participants.
struct Road {
    lane: usize,
    poll: Poll,
    orders: Receiver<Order>,
    tallies: Arc<Tallies>,
    seats: Vec<Option<Seat>>,
    free: Vec<usize>,
    times: BinaryHeap<Reverse<(Instant, usize)>>,
    out: Vec<BytesMut>,
}

struct Seat {
    number: u64,
    socket: mio::net::UdpSocket,
    state: UdpSocketState,
    client: Client,
    links: Option<Box<Links>>,
    progress: Arc<Progress>,
    /// The earliest that stands in the heap for it.
    queued: Option<Instant>,
}

impl Road {
    fn new(lane: usize, poll: Poll, orders: Receiver<Order>, tallies: Arc<Tallies>) -> Self {
        Self {
            lane,
            poll,
            orders,
            tallies,
            seats: Vec::new(),
            free: Vec::new(),
            times: BinaryHeap::new(),
            out: Vec::new(),
        }
    }

    fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        let mut memory = vec![[0; DATAGRAM]; BATCH_SIZE];
        loop {
            let next = self.times.peek().map(|Reverse((due, _))| *due);
            let nap = next.map_or(NAP, |due| due.saturating_duration_since(Instant::now()));
            match self.poll.poll(&mut events, Some(nap.min(NAP))) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    tracing::error!("a lane cannot wait: {error}");
                    return;
                }
            }
            for event in &events {
                if event.token() != WAKER {
                    self.receive(event.token().0, &mut memory);
                }
            }
            if !self.take_orders() {
                return;
            }
            self.tick();
        }
    }

    /// False once nobody can order any more.
    fn take_orders(&mut self) -> bool {
        loop {
            match self.orders.try_recv() {
                Ok(Order::Carry(number, passenger)) => {
                    let progress = Arc::clone(&passenger.progress);
                    if let Err(error) = self.board(number, *passenger) {
                        progress
                            .stage
                            .send_replace(Stage::Failed(ClientFailed::Broken(error.to_string())));
                    }
                }
                Ok(Order::Restart(number, credentials)) => self.restart(number, *credentials),
                Ok(Order::Drop(number)) => self.leave(number),
                Err(std::sync::mpsc::TryRecvError::Empty) => return true,
                Err(std::sync::mpsc::TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn board(&mut self, number: u64, passenger: Passenger) -> io::Result<()> {
        passenger.socket.set_nonblocking(true)?;
        let state = UdpSocketState::new(UdpSockRef::from(&passenger.socket))?;
        setsockopt(&passenger.socket, sockopt::UdpGroSegment, &false)?;
        // The kernel gives as much as it may.
        let _smaller = state.set_recv_buffer_size((&passenger.socket).into(), RECEIVE_BUFFER);
        let mut socket = mio::net::UdpSocket::from_std(passenger.socket);
        let index = self.free.pop().unwrap_or_else(|| {
            self.seats.push(None);
            self.seats.len() - 1
        });
        self.poll
            .registry()
            .register(&mut socket, Token(index), Interest::READABLE)?;
        let due = Instant::now();
        self.seats[index] = Some(Seat {
            number,
            socket,
            state,
            client: passenger.client,
            links: passenger.links,
            progress: passenger.progress,
            queued: Some(due),
        });
        self.times.push(Reverse((due, index)));
        Ok(())
    }

    fn leave(&mut self, number: u64) {
        let is = |seat: &Option<Seat>| seat.as_ref().is_some_and(|seat| seat.number == number);
        if let Some(index) = self.seats.iter().position(is) {
            self.vacate(index);
        }
    }

    fn restart(&mut self, number: u64, (local, remote): (Credentials, Credentials)) {
        let now = Instant::now();
        let is = |seat: &Option<Seat>| seat.as_ref().is_some_and(|seat| seat.number == number);
        if let Some(index) = self.seats.iter().position(is)
            && let Some(seat) = &mut self.seats[index]
        {
            seat.client.restart(local, remote, now);
            self.after(index, Ok(()), now);
        }
    }

    fn vacate(&mut self, index: usize) {
        if let Some(mut seat) = self.seats[index].take() {
            seat.client.end(&self.tallies);
            if let Err(error) = self.poll.registry().deregister(&mut seat.socket) {
                tracing::warn!("a socket stays in epoll: {error}");
            }
            self.free.push(index);
        }
    }

    fn tick(&mut self) {
        let now = Instant::now();
        while let Some(Reverse((due, index))) = self.times.peek().copied() {
            if due > now {
                return;
            }
            self.times.pop();
            // An entry that an earlier one has replaced is of nobody.
            if let Some(seat) = &mut self.seats[index]
                && seat.queued == Some(due)
            {
                seat.queued = None;
                self.tallies.lane_was_late(self.lane, now - due);
                let ticked = seat.tick(&self.tallies, now, &mut self.out);
                self.after(index, ticked, now);
            }
        }
    }

    fn receive(&mut self, index: usize, memory: &mut [[u8; DATAGRAM]]) {
        let mut metas = [RecvMeta::default(); BATCH_SIZE];
        loop {
            let Some(Some(seat)) = self.seats.get_mut(index) else {
                return;
            };
            let mut buffers: [_; BATCH_SIZE] = {
                let mut rows = memory.iter_mut();
                std::array::from_fn(|_| {
                    let row: &mut [u8] = rows.next().map_or(&mut [], |row| row);
                    IoSliceMut::new(row)
                })
            };
            let socket = UdpSockRef::from(&seat.socket);
            let Ok(count) = seat.state.recv(socket, &mut buffers, &mut metas) else {
                return; // nothing more, or the other side's port is closed: consent will tell
            };
            let now = Instant::now();
            let mut outcome = Ok(());
            for (row, meta) in memory.iter().zip(&metas[..count]) {
                let datagram = &row[..meta.len.min(DATAGRAM)];
                outcome = match &mut seat.links {
                    Some(links) => {
                        links.down.put(datagram, now);
                        Ok(())
                    }
                    None => seat.hear(datagram, &self.tallies, now, &mut self.out),
                };
                if outcome.is_err() {
                    break;
                }
            }
            self.after(index, outcome, now);
            if count < BATCH_SIZE {
                return;
            }
        }
    }

    /// Sends what came out, and sees when it is due next.
    fn after(&mut self, index: usize, outcome: Result<(), ClientFailed>, now: Instant) {
        let Some(seat) = &mut self.seats[index] else {
            return;
        };
        for datagram in self.out.drain(..) {
            match &mut seat.links {
                Some(links) => links.up.put(&datagram, now),
                None => seat.send(&datagram, &self.tallies),
            }
        }
        if let Err(failed) = outcome {
            seat.progress.stage.send_replace(Stage::Failed(failed));
            self.vacate(index);
            return;
        }
        let links = seat.links.as_ref().and_then(|links| links.due());
        let due = links.map_or(seat.client.due(), |due| due.min(seat.client.due()));
        if seat.queued.is_none_or(|queued| due < queued) {
            seat.queued = Some(due);
            self.times.push(Reverse((due, index)));
        }
    }
}

impl Seat {
    fn send(&self, datagram: &[u8], tallies: &Tallies) {
        if self.socket.send(datagram).is_err() {
            tallies.unsent();
        }
    }

    fn hear(
        &mut self,
        datagram: &[u8],
        tallies: &Tallies,
        now: Instant,
        out: &mut Vec<BytesMut>,
    ) -> Result<(), ClientFailed> {
        let brought = self.client.handle(datagram, tallies, now, out)?;
        if brought.connected {
            self.progress.connected.get_or_init(|| now);
            self.progress.stage.send_replace(Stage::Connected);
        }
        match brought.kind {
            Some(Kind::Audio) => _ = self.progress.first_audio.get_or_init(|| now),
            Some(Kind::Video) => _ = self.progress.first_video.get_or_init(|| now),
            None => {}
        }
        Ok(())
    }

    /// Does what is due: on the way in, here, and on the way out.
    fn tick(
        &mut self,
        tallies: &Tallies,
        now: Instant,
        out: &mut Vec<BytesMut>,
    ) -> Result<(), ClientFailed> {
        if let Some(mut links) = self.links.take() {
            let mut heard = Ok(());
            while let Some(datagram) = links.down.take(now) {
                heard = heard.and_then(|()| self.hear(&datagram, tallies, now, out));
            }
            while let Some(datagram) = links.up.take(now) {
                self.send(&datagram, tallies);
            }
            self.links = Some(links);
            heard?;
        }
        self.client.tick(tallies, now, out)
    }
}
