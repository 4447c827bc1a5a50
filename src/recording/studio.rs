//! Opens tapes on the server's own disk.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use actix::WeakRecipient;
use calls_actors::recorder::{Plan, Studio, StudioRefused, Tape, TapeTold, TapeTrack};
use calls_media::seam::{Burst, SourceClock, TrackId};
use calls_model::RecordingId;
use tokio::sync::watch;
use tracing::error;

use super::writer::{Word, Writer};
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
    open: Arc<Mutex<HashMap<RecordingId, usize>>>,
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
            open: Arc::default(),
            closed: watch::Sender::default(),
        }
    }

    /// Where a recording is.
    pub fn folder_of(&self, id: &RecordingId) -> PathBuf {
        self.folder.join(id.as_str())
    }

    /// Somebody still writes to it.
    pub fn is_open(&self, id: &RecordingId) -> bool {
        self.lock().contains_key(id)
    }

    /// Changes when a tape is closed, or there is something else to see to.
    pub(crate) fn bell(&self) -> watch::Receiver<()> {
        self.closed.subscribe()
    }

    /// Lets whoever waits for the bell look now.
    pub(crate) fn ring(&self) {
        self.closed.send_replace(());
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

    fn free(&self) -> std::io::Result<u64> {
        let stat = rustix::fs::statvfs(&*self.folder)?;
        Ok(stat.f_bavail * stat.f_frsize)
    }
}

impl Studio for DiskStudio {
    fn admit(&self) -> Result<(), StudioRefused> {
        let free = std::fs::create_dir_all(&self.folder).and_then(|()| self.free());
        let free = free.map_err(|error| {
            StudioRefused::System(format!("{}: {error}", self.folder.display()))
        })?;
        metrics::gauge!(RECORDING_DISK_FULL).set(if free < self.min_free { 1.0 } else { 0.0 });
        if free < self.min_free {
            return Err(StudioRefused::DiskFull {
                free_mb: free / MEGABYTE,
                wanted_mb: self.min_free / MEGABYTE,
            });
        }
        if self.lock().len() >= self.most {
            return Err(StudioRefused::Busy { limit: self.most });
        }
        Ok(())
    }

    fn open(
        &self,
        plan: &Plan,
        told: WeakRecipient<TapeTold>,
    ) -> Result<Box<dyn Tape>, StudioRefused> {
        let (words, heard) = sync_channel(QUEUE);
        let dropped = Arc::<Mutex<HashMap<TrackId, u64>>>::default();
        let closing = Arc::new(AtomicBool::new(false));
        let writer = Writer {
            folder: self.folder_of(&plan.recording_id),
            plan: plan.clone(),
            told: told.clone(),
            dropped: dropped.clone(),
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
            }
        }
        drop(open);
        metrics::gauge!(RECORDERS).decrement(1);
        self.studio.ring();
    }
}

/// The near end of the thread that writes.
struct DiskTape {
    words: SyncSender<Word>,
    /// What did not fit, by track. Locked only where something does not.
    dropped: Arc<Mutex<HashMap<TrackId, u64>>>,
    closing: Arc<AtomicBool>,
}

impl DiskTape {
    fn tell(&self, word: Word) -> bool {
        match self.words.try_send(word) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        }
    }
}

impl Tape for DiskTape {
    fn track(&self, track: TapeTrack) {
        let _ = self.words.send(Word::Track(track)); // rare, and nothing is understood without it
    }

    fn clock(&self, clock: SourceClock) {
        self.tell(Word::Clock(clock));
    }

    fn pause(&self, paused: bool) {
        let _ = self.words.send(Word::Pause(paused, Instant::now()));
    }

    #[cfg(feature = "testing")]
    fn crash(&self) {
        self.tell(Word::Crash);
    }

    fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
        self.tell(Word::Close); // wakes it up; a full queue is awake
    }

    fn packets(&self, burst: Burst) -> bool {
        let track = burst.first().map(|packet| packet.track);
        let taken = self.tell(Word::Packets(burst));
        if let (false, Some(track)) = (taken, track) {
            metrics::counter!(RECORDING_DROPPED).increment(1);
            let mut dropped = self.dropped.lock().unwrap_or_else(PoisonError::into_inner);
            *dropped.entry(track).or_default() += 1;
        }
        taken
    }
}
