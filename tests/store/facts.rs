//! Facts: whole or not at all, in order, from many writers.

use std::collections::HashSet;
use std::time::Duration;

use calls::store::{HistoryFilter, PageRequest, Store, StoreError, StoredFact};
use calls_model::{EndReason, EventId, Fact, Timestamp};
use futures_util::poll;
use tokio::task::JoinSet;

use super::database::Database;
use super::samples::{answered, at, call, ended, initiated, room, room_created};

on_both! {
    facts_of_a_subject_are_numbered_without_gaps,
    a_reader_goes_on_from_the_last_fact_it_saw,
    a_failing_fact_writes_nothing,
    a_taken_id_is_a_conflict_and_the_store_goes_on,
    a_passwords_hash_is_in_no_fact,
    many_writers_and_readers_get_in_nobodys_way,
    a_caller_who_stops_waiting_does_not_stop_the_write,
}

fn names(facts: &[StoredFact]) -> Vec<(u64, &str)> {
    facts
        .iter()
        .map(|stored| (stored.seq, stored.name.as_str()))
        .collect()
}

async fn facts_of_a_subject_are_numbered_without_gaps(db: Database) {
    let store = db.open().await;
    let (one, two) = (call("ada", &["bob"], at(0)), call("eve", &["bob"], at(0)));
    store
        .record(vec![
            initiated(&one),
            initiated(&two),
            answered(&one, at(1)),
        ])
        .await
        .unwrap();
    let unknown = call("x", &["y"], at(0));
    store
        .record(vec![answered(&two, at(1)), answered(&unknown, at(1))])
        .await
        .unwrap_err();
    store
        .record(vec![ended(&one, EndReason::Completed, 4, at(5))])
        .await
        .unwrap();

    let told = store
        .facts_about(one.call_id.as_str(), 0, 10)
        .await
        .unwrap();
    assert_eq!(
        names(&told),
        [
            (1, "call.initiated"),
            (2, "call.answered"),
            (3, "call.ended")
        ]
    );
    assert_eq!(told[2].at, at(5));
    assert_eq!(told[2].fact, ended(&one, EndReason::Completed, 4, at(5)));
    let told = store.facts_about(one.call_id.as_str(), 1, 1).await.unwrap();
    assert_eq!(names(&told), [(2, "call.answered")]);
    let told = store
        .facts_about(two.call_id.as_str(), 0, 10)
        .await
        .unwrap();
    assert_eq!(names(&told), [(1, "call.initiated")]);
}

async fn a_reader_goes_on_from_the_last_fact_it_saw(db: Database) {
    let store = db.open().await;
    let made = room("Room", at(0));
    let call = call("ada", &["bob"], at(1));
    store
        .record(vec![room_created(&made), initiated(&call)])
        .await
        .unwrap();
    store.record(vec![answered(&call, at(2))]).await.unwrap();

    let first = store.facts_after(None, 2).await.unwrap();
    assert_eq!(names(&first), [(1, "room.created"), (1, "call.initiated")]);
    let rest = store
        .facts_after(Some(&first[1].event_id), 10)
        .await
        .unwrap();
    assert_eq!(names(&rest), [(2, "call.answered")]);
    assert_eq!(
        store
            .facts_after(Some(&rest[0].event_id), 10)
            .await
            .unwrap(),
        []
    );
    let refused = store.facts_after(Some(&EventId::new()), 10).await;
    assert!(matches!(refused, Err(StoreError::BadCursor)), "{refused:?}");
}

async fn a_failing_fact_writes_nothing(db: Database) {
    let store = db.open().await;
    let (made, whole) = (room("Room", at(0)), call("ada", &["bob"], at(0)));
    let never = call("eve", &["bob"], at(0));
    let half = vec![
        room_created(&made),
        initiated(&whole),
        answered(&never, at(1)),
    ];

    let refused = store.record(half).await;
    assert!(
        matches!(refused, Err(StoreError::NotFound { what: "call" })),
        "{refused:?}"
    );
    assert_eq!(store.room(&made.room_id).await.unwrap(), None);
    assert_eq!(store.call(&whole.call_id, at(1)).await.unwrap(), None);
    assert_eq!(store.facts_after(None, 10).await.unwrap(), []);
    let filter = HistoryFilter {
        user_id: whole.from.clone(),
        ..Default::default()
    };
    let history = store
        .history(&filter, &PageRequest::default(), at(1))
        .await
        .unwrap();
    assert_eq!(history.data, []);
}

async fn a_taken_id_is_a_conflict_and_the_store_goes_on(db: Database) {
    let store = db.open().await;
    let made = call("ada", &["bob"], at(0));
    store.record(vec![initiated(&made)]).await.unwrap();
    let refused = store.record(vec![initiated(&made)]).await;
    assert!(
        matches!(refused, Err(StoreError::Conflict(_))),
        "{refused:?}"
    );
    store.record(vec![answered(&made, at(1))]).await.unwrap();
    let told = store
        .facts_about(made.call_id.as_str(), 0, 10)
        .await
        .unwrap();
    assert_eq!(names(&told), [(1, "call.initiated"), (2, "call.answered")]);
}

async fn a_passwords_hash_is_in_no_fact(db: Database) {
    let store = db.open().await;
    let fact = Fact::RoomCreated {
        room: room("Room", at(0)),
        password_hash: Some("$argon2id$secret".to_owned()),
    };
    store.record(vec![fact]).await.unwrap();
    let told = store.facts_after(None, 10).await.unwrap();
    assert_eq!(names(&told), [(1, "room.created")]);
    assert!(!format!("{told:?}").contains("argon2id"));
}

/// Two servers on one database, with writers and readers in each; they share one room's worth of contention: facts
/// about the same subject.
async fn many_writers_and_readers_get_in_nobodys_way(db: Database) {
    const WRITERS: usize = 16;
    const WRITES: usize = 15;

    let stores = [db.open().await, db.open().await];
    let shared = call("ada", &["bob"], at(0));
    stores[0]
        .record(vec![initiated(&shared), answered(&shared, at(1))])
        .await
        .unwrap();

    let mut work = JoinSet::new();
    for n in 0..WRITERS {
        let (store, shared) = (stores[n % stores.len()].clone(), shared.clone());
        work.spawn(async move {
            for _ in 0..WRITES {
                let own = call("eve", &["bob"], at(2));
                store
                    .record(vec![initiated(&own), answered(&shared, at(3))])
                    .await
                    .unwrap();
            }
        });
        let reader = stores[n % stores.len()].clone();
        work.spawn(async move { read_while_others_write(&reader, at(4)).await });
    }
    while let Some(done) = work.join_next().await {
        done.unwrap();
    }

    let told = stores[0]
        .facts_about(shared.call_id.as_str(), 0, 1000)
        .await
        .unwrap();
    let numbers: Vec<u64> = told.iter().map(|stored| stored.seq).collect();
    assert_eq!(
        numbers,
        (1..=2 + (WRITERS * WRITES) as u64).collect::<Vec<_>>()
    );
    let all = stores[1].facts_after(None, 1000).await.unwrap();
    assert_eq!(all.len(), 2 + 2 * WRITERS * WRITES);
    let ids: HashSet<&EventId> = all.iter().map(|stored| &stored.event_id).collect();
    assert_eq!(ids.len(), all.len());
}

/// Follows the facts as they come; what was seen once must stay in its place.
async fn read_while_others_write(store: &Store, now: Timestamp) {
    let mut seen: Vec<StoredFact> = Vec::new();
    for _ in 0..10 {
        let last = seen.last().map(|stored| stored.event_id.clone());
        seen.extend(store.facts_after(last.as_ref(), 50).await.unwrap());
        store
            .history(&HistoryFilter::default(), &PageRequest::default(), now)
            .await
            .unwrap();
    }
    let again = store
        .facts_after(None, u32::try_from(seen.len()).unwrap())
        .await
        .unwrap();
    assert_eq!(
        seen, again,
        "a fact came in before one that was already seen"
    );
}

async fn a_caller_who_stops_waiting_does_not_stop_the_write(db: Database) {
    let store = db.open().await;
    let made = call("ada", &["bob"], at(0));
    {
        let mut write = Box::pin(store.record(vec![initiated(&made)]));
        assert!(poll!(&mut write).is_pending());
    }
    let written = async {
        while store.call(&made.call_id, at(1)).await.unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), written)
        .await
        .expect("the write was given up");
    let next = call("eve", &["bob"], at(1));
    store.record(vec![initiated(&next)]).await.unwrap();
}
