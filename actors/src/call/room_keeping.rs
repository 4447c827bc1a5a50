//! A call's room: opened, found again, opened anew after a crash, and the seats in it.

use std::time::Duration;

use actix::prelude::*;
use calls_model::CallInput;
use calls_model::rest::MaxParticipants;

use super::{Call, Seated};
use crate::calls::{JoinRefused, SayRefused, ShareRefused};
use crate::clock;
use crate::participant::RoomReopened;
use crate::room::door::{CallDoor, RoomDoor};
use crate::room::membership::{Newcomer, Rules};
use crate::room::{Adopt, JoinCall, NewRoom, Room, RoomSeat};

/// How long a room may take to open, and to let somebody in.
pub(super) const JOIN_WITHIN: Duration = Duration::from_secs(5);

impl Call {
    /// Finds the room that outlived a crash of this call, or opens one.
    pub(super) fn move_in(&mut self, ctx: &mut Context<Self>) {
        let open = self.room.borrow().clone().filter(Addr::connected);
        if let Some(room) = &open {
            room.do_send(Adopt(CallDoor::of(&ctx.address())));
        } else {
            self.open_room(ctx);
        }
        self.room.send_replace(open);
    }

    fn open_room(&self, ctx: &mut Context<Self>) {
        let room = self.life.room().cloned();
        let limit = MaxParticipants::default().get();
        let anybody = Rules {
            limit,
            waiting_room: false,
            locked: false,
            host: None,
        };
        let alive = !self.roster.participants.is_empty();
        let known = alive || !self.roster.inside.is_empty();
        let new = NewRoom {
            call: self.wire(),
            rules: room.as_ref().map_or(anybody, Rules::of),
            room,
            before: known.then(|| self.roster.clone()),
            recovered: known && !alive,
            parent: CallDoor::of(&ctx.address()),
            services: self.services.clone(),
        };
        self.places.open(self.place, new);
    }

    /// The room is there: everybody who waits may come in, everybody who outlived the last one finds back.
    pub(super) fn opened(&mut self, room: Addr<Room>) {
        let door = RoomDoor::of(&room);
        for participant in self.roster.participants.values() {
            participant.do_send(RoomReopened(door.clone()));
        }
        self.room.send_replace(Some(room));
        self.record_again();
        self.transcribe_again();
        self.tell_change(); // it may have been answered while its room was on the way
    }

    /// Opens a fresh room after a crash, unless that happened too often.
    pub(super) fn reopen(&mut self, ctx: &mut Context<Self>) {
        self.room.send_replace(None);
        if self.restarts.take(clock::instant()) {
            self.open_room(ctx);
        } else {
            self.finish_by(CallInput::Fail, ctx);
        }
    }

    /// Asks the room for a seat, once it is open.
    pub(super) fn seat(
        &self,
        newcomer: Newcomer,
    ) -> impl Future<Output = Result<RoomSeat, JoinRefused>> + use<> {
        let mut room = self.room.subscribe();
        async move {
            let open = tokio::time::timeout(JOIN_WITHIN, room.wait_for(Option::is_some)).await;
            let open = open.map_err(|_| JoinRefused::Unreachable)?;
            let room = open.map_err(|_| JoinRefused::Ended)?.clone();
            let room = room.ok_or(JoinRefused::Unreachable)?;
            let seat = room.send(JoinCall(newcomer)).timeout(JOIN_WITHIN).await;
            seat.unwrap_or(Err(JoinRefused::Unreachable))
        }
    }

    /// The room that something may be said in.
    pub(crate) fn to_say_in(&self) -> Result<Addr<Room>, SayRefused> {
        if self.life.is_over() {
            return Err(SayRefused::NotFound);
        }
        if self.life.is_unanswered() {
            return Err(SayRefused::NotAnswered);
        }
        let room = self.life.room();
        if room.is_some_and(|room| room.encryption.is_end_to_end()) {
            return Err(SayRefused::EndToEndEncrypted);
        }
        let room = self.room.borrow().clone();
        room.ok_or(SayRefused::Unreachable)
    }

    /// The room that files may be shared in.
    pub(crate) fn to_share_in(&self) -> Result<Addr<Room>, ShareRefused> {
        if self.life.is_over() {
            return Err(ShareRefused::NotFound);
        }
        if self.life.is_unanswered() {
            return Err(ShareRefused::NotAnswered);
        }
        let room = self.life.room();
        if room.is_some_and(|room| room.encryption.is_end_to_end()) {
            return Err(ShareRefused::EndToEndEncrypted);
        }
        let room = self.room.borrow().clone();
        room.ok_or(ShareRefused::Unreachable)
    }

    /// The reply for a seat. Whoever it is for can be found from now on.
    pub(super) fn seated(&mut self, RoomSeat { seat, participant }: RoomSeat) -> Seated {
        self.roster
            .participants
            .insert(seat.participant_id.clone(), participant.clone());
        self.remember();
        Seated {
            call: self.wire(),
            seat,
            participant,
        }
    }
}
