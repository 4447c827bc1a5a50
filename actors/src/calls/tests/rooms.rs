use calls_model::signal::{ByeReason, Chat, Event, Hand, Mute};
use calls_model::{CallKind, CallStatus};

use super::*;
use crate::call::life::{LINGER, LINGER_TEMPORARY};
use crate::participant::{Detach, GRACE, UNATTACHED};

fn reasons(events: &[Event]) -> Vec<ByeReason> {
    events
        .iter()
        .filter_map(|event| {
            if let Event::Bye(bye) = event {
                Some(bye.reason)
            } else {
                None
            }
        })
        .collect()
}

#[actix::test]
async fn the_first_to_come_begins_a_call_and_the_last_to_leave_ends_it() {
    let server = Server::start();
    let hall = room("hall");
    let ann = server.join(&hall, "ann").await;
    let call = server.call(&ann.seat.call_id).await.unwrap();
    assert_eq!(
        (call.kind, call.status),
        (CallKind::Conference, CallStatus::Active)
    );

    ann.leave().await;
    assert!(server.call(&ann.seat.call_id).await.is_some(), "it lingers");
    tokio::time::sleep(LINGER + SECOND).await;
    assert_eq!(server.call(&ann.seat.call_id).await, None);
    assert_eq!(
        server.facts().await,
        [
            "call.initiated",
            "call.answered",
            "participant.joined",
            "participant.left",
            "call.ended"
        ]
    );
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn who_comes_back_in_time_finds_the_same_call() {
    let server = Server::start();
    let hall = room("hall");
    let ann = server.join(&hall, "ann").await;
    ann.leave().await;
    tokio::time::sleep(LINGER / 2).await;
    let again = server.join(&hall, "ann").await;
    tokio::time::sleep(LINGER).await;
    assert_eq!(again.seat.call_id, ann.seat.call_id);
    assert!(server.call(&ann.seat.call_id).await.is_some());
}

#[actix::test]
async fn an_empty_temporary_room_is_deleted_soon() {
    let server = Server::start();
    let hall = Room {
        room_type: RoomType::Temporary,
        ..room("hall")
    };
    let ann = server.join(&hall, "ann").await;
    ann.leave().await;
    tokio::time::sleep(LINGER_TEMPORARY + SECOND).await;
    assert!(
        server
            .facts()
            .await
            .ends_with(&["call.ended", "room.deleted"])
    );
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn a_welcome_tells_who_is_here_and_others_hear_who_came() {
    let server = Server::start();
    let hall = room("hall");
    let ann = server.join(&hall, "ann").await;
    ann.events().await;
    let bob = server.join(&hall, "bob").await;

    let welcome = bob.welcome().await;
    let roster: Vec<String> = welcome
        .roster
        .iter()
        .map(|one| one.user_id.to_string())
        .collect();
    assert_eq!(roster, ["ann", "bob"]);
    assert_eq!(
        presences(&ann.events().await),
        [(Presence::Joined, "bob".to_owned())]
    );
}

#[actix::test]
async fn a_full_room_is_full() {
    let server = Server::start();
    let hall = Room {
        max_participants: 1,
        ..room("hall")
    };
    server.join(&hall, "ann").await;
    assert_eq!(
        server.try_join(&hall, "bob").await,
        Err(JoinRefused::Full { limit: 1 })
    );
}

#[actix::test]
async fn the_same_user_again_replaces_the_earlier_presence() {
    let server = Server::start();
    let hall = Room {
        max_participants: 1,
        ..room("hall")
    };
    let old = server.join(&hall, "ann").await;
    server.join(&hall, "ann").await;
    assert_eq!(
        old.bye().await.map(|bye| bye.reason),
        Some(ByeReason::Replaced)
    );
    assert_eq!(server.inside(&hall).await, ["ann"]);
}

#[actix::test]
async fn who_waits_at_the_door_is_let_in_by_a_moderator() {
    let server = Server::start();
    let settings = RoomSettings {
        waiting_room: true,
        ..RoomSettings::default()
    };
    let hall = Room {
        settings,
        ..room("hall")
    };
    let host = server.join(&hall, "ann").await;
    host.events().await;
    let guest = server.join(&hall, "bob").await;
    assert_eq!(guest.seat.admission, Admission::Waiting);
    assert!(matches!(guest.events().await[..], [Event::Waiting(place)] if place.position == 1));
    assert!(matches!(&host.events().await[..], [Event::Knock(knock)] if knock.waiting.len() == 1));
    let refused = guest.ask(Request::Hand(Hand { up: true })).await;
    assert_eq!(refused, Err(SignalRefused::NotAdmitted));

    let participant_id = guest.seat.participant_id.clone();
    host.moderate(Moderation::Admit { participant_id })
        .await
        .unwrap();
    let events = guest.events().await;
    assert!(
        matches!(events[..], [Event::Admitted(_), Event::Welcome(_)]),
        "{events:?}"
    );
    assert_eq!(server.inside(&hall).await, ["ann", "bob"]);
}

#[actix::test]
async fn who_is_denied_is_told_so_and_goes() {
    let server = Server::start();
    let settings = RoomSettings {
        waiting_room: true,
        ..RoomSettings::default()
    };
    let hall = Room {
        settings,
        ..room("hall")
    };
    let host = server.join(&hall, "ann").await;
    let guest = server.join(&hall, "bob").await;
    let participant_id = guest.seat.participant_id.clone();
    host.moderate(Moderation::Deny { participant_id })
        .await
        .unwrap();
    let events = guest.events().await;
    assert!(
        matches!(events[..], [.., Event::Denied(_), Event::Bye(_)]),
        "{events:?}"
    );
    assert_eq!(reasons(&events), [ByeReason::Denied]);
}

#[actix::test]
async fn a_leaving_host_hands_over() {
    let server = Server::start();
    let hall = room("hall");
    let ann = server.join(&hall, "ann").await;
    let bob = server.join(&hall, "bob").await;
    bob.events().await;
    ann.leave().await;
    let hosts = |event: &Event| matches!(event, Event::Participant(told) if told.participant.role == Role::Host && told.event == Presence::Updated);
    assert!(bob.events().await.iter().any(hosts));
    assert!(bob.moderate(Moderation::MuteAll).await.is_ok());
    assert!(server.facts().await.contains(&"participant.role_changed"));
}

#[actix::test]
async fn a_removed_user_hears_why_and_may_not_come_back() {
    let server = Server::start();
    let hall = room("hall");
    let host = server.join(&hall, "ann").await;
    let bob = server.join(&hall, "bob").await;
    let participant_id = bob.seat.participant_id.clone();
    host.moderate(Moderation::Remove { participant_id })
        .await
        .unwrap();
    assert_eq!(
        bob.bye().await.map(|bye| bye.reason),
        Some(ByeReason::Removed)
    );
    assert_eq!(
        server.try_join(&hall, "bob").await,
        Err(JoinRefused::Removed)
    );
}

#[actix::test]
async fn who_is_put_out_hears_so_and_may_come_in_again() {
    let server = Server::start();
    let hall = room("hall");
    let host = server.join(&hall, "ann").await;
    let bob = server.join(&hall, "bob").await;
    let participant_id = bob.seat.participant_id.clone();
    host.moderate(Moderation::Kick { participant_id })
        .await
        .unwrap();
    assert_eq!(
        bob.bye().await.map(|bye| bye.reason),
        Some(ByeReason::Kicked)
    );
    assert_eq!(server.inside(&hall).await, ["ann"]);
    assert!(server.try_join(&hall, "bob").await.is_ok());
}

#[actix::test]
async fn a_participant_cannot_moderate_but_the_application_can() {
    let server = Server::start();
    let hall = room("hall");
    let ann = server.join(&hall, "ann").await;
    let bob = server.join(&hall, "bob").await;
    let action = Moderation::Remove {
        participant_id: ann.seat.participant_id.clone(),
    };
    let refused = bob.moderate(action.clone()).await;
    assert_eq!(
        refused,
        Err(SignalRefused::Moderate(ModerateRefused::NotModerator))
    );
    let call_id = ann.seat.call_id.clone();
    assert!(
        server
            .ask(Moderate {
                call_id,
                by: None,
                action
            })
            .await
            .is_ok()
    );
    assert_eq!(server.inside(&hall).await, ["bob"]);
}

#[actix::test]
async fn a_locked_door_is_written_down_and_told() {
    let server = Server::start();
    let hall = room("hall");
    let ann = server.join(&hall, "ann").await;
    ann.events().await;
    ann.moderate(Moderation::Lock { locked: true })
        .await
        .unwrap();
    assert!(matches!(&ann.events().await[..], [Event::Room(room)] if room.locked));
    assert_eq!(server.facts().await.last(), Some(&"room.updated"));
    assert_eq!(
        server.try_join(&hall, "bob").await,
        Err(JoinRefused::Locked)
    );
}

#[actix::test]
async fn what_is_said_to_one_is_heard_by_two() {
    let server = Server::start();
    let hall = room("hall");
    let (ann, bob) = (
        server.join(&hall, "ann").await,
        server.join(&hall, "bob").await,
    );
    let cid = server.join(&hall, "cid").await;
    for client in [&ann, &bob, &cid] {
        client.events().await;
    }
    let to = Some(bob.seat.participant_id.clone());
    ann.ask(Request::Chat(Chat {
        text: "psst".parse().unwrap(),
        to,
    }))
    .await
    .unwrap();
    ann.ask(Request::Chat(Chat {
        text: "hello".parse().unwrap(),
        to: None,
    }))
    .await
    .unwrap();
    assert_eq!(ann.events().await.len(), 2);
    assert_eq!(bob.events().await.len(), 2);
    assert_eq!(cid.events().await.len(), 1);
    assert_eq!(
        server
            .join(&room("hall"), "cid")
            .await
            .welcome()
            .await
            .chat
            .len(),
        1
    );
}

#[actix::test]
async fn nothing_is_said_to_somebody_who_is_not_there() {
    let server = Server::start();
    let ann = server.join(&room("hall"), "ann").await;
    let to = Some("part_nobody".parse().unwrap());
    let refused = ann
        .ask(Request::Chat(Chat {
            text: "hello".parse().unwrap(),
            to,
        }))
        .await;
    assert_eq!(refused, Err(SignalRefused::NoSuchParticipant));
}

#[actix::test]
async fn a_dropped_socket_keeps_its_place_and_misses_nothing() {
    let server = Server::start();
    let hall = room("hall");
    let ann = server.join(&hall, "ann").await;
    let bob = server.join(&hall, "bob").await;
    let session = ann.frames().await;
    let last_seq = session.last().and_then(|frame| frame.seq).unwrap();
    let Event::Welcome(welcome) = &session[0].event else {
        panic!("{session:?}")
    };

    ann.participant.do_send(Detach {
        attachment: ann.attachment,
    });
    bob.ask(Request::Hand(Hand { up: true })).await.unwrap();
    tokio::time::sleep(29 * SECOND).await;
    let told = presences(&bob.events().await);
    assert!(
        told.contains(&(Presence::Reconnecting, "ann".to_owned())),
        "{told:?}"
    );

    let socket = Probe::start();
    let resume = Some(Resume {
        session: welcome.session.clone(),
        last_seq,
    });
    let attach = Attach {
        door: socket.recipient(),
        resume,
        greeting: greeting(),
    };
    ann.participant.send(attach).await.unwrap().unwrap();
    let frames: Vec<ServerFrame> = socket.heard().await.iter().map(read).collect();
    let seqs: Vec<u64> = frames.iter().filter_map(|frame| frame.seq).collect();
    assert!(
        seqs.first() == Some(&(last_seq + 1)) && seqs.is_sorted(),
        "{seqs:?}"
    );
    assert!(
        frames
            .iter()
            .any(|frame| matches!(frame.event, Event::Hand(_)))
    );
    assert!(matches!(frames.last().unwrap().event, Event::Welcome(_)));
    tokio::time::sleep(2 * GRACE).await;
    assert_eq!(server.inside(&hall).await, ["ann", "bob"]);
}

#[actix::test]
async fn a_strange_session_is_not_resumed() {
    let server = Server::start();
    let ann = server.join(&room("hall"), "ann").await;
    let resume = Some(Resume {
        session: "another".to_owned(),
        last_seq: 0,
    });
    let door = Probe::start().recipient();
    let refused = ann
        .participant
        .send(Attach {
            door,
            resume,
            greeting: greeting(),
        })
        .await;
    assert_eq!(
        refused.unwrap(),
        Err(crate::participant::AttachRefused::UnknownSession)
    );
    assert_eq!(ann.bye().await, None, "the one who is here stays");
}

#[actix::test]
async fn a_socket_that_does_not_come_back_costs_the_place() {
    let server = Server::start();
    let hall = room("hall");
    let ann = server.join(&hall, "ann").await;
    let bob = server.join(&hall, "bob").await;
    ann.participant.do_send(Detach {
        attachment: ann.attachment,
    });
    tokio::time::sleep(GRACE + SECOND).await;
    assert!(presences(&bob.events().await).contains(&(Presence::Left, "ann".to_owned())));
    assert_eq!(server.inside(&hall).await, ["bob"]);
}

#[actix::test]
async fn the_socket_of_before_cannot_detach_the_one_of_now() {
    let server = Server::start();
    let hall = room("hall");
    let ann = server.join(&hall, "ann").await;
    let now = server.connect(ann.seat.clone()).await;
    assert_eq!(
        ann.bye().await.map(|bye| bye.reason),
        Some(ByeReason::Replaced)
    );
    ann.participant.do_send(Detach {
        attachment: ann.attachment,
    });
    tokio::time::sleep(GRACE + SECOND).await;
    assert_eq!(server.inside(&hall).await, ["ann"]);
    assert_eq!(now.bye().await, None);
}

#[actix::test]
async fn a_place_that_nobody_takes_is_given_up() {
    let server = Server::start();
    let hall = room("hall");
    server.try_join(&hall, "ann").await.unwrap();
    tokio::time::sleep(UNATTACHED + SECOND).await;
    assert!(server.inside(&hall).await.is_empty());
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn leaving_twice_is_nothing() {
    let server = Server::start();
    let hall = room("hall");
    server.join(&hall, "ann").await;
    for _ in 0..2 {
        server
            .ask(LeaveRoom {
                room_id: hall.room_id.clone(),
                user_id: user("ann"),
            })
            .await;
    }
    assert!(server.inside(&hall).await.is_empty());
}

#[actix::test]
async fn an_unpublished_source_cannot_be_unmuted() {
    let server = Server::start();
    let ann = server.join(&room("hall"), "ann").await;
    let source = Source::Microphone;
    let refused = ann
        .ask(Request::Mute(Mute {
            source,
            muted: false,
        }))
        .await;
    assert_eq!(refused, Err(SignalRefused::NotPublished(source)));
    assert!(
        ann.ask(Request::Mute(Mute {
            source,
            muted: true
        }))
        .await
        .is_ok(),
        "before publishing"
    );
}

#[actix::test]
async fn a_deleted_room_puts_everybody_out() {
    let server = Server::start();
    let hall = room("hall");
    let ann = server.join(&hall, "ann").await;
    server.calls.do_send(RoomDeleted(hall.room_id.clone()));
    assert_eq!(
        ann.bye().await.map(|bye| bye.reason),
        Some(ByeReason::CallEnded)
    );
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn a_join_that_cannot_be_stored_leaves_no_ghost() {
    let server = Server::start();
    let hall = room("hall");
    server.journal.set_broken(true);
    assert_eq!(
        server.try_join(&hall, "ann").await,
        Err(JoinRefused::NotStored)
    );
    assert!(server.inside(&hall).await.is_empty());
    server.assert_nobody_is_left().await;
}
