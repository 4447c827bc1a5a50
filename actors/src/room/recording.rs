//! The recorder in a room: opened, fed, opened anew after a crash, closed.

use std::time::Duration;

use actix::WeakRecipient;
use actix::prelude::*;
use calls_media::seam::{SourceClock, TrackId};
use calls_model::signal::{Event, RecordingEvent};
use calls_model::{ParticipantId, RecordingId};
use tracing::warn;

use super::branches::Listener;
use super::{ClockTold, Room};
use crate::call::RecorderGaveUp;
use crate::calls::{RecordAsked, RecordRefused};
use crate::clock;
use crate::lifeline::ChildEnded;
use crate::participant::StageChanged;
use crate::recorder::{
    AwaitRolling, CloseRecorder, PauseRecorder, Plan, PublisherLeft, Recorder, RecorderDoor,
};
use crate::restarts::RestartBudget;

/// How long after a crash the next segment begins.
const BACKOFF: Duration = Duration::from_millis(500);

/// So many crashes a minute, and the recording is over.
const RESTARTS: usize = 5;

/// How long a recorder may take to say that nothing came.
const ANSWERS_WITHIN: Duration = Duration::from_secs(1);

/// How long it may take to close; longer than it gives its tape.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

// ── messages ────────────────────────────────────────────────────────────────

/// Record. Answered when the first packet is on disk, or with the reason why none is.
#[derive(Debug, Message)]
#[rtype(result = "Result<(), String>")]
pub struct StartRecorder {
    /// What.
    pub plan: Plan,
    /// It begins, or goes on, without taking anything.
    pub paused: bool,
    /// How long the first packet may take to the disk.
    pub within: Duration,
}

/// Record no more. Answered when all is written.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct StopRecorder;

/// Tell everybody what became of the recording.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct TellRecording {
    /// What became of it.
    pub event: RecordingEvent,
    /// It goes on, so who comes in later has to hear of it too.
    pub goes_on: bool,
}

/// What a room keeps of the recording that runs.
pub(super) struct Recorded {
    plan: Plan,
    paused: bool,
    budget: RestartBudget,
    /// Its place among the watchers.
    watcher: ParticipantId,
    /// None between a crash and the next segment.
    recorder: Option<Addr<Recorder>>,
}

impl Recorded {
    fn tell<M>(&self, message: M)
    where
        M: Message + Send + 'static,
        M::Result: Send,
        Recorder: Handler<M>,
    {
        if let Some(recorder) = &self.recorder {
            recorder.do_send(message);
        }
    }
}

impl Room {
    fn open_recorder(
        &mut self,
        plan: Plan,
        paused: bool,
        budget: RestartBudget,
        ctx: &mut Context<Self>,
    ) {
        let room = ctx.address().downgrade();
        let watcher = ParticipantId::new();
        let door = RecorderDoor {
            watcher: watcher.clone(),
            watch: room.clone().recipient(),
            keyframe: room.clone().recipient(),
            ended: room.recipient(),
        };
        let recorder = Recorder::open(plan.clone(), paused, door, self.services.clone());
        recorder.do_send(StageChanged(self.stage.clone()));
        self.recorded = Some(Recorded {
            plan,
            paused,
            budget,
            watcher,
            recorder: Some(recorder),
        });
    }

    /// The recorder's place among the watchers is empty.
    fn forget_recorder(&mut self) -> Option<Recorded> {
        let recorded = self.recorded.take()?;
        self.forget_watcher(&recorded.watcher);
        Some(recorded)
    }

    /// What there is to see and hear changed.
    pub(super) fn tell_recorder_stage(&self) {
        if let Some(recorded) = &self.recorded {
            recorded.tell(StageChanged(self.stage.clone()));
        }
    }

    /// Somebody left the call, and what they publish goes with them.
    pub(super) fn tell_recorder_left(&self, who: &ParticipantId) {
        if let Some(recorded) = &self.recorded {
            recorded.tell(PublisherLeft(who.clone()));
        }
    }

    /// Passes a sender report on, where the recorder watches that track.
    pub(super) fn tell_recorder_clock(&self, clock: SourceClock) {
        if let Some(recorded) = &self.recorded
            && (self.routes.watchers(clock.track).iter())
                .any(|one| one.who == Listener::Member(recorded.watcher.clone()))
        {
            recorded.tell(ClockTold(clock));
        }
    }

    /// Who just came in hears that it is recorded.
    pub(super) fn tell_recording(&self, who: &ParticipantId) {
        if let Some(event) = &self.recording {
            self.tell(who, Event::Recording(event.clone()));
        }
    }

    /// The room closes: the recorder writes what it has, on its own time.
    pub(super) fn close_recorder(&mut self) {
        if let Some(recorder) = self.forget_recorder().and_then(|one| one.recorder) {
            let close = recorder.send(CloseRecorder).timeout(CLOSE_WITHIN);
            actix::spawn(async move {
                let _ = close.await; // it closes its files whether it is heard or not
            });
        }
    }

    /// Whether this is the recorder's place among the watchers.
    pub(super) fn is_recorder(&self, who: &ParticipantId) -> bool {
        let recorded = self.recorded.as_ref();
        recorded.is_some_and(|recorded| recorded.watcher == *who)
    }

    /// The recorder watches a track from now on: what is known of its clock.
    pub(super) fn tell_recorder_clocks(&self, track: TrackId) {
        if let Some(recorded) = &self.recorded {
            for &clock in self.routes.clocks(track) {
                recorded.tell(ClockTold(clock));
            }
        }
    }
}

// ── handlers ────────────────────────────────────────────────────────────────

impl Handler<StartRecorder> for Room {
    type Result = ResponseFuture<Result<(), String>>;

    fn handle(&mut self, start: StartRecorder, ctx: &mut Self::Context) -> Self::Result {
        self.close_recorder(); // there is none, unless an answer was lost
        let budget = RestartBudget::new(RESTARTS, Duration::from_secs(60));
        self.open_recorder(start.plan, start.paused, budget, ctx);
        let recorder = self.recorded.as_ref().and_then(|one| one.recorder.as_ref());
        let rolling = recorder.map(|recorder| {
            recorder
                .send(AwaitRolling(start.within))
                .timeout(start.within + ANSWERS_WITHIN)
        });
        Box::pin(async move {
            let crashed = || Err("the recorder crashed before anything was written".to_owned());
            match rolling {
                Some(rolling) => rolling.await.unwrap_or_else(|_| crashed()),
                None => crashed(),
            }
        })
    }
}

impl Handler<PauseRecorder> for Room {
    type Result = ();

    fn handle(&mut self, pause: PauseRecorder, _: &mut Self::Context) {
        if let Some(recorded) = &mut self.recorded {
            recorded.paused = pause.0;
            recorded.tell(pause);
        }
    }
}

impl Handler<StopRecorder> for Room {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: StopRecorder, _: &mut Self::Context) -> Self::Result {
        let recorder = self.forget_recorder().and_then(|one| one.recorder);
        let closed = recorder.map(|one| one.send(CloseRecorder).timeout(CLOSE_WITHIN));
        Box::pin(async move {
            if let Some(closed) = closed {
                let _ = closed.await; // what a crash left open is closed later
            }
        })
    }
}

impl Handler<TellRecording> for Room {
    type Result = ();

    fn handle(&mut self, tell: TellRecording, _: &mut Self::Context) {
        self.tell_all(Event::Recording(tell.event.clone()));
        self.recording = tell.goes_on.then_some(tell.event);
    }
}

impl Handler<RecordAsked> for Room {
    type Result = ResponseFuture<<RecordAsked as Message>::Result>;

    fn handle(&mut self, asked: RecordAsked, _: &mut Self::Context) -> Self::Result {
        let call = self.parent.record.as_ref().and_then(WeakRecipient::upgrade);
        Box::pin(async move {
            let call = call.ok_or(RecordRefused::Unreachable)?;
            let answer = call.send(asked).await;
            answer.unwrap_or(Err(RecordRefused::Unreachable))
        })
    }
}

impl Handler<ChildEnded<RecordingId>> for Room {
    type Result = ();

    fn handle(&mut self, child: ChildEnded<RecordingId>, ctx: &mut Self::Context) {
        let id = child.id;
        let gone = |recorded: &&mut Recorded| {
            let recorder = recorded.recorder.as_ref();
            recorded.plan.recording_id == id && recorder.is_some_and(|one| !one.connected())
        };
        let Some(recorded) = self.recorded.as_mut().filter(gone) else {
            return; // it was closed, or another one stands in its place
        };
        warn!(recording.id = %id, ending = ?child.ending, "the recorder of {id} ended");
        recorded.recorder = None; // whoever pauses or stops it meanwhile is heard
        let (watcher, goes_on) = (
            recorded.watcher.clone(),
            recorded.budget.take(clock::instant()),
        );
        self.forget_watcher(&watcher);
        if goes_on {
            ctx.run_later(BACKOFF, move |room, ctx| {
                let waits = |recorded: &Recorded| {
                    recorded.plan.recording_id == id && recorded.recorder.is_none()
                };
                // Whoever gave up meanwhile has taken it away. That it runs may not have been told yet: it is written down first.
                if let Some(recorded) = room.recorded.take_if(|one| waits(one)) {
                    room.open_recorder(recorded.plan, recorded.paused, recorded.budget, ctx);
                }
            });
            return;
        }
        self.recorded = None;
        let call = self
            .parent
            .gave_up
            .as_ref()
            .and_then(WeakRecipient::upgrade);
        if let Some(call) = call {
            call.do_send(RecorderGaveUp(id));
        }
    }
}

#[cfg(feature = "testing")]
impl Room {
    /// Whoever records at the moment.
    pub(super) fn recorder(&self) -> Option<&Addr<Recorder>> {
        self.recorded.as_ref()?.recorder.as_ref()
    }
}
