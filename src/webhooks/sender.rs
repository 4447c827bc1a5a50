//! One request to one endpoint.

use std::sync::Arc;
use std::time::Duration;

use calls_model::{Attempt, Event, Timestamp};
use reqwest::header::{CONTENT_TYPE, HeaderName};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};

use super::signature::sign;
use super::target::{PublicOnly, Target};
use crate::causes::causes;
use crate::config;
use crate::store::StoredWebhook;

/// Names a message; the same however often it is sent (Standard Webhooks, "Webhook headers").
const ID: HeaderName = HeaderName::from_static("webhook-id");
/// Seconds since 1970 at this try: a receiver refuses what is old.
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
/// One signature for each secret.
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// Sends events. Clones share connections.
#[derive(Clone)]
pub struct Sender {
    http: Client,
    allow_private: bool,
}

impl Sender {
    /// As the configuration says.
    ///
    /// # Errors
    ///
    /// The system has no TLS roots to trust.
    pub fn new(config: &config::Webhooks) -> Result<Self, reqwest::Error> {
        let resolver = PublicOnly {
            allow_private: config.allow_private,
        };
        let http = Client::builder()
            .redirect(Policy::none()) // else a redirect would lead where the URL may not
            .no_proxy()
            .dns_resolver(Arc::new(resolver))
            .connect_timeout(CONNECT)
            .timeout(Duration::from_secs(config.timeout_seconds))
            .user_agent(concat!("Calls/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            http,
            allow_private: config.allow_private,
        })
    }

    /// Sends an event once, and tells how that went.
    pub async fn send(&self, hook: &StoredWebhook, event: &Event, now: Timestamp) -> Attempt {
        let begun = tokio::time::Instant::now();
        let (status, error) = match self.post(hook, event, now).await {
            Ok(status) if status.is_success() => (Some(status), None),
            Ok(status) => (
                Some(status),
                Some(format!("the endpoint answered {status}")),
            ),
            Err(error) => (None, Some(error)),
        };
        Attempt {
            at: now,
            status: status.map(|status| status.as_u16()),
            error,
            duration_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }

    async fn post(
        &self,
        hook: &StoredWebhook,
        event: &Event,
        now: Timestamp,
    ) -> Result<StatusCode, String> {
        let target = Target::parse(&hook.webhook.url, self.allow_private)
            .map_err(|bad| format!("the URL {bad}"))?;
        let body = serde_json::to_vec(event).map_err(|error| error.to_string())?;
        let seconds = now.utc().timestamp();
        let previous = hook.previous_secret.as_deref();
        let still_signs = hook
            .webhook
            .previous_secret_until
            .is_some_and(|until| now < until);
        let secrets: Vec<&str> = std::iter::once(hook.secret.as_str())
            .chain(previous.filter(|_| still_signs))
            .collect();
        let signature = sign(&secrets, event.event_id.as_str(), seconds, &body);
        let sent = self
            .http
            .post(target.url().clone())
            .header(CONTENT_TYPE, "application/json")
            .header(ID, event.event_id.as_str())
            .header(TIMESTAMP, seconds)
            .header(SIGNATURE, signature)
            .body(body)
            .send()
            .await;
        // Nobody asks what else it says: the body is not read.
        sent.map(|response| response.status())
            .map_err(|error| causes(&error.without_url()))
    }
}
