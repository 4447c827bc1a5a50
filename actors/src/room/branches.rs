//! Branches of a large room: who of its members watches from another arbiter.

use std::collections::HashMap;
use std::time::Duration;

use actix::prelude::*;
use calls_media::seam::{LayerSet, TrackId};
use calls_model::ParticipantId;

use super::branch::{Branch, Reroute};
use super::routes::Routes;
use super::{Packets, Room, Watch};
use crate::clock;
use crate::lifeline::{ChildEnded, Ending, Lifeline};
use crate::metrics::ActorKind;
use crate::restarts::RestartBudget;

/// How long a branch rests that crashes again and again.
const REST: Duration = Duration::from_secs(5);

/// Who takes a burst from the room itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Listener {
    /// Somebody on the room's own arbiter.
    Member(ParticipantId),
    /// All who watch from that arbiter.
    Branch(usize),
}

/// The branches of one room, by arbiter.
pub(super) type Branches = HashMap<usize, KeptBranch>;

/// A branch, and what it was told, for the one that comes after a crash of it.
pub(super) struct KeptBranch {
    pub(super) branch: Addr<Branch>,
    routes: Routes<ParticipantId, Recipient<Packets>>,
    budget: RestartBudget,
    /// It crashed too often, and has no successor yet.
    resting: bool,
}

impl KeptBranch {
    fn new(branch: Addr<Branch>) -> Self {
        Self {
            branch,
            routes: Routes::default(),
            budget: RestartBudget::three_a_minute(),
            resting: false,
        }
    }
}

impl Room {
    /// Changes a route to that arbiter. Returns whether all together want other encodings now.
    pub(super) fn route(
        &mut self,
        wish: &Watch,
        place: usize,
        door: Recipient<Packets>,
        ctx: &mut Context<Self>,
    ) -> bool {
        let &Watch {
            ref who,
            track,
            layers,
        } = wish;
        if place == self.seats.here() {
            let who = Listener::Member(who.clone());
            return self.routes.watch(track, &who, layers, door).is_some();
        }
        if !self.branches.contains_key(&place) {
            let branch = KeptBranch::new(self.grow(place, ctx));
            self.branches.insert(place, branch);
        }
        let Some(one) = self.branches.get_mut(&place) else {
            return false;
        };
        one.branch.do_send(Reroute::Watch {
            who: who.clone(),
            track,
            layers,
            door: door.clone(),
        });
        let wanted = one.routes.watch(track, who, layers, door);
        let Some(wanted) = wanted.filter(|_| !one.resting) else {
            return false;
        };
        let door = one.branch.clone().recipient();
        let branch = Listener::Branch(place);
        self.routes.watch(track, &branch, wanted, door).is_some()
    }

    /// Nothing more for somebody.
    pub(super) fn forget_watcher(&mut self, who: &ParticipantId) {
        let mut changed = self.routes.forget_watcher(&Listener::Member(who.clone()));
        for (&place, one) in &mut self.branches {
            one.branch.do_send(Reroute::Left(who.clone()));
            let fewer = one.routes.forget_watcher(who);
            if one.resting {
                continue;
            }
            for (track, wanted) in fewer {
                let (branch, door) = (Listener::Branch(place), one.branch.clone().recipient());
                let wanted = self.routes.watch(track, &branch, wanted, door);
                changed.extend(wanted.map(|wanted| (track, wanted)));
            }
        }
        for (track, _) in changed {
            self.tell_publisher(track);
        }
    }

    /// A track is gone.
    pub(super) fn forget_routes(&mut self, track: TrackId) {
        self.routes.forget_track(track);
        for one in self.branches.values_mut() {
            one.routes.forget_track(track);
            one.branch.do_send(Reroute::Ended(track));
        }
    }

    /// Who watches a track, wherever they are.
    pub(super) fn watchers(&self, track: TrackId) -> impl Iterator<Item = &ParticipantId> {
        let here = self.routes.watchers(track).iter();
        let here = here.filter_map(|watcher| match &watcher.who {
            Listener::Member(who) => Some(who),
            Listener::Branch(_) => None,
        });
        let elsewhere = self.branches.values();
        let elsewhere = elsewhere.flat_map(move |one| one.routes.watchers(track));
        here.chain(elsewhere.map(|watcher| &watcher.who))
    }

    /// Starts a branch on that arbiter.
    fn grow(&self, place: usize, ctx: &mut Context<Self>) -> Addr<Branch> {
        let room = ctx.address();
        let lifeline = Lifeline::new(place, &room.clone().recipient());
        let alive = self.services.living.enter(ActorKind::Branch);
        let branch = Branch::new(room.downgrade().recipient(), lifeline, alive);
        self.seats.branch(place, branch)
    }

    /// Puts a fresh branch where one crashed.
    fn grow_again(&mut self, place: usize, ctx: &mut Context<Self>) {
        let branch = self.grow(place, ctx);
        let Some(one) = self.branches.get_mut(&place) else {
            return;
        };
        one.branch = branch.clone();
        one.resting = false;
        for (track, watcher) in one.routes.all() {
            branch.do_send(Reroute::Watch {
                who: watcher.who.clone(),
                track,
                layers: watcher.layers,
                door: watcher.door.clone(),
            });
        }
        for (track, layers) in one.routes.all_wanted() {
            let (listener, door) = (Listener::Branch(place), branch.clone().recipient());
            if self.routes.watch(track, &listener, layers, door).is_some() {
                self.tell_publisher(track);
            }
            self.refresh(track, ctx);
        }
    }

    /// Sends nothing where nobody takes it.
    fn rest(&mut self, place: usize) {
        let Some(one) = self.branches.get_mut(&place) else {
            return;
        };
        one.resting = true;
        let (tracks, branch) = (one.routes.all_wanted(), one.branch.clone());
        for (track, _) in tracks {
            let (listener, door) = (Listener::Branch(place), branch.clone().recipient());
            let fewer = (self.routes).watch(track, &listener, LayerSet::NONE, door);
            if fewer.is_some() {
                self.tell_publisher(track);
            }
        }
    }
}

impl Handler<ChildEnded<usize>> for Room {
    type Result = ();

    fn handle(&mut self, child: ChildEnded<usize>, ctx: &mut Self::Context) {
        let ChildEnded { id: place, ending } = child;
        let Some(one) = self.branches.get_mut(&place) else {
            return;
        };
        if ending == Ending::Finished {
            return; // its arbiter did, and all who were there
        }
        let again = one.budget.take(clock::instant());
        let call = &self.call.call_id;
        tracing::error!(call.id = %call, place, again, "branch of a room crashed");
        if again {
            self.grow_again(place, ctx);
        } else {
            self.rest(place);
            ctx.run_later(REST, move |room, ctx| room.grow_again(place, ctx));
        }
    }
}
