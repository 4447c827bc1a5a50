//! The TURN port: one UDP socket, one TCP listener and perhaps one for TLS, and a socket for each allocation.
//!
//! * Parent: [`Keeper`](super::keeper::Keeper). Children: none.
//! * Receives nothing but datagrams and connections off the wire. Sends nothing to other actors: to media ports it is a
//!   client like any other.
//! * Ends with its arbiter only.
//! * On crash: the keeper starts a fresh one within the same second. Listening sockets stay, allocations and connections
//!   are gone; clients allocate again.

use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use calls_actors::lifeline::Lifeline;
use calls_actors::metrics::Alive;
use calls_actors::port::udp::Buffers;
use calls_turn::{Client, Deframer, NotTurn, Now, RelayId, Server};

use super::meter::Meter;
use super::nursery::{self, Nursery, Tasks};
use super::open::Sockets;
use super::pool::Relay;
use super::streams::{self, Connections};
use super::wires::Wires;

/// How often time is let pass for allocations, and figures are handed on.
const TICK: Duration = Duration::from_secs(1);

/// How long receiving rests after an error that is not ours to mend.
const ERROR_REST: Duration = Duration::from_millis(10);

/// What all tasks of the actor share.
pub(super) struct Port {
    pub(super) sockets: Rc<Sockets>,
    pub(super) connections: Rc<Connections>,
    pub(super) nursery: Nursery,
    buffers: RefCell<Buffers>,
    state: RefCell<State>,
}

struct State {
    server: Server,
    wires: Wires,
    meter: Meter,
}

impl Port {
    fn new(sockets: Rc<Sockets>, nursery: Nursery) -> Self {
        let settings = &sockets.settings;
        let server = Server::new(
            settings.secret.clone(),
            settings.reach.peers.clone(),
            settings.quotas,
            &rand::random(),
            now(&sockets),
        );
        let connections = Connections::new(settings.connections, settings.quotas.per_address);
        let connections = Rc::new(connections);
        Self {
            state: RefCell::new(State {
                server,
                wires: Wires::new(Rc::clone(&sockets), Rc::clone(&connections)),
                meter: Meter::new(),
            }),
            sockets,
            connections,
            nursery,
            buffers: RefCell::new(Buffers::new()),
        }
    }

    /// A client has an allocation.
    pub(super) fn serves(&self, client: Client) -> bool {
        let now = now(&self.sockets);
        self.state.borrow().server.serves(client, now)
    }

    /// A client's connection ended.
    pub(super) fn gone(&self, client: Client) {
        // A panic elsewhere may have come first; then all of this is going anyway.
        if let Ok(mut state) = self.state.try_borrow_mut() {
            let State { server, wires, .. } = &mut *state;
            server.gone(client, wires);
        }
    }

    fn tick(&self) {
        let State {
            server,
            wires,
            meter,
        } = &mut *self.state.borrow_mut();
        server.tick(now(&self.sockets), wires);
        meter.read(server.stats(), wires.dropped());
    }

    // ── hot path ────────────────────────────────────────────────────────────

    /// Receives what clients sent; true if there may be more.
    fn receive(self: &Rc<Self>) -> io::Result<bool> {
        let now = now(&self.sockets);
        let State { server, wires, .. } = &mut *self.state.borrow_mut();
        let buffers = &mut *self.buffers.borrow_mut();
        let wildcard = self.sockets.wildcard;
        let received = self
            .sockets
            .door
            .receive(buffers, |remote, local, datagram| {
                let local = local.filter(|_| wildcard);
                server.from_client(Client::Udp { remote, local }, datagram, now, wires);
            });
        self.settle(wires);
        Ok(!received?.drained)
    }

    /// Receives what peers sent to a relay; true if there may be more.
    fn receive_at(self: &Rc<Self>, id: RelayId, relay: &Relay) -> io::Result<bool> {
        let now = now(&self.sockets);
        let State { server, wires, .. } = &mut *self.state.borrow_mut();
        let buffers = &mut *self.buffers.borrow_mut();
        let received = relay.door.receive(buffers, |from, _, payload| {
            server.from_peer(id, from, payload, now, wires);
        });
        self.settle(wires);
        Ok(!received?.drained)
    }

    /// Takes what came by a connection; tells how many messages.
    pub(super) fn take_messages(
        self: &Rc<Self>,
        client: Client,
        deframer: &mut Deframer,
    ) -> Result<usize, NotTurn> {
        let now = now(&self.sockets);
        let State { server, wires, .. } = &mut *self.state.borrow_mut();
        let mut messages = 0;
        let outcome = loop {
            match deframer.next_message() {
                Ok(Some(message)) => server.from_client(client, message, now, wires),
                Ok(None) => break Ok(messages),
                Err(error) => break Err(error),
            }
            messages += 1;
        };
        self.settle(wires);
        outcome
    }

    /// Sends what waits, and listens to relays that were opened.
    fn settle(self: &Rc<Self>, wires: &mut Wires) {
        wires.flush();
        for (id, relay) in wires.opened() {
            self.nursery.spawn(listen(Rc::clone(self), id, relay));
        }
    }
}

fn now(sockets: &Sockets) -> Now {
    let unix_seconds = sockets.settings.clock.now().utc().timestamp();
    Now {
        at: Instant::now(),
        unix_seconds: u64::try_from(unix_seconds).unwrap_or(0),
    }
}

/// Serves a relay until it is closed.
async fn listen(port: Rc<Port>, id: RelayId, relay: Rc<Relay>) {
    loop {
        let readable = tokio::select! {
            () = relay.closed.notified() => return,
            readable = relay.door.readable() => readable,
        };
        rest(readable.and_then(|()| port.receive_at(id, &relay))).await;
    }
}

/// Serves clients that have no connection, for ever.
async fn receive(port: Rc<Port>) {
    loop {
        let readable = port.sockets.door.readable().await;
        rest(readable.and_then(|()| port.receive())).await;
    }
}

/// Lets others have a turn where there is more, and time pass where there is trouble.
async fn rest(more: io::Result<bool>) {
    match more {
        Ok(true) => tokio::task::yield_now().await,
        Ok(false) => {}
        Err(error) => {
            tracing::debug!(%error, "TURN cannot receive");
            tokio::time::sleep(ERROR_REST).await;
        }
    }
}

// ── actor ───────────────────────────────────────────────────────────────────

/// The actor that serves TURN.
pub(super) struct TurnPort {
    port: Rc<Port>,
    tasks: Option<Tasks>,
    _lifeline: Lifeline<()>,
    _alive: Alive,
}

impl TurnPort {
    pub(super) fn new(sockets: &Rc<Sockets>, lifeline: Lifeline<()>, alive: Alive) -> Self {
        let (nursery, tasks) = nursery::nursery();
        Self {
            port: Rc::new(Port::new(Rc::clone(sockets), nursery)),
            tasks: Some(tasks),
            _lifeline: lifeline,
            _alive: alive,
        }
    }
}

impl Actor for TurnPort {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        let port = &self.port;
        let nursery = &port.nursery;
        nursery.spawn(receive(Rc::clone(port)));
        nursery.spawn(streams::accept(Rc::clone(port), |port| {
            Some((&port.sockets.tcp, None))
        }));
        nursery.spawn(streams::accept(Rc::clone(port), |port| {
            let (listener, acceptor) = port.sockets.tls.as_ref()?;
            Some((listener, Some(acceptor)))
        }));
        if let Some(tasks) = self.tasks.take() {
            ctx.spawn(tasks.run().into_actor(self));
        }
        ctx.run_interval(TICK, |turn, _| turn.port.tick());
    }
}

#[cfg(any(test, feature = "testing"))]
impl Handler<super::keeper::CrashTurn> for TurnPort {
    type Result = ();

    fn handle(&mut self, _: super::keeper::CrashTurn, _: &mut Self::Context) {
        panic!("a test wanted TURN to crash");
    }
}
