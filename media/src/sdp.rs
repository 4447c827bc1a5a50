//! Offer and answer (RFC 8866, RFC 9143, RFC 8829): the client offers, the server answers.
//!
//! An [`Offer`] holds what matters of an offer, already checked; [`Negotiation`] remembers what was
//! agreed on before and decides line by line; [`answer()`] writes it down.

mod answer;
mod attributes;
mod bounds;
mod codec;
mod extension;
mod line;
mod negotiation;
mod offer;
mod publish;
mod refused;

pub(crate) use answer::{Local, write as answer};
pub(crate) use negotiation::Negotiation;
pub(crate) use offer::Offer;
pub use publish::published_by;
pub use refused::SdpRefused;

/// Largest offer, in bytes.
pub const MAX_OFFER: usize = 256 * 1024;

/// Most m-lines of an offer.
pub const MAX_LINES: usize = 64;

#[cfg(test)]
mod tests;
