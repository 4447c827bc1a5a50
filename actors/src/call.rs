//! One call: who rings, who answered, and the room in which they meet.
//!
//! * Parent: [`Calls`](crate::calls::Calls). Children: one [`Room`].
//! * Receives the verbs of REST from its parent, the roster from its room. Sends its parent what to ring and what to
//!   remember, its room what changed, the journal every fact.
//! * Ends when its life is over and that is written down.
//! * On crash: its parent builds it anew from what it remembered; the room and everybody in it live on.
//! * A crash of the room: a fresh one is opened on the same arbiter, three times a minute; members find back. After
//!   the fourth the call ends `failed`.

pub mod callees;
mod company;
pub(crate) mod ending;
pub mod life;
mod memory;
mod recording;
mod ringing;
mod room_keeping;
mod transcription;

use std::sync::Arc;

use actix::prelude::*;
use calls_model::signal::ByeReason;
use calls_model::{
    Call as WireCall, CallId, CallInput, DisplayName, Fact, Language, LeaveReason, ParticipantId,
    Role, UserId,
};
use tokio::sync::watch;
use tracing::warn;

use self::life::{Company, Life};
pub use self::memory::{CallsDoor, Memory, Roster};
pub use self::recording::{LiveRecording, RecorderGaveUp};
pub use self::ringing::{Begin, Reached};
pub(crate) use self::transcription::transcription_stopped;
pub use self::transcription::{LiveTranscription, TranscriberGaveUp};
use crate::calls::{
    End, FindParticipant, Found, JoinRefused, ModerateRefused, Moderated, Remember, Seated,
    VerbRefused,
};
use crate::clock;
use crate::journal::JournalError;
use crate::lifeline::{ChildEnded, Ending, Lifeline};
use crate::metrics::{ActorKind, Alive};
use crate::restarts::RestartBudget;
use crate::room::membership::Newcomer;
use crate::room::places::Places;
use crate::room::{CallChanged, LeaveCall, ModerateRoom, Room, RoomRulesChanged, RoomSeat};
use crate::services::Services;

/// Messages a call may have waiting: human rate, so `do_send` never feels it.
const MAILBOX: usize = 256;

// ── messages: from `Calls` (the verbs themselves are defined there) ─────────

/// Come in, as in a room.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Seated, JoinRefused>")]
pub struct Enter {
    /// Who.
    pub user_id: UserId,
    /// What their tile shows.
    pub display_name: Option<DisplayName>,
    /// A role that the application gives.
    pub role: Option<Role>,
    /// Made for one offer of WHIP or WHEP.
    pub guest: bool,
    /// Nobody else is to learn of them.
    pub hidden: bool,
}

/// End now, for a reason from outside. Answered when it is written down.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Shut {
    /// Why, in the history.
    pub reason: LeaveReason,
    /// Why, to the clients.
    pub bye: ByeReason,
}

// ── messages: from the room ─────────────────────────────────────────────────

/// The room is open.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct RoomOpened(pub Addr<Room>);

/// Is the room open, and has everybody inside their place in it? Asked after a restart of the server.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "bool")]
pub struct IsBack;

/// Who is here now.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct RosterChanged(pub Roster);

// ── actor ───────────────────────────────────────────────────────────────────

/// The actor behind one call.
pub struct Call {
    life: Life,
    roster: Roster,
    place: usize,
    recording: Option<LiveRecording>,
    transcription: Option<LiveTranscription>,
    /// The one before is not over yet.
    transcription_stops: bool,
    /// What was understood before a restart of the server.
    language: Option<Language>,
    /// A room that transcribes by itself does so once.
    tried_to_transcribe: bool,
    /// Everybody who needs the room waits here until it is open.
    room: watch::Sender<Option<Addr<Room>>>,
    restarts: RestartBudget,
    /// Goes with it.
    gone: watch::Sender<()>,
    /// Joins on their way; the room is not empty for good while there are any.
    joining: usize,
    company_timer: Option<SpawnHandle>,
    places: Arc<dyn Places>,
    parent: CallsDoor,
    services: Services,
    _lifeline: Option<Lifeline<CallId>>,
    _alive: Alive,
}

impl Call {
    /// Starts one from what is known of it: a new call, or one that crashed.
    pub fn open(
        memory: Memory,
        places: Arc<dyn Places>,
        parent: CallsDoor,
        services: Services,
    ) -> Addr<Self> {
        let Memory {
            life,
            roster,
            place,
            room,
            recording,
            transcription,
            language,
            tried_to_transcribe,
        } = memory;
        let ended = parent.ended.upgrade();
        Self {
            _lifeline: ended.map(|ended| Lifeline::new(life.id().clone(), &ended)),
            life,
            roster,
            place,
            recording: recording.filter(LiveRecording::is_active),
            transcription,
            transcription_stops: false,
            language,
            tried_to_transcribe,
            room: watch::Sender::new(room),
            restarts: RestartBudget::three_a_minute(),
            gone: watch::Sender::default(),
            joining: 0,
            company_timer: None,
            places,
            parent,
            _alive: services.living.enter(ActorKind::Call),
            services,
        }
        .start()
    }

    /// As the wire shows it now.
    fn wire(&self) -> WireCall {
        self.life
            .wire(&self.roster.inside, self.services.clock.now())
            .as_members_see_it()
    }

    /// Lets the parent keep what a crash must not take.
    fn remember(&self) {
        if let Some(parent) = self.parent.remember.upgrade() {
            let memory = Memory {
                life: self.life.clone(),
                roster: Roster {
                    left: Vec::new(),
                    ..self.roster.clone()
                },
                place: self.place,
                room: self.room.borrow().clone(),
                recording: self.recording.clone(),
                transcription: self.transcription.clone(),
                language: self.language.clone(),
                tried_to_transcribe: self.tried_to_transcribe,
            };
            parent.do_send(Remember(Box::new(memory)));
        }
    }

    /// After every change: parent and members hear of it.
    fn tell_change(&self) {
        self.remember();
        if let Some(room) = &*self.room.borrow() {
            room.do_send(CallChanged(self.wire()));
        }
    }

    /// Somebody inside who may moderate; the application itself always may.
    pub(crate) fn moderates(&self, by: Option<&ParticipantId>) -> bool {
        let mut inside = self.roster.inside.iter();
        by.is_none_or(|by| {
            inside.any(|one| one.participant_id.as_ref() == Some(by) && one.role.moderates())
        })
    }

    fn record(
        &self,
        facts: Vec<Fact>,
    ) -> impl Future<Output = Result<(), JournalError>> + Send + 'static + use<> {
        self.services.scribe.record(facts)
    }
}

impl Actor for Call {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        if self.life.is_over() {
            ctx.stop(); // it crashed on its way out
            return;
        }
        self.move_in(ctx);
        if let Some(until) = self.life.rings_until() {
            let patience = until.saturating_duration_since(clock::instant());
            ctx.run_later(patience, Self::expire);
        }
        self.company(Company::Awaited(self.life.linger()), ctx);
    }
}

// ── handlers: the verbs ─────────────────────────────────────────────────────

impl Handler<Enter> for Call {
    type Result = ResponseActFuture<Self, Result<Seated, JoinRefused>>;

    fn handle(&mut self, enter: Enter, _: &mut Self::Context) -> Self::Result {
        if self.life.is_over() {
            return Box::pin(actix::fut::ready(Err(JoinRefused::Ended)));
        }
        self.joining += 1;
        let seat = self.seat(Newcomer {
            guest: enter.guest,
            hidden: enter.hidden,
            ..newcomer(enter.user_id, enter.display_name, enter.role)
        });
        Box::pin(seat.into_actor(self).map(|seat, call, _| {
            call.joining -= 1;
            seat.map(|seat| call.seated(seat))
        }))
    }
}

impl Handler<End> for Call {
    type Result = ResponseFuture<Result<WireCall, VerbRefused>>;

    fn handle(&mut self, end: End, ctx: &mut Self::Context) -> Self::Result {
        let rung = self.life.rung();
        let now = self.services.clock.now();
        let ended = self.life.end(end.by.as_ref(), &self.roster.inside, now);
        self.after_verb(ended.map(|facts| (rung, facts)), ctx)
    }
}

impl Handler<Shut> for Call {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, Shut { reason, bye }: Shut, ctx: &mut Self::Context) -> Self::Result {
        let rung = self.life.rung();
        let mut gone = self.gone.subscribe();
        let ends = self.life.is_over(); // what it still has to write is waited for
        let input = match reason {
            LeaveReason::ServerShutdown if !self.life.is_deserted() => CallInput::Fail,
            _ => CallInput::HangUp,
        };
        let ended = self.life.end_by(input, self.services.clock.now());
        let facts = ended.unwrap_or_default();
        let ending = (!facts.is_empty()).then(|| self.finish(rung, facts, reason, bye, ctx));
        let flushed = self.services.scribe.flushed();
        Box::pin(async move {
            if let Some(written) = ending {
                let _ = written.await; // the scribe told
            } else if ends {
                let _ = gone.changed().await; // nothing changes, but its end
            }
            let _ = flushed.await;
        })
    }
}

impl Handler<LeaveCall> for Call {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, leave: LeaveCall, _: &mut Self::Context) -> Self::Result {
        let room = self.room.borrow().clone();
        Box::pin(async move {
            if let Some(room) = room {
                let _ = room.send(leave).timeout(room_keeping::JOIN_WITHIN).await; // a room that crashes meanwhile: they find back, and leave by their socket
            }
        })
    }
}

impl Handler<ModerateRoom> for Call {
    type Result = ResponseFuture<Result<Moderated, ModerateRefused>>;

    fn handle(&mut self, asked: ModerateRoom, _: &mut Self::Context) -> Self::Result {
        if self.life.is_over() {
            return Box::pin(std::future::ready(Err(ModerateRefused::NoCall))); // its room is closing
        }
        let room = self.room.borrow().clone();
        Box::pin(async move {
            let room = room.ok_or(ModerateRefused::Unreachable)?;
            let asked = room.send(asked).timeout(room_keeping::JOIN_WITHIN).await;
            asked.unwrap_or(Err(ModerateRefused::Unreachable))
        })
    }
}

impl Handler<FindParticipant> for Call {
    type Result = ResponseActFuture<Self, Option<Found>>;

    fn handle(&mut self, find: FindParticipant, _: &mut Self::Context) -> Self::Result {
        let participant_id = find.participant_id;
        let participant = self.roster.participants.get(&participant_id);
        if let Some(participant) = participant.filter(|participant| participant.connected()) {
            let participant = participant.clone();
            return Box::pin(actix::fut::ready(Some(Found {
                participant_id,
                participant,
            })));
        }
        // The actor crashed: its client gets another seat with the token it has.
        let Some(member) = self.life.take_crashed(&participant_id) else {
            return Box::pin(actix::fut::ready(None));
        };
        let role = life::role_again(&member);
        let seat = self.seat(Newcomer {
            hidden: member.hidden,
            ..newcomer(member.user_id, member.display_name, role)
        });
        Box::pin(seat.into_actor(self).map(|seat, call, _| {
            let RoomSeat { seat, participant } = seat.ok()?;
            let participant_id = seat.participant_id;
            call.roster
                .participants
                .insert(participant_id.clone(), participant.clone());
            Some(Found {
                participant_id,
                participant,
            })
        }))
    }
}

impl Handler<RoomRulesChanged> for Call {
    type Result = ();

    fn handle(&mut self, changed: RoomRulesChanged, _: &mut Self::Context) {
        self.life.set_room(changed.0.clone());
        self.remember();
        if let Some(room) = &*self.room.borrow() {
            room.do_send(changed);
        }
    }
}

// ── handlers: the room ──────────────────────────────────────────────────────

impl Handler<RosterChanged> for Call {
    type Result = ();

    fn handle(&mut self, RosterChanged(mut roster): RosterChanged, ctx: &mut Self::Context) {
        let left = std::mem::take(&mut roster.left);
        self.roster = roster;
        let now = self.services.clock.now();
        let waiting = self.roster.waiting.len();
        let company = self
            .life
            .after_leaving(&self.roster.inside, waiting, &left, now);
        self.remember();
        self.transcribe_by_itself(ctx);
        self.record_as_wished(ctx);
        if !left.is_empty() || self.life.room().is_some() || self.has_company() {
            self.company(company, ctx);
        }
    }
}

impl Handler<IsBack> for Call {
    type Result = bool;

    fn handle(&mut self, _: IsBack, _: &mut Self::Context) -> bool {
        let Roster {
            inside,
            participants,
            ..
        } = &self.roster;
        let ids = inside.iter().filter_map(|one| one.participant_id.as_ref());
        let all_there = ids.into_iter().all(|id| participants.contains_key(id));
        all_there && self.room.borrow().is_some()
    }
}

impl Handler<RoomOpened> for Call {
    type Result = ();

    fn handle(&mut self, RoomOpened(room): RoomOpened, _: &mut Self::Context) {
        self.opened(room);
    }
}

impl Handler<ChildEnded<CallId>> for Call {
    type Result = ();

    fn handle(&mut self, child: ChildEnded<CallId>, ctx: &mut Self::Context) {
        if !self.life.is_over() && child.ending == Ending::Crashed {
            warn!(call.id = %child.id, "the room of call {} crashed", child.id);
            self.reopen(ctx);
        }
    }
}

fn newcomer(user_id: UserId, display_name: Option<DisplayName>, role: Option<Role>) -> Newcomer {
    Newcomer {
        participant_id: ParticipantId::new(),
        user_id,
        display_name,
        role,
        guest: false,
        hidden: false,
    }
}
