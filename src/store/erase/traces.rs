//! What else names a user: the audit log, and the replies that are kept for who asks again.

use calls_model::{ActorKind, OrgId};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::super::Result;
use super::super::db::{Conn, Db, on};
use super::super::error::StoreError;
use super::super::schema::{audit, idempotency};
use super::super::sql_types::{At, JsonText};
use super::super::words::word;
use super::{ERASED, Whom, forget};

/// Rows that are looked at at a time; a reply may be large.
const SOME: i64 = 100;

/// Nobody stands where they acted, without their address. That somebody did it stays, and so does the entry that says who
/// was erased.
pub(super) async fn forget_in_audit(
    conn: &mut Conn<'_>,
    org: &OrgId,
    whom: &Whom<'_>,
) -> Result<()> {
    on!(conn, c => {
        let theirs = audit::table
            .filter(audit::org_id.eq(org.as_str()))
            .filter(audit::actor_kind.eq(word(ActorKind::User)))
            .filter(audit::actor.eq(whom.user));
        diesel::update(theirs)
            .set((audit::actor.eq(ERASED), audit::address.eq(None::<String>)))
            .execute(c)
            .await
    })?;
    let mut last = String::new();
    loop {
        let some: Vec<(String, Option<JsonText>)> = on!(conn, c => {
            audit::table
                .filter(audit::org_id.eq(org.as_str()))
                .filter(audit::detail.is_not_null())
                .filter(audit::id.gt(last.as_str()))
                .order(audit::id)
                .limit(SOME)
                .select((audit::id, audit::detail))
                .load(c)
                .await
        })?;
        let Some((id, _)) = some.last() else {
            return Ok(());
        };
        last.clone_from(id);
        for (id, detail) in some {
            let Some(JsonText(mut detail)) = detail else {
                continue;
            };
            if forget(&mut detail, whom) {
                on!(conn, c => {
                    diesel::update(audit::table.find(id.as_str()))
                        .set(audit::detail.eq(Some(JsonText(detail.clone()))))
                        .execute(c)
                        .await
                })?;
            }
        }
    }
}

/// A reply that is kept, and what of it may name somebody.
type Kept = (String, String, At, String, Vec<u8>);

/// Replies that name them go: who asks again does it again. All of a tenant's are read for that, so nobody who writes waits
/// meanwhile but for those that go.
pub(super) async fn forget_replies(db: &Db, org: &OrgId, user: &str) -> Result<()> {
    let mut last = (String::new(), String::new());
    loop {
        let some = page(&mut db.reader().await?.conn(), org, &last).await?;
        let Some((caller, key, ..)) = some.last() else {
            return Ok(());
        };
        last = (caller.clone(), key.clone());
        let theirs = |(.., request, body): &&Kept| names(request, body, user);
        let theirs: Vec<&Kept> = some.iter().filter(theirs).collect();
        if theirs.is_empty() {
            continue;
        }
        let mut lease = db.writer().await?;
        for (caller, key, since, ..) in theirs {
            on!(&mut lease.conn(), c => {
                // Not what was claimed anew since.
                diesel::delete(idempotency::table.find((caller.as_str(), key.as_str())))
                    .filter(idempotency::created_at.eq(*since))
                    .execute(c)
                    .await
            })?;
        }
    }
}

/// The next replies of a tenant after this one, in the order of the primary key; never an empty page before the end.
async fn page(
    conn: &mut Conn<'_>,
    org: &OrgId,
    (caller, key): &(String, String),
) -> Result<Vec<Kept>> {
    let (caller, key) = (caller.as_str(), key.as_str());
    on!(conn, c => {
        let kept = || {
            idempotency::table
                .filter(idempotency::org_id.eq(org.as_str()))
                .order((idempotency::caller, idempotency::idempotency_key))
                .limit(SOME)
                .select((
                    idempotency::caller,
                    idempotency::idempotency_key,
                    idempotency::created_at,
                    idempotency::request,
                    idempotency::body,
                ))
        };
        // Each is one step into the index; both as one condition would be read from the caller's first key on.
        let same = kept()
            .filter(idempotency::caller.eq(caller))
            .filter(idempotency::idempotency_key.gt(key));
        let of_caller: Vec<Kept> = same.load(c).await?;
        if of_caller.is_empty() {
            kept().filter(idempotency::caller.gt(caller)).load(c).await
        } else {
            QueryResult::Ok(of_caller)
        }
    })
    .map_err(StoreError::from)
}

/// Whether a request or its reply names them: as a word of the path or query, or as a text of the JSON.
fn names(request: &str, body: &[u8], user: &str) -> bool {
    let quoted = serde_json::Value::from(user).to_string();
    request
        .split(['/', '?', '&', '=', ' '])
        .any(|word| word == user)
        || body
            .windows(quoted.len())
            .any(|window| window == quoted.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_names_who_stands_in_it_and_nobody_whose_name_is_a_part_of_theirs() {
        let body = br#"{"user_id":"ann"}"#;
        assert!(names("POST /rooms/r/join", body, "ann"));
        assert!(names("POST /whep/r?participant=ann", b"", "ann"));
        assert!(!names("POST /rooms/annex/join", body, "an"));
        assert!(!names("POST /rooms/annex/join", body, "annex-2"));
    }
}
