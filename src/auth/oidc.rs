//! Tokens of another issuer (`OpenID` Connect): JWTs (RFC 7519) that are verified by the keys which that issuer publishes
//! (RFC 7517), instead of API keys.
//!
//! A token with scopes of ours is an application; one without is the user that its `sub` names, as with a user's own
//! token. Keys are fetched when they are first needed, kept for a while, and fetched again for a key id that is new; while
//! the issuer is away, those that are known stay good.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::http::Uri;
use calls_model::{OrgId, Scope, UserId};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::Mutex as Turn;
use tracing::warn;

use super::caller::{Application, Bearer, Caller};
use super::tokens::{BadToken, Claims, Grant, Issuer};
use crate::config;

/// What may seal such a token. Nothing with a shared secret: what is published is no secret.
const ALGORITHMS: [Algorithm; 6] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// How long keys are taken for the present ones.
const FRESH: Duration = Duration::from_secs(600);

/// Not more often than that are they fetched, however many unknown key ids come.
const PAUSE: Duration = Duration::from_secs(10);

/// How long the issuer may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Longest answer that is read.
const MOST_BYTES: usize = 256 * 1024;

/// How far clocks may be apart, in seconds.
const LEEWAY: u64 = 30;

/// Another issuer, and its keys as far as they are known.
pub struct Oidc {
    config: config::Oidc,
    http: reqwest::Client,
    keys: Mutex<Keys>,
    /// Held by whoever asks for keys.
    asking: Turn<()>,
}

#[derive(Default)]
struct Keys {
    known: Arc<Vec<Jwk>>,
    /// When they came, and when they were last asked for.
    fetched: Option<Instant>,
    asked: Option<Instant>,
}

/// The issuer's keys cannot be had.
#[derive(Debug, thiserror::Error)]
enum NoKeys {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error("not JSON of the expected form: {0}")]
    Json(#[from] serde_json::Error),
    #[error("the answer is longer than {MOST_BYTES} bytes")]
    TooLong,
}

/// `OpenID` Connect Discovery 1.0 §3; the one entry of interest.
#[derive(Deserialize)]
struct Discovery {
    jwks_uri: String,
}

/// How people sign in to the console by the issuer: authorization code (RFC 6749 §4.1) with PKCE (RFC 7636).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConsoleClient {
    /// The issuer, whose discovery document says where.
    pub issuer: String,
    /// Its origin, where all that the console asks must be.
    pub origin: String,
    /// The console's id there.
    pub client_id: String,
    /// Whom tokens must be for.
    pub audience: String,
    /// What is asked for.
    pub scope: String,
}

impl Oidc {
    /// The issuer that is configured, if one is.
    ///
    /// # Errors
    ///
    /// Where there is no trust in anybody's certificates.
    pub fn new(config: &config::Oidc) -> Result<Option<Self>, reqwest::Error> {
        if config.issuer.is_empty() {
            return Ok(None);
        }
        let http = reqwest::Client::builder().timeout(PATIENCE).build()?;
        Ok(Some(Self {
            config: config.clone(),
            http,
            keys: Mutex::default(),
            asking: Turn::default(),
        }))
    }

    /// How people sign in to the console by it, if they may.
    pub fn console_client(&self) -> Option<ConsoleClient> {
        let config = &self.config;
        let url: Uri = config.issuer.parse().ok()?;
        let (scheme, authority) = (url.scheme_str()?, url.authority()?);
        let port = authority.port_u16();
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        (!config.console_client_id.is_empty()).then(|| ConsoleClient {
            issuer: config.issuer.clone(),
            origin: format!("{scheme}://{}{port}", authority.host()),
            client_id: config.console_client_id.clone(),
            audience: config.audience.clone(),
            scope: config.console_scope.clone(),
        })
    }

    /// Whether a token asks to be looked at here: what we made ourselves has a shared secret.
    pub(super) fn wants(token: &str) -> bool {
        jsonwebtoken::decode_header(token).is_ok_and(|header| ALGORITHMS.contains(&header.alg))
    }

    /// Whoever a token speaks for.
    pub(super) async fn read(&self, token: &str) -> Result<Caller, BadToken> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| BadToken::Invalid)?;
        if !header.typ.as_deref().is_none_or(is_type_of_access_token) {
            return Err(BadToken::NotForAccess);
        }
        let key = self.key(header.kid.as_deref()).await;
        let key = key.ok_or(BadToken::UnknownKey)?;
        let key = DecodingKey::from_jwk(&key).map_err(|_| BadToken::Invalid)?;
        let mut validation = Validation::new(header.alg);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.config.issuer]);
        validation.set_audience(&[&self.config.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let read = jsonwebtoken::decode::<Map<String, Value>>(token, &key, &validation);
        match read {
            Ok(read) if is_made_for_something_else(&read.claims) => Err(BadToken::NotForAccess),
            Ok(read) => self.caller(&read.claims),
            Err(error) => Err(match error.kind() {
                jsonwebtoken::errors::ErrorKind::ExpiredSignature => BadToken::Expired,
                _ => BadToken::Invalid,
            }),
        }
    }

    fn caller(&self, claims: &Map<String, Value>) -> Result<Caller, BadToken> {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        let number = |name: &str| claims.get(name).and_then(Value::as_u64).unwrap_or(0);
        let org: OrgId = match claims.get(&self.config.org_claim) {
            _ if self.config.org_claim.is_empty() => OrgId::default(), // one tenant only
            Some(Value::String(org)) => org.parse().map_err(|_| BadToken::Invalid)?,
            Some(_) => return Err(BadToken::Invalid),
            None => return Err(BadToken::NoTenant), // the operator's tenant is not for whoever names none
        };
        let sub = text("sub").ok_or(BadToken::Invalid)?;
        if self.config.denied.iter().any(|denied| denied == sub) {
            return Err(BadToken::Denied);
        }
        let scopes = self.scopes(claims.get(&self.config.scope_claim));
        // What is made by it dies with the subject, as what is made by an API key dies with that.
        let issuer = Issuer {
            org,
            key: Some(issuer_name(sub)),
        };
        if !scopes.is_empty() {
            return Ok(Caller::Application(Application {
                subject: issuer.key.clone(),
                lineage: issuer.key.clone(),
                issuer,
                scopes,
                ends_at: None, // such tokens live for minutes, and are made by people who make keys
            }));
        }
        let sub: UserId = sub.parse().map_err(|_| BadToken::Invalid)?;
        Ok(Caller::User(Bearer {
            claims: Claims {
                sub,
                place: None,
                issuer,
                grants: vec![Grant::Ring],
                jti: text("jti").unwrap_or_default().to_owned(),
                iat: number("iat"),
                exp: number("exp"),
            },
            presence: None,
        }))
    }

    /// Scopes of ours: in one text with spaces between them (RFC 8693 §4.2), or in a list.
    fn scopes(&self, claim: Option<&Value>) -> Vec<Scope> {
        let words: Vec<&str> = match claim {
            Some(Value::String(text)) => text.split_whitespace().collect(),
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let ours = |word: &&str| -> Option<Scope> {
            word.strip_prefix(self.config.scope_prefix.as_str())?
                .parse()
                .ok()
        };
        let mut scopes: Vec<Scope> = words.iter().filter_map(ours).collect();
        scopes.sort();
        scopes.dedup();
        scopes
    }

    /// The key of this id; without an id the only one there is (RFC 7515 §4.1.4 leaves it out at will).
    async fn key(&self, kid: Option<&str>) -> Option<Jwk> {
        let (found, may_ask) = self.known(kid);
        if !may_ask {
            return found;
        }
        // Nobody whose key merely got old waits while another asks.
        let _asking = match found {
            Some(_) => match self.asking.try_lock() {
                Ok(asking) => asking,
                Err(_) => return found,
            },
            None => self.asking.lock().await,
        };
        let (found, may_ask) = self.known(kid);
        if !may_ask {
            return found;
        }
        self.keys().asked = Some(Instant::now());
        match self.fetch().await {
            Ok(set) => {
                let mut keys = self.keys();
                keys.known = Arc::new(set.keys);
                keys.fetched = Some(Instant::now());
                pick(&keys.known, kid)
            }
            Err(error) => {
                let issuer = &self.config.issuer;
                warn!(%error, issuer, "the keys of {issuer} cannot be had: {error}");
                found
            }
        }
    }

    /// The key of this id as far as it is known, and whether the issuer is to be asked.
    fn known(&self, kid: Option<&str>) -> (Option<Jwk>, bool) {
        let keys = self.keys();
        let is_fresh = keys.fetched.is_some_and(|at| at.elapsed() < FRESH);
        let found = pick(&keys.known, kid);
        let is_told = found.is_some() && is_fresh;
        let asks = !is_told && keys.asked.is_none_or(|at| at.elapsed() >= PAUSE);
        (found, asks)
    }

    fn keys(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fetch(&self) -> Result<JwkSet, NoKeys> {
        let jwks_url = if self.config.jwks_url.is_empty() {
            let issuer = self.config.issuer.trim_end_matches('/');
            let url = format!("{issuer}/.well-known/openid-configuration");
            let found: Discovery = serde_json::from_slice(&self.get(&url).await?)?;
            found.jwks_uri
        } else {
            self.config.jwks_url.clone()
        };
        Ok(serde_json::from_slice(&self.get(&jwks_url).await?)?)
    }

    async fn get(&self, url: &str) -> Result<Vec<u8>, NoKeys> {
        let mut reply = self.http.get(url).send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(chunk) = reply.chunk().await? {
            if body.len() + chunk.len() > MOST_BYTES {
                return Err(NoKeys::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

/// RFC 9068 §2.1 has `at+jwt`; many issuers leave it at `JWT`. Media types may have `application/` before them (RFC 7515
/// §4.1.9).
fn is_type_of_access_token(typ: &str) -> bool {
    let typ = typ.to_ascii_lowercase();
    let short = typ.strip_prefix("application/").unwrap_or(&typ);
    matches!(short, "at+jwt" | "jwt")
}

/// An ID token says who somebody is to the client that asked, a refresh token is for the issuer alone: neither is to open
/// anything. Hashes of what came with it are in ID tokens only (`OpenID` Connect Core 1.0 §3.1.3.6, §3.3.2.11); some issuers say
/// in a claim what a token is.
fn is_made_for_something_else(claims: &Map<String, Value>) -> bool {
    let says = |name: &str, words: &[&str]| {
        let said = claims.get(name).and_then(Value::as_str);
        said.is_some_and(|said| words.iter().any(|word| said.eq_ignore_ascii_case(word)))
    };
    ["at_hash", "c_hash"]
        .iter()
        .any(|hash| claims.contains_key(*hash))
        || says("typ", &["ID", "Refresh", "Offline", "Logout"])
        || says("token_use", &["id"])
}

/// What the name of a subject of another issuer begins with where the name of an API key would stand.
const SUBJECT: &str = "jwt:";

/// What stands for a subject of another issuer where the name of an API key would stand.
fn issuer_name(sub: &str) -> String {
    format!("{SUBJECT}{sub}")
}

/// It stands for a subject of another issuer, and not for an API key.
pub(super) fn is_subject(key: &str) -> bool {
    key.starts_with(SUBJECT)
}

/// The names of those who are let in no more, with all that was made by their tokens.
pub fn denied(config: &config::Oidc) -> impl Iterator<Item = String> {
    config.denied.iter().map(|sub| issuer_name(sub))
}

fn pick(known: &[Jwk], kid: Option<&str>) -> Option<Jwk> {
    let found = match kid {
        Some(kid) => known
            .iter()
            .find(|key| key.common.key_id.as_deref() == Some(kid)),
        None if known.len() == 1 => known.first(),
        None => None,
    };
    found.cloned()
}

#[cfg(test)]
mod tests;
