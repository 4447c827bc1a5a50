//! What the migrations promise about the tables themselves.

use calls::store::{Store, StoreError};
use calls_model::Fact;
use diesel::QueryableByName;
use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use super::database::Database;
use super::samples::{at, call, initiated};

on_both! {
    migrations_run_once,
    servers_that_start_together_do_not_collide,
    a_recording_that_is_paused_when_its_time_begins_to_be_kept_keeps_it,
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

async fn migrations_run_once(db: Database) {
    let ran = Store::migrate(&db.address).await.unwrap();
    assert!(!ran.is_empty());
    assert_eq!(
        Store::migrate(&db.address).await.unwrap(),
        Vec::<String>::new()
    );
}

async fn servers_that_start_together_do_not_collide(db: Database) {
    let starting = (0..6).map(|_| db.open());
    for store in futures_util::future::join_all(starting).await {
        store.ping().await.unwrap();
    }
}

async fn a_recording_that_is_paused_when_its_time_begins_to_be_kept_keeps_it(db: Database) {
    let store = db.open().await;
    let of = call("ann", &["bob"], at(0));
    let (call_id, recording) = (
        of.call_id.clone(),
        super::recordings::requested(&of.call_id),
    );
    let recording_id = recording.recording_id.clone();
    let paused = |paused, seconds| Fact::RecordingPaused {
        call_id: call_id.clone(),
        recording_id: recording_id.clone(),
        paused,
        at: at(seconds),
    };
    let facts = vec![
        initiated(&of),
        Fact::RecordingRequested {
            recording: Box::new(recording),
        },
        Fact::RecordingStarted {
            call_id: call_id.clone(),
            recording_id: recording_id.clone(),
            at: at(11),
        },
        paused(true, 16),
        paused(false, 30),
        paused(true, 32),
    ];
    store.record(facts).await.unwrap();
    // As the first migration that kept times left it.
    db.tamper("UPDATE recordings SET recorded_ms = 0").await;
    db.tamper("DELETE FROM __diesel_schema_migrations WHERE version = '20261128000730'")
        .await;
    assert_eq!(Store::migrate(&db.address).await.unwrap().len(), 1);
    let found = store.recording(&recording_id, at(60)).await.unwrap();
    assert_eq!(found.unwrap().recording.duration_seconds, 7);
}

/// Migrations of PostgreSQL that no transaction takes back where they are cut off.
fn outside_of_transactions() -> Vec<String> {
    let place = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/postgres");
    let folders = std::fs::read_dir(place).unwrap().map(Result::unwrap);
    let without = folders.filter(|folder| folder.path().join("metadata.toml").exists());
    without
        .map(|folder| {
            let name = folder.file_name().into_string().unwrap();
            name.split('_').next().unwrap().replace('-', "")
        })
        .collect()
}

/// As if these had never run, or were cut off before that was written down.
async fn forget(db: &Database, versions: &[String]) {
    let versions = versions.join("', '");
    let table = "__diesel_schema_migrations";
    db.tamper(&format!(
        "DELETE FROM {table} WHERE version IN ('{versions}')"
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_was_made_whole_before_a_kill_does_not_keep_the_next_start_from_it() {
    let db = Database::postgres().await;
    db.open().await;
    let versions = outside_of_transactions();
    assert!(versions.len() >= 4, "{versions:?}");
    forget(&db, &versions).await;
    let ran = Store::migrate(&db.address).await.unwrap();
    assert_eq!(ran.len(), versions.len(), "{ran:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_a_kill_left_half_made_is_made_anew() {
    const INVALID: &str =
        "SELECT c.relname::text AS name FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
         WHERE NOT i.indisvalid AND c.relnamespace = current_schema()::text::regnamespace";
    // Whoever makes an index without a long lock holds a short one.
    const KILL: &str = "SELECT pg_terminate_backend(l.pid)::text AS name
         FROM pg_locks l JOIN pg_index i ON i.indrelid = l.relation WHERE NOT i.indisvalid
         AND i.indrelid = 'recordings'::regclass AND l.mode = 'ShareUpdateExclusiveLock'";
    let db = Database::postgres().await;
    db.open().await;
    db.tamper("DROP INDEX recordings_newest_of_tenant").await;
    forget(&db, &["20261129000810".to_owned()]).await;
    // It waits for all who write while it is made.
    let mut writes = AsyncPgConnection::establish(&db.address).await.unwrap();
    let begin = "BEGIN; LOCK TABLE recordings IN ROW EXCLUSIVE MODE";
    writes.batch_execute(begin).await.unwrap();
    let address = db.address.clone();
    let migrates = tokio::spawn(async move { Store::migrate(&address).await });
    let mut conn = AsyncPgConnection::establish(&db.address).await.unwrap();
    let mut rows = async |sql: &str| -> Vec<String> {
        names(diesel::sql_query(sql).load(&mut conn).await.unwrap())
    };
    while rows(KILL).await.is_empty() {
        assert!(!migrates.is_finished(), "it makes one");
        tokio::task::yield_now().await;
    }
    assert!(migrates.await.unwrap().is_err(), "it was killed");
    writes.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(rows(INVALID).await, ["recordings_newest_of_tenant"]);

    assert_eq!(Store::migrate(&db.address).await.unwrap().len(), 1);
    assert_eq!(rows(INVALID).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_of_postgresql_has_an_org_id() {
    let db = Database::postgres().await;
    db.open().await;
    let mut conn = AsyncPgConnection::establish(&db.address).await.unwrap();
    let without = diesel::sql_query(
        "SELECT table_name::text AS name FROM information_schema.tables t
         WHERE table_schema = current_schema() AND table_name NOT LIKE '\\_\\_%' AND NOT EXISTS (
             SELECT 1 FROM information_schema.columns c WHERE c.table_schema = t.table_schema
             AND c.table_name = t.table_name AND c.column_name = 'org_id')",
    );
    let without: Vec<Name> = without.load(&mut conn).await.unwrap();
    assert_eq!(names(without), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_of_sqlite_has_an_org_id() {
    let db = Database::sqlite();
    db.open().await;
    let mut conn = sqlite(&db);
    // An index of words is made of tables too; whose they are stands in the rows that it points at.
    let without = diesel::sql_query(
        "SELECT t.name FROM sqlite_schema t
         WHERE t.type = 'table' AND t.name NOT LIKE '\\_\\_%' ESCAPE '\\'
         AND t.name NOT LIKE 'utterance\\_words%' ESCAPE '\\' AND NOT EXISTS (
             SELECT 1 FROM pragma_table_info(t.name) c WHERE c.name = 'org_id')",
    );
    let without: Vec<Name> = diesel::RunQueryDsl::load(without, &mut conn).unwrap();
    assert_eq!(names(without), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_few_recordings_of_a_status_or_a_mode_are_found_without_looking_at_all_others() {
    let db = Database::sqlite();
    db.open().await;
    for (column, index) in [
        ("status", "recordings_by_status"),
        ("mode", "recordings_by_mode"),
    ] {
        let plan = diesel::sql_query(format!(
            "EXPLAIN QUERY PLAN SELECT id FROM recordings WHERE org_id = 'default' AND {column} = 'x'
             ORDER BY requested_at DESC, id DESC LIMIT 51"
        ));
        let plan: Vec<Step> = diesel::RunQueryDsl::load(plan, &mut sqlite(&db)).unwrap();
        let steps: Vec<&str> = plan.iter().map(|step| &*step.detail).collect();
        assert!(
            matches!(steps[..], [one] if one.contains(index)),
            "{steps:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_tool_that_holds_the_lock_delays_a_write_but_does_not_fail_it() {
    let db = Database::sqlite();
    let store = db.open().await;
    let mut other = sqlite(&db);
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let release = tokio::task::spawn_blocking(move || {
        std::thread::sleep(std::time::Duration::from_millis(300));
        other.batch_execute("COMMIT").unwrap();
    });
    store.secret_or("tokens", vec![1]).await.unwrap();
    release.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_no_server_of_ours_wrote_is_named_corrupt() {
    let db = Database::sqlite();
    let store = db.open().await;
    let made = call("ada", &["bob"], at(0));
    store.record(vec![initiated(&made)]).await.unwrap();
    sqlite(&db)
        .batch_execute("UPDATE calls SET status = 'undead'")
        .unwrap();
    let refused = store.call(&made.call_id, at(1)).await;
    assert!(
        matches!(
            refused,
            Err(StoreError::Corrupt {
                what: "call status",
                ..
            })
        ),
        "{refused:?}"
    );
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn the_file_is_for_its_owners_eyes_only() {
    use std::os::unix::fs::PermissionsExt;

    let db = Database::sqlite();
    let _store = db.open().await;
    for suffix in ["", "-wal", "-shm"] {
        let path = format!("{}{suffix}", path(&db));
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{path} has mode {mode:o}");
    }
}

fn path(db: &Database) -> &str {
    db.address.strip_prefix("sqlite:").unwrap()
}

fn sqlite(db: &Database) -> diesel::SqliteConnection {
    diesel::Connection::establish(path(db)).unwrap()
}

fn names(rows: Vec<Name>) -> Vec<String> {
    rows.into_iter().map(|row| row.name).collect()
}
