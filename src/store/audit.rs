//! The audit log: rows of `audit`.

use calls_model::rest::Page;
use calls_model::{AuditEntry, AuditId, OrgId, Timestamp};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::db::{Conn, on};
use super::error::StoreError;
use super::page::{PageRequest, older};
use super::schema::audit;
use super::sql_types::{At, JsonText};
use super::words::{count, value, word};
use super::{Result, Store};

/// Which entries are wanted; all conditions that are given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// By this key or user.
    pub actor: Option<String>,
    /// Of this action.
    pub action: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = audit)]
struct AuditRow {
    id: String,
    at: At,
    actor: String,
    actor_kind: String,
    action: String,
    subject: String,
    status: i64,
    detail: Option<JsonText>,
    address: Option<String>,
    request_id: String,
}

impl TryFrom<AuditRow> for AuditEntry {
    type Error = StoreError;

    fn try_from(row: AuditRow) -> Result<Self> {
        Ok(Self {
            audit_id: value("audit id", row.id)?,
            at: row.at.0,
            actor: row.actor,
            actor_kind: value("kind of actor", row.actor_kind)?,
            action: row.action,
            subject: row.subject,
            status: count("status", row.status)?,
            detail: row.detail.map(|JsonText(detail)| detail),
            address: row.address,
            request_id: row.request_id,
        })
    }
}

impl Store {
    /// Keeps an entry.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn audit(&self, org: &OrgId, entry: AuditEntry) -> Result<()> {
        let org = org.clone();
        self.run(|db| async move { insert(&mut db.writer().await?.conn(), &org, entry).await })
            .await
    }

    /// A page of a tenant's log, newest first.
    ///
    /// # Errors
    ///
    /// When the cursor is not one of this list, or the database fails.
    pub async fn audit_log(
        &self,
        org: &OrgId,
        filter: &AuditFilter,
        request: &PageRequest,
    ) -> Result<Page<AuditEntry>> {
        let (org, filter, request) = (org.clone(), filter.clone(), request.clone());
        self.run(
            |db| async move { list(&mut db.reader().await?.conn(), &org, &filter, &request).await },
        )
        .await
    }

    /// Forgets entries from before then, and tells how many.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn purge_audit(&self, before: Timestamp) -> Result<usize> {
        self.run(move |db| async move { purge(&mut db.writer().await?.conn(), before).await })
            .await
    }
}

async fn insert(conn: &mut Conn<'_>, org: &OrgId, entry: AuditEntry) -> Result<()> {
    on!(conn, c => {
        diesel::insert_into(audit::table)
            .values((
                audit::id.eq(entry.audit_id.as_str()),
                audit::org_id.eq(org.as_str()),
                audit::at.eq(At(entry.at)),
                audit::actor.eq(&entry.actor),
                audit::actor_kind.eq(word(entry.actor_kind)),
                audit::action.eq(&entry.action),
                audit::subject.eq(&entry.subject),
                audit::status.eq(i64::from(entry.status)),
                audit::detail.eq(entry.detail.clone().map(JsonText)),
                audit::address.eq(&entry.address),
                audit::request_id.eq(&entry.request_id),
            ))
            .execute(c)
            .await
    })?;
    Ok(())
}

async fn list(
    conn: &mut Conn<'_>,
    org: &OrgId,
    filter: &AuditFilter,
    request: &PageRequest,
) -> Result<Page<AuditEntry>> {
    let after = request.after::<AuditId>()?;
    let rows: Vec<AuditRow> = on!(conn, c => {
        let mut query = audit::table
            .filter(audit::org_id.eq(org.as_str()))
            .order((audit::at.desc(), audit::id.desc()))
            .select(AuditRow::as_select())
            .limit(request.rows())
            .offset(request.offset.into())
            .into_boxed();
        if let Some(actor) = &filter.actor {
            query = query.filter(audit::actor.eq(actor));
        }
        if let Some(action) = &filter.action {
            query = query.filter(audit::action.eq(action));
        }
        if let Some(after) = &after {
            query = query.filter(older!(after, audit::at, audit::id));
        }
        query.load(c).await
    })?;
    let entries = rows.into_iter().map(AuditEntry::try_from);
    let entries = entries.collect::<Result<Vec<_>>>()?;
    Ok(request.page(entries, |last| (last.at, last.audit_id.clone())))
}

async fn purge(conn: &mut Conn<'_>, before: Timestamp) -> Result<usize> {
    Ok(on!(conn, c => {
        let old = audit::table.filter(audit::at.lt(At(before)));
        diesel::delete(old).execute(c).await
    })?)
}
