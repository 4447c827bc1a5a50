//! Members that nobody sees: they watch, and publish nothing.

use actix::prelude::*;
use calls_media::seam::{LayerSet, TrackId};
use calls_model::ParticipantId;

use super::branches::Listener;
use super::{Packets, Room};

/// Somebody whom nobody sees wants these encodings of a track, and no others.
#[derive(Message)]
#[rtype(result = "()")]
pub struct SilentWatch {
    /// Their place among the watchers.
    pub who: ParticipantId,
    /// Of what.
    pub track: TrackId,
    /// Which; none: no more of it.
    pub layers: LayerSet,
    /// Where it goes.
    pub door: Recipient<Packets>,
}

impl Handler<SilentWatch> for Room {
    type Result = ();

    fn handle(&mut self, wish: SilentWatch, _: &mut Self::Context) {
        let records = self.is_recorder(&wish.who);
        if !records && !self.is_transcriber(&wish.who) {
            return; // it was closed meanwhile
        }
        let goes_on = !wish.layers.is_empty();
        let who = Listener::Member(wish.who);
        let changed = (self.routes).watch(wish.track, &who, wish.layers, wish.door);
        if records && goes_on {
            self.tell_recorder_clocks(wish.track);
        }
        if changed.is_some() {
            self.tell_publisher(wish.track);
        }
    }
}
