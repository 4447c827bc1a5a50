//! What DTLS leaves behind for SRTP (RFC 5764 §4.2).

use super::SrtpError;

/// How packets are protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// `SRTP_AEAD_AES_128_GCM` (RFC 7714): the one to prefer.
    AeadAes128Gcm,
    /// `SRTP_AES128_CM_HMAC_SHA1_80` (RFC 5764): the one that everybody has.
    Aes128CmSha1,
}

/// Bytes of an AES-128 key.
pub(super) const KEY_LEN: usize = 16;

/// Bytes of the salt in the key derivation (RFC 3711 §4.3.1).
pub(super) const SALT_LEN: usize = 14;

impl Profile {
    fn salt_len(self) -> usize {
        match self {
            Self::AeadAes128Gcm => 12,
            Self::Aes128CmSha1 => SALT_LEN,
        }
    }

    /// Bytes of keying material for both directions.
    pub fn keying_material_len(self) -> usize {
        2 * (KEY_LEN + self.salt_len())
    }

    /// Most bytes that sealing an RTP packet adds.
    pub fn rtp_overhead(self) -> usize {
        match self {
            Self::AeadAes128Gcm => 16,
            Self::Aes128CmSha1 => 10,
        }
    }
}

/// Master key and salt of one direction. A 96-bit salt is padded with zeros (RFC 7714 §11).
#[derive(Clone, Copy)]
#[cfg_attr(test, derive(PartialEq))]
pub struct MasterKey {
    pub(super) key: [u8; KEY_LEN],
    pub(super) salt: [u8; SALT_LEN],
}

/// Keys of both directions.
#[derive(Clone, Copy)]
pub struct Keys {
    /// How they are used.
    pub profile: Profile,
    /// Of what the DTLS client sends.
    pub client: MasterKey,
    /// Of what the DTLS server sends.
    pub server: MasterKey,
}

impl Keys {
    /// Cuts exported keying material into its parts: client key, server key, client salt, server salt.
    ///
    /// # Errors
    ///
    /// The material is longer or shorter than the profile asks for.
    pub fn from_material(profile: Profile, material: &[u8]) -> Result<Self, SrtpError> {
        if material.len() != profile.keying_material_len() {
            return Err(SrtpError::Malformed);
        }
        let (keys, salts) = material.split_at(2 * KEY_LEN);
        let (client_salt, server_salt) = salts.split_at(profile.salt_len());
        Ok(Self {
            profile,
            client: MasterKey::new(&keys[..KEY_LEN], client_salt)?,
            server: MasterKey::new(&keys[KEY_LEN..], server_salt)?,
        })
    }
}

impl MasterKey {
    /// A 16-byte key with a 12- or 14-byte salt.
    ///
    /// # Errors
    ///
    /// The key has another length, or the salt is longer.
    pub fn new(key: &[u8], salt: &[u8]) -> Result<Self, SrtpError> {
        let key = key.try_into().map_err(|_| SrtpError::Malformed)?;
        let mut padded = [0; SALT_LEN];
        padded
            .get_mut(..salt.len())
            .ok_or(SrtpError::Malformed)?
            .copy_from_slice(salt);
        Ok(Self { key, salt: padded })
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(secret)")
    }
}
impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({:?}, secret)", self.profile)
    }
}
