//! A recorder: a silent member of the room that passes what it hears on to a tape.
//!
//! * Parent: [`Room`](crate::room::Room). Children: none; the tape is a thread behind a port.
//! * Receives [`Packets`], [`ClockTold`], [`StageChanged`] and [`PublisherLeft`] from its room, [`TapeTold`] from its tape. Sends the room
//!   [`SilentWatch`] and [`KeyframeWanted`].
//! * Ends when its tape is closed, or cannot go on.
//! * On crash, its own or the tape's: the room opens a fresh one with the next segment, a moment later.

mod tape;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use actix::WeakRecipient;
use actix::prelude::*;
use calls_media::seam::{Layer, LayerSet, TrackId};
use calls_model::{ParticipantId, RecordingId};
use tokio::sync::oneshot;
use tracing::warn;

pub use self::tape::{NoStudio, Plan, Studio, StudioRefused, Tape, TapeTold, TapeTrack};
use crate::lifeline::{ChildEnded, Lifeline};
use crate::metrics::{ActorKind, Alive, BURSTS_DROPPED};
use crate::participant::StageChanged;
use crate::room::silent::SilentWatch;
use crate::room::stage::Stage;
use crate::room::{ClockTold, KeyframeWanted, Packets};
use crate::services::Services;

/// Bursts that may wait here: the room fills it, and drops where it is full. A tape's own queue is the larger one.
const MAILBOX: usize = 1024;

/// How long the first packet may take to the disk where somebody waits for it.
pub const ROLLS_WITHIN: Duration = Duration::from_secs(8);

/// How long a tape may take to write what it has and to close.
const CLOSES_WITHIN: Duration = Duration::from_secs(4);

// ── messages ────────────────────────────────────────────────────────────────

/// Answered when the first packet is on disk, or with the reason why none is.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<(), String>")]
pub struct AwaitRolling(
    /// How long the first packet may take.
    pub Duration,
);

/// What comes from now on is left out, or taken again.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct PauseRecorder(pub bool);

/// Write what came, close, and end. Answered when that is done.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct CloseRecorder;

/// Somebody left the call. It comes before the stage without them.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct PublisherLeft(
    /// Their presence.
    pub ParticipantId,
);

/// All that a recorder knows of its room. It keeps no room alive.
#[derive(Clone)]
pub struct RecorderDoor {
    /// Its place among the watchers.
    pub watcher: ParticipantId,
    /// Takes which tracks it wants.
    pub watch: WeakRecipient<SilentWatch>,
    /// Takes its wish for a key frame.
    pub keyframe: WeakRecipient<KeyframeWanted>,
    /// Learns of its end.
    pub ended: WeakRecipient<ChildEnded<RecordingId>>,
}

/// What is known of a track that is recorded.
#[derive(Debug)]
struct Followed {
    whose: ParticipantId,
    layers: LayerSet,
    muted: bool,
}

// ── actor ───────────────────────────────────────────────────────────────────

/// The actor behind one segment of a recording.
pub struct Recorder {
    plan: Plan,
    room: RecorderDoor,
    services: Services,
    /// There from the start to the end.
    tape: Option<Box<dyn Tape>>,
    paused: bool,
    rolling: bool,
    /// Who waits for the first packet.
    starting: Vec<oneshot::Sender<Result<(), String>>>,
    /// Who waits for the end.
    closing: Vec<oneshot::Sender<()>>,
    watched: HashMap<TrackId, Followed>,
    /// Who left, and stood on the stage that is known here.
    left: HashSet<ParticipantId>,
    _lifeline: Option<Lifeline<RecordingId>>,
    _alive: Alive,
}

impl Recorder {
    /// Starts one on the present arbiter.
    pub fn open(plan: Plan, paused: bool, room: RecorderDoor, services: Services) -> Addr<Self> {
        let ended = room.ended.upgrade();
        Self {
            _lifeline: ended.map(|ended| Lifeline::new(plan.recording_id.clone(), &ended)),
            plan,
            room,
            tape: None,
            paused,
            rolling: false,
            starting: Vec::new(),
            closing: Vec::new(),
            watched: HashMap::new(),
            left: HashSet::new(),
            _alive: services.living.enter(ActorKind::Recorder),
            services,
        }
        .start()
    }

    /// Watches what belongs into the recording, and nothing else.
    fn follow(&mut self, stage: &Stage, ctx: &Context<Self>) {
        let Some(tape) = &self.tape else {
            return;
        };
        let mut wanted = HashMap::new();
        for staged in stage.audio.iter().chain(&stage.video) {
            let source = staged.announced.source;
            if !self.plan.wants(&staged.user_id, source) {
                continue;
            }
            let track = staged.announced.track;
            let known = self.watched.get(&track);
            if known.is_none() {
                tape.track(TapeTrack {
                    track,
                    participant_id: staged.participant_id.clone(),
                    user_id: staged.user_id.clone(),
                    display_name: staged.display_name.clone(),
                    source,
                });
            }
            let muted = staged.announced.muted;
            if muted != known.is_some_and(|known| known.muted) {
                tape.muted(track, muted);
            }
            let followed = Followed {
                whose: staged.participant_id.clone(),
                layers: all_of(staged.announced.layers),
                muted,
            };
            wanted.insert(track, followed);
        }
        for (&track, of) in &wanted {
            if self.watched.get(&track).map(|known| known.layers) != Some(of.layers) {
                self.watch(track, of.layers, ctx);
            }
        }
        let gone = self.watched.iter();
        for (&track, of) in gone.filter(|(track, _)| !wanted.contains_key(track)) {
            tape.gone(track, self.left.contains(&of.whose));
            self.watch(track, LayerSet::NONE, ctx);
        }
        self.watched = wanted;
        self.left.clear();
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

    fn roll(&mut self, outcome: &Result<(), String>) {
        self.rolling |= outcome.is_ok();
        for waiting in self.starting.drain(..) {
            let _ = waiting.send(outcome.clone()); // they may have given up
        }
    }

    /// Nobody heard anything: what is known of why.
    fn not_rolling(&self, within: Duration) -> String {
        let seconds = within.as_secs();
        match self.watched.len() {
            0 if !self.plan.participants.is_empty() => format!(
                "none of those who are to be recorded published anything to record within {seconds} s"
            ),
            0 => format!("nobody published anything to record within {seconds} s"),
            1 => format!("one track is published, but nothing of it came within {seconds} s"),
            count => {
                format!("{count} tracks are published, but nothing of them came within {seconds} s")
            }
        }
    }
}

/// A set of so many layers.
fn all_of(layers: u8) -> LayerSet {
    let each = (0..layers.max(1)).map(Layer);
    each.fold(LayerSet::NONE, LayerSet::with)
}

impl Actor for Recorder {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(MAILBOX);
        let told = ctx.address().downgrade().recipient();
        match self.services.studio.open(&self.plan, told) {
            Ok(tape) => {
                if self.paused {
                    tape.pause(true);
                }
                self.tape = Some(tape);
            }
            Err(refused) => ctx.notify(TapeTold::Failed(refused.to_string())),
        }
    }
}

// ── handlers ────────────────────────────────────────────────────────────────

impl Handler<AwaitRolling> for Recorder {
    type Result = ResponseFuture<Result<(), String>>;

    fn handle(
        &mut self,
        AwaitRolling(within): AwaitRolling,
        ctx: &mut Self::Context,
    ) -> Self::Result {
        if self.rolling {
            return Box::pin(std::future::ready(Ok(())));
        }
        let (tell, told) = oneshot::channel();
        self.starting.push(tell);
        ctx.run_later(within, move |recorder, _| {
            if !recorder.rolling {
                let reason = recorder.not_rolling(within);
                recorder.roll(&Err(reason));
            }
        });
        let ended = || Err("the recorder ended before anything was written".to_owned());
        Box::pin(async move { told.await.unwrap_or_else(|_| ended()) })
    }
}

impl Handler<PauseRecorder> for Recorder {
    type Result = ();

    fn handle(&mut self, PauseRecorder(paused): PauseRecorder, _: &mut Self::Context) {
        self.paused = paused;
        if let Some(tape) = &self.tape {
            tape.pause(paused);
        }
    }
}

impl Handler<CloseRecorder> for Recorder {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, _: CloseRecorder, ctx: &mut Self::Context) -> Self::Result {
        let Some(tape) = &self.tape else {
            ctx.stop();
            return Box::pin(std::future::ready(()));
        };
        tape.close();
        let (tell, told) = oneshot::channel();
        self.closing.push(tell);
        ctx.run_later(CLOSES_WITHIN, |_, ctx| ctx.stop());
        Box::pin(async move {
            let _ = told.await; // it may end otherwise, and then there is nothing to wait for either
        })
    }
}

impl Handler<TapeTold> for Recorder {
    type Result = ();

    fn handle(&mut self, told: TapeTold, ctx: &mut Self::Context) {
        match told {
            TapeTold::Rolling => self.roll(&Ok(())),
            TapeTold::Keyframe { track, layer } => {
                if let Some(room) = self.room.keyframe.upgrade() {
                    room.do_send(KeyframeWanted { track, layer });
                }
            }
            TapeTold::Failed(reason) => {
                let id = &self.plan.recording_id;
                warn!(recording.id = %id, reason, "a tape of {id} failed: {reason}");
                self.roll(&Err(reason));
                ctx.stop();
            }
            TapeTold::Closed => ctx.stop(),
        }
    }
}

impl Handler<StageChanged> for Recorder {
    type Result = ();

    fn handle(&mut self, StageChanged(stage): StageChanged, ctx: &mut Self::Context) {
        let stage: Arc<Stage> = stage;
        self.follow(&stage, ctx);
    }
}

impl Handler<PublisherLeft> for Recorder {
    type Result = ();

    fn handle(&mut self, PublisherLeft(who): PublisherLeft, _: &mut Self::Context) {
        self.left.insert(who);
    }
}

impl Handler<ClockTold> for Recorder {
    type Result = ();

    fn handle(&mut self, ClockTold(clock): ClockTold, _: &mut Self::Context) {
        if let Some(tape) = &self.tape {
            tape.clock(clock);
        }
    }
}

#[cfg(feature = "testing")]
impl Handler<crate::testing::CrashTape> for Recorder {
    type Result = ();

    fn handle(&mut self, _: crate::testing::CrashTape, _: &mut Self::Context) {
        if let Some(tape) = &self.tape {
            tape.crash();
        }
    }
}

// ── hot path ────────────────────────────────────────────────────────────────

impl Handler<Packets> for Recorder {
    type Result = ();

    fn handle(&mut self, packets: Packets, _: &mut Self::Context) {
        if let Some(tape) = &self.tape
            && !tape.packets(packets.burst)
        {
            metrics::counter!(BURSTS_DROPPED, "at" => "recorder").increment(1);
        }
    }
}

#[cfg(test)]
mod tests;
