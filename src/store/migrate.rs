//! Brings the tables up to date. The SQL is in `migrations/`, embedded; its README has the rules for new ones.

use std::time::Duration;

use diesel::sql_types::Bool;
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::db::{Db, Lease};
use super::error::StoreError;

pub(super) const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");
pub(super) const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// Names the lock that keeps two servers from migrating one PostgreSQL at once; any number would do ("calls").
const LOCK: i64 = 0x63_61_6c_6c_73;

/// How often a server that starts asks whether another one has finished migrating.
const ASK_AGAIN: Duration = Duration::from_millis(100);

/// Runs what has not run yet and says its names; whoever else starts meanwhile waits, and then has nothing to do.
/// Needs a worker thread of a multi-thread runtime, which it blocks.
pub(super) async fn run(db: &Db) -> Result<Vec<String>, StoreError> {
    let mut lease = db.writer().await?;
    if matches!(lease, Lease::Sqlite(_)) {
        lease.begin().await?; // migrations become savepoints of a transaction that holds the write lock
    }
    match lease {
        Lease::Postgres(mut object) => {
            // To wait inside of a query would be to wait inside of a transaction, which `CREATE INDEX CONCURRENTLY`
            // waits for in its turn.
            while !ask(&mut object, "pg_try_advisory_lock").await? {
                tokio::time::sleep(ASK_AGAIN).await;
            }
            let mut harness = AsyncMigrationHarness::new(object);
            let ran = pending(&mut harness, POSTGRES);
            ask(&mut harness.into_inner(), "pg_advisory_unlock").await?;
            ran
        }
        Lease::Sqlite(object) => {
            let mut harness = AsyncMigrationHarness::new(object);
            let ran = pending(&mut harness, SQLITE);
            Lease::Sqlite(harness.into_inner()).finish(ran).await
        }
    }
}

async fn ask(conn: &mut AsyncPgConnection, function: &str) -> Result<bool, StoreError> {
    let call = diesel::dsl::sql::<Bool>(&format!("{function}({LOCK})"));
    Ok(diesel::select(call).get_result(conn).await?)
}

fn pending<DB: diesel::backend::Backend>(
    harness: &mut impl MigrationHarness<DB>,
    migrations: EmbeddedMigrations,
) -> Result<Vec<String>, StoreError> {
    run_each(harness, migrations).map_err(|error| StoreError::Migration(error.to_string()))
}

fn run_each<DB: diesel::backend::Backend>(
    harness: &mut impl MigrationHarness<DB>,
    migrations: EmbeddedMigrations,
) -> diesel::migration::Result<Vec<String>> {
    let mut ran = Vec::new();
    for migration in harness.pending_migrations(migrations)? {
        if !migration.metadata().run_in_transaction() {
            // No transaction takes back what a kill left of it: an index that is invalid, or whole and not known to have
            // been made.
            harness.revert_migration(&migration)?;
        }
        ran.push(harness.run_migration(&migration)?.to_string());
    }
    Ok(ran)
}
