//! What a packet does: ICE-lite, DTLS, SRTP, SDP and selective forwarding. Sans-IO: no clock, no socket, no thread.
//!
//! [`seam`] holds the words that the parts of this crate share.

pub mod seam;

mod dtls;
mod ice;
pub mod identity;
pub mod peer;
pub mod sdp;
pub mod srtp;

pub use identity::{Identity, IdentityError};
pub use peer::{
    CloseReason, HostCandidate, Negotiated, NoSuchSlot, Peer, PeerEvent, PeerLimits, PeerStats,
    Protocol, Shown, SlotInfo, TrackInfo,
};
pub use sdp::SdpRefused;
mod allocation;
pub mod cache;
pub mod capture;
pub mod codecs;
mod congestion;
mod history;
pub mod inbound;
mod keyframes;
mod layers;
mod nack;
pub mod outbound;
mod pacer;
mod reports;
pub mod rtcp;
pub mod rtp;
mod slot;
pub mod speakers;
#[cfg(test)]
mod testing;
mod twcc;
