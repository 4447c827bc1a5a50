//! Webhooks: endpoints of an application, the events that are sent to them, and how each delivery went.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::rest::Change;
use crate::{DeliveryId, Description, EventId, Fact, Timestamp, WebhookId};

/// The name of the event that only `POST /webhooks/{id}/test` sends.
pub const TEST_EVENT: &str = "webhook.test";

/// Which events somebody wants: one by its name (`call.ended`), all of a noun (`call.*`), or all (`*`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, example = "call.*", max_length = 64)]
pub struct EventFilter(String);

/// The text names no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be the name of an event, as in \"call.ended\", \"call.*\" or \"*\"")]
pub struct BadFilter;

impl EventFilter {
    /// All events.
    #[must_use]
    pub fn all() -> Self {
        Self("*".to_owned())
    }

    /// Whether an event of this name is wanted.
    pub fn takes(&self, name: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(noun) => name.starts_with(noun),
            None => self.0 == name,
        }
    }
}

impl TryFrom<String> for EventFilter {
    type Error = BadFilter;

    fn try_from(text: String) -> Result<Self, BadFilter> {
        let whole_noun = text == "*" || text.ends_with(".*");
        let known = if whole_noun {
            let noun = text.trim_end_matches('*');
            Fact::NAMES.iter().any(|name| name.starts_with(noun))
        } else {
            Fact::NAMES.contains(&text.as_str())
        };
        known.then_some(Self(text)).ok_or(BadFilter)
    }
}

impl From<EventFilter> for String {
    fn from(filter: EventFilter) -> Self {
        filter.0
    }
}

/// Something that happened, as applications are told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ApplicationEvent)] // `Event` is what clients hear by signaling
pub struct Event {
    /// Its id; the same however often it is sent.
    pub event_id: EventId,
    /// Its stable, dotted name.
    #[serde(rename = "type")]
    pub event_type: String,
    /// The id of the call or room that it is about.
    pub subject: String,
    /// Counts the events of its subject from 1, without gaps: they may overtake each other on the way.
    pub seq: u64,
    /// When it happened.
    pub timestamp: Timestamp,
    /// What happened; `webhooks` of the OpenAPI document has the shape of each type.
    #[schema(value_type = Object)]
    pub data: serde_json::Value,
}

/// Whether an endpoint is sent anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookStatus {
    /// It is.
    Enabled,
    /// It is not: somebody said so, it answered 410, or it took nothing for too long.
    Disabled,
}

/// An endpoint that is told of events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Webhook {
    /// Its id.
    pub webhook_id: WebhookId,
    /// Where events are sent.
    pub url: String,
    /// Which events.
    pub events: Vec<EventFilter>,
    /// What it is for, for people.
    pub description: Option<String>,
    /// Whether it is sent anything.
    pub status: WebhookStatus,
    /// Why it is disabled.
    pub disabled_reason: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when the secret before the present one signs too, while secrets change.
    pub previous_secret_until: Option<Timestamp>,
}

/// An endpoint with its secret, which is shown when it is made and when it changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookSecret {
    /// The endpoint.
    #[serde(flatten)]
    pub webhook: Webhook,
    /// `whsec_` and base64; the only way to tell our events from anybody's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// Longest URL of an endpoint.
pub const MAX_URL: usize = 2048;

/// Most filters of one endpoint.
pub const MAX_FILTERS: usize = 50;

/// Body of `POST /calls/webhooks`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreateWebhook {
    /// Where events are sent: `https`, without credentials in it, at an address of the public internet.
    #[schema(max_length = 2048)]
    pub url: String,
    /// Which events; defaults to all.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub events: Option<Vec<EventFilter>>,
    /// What it is for, for people.
    #[serde(default)]
    pub description: Option<Description>,
}

/// Body of `PATCH /calls/webhooks/{webhook_id}`; what is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpdateWebhook {
    /// Where events are sent.
    #[serde(default)]
    #[schema(max_length = 2048)]
    pub url: Option<String>,
    /// Which events.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub events: Option<Vec<EventFilter>>,
    /// What it is for; null: none any more.
    #[serde(default, skip_serializing_if = "Change::keeps")]
    #[schema(value_type = Option<Description>)]
    pub description: Change<Description>,
    /// Whether it is sent anything. What was left undelivered when it was disabled is tried again.
    #[serde(default)]
    pub enabled: Option<bool>,
    /// True: it gets a new secret, which the reply shows; the old one signs too for another day.
    #[serde(default)]
    pub rotate_secret: Option<bool>,
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// It is tried, or tried again.
    Pending,
    /// The endpoint answered with 2xx.
    Delivered,
    /// It was tried for as long as is tried.
    Failed,
}

/// One try at a delivery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attempt {
    /// When.
    pub at: Timestamp,
    /// What the endpoint answered, where it did.
    pub status: Option<u16>,
    /// Why it counts as failed.
    pub error: Option<String>,
    /// How long the answer took.
    pub duration_ms: u64,
}

impl Attempt {
    /// The endpoint has it.
    pub fn succeeded(&self) -> bool {
        self.error.is_none()
    }
}

/// One event on its way to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Delivery {
    /// Its id.
    pub delivery_id: DeliveryId,
    /// To which endpoint.
    pub webhook_id: WebhookId,
    /// Which event: the header `webhook-id`.
    pub event_id: EventId,
    /// The event's name.
    pub event_type: String,
    /// How it stands.
    pub status: DeliveryStatus,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next.
    pub next_attempt_at: Option<Timestamp>,
    /// When the event happened.
    pub created_at: Timestamp,
    /// When it was settled.
    pub settled_at: Option<Timestamp>,
    /// The latest tries, oldest first.
    pub log: Vec<Attempt>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(text: &str) -> Result<EventFilter, BadFilter> {
        EventFilter::try_from(text.to_owned())
    }

    #[test]
    fn a_filter_takes_one_event_a_noun_or_all() {
        assert!(filter("call.ended").unwrap().takes("call.ended"));
        assert!(!filter("call.ended").unwrap().takes("call.initiated"));
        assert!(filter("call.*").unwrap().takes("call.initiated"));
        assert!(!filter("call.*").unwrap().takes("participant.left"));
        assert!(filter("*").unwrap().takes("participant.left"));
    }

    #[test]
    fn what_names_no_event_is_refused() {
        for text in [
            "",
            "call",
            "call.",
            "c*",
            "call.*.*",
            "calls.*",
            "call.over",
            "**",
        ] {
            assert!(filter(text).is_err(), "{text:?}");
        }
    }
}
