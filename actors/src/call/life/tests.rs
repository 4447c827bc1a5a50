use calls_model::EndReason;
use chrono::{DateTime, Duration as Wall};

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from(DateTime::UNIX_EPOCH + Wall::seconds(second))
}

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

fn member(name: &str, role: Role) -> Member {
    Member {
        user_id: user(name),
        role,
        audio: false,
        video: false,
        joined_at: at(0),
        participant_id: Some(format!("part_{name}").parse().unwrap()),
        display_name: None,
        screen: false,
        hand: false,
        reconnecting: false,
        left_at: None,
        hidden: false,
    }
}

fn ann() -> Member {
    member("ann", Role::Host)
}

fn bob() -> Member {
    member("bob", Role::Participant)
}

fn ring_busy(to: &[&str], busy: &[&str]) -> (Life, Vec<Fact>) {
    let plan = Plan {
        call_id: "call_1".parse().unwrap(),
        org_id: calls_model::OrgId::default(),
        call_type: CallType::Audio,
        kind: if to.len() == 1 {
            CallKind::OneToOne
        } else {
            CallKind::Group
        },
        from: user("ann"),
        to: to.iter().map(|name| user(name)).collect(),
        busy: busy.iter().map(|name| user(name)).collect(),
        until: Instant::now(),
        record: None,
        metadata: serde_json::Map::new(),
    };
    Life::ring(plan, at(0))
}

fn ring(to: &[&str]) -> Life {
    ring_busy(to, &[]).0
}

fn answered(to: &[&str]) -> Life {
    let mut life = ring(to);
    life.answer(Some(&user(to[0])), &[ann()], at(3)).unwrap();
    life.seated(&user(to[0]));
    life
}

fn room(room_type: RoomType) -> Room {
    Room {
        room_id: "room_1".parse().unwrap(),
        name: "Stand-up".parse().unwrap(),
        room_type,
        max_participants: 8,
        settings: calls_model::RoomSettings::default(),
        current_participants: 0,
        created_at: at(0),
        scheduled_at: None,
        locked: false,
        host: None,
        encryption: calls_model::Encryption::Transport,
        org_id: calls_model::OrgId::default(),
        phrases: Vec::new(),
    }
}

fn names(facts: &[Fact]) -> Vec<&'static str> {
    facts.iter().map(Fact::name).collect()
}

fn end_reason(life: &Life) -> Option<EndReason> {
    life.wire(&[], at(99)).end_reason
}

#[test]
fn a_call_rings_once_a_device_is_reached_and_says_so_once() {
    let mut life = ring(&["bob"]);
    assert_eq!(life.state(), CallState::Initiated);
    assert_eq!(names(&life.reached(at(1))), ["call.ringing"]);
    assert!(life.reached(at(2)).is_empty());
}

#[test]
fn the_clock_of_a_call_starts_with_its_answer() {
    let life = answered(&["bob"]);
    let call = life.wire(&[ann(), bob()], at(13));
    assert_eq!((call.started_at, call.duration_seconds), (Some(at(3)), 10));
    assert_eq!(call.participants.len(), 2);
}

#[test]
fn everybody_busy_is_over_before_it_began() {
    let (life, facts) = ring_busy(&["bob", "cid"], &["bob", "cid"]);
    assert_eq!(names(&facts), ["call.initiated", "call.ended"]);
    assert_eq!(end_reason(&life), Some(EndReason::Busy));
}

#[test]
fn one_busy_callee_does_not_keep_another_from_ringing() {
    let (life, _) = ring_busy(&["bob", "cid"], &["bob"]);
    assert_eq!(life.rung(), [user("cid")]);
}

#[test]
fn the_last_no_ends_the_call() {
    let mut life = ring(&["bob", "cid"]);
    let (_, facts) = life.reject(Some(&user("bob")), at(1)).unwrap();
    assert_eq!(names(&facts), ["call.rejected"]);
    let (_, facts) = life.reject(Some(&user("cid")), at(2)).unwrap();
    assert_eq!(names(&facts), ["call.rejected", "call.ended"]);
    assert_eq!(end_reason(&life), Some(EndReason::Rejected));
}

#[test]
fn a_late_no_in_a_group_leaves_those_who_talk_alone() {
    let mut life = answered(&["bob", "cid"]);
    let (_, facts) = life.reject(Some(&user("cid")), at(5)).unwrap();
    assert_eq!(names(&facts), ["call.rejected"]);
    assert!(!life.is_over());
}

#[test]
fn who_answered_on_one_device_cannot_answer_on_another() {
    let mut life = ring(&["bob"]);
    life.answer(None, &[ann()], at(1)).unwrap();
    assert_eq!(
        life.answer(None, &[ann()], at(1)),
        Err(VerbRefused::AlreadyAnswered)
    );
    life.seated(&user("bob"));
    assert_eq!(
        life.answer(None, &[ann(), bob()], at(2)),
        Err(VerbRefused::AlreadyAnswered)
    );
}

#[test]
fn who_fell_out_may_answer_again() {
    let mut life = answered(&["bob"]);
    assert!(life.answer(None, &[ann()], at(5)).is_ok());
}

#[test]
fn a_stranger_cannot_answer_and_one_of_many_must_be_named() {
    let mut life = ring(&["bob", "cid"]);
    assert_eq!(
        life.answer(Some(&user("eve")), &[], at(1)),
        Err(VerbRefused::NotCalled)
    );
    assert_eq!(life.answer(None, &[], at(1)), Err(VerbRefused::WhichUser));
}

#[test]
fn only_the_caller_cancels_and_only_before_an_answer() {
    let mut life = ring(&["bob"]);
    let refused = life.cancel(Some(&user("bob")), at(1));
    assert_eq!(
        refused,
        Err(VerbRefused::NotAllowed {
            whose: "the caller"
        })
    );
    let mut answered = answered(&["bob"]);
    assert!(matches!(
        answered.cancel(None, at(4)),
        Err(VerbRefused::Illegal(_))
    ));
    life.cancel(None, at(2)).unwrap();
    assert_eq!(end_reason(&life), Some(EndReason::Canceled));
}

#[test]
fn either_of_two_may_end_but_in_a_group_only_the_host() {
    assert!(
        answered(&["bob"])
            .end(Some(&user("bob")), &[ann(), bob()], at(9))
            .is_ok()
    );
    let mut group = answered(&["bob", "cid"]);
    let refused = group.end(Some(&user("bob")), &[ann(), bob()], at(9));
    assert_eq!(refused, Err(VerbRefused::NotAllowed { whose: "the host" }));
    assert!(
        group
            .end(Some(&user("ann")), &[ann(), bob()], at(9))
            .is_ok()
    );
}

#[test]
fn ending_twice_is_polite_and_writes_nothing() {
    let mut life = answered(&["bob"]);
    let facts = life.end(None, &[], at(63)).unwrap();
    assert!(matches!(
        facts[..],
        [Fact::CallEnded {
            duration_seconds: 60,
            ..
        }]
    ));
    assert_eq!(life.end(None, &[], at(70)), Ok(Vec::new()));
    assert_eq!(life.wire(&[], at(99)).duration_seconds, 60);
}

#[test]
fn when_one_of_two_hangs_up_nobody_is_left_to_talk_to() {
    let mut life = answered(&["bob"]);
    let left = [(bob(), LeaveReason::Left)];
    assert_eq!(life.after_leaving(&[ann()], 0, &left, at(9)), Company::Gone);
}

#[test]
fn one_of_two_who_crashed_is_waited_for_and_comes_back_once() {
    let mut life = answered(&["bob"]);
    let left = [(bob(), LeaveReason::Crashed)];
    assert_eq!(
        life.after_leaving(&[ann()], 0, &left, at(9)),
        Company::Awaited(FIND_BACK)
    );
    let id = bob().participant_id.unwrap();
    assert_eq!(
        life.take_crashed(&id).map(|member| member.user_id),
        Some(user("bob"))
    );
    assert_eq!(life.take_crashed(&id), None);
}

#[test]
fn a_caller_who_goes_before_the_answer_has_canceled() {
    let mut life = ring(&["bob"]);
    let left = [(ann(), LeaveReason::Left)];
    assert_eq!(
        life.after_leaving(&[], 0, &left, at(2)),
        Company::CallerGone
    );
}

#[test]
fn an_empty_room_lingers_and_its_call_ended_when_the_last_left() {
    let call_id: CallId = "call_1".parse().unwrap();
    let (mut life, facts) = Life::session(call_id, room(RoomType::Persistent), at(0));
    assert_eq!(names(&facts), ["call.initiated", "call.answered"]);
    let left = [(ann(), LeaveReason::Left)];
    assert_eq!(
        life.after_leaving(&[], 0, &left, at(100)),
        Company::Awaited(LINGER)
    );
    let facts = life.end_by(CallInput::HangUp, at(130)).unwrap();
    let Fact::CallEnded {
        duration_seconds,
        at: ended,
        ..
    } = facts[0]
    else {
        panic!("{facts:?}")
    };
    assert_eq!((duration_seconds, ended), (100, at(100)));
}

#[test]
fn a_temporary_room_goes_with_its_call() {
    let call_id: CallId = "call_1".parse().unwrap();
    let (mut life, _) = Life::session(call_id, room(RoomType::Temporary), at(0));
    assert_eq!(life.linger(), LINGER_TEMPORARY);
    let facts = life.end_by(CallInput::HangUp, at(5)).unwrap();
    assert_eq!(names(&facts), ["call.ended", "room.deleted"]);
}

#[test]
fn after_its_end_a_call_shows_who_was_in_it() {
    let mut life = answered(&["bob"]);
    life.after_leaving(&[ann()], 0, &[(bob(), LeaveReason::Left)], at(9));
    life.end_by(CallInput::HangUp, at(9)).unwrap();
    life.close_roster(&[ann()], at(9));
    let call = life.wire(&[], at(99));
    let users: Vec<UserId> = call
        .participants
        .into_iter()
        .map(|one| one.user_id)
        .collect();
    assert_eq!(users, [user("bob"), user("ann")]);
}

#[test]
fn who_was_here_is_kept_within_bounds_latest_last() {
    let mut life = answered(&["bob"]);
    for number in 0..PAST + 50 {
        let guest = Member {
            user_id: user(&format!("user-{number}")),
            ..bob()
        };
        life.after_leaving(&[ann(), bob()], 0, &[(guest, LeaveReason::Crashed)], at(9));
    }
    life.end_by(CallInput::HangUp, at(9)).unwrap();
    let shown = life.wire(&[], at(99)).participants;
    assert_eq!(shown.len(), PAST);
    let latest = format!("user-{}", PAST + 49);
    assert_eq!(
        shown.last().map(|one| one.user_id.clone()),
        Some(user(&latest))
    );
    assert!(life.crashed.len() <= CRASHED);
}
