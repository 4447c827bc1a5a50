//! Who is host of a room, and who waits for them.

use calls_model::signal::Waiting;

use super::*;
use crate::call::life::LINGER;

fn anns(name: &str) -> Room {
    Room {
        host: Some(user("ann")),
        ..room(name)
    }
}

fn with_waiting_room(room: Room) -> Room {
    Room {
        settings: RoomSettings {
            waiting_room: true,
            ..room.settings
        },
        ..room
    }
}

impl Server {
    async fn guest(&self, room: &Room) -> Result<Seated, JoinRefused> {
        self.ask(JoinRoom {
            room: room.clone(),
            user_id: user("guest-1"),
            display_name: None,
            role: None,
            guest: true,
            hidden: false,
        })
        .await
    }

    /// Everybody inside by their role.
    async fn roles(&self, room: &Room) -> Vec<(String, Role)> {
        settle().await;
        let now = self.ask(RoomSnapshot(room.room_id.clone())).await;
        let members = now.map(|now| now.members).unwrap_or_default();
        let role = |member: calls_model::Member| (member.user_id.to_string(), member.role);
        members.into_iter().map(role).collect()
    }
}

fn waits(events: &[Event]) -> Vec<Waiting> {
    let waiting = |event: &Event| match event {
        Event::Waiting(waiting) => Some(*waiting),
        _ => None,
    };
    events.iter().filter_map(waiting).collect()
}

fn named(roles: &[(&str, Role)]) -> Vec<(String, Role)> {
    roles
        .iter()
        .map(|(name, role)| ((*name).to_owned(), *role))
        .collect()
}

#[actix::test]
async fn only_the_designated_host_is_host_on_entering() {
    let server = Server::start();
    let hall = anns("hall");
    for name in ["bob", "ann", "cid"] {
        server.join(&hall, name).await;
    }
    let roles = [
        ("bob", Role::Participant),
        ("ann", Role::Host),
        ("cid", Role::Participant),
    ];
    assert_eq!(server.roles(&hall).await, named(&roles));
}

#[actix::test]
async fn while_the_host_is_away_others_wait_and_hear_that_nobody_could_let_them_in() {
    let server = Server::start();
    let hall = with_waiting_room(anns("hall"));
    let bob = server.join(&hall, "bob").await;
    assert_eq!(bob.seat.admission, Admission::Waiting);
    let (position, away, here) = (1, false, true);
    let waiting = |moderated| Waiting {
        position,
        moderated,
    };
    assert_eq!(waits(&bob.events().await).last(), Some(&waiting(away)));

    tokio::time::sleep(LINGER + SECOND).await; // waiting for the host is company enough
    let ann = server.join(&hall, "ann").await;
    assert_eq!(ann.seat.admission, Admission::Admitted);
    assert_eq!(ann.seat.call_id, bob.seat.call_id);
    assert_eq!(waits(&bob.events().await), [waiting(here)]);
    let knock = |event: &Event| matches!(event, Event::Knock(knock) if knock.waiting.len() == 1);
    assert!(
        ann.events().await.iter().any(knock),
        "the host sees who waits"
    );

    ann.leave().await;
    assert_eq!(waits(&bob.events().await), [waiting(away)]);
    let ann = server.join(&hall, "ann").await;
    let participant_id = bob.seat.participant_id.clone();
    ann.moderate(Moderation::Admit { participant_id })
        .await
        .unwrap();
    assert_eq!(bob.welcome().await.roster.len(), 2);
}

#[actix::test]
async fn a_session_ends_when_the_last_who_waits_for_its_host_goes() {
    let server = Server::start();
    let hall = with_waiting_room(anns("hall"));
    let bob = server.join(&hall, "bob").await;
    bob.leave().await;
    assert!(server.call(&bob.seat.call_id).await.is_some(), "it lingers");
    tokio::time::sleep(LINGER + SECOND).await;
    assert_eq!(server.call(&bob.seat.call_id).await, None);
    server.assert_nobody_is_left().await;
}

#[actix::test]
async fn a_locked_room_opens_for_its_designated_host_alone() {
    let server = Server::start();
    let hall = Room {
        locked: true,
        ..anns("hall")
    };
    let locked = Err(JoinRefused::Locked);
    assert_eq!(server.try_join(&hall, "bob").await, locked);
    server.join(&hall, "ann").await;
    assert_eq!(server.try_join(&hall, "bob").await, locked);
    server.join(&hall, "ann").await; // again, from elsewhere
    assert_eq!(server.roles(&hall).await, named(&[("ann", Role::Host)]));
}

#[actix::test]
async fn the_designated_host_who_returns_is_host_again() {
    let server = Server::start();
    let hall = anns("hall");
    let ann = server.join(&hall, "ann").await;
    server.join(&hall, "bob").await;
    ann.leave().await;
    assert_eq!(server.roles(&hall).await, named(&[("bob", Role::Host)]));
    server.join(&hall, "ann").await;
    let roles = [("bob", Role::Moderator), ("ann", Role::Host)];
    assert_eq!(server.roles(&hall).await, named(&roles));
}

#[actix::test]
async fn while_the_designated_host_is_away_nobody_becomes_it_because_others_leave() {
    let server = Server::start();
    let hall = anns("hall");
    let bob = server.join(&hall, "bob").await;
    server.join(&hall, "cid").await;
    bob.leave().await;
    let roles = [("cid", Role::Participant)];
    assert_eq!(server.roles(&hall).await, named(&roles));
}

#[actix::test]
async fn a_guest_is_never_host_not_even_as_the_first_or_the_last() {
    let server = Server::start();
    let hall = room("hall");
    assert_eq!(
        server.guest(&hall).await.unwrap().seat.role,
        Role::Participant
    );
    let ann = server.join(&hall, "ann").await;
    assert_eq!(ann.seat.role, Role::Host);
    let guest = server
        .ask(RoomSnapshot(hall.room_id.clone()))
        .await
        .unwrap();
    let participant_id = guest.members[0].participant_id.clone().unwrap();
    let role = Moderation::Role {
        participant_id,
        role: Role::Host,
    };
    let refused = SignalRefused::Moderate(ModerateRefused::CannotHost);
    assert_eq!(ann.moderate(role).await, Err(refused));

    server.crash(&ann.seat.call_id, Victim::Room).await; // a fresh room knows its guests
    ann.leave().await;
    let roles = [("guest-1", Role::Participant)];
    assert_eq!(server.roles(&hall).await, named(&roles));
}

#[actix::test]
async fn a_guest_waits_for_nobody_in_a_room_with_a_waiting_room() {
    let server = Server::start();
    let hall = with_waiting_room(room("hall"));
    let seat = server.guest(&hall).await.unwrap().seat;
    assert_eq!(
        seat.admission,
        Admission::Waiting,
        "only a host comes in at once"
    );
}

#[actix::test]
async fn who_is_designated_while_inside_is_host_at_once() {
    let server = Server::start();
    let hall = room("hall");
    server.join(&hall, "bob").await;
    server.join(&hall, "ann").await;
    server.ask(RoomChanged(anns("hall"))).await;
    let roles = [("bob", Role::Moderator), ("ann", Role::Host)];
    assert_eq!(server.roles(&hall).await, named(&roles));
}
