//! What a restart keeps, and what it closes.

use calls::store::{
    FORGOTTEN_AFTER, HistoryFilter, Ownership, PageRequest, Recovered, Standing, Store, StoreError,
    examine, place,
};
use calls_model::{CallStatus, EndReason, Fact, Interruption, LeaveReason, Member, Room};

use super::database::Database;
use super::samples::{
    answered, at, call, ended, initiated, joined, left, member, room, room_created, session, user,
};

on_both! {
    everything_survives_a_restart,
    what_was_live_long_ago_is_closed_after_a_restart,
    what_was_live_goes_on_after_a_restart,
    an_open_store_answers_a_ping,
    a_database_belongs_to_one_server_at_a_time,
    a_look_at_a_database_changes_nothing,
}

async fn everything_survives_a_restart(db: Database) {
    let place = room("Place", at(0));
    let made = call("ada", &["bob"], at(1));
    let ada = member("ada", at(2));
    let secret = b"signing key".to_vec();
    let (call_before, facts_before) = {
        let store = db.open().await;
        store
            .record(vec![
                room_created(&place),
                initiated(&made),
                joined(&made, &ada),
                answered(&made, at(2)),
                left(&made, &ada, LeaveReason::Left, at(4)),
                ended(&made, EndReason::Completed, 2, at(4)),
            ])
            .await
            .unwrap();
        store.secret_or("tokens", secret.clone()).await.unwrap();
        let call = store.call(&made.call_id, at(5)).await.unwrap().unwrap();
        (call, store.facts_after(None, 100).await.unwrap())
    };
    assert_eq!(facts_before.len(), 6);

    let store = db.open().await;
    assert_eq!(store.recover(at(9)).await.unwrap(), Recovered::default());
    assert_eq!(store.room(&place.room_id).await.unwrap(), Some(place));
    assert_eq!(
        store.call(&made.call_id, at(10)).await.unwrap(),
        Some(call_before.clone())
    );
    assert_eq!(store.facts_after(None, 100).await.unwrap(), facts_before);
    assert_eq!(
        store
            .secret_or("tokens", b"another".to_vec())
            .await
            .unwrap(),
        secret
    );
    let all = HistoryFilter::default();
    let history = store
        .history(&all, &PageRequest::default(), at(10))
        .await
        .unwrap();
    assert_eq!(history.data, [call_before]);
}

async fn what_was_live_long_ago_is_closed_after_a_restart(db: Database) {
    let place = room("Place", at(0));
    let (ringing, talking, over) = (
        call("ada", &["bob"], at(1)),
        session(&place, at(2)),
        call("ada", &["eve"], at(3)),
    );
    let people = ["ada", "bob"].map(|name| member(name, at(10)));
    {
        let store = db.open().await;
        let mut facts = vec![room_created(&place)];
        facts.extend([&ringing, &talking, &over].map(initiated));
        facts.push(Fact::CallRinging {
            call_id: ringing.call_id.clone(),
            at: at(4),
        });
        facts.push(answered(&talking, at(10)));
        facts.extend(people.iter().map(|person| joined(&talking, person)));
        facts.push(left(&talking, &people[1], LeaveReason::Left, at(12)));
        facts.push(ended(&over, EndReason::Rejected, 0, at(12)));
        store.record(facts).await.unwrap();
    }

    let store = db.open().await;
    let long_after = at(13 + i64::try_from(FORGOTTEN_AFTER.as_secs()).unwrap());
    let recovered = store.recover(long_after).await.unwrap();
    assert_eq!(
        recovered,
        Recovered {
            live: Vec::new(),
            closed: 2,
            left: 1
        }
    );

    let found = store
        .call(&talking.call_id, at(999))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (found.status, found.end_reason),
        (CallStatus::Ended, Some(EndReason::Failed))
    );
    assert_eq!((found.duration_seconds, found.ended_at), (2, Some(at(12))));
    let left_at: Vec<_> = found
        .participants
        .iter()
        .map(|person| person.left_at)
        .collect();
    assert_eq!(left_at, [Some(at(12)), Some(at(12))]);
    let missed = store
        .call(&ringing.call_id, at(999))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (missed.end_reason, missed.duration_seconds),
        (Some(EndReason::Failed), 0)
    );
    let before = store.call(&over.call_id, at(999)).await.unwrap().unwrap();
    assert_eq!(before.end_reason, Some(EndReason::Rejected));
    assert_eq!(
        store
            .room(&place.room_id)
            .await
            .unwrap()
            .unwrap()
            .current_participants,
        0
    );

    let told = store
        .facts_about(talking.call_id.as_str(), 5, 10)
        .await
        .unwrap();
    let told: Vec<Fact> = told.into_iter().map(|stored| stored.fact).collect();
    assert_eq!(
        told,
        [
            left(&talking, &people[0], LeaveReason::Crashed, at(12)),
            ended(&talking, EndReason::Failed, 2, at(12)),
        ]
    );
    assert_eq!(
        store.recover(long_after).await.unwrap(),
        Recovered::default()
    );
}

async fn what_was_live_goes_on_after_a_restart(db: Database) {
    let place = room("Place", at(0));
    let (ringing, talking, over) = (
        call("ada", &["bob", "eve"], at(1)),
        session(&place, at(2)),
        call("ada", &["eve"], at(3)),
    );
    let people = ["ada", "bob", "eve"].map(|name| member(name, at(10)));
    let stray = member("ada", at(4));
    {
        let store = db.open().await;
        let mut facts = vec![room_created(&place)];
        facts.extend([&ringing, &talking, &over].map(initiated));
        facts.push(Fact::CallRejected {
            call_id: ringing.call_id.clone(),
            user_id: user("eve"),
            at: at(4),
        });
        facts.push(answered(&talking, at(10)));
        facts.extend(people.iter().map(|person| joined(&talking, person)));
        facts.push(left(&talking, &people[1], LeaveReason::Left, at(12)));
        facts.push(left(&talking, &people[2], LeaveReason::Removed, at(12)));
        facts.push(joined(&over, &stray));
        facts.push(ended(&over, EndReason::Rejected, 0, at(12)));
        store.record(facts).await.unwrap();
        store.alive(at(20)).await.unwrap();
    }

    let store = db.open().await;
    let recovered = store.recover(at(30)).await.unwrap();
    assert_eq!(
        (recovered.closed, recovered.left),
        (0, 1),
        "a presence of a call that is over is over"
    );
    let [rings, talks] = recovered.live.try_into().expect("two go on");
    assert_eq!(
        (rings.call.call_id, rings.rejected),
        (ringing.call_id.clone(), vec![user("eve")])
    );
    assert_eq!(
        talks.room,
        Some(Room {
            current_participants: 1,
            ..place.clone()
        })
    );
    assert_eq!(talks.removed, [user("eve")]);
    let names = |members: &[Member]| {
        members
            .iter()
            .map(|one| one.user_id.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&talks.call.participants), [user("ada")]);
    assert_eq!(names(&talks.past), [user("bob"), user("eve")]);

    let found = store.call(&talking.call_id, at(40)).await.unwrap().unwrap();
    let gap = Interruption {
        from: at(20),
        until: at(30),
    };
    assert_eq!(
        (found.status, found.interruptions),
        (CallStatus::Active, vec![gap])
    );
    assert!(!found.participants[0].audio, "nobody sends anything yet");
    let told = store
        .facts_about(talking.call_id.as_str(), 7, 10)
        .await
        .unwrap();
    let told: Vec<Fact> = told.into_iter().map(|stored| stored.fact).collect();
    let (call_id, from) = (talking.call_id.clone(), at(20));
    assert_eq!(
        told,
        [Fact::CallRecovered {
            call_id,
            from,
            at: at(30)
        }]
    );

    let again = store.recover(at(31)).await.unwrap();
    assert_eq!((again.live.len(), again.left), (2, 0), "and once more");
    let found = store.call(&talking.call_id, at(40)).await.unwrap().unwrap();
    assert_eq!(found.interruptions.len(), 2);
}

async fn an_open_store_answers_a_ping(db: Database) {
    db.open().await.ping().await.unwrap();
}

async fn a_database_belongs_to_one_server_at_a_time(db: Database) {
    let first = Ownership::take(&db.address).await.unwrap();
    let refused = Ownership::take(&db.address).await.err();
    let said = refused.expect("it is taken").to_string();
    let wanted = format!(
        "another Calls (pid {}) uses the database, {}: stop that one, or give this one another database.url",
        std::process::id(),
        place(&db.address).unwrap(),
    );
    assert_eq!(said, wanted);
    db.open().await.ping().await.unwrap(); // `calls token` works beside a server
    drop(first);
    drop(Ownership::take(&db.address).await.unwrap());
}

async fn a_look_at_a_database_changes_nothing(db: Database) {
    let fresh = examine(&db.address).await.unwrap();
    let again = examine(&db.address).await.unwrap();
    assert!(
        matches!(fresh, Standing::Missing | Standing::Behind(_)),
        "{fresh:?}"
    );
    assert_eq!(fresh, again);
    db.open().await;
    assert_eq!(examine(&db.address).await.unwrap(), Standing::Current);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_not_there_is_named_unreachable() {
    // Port 1 has no listener, and a file is no directory.
    let file = tempfile::NamedTempFile::new().unwrap();
    let below_a_file = file.path().join("calls.db");
    for address in [
        "postgres://calls:hunter2@127.0.0.1:1/calls",
        below_a_file.to_str().unwrap(),
    ] {
        let refused = Store::open(address, 1)
            .await
            .err()
            .expect("nothing is there");
        assert!(matches!(refused, StoreError::Unavailable(_)), "{refused:?}");
        assert!(!refused.to_string().contains("hunter2"), "{refused}");
    }
    let refused = Store::open("postgres://calls:hunter2@127.0.0.1:1/calls", 1).await;
    let said = refused.err().expect("nothing is there").to_string();
    assert!(
        said.starts_with("database is not reachable: PostgreSQL at 127.0.0.1:1/calls: "),
        "{said}"
    );
    assert!(said.contains("refused"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let text = "Dear diary, ".repeat(500);
    std::fs::write(file.path(), &text).unwrap();
    assert!(Store::open(file.path().to_str().unwrap(), 1).await.is_err());
    assert_eq!(std::fs::read_to_string(file.path()).unwrap(), text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_in_memory_works_and_is_gone_with_its_last_handle() {
    let made = room("Room", at(0));
    let store = Store::open("sqlite::memory:", 4).await.unwrap();
    store.record(vec![room_created(&made)]).await.unwrap();
    let another = store.clone();
    drop(store);
    assert_eq!(
        another.room(&made.room_id).await.unwrap(),
        Some(made.clone())
    );
    let fresh = Store::open("sqlite::memory:", 4).await.unwrap();
    assert_eq!(fresh.room(&made.room_id).await.unwrap(), None);
}
