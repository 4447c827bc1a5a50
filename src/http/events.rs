//! `/api/v1/calls/events`: everything that happened, in order; read again, or followed as it comes.

use std::collections::VecDeque;
use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, get, web};
use bytes::Bytes;
use calls_model::rest::{Page, PageLimit};
use calls_model::{CallId, Event, EventId, OrgId};
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::watch;
use utoipa::{IntoParams, ToSchema};

use super::extract::{Query, invalid};
use super::problem::documented::{Access, BadQuery, Unavailable};
use super::problem::{Problem, kinds};
use crate::app::App;
use crate::auth::Caller;
use crate::auth::caller::identify;
use crate::store::StoreError;

/// What an `EventSource` says when it connects again.
const LAST_EVENT_ID: &str = "last-event-id";

/// A comment goes down a stream that has nothing else to say, so that nobody on the way takes it for dead.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Events that are read from storage at once.
const BATCH: u32 = 100;

/// Where to go on.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// The last event that is known; those after it are wanted. From the very first where it is left out.
    pub after: Option<EventId>,
    /// Only what happened in this call.
    pub call_id: Option<CallId>,
    /// Rows of a page.
    pub limit: Option<PageLimit>,
}

/// Where to go on.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct From {
    /// The last event that is known; those after it are wanted. From now on where it is left out; the header
    /// `Last-Event-ID` says the same, and comes first.
    pub after: Option<EventId>,
}

/// Lists events, the oldest first: everything that webhooks tell, also to whom nobody was listening.
#[utoipa::path(
    tag = "events",
    params(Wanted),
    responses(
        (status = 200, description = "One page of events. `next_cursor` is the last one's id: what comes next is `after` it.", body = Page<Event>),
        Access, BadQuery, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[get("/events")]
pub(super) async fn list_events(
    caller: Caller,
    app: web::Data<App>,
    Query(asked): Query<Wanted>,
) -> Result<HttpResponse, Problem> {
    caller.application()?;
    let limit = asked.limit.unwrap_or_default().get();
    let (after, call) = (asked.after.as_ref(), asked.call_id.as_ref());
    let org = caller.org();
    let found = match call {
        Some(call) => app.store.events_about(org, call, after, limit + 1).await,
        None => app.store.events_after(org, after, limit + 1).await,
    };
    let mut data = found.map_err(|error| not_there(error, "/after"))?;
    let has_more = data.len() > limit as usize;
    data.truncate(limit as usize);
    let last = data.last().map(|event| event.event_id.clone());
    let next_cursor = last.or(asked.after).map(String::from);
    Ok(HttpResponse::Ok().json(Page {
        data,
        next_cursor,
        has_more,
    }))
}

/// One event of the stream, as `EventSource` reads it (HTML Standard §9.2); for the document.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it is written as lines, not by serde")]
struct Streamed {
    /// The event's id.
    id: String,
    /// The event's type.
    event: String,
    /// The event as JSON.
    data: String,
}

/// Follows events as they come, as Server-Sent Events; a stream that is cut goes on after the last event that came.
#[utoipa::path(
    tag = "events",
    params(From),
    responses(
        (status = 200, description = "Events: `id` is the event's, `event` its type, `data` the event as JSON.", content_type = "text/event-stream", body = Streamed),
        Access, BadQuery, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[get("/events/stream")]
pub(super) async fn stream_events(
    caller: Caller,
    app: web::Data<App>,
    request: HttpRequest,
    Query(asked): Query<From>,
) -> Result<HttpResponse, Problem> {
    caller.application()?;
    let told = app.store.follow(); // before the first look: nothing falls between
    let after = match last_seen(&request)?.or(asked.after) {
        Some(after) => {
            let known = app.store.events_after(caller.org(), Some(&after), 1).await;
            known.map_err(|error| not_there(error, "/after"))?;
            Some(after)
        }
        None => app.store.newest_event(caller.org()).await?,
    };
    let follower = Follower {
        app: app.clone(),
        org: caller.org().clone(),
        request,
        revoked: app.revoked.follow(),
        after,
        waiting: VecDeque::new(),
        told,
        stopping: app.stopping(),
        greeted: false,
    };
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((CONTENT_ENCODING, HeaderValue::from_static("identity"))) // compressed, it would wait for more
        .insert_header(("x-accel-buffering", "no"))
        .streaming(stream::unfold(follower, Follower::next)))
}

fn last_seen(request: &HttpRequest) -> Result<Option<EventId>, Problem> {
    let Some(value) = request.headers().get(LAST_EVENT_ID) else {
        return Ok(None);
    };
    let id = value.to_str().ok().and_then(|text| text.parse().ok());
    id.map(Some)
        .ok_or_else(|| not_there(StoreError::BadCursor, "/Last-Event-ID"))
}

/// An event that is not there can be followed by none.
fn not_there(error: StoreError, pointer: &str) -> Problem {
    match error {
        StoreError::BadCursor => invalid(
            &kinds::INVALID_QUERY,
            "the query has a bad parameter",
            pointer.to_owned(),
            "there is no such event".to_owned(),
        ),
        other => other.into(),
    }
}

/// One stream of events.
struct Follower {
    app: web::Data<App>,
    /// Whose events.
    org: OrgId,
    /// With the credentials: the stream ends when they do.
    request: HttpRequest,
    revoked: watch::Receiver<()>,
    after: Option<EventId>,
    waiting: VecDeque<Event>,
    told: watch::Receiver<u64>,
    stopping: watch::Receiver<bool>,
    greeted: bool,
}

impl Follower {
    /// The next piece of the stream; none at its end: the server goes down, the credentials are not good any more, or
    /// the database is away and the client may come again.
    async fn next(mut self) -> Option<(Result<Bytes, Problem>, Self)> {
        if !self.greeted {
            self.greeted = true;
            return Some((Ok(Bytes::from_static(b": events\n\n")), self));
        }
        loop {
            if let Some(event) = self.waiting.pop_front() {
                self.after = Some(event.event_id.clone());
                return Some((Ok(line(&event)), self));
            }
            let stopping = *self.stopping.borrow();
            if stopping || identify(&self.app, &self.request).await.is_err() {
                return None;
            }
            self.told.borrow_and_update();
            let found = self
                .app
                .store
                .events_after(&self.org, self.after.as_ref(), BATCH)
                .await;
            self.waiting = found.ok()?.into();
            if !self.waiting.is_empty() {
                continue;
            }
            tokio::select! {
                told = self.told.changed() => told.ok()?,
                stopping = self.stopping.changed() => stopping.ok()?,
                revoked = self.revoked.changed() => revoked.ok()?,
                () = tokio::time::sleep(KEEP_ALIVE) => {
                    return Some((Ok(Bytes::from_static(b":\n\n")), self));
                }
            }
        }
    }
}

/// An event as the stream has it (HTML, "Server-sent events", §9.2.5); JSON has no line breaks.
fn line(event: &Event) -> Bytes {
    let data = serde_json::to_string(event).unwrap_or_default(); // strings for keys: it never fails
    format!(
        "id: {}\nevent: {}\ndata: {data}\n\n",
        event.event_id, event.event_type
    )
    .into()
}
