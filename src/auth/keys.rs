//! API keys: made here, shown once, kept as hashes.

use std::fmt;

use calls_model::Timestamp;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::store::{self, Store, StoreError};

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

/// Makes a key for what its label says, and keeps its hash.
///
/// # Errors
///
/// When the database fails.
pub async fn create(
    store: &Store,
    now: Timestamp,
    label: Option<String>,
) -> Result<SecretKey, StoreError> {
    let key = SecretKey::random();
    store
        .add_api_key(store::ApiKey {
            hash: key.hash(),
            prefix: key.name().to_owned(),
            created_at: now,
            revoked_at: None,
            label,
        })
        .await?;
    Ok(key)
}

/// Makes a key where there has never been one.
///
/// # Errors
///
/// When the database fails.
pub async fn first(store: &Store, now: Timestamp) -> Result<Option<SecretKey>, StoreError> {
    if store.api_keys().await?.is_empty() {
        create(store, now, None).await.map(Some)
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
