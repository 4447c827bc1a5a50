//! `/api/v1/calls/{call_id}/participants/…`: what moderators do.

use actix_web::{HttpResponse, delete, patch, post, web};
use calls_actors::calls::{CallSnapshot, Moderate};
use calls_model::rest::{MutedAll, UpdateParticipant};
use calls_model::signal::Moderation;
use calls_model::{CallId, Member, ParticipantId};

use super::extract::Body;
use super::problem::Problem;
use super::problem::documented::{Access, BadBody, Conflict, Missing, Unavailable};
use crate::app::App;
use crate::auth::Caller;

/// Gives a role, mutes, or admits from the waiting room; moderators only.
#[utoipa::path(
    tag = "participants",
    params(
        ("call_id" = CallId, Path, description = "Which call."),
        ("participant_id" = ParticipantId, Path, description = "Whom."),
    ),
    request_body = UpdateParticipant,
    responses(
        (status = 200, description = "The participant as they are now.", body = Member),
        Access, Missing, BadBody, Conflict, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[patch("/{call_id:call_[^/]*}/participants/{participant_id}")]
pub(super) async fn update_participant(
    caller: Caller,
    app: web::Data<App>,
    path: web::Path<(CallId, ParticipantId)>,
    Body(asked): Body<UpdateParticipant>,
) -> Result<HttpResponse, Problem> {
    let (call_id, participant_id) = path.into_inner();
    let by = moderator(&caller, &call_id)?;
    let mut member = None;
    for action in actions(&asked, &participant_id) {
        let moderate = Moderate {
            call_id: call_id.clone(),
            by: by.clone(),
            action,
        };
        member = app.ask(moderate).await??.member.or(member);
    }
    match member {
        Some(member) => Ok(HttpResponse::Ok().json(member)),
        None => present(&app, &call_id, &participant_id).await,
    }
}

/// Puts somebody out, or does not let them in; moderators only.
#[utoipa::path(
    tag = "participants",
    params(
        ("call_id" = CallId, Path, description = "Which call."),
        ("participant_id" = ParticipantId, Path, description = "Whom."),
    ),
    responses(
        (status = 204, description = "They are out."),
        Access, Missing, Conflict, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[delete("/{call_id:call_[^/]*}/participants/{participant_id}")]
pub(super) async fn remove_participant(
    caller: Caller,
    app: web::Data<App>,
    path: web::Path<(CallId, ParticipantId)>,
) -> Result<HttpResponse, Problem> {
    let (call_id, participant_id) = path.into_inner();
    let by = moderator(&caller, &call_id)?;
    let action = Moderation::Remove { participant_id };
    app.ask(Moderate {
        call_id,
        by,
        action,
    })
    .await??;
    Ok(HttpResponse::NoContent().finish())
}

/// Mutes every microphone but moderators'; moderators only.
#[utoipa::path(
    tag = "participants",
    params(("call_id" = CallId, Path, description = "Which call.")),
    responses(
        (status = 200, description = "How many were muted by it.", body = MutedAll),
        Access, Missing, Conflict, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[post("/{call_id:call_[^/]*}/participants/mute-all")]
pub(super) async fn mute_all(
    caller: Caller,
    app: web::Data<App>,
    call_id: web::Path<CallId>,
) -> Result<HttpResponse, Problem> {
    let call_id = call_id.into_inner();
    let by = moderator(&caller, &call_id)?;
    let done = app
        .ask(Moderate {
            call_id,
            by,
            action: Moderation::MuteAll,
        })
        .await??;
    Ok(HttpResponse::Ok().json(MutedAll { muted: done.muted }))
}

/// In whose name it is done: the token's presence, or the application itself.
fn moderator(caller: &Caller, call_id: &CallId) -> Result<Option<ParticipantId>, Problem> {
    let found = caller.in_call(call_id)?;
    Ok(found.map(|found| found.participant_id.clone()))
}

/// Somebody to whom nothing was done, as they are.
async fn present(
    app: &App,
    call_id: &CallId,
    participant_id: &ParticipantId,
) -> Result<HttpResponse, Problem> {
    let call = app.ask(CallSnapshot(call_id.clone())).await?;
    let members = call.map(|call| call.participants).unwrap_or_default();
    let found = members
        .into_iter()
        .find(|m| m.participant_id.as_ref() == Some(participant_id));
    let member = found.ok_or(Problem::NotFound {
        what: "participant",
    })?;
    Ok(HttpResponse::Ok().json(member))
}

/// What is to be done, in an order that makes sense: let in, give the role, mute.
fn actions(asked: &UpdateParticipant, whom: &ParticipantId) -> Vec<Moderation> {
    let participant_id = || whom.clone();
    let admit = asked.admitted.map(|_| Moderation::Admit {
        participant_id: participant_id(),
    });
    let role = asked.role.map(|role| Moderation::Role {
        participant_id: participant_id(),
        role,
    });
    let mute = asked.muted.map(|_| Moderation::Mute {
        participant_id: participant_id(),
        source: None,
    });
    [admit, role, mute].into_iter().flatten().collect()
}
