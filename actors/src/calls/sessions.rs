//! Calls begun, mended and given up; sessions of rooms among them.

use actix::prelude::*;
use calls_model::signal::ByeReason;
use calls_model::{CallId, CallInput, LeaveReason, Room, RoomType};
use tracing::{error, info, warn};

use super::{Calls, JoinRefused, JoinRoom, PATIENCE, Seated};
use crate::call::ending::Closing;
use crate::call::life::Life;
use crate::call::{Call, CallsDoor, Enter, Memory, Roster, transcription_stopped};
use crate::clock;
use crate::room::CloseRoom;

type Joining = ResponseActFuture<Calls, Result<Seated, JoinRefused>>;

impl Calls {
    /// Starts the actor of a call.
    pub(super) fn start(&mut self, life: Life, ctx: &mut Context<Self>) -> Addr<Call> {
        let place = self.places.choose(0);
        info!(call.id = %life.id(), place, "call {} begins", life.id());
        let memory = Memory {
            life,
            roster: Roster::default(),
            place,
            room: None,
            recording: None,
            transcription: None,
            language: None,
            tried_to_transcribe: false,
        };
        let address = self.open(memory.clone(), ctx);
        self.registry.add(address.clone(), memory);
        address
    }

    pub(super) fn open(&self, memory: Memory, ctx: &mut Context<Self>) -> Addr<Call> {
        let me = ctx.address();
        let parent = CallsDoor {
            remember: me.downgrade().recipient(),
            ring: me.downgrade().recipient(),
            ended: me.downgrade().recipient(),
        };
        Call::open(memory, self.places.clone(), parent, self.services.clone())
    }

    /// Lets somebody into a room's session, and begins one if there is none.
    pub(super) fn join_room(&mut self, join: JoinRoom, ctx: &mut Context<Self>) -> Joining {
        if self.draining {
            return Box::pin(actix::fut::ready(Err(JoinRefused::Draining)));
        }
        let JoinRoom {
            room,
            user_id,
            display_name,
            role,
            guest,
            hidden,
        } = join;
        let enter = Enter {
            user_id,
            display_name,
            role,
            guest,
            hidden,
        };
        let (call_id, call) = match self.session_of(&room, &enter, ctx) {
            Ok(session) => session,
            Err(refused) => return Box::pin(actix::fut::ready(Err(refused))),
        };
        let again = enter.clone();
        let seated = async move { ask(&call, enter).await };
        Box::pin(
            seated
                .into_actor(self)
                .then(move |seated, calls, ctx| -> Joining {
                    if seated != Err(JoinRefused::Ended) {
                        return Box::pin(actix::fut::ready(seated));
                    }
                    if room.room_type == RoomType::Temporary {
                        return Box::pin(actix::fut::ready(Err(JoinRefused::NoRoom)));
                    }
                    // It ended in the very moment: this one begins the next.
                    calls.registry.end_session(&room.room_id, &call_id);
                    match calls.session_of(&room, &again, ctx) {
                        Ok((_, call)) => {
                            Box::pin(async move { ask(&call, again).await }.into_actor(calls))
                        }
                        Err(refused) => Box::pin(actix::fut::ready(Err(refused))),
                    }
                }),
        )
    }

    fn session_of(
        &mut self,
        room: &Room,
        enter: &Enter,
        ctx: &mut Context<Self>,
    ) -> Result<(CallId, Addr<Call>), JoinRefused> {
        if self.gone.has(&room.room_id) {
            return Err(JoinRefused::NoRoom);
        }
        if let Some(known) = self.registry.session(&room.room_id) {
            return Ok((known.memory.life.id().clone(), known.address.clone()));
        }
        let is_host = enter.role.is_none() && room.host.as_ref() == Some(&enter.user_id);
        let moderates = is_host || enter.role.is_some_and(calls_model::Role::moderates);
        if room.locked && !moderates {
            return Err(JoinRefused::Locked);
        }
        let call_id = CallId::new();
        let now = self.services.clock.now();
        let (life, facts) = Life::session(call_id.clone(), room.clone(), now);
        drop(self.services.scribe.record(facts)); // the join's own fact comes after it, and is awaited
        Ok((call_id, self.start(life, ctx)))
    }

    /// Builds a crashed call anew, unless that happened too often.
    pub(super) fn mend(&mut self, id: &CallId, ctx: &mut Context<Self>) {
        let Some(known) = self.registry.get_mut(id) else {
            return;
        };
        if known.restarts.take(clock::instant()) {
            warn!(call.id = %id, "call {id} crashed and is built anew");
            let memory = known.memory.clone();
            let address = self.open(memory, ctx);
            if let Some(known) = self.registry.get_mut(id) {
                known.address = address;
            }
        } else {
            error!(call.id = %id, "call {id} crashed too often and is given up");
            self.give_up(id);
        }
    }

    /// A temporary room is over when its session is.
    pub(super) fn note_gone(&mut self, life: &Life) {
        if let (true, Some(room)) = (life.is_over(), life.room())
            && room.room_type == RoomType::Temporary
        {
            self.gone.add(&room.room_id, clock::instant());
        }
    }

    fn give_up(&mut self, id: &CallId) {
        let Some(known) = self.registry.remove(id) else {
            return;
        };
        let Memory {
            mut life,
            roster,
            room,
            recording,
            transcription,
            ..
        } = known.memory;
        let now = self.services.clock.now();
        let Ok(mut facts) = life.end_by(CallInput::Fail, now) else {
            return;
        };
        facts.splice(0..0, recording.map(|live| live.ended(now)));
        facts.splice(0..0, transcription.map(|_| transcription_stopped(id, now)));
        life.set_transcription(false);
        self.note_gone(&life);
        life.close_roster(&roster.inside, now);
        let call = life.wire(&[], now);
        let (reason, bye) = (LeaveReason::CallEnded, ByeReason::CallEnded);
        let closing = Closing {
            room,
            roster,
            order: CloseRoom { reason, bye, call },
        };
        let scribe = self.services.scribe.clone();
        actix::spawn(async move {
            let facts = closing.close(now).await.into_iter().chain(facts).collect();
            drop(scribe.record(facts));
        });
    }
}

async fn ask(call: &Addr<Call>, enter: Enter) -> Result<Seated, JoinRefused> {
    call.send(enter)
        .timeout(PATIENCE)
        .await
        .unwrap_or(Err(JoinRefused::Unreachable))
}
