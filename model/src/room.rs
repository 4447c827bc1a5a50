//! A room: a place with a name and rules, that outlives its calls.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{OrgId, RoomId, RoomName, Timestamp, UserId};

/// How long a room lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoomType {
    /// Until it is deleted.
    Persistent,
    /// Until its last member leaves.
    Temporary,
    /// Like a persistent one, made for a time to come.
    Scheduled,
}

/// How far the media of a room is encrypted; decided when the room is made, for good.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encryption {
    /// To the server and from it (DTLS-SRTP): the server can record, transcribe and mix.
    #[default]
    Transport,
    /// From member to member (`SFrame`, RFC 9605): the server forwards what it cannot read.
    E2ee,
}

impl Encryption {
    /// The server holds no key: whatever needs to hear or see is refused.
    pub fn is_end_to_end(self) -> bool {
        self == Self::E2ee
    }
}

/// The rules of a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a rule of its own, as the wire names them"
)]
pub struct RoomSettings {
    /// Recording may be started.
    pub allow_recording: bool,
    /// Transcription starts with the call.
    pub auto_transcribe: bool,
    /// Members wait until a moderator admits them.
    pub waiting_room: bool,
    /// A password is asked for. Set by giving one, never on its own.
    pub require_password: bool,
    /// Everybody may write in the chat; otherwise only those who moderate.
    pub allow_chat: bool,
    /// Everybody may share a screen; otherwise only those who moderate.
    pub allow_screen: bool,
    /// Everybody may share files; otherwise only those who moderate.
    pub allow_files: bool,
}

impl Default for RoomSettings {
    fn default() -> Self {
        Self {
            allow_recording: true,
            auto_transcribe: false,
            waiting_room: false,
            require_password: false,
            allow_chat: true,
            allow_screen: true,
            allow_files: true,
        }
    }
}

/// A room, and what those who come in now should know of its call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RoomNow {
    /// The room.
    #[serde(flatten)]
    pub room: Room,
    /// Its call is recorded.
    pub recording: bool,
    /// Its call is transcribed.
    pub transcription: bool,
}

/// The seed's `Conference Room`, with our additions after its own keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Room {
    /// Its id.
    pub room_id: RoomId,
    /// What people call it.
    pub name: RoomName,
    /// How long it lives.
    #[serde(rename = "type")]
    pub room_type: RoomType,
    /// How many may be inside at once.
    pub max_participants: u32,
    /// Its rules.
    pub settings: RoomSettings,
    /// How many are inside now.
    pub current_participants: u32,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a scheduled room is meant to begin.
    #[serde(default)]
    #[schema(required = true)]
    pub scheduled_at: Option<Timestamp>,
    /// Nobody else may come in, but for the designated host.
    #[serde(default)]
    #[schema(required = true)]
    pub locked: bool,
    /// Who is host whenever they come in; null: the first to come in is.
    #[serde(default)]
    #[schema(required = true)]
    pub host: Option<UserId>,
    /// How far its media is encrypted.
    #[serde(default)]
    #[schema(required = true)]
    pub encryption: Encryption,
    /// Whose room it is; left out where it is that of the only tenant, `default`.
    #[serde(default, skip_serializing_if = "OrgId::is_default")]
    pub org_id: OrgId,
    /// What may be said in it where it is transcribed, as in a voice menu; anything where there are none.
    #[serde(default)]
    #[schema(required = true)]
    pub phrases: Vec<String>,
}
