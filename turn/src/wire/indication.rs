//! Send and Data indications (RFC 8656 §11): payloads of those who have no channel yet.

use std::net::SocketAddr;

use super::{HEADER, MAGIC_COOKIE, TransactionId, address};

/// Method Send, class indication.
const SEND: [u8; 2] = [0x00, 0x16];

/// Method Data, class indication.
const DATA: [u8; 2] = [0x00, 0x17];

/// Attribute type XOR-PEER-ADDRESS.
const XOR_PEER_ADDRESS: u16 = 0x0012;

/// Attribute type DATA.
const PAYLOAD: u16 = 0x0013;

/// Attributes from here on may be passed over.
const OPTIONAL: u16 = 0x8000;

/// What a client wants to be sent to a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Send<'a> {
    pub(crate) peer: SocketAddr,
    pub(crate) payload: &'a [u8],
}

impl<'a> Send<'a> {
    /// These bytes claim to be one.
    pub(crate) fn is_it(bytes: &[u8]) -> bool {
        bytes.starts_with(&SEND)
    }

    /// Reads one. An attribute that must be understood and is not makes it nothing.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (header, mut rest) = bytes.split_at_checked(HEADER)?;
        let transaction: &TransactionId = header[8..].try_into().ok()?;
        let length = usize::from(u16::from_be_bytes([header[2], header[3]]));
        if !Self::is_it(header) || header[4..8] != MAGIC_COOKIE || length != rest.len() {
            return None;
        }
        let (mut peer, mut payload) = (None, None);
        while let Some((&[t0, t1, l0, l1], after)) = rest.split_first_chunk::<4>() {
            let length = usize::from(u16::from_be_bytes([l0, l1]));
            let value = after.get(..length)?;
            match u16::from_be_bytes([t0, t1]) {
                XOR_PEER_ADDRESS if peer.is_none() => {
                    peer = Some(address::read(value, transaction)?);
                }
                PAYLOAD if payload.is_none() => payload = Some(value),
                XOR_PEER_ADDRESS | PAYLOAD | OPTIONAL.. => {}
                _ => return None,
            }
            rest = after.get(length.next_multiple_of(4)..)?;
        }
        Some(Self {
            peer: peer?,
            payload: payload?,
        })
    }
}

/// Appends a Data indication. The payload is not longer than [`super::LONGEST_PAYLOAD`].
pub(crate) fn write_data(
    out: &mut Vec<u8>,
    transaction: &TransactionId,
    peer: SocketAddr,
    payload: &[u8],
) {
    let peer = address::value(peer, transaction);
    let padded = payload.len().next_multiple_of(4);
    out.extend_from_slice(&DATA);
    out.extend_from_slice(&length(4 + peer.len() + 4 + padded));
    out.extend_from_slice(&MAGIC_COOKIE);
    out.extend_from_slice(transaction);
    out.extend_from_slice(&XOR_PEER_ADDRESS.to_be_bytes());
    out.extend_from_slice(&length(peer.len()));
    out.extend_from_slice(&peer);
    out.extend_from_slice(&PAYLOAD.to_be_bytes());
    out.extend_from_slice(&length(payload.len()));
    out.extend_from_slice(payload);
    out.extend_from_slice(&[0; 4][..padded - payload.len()]);
}

fn length(bytes: usize) -> [u8; 2] {
    u16::try_from(bytes).unwrap_or(u16::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rtc_stun::attributes::{
        ATTR_DATA, ATTR_DONT_FRAGMENT, ATTR_SOFTWARE, ATTR_XOR_PEER_ADDRESS,
    };
    use rtc_stun::message::{CLASS_INDICATION, METHOD_DATA, METHOD_SEND, Message, MessageType};

    use super::*;

    fn send(peer: SocketAddr, payload: &[u8]) -> Message {
        let mut message = Message::new();
        message.typ = MessageType::new(METHOD_SEND, CLASS_INDICATION);
        message.write_header();
        let peer = address::value(peer, &message.transaction_id.0);
        message.add(ATTR_XOR_PEER_ADDRESS, &peer);
        message.add(ATTR_SOFTWARE, b"something");
        message.add(ATTR_DATA, payload);
        message
    }

    proptest! {
        #[test]
        fn what_clients_send_is_read(
            ip: std::net::IpAddr, port: u16, payload in prop::collection::vec(any::<u8>(), 0..1500)
        ) {
            let peer = SocketAddr::new(ip, port);
            let message = send(peer, &payload);
            let payload = &payload[..];
            prop_assert_eq!(Send::parse(&message.raw), Some(Send { peer, payload }));
        }

        #[test]
        fn clients_read_what_is_written(
            ip: std::net::IpAddr, port: u16, transaction: TransactionId,
            payload in prop::collection::vec(any::<u8>(), 0..1500)
        ) {
            let peer = SocketAddr::new(ip, port);
            let mut raw = Vec::new();
            write_data(&mut raw, &transaction, peer, &payload);
            let mut message = Message::new();
            message.unmarshal_binary(&raw).unwrap();
            prop_assert_eq!(message.typ, MessageType::new(METHOD_DATA, CLASS_INDICATION));
            prop_assert_eq!(message.length as usize + HEADER, raw.len());
            prop_assert_eq!(message.get(ATTR_DATA).unwrap(), payload);
            let told = message.get(ATTR_XOR_PEER_ADDRESS).unwrap();
            prop_assert_eq!(address::read(&told, &transaction), Some(peer));
        }

        #[test]
        fn any_bytes_are_survived(tail in prop::collection::vec(any::<u8>(), 0..100)) {
            let mut bytes = vec![0, 0x16, 0, u8::try_from(tail.len()).unwrap()];
            bytes.extend(MAGIC_COOKIE);
            bytes.extend([0; 12]);
            bytes.extend(&tail);
            let _ = Send::parse(&bytes);
            let _ = Send::parse(&tail);
        }
    }

    #[test]
    fn one_that_asks_for_more_than_we_can_do_is_not_relayed() {
        let mut message = send("192.0.2.1:9".parse().unwrap(), b"x");
        message.add(ATTR_DONT_FRAGMENT, &[]);
        assert_eq!(Send::parse(&message.raw), None);
    }
}
