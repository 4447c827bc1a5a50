//! SRTP and SRTCP, in place (RFC 3711; AES-GCM as in RFC 7714).
//!
//! [`Sealer`] protects what we send, [`Opener`] checks and opens what we receive. The two directions have
//! different keys, so there is one of each per connection and never a second sealer for the same keys: with GCM
//! that would repeat nonces. [`Sealer`] refuses to seal one packet index of a source twice for the same reason.

mod cipher;
mod cm_sha1;
mod derive;
mod gcm;
mod index;
mod keys;
mod opener;
mod sealer;
mod sources;

pub use keys::{Keys, MasterKey, Profile};
pub use opener::Opener;
pub use sealer::Sealer;

/// A packet that cannot be opened or sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SrtpError {
    /// Too short, of another version, or with a header that does not fit.
    #[error("packet is malformed")]
    Malformed,
    /// Its authentication tag does not match.
    #[error("packet is not authentic")]
    Forged,
    /// It was here before, or is too old to know.
    #[error("packet is a replay or too old")]
    Replayed,
    /// No room for another source.
    #[error("too many sources (at most {0})")]
    TooManySources(usize),
    /// Every packet index of this key is used up (RFC 3711 §9.2).
    #[error("key is used up")]
    Exhausted,
}

/// Length of the fixed header, CSRCs and header extension of an RTP packet; `None` if they do not fit.
fn rtp_header_len(packet: &[u8]) -> Option<usize> {
    let first = *packet.first()?;
    if first >> 6 != 2 {
        return None;
    }
    let mut len = 12 + 4 * usize::from(first & 0x0f);
    if first & 0x10 != 0 {
        let words = packet.get(len + 2..len + 4)?;
        len += 4 + 4 * usize::from(u16::from_be_bytes([words[0], words[1]]));
    }
    (packet.len() >= len).then_some(len)
}

/// The big-endian word at this place.
fn word(packet: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*packet.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests;
