//! What can go wrong with the store.

use calls_actors::journal::JournalError;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel_async::pooled_connection::deadpool::PoolError;

/// The store could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database cannot be reached, or has no connection free in time.
    #[error("database is not reachable: {0}")]
    Unavailable(String),
    /// Another server has it.
    #[error(
        "another Calls{} uses the database, {place}: stop that one, or give this one another database.url",
        owner_in_brackets(.owner)
    )]
    Owned {
        /// Which, for people.
        place: String,
        /// Who, as far as it is known.
        owner: String,
    },
    /// What stands in the database is not what this server writes.
    #[error("database holds a bad {what}: {detail}")]
    Corrupt {
        /// Which kind of row or value.
        what: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// There is no such row.
    #[error("{what} not found")]
    NotFound {
        /// Which kind of row.
        what: &'static str,
    },
    /// It contradicts what is there: an id is taken, or what it refers to is missing.
    #[error("contradicts what is stored: {0}")]
    Conflict(String),
    /// The cursor was not made by this list.
    #[error("cursor is not one of this list")]
    BadCursor,
    /// The address names no database that we know.
    #[error("database address must be a path, \"sqlite:PATH\" or \"postgres://…\": {0}")]
    BadAddress(&'static str),
    /// The tables could not be brought up to date.
    #[error("migration failed: {0}")]
    Migration(String),
    /// The database refused a statement.
    #[error("database refused: {0}")]
    Refused(DieselError),
}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        use DatabaseErrorKind::{
            CheckViolation, ClosedConnection, ForeignKeyViolation, ReadOnlyTransaction,
            SerializationFailure, UnableToSendCommand, UniqueViolation, Unknown,
        };

        match error {
            DieselError::DatabaseError(
                ClosedConnection | UnableToSendCommand | ReadOnlyTransaction | SerializationFailure,
                detail,
            ) => Self::Unavailable(detail.message().to_owned()),
            DieselError::DatabaseError(Unknown, detail) if is_outage(detail.message()) => {
                Self::Unavailable(detail.message().to_owned())
            }
            DieselError::BrokenTransactionManager => {
                Self::Unavailable("a connection broke within a transaction".to_owned())
            }
            DieselError::DatabaseError(
                UniqueViolation | ForeignKeyViolation | CheckViolation,
                detail,
            ) => Self::Conflict(detail.message().to_owned()),
            DieselError::DeserializationError(detail) => Self::Corrupt {
                what: "value",
                detail: detail.to_string(),
            },
            other => Self::Refused(other),
        }
    }
}

impl From<PoolError> for StoreError {
    fn from(error: PoolError) -> Self {
        use deadpool::managed::PoolError::{
            Backend, Closed, NoRuntimeSpecified, PostCreateHook, Timeout,
        };
        use diesel_async::pooled_connection::PoolError::{ConnectionError, QueryError};

        Self::Unavailable(match error {
            Backend(ConnectionError(cause)) => cause.to_string(),
            Backend(QueryError(cause)) => cause.to_string(),
            Timeout(_) => "no connection could be had in time".to_owned(),
            Closed => "the server is going down".to_owned(),
            other @ (NoRuntimeSpecified | PostCreateHook(_)) => other.to_string(),
        })
    }
}

impl StoreError {
    /// The file of facts that wait.
    #[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
    pub(super) fn spool(error: std::io::Error) -> Self {
        Self::Unavailable(format!("the file of facts that wait: {error}"))
    }

    /// Says which database could not be reached.
    pub(super) fn of(self, place: &str) -> Self {
        match self {
            Self::Unavailable(cause) => Self::Unavailable(format!("{place}: {cause}")),
            other => other,
        }
    }
}

/// What servers and disks say of themselves, and Diesel has no name for: they go down, come up, are full, locked or
/// read-only.
fn is_outage(message: &str) -> bool {
    const SAID: [&str; 13] = [
        "connection",
        "locked",
        "busy",
        "readonly",
        "read-only",
        "disk",
        "full",
        "space",
        "shutting down",
        "starting up",
        "recovery",
        "unable to open",
        "out of memory",
    ];
    SAID.iter().any(|words| message.contains(words))
}

fn owner_in_brackets(owner: &str) -> String {
    if owner.is_empty() {
        String::new()
    } else {
        format!(" ({owner})")
    }
}

impl From<StoreError> for JournalError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Away(error.to_string()),
            other => Self::Storage(other.to_string()),
        }
    }
}
