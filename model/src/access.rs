//! Who may do what: tenants, scopes of API keys, and the keys as the wire shows them.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{DisplayName, Source, Timestamp, UserId};

/// Longest id of a tenant, in bytes.
const MAX_ORG: usize = 64;

/// The text names no tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {MAX_ORG} lower-case letters, digits, \"-\" or \"_\"")]
pub struct BadOrg;

/// A tenant: whose rooms, calls and keys they are. Nobody sees anything of another's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[a-z0-9_-]{1,64}$")]
pub struct OrgId(Arc<str>);

impl OrgId {
    /// The tenant of a server that has one only.
    pub const DEFAULT: &'static str = "default";

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// It is the one that need not be named.
    pub fn is_default(&self) -> bool {
        &*self.0 == Self::DEFAULT
    }
}

impl Default for OrgId {
    fn default() -> Self {
        Self(Self::DEFAULT.into())
    }
}

impl std::str::FromStr for OrgId {
    type Err = BadOrg;

    fn from_str(text: &str) -> Result<Self, BadOrg> {
        let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
        let fits = (1..=MAX_ORG).contains(&text.len()) && text.bytes().all(letter);
        fits.then(|| Self(text.into())).ok_or(BadOrg)
    }
}

impl TryFrom<String> for OrgId {
    type Error = BadOrg;

    fn try_from(text: String) -> Result<Self, BadOrg> {
        text.parse()
    }
}

impl From<OrgId> for String {
    fn from(org: OrgId) -> Self {
        org.as_str().to_owned()
    }
}

impl fmt::Display for OrgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A user of a tenant. Two tenants may have users of one name, who are strangers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Account {
    /// Whose user.
    pub org: OrgId,
    /// Which.
    pub user: UserId,
}

/// What an API key may be used for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Make, change and delete rooms; bring people into them.
    Rooms,
    /// Make calls, answer and end them; read the history.
    Calls,
    /// Mute, remove, admit and give roles, without being in the call; speak in it.
    Moderate,
    /// Record; fetch and delete recordings.
    Recordings,
    /// Transcribe; read and search transcripts.
    Transcripts,
    /// Endpoints of webhooks, and the events they are told.
    Webhooks,
    /// Make, rotate and revoke API keys.
    Keys,
    /// Read the audit log; erase.
    Admin,
}

impl Scope {
    /// All there are.
    pub const ALL: [Self; 8] = [
        Self::Rooms,
        Self::Calls,
        Self::Moderate,
        Self::Recordings,
        Self::Transcripts,
        Self::Webhooks,
        Self::Keys,
        Self::Admin,
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rooms => "rooms",
            Self::Calls => "calls",
            Self::Moderate => "moderate",
            Self::Recordings => "recordings",
            Self::Transcripts => "transcripts",
            Self::Webhooks => "webhooks",
            Self::Keys => "keys",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// There is no such scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("scopes are rooms, calls, moderate, recordings, transcripts, webhooks, keys, admin")]
pub struct BadScope;

impl std::str::FromStr for Scope {
    type Err = BadScope;

    fn from_str(text: &str) -> Result<Self, BadScope> {
        let found = Self::ALL.into_iter().find(|scope| scope.as_str() == text);
        found.ok_or(BadScope)
    }
}

/// What a join token may be narrowed to. The role decides what is allowed at all; a permission that is left out takes
/// something away, and one that is there gives nothing that the role does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Send a voice.
    PublishMicrophone,
    /// Send a face.
    PublishCamera,
    /// Share a screen and its sound.
    PublishScreen,
    /// Write in the chat, and send data.
    PublishData,
    /// Hear and see others.
    Subscribe,
    /// Mute, remove, admit, lock, announce.
    Moderate,
    /// Start and stop the recording.
    Record,
    /// Start and stop the transcription.
    Transcribe,
    /// Be told to nobody: hear and see only. Unlike the others it is nobody's by role; an application gives it, with
    /// `subscribe` alone.
    Hidden,
}

impl Permission {
    /// What it takes to send this.
    pub fn to_publish(source: Source) -> Self {
        match source {
            Source::Microphone => Self::PublishMicrophone,
            Source::Camera => Self::PublishCamera,
            Source::Screen | Source::ScreenAudio => Self::PublishScreen,
        }
    }

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PublishMicrophone => "publish_microphone",
            Self::PublishCamera => "publish_camera",
            Self::PublishScreen => "publish_screen",
            Self::PublishData => "publish_data",
            Self::Subscribe => "subscribe",
            Self::Moderate => "moderate",
            Self::Record => "record",
            Self::Transcribe => "transcribe",
            Self::Hidden => "hidden",
        }
    }
}

/// An API key, as much of it as is known after it was handed out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiKey {
    /// Its name: how the key itself begins. Not secret.
    pub name: String,
    /// Whose things it opens.
    pub org_id: OrgId,
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// What it is for, in the words of who made it.
    #[schema(required = true)]
    pub label: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it opens nothing new any more; null: never.
    #[schema(required = true)]
    pub expires_at: Option<Timestamp>,
    /// Since when it opens nothing, nor does what was made with it; null: it was not revoked.
    #[schema(required = true)]
    pub revoked_at: Option<Timestamp>,
}

/// A key that was just made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewApiKey {
    /// What is known of it later.
    #[serde(flatten)]
    pub key: ApiKey,
    /// The whole key, which is what goes behind `Bearer`; it begins with `name`, which alone opens nothing. Shown this once.
    pub secret: String,
}

/// What a new key is to be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreateApiKey {
    /// What it is for.
    #[serde(default)]
    pub label: Option<DisplayName>,
    /// What it may be used for; all that the asking key may, where it is left out. Never more than that.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 8)]
    pub scopes: Option<Vec<Scope>>,
    /// Whose things it opens; those of the asking key, where it is left out. Another's takes the scope `admin` and a
    /// key of the tenant `default`.
    #[serde(default)]
    pub org_id: Option<OrgId>,
    /// When it opens nothing new any more.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
}

/// How a key is replaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RotateApiKey {
    /// How long the old key goes on beside the new one, in seconds; a day where it is left out, a month at most.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 2_592_000)]
    pub overlap_seconds: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_reads_back_as_it_is_written() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(scope));
            assert_eq!(serde_json::json!(scope), scope.as_str());
        }
        assert_eq!("all".parse::<Scope>(), Err(BadScope));
    }

    #[test]
    fn a_tenant_has_a_plain_name() {
        for text in ["default", "acme", "acme-2_eu"] {
            assert_eq!(text.parse::<OrgId>().map(String::from).as_deref(), Ok(text));
        }
        for text in ["", "Acme", "a b", "é", &"x".repeat(65)] {
            assert_eq!(text.parse::<OrgId>(), Err(BadOrg), "{text:?}");
        }
    }
}
