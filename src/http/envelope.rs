//! What every reply has: a request id, the headers that guard a browser, and problems in one form.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, web};
use tracing_actix_web::RequestId;

use super::limits;
use super::problem::{Problem, kinds};
use crate::app::App;

/// Names the request in the server's log.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// A reply that is no page runs nothing, is framed by nobody, and sends nobody an address; pages say more themselves.
const GUARDS: [(HeaderName, HeaderValue); 3] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; media-src 'self'; frame-ancestors 'none'"),
    ),
    (
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    ),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), microphone=(), display-capture=()"),
    ),
];

/// Browsers come back by TLS only, for a year (RFC 6797).
const HSTS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Goes around every handler. Stands inside the logger, which makes the id.
pub(crate) async fn envelope(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = request_id(request.extensions().get());
    // A HEAD is a GET whose body is not sent (RFC 9110 §9.3.2); actix drops the body by itself.
    if request.method() == Method::HEAD {
        request.head_mut().method = Method::GET;
    }
    let secure = request.app_data::<web::Data<App>>().is_some_and(|app| {
        app.config.tls.on() || app.config.http.public_url.starts_with("https://")
    });
    // The router needs the request to itself, so nothing of it is kept. Handlers' errors come back as responses.
    let response = next.call(request).await?;
    let left = limits::told(response.headers()); // a problem takes the place of the response that has them
    let told = response.response().error().map(|error| problem(error, &id));
    let mut response = match told {
        Some(told) => response.into_response(told),
        None => response.map_into_boxed_body(),
    };
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    for (name, value) in left {
        headers.insert(name, value);
    }
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    for (name, value) in GUARDS {
        if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    }
    if secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    Ok(response)
}

/// The id that the logger gave to a request.
pub(crate) fn request_id(id: Option<&RequestId>) -> String {
    id.map(|id| format!("req_{}", id.as_simple()))
        .unwrap_or_default()
}

/// Refusals become problems that name the request; those of the framework are translated.
pub(super) fn problem(error: &Error, id: &str) -> HttpResponse {
    match error.as_error::<Problem>() {
        Some(problem) => problem.respond(id),
        None => translate(error).respond(id),
    }
}

fn translate(error: &Error) -> Problem {
    let status = error.as_response_error().status_code();
    if status == StatusCode::NOT_FOUND {
        Problem::NotFound { what: "path" }
    } else if status.is_client_error() {
        Problem::Invalid {
            kind: &kinds::MALFORMED_REQUEST,
            detail: error.to_string(),
            errors: Vec::new(),
        }
    } else {
        tracing::error!(%error, "a request failed: {error}");
        Problem::Internal
    }
}
