//! The outbox of webhooks: what each endpoint is still to be told, and how each delivery went.

use std::collections::HashMap;

use calls_model::rest::Page;
use calls_model::{
    Attempt, Delivery, DeliveryId, DeliveryStatus, Event, EventId, OrgId, Timestamp, WebhookId,
};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::db::{Conn, on};
use super::error::StoreError;
use super::page::{PageRequest, older};
use super::schema::webhook_deliveries as deliveries;
use super::sql_types::{At, JsonText};
use super::words::{count, document, moment, value, word};
use super::{Result, Store, facts, webhooks};

/// Tries that the log of one delivery holds.
const LOG: usize = 20;

/// A fact that was just kept.
pub(super) struct Kept<'a> {
    pub(super) org: OrgId,
    pub(super) id: EventId,
    pub(super) position: i64,
    pub(super) name: &'a str,
    pub(super) at: Timestamp,
}

/// A delivery whose time has come.
#[derive(Debug, Clone, PartialEq)]
pub struct Due {
    /// As it stands.
    pub delivery: Delivery,
    /// Since when it is tried.
    pub since: Timestamp,
    /// What is to be told; none where its fact was erased meanwhile.
    pub event: Option<Event>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = deliveries)]
struct DeliveryRow {
    id: String,
    webhook_id: String,
    event_id: String,
    name: String,
    status: String,
    attempts: i64,
    created_at: At,
    since: At,
    next_at: Option<At>,
    settled_at: Option<At>,
    log: JsonText,
}

impl TryFrom<DeliveryRow> for Delivery {
    type Error = StoreError;

    fn try_from(row: DeliveryRow) -> Result<Self> {
        Ok(Self {
            delivery_id: value("delivery id", row.id)?,
            webhook_id: value("webhook id", row.webhook_id)?,
            event_id: value("fact id", row.event_id)?,
            event_type: row.name,
            status: value("delivery status", row.status)?,
            attempts: count("number of attempts", row.attempts)?,
            next_attempt_at: moment(row.next_at),
            created_at: row.created_at.0,
            settled_at: moment(row.settled_at),
            log: value("delivery log", row.log.0)?,
        })
    }
}

#[derive(Insertable)]
#[diesel(table_name = deliveries)]
struct NewDelivery<'a> {
    id: String,
    org_id: String,
    webhook_id: String,
    event_id: String,
    position: i64,
    name: &'a str,
    status: String,
    created_at: At,
    since: At,
    next_at: Option<At>,
    log: JsonText,
}

impl Store {
    /// Deliveries to this endpoint whose time has come, in the order of their facts.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn due(&self, to: &WebhookId, now: Timestamp, limit: u32) -> Result<Vec<Due>> {
        let to = to.clone();
        self.run(
            move |db| async move { due(&mut db.reader().await?.conn(), &to, now, limit).await },
        )
        .await
    }

    /// When the next delivery to this endpoint is due.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn next_due(&self, to: &WebhookId) -> Result<Option<Timestamp>> {
        let to = to.clone();
        self.run(|db| async move { next_due(&mut db.reader().await?.conn(), &to).await })
            .await
    }

    /// Whether the endpoint has taken anything since then.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn delivered_since(&self, to: &WebhookId, since: Timestamp) -> Result<bool> {
        let to = to.clone();
        self.run(move |db| async move {
            delivered_since(&mut db.reader().await?.conn(), &to, since).await
        })
        .await
    }

    /// Keeps how tries went: each delivery as it stands now.
    ///
    /// # Errors
    ///
    /// When the database fails; then none is kept.
    pub async fn tried(&self, tried: Vec<Delivery>) -> Result<()> {
        self.run(|db| async move {
            let mut lease = db.writer().await?;
            lease.begin().await?;
            let outcome = keep_tried(&mut lease.conn(), &tried).await;
            lease.finish(outcome).await
        })
        .await
    }

    /// A page of the deliveries to this endpoint, newest first.
    ///
    /// # Errors
    ///
    /// When the cursor is not one of this list, or the database fails.
    pub async fn deliveries(
        &self,
        to: &WebhookId,
        status: Option<DeliveryStatus>,
        request: &PageRequest,
    ) -> Result<Page<Delivery>> {
        let (to, request) = (to.clone(), request.clone());
        self.run(move |db| async move {
            list(&mut db.reader().await?.conn(), &to, status, &request).await
        })
        .await
    }

    /// Tries a delivery again, whatever became of it before, for as long as a new one.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] where there is no such delivery, or when the database fails.
    pub async fn redeliver(
        &self,
        to: &WebhookId,
        id: &DeliveryId,
        now: Timestamp,
    ) -> Result<Delivery> {
        let (to, id) = (to.clone(), id.clone());
        self.run(
            move |db| async move { again(&mut db.writer().await?.conn(), &to, &id, now).await },
        )
        .await
        .inspect(|_| self.told())
    }

    /// Forgets deliveries that were settled before then, and tells how many.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn purge_deliveries(&self, before: Timestamp) -> Result<usize> {
        self.run(move |db| async move { purge(&mut db.writer().await?.conn(), before).await })
            .await
    }
}

/// Writes down who is to be told of these facts, inside the transaction that made them true.
pub(super) async fn enqueue(conn: &mut Conn<'_>, kept: &[Kept<'_>], now: Timestamp) -> Result<()> {
    let wanted = webhooks::wanted(conn).await?;
    let mut new = Vec::new();
    for fact in kept {
        for (webhook_id, org, filters) in &wanted {
            let theirs = fact.org.as_str() == org;
            if theirs && filters.iter().any(|filter| filter.takes(fact.name)) {
                new.push(NewDelivery {
                    id: DeliveryId::new().into(),
                    org_id: org.clone(),
                    webhook_id: webhook_id.clone(),
                    event_id: fact.id.to_string(),
                    position: fact.position,
                    name: fact.name,
                    status: word(DeliveryStatus::Pending),
                    created_at: At(fact.at),
                    since: At(now),
                    next_at: Some(At(now)),
                    log: document([(); 0]),
                });
            }
        }
    }
    for row in new {
        on!(conn, c => diesel::insert_into(deliveries::table).values(row).execute(c).await)?;
    }
    Ok(())
}

async fn due(conn: &mut Conn<'_>, to: &WebhookId, now: Timestamp, limit: u32) -> Result<Vec<Due>> {
    let rows: Vec<DeliveryRow> = on!(conn, c => {
        deliveries::table
            .filter(deliveries::webhook_id.eq(to.as_str()))
            .filter(deliveries::next_at.le(At(now)))
            .order(deliveries::position)
            .limit(limit.into())
            .select(DeliveryRow::as_select())
            .load(c)
            .await
    })?;
    let ids: Vec<&str> = rows.iter().map(|row| row.event_id.as_str()).collect();
    let mut events: HashMap<String, Event> = facts::events(conn, &ids).await?;
    rows.into_iter()
        .map(|row| {
            Ok(Due {
                since: row.since.0,
                event: events.remove(&row.event_id),
                delivery: row.try_into()?,
            })
        })
        .collect()
}

async fn next_due(conn: &mut Conn<'_>, to: &WebhookId) -> Result<Option<Timestamp>> {
    let next: Option<At> = on!(conn, c => {
        deliveries::table
            .filter(deliveries::webhook_id.eq(to.as_str()))
            .filter(deliveries::next_at.is_not_null())
            .order(deliveries::next_at)
            .select(deliveries::next_at)
            .first::<Option<At>>(c)
            .await
            .optional()
    })?
    .flatten();
    Ok(moment(next))
}

async fn delivered_since(conn: &mut Conn<'_>, to: &WebhookId, since: Timestamp) -> Result<bool> {
    let delivered: i64 = on!(conn, c => {
        deliveries::table
            .filter(deliveries::webhook_id.eq(to.as_str()))
            .filter(deliveries::status.eq(word(DeliveryStatus::Delivered)))
            .filter(deliveries::settled_at.ge(At(since)))
            .count()
            .get_result(c)
            .await
    })?;
    Ok(delivered > 0)
}

async fn keep_tried(conn: &mut Conn<'_>, tried: &[Delivery]) -> Result<()> {
    for delivery in tried {
        let log: &[Attempt] = &delivery.log;
        let log = &log[log.len().saturating_sub(LOG)..];
        on!(conn, c => {
            diesel::update(deliveries::table.find(delivery.delivery_id.as_str()))
                .set((
                    deliveries::status.eq(word(delivery.status)),
                    deliveries::attempts.eq(i64::from(delivery.attempts)),
                    deliveries::next_at.eq(delivery.next_attempt_at.map(At)),
                    deliveries::settled_at.eq(delivery.settled_at.map(At)),
                    deliveries::log.eq(document(log)),
                ))
                .execute(c)
                .await
        })?;
    }
    Ok(())
}

async fn list(
    conn: &mut Conn<'_>,
    to: &WebhookId,
    status: Option<DeliveryStatus>,
    request: &PageRequest,
) -> Result<Page<Delivery>> {
    let after = request.after::<DeliveryId>()?;
    let rows: Vec<DeliveryRow> = on!(conn, c => {
        let mut query = deliveries::table
            .filter(deliveries::webhook_id.eq(to.as_str()))
            .order((deliveries::created_at.desc(), deliveries::id.desc()))
            .select(DeliveryRow::as_select())
            .into_boxed();
        if let Some(status) = status {
            query = query.filter(deliveries::status.eq(word(status)));
        }
        if let Some(after) = &after {
            query = query.filter(older!(after, deliveries::created_at, deliveries::id));
        }
        query.offset(request.offset.into()).limit(request.rows()).load(c).await
    })?;
    let rows: Vec<Delivery> = rows
        .into_iter()
        .map(Delivery::try_from)
        .collect::<Result<_>>()?;
    Ok(request.page(rows, |row| (row.created_at, row.delivery_id.clone())))
}

async fn again(
    conn: &mut Conn<'_>,
    to: &WebhookId,
    id: &DeliveryId,
    now: Timestamp,
) -> Result<Delivery> {
    let row: Option<DeliveryRow> = on!(conn, c => {
        diesel::update(deliveries::table.find(id.as_str()))
            .filter(deliveries::webhook_id.eq(to.as_str()))
            .set((
                deliveries::status.eq(word(DeliveryStatus::Pending)),
                deliveries::since.eq(At(now)),
                deliveries::next_at.eq(Some(At(now))),
                deliveries::settled_at.eq(None::<At>),
            ))
            .returning(DeliveryRow::as_returning())
            .get_result(c)
            .await
            .optional()
    })?;
    row.ok_or(StoreError::NotFound { what: "delivery" })?
        .try_into()
}

/// What an endpoint that was disabled was not delivered is due at once, for as long as a new one.
pub(super) async fn try_all_again(
    conn: &mut Conn<'_>,
    to: &WebhookId,
    now: Timestamp,
) -> Result<()> {
    on!(conn, c => {
        diesel::update(deliveries::table)
            .filter(deliveries::webhook_id.eq(to.as_str()))
            .filter(deliveries::status.ne(word(DeliveryStatus::Delivered)))
            .set((
                deliveries::status.eq(word(DeliveryStatus::Pending)),
                deliveries::since.eq(At(now)),
                deliveries::next_at.eq(Some(At(now))),
                deliveries::settled_at.eq(None::<At>),
            ))
            .execute(c)
            .await
    })?;
    Ok(())
}

async fn purge(conn: &mut Conn<'_>, before: Timestamp) -> Result<usize> {
    Ok(on!(conn, c => {
        diesel::delete(deliveries::table)
            .filter(deliveries::settled_at.lt(At(before)))
            .execute(c)
            .await
    })?)
}
