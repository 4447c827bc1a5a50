//! `/api/v1/calls/whip/{room_id}`: publish into a room over plain HTTP (RFC 9725).

use actix_web::{HttpRequest, HttpResponse, delete, patch, post, web};
use calls_actors::participant::OfferSdp;
use calls_media::peer::published_by;
use calls_model::{ParticipantId, Permission, RoomId};

use super::extract::{Sdp, SdpFragment};
use super::offers::{self, Presence};
use super::problem::Problem;
use super::problem::documented::{Access, BadOffer, Changed, Conflict, Missing, Unavailable};
use crate::app::App;
use crate::auth::{Caller, permissions};

/// Publishes into a room: an SDP offer in, the answer out.
#[utoipa::path(
    tag = "whip",
    params(("room_id" = RoomId, Path, description = "Which room.")),
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
#[post("/whip/{room_id}")]
pub(super) async fn whip_offer(
    caller: Caller,
    app: web::Data<App>,
    room_id: web::Path<RoomId>,
    Sdp(sdp): Sdp,
) -> Result<HttpResponse, Problem> {
    let room_id = room_id.into_inner();
    let presence = Presence::of(&app, &caller, &room_id, true).await?;
    let offer = published_by(&sdp).map(|publish| OfferSdp {
        sdp,
        publish,
        watch: None,
    });
    if let (Some(place), Ok(offer)) = (caller.place(), &offer) {
        permissions::may_publish(place, &offer.publish)?;
        if permissions::receives(&offer.sdp) {
            permissions::may(place, Permission::Subscribe)?;
        }
    }
    presence.answer(&app, "whip", &room_id, offer).await
}

/// Takes trickled candidates; the server learns addresses by itself and needs none.
#[utoipa::path(
    tag = "whip",
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
#[patch("/whip/{room_id}/{participant_id}")]
pub(super) async fn whip_trickle(
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
    tag = "whip",
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
#[delete("/whip/{room_id}/{participant_id}")]
pub(super) async fn whip_stop(
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
