//! First replies, kept for who asks again.

use std::collections::BTreeSet;

use calls::store::{Claim, Cutoffs, Keyed, Outcome, Reply, Running, Store};

use super::database::Database;
use super::samples::at;

on_both! {
    a_reply_is_kept_for_who_asks_again,
    another_request_with_the_same_key_is_told_apart,
    without_a_reply_worth_keeping_the_next_one_is_the_first,
    of_many_that_ask_at_once_one_is_the_first,
    what_ran_when_the_server_went_down_is_not_done_again,
    what_broke_off_in_the_middle_is_not_done_again,
    what_ran_for_too_long_is_not_done_again_and_may_still_be_answered,
    a_file_stays_claimed_for_as_long_as_it_may_come,
    when_names_are_marked_otherwise_replies_go_and_what_was_cut_off_stays,
}

fn asked(body: &str) -> Keyed {
    Keyed {
        caller: "ann".into(),
        key: "key".into(),
        request: "POST /rooms".into(),
        body_hash: Some(body.to_owned()),
        org: calls_model::OrgId::default(),
        names: BTreeSet::new(),
    }
}

fn reply() -> Reply {
    Reply {
        status: 201,
        headers: vec![("location".into(), "/rooms/1".into())],
        body: vec![0, 255, 7],
    }
}

async fn claim(store: &Store, asked: &Keyed, now: i64) -> Claim {
    let cutoffs = Cutoffs {
        kept: at(now - 100),
        running: at(now - 10),
        coming: at(now - 50),
    };
    store.claim(asked, at(now), cutoffs).await.unwrap()
}

/// The claim of who is the first.
async fn first(store: &Store, asked: &Keyed, now: i64) -> Running {
    match claim(store, asked, now).await {
        Claim::First(running) => running,
        other => panic!("{other:?}"),
    }
}

async fn a_reply_is_kept_for_who_asks_again(db: Database) {
    let store = db.open().await;
    let asked = asked("{}");
    let running = first(&store, &asked, 0).await;
    assert_eq!(claim(&store, &asked, 1).await, Claim::Running);
    let kept = store
        .end_claim(asked.clone(), running, Outcome::Reply(reply()))
        .await;
    assert!(kept.unwrap());
    drop(store);

    let store = db.open().await;
    store.recover(at(2)).await.unwrap();
    let answered = Claim::Answered {
        reply: reply(),
        body_hash: asked.body_hash.clone(),
    };
    assert_eq!(claim(&store, &asked, 99).await, answered);
    first(&store, &asked, 101).await; // not for ever
}

async fn another_request_with_the_same_key_is_told_apart(db: Database) {
    let store = db.open().await;
    first(&store, &asked("{}"), 0).await;
    assert_eq!(claim(&store, &asked("[]"), 0).await, Claim::Another);
    let elsewhere = Keyed {
        request: "POST /initiate".into(),
        ..asked("{}")
    };
    assert_eq!(claim(&store, &elsewhere, 0).await, Claim::Another);
    let by_another = Keyed {
        caller: "ben".into(),
        ..asked("[]")
    };
    first(&store, &by_another, 0).await;
}

async fn without_a_reply_worth_keeping_the_next_one_is_the_first(db: Database) {
    let store = db.open().await;
    let asked = asked("{}");
    let running = first(&store, &asked, 0).await;
    let released = store
        .end_claim(asked.clone(), running, Outcome::Nothing)
        .await;
    assert!(released.unwrap());
    first(&store, &asked, 0).await;
    assert_eq!(store.purge_replies(at(1)).await.unwrap(), 1);
    assert_eq!(store.purge_replies(at(1)).await.unwrap(), 0);
    first(&store, &asked, 1).await;
}

async fn of_many_that_ask_at_once_one_is_the_first(db: Database) {
    let store = db.open().await;
    let asked = asked("{}");
    let claims = (0..8).map(|_| claim(&store, &asked, 0));
    let claims = futures_util::future::join_all(claims).await;
    let first = |claim: &&Claim| matches!(claim, Claim::First(_));
    assert_eq!(claims.iter().filter(first).count(), 1, "{claims:?}");
}

async fn what_ran_when_the_server_went_down_is_not_done_again(db: Database) {
    let store = db.open().await;
    first(&store, &asked("{}"), 0).await;
    store.recover(at(1)).await.unwrap();
    assert_eq!(claim(&store, &asked("{}"), 2).await, Claim::Unknown);
    assert_eq!(claim(&store, &asked("[]"), 2).await, Claim::Another);
    assert_eq!(claim(&store, &asked("{}"), 99).await, Claim::Unknown);
    first(&store, &asked("{}"), 101).await; // not for ever
}

async fn what_broke_off_in_the_middle_is_not_done_again(db: Database) {
    let store = db.open().await;
    let asked = asked("{}");
    let running = first(&store, &asked, 0).await;
    let ended = store
        .end_claim(asked.clone(), running, Outcome::Unknown)
        .await;
    assert!(ended.unwrap());
    assert_eq!(claim(&store, &asked, 1).await, Claim::Unknown);
    first(&store, &asked, 101).await; // not for ever
}

async fn what_ran_for_too_long_is_not_done_again_and_may_still_be_answered(db: Database) {
    let store = db.open().await;
    let asked = asked("{}");
    let late = first(&store, &asked, 0).await;
    assert_eq!(claim(&store, &asked, 10).await, Claim::Running);
    assert_eq!(claim(&store, &asked, 11).await, Claim::Unknown);
    let kept = store
        .end_claim(asked.clone(), late, Outcome::Reply(reply()))
        .await;
    assert!(kept.unwrap());
    let another = Reply {
        status: 500,
        ..reply()
    };
    for outcome in [Outcome::Nothing, Outcome::Unknown, Outcome::Reply(another)] {
        let kept = store.end_claim(asked.clone(), late, outcome).await;
        assert!(!kept.unwrap(), "it is answered");
    }
    let answered = Claim::Answered {
        reply: reply(),
        body_hash: asked.body_hash.clone(),
    };
    assert_eq!(claim(&store, &asked, 13).await, answered);
}

async fn a_file_stays_claimed_for_as_long_as_it_may_come(db: Database) {
    let store = db.open().await;
    let file = Keyed {
        body_hash: None,
        ..asked("")
    };
    let coming = first(&store, &file, 0).await;
    assert_eq!(claim(&store, &file, 49).await, Claim::Running);
    let another = asked("{}"); // nor does a request of another kind under its key end it
    assert_eq!(claim(&store, &another, 49).await, Claim::Another);
    let come = Keyed {
        body_hash: Some("hash".to_owned()),
        ..file.clone()
    };
    let kept = store.end_claim(come, coming, Outcome::Reply(reply())).await;
    assert!(kept.unwrap());
    let answered = Claim::Answered {
        reply: reply(),
        body_hash: Some("hash".to_owned()),
    };
    assert_eq!(claim(&store, &file, 60).await, answered);
}

async fn when_names_are_marked_otherwise_replies_go_and_what_was_cut_off_stays(db: Database) {
    let store = db.open().await;
    let (answered, cut_off) = (asked("{}"), asked("[]"));
    let cut_off = Keyed {
        key: "another".into(),
        ..cut_off
    };
    let running = first(&store, &answered, 0).await;
    let kept = store
        .end_claim(answered.clone(), running, Outcome::Reply(reply()))
        .await;
    assert!(kept.unwrap());
    first(&store, &cut_off, 0).await;
    db.tamper("DELETE FROM __diesel_schema_migrations WHERE version = '20261129000790'")
        .await;
    assert_eq!(Store::migrate(&db.address).await.unwrap().len(), 1);
    store.recover(at(1)).await.unwrap();
    first(&store, &answered, 2).await;
    assert_eq!(claim(&store, &cut_off, 2).await, Claim::Unknown);
}
