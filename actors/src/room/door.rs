//! Who may say what to whom: the doors of a room, of its members and of its call.

use actix::dev::ToEnvelope;
use actix::prelude::*;
use actix::{WeakAddr, WeakRecipient};
use calls_model::{CallId, ParticipantId};

use super::{ClockTold, Deed, KeyframeWanted, ModerateRoom, Packets, Rejoin, Room, Watch};
use crate::call::{RecorderGaveUp, RoomOpened, RosterChanged, TranscriberGaveUp};
use crate::calls::{RecordAsked, TranscribeAsked};
use crate::lifeline::{ChildEnded, Lifeline};
use crate::participant::{PutOut, Silence, Snapshot, StageChanged, Told, Watched};

/// All that a room knows of a member.
#[derive(Clone)]
pub struct MemberDoor {
    /// The arbiter on which its connection lives.
    pub place: usize,
    /// Takes what others publish.
    pub packets: Recipient<Packets>,
    /// Takes the clocks of what it watches.
    pub clock: Recipient<ClockTold>,
    /// Takes requests for key frames of what it publishes.
    pub keyframe: Recipient<KeyframeWanted>,
    /// Takes which encodings of what it publishes are wanted.
    pub watched: Recipient<Watched>,
    /// Takes what there is to see and hear.
    pub stage: Recipient<StageChanged>,
    /// Takes events.
    pub told: Recipient<Told>,
    /// Takes all there is to know.
    pub snapshot: Recipient<Snapshot>,
    /// Takes the order to be silent.
    pub silence: Recipient<Silence>,
    /// Takes the order to go.
    pub out: Recipient<PutOut>,
}

impl MemberDoor {
    /// The door of any actor that can stand where a member would, and on which arbiter it does.
    pub fn of<A>(member: &Addr<A>, place: usize) -> Self
    where
        A: Actor
            + Handler<Packets>
            + Handler<ClockTold>
            + Handler<KeyframeWanted>
            + Handler<Watched>
            + Handler<StageChanged>
            + Handler<Told>
            + Handler<Snapshot>
            + Handler<Silence>
            + Handler<PutOut>,
        A::Context: ToEnvelope<A, Packets>
            + ToEnvelope<A, ClockTold>
            + ToEnvelope<A, KeyframeWanted>
            + ToEnvelope<A, Watched>
            + ToEnvelope<A, StageChanged>
            + ToEnvelope<A, Told>
            + ToEnvelope<A, Snapshot>
            + ToEnvelope<A, Silence>
            + ToEnvelope<A, PutOut>,
    {
        Self {
            place,
            packets: member.clone().recipient(),
            clock: member.clone().recipient(),
            keyframe: member.clone().recipient(),
            watched: member.clone().recipient(),
            stage: member.clone().recipient(),
            told: member.clone().recipient(),
            snapshot: member.clone().recipient(),
            silence: member.clone().recipient(),
            out: member.clone().recipient(),
        }
    }
}

/// All that a member knows of its room. It keeps no room alive.
#[derive(Clone)]
pub struct RoomDoor {
    /// Takes what the member publishes.
    pub packets: WeakRecipient<Packets>,
    /// Takes the clocks of what it publishes.
    pub clock: WeakRecipient<ClockTold>,
    /// Takes its wish for a key frame.
    pub keyframe: WeakRecipient<KeyframeWanted>,
    /// Takes which tracks it wants.
    pub watch: WeakRecipient<Watch>,
    /// Takes what it does.
    pub deed: WeakRecipient<Deed>,
    /// Takes it back after a crash of the room.
    pub rejoin: WeakRecipient<Rejoin>,
    /// Takes its questions as a moderator.
    pub moderate: WeakRecipient<ModerateRoom>,
    /// Takes its wish to record.
    pub record: WeakRecipient<RecordAsked>,
    /// Takes its wish to transcribe.
    pub transcribe: WeakRecipient<TranscribeAsked>,
    /// Learns of its end.
    pub ended: WeakRecipient<ChildEnded<ParticipantId>>,
}

impl RoomDoor {
    /// The door of this room.
    pub fn of(room: &Addr<Room>) -> Self {
        let weak = || -> WeakAddr<Room> { room.downgrade() };
        Self {
            packets: weak().recipient(),
            clock: weak().recipient(),
            keyframe: weak().recipient(),
            watch: weak().recipient(),
            deed: weak().recipient(),
            rejoin: weak().recipient(),
            moderate: weak().recipient(),
            record: weak().recipient(),
            transcribe: weak().recipient(),
            ended: weak().recipient(),
        }
    }

    /// The room lives.
    pub fn is_open(&self) -> bool {
        self.deed.upgrade().is_some_and(|room| room.connected())
    }

    /// Ties a member to the room.
    pub fn lifeline(&self, id: ParticipantId) -> Option<Lifeline<ParticipantId>> {
        Some(Lifeline::new(id, &self.ended.upgrade()?))
    }
}

/// All that a room knows of its call. It keeps no call alive.
#[derive(Clone)]
pub struct CallDoor {
    /// Learns that the room is open.
    pub opened: WeakRecipient<RoomOpened>,
    /// Learns who is inside.
    pub roster: WeakRecipient<RosterChanged>,
    /// Takes members' wishes to record; none where a probe stands.
    pub record: Option<WeakRecipient<RecordAsked>>,
    /// Learns that its recorder crashed too often; none where a probe stands.
    pub gave_up: Option<WeakRecipient<RecorderGaveUp>>,
    /// Takes members' wishes to transcribe; none where a probe stands.
    pub transcribe: Option<WeakRecipient<TranscribeAsked>>,
    /// Learns that its transcriber crashed too often; none where a probe stands.
    pub deaf: Option<WeakRecipient<TranscriberGaveUp>>,
    /// Learns of the room's end.
    pub ended: WeakRecipient<ChildEnded<CallId>>,
}

impl CallDoor {
    /// The door of any actor that can stand where a call would.
    pub fn of<A>(call: &Addr<A>) -> Self
    where
        A: Actor
            + Handler<RoomOpened>
            + Handler<RosterChanged>
            + Handler<RecordAsked>
            + Handler<RecorderGaveUp>
            + Handler<TranscribeAsked>
            + Handler<TranscriberGaveUp>
            + Handler<ChildEnded<CallId>>,
        A::Context: ToEnvelope<A, RoomOpened>
            + ToEnvelope<A, RosterChanged>
            + ToEnvelope<A, RecordAsked>
            + ToEnvelope<A, RecorderGaveUp>
            + ToEnvelope<A, TranscribeAsked>
            + ToEnvelope<A, TranscriberGaveUp>
            + ToEnvelope<A, ChildEnded<CallId>>,
    {
        Self {
            opened: call.downgrade().recipient(),
            roster: call.downgrade().recipient(),
            record: Some(call.downgrade().recipient()),
            gave_up: Some(call.downgrade().recipient()),
            transcribe: Some(call.downgrade().recipient()),
            deaf: Some(call.downgrade().recipient()),
            ended: call.downgrade().recipient(),
        }
    }
}
