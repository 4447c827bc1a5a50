//! Who makes a request: the `Authorization` header, read once at the border.
//!
//! In this order: are the credentials good (401), does the key have the scope that the endpoint asks for (403), and are
//! the things in the path those of the caller's tenant (404, as if they were not there).

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use calls_actors::calls::{FindParticipant, Found};
use calls_model::{CallId, OrgId, ParticipantId, RoomId, Scope, Timestamp, UserId};
use serde_json::json;

use super::keys::{self, SecretKey};
use super::oidc::{self, Oidc};
use super::tokens::{Claims, Issuer, Place};
use super::{access, permissions, tenant};
use crate::app::App;
use crate::http::audit::Asked;
use crate::http::problem::Problem;

/// Whoever makes a request.
#[derive(Debug, Clone)]
pub enum Caller {
    /// An application, by its API key; in `--dev` anybody who brings nothing.
    Application(Application),
    /// A user, by a token.
    User(Bearer),
}

/// An application, and what its key is good for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Application {
    /// Its tenant, and the name of its key.
    pub issuer: Issuer,
    /// What it may ask for.
    pub scopes: Vec<Scope>,
    /// When its key ends; no key that it makes outlives that.
    pub ends_at: Option<Timestamp>,
    /// The subject of another issuer that it speaks for, or that made its key; every key that it makes is theirs too.
    pub subject: Option<String>,
    /// The first of the keys that took each other's place, of which its own is the latest; with a token, its subject.
    pub lineage: Option<String>,
}

impl Application {
    /// Whoever asks a server that asks for no credentials.
    pub(crate) fn anybody() -> Self {
        Self {
            issuer: Issuer::default(),
            scopes: Scope::ALL.to_vec(),
            ends_at: None,
            subject: None,
            lineage: None,
        }
    }

    /// Whether it is whoever runs the server, as far as keys can tell.
    pub(crate) fn is_operator(&self) -> bool {
        self.issuer.org.is_default() && self.scopes.contains(&Scope::Admin)
    }
}

/// A user with a token.
#[derive(Debug, Clone)]
pub struct Bearer {
    /// What the token says.
    pub claims: Claims,
    /// The presence that it is for, while that lives; a user's own token is for none.
    pub presence: Option<Found>,
}

/// A caller whose presence may be over: for the two things that a token of it may still do, reading its own room and
/// asking to come in again.
pub struct Returning(pub Caller);

impl Caller {
    /// Where tokens that this caller is given come from.
    pub(crate) fn issuer(&self) -> &Issuer {
        match self {
            Self::Application(application) => &application.issuer,
            Self::User(bearer) => &bearer.claims.issuer,
        }
    }

    /// Who this is to themselves, whatever they bring the next time: a token of the same subject, or the key that took the
    /// place of theirs. Who may do more or less is somebody else.
    pub(crate) fn identity(&self) -> String {
        let named = match self {
            Self::Application(application) => {
                json!([
                    application.issuer.org,
                    application.lineage,
                    application.scopes
                ])
            }
            Self::User(Bearer { claims, .. }) => {
                let from = claims.issuer.key.as_ref();
                let from = from.filter(|key| oidc::is_subject(key)); // else any key of the tenant
                let place = claims.place.as_ref();
                let place = place.map(|place| (&place.part, &place.only));
                json!([claims.issuer.org, from, claims.sub, place])
            }
        };
        named.to_string()
    }

    /// Where their token is good; an application is in no place.
    pub(crate) fn place(&self) -> Option<&Place> {
        match self {
            Self::Application(_) => None,
            Self::User(bearer) => bearer.claims.place.as_ref(),
        }
    }

    /// Whose things this caller may see.
    pub(crate) fn org(&self) -> &OrgId {
        &self.issuer().org
    }

    /// Only applications may.
    pub(crate) fn application(&self) -> Result<&Application, Problem> {
        match self {
            Self::Application(application) => Ok(application),
            Self::User(_) => Err(Problem::Forbidden("only an API key may do this")),
        }
    }

    /// The user whose token it is; an application speaks for whom it names.
    pub(crate) fn user(&self, named: Option<UserId>) -> Result<Option<UserId>, Problem> {
        match self {
            Self::Application(_) => Ok(named),
            Self::User(Bearer { claims, .. }) => match named {
                Some(named) if named != claims.sub => {
                    Err(Problem::Forbidden("a token speaks for its own user only"))
                }
                _ => Ok(Some(claims.sub.clone())),
            },
        }
    }

    /// An application, or somebody whose token is for this room; gives their presence there.
    pub(crate) fn in_room(&self, room: &RoomId) -> Result<Option<&Found>, Problem> {
        match self {
            Self::Application(_) => Ok(None),
            Self::User(Bearer { claims, presence }) => match &claims.place {
                Some(place) if place.room.as_ref() == Some(room) => Ok(presence.as_ref()),
                _ => Err(Problem::Forbidden("the token is not for this room")),
            },
        }
    }

    /// In whose name something is done in this call: the token's presence, or the application itself. The call knows
    /// their present role.
    pub(crate) fn presence_in(&self, call: &CallId) -> Result<Option<ParticipantId>, Problem> {
        let found = self.in_call(call)?;
        Ok(found.map(|found| found.participant_id.clone()))
    }

    /// An application, or somebody whose token is for this call; gives their presence there.
    pub(crate) fn in_call(&self, call: &CallId) -> Result<Option<&Found>, Problem> {
        match self {
            Self::Application(_) => Ok(None),
            Self::User(Bearer { claims, presence }) => match &claims.place {
                Some(place) if place.call == *call => Ok(presence.as_ref()),
                _ => Err(Problem::Forbidden("the token is not for this call")),
            },
        }
    }
}

/// The presence that a token is for. Leaving or being removed ends it.
async fn presence(app: &App, place: &Place) -> Result<Found, Problem> {
    let find = FindParticipant {
        call_id: place.call.clone(),
        participant_id: place.part.clone(),
    };
    app.ask(find)
        .await?
        .ok_or(Problem::Unauthorized("the token is not good any more"))
}

type Extracting<T> = Pin<Box<dyn Future<Output = Result<T, Problem>>>>;

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let app = app(&request)?;
            let mut caller = known(app, &request).await?;
            if let Self::User(Bearer {
                claims,
                presence: found,
            }) = &mut caller
                && let Some(place) = &claims.place
            {
                *found = Some(presence(app, place).await?);
            }
            authorise(app, &caller, &request).await?;
            Ok(caller)
        })
    }
}

impl FromRequest for Returning {
    type Error = Problem;
    type Future = Extracting<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let app = app(&request)?;
            let caller = known(app, &request).await?;
            authorise(app, &caller, &request).await?;
            Ok(Self(caller))
        })
    }
}

fn app(request: &HttpRequest) -> Result<&App, Problem> {
    request
        .app_data::<web::Data<App>>()
        .map(|app| &***app)
        .ok_or(Problem::Internal)
}

/// Whose credentials the request brings, and whether they are good; not whether the bearer is still in a call.
///
/// Looks them up in any case; within a request that is done once, by [`peek`] or the handler.
pub(crate) async fn identify(app: &App, request: &HttpRequest) -> Result<Caller, Problem> {
    match bearer(request)? {
        Some(bearer) => recognise(app, bearer).await,
        None if app.open => Ok(Caller::Application(Application::anybody())),
        None => Err(Problem::Unauthorized("credentials are missing")),
    }
}

/// What a request's credentials turned out to be, left with it: whoever is asked first looks them up, nobody again.
enum Credentials {
    Good(Caller),
    Bad(Problem),
}

/// Whose good credentials the request brings, for those who come before its handler.
pub(crate) async fn peek(app: &App, request: &HttpRequest) -> Option<Caller> {
    if !request.extensions().contains::<Credentials>() {
        let found = match identify(app, request).await {
            Ok(caller) => Credentials::Good(caller),
            Err(refused) => Credentials::Bad(refused),
        };
        request.extensions_mut().insert(found);
    }
    match request.extensions().get() {
        Some(Credentials::Good(caller)) => Some(caller.clone()),
        Some(Credentials::Bad(_)) | None => None,
    }
}

/// Whose they are, for the handler. A key that was revoked since is not good any more.
async fn known(app: &App, request: &HttpRequest) -> Result<Caller, Problem> {
    let found = request.extensions_mut().remove();
    match found {
        Some(Credentials::Good(caller)) if !app.revoked.has(caller.issuer()) => Ok(caller),
        Some(Credentials::Bad(refused)) => Err(refused),
        Some(Credentials::Good(_)) | None => identify(app, request).await,
    }
}

/// Whether this caller may use this endpoint at all, and on these things.
async fn authorise(app: &App, caller: &Caller, request: &HttpRequest) -> Result<(), Problem> {
    request.extensions_mut().insert(Asked::by(caller));
    if let Caller::Application(application) = caller {
        access::check(request, &application.scopes)?;
    }
    if let Some(place) = caller.place() {
        permissions::may_call(place, request)?;
    }
    tenant::check(app, caller, request.match_info()).await
}

/// What stands in the `Authorization` header, where there is one.
pub(crate) fn bearer(request: &HttpRequest) -> Result<Option<&str>, Problem> {
    let Some(header) = request.headers().get(AUTHORIZATION) else {
        return Ok(None);
    };
    let header = header.to_str().unwrap_or_default();
    let bearer = header
        .split_once(' ')
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, bearer)| bearer.trim());
    let wanted = Problem::Unauthorized("credentials must be a bearer key or token");
    bearer.map(Some).ok_or(wanted)
}

async fn recognise(app: &App, bearer: &str) -> Result<Caller, Problem> {
    if bearer.starts_with(keys::PREFIX) {
        return by_key(app, bearer).await.map(Caller::Application);
    }
    if let Some(oidc) = app.oidc.as_ref().filter(|_| Oidc::wants(bearer)) {
        return Ok(oidc.read(bearer).await?);
    }
    let claims = app.tokens.read(bearer)?;
    if app.revoked.has(&claims.issuer) {
        return Err(Problem::Unauthorized(
            "the API key that made the token is revoked",
        ));
    }
    Ok(Caller::User(Bearer {
        claims,
        presence: None,
    }))
}

async fn by_key(app: &App, bearer: &str) -> Result<Application, Problem> {
    let bad = || Problem::Unauthorized("the API key is not good");
    let key: SecretKey = bearer.parse().map_err(|_| bad())?;
    let known = app.store.api_key(&key.hash()).await?.ok_or_else(bad)?;
    let now = app.clock.now();
    let over = |at: Option<_>| at.is_some_and(|at| at <= now);
    let good =
        key.matches(&known.hash) && known.key.revoked_at.is_none() && !over(known.key.expires_at);
    let issuer = Issuer {
        org: known.key.org_id,
        key: Some(known.key.name),
    };
    // Among the revoked are denied subjects, and the keys that theirs were when the server started.
    let maker = known.subject.clone().map(|subject| Issuer {
        org: issuer.org.clone(),
        key: Some(subject),
    });
    let revoked = |issuer: &Issuer| app.revoked.has(issuer);
    if !good || revoked(&issuer) || maker.as_ref().is_some_and(revoked) {
        return Err(bad());
    }
    Ok(Application {
        issuer,
        scopes: known.key.scopes,
        ends_at: known.key.expires_at,
        subject: known.subject,
        lineage: Some(known.lineage),
    })
}

#[cfg(test)]
mod tests {
    use calls_model::{Permission, Role};

    use super::*;
    use crate::auth::tokens::Grant;

    fn key(lineage: &str, scopes: &[Scope]) -> Caller {
        Caller::Application(Application {
            lineage: Some(lineage.to_owned()),
            scopes: scopes.to_vec(),
            ..Application::default()
        })
    }

    fn user(key: &str, jti: &str, only: Option<&[Permission]>) -> Caller {
        let place = only.map(|only| Place {
            room: None,
            call: "call_1".parse().unwrap(),
            part: "part_1".parse().unwrap(),
            role: Role::Participant,
            only: Some(only.to_vec()),
        });
        Caller::User(Bearer {
            claims: Claims {
                sub: "ann".parse().unwrap(),
                place,
                issuer: Issuer {
                    key: Some(key.to_owned()),
                    ..Issuer::default()
                },
                grants: vec![Grant::Ring],
                jti: jti.to_owned(),
                iat: 0,
                exp: 0,
            },
            presence: None,
        })
    }

    #[test]
    fn a_renewed_token_and_a_keys_successor_are_who_they_were_and_nobody_else_is() {
        let both = [Scope::Rooms, Scope::Calls];
        let own = key("calls_a", &both).identity();
        assert_eq!(key("calls_a", &both).identity(), own);
        assert_ne!(key("calls_b", &both).identity(), own);
        assert_ne!(key("calls_a", &both[..1]).identity(), own);

        let own = user("jwt:ann", "1", None).identity();
        assert_eq!(user("jwt:ann", "2", None).identity(), own);
        assert_ne!(user("jwt:ben", "1", None).identity(), own, "made by ben's");
        assert_ne!(
            user("calls_a", "1", None).identity(),
            own,
            "an application's ann"
        );
        let of_application = user("calls_a", "1", None).identity();
        assert_eq!(user("calls_b", "2", None).identity(), of_application);

        let listens = user("calls_a", "1", Some(&[Permission::Subscribe])).identity();
        assert_ne!(user("calls_a", "1", Some(&[])).identity(), listens);
        assert_ne!(listens, of_application);
    }
}
