//! Checks and opens what we receive.

use std::collections::hash_map::Entry;

use bytes::BytesMut;
use foldhash::HashMap;

use super::cipher::{Cipher, ENCRYPTED};
use super::keys::{MasterKey, Profile};
use super::window::Window;
use super::{SrtpError, rtp_header_len, word};

/// Most sources to remember. Only authentic packets make new ones, so a peer can only lock out itself.
const MAX_SOURCES: usize = 512;

/// Opens RTP and RTCP of one direction.
pub struct Opener {
    rtp: Cipher,
    rtcp: Cipher,
    rtp_seen: HashMap<u32, Window>,
    rtcp_seen: HashMap<u32, Window>,
}

impl Opener {
    /// An opener for what this key's owner sends.
    pub fn new(profile: Profile, master: &MasterKey) -> Self {
        Self {
            rtp: Cipher::for_rtp(profile, master),
            rtcp: Cipher::for_rtcp(profile, master),
            rtp_seen: HashMap::default(),
            rtcp_seen: HashMap::default(),
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
        let index = match self.rtp_seen.get(&ssrc) {
            Some(window) => window.index_of(seq).ok_or(SrtpError::Replayed)?,
            None => seq.into(),
        };
        admit(&self.rtp_seen, ssrc, index)?;
        let len = self.rtp.open_rtp(packet, header_len, ssrc, index)?;
        packet.truncate(len);
        mark(&mut self.rtp_seen, ssrc, index);
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
        admit(&self.rtcp_seen, ssrc, index)?;
        let len = self.rtcp.open_rtcp(packet, ssrc, trailer)?;
        packet.truncate(len);
        mark(&mut self.rtcp_seen, ssrc, index);
        Ok(())
    }
}

fn admit(seen: &HashMap<u32, Window>, ssrc: u32, index: u64) -> Result<(), SrtpError> {
    match seen.get(&ssrc) {
        Some(window) if !window.admits(index) => Err(SrtpError::Replayed),
        None if seen.len() >= MAX_SOURCES => Err(SrtpError::TooManySources(MAX_SOURCES)),
        _ => Ok(()),
    }
}

fn mark(seen: &mut HashMap<u32, Window>, ssrc: u32, index: u64) {
    match seen.entry(ssrc) {
        Entry::Occupied(mut window) => window.get_mut().mark(index),
        Entry::Vacant(place) => {
            place.insert(Window::starting_at(index));
        }
    }
}
