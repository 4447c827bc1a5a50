//! One call, from its first fact to its last.

use calls::store::StoreError;
use calls_model::{
    Call, CallId, CallStatus, EndReason, Fact, LeaveReason, Member, Role, Timestamp,
};
use serde_json::json;

use super::database::Database;
use super::samples::{
    answered, at, call, ended, initiated, joined, left, member, presence, room, session,
};

on_both! {
    a_call_lives_from_its_ring_to_its_end,
    a_live_call_shows_who_is_inside_an_ended_one_who_was,
    the_first_answer_and_the_first_end_count,
    what_people_do_inside_is_kept,
    metadata_comes_back_as_it_was_given,
    a_fact_about_no_call_is_refused,
    who_was_turned_away_at_the_door_needs_no_row,
}

fn left_at(member: &Member, at: Timestamp) -> Member {
    Member {
        left_at: Some(at),
        ..member.clone()
    }
}

async fn a_call_lives_from_its_ring_to_its_end(db: Database) {
    let store = db.open().await;
    let made = call("ada", &["bob"], at(0));
    store.record(vec![initiated(&made)]).await.unwrap();
    assert_eq!(
        store.call(&made.call_id, at(1)).await.unwrap().unwrap(),
        made
    );

    let ringing = Fact::CallRinging {
        call_id: made.call_id.clone(),
        at: at(1),
    };
    store.record(vec![ringing]).await.unwrap();
    let expected = Call {
        status: CallStatus::Ringing,
        ..made.clone()
    };
    assert_eq!(
        store.call(&made.call_id, at(2)).await.unwrap().unwrap(),
        expected
    );

    store.record(vec![answered(&made, at(5))]).await.unwrap();
    let active = Call {
        status: CallStatus::Active,
        started_at: Some(at(5)),
        duration_seconds: 60,
        ..made.clone()
    };
    assert_eq!(
        store.call(&made.call_id, at(65)).await.unwrap().unwrap(),
        active
    );

    store
        .record(vec![ended(&made, EndReason::Completed, 95, at(100))])
        .await
        .unwrap();
    let over = Call {
        status: CallStatus::Ended,
        duration_seconds: 95,
        end_reason: Some(EndReason::Completed),
        ended_at: Some(at(100)),
        ..active
    };
    assert_eq!(
        store.call(&made.call_id, at(5000)).await.unwrap().unwrap(),
        over
    );
    assert_eq!(store.call(&CallId::new(), at(0)).await.unwrap(), None);
}

async fn a_live_call_shows_who_is_inside_an_ended_one_who_was(db: Database) {
    let store = db.open().await;
    let made = call("ada", &["bob"], at(0));
    let (ada, bob) = (member("ada", at(1)), member("bob", at(2)));
    store
        .record(vec![
            initiated(&made),
            joined(&made, &bob),
            joined(&made, &ada),
            answered(&made, at(2)),
            left(&made, &bob, LeaveReason::TimedOut, at(9)),
            left(&made, &bob, LeaveReason::CallEnded, at(10)), // the first reason counts
        ])
        .await
        .unwrap();
    let inside = store
        .call(&made.call_id, at(11))
        .await
        .unwrap()
        .unwrap()
        .participants;
    assert_eq!(inside, std::slice::from_ref(&ada));

    store
        .record(vec![
            left(&made, &ada, LeaveReason::Left, at(12)),
            ended(&made, EndReason::Completed, 10, at(12)),
        ])
        .await
        .unwrap();
    let were = store
        .call(&made.call_id, at(20))
        .await
        .unwrap()
        .unwrap()
        .participants;
    assert_eq!(were, [left_at(&ada, at(12)), left_at(&bob, at(9))]);
}

async fn the_first_answer_and_the_first_end_count(db: Database) {
    let store = db.open().await;
    let made = call("ada", &["bob", "eve"], at(0));
    store
        .record(vec![
            initiated(&made),
            answered(&made, at(1)),
            answered(&made, at(2)),
            ended(&made, EndReason::Failed, 3, at(4)),
            ended(&made, EndReason::Completed, 9, at(10)),
            answered(&made, at(11)),
            Fact::CallRinging {
                call_id: made.call_id.clone(),
                at: at(12),
            },
        ])
        .await
        .unwrap();

    let found = store.call(&made.call_id, at(20)).await.unwrap().unwrap();
    assert_eq!(found.status, CallStatus::Ended);
    assert_eq!(found.started_at, Some(at(1)));
    assert_eq!(found.end_reason, Some(EndReason::Failed));
    assert_eq!((found.duration_seconds, found.ended_at), (3, Some(at(4))));
}

async fn what_people_do_inside_is_kept(db: Database) {
    let store = db.open().await;
    let made = call("ada", &["bob"], at(0));
    let came = member("ada", at(1));
    let now = Member {
        audio: false,
        screen: true,
        hand: true,
        display_name: None,
        role: Role::Moderator,
        ..came.clone()
    };
    store
        .record(vec![
            initiated(&made),
            joined(&made, &came),
            Fact::RoleChanged {
                call_id: made.call_id.clone(),
                participant_id: presence(&came),
                role: Role::Host,
                at: at(2),
            },
        ])
        .await
        .unwrap();
    let found = store
        .call(&made.call_id, at(3))
        .await
        .unwrap()
        .unwrap()
        .participants;
    assert_eq!(
        found,
        [Member {
            role: Role::Host,
            ..came.clone()
        }]
    );

    let change = Fact::MediaChanged {
        call_id: made.call_id.clone(),
        participant_id: presence(&came),
        member: now.clone(),
        at: at(3),
    };
    store.record(vec![change]).await.unwrap();
    let found = store
        .call(&made.call_id, at(4))
        .await
        .unwrap()
        .unwrap()
        .participants;
    assert_eq!(found, [now]);
}

async fn metadata_comes_back_as_it_was_given(db: Database) {
    let store = db.open().await;
    let metadata = json!({
        "z first": 1, "a": [null, true, 1.5, -9_007_199_254_740_993_i64],
        "nul": "a\u{0}b", "quote": "\"';--", "deep": {"emoji": "🦀"}, "": "",
    });
    let made = Call {
        metadata: metadata.as_object().unwrap().clone(),
        ..call("ada", &["bob"], at(0))
    };
    store.record(vec![initiated(&made)]).await.unwrap();

    let found = store.call(&made.call_id, at(1)).await.unwrap().unwrap();
    assert_eq!(found.metadata, made.metadata);
    let told = store
        .facts_about(made.call_id.as_str(), 0, 10)
        .await
        .unwrap();
    assert_eq!(told[0].fact, initiated(&made));
}

async fn a_fact_about_no_call_is_refused(db: Database) {
    let store = db.open().await;
    let never = call("ada", &["bob"], at(0));
    for fact in [
        answered(&never, at(1)),
        ended(&never, EndReason::Failed, 0, at(1)),
        joined(&never, &member("ada", at(1))),
        Fact::CallRinging {
            call_id: never.call_id.clone(),
            at: at(1),
        },
    ] {
        let refused = store.record(vec![fact]).await;
        assert!(
            matches!(refused, Err(StoreError::NotFound { what: "call" })),
            "{refused:?}"
        );
    }
    let roomless = session(&room("never made", at(0)), at(1));
    let refused = store.record(vec![initiated(&roomless)]).await;
    assert!(
        matches!(refused, Err(StoreError::Conflict(_))),
        "{refused:?}"
    );
}

async fn who_was_turned_away_at_the_door_needs_no_row(db: Database) {
    let store = db.open().await;
    let made = call("ada", &["bob"], at(0));
    let waited = member("eve", at(1));
    store
        .record(vec![
            initiated(&made),
            left(&made, &waited, LeaveReason::Denied, at(2)),
        ])
        .await
        .unwrap();
    let found = store.call(&made.call_id, at(3)).await.unwrap().unwrap();
    assert_eq!(found.participants, []);
}
