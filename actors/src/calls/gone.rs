//! Rooms that are over: a join that was under way meanwhile must not begin a session in one.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use calls_model::RoomId;

/// How long they are remembered: longer than a request is under way that read the room from storage before.
const REMEMBERED: Duration = Duration::from_secs(60);

/// The rooms that were deleted, or ended with their session, a moment ago.
#[derive(Debug, Default)]
pub(super) struct GoneRooms {
    order: VecDeque<(Instant, RoomId)>,
    ids: HashSet<RoomId>,
}

impl GoneRooms {
    /// This room is over.
    pub(super) fn add(&mut self, room: &RoomId, now: Instant) {
        while let Some((at, old)) = self.order.front()
            && now.saturating_duration_since(*at) > REMEMBERED
        {
            self.ids.remove(old);
            self.order.pop_front();
        }
        if self.ids.insert(room.clone()) {
            self.order.push_back((now, room.clone()));
        }
    }

    /// It is over.
    pub(super) fn has(&self, room: &RoomId) -> bool {
        self.ids.contains(room)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_long_gone_takes_no_room() {
        let (mut gone, now) = (GoneRooms::default(), Instant::now());
        let (old, new) = (RoomId::new(), RoomId::new());
        gone.add(&old, now);
        assert!(gone.has(&old) && !gone.has(&new));
        gone.add(&new, now + 2 * REMEMBERED);
        assert!(gone.has(&new) && !gone.has(&old));
        assert_eq!((gone.order.len(), gone.ids.len()), (1, 1));
    }
}
