//! Calls that ring: whom they reach, and who is busy.

use actix::prelude::*;
use calls_model::{Account, CallId, CallKind, UserId};

use super::devices;
use super::{Calls, Initiate, Initiated, PATIENCE, VerbRefused};
use crate::call::life::{Life, Plan};
use crate::call::{Begin, Reached};
use crate::clock;
use crate::participant::ToClient;

impl Calls {
    /// Makes a call and rings. Where everybody is busy, it is over before it began.
    pub(super) fn initiate(
        &mut self,
        initiate: Initiate,
        ctx: &mut Context<Self>,
    ) -> ResponseFuture<Result<Initiated, VerbRefused>> {
        if self.draining {
            return Box::pin(std::future::ready(Err(VerbRefused::Draining)));
        }
        let Initiate {
            org_id,
            call_type,
            kind,
            from,
            display_name,
            mut to,
            timeout,
            record,
            metadata,
        } = initiate;
        to.sort();
        to.dedup();
        to.retain(|user| *user != from);
        if to.is_empty() {
            return Box::pin(std::future::ready(Err(VerbRefused::NotCalled)));
        }
        let by_number = if to.len() == 1 {
            CallKind::OneToOne
        } else {
            CallKind::Group
        };
        let now = self.services.clock.now();
        let account = |user: &UserId| Account {
            org: org_id.clone(),
            user: user.clone(),
        };
        let busy = to
            .iter()
            .filter(|user| self.registry.is_busy(&account(user)))
            .cloned()
            .collect();
        let (mut life, mut facts) = Life::ring(
            Plan {
                call_id: CallId::new(),
                org_id: org_id.clone(),
                call_type,
                kind: kind.unwrap_or(by_number),
                from,
                to,
                busy,
                until: clock::instant() + timeout,
                record,
                metadata,
            },
            now,
        );
        if life.is_over() {
            let call = life.wire(&[], now);
            let written = self.services.scribe.record(facts);
            return Box::pin(async move {
                written.await.map_err(|_| VerbRefused::NotStored)?;
                Ok(Initiated {
                    call,
                    seat: None,
                    participant: None,
                })
            });
        }
        let mut rung = life.rung().into_iter();
        if rung.any(|user| self.devices.reaches(&account(&user))) {
            facts.extend(life.reached(now));
        }
        let call = self.start(life, ctx);
        Box::pin(async move {
            let begun = call
                .send(Begin {
                    display_name,
                    facts,
                })
                .timeout(PATIENCE)
                .await;
            let seated = begun.unwrap_or(Err(VerbRefused::Unreachable))?;
            Ok(Initiated {
                call: seated.call,
                seat: Some(seated.seat),
                participant: Some(seated.participant),
            })
        })
    }

    /// A device came: it rings with all that rings for its user.
    pub(super) fn come_online(&mut self, account: Account, door: Recipient<ToClient>) -> u64 {
        let now = self.services.clock.now();
        for known in self
            .registry
            .all()
            .filter(|known| *known.memory.life.org() == account.org)
            .filter(|known| known.memory.life.rings(&account.user))
        {
            if known.memory.life.is_unanswered() {
                let mut memory = known.memory.clone();
                memory.life.reached(now); // it rings from now on, the call hears of it too
                devices::tell(
                    &door,
                    &devices::incoming(&memory.wire(now).as_members_see_it()),
                );
                known.address.do_send(Reached);
            }
        }
        self.devices.add(account, door)
    }
}
