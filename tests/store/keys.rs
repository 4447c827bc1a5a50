//! API keys and secrets.

use calls::store::{ApiKey, StoreError};

use super::database::Database;
use super::samples::at;

on_both! {
    a_key_is_found_by_its_hash_until_and_after_it_is_revoked,
    two_keys_cannot_share_a_prefix,
    the_first_secret_that_is_offered_stays,
}

fn key(hash: &str, prefix: &str) -> ApiKey {
    ApiKey {
        hash: hash.into(),
        prefix: prefix.into(),
        created_at: at(0),
        revoked_at: None,
        label: Some(format!("for {prefix}")),
    }
}

async fn a_key_is_found_by_its_hash_until_and_after_it_is_revoked(db: Database) {
    let store = db.open().await;
    let (one, two) = (key("hash one", "calls_aaaa"), key("hash two", "calls_bbbb"));
    assert_eq!(store.api_keys().await.unwrap(), []);
    store.add_api_key(one.clone()).await.unwrap();
    store.add_api_key(two.clone()).await.unwrap();
    assert_eq!(store.api_key("hash one").await.unwrap(), Some(one.clone()));
    assert_eq!(store.api_key("calls_aaaa").await.unwrap(), None);

    store.revoke_api_key("calls_aaaa", at(5)).await.unwrap();
    store.revoke_api_key("calls_aaaa", at(9)).await.unwrap(); // the first time counts
    let revoked = ApiKey {
        revoked_at: Some(at(5)),
        ..one
    };
    assert_eq!(
        store.api_key("hash one").await.unwrap(),
        Some(revoked.clone())
    );
    assert_eq!(store.api_keys().await.unwrap(), [revoked, two]);
    let refused = store.revoke_api_key("calls_cccc", at(9)).await;
    assert!(
        matches!(refused, Err(StoreError::NotFound { what: "API key" })),
        "{refused:?}"
    );
}

async fn two_keys_cannot_share_a_prefix(db: Database) {
    let store = db.open().await;
    store
        .add_api_key(key("hash one", "calls_aaaa"))
        .await
        .unwrap();
    let refused = store.add_api_key(key("hash two", "calls_aaaa")).await;
    assert!(
        matches!(refused, Err(StoreError::Conflict(_))),
        "{refused:?}"
    );
}

async fn the_first_secret_that_is_offered_stays(db: Database) {
    let stores = [db.open().await, db.open().await];
    let offers = (0..8_u8).map(|n| stores[usize::from(n) % 2].secret_or("tokens", vec![n, 0, 255]));
    let answers = futures_util::future::try_join_all(offers).await.unwrap();
    assert!(
        answers.iter().all(|answer| answer == &answers[0]),
        "{answers:?}"
    );
    assert_eq!(stores[1].secret_or("others", vec![9]).await.unwrap(), [9]);
}
