//! Which database: read from the one string that the configuration has for it.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use super::error::StoreError;

/// Where the data is.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// `postgres://…` or `postgresql://…`; may hold a password, so it is never printed.
    Postgres(String),
    /// `sqlite:PATH`, `sqlite://PATH`, or the path alone.
    SqliteFile(PathBuf),
    /// `sqlite::memory:`: gone with the process.
    SqliteMemory,
}

impl FromStr for Address {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        let path = text
            .strip_prefix("sqlite://")
            .or_else(|| text.strip_prefix("sqlite:"))
            .unwrap_or(text);
        match path {
            "" => Err(StoreError::BadAddress("it is empty")),
            ":memory:" => Ok(Self::SqliteMemory),
            path if path.contains("://") => Err(StoreError::BadAddress("unknown scheme")),
            path if path.starts_with("file:") || path.contains('\0') => {
                Err(StoreError::BadAddress("not a plain path"))
            }
            path => Ok(Self::SqliteFile(path.into())),
        }
    }
}

impl fmt::Display for Address {
    /// For people: without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postgres(url) => write!(f, "PostgreSQL at {}", place(url)),
            Self::SqliteFile(path) => {
                let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
                write!(f, "SQLite in {}", path.display())
            }
            Self::SqliteMemory => f.write_str("SQLite in memory, gone with the process"),
        }
    }
}

/// Host, port and name of a PostgreSQL URL. Whatever stands before the last `@` may be a password.
fn place(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    let rest = rest.split('?').next().unwrap_or_default();
    let (host, name) = rest.split_once('/').unwrap_or((rest, ""));
    let host = if host.is_empty() { "localhost" } else { host };
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| {
        !port.is_empty() && port.bytes().all(|letter| letter.is_ascii_digit())
    });
    let port = if has_port { "" } else { ":5432" };
    format!("{host}{port}/{name}")
        .trim_end_matches('/')
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_may_stand_alone_or_behind_its_scheme() {
        let parsed = |text: &str| text.parse::<Address>().ok();
        for text in [
            "data/calls.db",
            "sqlite:data/calls.db",
            "sqlite://data/calls.db",
        ] {
            assert!(
                parsed(text) == Some(Address::SqliteFile("data/calls.db".into())),
                "{text}"
            );
        }
        let absolute = Address::SqliteFile("/var/lib/calls.db".into());
        assert!(parsed("sqlite:///var/lib/calls.db") == Some(absolute));
        assert!(parsed("sqlite::memory:") == Some(Address::SqliteMemory));
        let postgres = "postgresql://calls@db.example/calls";
        assert!(parsed(postgres) == Some(Address::Postgres(postgres.to_owned())));
    }

    #[test]
    fn an_address_is_shown_without_its_password() {
        for (url, shown) in [
            (
                "postgres://calls:hunter2@db.example:6432/calls",
                "db.example:6432/calls",
            ),
            (
                "postgres://calls:hun@ter/2@db.example/calls?password=hunter2",
                "db.example:5432/calls",
            ),
            ("postgresql://calls@[::1]/calls", "[::1]:5432/calls"),
            ("postgres:///calls", "localhost:5432/calls"),
            ("postgres://db.example", "db.example:5432"),
        ] {
            assert_eq!(place(url), shown, "{url}");
        }
    }

    #[test]
    fn an_address_of_another_kind_is_refused() {
        for text in [
            "",
            "sqlite:",
            "mysql://localhost/calls",
            "sqlite:file:x?mode=ro",
        ] {
            let refused = matches!(text.parse::<Address>(), Err(StoreError::BadAddress(_)));
            assert!(refused, "{text:?}");
        }
    }
}
