//! All calls that live now: the only registry.
//!
//! * Parent: the process. Children: one [`Call`](crate::call::Call) each.
//! * Receives every verb of REST, and the presence of users' own sockets, on which calls ring.
//! * Sends `Incoming` to those sockets, everything else to the call it is about.
//! * Ends with the process, after [`Drain`].
//! * On crash: the process ends and is started again; what was live goes on ([`Recover`]). A crash of a call: it is
//!   built anew from what it last asked to [`Remember`], three times a minute; after the fourth it ends `failed`.

mod devices;
mod gone;
mod recording;
mod recovery;
mod refused;
mod registry;
mod replies;
mod ringing;
mod saying;
mod sessions;
mod sharing;
mod transcription;

use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use calls_model::signal::{ByeReason, Moderation};
use calls_model::{
    Account, Call, CallId, CallKind, CallType, DisplayName, LeaveReason, OrgId, ParticipantId,
    RecordingMode, Role, Room, RoomId, UserId,
};

use self::devices::Devices;
use self::gone::GoneRooms;
pub use self::recording::{
    PauseRecording, RecordAsked, RecordRefused, RecordingLive, StartRecording, StopRecording,
};
pub use self::recovery::{Interrupted, Recover};
pub use self::refused::{JoinRefused, ModerateRefused, VerbRefused};
use self::registry::Registry;
pub use self::replies::{Found, Initiated, Moderated, RoomNow, Seat, Seated};
pub use self::saying::{MaySay, Say, SayRefused};
pub use self::sharing::{ShareFile, ShareRefused};
pub use self::transcription::{
    StartTranscription, StopTranscription, TranscribeAsked, TranscribeRefused,
};
use crate::call::{Call as CallActor, Memory, Shut};
use crate::clock::{self, Clock};
use crate::heartbeat::Beat;
use crate::journal::{Journal, Scribe};
use crate::lifeline::{ChildEnded, Ending};
use crate::metrics::LiveCount;
use crate::participant::{Bounds, ToClient};
use crate::recorder::Studio;
use crate::room::places::Places;
use crate::room::{LeaveCall, ModerateRoom, RoomRulesChanged};
use crate::services::Services;
#[cfg(any(test, feature = "testing"))]
pub use crate::testing::{CrashActor, Victim};
use crate::transcriber::Recogniser;

/// Messages that may wait here: every REST request is one, so this is how many may be under way.
const MAILBOX: usize = 4096;

/// How long a call may take to answer: longer than it gives its room.
const PATIENCE: Duration = Duration::from_secs(12);

// ── messages: what the world outside may ask ────────────────────────────────

/// Make a call and ring its callees. The caller gets a seat at once.
#[derive(Debug, Message)]
#[rtype(result = "Result<Initiated, VerbRefused>")]
pub struct Initiate {
    /// Whose call it is: everybody in it is a user of this tenant.
    pub org_id: OrgId,
    /// Audio or video.
    pub call_type: CallType,
    /// One-to-one for one callee and group for more, where it is left out.
    pub kind: Option<CallKind>,
    /// Who rings.
    pub from: UserId,
    /// What the caller's tile shows.
    pub display_name: Option<DisplayName>,
    /// Whom to ring.
    pub to: Vec<UserId>,
    /// How long to ring.
    pub timeout: Duration,
    /// Recorded like this from when it is answered.
    pub record: Option<RecordingMode>,
    /// Kept with the call.
    pub metadata: serde_json::Map<String, serde_json::Value>,
}

/// Answer a call in a callee's name.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Seated, VerbRefused>")]
pub struct Answer {
    /// Which.
    pub call_id: CallId,
    /// Who; may be left out where only one callee can be meant.
    pub user_id: Option<UserId>,
    /// What their tile shows.
    pub display_name: Option<DisplayName>,
}

/// Say no in a callee's name.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Call, VerbRefused>")]
pub struct Reject {
    /// Which.
    pub call_id: CallId,
    /// Who; may be left out where only one callee can be meant.
    pub user_id: Option<UserId>,
}

/// Give up ringing, in the caller's name.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Call, VerbRefused>")]
pub struct Cancel {
    /// Which.
    pub call_id: CallId,
    /// Who; the caller where it is left out.
    pub user_id: Option<UserId>,
}

/// End a call for everybody.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Call, VerbRefused>")]
pub struct End {
    /// Which.
    pub call_id: CallId,
    /// Who; the application itself where it is left out.
    pub by: Option<UserId>,
}

/// Come into a room; the first one begins a call there.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Seated, JoinRefused>")]
pub struct JoinRoom {
    /// Where, as storage has it. Its password was checked before.
    pub room: Room,
    /// Who.
    pub user_id: UserId,
    /// What their tile shows.
    pub display_name: Option<DisplayName>,
    /// A role that the application gives; the room decides where it is left out.
    pub role: Option<Role>,
    /// Made for one offer of WHIP or WHEP: nobody who could be host.
    pub guest: bool,
    /// Nobody else in the room is to learn of them: they take no seat, ring at no door, and keep no call going.
    pub hidden: bool,
}

/// Leave a room; leaving twice is nothing.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct LeaveRoom {
    /// Which.
    pub room_id: RoomId,
    /// Who.
    pub user_id: UserId,
}

/// A live call as it stands; `None` where it is over or never was.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Option<Call>")]
pub struct CallSnapshot(pub CallId);

/// Who is in a room now; `None` while no call is there.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Option<RoomNow>")]
pub struct RoomSnapshot(pub RoomId);

/// Moderate from outside.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Moderated, ModerateRefused>")]
pub struct Moderate {
    /// In which call.
    pub call_id: CallId,
    /// In whose name; the application itself where it is left out.
    pub by: Option<ParticipantId>,
    /// What.
    pub action: Moderation,
}

/// Whom a token speaks of.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Option<Found>")]
pub struct FindParticipant {
    /// In which call.
    pub call_id: CallId,
    /// Which presence.
    pub participant_id: ParticipantId,
}

/// The rules of a room were changed.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct RoomChanged(pub Room);

/// A room is gone; its call ends.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct RoomDeleted(pub RoomId);

/// A user's own socket is open; calls ring on it.
#[derive(Debug, Clone, Message)]
#[rtype(result = "u64")]
pub struct UserOnline {
    /// Whose.
    pub account: Account,
    /// Where to ring. The reply is the socket's number, for [`UserOffline`].
    pub door: Recipient<ToClient>,
}

/// A user's own socket is closed.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct UserOffline {
    /// Whose.
    pub account: Account,
    /// The number that [`UserOnline`] gave.
    pub device: u64,
}

/// Refuse new calls, end those that live, and answer when all is written down.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Drain;

// ── messages: from calls ────────────────────────────────────────────────────

/// Keep this, a crash may come.
#[derive(Clone, Message)]
#[rtype(result = "()")]
pub struct Remember(pub Box<Memory>);

/// Tell the devices of these users how the call stands: it rings, or it does not any more.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct RingDevices {
    /// Whose.
    pub users: Vec<UserId>,
    /// The call, as they should see it.
    pub call: Call,
}

// ── actor ───────────────────────────────────────────────────────────────────

/// The actor behind the registry.
pub struct Calls {
    registry: Registry,
    devices: Devices,
    gone: GoneRooms,
    draining: bool,
    places: Arc<dyn Places>,
    services: Services,
    living: LiveCount,
}

impl Calls {
    /// No calls yet. Needs a running actix system; rooms will be opened in `places` (the media ports).
    pub fn new(journal: Arc<dyn Journal>, clock: Arc<dyn Clock>, places: impl Places) -> Self {
        let living = LiveCount::default();
        Self {
            registry: Registry::default(),
            devices: Devices::default(),
            gone: GoneRooms::default(),
            draining: false,
            places: Arc::new(places),
            services: Services::new(clock, Scribe::start(journal), living.clone()),
            living,
        }
    }

    /// With a studio to record in; without, nothing can be recorded.
    #[must_use]
    pub fn recording_in(mut self, studio: Arc<dyn Studio>) -> Self {
        self.services = self.services.recording_in(studio);
        self
    }

    /// With somebody who understands speech; without, nothing can be transcribed.
    #[must_use]
    pub fn understood_by(mut self, recogniser: Arc<dyn Recogniser>) -> Self {
        self.services = self.services.understood_by(recogniser);
        self
    }

    /// With other bounds for clients and rooms than the default.
    #[must_use]
    pub fn bounded_by(mut self, bounds: Bounds) -> Self {
        self.services = self.services.bounded_by(bounds);
        self
    }

    /// Counts the actors below.
    pub fn living(&self) -> LiveCount {
        self.living.clone()
    }

    /// A call and what is known of it.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn known(&self, id: &CallId) -> Option<(Addr<CallActor>, &Memory)> {
        self.registry
            .get(id)
            .map(|known| (known.address.clone(), &known.memory))
    }

    fn call(&self, id: &CallId) -> Option<Addr<CallActor>> {
        self.registry.get(id).map(|known| known.address.clone())
    }

    /// Passes a verb on to its call.
    fn pass<M, T>(&self, id: &CallId, verb: M) -> ResponseFuture<Result<T, VerbRefused>>
    where
        CallActor: Handler<M>,
        M: Message<Result = Result<T, VerbRefused>> + Send + 'static,
        T: Send + 'static,
    {
        let call = self.call(id);
        Box::pin(async move {
            let call = call.ok_or(VerbRefused::NotFound)?;
            let answer = call.send(verb).timeout(PATIENCE).await;
            answer.unwrap_or(Err(VerbRefused::Unreachable))
        })
    }
}

impl Actor for Calls {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
    }
}

// ── handlers: the verbs of a call ───────────────────────────────────────────

impl Handler<Initiate> for Calls {
    type Result = ResponseFuture<Result<Initiated, VerbRefused>>;

    fn handle(&mut self, initiate: Initiate, ctx: &mut Self::Context) -> Self::Result {
        self.initiate(initiate, ctx)
    }
}

impl Handler<Answer> for Calls {
    type Result = ResponseFuture<Result<Seated, VerbRefused>>;

    fn handle(&mut self, verb: Answer, _: &mut Self::Context) -> Self::Result {
        self.pass(&verb.call_id.clone(), verb)
    }
}

impl Handler<Reject> for Calls {
    type Result = ResponseFuture<Result<Call, VerbRefused>>;

    fn handle(&mut self, verb: Reject, _: &mut Self::Context) -> Self::Result {
        self.pass(&verb.call_id.clone(), verb)
    }
}

impl Handler<Cancel> for Calls {
    type Result = ResponseFuture<Result<Call, VerbRefused>>;

    fn handle(&mut self, verb: Cancel, _: &mut Self::Context) -> Self::Result {
        self.pass(&verb.call_id.clone(), verb)
    }
}

impl Handler<End> for Calls {
    type Result = ResponseFuture<Result<Call, VerbRefused>>;

    fn handle(&mut self, verb: End, _: &mut Self::Context) -> Self::Result {
        self.pass(&verb.call_id.clone(), verb)
    }
}

impl Handler<Moderate> for Calls {
    type Result = ResponseFuture<Result<Moderated, ModerateRefused>>;

    fn handle(&mut self, asked: Moderate, _: &mut Self::Context) -> Self::Result {
        let call = self.call(&asked.call_id);
        let verb = ModerateRoom {
            by: asked.by,
            action: asked.action,
        };
        Box::pin(async move {
            let call = call.ok_or(ModerateRefused::NoCall)?;
            let answer = call.send(verb).timeout(PATIENCE).await;
            answer.unwrap_or(Err(ModerateRefused::Unreachable))
        })
    }
}

impl Handler<FindParticipant> for Calls {
    type Result = ResponseFuture<Option<Found>>;

    fn handle(&mut self, find: FindParticipant, _: &mut Self::Context) -> Self::Result {
        let call = self.call(&find.call_id);
        Box::pin(async move { call?.send(find).timeout(PATIENCE).await.ok().flatten() })
    }
}

impl Handler<CallSnapshot> for Calls {
    type Result = MessageResult<CallSnapshot>;

    fn handle(&mut self, CallSnapshot(id): CallSnapshot, _: &mut Self::Context) -> Self::Result {
        let now = self.services.clock.now();
        MessageResult(self.registry.get(&id).map(|known| known.memory.wire(now)))
    }
}

// ── handlers: rooms ─────────────────────────────────────────────────────────

impl Handler<JoinRoom> for Calls {
    type Result = ResponseActFuture<Self, Result<Seated, JoinRefused>>;

    fn handle(&mut self, join: JoinRoom, ctx: &mut Self::Context) -> Self::Result {
        self.join_room(join, ctx)
    }
}

impl Handler<LeaveRoom> for Calls {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, leave: LeaveRoom, _: &mut Self::Context) -> Self::Result {
        let session = self
            .registry
            .session(&leave.room_id)
            .map(|known| known.address.clone());
        Box::pin(async move {
            if let Some(call) = session {
                // A call that is gone meanwhile has put everybody out.
                let _ = call.send(LeaveCall(leave.user_id)).timeout(PATIENCE).await;
            }
        })
    }
}

impl Handler<RoomSnapshot> for Calls {
    type Result = MessageResult<RoomSnapshot>;

    fn handle(&mut self, RoomSnapshot(id): RoomSnapshot, _: &mut Self::Context) -> Self::Result {
        MessageResult(self.registry.session(&id).map(|known| RoomNow {
            call_id: known.memory.life.id().clone(),
            members: known.memory.roster.inside.clone(),
            recording: known.memory.life.is_recorded(),
            transcription: known.memory.life.is_transcribed(),
        }))
    }
}

impl Handler<RoomChanged> for Calls {
    type Result = ();

    fn handle(&mut self, RoomChanged(room): RoomChanged, _: &mut Self::Context) {
        if let Some(known) = self.registry.session(&room.room_id) {
            known.address.do_send(RoomRulesChanged(room));
        }
    }
}

impl Handler<RoomDeleted> for Calls {
    type Result = ();

    fn handle(&mut self, RoomDeleted(id): RoomDeleted, _: &mut Self::Context) {
        self.gone.add(&id, clock::instant());
        if let Some(known) = self.registry.session(&id) {
            let (reason, bye) = (LeaveReason::CallEnded, ByeReason::CallEnded);
            known.address.do_send(Shut { reason, bye });
        }
    }
}

// ── handlers: users' own sockets ────────────────────────────────────────────

impl Handler<UserOnline> for Calls {
    type Result = u64;

    fn handle(&mut self, UserOnline { account, door }: UserOnline, _: &mut Self::Context) -> u64 {
        self.come_online(account, door)
    }
}

impl Handler<UserOffline> for Calls {
    type Result = ();

    fn handle(&mut self, offline: UserOffline, _: &mut Self::Context) {
        self.devices.remove(&offline.account, offline.device);
    }
}

impl Handler<RingDevices> for Calls {
    type Result = ();

    fn handle(&mut self, RingDevices { users, call }: RingDevices, _: &mut Self::Context) {
        let event = devices::incoming(&call);
        for user in users {
            let org = call.org_id.clone();
            self.devices.tell(&Account { org, user }, &event);
        }
    }
}

// ── handlers: children, and the end ─────────────────────────────────────────

impl Handler<Remember> for Calls {
    type Result = ();

    fn handle(&mut self, Remember(memory): Remember, _: &mut Self::Context) {
        self.note_gone(&memory.life);
        self.registry.remember(*memory);
    }
}

impl Handler<ChildEnded<CallId>> for Calls {
    type Result = ();

    fn handle(&mut self, child: ChildEnded<CallId>, ctx: &mut Self::Context) {
        match child.ending {
            Ending::Finished => drop(self.registry.remove(&child.id)),
            Ending::Crashed => self.mend(&child.id, ctx),
        }
    }
}

impl Handler<Beat> for Calls {
    type Result = ();

    fn handle(&mut self, _: Beat, _: &mut Self::Context) {}
}

impl Handler<Drain> for Calls {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: Drain, _: &mut Self::Context) -> Self::Result {
        self.draining = true;
        let (reason, bye) = (LeaveReason::ServerShutdown, ByeReason::ServerShutdown);
        let shutting: Vec<_> = self
            .registry
            .all()
            .map(|known| known.address.send(Shut { reason, bye }).timeout(PATIENCE))
            .collect();
        let scribe = self.services.scribe.clone();
        Box::pin(async move {
            for call in shutting {
                let _ = call.await; // one that does not answer does not hold up the rest
            }
            let _ = scribe.flushed().await; // the scribe told
        })
    }
}

#[cfg(test)]
mod tests;
