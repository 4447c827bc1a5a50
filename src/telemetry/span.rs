//! One span and one count per request. No addresses, tokens or bodies.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::{Error, HttpMessage};
use metrics::{counter, histogram};
use tracing::{Span, info_span};
use tracing_actix_web::{RequestId, RootSpanBuilder};

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
        info_span!(
            "request",
            request.id = %id,
            http.method = method(request.method()),
            http.route = %route(request.match_pattern()),
        )
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
        span.in_scope(|| tracing::debug!(http.status = status, "answered with {status}"));
    }
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
    fn made_up_methods_are_counted_as_one() {
        let made_up: Method = "BREW".parse().unwrap();
        assert_eq!((method(&made_up), method(&Method::PUT)), ("other", "PUT"));
    }
}
