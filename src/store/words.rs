//! Model values as columns hold them: the same word in SQL as on the wire.

use calls_model::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::error::StoreError;
use super::sql_types::{At, JsonText};

/// A value that the wire writes as a string.
pub(super) fn word(value: impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        other => unreachable!("the wire does not write this value as a string: {other:?}"),
    }
}

/// The value that a column's word stands for.
pub(super) fn value<T: DeserializeOwned>(
    what: &'static str,
    word: impl Into<Value>,
) -> Result<T, StoreError> {
    serde_json::from_value(word.into()).map_err(|error| StoreError::Corrupt {
        what,
        detail: error.to_string(),
    })
}

/// The value that a column's word stands for, where there is one.
pub(super) fn optional<T: DeserializeOwned>(
    what: &'static str,
    word: Option<String>,
) -> Result<Option<T>, StoreError> {
    word.map(|word| value(what, word)).transpose()
}

/// A value as a JSON column holds it.
pub(super) fn document(value: impl Serialize) -> JsonText {
    JsonText(
        serde_json::to_value(value).expect("model types have string keys and no failing parts"),
    )
}

/// A number that is never negative.
pub(super) fn count<T: TryFrom<i64>>(what: &'static str, number: i64) -> Result<T, StoreError> {
    T::try_from(number).map_err(|_| StoreError::Corrupt {
        what,
        detail: format!("{number} is out of range"),
    })
}

/// A moment, where there is one.
pub(super) fn moment(at: Option<At>) -> Option<Timestamp> {
    at.map(|At(moment)| moment)
}
