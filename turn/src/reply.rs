//! Answers.

use std::net::SocketAddr;

use rtc_stun::attributes::{
    ATTR_ERROR_CODE, ATTR_NONCE, ATTR_REALM, ATTR_UNKNOWN_ATTRIBUTES, AttrType,
};
use rtc_stun::crypto::RTCCrypto;
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{
    CLASS_ERROR_RESPONSE, CLASS_SUCCESS_RESPONSE, Message, MessageClass, MessageType, Setter,
    TransactionId,
};

use crate::request::Request;
use crate::wire::address;
use crate::{REALM, Refusal};

/// How much is said to somebody who may not be where they say they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Words {
    /// All of it.
    All,
    /// What they need to go on.
    Few,
}

/// An answer in the making.
pub(crate) struct Reply {
    message: Message,
    marked: bool,
}

impl Reply {
    pub(crate) fn success(request: &Request) -> Self {
        Self::new(request, CLASS_SUCCESS_RESPONSE)
    }

    pub(crate) fn refusal(request: &Request, refusal: &Refusal, words: Words) -> Self {
        let mut reply = Self::new(request, CLASS_ERROR_RESPONSE);
        let code = refusal.code();
        let (class, number) = (code / 100, code % 100);
        let mut value = vec![0, 0, to_byte(class), to_byte(number)];
        if words == Words::All {
            value.extend_from_slice(refusal.reason().as_bytes());
        }
        reply.add(ATTR_ERROR_CODE, &value);
        if let Refusal::UnknownAttributes(unknown) = refusal {
            let types = unknown.iter().flat_map(|typ| typ.value().to_be_bytes());
            reply.add(ATTR_UNKNOWN_ATTRIBUTES, &types.collect::<Vec<_>>());
        }
        reply
    }

    fn new(request: &Request, class: MessageClass) -> Self {
        let mut message = Message {
            typ: MessageType::new(request.typ().method, class),
            transaction_id: TransactionId(*request.transaction()),
            ..Message::new()
        };
        message.write_header();
        Self {
            message,
            marked: request.is_marked(),
        }
    }

    pub(crate) fn add(&mut self, typ: AttrType, value: &[u8]) {
        self.message.add(typ, value);
    }

    pub(crate) fn address(&mut self, typ: AttrType, address: SocketAddr) {
        // A dual-stack socket sees IPv4 under mapped addresses, which clients would not recognise.
        let address = SocketAddr::new(address.ip().to_canonical(), address.port());
        let value = address::value(address, &self.message.transaction_id.0);
        self.add(typ, &value);
    }

    /// Asks for a password.
    pub(crate) fn challenge(&mut self, nonce: &str) {
        self.add(ATTR_REALM, REALM.as_bytes());
        self.add(ATTR_NONCE, nonce.as_bytes());
    }

    /// All of its bytes; none if they cannot be signed.
    pub(crate) fn finish(mut self, key: Option<&[u8]>, crypto: &dyn RTCCrypto) -> Option<Vec<u8>> {
        if let Some(key) = key {
            let integrity = MessageIntegrity::new_raw_integrity_with_provider(key, crypto);
            integrity.add_to(&mut self.message).ok()?;
        }
        if self.marked {
            FINGERPRINT.add_to(&mut self.message).ok()?;
        }
        Some(self.message.raw)
    }
}

fn to_byte(small: u16) -> u8 {
    u8::try_from(small).unwrap_or(u8::MAX)
}
