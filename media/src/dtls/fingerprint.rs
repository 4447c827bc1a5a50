//! Certificate fingerprints (RFC 8122 §5).

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};

/// A hash of the peer's certificate, as its offer signalled it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fingerprint {
    hash: Hash,
    digest: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &SHA256,
            Self::Sha384 => &SHA384,
            Self::Sha512 => &SHA512,
        }
    }
}

impl Fingerprint {
    /// Reads `sha-256 AB:CD:…`; `None` for hashes that prove nothing any more, and for what is none.
    pub(crate) fn parse(value: &str) -> Option<Self> {
        let (name, hex) = value.trim().split_once(' ')?;
        let hash = match name.to_ascii_lowercase().as_str() {
            "sha-256" => Hash::Sha256,
            "sha-384" => Hash::Sha384,
            "sha-512" => Hash::Sha512,
            _ => return None,
        };
        let digest: Vec<u8> = hex
            .trim()
            .split(':')
            .map(|byte| {
                (byte.len() == 2)
                    .then(|| u8::from_str_radix(byte, 16).ok())
                    .flatten()
            })
            .collect::<Option<_>>()?;
        (digest.len() == hash.algorithm().output_len()).then_some(Self { hash, digest })
    }

    /// The first certificate of the chain has one of these fingerprints.
    pub(crate) fn any_matches(expected: &[Self], chain: &[Vec<u8>]) -> bool {
        chain.first().is_some_and(|certificate| {
            expected.iter().any(|fingerprint| {
                let actual = digest::digest(fingerprint.hash.algorithm(), certificate);
                verify_slices_are_equal(actual.as_ref(), &fingerprint.digest).is_ok()
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_matches_its_certificate_only() {
        // SHA-256 of "abc" (FIPS 180-2, appendix B.1).
        let value = "SHA-256 BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:\
            b0:03:61:a3:96:17:7a:9c:b4:10:ff:61:f2:00:15:ad";
        let fingerprint = [Fingerprint::parse(value).unwrap()];
        assert!(Fingerprint::any_matches(&fingerprint, &[b"abc".to_vec()]));
        assert!(!Fingerprint::any_matches(
            &fingerprint,
            &[b"abd".to_vec(), b"abc".to_vec()]
        ));
        assert!(!Fingerprint::any_matches(&fingerprint, &[]));
    }

    #[test]
    fn weak_hashes_and_wrong_lengths_are_no_fingerprints() {
        for value in [
            "sha-1 AA",
            "sha-256 AA:BB",
            "sha-256",
            "",
            "sha-256 ZZ",
            "md5 00:11",
        ] {
            assert_eq!(Fingerprint::parse(value), None, "{value}");
        }
    }
}
