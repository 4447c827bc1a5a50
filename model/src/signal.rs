//! The signaling protocol `calls.v1`: JSON text frames over a WebSocket.
//!
//! A frame is `{"t": type, "id"?: request number, "re"?: number answered, "seq"?: event number, "d": {…}}`.
//! [`ClientFrame`] is what a client sends, [`ServerFrame`] what it hears.

mod bye;
mod event;
mod request;

pub use bye::*;
pub use event::*;
pub use request::*;

/// Name of the subprotocol (RFC 6455 §1.9).
pub const SUBPROTOCOL: &str = "calls.v1";

/// Largest frame that either side accepts, in bytes; an SDP fits.
pub const MAX_FRAME: usize = 256 * 1024;
