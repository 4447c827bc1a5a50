//! `/api/v1/calls/audit`, and what writes it: every change by a key or a token, and every look at what was said.

use std::collections::BTreeSet;
use std::net::IpAddr;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderValue, LOCATION};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, get, web};
use calls_model::rest::Page;
use calls_model::{ActorKind, AuditEntry, AuditId, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use tracing::{error, warn};
use utoipa::IntoParams;

use super::envelope::request_id;
use super::extract::{List, invalid};
use super::origin;
use super::paging::Paging;
use super::problem::documented::{Access, BadQuery, Unavailable};
use super::problem::{Problem, kinds};
use super::routes::{BASE, documented_path, path};
use crate::app::App;
use crate::auth::{Caller, Issuer};
use crate::store::AuditFilter;

/// What is written down, and what it is called. Joining, leaving and the verbs of a call are not: they are facts, and
/// stand in the history.
const ACTIONS: &[(&str, &str, &str)] = &[
    ("POST", "/rooms", "room.create"),
    ("PATCH", "/rooms/{room_id}", "room.update"),
    ("DELETE", "/rooms/{room_id}", "room.delete"),
    ("POST", "/{call_id}/end", "call.end"),
    ("DELETE", "/{call_id}", "call.erase"),
    ("DELETE", "/users/{user_id}", "user.erase"),
    ("POST", "/{call_id}/say", "call.say"),
    ("POST", "/{call_id}/record/start", "recording.start"),
    ("POST", "/{call_id}/record/stop", "recording.stop"),
    ("POST", "/{call_id}/record/pause", "recording.pause"),
    ("POST", "/{call_id}/record/resume", "recording.resume"),
    ("DELETE", "/recordings/{recording_id}", "recording.delete"),
    (
        "POST",
        "/recordings/{recording_id}/compose",
        "recording.compose",
    ),
    (
        "GET",
        "/recordings/{recording_id}/download",
        "recording.download",
    ),
    ("POST", "/{call_id}/transcribe", "transcription.start"),
    ("DELETE", "/{call_id}/transcribe", "transcription.stop"),
    ("GET", "/{call_id}/transcript", "transcript.read"),
    ("GET", "/transcripts/search", "transcript.search"),
    (
        "POST",
        "/{call_id}/participants/mute-all",
        "moderate.mute_all",
    ),
    (
        "PATCH",
        "/{call_id}/participants/{participant_id}",
        "moderate.update",
    ),
    (
        "DELETE",
        "/{call_id}/participants/{participant_id}",
        "moderate.remove",
    ),
    ("DELETE", "/{call_id}/files/{file_id}", "file.delete"),
    ("POST", "/webhooks", "webhook.create"),
    ("PATCH", "/webhooks/{webhook_id}", "webhook.update"),
    ("DELETE", "/webhooks/{webhook_id}", "webhook.delete"),
    ("POST", "/api-keys", "key.create"),
    ("POST", "/api-keys/{key_name}/rotate", "key.rotate"),
    ("DELETE", "/api-keys/{key_name}", "key.revoke"),
];

/// A moderator asked something on their socket.
pub(crate) const MODERATE: &str = "moderate";

/// They asked to record there, or to stop.
pub(crate) const RECORDING: &str = "recording";

/// They asked to transcribe there, or to stop.
pub(crate) const TRANSCRIPTION: &str = "transcription";

/// Whoever asked, left with the request by the border.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    issuer: Issuer,
    actor: String,
    kind: ActorKind,
}

/// What came of it besides, left with the request by its handler.
#[derive(Debug, Clone)]
pub(super) struct Detail(pub(super) Value);

impl Asked {
    pub(crate) fn by(caller: &Caller) -> Self {
        let issuer = caller.issuer().clone();
        let (actor, kind) = match caller {
            Caller::User(bearer) => (bearer.claims.sub.to_string(), ActorKind::User),
            Caller::Application(_) => match &issuer.key {
                Some(name) => (name.clone(), ActorKind::Key),
                None => ("anybody".to_owned(), ActorKind::Anybody),
            },
        };
        Self {
            issuer,
            actor,
            kind,
        }
    }
}

/// Goes around every handler: writes down what was asked of it and how that went, before the answer goes out.
pub(crate) async fn audit(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let response = next.call(request).await?;
    let request = response.request();
    let Some(action) = action(request) else {
        return Ok(response);
    };
    // Who brought no good credentials did nothing, and could only fill the log.
    let asked = request.extensions().get::<Asked>().cloned();
    let app = request.app_data::<Data<App>>().cloned();
    if let (Some(asked), Some(app)) = (asked, app) {
        let detail = request.extensions().get::<Detail>().cloned();
        let made = response.headers().get(LOCATION);
        let subject = path(request).strip_prefix(BASE).unwrap_or_default();
        let address: IpAddr = origin::address(request, &app);
        let entry = AuditEntry {
            audit_id: AuditId::new(),
            at: app.clock.now(),
            actor: asked.actor,
            actor_kind: asked.kind,
            action: action.to_owned(),
            subject: subject.to_owned(),
            status: response.status().as_u16(),
            detail: detail_of(detail, made),
            address: Some(address.to_string()),
            request_id: request_id(request.extensions().get()),
        };
        write(&app, &asked.issuer, entry).await;
    }
    Ok(response)
}

/// What the handler left, and where that is which was made.
fn detail_of(left: Option<Detail>, made: Option<&HeaderValue>) -> Option<Value> {
    let mut detail = left.map_or(Value::Null, |Detail(detail)| detail);
    if let Some(place) = made.and_then(|place| place.to_str().ok()) {
        detail["made"] = place.strip_prefix(BASE).unwrap_or(place).into();
    }
    Some(detail).filter(|detail| !detail.is_null())
}

/// Writes an entry; where that fails the log of the server has it, and what was asked for is done nevertheless.
pub(crate) async fn write(app: &App, issuer: &Issuer, entry: AuditEntry) {
    if let Err(error) = app.store.audit(&issuer.org, entry.clone()).await {
        error!(
            %error,
            actor = entry.actor,
            action = entry.action,
            subject = entry.subject,
            "an entry of the audit log could not be kept: {error}"
        );
    }
}

/// Forgets what has been kept for long enough.
pub(super) async fn let_go_of_old(app: &App) {
    let days = app.config.auth.audit_keep_days;
    let age = i64::from(days) * 24 * 60 * 60 * 1000;
    let before = Timestamp::from_millis(app.clock.now().millis().saturating_sub(age));
    let (true, Some(before)) = (days > 0, before) else {
        return;
    };
    if let Err(error) = app.store.purge_audit(before).await {
        warn!(%error, "the audit log could not be purged: {error}");
    }
}

fn action(request: &HttpRequest) -> Option<&'static str> {
    let path = documented_path(request)?;
    let method = request.method().as_str();
    let row = ACTIONS
        .iter()
        .find(|(verb, known, _)| *verb == method && *known == path);
    row.map(|(_, _, action)| *action)
}

/// Which entries are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Only what this key (by its name) or user did.
    #[param(max_length = 256)]
    pub actor: Option<String>,
    /// Only this action, such as `room.delete`.
    #[param(max_length = 64)]
    pub action: Option<String>,
}

/// Nothing is found by an action that is misspelt, and that looks as if nothing had happened.
fn known(asked: &str) -> Result<(), Problem> {
    let rest = ACTIONS.iter().map(|(_, _, action)| *action);
    let all: BTreeSet<&str> = rest.chain([MODERATE, RECORDING, TRANSCRIPTION]).collect();
    if all.contains(asked) {
        return Ok(());
    }
    let summary = "the query has a bad parameter";
    let all: Vec<&str> = all.into_iter().collect();
    let detail = format!("must be one of {}", all.join(", "));
    Err(invalid(
        &kinds::INVALID_QUERY,
        summary,
        "/action".to_owned(),
        detail,
    ))
}

/// Lists who changed what and who moderated whom, the latest first.
#[utoipa::path(
    tag = "audit",
    params(Wanted, Paging),
    responses(
        (status = 200, description = "One page of entries.", body = Page<AuditEntry>),
        Access, BadQuery, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[get("/audit")]
pub(super) async fn audit_log(
    caller: Caller,
    app: web::Data<App>,
    List(asked, paging): List<Wanted>,
) -> Result<HttpResponse, Problem> {
    caller.application()?;
    if let Some(action) = &asked.action {
        known(action)?;
    }
    let filter = AuditFilter {
        actor: asked.actor.filter(|text| !text.contains('\0')),
        action: asked.action,
    };
    let page = app
        .store
        .audit_log(caller.org(), &filter, &paging.request())
        .await?;
    Ok(HttpResponse::Ok().json(page))
}
