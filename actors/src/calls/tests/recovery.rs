use calls_model::{CallStatus, EndReason, LeaveReason, Member, ParticipantId, Timestamp};

use super::*;
use crate::participant::GRACE;

pub(super) fn member(name: &str, role: Role) -> Member {
    Member {
        user_id: user(name),
        role,
        audio: true,
        video: true,
        joined_at: DateTime::UNIX_EPOCH.into(),
        participant_id: Some(ParticipantId::new()),
        display_name: None,
        screen: false,
        hand: false,
        reconnecting: false,
        left_at: None,
        hidden: false,
    }
}

/// A session of a room, as storage has it after a crash.
pub(super) fn interrupted(hall: &Room, members: &[Member]) -> Interrupted {
    let call_id = CallId::new();
    let at: Timestamp = DateTime::UNIX_EPOCH.into();
    let (life, _) = crate::call::life::Life::session(call_id, hall.clone(), at);
    Interrupted {
        call: life.wire(members, at),
        room: Some(hall.clone()),
        past: Vec::new(),
        removed: vec![user("eve")],
        rejected: Vec::new(),
        recording: None,
        language: None,
    }
}

fn seat(call_id: &CallId, member: &Member) -> Seat {
    Seat {
        call_id: call_id.clone(),
        participant_id: member.participant_id.clone().unwrap(),
        user_id: member.user_id.clone(),
        role: member.role,
        admission: Admission::Admitted,
    }
}

#[actix::test]
async fn after_a_restart_everybody_has_their_place_and_role_again() {
    let server = Server::start();
    let hall = room("hall");
    let (ann, bob) = (member("ann", Role::Participant), member("bob", Role::Host));
    let live = interrupted(&hall, &[ann.clone(), bob.clone()]);
    let call_id = live.call.call_id.clone();
    server.ask(Recover(vec![live])).await;

    let call = server.call(&call_id).await.expect("it lives");
    assert_eq!(call.status, CallStatus::Active);
    assert!(
        call.participants
            .iter()
            .all(|one| one.reconnecting && !one.audio && !one.video)
    );
    let back = server.connect(seat(&call_id, &bob)).await;
    let welcome = back.welcome().await;
    assert_eq!(welcome.participant_id, bob.participant_id.clone().unwrap());
    assert_eq!(welcome.call.call_id, call_id);
    assert_eq!(welcome.roster.len(), 2);
    let call = server.call(&call_id).await.expect("it lives");
    let away = call.participants.iter().filter(|one| one.reconnecting);
    assert_eq!(
        away.map(|one| one.user_id.clone()).collect::<Vec<_>>(),
        [user("ann")]
    );
    assert!(
        back.moderate(Moderation::MuteAll).await.is_ok(),
        "bob is still host"
    );
    assert!(
        server.try_join(&hall, "eve").await.is_err(),
        "eve stays out"
    );
    assert_eq!(
        server.facts().await,
        Vec::<&str>::new(),
        "nobody came and nobody went"
    );

    server.end(&call_id).await.unwrap();
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn who_does_not_come_back_in_time_has_left_and_the_call_ends_by_its_own_rules() {
    let server = Server::start();
    let hall = room("hall");
    let (ann, bob) = (member("ann", Role::Host), member("bob", Role::Participant));
    let live = interrupted(&hall, &[ann.clone(), bob.clone()]);
    let call_id = live.call.call_id.clone();
    server.ask(Recover(vec![live])).await;
    let bob = server.connect(seat(&call_id, &bob)).await;
    tokio::time::sleep(GRACE.saturating_sub(SECOND)).await;
    assert_eq!(server.inside(&hall).await.len(), 2);
    tokio::time::sleep(2 * SECOND).await;
    assert_eq!(server.inside(&hall).await, ["bob"]);
    let facts: Vec<Fact> = server.facts.try_iter().collect();
    let left = facts.iter().find_map(|fact| match fact {
        Fact::ParticipantLeft {
            participant_id,
            reason,
            ..
        } => Some((participant_id, *reason)),
        _ => None,
    });
    assert_eq!(
        left,
        Some((&ann.participant_id.unwrap(), LeaveReason::TimedOut))
    );

    bob.leave().await;
    tokio::time::sleep(60 * SECOND).await;
    let ended: Vec<Fact> = server.facts.try_iter().collect();
    assert!(
        matches!(
            ended.last(),
            Some(Fact::CallEnded {
                reason: EndReason::Completed,
                ..
            })
        ),
        "{ended:?}"
    );
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn a_call_that_rang_when_the_server_went_down_can_still_be_answered() {
    let server = Server::start();
    let at: Timestamp = DateTime::UNIX_EPOCH.into();
    let plan = crate::call::life::Plan {
        call_id: CallId::new(),
        org_id: calls_model::OrgId::default(),
        call_type: CallType::Audio,
        kind: CallKind::OneToOne,
        from: user("ann"),
        to: vec![user("bob")],
        busy: Vec::new(),
        until: clock::instant(),
        record: None,
        metadata: serde_json::Map::new(),
    };
    let (life, _) = crate::call::life::Life::ring(plan, at);
    let ann = member("ann", Role::Host);
    let call = life.wire(std::slice::from_ref(&ann), at);
    let call_id = call.call_id.clone();
    let live = Interrupted {
        call,
        room: None,
        past: Vec::new(),
        removed: Vec::new(),
        rejected: Vec::new(),
        recording: None,
        language: None,
    };
    server.ask(Recover(vec![live])).await;
    let _ann = server.connect(seat(&call_id, &ann)).await;
    let device = server.device("bob").await;
    settle().await;
    assert!(!device.heard().await.is_empty(), "it rings again");
    let seated = server
        .answer(&call_id, "bob")
        .await
        .expect("it is answered");
    assert_eq!(seated.call.status, CallStatus::Active);
    server.end(&call_id).await.unwrap();
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn a_room_that_crashes_after_a_restart_finds_everybody_again() {
    let server = Server::start();
    let hall = room("hall");
    let ann = member("ann", Role::Host);
    let live = interrupted(&hall, std::slice::from_ref(&ann));
    let call_id = live.call.call_id.clone();
    server.ask(Recover(vec![live])).await;
    let _ann = server.connect(seat(&call_id, &ann)).await;
    server.crash(&call_id, Victim::Room).await;
    tokio::time::sleep(10 * SECOND).await;
    assert_eq!(server.inside(&hall).await, ["ann"]);
    server.end(&call_id).await.unwrap();
    server.assert_nobody_is_left().await;
}
