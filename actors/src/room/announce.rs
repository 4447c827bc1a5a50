//! What a room does about what was decided: the only place that tells members who is here.

use std::future::Future;
use std::pin::Pin;

use calls_model::signal::{
    ByeReason, Empty, Event, HandEvent, Knock, ParticipantEvent, Presence, Waiting,
};
use calls_model::{Fact, LeaveReason, Member, ParticipantId, Timestamp};
use tracing::info;

use super::membership::Effect;
use super::transcribing::LastWords;
use super::{CloseRoom, PARTICIPANTS_LEFT, Room};
use crate::call::{Roster, RosterChanged};
use crate::event::SharedEvent;
use crate::journal::JournalError;
use crate::participant::{PutOut, Told};

/// Tells when the facts of a change are true.
pub(super) type Written = Pin<Box<dyn Future<Output = Result<(), JournalError>>>>;

impl Room {
    /// Acts on decisions. Nobody needs to await what it returns.
    pub(super) fn perform(&mut self, effects: Vec<Effect>) -> Written {
        let facts = self.carry_out(effects);
        self.record(facts)
    }

    fn carry_out(&mut self, effects: Vec<Effect>) -> Vec<Fact> {
        let now = self.services.clock.now();
        let changed = !effects.is_empty();
        let facts = effects
            .into_iter()
            .filter_map(|effect| self.act(effect, now))
            .collect();
        if changed {
            self.tell_whether_moderated();
            self.report();
        }
        facts
    }

    /// Takes somebody out whose coming was never written down, so their leaving is not either.
    pub(super) fn undo_join(&mut self, id: &ParticipantId) {
        let now = self.services.clock.now();
        let effects = self.members.leave(id, LeaveReason::Crashed, now);
        let mut facts = self.carry_out(effects);
        facts.retain(|fact| !matches!(fact, Fact::ParticipantLeft { .. }));
        drop(self.record(facts));
    }

    pub(super) fn record(&self, facts: Vec<Fact>) -> Written {
        if facts.is_empty() {
            return Box::pin(std::future::ready(Ok(())));
        }
        Box::pin(self.services.scribe.record(facts))
    }

    fn act(&mut self, effect: Effect, at: Timestamp) -> Option<Fact> {
        let call_id = self.call.call_id.clone();
        match effect {
            Effect::Joined(id) => {
                let member = self.members.member(&id)?.clone();
                self.tell_others(&id, Presence::Joined, &member);
                info!(call.id = %call_id, participant.id = %id, role = ?member.role, "{id} came in");
                Some(Fact::ParticipantJoined {
                    call_id,
                    participant_id: id,
                    member,
                    at,
                })
            }
            Effect::Admitted(id) => {
                self.tell(&id, Event::Admitted(Empty {}));
                None
            }
            Effect::Updated(id) => {
                let participant = self.members.member(&id)?.clone();
                let hidden = participant.hidden;
                let event = Event::Participant(ParticipantEvent {
                    event: Presence::Updated,
                    participant,
                });
                if hidden {
                    self.tell(&id, event);
                } else {
                    self.tell_all(event);
                }
                None
            }
            Effect::MediaChanged(id) => {
                let member = self.members.member(&id)?.clone();
                Some(Fact::MediaChanged {
                    call_id,
                    participant_id: id,
                    member,
                    at,
                })
            }
            Effect::Hand(id, up) => {
                self.tell_all(Event::Hand(HandEvent {
                    participant_id: id,
                    up,
                }));
                None
            }
            Effect::RoleGiven(id, role) => {
                if role.moderates() {
                    self.tell_who_waits(&id);
                }
                Some(Fact::RoleChanged {
                    call_id,
                    participant_id: id,
                    role,
                    at,
                })
            }
            Effect::Reconnecting(id) => {
                let member = self.members.member(&id)?.clone();
                self.tell_others(&id, Presence::Reconnecting, &member);
                None
            }
            Effect::Left(member, reason) => self.see_off(*member, reason, at),
            Effect::Dismissed(id, reason) => {
                if reason == LeaveReason::Denied {
                    self.tell(&id, Event::Denied(Empty {}));
                }
                self.put_out(&id, reason);
                // They were never inside; that they shall not come in is worth remembering all the same.
                let for_good = matches!(reason, LeaveReason::Denied | LeaveReason::Removed);
                for_good.then_some(Fact::ParticipantLeft {
                    call_id,
                    participant_id: id,
                    reason,
                    at,
                })
            }
            Effect::QueueChanged => {
                self.tell_waiting();
                self.tell_moderators();
                None
            }
            Effect::Empty => None, // the call sees it in the roster
        }
    }

    fn see_off(&mut self, member: Member, reason: LeaveReason, at: Timestamp) -> Option<Fact> {
        let participant_id = member.participant_id.clone()?;
        metrics::counter!(PARTICIPANTS_LEFT, "reason" => label(reason)).increment(1);
        self.put_out(&participant_id, reason);
        self.tell_recorder_left(&participant_id);
        self.forget_media(&participant_id);
        if self.spotlight.as_ref() == Some(&participant_id) {
            self.shine_on(None);
        }
        self.tell_others(&participant_id, Presence::Left, &member);
        self.left.push((member, reason));
        let call_id = self.call.call_id.clone();
        info!(call.id = %call_id, participant.id = %participant_id, ?reason, "{participant_id} is out");
        Some(Fact::ParticipantLeft {
            call_id,
            participant_id,
            reason,
            at,
        })
    }

    fn put_out(&mut self, id: &ParticipantId, reason: LeaveReason) {
        self.participants.remove(id);
        if let Some(door) = self.doors.remove(id) {
            door.out.do_send(PutOut { bye: bye(reason) });
        }
    }

    /// Takes somebody out, for this reason.
    pub(super) fn leave(&mut self, id: &ParticipantId, reason: LeaveReason) -> Written {
        let effects = self.members.leave(id, reason, self.services.clock.now());
        self.perform(effects)
    }

    /// Puts everybody out. Nobody is told of each other's leaving. What was said last is understood meanwhile.
    pub(super) fn close(&mut self, close: CloseRoom) -> LastWords {
        let at = self.services.clock.now();
        self.close_recorder();
        let last_words = self.last_words(close.bye == ByeReason::ServerShutdown);
        self.call = close.call;
        self.tell_all(Event::Call(self.call.clone()));
        let reason = close.reason;
        let left: Vec<Member> = self.members.inside().cloned().collect();
        let call_id = &self.call.call_id;
        let facts = left
            .iter()
            .filter_map(|member| {
                let participant_id = member.participant_id.clone()?;
                let call_id = call_id.clone();
                Some(Fact::ParticipantLeft {
                    call_id,
                    participant_id,
                    reason,
                    at,
                })
            })
            .collect();
        drop(self.record(facts));
        for (_, door) in self.doors.drain() {
            door.out.do_send(PutOut { bye: close.bye });
        }
        last_words
    }

    /// Tells the call what must outlive this room.
    pub(super) fn report(&mut self) {
        let Some(call) = self.parent.roster.upgrade() else {
            return;
        };
        call.do_send(RosterChanged(Roster {
            inside: self.members.inside().cloned().collect(),
            waiting: self.members.waiting().cloned().collect(),
            banned: self.members.banned().cloned().collect(),
            hostless: self.members.hostless().cloned().collect(),
            locked: self.members.rules().locked,
            left: std::mem::take(&mut self.left),
            participants: self.participants.clone(),
        }));
    }

    /// Those at the door hear when the last who could let them in goes, and when one comes.
    fn tell_whether_moderated(&mut self) {
        let moderated = self.members.is_moderated();
        if std::mem::replace(&mut self.told_moderated, moderated) != moderated {
            self.tell_waiting();
        }
    }

    fn tell_waiting(&self) {
        let moderated = self.members.is_moderated();
        for (position, member) in (1..).zip(self.members.waiting()) {
            if let Some(id) = &member.participant_id {
                let waiting = Waiting {
                    position,
                    moderated,
                };
                self.tell(id, Event::Waiting(waiting));
            }
        }
    }

    fn tell_moderators(&self) {
        let knock = SharedEvent::new(Event::Knock(Knock {
            waiting: self.members.waiting().cloned().collect(),
        }));
        for moderator in self
            .members
            .inside()
            .filter(|member| member.role.moderates())
        {
            if let Some(id) = &moderator.participant_id {
                self.tell(id, knock.clone());
            }
        }
    }

    /// Tells a moderator who waits, if anybody does.
    pub(super) fn tell_who_waits(&self, moderator: &ParticipantId) {
        let waiting: Vec<Member> = self.members.waiting().cloned().collect();
        if !waiting.is_empty() {
            self.tell(moderator, Event::Knock(Knock { waiting }));
        }
    }

    /// Tells one.
    pub(super) fn tell(&self, id: &ParticipantId, event: impl Into<SharedEvent>) {
        if let Some(door) = self.doors.get(id) {
            door.told.do_send(Told(event.into()));
        }
    }

    /// Tells everybody inside: the same words to all.
    pub(super) fn tell_all(&self, event: impl Into<SharedEvent>) {
        self.tell_all_but(None, event);
    }

    /// Tells everybody inside but one.
    pub(super) fn tell_all_but(&self, not: Option<&ParticipantId>, event: impl Into<SharedEvent>) {
        let event = event.into();
        let ids = self
            .members
            .inside()
            .filter_map(|member| member.participant_id.as_ref());
        ids.filter(|id| Some(*id) != not)
            .for_each(|id| self.tell(id, event.clone()));
    }

    fn tell_others(&self, id: &ParticipantId, event: Presence, member: &Member) {
        if member.hidden {
            return;
        }
        let event = ParticipantEvent {
            event,
            participant: member.clone(),
        };
        self.tell_all_but(Some(id), Event::Participant(event));
    }
}

/// What a client is told when its presence ends so.
fn bye(reason: LeaveReason) -> ByeReason {
    match reason {
        LeaveReason::Left => ByeReason::Left,
        LeaveReason::Removed => ByeReason::Removed,
        LeaveReason::Kicked => ByeReason::Kicked,
        LeaveReason::Denied => ByeReason::Denied,
        LeaveReason::TimedOut => ByeReason::TimedOut,
        LeaveReason::Replaced => ByeReason::Replaced,
        LeaveReason::CallEnded => ByeReason::CallEnded,
        LeaveReason::Crashed => ByeReason::Lost,
        LeaveReason::ServerShutdown => ByeReason::ServerShutdown,
    }
}

fn label(reason: LeaveReason) -> &'static str {
    match reason {
        LeaveReason::Left => "left",
        LeaveReason::Removed => "removed",
        LeaveReason::Kicked => "kicked",
        LeaveReason::Denied => "denied",
        LeaveReason::TimedOut => "timed_out",
        LeaveReason::Replaced => "replaced",
        LeaveReason::CallEnded => "call_ended",
        LeaveReason::Crashed => "crashed",
        LeaveReason::ServerShutdown => "server_shutdown",
    }
}
