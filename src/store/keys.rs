//! API keys, of which only hashes are kept, and the server's own secrets.

use calls_model::{ApiKey, OrgId, Timestamp, WebhookId};
use chrono::Utc;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::db::{Conn, on};
use super::error::StoreError;
use super::schema::{api_keys, secrets};
use super::sql_types::{At, JsonText};
use super::words::{document, moment, value};
use super::{Result, Store, webhooks};

/// An API key with what proves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// SHA-256 of the key, in hex. Keys are random, so no slow hash is needed.
    pub hash: String,
    /// What is known of it.
    pub key: ApiKey,
    /// The subject of another issuer by whose token it, or the key that it was made with, was made.
    pub subject: Option<String>,
    /// The name of the first of the keys that took each other's place, of which it is the latest; its own where it took none's.
    pub lineage: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = api_keys)]
struct KeyRow {
    hash: String,
    org_id: String,
    prefix: String,
    created_at: At,
    revoked_at: Option<At>,
    label: Option<String>,
    scopes: JsonText,
    expires_at: Option<At>,
    subject: Option<String>,
    lineage: Option<String>,
}

impl TryFrom<KeyRow> for StoredKey {
    type Error = StoreError;

    fn try_from(row: KeyRow) -> Result<Self> {
        Ok(Self {
            lineage: row.lineage.unwrap_or_else(|| row.prefix.clone()),
            hash: row.hash,
            key: ApiKey {
                name: row.prefix,
                org_id: value("tenant", row.org_id)?,
                scopes: value("scopes of an API key", row.scopes.0)?,
                label: row.label,
                created_at: row.created_at.0,
                expires_at: moment(row.expires_at),
                revoked_at: moment(row.revoked_at),
            },
            subject: row.subject,
        })
    }
}

impl Store {
    /// Keeps a new API key.
    ///
    /// # Errors
    ///
    /// [`StoreError::Conflict`] when its hash or name is taken, or when the database fails.
    pub async fn add_api_key(&self, key: StoredKey) -> Result<()> {
        self.run(|db| async move { insert(&mut db.writer().await?.conn(), &key).await })
            .await
    }

    /// Keeps a key that takes the place of another, which opens nothing new from `until` on.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] where the old one is not there, or is revoked; or when the database fails.
    pub async fn rotate_api_key(&self, old: &str, new: StoredKey, until: Timestamp) -> Result<()> {
        let old = old.to_owned();
        self.run(move |db| async move {
            let mut lease = db.writer().await?;
            lease.begin().await?;
            let outcome = rotate(&mut lease.conn(), &old, &new, until).await;
            lease.finish(outcome).await
        })
        .await
    }

    /// The API key with this hash, revoked or not.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn api_key(&self, hash: &str) -> Result<Option<StoredKey>> {
        let hash = hash.to_owned();
        self.run(|db| async move { find(&mut db.reader().await?.conn(), &hash).await })
            .await
    }

    /// All API keys of a tenant, or of everybody, the revoked ones too, oldest first.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn api_keys(&self, of: Option<&OrgId>) -> Result<Vec<StoredKey>> {
        let of = of.cloned();
        self.run(|db| async move { list(&mut db.reader().await?.conn(), of.as_ref()).await })
            .await
    }

    /// The names of all revoked keys.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn revoked_keys(&self) -> Result<Vec<String>> {
        self.run(|db| async move { revoked(&mut db.reader().await?.conn()).await })
            .await
    }

    /// The names of all keys that were made by one of these subjects of another issuer.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn keys_of_subjects(&self, subjects: Vec<String>) -> Result<Vec<String>> {
        self.run(|db| async move { made_by(&mut db.reader().await?.conn(), &subjects).await })
            .await
    }

    /// Revokes the API key with this name, and sends the endpoints that it made nothing more; tells which those are. A second
    /// time changes nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`] when there is no such key, or when the database fails.
    pub async fn revoke_api_key(&self, name: &str, at: Timestamp) -> Result<Vec<WebhookId>> {
        let name = name.to_owned();
        self.run(move |db| async move {
            let mut lease = db.writer().await?;
            lease.begin().await?;
            let outcome = revoke(&mut lease.conn(), &name, at).await;
            lease.finish(outcome).await
        })
        .await
        .inspect(|_| self.hooks_changed())
    }

    /// The server's secret of this name (a signing key, say). The offered bytes become it where there is none yet;
    /// of two servers that offer at once, both get the same.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn secret_or(&self, name: &str, offered: Vec<u8>) -> Result<Vec<u8>> {
        let name = name.to_owned();
        self.run(|db| async move {
            let now = Utc::now().into();
            secret_or(&mut db.writer().await?.conn(), &name, &offered, now).await
        })
        .await
    }
}

async fn insert(conn: &mut Conn<'_>, stored: &StoredKey) -> Result<()> {
    let StoredKey {
        hash,
        key,
        subject,
        lineage,
    } = stored;
    on!(conn, c => {
        diesel::insert_into(api_keys::table)
            .values((
                api_keys::hash.eq(hash),
                api_keys::org_id.eq(key.org_id.as_str()),
                api_keys::prefix.eq(&key.name),
                api_keys::created_at.eq(At(key.created_at)),
                api_keys::revoked_at.eq(key.revoked_at.map(At)),
                api_keys::label.eq(&key.label),
                api_keys::scopes.eq(document(&key.scopes)),
                api_keys::expires_at.eq(key.expires_at.map(At)),
                api_keys::subject.eq(subject),
                api_keys::lineage.eq(lineage),
            ))
            .execute(c)
            .await
    })?;
    Ok(())
}

async fn rotate(conn: &mut Conn<'_>, old: &str, new: &StoredKey, until: Timestamp) -> Result<()> {
    let changed = on!(conn, c => {
        diesel::update(api_keys::table.filter(api_keys::prefix.eq(old)))
            .filter(api_keys::revoked_at.is_null())
            .set((
                api_keys::expires_at.eq(Some(At(until))),
                api_keys::rotated_to.eq(&new.key.name),
            ))
            .execute(c)
            .await
    })?;
    if changed == 0 {
        return Err(StoreError::NotFound { what: "API key" });
    }
    let lineage: Option<String> = on!(conn, c => {
        let old = api_keys::table.filter(api_keys::prefix.eq(old));
        old.select(api_keys::lineage).first(c).await
    })?;
    let new = StoredKey {
        lineage: lineage.unwrap_or_else(|| old.to_owned()),
        ..new.clone()
    };
    insert(conn, &new).await
}

async fn find(conn: &mut Conn<'_>, hash: &str) -> Result<Option<StoredKey>> {
    let row: Option<KeyRow> = on!(conn, c => {
        let query = api_keys::table.find(hash).select(KeyRow::as_select());
        query.first(c).await.optional()
    })?;
    row.map(StoredKey::try_from).transpose()
}

async fn list(conn: &mut Conn<'_>, of: Option<&OrgId>) -> Result<Vec<StoredKey>> {
    let rows: Vec<KeyRow> = on!(conn, c => {
        let mut query = api_keys::table
            .order((api_keys::created_at, api_keys::prefix))
            .select(KeyRow::as_select())
            .into_boxed();
        if let Some(org) = of {
            query = query.filter(api_keys::org_id.eq(org.as_str()));
        }
        query.load(c).await
    })?;
    rows.into_iter().map(StoredKey::try_from).collect()
}

async fn revoked(conn: &mut Conn<'_>) -> Result<Vec<String>> {
    Ok(on!(conn, c => {
        api_keys::table
            .filter(api_keys::revoked_at.is_not_null())
            .select(api_keys::prefix)
            .load(c)
            .await
    })?)
}

async fn made_by(conn: &mut Conn<'_>, subjects: &[String]) -> Result<Vec<String>> {
    Ok(on!(conn, c => {
        api_keys::table
            .filter(api_keys::subject.eq_any(subjects))
            .select(api_keys::prefix)
            .load(c)
            .await
    })?)
}

/// Revokes a key; the first time counts.
async fn revoke(conn: &mut Conn<'_>, name: &str, at: Timestamp) -> Result<Vec<WebhookId>> {
    let (known, revoked): (i64, usize) = on!(conn, c => {
        let revoked = diesel::update(api_keys::table.filter(api_keys::prefix.eq(name)))
            .filter(api_keys::revoked_at.is_null())
            .set(api_keys::revoked_at.eq(At(at)))
            .execute(c)
            .await?;
        let known = api_keys::table.filter(api_keys::prefix.eq(name)).count().get_result(c).await?;
        QueryResult::Ok((known, revoked))
    })?;
    if known == 0 {
        return Err(StoreError::NotFound { what: "API key" });
    }
    if revoked == 0 {
        return Ok(Vec::new()); // what was enabled again since goes on
    }
    let reason = format!("the API key {name}, which made it or changed it last, was revoked");
    webhooks::disable_made_by(conn, name, &reason).await
}

/// The secret of this name; the offered one becomes it where there is none yet.
async fn secret_or(
    conn: &mut Conn<'_>,
    name: &str,
    offered: &[u8],
    now: Timestamp,
) -> Result<Vec<u8>> {
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
