//! One endpoint: what is due is sent to it, in the order of the facts as far as it takes them.

use std::collections::HashMap;
use std::time::Duration;

use calls_model::{Attempt, Delivery, DeliveryStatus, Event, Timestamp, WebhookId, WebhookStatus};
use futures_util::StreamExt;
use futures_util::stream;
use tracing::{error, info, warn};

use super::{REST, Shared};
use crate::config;
use crate::store::{Due, StoreError, StoredWebhook};
use crate::telemetry::names::{WEBHOOK_ATTEMPTS, WEBHOOK_DELIVERIES_FAILED};

/// Deliveries that are looked at together.
const BATCH: u32 = 64;

/// Subjects that one endpoint is told of at the same time; events of one subject go one after the other.
const AT_ONCE: usize = 8;

/// What comes within this time goes into one batch.
const GATHER: Duration = Duration::from_millis(10);

/// The longest pause between two tries of one delivery.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// The longest pause of an endpoint that takes nothing at all; its deliveries have pauses of their own.
const LONGEST_REST: Duration = Duration::from_secs(60);

/// What an endpoint answers that is gone for good (410, as Standard Webhooks has it).
const GONE: u16 = 410;

/// Delivers until the endpoint is gone or disabled.
pub(super) async fn serve(shared: Shared, id: WebhookId) {
    let mut facts = shared.store.follow();
    let mut changes = shared.store.follow_webhooks();
    let mut refused_rounds = 0;
    loop {
        facts.borrow_and_update();
        changes.borrow_and_update();
        let pause = match round(&shared, &id).await {
            Ok(Round::Over) => return,
            Ok(Round::Idle { until }) => until,
            Ok(Round::Sent { taken: true }) => {
                refused_rounds = 0;
                continue;
            }
            Ok(Round::Sent { taken: false }) => {
                refused_rounds += 1;
                let rest = pause_after(refused_rounds, REST).min(LONGEST_REST);
                let _ = tokio::time::timeout(rest, changes.changed()).await;
                continue;
            }
            Err(error) => {
                warn!(%error, webhook.id = %id, "deliveries have to wait");
                tokio::time::sleep(REST).await;
                continue;
            }
        };
        tokio::select! {
            () = sleep(pause) => {}
            told = facts.changed() => {
                if told.is_err() {
                    return;
                }
                tokio::time::sleep(GATHER).await;
            }
            _ = changes.changed() => {}
        }
    }
}

async fn sleep(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause).await,
        None => std::future::pending().await,
    }
}

/// What came of one look at the outbox.
enum Round {
    /// There is nobody to tell any more.
    Over,
    /// Nothing is due; something is after this long.
    Idle { until: Option<Duration> },
    /// Something was sent; whether the endpoint took any of it.
    Sent { taken: bool },
}

async fn round(shared: &Shared, id: &WebhookId) -> Result<Round, StoreError> {
    let Some(hook) = shared.store.webhook(id).await? else {
        return Ok(Round::Over);
    };
    if hook.webhook.status == WebhookStatus::Disabled {
        return Ok(Round::Over);
    }
    let now = shared.clock.now();
    let due = shared.store.due(id, now, BATCH).await?;
    if due.is_empty() {
        let next = shared.store.next_due(id).await?;
        let until = next.map(|next| {
            let millis = u64::try_from(next.millis() - now.millis()).unwrap_or(0);
            Duration::from_millis(millis.max(1))
        });
        return Ok(Round::Idle { until });
    }
    let mut subjects: HashMap<String, Vec<Due>> = HashMap::new();
    for one in due {
        let subject = one.event.as_ref().map(|event| event.subject.clone());
        subjects
            .entry(subject.unwrap_or_default())
            .or_default()
            .push(one);
    }
    let mut told = stream::iter(subjects.into_values())
        .map(|of_one| tell(shared, &hook, of_one))
        .buffer_unordered(AT_ONCE);
    let mut taken = false;
    while let Some(outcome) = told.next().await {
        taken |= outcome?;
    }
    Ok(Round::Sent { taken })
}

/// Tells the endpoint what is due of one subject, and writes down how it went; whether it took anything.
async fn tell(shared: &Shared, hook: &StoredWebhook, due: Vec<Due>) -> Result<bool, StoreError> {
    let mut taken = false;
    for one in due {
        let since = one.since;
        let Some(event) = &one.event else {
            let erased = settle(one.delivery, DeliveryStatus::Failed, shared.clock.now());
            shared.store.tried(vec![erased]).await?;
            taken = true; // not the endpoint's fault
            continue;
        };
        let attempt = send(shared, hook, event).await;
        let (arrived, gone) = (attempt.succeeded(), attempt.status == Some(GONE));
        let now = shared.clock.now();
        let delivery = after(&shared.config, one.delivery, since, attempt, now);
        let given_up = delivery.status == DeliveryStatus::Failed;
        shared.store.tried(vec![delivery]).await?;
        taken |= arrived;
        let id = &hook.webhook.webhook_id;
        if gone {
            info!(webhook.id = %id, "webhook {id} is disabled: its endpoint says that it is gone");
            shared
                .store
                .disable_webhook(id, "the endpoint answered 410")
                .await?;
        }
        if given_up {
            metrics::counter!(WEBHOOK_DELIVERIES_FAILED).increment(1);
            if !shared.store.delivered_since(id, since).await? {
                let hours = shared.config.retry_hours;
                error!(webhook.id = %id, "webhook {id} is disabled: it took nothing for {hours} hours");
                let reason = format!("the endpoint took nothing for {hours} hours");
                shared.store.disable_webhook(id, &reason).await?;
            }
        }
        if !arrived {
            break; // what comes after it is still due, and goes next time
        }
    }
    Ok(taken)
}

async fn send(shared: &Shared, hook: &StoredWebhook, event: &Event) -> Attempt {
    let attempt = shared.sender.send(hook, event, shared.clock.now()).await;
    let outcome = if attempt.succeeded() {
        "delivered"
    } else {
        "failed"
    };
    metrics::counter!(WEBHOOK_ATTEMPTS, "outcome" => outcome).increment(1);
    attempt
}

/// How the delivery stands after this try.
fn after(
    config: &config::Webhooks,
    mut delivery: Delivery,
    since: Timestamp,
    attempt: Attempt,
    now: Timestamp,
) -> Delivery {
    let arrived = attempt.succeeded();
    delivery.attempts += 1;
    delivery.log.push(attempt);
    if arrived {
        return settle(delivery, DeliveryStatus::Delivered, now);
    }
    if now.seconds_since(since) >= u64::from(config.retry_hours) * 60 * 60 {
        return settle(delivery, DeliveryStatus::Failed, now);
    }
    let pause = pause_after(delivery.attempts, Duration::from_secs(config.retry_seconds));
    let millis = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
    delivery.next_attempt_at = Timestamp::from_millis(now.millis().saturating_add(millis));
    delivery
}

fn settle(mut delivery: Delivery, status: DeliveryStatus, now: Timestamp) -> Delivery {
    delivery.status = status;
    delivery.next_attempt_at = None;
    delivery.settled_at = Some(now);
    delivery
}

/// How long to wait after so many failures: three times as long each time, up to an hour, and a bit of chance, so that
/// what failed together does not come back together.
fn pause_after(failures: u32, first: Duration) -> Duration {
    let pause = first.saturating_mul(3_u32.saturating_pow(failures.saturating_sub(1)));
    pause
        .min(LONGEST_PAUSE)
        .mul_f64(rand::random_range(0.9..1.1))
}

#[cfg(test)]
mod tests {
    use calls_model::{DeliveryId, EventId};

    use super::*;
    use crate::config::Config;

    #[test]
    fn what_nobody_takes_is_tried_for_three_days_and_not_for_ever() {
        let config = Config::load(None).unwrap().webhooks;
        assert_eq!(config.retry_hours, 72);
        let moment = |millis| Timestamp::from_millis(millis).unwrap();
        let since = moment(1_700_000_000_000);
        let mut delivery = Delivery {
            delivery_id: DeliveryId::new(),
            webhook_id: WebhookId::new(),
            event_id: EventId::new(),
            event_type: "call.ended".to_owned(),
            status: DeliveryStatus::Pending,
            attempts: 0,
            next_attempt_at: Some(since),
            created_at: since,
            settled_at: None,
            log: Vec::new(),
        };
        let mut tried = Vec::new();
        while let Some(now) = delivery.next_attempt_at {
            tried.push(now.since(since).as_secs_f64() / 3600.0);
            let failed = Attempt {
                at: now,
                status: Some(503),
                error: Some("busy".to_owned()),
                duration_ms: 1,
            };
            delivery = after(&config, delivery, since, failed, now);
        }
        assert_eq!(delivery.status, DeliveryStatus::Failed);
        let last = *tried.last().unwrap();
        assert!((72.0..73.2).contains(&last), "given up after {last} hours");
        assert!((70..90).contains(&tried.len()), "{} times", tried.len());
        let pauses = tried.windows(2).map(|two| two[1] - two[0]);
        assert!(pauses.fold(0.0, f64::max) < 1.11, "an hour at most");
    }

    #[test]
    fn pauses_grow_up_to_an_hour() {
        let first = Duration::from_secs(5);
        for (failures, seconds) in [(1, 5.0), (2, 15.0), (3, 45.0), (8, 3600.0), (99, 3600.0)] {
            let pause = pause_after(failures, first).as_secs_f64();
            assert!(
                (seconds * 0.9..seconds * 1.1).contains(&pause),
                "{failures}: {pause}"
            );
        }
    }
}
