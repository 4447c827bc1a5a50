//! Who may do what: API keys for applications, tokens for the people in a call.

pub mod access;
pub mod caller;
pub mod door;
pub mod keys;
pub mod oidc;
pub(crate) mod permissions;
pub mod revoked;
mod tenant;
pub mod tokens;
pub mod turn;

pub use caller::{Application, Bearer, Caller, Returning};
pub use door::Door;
pub use oidc::{ConsoleClient, Oidc};
pub use revoked::Revoked;
pub use tokens::{Claims, Grant, Issuer, Tokens};
