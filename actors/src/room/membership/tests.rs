use proptest::prelude::*;

use super::*;

fn at(second: u32) -> Timestamp {
    format!("\"2026-01-01T00:00:{second:02}Z\"")
        .parse::<serde_json::Value>()
        .and_then(serde_json::from_value)
        .unwrap()
}

fn id(name: &str) -> ParticipantId {
    format!("part_{name}").parse().unwrap()
}

fn newcomer(name: &str) -> Newcomer {
    Newcomer {
        participant_id: id(name),
        user_id: name.trim_end_matches(char::is_numeric).parse().unwrap(),
        display_name: None,
        role: None,
        guest: false,
        hidden: false,
    }
}

fn room(limit: u32) -> Membership {
    Membership::new(Rules {
        limit,
        waiting_room: false,
        locked: false,
        host: None,
    })
}

fn room_with(names: &[&str]) -> Membership {
    let mut room = room(8);
    for (second, name) in (0..).zip(names) {
        room.join(newcomer(name), at(second)).unwrap();
    }
    room
}

fn role(room: &Membership, name: &str) -> Role {
    room.member(&id(name)).unwrap().role
}

#[test]
fn the_first_to_come_in_is_host_and_the_next_is_not() {
    let room = room_with(&["ann", "bob"]);
    assert_eq!(
        (role(&room, "ann"), role(&room, "bob")),
        (Role::Host, Role::Participant)
    );
}

#[test]
fn who_is_hidden_takes_no_seat_rings_at_no_door_and_is_never_host() {
    fn hidden(name: &str) -> Newcomer {
        Newcomer {
            hidden: true,
            ..newcomer(name)
        }
    }
    let mut room = Membership::new(Rules {
        limit: 1,
        waiting_room: true,
        locked: true,
        host: None,
    });
    let (admission, _, _) = room.join(hidden("eve"), at(0)).unwrap();
    assert_eq!((admission, room.count()), (Admission::Admitted, 0));
    let mut room = room_with(&["ann"]);
    room.join(hidden("eve"), at(1)).unwrap();
    let effects = room.leave(&id("ann"), LeaveReason::Left, at(2));
    assert!(
        effects.contains(&Effect::Empty),
        "nobody whom anybody knows of"
    );
    assert_ne!(role(&room, "eve"), Role::Host);
    assert_eq!(
        room.set_role(&id("eve"), Role::Host),
        Err(ModerateRefused::CannotHost)
    );
    let limit = Bounds::default().hidden;
    for number in 1..limit {
        room.join(hidden(&format!("eve{number}x")), at(3)).unwrap();
    }
    assert_eq!(
        room.join(hidden("eva"), at(4)).err(),
        Some(JoinRefused::Full { limit })
    );
}

#[test]
fn a_full_room_says_its_limit() {
    let mut room = room(1);
    room.join(newcomer("ann"), at(0)).unwrap();
    let refused = room.join(newcomer("bob"), at(1)).unwrap_err();
    assert_eq!(refused, JoinRefused::Full { limit: 1 });
}

#[test]
fn the_same_user_again_replaces_the_earlier_presence_even_in_a_full_room() {
    let mut room = room(1);
    room.join(newcomer("ann1"), at(0)).unwrap();
    let (admission, role, effects) = room.join(newcomer("ann2"), at(1)).unwrap();
    assert_eq!((admission, role), (Admission::Admitted, Role::Host));
    assert!(matches!(&effects[..],
        [Effect::Left(old, LeaveReason::Replaced), Effect::Joined(new)]
            if old.participant_id == Some(id("ann1")) && *new == id("ann2")));
}

#[test]
fn a_leaving_host_hands_over_to_the_earliest_moderator_before_any_participant() {
    let mut room = room_with(&["ann", "bob", "cid"]);
    room.set_role(&id("cid"), Role::Moderator).unwrap();
    room.leave(&id("ann"), LeaveReason::Left, at(9));
    assert_eq!(
        (role(&room, "bob"), role(&room, "cid")),
        (Role::Participant, Role::Host)
    );
    let effects = room.leave(&id("cid"), LeaveReason::Left, at(10));
    assert!(effects.contains(&Effect::RoleGiven(id("bob"), Role::Host)));
}

#[test]
fn giving_the_host_role_away_makes_the_giver_a_moderator() {
    let mut room = room_with(&["ann", "bob"]);
    room.set_role(&id("bob"), Role::Host).unwrap();
    assert_eq!(
        (role(&room, "ann"), role(&room, "bob")),
        (Role::Moderator, Role::Host)
    );
}

#[test]
fn a_host_who_becomes_an_observer_is_followed_by_another() {
    let mut room = room_with(&["ann", "bob"]);
    room.set_role(&id("ann"), Role::Observer).unwrap();
    assert_eq!(
        (role(&room, "ann"), role(&room, "bob")),
        (Role::Observer, Role::Host)
    );
}

#[test]
fn the_last_to_leave_empties_the_room() {
    let mut room = room_with(&["ann"]);
    let effects = room.leave(&id("ann"), LeaveReason::Left, at(5));
    assert!(matches!(&effects[..], [Effect::Left(..), Effect::Empty]));
    assert!(room.leave(&id("ann"), LeaveReason::Left, at(6)).is_empty());
}

#[test]
fn a_locked_door_stays_shut_but_for_those_who_are_inside_already() {
    let mut room = room_with(&["ann1", "bob1"]);
    room.set_locked(true);
    assert_eq!(
        room.join(newcomer("cid"), at(3)).unwrap_err(),
        JoinRefused::Locked
    );
    assert!(room.join(newcomer("bob2"), at(4)).is_ok());
}

#[test]
fn who_waits_is_not_inside_until_a_moderator_admits_them() {
    let mut room = room_with(&["ann"]);
    room.set_rules(Rules {
        waiting_room: true,
        ..room.rules().clone()
    });
    let (admission, _, effects) = room.join(newcomer("bob"), at(1)).unwrap();
    assert_eq!(
        (admission, effects),
        (Admission::Waiting, vec![Effect::QueueChanged])
    );
    assert_eq!((room.count(), room.waiting().count()), (1, 1));

    let effects = room.admit(&id("bob"), at(2)).unwrap();
    assert!(effects.contains(&Effect::Joined(id("bob"))));
    assert_eq!((room.count(), room.waiting().count()), (2, 0));
    assert_eq!(room.member(&id("bob")).unwrap().joined_at, at(2));
}

#[test]
fn the_first_of_a_room_with_a_waiting_room_comes_in_as_its_host() {
    let mut room = Membership::new(Rules {
        limit: 8,
        waiting_room: true,
        locked: false,
        host: None,
    });
    let (admission, role, _) = room.join(newcomer("ann"), at(0)).unwrap();
    assert_eq!((admission, role), (Admission::Admitted, Role::Host));
}

#[test]
fn nobody_is_admitted_beyond_the_limit() {
    let mut room = Membership::new(Rules {
        limit: 1,
        waiting_room: true,
        locked: false,
        host: None,
    });
    room.join(newcomer("ann"), at(0)).unwrap();
    room.join(newcomer("bob"), at(1)).unwrap();
    assert_eq!(
        room.admit(&id("bob"), at(2)),
        Err(ModerateRefused::Full { limit: 1 })
    );
}

#[test]
fn who_is_denied_was_never_inside() {
    let mut room = room_with(&["ann"]);
    room.set_rules(Rules {
        waiting_room: true,
        ..room.rules().clone()
    });
    room.join(newcomer("bob"), at(1)).unwrap();
    let effects = room.deny(&id("bob"), at(2)).unwrap();
    assert_eq!(
        effects,
        [
            Effect::Dismissed(id("bob"), LeaveReason::Denied),
            Effect::QueueChanged
        ]
    );
    assert_eq!(room.deny(&id("ann"), at(3)), Err(ModerateRefused::NotFound));
}

#[test]
fn a_removed_user_may_not_come_back() {
    let mut room = room_with(&["ann", "bob1"]);
    room.remove(&id("bob1"), at(3));
    assert_eq!(
        room.join(newcomer("bob2"), at(4)).unwrap_err(),
        JoinRefused::Removed
    );
}

#[test]
fn a_dropped_socket_is_told_once_and_coming_back_too() {
    let mut room = room_with(&["ann"]);
    assert!(
        room.attach(&id("ann")).is_empty(),
        "nothing that others see changed"
    );
    assert_eq!(room.detach(&id("ann")), [Effect::Reconnecting(id("ann"))]);
    assert!(room.detach(&id("ann")).is_empty());
    assert_eq!(room.attach(&id("ann")), [Effect::Updated(id("ann"))]);
}

#[test]
fn an_unchanged_hand_is_no_news() {
    let mut room = room_with(&["ann"]);
    assert_eq!(room.hand(&id("ann"), true).len(), 2);
    assert!(room.hand(&id("ann"), true).is_empty());
}

#[test]
fn after_a_crash_everybody_is_expected_back_under_their_old_role() {
    let before = room_with(&["ann", "bob"]);
    let inside: Vec<Member> = before.inside().cloned().collect();
    let banned = vec!["eve".parse().unwrap()];
    let mut room = Membership::restore(
        before.rules().clone(),
        inside,
        Vec::new(),
        banned,
        Vec::new(),
    );
    assert_eq!(role(&room, "ann"), Role::Host);
    assert_eq!(
        room.join(newcomer("eve"), at(4)).unwrap_err(),
        JoinRefused::Removed
    );
}

/// Anything that may happen at a door.
#[derive(Debug, Clone)]
enum Move {
    Join(u8, Option<Role>),
    Leave(u8),
    Remove(u8),
    Admit(u8),
    Give(u8, Role),
}

fn roles() -> impl Strategy<Value = Role> {
    let all = [
        Role::Host,
        Role::Moderator,
        Role::Participant,
        Role::Bot,
        Role::Observer,
    ];
    proptest::sample::select(all.to_vec())
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let who = 0..6u8;
    let one = prop_oneof![
        (who.clone(), proptest::option::of(roles())).prop_map(|(who, role)| Move::Join(who, role)),
        who.clone().prop_map(Move::Leave),
        who.clone().prop_map(Move::Remove),
        who.clone().prop_map(Move::Admit),
        (who, roles()).prop_map(|(who, role)| Move::Give(who, role)),
    ];
    proptest::collection::vec(one, 1..60)
}

#[test]
fn a_host_who_came_only_to_watch_hands_over_and_gets_nothing_back() {
    let mut room = room_with(&["ann", "bob"]);
    room.only_watches(&id("ann"));
    assert_eq!(
        (role(&room, "ann"), role(&room, "bob")),
        (Role::Participant, Role::Host)
    );
    room.leave(&id("bob"), LeaveReason::Left, at(3));
    assert_eq!(role(&room, "ann"), Role::Participant);
    assert!(!room.is_moderated());
}

proptest! {
    #[test]
    fn whatever_happens_there_is_one_host_at_most_and_never_more_than_fit(
        moves in moves(),
        waiting_room: bool,
    ) {
        let limit = 4;
        let mut room = Membership::new(Rules { limit, waiting_room, locked: false, host: None });
        for (second, step) in (0..60).zip(moves) {
            let now = at(second);
            let present = |who: u8| {
                let user: UserId = char::from(b'a' + who).to_string().parse().unwrap();
                room.presence_of(&user).cloned()
            };
            match step {
                Move::Join(who, role) => {
                    let name = format!("{}{second}", char::from(b'a' + who));
                    let _ = room.join(Newcomer { role, ..newcomer(&name) }, now);
                }
                Move::Leave(who) => {
                    present(who).map(|id| room.leave(&id, LeaveReason::Left, now));
                }
                Move::Remove(who) => {
                    present(who).map(|id| room.remove(&id, now));
                }
                Move::Admit(who) => {
                    present(who).map(|id| room.admit(&id, now));
                }
                Move::Give(who, role) => {
                    present(who).map(|id| room.set_role(&id, role));
                }
            }
            prop_assert!(room.count() <= limit as usize);
            let hosts = room.inside().filter(|member| member.role == Role::Host).count();
            prop_assert!(hosts <= 1, "{hosts} hosts");
            let mut users: Vec<&UserId> = room.inside().map(|member| &member.user_id).collect();
            users.sort();
            prop_assert!(users.windows(2).all(|two| two[0] != two[1]), "{users:?}");
        }
    }
}
