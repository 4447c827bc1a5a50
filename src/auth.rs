//! Who may do what: API keys for applications, tokens for the people in a call.

pub mod caller;
pub mod door;
pub mod keys;
pub mod tokens;
pub mod turn;

pub use caller::{Bearer, Caller, Returning};
pub use door::Door;
pub use tokens::{Claims, Grant, Tokens};
