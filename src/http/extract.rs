//! What handlers read from a request, parsed at the border: bodies, queries, ids in paths.

mod fault;

use std::future::{Ready, ready};
use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use futures_util::StreamExt;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterIn};

use super::paging::Paging;
use super::problem::{Problem, kinds};

pub(crate) use fault::{explain, invalid, without_position};

/// Most bytes of a JSON body.
pub(crate) const MAX_BODY: usize = 64 * 1024;

/// Most bytes of an offer that are read; those over [`calls_model::signal::MAX_FRAME`] are then refused by name.
pub(super) const MAX_OFFER: usize = 1024 * 1024;

/// A body must be here in whole by then: whoever sends it byte by byte holds a connection and a handler.
const BODY_WITHIN: Duration = Duration::from_secs(20);

type Extracting<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

/// A JSON body that must be there.
pub(super) struct Body<T>(pub(super) T);

/// A JSON body that may be left out.
pub(super) struct OptionalBody<T>(pub(super) T);

/// Query parameters. Those that nobody knows are ignored.
pub(super) struct Query<T>(pub(super) T);

/// Query parameters of a list: what narrows it, and which page of it. Those that nobody knows are refused: with a filter that is
/// misspelt it would be the list of everything.
pub(super) struct List<F>(pub(super) F, pub(super) Paging);

/// Narrows a list by nothing.
#[derive(Debug, Deserialize)]
pub(super) struct All {}

impl IntoParams for All {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        Vec::new()
    }
}

/// A body of `application/sdp`.
pub(super) struct Sdp(pub(super) String);

/// A body of `application/trickle-ice-sdpfrag` (RFC 8840).
pub(super) struct SdpFragment;

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let json = is_json(request);
        let body = read(payload, MAX_BODY);
        Box::pin(async move {
            let body = body.await?;
            if !json {
                return Err(Problem::UnsupportedMediaType {
                    wanted: "application/json",
                });
            }
            parse(&body).map(Self)
        })
    }
}

impl<T: DeserializeOwned + Default + 'static> FromRequest for OptionalBody<T> {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let json = is_json(request);
        let body = read(payload, MAX_BODY);
        Box::pin(async move {
            let body = body.await?;
            if body.is_empty() {
                return Ok(Self(T::default()));
            }
            if !json {
                return Err(Problem::UnsupportedMediaType {
                    wanted: "application/json",
                });
            }
            parse::<Option<T>>(&body).map(|body| Self(body.unwrap_or_default()))
        })
    }
}

impl<T: DeserializeOwned> FromRequest for Query<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(of_query(request).map(Self))
    }
}

impl<F: DeserializeOwned + IntoParams> FromRequest for List<F> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let all = || Some(ParameterIn::Query);
        let known = [F::into_params(all), Paging::into_params(all)].concat();
        let known: Vec<String> = known.into_iter().map(|one| one.name).collect();
        let query = request.query_string().as_bytes();
        let mut asked = form_urlencoded::parse(query).map(|(name, _)| name);
        let listed = match asked.find(|name| !known.iter().any(|one| one == name)) {
            Some(name) => Err(bad_parameter(
                format!("/{}", fault::escape(&name)),
                fault::unknown(&known.join(", ")),
            )),
            None => of_query(request).and_then(|filter| Ok(Self(filter, of_query(request)?))),
        };
        ready(listed)
    }
}

fn of_query<T: DeserializeOwned>(request: &HttpRequest) -> Result<T, Problem> {
    let pairs = form_urlencoded::parse(request.query_string().as_bytes());
    let pairs = serde_urlencoded::Deserializer::new(pairs);
    serde_path_to_error::deserialize(pairs).map_err(|error| {
        let (pointer, detail) = explain(error.path(), &error.inner().to_string());
        bad_parameter(pointer, detail)
    })
}

fn bad_parameter(pointer: String, detail: String) -> Problem {
    let summary = "the query has a bad parameter";
    invalid(&kinds::INVALID_QUERY, summary, pointer, detail)
}

impl FromRequest for Sdp {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let sdp = request
            .content_type()
            .eq_ignore_ascii_case("application/sdp");
        let body = read(payload, MAX_OFFER);
        Box::pin(async move {
            let body = body.await?;
            if !sdp {
                return Err(Problem::UnsupportedMediaType {
                    wanted: "application/sdp",
                });
            }
            String::from_utf8(body.into())
                .map(Self)
                .map_err(|_| Problem::Invalid {
                    kind: &kinds::SDP_INVALID,
                    detail: "the offer is not UTF-8".to_owned(),
                    errors: Vec::new(),
                })
        })
    }
}

impl FromRequest for SdpFragment {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let wanted = "application/trickle-ice-sdpfrag";
        let fragment = request.content_type().eq_ignore_ascii_case(wanted);
        let body = read(payload, MAX_BODY);
        Box::pin(async move {
            body.await?;
            if fragment {
                Ok(Self)
            } else {
                Err(Problem::UnsupportedMediaType { wanted })
            }
        })
    }
}

/// A path segment that is no id names nothing: 404, as for an id that nothing has.
pub(super) fn path_config() -> web::PathConfig {
    web::PathConfig::default().error_handler(|_, _| Problem::NotFound { what: "path" }.into())
}

fn is_json(request: &HttpRequest) -> bool {
    let media_type = request.content_type();
    media_type.eq_ignore_ascii_case("application/json")
        || (media_type.is_empty() && !request.headers().contains_key(header::CONTENT_TYPE))
}

/// Reads a body of at most `limit` bytes. A longer one is not read to its end, and a slow one not for ever.
pub(super) fn read(
    payload: &mut Payload,
    limit: usize,
) -> impl Future<Output = Result<Bytes, Problem>> + use<> {
    let mut payload = payload.take();
    let body = async move {
        let mut body = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| Problem::Invalid {
                kind: &kinds::MALFORMED_REQUEST,
                detail: "the body was cut short".to_owned(),
                errors: Vec::new(),
            })?;
            if body.len() + chunk.len() > limit {
                return Err(Problem::BodyTooLarge { limit });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    async move {
        let late = |_| Problem::BodyTooSlow {
            within: BODY_WITHIN,
        };
        tokio::time::timeout(BODY_WITHIN, body)
            .await
            .map_err(late)?
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let (pointer, detail) = explain(error.path(), &without_position(error.inner()));
        let error = error.into_inner();
        // A field can be bad before the end is seen to be no JSON, which is the greater fault.
        if error.is_data() {
            if let Err(error) = serde_json::from_slice::<IgnoredAny>(body) {
                return malformed(&error);
            }
            invalid(
                &kinds::INVALID_BODY,
                "the body has a bad field",
                pointer,
                detail,
            )
        } else {
            malformed(&error)
        }
    })?;
    json.end().map_err(|error| malformed(&error))?;
    Ok(value)
}

fn malformed(error: &serde_json::Error) -> Problem {
    Problem::Invalid {
        kind: &kinds::MALFORMED_JSON,
        detail: format!("the body is not JSON: {error}"),
        errors: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use calls_model::rest::{ActingUser, CreateRoom, InitiateCall};

    use super::*;

    fn refusal<T: DeserializeOwned>(body: &str) -> (&'static str, Vec<String>) {
        match parse::<T>(body.as_bytes()) {
            Err(Problem::Invalid { kind, errors, .. }) => {
                (kind.code, errors.into_iter().map(|e| e.pointer).collect())
            }
            Err(other) => panic!("{other}"),
            Ok(_) => panic!("was accepted: {body}"),
        }
    }

    #[test]
    fn a_bad_field_is_pointed_at() {
        let body = r#"{"name": "x", "settings": {"waiting_room": 1}}"#;
        assert_eq!(
            refusal::<CreateRoom>(body),
            ("invalid-body", vec!["/settings/waiting_room".into()])
        );
        let body = r#"{"type": "video", "to": ["ann", "b\u0000b"]}"#;
        assert_eq!(
            refusal::<InitiateCall>(body),
            ("invalid-body", vec!["/to/1".into()])
        );
    }

    #[test]
    fn a_field_that_is_missing_is_named() {
        assert_eq!(
            refusal::<CreateRoom>("{}"),
            ("invalid-body", vec!["/name".into()])
        );
        let Err(problem) = parse::<CreateRoom>(b"{}") else {
            panic!("accepted")
        };
        assert_eq!(
            problem.to_string(),
            "the body has a bad field at /name: is missing"
        );
    }

    #[actix_web::test]
    async fn a_body_that_does_not_come_is_not_waited_for_for_ever() {
        tokio::time::pause();
        let drop_by_drop = futures_util::stream::repeat(()).then(|()| async {
            tokio::time::sleep(BODY_WITHIN / 3).await;
            Ok(Bytes::from(" "))
        });
        let mut payload = Payload::Stream {
            payload: Box::pin(drop_by_drop) as Pin<Box<dyn futures_util::Stream<Item = _>>>,
        };
        let refused = read(&mut payload, MAX_BODY).await;
        assert!(
            matches!(refused, Err(Problem::BodyTooSlow { .. })),
            "{refused:?}"
        );
    }

    #[test]
    fn what_is_not_json_is_told_apart_from_bad_fields() {
        for body in ["{", "", "nul", "{} {}", "\u{1}"] {
            assert_eq!(refusal::<ActingUser>(body).0, "malformed-json", "{body:?}");
        }
        assert_eq!(refusal::<ActingUser>("[[1]]").0, "invalid-body");
    }

    #[test]
    fn no_sentence_names_a_line_of_the_body() {
        let Err(problem) = parse::<CreateRoom>(br#"{"name": 7}"#) else {
            panic!("accepted")
        };
        assert!(!problem.to_string().contains("line"), "{problem}");
    }
}
