//! A call's recording: started, paused, stopped, and each of it written down before it is told.

mod live;

use std::time::Duration;

use actix::prelude::*;
use calls_model::signal::RecordingNews;
use calls_model::{
    Fact, ParticipantId, Recording, RecordingId, RecordingInput, RecordingMode, RecordingStatus,
    Stopwatch,
};
use tracing::{info, warn};

pub use self::live::LiveRecording;
use super::Call;
use crate::calls::{
    PauseRecording, RecordAsked, RecordRefused, RecordingLive, StartRecording, StopRecording,
};
use crate::clock;
use crate::metrics::RECORDING_STARTS_FAILED;
use crate::recorder::{PauseRecorder, Plan, ROLLS_WITHIN};
use crate::room::recording::{StartRecorder, StopRecorder, TellRecording};

type Answer = Result<Recording, RecordRefused>;

/// How long the first packet may take of a call that is recorded from when it was answered: they still connect.
const CONNECTS_WITHIN: Duration = Duration::from_secs(60);

/// How long an answer waits for what it says to be written down.
const STORED_WITHIN: Duration = Duration::from_secs(5);

/// From the room: the recorder crashed too often.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct RecorderGaveUp(pub RecordingId);

impl Call {
    fn may_record(&self, by: Option<&ParticipantId>) -> Result<(), RecordRefused> {
        if self.life.is_over() {
            return Err(RecordRefused::NotFound);
        }
        self.moderates(by)
            .then_some(())
            .ok_or(RecordRefused::NotModerator)
    }

    fn may_start(&self, start: &StartRecording) -> Result<(), RecordRefused> {
        self.may_record(start.by.as_ref())?;
        let room = self.life.room();
        if room.is_some_and(|room| room.encryption.is_end_to_end()) {
            return Err(RecordRefused::EndToEndEncrypted);
        }
        if room.is_some_and(|room| !room.settings.allow_recording) {
            return Err(RecordRefused::NotAllowed);
        }
        if let Some(live) = &self.recording {
            let recording_id = live.id().clone();
            return Err(RecordRefused::AlreadyRecording { recording_id });
        }
        if self.life.is_unanswered() {
            return Err(RecordRefused::NotAnswered);
        }
        Ok(self.services.studio.admit()?)
    }

    /// Begins what the caller wished for, once somebody has answered.
    pub(super) fn record_as_wished(&mut self, ctx: &mut Context<Self>) {
        let Some(mode) = self.life.take_recording_wish(&self.roster.inside) else {
            return;
        };
        let start = StartRecording {
            call_id: self.life.id().clone(),
            by: None,
            mode,
            layout: None,
            live: false,
            participants: Vec::new(),
        };
        let started = self.start_recording(start, CONNECTS_WITHIN);
        ctx.spawn(started.map(|started, call: &mut Self, _| {
            if let Err(refused) = started {
                let id = call.life.id();
                warn!(call.id = %id, "call {id} is not recorded as was wished: {refused}");
            }
        }));
    }

    fn start_recording(
        &mut self,
        start: StartRecording,
        within: Duration,
    ) -> ResponseActFuture<Self, Answer> {
        if let Err(refused) = self.may_start(&start) {
            if let RecordRefused::Studio(_) = refused {
                metrics::counter!(RECORDING_STARTS_FAILED).increment(1);
            }
            return Box::pin(actix::fut::ready(Err(refused)));
        }
        let now = self.services.clock.now();
        let pictures = start.mode.has_pictures();
        let recording = Recording {
            recording_id: RecordingId::new(),
            call_id: self.life.id().clone(),
            mode: start.mode,
            status: RecordingStatus::Requested,
            paused: false,
            layout: pictures.then(|| start.layout.unwrap_or_default()),
            next_layout: None,
            live: pictures && start.live,
            participants: start.participants,
            requested_at: now,
            started_at: None,
            begins_at: None,
            duration_seconds: 0,
            size_bytes: 0,
            files: Vec::new(),
            progress: 0,
            error: None,
            transcript: None,
        };
        let plan = Plan::of(&recording, clock::instant());
        let requested = self.record(vec![Fact::RecordingRequested {
            recording: Box::new(recording.clone()),
        }]);
        self.recording = Some(LiveRecording {
            recording,
            plan: plan.clone(),
            time: Stopwatch::default(),
            by: start.by,
        });
        self.remember();
        let mut room = self.room.subscribe();
        let rolling = async move {
            if requested.await.is_err() {
                return Err(RecordRefused::NotStored);
            }
            let open = room.wait_for(Option::is_some).await;
            let room = open.ok().and_then(|room| room.clone());
            let room = room.ok_or(RecordRefused::Unreachable)?;
            let start = StartRecorder {
                plan,
                paused: false,
                within,
            };
            match room.send(start).await {
                Ok(rolling) => rolling.map_err(|reason| RecordRefused::NotStarted { reason }),
                Err(_) => Err(RecordRefused::Unreachable),
            }
        };
        Box::pin(
            rolling
                .into_actor(self)
                .then(|rolling, call, _| call.after_start(rolling)),
        )
    }

    /// The first packet is on disk, or never will be.
    fn after_start(
        &mut self,
        rolling: Result<(), RecordRefused>,
    ) -> ResponseActFuture<Self, Answer> {
        let at = self.services.clock.now();
        let Some(live) = &mut self.recording else {
            return Box::pin(actix::fut::ready(Err(RecordRefused::NotFound))); // the call ended meanwhile
        };
        let id = live.id().clone();
        if let Err(refused) = rolling {
            metrics::counter!(RECORDING_STARTS_FAILED).increment(1);
            let fact = live.failed(&refused, at);
            warn!(recording.id = %id, "recording {id} did not start: {refused}");
            if refused != RecordRefused::NotStored {
                drop(self.record(vec![fact]));
            }
            self.recording = None;
            self.remember();
            if let Some(room) = &*self.room.borrow() {
                room.do_send(StopRecorder);
            }
            // Whoever looks after the answer finds that it failed.
            let flushed = tokio::time::timeout(STORED_WITHIN, self.services.scribe.flushed());
            let told = async move {
                let _ = flushed.await; // the scribe goes on trying
                Err(refused)
            };
            return Box::pin(told.into_actor(self));
        }
        live.advance(RecordingInput::Start);
        live.recording.started_at = Some(at);
        live.time = live.time.run(at);
        let recording = live.recording.clone();
        info!(recording.id = %id, mode = ?recording.mode, "recording {id} runs");
        let written = self.record(vec![Fact::RecordingStarted {
            call_id: recording.call_id.clone(),
            recording_id: id,
            at,
        }]);
        let told = async move { written.await.is_ok() };
        Box::pin(told.into_actor(self).map(move |stored, call, _| {
            if !stored {
                metrics::counter!(RECORDING_STARTS_FAILED).increment(1);
                // It was asked for, and that is stored: it must not be taken for one that was left behind.
                let live = call.recording.as_ref();
                let failed = live.map(|live| live.failed(&RecordRefused::NotStored, at));
                if let Some(failed) = failed {
                    drop(call.record(vec![failed]));
                }
                call.drop_recording();
                if let Some(room) = &*call.room.borrow() {
                    room.do_send(StopRecorder); // who was told that it failed must not be recorded
                }
                return Err(RecordRefused::NotStored);
            }
            call.life.set_recording(true);
            call.tell_recording(RecordingNews::Started);
            call.tell_change();
            Ok(recording)
        }))
    }

    fn pause_recording(&mut self, pause: &PauseRecording) -> ResponseActFuture<Self, Answer> {
        if let Err(refused) = self.may_record(pause.by.as_ref()) {
            return Box::pin(actix::fut::ready(Err(refused)));
        }
        let at = self.services.clock.now();
        let room = self.room.borrow().clone();
        let Some(live) = self.recording.as_mut().filter(|live| live.is_active()) else {
            return Box::pin(actix::fut::ready(Err(RecordRefused::NotRecording)));
        };
        if live.recording.paused == pause.paused {
            return Box::pin(actix::fut::ready(Ok(live.shown(at))));
        }
        live.pause(pause.paused, at);
        live.by.clone_from(&pause.by);
        let recording = live.shown(at);
        // What is not to be heard is left out at once; what is to be heard again, once everybody can know of that.
        if let (true, Some(room)) = (pause.paused, room) {
            room.do_send(PauseRecorder(true));
        }
        let written = self.record(vec![Fact::RecordingPaused {
            call_id: recording.call_id.clone(),
            recording_id: recording.recording_id.clone(),
            paused: pause.paused,
            at,
        }]);
        self.remember();
        Box::pin(
            written
                .into_actor(self)
                .map(move |written, call, _| call.after_pause(recording, written.is_ok())),
        )
    }

    /// That it is paused, or not any more, is written; or it never will be, and it stays as it was.
    fn after_pause(&mut self, recording: Recording, written: bool) -> Answer {
        let at = self.services.clock.now();
        let room = self.room.borrow().clone();
        let Some(live) = &mut self.recording else {
            return Err(RecordRefused::NotRecording); // the call ended meanwhile
        };
        if *live.id() != recording.recording_id || live.recording.paused != recording.paused {
            return written.then_some(recording).ok_or(RecordRefused::NotStored); // others have their say now
        }
        if !written {
            live.pause(!recording.paused, at);
            self.remember();
        }
        if let (true, Some(room)) = (recording.paused != written, room) {
            room.do_send(PauseRecorder(false));
        }
        if !written {
            return Err(RecordRefused::NotStored);
        }
        self.tell_recording(if recording.paused {
            RecordingNews::Paused
        } else {
            RecordingNews::Resumed
        });
        Ok(recording)
    }

    fn stop_recording(&mut self, by: Option<&ParticipantId>) -> ResponseActFuture<Self, Answer> {
        if let Err(refused) = self.may_record(by) {
            return Box::pin(actix::fut::ready(Err(refused)));
        }
        let Some(live) = self.recording.as_ref().filter(|live| live.is_active()) else {
            return Box::pin(actix::fut::ready(Err(RecordRefused::NotRecording)));
        };
        let (id, by) = (live.id().clone(), by.cloned());
        let room = self.room.borrow().clone();
        let closed = async move {
            if let Some(room) = room {
                let _ = room.send(StopRecorder).await; // what a crash left open is closed later
            }
        };
        Box::pin(
            closed
                .into_actor(self)
                .then(move |(), call, _| call.after_stop(&id, by)),
        )
    }

    fn after_stop(
        &mut self,
        id: &RecordingId,
        by: Option<ParticipantId>,
    ) -> ResponseActFuture<Self, Answer> {
        let Some(live) = self.recording.as_mut().filter(|live| live.id() == id) else {
            return Box::pin(actix::fut::ready(Err(RecordRefused::NotRecording))); // somebody else was quicker
        };
        live.advance(RecordingInput::Stop);
        live.by = by;
        let recording = live.stopped(self.services.clock.now());
        let written = self.record(vec![recording.1]);
        self.drop_recording();
        let recording = recording.0;
        Box::pin(written.into_actor(self).map(move |written, _, _| {
            written.map_err(|_| RecordRefused::NotStored)?;
            Ok(recording)
        }))
    }

    /// The call ends: the fact that its recording has stopped, where one runs.
    pub(super) fn recording_ends(&mut self) -> Option<Fact> {
        let now = self.services.clock.now();
        let fact = self.recording.take().map(|live| live.ended(now));
        self.life.set_recording(false);
        fact
    }

    /// A fresh room has no recorder yet.
    pub(super) fn record_again(&self) {
        let (Some(live), Some(room)) = (&self.recording, &*self.room.borrow()) else {
            return;
        };
        if !live.is_active() {
            return; // whoever starts it waits for the room as well
        }
        let paused = live.recording.paused;
        room.do_send(TellRecording {
            event: live.event(RecordingNews::Started),
            goes_on: true,
        });
        room.do_send(StartRecorder {
            plan: live.plan.clone(),
            paused,
            within: ROLLS_WITHIN,
        });
    }

    /// Tells everybody that nothing is recorded any more.
    fn drop_recording(&mut self) {
        self.tell_recording(RecordingNews::Stopped);
        self.recording = None;
        self.life.set_recording(false);
        self.tell_change();
    }

    fn tell_recording(&self, news: RecordingNews) {
        let (Some(live), Some(room)) = (&self.recording, &*self.room.borrow()) else {
            return;
        };
        room.do_send(TellRecording {
            event: live.event(news),
            goes_on: !matches!(news, RecordingNews::Stopped | RecordingNews::Failed),
        });
    }
}

// ── handlers ────────────────────────────────────────────────────────────────

impl Handler<StartRecording> for Call {
    type Result = ResponseActFuture<Self, Answer>;

    fn handle(&mut self, start: StartRecording, _: &mut Self::Context) -> Self::Result {
        self.start_recording(start, ROLLS_WITHIN)
    }
}

impl Handler<PauseRecording> for Call {
    type Result = ResponseActFuture<Self, Answer>;

    fn handle(&mut self, pause: PauseRecording, _: &mut Self::Context) -> Self::Result {
        self.pause_recording(&pause)
    }
}

impl Handler<StopRecording> for Call {
    type Result = ResponseActFuture<Self, Answer>;

    fn handle(&mut self, stop: StopRecording, _: &mut Self::Context) -> Self::Result {
        self.stop_recording(stop.by.as_ref())
    }
}

impl Handler<RecordAsked> for Call {
    type Result = ResponseActFuture<Self, Answer>;

    fn handle(&mut self, asked: RecordAsked, _: &mut Self::Context) -> Self::Result {
        if !asked.on {
            return self.stop_recording(Some(&asked.by));
        }
        let start = StartRecording {
            call_id: self.life.id().clone(),
            by: Some(asked.by),
            mode: asked.mode.unwrap_or(RecordingMode::Composite),
            layout: None,
            live: false,
            participants: Vec::new(),
        };
        self.start_recording(start, ROLLS_WITHIN)
    }
}

impl Handler<RecordingLive> for Call {
    type Result = bool;

    fn handle(&mut self, asked: RecordingLive, _: &mut Self::Context) -> bool {
        let live = self.recording.as_ref();
        // A call that ends writes that its recording has stopped when its room is closed.
        self.life.is_over() || live.is_some_and(|live| *live.id() == asked.recording_id)
    }
}

impl Handler<RecorderGaveUp> for Call {
    type Result = ();

    fn handle(&mut self, RecorderGaveUp(id): RecorderGaveUp, _: &mut Self::Context) {
        let Some(live) = self.recording.as_mut().filter(|live| *live.id() == id) else {
            return;
        };
        live.by = None;
        warn!(recording.id = %id, "the recorder of {id} crashed too often; what is on disk is kept");
        let (_, fact) = live.stopped(self.services.clock.now());
        drop(self.record(vec![fact]));
        self.tell_recording(RecordingNews::Failed);
        self.recording = None;
        self.life.set_recording(false);
        self.tell_change();
    }
}
