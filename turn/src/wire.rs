//! What relaying reads and writes, byte by byte and without taking memory. Requests are rare, and are `rtc-stun`'s.

pub(crate) mod address;
pub(crate) mod channel;
pub(crate) mod indication;

/// Bytes of a STUN header.
pub(crate) const HEADER: usize = 20;

/// Bytes 4 to 7 of every STUN message (RFC 8489 §5).
pub(crate) const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];

/// The random tail of a header.
pub(crate) type TransactionId = [u8; 12];

/// Longest payload that is relayed: it fits into an indication of 16-bit length, whatever the address.
pub(crate) const LONGEST_PAYLOAD: usize = 65_000;
