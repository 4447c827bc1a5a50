//! Protects what we send.

use super::cipher::{Cipher, ENCRYPTED};
use super::gcm::Header;
use super::keys::{MasterKey, Profile};
use super::sources::Sources;
use super::{SrtpError, rtp_header_len, word};
use crate::cache;

/// 48 bits: roll-over counter and sequence number.
const MAX_RTP_INDEX: u64 = (1 << 48) - 1;

/// Seals RTP and RTCP of one direction. Never make two of one key.
pub struct Sealer {
    rtp: Cipher,
    rtcp: Cipher,
    sealed: Sources,
    rtcp_index: u32,
}

impl Sealer {
    /// A sealer for what this key's owner sends.
    pub fn new(profile: Profile, master: &MasterKey) -> Self {
        Self {
            rtp: Cipher::for_rtp(profile, master),
            rtcp: Cipher::for_rtcp(profile, master),
            sealed: Sources::default(),
            rtcp_index: 0,
        }
    }

    /// Reserves a packet index.
    ///
    /// # Errors
    ///
    /// It was sealed before or is too far back to know (a nonce must never repeat), or there is no room for it.
    pub fn reserve(&mut self, ssrc: u32, index: u64) -> Result<(), SrtpError> {
        if index > MAX_RTP_INDEX {
            return Err(SrtpError::Exhausted);
        }
        let admitted = self.sealed.admit(ssrc, index)?;
        self.sealed.mark(admitted);
        Ok(())
    }

    /// Seals the plain RTP packet that starts at `start`, in place, at a [reserved](Self::reserve) index.
    ///
    /// # Errors
    ///
    /// There is no RTP packet at `start`.
    pub fn seal_rtp(
        &self,
        packet: &mut Vec<u8>,
        start: usize,
        ssrc: u32,
        index: u64,
    ) -> Result<(), SrtpError> {
        let plain = packet.get(start..).ok_or(SrtpError::Malformed)?;
        let len = rtp_header_len(plain).ok_or(SrtpError::Malformed)?;
        self.rtp
            .seal_rtp(packet, Header { start, len }, ssrc, index);
        Ok(())
    }

    /// Seals the plain RTCP compound that starts at `start`, in place.
    ///
    /// # Errors
    ///
    /// There is no RTCP packet at `start`, or the key is used up.
    pub fn seal_rtcp(&mut self, packet: &mut Vec<u8>, start: usize) -> Result<(), SrtpError> {
        let plain = packet.get(start..).ok_or(SrtpError::Malformed)?;
        let ssrc = word(plain, 4).ok_or(SrtpError::Malformed)?;
        if self.rtcp_index >= ENCRYPTED {
            return Err(SrtpError::Exhausted);
        }
        self.rtcp.seal_rtcp(packet, start, ssrc, self.rtcp_index);
        self.rtcp_index += 1;
        Ok(())
    }

    // ── hot path ──

    /// Something will be sealed soon.
    pub(crate) fn fetch(&self) {
        cache::fetch(&self.rtp);
        cache::fetch(&self.sealed);
    }

    /// A packet of this source will be sealed soon.
    pub(crate) fn fetch_behind(&self, ssrc: u32) {
        self.sealed.fetch_behind(ssrc);
    }
}
