//! What a thread that listens costs others when it panics or hangs.

use std::time::Instant;

use bytes::Bytes;
use calls_actors::testing::Probe;
use calls_media::seam::{Codec, Layer, Packet, PayloadInfo, PeerId};
use calls_model::ParticipantId;
use opus::{Application, Channels, Encoder};

use super::super::engine::{Heard, Listener, Unfit, Word};
use super::*;
use crate::config::Config;
use crate::transcription::sound::wav;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// A thread that is away for longer hangs.
const IMPATIENCE: Duration = Duration::from_secs(1);

/// What listeners do with the first sound that they are given.
#[derive(Clone, Copy)]
enum Deed {
    Listen,
    Panic,
    Hang,
}

impl Engine for Deed {
    fn listen(&self, _: &[String]) -> Result<Box<dyn Listener>, EngineError> {
        Ok(Box::new(*self))
    }

    fn unfit(&self, _: &[String]) -> Option<Unfit> {
        None
    }
}

impl Listener for Deed {
    fn hear(&mut self, _: &[i16]) -> Result<Heard, EngineError> {
        match self {
            Self::Listen => Ok(Heard::Partial("so far".to_owned())),
            Self::Panic => panic!("the test wants it"),
            Self::Hang => {
                std::thread::sleep(4 * IMPATIENCE);
                Ok(Heard::Partial(String::new()))
            }
        }
    }

    fn finish(&mut self) -> Result<Vec<Word>, EngineError> {
        Ok(Vec::new())
    }
}

/// One thread, which understands "good" and breaks over "bad".
fn ears(bad: Deed) -> Ears {
    let config = Config::load(None)
        .expect("the defaults are good")
        .transcription;
    let models = Models::open(&config)
        .with(&language("good"), Arc::new(Deed::Listen))
        .with(&language("bad"), Arc::new(bad));
    Ears::start_impatient(models, 1, 10, IMPATIENCE).expect("threads")
}

fn language(tag: &str) -> Language {
    tag.parse().expect("a tag")
}

/// A call that is listened to, and what it is told.
struct Listened {
    hearing: Box<dyn Hearing>,
    told: Probe<HearingTold>,
    /// All that it was told.
    all: RefCell<Vec<HearingTold>>,
    track: TrackId,
    began: Instant,
}

impl Listened {
    fn open(ears: &Ears, tag: &str, peer: u64) -> Self {
        let told = Probe::start();
        let began = Instant::now();
        let plan = HearingPlan {
            call_id: calls_model::CallId::new(),
            language: language(tag),
            phrases: Arc::from([]),
            zero: began,
        };
        let hearing = ears.open(&plan, told.recipient().downgrade());
        let hearing = hearing.expect("somebody listens");
        let track = TrackId {
            peer: PeerId(peer),
            index: 0,
        };
        hearing.voice(Whose {
            track,
            participant_id: ParticipantId::new(),
            user_id: "ann".parse().expect("an id"),
        });
        Self {
            hearing,
            told,
            all: RefCell::default(),
            track,
            began,
        }
    }

    /// A sentence, all at once.
    fn speak(&self) {
        self.speak_as_of(self.began);
    }

    /// The same, of which the last packet came at this moment.
    fn speak_as_of(&self, arrival: Instant) {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/speech/testwav/espeak01.wav");
        let samples = wav(&std::fs::read(file).expect("a clip"));
        let encoder = Encoder::new(16_000, Channels::Mono, Application::Voip);
        let mut encoder = encoder.expect("an encoder");
        for (number, frame) in (0u32..).zip(samples.chunks_exact(320)) {
            let payload: Bytes = encoder.encode_vec(frame, 1000).expect("a packet").into();
            let packet = Packet {
                track: self.track,
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
            };
            self.hearing.packets(Burst::from([packet]));
        }
    }

    /// Waits until it was told this.
    async fn is_told(&self, what: impl Fn(&HearingTold) -> bool) {
        let began = Instant::now();
        while self.times(&what) == 0 {
            assert!(began.elapsed() < PATIENCE, "{:?}", self.all);
            tokio::time::sleep(Duration::from_millis(20)).await;
            let told = self.told.heard().await;
            self.all.borrow_mut().extend(told);
        }
    }

    /// How often it was told this.
    fn times(&self, what: impl Fn(&HearingTold) -> bool) -> usize {
        self.all.borrow().iter().filter(|told| what(told)).count()
    }
}

fn failed(told: &HearingTold) -> bool {
    matches!(told, HearingTold::Failed { .. })
}

fn behind(told: &HearingTold) -> bool {
    matches!(told, HearingTold::Behind(_))
}

fn caught_up(told: &HearingTold) -> bool {
    *told == HearingTold::CaughtUp
}

fn understood(told: &HearingTold) -> bool {
    matches!(told, HearingTold::Partial(_))
}

#[actix::test]
async fn a_listener_that_panics_ends_its_own_hearing_and_nobody_elses() {
    let ears = ears(Deed::Panic);
    let (good, bad) = (
        Listened::open(&ears, "good", 1),
        Listened::open(&ears, "bad", 2),
    );
    let begun = Instant::now();
    bad.speak();
    bad.is_told(failed).await;
    eprintln!("measured: told after {:?}", begun.elapsed());
    good.speak();
    good.is_told(understood).await;
    assert_eq!(ears.shared.live().len(), 1, "the other one is over");
}

#[actix::test]
async fn a_thread_that_hangs_is_replaced_and_whom_it_heard_can_begin_anew() {
    let ears = ears(Deed::Hang);
    let (good, bad) = (
        Listened::open(&ears, "good", 1),
        Listened::open(&ears, "bad", 2),
    );
    let begun = Instant::now();
    bad.speak();
    let spoken = Instant::now();
    bad.is_told(
        |told| matches!(told, HearingTold::Failed { since: Some(since), .. } if *since <= spoken),
    )
    .await; // what was said before it was noticed is lost, too
    good.is_told(failed).await; // it shared that thread
    eprintln!("measured: replaced after {:?}", begun.elapsed());
    let again = Listened::open(&ears, "good", 3);
    again.speak();
    again.is_told(understood).await;
}

#[actix::test]
async fn who_waits_for_a_large_model_does_not_hang() {
    let models = Models::open(&Config::load(None).expect("defaults").transcription);
    let models = models.with_late(&language("good"), Arc::new(Deed::Listen), 3 * IMPATIENCE);
    let ears = Ears::start_impatient(models, 1, 10, IMPATIENCE).expect("threads");
    let listened = Listened::open(&ears, "good", 1);
    listened.speak();
    listened.is_told(understood).await;
    assert_eq!(listened.times(failed), 0);
}

#[actix::test]
async fn a_hearing_that_broke_leaves_no_voice_behind_on_other_threads() {
    let models = Models::open(&Config::load(None).expect("defaults").transcription)
        .with(&language("bad"), Arc::new(Deed::Panic));
    let ears = Ears::start(models, 2, 10).expect("threads");
    let hearing = Listened::open(&ears, "bad", 1);
    let other = TrackId {
        peer: PeerId(2),
        index: 0,
    };
    let voices = || {
        let workers = Shared::lock(&ears.shared.workers);
        workers.iter().map(Worker::voices).sum::<usize>()
    };
    let until = async |wanted: usize| {
        let began = Instant::now();
        while voices() != wanted {
            assert!(began.elapsed() < PATIENCE, "{} voices", voices());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    until(1).await;
    hearing.hearing.voice(Whose {
        track: other,
        participant_id: ParticipantId::new(),
        user_id: "bob".parse().expect("an id"),
    });
    until(2).await;
    hearing.speak();
    hearing.is_told(failed).await;
    drop(hearing);
    until(0).await;
}

#[actix::test]
async fn who_works_on_what_was_said_long_ago_says_so_once_and_says_when_that_is_over() {
    let ears = ears(Deed::Listen);
    let listened = Listened::open(&ears, "good", 1);
    let Some(long_ago) = Instant::now().checked_sub(Duration::from_secs(3)) else {
        return; // a machine that was started a moment ago has no such moment
    };
    listened.speak_as_of(long_ago);
    listened
        .is_told(|told| matches!(told, HearingTold::Behind(by) if by.as_secs() >= 3))
        .await;
    listened.speak_as_of(Instant::now());
    listened.is_told(caught_up).await;
    assert_eq!(listened.times(behind), 1, "told once");
}

#[actix::test]
async fn who_is_muted_is_behind_no_more_and_what_was_no_word_after_all_is_taken_back() {
    let ears = ears(Deed::Listen);
    let listened = Listened::open(&ears, "good", 1);
    let Some(long_ago) = Instant::now().checked_sub(Duration::from_secs(3)) else {
        return; // a machine that was started a moment ago has no such moment
    };
    listened.speak_as_of(long_ago);
    listened.is_told(behind).await;
    listened.hearing.hush(listened.track);
    listened.is_told(caught_up).await;
    listened
        .is_told(|told| {
            matches!(told, HearingTold::Partial(caption) if caption.is_final && caption.text.is_empty())
        })
        .await;
}

#[actix::test]
async fn those_who_begin_at_once_are_listened_to_by_all_threads() {
    let models = Models::open(&Config::load(None).expect("defaults").transcription)
        .with(&language("good"), Arc::new(Deed::Listen));
    let ears = Ears::start(models, 2, 10).expect("threads");
    let hearing = Listened::open(&ears, "good", 1);
    for peer in 2..=6 {
        hearing.hearing.voice(Whose {
            track: TrackId {
                peer: PeerId(peer),
                index: 0,
            },
            participant_id: ParticipantId::new(),
            user_id: "bob".parse().expect("an id"),
        });
    }
    let workers = Shared::lock(&ears.shared.workers);
    let voices: Vec<usize> = workers.iter().map(Worker::voices).collect();
    assert_eq!(voices, [3, 3]);
}

#[actix::test]
async fn a_call_has_caught_up_when_all_of_its_threads_have() {
    let told = Probe::<HearingTold>::start();
    let ears = ears(Deed::Listen);
    let call = Call {
        shared: ears.shared.clone(),
        plan: HearingPlan {
            call_id: calls_model::CallId::new(),
            language: language("good"),
            phrases: Arc::from([]),
            zero: Instant::now(),
        },
        told: told.recipient().downgrade(),
        on: Mutex::default(),
        closing: AtomicUsize::new(0),
        untold: Mutex::default(),
        lags: AtomicU64::new(0),
        over: AtomicBool::new(false),
    };
    let moves = [
        (0, true),
        (1, false),
        (1, true),
        (0, false),
        (1, false),
        (1, false),
    ];
    let news = moves.map(|(thread, lags)| call.lag(thread, lags));
    assert_eq!(news, [true, false, false, false, true, false]);
}
