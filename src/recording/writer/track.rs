//! One track on its way to files: which encoding, into which file, at what time.

use std::fs::File;
use std::time::{Duration, Instant};

use calls_codec::{Coding, Container, Muxer, Sample, StreamFormat, picture_size};
use calls_media::codecs::clock_rate;
use calls_media::seam::{Codec, Layer, MAX_LAYERS, Packet, SourceClock, TrackId};
use calls_model::Source;

use super::coding::{coding, word};
use super::lane::{Captured, Lane};
use super::{Desk, WriteError, opus};
use crate::recording::log::{Entry, LaneKey, TrackKey};

/// Encodings of a picture come together: one of which nothing came for so long while another did is not sent any more.
const BESIDE: Duration = Duration::from_millis(400);

/// How often a key frame may be asked for.
const ASK_EVERY: Duration = Duration::from_secs(1);

/// Sound that comes later than it should by this much has a hole before it, which is filled with silence.
const HOLE_US: i64 = 15_000;

/// Holes of this length are worth a line in the report.
pub(in crate::recording) const GAP_US: i64 = 500_000;

/// Sound of which nothing came for so long is switched off: who is merely silent speaks up after 20 packets of up to 60 ms
/// (RFC 6716 §2.1.9).
const OFF_US: i64 = 1_500_000;

/// Holes longer than this are left to the container's own times: so much silence would not be worth its disk.
const LONGEST_US: i64 = 600_000_000;

/// A microphone that has sent nothing for so long is not merely silent: senders speak up every 400 ms (RFC 6716 §2.1.9).
const DTX_US: i64 = 600_000;

/// A timestamp may be so far before the arrival of its packet (which waited on its way) before it counts as a new beginning…
const LATE_US: i64 = 10_000_000;

/// …and so far after it (clocks run apart): nothing arrives before it is captured.
const EARLY_US: i64 = 5_000_000;

/// Whether something can have come so much later than it was captured, in microseconds.
pub(in crate::recording) fn is_likely(late_us: i64) -> bool {
    (-EARLY_US..LATE_US).contains(&late_us)
}

/// One track.
pub(super) struct Track {
    id: TrackId,
    key: TrackKey,
    source: Source,
    number: usize,
    /// Since when it is known.
    since_us: i64,
    lanes: [Lane; MAX_LAYERS],
    /// The encoding that is written.
    current: Option<usize>,
    /// A decoder is to find a fresh start at least that often.
    refresh: Option<Duration>,
    asked: Option<Instant>,
    file: Option<OpenFile>,
    files: usize,
    /// Where what comes next goes on from.
    epoch: Option<Epoch>,
    /// The end of what is written, in the times of its files.
    end_us: i64,
    /// Nothing is missing before the next frame: what was left out was left out on purpose.
    cut: bool,
    frames: u64,
    silence_us: i64,
    closed_bytes: u64,
}

struct OpenFile {
    muxer: Muxer,
    name: String,
    format: StreamFormat,
}

#[derive(Clone, Copy)]
struct Epoch {
    lane: LaneKey,
    at_us: i64,
    rtp: i64,
    rate: u32,
}

impl Epoch {
    fn time(&self, rtp: i64) -> i64 {
        self.at_us + (rtp - self.rtp) * 1_000_000 / i64::from(self.rate)
    }
}

impl Track {
    pub(super) fn new(
        (id, key): (TrackId, TrackKey),
        source: Source,
        (number, since_us): (usize, i64),
        refresh: Option<Duration>,
    ) -> Self {
        let lane = |layer: usize| {
            let key = LaneKey {
                segment: 0, // known when it is read
                track: key,
                layer: u8::try_from(layer).unwrap_or(0),
                generation: 0,
            };
            Lane::new(key, source)
        };
        Self {
            id,
            key,
            source,
            number,
            since_us,
            lanes: std::array::from_fn(lane),
            current: None,
            refresh,
            asked: None,
            file: None,
            files: 0,
            epoch: None,
            end_us: 0,
            cut: true,
            frames: 0,
            silence_us: 0,
            closed_bytes: 0,
        }
    }

    pub(super) fn id(&self) -> TrackId {
        self.id
    }

    pub(super) fn written(&self) -> u64 {
        self.closed_bytes + self.file.as_ref().map_or(0, |file| file.muxer.written())
    }

    pub(super) fn take(&mut self, packet: Packet) {
        if let Some(lane) = self.lanes.get_mut(usize::from(packet.layer.0)) {
            lane.take(packet);
        }
    }

    /// What is sent from then on goes to nobody, or to all again.
    pub(super) fn mute(&mut self, muted: bool, at: Instant) {
        for lane in &mut self.lanes {
            lane.mute(muted, at);
        }
    }

    pub(super) fn clock(&mut self, clock: SourceClock, desk: &mut Desk) {
        let Some(lane) = self.lanes.get_mut(usize::from(clock.layer.0)) else {
            return;
        };
        let point = lane.clock(&clock, desk.at(clock.arrival));
        let path = point.arrival_us - point.ntp_us;
        let quickest = desk.offsets.entry(self.id.peer).or_insert(path);
        *quickest = path.min(*quickest);
        desk.log.note(&Entry::Clock {
            lane: lane.key,
            rtp: point.rtp,
            ntp_us: point.ntp_us,
            arrival_us: point.arrival_us,
        });
    }

    /// The best encoding that is there. Where another goes on without it, its publisher has given it up.
    fn best(&self, now: Instant) -> Option<usize> {
        let latest = self.lanes.iter().filter_map(|lane| lane.came).max()?;
        let keeps_up = |lane: &Lane| lane.came.is_some_and(|came| came + BESIDE >= latest);
        (0..self.lanes.len())
            .rev()
            .find(|&layer| self.lanes[layer].is_alive(now) && keeps_up(&self.lanes[layer]))
    }

    /// The encoding that a key frame has to be asked for of, if it is time.
    pub(super) fn wants_keyframe(&mut self, now: Instant) -> Option<Layer> {
        if self.source.is_audio() {
            return None;
        }
        let best = self.best(now)?;
        let asked_within = |time| {
            self.asked
                .is_some_and(|asked| now.saturating_duration_since(asked) < time)
        };
        let fresh = self.refresh.is_none_or(asked_within);
        let begun = self.epoch.is_some(); // it has not, after a pause
        if self.current == Some(best) && !self.lanes[best].needs_keyframe() && begun && fresh {
            return None;
        }
        if asked_within(ASK_EVERY) {
            return None;
        }
        self.asked = Some(now);
        u8::try_from(best).ok().map(Layer)
    }

    /// Writes all that is whole by now.
    pub(super) fn drain(&mut self, now: Instant, desk: &mut Desk) -> Result<(), WriteError> {
        let best = self.best(now);
        for layer in 0..self.lanes.len() {
            for captured in self.lanes[layer].drain(now) {
                if desk.paused {
                    (self.cut, self.epoch) = (true, None);
                    continue;
                }
                self.write(layer, best, &captured, desk)?;
            }
        }
        Ok(())
    }

    fn write(
        &mut self,
        layer: usize,
        best: Option<usize>,
        captured: &Captured,
        desk: &mut Desk,
    ) -> Result<(), WriteError> {
        let begins = captured.frame.started.is_some();
        if self.current != Some(layer) {
            let gone = self
                .current
                .is_none_or(|current| best.is_none_or(|best| best < current));
            if !begins || (best != Some(layer) && !gone) {
                return Ok(());
            }
            (self.current, self.epoch) = (Some(layer), None);
        }
        if captured.anew {
            self.epoch = None;
        }
        if self.epoch.is_none() && !begins {
            return Ok(()); // a pause is over, or the stream began anew: pictures wait for a key frame
        }
        self.ready_file(captured, desk)?;
        if self.file.is_none() {
            return Ok(());
        }
        let at_us = self.time(layer, captured, desk);
        self.fill(at_us, captured, desk)?;
        let Some(file) = &mut self.file else {
            return Ok(());
        };
        let lasts_us = match captured.frame.codec {
            Codec::Opus => opus::duration_us(&captured.frame.data),
            _ => 0,
        };
        let at_us = at_us.max(self.end_us);
        file.muxer.write(
            0,
            Sample {
                at_us,
                lasts_us,
                key: begins,
                data: &captured.frame.data,
            },
        )?;
        self.end_us = at_us + lasts_us.max(1000);
        self.cut = false;
        self.frames += 1;
        desk.frames += 1;
        desk.end_us = desk.end_us.max(self.end_us);
        Ok(())
    }

    /// When a frame is, in the times of its file.
    fn time(&mut self, layer: usize, captured: &Captured, desk: &mut Desk) -> i64 {
        let timestamp = captured.frame.timestamp;
        if let Some(epoch) = self.epoch {
            let at = epoch.time(timestamp);
            let late = desk.at(captured.came) - at;
            if is_likely(late) && at > self.end_us - GAP_US {
                return at;
            }
        }
        let lane = &mut self.lanes[layer];
        let (came_us, offset) = (desk.at(captured.came), desk.offsets.get(&self.id.peer));
        let told = lane.captured_at(&captured.frame).zip(offset);
        let told = told.map(|(at, offset)| at + offset);
        let likely = |at: &i64| is_likely(came_us - at);
        if told.is_some_and(|at| !likely(&at)) {
            lane.forget_clock(); // what it said was of other timestamps
        }
        let at_us = told.filter(likely).unwrap_or(came_us);
        let epoch = Epoch {
            lane: lane.key,
            at_us: at_us.max(self.end_us),
            rtp: timestamp,
            rate: clock_rate(captured.frame.codec),
        };
        self.epoch = Some(epoch);
        if let Some(file) = &self.file {
            desk.log.note(&Entry::Epoch {
                file: file.name.clone(),
                lane: epoch.lane,
                at_us: epoch.at_us,
                rtp: epoch.rtp,
                rate: epoch.rate,
            });
        }
        epoch.at_us
    }

    /// Puts silence where no sound came, and notes holes.
    fn fill(&mut self, at_us: i64, captured: &Captured, desk: &mut Desk) -> Result<(), WriteError> {
        let hole = at_us - self.end_us;
        if self.cut || hole <= HOLE_US {
            return Ok(());
        }
        if let Some(lost) = self.gap(hole, captured) {
            desk.log.note(&Entry::Gap {
                track: self.key,
                from_us: self.end_us,
                to_us: at_us,
                lost,
            });
        }
        let Some(file) = self
            .file
            .as_mut()
            .filter(|_| self.source.is_audio() && hole < LONGEST_US)
        else {
            return Ok(());
        };
        let mut filled = 0;
        while self.end_us + filled + opus::SILENCE_US <= at_us + opus::SILENCE_US / 4 {
            write_silence(&mut file.muxer, self.end_us + filled)?;
            filled += opus::SILENCE_US;
        }
        self.end_us += filled;
        self.silence_us += filled;
        Ok(())
    }

    /// How many packets were lost in a hole that is worth a line; none: nothing was sent for most of it.
    fn gap(&self, hole: i64, captured: &Captured) -> Option<u64> {
        let off = 2 * i64::try_from(captured.unsent.as_micros()).unwrap_or(i64::MAX / 2) >= hole;
        if captured.lost > 0 && !off {
            return Some(captured.lost);
        }
        // Sound that nobody sends for a moment is silence. Where the numbering does not go on, nobody knows what was.
        let least = match self.source.is_audio() && !captured.anew {
            true if off => OFF_US,
            true => return None,
            false => GAP_US,
        };
        (hole >= least).then_some(0)
    }

    /// The recording stops, and what came last was of no use: something before it was lost, and no key frame came since.
    pub(super) fn give_up(&self, desk: &mut Desk) {
        let came = self.lanes.iter().filter_map(|lane| lane.came).max();
        let lost = self.lanes.iter().map(|lane| lane.missing).sum();
        let from_us = self.end_us.max(self.since_us);
        let to_us = came.map_or(0, |came| desk.at(came));
        if lost > 0 && !desk.paused && to_us - from_us >= GAP_US {
            desk.log.note(&Entry::Gap {
                track: self.key,
                from_us,
                to_us,
                lost,
            });
        }
    }

    /// The recording stops: whoever is silent now does not send, and was there until the end.
    pub(super) fn fall_silent(&mut self, desk: &mut Desk, now_us: i64) -> Result<(), WriteError> {
        let hole = now_us - self.end_us;
        let Some(file) = self
            .file
            .as_mut()
            .filter(|_| self.source.is_audio() && !desk.paused && hole < DTX_US)
        else {
            return Ok(());
        };
        while self.end_us + opus::SILENCE_US <= now_us {
            write_silence(&mut file.muxer, self.end_us)?;
            self.end_us += opus::SILENCE_US;
            self.silence_us += opus::SILENCE_US;
        }
        desk.end_us = desk.end_us.max(self.end_us);
        Ok(())
    }

    /// Opens a file, where there is none that takes this frame.
    fn ready_file(&mut self, captured: &Captured, desk: &mut Desk) -> Result<(), WriteError> {
        let Some(started) = &captured.frame.started else {
            return Ok(());
        };
        let coding = coding(captured.frame.codec);
        let parameters = started.parameters.to_vec();
        if let Some(file) = &self.file {
            let same = file.format.coding == coding;
            // Other codecs tell in the stream itself what has changed.
            if same && (coding != Coding::H264 || file.format.parameters == parameters) {
                return Ok(());
            }
        }
        let told = started
            .size
            .map(|(width, height)| (width.into(), height.into()));
        let size = told.or_else(|| picture_size(coding, &captured.frame.data));
        self.close_file()?;
        self.epoch = None;
        if size.is_none() && !self.source.is_audio() {
            return Ok(()); // no container takes it; another key frame may tell
        }
        let format = StreamFormat {
            coding,
            size,
            parameters,
        };
        let container = if coding == Coding::H264 {
            Container::Matroska
        } else {
            Container::WebM
        };
        let name = format!(
            "live/{}-{}-{}.{}",
            desk.segment,
            self.number,
            self.files,
            container.extension()
        );
        self.files += 1;
        desk.log.note(&Entry::File {
            file: name.clone(),
            track: self.key,
            codec: word(coding).to_owned(),
        });
        desk.log.flush()?; // there is no file of which nobody knows what it is
        let muxer = Muxer::live(File::create(desk.folder.join(&name))?, container, &format)?;
        self.file = Some(OpenFile {
            muxer,
            name,
            format,
        });
        Ok(())
    }

    fn close_file(&mut self) -> Result<(), WriteError> {
        if let Some(file) = self.file.take() {
            self.closed_bytes += file.muxer.finish()?;
        }
        Ok(())
    }

    pub(super) fn flush(&mut self) -> Result<(), WriteError> {
        if let Some(file) = &mut self.file {
            file.muxer.flush()?;
        }
        Ok(())
    }

    pub(super) fn sync(&mut self) -> Result<(), WriteError> {
        if let Some(file) = &mut self.file {
            file.muxer.sync()?;
        }
        Ok(())
    }

    pub(super) fn finish(&mut self) -> Result<(), WriteError> {
        self.close_file()
    }

    pub(super) fn counts(&self, dropped: u64) -> Entry {
        Entry::Counts {
            track: self.key,
            received: self.lanes.iter().map(|lane| lane.received).sum(),
            lost: self.lanes.iter().map(|lane| lane.lost).sum(),
            dropped,
            frames: self.frames,
            silence_us: self.silence_us,
        }
    }
}

/// Writes 20 ms of it.
fn write_silence(muxer: &mut Muxer, at_us: i64) -> Result<(), WriteError> {
    let sample = Sample {
        at_us,
        lasts_us: opus::SILENCE_US,
        key: true,
        data: &opus::SILENCE,
    };
    Ok(muxer.write(0, sample)?)
}

#[cfg(test)]
mod tests;
