//! A call that is recorded: what is told was written before, and what could not be written did not happen.

use std::sync::Mutex;

use actix::WeakRecipient;
use calls_media::seam::{Burst, SourceClock, TrackId};
use calls_model::signal::RecordingNews;
use calls_model::{Recording, RecordingId, RecordingMode, RecordingStatus, Timestamp};

use super::*;
use crate::calls::{PauseRecording, RecordRefused, StartRecording};
use crate::clock;
use crate::recorder::{Plan, Studio, StudioRefused, Tape, TapeTold, TapeTrack};

/// Tapes that roll at once, and what became of them.
#[derive(Clone, Default)]
struct Deck {
    /// How far a recording was that an earlier run began.
    behind: Option<Duration>,
    plans: Arc<Mutex<Vec<Plan>>>,
    pauses: Arc<Mutex<Vec<bool>>>,
}

impl Studio for Deck {
    fn admit(&self) -> Result<(), StudioRefused> {
        Ok(())
    }

    fn recorded_for(&self, _: &RecordingId, _: Timestamp) -> Option<Duration> {
        self.behind
    }

    fn open(
        &self,
        plan: &Plan,
        told: WeakRecipient<TapeTold>,
    ) -> Result<Box<dyn Tape>, StudioRefused> {
        self.plans.lock().unwrap().push(plan.clone());
        told.upgrade().expect("it lives").do_send(TapeTold::Rolling);
        Ok(Box::new(self.clone()))
    }
}

impl Tape for Deck {
    fn track(&self, _: TapeTrack) {}

    fn muted(&self, _: TrackId, _: bool) {}

    fn gone(&self, _: TrackId, _: bool) {}

    fn clock(&self, _: SourceClock) {}

    fn pause(&self, paused: bool) {
        self.pauses.lock().unwrap().push(paused);
    }

    #[cfg(feature = "testing")]
    fn crash(&self) {}

    fn close(&self) {}

    fn packets(&self, _: Burst) -> bool {
        true
    }
}

impl Deck {
    fn pauses(&self) -> Vec<bool> {
        self.pauses.lock().unwrap().clone()
    }
}

/// A server that records onto this deck.
fn server(deck: &Deck) -> Server {
    let studio = Arc::new(deck.clone());
    Server::start_with(|calls| calls.recording_in(studio))
}

impl Server {
    async fn start_recording(&self, call_id: &CallId) -> Result<Recording, RecordRefused> {
        self.ask(StartRecording {
            call_id: call_id.clone(),
            by: None,
            mode: RecordingMode::Tracks,
            layout: None,
            live: false,
            participants: Vec::new(),
        })
        .await
    }

    async fn pause(&self, call_id: &CallId, paused: bool) -> Result<Recording, RecordRefused> {
        let call_id = call_id.clone();
        let pause = PauseRecording {
            call_id,
            by: None,
            paused,
        };
        self.ask(pause).await
    }
}

impl Client {
    /// What was told of the recording since the last time.
    async fn told(&self) -> Vec<RecordingNews> {
        let events = self.events().await.into_iter();
        let told = events.filter_map(|event| match event {
            Event::Recording(told) => Some(told.event),
            _ => None,
        });
        told.collect()
    }
}

#[actix::test]
async fn a_pause_that_cannot_be_written_is_not_told_and_the_recording_goes_on() {
    let deck = Deck::default();
    let server = server(&deck);
    let ann = server.join(&room("hall"), "ann").await;
    let call_id = ann.seat.call_id.clone();
    server.start_recording(&call_id).await.expect("it records");
    assert_eq!(ann.told().await, [RecordingNews::Started]);
    server.journal.set_broken(true);
    let refused = server.pause(&call_id, true).await;
    assert_eq!(refused, Err(RecordRefused::NotStored));
    settle().await;
    assert_eq!(
        deck.pauses(),
        [true, false],
        "left out at once, and taken again"
    );
    assert_eq!(ann.told().await, []);

    server.journal.set_broken(false);
    let paused = server.pause(&call_id, true).await.expect("it is paused");
    assert!(paused.paused);
    assert_eq!(ann.told().await, [RecordingNews::Paused]);
    server.journal.set_broken(true);
    let refused = server.pause(&call_id, false).await;
    assert_eq!(refused, Err(RecordRefused::NotStored));
    settle().await;
    assert_eq!(
        deck.pauses(),
        [true, false, true],
        "nobody knows that it would go on"
    );
    assert_eq!(ann.told().await, []);

    server.journal.set_broken(false);
    let resumed = server
        .pause(&call_id, false)
        .await
        .expect("it records again");
    assert!(!resumed.paused);
    assert_eq!(ann.told().await, [RecordingNews::Resumed]);
    assert_eq!(deck.pauses(), [true, false, true, false]);
}

/// A session that was recorded when the server went down, at a moment for which the clock of the machine has 1970.
fn recorded() -> Interrupted {
    let mut live =
        super::recovery::interrupted(&room("hall"), &[super::recovery::member("ann", Role::Host)]);
    live.recording = Some(Recording {
        recording_id: RecordingId::new(),
        call_id: live.call.call_id.clone(),
        mode: RecordingMode::Tracks,
        status: RecordingStatus::Active,
        paused: false,
        layout: None,
        next_layout: None,
        live: false,
        participants: Vec::new(),
        requested_at: Timestamp::from_millis(-3 * 3_600_000).expect("a time"),
        started_at: Timestamp::from_millis(-3 * 3_600_000),
        begins_at: None,
        duration_seconds: 3 * 3600,
        size_bytes: 0,
        files: Vec::new(),
        progress: 0,
        error: None,
        transcript: None,
    });
    live
}

#[actix::test]
async fn after_a_restart_a_recording_is_as_far_as_it_wrote_and_not_as_the_clock_says() {
    let minute = Duration::from_secs(60);
    let deck = Deck {
        behind: Some(minute),
        ..Deck::default()
    };
    let server = server(&deck);
    let live = recorded();
    let call_id = live.call.call_id.clone();
    server.ask(Recover(vec![live])).await;
    settle().await;
    let zero = deck.plans.lock().unwrap()[0].zero;
    let since = clock::instant() - zero;
    assert!(since >= minute && since < minute + SECOND, "{since:?}");
    let shown = server.pause(&call_id, true).await.expect("it is paused");
    assert!(shown.duration_seconds <= 61, "{}", shown.duration_seconds);
}
