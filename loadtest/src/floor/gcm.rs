//! SRTP by AES-128-GCM (RFC 7714), in place and nothing else: the least that sealing can cost.

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::error::Unspecified;

/// Bytes of the tag behind the ciphertext.
pub(super) const TAG: usize = 16;

/// Labels of the key derivation (RFC 3711 §4.3.2).
const ENCRYPTION: u8 = 0;
const SALT: u8 = 2;

/// One direction's key.
pub(super) struct Gcm {
    key: LessSafeKey,
    salt: [u8; 12],
}

impl Gcm {
    /// From a master key of 16 bytes and a master salt of 12.
    pub(super) fn new(master: &[u8], salt: &[u8]) -> Result<Self, Unspecified> {
        let key: [u8; 16] = derive(master, salt, ENCRYPTION)?;
        Ok(Self {
            key: LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key)?),
            salt: derive(master, salt, SALT)?,
        })
    }

    /// RFC 7714 §8.1: two zero bytes, SSRC, roll-over counter and sequence number; xor salt.
    fn nonce(&self, ssrc: u32, index: u64) -> Nonce {
        let mut nonce = self.salt;
        let index = index.to_be_bytes().into_iter().skip(2);
        let rest = ssrc.to_be_bytes().into_iter().chain(index);
        for (byte, value) in nonce[2..].iter_mut().zip(rest) {
            *byte ^= value;
        }
        Nonce::assume_unique_for_key(nonce)
    }

    /// Opens a packet in place; it is the first so many bytes then.
    pub(super) fn open(
        &self,
        packet: &mut [u8],
        header: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<usize, Unspecified> {
        let nonce = self.nonce(ssrc, index);
        let (clear, secret) = packet.split_at_mut(header);
        let plain = self.key.open_in_place(nonce, Aad::from(&*clear), secret)?;
        Ok(header + plain.len())
    }

    /// Seals the packet from `start` to the end in place, and appends the tag.
    pub(super) fn seal(
        &self,
        buffer: &mut Vec<u8>,
        start: usize,
        header: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<(), Unspecified> {
        let nonce = self.nonce(ssrc, index);
        let (clear, secret) = buffer[start..].split_at_mut(header);
        let tag = self
            .key
            .seal_in_place_separate_tag(nonce, Aad::from(&*clear), secret)?;
        buffer.extend_from_slice(tag.as_ref());
        Ok(())
    }
}

/// AES in counter mode under the master key, at the label's block (RFC 3711 §4.3.1).
fn derive<const N: usize>(master: &[u8], salt: &[u8], label: u8) -> Result<[u8; N], Unspecified> {
    let mut counter = [0; 16];
    counter[..salt.len()].copy_from_slice(salt);
    counter[7] ^= label;
    let mut out = [0; N];
    let key = EncryptingKey::ctr(UnboundCipherKey::new(&AES_128, master)?)?;
    key.less_safe_encrypt(&mut out, EncryptionContext::Iv128((&counter).into()))?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::BytesMut;
    use rtc::dtls::crypto_provider::RTCCryptoProvider;
    use rtc::dtls::crypto_provider::providers::AwsLcRsProvider;
    use rtc::shared::marshal::Marshal;
    use rtc::srtp::context::Context;
    use rtc::srtp::protection_profile::ProtectionProfile;

    #[test]
    fn another_implementation_opens_what_is_sealed_here_and_the_other_way_round() {
        let (master, salt) = ([7; 16], [9; 12]);
        let ours = Gcm::new(&master, &salt).unwrap();
        let provider = AwsLcRsProvider::new();
        let mut theirs = Context::new(
            &master,
            &salt,
            ProtectionProfile::AeadAes128Gcm,
            None,
            None,
            provider.crypto(),
        )
        .unwrap();
        let mut microphone = crate::traffic::Microphone::new(77, 100);
        let packet = microphone.packet(std::time::Duration::ZERO);
        let index = u64::from(packet.header.sequence_number);
        let plain = packet.marshal().unwrap();

        let mut sealed = plain.to_vec();
        ours.seal(&mut sealed, 0, 12, 77, index).unwrap();
        assert_eq!(theirs.decrypt_rtp(&sealed).unwrap(), plain);

        let mut sealed: BytesMut = theirs.encrypt_rtp(&plain).unwrap();
        let length = ours.open(&mut sealed, 12, 77, index).unwrap();
        assert_eq!(sealed[..length], plain[..]);
    }
}
