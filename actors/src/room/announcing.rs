//! The announcer in a room: let in for the first announcement, given what is to be said.

use actix::prelude::*;
use calls_model::{LeaveReason, ParticipantId, Role};

use super::Room;
use super::announce::Written;
use super::door::{MemberDoor, RoomDoor};
use super::membership::Newcomer;
use crate::announcer::{self, Announce, Announcer, Speech};
use crate::calls::SayRefused;

/// Say this in the room. Answered when it is on its way, with whose voice it is.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<ParticipantId, SayRefused>")]
pub struct SayInRoom {
    /// In whose name; the application itself where it is left out.
    pub by: Option<ParticipantId>,
    /// What.
    pub speech: Speech,
}

impl Room {
    /// An announcer of before a crash does not find back, and has no client that could.
    pub(super) fn dismiss_announcers(&mut self) {
        let ids: Vec<ParticipantId> = self
            .members
            .inside()
            .filter(|member| member.user_id.as_str() == announcer::USER)
            .filter_map(|member| member.participant_id.clone())
            .collect();
        self.unserved
            .retain(|member| member.user_id.as_str() != announcer::USER);
        for id in ids {
            drop(self.leave(&id, LeaveReason::Crashed));
        }
    }

    fn announcer(
        &mut self,
        ctx: &mut Context<Self>,
    ) -> Result<(ParticipantId, Addr<Announcer>, Option<Written>), SayRefused> {
        if let Some((id, announcer)) = &self.announcer
            && announcer.connected()
            && self.members.member(id).is_some()
        {
            return Ok((id.clone(), announcer.clone(), None));
        }
        let id = ParticipantId::new();
        let newcomer = Newcomer {
            participant_id: id.clone(),
            user_id: announcer::USER.parse().expect("a user id"),
            display_name: announcer::NAME.parse().ok(),
            role: Some(Role::Bot),
            guest: true,
            hidden: false,
        };
        let (_, _, effects) = self.members.join(newcomer, self.services.clock.now())?;
        let door = RoomDoor::of(&ctx.address());
        let announcer = Announcer::open(id.clone(), door, &self.services);
        self.doors
            .insert(id.clone(), MemberDoor::of(&announcer, self.seats.here()));
        self.announcer = Some((id.clone(), announcer.clone()));
        Ok((id, announcer, Some(self.perform(effects))))
    }
}

impl Handler<SayInRoom> for Room {
    type Result = ResponseActFuture<Self, Result<ParticipantId, SayRefused>>;

    fn handle(&mut self, say: SayInRoom, ctx: &mut Self::Context) -> Self::Result {
        let by = say.by.as_ref().map(|id| self.members.member(id));
        if by.is_some_and(|member| member.is_none_or(|member| !member.role.moderates())) {
            return Box::pin(actix::fut::ready(Err(SayRefused::NotModerator)));
        }
        let (id, announcer, written) = match self.announcer(ctx) {
            Ok(there) => there,
            Err(refused) => return Box::pin(actix::fut::ready(Err(refused))),
        };
        let answer = async move {
            if let Some(written) = written {
                written.await.map_err(|_| SayRefused::NotStored)?;
            }
            match announcer.send(Announce(say.speech)).await {
                Ok(true) => Ok(()),
                Ok(false) => Err(SayRefused::TooMuch),
                Err(_) => Err(SayRefused::Unreachable),
            }
        };
        Box::pin(answer.into_actor(self).map(|answer, room, _| {
            if answer == Err(SayRefused::NotStored) {
                room.undo_join(&id); // what storage does not know must not sit here
            }
            answer.map(|()| id)
        }))
    }
}
