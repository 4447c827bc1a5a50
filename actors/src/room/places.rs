//! Where rooms are opened: all of one room on one media arbiter, so that media never crosses threads.

use super::{NewRoom, Room};
use crate::participant::Participant;
use crate::ports::MediaPorts;

/// Opens rooms where there is place for them.
pub trait Places: Send + Sync + 'static {
    /// The place for a new call's room: the one with the least to do.
    fn choose(&self) -> usize;

    /// Opens a room there, soon; it tells its call.
    fn open(&self, place: usize, room: NewRoom);
}

impl Places for MediaPorts {
    fn choose(&self) -> usize {
        self.place()
    }

    fn open(&self, place: usize, room: NewRoom) {
        self.on(place, move |port| {
            let port = port.clone();
            Room::open(
                room,
                Box::new(move |seat| Participant::open(seat, port.clone())),
            );
        });
    }
}
