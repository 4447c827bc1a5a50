//! `/api/v1/calls/whep/{room_id}`: watch a room over plain HTTP (WHIP's twin for playback).

use actix_web::{HttpRequest, HttpResponse, delete, patch, post, web};
use calls_actors::participant::OfferSdp;
use calls_model::{ParticipantId, RoomId, UserId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::extract::{Query, Sdp, SdpFragment};
use super::offers::{self, Presence};
use super::problem::Problem;
use super::problem::documented::{Access, BadOffer, Changed, Conflict, Missing, Unavailable};
use crate::app::App;
use crate::auth::Caller;

/// Whom to watch.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct WatchWhom {
    /// This user; else whoever speaks.
    pub participant: Option<UserId>,
}

/// Watches a room: an SDP offer in, the answer out.
#[utoipa::path(
    tag = "whep",
    params(("room_id" = RoomId, Path, description = "Which room."), WatchWhom),
    request_body(content = String, content_type = "application/sdp", description = "The offer."),
    responses(
        (status = 201, description = "The answer.", body = String, content_type = "application/sdp", headers(
            ("Location" = String, description = "The session; DELETE it to stop."),
            ("ETag" = String, description = "The ICE session."),
            ("Link" = String, description = "STUN and TURN servers."),
        )),
        Access, Missing, BadOffer, Conflict, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[post("/whep/{room_id}")]
pub(super) async fn whep_offer(
    caller: Caller,
    app: web::Data<App>,
    room_id: web::Path<RoomId>,
    Query(whom): Query<WatchWhom>,
    Sdp(sdp): Sdp,
) -> Result<HttpResponse, Problem> {
    let room_id = room_id.into_inner();
    let publish = Vec::new();
    let presence = Presence::of(&app, &caller, &room_id, false).await?;
    let offer = OfferSdp {
        sdp,
        publish,
        watch: whom.participant,
    };
    presence.answer(&app, "whep", &room_id, Ok(offer)).await
}

/// Takes trickled candidates; the server learns addresses by itself and needs none.
#[utoipa::path(
    tag = "whep",
    params(
        ("room_id" = RoomId, Path, description = "Which room."),
        ("participant_id" = ParticipantId, Path, description = "Which session."),
    ),
    request_body(content = String, content_type = "application/trickle-ice-sdpfrag", description = "RFC 8840."),
    responses(
        (status = 204, description = "Taken."),
        Access, Missing, BadOffer, Changed, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[patch("/whep/{room_id}/{participant_id}")]
pub(super) async fn whep_trickle(
    caller: Caller,
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<(RoomId, ParticipantId)>,
    _fragment: SdpFragment,
) -> Result<HttpResponse, Problem> {
    let (room_id, participant_id) = path.into_inner();
    Presence::find(&app, &caller, &room_id, &participant_id).await?;
    offers::same_session(&request, &participant_id)?;
    Ok(HttpResponse::NoContent().finish())
}

/// Stops the session.
#[utoipa::path(
    tag = "whep",
    params(
        ("room_id" = RoomId, Path, description = "Which room."),
        ("participant_id" = ParticipantId, Path, description = "Which session."),
    ),
    responses(
        (status = 204, description = "It is over."),
        Access, Missing, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[delete("/whep/{room_id}/{participant_id}")]
pub(super) async fn whep_stop(
    caller: Caller,
    app: web::Data<App>,
    path: web::Path<(RoomId, ParticipantId)>,
) -> Result<HttpResponse, Problem> {
    let (room_id, participant_id) = path.into_inner();
    Presence::find(&app, &caller, &room_id, &participant_id)
        .await?
        .leave()
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
