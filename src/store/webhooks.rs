//! Endpoints that are told of facts.

use calls_model::{EventFilter, OrgId, Timestamp, Webhook, WebhookId, WebhookStatus};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::db::{Conn, on};
use super::error::StoreError;
use super::schema::{api_keys, webhooks};
use super::sql_types::{At, JsonText};
use super::words::{document, moment, value};
use super::{Result, Store};

/// An endpoint with the secrets that sign what it is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredWebhook {
    /// Whose it is.
    pub org_id: OrgId,
    /// The endpoint.
    pub webhook: Webhook,
    /// The present secret: `whsec_` and base64.
    pub secret: String,
    /// The one before it; it counts until `webhook.previous_secret_until`.
    pub previous_secret: Option<String>,
    /// The name of the key, or of the subject of another issuer, that made it, or gave it its URL or enabled it last: it
    /// is disabled with that. None where no key was asked for.
    pub made_by: Option<String>,
}

impl std::fmt::Debug for StoredWebhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredWebhook")
            .field("webhook_id", &self.webhook.webhook_id)
            .finish_non_exhaustive() // it holds secrets
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = webhooks)]
struct WebhookRow {
    id: String,
    org_id: String,
    url: String,
    events: JsonText,
    description: Option<String>,
    enabled: bool,
    disabled_reason: Option<String>,
    secret: String,
    previous_secret: Option<String>,
    previous_until: Option<At>,
    created_at: At,
    made_by: Option<String>,
}

impl TryFrom<WebhookRow> for StoredWebhook {
    type Error = StoreError;

    fn try_from(row: WebhookRow) -> Result<Self> {
        let status = if row.enabled {
            WebhookStatus::Enabled
        } else {
            WebhookStatus::Disabled
        };
        Ok(Self {
            org_id: value("tenant", row.org_id)?,
            webhook: Webhook {
                webhook_id: value("webhook id", row.id)?,
                url: row.url,
                events: value("event filter", row.events.0)?,
                description: row.description,
                status,
                disabled_reason: row.disabled_reason,
                created_at: row.created_at.0,
                previous_secret_until: moment(row.previous_until),
            },
            secret: row.secret,
            previous_secret: row.previous_secret,
            made_by: row.made_by,
        })
    }
}

impl Store {
    /// Keeps a new endpoint, where its tenant has fewer than `most`; false where it has not.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn add_webhook(&self, stored: StoredWebhook, most: u32) -> Result<bool> {
        self.run(move |db| async move {
            let mut lease = db.writer().await?;
            lease.begin().await?;
            let outcome = insert(&mut lease.conn(), &stored, most).await;
            lease.finish(outcome).await
        })
        .await
        .inspect(|_| self.hooks_changed())
    }

    /// All endpoints of a tenant, or of everybody, oldest first.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn webhooks(&self, of: Option<&OrgId>) -> Result<Vec<StoredWebhook>> {
        let of = of.cloned();
        self.run(|db| async move { list(&mut db.reader().await?.conn(), of.as_ref()).await })
            .await
    }

    /// One endpoint.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn webhook(&self, id: &WebhookId) -> Result<Option<StoredWebhook>> {
        let id = id.clone();
        self.run(|db| async move { find(&mut db.reader().await?.conn(), &id).await })
            .await
    }

    /// Changes an endpoint to this; who answers for it, and whether it is enabled, only as far as that was asked. Where the key
    /// that answers for it was revoked meanwhile, it is disabled. Enabled anew, what it was not delivered is due at once.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] where it is gone, or when the database fails.
    pub async fn change_webhook(
        &self,
        stored: StoredWebhook,
        change: WebhookChange,
        now: Timestamp,
    ) -> Result<()> {
        self.run(move |db| async move {
            let mut lease = db.writer().await?;
            lease.begin().await?;
            let outcome = update(&mut lease.conn(), &stored, change, now).await;
            lease.finish(outcome).await
        })
        .await
        .inspect(|()| self.hooks_changed())
    }

    /// Sends an endpoint nothing more, for this reason. One that was disabled before keeps its reason.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn disable_webhook(&self, id: &WebhookId, reason: &str) -> Result<()> {
        let (id, reason) = (id.clone(), reason.to_owned());
        self.run(|db| async move { disable(&mut db.writer().await?.conn(), &id, &reason).await })
            .await
            .inspect(|()| self.hooks_changed())
    }

    /// Sends nothing more to what was made, or changed last, by these keys or subjects of another issuer; tells which those
    /// are.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn disable_webhooks_of(&self, makers: Vec<String>) -> Result<Vec<WebhookId>> {
        self.run(|db| async move {
            let mut lease = db.writer().await?;
            let mut disabled = Vec::new();
            for maker in makers {
                let reason = format!("{maker}, who made it or changed it last, is denied");
                disabled.extend(disable_made_by(&mut lease.conn(), &maker, &reason).await?);
            }
            Ok(disabled)
        })
        .await
        .inspect(|_| self.hooks_changed())
    }

    /// Forgets an endpoint with the log of its deliveries; false where there is none.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn remove_webhook(&self, id: &WebhookId) -> Result<bool> {
        let id = id.clone();
        self.run(|db| async move { remove(&mut db.writer().await?.conn(), &id).await })
            .await
            .inspect(|_| self.hooks_changed())
    }
}

/// Why an endpoint is disabled that was asked for by a key which is no longer good.
const REVOKED_MEANWHILE: &str = "the API key that asked for it was revoked meanwhile";

/// What of an endpoint a change may touch: it was read some time before, and may have been disabled since.
#[derive(Debug, Clone, Copy)]
pub struct WebhookChange {
    /// Switched on or off.
    pub turned: Option<bool>,
    /// Who asks answers for it from now on.
    pub by_maker: bool,
}

async fn insert(conn: &mut Conn<'_>, stored: &StoredWebhook, most: u32) -> Result<bool> {
    let is_good = is_good(conn, stored.made_by.as_deref()).await?;
    let there: i64 = on!(conn, c => {
        let theirs = webhooks::table.filter(webhooks::org_id.eq(stored.org_id.as_str()));
        theirs.count().get_result(c).await
    })?;
    if there >= i64::from(most) {
        return Ok(false);
    }
    let webhook = &stored.webhook;
    on!(conn, c => {
        diesel::insert_into(webhooks::table)
            .values((
                webhooks::id.eq(webhook.webhook_id.as_str()),
                webhooks::org_id.eq(stored.org_id.as_str()),
                webhooks::url.eq(&webhook.url),
                webhooks::events.eq(document(&webhook.events)),
                webhooks::description.eq(&webhook.description),
                webhooks::enabled.eq(webhook.status == WebhookStatus::Enabled),
                webhooks::secret.eq(&stored.secret),
                webhooks::created_at.eq(At(webhook.created_at)),
                webhooks::made_by.eq(&stored.made_by),
            ))
            .execute(c)
            .await
    })?;
    if !is_good {
        disable(conn, &webhook.webhook_id, REVOKED_MEANWHILE).await?;
    }
    Ok(true)
}

/// False where this is an API key that was revoked. Until the transaction ends it is not revoked either.
async fn is_good(conn: &mut Conn<'_>, maker: Option<&str>) -> Result<bool> {
    let Some(maker) = maker else { return Ok(true) };
    Ok(on!(conn, c => {
        let of_maker = api_keys::table.filter(api_keys::prefix.eq(maker));
        // Both databases lock a row that is written.
        let good = diesel::update(of_maker)
            .filter(api_keys::revoked_at.is_null())
            .set(api_keys::prefix.eq(maker))
            .execute(c)
            .await?;
        let known: i64 = of_maker.count().get_result(c).await?;
        QueryResult::Ok(good > 0 || known == 0)
    })?)
}

async fn list(conn: &mut Conn<'_>, of: Option<&OrgId>) -> Result<Vec<StoredWebhook>> {
    let rows: Vec<WebhookRow> = on!(conn, c => {
        let mut query = webhooks::table
            .order((webhooks::created_at, webhooks::id))
            .select(WebhookRow::as_select())
            .into_boxed();
        if let Some(org) = of {
            query = query.filter(webhooks::org_id.eq(org.as_str()));
        }
        query.load(c).await
    })?;
    rows.into_iter().map(StoredWebhook::try_from).collect()
}

async fn find(conn: &mut Conn<'_>, id: &WebhookId) -> Result<Option<StoredWebhook>> {
    let row: Option<WebhookRow> = on!(conn, c => {
        let query = webhooks::table.find(id.as_str()).select(WebhookRow::as_select());
        query.first(c).await.optional()
    })?;
    row.map(StoredWebhook::try_from).transpose()
}

/// Whose endpoint it is.
pub(super) async fn org(conn: &mut Conn<'_>, id: &WebhookId) -> Result<Option<OrgId>> {
    let org: Option<String> = on!(conn, c => {
        let query = webhooks::table.find(id.as_str()).select(webhooks::org_id);
        query.first(c).await.optional()
    })?;
    org.map(|org| value("tenant", org)).transpose()
}

/// What each endpoint that is sent anything wants, and whose it is.
pub(super) async fn wanted(conn: &mut Conn<'_>) -> Result<Vec<(String, String, Vec<EventFilter>)>> {
    let rows: Vec<(String, String, JsonText)> = on!(conn, c => {
        webhooks::table
            .filter(webhooks::enabled.eq(true))
            .order((webhooks::created_at, webhooks::id))
            .select((webhooks::id, webhooks::org_id, webhooks::events))
            .load(c)
            .await
    })?;
    rows.into_iter()
        .map(|(id, org, events)| Ok((id, org, value("event filter", events.0)?)))
        .collect()
}

async fn update(
    conn: &mut Conn<'_>,
    stored: &StoredWebhook,
    change: WebhookChange,
    now: Timestamp,
) -> Result<()> {
    let webhook = &stored.webhook;
    let is_good = !change.by_maker || is_good(conn, stored.made_by.as_deref()).await?;
    let was: Option<bool> = on!(conn, c => {
        let query = webhooks::table.find(webhook.webhook_id.as_str()).select(webhooks::enabled);
        query.first(c).await.optional()
    })?;
    let was_enabled = was.ok_or(StoreError::NotFound { what: "webhook" })?;
    on!(conn, c => {
        diesel::update(webhooks::table.find(webhook.webhook_id.as_str()))
            .set((
                webhooks::url.eq(&webhook.url),
                webhooks::events.eq(document(&webhook.events)),
                webhooks::description.eq(&webhook.description),
                change.turned.map(|on| (
                    webhooks::enabled.eq(on),
                    webhooks::disabled_reason.eq(&webhook.disabled_reason),
                )),
                webhooks::secret.eq(&stored.secret),
                webhooks::previous_secret.eq(&stored.previous_secret),
                webhooks::previous_until.eq(webhook.previous_secret_until.map(At)),
                change.by_maker.then(|| webhooks::made_by.eq(&stored.made_by)),
            ))
            .execute(c)
            .await
    })?;
    if !is_good {
        disable(conn, &webhook.webhook_id, REVOKED_MEANWHILE).await?;
    } else if change.turned == Some(true) && !was_enabled {
        super::outbox::try_all_again(conn, &webhook.webhook_id, now).await?;
    }
    Ok(())
}

async fn disable(conn: &mut Conn<'_>, id: &WebhookId, reason: &str) -> Result<()> {
    on!(conn, c => {
        diesel::update(webhooks::table.find(id.as_str()))
            .filter(webhooks::enabled.eq(true))
            .set((webhooks::enabled.eq(false), webhooks::disabled_reason.eq(reason)))
            .execute(c)
            .await
    })?;
    Ok(())
}

/// Disables what this key or subject made or changed last.
pub(super) async fn disable_made_by(
    conn: &mut Conn<'_>,
    maker: &str,
    reason: &str,
) -> Result<Vec<WebhookId>> {
    let theirs: Vec<String> = on!(conn, c => {
        webhooks::table
            .filter(webhooks::made_by.eq(maker))
            .filter(webhooks::enabled.eq(true))
            .order((webhooks::created_at, webhooks::id))
            .select(webhooks::id)
            .load(c)
            .await
    })?;
    let ids: Result<Vec<WebhookId>> = theirs
        .into_iter()
        .map(|id| value("webhook id", id))
        .collect();
    let ids = ids?;
    for id in &ids {
        disable(conn, id, reason).await?;
    }
    Ok(ids)
}

async fn remove(conn: &mut Conn<'_>, id: &WebhookId) -> Result<bool> {
    let gone = on!(conn, c => {
        diesel::delete(webhooks::table.find(id.as_str())).execute(c).await
    })?;
    Ok(gone > 0)
}
