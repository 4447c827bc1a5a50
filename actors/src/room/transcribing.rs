//! The transcriber in a room: opened, fed, opened anew after a crash, closed.

use std::time::{Duration, Instant};

use actix::prelude::*;
use actix::{WeakAddr, WeakRecipient};
use calls_model::signal::{Caption, Event, TranscriptionEvent, TranscriptionNews};
use calls_model::{Fact, ParticipantId, Unheard};
use tokio::sync::oneshot;
use tracing::warn;

use super::Room;
use crate::call::TranscriberGaveUp;
use crate::calls::{TranscribeAsked, TranscribeRefused};
use crate::clock;
use crate::lifeline::ChildEnded;
use crate::participant::StageChanged;
use crate::restarts::RestartBudget;
use crate::transcriber::{
    CloseTranscriber, GiveUp, HearingPlan, Transcriber, TranscriberDoor, TranscriberId,
};

/// How long after a crash somebody listens again.
const BACKOFF: Duration = Duration::from_millis(500);

/// So many crashes a minute, and the transcription is over.
const RESTARTS: usize = 5;

/// How long whoever stops it waits for the last words. They are written down also when they take longer.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// How long the end of a call waits for them.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(3);

/// How long it may take to give them up.
const GIVES_UP_WITHIN: Duration = Duration::from_secs(1);

/// What broke where nobody could say why.
const CRASHED: &str = "the transcriber crashed";

// ── messages ────────────────────────────────────────────────────────────────

/// Transcribe.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct StartTranscriber(pub HearingPlan);

/// Transcribe no more. Answered when all that was said is understood, five seconds later at the latest.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct StopTranscriber;

/// Tell everybody how the transcription stands.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct TellTranscription {
    /// What became of it.
    pub event: TranscriptionNews,
    /// How far it is behind.
    pub behind_ms: Option<u64>,
}

/// Tell everybody what somebody says.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct TellCaption(pub Caption);

/// Nothing is understood any more.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Deafened {
    /// Of what came from then on.
    pub since: Instant,
    /// Why.
    pub reason: String,
}

/// Comes when all that was said is handed over to be written down, or when that takes too long.
pub type LastWords = oneshot::Receiver<()>;

/// From one moment to the other nobody listened.
pub fn unheard([since, until]: [Instant; 2], zero: Instant, reason: &str) -> Unheard {
    let ms = |moment: Instant| {
        let after = moment.saturating_duration_since(zero).as_millis();
        u64::try_from(after).unwrap_or(u64::MAX)
    };
    Unheard {
        start_ms: ms(since),
        end_ms: ms(until),
        reason: reason.to_owned(),
    }
}

/// What a room keeps of the transcription that runs.
pub(super) struct Transcribed {
    plan: HearingPlan,
    budget: RestartBudget,
    /// Its place among the watchers.
    watcher: ParticipantId,
    /// Nobody where it crashed a moment ago.
    transcriber: Option<Addr<Transcriber>>,
    /// Since when nobody listens, and why.
    deaf: Option<(Instant, String)>,
}

impl Room {
    fn open_transcriber(&mut self, ctx: &mut Context<Self>) {
        let Some(kept) = self
            .transcribed
            .as_mut()
            .filter(|kept| kept.transcriber.is_none())
        else {
            return; // it was stopped meanwhile, or even started anew
        };
        let room = ctx.address().downgrade();
        let door = TranscriberDoor {
            watcher: kept.watcher.clone(),
            watch: room.clone().recipient(),
            caption: room.clone().recipient(),
            news: room.clone().recipient(),
            deaf: room.clone().recipient(),
            ended: room.recipient(),
        };
        let transcriber = Transcriber::open(kept.plan.clone(), door, self.services.clone());
        transcriber.do_send(StageChanged(self.stage.clone()));
        kept.transcriber = Some(transcriber);
        self.note_unheard();
    }

    /// Nobody listened for a while: that is a fact.
    fn note_unheard(&mut self) {
        let Some(kept) = &mut self.transcribed else {
            return;
        };
        if let Some((since, reason)) = kept.deaf.take() {
            let unheard = unheard([since, clock::instant()], kept.plan.zero, &reason);
            drop(self.record(vec![Fact::TranscriptionInterrupted {
                call_id: self.call.call_id.clone(),
                unheard,
                at: self.services.clock.now(),
            }]));
        }
    }

    /// Whoever listens at the moment.
    pub(super) fn transcriber(&self) -> Option<&Addr<Transcriber>> {
        self.transcribed.as_ref()?.transcriber.as_ref()
    }

    /// What there is to hear changed.
    pub(super) fn tell_transcriber_stage(&self) {
        if let Some(transcriber) = self.transcriber() {
            transcriber.do_send(StageChanged(self.stage.clone()));
        }
    }

    /// Who just came in hears that it is transcribed.
    pub(super) fn tell_transcribed(&self, who: &ParticipantId) {
        if self.transcribed.is_some() {
            let event = self.transcription_event(TranscriptionNews::Started, None);
            if let Some(event) = event {
                self.tell(who, event);
            }
        }
    }

    fn transcription_event(
        &self,
        event: TranscriptionNews,
        behind_ms: Option<u64>,
    ) -> Option<Event> {
        let language = self.transcribed.as_ref()?.plan.language.clone();
        Some(Event::Transcription(TranscriptionEvent {
            event,
            language,
            behind_ms,
        }))
    }

    /// Whether this is the transcriber's place among the watchers.
    pub(super) fn is_transcriber(&self, who: &ParticipantId) -> bool {
        let transcribed = self.transcribed.as_ref();
        transcribed.is_some_and(|transcribed| transcribed.watcher == *who)
    }

    /// Nobody listens any more. Gives whoever did.
    fn hush(&mut self) -> Option<Addr<Transcriber>> {
        self.note_unheard();
        let kept = self.transcribed.take()?;
        self.forget_watcher(&kept.watcher);
        let transcriber = kept.transcriber?;
        self.hushed = Some(transcriber.downgrade());
        Some(transcriber)
    }

    /// Nobody listens any more; what was said is understood first.
    fn close_transcriber(&mut self) -> impl Future<Output = ()> + use<> {
        let transcriber = self.hush();
        async move {
            if let Some(transcriber) = transcriber {
                let _ = transcriber
                    .send(CloseTranscriber)
                    .timeout(CLOSE_WITHIN)
                    .await; // it ends whether it is heard or not
            }
        }
    }

    /// The room closes. Whoever listens, or did until a moment ago, understands what was said; where the server goes
    /// down, in this time or not at all.
    pub(super) fn last_words(&mut self, goes_down: bool) -> LastWords {
        let (tell, told) = oneshot::channel();
        let before = self.hushed.as_ref().and_then(WeakAddr::upgrade);
        let transcriber = self.hush().or(before);
        actix::spawn(async move {
            if let Some(transcriber) = transcriber {
                let close = transcriber.send(CloseTranscriber);
                let closed = close.timeout(LAST_WORDS_WITHIN).await;
                if goes_down && closed.is_err() {
                    let _ = transcriber.send(GiveUp).timeout(GIVES_UP_WITHIN).await; // it ended after all
                }
            }
            let _ = tell.send(()); // nobody may be waiting
        });
        told
    }
}

// ── handlers ────────────────────────────────────────────────────────────────

impl Handler<StartTranscriber> for Room {
    type Result = ();

    fn handle(&mut self, StartTranscriber(plan): StartTranscriber, ctx: &mut Self::Context) {
        actix::spawn(self.close_transcriber()); // there is none, unless an answer was lost
        self.transcribed = Some(Transcribed {
            plan,
            budget: RestartBudget::new(RESTARTS, Duration::from_secs(60)),
            watcher: ParticipantId::new(),
            transcriber: None,
            deaf: None,
        });
        self.open_transcriber(ctx);
    }
}

impl Handler<StopTranscriber> for Room {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: StopTranscriber, _: &mut Self::Context) -> Self::Result {
        Box::pin(self.close_transcriber())
    }
}

impl Handler<TellTranscription> for Room {
    type Result = ();

    fn handle(&mut self, tell: TellTranscription, _: &mut Self::Context) {
        if let Some(event) = self.transcription_event(tell.event, tell.behind_ms) {
            self.tell_all(event);
        }
    }
}

impl Handler<TellCaption> for Room {
    type Result = ();

    fn handle(&mut self, TellCaption(caption): TellCaption, _: &mut Self::Context) {
        self.tell_all(Event::Caption(caption));
    }
}

impl Handler<TranscribeAsked> for Room {
    type Result = ResponseFuture<<TranscribeAsked as Message>::Result>;

    fn handle(&mut self, asked: TranscribeAsked, _: &mut Self::Context) -> Self::Result {
        let call = self
            .parent
            .transcribe
            .as_ref()
            .and_then(WeakRecipient::upgrade);
        Box::pin(async move {
            let call = call.ok_or(TranscribeRefused::Unreachable)?;
            let answer = call.send(asked).await;
            answer.unwrap_or(Err(TranscribeRefused::Unreachable))
        })
    }
}

impl Handler<Deafened> for Room {
    type Result = ();

    fn handle(&mut self, deaf: Deafened, _: &mut Self::Context) {
        if let Some(kept) = &mut self.transcribed {
            kept.deaf.get_or_insert((deaf.since, deaf.reason));
        }
    }
}

impl Handler<ChildEnded<TranscriberId>> for Room {
    type Result = ();

    fn handle(&mut self, child: ChildEnded<TranscriberId>, ctx: &mut Self::Context) {
        let Some(transcribed) = &mut self.transcribed else {
            return; // it was closed
        };
        let gone = transcribed.transcriber.take_if(|one| !one.connected());
        if gone.is_none() {
            return; // another one stands in its place
        }
        let now = clock::instant();
        transcribed
            .deaf
            .get_or_insert_with(|| (now, CRASHED.to_owned()));
        let goes_on = transcribed.budget.take(now);
        let watcher = transcribed.watcher.clone();
        self.forget_watcher(&watcher);
        let id = child.id.0;
        warn!(call.id = %id, ending = ?child.ending, "the transcriber of {id} ended");
        if goes_on {
            ctx.run_later(BACKOFF, Self::open_transcriber);
            return;
        }
        self.note_unheard();
        let call = self.parent.deaf.as_ref().and_then(WeakRecipient::upgrade);
        if let Some(call) = call {
            call.do_send(TranscriberGaveUp);
        }
    }
}
