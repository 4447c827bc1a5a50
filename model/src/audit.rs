//! The audit log: who changed what, and who moderated whom.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{AuditId, Timestamp};

/// Who did something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// An application, by an API key.
    Key,
    /// A user, by a token.
    User,
    /// Whoever asked, where no credentials are asked for (`--dev`).
    Anybody,
}

/// Something that was done, or tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// Its id.
    pub audit_id: AuditId,
    /// When.
    pub at: Timestamp,
    /// Who: the name of a key, or a user id.
    pub actor: String,
    /// Which of the two.
    pub actor_kind: ActorKind,
    /// What, such as `room.delete` or `moderate.remove`.
    pub action: String,
    /// To what: the path below `/api/v1/calls`.
    pub subject: String,
    /// How that went: an HTTP status, also where it was asked for on a socket.
    pub status: u16,
    /// What exactly, where the path does not say it: the request of a moderator.
    #[schema(required = true)]
    pub detail: Option<serde_json::Value>,
    /// Where from; null for what came by a socket.
    #[schema(required = true)]
    pub address: Option<String>,
    /// The request's id in the log of the server.
    pub request_id: String,
}

/// What was erased, all of it for good.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Erased {
    /// Recordings with their files.
    pub recordings: u64,
    /// Utterances of transcripts.
    pub utterances: u64,
    /// Calls whose history they stood in, or the call itself.
    pub calls: u64,
    /// Events that told of them: rewritten where they tell of others too, else gone.
    pub events: u64,
}
