//! A call that is transcribed: who may, who hears of it, and what a hearing that breaks costs.

mod last_words;

use std::sync::Mutex;
use std::time::Instant;

use actix::WeakRecipient;
use calls_media::seam::{Burst, TrackId};
use calls_model::signal::{Caption, Transcribe, TranscriptionNews};
use calls_model::{Language, Utterance};

use super::*;
use crate::transcriber::{Hearing, HearingPlan, HearingTold, Recogniser, RecogniserRefused, Voice};

/// A language that it does not know.
const UNSPOKEN: &str = "qqx";

/// A word that it does not know.
const UNKNOWN: &str = "aardvark";

/// How long they take, and what they are.
type LastWords = Arc<Mutex<Option<(Duration, Utterance)>>>;

/// Understands what the test says.
#[derive(Clone, Default)]
struct Prompter {
    /// It never comes to an end.
    endless: bool,
    /// What is understood so long after the end only.
    last: LastWords,
    opened: Arc<Mutex<Vec<WeakRecipient<HearingTold>>>>,
    /// What the latest listens for.
    phrases: Arc<Mutex<Vec<String>>>,
    /// What the latest understands; none at first.
    language: Arc<Mutex<Option<Language>>>,
}

struct Prompted {
    told: WeakRecipient<HearingTold>,
    endless: bool,
    last: LastWords,
}

impl Prompter {
    fn opened(&self) -> usize {
        self.opened.lock().unwrap().len()
    }

    /// What the latest hearing tells.
    async fn tells(&self, told: HearingTold) {
        let latest = self.opened.lock().unwrap().last().cloned();
        let latest = latest.expect("somebody listens");
        latest.upgrade().expect("it lives").do_send(told);
        settle().await;
    }
}

impl Recogniser for Prompter {
    fn admit(
        &self,
        language: Option<&Language>,
        phrases: &[String],
    ) -> Result<Language, RecogniserRefused> {
        if let Some(asked) = language.filter(|asked| asked.as_str() == UNSPOKEN) {
            return Err(RecogniserRefused::UnknownLanguage {
                asked: asked.clone(),
                known: "en".to_owned(),
            });
        }
        if phrases.iter().any(|phrase| phrase == UNKNOWN) {
            return Err(RecogniserRefused::UnknownWords {
                language: "en".parse().unwrap(),
                words: vec![UNKNOWN.to_owned()],
            });
        }
        Ok(language.cloned().unwrap_or_else(|| "en".parse().unwrap()))
    }

    fn open(
        &self,
        plan: &HearingPlan,
        told: WeakRecipient<HearingTold>,
    ) -> Result<Box<dyn Hearing>, RecogniserRefused> {
        self.opened.lock().unwrap().push(told.clone());
        *self.phrases.lock().unwrap() = plan.phrases.to_vec();
        *self.language.lock().unwrap() = Some(plan.language.clone());
        let (endless, last) = (self.endless, self.last.clone());
        Ok(Box::new(Prompted {
            told,
            endless,
            last,
        }))
    }
}

impl Hearing for Prompted {
    fn patience(&self) -> Duration {
        10 * SECOND
    }

    fn untold_since(&self) -> Option<Instant> {
        None
    }

    fn voice(&self, _: Voice) {}

    fn hush(&self, _: TrackId) {}

    fn close(&self) {
        let tell = |told: &WeakRecipient<HearingTold>, what: HearingTold| {
            if let Some(transcriber) = told.upgrade() {
                transcriber.do_send(what);
            }
        };
        let told = self.told.clone();
        match self.last.lock().unwrap().take() {
            _ if self.endless => {}
            None => tell(&told, HearingTold::Closed),
            Some((after, last)) => drop(actix::spawn(async move {
                tokio::time::sleep(after).await;
                tell(&told, HearingTold::Said(last));
                tell(&told, HearingTold::Closed);
            })),
        }
    }

    fn packets(&self, _: Burst) -> bool {
        true
    }
}

fn server() -> (Server, Prompter) {
    let prompter = Prompter::default();
    let recogniser = Arc::new(prompter.clone());
    let server = Server::start_with(|calls| calls.understood_by(recogniser));
    (server, prompter)
}

fn on(on: bool) -> Request {
    Request::Transcribe(Transcribe { on, language: None })
}

fn broke(reason: &str) -> HearingTold {
    HearingTold::Failed {
        reason: reason.to_owned(),
        since: None,
    }
}

fn news(events: &[Event]) -> Vec<TranscriptionNews> {
    let news = |event: &Event| match event {
        Event::Transcription(event) => Some(event.event),
        _ => None,
    };
    events.iter().filter_map(news).collect()
}

fn said(client: &Client, text: &str) -> Utterance {
    Utterance {
        participant_id: client.seat.participant_id.clone(),
        user_id: user("ann"),
        text: text.to_owned(),
        start_ms: 1000,
        end_ms: 2000,
        confidence: 1.0,
        words: Vec::new(),
    }
}

#[actix::test]
async fn what_is_said_is_a_caption_for_everybody_and_a_fact() {
    let (server, prompter) = server();
    let hall = room("hall");
    let (ann, bob) = (
        server.join(&hall, "ann").await,
        server.join(&hall, "bob").await,
    );
    server.facts().await;
    ann.ask(on(true)).await.expect("ann is host");
    settle().await;
    assert_eq!(news(&bob.events().await), [TranscriptionNews::Started]);
    let call = server.call(&ann.seat.call_id).await.expect("it lives");
    assert!(call.transcription);

    prompter.tells(HearingTold::Said(said(&ann, "hello"))).await;
    let captions = |event: &Event| match event {
        Event::Caption(Caption { text, is_final, .. }) => Some((text.clone(), *is_final)),
        _ => None,
    };
    let events = bob.events().await;
    let captions: Vec<_> = events.iter().filter_map(captions).collect();
    assert_eq!(captions, [("hello".to_owned(), true)]);

    ann.ask(on(false)).await.expect("ann is host");
    assert_eq!(news(&bob.events().await), [TranscriptionNews::Stopped]);
    let facts = [
        "transcription.started",
        "transcription.utterance",
        "transcription.stopped",
    ];
    assert_eq!(server.facts().await, facts);
    server.end(&ann.seat.call_id).await.unwrap();
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn a_guest_may_not_and_who_comes_later_is_told() {
    let (server, _) = server();
    let hall = room("hall");
    let (ann, bob) = (
        server.join(&hall, "ann").await,
        server.join(&hall, "bob").await,
    );
    let refused = bob.ask(on(true)).await;
    let refused = refused.expect_err("bob is no moderator");
    assert_eq!(
        refused,
        SignalRefused::Transcribe(TranscribeRefused::NotModerator)
    );
    ann.ask(on(true)).await.expect("ann is host");
    let cid = server.join(&hall, "cid").await;
    assert_eq!(news(&cid.events().await), [TranscriptionNews::Started]);
}

#[actix::test]
async fn a_hearing_that_breaks_costs_a_moment_which_is_a_fact_and_the_call_nothing() {
    let (server, prompter) = server();
    let ann = server.join(&room("hall"), "ann").await;
    ann.ask(on(true)).await.expect("ann is host");
    settle().await;
    assert_eq!(prompter.opened(), 1);
    server.facts().await;
    ann.events().await;
    prompter.tells(broke("a recogniser crashed")).await;
    tokio::time::sleep(SECOND).await;
    settle().await;
    assert_eq!(
        prompter.opened(),
        2,
        "somebody listens again within a second"
    );
    assert_eq!(server.facts().await, ["transcription.interrupted"]);
    assert!(ann.events().await.is_empty(), "nobody notices");
    prompter.tells(HearingTold::Said(said(&ann, "again"))).await;
    assert_eq!(server.facts().await, ["transcription.utterance"]);
}

#[actix::test]
async fn what_was_said_before_a_hearing_broke_and_is_lost_with_it_is_in_the_gap() {
    let (server, prompter) = server();
    let ann = server.join(&room("hall"), "ann").await;
    ann.ask(on(true)).await.expect("ann is host");
    settle().await;
    let since = crate::clock::instant();
    tokio::time::sleep(4 * SECOND).await;
    settle().await;
    prompter
        .tells(HearingTold::Failed {
            reason: "a recogniser hung".to_owned(),
            since: Some(since),
        })
        .await;
    tokio::time::sleep(SECOND).await;
    settle().await;
    let gap = server.facts.try_iter().find_map(|fact| match fact {
        Fact::TranscriptionInterrupted { unheard, .. } => Some(unheard),
        _ => None,
    });
    let gap = gap.expect("a gap");
    let lasted = Duration::from_millis(gap.end_ms - gap.start_ms);
    assert!(lasted >= 4 * SECOND && lasted < 6 * SECOND, "{lasted:?}");
}

#[actix::test]
async fn a_hearing_that_does_not_finish_in_its_time_leaves_a_gap_and_nobody_behind() {
    let prompter = Prompter {
        endless: true,
        ..Prompter::default()
    };
    let recogniser = Arc::new(prompter);
    let server = Server::start_with(|calls| calls.understood_by(recogniser));
    let ann = server.join(&room("hall"), "ann").await;
    ann.ask(on(true)).await.expect("ann is host");
    settle().await;
    server.facts().await;
    server.end(&ann.seat.call_id).await.unwrap();
    tokio::time::sleep(11 * SECOND).await;
    settle().await;
    assert!(server.facts().await.contains(&"transcription.interrupted"));
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn what_breaks_six_times_a_minute_is_given_up_and_the_call_goes_on() {
    let (server, prompter) = server();
    let ann = server.join(&room("hall"), "ann").await;
    ann.ask(on(true)).await.expect("ann is host");
    settle().await;
    ann.events().await;
    for _ in 0..6 {
        prompter.tells(broke("it always does")).await;
        tokio::time::sleep(SECOND).await;
        settle().await;
    }
    assert_eq!(prompter.opened(), 6);
    assert_eq!(news(&ann.events().await), [TranscriptionNews::Failed]);
    let call = server.call(&ann.seat.call_id).await.expect("it lives");
    assert!(!call.transcription);
    ann.ask(on(true)).await.expect("it can be tried again");
}

#[actix::test]
async fn a_room_that_wants_it_is_transcribed_by_itself_until_somebody_stops_it() {
    let (server, prompter) = server();
    let mut hall = room("hall");
    hall.settings.auto_transcribe = true;
    let ann = server.join(&hall, "ann").await;
    settle().await;
    assert_eq!(prompter.opened(), 1);
    ann.ask(on(false)).await.expect("ann is host");
    server.join(&hall, "bob").await;
    settle().await;
    assert_eq!(prompter.opened(), 1, "nobody wants it back");
    assert_eq!(
        news(&ann.events().await).last(),
        Some(&TranscriptionNews::Stopped)
    );
}

#[actix::test]
async fn a_crash_of_the_room_does_not_end_the_transcription() {
    let (server, prompter) = server();
    let ann = server.join(&room("hall"), "ann").await;
    ann.ask(on(true)).await.expect("ann is host");
    settle().await;
    server.crash(&ann.seat.call_id, Victim::Room).await;
    tokio::time::sleep(SECOND).await;
    settle().await;
    assert_eq!(prompter.opened(), 2);
    server.crash(&ann.seat.call_id, Victim::Call).await;
    tokio::time::sleep(SECOND).await;
    prompter
        .tells(HearingTold::Said(said(&ann, "still here")))
        .await;
    assert!(server.facts().await.contains(&"transcription.utterance"));
}

#[actix::test]
async fn a_crash_of_the_transcriber_is_over_in_a_moment_and_the_call_goes_on() {
    let (server, prompter) = server();
    let ann = server.join(&room("hall"), "ann").await;
    ann.ask(on(true)).await.expect("ann is host");
    settle().await;
    server.crash(&ann.seat.call_id, Victim::Transcriber).await;
    tokio::time::sleep(SECOND).await;
    settle().await;
    assert_eq!(prompter.opened(), 2, "somebody listens again");
    prompter
        .tells(HearingTold::Said(said(&ann, "still here")))
        .await;
    assert!(server.facts().await.contains(&"transcription.utterance"));
}

#[actix::test]
async fn who_falls_behind_says_so_to_everybody_and_says_when_it_has_caught_up() {
    let (server, prompter) = server();
    let hall = room("hall");
    let (ann, bob) = (
        server.join(&hall, "ann").await,
        server.join(&hall, "bob").await,
    );
    ann.ask(on(true)).await.expect("ann is host");
    settle().await;
    bob.events().await;
    prompter.tells(HearingTold::Behind(3 * SECOND)).await;
    let events = bob.events().await;
    let [Event::Transcription(lagging)] = &events[..] else {
        panic!("{events:?}");
    };
    assert_eq!(lagging.event, TranscriptionNews::Lagging);
    assert_eq!(lagging.behind_ms, Some(3000));
    prompter.tells(HearingTold::CaughtUp).await;
    assert_eq!(news(&bob.events().await), [TranscriptionNews::CaughtUp]);
    let call = server.call(&ann.seat.call_id).await.expect("it lives");
    assert!(call.transcription, "it goes on all the time");
}

#[actix::test]
async fn what_may_be_said_in_a_room_is_listened_for_in_its_calls() {
    let (server, prompter) = server();
    let mut hall = room("hall");
    hall.phrases = vec!["yes".to_owned(), "no thanks".to_owned()];
    let ann = server.join(&hall, "ann").await;
    ann.ask(on(true)).await.expect("ann is host");
    settle().await;
    assert_eq!(*prompter.phrases.lock().unwrap(), hall.phrases);

    let mut den = room("den");
    den.phrases = vec![UNKNOWN.to_owned()];
    let eve = server.join(&den, "eve").await;
    let refused = eve.ask(on(true)).await.expect_err("nobody could say that");
    let SignalRefused::Transcribe(TranscribeRefused::Recogniser(refused)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(
        refused.to_string(),
        "the speech model of \"en\" does not know: aardvark"
    );
}

/// A call that was transcribed in this language when the server went down, taken up by it.
async fn recovered(server: &Server, language: &str) -> CallId {
    let ann = super::recovery::member("ann", Role::Host);
    let mut live = super::recovery::interrupted(&room("hall"), &[ann]);
    live.call.transcription = true;
    live.language = Some(language.parse().unwrap());
    let call_id = live.call.call_id.clone();
    server.ask(Recover(vec![live])).await;
    settle().await;
    call_id
}

#[actix::test]
async fn what_was_understood_before_a_restart_is_understood_after_it() {
    let (server, prompter) = server();
    let call_id = recovered(&server, "de").await;
    let language = prompter.language.lock().unwrap().clone();
    assert_eq!(language, Some("de".parse().unwrap()));
    assert!(server.call(&call_id).await.expect("it lives").transcription);
}

#[actix::test]
async fn what_nobody_understands_after_a_restart_is_not_said_to_be_transcribed() {
    let (server, prompter) = server();
    let call_id = recovered(&server, UNSPOKEN).await;
    assert_eq!(prompter.opened(), 0);
    assert!(!server.call(&call_id).await.expect("it lives").transcription);
    assert!(server.facts().await.contains(&"transcription.stopped"));
}
