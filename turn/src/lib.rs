//! A TURN server (RFC 8656) for one purpose: to bring clients behind hard walls to our own media ports. Sans-IO: no
//! clock, no socket, no thread.
//!
//! [`Server`] is told what clients and peers sent and what time it is, and acts on the [`Outside`]. What it relays
//! goes to [`Peers`] and to nobody else, so it cannot be made to reach anything but media.

mod allocation;
mod allocations;
mod budget;
mod credentials;
mod nonce;
mod outside;
mod peers;
mod quotas;
mod refusal;
mod reply;
mod request;
mod server;
mod stats;
mod stream;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod wire;

pub use credentials::{Credential, Secret};
pub use outside::{Client, Family, Now, Outside, RelayId, Wanted};
pub use peers::{Peer, Peers};
pub use quotas::Quotas;
pub use refusal::Refusal;
pub use server::Server;
pub use stats::{Flow, Stats};
pub use stream::{Deframer, NotTurn};

/// The realm that passwords are for. It is part of the key, not a place.
pub const REALM: &str = "calls";
