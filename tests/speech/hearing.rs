//! Voices that speak clips of the bundled test set to the real engine, and when what was heard.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix::prelude::*;
use bytes::Bytes;
use calls::config::Config;
use calls::transcription::{Ears, Models};
use calls_actors::transcriber::{Hearing, HearingPlan, HearingTold, Recogniser, Voice};
use calls_media::seam::{Burst, Codec, Layer, Packet, PayloadInfo, PeerId, TrackId};
use calls_model::{CallId, ParticipantId};
use opus::{Application, Channels, Encoder};

/// Samples a second of the clips.
pub(super) const RATE: usize = 16_000;

/// How long a packet of Opus lasts.
pub(super) const PACKET: Duration = Duration::from_millis(20);

/// A clip of the bundled test set, as a browser would send it.
pub(super) struct Clip {
    pub(super) packets: Vec<Bytes>,
    /// Where sound ends in it.
    pub(super) ends: Duration,
}

impl Clip {
    pub(super) fn read(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("speech/testwav");
        let file = std::fs::read(folder.join(name)).expect("a clip");
        let data = file.windows(4).position(|four| four == b"data");
        let data = &file[data.expect("a data chunk") + 8..];
        let samples: Vec<i16> = data
            .chunks_exact(2)
            .map(|two| i16::from_le_bytes([two[0], two[1]]))
            .collect();
        let loud = |sample: &i16| sample.unsigned_abs() > 600;
        let last = samples.iter().rposition(loud).expect("some sound");
        let mut encoder =
            Encoder::new(16_000, Channels::Mono, Application::Voip).expect("an encoder");
        let frames = samples.chunks_exact(RATE / 50);
        Self {
            packets: frames
                .map(|frame| encoder.encode_vec(frame, 1000).expect("a packet").into())
                .collect(),
            ends: Duration::from_secs(last as u64) / 16_000,
        }
    }

    /// A packet of silence.
    pub(super) fn silence() -> Bytes {
        let encoder = Encoder::new(16_000, Channels::Mono, Application::Voip);
        let mut encoder = encoder.expect("an encoder");
        let packet = encoder.encode_vec(&[0; RATE / 50], 1000);
        packet.expect("a packet").into()
    }
}

/// What was told, and when.
pub(super) type Told = Arc<Mutex<Vec<(Instant, HearingTold)>>>;

/// Notes what is told.
pub(super) struct Notes(Told);

impl Actor for Notes {
    type Context = Context<Self>;
}

impl Handler<HearingTold> for Notes {
    type Result = ();

    fn handle(&mut self, told: HearingTold, _: &mut Self::Context) {
        let mut notes = self.0.lock().expect("nobody panics with it");
        notes.push((Instant::now(), told));
    }
}

/// A call that is listened to.
pub(super) struct Call {
    pub(super) hearing: Box<dyn Hearing>,
    pub(super) told: Told,
    pub(super) zero: Instant,
    _notes: Addr<Notes>,
}

impl Call {
    pub(super) fn open(ears: &Ears) -> Self {
        let told = Told::default();
        let notes = Notes(told.clone()).start();
        let zero = Instant::now();
        let plan = HearingPlan {
            call_id: CallId::new(),
            language: "en".parse().expect("a tag"),
            phrases: Arc::from([]),
            zero,
        };
        let hearing = ears.open(&plan, notes.clone().recipient().downgrade());
        Self {
            hearing: hearing.expect("somebody listens"),
            told,
            zero,
            _notes: notes,
        }
    }

    /// Somebody comes in.
    pub(super) fn voice(&self, number: usize) -> (TrackId, ParticipantId) {
        let track = TrackId {
            peer: PeerId(number as u64),
            index: 0,
        };
        let participant_id = ParticipantId::new();
        self.hearing.voice(Voice {
            track,
            participant_id: participant_id.clone(),
            user_id: format!("user-{number}").parse().expect("an id"),
        });
        (track, participant_id)
    }

    /// The packet of this number of a track, which came at this moment; whether it was taken.
    pub(super) fn send(
        &self,
        track: TrackId,
        number: u32,
        payload: Bytes,
        arrival: Instant,
    ) -> bool {
        self.hearing.packets(Burst::from([Packet {
            track,
            layer: Layer(0),
            codec: Codec::Opus,
            seq: number.into(),
            timestamp: number * 960,
            marker: false,
            arrival,
            audio_level: None,
            orientation: None,
            dependency_descriptor: None,
            info: PayloadInfo::default(),
            payload,
        }]))
    }
}

/// Listens with the bundled model. The folder has to live as long.
pub(super) fn ears() -> (Ears, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = Config::load(None)
        .expect("the defaults are good")
        .transcription;
    folder.path().clone_into(&mut config.models);
    let ears = Ears::start(Models::open(&config), 0, 100).expect("threads");
    ears.prepare(None);
    ears.admit(None, &[]).expect("the bundled model");
    (ears, folder)
}
