//! Checks and opens what we receive.

use bytes::BytesMut;

use super::cipher::{Cipher, ENCRYPTED};
use super::keys::{MasterKey, Profile};
use super::sources::Sources;
use super::{SrtpError, rtp_header_len, word};
use crate::cache;

/// Opens RTP and RTCP of one direction.
pub struct Opener {
    rtp: Cipher,
    rtcp: Cipher,
    rtp_seen: Sources,
    rtcp_seen: Sources,
}

impl Opener {
    /// An opener for what this key's owner sends.
    pub fn new(profile: Profile, master: &MasterKey) -> Self {
        Self {
            rtp: Cipher::for_rtp(profile, master),
            rtcp: Cipher::for_rtcp(profile, master),
            rtp_seen: Sources::default(),
            rtcp_seen: Sources::default(),
        }
    }

    /// Opens an SRTP packet in place; on success it is plain RTP.
    ///
    /// # Errors
    ///
    /// Not RTP, not authentic, seen before, or of one source too many. The bytes are spoilt then.
    pub fn open_rtp(&mut self, packet: &mut BytesMut) -> Result<(), SrtpError> {
        let header_len = rtp_header_len(packet).ok_or(SrtpError::Malformed)?;
        let seq = u16::from_be_bytes([packet[2], packet[3]]);
        let ssrc = word(packet, 8).ok_or(SrtpError::Malformed)?;
        let admitted = self.rtp_seen.admit_sequence(ssrc, seq)?;
        let index = admitted.index();
        let len = self.rtp.open_rtp(packet, header_len, ssrc, index)?;
        packet.truncate(len);
        self.rtp_seen.mark(admitted);
        Ok(())
    }

    /// Opens an SRTCP packet in place; on success it is a plain RTCP compound.
    ///
    /// # Errors
    ///
    /// As with [`open_rtp`](Self::open_rtp).
    pub fn open_rtcp(&mut self, packet: &mut BytesMut) -> Result<(), SrtpError> {
        let ssrc = word(packet, 4).ok_or(SrtpError::Malformed)?;
        let index_at = self
            .rtcp
            .rtcp_index_at(packet.len())
            .ok_or(SrtpError::Malformed)?;
        let trailer = word(packet, index_at).ok_or(SrtpError::Malformed)?;
        let index = u64::from(trailer & !ENCRYPTED);
        let admitted = self.rtcp_seen.admit(ssrc, index)?;
        let len = self.rtcp.open_rtcp(packet, ssrc, trailer)?;
        packet.truncate(len);
        self.rtcp_seen.mark(admitted);
        Ok(())
    }

    // ── hot path ──

    /// Something will be opened soon.
    pub(crate) fn fetch(&self) {
        cache::fetch(&self.rtp);
        cache::fetch(&self.rtp_seen);
    }
}
