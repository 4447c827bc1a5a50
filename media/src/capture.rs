//! From packets back to frames, and from RTP timestamps to one timeline, for those who keep media instead of
//! forwarding it.
//!
//! [`Reorder`] is the jitter buffer of one encoding, [`Frames`] puts its packets together, [`Alignment`] tells when
//! each of them was captured.

mod align;
mod frames;
mod headers;
mod reorder;
mod unwrap;

pub use align::{Alignment, ClockPoint};
pub use frames::{Frame, Frames, Started};
pub use reorder::{Ordered, Reorder};
pub use unwrap::Unwrap;
