//! API keys: made here, shown once, kept as hashes.

use std::fmt;

use calls_model::{ApiKey, OrgId, Scope, Timestamp};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::caller::Application;
use crate::store::{Store, StoreError, StoredKey};

/// What every key begins with, so that people and scanners know one when they see it.
pub const PREFIX: &str = "calls_";

/// Letters after [`PREFIX`] that name a key without giving it away.
const NAME: usize = 8;

/// Letters of secret after the name: 160 bits in hex.
const SECRET: usize = 40;

/// All hex digits of a key.
const LETTERS: usize = NAME + SECRET;

/// An API key as its owner holds it. Its `Debug` prints only the name.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey(String);

/// The text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an API key of this server")]
pub struct BadKey;

impl SecretKey {
    /// A new one, of the operating system's randomness.
    pub fn random() -> Self {
        let bytes: [u8; LETTERS / 2] = rand::random();
        Self(format!("{PREFIX}{}", hex::encode(bytes)))
    }

    /// Names it: `calls_` and the first letters. Not secret.
    pub fn name(&self) -> &str {
        &self.0[..PREFIX.len() + NAME]
    }

    /// What is kept of it. Its 160 random bits need no slow hash.
    pub fn hash(&self) -> String {
        hex::encode(Sha256::digest(self.0.as_bytes()))
    }

    /// It is the key behind this hash; takes as long for a wrong one.
    pub fn matches(&self, hash: &str) -> bool {
        self.hash().as_bytes().ct_eq(hash.as_bytes()).into()
    }

    /// The key itself, to show it the one time.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// What a new key is to be.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Whose things it opens.
    pub org: OrgId,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// What it is for.
    pub label: Option<String>,
    /// When it opens nothing new any more.
    pub expires_at: Option<Timestamp>,
    /// Who made it, where that is a subject of another issuer: it is worth no more than they are.
    pub subject: Option<String>,
}

impl Default for Wanted {
    /// A key to everything of the only tenant.
    fn default() -> Self {
        Self {
            org: OrgId::default(),
            scopes: Scope::ALL.to_vec(),
            label: None,
            expires_at: None,
            subject: None,
        }
    }
}

/// Makes a key, and keeps its hash.
///
/// # Errors
///
/// When the database fails.
pub async fn create(
    store: &Store,
    now: Timestamp,
    wanted: Wanted,
) -> Result<(SecretKey, ApiKey), StoreError> {
    let (secret, stored) = forge(now, wanted);
    let key = stored.key.clone();
    store.add_api_key(stored).await?;
    Ok((secret, key))
}

/// Makes a key like the old one to take its place. The old one goes on until then, if it does not end before; the new one
/// is its maker's, and ends when the maker's own does.
///
/// # Errors
///
/// [`StoreError::NotFound`] where the old one is revoked, or when the database fails.
pub async fn rotate(
    store: &Store,
    now: Timestamp,
    old: ApiKey,
    until: Timestamp,
    maker: &Application,
) -> Result<(SecretKey, ApiKey), StoreError> {
    let until = old.expires_at.map_or(until, |at| at.min(until));
    let wanted = Wanted {
        org: old.org_id,
        scopes: old.scopes,
        label: old.label,
        expires_at: maker.ends_at,
        subject: maker.subject.clone(),
    };
    let (secret, stored) = forge(now, wanted);
    let key = stored.key.clone();
    store.rotate_api_key(&old.name, stored, until).await?;
    Ok((secret, key))
}

fn forge(now: Timestamp, wanted: Wanted) -> (SecretKey, StoredKey) {
    let secret = SecretKey::random();
    let mut scopes = wanted.scopes;
    scopes.sort();
    scopes.dedup();
    let key = ApiKey {
        name: secret.name().to_owned(),
        org_id: wanted.org,
        scopes,
        label: wanted.label,
        created_at: now,
        expires_at: wanted.expires_at,
        revoked_at: None,
    };
    let stored = StoredKey {
        hash: secret.hash(),
        lineage: key.name.clone(),
        key,
        subject: wanted.subject,
    };
    (secret, stored)
}

/// Makes a key where there has never been one.
///
/// # Errors
///
/// When the database fails.
pub async fn first(store: &Store, now: Timestamp) -> Result<Option<SecretKey>, StoreError> {
    if store.api_keys(None).await?.is_empty() {
        let made = create(store, now, Wanted::default()).await;
        made.map(|(secret, _)| Some(secret))
    } else {
        Ok(None)
    }
}

impl std::str::FromStr for SecretKey {
    type Err = BadKey;

    fn from_str(text: &str) -> Result<Self, BadKey> {
        let tail = text.strip_prefix(PREFIX).ok_or(BadKey)?;
        let fits = tail.len() == LETTERS
            && tail
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadKey)
        }
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({}…)", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_matches_its_own_hash_only() {
        let (key, other) = (SecretKey::random(), SecretKey::random());
        assert!(key.matches(&key.hash()));
        assert!(!other.matches(&key.hash()));
        assert!(!key.matches(""));
    }

    #[test]
    fn a_key_reads_back_and_noise_does_not() {
        let key = SecretKey::random();
        assert_eq!(key.reveal().parse(), Ok(key));
        for text in ["", "calls_", "calls_ABCDEF", "é"] {
            assert_eq!(text.parse::<SecretKey>(), Err(BadKey), "{text:?}");
        }
    }

    #[test]
    fn a_key_is_never_printed() {
        let key = SecretKey::random();
        assert!(!format!("{key:?}").contains(key.reveal()));
    }
}
