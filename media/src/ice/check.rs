//! One connectivity check: a STUN binding request (RFC 8445 §7.3).

use std::net::SocketAddr;

use rtc_dtls::crypto_provider::RTCCrypto;
use rtc_stun::attributes::{
    ATTR_FINGERPRINT, ATTR_ICE_CONTROLLED, ATTR_MESSAGE_INTEGRITY, ATTR_USE_CANDIDATE,
    ATTR_USERNAME, AttrType, RawAttribute,
};
use rtc_stun::error_code::{CODE_ROLE_CONFLICT, ErrorCodeAttribute};
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{
    BINDING_ERROR, BINDING_REQUEST, BINDING_SUCCESS, MESSAGE_HEADER_SIZE, Message, MessageType,
    Setter,
};
use rtc_stun::xoraddr::XorMappedAddress;

use super::Unanswered;

/// No check of any agent comes near this.
const MAX_LEN: usize = 1280;

/// A parsed binding request, not yet authenticated.
pub(super) struct Check(Message);

impl Check {
    pub(super) fn parse(datagram: &[u8]) -> Result<Self, Unanswered> {
        if datagram.len() > MAX_LEN {
            return Err(Unanswered::Malformed);
        }
        let mut message = Message::new();
        message
            .unmarshal_binary(datagram)
            .map_err(|_| Unanswered::Malformed)?;
        if message.typ != BINDING_REQUEST {
            return Err(Unanswered::NotARequest);
        }
        let whole = datagram.len() == MESSAGE_HEADER_SIZE + message.length as usize;
        let marked = message.contains(ATTR_FINGERPRINT);
        if !whole || (marked && FINGERPRINT.check(&message).is_err()) {
            return Err(Unanswered::Malformed);
        }
        Ok(Self(message))
    }

    /// Attributes that the integrity covers; what follows it could be anybody's.
    fn covered(&self) -> impl Iterator<Item = &RawAttribute> {
        self.0
            .attributes
            .0
            .iter()
            .take_while(|attribute| attribute.typ != ATTR_MESSAGE_INTEGRITY)
    }

    fn has(&self, typ: AttrType) -> bool {
        self.covered().any(|attribute| attribute.typ == typ)
    }

    /// `USERNAME`: our user fragment, then the peer's.
    pub(super) fn username(&self) -> Option<(&str, &str)> {
        let name = self
            .covered()
            .find(|attribute| attribute.typ == ATTR_USERNAME)?;
        std::str::from_utf8(&name.value).ok()?.split_once(':')
    }

    /// Compares the message integrity in constant time.
    pub(super) fn authenticate(
        &mut self,
        pwd: &str,
        crypto: &dyn RTCCrypto,
    ) -> Result<(), Unanswered> {
        MessageIntegrity::check(&mut self.0, pwd.as_bytes(), crypto)
            .map_err(|_| Unanswered::Stranger)
    }

    /// The peer believes that we are controlling, which a lite agent never is.
    pub(super) fn claims_controlled(&self) -> bool {
        self.has(ATTR_ICE_CONTROLLED)
    }

    /// The peer selects this path.
    pub(super) fn nominates(&self) -> bool {
        self.has(ATTR_USE_CANDIDATE)
    }

    /// Tells the peer from where its check came.
    pub(super) fn success(
        &self,
        from: SocketAddr,
        pwd: &str,
        crypto: &dyn RTCCrypto,
    ) -> Result<Vec<u8>, Unanswered> {
        // A dual-stack socket sees IPv4 peers under mapped addresses, which the peer would not recognise.
        let address = XorMappedAddress {
            ip: from.ip().to_canonical(),
            port: from.port(),
        };
        self.reply(BINDING_SUCCESS, &address, pwd, crypto)
    }

    /// Asks the peer to take the controlling role (RFC 8445 §7.3.1.1).
    pub(super) fn role_conflict(
        &self,
        pwd: &str,
        crypto: &dyn RTCCrypto,
    ) -> Result<Vec<u8>, Unanswered> {
        let error = ErrorCodeAttribute {
            code: CODE_ROLE_CONFLICT,
            reason: Vec::new(),
        };
        self.reply(BINDING_ERROR, &error, pwd, crypto)
    }

    fn reply(
        &self,
        typ: MessageType,
        body: &dyn Setter,
        pwd: &str,
        crypto: &dyn RTCCrypto,
    ) -> Result<Vec<u8>, Unanswered> {
        let mut reply = Message {
            typ,
            transaction_id: self.0.transaction_id,
            ..Message::new()
        };
        reply.write_header();
        let integrity =
            MessageIntegrity::new_short_term_integrity_with_provider(pwd.to_owned(), crypto);
        for part in [body, &integrity, &FINGERPRINT] {
            part.add_to(&mut reply).map_err(|_| Unanswered::Malformed)?;
        }
        Ok(reply.raw)
    }
}
