//! How long a call waits: for an answer, and for somebody to come back.

use actix::prelude::*;
use calls_model::CallInput;

use super::life::Company;
use super::{Call, Roster};

impl Call {
    /// Nobody answered in time.
    pub(super) fn expire(&mut self, ctx: &mut Context<Self>) {
        if self.life.is_unanswered() {
            self.finish_by(CallInput::Expire, ctx);
        } else {
            self.ring(self.life.rung()); // it goes on without them
        }
    }

    /// Acts on how many are left.
    pub(super) fn company(&mut self, company: Company, ctx: &mut Context<Self>) {
        if let Some(timer) = self.company_timer.take() {
            ctx.cancel_future(timer);
        }
        match company {
            Company::Kept => {}
            Company::Awaited(patience) => {
                self.company_timer = Some(ctx.run_later(patience, Self::company_came));
            }
            Company::CallerGone => self.finish_by(CallInput::Cancel, ctx),
            Company::Gone => self.finish_by(CallInput::HangUp, ctx),
        }
    }

    /// Enough are here, or wait at the door.
    pub(super) fn has_company(&self) -> bool {
        let Roster {
            inside, waiting, ..
        } = &self.roster;
        self.life.has_company(inside, waiting.len())
    }

    fn company_came(&mut self, ctx: &mut Context<Self>) {
        self.company_timer = None;
        if self.joining > 0 {
            self.company(Company::Awaited(self.life.linger()), ctx);
        } else if !self.has_company() {
            self.finish_by(CallInput::HangUp, ctx);
        }
    }
}
