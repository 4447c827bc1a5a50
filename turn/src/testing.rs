//! A client's side of the protocol, and an [`Outside`] that remembers. For tests and fuzzing.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use rtc_stun::attributes::{
    ATTR_CHANNEL_NUMBER, ATTR_DATA, ATTR_ERROR_CODE, ATTR_LIFETIME, ATTR_NONCE, ATTR_REALM,
    ATTR_REQUESTED_TRANSPORT, ATTR_USERNAME, ATTR_XOR_PEER_ADDRESS, AttrType,
};
use rtc_stun::crypto::RTCCryptoProvider;
use rtc_stun::crypto::providers::AwsLcRsProvider;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{
    CLASS_INDICATION, CLASS_REQUEST, METHOD_ALLOCATE, METHOD_CHANNEL_BIND,
    METHOD_CREATE_PERMISSION, METHOD_REFRESH, METHOD_SEND, Message, MessageType, Method, Setter,
    TransactionId,
};

use crate::wire::{address, channel};
use crate::{Client, Credential, Family, Now, Outside, REALM, RelayId, Wanted};

pub use rtc_stun::attributes;
pub use rtc_stun::message;

/// An attribute, not yet in a message.
pub type Attribute = (AttrType, Vec<u8>);

/// Asks with a password, once the server has told its nonce.
#[derive(Debug, Clone)]
pub struct Asker {
    /// What it shows.
    pub credential: Credential,
    /// What it was told.
    pub nonce: Vec<u8>,
    /// Of its next requests. All the same, unless a test has two on their way at once.
    pub transaction: [u8; 12],
}

impl Asker {
    /// Knows no nonce yet.
    pub fn new(credential: Credential) -> Self {
        Self {
            credential,
            nonce: Vec::new(),
            transaction: TRANSACTION,
        }
    }

    /// Takes the nonce out of a challenge.
    pub fn learn(&mut self, challenge: &Answer) {
        self.nonce = challenge.get(ATTR_NONCE).unwrap_or_default();
    }

    /// A signed request.
    pub fn request(&self, method: Method, attributes: &[Attribute]) -> Vec<u8> {
        let typ = MessageType::new(method, CLASS_REQUEST);
        let mut message = build(typ, self.transaction, attributes);
        message.add(ATTR_USERNAME, self.credential.username.as_bytes());
        message.add(ATTR_REALM, REALM.as_bytes());
        message.add(ATTR_NONCE, &self.nonce);
        let provider = AwsLcRsProvider::new();
        let integrity = MessageIntegrity::new_long_term_integrity_with_provider(
            self.credential.username.clone(),
            REALM.to_owned(),
            self.credential.password.clone(),
            provider.crypto(),
        );
        let signed = integrity.and_then(|integrity| integrity.add_to(&mut message));
        signed.expect("a request can be signed");
        message.raw
    }

    /// Asks for a relay.
    pub fn allocate(&self) -> Vec<u8> {
        self.request(METHOD_ALLOCATE, &[transport(17)])
    }

    /// Keeps it for so many seconds.
    pub fn refresh(&self, seconds: u32) -> Vec<u8> {
        let lifetime = (ATTR_LIFETIME, seconds.to_be_bytes().to_vec());
        self.request(METHOD_REFRESH, &[lifetime])
    }

    /// Lets them send.
    pub fn permit(&self, peers: &[SocketAddr]) -> Vec<u8> {
        let peers = peers
            .iter()
            .map(|&address| peer(address, &self.transaction));
        self.request(METHOD_CREATE_PERMISSION, &peers.collect::<Vec<_>>())
    }

    /// Gives a peer a channel.
    pub fn bind(&self, number: u16, to: SocketAddr) -> Vec<u8> {
        let [high, low] = number.to_be_bytes();
        let number = (ATTR_CHANNEL_NUMBER, vec![high, low, 0, 0]);
        self.request(METHOD_CHANNEL_BIND, &[number, peer(to, &self.transaction)])
    }
}

const TRANSACTION: [u8; 12] = *b"transaction!";

/// A request without a password.
pub fn unsigned(method: Method, attributes: &[Attribute]) -> Message {
    build(
        MessageType::new(method, CLASS_REQUEST),
        TRANSACTION,
        attributes,
    )
}

/// A Send indication.
pub fn send(to: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let attributes = [peer(to, &TRANSACTION), (ATTR_DATA, payload.to_vec())];
    let typ = MessageType::new(METHOD_SEND, CLASS_INDICATION);
    build(typ, TRANSACTION, &attributes).raw
}

/// A payload on a channel.
pub fn channel_data(number: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    channel::write(&mut bytes, number, payload, true);
    bytes
}

/// REQUESTED-TRANSPORT.
pub fn transport(protocol: u8) -> Attribute {
    (ATTR_REQUESTED_TRANSPORT, vec![protocol, 0, 0, 0])
}

fn peer(address: SocketAddr, transaction: &[u8; 12]) -> Attribute {
    let value = address::value(address, transaction);
    (ATTR_XOR_PEER_ADDRESS, value.to_vec())
}

fn build(typ: MessageType, transaction: [u8; 12], attributes: &[Attribute]) -> Message {
    let mut message = Message::new();
    message.typ = typ;
    message.transaction_id = TransactionId(transaction);
    message.write_header();
    for (typ, value) in attributes {
        message.add(*typ, value);
    }
    message
}

/// What a server sent.
#[derive(Debug, Clone)]
pub struct Answer(Message);

impl Answer {
    /// Reads it; none if it is no STUN.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut message = Message::new();
        message.unmarshal_binary(bytes).ok()?;
        Some(Self(message))
    }

    /// Method and class.
    pub fn typ(&self) -> MessageType {
        self.0.typ
    }

    /// The error code; 0 for success.
    pub fn code(&self) -> u16 {
        match self.get(ATTR_ERROR_CODE).as_deref() {
            Some([_, _, class, number, ..]) => u16::from(*class) * 100 + u16::from(*number),
            _ => 0,
        }
    }

    /// The value of an attribute.
    pub fn get(&self, typ: AttrType) -> Option<Vec<u8>> {
        self.0.get(typ).ok()
    }

    /// An address among the attributes.
    pub fn address(&self, typ: AttrType) -> Option<SocketAddr> {
        address::read(&self.get(typ)?, &self.0.transaction_id.0)
    }

    /// The server knows the password too.
    pub fn is_signed_for(&mut self, asker: &Asker) -> bool {
        let provider = AwsLcRsProvider::new();
        let key = MessageIntegrity::long_term_integrity_key(
            asker.credential.username.clone(),
            REALM.to_owned(),
            asker.credential.password.clone(),
            provider.crypto(),
        );
        key.and_then(|key| MessageIntegrity::check(&mut self.0, &key, provider.crypto()))
            .is_ok()
    }
}

/// An [`Outside`] that remembers what was done.
#[derive(Debug, Default)]
pub struct Remembered {
    /// Relays that are open.
    pub open: BTreeMap<RelayId, Wanted>,
    /// What went to clients.
    pub to_clients: Vec<(Client, Vec<u8>)>,
    /// What went to peers.
    pub to_peers: Vec<(RelayId, SocketAddr, Vec<u8>)>,
    /// No relay can be opened.
    pub full: bool,
}

impl Outside for Remembered {
    fn open(&mut self, relay: RelayId, wanted: Wanted) -> Option<SocketAddr> {
        if self.full {
            return None;
        }
        self.open.insert(relay, wanted);
        let ip: IpAddr = match wanted.family {
            Family::V4 => [203, 0, 113, 7].into(),
            Family::V6 => [0x2001, 0xdb8, 0, 0, 0, 0, 0, 7].into(),
        };
        let port = 61_000 + u16::try_from(relay.0 % 1000).unwrap_or(0);
        Some(SocketAddr::new(ip, port))
    }

    fn close(&mut self, relay: RelayId) {
        assert!(self.open.remove(&relay).is_some(), "it was not open");
    }

    fn to_client(&mut self, client: Client, write: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = Vec::new();
        write(&mut bytes);
        self.to_clients.push((client, bytes));
    }

    fn to_peer(&mut self, relay: RelayId, peer: SocketAddr, payload: &[u8]) {
        self.to_peers.push((relay, peer, payload.to_vec()));
    }
}

/// A clock that a test owns.
#[derive(Debug, Clone, Copy)]
pub struct TestClock {
    start: Instant,
    passed: Duration,
}

/// When a [`TestClock`] starts, in seconds since 1970.
pub const EPOCH: u64 = 1_700_000_000;

impl TestClock {
    /// Stands still until it is told otherwise.
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
            passed: Duration::ZERO,
        }
    }

    /// Lets time pass.
    pub fn pass(&mut self, time: Duration) {
        self.passed += time;
    }

    /// What time it is.
    pub fn now(&self) -> Now {
        Now {
            at: self.start + self.passed,
            unix_seconds: EPOCH + self.passed.as_secs(),
        }
    }
}

impl Default for TestClock {
    fn default() -> Self {
        Self::new()
    }
}
