//! `/api/v1/calls/connections`: a user's own socket; and the connection that every seat comes with.

use std::time::Duration;

use actix::Addr;
use actix_web::{HttpRequest, HttpResponse, post, web};
use calls_actors::calls::Seat;
use calls_actors::participant::{ClientRequest, Participant};
use calls_model::rest::{Connection, OpenConnection};
use calls_model::signal::{Empty, Request};
use calls_model::{Permission, RoomId};

use super::extract::Body;
use super::origin;
use super::problem::Problem;
use super::problem::documented::{Access, BadBody};
use crate::app::App;
use crate::auth::tokens::Place;
use crate::auth::{Caller, Issuer};

/// A socket ends by itself, and tells its client why; a presence that left before could only say that it did.
const SOCKETS_FIRST: Duration = Duration::from_millis(250);

/// Opens a user's own socket, on which calls ring.
#[utoipa::path(
    tag = "connections",
    request_body = OpenConnection,
    responses(
        (status = 201, description = "Connect with it and say `hello`.", body = Connection),
        Access, BadBody,
    ),
    security(("bearer" = [])),
)]
#[post("/connections")]
pub(super) async fn open_connection(
    caller: Caller,
    app: web::Data<App>,
    request: HttpRequest,
    Body(asked): Body<OpenConnection>,
) -> Result<HttpResponse, Problem> {
    caller.application()?;
    let token = app
        .tokens
        .user(asked.user_id.clone(), caller.issuer().clone());
    let ws_url = origin::ws_url(&request, &app);
    Ok(HttpResponse::Created().json(app.connection(token, &asked.user_id, ws_url)))
}

/// How the client of this seat, which that actor serves, connects.
pub(super) fn of_seat(
    app: &App,
    request: &HttpRequest,
    (seat, actor): (&Seat, &Addr<Participant>),
    room: Option<RoomId>,
    (caller, only): (&Caller, Option<Vec<Permission>>),
) -> Connection {
    let place = Place {
        room,
        call: seat.call_id.clone(),
        part: seat.participant_id.clone(),
        role: seat.role,
        only: only.or_else(|| caller.place()?.only.clone()), // no token makes one that may more
    };
    put_out_with_key(request, actor.clone(), caller.issuer().clone());
    let token = app
        .tokens
        .join(seat.user_id.clone(), place, caller.issuer().clone());
    app.connection(token, &seat.user_id, origin::ws_url(request, app))
}

/// Takes a presence away when the key behind it is revoked: its client may never have come, and nobody else would notice
/// for a while. Nobody is asked for the presence: who looks for one that crashed makes a new one.
fn put_out_with_key(request: &HttpRequest, actor: Addr<Participant>, issuer: Issuer) {
    let app = request.app_data::<web::Data<App>>().cloned();
    let (Some(app), Some(_)) = (app, &issuer.key) else {
        return;
    };
    actix::spawn(async move {
        if app.revoked.reaches(&issuer, || actor.connected()).await {
            tokio::time::sleep(SOCKETS_FIRST).await;
            let request = Request::Leave(Empty {});
            actor.do_send(ClientRequest { request });
        }
    });
}
