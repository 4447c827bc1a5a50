//! The wall between tenants: what a path names is the caller's tenant's, or not there.

use actix_web::dev::{Path, Url};
use calls_actors::calls::CallSnapshot;
use calls_model::{CallId, OrgId, RecordingId, RoomId, WebhookId};

use super::caller::{Bearer, Caller};
use crate::app::App;
use crate::http::problem::Problem;

/// Refuses a path that names something of another tenant with the very words for something that is not there. A text that
/// is no id is left to the path itself.
pub(super) async fn check(app: &App, caller: &Caller, path: &Path<Url>) -> Result<(), Problem> {
    let id = |name: &str| path.get(name).unwrap_or_default();
    if let Ok(call) = id("call_id").parse::<CallId>()
        && !is_place(caller, Some(&call), None)
    {
        theirs(caller, org_of_call(app, &call).await?.as_ref(), "call")?;
    }
    if let Ok(room) = id("room_id").parse::<RoomId>()
        && !is_place(caller, None, Some(&room))
    {
        theirs(caller, app.store.org_of_room(&room).await?.as_ref(), "room")?;
    }
    if let Ok(recording) = id("recording_id").parse::<RecordingId>() {
        let org = app.store.org_of_recording(&recording).await?;
        theirs(caller, org.as_ref(), "recording")?;
    }
    if let Ok(webhook) = id("webhook_id").parse::<WebhookId>() {
        theirs(
            caller,
            app.store.org_of_webhook(&webhook).await?.as_ref(),
            "webhook",
        )?;
    }
    Ok(())
}

/// The token was made for this very place, so its tenant was looked at then.
fn is_place(caller: &Caller, call: Option<&CallId>, room: Option<&RoomId>) -> bool {
    let Caller::User(Bearer { claims, .. }) = caller else {
        return false;
    };
    claims.place.as_ref().is_some_and(|place| {
        call.is_none_or(|call| place.call == *call)
            && (room.is_none() || place.room.as_ref() == room)
    })
}

fn theirs(caller: &Caller, owner: Option<&OrgId>, what: &'static str) -> Result<(), Problem> {
    if owner == Some(caller.org()) {
        Ok(())
    } else {
        Err(Problem::NotFound { what })
    }
}

/// Whose call it is: the live one may not have reached the database yet.
async fn org_of_call(app: &App, id: &CallId) -> Result<Option<OrgId>, Problem> {
    match app.ask(CallSnapshot(id.clone())).await? {
        Some(call) => Ok(Some(call.org_id)),
        None => Ok(app.store.org_of_call(id).await?),
    }
}
