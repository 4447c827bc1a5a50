//! Nonces that nobody has to remember: they say until when they are good, and are sealed for one client.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use aws_lc_rs::{constant_time, hmac};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// How long one is good. Whoever answers with an older one is given a fresh one, and tries again (438).
const LIFE: Duration = Duration::from_secs(600);

/// Bytes of the date.
const DATE: usize = 4;

/// Bytes of the seal. Short, because it is part of what a stranger is sent; 88 bits are not guessed in ten minutes.
const SEAL: usize = 11;

/// Characters of a nonce.
pub(crate) const LENGTH: usize = (DATE + SEAL) / 3 * 4;

/// Makes nonces, and knows its own.
pub(crate) struct Nonces {
    key: hmac::Key,
    start: Instant,
}

impl Nonces {
    /// With a key that nobody else has; it starts `now`.
    pub(crate) fn new(key: &[u8; 32], now: Instant) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
            start: now,
        }
    }

    /// A fresh one for whoever is there.
    pub(crate) fn make(&self, remote: SocketAddr, now: Instant) -> String {
        let end = self.seconds(now + LIFE);
        let mut nonce = [0; DATE + SEAL];
        nonce[..DATE].copy_from_slice(&end.to_be_bytes());
        nonce[DATE..].copy_from_slice(&self.seal(end, remote));
        STANDARD_NO_PAD.encode(nonce)
    }

    /// It is one of ours, for whoever is there, and still good.
    pub(crate) fn is_good(&self, nonce: &[u8], remote: SocketAddr, now: Instant) -> bool {
        let mut read = [0; DATE + SEAL];
        if nonce.len() != LENGTH || STANDARD_NO_PAD.decode_slice(nonce, &mut read).is_err() {
            return false;
        }
        let Some((&date, seal)) = read.split_first_chunk::<DATE>() else {
            return false;
        };
        let end = u32::from_be_bytes(date);
        constant_time::verify_slices_are_equal(seal, &self.seal(end, remote)).is_ok()
            && self.seconds(now) < end
    }

    fn seconds(&self, now: Instant) -> u32 {
        let seconds = now.saturating_duration_since(self.start).as_secs();
        u32::try_from(seconds).unwrap_or(u32::MAX)
    }

    fn seal(&self, end: u32, remote: SocketAddr) -> [u8; SEAL] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&end.to_be_bytes());
        context.update(&remote.port().to_be_bytes());
        match remote.ip() {
            IpAddr::V4(ip) => context.update(&ip.octets()),
            IpAddr::V6(ip) => context.update(&ip.octets()),
        }
        let mut seal = [0; SEAL];
        seal.copy_from_slice(&context.sign().as_ref()[..SEAL]);
        seal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_nonce_is_good_for_its_client_and_for_a_while() {
        let start = Instant::now();
        let nonces = Nonces::new(&[7; 32], start);
        let (ann, bob) = (at("192.0.2.1:5000"), at("192.0.2.1:5001"));
        let nonce = nonces.make(ann, start);
        assert_eq!(nonce.len(), LENGTH);
        let good = |who, when| nonces.is_good(nonce.as_bytes(), who, when);
        assert!(good(ann, start + LIFE * 599 / 600));
        assert!(!good(ann, start + LIFE), "too old");
        assert!(!good(bob, start), "another client's");
    }

    #[test]
    fn no_changed_nonce_is_good() {
        let start = Instant::now();
        let nonces = Nonces::new(&[7; 32], start);
        let ann = at("[2001:db8::1]:5000");
        let nonce = nonces.make(ann, start).into_bytes();
        for place in 0..nonce.len() {
            let mut changed = nonce.clone();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            assert!(!nonces.is_good(&changed, ann, start), "{place}");
        }
        assert!(!Nonces::new(&[8; 32], start).is_good(&nonce, ann, start));
        assert!(!nonces.is_good(b"", ann, start));
    }
}
