//! Ids: a prefix that names the noun, and a sortable tail.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Longest tail that is accepted; our own are 32 (a `UUIDv7` in lower-case hex).
const MAX_TAIL: usize = 64;

/// The text is not an id of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be \"{prefix}\" followed by 1 to {MAX_TAIL} lower-case letters or digits")]
pub struct BadId {
    /// What it should have begun with.
    pub prefix: &'static str,
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:tt, $pattern:tt) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schema(value_type = String, pattern = $pattern)]
        pub struct $name(Arc<str>);

        impl $name {
            /// What every id of this kind begins with.
            pub const PREFIX: &'static str = $prefix;

            /// A new id; later ones sort after earlier ones (`UUIDv7`, RFC 9562 §5.7).
            #[must_use]
            #[expect(clippy::new_without_default, reason = "a fresh id is not a default value")]
            pub fn new() -> Self {
                Self(format!("{}{}", Self::PREFIX, Uuid::now_v7().simple()).into())
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                let tail = text.strip_prefix(Self::PREFIX).unwrap_or("");
                let fits = (1..=MAX_TAIL).contains(&tail.len())
                    && tail.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
                fits.then(|| Self(text.into())).ok_or(BadId { prefix: Self::PREFIX })
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;

            fn try_from(text: String) -> Result<Self, BadId> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.as_str().to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id!(
    /// One call: from the first ring, or the first join of a room, to its end.
    CallId,
    "call_",
    "^call_[a-z0-9]{1,64}$"
);
id!(
    /// One room: a place that can hold one call after another.
    RoomId,
    "room_",
    "^room_[a-z0-9]{1,64}$"
);
id!(
    /// One presence of one user in one call.
    ParticipantId,
    "part_",
    "^part_[a-z0-9]{1,64}$"
);
id!(
    /// One recording of a call.
    RecordingId,
    "rec_",
    "^rec_[a-z0-9]{1,64}$"
);
id!(
    /// One file that was shared in a call.
    FileId,
    "file_",
    "^file_[a-z0-9]{1,64}$"
);
id!(
    /// One fact.
    EventId,
    "evt_",
    "^evt_[a-z0-9]{1,64}$"
);
id!(
    /// One endpoint that is told of facts.
    WebhookId,
    "hook_",
    "^hook_[a-z0-9]{1,64}$"
);
id!(
    /// One fact on its way to one endpoint.
    DeliveryId,
    "dlv_",
    "^dlv_[a-z0-9]{1,64}$"
);

id!(
    /// One entry of the audit log.
    AuditId,
    "aud_",
    "^aud_[a-z0-9]{1,64}$"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_id_parses_back_to_itself() {
        let id = CallId::new();
        assert_eq!(id.as_str().parse::<CallId>(), Ok(id));
    }

    #[test]
    fn later_ids_sort_after_earlier_ones() {
        let ids: Vec<RoomId> = (0..100).map(|_| RoomId::new()).collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn another_kind_of_id_or_a_path_word_is_refused() {
        for text in [
            "history",
            "rooms",
            "room_1",
            "call_",
            "call_A",
            "call_../x",
            "",
        ] {
            assert_eq!(
                text.parse::<CallId>(),
                Err(BadId { prefix: "call_" }),
                "{text:?}"
            );
        }
    }
}
