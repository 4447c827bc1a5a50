//! How often the API may be asked: by one API key, from one address, into one room. Every answer says how much is left
//! (draft-ietf-httpapi-ratelimit-headers-10: `RateLimit-Policy`, `RateLimit`); who has used it up hears 429 with
//! `Retry-After`.

pub mod buckets;
mod sockets;

use std::net::{IpAddr, Ipv6Addr};
use std::time::Instant;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpRequest};
use metrics::counter;
use sha2::{Digest, Sha256};

use self::buckets::{Buckets, Left, Quota};
pub use self::sockets::{Sockets, Taken};
use super::origin;
use super::problem::Problem;
use super::routes::{BASE, path};
use crate::app::App;
use crate::auth::caller::{bearer, peek};
use crate::auth::keys;
use crate::config;
use crate::telemetry::names::LIMITS_HIT;

/// What each bucket is called in the headers and in the metric.
const KEY: &str = "key";
const ADDRESS: &str = "address";
const ROOM: &str = "joins";

/// The quotas that hold (draft §2.1).
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What is left of the one that is nearest to its end (draft §2.2).
const REMAINING: HeaderName = HeaderName::from_static("ratelimit");

/// What was asked how often.
pub struct Limits {
    keys: Buckets<[u8; 32]>,
    addresses: Buckets<IpAddr>,
    joins: Buckets<String>,
    /// Signaling sockets of each address.
    pub sockets: Sockets,
}

impl Limits {
    /// As configured.
    pub fn new(config: &config::Limits) -> Self {
        let quota = |per_second, burst| Quota { burst, per_second };
        Self {
            keys: Buckets::new(quota(
                config.requests_per_key,
                config.requests_per_key_burst,
            )),
            addresses: Buckets::new(quota(
                config.requests_per_address,
                config.requests_per_address_burst,
            )),
            joins: Buckets::new(quota(config.joins_per_room, config.joins_per_room_burst)),
            sockets: Sockets::new(config.sockets_per_address),
        }
    }

    /// What a request from this address counts for.
    fn of_address(&self, from: IpAddr, now: Instant) -> Option<Used> {
        let left = self.addresses.take(network(from), now)?;
        Some(Used {
            name: ADDRESS,
            quota: self.addresses.quota(),
            left,
        })
    }

    /// What a request counts for besides. Only credentials that are good count: nobody uses up what is others'.
    async fn of_caller(&self, app: &App, request: &HttpRequest, now: Instant) -> Vec<Used> {
        let bearer = bearer(request).ok().flatten();
        let key = bearer.filter(|bearer| bearer.starts_with(keys::PREFIX));
        let room = joined(request);
        if (key.is_none() && room.is_none()) || peek(app, request).await.is_none() {
            return Vec::new();
        }
        let mut used = Vec::new();
        let mut count = |name, quota, left: Option<Left>| {
            used.extend(left.map(|left| Used { name, quota, left }));
        };
        if let Some(key) = key {
            let left = self.keys.take(Sha256::digest(key).into(), now);
            count(KEY, self.keys.quota(), left);
        }
        if let Some(room) = room {
            let left = self.joins.take(room.to_owned(), now);
            count(ROOM, self.joins.quota(), left);
        }
        used
    }
}

/// One quota, and what is left of it.
#[derive(Debug, Clone, Copy)]
struct Used {
    name: &'static str,
    quota: Quota,
    left: Left,
}

/// Goes around every handler of the API.
pub(crate) async fn limit(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let app = request.app_data::<Data<App>>().cloned();
    let app = app.filter(|_| path(request.request()).starts_with(BASE));
    let Some(app) = app else {
        return next
            .call(request)
            .await
            .map(ServiceResponse::map_into_boxed_body);
    };
    let from = origin::address(request.request(), &app);
    let now = Instant::now();
    let mut used: Vec<Used> = app.limits.of_address(from, now).into_iter().collect();
    if used.iter().all(|used| used.left.granted) {
        let further = app.limits.of_caller(&app, request.request(), now);
        used.extend(further.await);
    }
    let refused = used.iter().find(|used| !used.left.granted).copied();
    let mut response = if let Some(refused) = refused {
        counter!(LIMITS_HIT, "limit" => refused.name).increment(1);
        request.error_response(Problem::TooManyRequests {
            limit: refused.name,
            wait: refused.left.reset,
        })
    } else {
        next.call(request).await?.map_into_boxed_body()
    };
    if let Some(nearest) = refused.or_else(|| nearest(&used)) {
        let headers = response.headers_mut();
        let mut tell = |name, text: String| {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(name, value);
            }
        };
        let policies: Vec<String> = used.iter().map(policy).collect();
        tell(POLICY, policies.join(", "));
        tell(REMAINING, remaining(&nearest));
    }
    Ok(response)
}

/// What a response says of it.
pub(super) fn told(headers: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    let said = |name: HeaderName| Some((name.clone(), headers.get(name)?.clone()));
    [POLICY, REMAINING].into_iter().filter_map(said).collect()
}

/// The one of which least is left, as a part of it.
fn nearest(used: &[Used]) -> Option<Used> {
    let part = |used: &Used| f64::from(used.left.remaining) / f64::from(used.quota.burst.max(1));
    used.iter()
        .copied()
        .min_by(|a, b| part(a).total_cmp(&part(b)))
}

fn policy(used: &Used) -> String {
    let (name, quota) = (used.name, used.quota);
    format!(
        "\"{name}\";q={};w={}",
        quota.burst,
        quota.window().as_secs()
    )
}

fn remaining(used: &Used) -> String {
    let seconds = used.left.reset.as_secs_f64().ceil();
    format!("\"{}\";r={};t={seconds}", used.name, used.left.remaining)
}

/// The room that a request wants somebody into.
fn joined(request: &HttpRequest) -> Option<&str> {
    if request.method() != Method::POST {
        return None;
    }
    let path = path(request).strip_prefix(BASE)?;
    let by_rest = || path.strip_prefix("/rooms/")?.strip_suffix("/join");
    let by_offer = || {
        path.strip_prefix("/whip/")
            .or_else(|| path.strip_prefix("/whep/"))
    };
    by_rest().or_else(by_offer)
}

/// An IPv6 client owns its whole /64, so that is what is counted.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => v4.into(),
            None => Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX)).into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn headers_say_what_the_draft_says() {
        let used = Used {
            name: KEY,
            quota: Quota {
                burst: 1000,
                per_second: 200,
            },
            left: Left {
                granted: true,
                remaining: 987,
                reset: Duration::from_millis(65),
            },
        };
        assert_eq!(policy(&used), "\"key\";q=1000;w=5");
        assert_eq!(remaining(&used), "\"key\";r=987;t=1");
    }
}
