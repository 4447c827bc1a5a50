//! A transcriber: a silent member of the room that passes voices on to a hearing, and tells what it understood.
//!
//! * Parent: [`Room`](crate::room::Room). Children: none; the hearing is threads behind a port.
//! * Receives [`Packets`] and [`StageChanged`] from its room, [`HearingTold`] from its hearing. Sends the room
//!   [`SilentWatch`] and [`TellCaption`]; writes what was said into the journal.
//! * Ends when its hearing is closed, or cannot go on. It may outlive its room, also where that crashed: what was said is
//!   understood.
//! * On crash, its own or the hearing's: the room opens a fresh one, a moment later, and the gap becomes a fact.

mod hearing;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix::WeakRecipient;
use actix::prelude::*;
use calls_media::seam::{Layer, LayerSet, TrackId};
use calls_model::signal::{Caption, TranscriptionNews};
use calls_model::{CallId, Fact, ParticipantId, Source, Utterance};
use tokio::sync::oneshot;
use tracing::warn;

pub use self::hearing::{
    Hearing, HearingPlan, HearingTold, NoRecogniser, Recogniser, RecogniserRefused, Voice,
};
use crate::clock;
use crate::lifeline::{ChildEnded, Lifeline};
use crate::metrics::{ActorKind, Alive, BURSTS_DROPPED};
use crate::participant::StageChanged;
use crate::room::Packets;
use crate::room::silent::SilentWatch;
use crate::room::stage::Stage;
use crate::room::transcribing::{Deafened, TellCaption, TellTranscription, unheard};
use crate::services::Services;

/// Bursts that may wait here: the room fills it, and drops where it is full.
const MAILBOX: usize = 1024;

/// Names a transcriber to its room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TranscriberId(pub CallId);

// ── messages ────────────────────────────────────────────────────────────────

/// Understand what came, and end. Answered when that is done.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct CloseTranscriber;

/// There is no more time: what it did not understand by now is a gap, and it ends.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct GiveUp;

/// All that a transcriber knows of its room. It keeps no room alive.
#[derive(Clone)]
pub struct TranscriberDoor {
    /// Its place among the watchers.
    pub watcher: ParticipantId,
    /// Takes which tracks it wants.
    pub watch: WeakRecipient<SilentWatch>,
    /// Takes what was said.
    pub caption: WeakRecipient<TellCaption>,
    /// Takes how it does.
    pub news: WeakRecipient<TellTranscription>,
    /// Learns from when on nothing is understood, before it learns of the end.
    pub deaf: WeakRecipient<Deafened>,
    /// Learns of its end.
    pub ended: WeakRecipient<ChildEnded<TranscriberId>>,
}

// ── actor ───────────────────────────────────────────────────────────────────

/// The actor behind the transcription of one call.
pub struct Transcriber {
    plan: HearingPlan,
    room: TranscriberDoor,
    services: Services,
    /// There from the start to the end.
    hearing: Option<Box<dyn Hearing>>,
    /// Nothing that came later is for it.
    closed: Option<Instant>,
    /// Nothing more comes of it.
    over: bool,
    /// Who waits for the end.
    closing: Vec<oneshot::Sender<()>>,
    watched: HashSet<TrackId>,
    _lifeline: Option<Lifeline<TranscriberId>>,
    _alive: Alive,
}

impl Transcriber {
    /// Starts one on the present arbiter.
    pub fn open(plan: HearingPlan, room: TranscriberDoor, services: Services) -> Addr<Self> {
        let ended = room.ended.upgrade();
        let id = TranscriberId(plan.call_id.clone());
        Self {
            _lifeline: ended.map(|ended| Lifeline::new(id, &ended)),
            plan,
            room,
            hearing: None,
            closed: None,
            over: false,
            closing: Vec::new(),
            watched: HashSet::new(),
            _alive: services.living.enter(ActorKind::Transcriber),
            services,
        }
        .start()
    }

    /// Listens to every microphone that is not muted, and to nothing else.
    fn follow(&mut self, stage: &Stage, ctx: &Context<Self>) {
        let Some(hearing) = &self.hearing else {
            return;
        };
        let heard = |announced: &crate::room::stage::Announced| {
            announced.source == Source::Microphone && !announced.muted
        };
        let wanted: HashMap<TrackId, Voice> = stage
            .audio
            .iter()
            .filter(|staged| heard(&staged.announced))
            .map(|staged| {
                let track = staged.announced.track;
                let voice = Voice {
                    track,
                    participant_id: staged.participant_id.clone(),
                    user_id: staged.user_id.clone(),
                };
                (track, voice)
            })
            .collect();
        let gone = self
            .watched
            .iter()
            .filter(|track| !wanted.contains_key(track));
        for &track in gone {
            hearing.hush(track);
            self.watch(track, LayerSet::NONE, ctx);
        }
        for (&track, voice) in &wanted {
            if !self.watched.contains(&track) {
                hearing.voice(voice.clone());
                self.watch(track, LayerSet::only(Layer(0)), ctx);
            }
        }
        self.watched = wanted.into_keys().collect();
    }

    fn watch(&self, track: TrackId, layers: LayerSet, ctx: &Context<Self>) {
        if let Some(room) = self.room.watch.upgrade() {
            room.do_send(SilentWatch {
                who: self.room.watcher.clone(),
                track,
                layers,
                door: ctx.address().recipient(),
            });
        }
    }

    fn caption(&self, caption: Caption) {
        if let Some(room) = self.room.caption.upgrade() {
            room.do_send(TellCaption(caption));
        }
    }

    fn news(&self, event: TranscriptionNews, behind: Option<Duration>) {
        if let Some(room) = self.room.news.upgrade() {
            let behind_ms =
                behind.map(|behind| u64::try_from(behind.as_millis()).unwrap_or(u64::MAX));
            room.do_send(TellTranscription { event, behind_ms });
        }
    }

    /// It breaks: the room learns from when on that is, and then of the end. Once it was closed, nobody else keeps that.
    fn fail(&mut self, since: Option<Instant>, reason: String, ctx: &mut Context<Self>) {
        if self.closed.is_some() {
            self.note_unheard(since, &reason);
        } else if let Some(room) = self.room.deaf.upgrade() {
            let since = since.unwrap_or_else(clock::instant);
            room.do_send(Deafened { since, reason });
        }
        self.end(ctx);
    }

    fn note_unheard(&self, since: Option<Instant>, reason: &str) {
        let until = self.closed.unwrap_or_else(clock::instant);
        let since = since.map_or(until, |since| since.min(until));
        let interrupted = Fact::TranscriptionInterrupted {
            call_id: self.plan.call_id.clone(),
            unheard: unheard([since, until], self.plan.zero, reason),
            at: self.services.clock.now(),
        };
        drop(self.services.scribe.record(vec![interrupted]));
    }

    /// It had time enough to understand what it has.
    fn give_up(&mut self, ctx: &mut Context<Self>) {
        let id = &self.plan.call_id;
        warn!(call.id = %id, "the last words of {id} were not understood in time");
        let since = self
            .hearing
            .as_ref()
            .and_then(|hearing| hearing.untold_since());
        self.note_unheard(since, "not understood in time");
        self.end(ctx);
    }

    fn end(&mut self, ctx: &mut Context<Self>) {
        self.over = true;
        ctx.stop();
    }

    /// What it hears from now on is nothing to it; what it heard before is understood, for as long as that may take.
    fn close(&mut self, ctx: &mut Context<Self>) {
        if self.closed.is_some() {
            return;
        }
        let Some(hearing) = &self.hearing else {
            self.end(ctx);
            return;
        };
        hearing.close();
        self.closed = Some(clock::instant());
        ctx.run_later(hearing.patience(), Self::give_up);
    }

    /// Somebody paused: it is written down, and shown.
    fn said(&self, utterance: Utterance) {
        self.caption(Caption {
            participant_id: utterance.participant_id.clone(),
            text: utterance.text.clone(),
            is_final: true,
            start_ms: utterance.start_ms,
            end_ms: utterance.end_ms,
        });
        drop(self.services.scribe.record(vec![Fact::UtteranceSpoken {
            call_id: self.plan.call_id.clone(),
            utterance: Box::new(utterance),
            recording_id: None,
            at: self.services.clock.now(),
        }]));
    }
}

impl Actor for Transcriber {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        let told = ctx.address().downgrade().recipient();
        match self.services.recogniser.open(&self.plan, told) {
            Ok(hearing) => self.hearing = Some(hearing),
            Err(refused) => ctx.notify(HearingTold::Failed {
                reason: refused.to_string(),
                since: None,
            }),
        }
    }

    /// Its room crashed and nobody knows it any more: what was said before is understood all the same.
    fn stopping(&mut self, ctx: &mut Self::Context) -> Running {
        if self.over || self.closed.is_some() {
            return Running::Stop;
        }
        self.close(ctx);
        if self.over {
            Running::Stop
        } else {
            Running::Continue
        }
    }
}

// ── handlers ────────────────────────────────────────────────────────────────

impl Handler<CloseTranscriber> for Transcriber {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: CloseTranscriber, ctx: &mut Self::Context) -> Self::Result {
        self.close(ctx);
        let (tell, told) = oneshot::channel();
        self.closing.push(tell);
        Box::pin(async move {
            let _ = told.await; // it may end otherwise, and then there is nothing to wait for either
        })
    }
}

impl Handler<GiveUp> for Transcriber {
    type Result = ();

    fn handle(&mut self, _: GiveUp, ctx: &mut Self::Context) {
        self.give_up(ctx);
    }
}

impl Handler<HearingTold> for Transcriber {
    type Result = ();

    fn handle(&mut self, told: HearingTold, ctx: &mut Self::Context) {
        match told {
            HearingTold::Partial(caption) => self.caption(caption),
            HearingTold::Said(utterance) => self.said(utterance),
            HearingTold::Behind(behind) => self.news(TranscriptionNews::Lagging, Some(behind)),
            HearingTold::CaughtUp => self.news(TranscriptionNews::CaughtUp, None),
            HearingTold::Failed { reason, since } => {
                let id = &self.plan.call_id;
                warn!(call.id = %id, reason, "the hearing of {id} failed: {reason}");
                self.fail(since, reason, ctx);
            }
            HearingTold::Closed => self.end(ctx),
        }
    }
}

impl Handler<StageChanged> for Transcriber {
    type Result = ();

    fn handle(&mut self, StageChanged(stage): StageChanged, ctx: &mut Self::Context) {
        let stage: Arc<Stage> = stage;
        self.follow(&stage, ctx);
    }
}

// ── hot path ────────────────────────────────────────────────────────────────

impl Handler<Packets> for Transcriber {
    type Result = ();

    fn handle(&mut self, packets: Packets, _: &mut Self::Context) {
        if let Some(hearing) = &self.hearing
            && !hearing.packets(packets.burst)
        {
            metrics::counter!(BURSTS_DROPPED, "at" => "transcriber").increment(1);
        }
    }
}
