//! What was said a moment before a call, its transcription or the server ends.

use super::*;

/// Ann in a call that is transcribed, and who understands it.
async fn transcribed(prompter: Prompter) -> (Server, Client) {
    let recogniser = Arc::new(prompter);
    let server = Server::start_with(|calls| calls.understood_by(recogniser));
    let ann = server.join(&room("hall"), "ann").await;
    ann.ask(on(true)).await.expect("ann is host");
    settle().await;
    server.facts().await;
    (server, ann)
}

/// The same; she just said something that takes so long to understand.
async fn said_just_now(understood_within: Duration) -> (Server, Client) {
    let prompter = Prompter::default();
    let last = prompter.last.clone();
    let (server, ann) = transcribed(prompter).await;
    *last.lock().unwrap() = Some((understood_within, said(&ann, "good night")));
    (server, ann)
}

fn endless() -> Prompter {
    Prompter {
        endless: true,
        ..Prompter::default()
    }
}

fn end(client: &Client) -> End {
    End {
        call_id: client.seat.call_id.clone(),
        by: None,
    }
}

const WHOLE_END: [&str; 4] = [
    "participant.left",
    "transcription.utterance",
    "transcription.stopped",
    "call.ended",
];

#[actix::test]
async fn what_was_said_last_is_written_down_before_the_end_of_the_call() {
    let (server, ann) = said_just_now(SECOND).await;
    server.end(&ann.seat.call_id).await.expect("it ends");
    assert!(ann.bye().await.is_some(), "nobody is kept inside for it");
    assert_eq!(server.facts().await, WHOLE_END);
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn last_words_that_take_long_keep_no_call_from_its_end_and_are_a_gap_in_the_end() {
    let (server, ann) = transcribed(endless()).await;
    let began = crate::clock::instant();
    server.end(&ann.seat.call_id).await.expect("it ends");
    let took = crate::clock::instant() - began;
    assert!(took < 4 * SECOND, "{took:?}");
    let end = ["participant.left", "transcription.stopped", "call.ended"];
    assert_eq!(server.facts().await, end);
    tokio::time::sleep(10 * SECOND).await;
    assert_eq!(server.facts().await, ["transcription.interrupted"]);
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn last_words_that_come_after_the_end_are_written_down_all_the_same() {
    let (server, ann) = said_just_now(5 * SECOND).await;
    server.end(&ann.seat.call_id).await.expect("it ends");
    let end = ["participant.left", "transcription.stopped", "call.ended"];
    assert_eq!(server.facts().await, end);
    tokio::time::sleep(3 * SECOND).await;
    assert_eq!(server.facts().await, ["transcription.utterance"]);
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn a_server_that_goes_down_writes_down_what_was_said_last() {
    let (server, _ann) = said_just_now(SECOND).await;
    server.ask(Drain).await;
    assert_eq!(server.facts().await, WHOLE_END);
}

#[actix::test]
async fn what_a_server_that_goes_down_has_no_time_for_is_a_gap() {
    let (server, _ann) = transcribed(endless()).await;
    let began = crate::clock::instant();
    server.ask(Drain).await;
    let took = crate::clock::instant() - began;
    assert!(took < 4 * SECOND, "{took:?}");
    let facts = server.facts().await;
    assert!(facts.contains(&"transcription.interrupted"), "{facts:?}");
    assert!(facts.contains(&"call.ended"), "{facts:?}");
}

#[actix::test]
async fn a_server_that_goes_down_waits_for_a_call_that_just_ended() {
    let (server, ann) = said_just_now(SECOND).await;
    let ending = actix::spawn(server.calls.send(end(&ann)));
    settle().await;
    server.ask(Drain).await;
    assert_eq!(server.facts().await, WHOLE_END);
    let ended = ending.await.expect("nothing panics").expect("calls live");
    ended.expect("it ended");
}

#[actix::test]
async fn who_stops_it_and_ends_the_call_at_once_loses_nothing() {
    let (server, ann) = said_just_now(SECOND).await;
    let stop = StopTranscription {
        call_id: ann.seat.call_id.clone(),
        by: None,
    };
    drop(actix::spawn(server.calls.send(stop)));
    settle().await;
    server.end(&ann.seat.call_id).await.expect("it ends");
    assert_eq!(server.facts().await, WHOLE_END);
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn a_call_that_crashes_while_it_waits_for_last_words_is_over_all_the_same() {
    let (server, ann) = said_just_now(SECOND).await;
    drop(actix::spawn(server.calls.send(end(&ann))));
    settle().await;
    server.crash(&ann.seat.call_id, Victim::Call).await;
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(server.facts().await, WHOLE_END);
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn a_call_that_is_given_up_is_not_transcribed_any_more() {
    let (server, ann) = transcribed(Prompter::default()).await;
    for _ in 0..4 {
        server.crash(&ann.seat.call_id, Victim::Call).await;
    }
    settle().await;
    let facts = server.facts().await;
    assert!(facts.contains(&"transcription.stopped"), "{facts:?}");
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn a_gap_that_lasts_until_the_end_is_a_fact_with_its_reason() {
    let prompter = Prompter::default();
    let (server, ann) = transcribed(prompter.clone()).await;
    prompter.tells(broke("a recogniser hung")).await;
    server.end(&ann.seat.call_id).await.expect("it ends");
    settle().await;
    let facts: Vec<Fact> = server.facts.try_iter().collect();
    let gap = facts.iter().find_map(|fact| match fact {
        Fact::TranscriptionInterrupted { unheard, .. } => Some(unheard.reason.as_str()),
        _ => None,
    });
    assert_eq!(gap, Some("a recogniser hung"), "{facts:?}");
}

#[actix::test]
async fn what_breaks_over_the_last_words_leaves_a_gap() {
    let prompter = endless();
    let (server, ann) = transcribed(prompter.clone()).await;
    drop(actix::spawn(server.calls.send(end(&ann))));
    settle().await;
    prompter.tells(broke("a recogniser crashed")).await;
    let facts = server.facts().await;
    assert!(facts.contains(&"transcription.interrupted"), "{facts:?}");
    assert_eq!(facts.last(), Some(&"call.ended"), "nobody waits longer");
}

#[actix::test]
async fn what_was_said_before_the_room_crashed_is_written_down() {
    let (server, ann) = said_just_now(SECOND).await;
    server.crash(&ann.seat.call_id, Victim::Room).await;
    tokio::time::sleep(2 * SECOND).await;
    let facts = server.facts().await;
    assert_eq!(facts, ["transcription.utterance"]);
    server.end(&ann.seat.call_id).await.expect("it ends");
    server.assert_nobody_is_left().await;
}
