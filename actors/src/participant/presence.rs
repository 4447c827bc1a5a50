//! Whether somebody is there: sockets that come back or do not, a room that crashed, the way out.

use std::time::Duration;

use actix::prelude::*;
use calls_model::signal::{ByeReason, Event, Presence};
use calls_model::{LeaveReason, Member, QualitySample};
use tracing::info;

use super::{ORPHANED_PULSES, Participant, UNATTACHED, up};
use crate::clock;
use crate::journal::Sampled;
use crate::metrics::{FREEZES, LIMITS_HIT, QUALITY_LOSS, QUALITY_RTT, QUALITY_SCORE};
use crate::room::door::{MemberDoor, RoomDoor};
use crate::room::{Deed, Did, Rejoin};

impl Participant {
    /// Tells the room, if it lives.
    pub(super) fn deed(&self, what: Did) {
        up(
            &self.room.deed,
            Deed {
                who: self.id.clone(),
                what,
            },
        );
    }

    /// Asks the room to be put out.
    pub(super) fn go(&mut self, reason: LeaveReason) {
        self.leaving = Some(reason);
        self.deed(Did::Leave(reason));
    }

    /// Keeps the place that long.
    pub(super) fn wait_for_return(&mut self, patience: Duration, ctx: &mut Context<Self>) {
        self.stop_waiting(ctx);
        self.away = Some(ctx.run_later(patience, |this, ctx| {
            this.away = None;
            let rings = this.call.started_at.is_none() && this.call.ended_at.is_none();
            if rings && !this.session.was_attached() {
                this.wait_for_return(UNATTACHED, ctx); // its caller may connect when it is answered
            } else {
                info!(participant.id = %this.id, "participant {} did not come back", this.id);
                this.go(LeaveReason::TimedOut);
            }
        }));
    }

    /// Somebody is there.
    pub(super) fn stop_waiting(&mut self, ctx: &mut Context<Self>) {
        if let Some(timer) = self.away.take() {
            ctx.cancel_future(timer);
        }
    }

    /// Looks whether the room still lives, and how good the connection is.
    pub(super) fn look_around(&mut self, ctx: &mut Context<Self>) {
        self.orphaned = if self.room.is_open() {
            0
        } else {
            self.orphaned + 1
        };
        if self.orphaned >= ORPHANED_PULSES {
            self.finish(ByeReason::Lost, ctx);
            return;
        }
        let Some(connection) = &self.connection else {
            return;
        };
        let now = clock::instant();
        let figures = connection.figures(now);
        let capped = connection.peer.is_capped();
        let at = self.services.clock.now();
        let look = self.quality.look(&self.id, figures, now, at);
        if let Some(quality) = look.news {
            self.deed(Did::Feel(quality));
        }
        if let Some(sample) = look.sample {
            if capped {
                metrics::counter!(LIMITS_HIT, "limit" => "bitrate").increment(1);
            }
            self.keep(sample);
        }
    }

    fn keep(&self, sample: QualitySample) {
        metrics::histogram!(QUALITY_SCORE).record(sample.score);
        metrics::histogram!(QUALITY_LOSS).record(sample.loss);
        if let Some(rtt_ms) = sample.rtt_ms {
            metrics::histogram!(QUALITY_RTT).record(f64::from(rtt_ms) / 1000.0);
        }
        metrics::counter!(FREEZES).increment(sample.freezes.into());
        self.services.scribe.sample(Sampled {
            call_id: self.call.call_id.clone(),
            sample,
        });
    }

    pub(super) fn finish(&mut self, bye: ByeReason, ctx: &mut Context<Self>) {
        self.session.bye(bye);
        if let Some(mut connection) = self.connection.take() {
            connection.close(clock::instant());
        }
        ctx.stop();
    }

    /// Keeps what an event says about the client itself and who is there.
    pub(super) fn notice(&mut self, event: &Event, ctx: &mut Context<Self>) {
        match event {
            Event::Call(call) => self.call = call.clone(),
            Event::Room(room) => self.rules = room.settings,
            Event::Admitted(_) => {
                self.admitted = true;
                if self.session.is_attached() {
                    self.deed(Did::Attach);
                }
            }
            Event::Participant(told) => {
                let Some(id) = &told.participant.participant_id else {
                    return;
                };
                if told.event == Presence::Left {
                    self.present.remove(id);
                } else {
                    self.present.insert(id.clone());
                }
                if id == &self.id {
                    self.become_member(told.participant.clone(), ctx);
                }
            }
            _ => {}
        }
    }

    pub(super) fn become_member(&mut self, member: Member, ctx: &mut Context<Self>) {
        let silenced = self.member.role.publishes() && !member.role.publishes();
        self.member = member;
        if silenced {
            self.publishing.mute_all();
            self.announce();
            self.settle(clock::instant(), ctx);
        }
    }

    /// The room was opened anew after a crash: here we are, with all that we send and watch.
    pub(super) fn find_back(&mut self, room: RoomDoor, ctx: &mut Context<Self>) {
        self.lifeline = room.lifeline(self.id.clone());
        self.room = room;
        self.outlet = None;
        let rejoin = Rejoin {
            who: self.id.clone(),
            participant: Some(ctx.address()),
            door: MemberDoor::of(&ctx.address(), self.port.index()),
            attached: self.session.is_attached() || self.sessionless,
            tracks: self.publishing.announce(),
            watching: self
                .watching
                .iter()
                .map(|(&track, &layers)| (track, layers))
                .collect(),
        };
        up(&self.room.rejoin, rejoin);
        if let Some(reason) = self.leaving {
            self.go(reason);
        }
    }
}
