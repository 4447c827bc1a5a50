//! The client's side of DTLS-SRTP (RFC 5764): ends with keys.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Instant;

use bytes::BytesMut;
use rtc::dtls::endpoint::{Endpoint, EndpointEvent};
use rtc::dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc::shared::TransportProtocol;
use rtc::shared::error::Error;
use rtc::srtp::config::LABEL_EXTRACTOR_DTLS_SRTP;
use rtc::srtp::protection_profile::ProtectionProfile;

use super::identity::{Identity, fingerprint};
use super::keys::Keys;

/// The library knows associations by address; a socket of ours has only one.
const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

/// A handshake under way.
pub(super) struct Handshake {
    endpoint: Endpoint,
    fingerprint: String,
}

impl Handshake {
    /// Says hello to whoever has this certificate.
    pub(super) fn begin(
        identity: &Identity,
        fingerprint: String,
        now: Instant,
    ) -> Result<Self, Error> {
        let mut endpoint = Endpoint::new(SERVER, TransportProtocol::UDP, None);
        endpoint.connect(now, SERVER, identity.config(), None)?;
        Ok(Self {
            endpoint,
            fingerprint,
        })
    }

    /// Takes a datagram; the keys, once there are any.
    pub(super) fn handle(
        &mut self,
        datagram: &[u8],
        identity: &Identity,
        now: Instant,
    ) -> Result<Option<Keys>, Error> {
        let events = self
            .endpoint
            .read(now, SERVER, None, BytesMut::from(datagram))?;
        let done = events
            .iter()
            .any(|event| matches!(event, EndpointEvent::HandshakeComplete));
        if done {
            self.keys(identity).map(Some)
        } else {
            Ok(None)
        }
    }

    /// When [`Handshake::tick`] has something to do.
    pub(super) fn due(&self) -> Option<Instant> {
        self.endpoint.poll_timeout(&SERVER)
    }

    /// Sends again what was not answered.
    pub(super) fn tick(&mut self, now: Instant) -> Result<(), Error> {
        self.endpoint.handle_timeout(SERVER, now)
    }

    /// The next datagram to send.
    pub(super) fn poll_transmit(&mut self) -> Option<BytesMut> {
        Some(self.endpoint.poll_transmit()?.message)
    }

    fn keys(&self, identity: &Identity) -> Result<Keys, Error> {
        let state = self.endpoint.get_connection_state(SERVER);
        let state = state.ok_or_else(|| Error::Other("a handshake without a state".to_owned()))?;
        let certificate = state.peer_certificates.first();
        let certificate = certificate.ok_or(Error::ErrInvalidCertificate)?;
        if fingerprint(certificate, identity.provider())? != self.fingerprint.to_uppercase() {
            return Err(Error::ErrInvalidCertificate);
        }
        let profile = match state.srtp_protection_profile() {
            SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm => ProtectionProfile::AeadAes128Gcm,
            SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80 => {
                ProtectionProfile::Aes128CmHmacSha1_80
            }
            _ => return Err(Error::ErrNoSuchSrtpProfile),
        };
        let material = state.export_keying_material(
            LABEL_EXTRACTOR_DTLS_SRTP,
            &[],
            2 * (profile.key_len() + profile.salt_len()),
        )?;
        Keys::of_client(profile, material.as_ref(), identity.provider())
    }
}
