//! Join tokens: JWT (RFC 7519), HS256, made and read by this server only.

use std::time::Duration;

use calls_model::{CallId, EventId, OrgId, ParticipantId, Permission, Role, RoomId, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

/// What the bearer of a token may do in its call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// Send media.
    Publish,
    /// Receive media.
    Subscribe,
    /// Mute, remove, admit and lock.
    Moderate,
    /// Hear calls ring, and answer them.
    Ring,
}

/// Where a token is good: the room, the call and the presence in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The room whose session the call is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomId>,
    /// The call.
    pub call: CallId,
    /// The presence.
    pub part: ParticipantId,
    /// The role that it began with; the server knows the present one.
    pub role: Role,
    /// What the application narrowed it to, whatever the role; none: nothing is taken away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Vec<Permission>>,
}

impl Place {
    /// Others in the call are not to learn of its bearer.
    pub fn is_hidden(&self) -> bool {
        let only = self.only.as_ref();
        only.is_some_and(|only| only.contains(&Permission::Hidden))
    }
}

/// Where a token comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issuer {
    /// The tenant whose user its bearer is.
    #[serde(default, skip_serializing_if = "OrgId::is_default")]
    pub org: OrgId,
    /// The name of the API key that it was made with; it dies with that key. None where no key was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Whose it is.
    pub sub: UserId,
    /// Where it is good; a user's own token, on which calls ring, names no place.
    #[serde(flatten)]
    pub place: Option<Place>,
    /// Where it comes from.
    #[serde(flatten)]
    pub issuer: Issuer,
    /// What it allows.
    pub grants: Vec<Grant>,
    /// Its own id.
    pub jti: String,
    /// Seconds since 1970 when it was made.
    pub iat: u64,
    /// Seconds since 1970 when it ends.
    pub exp: u64,
}

/// The token is none of ours, or not any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadToken {
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its issuer publishes no such key, or cannot be reached.
    #[error("the token is sealed by a key that is not known")]
    UnknownKey,
    /// Its issuer names tenants, and it names none.
    #[error("the token does not say whose tenant it is for (the claim that oidc.org_claim names)")]
    NoTenant,
    /// It is an ID token, or another that its issuer made for something else.
    #[error("the token is not an access token")]
    NotForAccess,
    /// Its subject is one of `oidc.denied`.
    #[error("the token's subject is not let in any more")]
    Denied,
    /// It was not made here, or was changed.
    #[error("the token is not one of this server")]
    Invalid,
}

/// Makes and reads tokens.
pub struct Tokens {
    sign: EncodingKey,
    check: DecodingKey,
    life: Duration,
}

impl Tokens {
    /// Tokens sealed with `secret` that live that long.
    pub fn new(secret: &[u8], life: Duration) -> Self {
        Self {
            sign: EncodingKey::from_secret(secret),
            check: DecodingKey::from_secret(secret),
            life,
        }
    }

    /// A token for a presence in a call.
    pub fn join(&self, user: UserId, place: Place, issuer: Issuer) -> String {
        let mut grants = vec![Grant::Subscribe];
        if place.role.publishes() {
            grants.push(Grant::Publish);
        }
        if place.role.moderates() {
            grants.push(Grant::Moderate);
        }
        self.seal(user, Some(place), issuer, grants)
    }

    /// A token for a user's own socket.
    pub fn user(&self, user: UserId, issuer: Issuer) -> String {
        self.seal(user, None, issuer, vec![Grant::Ring])
    }

    fn seal(
        &self,
        sub: UserId,
        place: Option<Place>,
        issuer: Issuer,
        grants: Vec<Grant>,
    ) -> String {
        let iat = jsonwebtoken::get_current_timestamp();
        let exp = iat + self.life.as_secs();
        let jti = EventId::new().as_str().replacen(EventId::PREFIX, "tok_", 1);
        let claims = Claims {
            sub,
            place,
            issuer,
            grants,
            jti,
            iat,
            exp,
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.sign)
            .expect("plain claims and an HMAC key always encode")
    }

    /// Reads a token.
    ///
    /// # Errors
    ///
    /// [`BadToken`], whatever the bytes.
    pub fn read(&self, token: &str) -> Result<Claims, BadToken> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = 0;
        validation.validate_aud = false;
        match jsonwebtoken::decode::<Claims>(token, &self.check, &validation) {
            Ok(read) => Ok(read.claims),
            Err(error) => match error.kind() {
                jsonwebtoken::errors::ErrorKind::ExpiredSignature => Err(BadToken::Expired),
                _ => Err(BadToken::Invalid),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn ann() -> UserId {
        "ann".parse().unwrap()
    }

    fn acme() -> Issuer {
        Issuer {
            org: "acme".parse().unwrap(),
            key: Some("calls_0a1b2c3d".to_owned()),
        }
    }

    fn place(role: Role) -> Place {
        Place {
            room: Some(RoomId::new()),
            call: CallId::new(),
            part: ParticipantId::new(),
            role,
            only: Some(vec![Permission::Subscribe]),
        }
    }

    #[test]
    fn a_token_says_what_was_put_into_it() {
        let tokens = Tokens::new(b"secret", HOUR);
        let place = place(Role::Host);
        let claims = tokens
            .read(&tokens.join(ann(), place.clone(), acme()))
            .unwrap();
        assert_eq!((claims.sub, claims.place), (ann(), Some(place)));
        assert_eq!(claims.issuer, acme());
        assert_eq!(
            claims.grants,
            [Grant::Subscribe, Grant::Publish, Grant::Moderate]
        );
    }

    #[test]
    fn an_observer_may_watch_and_no_more() {
        let tokens = Tokens::new(b"secret", HOUR);
        let claims = tokens
            .read(&tokens.join(ann(), place(Role::Observer), acme()))
            .unwrap();
        assert_eq!(claims.grants, [Grant::Subscribe]);
    }

    #[test]
    fn a_users_own_token_names_no_place() {
        let tokens = Tokens::new(b"secret", HOUR);
        assert_eq!(
            tokens
                .read(&tokens.user(ann(), Issuer::default()))
                .unwrap()
                .place,
            None
        );
    }

    #[test]
    fn a_token_of_another_secret_is_refused_and_so_is_noise() {
        let theirs = Tokens::new(b"other", HOUR).user(ann(), Issuer::default());
        let ours = Tokens::new(b"secret", HOUR);
        for token in [theirs.as_str(), "", "a.b.c", "é"] {
            assert_eq!(ours.read(token), Err(BadToken::Invalid));
        }
    }

    #[test]
    fn an_unsigned_token_is_refused() {
        let token = Tokens::new(b"secret", HOUR).user(ann(), Issuer::default());
        let claims = token.split('.').nth(1).unwrap();
        let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0"; // {"alg":"none","typ":"JWT"}
        let forged = format!("{none}.{claims}.");
        assert_eq!(
            Tokens::new(b"secret", HOUR).read(&forged),
            Err(BadToken::Invalid)
        );
    }

    #[test]
    fn a_token_ends() {
        let tokens = Tokens::new(b"secret", Duration::ZERO);
        let token = tokens.user(ann(), Issuer::default());
        std::thread::sleep(Duration::from_millis(1100)); // expiry counts whole seconds of the real clock
        assert_eq!(tokens.read(&token), Err(BadToken::Expired));
    }
}
