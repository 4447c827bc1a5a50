//! An announcer: a member that everybody sees, and that says aloud what it is given.
//!
//! * Parent: [`Room`](crate::room::Room), which opens it for the first announcement. Children: none.
//! * Receives [`Announce`] from its room, and what every member is told. Sends the room [`Packets`] and [`Deed`]s.
//! * Ends when it had nothing to say for [`LINGERS`], when its room puts it out, or is gone.
//! * On crash: its presence ends as crashed; the next announcement brings another one. Nothing is said twice.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::prelude::*;
use bytes::Bytes;
use calls_media::seam::{Burst, Codec, Layer, LayerSet, Packet, PayloadInfo, TrackId};
use calls_model::{LeaveReason, ParticipantId, Source};

use crate::clock;
use crate::lifeline::Lifeline;
use crate::metrics::{ActorKind, Alive, BURSTS_DROPPED};
use crate::participant::{PutOut, Silence, Snapshot, StageChanged, Told, Watched};
use crate::room::door::RoomDoor;
use crate::room::stage::Announced;
use crate::room::{ClockTold, Deed, Did, KeyframeWanted, Packets};
use crate::services::Services;

/// The user that an announcer is.
pub const USER: &str = "bot:announcer";

/// What its tile shows.
pub const NAME: &str = "Announcer";

/// How long one packet of speech lasts.
pub const PACKET: Duration = Duration::from_millis(20);

/// Ticks of RTP's clock in one packet (RFC 7587 §4.1: 48 kHz).
const TICKS: u32 = 960;

/// Packets that may wait to be said: two minutes. Whoever wants more said hears no.
pub const MOST: usize = 6000;

/// How long an announcer stays that has nothing to say.
pub const LINGERS: Duration = Duration::from_secs(5);

/// A moment of quiet before the first word: until then everybody's slot is filled.
const BREATH: Duration = Duration::from_millis(400);

/// One packet of speech.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpokenPacket {
    /// Opus, [`PACKET`] long.
    pub payload: Bytes,
    /// How loud it is, in -dBov (RFC 6464).
    pub level: u8,
}

/// Speech, ready to be sent.
pub type Speech = Arc<[SpokenPacket]>;

// ── messages ────────────────────────────────────────────────────────────────

/// Say this, after all that waits. Whether there is room for it.
#[derive(Debug, Clone, Message)]
#[rtype(result = "bool")]
pub struct Announce(pub Speech);

// ── actor ───────────────────────────────────────────────────────────────────

/// The actor behind one announcer.
pub struct Announcer {
    id: ParticipantId,
    track: TrackId,
    room: RoomDoor,
    waiting: VecDeque<SpokenPacket>,
    sent: u64,
    /// RTP time of the next packet.
    timestamp: u32,
    /// When the next packet is due.
    due: Instant,
    /// Since when there is nothing to say.
    quiet_since: Option<Instant>,
    /// A moderator muted it: what was to be said is not.
    silenced: bool,
    _lifeline: Option<Lifeline<ParticipantId>>,
    _alive: Alive,
}

impl Announcer {
    /// Starts one on the present arbiter; its room let it in already.
    pub fn open(id: ParticipantId, room: RoomDoor, services: &Services) -> Addr<Self> {
        let track = TrackId {
            peer: services.next_peer(),
            index: 0,
        };
        let now = clock::instant();
        Self {
            _lifeline: room.lifeline(id.clone()),
            id,
            track,
            room,
            waiting: VecDeque::new(),
            sent: 0,
            timestamp: 0,
            due: now + BREATH,
            quiet_since: Some(now),
            silenced: false,
            _alive: services.living.enter(ActorKind::Announcer),
        }
        .start()
    }

    fn does(&self, what: Did) {
        if let Some(room) = self.room.deed.upgrade() {
            let who = self.id.clone();
            room.do_send(Deed { who, what });
        }
    }

    fn publish(&self) {
        self.does(Did::Publish(vec![Announced {
            track: self.track,
            source: Source::Microphone,
            layers: 1,
            codecs: [Codec::Opus].into(),
            muted: false,
        }]));
    }

    /// Sends what is due, and goes when there was nothing to say for long.
    fn play(&mut self, ctx: &mut Context<Self>) {
        let now = clock::instant();
        if !self.room.is_open() {
            ctx.stop(); // it crashed or closed; nobody would hear a word
            return;
        }
        while self.due <= now {
            let Some(spoken) = self.waiting.pop_front() else {
                let since = *self.quiet_since.get_or_insert(now);
                if now - since >= LINGERS {
                    self.does(Did::Leave(LeaveReason::Left));
                    ctx.stop();
                }
                return;
            };
            // The clock ran on while nobody spoke (RFC 3550 §5.1).
            let begins = self.quiet_since.take().is_some();
            self.send(spoken, begins, now);
            self.due += PACKET;
        }
    }

    fn send(&mut self, spoken: SpokenPacket, marker: bool, now: Instant) {
        let packet = Packet {
            track: self.track,
            layer: Layer(0),
            codec: Codec::Opus,
            seq: self.sent,
            timestamp: self.timestamp,
            marker,
            arrival: now,
            audio_level: Some(spoken.level),
            orientation: None,
            dependency_descriptor: None,
            info: PayloadInfo::default(),
            payload: spoken.payload,
        };
        self.sent += 1;
        self.timestamp = self.timestamp.wrapping_add(TICKS);
        let packets = Packets {
            track: self.track,
            layers: LayerSet::only(Layer(0)),
            burst: Burst::from([packet]),
        };
        let sent = self.room.packets.upgrade();
        if sent.is_some_and(|room| room.try_send(packets).is_err()) {
            metrics::counter!(BURSTS_DROPPED, "at" => "room").increment(1);
        }
    }
}

impl Actor for Announcer {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.does(Did::Attach);
        self.publish();
        ctx.run_interval(PACKET / 2, Self::play);
    }
}

// ── handlers ────────────────────────────────────────────────────────────────

impl Handler<Announce> for Announcer {
    type Result = bool;

    fn handle(&mut self, Announce(speech): Announce, _: &mut Self::Context) -> bool {
        if self.waiting.len() + speech.len() > MOST {
            return false;
        }
        let now = clock::instant();
        if let Some(since) = self.quiet_since
            && self.due < now
        {
            let paused = (now - since.max(self.due)).as_millis();
            let ticks = u32::try_from(paused * 48).unwrap_or(u32::MAX);
            self.timestamp = self.timestamp.wrapping_add(ticks);
            self.due = now;
        }
        if std::mem::take(&mut self.silenced) {
            self.publish(); // whoever asks for more of it wants it heard
        }
        self.waiting.extend(speech.iter().cloned());
        true
    }
}

impl Handler<Silence> for Announcer {
    type Result = ();

    fn handle(&mut self, _: Silence, _: &mut Self::Context) {
        self.waiting.clear(); // a moderator has heard enough
        self.silenced = true;
    }
}

impl Handler<PutOut> for Announcer {
    type Result = ();

    fn handle(&mut self, _: PutOut, ctx: &mut Self::Context) {
        ctx.stop();
    }
}

/// It hears and sees nothing, and sends the same to everybody.
macro_rules! deaf {
    ($($message:ident)*) => {$(
        impl Handler<$message> for Announcer {
            type Result = ();

            fn handle(&mut self, _: $message, _: &mut Self::Context) {}
        }
    )*};
}

deaf!(Packets ClockTold KeyframeWanted Watched StageChanged Told Snapshot);
