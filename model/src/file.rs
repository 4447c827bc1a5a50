//! Files that members share in the chat of a call.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{CallId, FileId, FileName, ParticipantId, Timestamp};

/// A file that somebody shared in a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SharedFile {
    /// Its id.
    pub file_id: FileId,
    /// In which call.
    pub call_id: CallId,
    /// How whoever shared it calls it.
    pub name: FileName,
    /// What it is: found out by the server from what is in it, whatever its name says (RFC 9110 §8.3.1).
    pub media_type: String,
    /// How large it is.
    pub size_bytes: u64,
    /// Who shared it.
    pub from: ParticipantId,
    /// With whom alone; null: with all.
    #[serde(default)]
    #[schema(required = true)]
    pub to: Option<ParticipantId>,
    /// When.
    pub shared_at: Timestamp,
}

impl SharedFile {
    /// Whether somebody may have it.
    pub fn is_for(&self, who: &ParticipantId) -> bool {
        self.to.is_none() || self.to.as_ref() == Some(who) || self.from == *who
    }
}
