//! What a call must not forget, and who keeps it.

use std::collections::HashMap;

use actix::WeakRecipient;
use actix::prelude::*;
use calls_model::{
    Call as WireCall, CallId, Language, LeaveReason, Member, ParticipantId, Timestamp, UserId,
};

use super::life::Life;
use super::recording::LiveRecording;
use super::transcription::LiveTranscription;
use crate::calls::{Remember, RingDevices};
use crate::lifeline::ChildEnded;
use crate::participant::Participant;
use crate::room::Room;

/// What must outlive a room, so its call keeps it.
#[derive(Debug, Clone, Default)]
pub struct Roster {
    /// Everybody inside.
    pub inside: Vec<Member>,
    /// Everybody at the door.
    pub waiting: Vec<Member>,
    /// Users who were removed.
    pub banned: Vec<UserId>,
    /// Presences that are never host by themselves.
    pub hostless: Vec<ParticipantId>,
    /// A moderator locked the door.
    pub locked: bool,
    /// Who left since the last time, and why.
    pub left: Vec<(Member, LeaveReason)>,
    /// The actors that serve those inside and at the door.
    pub participants: HashMap<ParticipantId, Addr<Participant>>,
}

/// What a call's parent keeps of it: enough to build it anew.
#[derive(Clone)]
pub struct Memory {
    /// Its life.
    pub life: Life,
    /// Who is in its room.
    pub roster: Roster,
    /// Which media arbiter its room is on.
    pub place: usize,
    /// Its room, where it is open.
    pub room: Option<Addr<Room>>,
    /// The recording that runs.
    pub recording: Option<LiveRecording>,
    /// The transcription that runs.
    pub transcription: Option<LiveTranscription>,
    /// What was understood before a restart of the server.
    pub language: Option<Language>,
    /// It was tried once to transcribe a room that wants it by itself.
    pub tried_to_transcribe: bool,
}

impl Memory {
    /// As the wire shows it now.
    pub fn wire(&self, now: Timestamp) -> WireCall {
        self.life.wire(&self.roster.inside, now)
    }
}

/// All that a call knows of `Calls`.
#[derive(Clone)]
pub struct CallsDoor {
    /// Takes what to keep.
    pub remember: WeakRecipient<Remember>,
    /// Takes whom to ring, or to tell that it rings no more.
    pub ring: WeakRecipient<RingDevices>,
    /// Learns of the call's end.
    pub ended: WeakRecipient<ChildEnded<CallId>>,
}
