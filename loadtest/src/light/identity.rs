//! Who the crowd is in DTLS: one certificate for all, so that a thousand joins make no thousand keys.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use rtc::dtls::config::{ConfigBuilder, HandshakeConfig};
use rtc::dtls::crypto::Certificate;
use rtc::dtls::crypto_provider::providers::AwsLcRsProvider;
use rtc::dtls::crypto_provider::{HashAlgorithm, RTCCryptoProvider};
use rtc::dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc::shared::error::Error;

/// Until a flight is sent again: as soon as libwebrtc does, since servers lose what comes while they nominate.
const FIRST_RETRANSMISSION: Duration = Duration::from_millis(50);

/// The crowd's certificate, and what every handshake needs.
#[derive(Clone)]
pub(crate) struct Identity {
    provider: Arc<dyn RTCCryptoProvider>,
    config: Arc<HandshakeConfig>,
    fingerprint: Arc<str>,
}

impl Identity {
    /// Makes a fresh one.
    pub(crate) fn generate() -> Result<Self, Error> {
        let provider: Arc<dyn RTCCryptoProvider> = Arc::new(AwsLcRsProvider::new());
        let certificate =
            Certificate::generate_self_signed(vec!["crowd".to_owned()], provider.crypto())?;
        let der = certificate.certificate.first();
        let der = der.ok_or_else(|| Error::Other("a certificate without a chain".to_owned()))?;
        let fingerprint = fingerprint(der, provider.as_ref())?.into();
        let config = ConfigBuilder::default()
            .with_crypto_provider(Arc::clone(&provider))
            .with_certificates(vec![certificate])
            .with_srtp_protection_profiles(vec![
                SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
                SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
            ])
            .with_flight_interval(FIRST_RETRANSMISSION)
            .with_insecure_skip_verify(true) // no certificate authority: the fingerprint decides, after the handshake
            .build(true, None)?;
        Ok(Self {
            provider,
            config: Arc::new(config),
            fingerprint,
        })
    }

    /// SHA-256 of the certificate, as `a=fingerprint` writes it (RFC 8122 §5).
    pub(crate) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// How to shake hands.
    pub(super) fn config(&self) -> Arc<HandshakeConfig> {
        Arc::clone(&self.config)
    }

    /// Who does the cryptography.
    pub(crate) fn provider(&self) -> &dyn RTCCryptoProvider {
        self.provider.as_ref()
    }
}

/// `AB:CD:…`, the SHA-256 of a certificate.
pub(super) fn fingerprint(der: &[u8], provider: &dyn RTCCryptoProvider) -> Result<String, Error> {
    let digest = provider.crypto().hash(HashAlgorithm::Sha256, der);
    let digest = digest.map_err(|error| Error::Crypto(error.to_string()))?;
    let digest: &[u8] = digest.as_ref();
    let mut text = String::with_capacity(3 * digest.len());
    for byte in digest {
        let colon = if text.is_empty() { "" } else { ":" };
        // Writing to a string cannot fail.
        let _infallible = write!(text, "{colon}{byte:02X}");
    }
    Ok(text)
}
