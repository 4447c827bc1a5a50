//! What is over stays over: no half-alive rooms, no timers of the dead, nothing left behind.

use super::*;
use crate::call::life::{LINGER, LINGER_TEMPORARY};

fn temporary(name: &str) -> Room {
    Room {
        room_type: RoomType::Temporary,
        ..room(name)
    }
}

#[actix::test]
async fn a_join_that_read_a_room_before_it_was_deleted_finds_none() {
    let server = Server::start();
    let hall = room("hall");
    server.ask(RoomDeleted(hall.room_id.clone())).await;
    assert_eq!(
        server.try_join(&hall, "ann").await,
        Err(JoinRefused::NoRoom)
    );
    assert_eq!(server.facts().await, Vec::<&str>::new());
    server.join(&room("other"), "ann").await;
}

#[actix::test]
async fn a_temporary_room_that_ended_takes_nobody_back() {
    let server = Server::start();
    let hall = temporary("hall");
    let ann = server.join(&hall, "ann").await;
    ann.leave().await;
    let back = server.join(&hall, "ann").await;
    assert_eq!(back.seat.call_id, ann.seat.call_id, "it lingers");
    back.leave().await;
    tokio::time::sleep(LINGER_TEMPORARY + SECOND).await;
    assert_eq!(
        server.try_join(&hall, "ann").await,
        Err(JoinRefused::NoRoom)
    );
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn a_join_in_the_moment_in_which_a_temporary_room_ends_begins_no_other() {
    let server = Server::start();
    let hall = temporary("hall");
    let ann = server.join(&hall, "ann").await;
    server.journal.set_broken(true); // so that the end takes its time
    let (calls, by) = (server.calls.clone(), None);
    let call_id = ann.seat.call_id.clone();
    let ending = actix::spawn(async move { calls.send(End { call_id, by }).await });
    settle().await;
    assert_eq!(
        server.try_join(&hall, "bob").await,
        Err(JoinRefused::NoRoom)
    );
    server.journal.set_broken(false);
    ending.await.unwrap().unwrap().ok();
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn the_timers_of_a_call_that_is_over_do_nothing() {
    let server = Server::start();
    let ringing = server.ring(&["bob"]).await.call;
    let call_id = ringing.call_id;
    let cancel = Cancel {
        call_id: call_id.clone(),
        user_id: None,
    };
    server.ask(cancel).await.unwrap();
    let hall = server.join(&room("hall"), "ann").await;
    hall.leave().await;
    server.end(&hall.seat.call_id).await.unwrap();
    server.facts().await;

    tokio::time::sleep(2 * RING + 2 * LINGER).await;
    assert_eq!(server.facts().await, Vec::<&str>::new());
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn after_everybody_left_nothing_is_left() {
    let server = Server::start();
    let hall = Room {
        settings: RoomSettings {
            waiting_room: true,
            ..RoomSettings::default()
        },
        ..temporary("hall")
    };
    let ann = server.join(&hall, "ann").await;
    let bob = server.join(&hall, "bob").await;
    assert_eq!(bob.seat.admission, Admission::Waiting);
    let cid = server.join_as(&hall, "cid", Some(Role::Moderator)).await;
    let cid = server.connect(cid.unwrap().seat).await;
    assert!(server.living.total() >= 5, "{:?}", server.living);
    for client in [&ann, &bob, &cid] {
        client.leave().await;
    }
    tokio::time::sleep(LINGER_TEMPORARY + SECOND).await;
    settle().await;
    assert_eq!(server.living.total(), 0, "{:?}", server.living);
}
