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
use crate::telemetry::names::SPEECH_DROPPED;

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
    #[cfg(feature = "testing")]
    Break(Breakage),
}

/// How a thread that listens can break.
#[cfg(feature = "testing")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breakage {
    /// What it does next panics, for each of its voices.
    Panic,
    /// It does not come back for so long.
    Hang(Duration),
}

/// In whole milliseconds.
fn whole(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
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
    /// Voices that it listens to, or will when it comes to that.
    voices: AtomicUsize,
    /// Milliseconds since `born` when it began what it does now, and 1 more; 0: it waits.
    busy_since: AtomicU64,
    /// Milliseconds since `born` when what it works on came.
    at: AtomicU64,
    /// The furthest that it was behind since somebody asked, in milliseconds.
    behind: AtomicU64,
    born: Instant,
    /// Another thread stands in its place.
    abandoned: AtomicBool,
}

impl State {
    fn now(&self) -> u64 {
        whole(self.born.elapsed())
    }

    /// It begins a piece of work.
    fn begin(&self) {
        self.busy_since.store(self.now() + 1, Ordering::Relaxed);
    }
}

impl Worker {
    pub(super) fn start(number: usize) -> std::io::Result<Self> {
        let (orders, given) = channel();
        let state = Arc::new(State {
            waiting: AtomicUsize::new(0),
            voices: AtomicUsize::new(0),
            busy_since: AtomicU64::new(0),
            at: AtomicU64::new(0),
            behind: AtomicU64::new(0),
            born: Instant::now(),
            abandoned: AtomicBool::new(false),
        });
        let mut desk = Desk {
            number,
            state: state.clone(),
            voices: HashMap::new(),
            until: Instant::now(),
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

    /// Everything that came before was worked on.
    pub(super) fn worked_until(&self) -> Instant {
        self.state.born + Duration::from_millis(self.state.at.load(Ordering::Relaxed))
    }

    /// The furthest that it was behind since the last time.
    pub(super) fn behind(&self) -> Duration {
        Duration::from_millis(self.state.behind.swap(0, Ordering::Relaxed))
    }

    /// Nothing more is expected of it; should it ever come back, it ends.
    pub(super) fn abandon(&self) {
        self.state.abandoned.store(true, Ordering::Relaxed);
    }

    pub(super) fn order(&self, order: Order) {
        if matches!(order, Order::Voice(..)) {
            self.state.voices.fetch_add(1, Ordering::Relaxed);
        }
        let _ = self.orders.send(order); // who was abandoned and ended hears nothing
    }

    /// It has not heard all that came.
    pub(super) fn is_behind(&self) -> bool {
        self.state.waiting.load(Ordering::Relaxed) > 0
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
    /// What came until then was taken. Time goes on here as work does: who waits in the queue has not paused.
    until: Instant,
}

impl Desk {
    fn run(&mut self, given: &Receiver<Order>) {
        let mut ticked = Instant::now();
        while !self.state.abandoned.load(Ordering::Relaxed) {
            let order = if self.voices.is_empty() {
                self.sleep(given)
            } else {
                given.recv_timeout(TICK)
            };
            let order = match order {
                Ok(order) => Some(order),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            self.state.begin();
            if let Some(order) = order {
                self.follow(order);
            }
            self.keep_up();
            if ticked.elapsed() >= TICK {
                ticked = Instant::now();
                self.tick();
            }
            self.state.busy_since.store(0, Ordering::Relaxed);
        }
    }

    /// Waits for an order and nothing else: there is no voice that time alone would change.
    fn sleep(&mut self, given: &Receiver<Order>) -> Result<Order, RecvTimeoutError> {
        let order = given.recv()?;
        self.reach(Instant::now());
        Ok(order)
    }

    fn reach(&mut self, moment: Instant) {
        self.until = self.until.max(moment);
        let at = self.until.saturating_duration_since(self.state.born);
        self.state.at.store(whole(at), Ordering::Relaxed);
    }

    /// Where nothing waits, time is now.
    fn keep_up(&mut self) {
        if self.state.waiting.load(Ordering::Relaxed) == 0 {
            self.reach(Instant::now());
        }
    }

    /// So many voices are gone.
    fn let_go(&self, count: usize) {
        self.state.voices.fetch_sub(count, Ordering::Relaxed);
    }

    fn follow(&mut self, order: Order) {
        match order {
            Order::Voice(call, whose) => {
                let track = whose.track;
                self.state.busy_since.store(0, Ordering::Relaxed); // who reads a large model does not hang
                let before = match call.voice(whose) {
                    Ok(voice) => self.voices.insert(track, (call, voice)).is_some(),
                    Err(error) => {
                        call.fail(&error.to_string(), None);
                        true
                    }
                };
                self.let_go(usize::from(before));
            }
            Order::Packets(burst) => {
                self.state.waiting.fetch_sub(1, Ordering::Relaxed);
                let (Some(first), Some(last)) = (burst.first(), burst.last()) else {
                    return;
                };
                let behind = first.arrival.elapsed();
                self.state
                    .behind
                    .fetch_max(whole(behind), Ordering::Relaxed);
                if let Some((call, _)) = self.voices.get(&first.track) {
                    note_delay(call, self.number, behind);
                }
                self.reach(last.arrival);
                self.keep_up();
                let until = self.until;
                self.with(first.track, |voice| voice.take(&burst, until));
            }
            Order::Hush(track) => {
                self.with(track, Voice::finish);
                if let Some((call, _)) = self.voices.remove(&track) {
                    self.let_go(1);
                    self.quieter(&call);
                }
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
            #[cfg(feature = "testing")]
            Order::Break(Breakage::Hang(time)) => std::thread::sleep(time),
            #[cfg(feature = "testing")]
            Order::Break(Breakage::Panic) => {
                let tracks: Vec<TrackId> = self.voices.keys().copied().collect();
                for track in tracks {
                    self.with(track, |_| panic!("a test wants it"));
                }
            }
        }
    }

    fn tick(&mut self) {
        let tracks: Vec<TrackId> = self.voices.keys().copied().collect();
        let until = self.until;
        for track in tracks {
            self.with(track, |voice| voice.tick(until));
        }
    }

    /// Nobody of a call is behind here where nobody of it is left.
    fn quieter(&self, call: &Arc<Call>) {
        let mut left = self.voices.values();
        if !left.any(|(whose, _)| Arc::ptr_eq(whose, call)) {
            note_delay(call, self.number, Duration::ZERO);
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
        self.state.begin();
        let before = voice.began();
        let broken = match catch_unwind(AssertUnwindSafe(|| work(voice))) {
            Ok(Ok(told)) => {
                if voice.began() != before {
                    call.speaks(track, voice.began());
                }
                for told in told {
                    call.tell(told);
                }
                return;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "a recogniser crashed".to_owned(),
        };
        let all = self.voices.len();
        self.voices
            .retain(|_, (whose, _)| !Arc::ptr_eq(whose, &call));
        self.let_go(all - self.voices.len());
        call.fail(&broken, Some(self.until));
    }
}

/// Says so when a thread is too far behind.
fn note_delay(call: &Call, thread: usize, behind: Duration) {
    if behind >= BEHIND && call.lag(thread, true) {
        call.tell(HearingTold::Behind(behind));
    } else if behind <= CAUGHT_UP && call.lag(thread, false) {
        call.tell(HearingTold::CaughtUp);
    }
}
