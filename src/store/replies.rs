//! First replies to requests that came with an `Idempotency-Key`.
//!
//! A claim is written before anything is done, and stays until it is answered: a request that was cut off in the middle is
//! never taken for one that was not begun.

use std::collections::BTreeSet;

use aws_lc_rs::hmac;
use calls_model::{OrgId, Timestamp};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::Store;
use super::db::{Conn, on};
use super::error::StoreError;
use super::schema::idempotency;
use super::sql_types::{At, JsonText};
use super::words::{count, document, value};

/// Name of the secret by which names are marked beside replies that are kept.
const MARK_SECRET: &str = "reply-names";

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
    /// Ids and words of the request, and of its reply once there is one: by these it is found to be erased. Marks are kept.
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

/// How a request that was claimed ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// This is kept for who asks again.
    Reply(Reply),
    /// There is nothing worth keeping: the next try is the first.
    Nothing,
    /// It broke off in the middle: nobody knows how far it came.
    Unknown,
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

impl Store {
    /// Claims a request that came with an `Idempotency-Key`, or tells what became of the first one.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn claim(
        &self,
        asked: &Keyed,
        now: Timestamp,
        cutoffs: Cutoffs,
    ) -> Result<Claim, StoreError> {
        let (asked, marks) = (asked.clone(), self.marks().await?);
        self.run(move |db| async move {
            claim(&mut db.writer().await?.conn(), &asked, now, cutoffs, &marks).await
        })
        .await
    }

    /// Writes down how a request that was claimed ended. Tells whether the claim was still held: else another one holds it,
    /// and nothing is changed.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn end_claim(
        &self,
        asked: Keyed,
        running: Running,
        outcome: Outcome,
    ) -> Result<bool, StoreError> {
        let marks = self.marks().await?;
        self.run(move |db| async move {
            let mut lease = db.writer().await?;
            end(&mut lease.conn(), &asked, running, &outcome, &marks).await
        })
        .await
    }

    /// Forgets replies to what came before, and tells how many.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn purge_replies(&self, before: Timestamp) -> Result<usize, StoreError> {
        self.run(move |db| async move { purge(&mut db.writer().await?.conn(), before).await })
            .await
    }

    /// Marks by the secret that lies in the database; it is read once.
    pub(super) async fn marks(&self) -> Result<Marks, StoreError> {
        let read = || async {
            let offered: [u8; 32] = rand::random();
            let secret = self.secret_or(MARK_SECRET, offered.to_vec()).await?;
            Ok(Marks::new(&secret))
        };
        self.inner.marks.get_or_try_init(read).await.cloned()
    }
}

/// Claims a request for who asks, unless it was claimed before.
async fn claim(
    conn: &mut Conn<'_>,
    asked: &Keyed,
    now: Timestamp,
    cutoffs: Cutoffs,
    marks: &Marks,
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
                idempotency::names.eq(document(marks.of(&asked.names))),
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

/// Writes down how a request that was claimed ended; tells whether the claim was still held.
async fn end(
    conn: &mut Conn<'_>,
    asked: &Keyed,
    running: Running,
    outcome: &Outcome,
    marks: &Marks,
) -> Result<bool, StoreError> {
    let claim = idempotency::table.find((asked.caller.as_str(), asked.key.as_str()));
    let ended = on!(conn, c => match outcome {
        Outcome::Reply(reply) => {
            diesel::update(claim)
                .filter(is_held(running))
                .set((
                    idempotency::status.eq(i64::from(reply.status)),
                    idempotency::body_hash.eq(asked.body_hash.as_deref().unwrap_or_default()),
                    idempotency::headers.eq(document(&reply.headers)),
                    idempotency::body.eq(&reply.body),
                    idempotency::names.eq(document(marks.of(&asked.names))),
                ))
                .execute(c)
                .await
        }
        Outcome::Nothing => diesel::delete(claim).filter(is_held(running)).execute(c).await,
        Outcome::Unknown => {
            let cut_off = idempotency::cut_off.eq(true);
            diesel::update(claim).filter(is_held(running)).set(cut_off).execute(c).await
        }
    })?;
    Ok(ended > 0)
}

/// Forgets what has been kept for long enough, and tells how much that was.
async fn purge(conn: &mut Conn<'_>, before: Timestamp) -> Result<usize, StoreError> {
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

/// Makes what stands for an id or word where it is only compared. Whoever has a table of ids, and of this database the
/// claims alone, finds none of them there.
#[derive(Clone)]
pub(super) struct Marks(hmac::Key);

impl Marks {
    /// With this secret, which is the server's own.
    pub(super) fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// 64 bits of the word's HMAC-SHA256, in hex.
    pub(super) fn mark(&self, word: &str) -> String {
        hex::encode(&hmac::sign(&self.0, word.as_bytes()).as_ref()[..8])
    }

    fn of(&self, words: &BTreeSet<String>) -> Vec<String> {
        words.iter().map(|word| self.mark(word)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_by_who_has_the_secret_and_by_nobody_else() {
        let own = Marks::new(b"one");
        assert_eq!(own.mark("ann"), Marks::new(b"one").mark("ann"));
        assert_ne!(own.mark("ann"), own.mark("ben"));
        assert_ne!(own.mark("ann"), Marks::new(b"another").mark("ann"));
    }
}
