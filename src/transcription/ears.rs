//! The threads that listen, shared by all calls.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use actix::WeakRecipient;
use calls_actors::transcriber::{
    Hearing, HearingPlan, HearingTold, Recogniser, RecogniserRefused, Voice as Whose,
};
use calls_media::seam::{Burst, TrackId};
use calls_model::Language;
use tracing::error;

use super::engine::{Engine, EngineError, Unfit};
use super::models::{Models, NoModel};
use super::voice::Voice;
#[cfg(feature = "testing")]
use super::worker::Breakage;
use super::worker::{Order, Worker};
use crate::telemetry::names::{SPEECH_BEHIND, TRANSCRIBED_CALLS};

/// How often threads are looked after.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Opens hearings on a few threads.
#[derive(Clone)]
pub struct Ears {
    shared: Arc<Shared>,
}

struct Shared {
    models: Models,
    most: usize,
    workers: Mutex<Vec<Worker>>,
    calls: Mutex<Vec<Weak<Call>>>,
    patience: Duration,
}

impl Ears {
    /// Starts so many threads; one for each core where that is 0. So many calls may be transcribed at a time.
    ///
    /// # Errors
    ///
    /// When the system gives no thread.
    pub fn start(models: Models, threads: usize, most: usize) -> std::io::Result<Self> {
        let patience = models.patience();
        Self::start_impatient(models, threads, most, patience)
    }

    fn start_impatient(
        models: Models,
        threads: usize,
        most: usize,
        patience: Duration,
    ) -> std::io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = if threads == 0 { cores } else { threads };
        let workers = (0..threads).map(Worker::start).collect::<Result<_, _>>()?;
        let shared = Arc::new(Shared {
            models,
            most,
            workers: Mutex::new(workers),
            calls: Mutex::default(),
            patience,
        });
        let watched = Arc::downgrade(&shared);
        let thread = std::thread::Builder::new().name("calls-ears".to_owned());
        thread.spawn(move || {
            let Some(shared) = watched.upgrade() else {
                return;
            };
            let _ = shared.models.engine(shared.models.language()); // read now; what is wrong with it is told when it is asked for
            drop(shared);
            while let Some(shared) = watched.upgrade() {
                shared.look();
                drop(shared);
                std::thread::sleep(LOOK_EVERY);
            }
        })?;
        Ok(Self { shared })
    }

    /// All models.
    pub fn models(&self) -> &Models {
        &self.shared.models
    }

    /// Breaks every thread that listens.
    #[cfg(feature = "testing")]
    pub fn break_down(&self, how: Breakage) {
        for worker in &*Shared::lock(&self.shared.workers) {
            worker.order(Order::Break(how));
        }
    }

    /// Reads the model of a language: for those who may wait for that. What is wrong with it, `admit` says.
    pub fn prepare(&self, asked: Option<&Language>) {
        let models = &self.shared.models;
        if let Ok(language) = models.resolve(asked.unwrap_or(models.language())) {
            let _ = models.engine(&language); // kept, good or bad
        }
    }

    /// In which language these phrases, or free speech, can be listened for, however many do so already. A model that
    /// was not read yet is believed to know all words.
    ///
    /// # Errors
    ///
    /// [`RecogniserRefused`] says why nothing can be understood.
    pub fn fit(
        &self,
        language: Option<&Language>,
        phrases: &[String],
    ) -> Result<Language, RecogniserRefused> {
        let models = &self.shared.models;
        let off = |missing: NoModel| RecogniserRefused::Off(missing.to_string());
        if let Some(missing) = models.missing() {
            return Err(off(missing));
        }
        let asked = language.unwrap_or(models.language());
        let language = models.resolve(asked).map_err(|_| {
            let known: Vec<String> = models.known().into_keys().map(String::from).collect();
            RecogniserRefused::UnknownLanguage {
                asked: asked.clone(),
                known: known.join(", "),
            }
        })?;
        if let Some(fault) = models.known_fault(&language) {
            return Err(off(fault));
        }
        match models
            .ready(&language)
            .and_then(|engine| engine.unfit(phrases))
        {
            None => Ok(language),
            Some(Unfit::Unknown(words)) => Err(RecogniserRefused::UnknownWords { language, words }),
            Some(Unfit::NoPhrases) => Err(RecogniserRefused::NoPhrases(language)),
        }
    }
}

impl Shared {
    fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The calls that are listened to.
    fn live(&self) -> Vec<Arc<Call>> {
        let mut calls = Self::lock(&self.calls);
        calls.retain(|call| call.strong_count() > 0);
        calls
            .iter()
            .filter_map(Weak::upgrade)
            .filter(|call| !call.over())
            .collect()
    }

    /// Puts a fresh thread where one hangs. Every call that it listened to begins anew.
    fn look(&self) {
        let mut workers = Self::lock(&self.workers);
        let mut lost = HashMap::new();
        let behind = workers.iter().map(Worker::behind).max();
        metrics::gauge!(SPEECH_BEHIND).set(behind.unwrap_or_default().as_secs_f64());
        for (number, worker) in workers.iter_mut().enumerate() {
            if !worker.hangs(self.patience) {
                continue;
            }
            error!("speech thread {number} hangs; another one stands in its place");
            worker.abandon();
            lost.insert(number, worker.worked_until());
            match Worker::start(number) {
                Ok(fresh) => *worker = fresh,
                Err(error) => error!(%error, "no thread can be started: {error}"),
            }
        }
        drop(workers);
        for call in self.live() {
            if let Some(since) = call.worked_until(&lost) {
                call.fail("a recogniser hung", Some(since));
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "calls are far below 2^52")]
        metrics::gauge!(TRANSCRIBED_CALLS).set(self.live().len() as f64);
    }
}

impl Recogniser for Ears {
    fn admit(
        &self,
        language: Option<&Language>,
        phrases: &[String],
    ) -> Result<Language, RecogniserRefused> {
        let language = self.fit(language, phrases)?;
        if self.shared.live().len() >= self.shared.most {
            return Err(RecogniserRefused::Busy {
                limit: self.shared.most,
            });
        }
        Ok(language)
    }

    fn open(
        &self,
        plan: &HearingPlan,
        told: WeakRecipient<HearingTold>,
    ) -> Result<Box<dyn Hearing>, RecogniserRefused> {
        let call = Arc::new(Call {
            shared: self.shared.clone(),
            plan: plan.clone(),
            told,
            on: Mutex::default(),
            closing: AtomicUsize::new(0),
            untold: Mutex::default(),
            lags: AtomicU64::new(0),
            over: AtomicBool::new(false),
        });
        Shared::lock(&self.shared.calls).push(Arc::downgrade(&call));
        Ok(Box::new(Listening {
            call,
            voices: RefCell::default(),
        }))
    }
}

/// One call that is listened to, as its threads know it.
pub(super) struct Call {
    shared: Arc<Shared>,
    plan: HearingPlan,
    told: WeakRecipient<HearingTold>,
    /// The threads that listen to somebody in it.
    on: Mutex<Vec<usize>>,
    /// Threads that still have to finish.
    closing: AtomicUsize,
    /// Who is in the middle of saying something, and when they began.
    untold: Mutex<HashMap<TrackId, Instant>>,
    /// The threads that are behind with it, a bit for each.
    lags: AtomicU64,
    over: AtomicBool,
}

impl Call {
    /// Somebody who listens to one microphone of it.
    pub(super) fn voice(&self, whose: Whose) -> Result<Voice, EngineError> {
        let engine: Arc<dyn Engine> = self
            .shared
            .models
            .engine(&self.plan.language)
            .map_err(|missing| EngineError(missing.to_string()))?;
        Voice::new(whose, self.plan.phrases.clone(), engine, self.plan.zero)
    }

    pub(super) fn tell(&self, told: HearingTold) {
        if let (false, Some(transcriber)) = (self.over(), self.told.upgrade()) {
            transcriber.do_send(told);
        }
    }

    /// It is over. What came from `since` on was not understood, nor what somebody was in the middle of saying.
    pub(super) fn fail(&self, reason: &str, since: Option<Instant>) {
        self.tell(HearingTold::Failed {
            reason: reason.to_owned(),
            since: self.untold_since().into_iter().chain(since).min(),
        });
        self.over.store(true, Ordering::Relaxed);
    }

    /// Since when somebody says what they say now; `None`: they say nothing.
    pub(super) fn speaks(&self, track: TrackId, since: Option<Instant>) {
        let mut untold = Shared::lock(&self.untold);
        match since {
            Some(since) => untold.insert(track, since),
            None => untold.remove(&track),
        };
    }

    fn untold_since(&self) -> Option<Instant> {
        Shared::lock(&self.untold).values().min().copied()
    }

    /// One of its threads falls behind, or does not any more. Whether that is news: the first that does, and the last.
    pub(super) fn lag(&self, thread: usize, lags: bool) -> bool {
        let bit = 1 << (thread % 64);
        if lags {
            return self.lags.fetch_or(bit, Ordering::Relaxed) == 0;
        }
        self.lags.load(Ordering::Relaxed) != 0
            && self.lags.fetch_and(!bit, Ordering::Relaxed) == bit
    }

    /// One of its threads has finished.
    pub(super) fn closed(&self) {
        if self.closing.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.tell(HearingTold::Closed);
            self.over.store(true, Ordering::Relaxed);
        }
    }

    fn over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// The earliest moment until which one of these threads worked on it, where one does.
    fn worked_until(&self, threads: &HashMap<usize, Instant>) -> Option<Instant> {
        let on = Shared::lock(&self.on);
        on.iter()
            .filter_map(|thread| threads.get(thread))
            .min()
            .copied()
    }
}

/// One call that is listened to, as its transcriber knows it.
struct Listening {
    call: Arc<Call>,
    /// Who listens to which track. One actor alone has it.
    voices: RefCell<HashMap<TrackId, Worker>>,
}

impl Listening {
    fn close_all(&self) {
        let workers = Shared::lock(&self.call.shared.workers);
        let on: Vec<usize> = std::mem::take(&mut *Shared::lock(&self.call.on));
        if on.is_empty() {
            drop(workers);
            if !self.call.over() {
                self.call.closing.store(1, Ordering::Relaxed);
                self.call.closed();
            }
            return;
        }
        self.call.closing.store(on.len(), Ordering::Relaxed);
        for thread in on {
            workers[thread].order(Order::Close(self.call.clone()));
        }
    }
}

impl Hearing for Listening {
    fn voice(&self, voice: Whose) {
        let workers = Shared::lock(&self.call.shared.workers);
        let idlest = workers
            .iter()
            .enumerate()
            .min_by_key(|(_, worker)| worker.voices());
        let Some((number, worker)) = idlest else {
            return;
        };
        let mut on = Shared::lock(&self.call.on);
        if !on.contains(&number) {
            on.push(number);
        }
        self.voices.borrow_mut().insert(voice.track, worker.clone());
        worker.order(Order::Voice(self.call.clone(), voice));
    }

    fn hush(&self, track: TrackId) {
        if let Some(worker) = self.voices.borrow_mut().remove(&track) {
            worker.order(Order::Hush(track));
        }
    }

    fn close(&self) {
        self.close_all();
    }

    fn patience(&self) -> Duration {
        self.call.shared.patience
    }

    fn untold_since(&self) -> Option<Instant> {
        let voices = self.voices.borrow();
        let behind = voices.values().filter(|worker| worker.is_behind());
        let unheard = behind.map(Worker::worked_until);
        unheard.chain(self.call.untold_since()).min()
    }

    fn packets(&self, burst: Burst) -> bool {
        let Some(first) = burst.first() else {
            return true;
        };
        let voices = self.voices.borrow();
        let worker = voices.get(&first.track);
        worker.is_none_or(|worker| worker.packets(burst))
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.close_all(); // also of one that broke: its other threads listen on
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests;
