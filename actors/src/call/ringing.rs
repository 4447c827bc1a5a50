//! A call that rings: whom it reaches, and who answers, says no or gives up.

use actix::prelude::*;
use calls_model::{Call as WireCall, CallStatus, DisplayName, EndReason, Fact, Role, UserId};

use super::{Call, newcomer};
use crate::calls::{Answer, Cancel, JoinRefused, Reject, RingDevices, Seated, VerbRefused};

/// Begin to ring, and give the caller a seat.
#[derive(Debug, Message)]
#[rtype(result = "Result<Seated, VerbRefused>")]
pub struct Begin {
    /// What the caller's tile shows.
    pub display_name: Option<DisplayName>,
    /// The facts of the beginning.
    pub facts: Vec<Fact>,
}

/// A device of a callee was reached.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Reached;

impl Call {
    /// Tells these users' devices how the call stands: it rings, or it does not any more.
    pub(super) fn ring(&self, users: Vec<UserId>) {
        if let Some(parent) = self.parent.ring.upgrade()
            && !users.is_empty()
        {
            parent.do_send(RingDevices {
                users,
                call: self.wire(),
            });
        }
    }

    /// Tells these users' devices that it rings no more for them, however it goes on for others.
    pub(super) fn hush(&self, users: Vec<UserId>) {
        if let Some(parent) = self.parent.ring.upgrade() {
            let mut call = self.wire();
            if self.life.is_unanswered() {
                call.status = CallStatus::Ended;
                call.end_reason = Some(EndReason::Rejected);
            }
            parent.do_send(RingDevices { users, call });
        }
    }
}

impl Handler<Begin> for Call {
    type Result = ResponseActFuture<Self, Result<Seated, VerbRefused>>;

    fn handle(
        &mut self,
        Begin {
            display_name,
            facts,
        }: Begin,
        _: &mut Self::Context,
    ) -> Self::Result {
        let written = self.record(facts);
        self.remember();
        self.ring(self.life.rung());
        let caller = self.life.caller().cloned();
        let newcomer = caller.map(|user| newcomer(user, display_name, Some(Role::Host)));
        let seat = newcomer.map(|newcomer| self.seat(newcomer));
        let seated = async move {
            written.await.map_err(|_| VerbRefused::NotStored)?;
            seat.ok_or(VerbRefused::Unreachable)?
                .await
                .map_err(verb_refused)
        };
        Box::pin(
            seated
                .into_actor(self)
                .map(|seated, call, ctx| match seated {
                    Ok(seat) => Ok(call.seated(seat)),
                    Err(refused) => {
                        call.fail_to_begin(refused == VerbRefused::NotStored, ctx);
                        Err(refused)
                    }
                }),
        )
    }
}

impl Handler<Answer> for Call {
    type Result = ResponseActFuture<Self, Result<Seated, VerbRefused>>;

    fn handle(&mut self, answer: Answer, _: &mut Self::Context) -> Self::Result {
        let now = self.services.clock.now();
        let answered = self
            .life
            .answer(answer.user_id.as_ref(), &self.roster.inside, now);
        let (user, facts) = match answered {
            Ok(answered) => answered,
            Err(refused) => return Box::pin(actix::fut::ready(Err(refused))),
        };
        let written = self.record(facts);
        self.tell_change();
        self.hush(vec![user.clone()]); // their other devices fall silent
        let role = Some(Role::Participant);
        let seat = self.seat(newcomer(user.clone(), answer.display_name, role));
        let seated = async move {
            written.await.map_err(|_| VerbRefused::NotStored)?;
            seat.await.map_err(verb_refused)
        };
        Box::pin(seated.into_actor(self).map(move |seated, call, _| {
            call.life.seated(&user);
            call.remember();
            seated.map(|seat| call.seated(seat))
        }))
    }
}

impl Handler<Reject> for Call {
    type Result = ResponseFuture<Result<WireCall, VerbRefused>>;

    fn handle(&mut self, reject: Reject, ctx: &mut Self::Context) -> Self::Result {
        let now = self.services.clock.now();
        let rejected = self.life.reject(reject.user_id.as_ref(), now);
        self.after_verb(rejected.map(|(user, facts)| (vec![user], facts)), ctx)
    }
}

impl Handler<Cancel> for Call {
    type Result = ResponseFuture<Result<WireCall, VerbRefused>>;

    fn handle(&mut self, cancel: Cancel, ctx: &mut Self::Context) -> Self::Result {
        let rung = self.life.rung();
        let canceled = self
            .life
            .cancel(cancel.user_id.as_ref(), self.services.clock.now());
        self.after_verb(canceled.map(|facts| (rung, facts)), ctx)
    }
}

impl Handler<Reached> for Call {
    type Result = ();

    fn handle(&mut self, _: Reached, _: &mut Self::Context) {
        let facts = self.life.reached(self.services.clock.now());
        if !facts.is_empty() {
            drop(self.record(facts));
            self.tell_change();
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn verb_refused(refused: JoinRefused) -> VerbRefused {
    match refused {
        JoinRefused::NotStored => VerbRefused::NotStored,
        JoinRefused::Draining => VerbRefused::Draining,
        JoinRefused::Removed => VerbRefused::NotCalled,
        JoinRefused::Full { .. }
        | JoinRefused::Locked
        | JoinRefused::NoRoom
        | JoinRefused::Ended
        | JoinRefused::Unreachable => VerbRefused::Unreachable,
    }
}
