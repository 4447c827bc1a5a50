//! `/api/v1/calls/webhooks/…`: endpoints of applications, and how deliveries to them went.

use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::{HttpResponse, delete, get, patch, post, web};
use calls_model::rest::Page;
use calls_model::webhook::{MAX_FILTERS, TEST_EVENT};
use calls_model::{
    Attempt, CreateWebhook, Delivery, DeliveryId, DeliveryStatus, Event, EventFilter, EventId,
    Timestamp, UpdateWebhook, Webhook, WebhookId, WebhookSecret, WebhookStatus,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{All, Body, List, invalid};
use super::paging::Paging;
use super::problem::documented::{Access, BadBody, BadQuery, Conflict, Missing, Unavailable};
use super::problem::{Problem, kinds};
use super::routes::BASE;
use crate::app::App;
use crate::auth::Caller;
use crate::store::{StoredWebhook, WebhookChange};
use crate::webhooks::{Secret, Target};

/// How long the secret before the present one signs too.
const OVERLAP: Duration = Duration::from_secs(24 * 60 * 60);

/// Which deliveries are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct Standing {
    /// Only those that stand so.
    pub status: Option<DeliveryStatus>,
}

/// Makes an endpoint. The reply has its secret, which is shown this once. When the key that made it is revoked, it is
/// disabled.
#[utoipa::path(
    tag = "webhooks",
    request_body = CreateWebhook,
    responses(
        (status = 201, description = "The endpoint, with its secret.", body = WebhookSecret, headers(("Location" = String, description = "Where the endpoint is."))),
        Access, BadBody, Conflict, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[post("/webhooks")]
pub(super) async fn create_webhook(
    caller: Caller,
    app: web::Data<App>,
    Body(asked): Body<CreateWebhook>,
) -> Result<HttpResponse, Problem> {
    caller.application()?;
    let secret = Secret::random().into_text();
    let webhook = Webhook {
        webhook_id: WebhookId::new(),
        url: target(&app, &asked.url)?,
        events: filters(asked.events.unwrap_or_else(|| vec![EventFilter::all()]))?,
        description: asked.description.map(String::from),
        status: WebhookStatus::Enabled,
        disabled_reason: None,
        created_at: app.clock.now(),
        previous_secret_until: None,
    };
    let stored = StoredWebhook {
        org_id: caller.org().clone(),
        webhook: webhook.clone(),
        secret: secret.clone(),
        previous_secret: None,
        made_by: caller.issuer().key.clone(),
    };
    let most = app.config.webhooks.most;
    if !app.store.add_webhook(stored, most).await? {
        return Err(Problem::TooManyWebhooks { most });
    }
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, format!("{BASE}/webhooks/{}", webhook.webhook_id)))
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(WebhookSecret {
            webhook,
            secret: Some(secret),
        }))
}

/// Lists endpoints, the oldest first.
#[utoipa::path(
    tag = "webhooks",
    params(Paging),
    responses(
        (status = 200, description = "One page of endpoints.", body = Page<Webhook>),
        Access, BadQuery, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[get("/webhooks")]
pub(super) async fn list_webhooks(
    caller: Caller,
    app: web::Data<App>,
    List(All {}, paging): List<All>,
) -> Result<HttpResponse, Problem> {
    caller.application()?;
    let all = app.store.webhooks(Some(caller.org())).await?;
    let all: Vec<Webhook> = all.into_iter().map(|stored| stored.webhook).collect();
    Ok(HttpResponse::Ok().json(paging.of_live(all)?))
}

/// Gives one endpoint.
#[utoipa::path(
    tag = "webhooks",
    params(("webhook_id" = WebhookId, Path, description = "Which endpoint.")),
    responses(
        (status = 200, description = "The endpoint.", body = Webhook),
        Access, Missing, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[get("/webhooks/{webhook_id}")]
pub(super) async fn get_webhook(
    caller: Caller,
    app: web::Data<App>,
    id: web::Path<WebhookId>,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(find(&caller, &app, &id).await?.webhook))
}

/// Changes an endpoint, or gives it a new secret.
///
/// Whoever gives it another URL, or enables it, answers for it from then on: it is disabled when their key is revoked.
#[utoipa::path(
    tag = "webhooks",
    params(("webhook_id" = WebhookId, Path, description = "Which endpoint.")),
    request_body = UpdateWebhook,
    responses(
        (status = 200, description = "The endpoint as it is now; with its secret, if that is new.", body = WebhookSecret),
        Access, Missing, BadBody, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[patch("/webhooks/{webhook_id}")]
pub(super) async fn update_webhook(
    caller: Caller,
    app: web::Data<App>,
    id: web::Path<WebhookId>,
    Body(asked): Body<UpdateWebhook>,
) -> Result<HttpResponse, Problem> {
    let mut stored = find(&caller, &app, &id).await?;
    let now = app.clock.now();
    let rotates = asked.rotate_secret == Some(true);
    let change = WebhookChange {
        turned: asked.enabled,
        // Whoever says where it goes, that it goes on, or knows its secret, answers for it.
        by_maker: asked.url.is_some() || asked.enabled == Some(true) || rotates,
    };
    if change.by_maker {
        stored.made_by.clone_from(&caller.issuer().key);
    }
    let webhook = &mut stored.webhook;
    if let Some(url) = asked.url {
        webhook.url = target(&app, &url)?;
    }
    if let Some(events) = asked.events {
        webhook.events = filters(events)?;
    }
    let description = asked.description;
    webhook.description = match description {
        calls_model::rest::Change::Keep => webhook.description.take(),
        calls_model::rest::Change::Remove => None,
        calls_model::rest::Change::Set(text) => Some(text.into()),
    };
    match asked.enabled {
        Some(true) => {
            webhook.status = WebhookStatus::Enabled;
            webhook.disabled_reason = None;
        }
        Some(false) if webhook.status == WebhookStatus::Enabled => {
            webhook.status = WebhookStatus::Disabled;
            webhook.disabled_reason = Some("disabled by an application".to_owned());
        }
        Some(false) | None => {}
    }
    let mut shown = None;
    if rotates {
        let millis = i64::try_from(OVERLAP.as_millis()).unwrap_or(i64::MAX);
        webhook.previous_secret_until = Timestamp::from_millis(now.millis() + millis);
        let secret = Secret::random().into_text();
        stored.previous_secret = Some(std::mem::replace(&mut stored.secret, secret.clone()));
        shown = Some(secret);
    }
    app.store.change_webhook(stored, change, now).await?;
    let webhook = find(&caller, &app, &id).await?.webhook;
    let mut response = HttpResponse::Ok();
    if shown.is_some() {
        response.insert_header((CACHE_CONTROL, "no-store"));
    }
    Ok(response.json(WebhookSecret {
        webhook,
        secret: shown,
    }))
}

/// Forgets an endpoint, with what it was not told yet and the log of its deliveries.
#[utoipa::path(
    tag = "webhooks",
    params(("webhook_id" = WebhookId, Path, description = "Which endpoint.")),
    responses(
        (status = 204, description = "It is gone."),
        Access, Missing, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[delete("/webhooks/{webhook_id}")]
pub(super) async fn delete_webhook(
    caller: Caller,
    app: web::Data<App>,
    id: web::Path<WebhookId>,
) -> Result<HttpResponse, Problem> {
    caller.application()?;
    if !app.store.remove_webhook(&id).await? {
        return Err(Problem::NotFound { what: "webhook" });
    }
    Ok(HttpResponse::NoContent().finish())
}

/// Sends an event named `webhook.test` at once, and tells how that went. It is tried once and stands in no log.
#[utoipa::path(
    tag = "webhooks",
    params(("webhook_id" = WebhookId, Path, description = "Which endpoint.")),
    responses(
        (status = 200, description = "It was sent; `error` is null where the endpoint took it.", body = Attempt),
        Access, Missing, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[post("/webhooks/{webhook_id}/test")]
pub(super) async fn test_webhook(
    caller: Caller,
    app: web::Data<App>,
    id: web::Path<WebhookId>,
) -> Result<HttpResponse, Problem> {
    let stored = find(&caller, &app, &id).await?;
    let now = app.clock.now();
    let event = Event {
        event_id: EventId::new(),
        event_type: TEST_EVENT.to_owned(),
        subject: id.to_string(),
        seq: 1,
        timestamp: now,
        data: serde_json::json!({ "webhook_id": stored.webhook.webhook_id }),
    };
    Ok(HttpResponse::Ok().json(app.sender.send(&stored, &event, now).await))
}

/// Lists deliveries to an endpoint, the latest first.
#[utoipa::path(
    tag = "webhooks",
    params(("webhook_id" = WebhookId, Path, description = "Which endpoint."), Standing, Paging),
    responses(
        (status = 200, description = "One page of deliveries.", body = Page<Delivery>),
        Access, Missing, BadQuery, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[get("/webhooks/{webhook_id}/deliveries")]
pub(super) async fn list_deliveries(
    caller: Caller,
    app: web::Data<App>,
    id: web::Path<WebhookId>,
    List(asked, paging): List<Standing>,
) -> Result<HttpResponse, Problem> {
    find(&caller, &app, &id).await?;
    let request = paging.request();
    let page = app.store.deliveries(&id, asked.status, &request).await?;
    Ok(HttpResponse::Ok().json(page))
}

/// Sends an event to an endpoint again, whatever became of it before. It has the same id again.
#[utoipa::path(
    tag = "webhooks",
    params(
        ("webhook_id" = WebhookId, Path, description = "Which endpoint."),
        ("delivery_id" = DeliveryId, Path, description = "Which delivery."),
    ),
    responses(
        (status = 202, description = "It is on its way.", body = Delivery),
        Access, Missing, Conflict, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[post("/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver")]
pub(super) async fn redeliver(
    caller: Caller,
    app: web::Data<App>,
    ids: web::Path<(WebhookId, DeliveryId)>,
) -> Result<HttpResponse, Problem> {
    let (webhook_id, delivery_id) = ids.into_inner();
    let stored = find(&caller, &app, &webhook_id).await?;
    if stored.webhook.status == WebhookStatus::Disabled {
        return Err(Problem::WebhookDisabled);
    }
    let now = app.clock.now();
    let delivery = app.store.redeliver(&webhook_id, &delivery_id, now).await?;
    Ok(HttpResponse::Accepted().json(delivery))
}

/// An endpoint, for applications.
async fn find(caller: &Caller, app: &App, id: &WebhookId) -> Result<StoredWebhook, Problem> {
    caller.application()?;
    let found = app.store.webhook(id).await?;
    found.ok_or(Problem::NotFound { what: "webhook" })
}

fn target(app: &App, url: &str) -> Result<String, Problem> {
    let checked = Target::parse(url, app.config.webhooks.allow_private);
    checked
        .map(|target| target.url().to_string())
        .map_err(|bad| field("/url", bad.to_string()))
}

fn filters(events: Vec<EventFilter>) -> Result<Vec<EventFilter>, Problem> {
    if (1..=MAX_FILTERS).contains(&events.len()) {
        Ok(events)
    } else {
        Err(field(
            "/events",
            format!("must have 1 to {MAX_FILTERS} entries"),
        ))
    }
}

fn field(pointer: &str, detail: String) -> Problem {
    let summary = "the body has a bad field";
    invalid(&kinds::INVALID_BODY, summary, pointer.to_owned(), detail)
}
