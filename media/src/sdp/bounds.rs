//! How much of everything an offer may have, looked at before anything is compared with anything else.
//!
//! Reading an offer compares lists with lists, and its sender chooses how long they are. Each bound is several times
//! what any browser or tool writes, and small enough that all pairs of it are nothing.

use super::SdpRefused;

/// Attributes of one m-line, or of the session. A browser with every codec and extension has about 300.
pub(super) const ATTRIBUTES: usize = 1024;

/// Formats of one m-line: as many as there are payload types.
pub(super) const FORMATS: usize = 128;

/// Encodings of one m-line, and streams of its simulcast.
pub(super) const ENCODINGS: usize = 16;

/// Declared sources of one m-line or group, those of retransmissions counted.
pub(super) const SOURCES: usize = 32;

/// Groups of sources of one m-line.
pub(super) const GROUPS: usize = 32;

/// Certificates of one peer.
pub(super) const FINGERPRINTS: usize = 16;

/// Refuses what is more than its bound.
pub(super) fn within(what: &'static str, count: usize, limit: usize) -> Result<(), SdpRefused> {
    if count > limit {
        Err(SdpRefused::TooMany { what, count, limit })
    } else {
        Ok(())
    }
}
