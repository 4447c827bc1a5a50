//! First replies to requests that came with an `Idempotency-Key`.
//!
//! A claim is written before anything is done, and stays until it is answered: a request that was cut off in the middle is
//! never taken for one that was not begun.

use std::collections::BTreeSet;

use calls_model::{OrgId, Timestamp};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use sha2::{Digest, Sha256};

use super::db::{Conn, on};
use super::error::StoreError;
use super::schema::idempotency;
use super::sql_types::{At, JsonText};
use super::words::{count, document, value};

/// A request that came with a key. Caller and key name it, the rest must be the same each time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyed {
    /// Who asks, as a hash.
    pub caller: String,
    /// Their tenant.
    pub org: OrgId,
    /// A hash of the key.
    pub key: String,
    /// Method and path.
    pub request: String,
    /// A hash of the body; none while it has not come yet, as that of a file.
    pub body_hash: Option<String>,
    /// Ids and words of the request, and of its reply once there is one: by these it is found to be erased. Hashes are kept.
    pub names: BTreeSet<String>,
}

/// A reply as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// All of it, sealed: whoever reads the database reads no token.
    pub body: Vec<u8>,
}

/// A claim that somebody holds, until it is erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Running {
    since: Timestamp,
}

/// What is known of a request with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// Nothing: it is the first, and from now on it runs.
    First(Running),
    /// The first still runs.
    Running,
    /// The first was cut off: nobody knows how far it came.
    Unknown,
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
    /// The same for a body that is not read whole before it is worked on, as a file, which may come slowly.
    pub coming: Timestamp,
}

impl Cutoffs {
    /// Whether what has run since then, and has no reply, is answered no more.
    fn is_over(&self, since: Timestamp, body_hash: &str) -> bool {
        since < self.coming || (since < self.running && !body_hash.is_empty())
    }
}

type Row = (String, String, Option<i64>, JsonText, Vec<u8>, At, bool);

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
            .filter(idempotency::created_at.lt(At(cutoffs.kept)))
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
                idempotency::names.eq(document(marks(&asked.names))),
                idempotency::created_at.eq(At(now)),
            ))
            .on_conflict_do_nothing()
            .execute(c)
            .await
    })?;
    if claimed > 0 {
        return Ok(Claim::First(Running { since: now }));
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
                idempotency::created_at,
                idempotency::cut_off,
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
        Some((_, hash, Some(status), JsonText(headers), body, ..)) => Claim::Answered {
            reply: Reply {
                status: count("status", status)?,
                headers: value("headers", headers)?,
                body,
            },
            body_hash: Some(hash).filter(|hash| !hash.is_empty()),
        },
        Some((_, hash, None, _, _, At(since), cut_off))
            if cut_off || cutoffs.is_over(since, &hash) =>
        {
            Claim::Unknown
        }
        // Given up in this very moment: the next try is the first.
        Some((_, _, None, ..)) | None => Claim::Running,
    })
}

#[diesel::dsl::auto_type(no_type_alias)]
fn is_held(running: Running) -> _ {
    let since: At = At(running.since);
    idempotency::created_at
        .eq(since)
        .and(idempotency::status.is_null())
}

/// Keeps the reply to a request that was claimed; tells whether the claim was still held.
pub(super) async fn keep(
    conn: &mut Conn<'_>,
    asked: &Keyed,
    running: Running,
    reply: &Reply,
) -> Result<bool, StoreError> {
    let kept = on!(conn, c => {
        diesel::update(idempotency::table.find((asked.caller.as_str(), asked.key.as_str())))
            .filter(is_held(running))
            .set((
                idempotency::status.eq(i64::from(reply.status)),
                idempotency::body_hash.eq(asked.body_hash.as_deref().unwrap_or_default()),
                idempotency::headers.eq(document(&reply.headers)),
                idempotency::body.eq(&reply.body),
                idempotency::names.eq(document(marks(&asked.names))),
            ))
            .execute(c)
            .await
    })?;
    Ok(kept > 0)
}

/// A request that was claimed has no reply worth keeping: the next try is the first. Tells whether the claim was still held.
pub(super) async fn release(
    conn: &mut Conn<'_>,
    asked: &Keyed,
    running: Running,
) -> Result<bool, StoreError> {
    let released = on!(conn, c => {
        diesel::delete(idempotency::table.find((asked.caller.as_str(), asked.key.as_str())))
            .filter(is_held(running))
            .execute(c)
            .await
    })?;
    Ok(released > 0)
}

/// Forgets what has been kept for long enough, and tells how much that was.
pub(super) async fn purge(conn: &mut Conn<'_>, before: Timestamp) -> Result<usize, StoreError> {
    Ok(on!(conn, c => {
        let old = idempotency::table.filter(idempotency::created_at.lt(At(before)));
        diesel::delete(old).execute(c).await
    })?)
}

/// What ran when the last server went down was cut off.
pub(super) async fn cut_off(conn: &mut Conn<'_>) -> Result<(), StoreError> {
    on!(conn, c => {
        diesel::update(idempotency::table.filter(idempotency::status.is_null()))
            .set(idempotency::cut_off.eq(true))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// What stands for an id or word where it is only compared: 64 bits of its SHA-256, in hex.
pub(super) fn mark(word: &str) -> String {
    hex::encode(&Sha256::digest(word)[..8])
}

fn marks(words: &BTreeSet<String>) -> Vec<String> {
    words.iter().map(|word| mark(word)).collect()
}
