//! Whose things are: the tenant of a room, a call, a recording or an endpoint, before anybody may touch it.

use calls_model::{CallId, OrgId, RecordingId, RoomId, WebhookId};

use super::{Result, Store, calls, recordings, rooms, webhooks};

impl Store {
    /// Whose room it is, unless it is deleted or never was.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn org_of_room(&self, id: &RoomId) -> Result<Option<OrgId>> {
        let id = id.clone();
        self.run(|db| async move { rooms::org(&mut db.reader().await?.conn(), &id).await })
            .await
    }

    /// Whose call it is, unless it never was.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn org_of_call(&self, id: &CallId) -> Result<Option<OrgId>> {
        let id = id.clone();
        self.run(|db| async move { calls::org(&mut db.reader().await?.conn(), &id).await })
            .await
    }

    /// Whose recording it is, unless it is deleted or never was.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn org_of_recording(&self, id: &RecordingId) -> Result<Option<OrgId>> {
        let id = id.clone();
        self.run(|db| async move { recordings::org(&mut db.reader().await?.conn(), &id).await })
            .await
    }

    /// Whose endpoint it is, unless it is gone or never was.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub async fn org_of_webhook(&self, id: &WebhookId) -> Result<Option<OrgId>> {
        let id = id.clone();
        self.run(|db| async move { webhooks::org(&mut db.reader().await?.conn(), &id).await })
            .await
    }
}
