//! Session keys from the master key (RFC 3711 §4.3), with a key derivation rate of zero.

use aws_lc_rs::cipher::{AES_128, EncryptingKey, EncryptionContext, UnboundCipherKey};

use super::keys::{KEY_LEN, MasterKey, SALT_LEN};

/// What a derived key is for (RFC 3711 §4.3.2).
#[derive(Debug, Clone, Copy)]
pub(super) enum Label {
    RtpEncryption = 0,
    RtpAuthentication = 1,
    RtpSalt = 2,
    RtcpEncryption = 3,
    RtcpAuthentication = 4,
    RtcpSalt = 5,
}

/// One derived key of `N` bytes: keystream of AES-CM under the master key, at the label's block.
pub(super) fn derive<const N: usize>(master: &MasterKey, label: Label) -> [u8; N] {
    let mut counter = [0; KEY_LEN];
    counter[..SALT_LEN].copy_from_slice(&master.salt);
    counter[SALT_LEN - 7] ^= label as u8;
    let mut out = [0; N];
    counter_key(&master.key)
        .less_safe_encrypt(&mut out, EncryptionContext::Iv128((&counter).into()))
        .expect("AES-CTR takes any length");
    out
}

/// AES-128 in counter mode.
pub(super) fn counter_key(key: &[u8; KEY_LEN]) -> EncryptingKey {
    UnboundCipherKey::new(&AES_128, key)
        .and_then(EncryptingKey::ctr)
        .expect("sixteen bytes are an AES-128 key")
}
