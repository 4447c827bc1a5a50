//! `/api/v1/calls/ice-servers`: STUN and TURN for clients.

use actix_web::{HttpResponse, get, web};
use calls_model::UserId;
use calls_model::rest::IceServers;

use super::problem::Problem;
use super::problem::documented::Access;
use crate::app::App;
use crate::auth::Caller;

/// STUN and TURN servers, with credentials that last a while.
#[utoipa::path(
    tag = "connections",
    responses(
        (status = 200, description = "As `RTCConfiguration.iceServers` takes them.", body = IceServers),
        Access,
    ),
    security(("bearer" = [])),
)]
#[get("/ice-servers")]
pub(super) async fn ice_servers(
    caller: Caller,
    app: web::Data<App>,
) -> Result<HttpResponse, Problem> {
    let user = match caller {
        Caller::User(bearer) => bearer.claims.sub,
        // An application asks for many people, who are not to share one quota of TURN.
        Caller::Application(_) => format!("application-{:08x}", rand::random::<u32>())
            .parse::<UserId>()
            .map_err(|_| Problem::Internal)?,
    };
    Ok(HttpResponse::Ok().json(IceServers {
        ice_servers: app.ice_servers(&user),
    }))
}
