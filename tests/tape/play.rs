//! A publisher whose clocks are their own, played onto a tape; and what is on it afterwards.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use calls::recording::DiskStudio;
use calls::recording::finish::{Finished, finish};
use calls_actors::recorder::{Plan, Studio, Tape, TapeTold, TapeTrack};
use calls_actors::testing::Probe;
use calls_codec::Demuxer;
use calls_media::seam::{Burst, Codec, Layer, Packet, PeerId, SourceClock, TrackId};
use calls_model::{CallId, ParticipantId, RecordingId, RecordingMode, Source, UserId};
use tempfile::TempDir;

use super::reel::{Reel, ffmpeg};

/// Microseconds of a second.
const SECOND: i64 = 1_000_000;

/// How far the publisher's clock is from ours, in microseconds.
const AHEAD: i64 = 1_000 * SECOND;

/// What a network does.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Network {
    /// Of a thousand packets so many never arrive.
    pub(crate) lost: u64,
    /// Packets are late by up to so many microseconds.
    pub(crate) jitter_us: u64,
}

/// How fast clocks run, in millionths too fast.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Clocks {
    /// Of the sound card beside the publisher's clock.
    pub(crate) sound: i64,
    /// Of the publisher's clock beside ours.
    pub(crate) publisher: i64,
}

/// A recording that was played to, and finished.
pub(crate) struct Played {
    folder: TempDir,
    id: RecordingId,
    pub(crate) finished: Finished,
}

/// Plays so many seconds of sound and picture.
pub(crate) async fn play(
    reels: [&Reel; 2],
    seconds: i64,
    network: Network,
    clocks: Clocks,
) -> Played {
    play_and(reels, seconds, network, clocks, |_, _| ()).await
}

/// The same, with something to do after each second in the folder of the recording.
pub(crate) async fn play_and(
    reels: [&Reel; 2],
    seconds: i64,
    network: Network,
    clocks: Clocks,
    mut meanwhile: impl FnMut(i64, &Path),
) -> Played {
    let folder = tempfile::tempdir().expect("a folder");
    let studio = DiskStudio::new(folder.path().to_owned(), 0, 1);
    let plan = Plan {
        recording_id: RecordingId::new(),
        call_id: CallId::new(),
        mode: RecordingMode::Tracks,
        live: false,
        participants: Arc::from([]),
        zero: Instant::now(),
    };
    let probe = Probe::<TapeTold>::start();
    let recorder = probe.recipient();
    let tape = studio.open(&plan, recorder.downgrade()).expect("a tape");
    let mut publisher = Publisher {
        tape: &*tape,
        zero: plan.zero,
        network,
        clocks,
        seq: [0; 2],
        dice: 1,
    };
    let participant_id = ParticipantId::new();
    for (index, source) in [Source::Microphone, Source::Camera].into_iter().enumerate() {
        tape.track(TapeTrack {
            track: track(index),
            participant_id: participant_id.clone(),
            user_id: UserId::try_from("ada".to_owned()).expect("an id"),
            display_name: None,
            source,
        });
    }
    for second in 0..seconds {
        publisher.second(second, reels);
        // The tape's own queue must not be full: it would drop.
        while studio.open_tapes() > 0 && is_far_ahead(folder.path(), &plan, second) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        meanwhile(second, &studio.folder_of(&plan.recording_id));
    }
    tape.close();
    let began = Instant::now();
    while studio.open_tapes() > 0 {
        assert!(began.elapsed() < Duration::from_secs(60), "it closes");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(probe.heard().await.last(), Some(&TapeTold::Closed));
    let finished = finish(&studio.folder_of(&plan.recording_id), None).expect("it is whole");
    Played {
        folder,
        id: plan.recording_id,
        finished,
    }
}

fn track(index: usize) -> TrackId {
    TrackId {
        peer: PeerId(1),
        index: u32::try_from(index).expect("few"),
    }
}

struct Publisher<'a> {
    tape: &'a dyn Tape,
    zero: Instant,
    network: Network,
    clocks: Clocks,
    seq: [u64; 2],
    dice: u64,
}

impl Publisher<'_> {
    /// A number below so many, the same in every run.
    fn roll(&mut self, below: u64) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        self.dice % below.max(1)
    }

    /// Our time of a moment of the publisher's, in microseconds.
    fn ours(&self, publisher_us: i64) -> i64 {
        publisher_us - publisher_us * self.clocks.publisher / SECOND
    }

    fn arrival(&mut self, publisher_us: i64) -> Instant {
        let late = 20_000 + self.roll(self.network.jitter_us + 1);
        let ours = u64::try_from(self.ours(publisher_us)).expect("after zero");
        self.zero + Duration::from_micros(ours + late)
    }

    /// The RTP timestamp of a moment of the publisher's.
    fn rtp(&self, index: usize, publisher_us: i64) -> u32 {
        let (rate, fast) = if index == 0 {
            (48_000, self.clocks.sound)
        } else {
            (90_000, 0)
        };
        let card_us = publisher_us + publisher_us * fast / SECOND;
        // It begins somewhere, and goes past its end on the way.
        u32::try_from((card_us * rate / SECOND + 4_294_000_000) & 0xffff_ffff).expect("32 bits")
    }

    fn second(&mut self, second: i64, reels: [&Reel; 2]) {
        for index in 0..2 {
            let at = second * SECOND;
            self.report(index, at);
        }
        let mut frames: Vec<(i64, usize, usize)> = Vec::new();
        for (index, reel) in reels.iter().enumerate() {
            let all = reel.frames.iter().enumerate();
            frames.extend(all.map(|(number, (at, _))| (*at, index, number)));
        }
        frames.sort_unstable();
        for (at, index, number) in frames {
            let reel = reels[index];
            self.frame(
                index,
                second * SECOND + at,
                reel.codec,
                &reel.frames[number].1,
            );
        }
    }

    fn report(&mut self, index: usize, at_us: i64) {
        let told = u128::try_from(at_us + AHEAD).expect("after zero");
        let ntp = (told << 32) / 1_000_000;
        let clock = SourceClock {
            track: track(index),
            layer: Layer(0),
            ntp: u64::try_from(ntp).expect("64 bits"),
            rtp: self.rtp(index, at_us),
            arrival: self.arrival(at_us),
        };
        self.tape.clock(clock);
    }

    fn frame(&mut self, index: usize, at_us: i64, codec: Codec, payloads: &[super::reel::Payload]) {
        let arrival = self.arrival(at_us);
        let timestamp = self.rtp(index, at_us);
        let mut packets = Vec::new();
        for (number, (payload, info)) in payloads.iter().enumerate() {
            self.seq[index] += 1;
            if self.roll(1000) < self.network.lost {
                continue;
            }
            packets.push(Packet {
                track: track(index),
                layer: Layer(0),
                codec,
                seq: self.seq[index],
                timestamp,
                marker: index == 1 && number + 1 == payloads.len(),
                arrival,
                audio_level: (index == 0).then_some(20), // a voice, in -dBov
                orientation: None,
                dependency_descriptor: None,
                info: *info,
                payload: payload.clone(),
            });
        }
        if !packets.is_empty() {
            let burst: Burst = packets.into();
            assert!(self.tape.packets(burst), "the tape keeps up");
        }
    }
}

/// What was played is much more than what is on disk: a minute of it fits into the queue.
fn is_far_ahead(folder: &Path, plan: &Plan, second: i64) -> bool {
    let log = folder.join(plan.recording_id.as_str()).join("log-0.jsonl");
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let synced = text
        .lines()
        .rev()
        .find_map(|line| line.split("\"end_us\":").nth(1));
    let synced = synced.and_then(|rest| rest.split(',').next()?.parse::<i64>().ok());
    second > 40 && synced.unwrap_or(0) < (second - 40) * SECOND
}

impl Played {
    pub(crate) fn path(&self, source: Source) -> PathBuf {
        let file = self
            .finished
            .files
            .iter()
            .find(|file| file.source == Some(source));
        let name = &file.expect("it was recorded").name;
        self.place().join(name)
    }

    /// When it begins to flash, in microseconds.
    pub(crate) fn flashes(&self) -> Vec<i64> {
        flashes(self.folder.path(), &self.path(Source::Camera))
    }

    /// When it begins to beep, in microseconds.
    pub(crate) fn beeps(&self) -> Vec<i64> {
        self.beeps_in(&self.path(Source::Microphone))
    }

    /// Where the recording is.
    pub(crate) fn place(&self) -> PathBuf {
        self.folder.path().join(self.id.as_str())
    }

    /// When it begins to beep in this file, in microseconds.
    pub(crate) fn beeps_in(&self, path: &Path) -> Vec<i64> {
        const RATE: i64 = 8000;
        let sound = self.folder.path().join("sound.s16");
        let path_text = path.display().to_string();
        let filter = "aresample=8000:async=1000:min_comp=0.002:min_hard_comp=0.04:first_pts=0";
        let rest = ["-ac", "1", "-af", filter, "-f", "s16le"];
        ffmpeg(&[&["-i", &path_text], &rest[..]].concat(), &sound);
        let sound = std::fs::read(sound).expect("it was made");
        let (mut begins, mut quiet) = (Vec::new(), RATE);
        for (at, sample) in (0i64..).zip(sound.chunks_exact(2)) {
            let loud = i16::from_le_bytes([sample[0], sample[1]]).unsigned_abs() > 6000;
            if loud && quiet > RATE / 4 {
                begins.push(at * SECOND / RATE);
            }
            quiet = if loud { 0 } else { quiet + 1 };
        }
        begins
    }
}

/// When a file begins to flash, in microseconds; works in that folder.
pub(crate) fn flashes(folder: &Path, path: &Path) -> Vec<i64> {
    let light = folder.join("light.gray");
    let path_text = path.display().to_string();
    let filter = "scale=1:1,format=gray";
    let rest = ["-map", "0:v", "-fps_mode", "passthrough", "-vf", filter];
    let begin = match path.extension().and_then(|one| one.to_str()) {
        Some("mp4") => &["-ignore_editlist", "1"][..],
        _ => &[],
    };
    let raw = ["-f", "rawvideo"];
    ffmpeg(&[begin, &["-i", &path_text], &rest, &raw].concat(), &light);
    let light = std::fs::read(light).expect("it was made");
    let times = times(path);
    assert_eq!(light.len(), times.len(), "every frame can be decoded");
    let bright = |at: usize| light[at] > 128;
    let begins = (1..light.len()).filter(|&at| bright(at) && !bright(at - 1));
    begins.map(|at| times[at]).collect()
}

/// When each frame of a file is, in microseconds; of the picture, where there is one.
pub(crate) fn times(path: &Path) -> Vec<i64> {
    let mut demuxer = Demuxer::open(path).expect("it opens");
    let pictures = (0..demuxer.streams()).find(|&stream| demuxer.size(stream).is_some());
    let mut times = Vec::new();
    while let Some(read) = demuxer.read().expect("to its end") {
        if pictures.is_none_or(|pictures| read.stream == pictures) {
            times.push(read.at_us);
        }
    }
    times.sort_unstable(); // as they are shown
    times
}
