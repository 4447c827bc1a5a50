//! A thread that listens to some voices, one piece of sound after the other.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use calls_actors::transcriber::{HearingTold, Voice as Whose};
use calls_media::seam::{Burst, TrackId};

use super::ears::Call;
use super::voice::Voice;
use crate::telemetry::names::{SPEECH_BEHIND, SPEECH_DROPPED};

/// Bursts that may wait for a thread: half a minute of ten voices. Beyond it they are dropped, and counted.
const QUEUE: usize = 16_384;

/// How often it looks after what time alone brings.
const TICK: Duration = Duration::from_millis(100);

/// What is further behind than this is told.
const BEHIND: Duration = Duration::from_secs(2);

/// It has caught up when it is no further behind.
const CAUGHT_UP: Duration = Duration::from_millis(500);

/// What a thread is told.
pub(super) enum Order {
    Voice(Arc<Call>, Whose),
    Packets(Burst),
    Hush(TrackId),
    Close(Arc<Call>),
}

/// The near end of a thread.
#[derive(Clone)]
pub(super) struct Worker {
    orders: Sender<Order>,
    state: Arc<State>,
}

struct State {
    /// Bursts that wait.
    waiting: AtomicUsize,
    /// Voices that it listens to.
    voices: AtomicUsize,
    /// Milliseconds since `born` when it began what it does now, and 1 more; 0: it waits.
    busy_since: AtomicU64,
    born: Instant,
    /// Another thread stands in its place.
    abandoned: AtomicBool,
}

impl State {
    fn now(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Worker {
    pub(super) fn start(number: usize) -> std::io::Result<Self> {
        let (orders, given) = channel();
        let state = Arc::new(State {
            waiting: AtomicUsize::new(0),
            voices: AtomicUsize::new(0),
            busy_since: AtomicU64::new(0),
            born: Instant::now(),
            abandoned: AtomicBool::new(false),
        });
        let mut desk = Desk {
            number,
            state: state.clone(),
            voices: HashMap::new(),
        };
        let thread = std::thread::Builder::new().name(format!("calls-ears-{number}"));
        thread.spawn(move || desk.run(&given))?;
        Ok(Self { orders, state })
    }

    pub(super) fn voices(&self) -> usize {
        self.state.voices.load(Ordering::Relaxed)
    }

    /// It has not come back from one and the same piece of work for so long.
    pub(super) fn hangs(&self, patience: Duration) -> bool {
        let since = self.state.busy_since.load(Ordering::Relaxed);
        since > 0 && u128::from(self.state.now().saturating_sub(since - 1)) >= patience.as_millis()
    }

    /// Nothing more is expected of it; should it ever come back, it ends.
    pub(super) fn abandon(&self) {
        self.state.abandoned.store(true, Ordering::Relaxed);
    }

    pub(super) fn order(&self, order: Order) {
        let _ = self.orders.send(order); // who was abandoned and ended hears nothing
    }

    pub(super) fn packets(&self, burst: Burst) -> bool {
        if self.state.waiting.load(Ordering::Relaxed) >= QUEUE {
            metrics::counter!(SPEECH_DROPPED).increment(1);
            return false;
        }
        self.state.waiting.fetch_add(1, Ordering::Relaxed);
        self.orders.send(Order::Packets(burst)).is_ok()
    }
}

/// The far end.
struct Desk {
    number: usize,
    state: Arc<State>,
    voices: HashMap<TrackId, (Arc<Call>, Voice)>,
}

impl Desk {
    fn run(&mut self, given: &Receiver<Order>) {
        let mut ticked = Instant::now();
        while !self.state.abandoned.load(Ordering::Relaxed) {
            let order = match given.recv_timeout(TICK) {
                Ok(order) => Some(order),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            self.state
                .busy_since
                .store(self.state.now() + 1, Ordering::Relaxed);
            if let Some(order) = order {
                self.follow(order);
            }
            if ticked.elapsed() >= TICK {
                ticked = Instant::now();
                self.tick(ticked);
            }
            self.state.busy_since.store(0, Ordering::Relaxed);
        }
    }

    fn follow(&mut self, order: Order) {
        match order {
            Order::Voice(call, whose) => {
                let track = whose.track;
                let made = call.voice(whose);
                match made {
                    Ok(voice) => {
                        self.voices.insert(track, (call, voice));
                        self.state
                            .voices
                            .store(self.voices.len(), Ordering::Relaxed);
                    }
                    Err(error) => call.fail(&error.to_string()),
                }
            }
            Order::Packets(burst) => {
                self.state.waiting.fetch_sub(1, Ordering::Relaxed);
                let Some(first) = burst.first() else {
                    return;
                };
                let now = Instant::now();
                if let Some((call, _)) = self.voices.get(&first.track) {
                    note_delay(
                        call,
                        self.number,
                        now.saturating_duration_since(first.arrival),
                    );
                }
                self.with(first.track, |voice| voice.take(&burst, now));
            }
            Order::Hush(track) => {
                self.with(track, Voice::finish);
                self.voices.remove(&track);
                self.state
                    .voices
                    .store(self.voices.len(), Ordering::Relaxed);
            }
            Order::Close(call) => {
                let of_call = |(track, (whose, _)): (&TrackId, &(Arc<Call>, Voice))| {
                    Arc::ptr_eq(whose, &call).then_some(*track)
                };
                let tracks: Vec<TrackId> = self.voices.iter().filter_map(of_call).collect();
                for track in tracks {
                    self.follow(Order::Hush(track));
                }
                call.closed();
            }
        }
    }

    fn tick(&mut self, now: Instant) {
        let tracks: Vec<TrackId> = self.voices.keys().copied().collect();
        for track in tracks {
            self.with(track, |voice| voice.tick(now));
        }
    }

    /// Does something with a voice, and tells what comes of it. Where it breaks, its call's hearing is over.
    fn with<F>(&mut self, track: TrackId, work: F)
    where
        F: FnOnce(&mut Voice) -> Result<Vec<HearingTold>, super::EngineError>,
    {
        let Some((call, voice)) = self.voices.get_mut(&track) else {
            return;
        };
        let call = call.clone();
        let broken = match catch_unwind(AssertUnwindSafe(|| work(voice))) {
            Ok(Ok(told)) => {
                for told in told {
                    call.tell(told);
                }
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "a recogniser crashed".to_owned(),
        };
        self.voices
            .retain(|_, (whose, _)| !Arc::ptr_eq(whose, &call));
        self.state
            .voices
            .store(self.voices.len(), Ordering::Relaxed);
        call.fail(&broken);
    }
}

/// Counts how far behind it works, and says so when that is too far.
fn note_delay(call: &Call, thread: usize, behind: Duration) {
    metrics::gauge!(SPEECH_BEHIND).set(behind.as_secs_f64());
    if behind >= BEHIND && call.lag(thread, true) {
        call.tell(HearingTold::Behind(behind));
    } else if behind <= CAUGHT_UP && call.lag(thread, false) {
        call.tell(HearingTold::CaughtUp);
    }
}
