//! API keys, of which only hashes are kept, and the server's own secrets.

use calls_model::Timestamp;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::db::{Conn, on};
use super::error::StoreError;
use super::schema::{api_keys, secrets};
use super::sql_types::At;
use super::words::moment;

/// An API key, as much of it as is known after it was handed out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// SHA-256 of the key, in hex. Keys are random, so no slow hash is needed.
    pub hash: String,
    /// Its first characters, to tell keys apart by; unique.
    pub prefix: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it opens nothing any more.
    pub revoked_at: Option<Timestamp>,
    /// What it is for, in the words of who made it.
    pub label: Option<String>,
}

type KeyRow = (String, String, At, Option<At>, Option<String>);

fn key((hash, prefix, created_at, revoked_at, label): KeyRow) -> ApiKey {
    ApiKey {
        hash,
        prefix,
        created_at: created_at.0,
        revoked_at: moment(revoked_at),
        label,
    }
}

pub(super) async fn insert(conn: &mut Conn<'_>, key: &ApiKey) -> Result<(), StoreError> {
    on!(conn, c => {
        diesel::insert_into(api_keys::table)
            .values((
                api_keys::hash.eq(&key.hash),
                api_keys::prefix.eq(&key.prefix),
                api_keys::created_at.eq(At(key.created_at)),
                api_keys::revoked_at.eq(key.revoked_at.map(At)),
                api_keys::label.eq(&key.label),
            ))
            .execute(c)
            .await
    })?;
    Ok(())
}

pub(super) async fn find(conn: &mut Conn<'_>, hash: &str) -> Result<Option<ApiKey>, StoreError> {
    let row: Option<KeyRow> = on!(conn, c => api_keys::table.find(hash).first(c).await.optional())?;
    Ok(row.map(key))
}

/// All keys, the revoked ones too, oldest first.
pub(super) async fn list(conn: &mut Conn<'_>) -> Result<Vec<ApiKey>, StoreError> {
    let rows: Vec<KeyRow> = on!(conn, c => {
        api_keys::table.order((api_keys::created_at, api_keys::prefix)).load(c).await
    })?;
    Ok(rows.into_iter().map(key).collect())
}

/// Revokes a key; the first time counts.
pub(super) async fn revoke(
    conn: &mut Conn<'_>,
    prefix: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let known: i64 = on!(conn, c => {
        diesel::update(api_keys::table.filter(api_keys::prefix.eq(prefix)))
            .filter(api_keys::revoked_at.is_null())
            .set(api_keys::revoked_at.eq(At(at)))
            .execute(c)
            .await?;
        api_keys::table.filter(api_keys::prefix.eq(prefix)).count().get_result(c).await
    })?;
    if known == 0 {
        Err(StoreError::NotFound { what: "API key" })
    } else {
        Ok(())
    }
}

/// The secret of this name; the offered one becomes it where there is none yet.
pub(super) async fn secret_or(
    conn: &mut Conn<'_>,
    name: &str,
    offered: &[u8],
    now: Timestamp,
) -> Result<Vec<u8>, StoreError> {
    Ok(on!(conn, c => {
        diesel::insert_into(secrets::table)
            .values((
                secrets::name.eq(name),
                secrets::value.eq(offered),
                secrets::created_at.eq(At(now)),
            ))
            .on_conflict_do_nothing()
            .execute(c)
            .await?;
        secrets::table.find(name).select(secrets::value).first(c).await
    })?)
}
