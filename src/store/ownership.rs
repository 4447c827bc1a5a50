//! One server at a time: the right to be the one that a database belongs to.
//!
//! A second server would close the first one's live calls as left over from a crash. So each takes this before it
//! touches anything: a lock on a file beside SQLite's, an advisory lock of PostgreSQL's. Both go with the process that
//! has them, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use diesel::sql_types::{Bool, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use tokio::task::JoinHandle;
use tracing::{error, warn};

use super::address::Address;
use super::db;
use super::error::StoreError;

/// Names the lock among PostgreSQL's; any number would do ("call").
const LOCK: i32 = 0x63_61_6c_6c;

/// How long a server that is just going down may still hold it.
const WAIT: Duration = Duration::from_secs(3);

/// How often the lock is asked for in that time.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// How often it is looked after that PostgreSQL still knows of us.
const LOOK_AFTER: Duration = Duration::from_secs(10);

/// The right to a database. It ends when this is dropped.
#[must_use = "the database is anybody's again as soon as this is dropped"]
pub struct Ownership(#[expect(dead_code, reason = "it is held, not used")] Held);

#[expect(dead_code, reason = "they are held, not used")]
enum Held {
    /// Nobody else can reach it.
    Memory,
    /// The lock goes when the file is closed.
    File(File),
    /// The lock goes with the connection, which this task holds.
    Session(Session),
}

struct Session(JoinHandle<()>);

impl Drop for Session {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Ownership {
    /// Takes the database at `address`. Needs a running tokio runtime that lives as long.
    ///
    /// # Errors
    ///
    /// [`StoreError::Owned`] when another server has it, or when it cannot be reached.
    pub async fn take(address: &str) -> Result<Self, StoreError> {
        Ok(Self(match address.parse()? {
            Address::SqliteMemory => Held::Memory,
            Address::SqliteFile(path) => Held::File(lock_file(&path)?),
            Address::Postgres(url) => Held::Session(session(url).await?),
        }))
    }
}

/// The file beside the database's own that is locked: SQLite uses locks of its own on the latter.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

fn lock_file(path: &Path) -> Result<File, StoreError> {
    let place = Address::SqliteFile(path.to_owned()).to_string();
    let path = beside(path);
    let failed = |error| StoreError::Unavailable(format!("{}: {error}", path.display()));
    db::make_file(&path).map_err(failed)?;
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .open(&path)
        .map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            let _ = file.read_to_string(&mut owner); // it only makes the message better
            return Err(StoreError::Owned {
                place,
                owner: owner.trim().to_owned(),
            });
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    file.set_len(0).map_err(failed)?;
    writeln!(file, "{}", name()).map_err(failed)?;
    Ok(file)
}

/// What others are told of who has it.
fn name() -> String {
    format!("pid {}", std::process::id())
}

async fn session(url: String) -> Result<Session, StoreError> {
    let begun = Instant::now();
    let conn = loop {
        match lock_session(&url).await {
            Err(StoreError::Owned { .. }) if begun.elapsed() < WAIT => {
                tokio::time::sleep(ASK_AGAIN).await;
            }
            outcome => break outcome?,
        }
    };
    Ok(Session(tokio::spawn(look_after(conn, url))))
}

/// Holds the lock, and takes it again where PostgreSQL lost it: it was started anew, or hung up.
async fn look_after(mut conn: AsyncPgConnection, url: String) {
    loop {
        tokio::time::sleep(LOOK_AFTER).await;
        if conn.batch_execute("SELECT 1").await.is_ok() {
            continue;
        }
        match lock_session(&url).await {
            Ok(again) => conn = again,
            Err(owned @ StoreError::Owned { .. }) => error!("two write to one: {owned}"),
            Err(error) => warn!(%error, "the lock on the database cannot be taken again yet"),
        }
    }
}

async fn lock_session(url: &str) -> Result<AsyncPgConnection, StoreError> {
    let mut conn = db::open_postgres(url.to_owned())
        .await
        .map_err(|error| StoreError::Unavailable(error.to_string()))?;
    conn.batch_execute(&format!("SET application_name = 'calls, {}'", name()))
        .await?;
    // Two schemas of one database are two databases to us.
    let ask = format!("pg_try_advisory_lock({LOCK}, hashtext(coalesce(current_schema(), '')))");
    let taken = diesel::select(diesel::dsl::sql::<Bool>(&ask))
        .get_result(&mut conn)
        .await?;
    if taken {
        return Ok(conn);
    }
    let owner = format!(
        "(SELECT coalesce(max(a.application_name), '') FROM pg_locks l JOIN pg_stat_activity a USING (pid)
          WHERE l.locktype = 'advisory' AND l.granted AND l.classid = {LOCK}
          AND l.objid = hashtext(coalesce(current_schema(), ''))::bit(32)::bigint::oid)"
    );
    let owner: String = diesel::select(diesel::dsl::sql::<Text>(&owner))
        .get_result(&mut conn)
        .await
        .unwrap_or_default(); // it only makes the message better
    let owner = owner.trim_start_matches("calls, ").to_owned();
    let place = Address::Postgres(url.to_owned()).to_string();
    Err(StoreError::Owned { place, owner })
}
