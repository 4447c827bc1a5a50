//! `/api/v1/calls/{call_id}/quality`: how good the connections of a call are and were.

use actix_web::{HttpResponse, get, web};
use calls_model::rest::Page;
use calls_model::{CallId, ParticipantId, QualitySample};
use serde::Deserialize;
use utoipa::IntoParams;

use super::calls::{hidden_to, readable};
use super::extract::List;
use super::paging::Paging;
use super::problem::Problem;
use super::problem::documented::{Access, BadQuery, Missing, Unavailable};
use crate::app::App;
use crate::auth::Caller;
use crate::store::QualityOf;

/// Whose connection is wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct QualityFilter {
    /// Only that of this presence.
    pub(super) participant_id: Option<ParticipantId>,
}

/// Lists how good each connection was, five seconds at a time, the latest first.
///
/// A call that goes on is up to six seconds behind.
#[utoipa::path(
    tag = "calls",
    params(("call_id" = CallId, Path, description = "Which call."), QualityFilter, Paging),
    responses(
        (status = 200, description = "One page of samples.", body = Page<QualitySample>),
        Access, Missing, BadQuery, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[get("/{call_id:call_[^/]*}/quality")]
pub(super) async fn call_quality(
    caller: Caller,
    app: web::Data<App>,
    call_id: web::Path<CallId>,
    List(filter, paging): List<QualityFilter>,
) -> Result<HttpResponse, Problem> {
    readable(&caller, &app, &call_id).await?;
    let of = QualityOf {
        participant: filter.participant_id,
        hidden: hidden_to(&caller),
    };
    let page = app.store.quality(&call_id, &of, &paging.request()).await?;
    Ok(HttpResponse::Ok().json(page))
}
