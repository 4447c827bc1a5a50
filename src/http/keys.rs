//! `/api/v1/calls/api-keys/…`: keys of applications, made, rotated and revoked by applications.

use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, LOCATION};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, delete, get, post, web};
use calls_model::rest::Page;
use calls_model::{ApiKey, CreateApiKey, NewApiKey, RotateApiKey, Scope, Timestamp};
use serde_json::json;
use tracing::warn;

use super::audit::Detail;
use super::extract::{All, List, OptionalBody, invalid};
use super::paging::Paging;
use super::problem::documented::{Access, BadBody, BadQuery, Conflict, Missing, Unavailable};
use super::problem::{Problem, kinds};
use super::routes::BASE;
use crate::app::App;
use crate::auth::keys::{self, SecretKey, Wanted};
use crate::auth::{Application, Caller};

/// How long the old key goes on beside the new one, where nobody says.
const OVERLAP: Duration = Duration::from_secs(24 * 60 * 60);

/// How long it may go on at most.
const LONGEST_OVERLAP: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Makes a key. The reply has the key itself, which is shown this once: asked again with the same `Idempotency-Key`, no
/// other is made, and none is shown (409 `idempotency-shown-once`).
#[utoipa::path(
    tag = "keys",
    request_body = Option<CreateApiKey>,
    responses(
        (status = 201, description = "The key.", body = NewApiKey, headers(("Location" = String, description = "Where the key is revoked."))),
        Access, BadBody, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[post("/api-keys")]
pub(super) async fn create_key(
    caller: Caller,
    app: web::Data<App>,
    request: HttpRequest,
    OptionalBody(asked): OptionalBody<CreateApiKey>,
) -> Result<HttpResponse, Problem> {
    let maker = caller.application()?;
    let now = app.clock.now();
    let wanted = Wanted {
        scopes: asked.scopes.unwrap_or_else(|| maker.scopes.clone()),
        org: asked.org_id.unwrap_or_else(|| caller.org().clone()),
        label: asked.label.map(String::from),
        expires_at: no_longer_than(maker, asked.expires_at),
        subject: maker.subject.clone(),
    };
    if wanted.scopes.is_empty() {
        return Err(field("/scopes", "must have at least one entry"));
    }
    if wanted.expires_at.is_some_and(|at| at <= now) {
        return Err(field("/expires_at", "must be in the future"));
    }
    no_more_than(maker, &wanted.scopes)?;
    if wanted.org != *caller.org() && !maker.is_operator() {
        return Err(Problem::Forbidden(
            "keys of other tenants are made by the tenant \"default\", with the scope \"admin\"",
        ));
    }
    let (secret, key) = keys::create(&app.store, now, wanted).await?;
    let detail = Detail(json!({ "scopes": key.scopes, "label": key.label }));
    request.extensions_mut().insert(detail);
    Ok(made(&secret, key))
}

/// Lists keys, the oldest first; the revoked ones too.
#[utoipa::path(
    tag = "keys",
    params(Paging),
    responses(
        (status = 200, description = "One page of keys, without the keys themselves.", body = Page<ApiKey>),
        Access, BadQuery, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[get("/api-keys")]
pub(super) async fn list_keys(
    caller: Caller,
    app: web::Data<App>,
    List(All {}, paging): List<All>,
) -> Result<HttpResponse, Problem> {
    caller.application()?;
    let all = app.store.api_keys(Some(caller.org())).await?;
    let all: Vec<ApiKey> = all.into_iter().map(|stored| stored.key).collect();
    Ok(HttpResponse::Ok().json(paging.of_live(all)?))
}

/// Makes a key like this one, to take its place. The old one goes on for a while, so that nothing stands still between
/// them; what was made with it goes on after that too, until the old key is revoked.
///
/// Nothing takes the place of a key that is revoked or has run out (409 `key-ended`).
#[utoipa::path(
    tag = "keys",
    params(("key_name" = String, Path, description = "Which key: its name, such as `calls_0a1b2c3d`.")),
    request_body = Option<RotateApiKey>,
    responses(
        (status = 201, description = "The new key, which is shown this once.", body = NewApiKey, headers(("Location" = String, description = "Where the key is revoked."))),
        Access, Missing, BadBody, Conflict, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[post("/api-keys/{key_name}/rotate")]
pub(super) async fn rotate_key(
    caller: Caller,
    app: web::Data<App>,
    name: web::Path<String>,
    OptionalBody(asked): OptionalBody<RotateApiKey>,
) -> Result<HttpResponse, Problem> {
    let maker = caller.application()?;
    let old = find(&caller, &app, &name).await?;
    no_more_than(maker, &old.scopes)?;
    let now = app.clock.now();
    if old.revoked_at.is_some() {
        return Err(Problem::KeyEnded("is revoked"));
    }
    if old.expires_at.is_some_and(|at| at <= now) {
        return Err(Problem::KeyEnded("has run out"));
    }
    let overlap = asked
        .overlap_seconds
        .map_or(OVERLAP, |seconds| Duration::from_secs(seconds.into()));
    if overlap > LONGEST_OVERLAP {
        let most = LONGEST_OVERLAP.as_secs();
        return Err(field(
            "/overlap_seconds",
            &format!("must be at most {most}"),
        ));
    }
    let millis = i64::try_from(overlap.as_millis()).unwrap_or(i64::MAX);
    let until = Timestamp::from_millis(now.millis().saturating_add(millis)).unwrap_or(now);
    let (secret, key) = keys::rotate(&app.store, now, old, until, maker).await?;
    Ok(made(&secret, key))
}

/// Revokes a key at once, with all that was made with it: tokens open nothing any more, sessions end, webhooks are disabled
/// (with the reason, until another key enables them).
///
/// A key revokes those that may no more than itself; that of the operator (of the tenant `default`, with the scope
/// `admin`) any of its tenant.
#[utoipa::path(
    tag = "keys",
    params(("key_name" = String, Path, description = "Which key: its name, such as `calls_0a1b2c3d`.")),
    responses(
        (status = 204, description = "It opens nothing any more."),
        Access, Missing, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[delete("/api-keys/{key_name}")]
pub(super) async fn revoke_key(
    caller: Caller,
    app: web::Data<App>,
    request: HttpRequest,
    name: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let asking = caller.application()?;
    let key = find(&caller, &app, &name).await?;
    if !asking.is_operator() {
        no_more_than(asking, &key.scopes)?;
    }
    let webhooks = app.store.revoke_api_key(&key.name, app.clock.now()).await?;
    for id in &webhooks {
        warn!(webhook.id = %id, "webhook {id} is disabled: the key that made it was revoked");
    }
    if !webhooks.is_empty() {
        let detail = Detail(json!({ "webhooks_disabled": webhooks }));
        request.extensions_mut().insert(detail);
    }
    app.revoked.add([key.name]);
    Ok(HttpResponse::NoContent().finish())
}

/// A key of the caller's own tenant.
async fn find(caller: &Caller, app: &App, name: &str) -> Result<ApiKey, Problem> {
    let all = app.store.api_keys(Some(caller.org())).await?;
    let found = all.into_iter().find(|stored| stored.key.name == name);
    let found = found.ok_or(Problem::NotFound { what: "API key" })?;
    Ok(found.key)
}

/// No key outlives the one that made it.
fn no_longer_than(maker: &Application, wanted: Option<Timestamp>) -> Option<Timestamp> {
    [wanted, maker.ends_at].into_iter().flatten().min()
}

/// Nobody gives away more than they have.
fn no_more_than(maker: &Application, scopes: &[Scope]) -> Result<(), Problem> {
    match scopes.iter().find(|scope| !maker.scopes.contains(scope)) {
        None => Ok(()),
        Some(needed) => Err(Problem::ScopeMissing { needed: *needed }),
    }
}

/// A key of its own, as it is shown this once.
fn made(secret: &SecretKey, key: ApiKey) -> HttpResponse {
    HttpResponse::Created()
        .insert_header((LOCATION, format!("{BASE}/api-keys/{}", key.name)))
        .insert_header((CACHE_CONTROL, "no-store"))
        .json(NewApiKey {
            key,
            secret: secret.reveal().to_owned(),
        })
}

fn field(pointer: &str, detail: &str) -> Problem {
    let summary = "the body has a bad field";
    let (pointer, detail) = (pointer.to_owned(), detail.to_owned());
    invalid(&kinds::INVALID_BODY, summary, pointer, detail)
}
