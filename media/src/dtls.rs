//! DTLS 1.2, always as the server (RFC 6347, RFC 5764): the client proves that its certificate is the one
//! whose fingerprint it signalled, and both ends take SRTP keys from the handshake.
//!
//! `rtc-dtls` does the protocol. This wrapper knows one association, whatever path its datagrams take, and
//! guards the weak spots of the library: it bounds what an unfinished handshake may make it remember, puts together
//! a `ClientHello` that comes in pieces, answers a repeated one itself (the library would stop its retransmit timer
//! for good), and prefers GCM.

mod fingerprint;
mod pieces;
mod records;

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use rtc_dtls::config::{ClientAuthType, ConfigBuilder, HandshakeConfig};
use rtc_dtls::endpoint::{Endpoint, EndpointEvent};
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_shared::TransportProtocol;
use rtc_shared::error::Error;

pub(crate) use fingerprint::Fingerprint;
use pieces::{Piece, Pieces};
use records::{Hello, Record};

use crate::identity::Identity;
use crate::srtp::{Keys, Profile};

/// RFC 5764 §4.2.
const EXPORTER_LABEL: &str = "EXTRACTOR-dtls_srtp";

/// The library knows associations by address; ours is one, whatever path it takes.
const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

/// Handshake records that a peer may make us look at: a dozen is normal, eight retransmissions are patient. The
/// library keeps fragments and joins them recursively, so this is also the bound of its memory and its stack.
const HANDSHAKE_RECORDS: u32 = 256;

/// Handshake records that are still looked at once the handshake is done: repeats of the client's last flight.
const LATE_HANDSHAKE_RECORDS: u32 = 64;

/// How often a flight is sent again because its `ClientHello` came again.
const REPEATS: u32 = 16;

/// What became of the association.
#[derive(Debug)]
pub(crate) enum DtlsEvent {
    /// The peer is who it said; here are the keys for its media.
    Connected(Keys),
    /// The peer said goodbye.
    Closed,
    /// The handshake cannot succeed any more.
    Failed,
}

/// A datagram that the association has no use for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum DtlsRejected {
    /// No DTLS records.
    #[error("not DTLS")]
    Malformed,
    /// More than a handshake needs.
    #[error("too many handshake records")]
    Flood,
    /// The association is over.
    #[error("association is over")]
    Over,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Handshaking,
    Connected,
    Over,
}

/// One association with one peer.
pub(crate) struct Dtls {
    identity: Arc<Identity>,
    expected: Arc<[Fingerprint]>,
    state: State,
    /// Made for the first `ClientHello`, whose SRTP profiles it must know.
    endpoint: Option<Endpoint>,
    out: VecDeque<BytesMut>,
    pieces: Pieces,
    /// What was answered to the latest `ClientHello`, and its message number.
    flight: Vec<BytesMut>,
    hello: Option<u16>,
    repeats: u32,
    handshake_records: u32,
    began: Option<Instant>,
    took: Option<Duration>,
}

impl Dtls {
    /// Waits for a peer with one of these certificates.
    pub(crate) fn new(identity: Arc<Identity>, expected: Arc<[Fingerprint]>) -> Self {
        Self {
            identity,
            expected,
            state: State::Handshaking,
            endpoint: None,
            out: VecDeque::new(),
            pieces: Pieces::default(),
            flight: Vec::new(),
            hello: None,
            repeats: 0,
            handshake_records: 0,
            began: None,
            took: None,
        }
    }

    /// Takes a datagram of a verified path.
    pub(crate) fn handle(
        &mut self,
        datagram: BytesMut,
        now: Instant,
    ) -> Result<Option<DtlsEvent>, DtlsRejected> {
        if self.state == State::Over {
            return Err(DtlsRejected::Over);
        }
        let records = Record::all(&datagram).ok_or(DtlsRejected::Malformed)?;
        let handshakes = records
            .iter()
            .filter(|record| record.is_handshake())
            .count();
        let limit = match self.state {
            State::Connected => HANDSHAKE_RECORDS + LATE_HANDSHAKE_RECORDS,
            State::Handshaking | State::Over => HANDSHAKE_RECORDS,
        };
        // Before the keys are there, the library also keeps what is of the next epoch.
        let counted = if self.state == State::Handshaking {
            records.len()
        } else {
            handshakes
        };
        let total = self.handshake_records + u32::try_from(counted).unwrap_or(u32::MAX);
        if total > limit {
            return Err(DtlsRejected::Flood);
        }
        self.handshake_records = total;
        let mut pieces = records.iter().filter_map(Piece::of).peekable();
        if pieces.peek().is_none() {
            return Ok(self.take(datagram, now));
        }
        let whole = pieces.filter_map(|piece| self.pieces.take(piece)).last();
        Ok(whole.and_then(|whole| self.take(whole, now)))
    }

    /// Takes whole messages only.
    fn take(&mut self, datagram: BytesMut, now: Instant) -> Option<DtlsEvent> {
        let records = Record::all(&datagram)?;
        let hello = records.iter().find_map(Hello::of);
        if let Some(hello) = &hello
            && self.hello.is_some_and(|answered| hello.message <= answered)
        {
            self.repeat_flight();
            return None;
        }
        let hello_number = hello.as_ref().map(|hello| hello.message);
        if self.endpoint.is_none() {
            let profiles = hello.as_ref().map_or(&[][..], |hello| &hello.srtp_profiles);
            let config = self.config(profiles).ok()?;
            let endpoint = Endpoint::new(PEER, TransportProtocol::UDP, Some(Arc::new(config)));
            self.endpoint = Some(endpoint);
        }
        self.began.get_or_insert(now);
        let endpoint = self.endpoint.as_mut()?;
        let outcome = endpoint.read(now, PEER, None, datagram);
        let sent = self.collect();
        if sent.answered && hello_number.is_some() {
            self.hello = hello_number;
        }
        match outcome {
            Ok(events) => events.into_iter().find_map(|event| self.event(&event, now)),
            Err(Error::ErrAlertFatalOrClose) => Some(self.over()),
            Err(_) => None,
        }
        .or_else(|| (sent.fatal_alert && self.state != State::Over).then(|| self.over()))
    }

    /// Retransmits what is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Option<DtlsEvent> {
        if self.state != State::Handshaking || self.poll_timeout().is_none_or(|due| due > now) {
            return None;
        }
        let failed = self.endpoint.as_mut()?.handle_timeout(PEER, now).is_err();
        self.collect();
        failed.then(|| self.over())
    }

    /// When [`handle_timeout`](Self::handle_timeout) is due.
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        if self.state != State::Handshaking {
            return None;
        }
        self.endpoint.as_ref()?.poll_timeout(&PEER)
    }

    /// How long the handshake took, once it is done: a round trip at least, and the other end's arithmetic.
    pub(crate) fn took(&self) -> Option<Duration> {
        self.took
    }

    /// The next datagram to send.
    pub(crate) fn poll_transmit(&mut self) -> Option<BytesMut> {
        self.out.pop_front()
    }

    /// Says goodbye.
    pub(crate) fn close(&mut self, now: Instant) {
        if self.state == State::Connected
            && let Some(endpoint) = &mut self.endpoint
        {
            // Fails only for want of an association.
            let _ = endpoint.close(now);
            self.collect();
        }
        self.state = State::Over;
        self.endpoint = None;
    }

    fn config(&self, offered: &[u16]) -> Result<HandshakeConfig, Error> {
        const GCM: SrtpProtectionProfile = SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm;
        const CM: SrtpProtectionProfile = SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80;
        // The library follows the client's order of preference; leaving it one choice makes it ours.
        let profiles = if offered.contains(&(GCM as u16)) {
            vec![GCM]
        } else {
            vec![GCM, CM]
        };
        let expected = Arc::clone(&self.expected);
        ConfigBuilder::default()
            .with_crypto_provider(Arc::clone(self.identity.provider()))
            .with_certificates(vec![self.identity.certificate().clone()])
            .with_srtp_protection_profiles(profiles)
            .with_client_auth(ClientAuthType::RequireAnyClientCert)
            .with_insecure_skip_verify(true) // no certificate authority: the fingerprint decides
            .with_verify_peer_certificate(Some(Arc::new(move |chain, _| {
                Fingerprint::any_matches(&expected, chain)
                    .then_some(())
                    .ok_or(Error::ErrInvalidCertificate)
            })))
            .build(false, None)
    }

    fn event(&mut self, event: &EndpointEvent, now: Instant) -> Option<DtlsEvent> {
        match event {
            EndpointEvent::HandshakeComplete => Some(match self.keys() {
                Some(keys) => {
                    self.state = State::Connected;
                    self.took = self.began.map(|began| now.saturating_duration_since(began));
                    self.flight = Vec::new();
                    DtlsEvent::Connected(keys)
                }
                None => self.over(),
            }),
            EndpointEvent::PeerClosed => Some(self.over()),
            _ => None, // application data: there are no data channels yet
        }
    }

    /// Keys of a finished handshake with the right peer.
    fn keys(&self) -> Option<Keys> {
        let state = self.endpoint.as_ref()?.get_connection_state(PEER)?;
        if !Fingerprint::any_matches(&self.expected, &state.peer_certificates) {
            return None;
        }
        let profile = match state.srtp_protection_profile() {
            SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm => Profile::AeadAes128Gcm,
            SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80 => Profile::Aes128CmSha1,
            _ => return None,
        };
        let len = profile.keying_material_len();
        let material = state
            .export_keying_material(EXPORTER_LABEL, &[], len)
            .ok()?;
        Keys::from_material(profile, material.as_ref()).ok()
    }

    fn over(&mut self) -> DtlsEvent {
        let was = std::mem::replace(&mut self.state, State::Over);
        self.endpoint = None;
        if was == State::Connected {
            DtlsEvent::Closed
        } else {
            DtlsEvent::Failed
        }
    }

    fn repeat_flight(&mut self) {
        if self.repeats < REPEATS {
            self.repeats += 1;
            self.out.extend(self.flight.iter().cloned());
        }
    }

    /// Takes what the library wants to send.
    fn collect(&mut self) -> Sent {
        let mut sent = Sent {
            answered: false,
            fatal_alert: false,
        };
        let Some(endpoint) = &mut self.endpoint else {
            return sent;
        };
        while let Some(transmit) = endpoint.poll_transmit() {
            if !sent.answered {
                self.flight.clear();
            }
            sent.answered = true;
            sent.fatal_alert |= Record::all(&transmit.message)
                .is_some_and(|records| records.iter().any(Record::is_plain_fatal_alert));
            self.flight.push(transmit.message.clone());
            self.out.push_back(transmit.message);
        }
        sent
    }
}

/// What one step made the library send.
#[derive(Debug, Clone, Copy)]
struct Sent {
    answered: bool,
    fatal_alert: bool,
}

#[cfg(test)]
pub(crate) mod tests;
