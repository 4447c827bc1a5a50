//! A look at a database that changes nothing in it: for who wants to know before the server starts.

use std::collections::HashSet;
use std::path::Path;

use diesel::migration::MigrationSource;
use diesel::pg::Pg;
use diesel::sql_types::{Bool, Text};
use diesel::sqlite::{Sqlite, SqliteConnection};
use diesel::{Connection, QueryableByName, RunQueryDsl};
use diesel_async::RunQueryDsl as AsyncQuery;
use diesel_migrations::EmbeddedMigrations;

use super::address::Address;
use super::db;
use super::error::StoreError;
use super::migrate::{POSTGRES, SQLITE};

/// Diesel's own table, of what ran.
const RAN: &str = "SELECT version FROM __diesel_schema_migrations";

/// How a database stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// There is none yet; the first start makes it.
    Missing,
    /// It answers, and so many migrations will run at the next start.
    Behind(usize),
    /// It answers, and its tables are as this server wants them.
    Current,
    /// It answers, and has been used by a newer server.
    Ahead,
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

#[derive(QueryableByName)]
struct There {
    #[diesel(sql_type = Bool)]
    there: bool,
}

/// Where a database is, for people: without user and password.
///
/// # Errors
///
/// [`StoreError::BadAddress`] when the address is none.
pub fn place(address: &str) -> Result<String, StoreError> {
    Ok(address.parse::<Address>()?.to_string())
}

/// Looks at the database at `address`.
///
/// # Errors
///
/// When the address is none, or what is there cannot be read.
pub async fn examine(address: &str) -> Result<Standing, StoreError> {
    let address: Address = address.parse()?;
    let looked = match &address {
        Address::SqliteMemory => Ok(Standing::Missing),
        Address::SqliteFile(path) => sqlite(path),
        Address::Postgres(url) => postgres(url).await,
    };
    looked.map_err(|error| error.of(&address.to_string()))
}

fn sqlite(path: &Path) -> Result<Standing, StoreError> {
    if !path.exists() {
        return Ok(Standing::Missing);
    }
    let mut conn = SqliteConnection::establish(&read_only(path)).map_err(unavailable)?;
    let there = diesel::sql_query(
        "SELECT count(*) > 0 AS there FROM sqlite_schema WHERE name = '__diesel_schema_migrations'",
    );
    let ran = if RunQueryDsl::get_result::<There>(there, &mut conn)?.there {
        RunQueryDsl::load(diesel::sql_query(RAN), &mut conn)?
    } else {
        Vec::new()
    };
    standing::<Sqlite>(&SQLITE, ran)
}

/// The path as a URI, which is how SQLite is told to write nothing (<https://www.sqlite.org/uri.html>).
fn read_only(path: &Path) -> String {
    let path = path.to_string_lossy();
    let path = path
        .replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23");
    format!("file:{path}?mode=ro")
}

async fn postgres(url: &str) -> Result<Standing, StoreError> {
    let mut conn = db::open_postgres(url.to_owned())
        .await
        .map_err(unavailable)?;
    let there =
        diesel::sql_query("SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL AS there");
    let there: There = AsyncQuery::get_result(there, &mut conn).await?;
    let ran = if there.there {
        AsyncQuery::load(diesel::sql_query(RAN), &mut conn).await?
    } else {
        Vec::new()
    };
    standing::<Pg>(&POSTGRES, ran)
}

#[expect(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn unavailable(error: diesel::ConnectionError) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

fn standing<DB: diesel::backend::Backend>(
    known: &EmbeddedMigrations,
    ran: Vec<Version>,
) -> Result<Standing, StoreError> {
    let known = MigrationSource::<DB>::migrations(known)
        .map_err(|error| StoreError::Migration(error.to_string()))?;
    let known: HashSet<String> = known
        .iter()
        .map(|migration| migration.name().version().to_string())
        .collect();
    let ran: HashSet<String> = ran.into_iter().map(|row| row.version).collect();
    Ok(match known.difference(&ran).count() {
        0 if ran.is_subset(&known) => Standing::Current,
        0 => Standing::Ahead,
        behind => Standing::Behind(behind),
    })
}
