//! Who the server is to its peers: one self-signed certificate per process.

use aws_lc_rs::digest;
use std::fmt::Write;
use std::sync::Arc;

use rtc_dtls::crypto::Certificate;
use rtc_dtls::crypto_provider::RTCCryptoProvider;
use rtc_dtls::crypto_provider::providers::AwsLcRsProvider;

/// The certificate could not be made.
#[derive(Debug, thiserror::Error)]
#[error("no DTLS certificate could be made: {0}")]
pub struct IdentityError(String);

/// The DTLS certificate of this process: ECDSA P-256, self-signed, named in every answer by its fingerprint.
pub struct Identity {
    certificate: Certificate,
    fingerprint: String,
    provider: Arc<dyn RTCCryptoProvider>,
}

impl Identity {
    /// Makes a fresh one.
    ///
    /// # Errors
    ///
    /// The cryptography library failed.
    pub fn generate() -> Result<Self, IdentityError> {
        let provider: Arc<dyn RTCCryptoProvider> = Arc::new(AwsLcRsProvider::new());
        let certificate =
            Certificate::generate_self_signed(vec!["calls".to_owned()], provider.crypto())
                .map_err(|error| IdentityError(error.to_string()))?;
        let der = certificate
            .certificate
            .first()
            .ok_or_else(|| IdentityError("the chain is empty".to_owned()))?;
        let fingerprint = hex_colons(digest::digest(&digest::SHA256, der).as_ref());
        Ok(Self {
            certificate,
            fingerprint,
            provider,
        })
    }

    /// SHA-256 of the certificate, as `a=fingerprint` writes it (RFC 8122 §5).
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    pub(crate) fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    pub(crate) fn provider(&self) -> &Arc<dyn RTCCryptoProvider> {
        &self.provider
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity")
            .field("fingerprint", &self.fingerprint)
            .finish_non_exhaustive()
    }
}

/// `AB:CD:…`
fn hex_colons(bytes: &[u8]) -> String {
    bytes
        .iter()
        .enumerate()
        .fold(String::new(), |mut text, (at, byte)| {
            let separator = if at == 0 { "" } else { ":" };
            write!(text, "{separator}{byte:02X}").expect("writing to a string cannot fail");
            text
        })
}
