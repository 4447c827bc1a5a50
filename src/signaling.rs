//! Signaling: the WebSocket protocol `calls.v1`, one session actor per socket.

pub mod asyncapi;
mod backlog;
mod budget;
pub mod frame;
mod greet;
mod guard;
mod portions;
mod session;

pub(crate) use guard::Guard;
pub(crate) use portions::{PORTION, Portions};
pub(crate) use session::Session;
