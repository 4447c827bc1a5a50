//! First replies, kept for who asks again.

use calls::store::{Claim, Cutoffs, Keyed, Reply, Store};

use super::database::Database;
use super::samples::at;

on_both! {
    a_reply_is_kept_for_who_asks_again,
    another_request_with_the_same_key_is_told_apart,
    without_a_reply_worth_keeping_the_next_one_is_the_first,
    of_many_that_ask_at_once_one_is_the_first,
    what_ran_when_the_server_went_down_is_forgotten,
}

fn asked(body: &str) -> Keyed {
    Keyed {
        caller: "ann".into(),
        key: "key".into(),
        request: "POST /rooms".into(),
        body_hash: Some(body.to_owned()),
        org: calls_model::OrgId::default(),
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
    };
    store.claim(asked, at(now), cutoffs).await.unwrap()
}

async fn a_reply_is_kept_for_who_asks_again(db: Database) {
    let store = db.open().await;
    let asked = asked("{}");
    assert_eq!(claim(&store, &asked, 0).await, Claim::First);
    assert_eq!(claim(&store, &asked, 1).await, Claim::Running);
    store.answered(asked.clone(), Some(reply())).await.unwrap();
    drop(store);

    let store = db.open().await;
    store.recover(at(2)).await.unwrap();
    let answered = Claim::Answered {
        reply: reply(),
        body_hash: asked.body_hash.clone(),
    };
    assert_eq!(claim(&store, &asked, 99).await, answered);
    assert_eq!(
        claim(&store, &asked, 101).await,
        Claim::First,
        "not for ever"
    );
}

async fn another_request_with_the_same_key_is_told_apart(db: Database) {
    let store = db.open().await;
    assert_eq!(claim(&store, &asked("{}"), 0).await, Claim::First);
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
    assert_eq!(claim(&store, &by_another, 0).await, Claim::First);
}

async fn without_a_reply_worth_keeping_the_next_one_is_the_first(db: Database) {
    let store = db.open().await;
    let asked = asked("{}");
    assert_eq!(claim(&store, &asked, 0).await, Claim::First);
    store.answered(asked.clone(), None).await.unwrap();
    assert_eq!(claim(&store, &asked, 0).await, Claim::First);
    assert_eq!(
        claim(&store, &asked, 11).await,
        Claim::First,
        "the second will not be answered any more"
    );
    let all = Cutoffs {
        kept: at(12),
        running: at(0),
    };
    assert_eq!(store.purge_replies(all).await.unwrap(), 1);
    assert_eq!(store.purge_replies(all).await.unwrap(), 0);
}

async fn of_many_that_ask_at_once_one_is_the_first(db: Database) {
    let store = db.open().await;
    let asked = asked("{}");
    let claims = (0..8).map(|_| claim(&store, &asked, 0));
    let claims = futures_util::future::join_all(claims).await;
    let first = |claim: &&Claim| **claim == Claim::First;
    assert_eq!(claims.iter().filter(first).count(), 1, "{claims:?}");
}

async fn what_ran_when_the_server_went_down_is_forgotten(db: Database) {
    let store = db.open().await;
    assert_eq!(claim(&store, &asked("{}"), 0).await, Claim::First);
    store.recover(at(1)).await.unwrap();
    assert_eq!(claim(&store, &asked("{}"), 2).await, Claim::First);
}
