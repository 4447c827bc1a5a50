//! What a reply is kept under: its `Idempotency-Key`, of which only a hash is kept beside it.
//!
//! A reply may hold what opens doors (join tokens, passwords of TURN). Who sent the request has the key; who reads the
//! database, or a backup, has not, where keys cannot be guessed, as UUIDs cannot.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};

/// Tells this use of a key from any other (RFC 5869 §3.1).
const SALT: &[u8] = b"calls: replies kept for Idempotency-Key";

/// AES-256-GCM, with a key that HKDF (RFC 5869) makes of the `Idempotency-Key` and its sender.
pub(super) struct Seal(LessSafeKey);

impl Seal {
    /// For what this sender sent with this key.
    pub(super) fn of(key: &str, caller: &str) -> Self {
        let secret = Salt::new(HKDF_SHA256, SALT).extract(key.as_bytes());
        let info = [caller.as_bytes()];
        let made = secret.expand(&info, &AES_256_GCM);
        let made = made.expect("HKDF makes far longer keys");
        Self(LessSafeKey::new(UnboundKey::from(made)))
    }

    /// The nonce, and what it seals.
    pub(super) fn close(&self, mut body: Vec<u8>) -> Vec<u8> {
        let nonce: [u8; NONCE_LEN] = rand::random();
        let unique = Nonce::assume_unique_for_key(nonce);
        self.0
            .seal_in_place_append_tag(unique, Aad::empty(), &mut body)
            .expect("no reply is as long as GCM allows");
        [nonce.as_slice(), &body].concat()
    }

    /// What was sealed; none where another key sealed it.
    pub(super) fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, body) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut body = body.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.0.open_in_place(nonce, Aad::empty(), &mut body).ok()?;
        Some(opened.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_the_key_opens_it_and_nobody_else() {
        let body = b"{\"token\":\"secret\"}".to_vec();
        let own = Seal::of("k1", "ann");
        let sealed = own.close(body.clone());
        assert!(!sealed.windows(6).any(|bytes| bytes == b"secret"));
        assert_eq!(Seal::of("k1", "ann").open(&sealed), Some(body.clone()));
        for other in [Seal::of("k2", "ann"), Seal::of("k1", "ben")] {
            assert_eq!(other.open(&sealed), None);
        }
        assert_eq!(own.open(&sealed[..5]), None);
        assert_ne!(own.close(body), sealed, "another nonce each time");
    }
}
