use calls_model::signal::{ByeReason, Event};
use calls_model::{CallStatus, EndReason};

use super::*;

/// The statuses that a device was told.
async fn rang(device: &Probe<ToClient>) -> Vec<CallStatus> {
    let status = |one: &ToClient| match read(one).event {
        Event::Incoming(incoming) => Some(incoming.call.status),
        _ => None,
    };
    device.heard().await.iter().filter_map(status).collect()
}

async fn end_reason_of(server: &Server, call: Call) -> Option<EndReason> {
    server.assert_nobody_is_left().await;
    call.end_reason
}

#[actix::test]
async fn a_call_rings_on_every_device_of_its_callee_and_begins_with_the_answer() {
    let server = Server::start();
    let (phone, laptop) = (server.device("bob").await, server.device("bob").await);

    let rung = server.ring(&["bob"]).await;
    assert_eq!(rung.call.status, CallStatus::Ringing);
    assert_eq!(rung.seat.as_ref().map(|seat| seat.role), Some(Role::Host));
    assert_eq!(
        (rang(&phone).await, rang(&laptop).await),
        (vec![CallStatus::Ringing], vec![CallStatus::Ringing])
    );

    let answered = server.answer(&rung.call.call_id, "bob").await.unwrap();
    assert_eq!(answered.call.status, CallStatus::Active);
    assert_eq!(
        rang(&laptop).await,
        [CallStatus::Active],
        "it rings no more"
    );
    assert_eq!(
        server.facts().await,
        [
            "call.initiated",
            "call.ringing",
            "participant.joined",
            "call.answered",
            "participant.joined"
        ]
    );
}

#[actix::test]
async fn an_ended_call_has_its_duration_and_leaves_nobody() {
    let server = Server::start();
    let rung = server.ring(&["bob"]).await;
    let call_id = &rung.call.call_id;
    server.answer(call_id, "bob").await.unwrap();
    tokio::time::sleep(42 * SECOND).await;

    let ended = server.end(call_id).await.unwrap();
    assert_eq!(
        (ended.duration_seconds, ended.status),
        (42, CallStatus::Ended)
    );
    assert_eq!(ended.participants.len(), 2);
    let facts = server.facts().await;
    assert_eq!(
        facts[facts.len() - 3..],
        ["participant.left", "participant.left", "call.ended"]
    );
    assert_eq!(
        server.end(call_id).await,
        Err(VerbRefused::NotFound),
        "storage knows it now"
    );
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn a_call_without_devices_waits_and_rings_when_one_comes() {
    let server = Server::start();
    let rung = server.ring(&["bob"]).await;
    assert_eq!(rung.call.status, CallStatus::Initiated);

    let phone = server.device("bob").await;
    assert_eq!(rang(&phone).await, [CallStatus::Ringing]);
    let call = server.call(&rung.call.call_id).await.unwrap();
    assert_eq!(call.status, CallStatus::Ringing);
}

#[actix::test]
async fn nobody_answers_in_time() {
    let server = Server::start();
    let phone = server.device("bob").await;
    let caller = server
        .connect(server.ring(&["bob"]).await.seat.unwrap())
        .await;
    tokio::time::sleep(RING + SECOND).await;

    let events = caller.events().await;
    let ended = events.iter().find_map(|event| match event {
        Event::Call(call) => call.end_reason,
        _ => None,
    });
    assert_eq!(ended, Some(EndReason::NoAnswer));
    assert_eq!(rang(&phone).await, [CallStatus::Ringing, CallStatus::Ended]);
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn a_caller_gives_up() {
    let server = Server::start();
    let phone = server.device("bob").await;
    let rung = server.ring(&["bob"]).await;
    let call_id = rung.call.call_id;
    let canceled = server
        .ask(Cancel {
            call_id,
            user_id: Some(user("ann")),
        })
        .await
        .unwrap();
    assert_eq!(rang(&phone).await, [CallStatus::Ringing, CallStatus::Ended]);
    assert_eq!(
        end_reason_of(&server, canceled).await,
        Some(EndReason::Canceled)
    );
}

#[actix::test]
async fn a_callee_says_no() {
    let server = Server::start();
    let rung = server.ring(&["bob"]).await;
    let call_id = rung.call.call_id;
    let rejected = server
        .ask(Reject {
            call_id,
            user_id: None,
        })
        .await
        .unwrap();
    assert_eq!(
        end_reason_of(&server, rejected).await,
        Some(EndReason::Rejected)
    );
}

#[actix::test]
async fn a_group_rings_on_while_somebody_may_still_answer() {
    let server = Server::start();
    let (bob, cid) = (server.device("bob").await, server.device("cid").await);
    let rung = server.ring(&["bob", "cid"]).await;
    let call_id = rung.call.call_id;

    let no = Reject {
        call_id: call_id.clone(),
        user_id: Some(user("bob")),
    };
    assert_eq!(server.ask(no).await.unwrap().status, CallStatus::Ringing);
    assert_eq!(
        rang(&bob).await,
        [CallStatus::Ringing, CallStatus::Ended],
        "not for bob any more"
    );
    assert_eq!(rang(&cid).await, [CallStatus::Ringing]);
    assert!(server.answer(&call_id, "cid").await.is_ok());
}

#[actix::test]
async fn who_talks_already_is_busy() {
    let server = Server::start();
    server.join(&room("hall"), "bob").await;
    let busy = server.ring(&["bob"]).await;
    assert_eq!(
        (busy.call.end_reason, busy.seat),
        (Some(EndReason::Busy), None)
    );
    assert!(
        server
            .facts()
            .await
            .ends_with(&["call.initiated", "call.ended"])
    );
}

#[actix::test]
async fn only_those_who_were_called_may_answer() {
    let server = Server::start();
    let rung = server.ring(&["bob"]).await;
    assert_eq!(
        server.answer(&rung.call.call_id, "eve").await,
        Err(VerbRefused::NotCalled)
    );
}

#[actix::test]
async fn hanging_up_by_leaving_ends_a_call_of_two() {
    let server = Server::start();
    let rung = server.ring(&["bob"]).await;
    let caller = server.connect(rung.seat.unwrap()).await;
    let answered = server.answer(&rung.call.call_id, "bob").await.unwrap();
    let callee = server.connect(answered.seat).await;

    callee.leave().await;
    assert_eq!(
        callee.bye().await.map(|bye| bye.reason),
        Some(ByeReason::Left)
    );
    assert_eq!(
        caller.bye().await.map(|bye| bye.reason),
        Some(ByeReason::CallEnded)
    );
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn what_cannot_be_stored_does_not_ring() {
    let server = Server::start();
    server.journal.set_broken(true);
    assert_eq!(
        server.ask(initiate(&["bob"])).await,
        Err(VerbRefused::NotStored)
    );
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn a_draining_server_ends_its_calls_and_takes_no_new_ones() {
    let server = Server::start();
    let caller = server
        .connect(server.ring(&["bob"]).await.seat.unwrap())
        .await;
    let member = server.join(&room("hall"), "cid").await;

    server.join(&room("yard"), "eve").await.leave().await;

    server.ask(Drain).await;
    for client in [&caller, &member] {
        assert_eq!(
            client.bye().await.map(|bye| bye.reason),
            Some(ByeReason::ServerShutdown)
        );
    }
    assert_eq!(
        server.ask(initiate(&["bob"])).await,
        Err(VerbRefused::Draining)
    );
    assert_eq!(
        server.try_join(&room("hall"), "dan").await,
        Err(JoinRefused::Draining)
    );
    let reason = |fact| match fact {
        Fact::CallEnded { reason, .. } => Some(reason),
        _ => None,
    };
    let reasons: Vec<_> = server.facts.try_iter().filter_map(reason).collect();
    let count = |wanted| reasons.iter().filter(|reason| **reason == wanted).count();
    assert_eq!(
        (count(EndReason::Failed), count(EndReason::Completed)),
        (2, 1),
        "{reasons:?}: who had left by themselves had completed theirs"
    );
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn an_end_during_an_outage_of_the_storage_is_written_down_after_it() {
    let server = Server::start();
    server.ring(&["bob"]).await;
    server.journal.set_broken(true);
    tokio::time::sleep(RING + SECOND).await;
    assert_eq!(
        server.facts().await,
        ["call.initiated", "participant.joined"]
    );
    server.journal.set_broken(false);
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(server.facts().await, ["participant.left", "call.ended"]);
}

#[actix::test]
async fn a_call_that_was_never_stored_has_no_end_to_store() {
    let server = Server::start();
    server.journal.set_broken(true);
    server.ask(initiate(&["bob"])).await.unwrap_err();
    server.journal.set_broken(false);
    tokio::time::sleep(60 * SECOND).await;
    assert!(server.facts().await.is_empty());
}

#[actix::test]
async fn a_caller_who_goes_away_while_it_rings_has_given_up() {
    let server = Server::start();
    let rung = server.ring(&["bob"]).await;
    let ann = server.connect(rung.seat.unwrap()).await;
    ann.participant.do_send(crate::participant::Detach {
        attachment: ann.attachment,
    });
    tokio::time::sleep(crate::participant::GRACE + SECOND).await;
    let ended = server.facts.try_iter().last();
    let canceled = |fact: &Fact| {
        matches!(
            fact,
            Fact::CallEnded {
                reason: EndReason::Canceled,
                ..
            }
        )
    };
    assert!(ended.as_ref().is_some_and(canceled), "{ended:?}");
    server.assert_nobody_is_left().await;
}
