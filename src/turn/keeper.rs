//! Who watches TURN, on its own arbiter.
//!
//! * Parent: the arbiter. Children: [`TurnPort`].
//! * On crash of the port: starts a fresh one on the same sockets, three a minute at once, more often only slowly.
//! * Ends with its arbiter only.

use std::rc::Rc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use calls_actors::lifeline::{ChildEnded, Lifeline};
use calls_actors::metrics::{ActorKind, LiveCount};
use calls_actors::restarts::RestartBudget;

use super::open::Sockets;
use super::port::TurnPort;

/// How long a port that crashes again and again rests.
const REST: Duration = Duration::from_secs(5);

/// Keeps TURN served.
pub(super) struct Keeper {
    sockets: Rc<Sockets>,
    live: LiveCount,
    budget: RestartBudget,
    port: Option<Addr<TurnPort>>,
}

impl Keeper {
    /// Not yet serving.
    pub(super) fn new(sockets: Rc<Sockets>, live: LiveCount) -> Self {
        Self {
            sockets,
            live,
            budget: RestartBudget::three_a_minute(),
            port: None,
        }
    }

    fn serve(&mut self, ctx: &mut Context<Self>) {
        let lifeline = Lifeline::new((), &ctx.address().recipient());
        let alive = self.live.enter(ActorKind::TurnPort);
        self.port = Some(TurnPort::new(&self.sockets, lifeline, alive).start());
    }
}

impl Actor for Keeper {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.serve(ctx);
    }
}

impl Handler<ChildEnded<()>> for Keeper {
    type Result = ();

    fn handle(&mut self, ended: ChildEnded<()>, ctx: &mut Self::Context) {
        let rest = if self.budget.take(Instant::now()) {
            Duration::ZERO
        } else {
            REST
        };
        tracing::error!(ending = ?ended.ending, "TURN ended, a fresh one starts in {rest:?}");
        if rest.is_zero() {
            self.serve(ctx);
        } else {
            ctx.run_later(rest, Self::serve);
        }
    }
}

/// Makes the actor panic.
#[cfg(any(test, feature = "testing"))]
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(super) struct CrashTurn;

#[cfg(any(test, feature = "testing"))]
impl Handler<CrashTurn> for Keeper {
    type Result = ();

    fn handle(&mut self, crash: CrashTurn, _: &mut Self::Context) {
        if let Some(port) = &self.port {
            port.do_send(crash);
        }
    }
}
