//! `Idempotency-Key`: a POST that is sent again does nothing again, and gives the first reply
//! (draft-ietf-httpapi-idempotency-key-header).
//!
//! Goes around every handler, inside the envelope. A request with a key runs to its end even if its client hangs up:
//! that is when clients ask again. Of its body no more is held here than a handler of JSON or SDP would hold; a file goes
//! past, to a handler that asks first who sends it.
//!
//! The claim is in the database before the handler begins. What was cut off after that (the server died, or lost its
//! database) is not done a second time: whoever asks again is told that nobody knows how far it came.

mod digest;
mod names;
mod seal;

use std::collections::BTreeSet;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody, to_bytes};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, LOCATION};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, HttpResponse, rt};
use calls_model::Timestamp;
use sha2::{Digest, Sha256};
use tracing::warn;

use super::envelope::{self, request_id};
use super::extract::{MAX_OFFER, read};
use super::files;
use super::problem::Problem;
use super::routes::{BASE, path};
use crate::app::App;
use crate::auth::Caller;
use crate::auth::caller::peek;
use crate::store::{Claim, Cutoffs, Keyed, Reply, Running};
use digest::Passing;
use seal::Seal;

/// What a client names its request by.
pub(super) const KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Says that a reply is the first one, again.
pub(super) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// Longest key that is taken.
pub(super) const MAX_KEY: usize = 255;

/// How long a reply is kept.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Longer than any handler takes: whoever asks again after that is told to wait no more.
const RUNS: Duration = Duration::from_secs(2 * 60);

/// The same for a file, which may come slowly.
const FILE_RUNS: Duration = files::FILE_WITHIN.saturating_add(RUNS);

/// How often it is tried again to keep a reply that the database did not take; each pause is twice the one before.
const TRIES: u32 = 8;

/// The first pause.
const PAUSE: Duration = Duration::from_millis(500);

/// How often old replies are looked for.
const SWEEP: Duration = Duration::from_secs(60 * 60);

/// Goes around every handler.
pub(crate) async fn idempotency(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let keyed = request.method() == Method::POST
        && path(request.request()).starts_with(BASE)
        && request.headers().contains_key(KEY);
    let app = request.app_data::<Data<App>>().filter(|_| keyed).cloned();
    let Some(app) = app else {
        return next.call(request).await.map(boxed);
    };
    // Credentials first: what was kept is for nobody whose key was revoked. The handler refuses them in its own words.
    let Some(caller) = peek(&app, request.request()).await else {
        return next.call(request).await.map(boxed);
    };
    let file = files::is_shared_by(request.request());
    let (asked, key) = match keyed_request(&mut request, &caller, file).await {
        Ok(asked) => asked,
        Err(refused) => return Ok(refuse(request, refused)),
    };
    let seal = Seal::of(&key, &asked.caller);
    let running = match claim(&app, &asked).await {
        Ok(Claim::First(running)) => running,
        Ok(Claim::Running) => return Ok(refuse(request, Problem::StillRunning)),
        Ok(Claim::Unknown) => return Ok(refuse(request, Problem::OutcomeUnknown)),
        Ok(Claim::Another) => return Ok(refuse(request, Problem::KeyReused)),
        Ok(Claim::Answered { reply, body_hash }) => {
            let same = match body_hash.filter(|_| file) {
                Some(hash) => same_file(&app, &mut request, &key, &hash).await,
                None => Ok(()),
            };
            return Ok(match same.and_then(|()| replay(&reply, &seal)) {
                Ok(again) => request.into_response(again),
                Err(refused) => refuse(request, refused),
            });
        }
        Err(refused) => return Ok(refuse(request, refused)),
    };
    let passing = file.then(|| Passing::of(&mut request, &key));
    let id = request_id(request.extensions().get());
    let work = next.call(request); // it needs the request to itself, so nothing of it is kept here
    let done = rt::spawn(async move {
        let response = match work.await {
            Ok(response) => response,
            Err(error) => {
                answered(app, asked, running, None).await;
                return Err(error);
            }
        };
        let (response, mut reply) = whole(response, &id).await;
        let mut asked = asked;
        if let Some(passing) = passing {
            asked.body_hash = passing.hash();
            reply = reply.filter(|_| !passing.is_cut_short()); // another try may bring all of it
        }
        if let Some(reply) = &reply {
            let places = reply
                .headers
                .iter()
                .filter(|(name, _)| name == LOCATION.as_str());
            places.for_each(|(_, place)| names::of_path(place, &mut asked.names));
            names::of_body(&reply.body, &mut asked.names);
        }
        let reply = reply.map(|reply| sealed(&reply, &seal));
        answered(app, asked, running, reply).await;
        Ok(response)
    });
    done.await.unwrap_or_else(|_| Err(Problem::Internal.into()))
}

fn boxed(response: ServiceResponse<impl MessageBody + 'static>) -> ServiceResponse<BoxBody> {
    response.map_into_boxed_body()
}

fn refuse(request: ServiceRequest, problem: Problem) -> ServiceResponse<BoxBody> {
    request.error_response(problem)
}

/// Reads the body, and puts it back for the handler; not that of a file, which only goes past. Gives the key, too, of which
/// nothing but a hash is kept.
async fn keyed_request(
    request: &mut ServiceRequest,
    caller: &Caller,
    file: bool,
) -> Result<(Keyed, String), Problem> {
    let key = key(request.headers())?;
    let mut named = BTreeSet::new();
    let body_hash = if file {
        None
    } else {
        let body = read(&mut request.take_payload(), MAX_OFFER).await?;
        let mut hash = digest::begun(request, &key);
        hash.update(&body);
        names::of_people(&body, &mut named);
        request.set_payload(body.into());
        Some(hex::encode(hash.finalize()))
    };
    names::of_path(&request.uri().to_string(), &mut named);
    if let Caller::User(bearer) = caller {
        named.insert(bearer.claims.sub.to_string());
    }
    let identity = caller.identity();
    let asked = Keyed {
        caller: hex::encode(Sha256::digest(&identity)),
        org: caller.org().clone(),
        key: hex::encode(Sha256::digest(format!("{identity} {key}"))),
        request: format!("{} {}", request.method(), request.uri()),
        body_hash,
        names: named,
    };
    Ok((asked, key))
}

/// Whether what comes is the file that was answered; it is read past, and kept nowhere.
async fn same_file(
    app: &App,
    request: &mut ServiceRequest,
    key: &str,
    hash: &str,
) -> Result<(), Problem> {
    let passing = Passing::of(request, key);
    files::pass(request.take_payload(), app.files.most()).await?;
    if passing.hash().as_deref() == Some(hash) {
        Ok(())
    } else {
        Err(Problem::KeyReused)
    }
}

fn key(headers: &HeaderMap) -> Result<String, Problem> {
    let mut keys = headers.get_all(KEY);
    let (first, second) = (keys.next(), keys.next());
    let key = first
        .filter(|_| second.is_none())
        .and_then(|key| key.to_str().ok());
    let fits = |key: &&str| {
        (1..=MAX_KEY).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic())
    };
    key.filter(fits)
        .map(str::to_owned)
        .ok_or(Problem::BadKey { most: MAX_KEY })
}

async fn claim(app: &App, asked: &Keyed) -> Result<Claim, Problem> {
    let now = app.clock.now();
    Ok(app.store.claim(asked, now, cutoffs(now)).await?)
}

fn cutoffs(now: Timestamp) -> Cutoffs {
    let before = |age: Duration| {
        let millis = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(now.millis().saturating_sub(millis)).unwrap_or(now)
    };
    Cutoffs {
        kept: before(KEPT),
        running: before(RUNS),
        coming: before(FILE_RUNS),
    }
}

/// The response with all of its body at hand, and what of it is worth keeping.
async fn whole(
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

/// Keeps the reply before anybody hears it. Where the database is away, nobody waits for that; it is tried for two minutes.
async fn answered(app: Data<App>, asked: Keyed, running: Running, reply: Option<Reply>) {
    if keep(&app, &asked, running, reply.as_ref()).await {
        return;
    }
    rt::spawn(async move {
        for tried in 0..TRIES {
            rt::time::sleep(PAUSE * 2_u32.pow(tried)).await;
            if keep(&app, &asked, running, reply.as_ref()).await {
                return;
            }
        }
    });
}

/// Whether there is nothing more to do.
async fn keep(app: &App, asked: &Keyed, running: Running, reply: Option<&Reply>) -> bool {
    match app
        .store
        .answered(asked.clone(), running, reply.cloned())
        .await
    {
        Ok(true) => true,
        Ok(false) => {
            warn!("the claim of a request was erased while it ran; its reply is not kept");
            true
        }
        Err(error) => {
            warn!(%error, "a reply cannot be kept yet for who asks again: {error}");
            false
        }
    }
}

fn replay(reply: &Reply, seal: &Seal) -> Result<HttpResponse, Problem> {
    let reply = opened(reply, seal).ok_or(Problem::OutcomeUnknown)?;
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    let mut response = HttpResponse::build(status);
    for header in reply.headers {
        response.append_header(header);
    }
    Ok(response.insert_header((REPLAYED, "true")).body(reply.body))
}

/// Headers hold secrets too, such as the passwords of TURN in `Link`: they are sealed as a line of JSON before the body.
fn sealed(reply: &Reply, seal: &Seal) -> Reply {
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

/// Forgets old replies now and then, until the server goes down.
pub(crate) async fn sweep(app: Data<App>) {
    let mut stopping = app.stopping();
    let mut beat = rt::time::interval(SWEEP);
    loop {
        tokio::select! {
            _ = stopping.wait_for(|stopping| *stopping) => return,
            _ = beat.tick() => {}
        }
        let purged = app.store.purge_replies(cutoffs(app.clock.now()).kept).await;
        if let Err(error) = purged {
            warn!(%error, "old replies could not be purged: {error}");
        }
        super::audit::let_go_of_old(&app).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_try_could_change_is_not_kept() {
        let stable = [200, 201, 204, 400, 403, 404, 409, 413, 422];
        let passing = [401, 408, 429, 500, 503];
        let kept = |status: &u16| is_stable(StatusCode::from_u16(*status).unwrap());
        assert!(stable.iter().all(kept));
        assert!(!passing.iter().any(kept));
    }

    #[test]
    fn a_file_that_comes_as_slowly_as_it_may_is_still_claimed_when_it_is_answered() {
        let now = Timestamp::from_millis(1_700_000_000_000).unwrap();
        let cutoffs = cutoffs(now);
        assert_eq!(now.since(cutoffs.running), RUNS);
        assert!(now.since(cutoffs.coming) >= files::FILE_WITHIN + RUNS);
        assert!(now.since(cutoffs.kept) > now.since(cutoffs.coming));
    }

    #[test]
    fn a_key_is_short_and_can_be_read() {
        let of = |keys: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in keys {
                headers.append(KEY, HeaderValue::from_static(value));
            }
            key(&headers).ok()
        };
        let quoted = "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"";
        assert_eq!(of(&[quoted]).as_deref(), Some(quoted));
        let long: &'static str = "x".repeat(MAX_KEY + 1).leak();
        for bad in [&[""][..], &["a b"], &[long], &["a", "b"], &[]] {
            assert_eq!(of(bad), None, "{bad:?}");
        }
    }
}
