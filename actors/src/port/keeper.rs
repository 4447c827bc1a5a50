//! Who watches one media port, on the port's own arbiter.
//!
//! * Parent: the arbiter. Children: [`MediaPort`].
//! * Receives [`Run`]: work for this arbiter, with the port at hand; and [`Beat`], for the whole arbiter.
//! * On crash of the port: starts a fresh one on the same sockets, three a minute at once, more often only slowly.
//! * Ends with its arbiter only.

use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;

use super::{MediaPort, PortHandle};
use crate::heartbeat::Beat;
use crate::lifeline::{ChildEnded, Lifeline};
use crate::metrics::{ActorKind, LiveCount};
use crate::ports::load::{Load, Meter, TICK};
use crate::restarts::RestartBudget;

/// How long a port that crashes again and again rests.
const REST: Duration = Duration::from_secs(5);

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
    meter: Meter,
    /// When the ports were opened.
    start: Instant,
    budget: RestartBudget,
    port: Option<Addr<MediaPort>>,
}

impl Keeper {
    /// Not yet serving.
    pub(crate) fn new(
        index: usize,
        handle: PortHandle,
        live: LiveCount,
        load: Arc<Load>,
        start: Instant,
    ) -> Self {
        let budget = RestartBudget::three_a_minute();
        Self {
            index,
            handle,
            live,
            load,
            meter: Meter::start(),
            start,
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
        self.load.tick(self.meter.read(), self.start.elapsed());
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
