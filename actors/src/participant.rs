//! One presence of one user: their connection, their slots, and what their socket hears.
//!
//! * Parent: [`Room`](crate::room::Room). Children: none.
//! * Receives [`Attach`], [`ClientRequest`] and [`OfferSdp`] from sessions, [`Datagrams`] from its port, events and
//!   [`Packets`] from its room. Sends deeds and packets to the room, [`ToClient`] to its session.
//! * Ends when the room puts it out: it asks for that itself after [`GRACE`] without a socket, or [`UNATTACHED`] if
//!   none ever came. Ends alone when its room is gone for good.
//! * On crash: the room tells the others that it left; its client is told to join again. A crash of the room it
//!   outlives: it finds back by [`Rejoin`](crate::room::Rejoin).

mod connection;
mod limits;
mod media;
mod presence;
pub mod publishing;
pub mod quality;
mod refused;
pub mod replay;
mod requests;
mod session;
pub mod slots;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use actix::WeakRecipient;
use actix::prelude::*;
use calls_media::cache;
use calls_media::seam::{LayerSet, TrackId};
use calls_model::rest::IceServer;
use calls_model::signal::{
    ByeReason, ChatMessage, Event, Limits, PublishedMid, Request, Resume, Welcome,
};
use calls_model::{Call, LeaveReason, Member, ParticipantId, RoomSettings, Source, UserId};
use tracing::debug;

use self::connection::Connection;
pub use self::limits::{Bounds, LIMITS};
use self::publishing::Publishing;
use self::quality::QualityMeter;
pub use self::refused::{AttachRefused, SignalRefused};
use self::session::Session;
use self::slots::Slots;
use crate::alarm::{Alarm, Due};
use crate::clock;
use crate::event::{Frame, SharedEvent};
use crate::lifeline::Lifeline;
use crate::metrics::{ActorKind, Alive};
use crate::port::{Datagrams, PortHandle};
use crate::room::door::RoomDoor;
use crate::room::stage::Stage;
use crate::room::{ClockTold, Did, KeyframeWanted, Packets};
use crate::services::Services;

/// Messages a participant may have waiting before media is dropped: some tenths of a second of a full stage.
const MAILBOX: usize = 512;

/// How long a dropped socket keeps its place.
pub const GRACE: Duration = Duration::from_secs(30);

/// How long a place is kept for a socket that never came. It does not run out while the call rings.
pub const UNATTACHED: Duration = Duration::from_secs(60);

/// How often quality is measured, and looked whether the room still lives.
const PULSE: Duration = Duration::from_secs(1);

/// Pulses without a room after which there will be none any more.
const ORPHANED_PULSES: u32 = 30;

// ── messages: from the session ──────────────────────────────────────────────

/// A frame for the client behind a socket. After a `bye` the session closes.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct ToClient(pub Frame);

/// A socket said hello. `welcome` (or `waiting`) comes through the door.
#[derive(Debug, Message)]
#[rtype(result = "Result<Attached, AttachRefused>")]
pub struct Attach {
    /// Where the client hears us.
    pub door: Recipient<ToClient>,
    /// Comes back instead of coming in: connection and slots stay, missed events are told again.
    pub resume: Option<Resume>,
    /// What `welcome` says beside the call.
    pub greeting: Greeting,
}

/// The parts of a `welcome` that the session knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Greeting {
    /// The token to resume with.
    pub resume_token: String,
    /// STUN and TURN.
    pub ice_servers: Vec<IceServer>,
    /// What the server will not go beyond.
    pub limits: Limits,
}

/// The socket is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attached {
    /// Names this attachment, for [`Detach`].
    pub attachment: u64,
}

/// The socket is gone. One that was replaced before is not meant any more.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Detach {
    /// Which attachment.
    pub attachment: u64,
}

/// What a client asks of its own presence; the reply is `d` of the `ok`.
#[derive(Debug, Message)]
#[rtype(result = "Result<serde_json::Value, SignalRefused>")]
pub struct ClientRequest {
    /// Anything but `hello`, which is [`Attach`].
    pub request: Request,
}

/// An offer without a socket: WHIP and WHEP. The presence then lives as long as its connection does.
#[derive(Debug, Message)]
#[rtype(result = "Result<String, SignalRefused>")]
pub struct OfferSdp {
    /// RFC 8866.
    pub sdp: String,
    /// Names what the client sends on.
    pub publish: Vec<PublishedMid>,
    /// Shows this user in every video slot; the active speaker where it is left out.
    pub watch: Option<UserId>,
}

// ── messages: from the room and the call ────────────────────────────────────

/// To a publisher: all together want these encodings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct Watched {
    /// Of which track.
    pub track: TrackId,
    /// Which.
    pub layers: LayerSet,
}

/// There is something else to see or hear.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct StageChanged(pub Arc<Stage>);

/// Something happened.
#[derive(Debug, Clone, PartialEq, Message)]
#[rtype(result = "()")]
pub struct Told(pub SharedEvent);

/// All there is to know; everything told later came after it.
#[derive(Debug, Clone, PartialEq, Message)]
#[rtype(result = "()")]
pub struct Snapshot {
    /// The call.
    pub call: Call,
    /// The room, where the call is a session of one.
    pub room: Option<calls_model::Room>,
    /// Everybody inside.
    pub roster: Vec<Member>,
    /// What this member may read.
    pub chat: Vec<ChatMessage>,
}

/// To a publisher: be silent, a moderator says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct Silence {
    /// With what.
    pub source: Source,
}

/// To a member: it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct PutOut {
    /// What the client is told.
    pub bye: ByeReason,
}

/// The room was opened anew after a crash: this is its door.
#[derive(Clone, Message)]
#[rtype(result = "()")]
pub struct RoomReopened(pub RoomDoor);

// ── actor ───────────────────────────────────────────────────────────────────

/// What a participant is made from.
pub struct NewParticipant {
    /// Which presence.
    pub id: ParticipantId,
    /// As the room has them.
    pub member: Member,
    /// Inside, not at the door.
    pub admitted: bool,
    /// They were here when the server went down, and are to come back.
    pub returning: bool,
    /// The call.
    pub call: Call,
    /// The room.
    pub room: RoomDoor,
    /// What every actor uses.
    pub services: Services,
}

/// The actor behind one presence.
pub struct Participant {
    id: ParticipantId,
    member: Member,
    admitted: bool,
    call: Call,
    /// What the room allows; a call without a room allows everything.
    rules: RoomSettings,
    /// Everybody inside, by what the room told.
    present: HashSet<ParticipantId>,
    session: Session,
    connection: Option<Connection>,
    alarm: Alarm,
    /// How long its place is kept for a first socket.
    kept_for: Duration,
    /// Its connection is its presence: WHIP and WHEP.
    sessionless: bool,
    publishing: Publishing,
    slots: Slots,
    stage: Arc<Stage>,
    watching: HashMap<TrackId, LayerSet>,
    quality: QualityMeter,
    /// It asked to be put out.
    leaving: Option<LeaveReason>,
    /// Runs out when nobody comes back.
    away: Option<SpawnHandle>,
    orphaned: u32,
    room: RoomDoor,
    /// The room's mailbox for media: found when the first burst leaves, and again after the room was opened anew.
    outlet: Option<Recipient<Packets>>,
    port: PortHandle,
    services: Services,
    lifeline: Option<Lifeline<ParticipantId>>,
    _alive: Alive,
}

impl Participant {
    /// Starts one on the present arbiter, which is its port's.
    pub fn open(new: NewParticipant, port: PortHandle) -> Addr<Self> {
        Self::new(new, port).start()
    }

    /// One to be started on the arbiter of its port.
    pub(crate) fn new(new: NewParticipant, port: PortHandle) -> Self {
        let NewParticipant {
            id,
            member,
            admitted,
            returning,
            call,
            room,
            services,
        } = new;
        Self {
            member,
            admitted,
            call,
            rules: RoomSettings::default(),
            present: HashSet::new(),
            session: Session::new(),
            connection: None,
            alarm: Alarm::default(),
            kept_for: if returning { GRACE } else { UNATTACHED },
            sessionless: false,
            publishing: Publishing::default(),
            slots: Slots::new(id.clone()),
            stage: Arc::default(),
            watching: HashMap::new(),
            quality: QualityMeter::default(),
            leaving: None,
            away: None,
            orphaned: 0,
            lifeline: room.lifeline(id.clone()),
            room,
            outlet: None,
            port,
            _alive: services.living.enter(ActorKind::Participant),
            services,
            id,
        }
    }
}

/// Tells somebody above, if they live.
fn up<M>(door: &WeakRecipient<M>, message: M)
where
    M: Message<Result = ()> + Send + 'static,
{
    if let Some(door) = door.upgrade() {
        door.do_send(message);
    }
}

impl Actor for Participant {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        self.alarm.start(ctx.address().recipient(), PULSE);
        self.wait_for_return(self.kept_for, ctx);
    }
}

impl Handler<Due> for Participant {
    type Result = ();

    fn handle(&mut self, due: Due, ctx: &mut Self::Context) {
        if due.alarm {
            self.catch_up(ctx);
        }
        if due.pulse {
            self.look_around(ctx);
        }
    }
}

// ── handlers: the session ───────────────────────────────────────────────────

impl Handler<Attach> for Participant {
    type Result = Result<Attached, AttachRefused>;

    fn handle(&mut self, attach: Attach, ctx: &mut Self::Context) -> Self::Result {
        let Attach {
            door,
            resume,
            greeting,
        } = attach;
        if self.leaving.is_some() {
            return Err(AttachRefused::Gone);
        }
        let attachment = self.session.attach(door, resume.as_ref(), greeting)?;
        if resume.is_none() {
            self.disconnect(); // a client that begins anew brings a new connection
        }
        self.sessionless = false;
        self.stop_waiting(ctx);
        self.deed(Did::Attach);
        Ok(Attached { attachment })
    }
}

impl Handler<Detach> for Participant {
    type Result = ();

    fn handle(&mut self, Detach { attachment }: Detach, ctx: &mut Self::Context) {
        if self.session.detach(attachment) && self.leaving.is_none() {
            self.deed(Did::Detach);
            self.wait_for_return(GRACE, ctx);
        }
    }
}

impl Handler<ClientRequest> for Participant {
    type Result = ResponseFuture<Result<serde_json::Value, SignalRefused>>;

    fn handle(&mut self, asked: ClientRequest, ctx: &mut Self::Context) -> Self::Result {
        self.serve(asked.request, ctx)
    }
}

impl Handler<OfferSdp> for Participant {
    type Result = Result<String, SignalRefused>;

    fn handle(&mut self, offer: OfferSdp, ctx: &mut Self::Context) -> Self::Result {
        let answer = self.offer(&offer.sdp, &offer.publish, ctx)?;
        self.sessionless = true;
        self.deed(Did::Attach);
        if offer.publish.is_empty() {
            self.deed(Did::Look);
        }
        if let Some(user) = &offer.watch {
            self.slots.watch_user(user);
            self.refill(ctx);
        }
        self.wait_for_return(GRACE, ctx); // until it is connected
        Ok(answer)
    }
}

// ── handlers: the room ──────────────────────────────────────────────────────

impl Handler<Snapshot> for Participant {
    type Result = ();

    fn handle(&mut self, snapshot: Snapshot, ctx: &mut Self::Context) {
        let Snapshot {
            call,
            room,
            roster,
            chat,
        } = snapshot;
        self.call = call.clone();
        self.rules = room.as_ref().map(|room| room.settings).unwrap_or_default();
        self.present = roster
            .iter()
            .filter_map(|one| one.participant_id.clone())
            .collect();
        let me = |one: &&Member| one.participant_id.as_ref() == Some(&self.id);
        if let Some(member) = roster.iter().find(me).cloned() {
            self.become_member(member, ctx);
        }
        let participant_id = self.id.clone();
        self.session.welcome(|session, greeting| {
            Event::Welcome(Box::new(Welcome {
                session: session.to_owned(),
                resume_token: greeting.resume_token.clone(),
                participant_id,
                call,
                room,
                roster,
                chat,
                ice_servers: greeting.ice_servers.clone(),
                limits: greeting.limits,
            }))
        });
    }
}

impl Handler<Told> for Participant {
    type Result = ();

    fn handle(&mut self, Told(event): Told, ctx: &mut Self::Context) {
        self.notice(event.event(), ctx);
        self.session.tell(event);
    }
}

impl Handler<StageChanged> for Participant {
    type Result = ();

    fn handle(&mut self, StageChanged(stage): StageChanged, ctx: &mut Self::Context) {
        self.stage = stage;
        self.refill(ctx);
    }
}

impl Handler<Silence> for Participant {
    type Result = ();

    fn handle(&mut self, Silence { source }: Silence, _: &mut Self::Context) {
        self.silence(source);
    }
}

impl Handler<Watched> for Participant {
    type Result = ();

    fn handle(&mut self, Watched { track, layers }: Watched, _: &mut Self::Context) {
        if let Some(layers) = self.publishing.watched(track, layers) {
            self.session.tell(Event::Layers(layers));
        }
    }
}

impl Handler<PutOut> for Participant {
    type Result = ();

    fn handle(&mut self, PutOut { bye }: PutOut, ctx: &mut Self::Context) {
        debug!(participant.id = %self.id, reason = ?bye, "participant {} is out", self.id);
        self.finish(bye, ctx);
    }
}

impl Handler<RoomReopened> for Participant {
    type Result = ();

    fn handle(&mut self, RoomReopened(room): RoomReopened, ctx: &mut Self::Context) {
        self.find_back(room, ctx);
    }
}

impl Handler<ClockTold> for Participant {
    type Result = ();

    fn handle(&mut self, ClockTold(clock): ClockTold, _: &mut Self::Context) {
        if let Some(connection) = &mut self.connection {
            connection.peer.clock(clock);
        }
    }
}

impl Handler<KeyframeWanted> for Participant {
    type Result = ();

    fn handle(&mut self, wanted: KeyframeWanted, ctx: &mut Self::Context) {
        let now = clock::instant();
        if let Some(connection) = &mut self.connection {
            connection
                .peer
                .request_keyframe(wanted.track, wanted.layer, now);
            self.settle(now, ctx);
        }
    }
}

// ── hot path ────────────────────────────────────────────────────────────────

impl Handler<Datagrams> for Participant {
    type Result = ();

    fn handle(&mut self, Datagrams { batch, at }: Datagrams, ctx: &mut Self::Context) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        cache::fetch(&self.alarm);
        cache::fetch(&self.publishing);
        connection.fetch_for_datagrams();
        for (path, datagram) in batch {
            connection.peer.handle_datagram(path, datagram, at);
        }
        self.settle(at, ctx);
    }
}

impl Handler<Packets> for Participant {
    type Result = ();

    fn handle(&mut self, packets: Packets, ctx: &mut Self::Context) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        cache::fetch(&self.alarm);
        connection.fetch_for_burst();
        let now = clock::instant();
        connection.forward(&packets.burst, now);
        let arm = self.alarm.may_oversleep(now) || connection.peer.is_pacing();
        self.react(ctx);
        if arm {
            self.arm();
        }
    }
}

#[cfg(test)]
mod tests;
