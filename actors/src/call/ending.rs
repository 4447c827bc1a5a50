//! How a call ends: the room is closed, the facts are written, everybody is told.

use std::time::Duration;

use actix::prelude::*;
use calls_model::signal::ByeReason;
use calls_model::{Call as WireCall, CallInput, Fact, LeaveReason, Member, Timestamp, UserId};
use tokio::sync::oneshot;
use tracing::info;

use super::{Call, Roster};
use crate::calls::VerbRefused;
use crate::metrics::{CALL_SECONDS, CALLS_ENDED};
use crate::participant::PutOut;
use crate::room::{CloseRoom, Room};

/// How long a room may take to close.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// How long a call waits to hear that its last words are written down, or take too long. The room knows before.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(5);

/// How long a call waits for its end to be written down before it is forgotten.
const STORE_WITHIN: Duration = Duration::from_secs(5);

/// Tells when the end is written down, or that it was not in time.
type Written = oneshot::Receiver<bool>;

impl Call {
    /// Ends the call by itself. What has ended is left alone.
    pub(super) fn finish_by(&mut self, input: CallInput, ctx: &mut Context<Self>) {
        let rung = self.life.rung();
        let Ok(facts) = self.life.end_by(input, self.services.clock.now()) else {
            return;
        };
        if !facts.is_empty() {
            drop(self.finish(
                rung,
                facts,
                LeaveReason::CallEnded,
                ByeReason::CallEnded,
                ctx,
            ));
        }
    }

    /// Ends a call that could not give its caller a seat. What was never stored has no end to be stored.
    pub(super) fn fail_to_begin(&mut self, unknown: bool, ctx: &mut Context<Self>) {
        let rung = self.life.rung();
        let now = self.services.clock.now();
        let Ok(facts) = self.life.end_by(CallInput::Fail, now) else {
            return;
        };
        let facts = if unknown { Vec::new() } else { facts };
        drop(self.finish(
            rung,
            facts,
            LeaveReason::CallEnded,
            ByeReason::CallEnded,
            ctx,
        ));
    }

    /// After `reject`, `cancel` and `end`: facts are written, devices fall silent, and if it is over, it ends.
    pub(super) fn after_verb(
        &mut self,
        done: Result<(Vec<UserId>, Vec<Fact>), VerbRefused>,
        ctx: &mut Context<Self>,
    ) -> ResponseFuture<Result<WireCall, VerbRefused>> {
        let (users, facts) = match done {
            Ok(done) => done,
            Err(refused) => return Box::pin(std::future::ready(Err(refused))),
        };
        if !self.life.is_over() {
            let written = self.record(facts);
            self.tell_change();
            self.hush(users);
            let call = self.wire();
            return Box::pin(async move {
                written
                    .await
                    .map(|()| call)
                    .map_err(|_| VerbRefused::NotStored)
            });
        }
        let written = (!facts.is_empty()).then(|| {
            self.finish(
                users,
                facts,
                LeaveReason::CallEnded,
                ByeReason::CallEnded,
                ctx,
            )
        });
        let call = self.wire();
        Box::pin(async move {
            match written {
                None => Ok(call), // it had ended before
                Some(written) => match written.await {
                    Ok(true) => Ok(call),
                    _ => Err(VerbRefused::NotStored),
                },
            }
        })
    }

    /// Closes the room, then writes what was said last, then these facts, then stops. A crash meanwhile takes none of them.
    /// `rung` are told that it rings no more.
    pub(super) fn finish(
        &mut self,
        rung: Vec<UserId>,
        mut facts: Vec<Fact>,
        reason: LeaveReason,
        bye: ByeReason,
        ctx: &mut Context<Self>,
    ) -> Written {
        let (tell, written) = oneshot::channel();
        facts.splice(0..0, self.recording_ends());
        facts.splice(0..0, self.transcription_ends());
        let now = self.services.clock.now();
        self.life.close_roster(&self.roster.inside, now);
        let call = self.wire();
        note_end(&call);
        self.remember();
        self.hush(rung);

        let closing = Closing {
            room: self.room.borrow().clone(),
            roster: self.roster.clone(),
            order: CloseRoom { reason, bye, call },
        };
        let scribe = self.services.scribe.clone();
        let end = async move {
            let facts = closing.close(now).await.into_iter().chain(facts).collect();
            drop(scribe.record(facts)); // an end becomes true, however long that takes
            // Until storage knows, whoever asks must still find the call here.
            let flushed = tokio::time::timeout(STORE_WITHIN, scribe.flushed()).await;
            flushed.is_ok_and(|flushed| flushed.is_ok())
        };
        let (done, over) = oneshot::channel();
        actix::spawn(async move {
            let _ = done.send(end.await); // it crashed meanwhile
        });
        ctx.spawn(over.into_actor(self).map(|stored, _, ctx| {
            let _ = tell.send(stored == Ok(true)); // nobody may be waiting
            ctx.stop();
        }));
        written
    }
}

/// Counts and logs an end.
fn note_end(call: &WireCall) {
    let Some(reason) = call.end_reason else {
        return;
    };
    let label = serde_json::to_value(reason).ok();
    let label = label
        .as_ref()
        .and_then(|label| label.as_str())
        .unwrap_or("failed")
        .to_owned();
    info!(call.id = %call.call_id, reason = label, "call {} ended: {label}", call.call_id);
    metrics::counter!(CALLS_ENDED, "reason" => label).increment(1);
    let seconds = u32::try_from(call.duration_seconds).unwrap_or(u32::MAX);
    metrics::histogram!(CALL_SECONDS).record(f64::from(seconds));
}

/// Everybody is put out.
pub(crate) struct Closing {
    /// The room, where there is one.
    pub(crate) room: Option<Addr<Room>>,
    /// Who was last known to be inside.
    pub(crate) roster: Roster,
    /// What the room is told.
    pub(crate) order: CloseRoom,
}

impl Closing {
    /// Lets the room put everybody out and hand over the facts of it, and what was said last. Returns those facts where
    /// the room cannot.
    pub(crate) async fn close(self, at: Timestamp) -> Vec<Fact> {
        let CloseRoom {
            reason,
            bye,
            ref call,
        } = self.order;
        let call_id = call.call_id.clone();
        if let Some(room) = self.room
            && let Ok(last_words) = room.send(self.order).timeout(CLOSE_WITHIN).await
        {
            let _ = tokio::time::timeout(LAST_WORDS_WITHIN, last_words).await; // else they are written down later
            return Vec::new();
        }
        for participant in self.roster.participants.values() {
            participant.do_send(PutOut { bye });
        }
        let left = |member: &Member| {
            let (call_id, participant_id) = (call_id.clone(), member.participant_id.clone()?);
            Some(Fact::ParticipantLeft {
                call_id,
                participant_id,
                reason,
                at,
            })
        };
        self.roster.inside.iter().filter_map(left).collect()
    }
}
