//! Opens tapes on the server's own disk.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix::WeakRecipient;
use calls_actors::recorder::{Plan, Studio, StudioRefused, Tape, TapeTold, TapeTrack};
use calls_media::seam::{Burst, SourceClock, TrackId};
use calls_model::{RecordingId, Timestamp};
use tokio::sync::watch;
use tracing::error;

use super::log;
use super::writer::{Word, Writer};
use crate::store::FORGOTTEN_AFTER;
use crate::telemetry::names::{RECORDERS, RECORDING_DISK_FULL, RECORDING_DROPPED};

/// Bursts that may wait for the disk: some seconds of a large call. Beyond it they are dropped, and counted.
const QUEUE: usize = 8192;

/// Bytes of a megabyte, as disks are sold.
const MEGABYTE: u64 = 1_000_000;

/// Opens tapes below one folder.
#[derive(Debug, Clone)]
pub struct DiskStudio {
    folder: Arc<Path>,
    min_free: u64,
    most: usize,
    /// Tells segments of this run of the server from those of others.
    run: Arc<str>,
    open: Arc<Mutex<HashMap<RecordingId, usize>>>,
    /// Whose tapes were closed since somebody took them.
    just_closed: Arc<Mutex<Vec<RecordingId>>>,
    /// Changes when a tape is closed.
    closed: watch::Sender<()>,
}

impl DiskStudio {
    /// Keeps so much of the disk free, and records so many calls at a time at most.
    pub fn new(folder: PathBuf, min_free_mb: u64, most: usize) -> Self {
        Self {
            folder: folder.into(),
            min_free: min_free_mb * MEGABYTE,
            most,
            run: format!("{:016x}", rand::random::<u64>()).into(),
            open: Arc::default(),
            just_closed: Arc::default(),
            closed: watch::Sender::default(),
        }
    }

    /// Where a recording is.
    pub fn folder_of(&self, id: &RecordingId) -> PathBuf {
        self.folder.join(id.as_str())
    }

    /// Which run of the server this is.
    pub(super) fn run(&self) -> &str {
        &self.run
    }

    /// All recordings that have a folder.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(crate) fn folders(&self) -> std::io::Result<Vec<RecordingId>> {
        let mut ids = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let name = entry?.file_name().into_string().ok();
            ids.extend(name.and_then(|name| RecordingId::try_from(name).ok()));
        }
        Ok(ids)
    }

    /// Somebody still writes to it.
    pub fn is_open(&self, id: &RecordingId) -> bool {
        self.lock().contains_key(id)
    }

    /// As if a tape were open, for as long as this lives.
    #[cfg(all(test, feature = "testing"))]
    pub(super) fn taken(&self, id: &RecordingId) -> impl Sized + use<> {
        Place::take(self, id)
    }

    /// Changes when a tape is closed, or there is something else to see to.
    pub(crate) fn bell(&self) -> watch::Receiver<()> {
        self.closed.subscribe()
    }

    /// Lets whoever waits for the bell look now.
    pub(crate) fn ring(&self) {
        self.closed.send_replace(());
    }

    /// Whose tapes were closed since this was asked.
    pub(crate) fn take_closed(&self) -> Vec<RecordingId> {
        let just_closed = self.just_closed.lock();
        std::mem::take(&mut *just_closed.unwrap_or_else(PoisonError::into_inner))
    }

    /// How many tapes are open.
    pub fn open_tapes(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<RecordingId, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Megabytes that are free where recordings are kept, which must be there.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn free_mb(&self) -> std::io::Result<u64> {
        Ok(self.free()? / MEGABYTE)
    }

    /// Looks how many bytes are free, and raises or ends the alarm.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(crate) fn watch_disk(&self) -> std::io::Result<u64> {
        std::fs::create_dir_all(&self.folder)?;
        let free = self.free()?;
        metrics::gauge!(RECORDING_DISK_FULL).set(if free < self.min_free { 1.0 } else { 0.0 });
        Ok(free)
    }

    /// So much is free that something new may begin.
    pub(crate) fn has_room(&self) -> Result<(), StudioRefused> {
        let free = self.watch_disk().map_err(|error| {
            StudioRefused::System(format!("{}: {error}", self.folder.display()))
        })?;
        if free < self.min_free {
            return Err(StudioRefused::DiskFull {
                free_mb: free / MEGABYTE,
                wanted_mb: self.min_free / MEGABYTE,
            });
        }
        Ok(())
    }

    fn free(&self) -> std::io::Result<u64> {
        let stat = rustix::fs::statvfs(&*self.folder)?;
        Ok(stat.f_bavail * stat.f_frsize)
    }
}

impl Studio for DiskStudio {
    fn admit(&self) -> Result<(), StudioRefused> {
        self.has_room()?;
        if self.lock().len() >= self.most {
            return Err(StudioRefused::Busy { limit: self.most });
        }
        Ok(())
    }

    /// What it was when its log was last written to, and for how long the server was down then: no longer than a call waits
    /// for it, whatever the machine's clock says now.
    fn recorded_for(&self, id: &RecordingId, now: Timestamp) -> Option<Duration> {
        let alive = log::last_alive(&self.folder_of(id))?;
        let at = Duration::from_micros(u64::try_from(alive.at_us).ok()?);
        let down = u64::try_from(now.millis() - alive.wall_ms).unwrap_or(0);
        Some(at + Duration::from_millis(down).min(FORGOTTEN_AFTER))
    }

    fn open(
        &self,
        plan: &Plan,
        told: WeakRecipient<TapeTold>,
    ) -> Result<Box<dyn Tape>, StudioRefused> {
        let (words, heard) = channel();
        let waiting = Arc::<AtomicUsize>::default();
        let dropped = Arc::<Mutex<HashMap<TrackId, u64>>>::default();
        let closing = Arc::new(AtomicBool::new(false));
        let writer = Writer {
            folder: self.folder_of(&plan.recording_id),
            plan: plan.clone(),
            run: self.run.clone(),
            told: told.clone(),
            dropped: dropped.clone(),
            waiting: waiting.clone(),
            closing: closing.clone(),
        };
        let place = Place::take(self, &plan.recording_id);
        let run = move || {
            let id = writer.plan.recording_id.clone();
            let outcome =
                std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| writer.run(&heard)));
            let failed = match outcome {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error.to_string()),
                Err(_) => Some("the thread that writes it crashed".to_owned()),
            };
            drop(place); // before anybody is told
            let news = match failed {
                None => TapeTold::Closed,
                Some(reason) => {
                    error!(recording.id = %id, reason, "the tape of {id} broke: {reason}");
                    TapeTold::Failed(reason)
                }
            };
            if let Some(recorder) = told.upgrade() {
                recorder.do_send(news);
            }
        };
        let thread = std::thread::Builder::new().name("calls-recorder".to_owned());
        let spawned = thread.spawn(run);
        spawned.map_err(|error| StudioRefused::System(format!("no thread: {error}")))?;
        Ok(Box::new(DiskTape {
            words,
            waiting,
            dropped,
            closing,
        }))
    }
}

/// Counts a tape as open until it is dropped.
struct Place {
    studio: DiskStudio,
    id: RecordingId,
}

impl Place {
    fn take(studio: &DiskStudio, id: &RecordingId) -> Self {
        *studio.lock().entry(id.clone()).or_default() += 1;
        metrics::gauge!(RECORDERS).increment(1);
        Self {
            studio: studio.clone(),
            id: id.clone(),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.studio.lock();
        if let Some(count) = open.get_mut(&self.id) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.id);
                let just_closed = self.studio.just_closed.lock();
                let mut just_closed = just_closed.unwrap_or_else(PoisonError::into_inner);
                just_closed.push(self.id.clone());
            }
        }
        drop(open);
        metrics::gauge!(RECORDERS).decrement(1);
        self.studio.ring();
    }
}

/// The near end of the thread that writes.
struct DiskTape {
    /// Takes everything at once, so that a disk that stands still makes nobody wait; `waiting` bounds it.
    words: Sender<Word>,
    /// Bursts that wait.
    waiting: Arc<AtomicUsize>,
    /// What did not fit, by track. Locked only where something does not.
    dropped: Arc<Mutex<HashMap<TrackId, u64>>>,
    closing: Arc<AtomicBool>,
}

impl DiskTape {
    fn tell(&self, word: Word) -> bool {
        self.words.send(word).is_ok() // or the thread is gone, and its recorder hears of that
    }
}

impl Tape for DiskTape {
    fn track(&self, track: TapeTrack) {
        self.tell(Word::Track(track, Instant::now()));
    }

    fn muted(&self, track: TrackId, muted: bool) {
        self.tell(Word::Muted(track, muted, Instant::now()));
    }

    fn gone(&self, track: TrackId, left: bool) {
        self.tell(Word::Gone(track, left, Instant::now()));
    }

    fn clock(&self, clock: SourceClock) {
        self.tell(Word::Clock(clock));
    }

    fn pause(&self, paused: bool) {
        self.tell(Word::Pause(paused, Instant::now()));
    }

    #[cfg(feature = "testing")]
    fn crash(&self) {
        self.tell(Word::Crash);
    }

    fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
        self.tell(Word::Close); // wakes it up
    }

    fn packets(&self, burst: Burst) -> bool {
        let track = burst.first().map(|packet| packet.track);
        let fits = self.waiting.fetch_add(1, Ordering::Relaxed) < QUEUE;
        let taken = fits && self.tell(Word::Packets(burst));
        if !taken {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        if let (false, Some(track)) = (taken, track) {
            metrics::counter!(RECORDING_DROPPED).increment(1);
            let mut dropped = self.dropped.lock().unwrap_or_else(PoisonError::into_inner);
            *dropped.entry(track).or_default() += 1;
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use calls_media::seam::{Codec, Layer, Packet, PayloadInfo, PeerId};

    use super::*;
    use crate::recording::log::{Alive, Entry, Log};

    fn burst() -> Burst {
        let packet = Packet {
            track: TrackId {
                peer: PeerId(1),
                index: 0,
            },
            layer: Layer(0),
            codec: Codec::Opus,
            seq: 0,
            timestamp: 0,
            marker: false,
            arrival: Instant::now(),
            audio_level: None,
            orientation: None,
            dependency_descriptor: None,
            info: PayloadInfo::default(),
            payload: vec![0xf8].into(),
        };
        [packet].into()
    }

    #[test]
    fn a_disk_that_stands_still_makes_nobody_wait_and_media_are_dropped_in_the_end() {
        let (words, heard) = channel();
        let tape = DiskTape {
            words,
            waiting: Arc::default(),
            dropped: Arc::default(),
            closing: Arc::default(),
        };
        let taken = (0..QUEUE + 3).filter(|_| tape.packets(burst())).count();
        assert_eq!(taken, QUEUE);
        tape.pause(true); // nobody hears it yet, and it waits for nobody
        assert_eq!(heard.try_iter().count(), QUEUE + 1);
        let dropped = tape.dropped.lock().expect("free").values().sum::<u64>();
        assert_eq!(dropped, 3);
    }

    #[test]
    fn how_far_a_recording_was_is_told_by_its_log_whatever_the_clock_of_the_machine_says() {
        const HOUR: i64 = 3_600_000;
        let folder = tempfile::tempdir().expect("a folder");
        let studio = DiskStudio::new(folder.path().to_owned(), 0, 1);
        let id = RecordingId::new();
        let place = studio.folder_of(&id);
        std::fs::create_dir_all(&place).expect("a folder");
        let recorded_for = |after_ms: i64| {
            let now = Timestamp::from_millis(HOUR + after_ms).expect("a time");
            studio.recorded_for(&id, now)
        };
        assert_eq!(recorded_for(0), None, "nobody knows");
        let (mut log, _) = Log::begin(&place).expect("a log");
        let alive = Alive {
            at_us: 10_000_000,
            wall_ms: HOUR,
        };
        log.note(&Entry::Synced {
            end_us: 4_000_000,
            alive: Some(alive),
        });
        log.sync().expect("written");
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(recorded_for(3000), seconds(13));
        assert_eq!(
            recorded_for(5 * HOUR),
            seconds(10 + FORGOTTEN_AFTER.as_secs())
        );
        assert_eq!(recorded_for(-HOUR), seconds(10));
    }
}
