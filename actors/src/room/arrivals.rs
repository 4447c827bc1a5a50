//! How people come in, and find back.

use actix::prelude::*;
use calls_media::seam::TrackId;
use calls_model::rest::Admission;
use calls_model::signal::ByeReason;
use calls_model::{LeaveReason, Member, ParticipantId};

use super::announce::Written;
use super::door::{MemberDoor, RoomDoor};
use super::membership::Newcomer;
use super::{Rejoin, Room, RoomSeat, Watch};
use crate::calls::{JoinRefused, Seat};
use crate::metrics::LIMITS_HIT;
use crate::participant::{NewParticipant, Participant, PutOut};

impl Room {
    /// Those who were here before a crash and did not find back are gone.
    pub(super) fn give_up_missing(&mut self) {
        for id in self.missing() {
            drop(self.leave(&id, LeaveReason::Crashed));
        }
        self.end_gathering();
    }

    fn missing(&self) -> Vec<ParticipantId> {
        let everybody = self.members.inside().chain(self.members.waiting());
        let ids = everybody.filter_map(|member| member.participant_id.clone());
        ids.filter(|id| !self.doors.contains_key(id)).collect()
    }

    /// Everybody is back or given up: from now on changes are told as they come.
    fn end_gathering(&mut self) {
        if !std::mem::take(&mut self.gathering) {
            return;
        }
        self.restage();
        for track in self.publishers.tracks() {
            self.tell_publisher(track);
        }
    }

    /// Gives everybody who was inside when the server went down the place that they had, to come back to.
    pub(super) fn serve_again(&mut self, ctx: &mut Context<Self>) {
        for member in std::mem::take(&mut self.unserved) {
            let Some(id) = member.participant_id.clone() else {
                continue;
            };
            self.serve(&id, member, true, true, ctx);
        }
        if self.gathering && self.missing().is_empty() {
            self.end_gathering();
        }
    }

    /// Starts the actor that serves somebody.
    fn serve(
        &mut self,
        id: &ParticipantId,
        member: Member,
        admitted: bool,
        returning: bool,
        ctx: &mut Context<Self>,
    ) -> Addr<Participant> {
        let new = NewParticipant {
            id: id.clone(),
            member,
            admitted,
            returning,
            call: self.call.clone(),
            room: RoomDoor::of(&ctx.address()),
            services: self.services.clone(),
        };
        let (participant, place) = self.seats.participant(new, self.doors.len());
        let door = MemberDoor::of(&participant, place);
        self.doors.insert(id.clone(), door);
        self.participants.insert(id.clone(), participant.clone());
        participant
    }

    /// Lets somebody in and starts the actor that serves them.
    pub(super) fn let_in(
        &mut self,
        newcomer: Newcomer,
        ctx: &mut Context<Self>,
    ) -> Result<(RoomSeat, Written), JoinRefused> {
        let (id, user_id) = (newcomer.participant_id.clone(), newcomer.user_id.clone());
        let hidden = newcomer.hidden;
        let joined = self.members.join(newcomer, self.services.clock.now());
        if let Err(JoinRefused::Full { .. }) = &joined {
            let limit = if hidden { "hidden" } else { "room" };
            metrics::counter!(LIMITS_HIT, "limit" => limit).increment(1);
        }
        let (admission, role, effects) = joined?;
        let Some(member) = self.members.anybody(&id).cloned() else {
            return Err(JoinRefused::Unreachable);
        };
        let admitted = admission == Admission::Admitted;
        let participant = self.serve(&id, member, admitted, false, ctx);
        let written = self.perform(effects);
        let call_id = self.call.call_id.clone();
        let seat = Seat {
            call_id,
            participant_id: id,
            user_id,
            role,
            admission,
        };
        Ok((RoomSeat { seat, participant }, written))
    }

    /// Takes back somebody who outlived a crash of this room.
    pub(super) fn take_back(&mut self, back: Rejoin, ctx: &mut Context<Self>) {
        let Rejoin {
            who,
            participant,
            door,
            attached,
            tracks,
            watching,
        } = back;
        let Some(user_id) = self
            .members
            .anybody(&who)
            .map(|member| member.user_id.clone())
        else {
            door.out.do_send(PutOut {
                bye: ByeReason::Lost,
            });
            return;
        };
        self.doors.insert(who.clone(), door);
        self.participants
            .extend(participant.map(|actor| (who.clone(), actor)));
        let effects = if attached {
            self.members.attach(&who)
        } else {
            Vec::new()
        };
        drop(self.perform(effects));
        let own: Vec<TrackId> = tracks.iter().map(|announced| announced.track).collect();
        self.publish(&who, &user_id, tracks);
        for &(track, layers) in &watching {
            let wish = Watch {
                who: who.clone(),
                track,
                layers,
            };
            self.watch(&wish, ctx);
        }
        let watched = watching.into_iter().map(|(track, _)| track);
        for track in own.into_iter().chain(watched) {
            self.refresh(track, ctx);
        }
        self.report();
        if self.missing().is_empty() {
            self.end_gathering();
        }
    }
}
