//! The store, on both databases: every test of `on_both!` runs once on SQLite and once on PostgreSQL.
//!
//! `scripts/with-postgres cargo nextest run --package calls --test store` brings the PostgreSQL; without one its half
//! fails, rather than pass unseen.

#![expect(
    clippy::unwrap_used,
    reason = "a test that unwraps says what it expects"
)]

mod store {
    #[macro_use]
    mod database;
    mod all_recordings;
    mod calls;
    mod erasure;
    mod facts;
    mod history;
    mod keys;
    mod quality;
    mod recordings;
    mod recovery;
    mod replies;
    mod rooms;
    mod samples;
    mod schema;
    mod transcripts;
    mod webhooks;
}
