//! `AES128_CM_HMAC_SHA1_80` (RFC 3711 §4.1.1, §4.2.1).

use aws_lc_rs::cipher::{EncryptingKey, EncryptionContext};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;

use super::SrtpError;
use super::cipher::ENCRYPTED;
use super::derive::counter_key;
use super::gcm::Header;
use super::keys::{KEY_LEN, SALT_LEN};

/// Bytes of the truncated tag.
const TAG_LEN: usize = 10;

/// Bytes of the SRTCP index, with the flag that says "encrypted".
const INDEX_LEN: usize = 4;

/// RTCP header and the sender's SSRC, which stay readable.
const RTCP_CLEAR: usize = 8;

/// Bytes of the authentication key.
pub(super) const AUTH_LEN: usize = 20;

/// Session keys and salt of one direction, for RTP or for RTCP.
pub(super) struct CmSha1 {
    key: EncryptingKey,
    authentication: hmac::Key,
    salt: [u8; SALT_LEN],
}

impl CmSha1 {
    pub(super) fn new(
        key: &[u8; KEY_LEN],
        authentication: &[u8; AUTH_LEN],
        salt: [u8; SALT_LEN],
    ) -> Self {
        Self {
            key: counter_key(key),
            authentication: hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, authentication),
            salt,
        }
    }

    /// Applies the keystream: (salt · 2^16) xor (SSRC · 2^64) xor (index · 2^16). Encrypts and decrypts.
    fn apply(&self, ssrc: u32, index: u64, bytes: &mut [u8]) {
        let mut counter = [0; KEY_LEN];
        counter[..SALT_LEN].copy_from_slice(&self.salt);
        for (byte, ssrc) in counter[4..8].iter_mut().zip(ssrc.to_be_bytes()) {
            *byte ^= ssrc;
        }
        for (byte, index) in counter[8..14].iter_mut().zip(&index.to_be_bytes()[2..]) {
            *byte ^= index;
        }
        self.key
            .less_safe_encrypt(bytes, EncryptionContext::Iv128((&counter).into()))
            .expect("AES-CTR takes any length");
    }

    fn tag(&self, parts: [&[u8]; 2]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.authentication);
        for part in parts {
            context.update(part);
        }
        context.sign()
    }

    fn check(&self, parts: [&[u8]; 2], tag: &[u8]) -> Result<(), SrtpError> {
        verify_slices_are_equal(&self.tag(parts).as_ref()[..TAG_LEN], tag)
            .map_err(|_| SrtpError::Forged)
    }

    pub(super) fn seal_rtp(&self, packet: &mut Vec<u8>, at: Header, ssrc: u32, index: u64) {
        self.apply(ssrc, index, &mut packet[at.start + at.len..]);
        let tag = self.tag([&packet[at.start..], &roll_over(index)]);
        packet.extend_from_slice(&tag.as_ref()[..TAG_LEN]);
    }

    pub(super) fn open_rtp(
        &self,
        packet: &mut [u8],
        header_len: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<usize, SrtpError> {
        let end = packet
            .len()
            .checked_sub(TAG_LEN)
            .filter(|end| *end >= header_len);
        let end = end.ok_or(SrtpError::Malformed)?;
        let (sealed, tag) = packet.split_at_mut(end);
        self.check([sealed, &roll_over(index)], tag)?;
        self.apply(ssrc, index, &mut sealed[header_len..]);
        Ok(end)
    }

    pub(super) fn seal_rtcp(&self, packet: &mut Vec<u8>, start: usize, ssrc: u32, index: u32) {
        self.apply(ssrc, index.into(), &mut packet[start + RTCP_CLEAR..]);
        packet.extend_from_slice(&(index | ENCRYPTED).to_be_bytes());
        let tag = self.tag([&packet[start..], &[]]);
        packet.extend_from_slice(&tag.as_ref()[..TAG_LEN]);
    }

    /// Where the word with the SRTCP index stands.
    pub(super) fn rtcp_index_at(len: usize) -> Option<usize> {
        len.checked_sub(INDEX_LEN + TAG_LEN)
            .filter(|at| *at >= RTCP_CLEAR)
    }

    pub(super) fn open_rtcp(
        &self,
        packet: &mut [u8],
        ssrc: u32,
        trailer: u32,
    ) -> Result<usize, SrtpError> {
        let end = Self::rtcp_index_at(packet.len()).ok_or(SrtpError::Malformed)?;
        let (sealed, tag) = packet.split_at_mut(end + INDEX_LEN);
        self.check([sealed, &[]], tag)?;
        if trailer & ENCRYPTED != 0 {
            self.apply(
                ssrc,
                (trailer & !ENCRYPTED).into(),
                &mut sealed[RTCP_CLEAR..end],
            );
        }
        Ok(end)
    }
}

/// The upper 32 of the 48 bits of a packet index.
fn roll_over(index: u64) -> [u8; 4] {
    let bytes = index.to_be_bytes();
    [bytes[2], bytes[3], bytes[4], bytes[5]]
}
