//! The two databases behind one set of functions: pools, leased connections, transactions.
//!
//! Queries are written once, against a [`Conn`], and compiled for both by the [`on!`] macro.
//!
//! SQLite has one writer at a time whatever one does. Here it is a pool of one connection, so writers queue up in the
//! order they came, instead of polling a lock until a timeout says "database is locked". Readers have connections of
//! their own and never wait for the writer (WAL).

use std::path::Path;
use std::time::{Duration, Instant};

use deadpool::Runtime;
use deadpool::managed::Timeouts;
use diesel::connection::AnsiTransactionManager as BlockingTransactions;
use diesel::result::Error as DieselError;
use diesel::sqlite::SqliteConnection;
use diesel::{ConnectionError, ConnectionResult, QueryResult};
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
};
use diesel_async::sync_connection_wrapper::SyncConnectionWrapper;
use diesel_async::{
    AnsiTransactionManager, AsyncConnection, AsyncPgConnection, SimpleAsyncConnection,
    TransactionManager,
};

use super::address::Address;
use super::error::StoreError;
use crate::causes::causes;

/// SQLite's connection: blocking, on tokio's threads for that.
pub(super) type AsyncSqlite = SyncConnectionWrapper<SqliteConnection>;

type SqliteTransactions = <AsyncSqlite as AsyncConnection>::TransactionManager;

/// How long anything may wait for a connection, or SQLite for another process's lock (`calls migrate`, a backup),
/// before the database counts as unreachable.
const WAIT: Duration = Duration::from_secs(10);

/// Runs the same body on whichever connection it is.
macro_rules! on {
    ($conn:expr, $c:ident => $body:expr) => {
        match $conn {
            $crate::store::db::Conn::Postgres($c) => {
                let $c = &mut **$c;
                $body
            }
            $crate::store::db::Conn::Sqlite($c) => {
                let $c = &mut **$c;
                $body
            }
        }
    };
}
pub(super) use on;

/// The pools of one database.
#[derive(Clone)]
pub(super) enum Db {
    /// All connections are alike.
    Postgres(Pool<AsyncPgConnection>),
    /// One connection writes, the others read.
    Sqlite {
        /// The one that writes.
        writer: Pool<AsyncSqlite>,
        /// Those that read; the writer itself where the database lives in memory.
        readers: Pool<AsyncSqlite>,
    },
}

/// A connection taken from a pool; it goes back when this is dropped.
#[expect(
    clippy::large_enum_variant,
    reason = "it lives on one task's stack for one query"
)]
pub(super) enum Lease {
    /// To PostgreSQL.
    Postgres(Object<AsyncPgConnection>),
    /// To SQLite.
    Sqlite(Object<AsyncSqlite>),
}

/// A connection in use.
pub(super) enum Conn<'a> {
    /// To PostgreSQL.
    Postgres(&'a mut AsyncPgConnection),
    /// To SQLite.
    Sqlite(&'a mut AsyncSqlite),
}

impl Db {
    /// Makes the pools; connects to nothing yet.
    pub(super) fn new(address: &Address, connections: usize) -> Result<Self, StoreError> {
        let connections = connections.max(1);
        match address {
            Address::Postgres(url) => Ok(Self::Postgres(pool(url, connections, postgres())?)),
            Address::SqliteFile(path) => {
                let path = path.to_str().ok_or(StoreError::BadAddress("not UTF-8"))?;
                Ok(Self::Sqlite {
                    writer: pool(path, 1, sqlite(Access::ReadWrite))?,
                    readers: pool(path, connections, sqlite(Access::ReadOnly))?,
                })
            }
            Address::SqliteMemory => {
                let only = pool(":memory:", 1, sqlite(Access::ReadWrite))?;
                Ok(Self::Sqlite {
                    writer: only.clone(),
                    readers: only,
                })
            }
        }
    }

    /// A connection for queries.
    pub(super) async fn reader(&self) -> Result<Lease, StoreError> {
        Ok(match self {
            Self::Postgres(pool) => Lease::Postgres(pool.get().await?),
            Self::Sqlite { readers, .. } => Lease::Sqlite(readers.get().await?),
        })
    }

    /// A connection that may write.
    pub(super) async fn writer(&self) -> Result<Lease, StoreError> {
        Ok(match self {
            Self::Postgres(pool) => Lease::Postgres(pool.get().await?),
            Self::Sqlite { writer, .. } => Lease::Sqlite(writer.get().await?),
        })
    }

    /// Lets go of all connections that are not in use; nobody gets one any more.
    pub(super) fn close(&self) {
        match self {
            Self::Postgres(pool) => pool.close(),
            Self::Sqlite { writer, readers } => {
                readers.close();
                writer.close();
            }
        }
    }
}

impl Lease {
    /// The connection itself.
    pub(super) fn conn(&mut self) -> Conn<'_> {
        match self {
            Self::Postgres(object) => Conn::Postgres(object),
            Self::Sqlite(object) => Conn::Sqlite(object),
        }
    }

    /// Begins a transaction. SQLite takes its write lock at once: a lock that is asked for in the middle of a
    /// transaction can be refused without any wait.
    pub(super) async fn begin(&mut self) -> Result<(), StoreError> {
        match self {
            Self::Postgres(object) => {
                AnsiTransactionManager::begin_transaction(&mut **object).await?;
            }
            Self::Sqlite(object) => {
                let begin = |conn: &mut SqliteConnection| {
                    BlockingTransactions::begin_transaction_sql(conn, "BEGIN IMMEDIATE")
                };
                object.spawn_blocking(begin).await?;
            }
        }
        Ok(())
    }

    /// Ends the transaction: commits a success, rolls a failure back and hands it on.
    pub(super) async fn finish<T>(
        &mut self,
        outcome: Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match (self, &outcome) {
            (Self::Postgres(object), Ok(_)) => {
                AnsiTransactionManager::commit_transaction(&mut **object).await?;
            }
            (Self::Postgres(object), Err(_)) => {
                // A connection that cannot even roll back is thrown away by the pool.
                let _ = AnsiTransactionManager::rollback_transaction(&mut **object).await;
            }
            (Self::Sqlite(object), Ok(_)) => {
                SqliteTransactions::commit_transaction(&mut **object).await?;
            }
            (Self::Sqlite(object), Err(_)) => {
                let _ = SqliteTransactions::rollback_transaction(&mut **object).await;
            }
        }
        outcome
    }
}

fn pool<C>(url: &str, connections: usize, config: ManagerConfig<C>) -> Result<Pool<C>, StoreError>
where
    C: AsyncConnection + 'static,
    AsyncDieselConnectionManager<C>: deadpool::managed::Manager<Type = C>,
{
    Pool::builder(AsyncDieselConnectionManager::new_with_config(url, config))
        .max_size(connections)
        .runtime(Runtime::Tokio1)
        .timeouts(Timeouts {
            wait: Some(WAIT),
            create: Some(WAIT),
            recycle: Some(WAIT),
        })
        .build()
        .map_err(|error| StoreError::Unavailable(error.to_string()))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    ReadWrite,
    ReadOnly,
}

fn postgres() -> ManagerConfig<AsyncPgConnection> {
    let mut config = ManagerConfig::default();
    config.custom_setup = Box::new(|url| Box::pin(open_postgres(url.to_owned())));
    config
}

/// As [`AsyncPgConnection::establish`], but a failure says why: Diesel drops what stands behind the first sentence.
pub(super) async fn open_postgres(url: String) -> ConnectionResult<AsyncPgConnection> {
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls)
        .await
        .map_err(|error| ConnectionError::BadConnection(causes(&error)))?;
    AsyncPgConnection::try_from_client_and_connection(client, connection).await
}

fn sqlite(access: Access) -> ManagerConfig<AsyncSqlite> {
    let mut config = ManagerConfig::default();
    config.custom_setup = Box::new(move |path| Box::pin(open_sqlite(path.to_owned(), access)));
    config.recycling_method = RecyclingMethod::Fast; // a file does not hang up
    config
}

async fn open_sqlite(path: String, access: Access) -> ConnectionResult<AsyncSqlite> {
    let mut conn = AsyncSqlite::establish(&path).await?;
    // What is erased is overwritten: no page that is used again still has it.
    // NORMAL loses the last commits with a power cut, never with a crash of the server; the file stays whole in both.
    let pragmas = format!(
        "PRAGMA busy_timeout = {};
         PRAGMA synchronous = NORMAL;
         PRAGMA foreign_keys = ON;
         PRAGMA secure_delete = ON;
         PRAGMA query_only = {};",
        WAIT.as_millis(),
        if access == Access::ReadOnly {
            "ON"
        } else {
            "OFF"
        },
    );
    conn.batch_execute(&pragmas)
        .await
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    if access == Access::ReadWrite {
        write_ahead(&mut conn)
            .await
            .map_err(ConnectionError::CouldntSetupConfiguration)?;
    }
    Ok(conn)
}

/// Switches the file to WAL, for good. SQLite does not wait for locks here, whatever the timeout says: where two
/// servers make the file together, one asks again.
async fn write_ahead(conn: &mut AsyncSqlite) -> QueryResult<()> {
    let begun = Instant::now();
    loop {
        match conn.batch_execute("PRAGMA journal_mode = WAL").await {
            Err(error) if is_locked(&error) && begun.elapsed() < WAIT => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            outcome => return outcome,
        }
    }
}

fn is_locked(error: &DieselError) -> bool {
    matches!(error, DieselError::DatabaseError(_, detail) if detail.message().contains("locked"))
}

/// Makes the file and its directories where they are missing, for the owner's eyes only: the file holds password
/// hashes and signing keys. SQLite gives its `-wal` and `-shm` files the same mode.
pub(super) fn make_file(path: &Path) -> std::io::Result<()> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}
