//! What a client asks for, read but not yet believed.

use rtc_stun::attributes::{
    ATTR_CHANNEL_NUMBER, ATTR_DATA, ATTR_ERROR_CODE, ATTR_EVEN_PORT, ATTR_FINGERPRINT,
    ATTR_LIFETIME, ATTR_MAPPED_ADDRESS, ATTR_MESSAGE_INTEGRITY, ATTR_NONCE, ATTR_REALM,
    ATTR_REQUESTED_ADDRESS_FAMILY, ATTR_REQUESTED_TRANSPORT, ATTR_RESERVATION_TOKEN,
    ATTR_UNKNOWN_ATTRIBUTES, ATTR_USERNAME, ATTR_XOR_PEER_ADDRESS, ATTR_XOR_RELAYED_ADDRESS,
    ATTR_XORMAPPED_ADDRESS, AttrType, RawAttribute,
};
use rtc_stun::crypto::RTCCrypto;
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{
    CLASS_REQUEST, METHOD_ALLOCATE, METHOD_BINDING, METHOD_CHANNEL_BIND, METHOD_CREATE_PERMISSION,
    METHOD_REFRESH, Message, MessageType,
};

use crate::wire::{HEADER, TransactionId};

/// No request of any client comes near this.
const LONGEST: usize = 2048;

/// What must be understood and is: the rest of that range is refused by name (420).
const UNDERSTOOD: [AttrType; 17] = [
    ATTR_MAPPED_ADDRESS,
    ATTR_USERNAME,
    ATTR_MESSAGE_INTEGRITY,
    ATTR_ERROR_CODE,
    ATTR_UNKNOWN_ATTRIBUTES,
    ATTR_CHANNEL_NUMBER,
    ATTR_LIFETIME,
    ATTR_XOR_PEER_ADDRESS,
    ATTR_DATA,
    ATTR_REALM,
    ATTR_NONCE,
    ATTR_XOR_RELAYED_ADDRESS,
    ATTR_REQUESTED_ADDRESS_FAMILY,
    ATTR_EVEN_PORT,
    ATTR_REQUESTED_TRANSPORT,
    ATTR_XORMAPPED_ADDRESS,
    ATTR_RESERVATION_TOKEN,
];

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// Where do I come from?
    Binding,
    /// A relay, please.
    Allocate,
    /// Keep it, or give it up.
    Refresh,
    /// Let them send to me.
    CreatePermission,
    /// A short name for a peer.
    ChannelBind,
}

/// A request.
pub(crate) struct Request {
    message: Message,
    method: Method,
}

impl Request {
    /// Reads one. What is none, or is damaged, is not worth an answer.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > LONGEST {
            return None;
        }
        let mut message = Message::new();
        message.unmarshal_binary(bytes).ok()?;
        let method = method(message.typ)?;
        let whole = bytes.len() == HEADER + message.length as usize;
        let marked = message.contains(ATTR_FINGERPRINT);
        if !whole || (marked && FINGERPRINT.check(&message).is_err()) {
            return None;
        }
        Some(Self { message, method })
    }

    pub(crate) fn method(&self) -> Method {
        self.method
    }

    pub(crate) fn typ(&self) -> MessageType {
        self.message.typ
    }

    pub(crate) fn transaction(&self) -> &TransactionId {
        &self.message.transaction_id.0
    }

    /// Bytes that it took.
    pub(crate) fn length(&self) -> usize {
        self.message.raw.len()
    }

    /// It says by a checksum that it is STUN; then the answer does so too.
    pub(crate) fn is_marked(&self) -> bool {
        self.message.contains(ATTR_FINGERPRINT)
    }

    pub(crate) fn is_signed(&self) -> bool {
        self.message.contains(ATTR_MESSAGE_INTEGRITY)
    }

    /// Attributes that the integrity covers; what follows it could be anybody's.
    fn covered(&self) -> impl Iterator<Item = &RawAttribute> {
        self.message
            .attributes
            .0
            .iter()
            .take_while(|attribute| attribute.typ != ATTR_MESSAGE_INTEGRITY)
    }

    /// The first value of this type.
    pub(crate) fn get(&self, typ: AttrType) -> Option<&[u8]> {
        self.all(typ).next()
    }

    /// All values of this type.
    pub(crate) fn all(&self, typ: AttrType) -> impl Iterator<Item = &[u8]> {
        self.covered()
            .filter(move |attribute| attribute.typ == typ)
            .map(|attribute| &attribute.value[..])
    }

    /// What must be understood and is not.
    pub(crate) fn unknown(&self) -> Vec<AttrType> {
        self.covered()
            .map(|attribute| attribute.typ)
            .filter(|typ| typ.required() && !UNDERSTOOD.contains(typ))
            .collect()
    }

    /// Compares the message integrity in constant time.
    pub(crate) fn is_authentic(&mut self, key: &[u8], crypto: &dyn RTCCrypto) -> bool {
        MessageIntegrity::check(&mut self.message, key, crypto).is_ok()
    }
}

fn method(typ: MessageType) -> Option<Method> {
    [
        (METHOD_BINDING, Method::Binding),
        (METHOD_ALLOCATE, Method::Allocate),
        (METHOD_REFRESH, Method::Refresh),
        (METHOD_CREATE_PERMISSION, Method::CreatePermission),
        (METHOD_CHANNEL_BIND, Method::ChannelBind),
    ]
    .into_iter()
    .find(|&(method, _)| typ == MessageType::new(method, CLASS_REQUEST))
    .map(|(_, method)| method)
}
