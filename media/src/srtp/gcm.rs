//! `AEAD_AES_128_GCM` (RFC 7714).

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::SrtpError;
use super::keys::KEY_LEN;

/// Bytes of the tag that follows the ciphertext.
const TAG_LEN: usize = 16;

/// Bytes of the SRTCP index at the end, with the flag that says "encrypted".
const INDEX_LEN: usize = 4;

/// RTCP header and the sender's SSRC, which stay readable.
const RTCP_CLEAR: usize = 8;

/// Session key and salt of one direction, for RTP or for RTCP.
pub(super) struct Gcm {
    key: LessSafeKey,
    salt: [u8; 12],
}

impl Gcm {
    pub(super) fn new(key: &[u8; KEY_LEN], salt: [u8; 12]) -> Self {
        let key = UnboundKey::new(&AES_128_GCM, key).expect("sixteen bytes are an AES-128 key");
        Self {
            key: LessSafeKey::new(key),
            salt,
        }
    }

    /// RFC 7714 §8.1: two zero bytes, SSRC, roll-over counter, sequence number; xor salt.
    fn rtp_nonce(&self, ssrc: u32, index: u64) -> Nonce {
        let mut nonce = [0; 12];
        nonce[2..6].copy_from_slice(&ssrc.to_be_bytes());
        nonce[6..].copy_from_slice(&index.to_be_bytes()[2..]);
        self.salted(nonce)
    }

    /// RFC 7714 §9.1: two zero bytes, SSRC, two zero bytes, SRTCP index; xor salt.
    fn rtcp_nonce(&self, ssrc: u32, index: u32) -> Nonce {
        let mut nonce = [0; 12];
        nonce[2..6].copy_from_slice(&ssrc.to_be_bytes());
        nonce[8..].copy_from_slice(&index.to_be_bytes());
        self.salted(nonce)
    }

    fn salted(&self, mut nonce: [u8; 12]) -> Nonce {
        for (byte, salt) in nonce.iter_mut().zip(self.salt) {
            *byte ^= salt;
        }
        Nonce::assume_unique_for_key(nonce)
    }

    pub(super) fn seal_rtp(&self, packet: &mut Vec<u8>, at: Header, ssrc: u32, index: u64) {
        let nonce = self.rtp_nonce(ssrc, index);
        let (clear, secret) = packet[at.start..].split_at_mut(at.len);
        let tag = self
            .key
            .seal_in_place_separate_tag(nonce, Aad::from(&*clear), secret)
            .expect("a datagram is far below the limit of AES-GCM");
        packet.extend_from_slice(tag.as_ref());
    }

    pub(super) fn open_rtp(
        &self,
        packet: &mut [u8],
        header_len: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<usize, SrtpError> {
        let nonce = self.rtp_nonce(ssrc, index);
        let (clear, secret) = packet.split_at_mut(header_len);
        let plain = self
            .key
            .open_in_place(nonce, Aad::from(&*clear), secret)
            .map_err(|_| SrtpError::Forged)?;
        Ok(header_len + plain.len())
    }

    pub(super) fn seal_rtcp(&self, packet: &mut Vec<u8>, start: usize, ssrc: u32, index: u32) {
        let trailer = (index | super::cipher::ENCRYPTED).to_be_bytes();
        let (clear, secret) = packet[start..].split_at_mut(RTCP_CLEAR);
        let mut aad = [0; RTCP_CLEAR + INDEX_LEN];
        aad[..RTCP_CLEAR].copy_from_slice(clear);
        aad[RTCP_CLEAR..].copy_from_slice(&trailer);
        let tag = self
            .key
            .seal_in_place_separate_tag(self.rtcp_nonce(ssrc, index), Aad::from(&aad), secret)
            .expect("a datagram is far below the limit of AES-GCM");
        packet.extend_from_slice(tag.as_ref());
        packet.extend_from_slice(&trailer);
    }

    /// Where the word with the SRTCP index stands.
    pub(super) fn rtcp_index_at(len: usize) -> Option<usize> {
        len.checked_sub(INDEX_LEN)
            .filter(|at| *at >= RTCP_CLEAR + TAG_LEN)
    }

    pub(super) fn open_rtcp(
        &self,
        packet: &mut [u8],
        ssrc: u32,
        trailer: u32,
    ) -> Result<usize, SrtpError> {
        let index = trailer & !super::cipher::ENCRYPTED;
        let end = Self::rtcp_index_at(packet.len()).ok_or(SrtpError::Malformed)?;
        let nonce = self.rtcp_nonce(ssrc, index);
        if trailer & super::cipher::ENCRYPTED == 0 {
            // RFC 7714 §9.3: everything is associated data, only the tag is "ciphertext".
            let mut aad = packet[..end - TAG_LEN].to_vec();
            aad.extend_from_slice(&trailer.to_be_bytes());
            self.key
                .open_in_place(nonce, Aad::from(&aad), &mut packet[end - TAG_LEN..end])
                .map_err(|_| SrtpError::Forged)?;
            return Ok(end - TAG_LEN);
        }
        let (clear, secret) = packet[..end].split_at_mut(RTCP_CLEAR);
        let mut aad = [0; RTCP_CLEAR + INDEX_LEN];
        aad[..RTCP_CLEAR].copy_from_slice(clear);
        aad[RTCP_CLEAR..].copy_from_slice(&trailer.to_be_bytes());
        let plain = self
            .key
            .open_in_place(nonce, Aad::from(&aad), secret)
            .map_err(|_| SrtpError::Forged)?;
        Ok(RTCP_CLEAR + plain.len())
    }
}

/// Where an RTP packet starts in its buffer, and how long its header is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) start: usize,
    pub(super) len: usize,
}
