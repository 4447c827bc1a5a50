//! API keys and secrets.

use calls::store::{StoreError, StoredKey};
use calls_model::{ApiKey, OrgId, Scope};

use super::database::Database;
use super::samples::at;

on_both! {
    a_key_is_found_by_its_hash_until_and_after_it_is_revoked,
    two_keys_cannot_share_a_name,
    a_rotated_key_goes_on_for_a_while_and_a_revoked_one_is_not_rotated,
    a_tenant_sees_its_own_keys,
    keys_are_found_by_the_subjects_that_made_them,
    the_first_secret_that_is_offered_stays,
}

pub(super) fn key(hash: &str, name: &str) -> StoredKey {
    StoredKey {
        hash: hash.into(),
        lineage: name.into(),
        key: ApiKey {
            name: name.into(),
            org_id: OrgId::default(),
            scopes: vec![Scope::Rooms, Scope::Keys],
            label: Some(format!("for {name}")),
            created_at: at(0),
            expires_at: None,
            revoked_at: None,
        },
        subject: None,
    }
}

async fn a_key_is_found_by_its_hash_until_and_after_it_is_revoked(db: Database) {
    let store = db.open().await;
    let (one, two) = (key("hash one", "calls_aaaa"), key("hash two", "calls_bbbb"));
    assert_eq!(store.api_keys(None).await.unwrap(), []);
    store.add_api_key(one.clone()).await.unwrap();
    store.add_api_key(two.clone()).await.unwrap();
    assert_eq!(store.api_key("hash one").await.unwrap(), Some(one.clone()));
    assert_eq!(store.api_key("calls_aaaa").await.unwrap(), None);

    store.revoke_api_key("calls_aaaa", at(5)).await.unwrap();
    store.revoke_api_key("calls_aaaa", at(9)).await.unwrap(); // the first time counts
    let mut revoked = one;
    revoked.key.revoked_at = Some(at(5));
    assert_eq!(store.revoked_keys().await.unwrap(), ["calls_aaaa"]);
    assert_eq!(
        store.api_key("hash one").await.unwrap(),
        Some(revoked.clone())
    );
    assert_eq!(store.api_keys(None).await.unwrap(), [revoked, two]);
    let refused = store.revoke_api_key("calls_cccc", at(9)).await;
    assert!(
        matches!(refused, Err(StoreError::NotFound { what: "API key" })),
        "{refused:?}"
    );
}

async fn two_keys_cannot_share_a_name(db: Database) {
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

async fn a_rotated_key_goes_on_for_a_while_and_a_revoked_one_is_not_rotated(db: Database) {
    let store = db.open().await;
    let (old, new) = (key("hash one", "calls_aaaa"), key("hash two", "calls_bbbb"));
    store.add_api_key(old.clone()).await.unwrap();
    let rotated = store
        .rotate_api_key("calls_aaaa", new.clone(), at(60))
        .await;
    rotated.unwrap();
    let known = store.api_key("hash one").await.unwrap().unwrap().key;
    assert_eq!((known.expires_at, known.revoked_at), (Some(at(60)), None));
    let successor = StoredKey {
        lineage: "calls_aaaa".to_owned(),
        ..new
    };
    assert_eq!(store.api_key("hash two").await.unwrap(), Some(successor));
    let next = key("hash next", "calls_dddd");
    let rotated = store.rotate_api_key("calls_bbbb", next, at(60)).await;
    rotated.unwrap();
    let next = store.api_key("hash next").await.unwrap().unwrap();
    assert_eq!(next.lineage, "calls_aaaa", "of one line from the first on");

    store.revoke_api_key("calls_aaaa", at(5)).await.unwrap();
    let third = key("hash three", "calls_cccc");
    let refused = store.rotate_api_key("calls_aaaa", third, at(60)).await;
    assert!(
        matches!(refused, Err(StoreError::NotFound { what: "API key" })),
        "{refused:?}"
    );
    assert_eq!(store.api_key("hash three").await.unwrap(), None);
}

async fn a_tenant_sees_its_own_keys(db: Database) {
    let store = db.open().await;
    let acme: OrgId = "acme".parse().unwrap();
    let (ours, mut theirs) = (key("hash one", "calls_aaaa"), key("hash two", "calls_bbbb"));
    theirs.key.org_id = acme.clone();
    store.add_api_key(ours.clone()).await.unwrap();
    store.add_api_key(theirs.clone()).await.unwrap();
    assert_eq!(store.api_keys(Some(&acme)).await.unwrap(), [theirs]);
    assert_eq!(
        store.api_keys(Some(&OrgId::default())).await.unwrap(),
        [ours]
    );
    assert_eq!(store.api_keys(None).await.unwrap().len(), 2);
}

async fn keys_are_found_by_the_subjects_that_made_them(db: Database) {
    let store = db.open().await;
    for (name, subject) in [
        ("calls_a", Some("jwt:ann")),
        ("calls_b", Some("jwt:ben")),
        ("calls_c", None),
    ] {
        let subject = subject.map(str::to_owned);
        let made = StoredKey {
            subject,
            ..key(name, name)
        };
        store.add_api_key(made.clone()).await.unwrap();
        assert_eq!(store.api_key(name).await.unwrap(), Some(made));
    }
    let of = |subjects: &[&str]| {
        let subjects = subjects.iter().map(|&subject| subject.to_owned());
        store.keys_of_subjects(subjects.collect())
    };
    assert_eq!(of(&["jwt:ann", "jwt:eve"]).await.unwrap(), ["calls_a"]);
    assert_eq!(of(&[]).await.unwrap(), Vec::<String>::new());
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
