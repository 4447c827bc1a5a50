//! What else names a user: the audit log, and the replies that are kept for who asks again.

use std::collections::HashSet;

use calls_model::{ActorKind, OrgId};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::super::Result;
use super::super::db::{Conn, Db, on};
use super::super::error::StoreError;
use super::super::replies::Marks;
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

/// A reply that is kept, and what it names.
type Kept = (String, String, At, JsonText);

/// Replies that name one of these go, and so do those who asked for them: asked again, it is done again. All of a tenant's
/// are looked at for that, so nobody who writes waits meanwhile but for those that go.
pub(super) async fn forget_replies(
    db: &Db,
    org: &OrgId,
    named: &[String],
    marks: &Marks,
) -> Result<()> {
    if named.is_empty() {
        return Ok(());
    }
    let named: HashSet<String> = named.iter().map(|word| marks.mark(word)).collect();
    let mut last = (String::new(), String::new());
    loop {
        let some = page(&mut db.reader().await?.conn(), org, &last).await?;
        let Some((caller, key, ..)) = some.last() else {
            return Ok(());
        };
        last = (caller.clone(), key.clone());
        let theirs = |(.., JsonText(names)): &&Kept| names_one_of(names, &named);
        let theirs: Vec<&Kept> = some.iter().filter(theirs).collect();
        if theirs.is_empty() {
            continue;
        }
        let mut lease = db.writer().await?;
        for (caller, key, since, _) in theirs {
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

fn names_one_of(names: &Value, wanted: &HashSet<String>) -> bool {
    let names = names.as_array().into_iter().flatten();
    names
        .filter_map(Value::as_str)
        .any(|name| wanted.contains(name))
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
                    idempotency::names,
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
