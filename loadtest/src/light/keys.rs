//! SRTP of both directions (RFC 3711, RFC 7714).

use rtc::dtls::crypto_provider::RTCCryptoProvider;
use rtc::shared::error::Error;
use rtc::srtp::config::Config;
use rtc::srtp::context::Context;
use rtc::srtp::protection_profile::ProtectionProfile;

/// What seals and what opens.
pub(crate) struct Keys {
    /// Seals what we send.
    pub(super) seal: Context,
    /// Opens what we receive.
    pub(super) open: Context,
}

impl Keys {
    /// Of the DTLS client, from exported keying material.
    pub(crate) fn of_client(
        profile: ProtectionProfile,
        material: &[u8],
        provider: &dyn RTCCryptoProvider,
    ) -> Result<Self, Error> {
        let mut config = Config {
            profile,
            ..Config::default()
        };
        config.set_session_keys_from_keying_material(material, true)?;
        let context = |key: &[u8], salt: &[u8]| {
            Context::new(key, salt, profile, None, None, provider.crypto())
        };
        let keys = &config.keys;
        Ok(Self {
            seal: context(&keys.local_master_key, &keys.local_master_salt)?,
            open: context(&keys.remote_master_key, &keys.remote_master_salt)?,
        })
    }
}
