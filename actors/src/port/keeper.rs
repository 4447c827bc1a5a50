//! Who watches one media port, on the port's own arbiter.
//!
//! * Parent: the arbiter. Children: [`MediaPort`].
//! * Receives [`Run`]: work for this arbiter, with the port at hand; and [`Beat`], for the whole arbiter.
//! * On crash of the port: starts a fresh one on the same sockets, three a minute at once, more often only slowly.
//! * Ends with its arbiter only.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix::prelude::*;

use super::{MediaPort, PortCounters, PortHandle};
use crate::heartbeat::Beat;
use crate::lifeline::{ChildEnded, Lifeline};
use crate::metrics::{ActorKind, LiveCount};
use crate::restarts::RestartBudget;

/// How often the load is measured.
const TICK: Duration = Duration::from_secs(1);

/// How long a port that crashes again and again rests.
const REST: Duration = Duration::from_secs(5);

/// What a participant weighs before it sends anything, in datagrams a second.
const PEER_WEIGHT: u64 = 50;

/// What a room weighs that was just placed and has nobody in it yet.
const PLEDGE: u64 = 200;

/// How busy a port is, readable from every thread.
#[derive(Default)]
pub(crate) struct Load {
    /// Datagrams a second, in and out.
    rate: AtomicU64,
    /// Weight of rooms placed lately; halves with every tick.
    pledged: AtomicU64,
}

impl Load {
    /// In datagrams a second, with what is to be expected.
    pub(crate) fn weight(&self, counters: &PortCounters) -> u64 {
        self.rate.load(Ordering::Relaxed)
            + self.pledged.load(Ordering::Relaxed)
            + counters.stats().peers * PEER_WEIGHT
    }

    /// A room was placed here.
    pub(crate) fn pledge(&self) {
        self.pledged.fetch_add(PLEDGE, Ordering::Relaxed);
    }

    fn tick(&self, rate: u64) {
        self.rate.store(rate, Ordering::Relaxed);
        let _ = self
            .pledged
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |pledged| {
                Some(pledged / 2)
            });
    }
}

// ── messages ────────────────────────────────────────────────────────────────

/// Work to be done on the port's arbiter.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Run(pub(crate) Box<dyn FnOnce(&PortHandle) + Send>);

// ── actor ───────────────────────────────────────────────────────────────────

/// Keeps one port served.
pub(crate) struct Keeper {
    index: usize,
    handle: PortHandle,
    live: LiveCount,
    load: Arc<Load>,
    datagrams: u64,
    budget: RestartBudget,
    port: Option<Addr<MediaPort>>,
}

impl Keeper {
    /// Not yet serving.
    pub(crate) fn new(index: usize, handle: PortHandle, live: LiveCount, load: Arc<Load>) -> Self {
        let budget = RestartBudget::three_a_minute();
        Self {
            index,
            handle,
            live,
            load,
            datagrams: 0,
            budget,
            port: None,
        }
    }

    fn serve(&mut self, ctx: &mut Context<Self>) {
        let lifeline = Lifeline::new(self.index, &ctx.address().recipient());
        let alive = self.live.enter(ActorKind::MediaPort);
        self.port = Some(MediaPort::new(&self.handle, lifeline, alive).start());
    }

    fn measure(&mut self) {
        let stats = self.handle.port.counters.stats();
        let datagrams = stats.received + stats.sent;
        self.load
            .tick((datagrams - self.datagrams) / TICK.as_secs());
        self.datagrams = datagrams;
    }
}

impl Actor for Keeper {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.serve(ctx);
        ctx.run_interval(TICK, |keeper, _| keeper.measure());
    }
}

impl Handler<Run> for Keeper {
    type Result = ();

    fn handle(&mut self, Run(work): Run, _: &mut Self::Context) {
        let handle = self.handle.clone();
        // A task of its own, so that a panic in it is not the keeper's.
        actix::spawn(async move { work(&handle) });
    }
}

impl Handler<Beat> for Keeper {
    type Result = ();

    fn handle(&mut self, _: Beat, _: &mut Self::Context) {}
}

impl Handler<ChildEnded<usize>> for Keeper {
    type Result = ();

    fn handle(&mut self, ended: ChildEnded<usize>, ctx: &mut Self::Context) {
        let rest = if self.budget.take(Instant::now()) {
            Duration::ZERO
        } else {
            REST
        };
        tracing::error!(port.index = ended.id, ending = ?ended.ending, "media port ended, a fresh one starts in {rest:?}");
        self.handle.port.counters.restarted();
        if rest.is_zero() {
            self.serve(ctx);
        } else {
            ctx.run_later(rest, Self::serve);
        }
    }
}

#[cfg(any(test, feature = "testing"))]
impl Handler<super::CrashPort> for Keeper {
    type Result = ();

    fn handle(&mut self, crash: super::CrashPort, _: &mut Self::Context) {
        if let Some(port) = &self.port {
            port.do_send(crash);
        }
    }
}
