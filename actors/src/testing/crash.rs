//! Panics on demand.

use actix::prelude::*;
use calls_model::{CallId, ParticipantId};

use crate::announcer::Announcer;
use crate::call::Call;
use crate::calls::Calls;
use crate::participant::Participant;
use crate::recorder::Recorder;
use crate::room::Room;
use crate::room::branch::Branch;
use crate::transcriber::Transcriber;

/// Makes an actor panic.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Crash;

macro_rules! crashable {
    ($($actor:ty)*) => {$(
        impl Handler<Crash> for $actor {
            type Result = ();

            fn handle(&mut self, _: Crash, _: &mut Self::Context) {
                panic!("crashed on purpose");
            }
        }
    )*};
}

crashable!(Announcer Branch Call Room Participant Recorder Transcriber);

/// Makes the thread panic that writes what a recorder hears.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub(crate) struct CrashTape;

/// Makes one of those panic whom a room opened itself.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub(crate) struct CrashWithin(pub(crate) Victim);

/// Whom to crash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Victim {
    /// `Calls` itself, whatever the call.
    Registry,
    /// The call's own actor.
    Call,
    /// Its room.
    Room,
    /// Its branches on other arbiters.
    Branches,
    /// What records it.
    Recorder,
    /// The thread that writes its recording.
    Tape,
    /// What listens to it.
    Transcriber,
    /// What speaks in it.
    Announcer,
    /// One of those inside.
    Participant(ParticipantId),
}

/// Crashes an actor below `Calls`. The reply tells whether it was there.
#[derive(Debug, Clone, Message)]
#[rtype(result = "bool")]
pub struct CrashActor {
    /// In which call.
    pub call_id: CallId,
    /// Whom.
    pub victim: Victim,
}

impl Handler<CrashActor> for Calls {
    type Result = bool;

    fn handle(
        &mut self,
        CrashActor { call_id, victim }: CrashActor,
        _: &mut Self::Context,
    ) -> bool {
        assert_ne!(victim, Victim::Registry, "crashed on purpose");
        let Some((call, memory)) = self.known(&call_id) else {
            return false;
        };
        let room = memory.room.as_ref();
        match victim {
            Victim::Registry => unreachable!("it crashed above"),
            Victim::Call => {
                call.do_send(Crash);
                true
            }
            Victim::Room => room.map(|room| room.do_send(Crash)).is_some(),
            within @ (Victim::Branches
            | Victim::Recorder
            | Victim::Tape
            | Victim::Transcriber
            | Victim::Announcer) => room.map(|room| room.do_send(CrashWithin(within))).is_some(),
            Victim::Participant(id) => {
                let participant = memory.roster.participants.get(&id);
                participant
                    .map(|participant| participant.do_send(Crash))
                    .is_some()
            }
        }
    }
}
