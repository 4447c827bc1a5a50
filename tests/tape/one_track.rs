//! A tape with one track on it.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use calls::recording::DiskStudio;
use calls::recording::finish::{FinishError, Finished, finish};
use calls_actors::recorder::{Plan, Studio, Tape, TapeTold, TapeTrack};
use calls_actors::testing::Probe;
use calls_codec::Demuxer;
use calls_media::seam::{Codec, Layer, Packet, PayloadInfo, PeerId, SourceClock, TrackId};
use calls_model::{CallId, RecordingId, RecordingMode, Source, UserId};
use tempfile::TempDir;

/// The track that is there from the beginning.
pub(crate) const TRACK: TrackId = TrackId {
    peer: PeerId(1),
    index: 0,
};

/// A tape that is written to, and what it tells.
pub(crate) struct OneTrack {
    folder: TempDir,
    studio: DiskStudio,
    plan: Plan,
    probe: Probe<TapeTold>,
    pub(crate) tape: Box<dyn Tape>,
    seq: HashMap<TrackId, u64>,
}

impl OneTrack {
    pub(crate) fn open(source: Source) -> Self {
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
        let track = Self::on(folder, studio, plan);
        track.belongs_to("ada", TRACK, source);
        track
    }

    fn on(folder: TempDir, studio: DiskStudio, plan: Plan) -> Self {
        let probe = Probe::<TapeTold>::start();
        let told = probe.recipient();
        let tape = studio.open(&plan, told.downgrade()).expect("a tape");
        Self {
            folder,
            studio,
            plan,
            probe,
            tape,
            seq: HashMap::new(),
        }
    }

    /// Somebody's track is on it from now on.
    pub(crate) fn belongs_to(&self, user: &str, track: TrackId, source: Source) {
        self.tape.track(TapeTrack {
            track,
            participant_id: format!("part_{user}").parse().expect("an id"),
            user_id: UserId::try_from(user.to_owned()).expect("an id"),
            display_name: None,
            source,
        });
    }

    /// Another run of the server goes on with the recording; nothing is on it yet.
    pub(crate) async fn next_run(self) -> Self {
        self.next_run_after(|_| ()).await
    }

    /// The same, where something happened to its folder in between.
    pub(crate) async fn next_run_after(self, spoil: impl FnOnce(&Path)) -> Self {
        self.closed().await;
        spoil(&self.studio.folder_of(&self.plan.recording_id));
        let studio = DiskStudio::new(self.folder.path().to_owned(), 0, 1);
        Self::on(self.folder, studio, self.plan)
    }

    async fn closed(&self) {
        self.tape.close();
        while self.studio.open_tapes() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// From when its times count.
    pub(crate) fn zero(&self) -> Instant {
        self.plan.zero
    }

    /// Puts a frame onto it that is one packet, the next in order.
    pub(crate) fn put(&mut self, codec: Codec, timestamp: u32, arrival: Instant, frame: Frame) {
        self.put_on(TRACK, codec, timestamp, arrival, frame);
    }

    /// So many packets of it never come, or it numbers anew, where they are very many.
    pub(crate) fn skip(&mut self, packets: u64) {
        self.skip_on(TRACK, packets);
    }

    /// The same, of any of its tracks.
    pub(crate) fn skip_on(&mut self, track: TrackId, packets: u64) {
        *self.seq.entry(track).or_default() += packets;
    }

    /// The same, on any of its tracks.
    pub(crate) fn put_on(
        &mut self,
        track: TrackId,
        codec: Codec,
        timestamp: u32,
        arrival: Instant,
        frame: Frame,
    ) {
        let seq = self.seq.entry(track).or_default();
        let packet = Packet {
            track,
            layer: Layer(0),
            codec,
            seq: *seq,
            timestamp,
            marker: true,
            arrival,
            audio_level: None,
            orientation: None,
            dependency_descriptor: None,
            info: frame.info,
            payload: frame.payload.into(),
        };
        *seq += 1;
        assert!(self.tape.packets([packet].into()), "the tape keeps up");
    }

    /// Says that this timestamp is of then: a sender report (RFC 3550 §6.4.1).
    pub(crate) fn report(&self, rtp: u32, after: Duration) {
        let clock = SourceClock {
            track: TRACK,
            layer: Layer(0),
            ntp: u64::try_from((after.as_nanos() << 32) / 1_000_000_000).expect("64 bits"),
            rtp,
            arrival: self.plan.zero + after,
        };
        self.tape.clock(clock);
    }

    /// How often it asked for a key frame.
    pub(crate) async fn asked(&self) -> usize {
        let heard = self.probe.heard().await;
        let asks = |told: &&TapeTold| matches!(told, TapeTold::Keyframe { .. });
        heard.iter().filter(asks).count()
    }

    /// What is on it, and when its frames are, in milliseconds.
    pub(crate) async fn close(self) -> (Finished, Vec<i64>) {
        let (finished, times) = self.close_with(|_| ()).await;
        (finished.expect("it is whole"), times)
    }

    /// The same, of what something happened to before it was finished.
    pub(crate) async fn close_with(
        self,
        spoil: impl FnOnce(&Path),
    ) -> (Result<Finished, FinishError>, Vec<i64>) {
        self.closed().await;
        let folder = self.studio.folder_of(&self.plan.recording_id);
        spoil(&folder);
        let finished = finish(&folder, None);
        let mut times = Vec::new();
        let Ok(made) = &finished else {
            return (finished, times);
        };
        let mut file = Demuxer::open(&folder.join(&made.files[0].name)).expect("it opens");
        while let Some(read) = file.read().expect("to its end") {
            times.push(read.at_us / 1000);
        }
        drop(self.folder);
        (finished, times)
    }
}

/// What is in a packet.
pub(crate) struct Frame {
    payload: Vec<u8>,
    info: PayloadInfo,
}

/// A picture that looks like VP8 from outside (RFC 7741 §4.2, RFC 6386 §9.1).
pub(crate) fn picture(key: bool) -> Frame {
    let delta = u8::from(!key);
    let mut payload = vec![
        0x10, delta, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0x68, 0x01,
    ];
    payload.resize(300, 0x55);
    Frame {
        payload,
        info: PayloadInfo {
            starts_keyframe: key,
            size: key.then_some((640, 360)),
            ..PayloadInfo::default()
        },
    }
}

/// 20 ms of sound (RFC 6716 §3.1: full band, one frame).
pub(crate) fn sound() -> Frame {
    Frame {
        payload: vec![0xf8, 0xff, 0xfe],
        info: PayloadInfo::default(),
    }
}
