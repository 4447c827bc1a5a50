//! A room: who is here, who hears whom, and who says what.
//!
//! * Parent: [`Call`](crate::call::Call). Children: one [`Participant`] for each presence, a
//!   [`Branch`](branch::Branch) for each other arbiter on which some of them live, an
//!   [`Announcer`](crate::announcer::Announcer) while something is announced, a
//!   [`Recorder`](crate::recorder::Recorder) while it is recorded, a [`Transcriber`]
//!   while it is transcribed.
//! * Receives [`JoinCall`], [`ModerateRoom`] and news of the call from its parent; [`Deed`], [`Watch`] and [`Packets`]
//!   from members. Sends them events, the stage, and each other's packets.
//! * Ends when its call closes it.
//! * On crash: the call opens a fresh one on the same arbiter; participants live on, find back by [`Rejoin`] and
//!   announce what they publish. The chat history is lost.

mod announce;
pub mod announcing;
mod arrivals;
pub mod branch;
mod branches;
pub mod chat;
#[cfg(feature = "testing")]
mod crashing;
mod deeds;
pub mod door;
pub mod keyframes;
pub mod membership;
mod moderate;
pub mod moderation;
mod permissions;
pub mod places;
pub mod recording;
pub mod routes;
pub mod sharing;
pub mod silent;
pub mod speaking;
pub mod stage;
pub mod transcribing;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix::WeakAddr;
use actix::prelude::*;
use calls_media::cache;
use calls_media::seam::{Burst, Layer, LayerSet, SourceClock, TrackId};
use calls_model::signal::{ByeReason, Chat, Data, Event, Moderation, Quality, RecordingEvent};
use calls_model::{Call, CallId, LeaveReason, Member, ParticipantId, UserId};
use tracing::warn;

use self::branches::{Branches, Listener};
use self::chat::ChatLog;
use self::door::{CallDoor, MemberDoor};
use self::keyframes::Keyframes;
use self::membership::{Membership, Newcomer, Rules};
use self::places::Seats;
use self::routes::Routes;
use self::speaking::Speaking;
use self::stage::{Announced, Publishers, Stage};
use self::transcribing::LastWords;
use crate::alarm::{Alarm, Due};
use crate::call::{RoomOpened, Roster};
use crate::calls::{JoinRefused, ModerateRefused, Moderated, Seat};
use crate::lifeline::{ChildEnded, Ending, Lifeline};
use crate::metrics::{ActorKind, Alive, BURSTS_DROPPED, PARTICIPANTS_LEFT};
use crate::participant::Participant;
use crate::services::Services;
use crate::transcriber::Transcriber;

/// Messages a room may have waiting before publishers feel it: a burst each, a few hundred publishers.
const MAILBOX: usize = 4096;

/// How often levels are compared and speakers told.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// How long those who were inside before a crash have to find back.
pub const REJOIN_WITHIN: Duration = Duration::from_secs(5);

/// Most members to whom everybody's connection quality is told; in larger rooms everybody hears only of their own.
const QUALITY_AUDIENCE: usize = 32;

// ── messages: from the call ─────────────────────────────────────────────────

/// Come in. Answered when it is written down.
#[derive(Debug, Message)]
#[rtype(result = "Result<RoomSeat, JoinRefused>")]
pub struct JoinCall(pub Newcomer);

/// A seat, and the actor that sits on it.
#[derive(Debug, Clone)]
pub struct RoomSeat {
    /// The seat.
    pub seat: Seat,
    /// Who serves it.
    pub participant: Addr<Participant>,
}

/// A user leaves by another way than their own socket. Answered when it is written down.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct LeaveCall(pub UserId);

/// Moderate. Answered when it is written down.
#[derive(Debug, Message)]
#[rtype(result = "Result<Moderated, ModerateRefused>")]
pub struct ModerateRoom {
    /// Who; the application itself where it is left out.
    pub by: Option<ParticipantId>,
    /// What.
    pub action: Moderation,
}

/// The call changed.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct CallChanged(pub Call);

/// The room's rules or name changed.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct RoomRulesChanged(pub calls_model::Room);

/// Put everybody out and end. Answered when the facts of it are handed over; the answer itself tells when what was said
/// last is, too.
#[derive(Debug, Clone, Message)]
#[rtype(result = "LastWords")]
pub struct CloseRoom {
    /// Why, in the history.
    pub reason: LeaveReason,
    /// Why, to the clients.
    pub bye: ByeReason,
    /// The call as it ended.
    pub call: Call,
}

/// The call was built anew after a crash: this is its door.
#[derive(Clone, Message)]
#[rtype(result = "()")]
pub struct Adopt(pub CallDoor);

// ── messages: from members ──────────────────────────────────────────────────

/// A member that outlived a crash of the room is back.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Rejoin {
    /// Who.
    pub who: ParticipantId,
    /// The actor that serves them; none where a probe stands.
    pub participant: Option<Addr<Participant>>,
    /// Where to reach them.
    pub door: MemberDoor,
    /// A socket or a connection is there.
    pub attached: bool,
    /// What they publish.
    pub tracks: Vec<Announced>,
    /// What they watch.
    pub watching: Vec<(TrackId, LayerSet)>,
}

/// Somebody did something.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Deed {
    /// Who.
    pub who: ParticipantId,
    /// What.
    pub what: Did,
}

/// What a member may do.
#[derive(Debug, Clone, PartialEq)]
pub enum Did {
    /// Their socket came; a [`Snapshot`](crate::participant::Snapshot) (or their place at the door) is the answer.
    Attach,
    /// They came to watch only, without a socket (WHEP).
    Look,
    /// Their socket went.
    Detach,
    /// They publish this now, and nothing else.
    Publish(Vec<Announced>),
    /// They say something in writing.
    Say(Chat),
    /// They send an application message.
    Send(Data),
    /// They raise or lower their hand.
    Hand(bool),
    /// Their connection is this good.
    Feel(Quality),
    /// They go; [`PutOut`](crate::participant::PutOut) is the answer.
    Leave(LeaveReason),
}

/// Somebody wants these encodings of a track, and no others.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Watch {
    /// Who.
    pub who: ParticipantId,
    /// Of what.
    pub track: TrackId,
    /// Which; none: no more of it.
    pub layers: LayerSet,
}

// ── messages: media, from members and on to members ─────────────────────────

/// Media of one track, in the order in which it came off the wire.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Packets {
    /// Of which track.
    pub track: TrackId,
    /// The encodings in it.
    pub layers: LayerSet,
    /// One network burst, shared by every listener.
    pub burst: Burst,
}

impl Packets {
    /// The key frame that helps whom these did not reach.
    pub(crate) fn missed(&self) -> Option<KeyframeWanted> {
        let (track, layer) = (self.track, self.burst.first()?.layer);
        Some(KeyframeWanted { track, layer })
    }
}

/// A publisher's sender report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct ClockTold(pub SourceClock);

/// Somebody needs a key frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct KeyframeWanted {
    /// Of which track.
    pub track: TrackId,
    /// Of which encoding.
    pub layer: Layer,
}

// ── actor ───────────────────────────────────────────────────────────────────

/// What a room is opened with.
pub struct NewRoom {
    /// Whose room it is.
    pub call: Call,
    /// The room of the model, where the call is a session of one.
    pub room: Option<calls_model::Room>,
    /// How people come in.
    pub rules: Rules,
    /// Who was here before a crash.
    pub before: Option<Roster>,
    /// It was a crash of the whole server: nobody lives who could find back.
    pub recovered: bool,
    /// The call's door.
    pub parent: CallDoor,
    /// What every actor uses.
    pub services: Services,
}

/// The actor behind one room.
pub struct Room {
    call: Call,
    /// As storage has it, where the call is a session of one.
    model: Option<calls_model::Room>,
    members: Membership,
    doors: HashMap<ParticipantId, MemberDoor>,
    participants: HashMap<ParticipantId, Addr<Participant>>,
    publishers: Publishers,
    stage: Arc<Stage>,
    speaking: Speaking,
    routes: Routes<Listener, Recipient<Packets>>,
    branches: Branches,
    keyframes: Keyframes,
    chat: ChatLog,
    /// Who left since the call was told last.
    left: Vec<(Member, LeaveReason)>,
    /// Those at the door were told that somebody inside can let them in.
    told_moderated: bool,
    /// Some still have to find back after a crash.
    gathering: bool,
    /// Who was inside when the server went down, and has nobody to serve them yet.
    unserved: Vec<Member>,
    /// Who says aloud what is announced.
    announcer: Option<(ParticipantId, Addr<crate::announcer::Announcer>)>,
    recorded: Option<recording::Recorded>,
    /// What everybody was told last of the recording that runs.
    recording: Option<RecordingEvent>,
    transcribed: Option<transcribing::Transcribed>,
    /// Who listened before, and may still understand the last words.
    hushed: Option<WeakAddr<Transcriber>>,
    /// Whom everybody sees large.
    spotlight: Option<ParticipantId>,
    parent: CallDoor,
    services: Services,
    seats: Box<dyn Seats>,
    alarm: Alarm,
    lifeline: Option<Lifeline<CallId>>,
    _alive: Alive,
}

impl Room {
    /// Opens a room on the present arbiter.
    pub fn open(new: NewRoom, seats: Box<dyn Seats>) -> Addr<Self> {
        let NewRoom {
            call,
            room,
            rules,
            before,
            recovered,
            parent,
            services,
        } = new;
        let gathering = before.is_some();
        let before = before.unwrap_or_default();
        let unserved = if recovered {
            before.inside.clone()
        } else {
            Vec::new()
        };
        let rules = Rules {
            locked: rules.locked || before.locked,
            ..rules
        };
        let lifeline = parent.ended.upgrade();
        let mut members = Membership::restore(
            rules,
            before.inside,
            before.waiting,
            before.banned,
            before.hostless,
        );
        members.set_most_hidden(services.bounds.hidden);
        Self {
            members,
            lifeline: lifeline.map(|ended| Lifeline::new(call.call_id.clone(), &ended)),
            call,
            model: room,
            doors: HashMap::new(),
            participants: HashMap::new(),
            publishers: Publishers::default(),
            stage: Arc::default(),
            speaking: Speaking::default(),
            routes: Routes::default(),
            branches: Branches::default(),
            keyframes: Keyframes::default(),
            chat: ChatLog::default(),
            left: Vec::new(),
            told_moderated: false,
            gathering,
            unserved,
            announcer: None,
            recorded: None,
            recording: None,
            transcribed: None,
            hushed: None,
            spotlight: None,
            parent,
            _alive: services.living.enter(ActorKind::Room),
            services,
            seats,
            alarm: Alarm::default(),
        }
        .start()
    }
}

impl Actor for Room {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.alarm.start(ctx.address().recipient(), LOOK_EVERY);
        self.dismiss_announcers();
        let recovered = !self.unserved.is_empty();
        self.serve_again(ctx);
        if self.gathering {
            ctx.run_later(REJOIN_WITHIN, |room, _| room.give_up_missing());
        }
        if let Some(call) = self.parent.opened.upgrade() {
            call.do_send(RoomOpened(ctx.address()));
        }
        if recovered {
            self.report(); // after it is open: nobody has to find back
        }
    }
}

impl Handler<Due> for Room {
    type Result = ();

    fn handle(&mut self, _: Due, _: &mut Self::Context) {
        self.look();
    }
}

// ── handlers: the call ──────────────────────────────────────────────────────

impl Handler<JoinCall> for Room {
    type Result = ResponseActFuture<Self, Result<RoomSeat, JoinRefused>>;

    fn handle(&mut self, JoinCall(newcomer): JoinCall, ctx: &mut Self::Context) -> Self::Result {
        match self.let_in(newcomer, ctx) {
            Err(refused) => Box::pin(actix::fut::ready(Err(refused))),
            Ok((seat, written)) => Box::pin(written.into_actor(self).map(|result, room, _| {
                if result.is_ok() {
                    return Ok(seat);
                }
                // What storage does not know must not sit here.
                room.undo_join(&seat.seat.participant_id);
                Err(JoinRefused::NotStored)
            })),
        }
    }
}

impl Handler<LeaveCall> for Room {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, LeaveCall(user): LeaveCall, _: &mut Self::Context) -> Self::Result {
        let written = self
            .members
            .presence_of(&user)
            .cloned()
            .map(|id| self.leave(&id, LeaveReason::Left));
        Box::pin(async move {
            if let Some(written) = written {
                let _ = written.await; // the scribe told; they are out all the same
            }
        })
    }
}

impl Handler<ModerateRoom> for Room {
    type Result = ResponseFuture<Result<Moderated, ModerateRefused>>;

    fn handle(&mut self, asked: ModerateRoom, _: &mut Self::Context) -> Self::Result {
        let done = self.moderate(asked.by.as_ref(), &asked.action);
        Box::pin(async move {
            let (moderated, written) = done?;
            written
                .await
                .map(|()| moderated)
                .map_err(|_| ModerateRefused::NotStored)
        })
    }
}

impl Handler<CallChanged> for Room {
    type Result = ();

    fn handle(&mut self, CallChanged(call): CallChanged, _: &mut Self::Context) {
        self.call = call;
        self.tell_all(Event::Call(self.call.clone()));
    }
}

impl Handler<RoomRulesChanged> for Room {
    type Result = ();

    fn handle(&mut self, RoomRulesChanged(room): RoomRulesChanged, _: &mut Self::Context) {
        let effects = self.members.set_rules(Rules::of(&room));
        self.tell_all(Event::Room(room.clone()));
        self.model = Some(room);
        drop(self.perform(effects));
        self.report();
    }
}

impl Handler<CloseRoom> for Room {
    type Result = MessageResult<CloseRoom>;

    fn handle(&mut self, close: CloseRoom, ctx: &mut Self::Context) -> Self::Result {
        let last_words = self.close(close);
        ctx.stop();
        MessageResult(last_words)
    }
}

impl Handler<Adopt> for Room {
    type Result = ();

    fn handle(&mut self, Adopt(parent): Adopt, _: &mut Self::Context) {
        let ended = parent.ended.upgrade();
        self.lifeline = ended.map(|ended| Lifeline::new(self.call.call_id.clone(), &ended));
        self.parent = parent;
        self.report();
    }
}

// ── handlers: the members ───────────────────────────────────────────────────

impl Handler<Deed> for Room {
    type Result = ();

    fn handle(&mut self, Deed { who, what }: Deed, _: &mut Self::Context) {
        self.witness(&who, what);
    }
}

impl Handler<Rejoin> for Room {
    type Result = ();

    fn handle(&mut self, back: Rejoin, ctx: &mut Self::Context) {
        self.take_back(back, ctx);
    }
}

impl Handler<ChildEnded<ParticipantId>> for Room {
    type Result = ();

    fn handle(&mut self, child: ChildEnded<ParticipantId>, _: &mut Self::Context) {
        if self.members.anybody(&child.id).is_none() {
            return; // it left before it ended
        }
        let reason = match child.ending {
            Ending::Crashed => LeaveReason::Crashed,
            Ending::Finished => LeaveReason::TimedOut,
        };
        warn!(participant.id = %child.id, ?reason, "participant {} ended in its room", child.id);
        drop(self.leave(&child.id, reason));
    }
}

// ── hot path ────────────────────────────────────────────────────────────────

impl Handler<Watch> for Room {
    type Result = ();

    fn handle(&mut self, wish: Watch, ctx: &mut Self::Context) {
        self.watch(&wish, ctx);
    }
}

impl Handler<KeyframeWanted> for Room {
    type Result = ();

    fn handle(&mut self, wanted: KeyframeWanted, ctx: &mut Self::Context) {
        self.want_keyframe(wanted, ctx);
    }
}

impl Handler<ClockTold> for Room {
    type Result = ();

    fn handle(&mut self, ClockTold(clock): ClockTold, _: &mut Self::Context) {
        self.keep_clock(clock);
    }
}

impl Handler<Packets> for Room {
    type Result = ();

    fn handle(&mut self, packets: Packets, ctx: &mut Self::Context) {
        cache::fetch(&self.routes);
        cache::fetch(&self.keyframes);
        self.speaking.hear(&packets.burst);
        self.keyframes.pass(&packets.burst);
        let dropped = self.routes.send(&packets);
        if dropped > 0 {
            self.lost(&packets, dropped, ctx);
        }
    }
}

#[cfg(test)]
mod tests;
