//! A branch of a large room on another arbiter: takes each burst once, and hands it to everybody who watches there.
//!
//! * Parent: [`Room`](super::Room). Children: none.
//! * Receives [`Packets`] and [`Reroute`] from its room. Sends packets on to participants, and asks the room for a key frame
//!   where somebody's mailbox is full.
//! * Ends when its room drops it.
//! * On crash: the room starts a fresh one and tells it who watches what.

use actix::WeakRecipient;
use actix::prelude::*;
use calls_media::seam::{LayerSet, TrackId};
use calls_model::ParticipantId;

use super::routes::Routes;
use super::{KeyframeWanted, Packets};
use crate::lifeline::Lifeline;
use crate::metrics::{Alive, BURSTS_DROPPED};

/// Messages a branch may have waiting before it drops media: no more than who watches here could take at once.
const MAILBOX: usize = 512;

/// Who watches what here changed.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub(super) enum Reroute {
    /// Somebody wants these encodings of a track, and no others.
    Watch {
        who: ParticipantId,
        track: TrackId,
        layers: LayerSet,
        door: Recipient<Packets>,
    },
    /// Nothing more for somebody.
    Left(ParticipantId),
    /// A track is gone.
    Ended(TrackId),
}

/// The actor that stands for a room on another arbiter.
pub struct Branch {
    routes: Routes<ParticipantId, Recipient<Packets>>,
    keyframe: WeakRecipient<KeyframeWanted>,
    _lifeline: Lifeline<usize>,
    _alive: Alive,
}

impl Branch {
    /// One that nobody watches from yet; `lifeline` bears the arbiter's number.
    pub(super) fn new(
        keyframe: WeakRecipient<KeyframeWanted>,
        lifeline: Lifeline<usize>,
        alive: Alive,
    ) -> Self {
        Self {
            routes: Routes::default(),
            keyframe,
            _lifeline: lifeline,
            _alive: alive,
        }
    }
}

impl Actor for Branch {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
    }
}

impl Handler<Reroute> for Branch {
    type Result = ();

    fn handle(&mut self, change: Reroute, _: &mut Self::Context) {
        // What all together want, the room adds up.
        match change {
            Reroute::Watch {
                who,
                track,
                layers,
                door,
            } => drop(self.routes.watch(track, &who, layers, door)),
            Reroute::Left(who) => drop(self.routes.forget_watcher(&who)),
            Reroute::Ended(track) => self.routes.forget_track(track),
        }
    }
}

// ── hot path ────────────────────────────────────────────────────────────────

impl Handler<Packets> for Branch {
    type Result = ();

    fn handle(&mut self, packets: Packets, _: &mut Self::Context) {
        let packets = Packets {
            burst: packets.burst.copied(),
            ..packets
        };
        let dropped = self.routes.send(&packets);
        if dropped > 0 {
            metrics::counter!(BURSTS_DROPPED, "at" => "branch").increment(dropped);
            if let (Some(room), Some(wanted)) = (self.keyframe.upgrade(), packets.missed()) {
                let _ = room.try_send(wanted); // the next burst that is dropped asks again
            }
        }
    }
}
