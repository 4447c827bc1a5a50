//! Addresses as STUN hides them from well-meaning routers (RFC 8489 §14.2).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{MAGIC_COOKIE, TransactionId};

const IPV4: u8 = 1;
const IPV6: u8 = 2;

/// Longest value: IPv6.
const LONGEST: usize = 20;

/// Reads the value of XOR-PEER-ADDRESS and its like.
pub(crate) fn read(value: &[u8], transaction: &TransactionId) -> Option<SocketAddr> {
    let (&[_, family, p0, p1], address) = value.split_first_chunk()?;
    let [c0, c1, ..] = MAGIC_COOKIE;
    let port = u16::from_be_bytes([p0 ^ c0, p1 ^ c1]);
    let ip = match family {
        IPV4 => {
            let mut octets: [u8; 4] = address.try_into().ok()?;
            mask(&mut octets, transaction);
            IpAddr::V4(Ipv4Addr::from(octets))
        }
        IPV6 => {
            let mut octets: [u8; 16] = address.try_into().ok()?;
            mask(&mut octets, transaction);
            IpAddr::V6(Ipv6Addr::from(octets))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// The value for an address.
pub(crate) fn value(address: SocketAddr, transaction: &TransactionId) -> Value {
    let mut bytes = [0; LONGEST];
    let [c0, c1, ..] = MAGIC_COOKIE;
    let [p0, p1] = address.port().to_be_bytes();
    bytes[2..4].copy_from_slice(&[p0 ^ c0, p1 ^ c1]);
    let length = match address.ip() {
        IpAddr::V4(ip) => {
            bytes[1] = IPV4;
            bytes[4..8].copy_from_slice(&ip.octets());
            8
        }
        IpAddr::V6(ip) => {
            bytes[1] = IPV6;
            bytes[4..20].copy_from_slice(&ip.octets());
            20
        }
    };
    mask(&mut bytes[4..length], transaction);
    Value { bytes, length }
}

/// What [`value`] made.
pub(crate) struct Value {
    bytes: [u8; LONGEST],
    length: usize,
}

impl std::ops::Deref for Value {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

fn mask(octets: &mut [u8], transaction: &TransactionId) {
    let mask = MAGIC_COOKIE.iter().chain(transaction);
    for (octet, mask) in octets.iter_mut().zip(mask) {
        *octet ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rtc_stun::attributes::ATTR_XOR_PEER_ADDRESS;
    use rtc_stun::message::Message;
    use rtc_stun::xoraddr::XorMappedAddress;

    use super::*;

    proptest! {
        #[test]
        fn others_write_what_we_read_and_read_what_we_write(
            ip: IpAddr, port: u16, transaction: TransactionId
        ) {
            let address = SocketAddr::new(ip, port);
            let mut theirs = Message::new();
            theirs.transaction_id.0 = transaction;
            XorMappedAddress { ip, port }.add_to_as(&mut theirs, ATTR_XOR_PEER_ADDRESS).unwrap();
            let written = theirs.get(ATTR_XOR_PEER_ADDRESS).unwrap();
            prop_assert_eq!(&value(address, &transaction)[..], &written[..]);
            prop_assert_eq!(read(&written, &transaction), Some(address));
        }

        #[test]
        fn any_bytes_are_survived(value in prop::collection::vec(any::<u8>(), 0..30)) {
            let _ = read(&value, &[0; 12]);
        }
    }
}
