//! One span and one count per request. No addresses, tokens or bodies.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::{Error, HttpMessage};
use calls_model::{CallId, RoomId};
use metrics::{counter, histogram};
use opentelemetry::propagation::Extractor;
use opentelemetry::{Context, global};
use tracing::field::{Empty, display};
use tracing::{Span, info_span};
use tracing_actix_web::{RequestId, RootSpanBuilder};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use super::names::{REQUEST_SECONDS, REQUESTS};
use crate::http::envelope::request_id;

/// When a request came in.
#[derive(Clone, Copy)]
struct Began(Instant);

/// Makes the span that a request's log lines stand in.
pub(crate) struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let id = request_id(request.extensions().get::<RequestId>());
        request.extensions_mut().insert(Began(Instant::now()));
        let span = info_span!(
            "request",
            request.id = %id,
            call.id = Empty,
            room.id = Empty,
            http.method = method(request.method()),
            http.route = %route(request.match_pattern()),
            http.status = Empty,
        );
        let (call, room) = subjects(request.path());
        if let Some(call) = call {
            span.record("call.id", display(call));
        }
        if let Some(room) = room {
            span.record("room.id", display(room));
        }
        if let Some(caller) = caller(request.headers()) {
            // Without a collector there is nobody to tell, and that is no error.
            let _ = span.set_parent(caller);
        }
        span
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        let Ok(response) = outcome else { return };
        let request = response.request();
        let (status, route) = (response.status().as_u16(), route(request.match_pattern()));
        let labels = [
            ("method", method(request.method()).to_owned()),
            ("route", route.clone()),
            ("status", status.to_string()),
        ];
        counter!(REQUESTS, &labels).increment(1);
        if let Some(Began(began)) = request.extensions().get() {
            histogram!(REQUEST_SECONDS, "route" => route).record(began.elapsed());
        }
        span.record("http.status", i64::from(status));
        span.in_scope(|| tracing::debug!(http.status = status, "answered with {status}"));
    }
}

/// The call and the room that a path names, if they are ids as we give them; anything else that somebody writes there is
/// not logged.
fn subjects(path: &str) -> (Option<CallId>, Option<RoomId>) {
    let ours = |word: &&str| {
        let tail = word.split_once('_').map_or("", |(_, tail)| tail);
        tail.len() == 32 && tail.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let words = || path.split('/').filter(ours);
    (
        words().find_map(|word| word.parse().ok()),
        words().find_map(|word| word.parse().ok()),
    )
}

/// The trace that this request is a part of (W3C Trace Context).
fn caller(headers: &HeaderMap) -> Option<Context> {
    struct Headers<'a>(&'a HeaderMap);
    impl Extractor for Headers<'_> {
        fn get(&self, key: &str) -> Option<&str> {
            self.0.get(key)?.to_str().ok()
        }
        fn keys(&self) -> Vec<&str> {
            self.0.keys().map(HeaderName::as_str).collect()
        }
    }
    headers.get("traceparent")?;
    Some(global::get_text_map_propagator(|propagator| {
        propagator.extract(&Headers(headers))
    }))
}

/// The method, if it is a standard one. Clients can make up as many others as they like; numbers keep them as one.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => "other",
    }
}

/// The path with its variables' names still in it; paths that we do not know share one word.
fn route(pattern: Option<String>) -> String {
    pattern.map_or_else(|| "other".to_owned(), |pattern| template(&pattern))
}

/// `/{call_id:call_[^/]*}/end` without what a variable has to look like: `/{call_id}/end`.
fn template(pattern: &str) -> String {
    let mut clean = String::with_capacity(pattern.len());
    let (mut depth, mut named) = (0_u32, true);
    for letter in pattern.chars() {
        match letter {
            '{' => depth += 1,
            ':' if depth == 1 => named = false,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        named |= depth == 0;
        if named {
            clean.push(letter);
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_labelled_without_the_patterns_of_its_variables() {
        assert_eq!(
            template("/calls/{call_id:call_[^/]{1,9}}/participants/{participant_id}"),
            "/calls/{call_id}/participants/{participant_id}"
        );
        assert_eq!(template("/docs/{file:.*}"), "/docs/{file}");
        assert_eq!(route(None), "other");
    }

    #[test]
    fn what_is_no_id_is_not_logged_as_one() {
        let call = "call_01890a5dac96774bbcceb302099a8057";
        let (found, room) = subjects(&format!("/api/v1/calls/{call}/end"));
        assert_eq!(found.map(|id| id.to_string()).as_deref(), Some(call));
        assert_eq!(room, None);
        assert_eq!(
            subjects("/api/v1/calls/call_password/rooms/room_secret"),
            (None, None)
        );
    }

    #[test]
    fn made_up_methods_are_counted_as_one() {
        let made_up: Method = "BREW".parse().unwrap();
        assert_eq!((method(&made_up), method(&Method::PUT)), ("other", "PUT"));
    }
}
