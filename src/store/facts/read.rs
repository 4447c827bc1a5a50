//! What was kept: facts as the server reads them, and as applications are told.

use std::collections::HashMap;

use calls_model::{CallId, Event, EventId, Fact, OrgId, Timestamp};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::store::Store;
use crate::store::db::{Conn, on};
use crate::store::error::StoreError;
use crate::store::schema::facts;
use crate::store::sql_types::{At, JsonText};
use crate::store::words::{count, value};

/// A fact as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredFact {
    /// Its id; `facts_after` goes on from it.
    pub event_id: EventId,
    /// The id of the room or call it is about.
    pub subject: String,
    /// Counts the facts of its subject from 1, without gaps.
    pub seq: u64,
    /// Its stable, dotted name.
    pub name: String,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub fact: Fact,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = facts)]
struct FactRow {
    id: String,
    subject: String,
    seq: i64,
    name: String,
    at: At,
    body: JsonText,
}

impl TryFrom<FactRow> for StoredFact {
    type Error = StoreError;

    fn try_from(row: FactRow) -> Result<Self, StoreError> {
        Ok(Self {
            event_id: value("fact id", row.id)?,
            subject: row.subject,
            seq: count("fact number", row.seq)?,
            name: row.name,
            at: row.at.0,
            fact: value("fact", row.body.0)?,
        })
    }
}

impl TryFrom<FactRow> for Event {
    type Error = StoreError;

    fn try_from(row: FactRow) -> Result<Self, StoreError> {
        let mut data = row.body.0;
        if let Some(data) = data.as_object_mut() {
            data.remove("type"); // the event's own says more
        }
        Ok(Self {
            event_id: value("fact id", row.id)?,
            event_type: row.name,
            subject: row.subject,
            seq: count("fact number", row.seq)?,
            timestamp: row.at.0,
            data,
        })
    }
}

impl Store {
    /// Facts about one call after this one, as applications of its tenant are told, in the order of their commits; from the very first where
    /// none is given.
    ///
    /// # Errors
    ///
    /// [`StoreError::BadCursor`] when there is no such fact, or when the database fails.
    pub async fn events_about(
        &self,
        org: &OrgId,
        call: &CallId,
        after: Option<&EventId>,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let (org, call, after) = (org.clone(), call.clone(), after.cloned());
        self.run(move |db| async move {
            let mut lease = db.reader().await?;
            events_about(
                &mut lease.conn(),
                &org,
                call.as_str(),
                after.as_ref(),
                limit,
            )
            .await
        })
        .await
    }

    /// Facts after this one as applications of a tenant are told, in the order of their commits; from the very first where none
    /// is given.
    ///
    /// # Errors
    ///
    /// [`StoreError::BadCursor`] when there is no such fact, or when the database fails.
    pub async fn events_after(
        &self,
        org: &OrgId,
        after: Option<&EventId>,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let (org, after) = (org.clone(), after.cloned());
        self.run(move |db| async move {
            let mut lease = db.reader().await?;
            events_after(&mut lease.conn(), &org, after.as_ref(), limit).await
        })
        .await
    }

    /// The last fact that was kept of this tenant.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn newest_event(&self, org: &OrgId) -> Result<Option<EventId>, StoreError> {
        let org = org.clone();
        self.run(|db| async move { newest(&mut db.reader().await?.conn(), &org).await })
            .await
    }

    /// Facts after this one, in the order of their commits; from the very first where none is given.
    ///
    /// # Errors
    ///
    /// [`StoreError::BadCursor`] when there is no such fact, or when the database fails.
    pub async fn facts_after(
        &self,
        after: Option<&EventId>,
        limit: u32,
    ) -> Result<Vec<StoredFact>, StoreError> {
        let after = after.cloned();
        self.run(move |db| async move {
            facts_after(&mut db.reader().await?.conn(), after.as_ref(), limit).await
        })
        .await
    }

    /// Facts about one room or call with numbers above `after_seq`, oldest first.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn facts_about(
        &self,
        subject: &str,
        after_seq: u64,
        limit: u32,
    ) -> Result<Vec<StoredFact>, StoreError> {
        let subject = subject.to_owned();
        self.run(move |db| async move {
            facts_about(&mut db.reader().await?.conn(), &subject, after_seq, limit).await
        })
        .await
    }
}

/// Facts after this one, oldest first; all from the beginning where none is given.
async fn facts_after(
    conn: &mut Conn<'_>,
    after: Option<&EventId>,
    limit: u32,
) -> Result<Vec<StoredFact>, StoreError> {
    let rows = rows_after(conn, None, after, limit).await?;
    rows.into_iter().map(StoredFact::try_from).collect()
}

/// Of one tenant, or of all.
async fn rows_after(
    conn: &mut Conn<'_>,
    org: Option<&OrgId>,
    after: Option<&EventId>,
    limit: u32,
) -> Result<Vec<FactRow>, StoreError> {
    let start = match after {
        None => 0,
        Some(id) => position(conn, org, id)
            .await?
            .ok_or(StoreError::BadCursor)?,
    };
    Ok(on!(conn, c => {
        let mut query = facts::table
            .filter(facts::position.gt(start))
            .order(facts::position)
            .select(FactRow::as_select())
            .limit(limit.into())
            .into_boxed();
        if let Some(org) = org {
            query = query.filter(facts::org_id.eq(org.as_str()));
        }
        query.load(c).await
    })?)
}

/// As [`facts_after`], as applications of one tenant are told.
async fn events_after(
    conn: &mut Conn<'_>,
    org: &OrgId,
    after: Option<&EventId>,
    limit: u32,
) -> Result<Vec<Event>, StoreError> {
    let rows = rows_after(conn, Some(org), after, limit).await?;
    rows.into_iter().map(Event::try_from).collect()
}

/// As [`events_after`], of one room or call alone.
async fn events_about(
    conn: &mut Conn<'_>,
    org: &OrgId,
    subject: &str,
    after: Option<&EventId>,
    limit: u32,
) -> Result<Vec<Event>, StoreError> {
    let start = match after {
        None => 0,
        Some(id) => position(conn, Some(org), id)
            .await?
            .ok_or(StoreError::BadCursor)?,
    };
    let rows: Vec<FactRow> = on!(conn, c => {
        facts::table
            .filter(facts::subject.eq(subject))
            .filter(facts::org_id.eq(org.as_str()))
            .filter(facts::position.gt(start))
            .order(facts::position)
            .select(FactRow::as_select())
            .limit(limit.into())
            .load(c)
            .await
    })?;
    rows.into_iter().map(Event::try_from).collect()
}

/// The facts with these ids, as applications are told.
pub(in crate::store) async fn events(
    conn: &mut Conn<'_>,
    ids: &[&str],
) -> Result<HashMap<String, Event>, StoreError> {
    let rows: Vec<FactRow> = on!(conn, c => {
        facts::table
            .filter(facts::id.eq_any(ids.iter().copied()))
            .select(FactRow::as_select())
            .load(c)
            .await
    })?;
    rows.into_iter()
        .map(|row| Ok((row.id.clone(), row.try_into()?)))
        .collect()
}

/// The last fact that was kept of this tenant.
async fn newest(conn: &mut Conn<'_>, org: &OrgId) -> Result<Option<EventId>, StoreError> {
    let id: Option<String> = on!(conn, c => {
        facts::table
            .filter(facts::org_id.eq(org.as_str()))
            .order(facts::position.desc())
            .select(facts::id)
            .first(c)
            .await
            .optional()
    })?;
    id.map(|id| value("fact id", id)).transpose()
}

async fn position(
    conn: &mut Conn<'_>,
    org: Option<&OrgId>,
    id: &EventId,
) -> Result<Option<i64>, StoreError> {
    let found: Option<(i64, String)> = on!(conn, c => {
        facts::table
            .filter(facts::id.eq(id.as_str()))
            .select((facts::position, facts::org_id))
            .first(c)
            .await
            .optional()
    })?;
    let theirs = |owner: &str| org.is_none_or(|org| org.as_str() == owner);
    Ok(found.filter(|(_, owner)| theirs(owner)).map(|(at, _)| at))
}

/// Facts about one room or call, after the one with this number, oldest first.
async fn facts_about(
    conn: &mut Conn<'_>,
    subject: &str,
    after_seq: u64,
    limit: u32,
) -> Result<Vec<StoredFact>, StoreError> {
    let after_seq = i64::try_from(after_seq).unwrap_or(i64::MAX);
    let rows: Vec<FactRow> = on!(conn, c => {
        facts::table
            .filter(facts::subject.eq(subject))
            .filter(facts::seq.gt(after_seq))
            .order(facts::seq)
            .select(FactRow::as_select())
            .limit(limit.into())
            .load(c)
            .await
    })?;
    rows.into_iter().map(StoredFact::try_from).collect()
}
