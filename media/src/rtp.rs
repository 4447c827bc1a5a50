//! RTP packets (RFC 3550 §5.1): read without copying, written in place, numbered without wrapping.

pub mod extension;
pub mod read;
pub mod seq;
mod window;
pub mod write;

pub use read::{BadRtp, RtpView};
pub use seq::Extender;
pub use window::{Latest, Window};
