//! A recorder in virtual time, with a tape in memory and probes where its room would be.

use std::sync::mpsc;
use std::sync::{Mutex, PoisonError};

use calls_media::seam::{Burst, PeerId, SourceClock};
use calls_model::{CallId, RecordingMode, Source, Timestamp, UserId};

use super::*;
use crate::clock;
use crate::lifeline::Ending;
use crate::room::stage::{Announced, Staged};
use crate::testing::{Crash, MemoryJournal, Probe, services, settle};

const SECOND: Duration = Duration::from_secs(1);

/// What a tape was told.
#[derive(Debug, PartialEq, Eq)]
enum Taped {
    Track(TrackId),
    Muted(TrackId, bool),
    Gone(TrackId, bool),
    Pause(bool),
    Close,
}

/// Hands out tapes that remember, or none.
struct Memory {
    taped: mpsc::Sender<Taped>,
    recorder: Mutex<Option<WeakRecipient<TapeTold>>>,
    refuses: bool,
}

struct MemoryTape(mpsc::Sender<Taped>);

impl MemoryTape {
    fn note(&self, taped: Taped) {
        let _ = self.0.send(taped); // the test may be over already
    }
}

impl Studio for Memory {
    fn admit(&self) -> Result<(), StudioRefused> {
        Ok(())
    }

    fn recorded_for(&self, _: &RecordingId, _: Timestamp) -> Option<Duration> {
        None
    }

    fn open(
        &self,
        _: &Plan,
        told: WeakRecipient<TapeTold>,
    ) -> Result<Box<dyn Tape>, StudioRefused> {
        if self.refuses {
            return Err(StudioRefused::System("no thread".to_owned()));
        }
        let mut recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
        *recorder = Some(told);
        Ok(Box::new(MemoryTape(self.taped.clone())))
    }
}

impl Tape for MemoryTape {
    fn track(&self, track: TapeTrack) {
        self.note(Taped::Track(track.track));
    }

    fn muted(&self, track: TrackId, muted: bool) {
        self.note(Taped::Muted(track, muted));
    }

    fn gone(&self, track: TrackId, left: bool) {
        self.note(Taped::Gone(track, left));
    }

    fn clock(&self, _: SourceClock) {}

    fn pause(&self, paused: bool) {
        self.note(Taped::Pause(paused));
    }

    fn close(&self) {
        self.note(Taped::Close);
    }

    #[cfg(feature = "testing")]
    fn crash(&self) {}

    fn packets(&self, _: Burst) -> bool {
        true
    }
}

/// A recorder, its tape, and the room that it believes to be in.
struct Booth {
    recorder: Addr<Recorder>,
    studio: Arc<Memory>,
    taped: mpsc::Receiver<Taped>,
    watch: Probe<SilentWatch>,
    keyframe: Probe<KeyframeWanted>,
    ended: Probe<ChildEnded<RecordingId>>,
    // What the recorder only knows weakly.
    _doors: (
        Recipient<SilentWatch>,
        Recipient<KeyframeWanted>,
        Recipient<ChildEnded<RecordingId>>,
    ),
}

impl Booth {
    fn open(mode: RecordingMode, participants: &[&str], refuses: bool) -> Self {
        tokio::time::pause();
        let (tell, taped) = mpsc::channel();
        let studio = Arc::new(Memory {
            taped: tell,
            recorder: Mutex::default(),
            refuses,
        });
        let (watch, keyframe, ended) = (Probe::start(), Probe::start(), Probe::start());
        let doors = (watch.recipient(), keyframe.recipient(), ended.recipient());
        let door = RecorderDoor {
            watcher: ParticipantId::new(),
            watch: doors.0.downgrade(),
            keyframe: doors.1.downgrade(),
            ended: doors.2.downgrade(),
        };
        let plan = Plan {
            recording_id: RecordingId::new(),
            call_id: CallId::new(),
            mode,
            live: false,
            participants: participants.iter().map(|name| user(name)).collect(),
            zero: clock::instant(),
        };
        let (journal, _) = MemoryJournal::start();
        let services = services(journal).recording_in(studio.clone());
        Self {
            recorder: Recorder::open(plan, false, door, services),
            studio,
            taped,
            watch,
            keyframe,
            ended,
            _doors: doors,
        }
    }

    /// The tape says something.
    async fn tell(&self, told: TapeTold) {
        settle().await;
        let recorder = self.studio.recorder.lock();
        let recorder = recorder.unwrap_or_else(PoisonError::into_inner).clone();
        let recorder = recorder.and_then(|recorder| recorder.upgrade());
        recorder.expect("a tape was opened").do_send(told);
        settle().await;
    }

    async fn taped(&self) -> Vec<Taped> {
        settle().await;
        self.taped.try_iter().collect()
    }

    async fn endings(&self) -> Vec<Ending> {
        let ended = self.ended.heard().await;
        ended.into_iter().map(|child| child.ending).collect()
    }
}

fn user(name: &str) -> UserId {
    UserId::try_from(name.to_owned()).expect("an id")
}

fn track(index: u32) -> TrackId {
    TrackId {
        peer: PeerId(1),
        index,
    }
}

fn staged(name: &str, source: Source, index: u32, layers: u8) -> Staged {
    Staged {
        participant_id: ParticipantId::new(),
        user_id: user(name),
        display_name: None,
        announced: Announced {
            track: track(index),
            source,
            layers,
            codecs: Arc::from([]),
            muted: false,
        },
    }
}

fn stage() -> StageChanged {
    StageChanged(Arc::new(Stage {
        audio: vec![
            staged("ada", Source::Microphone, 1, 1),
            staged("bob", Source::Microphone, 2, 1),
        ],
        video: vec![staged("ada", Source::Camera, 3, 3)],
    }))
}

fn watched(heard: &[SilentWatch]) -> Vec<(u32, LayerSet)> {
    let mut watched: Vec<_> = heard
        .iter()
        .map(|one| (one.track.index, one.layers))
        .collect();
    watched.sort_by_key(|(index, _)| *index);
    watched
}

#[actix::test]
async fn every_encoding_of_every_track_is_watched_and_each_track_told_before_it() {
    let booth = Booth::open(RecordingMode::Tracks, &[], false);
    booth.recorder.do_send(stage());
    booth.recorder.do_send(stage());
    let one = all_of(1);
    let wanted = [(1, one), (2, one), (3, all_of(3))];
    assert_eq!(watched(&booth.watch.heard().await), wanted, "once");
    let tracks = [1, 2, 3].map(|index| Taped::Track(track(index)));
    assert_eq!(booth.taped().await, tracks);
    booth.recorder.do_send(StageChanged(Arc::default()));
    let none = [1, 2, 3].map(|index| (index, LayerSet::NONE));
    assert_eq!(watched(&booth.watch.heard().await), none, "they are gone");
}

#[actix::test]
async fn who_is_muted_and_why_a_track_is_gone_is_told_to_the_tape() {
    let booth = Booth::open(RecordingMode::Tracks, &[], false);
    let of = |muted: bool, names: &[&str]| {
        let audio = names.iter().zip(1..).map(|(name, index)| {
            let mut one = staged(name, Source::Microphone, index, 1);
            one.participant_id = format!("part_{name}").parse().expect("an id");
            one.announced.muted = muted;
            one
        });
        let audio = audio.collect();
        StageChanged(Arc::new(Stage {
            audio,
            video: vec![],
        }))
    };
    booth.recorder.do_send(of(true, &["ada", "bob"]));
    let taped = booth.taped().await;
    let muted = |muted| [1, 2].map(|index| Taped::Muted(track(index), muted));
    let told: Vec<Taped> = [1, 2]
        .into_iter()
        .flat_map(|index| [Taped::Track(track(index)), Taped::Muted(track(index), true)])
        .collect();
    assert_eq!(taped, told);
    booth.recorder.do_send(of(false, &["ada", "bob"]));
    booth.recorder.do_send(of(false, &["ada", "bob"]));
    assert_eq!(booth.taped().await, muted(false), "once");
    booth.recorder.do_send(of(false, &["ada"]));
    assert_eq!(booth.taped().await, [Taped::Gone(track(2), false)]);
    let ada = "part_ada".parse().expect("an id");
    booth.recorder.do_send(PublisherLeft(ada));
    booth.recorder.do_send(of(false, &[]));
    assert_eq!(booth.taped().await, [Taped::Gone(track(1), true)]);
}

#[actix::test]
async fn whom_and_what_a_recording_is_not_of_is_not_watched() {
    let booth = Booth::open(RecordingMode::Audio, &["ada"], false);
    booth.recorder.do_send(stage());
    assert_eq!(watched(&booth.watch.heard().await), [(1, all_of(1))]);
}

#[actix::test]
async fn a_start_is_answered_when_the_first_packet_is_on_disk() {
    let booth = Booth::open(RecordingMode::Tracks, &[], false);
    let asked = actix::spawn(booth.recorder.send(AwaitRolling(ROLLS_WITHIN)));
    settle().await;
    assert!(!asked.is_finished(), "nothing is there yet");
    booth.tell(TapeTold::Rolling).await;
    assert_eq!(asked.await.expect("it ends").expect("it lives"), Ok(()));
    let again = booth.recorder.send(AwaitRolling(ROLLS_WITHIN)).await;
    assert_eq!(again.expect("it lives"), Ok(()), "it rolls already");
}

#[actix::test]
async fn where_nothing_comes_the_answer_says_what_is_known_of_why() {
    let booth = Booth::open(RecordingMode::Tracks, &[], false);
    booth.recorder.do_send(stage());
    let asked = actix::spawn(booth.recorder.send(AwaitRolling(ROLLS_WITHIN)));
    tokio::time::sleep(ROLLS_WITHIN + SECOND).await;
    let reason = asked.await.expect("it ends").expect("it lives");
    let reason = reason.expect_err("nothing came");
    assert!(reason.starts_with("3 tracks are published"), "{reason}");
}

#[actix::test]
async fn a_tape_that_fails_ends_its_recorder_and_is_told_to_who_waits() {
    let booth = Booth::open(RecordingMode::Tracks, &[], false);
    let asked = actix::spawn(booth.recorder.send(AwaitRolling(ROLLS_WITHIN)));
    booth
        .tell(TapeTold::Failed("the disk is gone".to_owned()))
        .await;
    let answer = asked.await.expect("it ends").expect("it was answered");
    assert_eq!(answer, Err("the disk is gone".to_owned()));
    assert_eq!(booth.endings().await, [Ending::Finished]);
}

#[actix::test]
async fn a_studio_that_refuses_ends_the_recorder() {
    let booth = Booth::open(RecordingMode::Tracks, &[], true);
    assert_eq!(booth.endings().await, [Ending::Finished]);
}

#[actix::test]
async fn a_recorder_that_crashes_is_told_to_its_room() {
    let booth = Booth::open(RecordingMode::Tracks, &[], false);
    booth.recorder.do_send(Crash);
    assert_eq!(booth.endings().await, [Ending::Crashed]);
}

#[actix::test]
async fn pauses_and_wishes_for_key_frames_are_passed_on_and_a_close_waits_for_the_tape() {
    let booth = Booth::open(RecordingMode::Tracks, &[], false);
    booth.recorder.do_send(PauseRecorder(true));
    booth.recorder.do_send(PauseRecorder(false));
    assert_eq!(
        booth.taped().await,
        [Taped::Pause(true), Taped::Pause(false)]
    );
    let layer = Layer(2);
    booth
        .tell(TapeTold::Keyframe {
            track: track(3),
            layer,
        })
        .await;
    assert_eq!(booth.keyframe.heard().await.len(), 1);
    let closed = actix::spawn(booth.recorder.send(CloseRecorder));
    assert_eq!(booth.taped().await, [Taped::Close]);
    assert!(!closed.is_finished(), "it still writes");
    booth.tell(TapeTold::Closed).await;
    closed.await.expect("it ends").expect("it was answered");
    assert_eq!(booth.endings().await, [Ending::Finished]);
}

#[actix::test]
async fn a_tape_that_never_closes_is_not_waited_for() {
    let booth = Booth::open(RecordingMode::Tracks, &[], false);
    let closed = actix::spawn(booth.recorder.send(CloseRecorder));
    tokio::time::sleep(CLOSES_WITHIN + SECOND).await;
    let _ = closed.await.expect("it ends");
    assert!(!booth.recorder.connected());
}
