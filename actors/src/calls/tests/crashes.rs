use calls_model::signal::{ByeReason, Hand, Retry};
use calls_model::{CallStatus, EndReason};

use super::*;

#[actix::test]
async fn after_a_crash_of_the_room_everybody_finds_back_unasked() {
    let server = Server::start();
    let hall = room("hall");
    let (ann, bob) = (
        server.join(&hall, "ann").await,
        server.join(&hall, "bob").await,
    );
    let call_id = ann.seat.call_id.clone();
    ann.events().await;
    server.crash(&call_id, Victim::Room).await;

    tokio::time::sleep(10 * SECOND).await;
    assert_eq!(server.inside(&hall).await, ["ann", "bob"]);
    bob.ask(Request::Hand(Hand { up: true })).await.unwrap();
    let events = ann.events().await;
    assert!(
        events.iter().any(|event| matches!(event, Event::Hand(_))),
        "the room works again"
    );
    assert!(
        !presences(&events)
            .iter()
            .any(|(presence, _)| *presence == Presence::Left)
    );
    assert!(
        ann.moderate(Moderation::MuteAll).await.is_ok(),
        "ann is still host"
    );

    server.end(&call_id).await.unwrap();
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn a_crash_of_one_room_is_not_noticed_in_another() {
    let server = Server::start();
    let (hall, attic) = (room("hall"), room("attic"));
    let ann = server.join(&hall, "ann").await;
    let bob = server.join(&attic, "bob").await;
    bob.events().await;
    server.crash(&ann.seat.call_id, Victim::Room).await;
    tokio::time::sleep(10 * SECOND).await;
    assert!(bob.events().await.is_empty());
}

#[actix::test]
async fn the_fourth_crash_of_a_room_within_a_minute_fails_the_call() {
    let server = Server::start();
    let ann = server.join(&room("hall"), "ann").await;
    let call_id = ann.seat.call_id.clone();
    for _ in 0..4 {
        server.crash(&call_id, Victim::Room).await;
        tokio::time::sleep(SECOND).await;
    }
    assert_eq!(
        ann.bye().await.map(|bye| bye.reason),
        Some(ByeReason::CallEnded)
    );
    let facts: Vec<Fact> = server.facts.try_iter().collect();
    assert!(
        matches!(
            facts.last(),
            Some(Fact::CallEnded {
                reason: EndReason::Failed,
                ..
            })
        ),
        "{facts:?}"
    );
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn a_crash_of_a_participant_hurts_only_itself() {
    let server = Server::start();
    let hall = room("hall");
    let (ann, bob) = (
        server.join(&hall, "ann").await,
        server.join(&hall, "bob").await,
    );
    let call_id = ann.seat.call_id.clone();
    let victim = Victim::Participant(bob.seat.participant_id.clone());
    server.crash(&call_id, victim).await;

    let bye = bob.bye().await.expect("bob is told");
    assert_eq!((bye.reason, bye.retry), (ByeReason::Lost, Retry::Rejoin));
    assert!(presences(&ann.events().await).contains(&(Presence::Left, "bob".to_owned())));
    assert_eq!(server.inside(&hall).await, ["ann"]);

    let again = server.join(&hall, "bob").await;
    assert_eq!(again.seat.call_id, call_id);
    again.leave().await;
    ann.leave().await;
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn in_a_call_of_two_the_token_of_a_crashed_participant_brings_it_back() {
    let server = Server::start();
    let rung = server.ring(&["bob"]).await;
    let call_id = rung.call.call_id;
    let ann = server.connect(rung.seat.unwrap()).await;
    let bob = server
        .connect(server.answer(&call_id, "bob").await.unwrap().seat)
        .await;
    let participant_id = bob.seat.participant_id.clone();
    server
        .crash(&call_id, Victim::Participant(participant_id.clone()))
        .await;

    let find = FindParticipant {
        call_id: call_id.clone(),
        participant_id: participant_id.clone(),
    };
    let found = server.ask(find).await.expect("another seat for bob");
    assert_ne!(found.participant_id, participant_id);
    tokio::time::sleep(20 * SECOND).await;
    let call = server.call(&call_id).await.expect("it goes on");
    assert_eq!(
        (call.status, call.participants.len()),
        (CallStatus::Active, 2)
    );
    ann.leave().await;
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn a_call_of_two_ends_when_the_crashed_one_does_not_come_back() {
    let server = Server::start();
    let rung = server.ring(&["bob"]).await;
    let call_id = rung.call.call_id;
    let ann = server.connect(rung.seat.unwrap()).await;
    let bob = server
        .connect(server.answer(&call_id, "bob").await.unwrap().seat)
        .await;
    let victim = Victim::Participant(bob.seat.participant_id.clone());
    server.crash(&call_id, victim).await;
    tokio::time::sleep(11 * SECOND).await;
    assert_eq!(
        ann.bye().await.map(|bye| bye.reason),
        Some(ByeReason::CallEnded)
    );
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn a_crashed_call_is_built_anew_and_nobody_in_it_notices() {
    let server = Server::start();
    let hall = room("hall");
    let ann = server.join(&hall, "ann").await;
    let call_id = ann.seat.call_id.clone();
    ann.events().await;
    server.crash(&call_id, Victim::Call).await;

    assert!(ann.events().await.is_empty());
    let bob = server.join(&hall, "bob").await;
    assert_eq!(bob.seat.call_id, call_id);
    let ended = server.end(&call_id).await.unwrap();
    assert_eq!(ended.participants.len(), 2);
    assert_eq!(
        ann.bye().await.map(|bye| bye.reason),
        Some(ByeReason::CallEnded)
    );
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn a_ringing_call_that_crashed_still_ends_in_time() {
    let server = Server::start();
    let rung = server.ring(&["bob"]).await;
    server.crash(&rung.call.call_id, Victim::Call).await;
    tokio::time::sleep(RING + SECOND).await;
    let facts: Vec<Fact> = server.facts.try_iter().collect();
    assert!(
        matches!(
            facts.last(),
            Some(Fact::CallEnded {
                reason: EndReason::NoAnswer,
                ..
            })
        ),
        "{facts:?}"
    );
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn a_call_that_crashes_too_often_ends_failed() {
    let server = Server::start();
    let ann = server.join(&room("hall"), "ann").await;
    let call_id = ann.seat.call_id.clone();
    for _ in 0..4 {
        server.crash(&call_id, Victim::Call).await;
    }
    assert_eq!(
        ann.bye().await.map(|bye| bye.reason),
        Some(ByeReason::CallEnded)
    );
    assert_eq!(server.call(&call_id).await, None);
    let facts = server.facts().await;
    assert_eq!(facts[facts.len() - 2..], ["participant.left", "call.ended"]);
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn room_and_call_may_crash_together() {
    let server = Server::start();
    let hall = room("hall");
    let ann = server.join(&hall, "ann").await;
    let call_id = ann.seat.call_id.clone();
    for victim in [Victim::Room, Victim::Call] {
        assert!(
            server
                .ask(CrashActor {
                    call_id: call_id.clone(),
                    victim
                })
                .await
        );
    }
    tokio::time::sleep(10 * SECOND).await;
    assert_eq!(server.inside(&hall).await, ["ann"]);
    assert!(ann.ask(Request::Hand(Hand { up: true })).await.is_ok());
    server.end(&call_id).await.unwrap();
    server.assert_nobody_is_left().await;
}
