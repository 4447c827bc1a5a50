//! Where rooms are opened, and who is in them: all of one room on one media arbiter, so that media does not cross threads;
//! of a large one those, too, for whom its arbiter has no time.

use actix::prelude::*;

use super::branch::Branch;
use super::{NewRoom, Room};
use crate::participant::{NewParticipant, Participant};
use crate::port::PortHandle;
use crate::ports::MediaPorts;

/// Opens rooms where there is place for them.
pub trait Places: Send + Sync + 'static {
    /// The place for a call's room, to which so many will come back at once.
    fn choose(&self, returning: usize) -> usize;

    /// Opens a room there, soon; it tells its call.
    fn open(&self, place: usize, room: NewRoom);
}

/// Starts what a room needs, each where there is place for it.
pub trait Seats {
    /// The arbiter of the room.
    fn here(&self) -> usize;

    /// Starts who serves a newcomer to a room that has so many members, and tells on which arbiter.
    fn participant(&self, new: NewParticipant, members: usize) -> (Addr<Participant>, usize);

    /// Starts a branch of the room on that arbiter.
    fn branch(&self, place: usize, branch: Branch) -> Addr<Branch>;
}

impl Places for MediaPorts {
    fn choose(&self, returning: usize) -> usize {
        self.place_room(returning)
    }

    fn open(&self, place: usize, room: NewRoom) {
        let ports = self.clone();
        self.open_room(place, room, move |members| {
            ports.place_member(place, members)
        });
    }
}

impl MediaPorts {
    /// Opens a room there, soon. `choose` is told how many members it has, and tells where the next one goes.
    pub fn open_room(
        &self,
        here: usize,
        room: NewRoom,
        choose: impl Fn(usize) -> usize + Send + 'static,
    ) {
        let ports = self.clone();
        self.on(here, move |port| {
            let port = port.clone();
            Room::open(
                room,
                Box::new(PortSeats {
                    ports,
                    port,
                    choose,
                }),
            );
        });
    }
}

/// Seats on media ports.
struct PortSeats<Choose> {
    ports: MediaPorts,
    /// The room's own.
    port: PortHandle,
    choose: Choose,
}

impl<Choose: Fn(usize) -> usize> Seats for PortSeats<Choose> {
    fn here(&self) -> usize {
        self.port.index()
    }

    fn participant(&self, new: NewParticipant, members: usize) -> (Addr<Participant>, usize) {
        let place = (self.choose)(members);
        let participant = if place == self.here() {
            Participant::open(new, self.port.clone())
        } else {
            let start = move |port| Participant::new(new, port);
            self.ports.start_on(place, start)
        };
        (participant, place)
    }

    fn branch(&self, place: usize, branch: Branch) -> Addr<Branch> {
        self.ports.start_on(place, |_| branch)
    }
}
