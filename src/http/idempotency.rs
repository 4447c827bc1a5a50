//! `Idempotency-Key`: a POST that is sent again does nothing again, and gives the first reply
//! (draft-ietf-httpapi-idempotency-key-header).
//!
//! Goes around every handler, inside the envelope. A request with a key runs to its end even if its client hangs up:
//! that is when clients ask again. Of its body no more is held here than a handler of JSON or SDP would hold; a file goes
//! past, to a handler that asks first who sends it.
//!
//! The claim is in the database before the handler begins. What was cut off after that (the server died, or lost its
//! database, or the handler panicked) is not done a second time: whoever asks again is told that nobody knows how far it came.

mod digest;
mod names;
mod reply;
mod seal;

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName, LOCATION};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, rt};
use calls_model::Timestamp;
use futures_util::FutureExt;
use sha2::{Digest, Sha256};
use tracing::warn;

use super::envelope::request_id;
use super::extract::{MAX_OFFER, read};
use super::files;
use super::problem::Problem;
use super::routes::{BASE, path};
use crate::app::App;
use crate::auth::Caller;
use crate::auth::caller::peek;
use crate::store::{Claim, Cutoffs, Keyed, Outcome, Running};
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
            let again = || reply::again(&reply, &seal, (&app.tokens, &app.revoked));
            return Ok(match same.and_then(|()| again()) {
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
        let response = match AssertUnwindSafe(work).catch_unwind().await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                ended(app, asked, running, Outcome::Nothing).await;
                return Err(error);
            }
            Err(_) => {
                ended(app, asked, running, Outcome::Unknown).await; // the panic said more in the log
                return Err(Problem::Internal.into());
            }
        };
        let (response, mut reply) = reply::whole(response, &id).await;
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
        let outcome = reply.map_or(Outcome::Nothing, |reply| {
            Outcome::Reply(reply::sealed(&reply, &seal))
        });
        ended(app, asked, running, outcome).await;
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

/// Keeps how it ended before anybody hears of it. Where the database is away, nobody waits for that; it is tried for two
/// minutes.
async fn ended(app: Data<App>, asked: Keyed, running: Running, outcome: Outcome) {
    if keep(&app, &asked, running, &outcome).await {
        return;
    }
    rt::spawn(async move {
        for tried in 0..TRIES {
            rt::time::sleep(PAUSE * 2_u32.pow(tried)).await;
            if keep(&app, &asked, running, &outcome).await {
                return;
            }
        }
    });
}

/// Whether there is nothing more to do.
async fn keep(app: &App, asked: &Keyed, running: Running, outcome: &Outcome) -> bool {
    let kept = app
        .store
        .end_claim(asked.clone(), running, outcome.clone())
        .await;
    match kept {
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
    use actix_web::http::header::HeaderValue;

    use super::*;

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
