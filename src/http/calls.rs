//! `/api/v1/calls/…`: one call, from its first ring to its end.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use calls_actors::calls::{Answer, CallSnapshot, Cancel, End, Initiate, Reject, VerbRefused};
use calls_model::rest::{ActingUser, CallConnection, InitiateCall, MAX_CALLEES, Page, RecordWish};
use calls_model::{
    Call, CallId, CallKind, CallStatus, Member, ParticipantId, RoomId, Scope, Timestamp, UserId,
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Body, List, OptionalBody, invalid};
use super::paging::Paging;
use super::problem::documented::{Access, BadBody, BadQuery, Conflict, Missing, Unavailable};
use super::problem::{Problem, kinds};
use super::{connections, origin};
use crate::app::App;
use crate::auth::Caller;
use crate::store::{self, Hidden};

/// Most bytes of a call's metadata, as JSON.
const MAX_METADATA: usize = 16 * 1024;

/// Which calls of the history are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct HistoryFilter {
    /// Calls that this user made, was rung for, or was in.
    pub user_id: Option<UserId>,
    /// Sessions of this room.
    pub room_id: Option<RoomId>,
    /// Calls that stand so.
    pub status: Option<CallStatus>,
    /// Calls of this kind.
    pub kind: Option<CallKind>,
    /// Made at or after this moment.
    pub from: Option<Timestamp>,
    /// Made before this moment.
    pub to: Option<Timestamp>,
}

/// Starts a call: rings every user in `to`.
#[utoipa::path(
    tag = "calls",
    request_body = InitiateCall,
    responses(
        (status = 201, description = "The call rings; `connection` is the caller's.", body = CallConnection),
        Access, BadBody, Conflict, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[post("/initiate")]
pub(super) async fn initiate(
    caller: Caller,
    app: web::Data<App>,
    request: HttpRequest,
    Body(asked): Body<InitiateCall>,
) -> Result<HttpResponse, Problem> {
    caller.application()?;
    let from = asked.from.clone().unwrap_or_else(nobody);
    check(&asked, &from)?;
    let begun = app
        .ask(Initiate {
            org_id: caller.org().clone(),
            call_type: asked.call_type,
            kind: asked.kind,
            from: from.clone(),
            display_name: None,
            to: asked.to,
            timeout: Duration::from_secs(asked.timeout_seconds.unwrap_or_default().get().into()),
            record: asked.record.and_then(RecordWish::mode),
            metadata: asked.metadata.unwrap_or_default(),
        })
        .await??;
    let connection = match begun.seat.as_ref().zip(begun.participant.as_ref()) {
        Some(seat) => connections::of_seat(&app, &request, seat, None, (&caller, None)),
        // Everybody is busy and the call is over: the caller may only listen for the next one.
        None => app.connection(
            app.tokens.user(from.clone(), caller.issuer().clone()),
            &from,
            origin::ws_url(&request, &app),
        ),
    };
    Ok(HttpResponse::Created().json(CallConnection {
        call: begun.call,
        connection,
    }))
}

/// Lists calls, the latest first.
#[utoipa::path(
    tag = "calls",
    params(HistoryFilter, Paging),
    responses(
        (status = 200, description = "One page of calls.", body = Page<Call>),
        Access, BadQuery, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[get("/history")]
pub(super) async fn history(
    caller: Caller,
    app: web::Data<App>,
    List(filter, paging): List<HistoryFilter>,
) -> Result<HttpResponse, Problem> {
    let user_id = caller.user(filter.user_id.clone())?;
    let filter = store::HistoryFilter {
        org_id: caller.org().clone(),
        user_id,
        room_id: filter.room_id,
        status: filter.status,
        kind: filter.kind,
        from: filter.from,
        to: filter.to,
    };
    let mut page = app
        .store
        .history(&filter, &paging.request(), app.clock.now())
        .await?;
    for call in &mut page.data {
        call.participants = told_of(&caller, std::mem::take(&mut call.participants));
    }
    Ok(HttpResponse::Ok().json(page))
}

/// Of which hidden presences the caller is to know: applications that may moderate of all, these of themselves.
pub(super) fn hidden_to(caller: &Caller) -> Hidden {
    match caller {
        Caller::Application(application) if application.scopes.contains(&Scope::Moderate) => {
            Hidden::All
        }
        Caller::Application(_) => Hidden::None,
        Caller::User(bearer) => Hidden::Of(bearer.claims.sub.clone()),
    }
}

/// Those of them whom the caller is to know of.
pub(super) fn told_of(caller: &Caller, mut members: Vec<Member>) -> Vec<Member> {
    let hidden = hidden_to(caller);
    members.retain(|member| !member.hidden || hidden.is_told_of(&member.user_id));
    members
}

/// Gives one call, whether it goes on or is over.
#[utoipa::path(
    tag = "calls",
    params(("call_id" = CallId, Path, description = "Which call.")),
    responses(
        (status = 200, description = "The call.", body = Call),
        Access, Missing, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[get("/{call_id:call_[^/]*}")]
pub(super) async fn get_call(
    caller: Caller,
    app: web::Data<App>,
    call_id: web::Path<CallId>,
) -> Result<HttpResponse, Problem> {
    let call = readable(&caller, &app, &call_id).await?;
    Ok(HttpResponse::Ok().json(call))
}

/// A call that the caller may read: the application any, a user their own.
pub(super) async fn readable(
    caller: &Caller,
    app: &App,
    call_id: &CallId,
) -> Result<Call, Problem> {
    let call = find(app, call_id)
        .await?
        .ok_or(Problem::NotFound { what: "call" })?;
    if let Caller::User(bearer) = caller {
        let user = &bearer.claims.sub;
        let theirs = call.from.as_ref() == Some(user)
            || call.to.contains(user)
            || call
                .participants
                .iter()
                .any(|member| member.user_id == *user);
        if !theirs {
            return Err(Problem::Forbidden("the token's user is not in this call"));
        }
    }
    Ok(Call {
        participants: told_of(caller, call.participants),
        ..call
    })
}

/// A callee takes the call.
#[utoipa::path(
    tag = "calls",
    params(("call_id" = CallId, Path, description = "Which call.")),
    request_body(content = Option<ActingUser>, description = "Who answers; a user's own token says it too."),
    responses(
        (status = 200, description = "The call is active; `connection` is the callee's.", body = CallConnection),
        Access, Missing, BadBody, Conflict, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[post("/{call_id:call_[^/]*}/answer")]
pub(super) async fn answer(
    caller: Caller,
    app: web::Data<App>,
    request: HttpRequest,
    call_id: web::Path<CallId>,
    OptionalBody(acting): OptionalBody<ActingUser>,
) -> Result<HttpResponse, Problem> {
    let call_id = call_id.into_inner();
    let answer = Answer {
        call_id: call_id.clone(),
        user_id: caller.user(acting.user_id)?,
        display_name: acting.display_name,
    };
    let seated = app.ask(answer).await?;
    let seated = or_over(&app, &call_id, seated).await?;
    let connection = connections::of_seat(
        &app,
        &request,
        (&seated.seat, &seated.participant),
        seated.call.room_id.clone(),
        (&caller, None),
    );
    Ok(HttpResponse::Ok().json(CallConnection {
        call: seated.call,
        connection,
    }))
}

/// A callee declines; the call ends when the last one did.
#[utoipa::path(
    tag = "calls",
    params(("call_id" = CallId, Path, description = "Which call.")),
    request_body(content = Option<ActingUser>, description = "Who declines; a user's own token says it too."),
    responses(
        (status = 200, description = "The call as it stands now.", body = Call),
        Access, Missing, BadBody, Conflict, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[post("/{call_id:call_[^/]*}/reject")]
pub(super) async fn reject(
    caller: Caller,
    app: web::Data<App>,
    call_id: web::Path<CallId>,
    OptionalBody(acting): OptionalBody<ActingUser>,
) -> Result<HttpResponse, Problem> {
    let call_id = call_id.into_inner();
    let reject = Reject {
        call_id: call_id.clone(),
        user_id: caller.user(acting.user_id)?,
    };
    let call = app.ask(reject).await?;
    Ok(HttpResponse::Ok().json(or_over(&app, &call_id, call).await?))
}

/// The caller gives up before anyone answered.
#[utoipa::path(
    tag = "calls",
    params(("call_id" = CallId, Path, description = "Which call.")),
    request_body(content = Option<ActingUser>, description = "Who gives up; a user's own token says it too."),
    responses(
        (status = 200, description = "The call, over.", body = Call),
        Access, Missing, BadBody, Conflict, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[post("/{call_id:call_[^/]*}/cancel")]
pub(super) async fn cancel(
    caller: Caller,
    app: web::Data<App>,
    call_id: web::Path<CallId>,
    OptionalBody(acting): OptionalBody<ActingUser>,
) -> Result<HttpResponse, Problem> {
    let call_id = call_id.into_inner();
    let cancel = Cancel {
        call_id: call_id.clone(),
        user_id: caller.user(acting.user_id)?,
    };
    let call = app.ask(cancel).await?;
    Ok(HttpResponse::Ok().json(or_over(&app, &call_id, call).await?))
}

/// Ends a call for everybody; ending twice changes nothing.
#[utoipa::path(
    tag = "calls",
    params(("call_id" = CallId, Path, description = "Which call.")),
    request_body(content = Option<ActingUser>, description = "Who ends it; a user's own token says it too."),
    responses(
        (status = 200, description = "The call, over.", body = Call),
        Access, Missing, BadBody, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[post("/{call_id:call_[^/]*}/end")]
pub(super) async fn end(
    caller: Caller,
    app: web::Data<App>,
    call_id: web::Path<CallId>,
    OptionalBody(acting): OptionalBody<ActingUser>,
) -> Result<HttpResponse, Problem> {
    let call_id = call_id.into_inner();
    let end = End {
        call_id: call_id.clone(),
        by: caller.user(acting.user_id)?,
    };
    let call = match app.ask(end).await? {
        Err(VerbRefused::NotFound) => over(&app, &call_id).await?,
        ended => ended?,
    };
    Ok(HttpResponse::Ok().json(call))
}

/// What the types cannot say about a new call.
fn check(asked: &InitiateCall, from: &UserId) -> Result<(), Problem> {
    let refuse = |pointer: &str, detail: String| {
        let summary = "the body has a bad field";
        Err(invalid(
            &kinds::INVALID_BODY,
            summary,
            pointer.to_owned(),
            detail,
        ))
    };
    if !(1..=MAX_CALLEES).contains(&asked.to.len()) {
        return refuse("/to", format!("must name 1 to {MAX_CALLEES} users"));
    }
    if asked.to.iter().all(|callee| callee == from) {
        let detail = format!("must name somebody else than {from}, who is calling");
        return refuse("/to", detail);
    }
    let size = asked.metadata.as_ref().map_or(0, |metadata| {
        serde_json::to_string(metadata).map_or(usize::MAX, |json| json.len())
    });
    if size > MAX_METADATA {
        return refuse(
            "/metadata",
            format!("is {size} bytes as JSON (at most {MAX_METADATA})"),
        );
    }
    Ok(())
}

/// Who rings where nobody is named.
fn nobody() -> UserId {
    "caller".parse().expect("it is a user id")
}

/// A call, from its actor while it lives, else from the store.
pub(super) async fn find(app: &App, call_id: &CallId) -> Result<Option<Call>, Problem> {
    match app.ask(CallSnapshot(call_id.clone())).await? {
        Some(call) => Ok(Some(call)),
        None => Ok(app.store.call(call_id, app.clock.now()).await?),
    }
}

/// A call that lives no more.
async fn over(app: &App, call_id: &CallId) -> Result<Call, Problem> {
    let call = app.store.call(call_id, app.clock.now()).await?;
    call.ok_or(Problem::NotFound { what: "call" })
}

/// What was asked of a live call. Where no such call lives, one that is over is told from one that never was.
pub(super) async fn or_over<T, R: Into<Problem>>(
    app: &App,
    call_id: &CallId,
    outcome: Result<T, R>,
) -> Result<T, Problem> {
    let problem = match outcome {
        Ok(done) => return Ok(done),
        Err(refused) => refused.into(),
    };
    if problem.kind().code == kinds::NOT_FOUND.code {
        over(app, call_id).await?;
        return Err(Problem::CallEnded);
    }
    Err(problem)
}

/// Whether this presence is host or moderator now; what its token says may be of earlier.
pub(super) async fn moderates(
    app: &App,
    call_id: &CallId,
    by: &ParticipantId,
) -> Result<bool, Problem> {
    let call = find(app, call_id).await?;
    let members = call.map(|call| call.participants).unwrap_or_default();
    let found = |one: &&Member| one.participant_id.as_ref() == Some(by);
    Ok(members
        .iter()
        .find(found)
        .is_some_and(|one| one.role.moderates()))
}
