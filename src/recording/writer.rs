//! The thread that writes a segment of a recording: packets in, files and a log of what they mean out.

mod coding;
mod floor;
mod lane;
mod opus;
mod track;

use std::collections::HashMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use actix::WeakRecipient;
use calls_actors::recorder::{Plan, TapeTold, TapeTrack};
use calls_codec::CodecError;
use calls_media::seam::{Burst, PeerId, SourceClock, TrackId};
use calls_model::Source;
use tracing::warn;

use self::floor::Floor;
pub(super) use self::opus::SILENCE_US;
use self::track::Track;
pub(super) use self::track::{GAP_US, is_likely};
use super::log::{Alive, Entry, Log, TrackKey};
use crate::telemetry::names::RECORDING_BYTES;

/// How often it looks after what time alone brings.
const TICK: Duration = Duration::from_millis(50);

/// How often clusters are closed: a kill loses no more than that, and what waits in jitter buffers.
const FLUSH_EVERY: Duration = Duration::from_millis(400);

/// How often the disk is made sure of: a power cut loses no more than that.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// Nothing that is missing is waited for that long: jitter buffers are empty then.
const LATEST: Duration = Duration::from_millis(500);

/// How often a decoder finds a fresh start in what is composed meanwhile: a piece has to be decoded from there.
const REFRESH_EVERY: Duration = Duration::from_secs(10);

/// What a tape is told.
#[derive(Debug)]
pub(super) enum Word {
    Track(TapeTrack, Instant),
    Muted(TrackId, bool, Instant),
    /// It is not published any more; its publisher left the call.
    Gone(TrackId, bool, Instant),
    Packets(Burst),
    Clock(SourceClock),
    Pause(bool, Instant),
    Close,
    #[cfg(feature = "testing")]
    Crash,
}

/// A segment cannot be written.
#[derive(Debug, thiserror::Error)]
pub(super) enum WriteError {
    /// FFmpeg says no.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The system says no.
    #[error("{0}")]
    System(#[from] std::io::Error),
}

/// A segment of a recording.
pub(super) struct Writer {
    pub(super) folder: PathBuf,
    pub(super) plan: Plan,
    /// Which run of the server this is.
    pub(super) run: Arc<str>,
    pub(super) told: WeakRecipient<TapeTold>,
    pub(super) dropped: Arc<Mutex<HashMap<TrackId, u64>>>,
    /// Bursts that wait; it takes off what it takes.
    pub(super) waiting: Arc<AtomicUsize>,
    pub(super) closing: Arc<AtomicBool>,
}

/// What all tracks of a segment share.
pub(super) struct Desk {
    pub(super) log: Log,
    pub(super) folder: PathBuf,
    pub(super) segment: u32,
    pub(super) zero: Instant,
    pub(super) paused: bool,
    /// How far each publisher's clock is from ours, by the quickest report so far.
    pub(super) offsets: HashMap<PeerId, i64>,
    /// Frames on disk, or on their way there.
    pub(super) frames: u64,
    /// The end of the last of them.
    pub(super) end_us: i64,
}

impl Desk {
    /// Microseconds from the recording's zero.
    pub(super) fn at(&self, moment: Instant) -> i64 {
        let micros = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        match moment.checked_duration_since(self.zero) {
            Some(after) => micros(after),
            None => -micros(self.zero.duration_since(moment)),
        }
    }
}

struct Segment<'a> {
    writer: &'a Writer,
    desk: Desk,
    tracks: HashMap<TrackId, Track>,
    floor: Floor,
    rolling: bool,
    written: u64,
    flushed: Instant,
    synced: Instant,
}

impl Writer {
    /// Writes until it is told to close, or nobody is there any more. Panics as whatever panicked below it.
    pub(super) fn run(&self, words: &Receiver<Word>) -> Result<(), WriteError> {
        let mut segment = self.begin()?;
        let outcome = catch_unwind(AssertUnwindSafe(|| segment.write(words)));
        if !matches!(outcome, Ok(Ok(()))) {
            // It is told from an end of the server, whenever somebody asks.
            segment.desk.log.note(&Entry::Broke);
            if let Err(error) = segment.desk.log.sync() {
                let id = &self.plan.recording_id;
                warn!(recording.id = %id, %error, "the log of {id} does not say that its tape broke: {error}");
            }
        }
        outcome.unwrap_or_else(|panicked| resume_unwind(panicked))
    }

    fn tell(&self, news: TapeTold) {
        if let Some(recorder) = self.told.upgrade() {
            recorder.do_send(news);
        }
    }

    fn begin(&self) -> Result<Segment<'_>, WriteError> {
        fs::create_dir_all(self.folder.join("live"))?;
        let (log, segment) = Log::begin(&self.folder)?;
        let now = Instant::now();
        let mut desk = Desk {
            log,
            folder: self.folder.clone(),
            segment,
            zero: self.plan.zero,
            paused: false,
            offsets: HashMap::new(),
            frames: 0,
            end_us: 0,
        };
        let at_us = desk.at(now);
        desk.log.note(&Entry::Begun {
            segment,
            at_us,
            run: Some(self.run.to_string()),
        });
        desk.log.sync()?;
        Ok(Segment {
            writer: self,
            desk,
            tracks: HashMap::new(),
            floor: Floor::default(),
            rolling: false,
            written: 0,
            flushed: now,
            synced: now,
        })
    }
}

impl Segment<'_> {
    fn write(&mut self, words: &Receiver<Word>) -> Result<(), WriteError> {
        let writer = self.writer;
        loop {
            match words.recv_timeout(TICK) {
                Ok(Word::Close) => {}
                Ok(word) => self.hear(word)?,
                Err(RecvTimeoutError::Timeout) if writer.closing.load(Ordering::Relaxed) => break,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.tick(Instant::now())?;
        }
        self.close()
    }

    fn hear(&mut self, word: Word) -> Result<(), WriteError> {
        match word {
            Word::Track(track, at) => self.publish(track, at),
            Word::Muted(track, muted, at) => {
                if let Some(track) = self.tracks.get_mut(&track) {
                    track.mute(muted, at);
                }
            }
            Word::Gone(track, left, at) => {
                let (track, at_us) = (key(track), self.desk.at(at));
                self.desk.log.note(&Entry::Gone { track, at_us, left });
            }
            Word::Clock(clock) => {
                if let Some(track) = self.tracks.get_mut(&clock.track) {
                    track.clock(clock, &mut self.desk);
                }
            }
            Word::Pause(paused, at) if paused != self.desk.paused => {
                // What waits for something that is missing was sent before, and is not taken for what comes after.
                self.drain(at + LATEST)?;
                self.desk.paused = paused;
                let at_us = self.desk.at(at);
                let entry = if paused {
                    Entry::Paused { at_us }
                } else {
                    Entry::Resumed { at_us }
                };
                self.desk.log.note(&entry);
            }
            Word::Packets(burst) => {
                self.writer.waiting.fetch_sub(1, Ordering::Relaxed);
                let Some(first) = burst.first() else {
                    return Ok(());
                };
                let now = first.arrival;
                if !self.desk.paused {
                    self.floor.hear(&burst);
                }
                if let Some(track) = self.tracks.get_mut(&first.track) {
                    for packet in burst.iter() {
                        track.take(packet.clone());
                    }
                    track.drain(now, &mut self.desk)?;
                }
            }
            Word::Pause(..) | Word::Close => {}
            #[cfg(feature = "testing")]
            Word::Crash => panic!("crashed on purpose"),
        }
        Ok(())
    }

    fn publish(&mut self, track: TapeTrack, at: Instant) {
        let key = key(track.track);
        let at_us = self.desk.at(at);
        if track.source == Source::Microphone {
            self.floor.voice(track.track, track.participant_id.clone());
        }
        let number = self.tracks.len();
        let refresh = self.writer.plan.live.then_some(REFRESH_EVERY);
        let opened = Track::new((track.track, key), track.source, (number, at_us), refresh);
        self.tracks.entry(track.track).or_insert(opened);
        self.desk.log.note(&Entry::Track {
            track: key,
            at_us: Some(at_us),
            participant_id: track.participant_id,
            user_id: track.user_id,
            display_name: track.display_name,
            source: track.source,
        });
    }

    fn drain(&mut self, now: Instant) -> Result<(), WriteError> {
        for track in self.tracks.values_mut() {
            track.drain(now, &mut self.desk)?;
        }
        Ok(())
    }

    fn tick(&mut self, now: Instant) -> Result<(), WriteError> {
        let first = !self.rolling && self.desk.frames > 0;
        if !first && now.duration_since(self.flushed) < FLUSH_EVERY {
            return Ok(());
        }
        self.drain(now)?;
        self.flushed = now;
        if let Some(participant_id) = self.floor.look(now) {
            let at_us = self.desk.at(now);
            let taken = Entry::Speaking {
                participant_id,
                at_us,
            };
            self.desk.log.note(&taken);
        }
        let mut written = 0;
        for track in self.tracks.values_mut() {
            track.flush()?;
            written += track.written();
            if !self.desk.paused
                && let Some(layer) = track.wants_keyframe(now)
            {
                let track = track.id();
                self.writer.tell(TapeTold::Keyframe { track, layer });
            }
        }
        metrics::counter!(RECORDING_BYTES).increment(written.saturating_sub(self.written));
        self.written = self.written.max(written);
        self.desk.log.flush()?;
        if first || now.duration_since(self.synced) >= SYNC_EVERY {
            self.sync(now)?;
        }
        if first {
            self.rolling = true;
            self.writer.tell(TapeTold::Rolling);
        }
        Ok(())
    }

    fn sync(&mut self, now: Instant) -> Result<(), WriteError> {
        self.synced = now;
        let dropped = self.writer.dropped.lock();
        let dropped = dropped.unwrap_or_else(PoisonError::into_inner).clone();
        for track in self.tracks.values_mut() {
            track.sync()?;
            let missed = dropped.get(&track.id()).copied().unwrap_or(0);
            self.desk.log.note(&track.counts(missed));
        }
        let alive = Alive {
            at_us: self.desk.at(now),
            wall_ms: wall_ms(),
        };
        self.desk.log.note(&Entry::Synced {
            end_us: self.desk.end_us,
            alive: Some(alive),
        });
        Ok(self.desk.log.sync()?)
    }

    fn close(&mut self) -> Result<(), WriteError> {
        let now = Instant::now();
        // Nothing that is missing comes any more.
        self.drain(now + LATEST)?;
        let now_us = self.desk.at(now);
        for track in self.tracks.values_mut() {
            track.fall_silent(&mut self.desk, now_us)?;
            track.give_up(&mut self.desk);
            track.finish()?;
        }
        self.sync(now)?;
        self.desk.log.note(&Entry::Closed);
        Ok(self.desk.log.sync()?)
    }
}

/// Milliseconds since 1970, as the machine's clock has it, which may jump.
fn wall_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}

fn key(track: TrackId) -> TrackKey {
    TrackKey {
        run: 0, // known when it is read
        peer: track.peer.0,
        index: track.index,
    }
}
