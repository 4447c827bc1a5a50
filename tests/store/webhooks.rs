//! The outbox: what became true is told, and nothing else.

use calls::store::{PageRequest, Store, StoreError, StoredWebhook, WebhookChange};
use calls_model::{DeliveryStatus, EventFilter, OrgId, Webhook, WebhookId, WebhookStatus};

use super::database::Database;
use super::keys::key;
use super::samples::{answered, at, call, initiated, room, room_created};

on_both! {
    each_fact_is_in_the_outbox_of_whoever_asked_for_it_once,
    a_transaction_that_fails_leaves_nothing_in_the_outbox,
    what_was_tried_waits_for_its_time_and_a_redelivery_does_not,
    an_endpoint_takes_its_deliveries_with_it,
    what_a_key_asks_for_while_it_is_revoked_is_disabled_and_a_late_change_enables_nothing,
    what_a_denied_subject_made_is_sent_nothing_until_somebody_else_enables_it,
}

fn hook(events: &[&str]) -> StoredWebhook {
    let filter = |name: &&str| EventFilter::try_from((*name).to_owned()).unwrap();
    StoredWebhook {
        org_id: OrgId::default(),
        webhook: Webhook {
            webhook_id: WebhookId::new(),
            url: "https://app.example.org/".to_owned(),
            events: events.iter().map(filter).collect(),
            description: None,
            status: WebhookStatus::Enabled,
            disabled_reason: None,
            created_at: at(0),
            previous_secret_until: None,
        },
        secret: "whsec_AAAA".to_owned(),
        previous_secret: None,
        made_by: None,
    }
}

async fn added(store: &Store, events: &[&str]) -> WebhookId {
    let stored = hook(events);
    let id = stored.webhook.webhook_id.clone();
    assert!(store.add_webhook(stored, 9).await.unwrap());
    id
}

/// Later than any moment of a test, which the store takes from the clock.
fn later() -> calls_model::Timestamp {
    at(10_000_000_000)
}

async fn names(store: &Store, id: &WebhookId) -> Vec<String> {
    let due = store.due(id, later(), 100).await.unwrap();
    let event = |due: calls::store::Due| due.event.unwrap().event_type;
    due.into_iter().map(event).collect()
}

async fn each_fact_is_in_the_outbox_of_whoever_asked_for_it_once(db: Database) {
    let store = db.open().await;
    let made = call("ada", &["bob"], at(1));
    store
        .record(vec![room_created(&room("Before", at(0)))])
        .await
        .unwrap();
    let (all, some) = (
        added(&store, &["*"]).await,
        added(&store, &["call.answered", "call.*"]).await,
    );
    let mut off = hook(&["*"]);
    off.webhook.status = WebhookStatus::Disabled;
    let nobody = off.webhook.webhook_id.clone();
    store.add_webhook(off, 9).await.unwrap();
    let facts = vec![
        room_created(&room("After", at(1))),
        initiated(&made),
        answered(&made, at(2)),
    ];
    store.record(facts).await.unwrap();
    assert_eq!(
        names(&store, &all).await,
        ["room.created", "call.initiated", "call.answered"]
    );
    assert_eq!(
        names(&store, &some).await,
        ["call.initiated", "call.answered"]
    );
    assert_eq!(names(&store, &nobody).await, Vec::<String>::new());
    let due = store.due(&some, later(), 100).await.unwrap();
    let event = due[1].event.as_ref().unwrap();
    assert_eq!(
        (event.subject.as_str(), event.seq),
        (made.call_id.as_str(), 2)
    );
    assert_eq!(
        store
            .events_after(&OrgId::default(), None, 9)
            .await
            .unwrap()
            .len(),
        4
    );
}

async fn a_transaction_that_fails_leaves_nothing_in_the_outbox(db: Database) {
    let store = db.open().await;
    let id = added(&store, &["*"]).await;
    let never = call("ada", &["bob"], at(1));
    let facts = vec![room_created(&room("Room", at(1))), answered(&never, at(2))];
    assert!(store.record(facts).await.is_err());
    assert_eq!(names(&store, &id).await, Vec::<String>::new());
}

async fn what_was_tried_waits_for_its_time_and_a_redelivery_does_not(db: Database) {
    let store = db.open().await;
    let id = added(&store, &["*"]).await;
    store
        .record(vec![room_created(&room("Room", at(1)))])
        .await
        .unwrap();
    let mut tried = store.due(&id, later(), 9).await.unwrap().remove(0).delivery;
    tried.attempts = 1;
    tried.next_attempt_at = Some(at(500));
    store.tried(vec![tried.clone()]).await.unwrap();
    assert!(store.due(&id, at(499), 9).await.unwrap().is_empty());
    assert_eq!(store.next_due(&id).await.unwrap(), Some(at(500)));
    assert_eq!(store.due(&id, at(500), 9).await.unwrap().len(), 1);
    tried.status = DeliveryStatus::Delivered;
    (tried.next_attempt_at, tried.settled_at) = (None, Some(at(501)));
    store.tried(vec![tried.clone()]).await.unwrap();
    assert!(store.due(&id, later(), 9).await.unwrap().is_empty());
    assert!(store.delivered_since(&id, at(501)).await.unwrap());
    assert!(!store.delivered_since(&id, at(502)).await.unwrap());
    let again = store
        .redeliver(&id, &tried.delivery_id, at(600))
        .await
        .unwrap();
    assert_eq!(
        (again.status, again.next_attempt_at),
        (DeliveryStatus::Pending, Some(at(600)))
    );
    let another = store
        .redeliver(&WebhookId::new(), &tried.delivery_id, at(600))
        .await;
    assert!(
        matches!(another, Err(StoreError::NotFound { .. })),
        "{another:?}"
    );
}

async fn an_endpoint_takes_its_deliveries_with_it(db: Database) {
    let store = db.open().await;
    let id = added(&store, &["*"]).await;
    store
        .record(vec![room_created(&room("Room", at(1)))])
        .await
        .unwrap();
    let page = PageRequest::default();
    assert_eq!(
        store.deliveries(&id, None, &page).await.unwrap().data.len(),
        1
    );
    assert!(store.remove_webhook(&id).await.unwrap());
    assert!(!store.remove_webhook(&id).await.unwrap());
    assert!(
        store
            .deliveries(&id, None, &page)
            .await
            .unwrap()
            .data
            .is_empty()
    );
}

/// Somebody enables it, and answers for it.
const ENABLED: WebhookChange = WebhookChange {
    turned: Some(true),
    by_maker: true,
};

async fn what_a_key_asks_for_while_it_is_revoked_is_disabled_and_a_late_change_enables_nothing(
    db: Database,
) {
    let store = db.open().await;
    for name in ["calls_a", "calls_b"] {
        store.add_api_key(key(name, name)).await.unwrap();
    }
    let made_by = |maker: &str| StoredWebhook {
        made_by: Some(maker.to_owned()),
        ..hook(&["*"])
    };
    let first = made_by("calls_a");
    let id = first.webhook.webhook_id.clone();
    assert!(store.add_webhook(first, 9).await.unwrap());
    let read = store.webhook(&id).await.unwrap().unwrap();
    store.revoke_api_key("calls_a", at(5)).await.unwrap();
    let told = WebhookChange {
        turned: None,
        by_maker: false,
    };
    let now = async |id: &WebhookId| store.webhook(id).await.unwrap().unwrap().webhook.status;
    for change in [told, ENABLED] {
        store
            .change_webhook(read.clone(), change, at(6))
            .await
            .unwrap();
        assert_eq!(now(&id).await, WebhookStatus::Disabled, "{change:?}");
    }
    let late = made_by("calls_a");
    let late_id = late.webhook.webhook_id.clone();
    assert!(store.add_webhook(late, 9).await.unwrap());
    assert_eq!(now(&late_id).await, WebhookStatus::Disabled);
    let others = StoredWebhook {
        made_by: Some("calls_b".to_owned()),
        ..read
    };
    store.change_webhook(others, ENABLED, at(7)).await.unwrap();
    assert_eq!(now(&id).await, WebhookStatus::Enabled);
}

async fn what_a_denied_subject_made_is_sent_nothing_until_somebody_else_enables_it(db: Database) {
    let store = db.open().await;
    let of = |maker: Option<&str>| StoredWebhook {
        made_by: maker.map(str::to_owned),
        ..hook(&["*"])
    };
    let (anns, bens, nobodys) = (of(Some("jwt:ann")), of(Some("calls_a")), of(None));
    for one in [&anns, &bens, &nobodys] {
        assert!(store.add_webhook(one.clone(), 9).await.unwrap());
    }
    let deny = || store.disable_webhooks_of(vec!["jwt:ann".to_owned()]);
    let id = anns.webhook.webhook_id.clone();
    assert_eq!(deny().await.unwrap(), std::slice::from_ref(&id));
    let mut disabled = store.webhook(&id).await.unwrap().unwrap();
    assert_eq!(disabled.webhook.status, WebhookStatus::Disabled);
    let reason = disabled.webhook.disabled_reason.take().unwrap();
    assert!(reason.contains("jwt:ann"), "{reason}");
    disabled.webhook.status = WebhookStatus::Enabled;
    disabled.made_by = Some("calls_a".to_owned());
    store
        .change_webhook(disabled, ENABLED, at(9))
        .await
        .unwrap();
    assert_eq!(deny().await.unwrap(), []);
    let all = store.webhooks(None).await.unwrap();
    assert!(
        all.iter()
            .all(|one| one.webhook.status == WebhookStatus::Enabled)
    );
}
