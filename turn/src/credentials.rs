//! Time-limited credentials, as coturn's `use-auth-secret` has them (draft-uberti-behave-turn-rest-00): the user name says
//! until when it is good, and the password is a keyed hash of the user name. Nobody has to keep either.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Bytes of a user that are kept: with them and the date, USERNAME stays below its limit of 509 (RFC 8489 §14.3).
const LONGEST_USER: usize = 400;

/// What a client shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// `<expiry>:<user>`.
    pub username: String,
    /// base64(HMAC-SHA1(secret, username)).
    pub password: String,
}

/// The secret that passwords are made from.
#[derive(Clone)]
pub struct Secret(hmac::Key);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Secret {
    /// coturn's `static-auth-secret`.
    pub fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret))
    }

    /// A credential for `user` that is good until `expiry`, in seconds since 1970.
    pub fn issue(&self, user: &str, expiry: u64) -> Credential {
        let username = format!("{expiry}:{}", shortened(user));
        let password = self.password(&username);
        Credential { username, password }
    }

    /// The password of a user name, whoever made that up.
    pub(crate) fn password(&self, username: &str) -> String {
        STANDARD.encode(hmac::sign(&self.0, username.as_bytes()))
    }
}

/// Not the whole of a very long user; who shares so long a beginning shares a quota.
fn shortened(user: &str) -> &str {
    let mut end = user.len().min(LONGEST_USER);
    while !user.is_char_boundary(end) {
        end -= 1;
    }
    &user[..end]
}

/// A user name, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Username<'a> {
    /// Good until then, in seconds since 1970.
    pub(crate) expiry: u64,
    /// Whose; empty where it says nothing but the date.
    pub(crate) user: &'a str,
}

impl<'a> Username<'a> {
    /// Reads `<expiry>:<user>` or `<expiry>`.
    pub(crate) fn parse(username: &'a str) -> Option<Self> {
        let (expiry, user) = username.split_once(':').unwrap_or((username, ""));
        if !expiry.bytes().all(|byte| byte.is_ascii_digit()) {
            return None; // `parse` would take a plus sign
        }
        let expiry = expiry.parse().ok()?;
        Some(Self { expiry, user })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_the_hmac_of_its_end_and_user() {
        let credential = Secret::new(b"north").issue("ann", 1_700_003_600);
        assert_eq!(credential.username, "1700003600:ann");
        // printf 1700003600:ann | openssl dgst -sha1 -hmac north -binary | base64
        assert_eq!(credential.password, "TwqKCcbzejRFa1sgGqGS7SEzCGg=");
    }

    #[test]
    fn a_user_name_is_a_date_and_perhaps_a_user() {
        let parse = |text| Username::parse(text).map(|name| (name.expiry, name.user));
        assert_eq!(
            parse("1700003600:ann:smith"),
            Some((1_700_003_600, "ann:smith"))
        );
        assert_eq!(parse("1700003600"), Some((1_700_003_600, "")));
        for text in ["", ":ann", "+1:ann", "ann:1", "99999999999999999999:ann"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_longest_user_fits_into_a_message() {
        let username = Secret::new(b"").issue(&"ü".repeat(300), u64::MAX).username;
        assert!(username.len() < 509, "{}", username.len());
        assert!(username.ends_with('ü'));
    }
}
