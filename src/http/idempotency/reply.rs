//! What is kept of a response, sealed, and given again to who asks again.

use actix_web::HttpResponse;
use actix_web::body::{BoxBody, MessageBody, to_bytes};
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, LOCATION};
use serde_json::Value;

use super::REPLAYED;
use super::seal::Seal;
use crate::auth::tokens::BadToken;
use crate::auth::{Revoked, Tokens};
use crate::http::envelope;
use crate::http::problem::Problem;
use crate::store::Reply;

/// The response with all of its body at hand, and what of it is worth keeping.
pub(super) async fn whole(
    response: ServiceResponse<impl MessageBody + 'static>,
    id: &str,
) -> (ServiceResponse<BoxBody>, Option<Reply>) {
    let told = response.response().error();
    let told = told.map(|error| envelope::problem(error, id));
    let response = match told {
        Some(told) => response.into_response(told),
        None => response.map_into_boxed_body(),
    };
    let secret = response
        .headers()
        .get(CACHE_CONTROL)
        .is_some_and(|told| told == "no-store");
    if !is_stable(response.status()) {
        return (response, None);
    }
    if secret {
        let told = shown_once(response.response(), id).await;
        return (response, told);
    }
    let (request, response) = response.into_parts();
    let (head, body) = response.into_parts();
    let Ok(body) = to_bytes(body).await else {
        let failed = HttpResponse::from_error(Problem::Internal);
        return (ServiceResponse::new(request, failed), None);
    };
    let reply = Reply {
        status: head.status().as_u16(),
        headers: texts(head.headers()),
        body: body.to_vec(),
    };
    let response = head.set_body(body).map_into_boxed_body();
    (ServiceResponse::new(request, response), Some(reply))
}

/// What is kept in the place of a reply whose secret is shown once and kept nowhere: that it was done, and where what was
/// made is.
async fn shown_once(first: &HttpResponse, id: &str) -> Option<Reply> {
    let mut told = Problem::ShownOnce.respond(id);
    if let Some(place) = first.headers().get(LOCATION) {
        told.headers_mut().insert(LOCATION, place.clone());
    }
    let (head, body) = told.into_parts();
    Some(Reply {
        status: head.status().as_u16(),
        headers: texts(head.headers()),
        body: to_bytes(body).await.ok()?.to_vec(),
    })
}

fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        Some((name.to_string(), value.to_str().ok()?.to_owned()))
    };
    headers.iter().filter_map(text).collect()
}

/// Asked again, it would be the same. Not so where we failed, where it came too slowly or too often, and where the
/// credentials did not do.
fn is_stable(status: StatusCode) -> bool {
    let passing = [
        StatusCode::UNAUTHORIZED,
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::TOO_MANY_REQUESTS,
    ];
    !status.is_server_error() && !passing.contains(&status)
}

/// The first reply again, unless what it opens is over.
pub(super) fn again(
    reply: &Reply,
    seal: &Seal,
    (tokens, revoked): (&Tokens, &Revoked),
) -> Result<HttpResponse, Problem> {
    let reply = opened(reply, seal).ok_or(Problem::OutcomeUnknown)?;
    let body = serde_json::from_slice(&reply.body).unwrap_or_default(); // SDP is no JSON, and has no token
    if has_dead_token(&body, tokens, revoked) {
        return Err(Problem::TokenEnded);
    }
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    let mut response = HttpResponse::build(status);
    for header in reply.headers {
        response.append_header(header);
    }
    Ok(response.insert_header((REPLAYED, "true")).body(reply.body))
}

/// Whether a token of ours stands in it whose time is over, or whose key was revoked since: the key's successor finds the
/// replies to its requests, but what that one made died with it.
fn has_dead_token(document: &Value, tokens: &Tokens, revoked: &Revoked) -> bool {
    let dead = |document| has_dead_token(document, tokens, revoked);
    match document {
        Value::String(text) => match tokens.read(text) {
            Ok(claims) => revoked.has(&claims.issuer),
            Err(bad) => bad == BadToken::Expired,
        },
        Value::Array(entries) => entries.iter().any(dead),
        Value::Object(keys) => keys.values().any(dead),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Headers hold secrets too, such as the passwords of TURN in `Link`: they are sealed as a line of JSON before the body.
pub(super) fn sealed(reply: &Reply, seal: &Seal) -> Reply {
    let headers = serde_json::to_vec(&reply.headers).expect("pairs of texts are JSON");
    Reply {
        status: reply.status,
        headers: Vec::new(),
        body: seal.close([&headers, b"\n".as_slice(), &reply.body].concat()),
    }
}

fn opened(reply: &Reply, seal: &Seal) -> Option<Reply> {
    let all = seal.open(&reply.body)?;
    let end = all.iter().position(|&byte| byte == b'\n')?;
    Some(Reply {
        status: reply.status,
        headers: serde_json::from_slice(&all[..end]).ok()?,
        body: all[end + 1..].to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jsonwebtoken::{Algorithm, EncodingKey, Header};
    use serde_json::json;

    use super::*;
    use crate::auth::Issuer;

    #[test]
    fn what_another_try_could_change_is_not_kept() {
        let stable = [200, 201, 204, 400, 403, 404, 409, 413, 422];
        let passing = [401, 408, 429, 500, 503];
        let kept = |status: &u16| is_stable(StatusCode::from_u16(*status).unwrap());
        assert!(stable.iter().all(kept));
        assert!(!passing.iter().any(kept));
    }

    #[test]
    fn a_token_is_dead_when_its_time_is_over_or_its_key_is_revoked() {
        let tokens = Tokens::new(b"secret", Duration::from_secs(60));
        let revoked = Revoked::new(vec!["calls_a".to_owned()]);
        let dead = |token: &str| {
            let reply = json!({ "call": [1], "connection": { "token": token } });
            has_dead_token(&reply, &tokens, &revoked)
        };
        let made_by = |key: &str| {
            let key = Some(key.to_owned());
            let issuer = Issuer {
                key,
                ..Issuer::default()
            };
            tokens.user("ann".parse().unwrap(), issuer)
        };
        assert!(dead(&made_by("calls_a")));
        assert!(!dead(&made_by("calls_b")));
        assert!(!dead("a.text.with dots"));
        let over = json!({ "sub": "ann", "grants": [], "jti": "tok_1", "iat": 1, "exp": 2 });
        let secret = EncodingKey::from_secret(b"secret");
        let over = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &over, &secret);
        assert!(dead(&over.unwrap()));
    }
}
