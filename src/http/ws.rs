//! `/api/v1/calls/ws`: where the signaling socket begins.

use actix_web::body::MessageBody;
use actix_web::http::header::{self, HeaderMap, SEC_WEBSOCKET_PROTOCOL, UPGRADE};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, get, web};
use actix_web_actors::ws::WsResponseBuilder;
use calls_model::signal::{MAX_FRAME, SUBPROTOCOL};
use metrics::counter;

use super::envelope::request_id;
use super::origin;
use super::problem::documented::Handshake;
use super::problem::{Problem, kinds};
use crate::app::App;
use crate::signaling::{Guard, Portions, Session};
use crate::telemetry::names::LIMITS_HIT;

/// Opens the signaling WebSocket, subprotocol `calls.v1`; its first frame must be `hello` with a token.
#[utoipa::path(
    tag = "connections",
    responses(
        (status = 101, description = "Frames as in `/api/v1/calls/asyncapi.json` from here on."),
        Handshake,
    ),
)]
#[get("/ws")]
pub(super) async fn signaling(
    app: web::Data<App>,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    if !asks_for_websocket(request.headers()) {
        return Err(Problem::UpgradeRequired);
    }
    if app.draining() {
        return Err(Problem::Draining);
    }
    let from = origin::address(&request, &app);
    let Some(taken) = app.limits.sockets.take(from) else {
        counter!(LIMITS_HIT, "limit" => "sockets").increment(1);
        return Err(Problem::TooManySockets {
            most: app.limits.sockets.most(),
        });
    };
    if !speaks_ours(request.headers()) {
        return Err(Problem::Invalid {
            kind: &kinds::UNSUPPORTED_SUBPROTOCOL,
            detail: format!("Sec-WebSocket-Protocol must offer {SUBPROTOCOL}"),
            errors: Vec::new(),
        });
    }
    let body = Guard::new(body);
    let id = request_id(request.extensions().get());
    let session = Session::new(app, id, taken, body.overrun());
    WsResponseBuilder::new(session, &request, body)
        .protocols(&[SUBPROTOCOL])
        .frame_size(MAX_FRAME)
        .start()
        .map(|response| response.map_body(|_, frames| Portions::new(frames).boxed()))
        .map_err(|error| Problem::Invalid {
            kind: &kinds::MALFORMED_REQUEST,
            detail: format!("not a WebSocket handshake: {error}"),
            errors: Vec::new(),
        })
}

fn asks_for_websocket(headers: &HeaderMap) -> bool {
    let upgrade = headers
        .get(UPGRADE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let connection = headers
        .get(header::CONNECTION)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let has = |list: &str, word: &str| {
        list.split(',')
            .any(|entry| entry.trim().eq_ignore_ascii_case(word))
    };
    has(upgrade, "websocket") && has(connection, "upgrade")
}

fn speaks_ours(headers: &HeaderMap) -> bool {
    headers
        .get_all(SEC_WEBSOCKET_PROTOCOL)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .any(|protocol| protocol.trim() == SUBPROTOCOL)
}
