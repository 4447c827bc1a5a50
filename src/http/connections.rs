//! `/api/v1/calls/connections`: a user's own socket; and the connection that every seat comes with.

use std::time::Duration;

use actix_web::{HttpRequest, HttpResponse, post, web};
use calls_actors::calls::{FindParticipant, Found, Seat};
use calls_actors::participant::ClientRequest;
use calls_model::rest::{Connection, OpenConnection};
use calls_model::signal::{Empty, Request};
use calls_model::{Permission, RoomId};
use tracing::warn;

use super::extract::Body;
use super::origin;
use super::problem::Problem;
use super::problem::documented::{Access, BadBody};
use crate::app::App;
use crate::auth::tokens::Place;
use crate::auth::{Caller, Issuer};

/// How often it is noticed that a presence is over, and nobody has to be put out any more.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

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

/// How the client of this seat connects.
pub(super) fn of_seat(
    app: &App,
    request: &HttpRequest,
    seat: &Seat,
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
    put_out_with_key(request, seat, caller.issuer().clone());
    let token = app
        .tokens
        .join(seat.user_id.clone(), place, caller.issuer().clone());
    app.connection(token, &seat.user_id, origin::ws_url(request, app))
}

/// Takes a seat away when the key behind it is revoked. A socket does that by itself; a presence whose client never came
/// would keep its place until somebody noticed.
fn put_out_with_key(request: &HttpRequest, seat: &Seat, issuer: Issuer) {
    let app = request.app_data::<web::Data<App>>().cloned();
    let (Some(app), Some(_)) = (app, &issuer.key) else {
        return;
    };
    let find = FindParticipant {
        call_id: seat.call_id.clone(),
        participant_id: seat.participant_id.clone(),
    };
    let mut revoked = app.revoked.follow();
    actix::spawn(async move {
        // Once, and now: it cannot have crashed yet, and asked for a presence that has, its call brings it back.
        let participant = match app.ask(find).await {
            Ok(Some(Found { participant, .. })) => participant,
            Ok(None) => return,
            Err(error) => {
                return warn!(%error, "a seat outlives its key until its client comes: {error}");
            }
        };
        while participant.connected() {
            if app.revoked.has(&issuer) {
                let request = Request::Leave(Empty {});
                return participant.do_send(ClientRequest { request });
            }
            let _ = tokio::time::timeout(LOOK_AGAIN, revoked.changed()).await; // either way it looks again
        }
    });
}
