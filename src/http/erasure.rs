//! Erasure: `DELETE /api/v1/calls/{call_id}` and `DELETE /api/v1/calls/users/{user_id}`.

use actix_web::{HttpResponse, delete, web};
use calls_actors::calls::CallSnapshot;
use calls_model::{CallId, Erased, RecordingId, UserId};

use super::problem::Problem;
use super::problem::documented::{Access, Conflict, Missing, Unavailable};
use super::recordings::may_go;
use crate::app::App;
use crate::auth::Caller;
use crate::store::PageRequest;

/// Erases a call that is over, for good: who was in it, its recordings and shared files, what was said, how good it was,
/// and the events that told of it. The audit log keeps that it was erased.
#[utoipa::path(
    tag = "erasure",
    params(("call_id" = CallId, Path, description = "Which call.")),
    responses(
        (status = 200, description = "It is gone.", body = Erased),
        Access, Missing, Conflict, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[delete("/{call_id:call_[^/]*}")]
pub(super) async fn erase_call(
    caller: Caller,
    app: web::Data<App>,
    call_id: web::Path<CallId>,
) -> Result<HttpResponse, Problem> {
    caller.application()?;
    if app.ask(CallSnapshot(call_id.clone())).await?.is_some() {
        return Err(Problem::GoesOn("the call goes on; end it first"));
    }
    all_settled(&app, &call_id).await?;
    // They name recordings and files, by which nobody finds them once those are gone.
    let named = app.store.forget_replies_about(&call_id).await?;
    let mut recordings = 0;
    loop {
        let first = PageRequest::default();
        let page = app
            .store
            .recordings(&call_id, &first, app.clock.now())
            .await?;
        if page.data.is_empty() {
            break;
        }
        for recording in page.data {
            erase_recording(&app, &recording.recording_id).await?;
            recordings += 1;
        }
    }
    loop {
        let page = app.store.files(&call_id, &PageRequest::default()).await?;
        if page.data.is_empty() {
            break;
        }
        for file in &page.data {
            app.files.delete(file).await?;
        }
    }
    let erased = app.store.erase_call(&call_id).await?;
    app.store.forget_replies_with(caller.org(), named).await?; // those that were given meanwhile
    Ok(HttpResponse::Ok().json(Erased {
        recordings,
        ..erased
    }))
}

/// Erases what is kept of a user, for good: what they said, the files they shared, how good their connections were, and
/// every recording in which they can be heard, with its files. Where they stand beside others, in the history and in events, `erased` stands
/// instead, and so it does in the audit log, where they acted, and in the `metadata` of their calls, where a text is their
/// id. The audit log keeps that it was done, and to whom.
#[utoipa::path(
    tag = "erasure",
    params(("user_id" = UserId, Path, description = "Whose.")),
    responses(
        (status = 200, description = "What is gone; nothing, where nothing was kept.", body = Erased),
        Access, Missing, Conflict, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[delete("/users/{user_id}")]
pub(super) async fn erase_user(
    caller: Caller,
    app: web::Data<App>,
    user: web::Path<UserId>,
) -> Result<HttpResponse, Problem> {
    caller.application()?;
    let org = caller.org();
    if app.store.is_in_a_call(org, &user).await? {
        return Err(Problem::GoesOn(
            "the user is in a call that goes on; end it first",
        ));
    }
    let heard_in = app.store.recordings_with(org, &user).await?;
    let shared = app.store.files_of(org, &user).await?;
    for recording in &heard_in {
        if let Some(stored) = app.store.recording(recording, app.clock.now()).await? {
            may_go(&app, &stored.recording)?;
        }
    }
    // Before these: nobody finds the replies that name them afterwards.
    let tapes = heard_in.iter().map(ToString::to_string);
    let files = shared.iter().map(|file| file.file_id.to_string());
    let named: Vec<String> = tapes.chain(files).collect();
    app.store.forget_replies_with(org, named.clone()).await?;
    for recording in &heard_in {
        erase_recording(&app, recording).await?;
    }
    for file in &shared {
        app.files.delete(file).await?;
    }
    let erased = app.store.erase_user(org, &user).await?;
    app.store.forget_replies_with(org, named).await?; // those that were given meanwhile
    Ok(HttpResponse::Ok().json(Erased {
        recordings: u64::try_from(heard_in.len()).unwrap_or(u64::MAX),
        ..erased
    }))
}

/// Looked at before anything goes, so that who is refused finds all as it was.
async fn all_settled(app: &App, call_id: &CallId) -> Result<(), Problem> {
    let mut next = PageRequest::default();
    loop {
        let now = app.clock.now();
        let page = app.store.recordings(call_id, &next, now).await?;
        page.data.iter().try_for_each(|one| may_go(app, one))?;
        if page.next_cursor.is_none() {
            return Ok(());
        }
        next.cursor = page.next_cursor;
    }
}

async fn erase_recording(app: &App, id: &RecordingId) -> Result<(), Problem> {
    let Some(stored) = app.store.recording(id, app.clock.now()).await? else {
        return Ok(()); // somebody else was faster
    };
    may_go(app, &stored.recording)?;
    Ok(app.archive.delete(stored.recording).await?)
}
