//! The last word, and what to do about it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Last word before a close.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Bye {
    /// Why.
    pub reason: ByeReason,
    /// What the client should do about it.
    pub retry: Retry,
}

/// Why the server closes a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ByeReason {
    /// They asked to leave.
    Left,
    /// A moderator put them out for good.
    Removed,
    /// A moderator put them out; they may come in again.
    Kicked,
    /// They were not let in.
    Denied,
    /// The call ended.
    CallEnded,
    /// The token is bad, expired or revoked.
    Unauthorized,
    /// No `hello` within 5 s, or no pong.
    TimedOut,
    /// The same session was opened elsewhere.
    Replaced,
    /// Too many frames, for too long.
    RateLimited,
    /// A frame was too large or not text.
    BadFrame,
    /// The server lost this session; join again.
    Lost,
    /// The server is going down.
    ServerShutdown,
}

/// What a client should do after a `bye`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// Connect and resume.
    Resume,
    /// Join anew.
    Rejoin,
    /// Nothing.
    No,
}

impl ByeReason {
    /// What the client should do about it.
    pub fn retry(self) -> Retry {
        match self {
            Self::TimedOut | Self::RateLimited => Retry::Resume,
            Self::Lost | Self::ServerShutdown => Retry::Rejoin,
            Self::Left
            | Self::Removed
            | Self::Kicked
            | Self::Denied
            | Self::CallEnded
            | Self::Unauthorized
            | Self::Replaced
            | Self::BadFrame => Retry::No,
        }
    }
}
