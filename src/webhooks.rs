//! Webhooks: facts on their way to applications.
//!
//! The outbox ([`crate::store`]) says who is to be told what; here it is sent, signed as Standard Webhooks has it, and
//! sent again until it arrives or has been tried for long enough. At least once: a receiver knows by `webhook-id` what
//! it has had.

mod endpoint;
mod sender;
mod signature;
mod target;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use calls_actors::clock::Clock;
use calls_model::{Timestamp, WebhookId, WebhookStatus};
use tokio::task::JoinHandle;
use tracing::warn;

pub use self::sender::Sender;
pub use self::signature::{Secret, sign};
pub use self::target::{BadTarget, Target};
use crate::config;
use crate::store::{Store, StoreError};
use crate::telemetry::names::WEBHOOKS_DISABLED;

/// How often deliveries are looked for that were settled long ago.
const SWEEP: Duration = Duration::from_secs(60 * 60);

/// How long the database rests after it failed.
const REST: Duration = Duration::from_secs(1);

/// The task that delivers. It ends when this is dropped.
#[must_use = "nothing is delivered any more as soon as this is dropped"]
pub struct Courier(JoinHandle<()>);

impl Drop for Courier {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What every endpoint's task shares.
#[derive(Clone)]
struct Shared {
    store: Store,
    clock: Arc<dyn Clock>,
    sender: Sender,
    config: config::Webhooks,
}

impl Courier {
    /// Starts to deliver, on the present runtime.
    pub fn start(
        store: Store,
        clock: Arc<dyn Clock>,
        sender: Sender,
        config: config::Webhooks,
    ) -> Self {
        let shared = Shared {
            store,
            clock,
            sender,
            config,
        };
        Self(tokio::spawn(deliver(shared)))
    }
}

/// Ends what it stands for when it is dropped.
struct Running(JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Keeps one task for each endpoint that is sent anything: a slow one costs the others nothing.
async fn deliver(shared: Shared) {
    let mut running: HashMap<WebhookId, Running> = HashMap::new();
    let mut changes = shared.store.follow_webhooks();
    let mut swept = tokio::time::interval(SWEEP);
    loop {
        changes.borrow_and_update();
        if let Err(error) = attend(&shared, &mut running).await {
            warn!(%error, "the endpoints of webhooks cannot be read yet");
            tokio::time::sleep(REST).await;
            continue;
        }
        tokio::select! {
            told = changes.changed() => if told.is_err() { return },
            _ = swept.tick() => sweep(&shared).await,
        }
    }
}

async fn attend(
    shared: &Shared,
    running: &mut HashMap<WebhookId, Running>,
) -> Result<(), StoreError> {
    let mut enabled = Vec::new();
    let mut disabled = 0_u32;
    for stored in shared.store.webhooks(None).await? {
        match stored.webhook.status {
            WebhookStatus::Enabled => enabled.push(stored.webhook.webhook_id),
            WebhookStatus::Disabled => disabled += 1,
        }
    }
    metrics::gauge!(WEBHOOKS_DISABLED).set(disabled);
    running.retain(|id, task| enabled.contains(id) && !task.0.is_finished());
    for id in enabled {
        running
            .entry(id.clone())
            .or_insert_with(|| Running(tokio::spawn(endpoint::serve(shared.clone(), id.clone()))));
    }
    Ok(())
}

async fn sweep(shared: &Shared) {
    let kept = i64::from(shared.config.keep_days) * 24 * 60 * 60 * 1000;
    let Some(before) = Timestamp::from_millis(shared.clock.now().millis() - kept) else {
        return;
    };
    if let Err(error) = shared.store.purge_deliveries(before).await {
        warn!(%error, "old deliveries could not be forgotten");
    }
}
