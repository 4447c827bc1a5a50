//! A pause leaves pictures without a beginning: one is asked for when it is over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use calls::recording::DiskStudio;
use calls::recording::finish::finish;
use calls_actors::recorder::{Plan, Studio, Tape, TapeTold, TapeTrack};
use calls_actors::testing::Probe;
use calls_media::seam::{Codec, Layer, Packet, PayloadInfo, PeerId, TrackId};
use calls_model::{CallId, ParticipantId, RecordingId, RecordingMode, Source, UserId};

/// From one picture to the next.
const APART: Duration = Duration::from_millis(40);

const TRACK: TrackId = TrackId {
    peer: PeerId(1),
    index: 0,
};

/// Somebody who sends key frames only when asked, as browsers do.
struct Camera<'a> {
    tape: &'a dyn Tape,
    pictures: u32,
}

impl Camera<'_> {
    async fn shows(&mut self, key: bool) {
        let mut payload = vec![
            0x10,
            u8::from(!key),
            0x02,
            0x00,
            0x9d,
            0x01,
            0x2a,
            0x80,
            0x02,
            0x68,
            0x01,
        ];
        payload.resize(300, 0x55);
        let packet = Packet {
            track: TRACK,
            layer: Layer(0),
            codec: Codec::Vp8,
            seq: u64::from(self.pictures),
            timestamp: self.pictures * 3600,
            marker: true,
            arrival: Instant::now(),
            audio_level: None,
            orientation: None,
            dependency_descriptor: None,
            info: PayloadInfo {
                starts_keyframe: key,
                size: key.then_some((640, 360)),
                ..PayloadInfo::default()
            },
            payload: payload.into(),
        };
        self.pictures += 1;
        assert!(self.tape.packets([packet].into()), "the tape keeps up");
        tokio::time::sleep(APART).await;
    }
}

async fn asked(probe: &Probe<TapeTold>) -> usize {
    let heard = probe.heard().await;
    let asks = |told: &&TapeTold| matches!(told, TapeTold::Keyframe { .. });
    heard.iter().filter(asks).count()
}

#[actix::test]
async fn after_a_pause_pictures_come_back_and_during_it_nobody_is_asked_for_any() {
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
    let told = probe.recipient();
    let tape = studio.open(&plan, told.downgrade()).expect("a tape");
    tape.track(TapeTrack {
        track: TRACK,
        participant_id: ParticipantId::new(),
        user_id: UserId::try_from("ada".to_owned()).expect("an id"),
        source: Source::Camera,
    });
    let mut camera = Camera {
        tape: &*tape,
        pictures: 0,
    };
    camera.shows(true).await;
    for _ in 0..20 {
        camera.shows(false).await;
    }
    tape.pause(true);
    let before = asked(&probe).await;
    for _ in 0..40 {
        camera.shows(false).await;
    }
    assert_eq!(
        asked(&probe).await,
        before,
        "nobody is asked for what is left out"
    );
    tape.pause(false);
    let resumed = Instant::now();
    while asked(&probe).await == before {
        assert!(
            resumed.elapsed() < Duration::from_secs(5),
            "a key frame is asked for"
        );
        camera.shows(false).await;
    }
    camera.shows(true).await;
    for _ in 0..20 {
        camera.shows(false).await;
    }
    tape.close();
    while studio.open_tapes() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let finished = finish(&studio.folder_of(&plan.recording_id)).expect("it is whole");
    let written = finished.report.tracks[0].frames_written;
    assert!(
        written >= 41,
        "{written} pictures, of 21 before and 21 after"
    );
}
