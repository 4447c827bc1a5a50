//! First replies to requests that came with an `Idempotency-Key`.

use calls_model::{OrgId, Timestamp};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::db::{Conn, on};
use super::error::StoreError;
use super::schema::idempotency;
use super::sql_types::{At, JsonText};
use super::words::{count, document, value};

/// A request that came with a key. Caller and key name it, the rest must be the same each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyed {
    /// Who asks: never the credentials themselves.
    pub caller: String,
    /// Their tenant.
    pub org: OrgId,
    /// The key.
    pub key: String,
    /// Method and path.
    pub request: String,
    /// A hash of the body; none while it has not come yet, as that of a file.
    pub body_hash: Option<String>,
}

/// A reply as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// All of it.
    pub body: Vec<u8>,
}

/// What is known of a request with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Nothing: it is the first, and from now on it runs.
    First,
    /// The first still runs.
    Running,
    /// The first was another request.
    Another,
    /// The first was answered.
    Answered {
        /// How.
        reply: Reply,
        /// The hash of its body; none where it was answered without having been read.
        body_hash: Option<String>,
    },
}

/// How long what is kept is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cutoffs {
    /// What came before is forgotten.
    pub kept: Timestamp,
    /// What came before and still runs will not be answered any more: the process that ran it lost its database.
    pub running: Timestamp,
}

type Row = (String, String, Option<i64>, JsonText, Vec<u8>);

/// Claims a request for who asks, unless it was claimed before.
pub(super) async fn claim(
    conn: &mut Conn<'_>,
    asked: &Keyed,
    now: Timestamp,
    cutoffs: Cutoffs,
) -> Result<Claim, StoreError> {
    let (caller, key) = (asked.caller.as_str(), asked.key.as_str());
    let claimed = on!(conn, c => {
        diesel::delete(idempotency::table.find((caller, key)))
            .filter(stale(cutoffs))
            .execute(c)
            .await?;
        diesel::insert_into(idempotency::table)
            .values((
                idempotency::caller.eq(caller),
                idempotency::idempotency_key.eq(key),
                idempotency::org_id.eq(asked.org.as_str()),
                idempotency::request.eq(&asked.request),
                idempotency::body_hash.eq(asked.body_hash.as_deref().unwrap_or_default()),
                idempotency::headers.eq(document(Vec::<(String, String)>::new())),
                idempotency::body.eq(Vec::new()),
                idempotency::created_at.eq(At(now)),
            ))
            .on_conflict_do_nothing()
            .execute(c)
            .await
    })?;
    if claimed > 0 {
        return Ok(Claim::First);
    }
    let row: Option<Row> = on!(conn, c => {
        idempotency::table
            .find((caller, key))
            .select((
                idempotency::request,
                idempotency::body_hash,
                idempotency::status,
                idempotency::headers,
                idempotency::body,
            ))
            .first(c)
            .await
            .optional()
    })?;
    Ok(match row {
        Some((request, ..)) if request != asked.request => Claim::Another,
        Some((_, hash, ..)) if asked.body_hash.as_ref().is_some_and(|own| *own != hash) => {
            Claim::Another
        }
        Some((_, hash, Some(status), JsonText(headers), body)) => Claim::Answered {
            reply: Reply {
                status: count("status", status)?,
                headers: value("headers", headers)?,
                body,
            },
            body_hash: Some(hash).filter(|hash| !hash.is_empty()),
        },
        // Given up in this very moment: the next try is the first.
        Some((_, _, None, ..)) | None => Claim::Running,
    })
}

#[diesel::dsl::auto_type(no_type_alias)]
fn stale(cutoffs: Cutoffs) -> _ {
    let kept: At = At(cutoffs.kept);
    let running: At = At(cutoffs.running);
    idempotency::created_at.lt(kept).or(idempotency::status
        .is_null()
        .and(idempotency::created_at.lt(running)))
}

/// Keeps the reply to a request that was claimed.
pub(super) async fn keep(
    conn: &mut Conn<'_>,
    asked: &Keyed,
    reply: &Reply,
) -> Result<(), StoreError> {
    on!(conn, c => {
        diesel::update(idempotency::table.find((asked.caller.as_str(), asked.key.as_str())))
            .set((
                idempotency::status.eq(i64::from(reply.status)),
                idempotency::body_hash.eq(asked.body_hash.as_deref().unwrap_or_default()),
                idempotency::headers.eq(document(&reply.headers)),
                idempotency::body.eq(&reply.body),
            ))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// A request that was claimed has no reply worth keeping: the next try is the first.
pub(super) async fn release(conn: &mut Conn<'_>, asked: &Keyed) -> Result<(), StoreError> {
    on!(conn, c => {
        diesel::delete(idempotency::table.find((asked.caller.as_str(), asked.key.as_str())))
            .filter(idempotency::status.is_null())
            .execute(c)
            .await
    })?;
    Ok(())
}

/// Forgets what has been kept for long enough, and tells how much that was.
pub(super) async fn purge(conn: &mut Conn<'_>, cutoffs: Cutoffs) -> Result<usize, StoreError> {
    Ok(on!(conn, c => diesel::delete(idempotency::table).filter(stale(cutoffs)).execute(c).await)?)
}

/// Forgets requests that ran when the last server went down.
pub(super) async fn forget_running(conn: &mut Conn<'_>) -> Result<(), StoreError> {
    on!(conn, c => {
        diesel::delete(idempotency::table)
            .filter(idempotency::status.is_null())
            .execute(c)
            .await
    })?;
    Ok(())
}
