//! The two ways to protect packets, behind one face.

use super::SrtpError;
use super::cm_sha1::CmSha1;
use super::derive::{Label, derive};
use super::gcm::{Gcm, Header};
use super::keys::{MasterKey, Profile};

/// Set in the SRTCP index word of an encrypted packet (RFC 3711 §3.4).
pub(super) const ENCRYPTED: u32 = 1 << 31;

/// Session keys of one direction, for RTP or for RTCP.
#[expect(
    clippy::large_enum_variant,
    reason = "what nearly everybody uses lies in line, so that it can be fetched with the rest"
)]
pub(super) enum Cipher {
    Gcm(Gcm),
    CmSha1(Box<CmSha1>),
}

impl Cipher {
    pub(super) fn for_rtp(profile: Profile, master: &MasterKey) -> Self {
        use Label::{RtpAuthentication, RtpEncryption, RtpSalt};
        Self::derived(profile, master, RtpEncryption, RtpAuthentication, RtpSalt)
    }

    pub(super) fn for_rtcp(profile: Profile, master: &MasterKey) -> Self {
        use Label::{RtcpAuthentication, RtcpEncryption, RtcpSalt};
        Self::derived(
            profile,
            master,
            RtcpEncryption,
            RtcpAuthentication,
            RtcpSalt,
        )
    }

    fn derived(
        profile: Profile,
        master: &MasterKey,
        key: Label,
        authentication: Label,
        salt: Label,
    ) -> Self {
        let key = derive(master, key);
        match profile {
            Profile::AeadAes128Gcm => Self::Gcm(Gcm::new(&key, derive(master, salt))),
            Profile::Aes128CmSha1 => {
                let authentication = derive(master, authentication);
                Self::CmSha1(Box::new(CmSha1::new(
                    &key,
                    &authentication,
                    derive(master, salt),
                )))
            }
        }
    }

    /// Encrypts the packet that starts at `at.start` and appends its tag.
    pub(super) fn seal_rtp(&self, packet: &mut Vec<u8>, at: Header, ssrc: u32, index: u64) {
        match self {
            Self::Gcm(gcm) => gcm.seal_rtp(packet, at, ssrc, index),
            Self::CmSha1(cm) => cm.seal_rtp(packet, at, ssrc, index),
        }
    }

    /// Checks and decrypts; the plain packet is the first so many bytes.
    pub(super) fn open_rtp(
        &self,
        packet: &mut [u8],
        header_len: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<usize, SrtpError> {
        match self {
            Self::Gcm(gcm) => gcm.open_rtp(packet, header_len, ssrc, index),
            Self::CmSha1(cm) => cm.open_rtp(packet, header_len, ssrc, index),
        }
    }

    /// Encrypts the compound packet that starts at `start`, appends index and tag.
    pub(super) fn seal_rtcp(&self, packet: &mut Vec<u8>, start: usize, ssrc: u32, index: u32) {
        match self {
            Self::Gcm(gcm) => gcm.seal_rtcp(packet, start, ssrc, index),
            Self::CmSha1(cm) => cm.seal_rtcp(packet, start, ssrc, index),
        }
    }

    /// Where the SRTCP index word of a packet of this length stands.
    pub(super) fn rtcp_index_at(&self, len: usize) -> Option<usize> {
        match self {
            Self::Gcm(_) => Gcm::rtcp_index_at(len),
            Self::CmSha1(_) => CmSha1::rtcp_index_at(len),
        }
    }

    /// Checks and decrypts; the plain packet is the first so many bytes.
    pub(super) fn open_rtcp(
        &self,
        packet: &mut [u8],
        ssrc: u32,
        trailer: u32,
    ) -> Result<usize, SrtpError> {
        match self {
            Self::Gcm(gcm) => gcm.open_rtcp(packet, ssrc, trailer),
            Self::CmSha1(cm) => cm.open_rtcp(packet, ssrc, trailer),
        }
    }
}
