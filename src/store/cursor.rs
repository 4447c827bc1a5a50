//! Where a page of a list ended: opaque to callers, a creation time and an id to us.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use calls_model::Timestamp;

use super::error::StoreError;

/// The last row of a page, in a list that is newest first; the next page begins after it.
///
/// Rows that are made meanwhile come before it, so pages neither repeat nor skip a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cursor<Id> {
    pub(super) created_at: Timestamp,
    pub(super) id: Id,
}

impl<Id: fmt::Display> fmt::Display for Cursor<Id> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = format!("{}.{}", self.created_at.millis(), self.id);
        f.write_str(&URL_SAFE_NO_PAD.encode(plain))
    }
}

impl<Id: FromStr> FromStr for Cursor<Id> {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        parse(text).ok_or(StoreError::BadCursor)
    }
}

fn parse<Id: FromStr>(text: &str) -> Option<Cursor<Id>> {
    let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
    let (millis, id) = plain.split_once('.')?;
    let created_at = Timestamp::from_millis(millis.parse().ok()?)?;
    Some(Cursor {
        created_at,
        id: id.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use calls_model::{CallId, RoomId};

    use super::*;

    #[test]
    fn a_cursor_reads_back_as_it_was_made() {
        let created_at = Timestamp::from_millis(1_700_000_000_123).unwrap();
        let made = Cursor {
            created_at,
            id: RoomId::new(),
        };
        assert_eq!(made.to_string().parse::<Cursor<RoomId>>().unwrap(), made);
    }

    #[test]
    fn another_lists_cursor_and_made_up_ones_are_refused() {
        let encoded = |plain: &str| URL_SAFE_NO_PAD.encode(plain);
        assert!(encoded("1.call_1").parse::<Cursor<CallId>>().is_ok());
        let of_rooms = encoded("1.room_1");
        let no_moment = encoded("99999999999999999.call_1");
        for text in [of_rooms.as_str(), &no_moment, &encoded("1"), "", "!", "é"] {
            let refused = text.parse::<Cursor<CallId>>();
            assert!(matches!(refused, Err(StoreError::BadCursor)), "{text:?}");
        }
    }
}
