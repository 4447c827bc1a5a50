//! `GET /api/v1/calls/recordings`: the recordings of all calls.

use actix_web::{HttpResponse, get, web};
use calls_model::rest::Page;
use calls_model::{Recording, RecordingMode, RecordingStatus, Timestamp};
use serde::Deserialize;
use utoipa::IntoParams;

use super::present;
use crate::app::App;
use crate::auth::Caller;
use crate::http::extract::List;
use crate::http::paging::Paging;
use crate::http::problem::Problem;
use crate::http::problem::documented::{Access, BadQuery, Unavailable};
use crate::store;

/// Which recordings are wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct RecordingFilter {
    /// Recordings that stand so.
    pub status: Option<RecordingStatus>,
    /// Recordings of this mode.
    pub mode: Option<RecordingMode>,
    /// Asked for at or after this moment.
    pub from: Option<Timestamp>,
    /// Asked for before this moment.
    pub to: Option<Timestamp>,
}

/// Lists the recordings of all calls, the latest first. For applications.
#[utoipa::path(
    tag = "recordings",
    params(RecordingFilter, Paging),
    responses(
        (status = 200, description = "One page of recordings.", body = Page<Recording>),
        Access, BadQuery, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[get("/recordings")]
pub(crate) async fn list_all_recordings(
    caller: Caller,
    app: web::Data<App>,
    List(filter, paging): List<RecordingFilter>,
) -> Result<HttpResponse, Problem> {
    caller.application()?;
    let filter = store::RecordingFilter {
        org_id: caller.org().clone(),
        status: filter.status,
        mode: filter.mode,
        from: filter.from,
        to: filter.to,
    };
    let mut page = app
        .store
        .recordings_of_all(&filter, &paging.request(), app.clock.now())
        .await?;
    for recording in &mut page.data {
        present(&app, recording);
    }
    Ok(HttpResponse::Ok().json(page))
}
