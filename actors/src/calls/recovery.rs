//! Calls that lived when the server went down: they go on.

use std::time::Duration;

use actix::prelude::*;
use calls_model::{Call as WireCall, Language, Member, Recording, Room, UserId};
use tracing::{info, warn};

use super::Calls;
use crate::call::life::Life;
use crate::call::{IsBack, LiveRecording, Memory, Roster};
use crate::clock;

/// How long the rooms of all calls may take to open again.
const REOPEN_WITHIN: Duration = Duration::from_secs(5);

/// How often is looked whether they have.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// How long a call rings on whose devices have to come back first.
const RINGS_ON: Duration = Duration::from_secs(15);

/// A call as storage has it that lived when the server went down.
#[derive(Debug, Clone, PartialEq)]
pub struct Interrupted {
    /// The call; `participants` are those who were inside, and nobody else.
    pub call: WireCall,
    /// The room whose session it is.
    pub room: Option<Room>,
    /// Who had been inside before.
    pub past: Vec<Member>,
    /// Whom a moderator removed.
    pub removed: Vec<UserId>,
    /// Who said no.
    pub rejected: Vec<UserId>,
    /// The recording that ran.
    pub recording: Option<Recording>,
    /// What was understood, where it was transcribed.
    pub language: Option<Language>,
}

/// These calls go on: everybody who was inside has their place again, and [`GRACE`](crate::participant::GRACE) to
/// come back to it. Answered when their tokens lead there.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Recover(pub Vec<Interrupted>);

impl Calls {
    fn recover(
        &mut self,
        interrupted: Interrupted,
        ctx: &mut Context<Self>,
    ) -> Addr<crate::call::Call> {
        let Interrupted {
            mut call,
            room,
            past,
            removed,
            rejected,
            recording,
            language,
        } = interrupted;
        let now = self.services.clock.now();
        let inside = std::mem::take(&mut call.participants).into_iter().map(away);
        let roster = Roster {
            inside: inside.collect(),
            banned: removed,
            ..Roster::default()
        };
        let place = self.places.choose(roster.inside.len());
        info!(call.id = %call.call_id, members = roster.inside.len(), "call {} goes on", call.call_id);
        let memory = Memory {
            transcription: None,
            language,
            tried_to_transcribe: false,
            life: Life::recovered(call, room, &rejected, past, clock::instant() + RINGS_ON),
            roster,
            place,
            room: None,
            recording: recording.map(|recording| {
                let behind = self
                    .services
                    .studio
                    .recorded_for(&recording.recording_id, now);
                LiveRecording::recovered(recording, now, behind)
            }),
        };
        let address = self.open(memory.clone(), ctx);
        self.registry.add(address.clone(), memory.clone());
        self.registry.remember(memory); // who talks in it is busy
        address
    }
}

/// Somebody whose socket and media are gone.
fn away(member: Member) -> Member {
    Member {
        audio: false,
        video: false,
        screen: false,
        hand: false,
        reconnecting: true,
        ..member
    }
}

impl Handler<Recover> for Calls {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, Recover(all): Recover, ctx: &mut Self::Context) -> Self::Result {
        let calls: Vec<_> = all.into_iter().map(|one| self.recover(one, ctx)).collect();
        let all_back = async move {
            for call in calls {
                while !call.send(IsBack).await.unwrap_or(true) {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            }
        };
        Box::pin(async move {
            if tokio::time::timeout(REOPEN_WITHIN, all_back).await.is_err() {
                warn!("some rooms are not open yet; who comes back to them may have to ask twice");
            }
        })
    }
}
