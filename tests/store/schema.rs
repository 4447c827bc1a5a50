//! What the migrations promise about the tables themselves.

use calls::store::{Store, StoreError};
use calls_model::Fact;
use diesel::QueryableByName;
use diesel::connection::SimpleConnection;
use diesel::sql_types::Text;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};

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
