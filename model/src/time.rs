//! A moment, as the wire and both databases know it.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The moments that RFC 3339 can write, years 0000 to 9999, in milliseconds since 1970.
const WRITABLE: RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

/// A moment in UTC, to the millisecond; RFC 3339 with `Z` on the wire.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, utoipa::ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// The moment itself.
    pub fn utc(self) -> DateTime<Utc> {
        self.0
    }

    /// The moment so many milliseconds after the beginning of 1970, unless RFC 3339 cannot write it.
    pub fn from_millis(millis: i64) -> Option<Self> {
        let moment = WRITABLE
            .contains(&millis)
            .then(|| DateTime::from_timestamp_millis(millis));
        moment.flatten().map(Self)
    }

    /// Milliseconds since the beginning of 1970.
    pub fn millis(self) -> i64 {
        self.0.timestamp_millis()
    }

    /// Whole seconds from `earlier` to this; 0 if it is not earlier.
    pub fn seconds_since(self, earlier: Self) -> u64 {
        self.since(earlier).as_secs()
    }

    /// From `earlier` to this; zero if it is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        (self.0 - earlier.0).to_std().unwrap_or_default()
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(moment: DateTime<Utc>) -> Self {
        Self(moment.trunc_subsecs(3))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let moment: DateTime<Utc> = text.parse().map_err(|_| {
            D::Error::custom("must be a moment such as 2026-01-31T09:30:00Z (RFC 3339)")
        })?;
        Self::from_millis(moment.timestamp_millis())
            .ok_or_else(|| D::Error::custom("must be in the years 0000 to 9999"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_prints_as_it_was_written() {
        for text in ["\"2024-01-15T10:00:00Z\"", "\"2024-01-15T10:00:00.250Z\""] {
            let moment: Timestamp = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&moment).unwrap(), text);
        }
    }

    #[test]
    fn a_year_that_rfc_3339_cannot_write_is_refused() {
        for year in ["0000", "9999"] {
            let text = format!("\"{year}-06-01T00:00:00Z\"");
            assert!(serde_json::from_str::<Timestamp>(&text).is_ok(), "{text}");
        }
        for year in ["-0001", "+10000", "-262143", "+262142"] {
            let text = format!("\"{year}-06-01T00:00:00Z\"");
            assert!(serde_json::from_str::<Timestamp>(&text).is_err(), "{text}");
        }
        assert_eq!(Timestamp::from_millis(i64::MAX), None);
    }
}
