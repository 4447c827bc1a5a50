//! A call's transcription: started, stopped, and each of it written down before it is told.

use std::sync::Arc;

use actix::prelude::*;
use calls_model::signal::TranscriptionNews;
use calls_model::{CallId, CallStatus, Fact, ParticipantId, Timestamp, Transcription};
use tracing::{info, warn};

use super::Call;
use crate::calls::{StartTranscription, StopTranscription, TranscribeAsked, TranscribeRefused};
use crate::clock;
use crate::room::transcribing::{StartTranscriber, StopTranscriber, TellTranscription};
use crate::transcriber::HearingPlan;

type Answer = Result<Transcription, TranscribeRefused>;

/// From the room: the transcriber crashed too often.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct TranscriberGaveUp;

/// The transcription that runs.
#[derive(Debug, Clone)]
pub struct LiveTranscription {
    transcription: Transcription,
    plan: HearingPlan,
}

/// It has stopped, at this moment.
pub(crate) fn transcription_stopped(call: &CallId, at: Timestamp) -> Fact {
    Fact::TranscriptionStopped {
        call_id: call.clone(),
        at,
    }
}

impl Call {
    fn may_transcribe(&self, by: Option<&ParticipantId>) -> Result<(), TranscribeRefused> {
        if self.life.is_over() {
            return Err(TranscribeRefused::NotFound);
        }
        self.moderates(by)
            .then_some(())
            .ok_or(TranscribeRefused::NotModerator)
    }

    /// What starts, or why it does not.
    fn begin_transcription(
        &mut self,
        start: StartTranscription,
    ) -> Result<Transcription, TranscribeRefused> {
        self.may_transcribe(start.by.as_ref())?;
        let room = self.life.room();
        if room.is_some_and(|room| room.encryption.is_end_to_end()) {
            return Err(TranscribeRefused::EndToEndEncrypted);
        }
        if self.transcription.is_some() || self.transcription_stops {
            return Err(TranscribeRefused::AlreadyTranscribed);
        }
        let now = self.services.clock.now();
        let begun = self
            .wire()
            .started_at
            .ok_or(TranscribeRefused::NotAnswered)?;
        let phrases = match self.life.room() {
            Some(room) if start.phrases.is_empty() => room.phrases.clone(),
            _ => start.phrases,
        };
        let recogniser = &self.services.recogniser;
        let language = recogniser.admit(start.language.as_ref(), &phrases)?;
        let transcription = Transcription {
            language: language.clone(),
            phrases,
            started_at: now,
        };
        let gone = now.since(begun);
        self.transcription = Some(LiveTranscription {
            plan: HearingPlan {
                call_id: self.life.id().clone(),
                language,
                phrases: Arc::from(transcription.phrases.clone()),
                zero: clock::instant()
                    .checked_sub(gone)
                    .unwrap_or_else(clock::instant),
            },
            transcription: transcription.clone(),
        });
        Ok(transcription)
    }

    fn start_transcription(
        &mut self,
        start: StartTranscription,
    ) -> ResponseActFuture<Self, Answer> {
        let transcription = match self.begin_transcription(start) {
            Ok(transcription) => transcription,
            Err(refused) => return Box::pin(actix::fut::ready(Err(refused))),
        };
        let id = self.life.id().clone();
        info!(call.id = %id, language = %transcription.language, "{id} is transcribed");
        let written = self.record(vec![Fact::TranscriptionStarted {
            call_id: id,
            language: transcription.language.clone(),
            at: transcription.started_at,
        }]);
        self.remember();
        Box::pin(written.into_actor(self).map(move |written, call, _| {
            let runs = (call.transcription.as_ref())
                .is_some_and(|live| live.transcription == transcription);
            match written {
                Err(_) if runs => {
                    call.transcription = None;
                    call.remember();
                }
                Ok(()) if runs => {
                    call.life.set_transcription(true);
                    call.transcribe_again();
                    call.tell_change();
                }
                _ => {} // it was stopped meanwhile
            }
            written.map_err(|_| TranscribeRefused::NotStored)?;
            Ok(transcription)
        }))
    }

    fn stop_transcription(
        &mut self,
        by: Option<&ParticipantId>,
    ) -> ResponseActFuture<Self, Answer> {
        if let Err(refused) = self.may_transcribe(by) {
            return Box::pin(actix::fut::ready(Err(refused)));
        }
        let Some(live) = self.transcription.take() else {
            return Box::pin(actix::fut::ready(Err(TranscribeRefused::NotTranscribed)));
        };
        self.life.set_transcription(false);
        self.tell_transcription(TranscriptionNews::Stopped);
        self.tell_change();
        self.transcription_stops = true;
        let room = self.room.borrow().clone();
        let heard = async move {
            if let Some(room) = room {
                let _ = room.send(StopTranscriber).await; // what was said before is written down by then, mostly
            }
        };
        Box::pin(heard.into_actor(self).then(move |(), call, _| {
            let stops = std::mem::take(&mut call.transcription_stops);
            let facts = stops.then(|| call.transcription_stopped()); // else it is among the facts of the call's end
            let written = call.record(facts.into_iter().collect());
            written.into_actor(call).map(move |written, _, _| {
                written.map_err(|_| TranscribeRefused::NotStored)?;
                Ok(live.transcription)
            })
        }))
    }

    fn transcription_stopped(&self) -> Fact {
        transcription_stopped(self.life.id(), self.services.clock.now())
    }

    /// The call ends: the fact that its transcription has stopped, where one runs or is about to stop.
    pub(super) fn transcription_ends(&mut self) -> Option<Fact> {
        let stops = std::mem::take(&mut self.transcription_stops);
        let runs = self.transcription.take().is_some();
        self.life.set_transcription(false);
        (runs || stops).then(|| self.transcription_stopped())
    }

    /// A room that asks for it is transcribed as soon as somebody is inside.
    pub(super) fn transcribe_by_itself(&mut self, ctx: &mut Context<Self>) {
        let room = self.life.room();
        let call = self.wire();
        // A call that was taken up after a restart of the server says so without anybody who listens.
        let wanted = room.is_some_and(|room| room.settings.auto_transcribe) || call.transcription;
        let begun = call.status == CallStatus::Active && !self.roster.inside.is_empty();
        if !wanted || !begun || self.tried_to_transcribe {
            return;
        }
        self.tried_to_transcribe = true; // whoever stops it does not want it back
        if self.transcription.is_some() {
            return;
        }
        let start = StartTranscription {
            call_id: self.life.id().clone(),
            by: None,
            language: self.language.clone(),
            phrases: Vec::new(),
        };
        let started = self.start_transcription(start).map(|started, call, _| {
            let Err(refused) = started else {
                return;
            };
            let id = call.life.id();
            warn!(call.id = %id, "{id} should be transcribed, but is not: {refused}");
            if call.life.is_transcribed() && call.transcription.is_none() {
                call.life.set_transcription(false); // it was, before a restart
                drop(call.record(vec![call.transcription_stopped()]));
                call.tell_change();
            }
        });
        ctx.spawn(started);
    }

    /// A fresh room has no transcriber yet.
    pub(super) fn transcribe_again(&self) {
        if let (Some(live), Some(room)) = (&self.transcription, &*self.room.borrow()) {
            room.do_send(StartTranscriber(live.plan.clone()));
            room.do_send(TellTranscription {
                event: TranscriptionNews::Started,
                behind_ms: None,
            });
        }
    }

    fn tell_transcription(&self, event: TranscriptionNews) {
        if let Some(room) = &*self.room.borrow() {
            room.do_send(TellTranscription {
                event,
                behind_ms: None,
            });
        }
    }
}

// ── handlers ────────────────────────────────────────────────────────────────

impl Handler<StartTranscription> for Call {
    type Result = ResponseActFuture<Self, Answer>;

    fn handle(&mut self, start: StartTranscription, _: &mut Self::Context) -> Self::Result {
        self.start_transcription(start)
    }
}

impl Handler<StopTranscription> for Call {
    type Result = ResponseActFuture<Self, Answer>;

    fn handle(&mut self, stop: StopTranscription, _: &mut Self::Context) -> Self::Result {
        self.stop_transcription(stop.by.as_ref())
    }
}

impl Handler<TranscribeAsked> for Call {
    type Result = ResponseActFuture<Self, Answer>;

    fn handle(&mut self, asked: TranscribeAsked, _: &mut Self::Context) -> Self::Result {
        if !asked.on {
            return self.stop_transcription(Some(&asked.by));
        }
        self.start_transcription(StartTranscription {
            call_id: self.life.id().clone(),
            by: Some(asked.by),
            language: asked.language,
            phrases: Vec::new(),
        })
    }
}

impl Handler<TranscriberGaveUp> for Call {
    type Result = ();

    fn handle(&mut self, _: TranscriberGaveUp, _: &mut Self::Context) {
        if self.transcription.take().is_none() {
            return;
        }
        let id = self.life.id();
        warn!(call.id = %id, "the transcriber of {id} crashed too often; what it understood is kept");
        drop(self.record(vec![self.transcription_stopped()]));
        self.life.set_transcription(false);
        self.tell_transcription(TranscriptionNews::Failed);
        if let Some(room) = &*self.room.borrow() {
            room.do_send(StopTranscriber);
        }
        self.tell_change();
    }
}
