//! Bodies of REST requests and replies that are not nouns of their own.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::room::{Encryption, RoomSettings, RoomType};
use crate::{
    Call, CallId, CallKind, CallType, DisplayName, Language, Layout, ParticipantId, Password,
    Permission, RecordingMode, Role, RoomName, Timestamp, UserId, VoiceName,
};

macro_rules! bounded {
    ($(#[$doc:meta])* $name:ident, $low:tt..=$high:tt, default $default:tt) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
        #[serde(try_from = "u32", into = "u32")]
        #[schema(value_type = u32, minimum = $low, maximum = $high)]
        pub struct $name(u32);

        impl $name {
            /// The number itself.
            pub fn get(self) -> u32 {
                self.0
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self($default)
            }
        }

        impl TryFrom<u32> for $name {
            type Error = &'static str;

            fn try_from(number: u32) -> Result<Self, Self::Error> {
                if ($low..=$high).contains(&number) {
                    Ok(Self(number))
                } else {
                    Err(concat!("must be ", $low, " to ", $high))
                }
            }
        }

        impl From<$name> for u32 {
            fn from(number: $name) -> Self {
                number.0
            }
        }
    };
}

bounded!(
    /// How many may be in a room at once.
    MaxParticipants, 1..=1000, default 100
);
bounded!(
    /// How long a call rings before it ends with `no_answer`.
    RingSeconds, 1..=600, default 45
);
bounded!(
    /// How many rows a page of a list holds.
    PageLimit, 1..=100, default 50
);

/// Most users that one call may ring.
pub const MAX_CALLEES: usize = 50;

/// Body of `POST /calls/initiate`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InitiateCall {
    /// Audio or video.
    #[serde(rename = "type")]
    pub call_type: CallType,
    /// Whom to ring: 1 to 50 user ids.
    #[schema(min_items = 1, max_items = 50)]
    pub to: Vec<UserId>,
    /// Who rings; the bearer of the key speaks for them. Defaults to `"caller"`.
    #[serde(default)]
    pub from: Option<UserId>,
    /// Defaults to one-to-one for one callee and group for more.
    #[serde(default)]
    pub kind: Option<CallKind>,
    /// Records it from when it is answered: `true` for a composite, or a mode.
    #[serde(default)]
    pub record: Option<RecordWish>,
    /// How long to ring.
    #[serde(default)]
    pub timeout_seconds: Option<RingSeconds>,
    /// Kept with the call and given back with it; at most 16 KiB as JSON.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<serde_json::Map<String, serde_json::Value>>,
}

/// Who acts: body of the verbs `answer`, `reject`, `cancel` and `end`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ActingUser {
    /// The user in whose name the key's bearer acts; may be left out where only one user can be meant.
    #[serde(default)]
    pub user_id: Option<UserId>,
    /// What their tile shows.
    #[serde(default)]
    pub display_name: Option<DisplayName>,
}

/// A call, and how to be in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CallConnection {
    /// The call.
    #[serde(flatten)]
    pub call: Call,
    /// How the acting user's client connects.
    pub connection: Connection,
}

/// Body of `POST /calls/rooms`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreateRoom {
    /// What people call it.
    pub name: RoomName,
    /// Defaults to persistent.
    #[serde(rename = "type", default = "persistent")]
    pub room_type: RoomType,
    /// Defaults to 100.
    #[serde(default)]
    pub max_participants: MaxParticipants,
    /// Its rules; keys that are left out keep their defaults.
    #[serde(default)]
    pub settings: RoomSettings,
    /// Written, never read: what members must know to come in.
    #[serde(default)]
    pub password: Option<Password>,
    /// When a scheduled room is meant to begin.
    #[serde(default)]
    pub scheduled_at: Option<Timestamp>,
    /// Who is host whenever they come in; the first to come in where it is left out.
    #[serde(default)]
    pub host: Option<UserId>,
    /// Defaults to `transport`. A room that is encrypted end to end can neither be recorded nor transcribed.
    #[serde(default)]
    pub encryption: Encryption,
    /// What may be said in it where it is transcribed, as in a voice menu: up to 1000 phrases of 1 to 200 characters, of
    /// words that the speech model knows. Anything where it is left out.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub phrases: Vec<String>,
}

fn persistent() -> RoomType {
    RoomType::Persistent
}

/// Body of `PATCH /calls/rooms/{room_id}`: what is left out stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpdateRoom {
    /// A new name.
    #[serde(default)]
    pub name: Option<RoomName>,
    /// A new ceiling; those inside stay inside.
    #[serde(default)]
    pub max_participants: Option<MaxParticipants>,
    /// New rules.
    #[serde(default)]
    pub settings: Option<SettingsPatch>,
    /// A new password; null takes it away.
    #[serde(default, skip_serializing_if = "Change::keeps")]
    #[schema(value_type = Option<Password>)]
    pub password: Change<Password>,
    /// A new time.
    #[serde(default)]
    pub scheduled_at: Option<Timestamp>,
    /// Locks or unlocks the door.
    #[serde(default)]
    pub locked: Option<bool>,
    /// Another designated host, who is host at once if they are inside; null: none any more.
    #[serde(default, skip_serializing_if = "Change::keeps")]
    #[schema(value_type = Option<UserId>)]
    pub host: Change<UserId>,
    /// Other phrases, as when it was made; an empty list: anything may be said again. From the next transcription on.
    #[serde(default)]
    #[schema(max_items = 1000)]
    pub phrases: Option<Vec<String>>,
}

/// Rules to change; what is left out stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingsPatch {
    /// Recording may be started.
    #[serde(default)]
    pub allow_recording: Option<bool>,
    /// Transcription starts with the call.
    #[serde(default)]
    pub auto_transcribe: Option<bool>,
    /// Members wait until a moderator admits them.
    #[serde(default)]
    pub waiting_room: Option<bool>,
    /// Everybody may write in the chat.
    #[serde(default)]
    pub allow_chat: Option<bool>,
    /// Everybody may share a screen.
    #[serde(default)]
    pub allow_screen: Option<bool>,
    /// Everybody may share files.
    #[serde(default)]
    pub allow_files: Option<bool>,
}

/// What becomes of something that a room may have or not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// The key was left out: it stays as it is.
    #[default]
    Keep,
    /// The key was null: none any more.
    Remove,
    /// A new one.
    Set(T),
}

impl<T> Change<T> {
    pub(crate) fn keeps(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// What there is after it, where there was `before`.
    pub fn over(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Keep => before,
            Self::Remove => None,
            Self::Set(now) => Some(now),
        }
    }
}

impl<T: Serialize> Serialize for Change<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Keep | Self::Remove => serializer.serialize_none(),
            Self::Set(now) => serializer.serialize_some(now),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = Option::<T>::deserialize(deserializer)?;
        Ok(given.map_or(Self::Remove, Self::Set))
    }
}

/// Body of `POST /calls/rooms/{room_id}/join`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JoinRoom {
    /// Who comes in.
    pub user_id: UserId,
    /// What their tile shows; the user id where it is left out.
    #[serde(default)]
    pub display_name: Option<DisplayName>,
    /// The room's password.
    #[serde(default)]
    pub password: Option<Password>,
    /// Means to publish a microphone.
    #[serde(default)]
    pub audio: Option<bool>,
    /// Means to publish a camera.
    #[serde(default)]
    pub video: Option<bool>,
    /// Asked-for role; only a key's bearer may ask for more than `participant`.
    #[serde(default)]
    pub role: Option<Role>,
    /// Narrows the token to these, whatever the role allows; everything that the role allows where it is left out. Only a
    /// key's bearer may say it. With `hidden` nobody else in the room learns of the presence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 9)]
    pub grants: Option<Vec<Permission>>,
}

/// Let in at once, or to wait for a moderator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Admission {
    /// Inside.
    Admitted,
    /// In the waiting room.
    Waiting,
}

/// Reply of a join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JoinedRoom {
    /// This presence.
    pub participant_id: ParticipantId,
    /// The room's session.
    pub call_id: CallId,
    /// What they may do.
    pub role: Role,
    /// Inside, or waiting.
    pub state: Admission,
    /// How their client connects.
    pub connection: Connection,
    /// Opens our own web page for them, with the same token: the link to send to whom this join is for.
    pub join_url: String,
}

/// Body of `POST /calls/rooms/{room_id}/leave`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LeaveRoom {
    /// Who leaves; leaving twice is nothing.
    pub user_id: UserId,
}

/// Body of `PATCH /calls/{call_id}/participants/{participant_id}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UpdateParticipant {
    /// A new role.
    #[serde(default)]
    pub role: Option<Role>,
    /// `true` mutes their microphone for everybody. Nobody is ever unmuted from afar: `false` → 422.
    #[serde(default)]
    pub muted: Option<Yes>,
    /// `true` lets them in from the waiting room; they are kept out by DELETE.
    #[serde(default)]
    pub admitted: Option<Yes>,
}

/// `true`, and nothing else: something to do that has no opposite here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "bool", into = "bool")]
pub struct Yes;

impl TryFrom<bool> for Yes {
    type Error = &'static str;

    fn try_from(yes: bool) -> Result<Self, Self::Error> {
        if yes {
            Ok(Self)
        } else {
            Err("must be true or left out")
        }
    }
}

impl From<Yes> for bool {
    fn from(_: Yes) -> Self {
        true
    }
}

impl utoipa::PartialSchema for Yes {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::Boolean)
            .description(Some("`true`, and nothing else."))
            .enum_values(Some([true]))
            .into()
    }
}

impl ToSchema for Yes {}

/// Body of `POST /calls/{call_id}/record/start`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StartRecording {
    /// What it is made of.
    pub mode: RecordingMode,
    /// Whom it is of; everybody where it is left out. Those who come later count too.
    #[serde(
        default,
        deserialize_with = "one_at_least",
        skip_serializing_if = "Vec::is_empty"
    )]
    #[schema(min_items = 1, max_items = 100)]
    pub participants: Vec<UserId>,
    /// How pictures are arranged, in the modes `video` and `composite`; a grid where it is left out. Refused in the others,
    /// which have no pictures.
    #[serde(default)]
    pub layout: Option<Layout>,
    /// In these modes alone: compose while it is recorded, and not only afterwards. The file is there sooner; publishers send a
    /// key frame every ten seconds for it.
    #[serde(default)]
    pub live: bool,
}

/// A list of nobody must not become one of everybody.
fn one_at_least<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<UserId>, D::Error> {
    let users = Vec::<UserId>::deserialize(deserializer)?;
    if users.is_empty() {
        return Err(D::Error::custom(
            "must name at least one user; left out, everybody is recorded",
        ));
    }
    Ok(users)
}

/// Body of `POST /calls/{call_id}/say`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Say {
    /// What is said: 1 to 1000 characters.
    #[schema(min_length = 1, max_length = 1000)]
    pub text: String,
    /// Whose voice; the synthesizer's own where it is left out.
    #[serde(default)]
    pub voice: Option<VoiceName>,
    /// The language that it is read in; the server's own default where it is left out.
    #[serde(default)]
    pub language: Option<Language>,
}

/// What is being said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Saying {
    /// The bot whose voice it is.
    pub participant_id: ParticipantId,
    /// How long it takes, once all that was to be said before has been.
    pub duration_ms: u64,
}

/// Body of `POST /calls/{call_id}/transcribe`; may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct StartTranscription {
    /// What is spoken; the server's own default where it is left out.
    pub language: Option<Language>,
    /// What may be said, as in a voice menu, of words that the model has. Those of the room where there are none, and where it has
    /// none either: anything.
    #[schema(max_items = 1000)]
    pub phrases: Vec<String>,
}

/// Whether a call is recorded from its beginning, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum RecordWish {
    /// As a composite, or not at all.
    Composite(bool),
    /// In this mode.
    Mode(RecordingMode),
}

impl RecordWish {
    /// The mode, where it is recorded.
    pub fn mode(self) -> Option<RecordingMode> {
        match self {
            Self::Composite(wanted) => wanted.then_some(RecordingMode::Composite),
            Self::Mode(mode) => Some(mode),
        }
    }
}

/// Body of `POST /calls/recordings/{recording_id}/compose`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ComposeRecording {
    /// How pictures are arranged; left out: as they were. Refused of a recording of the mode `audio`, which has none.
    #[serde(default)]
    pub layout: Option<Layout>,
}

/// Reply of `POST /calls/{call_id}/participants/mute-all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MutedAll {
    /// How many microphones were muted by it.
    pub muted: u32,
}

/// Body of `POST /calls/connections`: opens a user's own socket, on which calls ring.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpenConnection {
    /// Whose.
    pub user_id: UserId,
}

/// How a client connects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Connection {
    /// The join token: first frame of the signaling socket, Bearer of WHIP and WHEP.
    pub token: String,
    /// Where the signaling socket is.
    pub ws_url: String,
    /// STUN and TURN servers, as `RTCConfiguration.iceServers` takes them.
    pub ice_servers: Vec<IceServer>,
}

/// One entry of `RTCConfiguration.iceServers` (W3C WebRTC §4.2.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IceServer {
    /// `stun:` and `turn:` URLs.
    pub urls: Vec<String>,
    /// Time-limited user name, for TURN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Time-limited password, for TURN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<String>,
}

/// Reply of `GET /calls/ice-servers`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IceServers {
    /// As `RTCConfiguration.iceServers` takes them.
    pub ice_servers: Vec<IceServer>,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub data: Vec<T>,
    /// Give it back as `?cursor=` for the next page; null on the last one.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
    /// There is a next page.
    pub has_more: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(body: &str) -> Change<Password> {
        serde_json::from_str::<UpdateRoom>(body).unwrap().password
    }

    #[test]
    fn a_recording_of_everybody_is_asked_for_in_words_that_are_understood() {
        let everybody = StartRecording {
            mode: RecordingMode::Tracks,
            participants: Vec::new(),
            layout: None,
            live: false,
        };
        let body = serde_json::to_string(&everybody).unwrap();
        let read: StartRecording = serde_json::from_str(&body).unwrap();
        assert_eq!(read, everybody, "{body}");
        let nobody = r#"{"mode": "tracks", "participants": []}"#;
        assert!(serde_json::from_str::<StartRecording>(nobody).is_err());
    }

    #[test]
    fn a_password_left_out_is_not_a_password_taken_away() {
        assert_eq!(password("{}"), Change::Keep);
        assert_eq!(password(r#"{"password": null}"#), Change::Remove);
        assert!(matches!(password(r#"{"password": "x"}"#), Change::Set(_)));
    }

    #[test]
    fn a_host_left_out_is_not_a_host_taken_away() {
        let host = |body: &str| serde_json::from_str::<UpdateRoom>(body).unwrap().host;
        let ann: UserId = "ann".parse().unwrap();
        assert_eq!(host("{}").over(Some(ann.clone())), Some(ann.clone()));
        assert_eq!(host(r#"{"host": null}"#).over(Some(ann.clone())), None);
        assert_eq!(host(r#"{"host": "ann"}"#).over(None), Some(ann));
    }

    #[test]
    fn a_number_out_of_range_says_its_range() {
        let refused = serde_json::from_str::<MaxParticipants>("0").unwrap_err();
        assert!(
            refused.to_string().contains("must be 1 to 1000"),
            "{refused}"
        );
    }
}
