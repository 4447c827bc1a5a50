//! `POST /api/v1/calls/testing/crash`: makes an actor panic. Only in builds with the feature `testing`, and in no
//! OpenAPI document.

use actix_web::{HttpResponse, post, web};
use calls_actors::testing::{CrashActor, Victim};
use calls_model::{CallId, ParticipantId};
use serde::Deserialize;

use super::extract::Body;
use super::problem::Problem;
use crate::app::App;

/// Whom to crash: a participant, or, where none is named, the room; or all calls' registry; or the handler itself.
#[derive(Debug, Deserialize)]
struct Crash {
    call_id: CallId,
    #[serde(default)]
    participant_id: Option<ParticipantId>,
    #[serde(default)]
    registry: bool,
    #[serde(default)]
    handler: bool,
}

#[post("/api/v1/calls/testing/crash")]
pub(super) async fn crash(
    app: web::Data<App>,
    Body(Crash {
        call_id,
        participant_id,
        registry,
        handler,
    }): Body<Crash>,
) -> Result<HttpResponse, Problem> {
    assert!(!handler, "it was asked to");
    let victim = match participant_id {
        _ if registry => Victim::Registry,
        None => Victim::Room,
        Some(id) => Victim::Participant(id),
    };
    if app.ask(CrashActor { call_id, victim }).await? {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(Problem::NotFound { what: "victim" })
    }
}
