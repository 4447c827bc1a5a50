//! A database for one test, empty at first and gone after it.

use calls::store::Store;
use diesel::Connection as _;
use diesel::connection::SimpleConnection as _;
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use tempfile::TempDir;

/// Makes two tests of each function: one with an SQLite file, one with a PostgreSQL schema.
macro_rules! on_both {
    ($($name:ident,)+) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    super::$name(crate::store::database::Database::sqlite()).await;
                }
            )+
        }

        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    super::$name(crate::store::database::Database::postgres().await).await;
                }
            )+
        }
    };
}

/// Connections of a test's store: enough for writers to meet.
const CONNECTIONS: usize = 4;

/// An empty database.
pub(crate) struct Database {
    pub(crate) address: String,
    _home: Home,
}

enum Home {
    Directory { _removed_by_drop: TempDir },
    Schema { _removed_by_drop: Schema },
}

struct Schema {
    server: String,
    name: String,
}

impl Database {
    pub(crate) fn sqlite() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("calls.db");
        Self {
            address: format!("sqlite:{}", path.display()),
            _home: Home::Directory {
                _removed_by_drop: directory,
            },
        }
    }

    pub(crate) async fn postgres() -> Self {
        let server = std::env::var("CALLS_TEST_POSTGRES_URL").expect(
            "no PostgreSQL to test with: run `scripts/with-postgres cargo nextest run …`, \
             or set CALLS_TEST_POSTGRES_URL",
        );
        let name = format!("test_{}", unique());
        execute(&server, &format!("CREATE SCHEMA {name}")).await;
        let separator = if server.contains('?') { '&' } else { '?' };
        let address = format!("{server}{separator}options=-csearch_path%3D{name}");
        Self {
            address,
            _home: Home::Schema {
                _removed_by_drop: Schema { server, name },
            },
        }
    }

    /// Opens it, as a server does when it starts.
    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.address, CONNECTIONS).await.unwrap()
    }

    /// Changes it behind everybody's back.
    pub(crate) async fn tamper(&self, sql: &str) {
        match self.address.strip_prefix("sqlite:") {
            None => execute(&self.address, sql).await,
            Some(path) => {
                let conn = diesel::SqliteConnection::establish(path);
                conn.unwrap().batch_execute(sql).unwrap();
            }
        }
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let (server, sql) = (
            self.server.clone(),
            format!("DROP SCHEMA {} CASCADE", self.name),
        );
        // The test's own runtime cannot be waited for from inside of it.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(execute(&server, &sql));
        });
        let _ = dropping.join();
    }
}

async fn execute(server: &str, sql: &str) {
    let mut conn = AsyncPgConnection::establish(server).await.unwrap();
    conn.batch_execute(sql).await.unwrap();
}

/// Names no other test has: an event id's tail is a UUID.
fn unique() -> String {
    calls_model::EventId::new()
        .as_str()
        .trim_start_matches("evt_")
        .to_owned()
}
