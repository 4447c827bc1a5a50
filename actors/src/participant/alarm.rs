//! A connection's timer. It is moved many times a second, so it is one task that stays, and a move is a number written.

use std::cell::Cell;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{self, Poll, ready};
use std::time::Instant;

use actix::fut::ActorFuture;
use actix::prelude::*;
use tokio::time::Sleep;

use super::Participant;

/// Rings a participant at the time that was set last.
pub(super) struct Alarm {
    due: Rc<Cell<Option<Instant>>>,
    task: SpawnHandle,
}

impl Alarm {
    /// Set to no time yet.
    pub(super) fn new(ctx: &mut Context<Participant>) -> Self {
        let due = Rc::default();
        let waiting = Waiting {
            sleep: Box::pin(tokio::time::sleep_until(tokio::time::Instant::now())),
            due: Rc::clone(&due),
            set_to: None,
        };
        let task = ctx.spawn(waiting);
        Self { due, task }
    }

    /// When it will ring.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due.get()
    }

    /// Rings then and not before; to be called while the participant has its turn, since nothing else looks at it.
    pub(super) fn set(&self, due: Option<Instant>) {
        self.due.set(due);
    }

    /// Takes it away.
    pub(super) fn cancel(self, ctx: &mut Context<Participant>) {
        ctx.cancel_future(self.task);
    }
}

/// Looked at after whatever the participant does, as all that is spawned in its context.
struct Waiting {
    sleep: Pin<Box<Sleep>>,
    due: Rc<Cell<Option<Instant>>>,
    set_to: Option<Instant>,
}

impl ActorFuture<Participant> for Waiting {
    type Output = ();

    fn poll(
        mut self: Pin<&mut Self>,
        participant: &mut Participant,
        ctx: &mut Context<Participant>,
        cx: &mut task::Context<'_>,
    ) -> Poll<()> {
        let Some(due) = self.due.get() else {
            return Poll::Pending;
        };
        if self.set_to != Some(due) {
            self.set_to = Some(due);
            self.sleep
                .as_mut()
                .reset(tokio::time::Instant::from_std(due));
        }
        ready!(self.sleep.as_mut().poll(cx));
        self.due.set(None);
        self.set_to = None;
        participant.ring(ctx);
        // It may be set again, maybe to a time that is past.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
