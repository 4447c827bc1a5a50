//! `/api/v1/calls/{call_id}/files`: files that members share in the chat.
//!
//! What comes in is anybody's, so nothing here is ever shown by a browser as a page of ours: a file goes out as an
//! attachment of the type that the server found, not to be sniffed, and in a sandbox (CSP) if it is opened all the same.

use std::io;
use std::time::Duration;

use actix_files::NamedFile;
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, Charset, ContentDisposition,
    DispositionParam, DispositionType, ExtendedValue, HeaderValue, LOCATION,
};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use calls_actors::calls::{ShareFile, ShareRefused};
use calls_model::rest::Page;
use calls_model::{CallId, Fact, FileId, FileName, Member, ParticipantId, Permission, SharedFile};
use futures_util::{Stream, StreamExt};
use serde::Deserialize;
use utoipa::IntoParams;

use super::calls::{find, moderates, or_over};
use super::extract::{All, List, Query};
use super::paging::Paging;
use super::problem::documented::{
    Access, BadFile, BadQuery, Conflict, Missing, NoSpace, Unavailable,
};
use super::problem::{Problem, kinds};
use super::routes::{BASE, path};
use crate::app::App;
use crate::auth::{Caller, permissions};
use crate::files::{Coming, sniff};

/// How long the next piece of a file may take to come.
const PIECE_WITHIN: Duration = Duration::from_secs(20);

/// How long a whole file may take to come.
pub(super) const FILE_WITHIN: Duration = Duration::from_secs(15 * 60);

/// What a browser that opens a file all the same may do with it: nothing.
const SANDBOX: &str = "default-src 'none'; sandbox";

/// How a file is shared.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Sharing {
    /// What it is called.
    name: FileName,
    /// With whom alone; else with everybody in the call.
    #[serde(default)]
    to: Option<ParticipantId>,
}

/// Shares a file in the chat of a call; the body is the file. Members only, and only whom the room permits to.
///
/// What it is, the server finds out by looking into it: neither the name nor `Content-Type` is believed. In a room that
/// is encrypted end to end no file is taken, as the server could read it.
#[utoipa::path(
    tag = "files",
    params(("call_id" = CallId, Path, description = "Which call."), Sharing),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The file."),
    responses(
        (status = 201, description = "It is shared: a chat message tells everybody whom it is for.", body = SharedFile, headers(
            ("Location" = String, description = "Where it can be fetched."),
        )),
        Access, Missing, BadFile, Conflict, NoSpace, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[post("/{call_id:call_[^/]*}/files")]
pub(super) async fn share_file(
    caller: Caller,
    app: web::Data<App>,
    request: HttpRequest,
    call_id: web::Path<CallId>,
    Query(sharing): Query<Sharing>,
    body: web::Payload,
) -> Result<HttpResponse, Problem> {
    let call_id = call_id.into_inner();
    let by = caller.presence_in(&call_id)?;
    let by = by.ok_or(Problem::Forbidden(
        "files are shared by members of the call",
    ))?;
    let limit = app.files.most();
    let size = request.headers().get(CONTENT_LENGTH);
    let size = size.and_then(|size| size.to_str().ok()?.parse::<u64>().ok());
    if size.is_some_and(|size| size > limit) {
        return Err(too_large(limit));
    }
    let ask = ShareFile {
        call_id: call_id.clone(),
        by: by.clone(),
        to: sharing.to.clone(),
        file: None,
    };
    granted(&app, &call_id, app.ask(ask.clone()).await?).await?;
    let room = app.files.most_of_call();
    let room = room.saturating_sub(app.store.bytes_of_files(&call_id).await?);
    if size.unwrap_or(1) > room {
        return Err(Problem::FilesFull { left: room });
    }

    let file_id = FileId::new();
    let coming = app
        .files
        .begin(&call_id, &file_id)
        .await
        .map_err(|error| disk(&error))?;
    let taken = take(&app, body, coming, sharing.name.as_str(), limit.min(room));
    let (media_type, size_bytes) =
        tokio::time::timeout(FILE_WITHIN, taken)
            .await
            .unwrap_or(Err(Problem::BodyTooSlow {
                within: FILE_WITHIN,
            }))?;
    let file = SharedFile {
        file_id,
        call_id: call_id.clone(),
        name: sharing.name,
        media_type: media_type.to_owned(),
        size_bytes,
        from: by,
        to: sharing.to,
        shared_at: app.clock.now(),
    };
    let shared = Fact::FileShared {
        file: Box::new(file.clone()),
    };
    app.store.record(vec![shared]).await?;
    let say = ShareFile {
        file: Some(Box::new(file.clone())),
        ..ask
    };
    let said = match app.ask(say).await {
        Ok(said) => granted(&app, &call_id, said).await,
        Err(unreachable) => Err(unreachable),
    };
    if let Err(refused) = said {
        app.files.delete(&file).await?; // nobody will ever hear of it
        return Err(refused);
    }
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, format!("{BASE}/{call_id}/files/{}", file.file_id)))
        .json(file))
}

/// What the call says of it. Whoever is not there is told from a call that is not.
async fn granted(
    app: &App,
    call_id: &CallId,
    said: Result<(), ShareRefused>,
) -> Result<(), Problem> {
    if said == Err(ShareRefused::NoSuchParticipant) {
        return Err(Problem::NotFound {
            what: "participant",
        });
    }
    or_over(app, call_id, said).await
}

/// Whether a request shares a file, whose body is larger than anybody else's.
pub(super) fn is_shared_by(request: &HttpRequest) -> bool {
    let call = path(request).strip_prefix(BASE);
    let call = call.and_then(|rest| rest.strip_prefix("/call_")?.strip_suffix("/files"));
    call.is_some_and(|id| !id.contains('/'))
}

/// Reads a file to its end and keeps nothing of it.
pub(super) async fn pass(mut body: Payload, limit: u64) -> Result<(), Problem> {
    let read = async move {
        let mut size = 0;
        while let Some(piece) = piece(&mut body).await? {
            size += piece.len() as u64;
            if size > limit {
                return Err(too_large(limit));
            }
        }
        Ok(())
    };
    let slow = |_| Problem::BodyTooSlow {
        within: FILE_WITHIN,
    };
    tokio::time::timeout(FILE_WITHIN, read)
        .await
        .map_err(slow)?
}

/// The next piece of a file, if there is one.
async fn piece<S>(body: &mut S) -> Result<Option<Bytes>, Problem>
where
    S: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
{
    let slow = |_| Problem::BodyTooSlow {
        within: PIECE_WITHIN,
    };
    let piece = tokio::time::timeout(PIECE_WITHIN, body.next())
        .await
        .map_err(slow)?;
    piece.transpose().map_err(|_| Problem::Invalid {
        kind: &kinds::MALFORMED_REQUEST,
        detail: "the body was cut short".to_owned(),
        errors: Vec::new(),
    })
}

/// Takes a file to its end; gives what it is and how large. One that is refused for what it is is read to its end all
/// the same, so that a browser hears why.
async fn take(
    app: &App,
    mut body: web::Payload,
    mut coming: Coming,
    name: &str,
    limit: u64,
) -> Result<(&'static str, u64), Problem> {
    let (mut head, mut size) = (Vec::with_capacity(sniff::HEAD), 0);
    while let Some(piece) = piece(&mut body).await? {
        size += piece.len() as u64;
        if size > limit {
            return Err(too_large(limit));
        }
        let wanted = (sniff::HEAD - head.len()).min(piece.len());
        head.extend_from_slice(&piece[..wanted]);
        coming.write(&piece).await.map_err(|error| disk(&error))?;
    }
    if size == 0 {
        return Err(Problem::Invalid {
            kind: &kinds::INVALID_BODY,
            detail: "the file is empty".to_owned(),
            errors: Vec::new(),
        });
    }
    let media_type = sniff::media_type(&head, name);
    if !app.files.takes(media_type) {
        return Err(Problem::FileType { media_type });
    }
    coming.finish().await.map_err(|error| disk(&error))?;
    Ok((media_type, size))
}

fn too_large(limit: u64) -> Problem {
    Problem::BodyTooLarge {
        limit: usize::try_from(limit).unwrap_or(usize::MAX),
    }
}

fn disk(error: &io::Error) -> Problem {
    if error.kind() == io::ErrorKind::StorageFull {
        return Problem::DiskFull;
    }
    tracing::error!(%error, "a shared file cannot be written: {error}");
    Problem::Unavailable("the disk for shared files")
}

/// Lists what was shared in a call, the latest first: to members what they may have, to an application all of it.
#[utoipa::path(
    tag = "files",
    params(("call_id" = CallId, Path, description = "Which call."), Paging),
    responses(
        (status = 200, description = "One page of files.", body = Page<SharedFile>),
        Access, Missing, BadQuery, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[get("/{call_id:call_[^/]*}/files")]
pub(super) async fn list_files(
    caller: Caller,
    app: web::Data<App>,
    call_id: web::Path<CallId>,
    List(All {}, paging): List<All>,
) -> Result<HttpResponse, Problem> {
    let by = member(&caller, &app, &call_id).await?;
    let mut page = app.store.files(&call_id, &paging.request()).await?;
    if let Some(by) = by {
        page.data.retain(|file| file.is_for(&by));
    }
    Ok(HttpResponse::Ok().json(page))
}

/// Fetches a shared file, whole or in ranges (RFC 9110 §14). For members whom it is for, and for applications.
#[utoipa::path(
    tag = "files",
    params(
        ("call_id" = CallId, Path, description = "Which call."),
        ("file_id" = FileId, Path, description = "Which file."),
    ),
    responses(
        (status = 200, description = "The file, as an attachment.", content_type = "application/octet-stream", body = [u8]),
        (status = 206, description = "A part of it.", content_type = "application/octet-stream", body = [u8]),
        (status = 304, description = "It is the one that the caller has."),
        (status = 416, description = "It has no such part."),
        Access, Missing, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[get("/{call_id:call_[^/]*}/files/{file_id}")]
pub(super) async fn fetch_file(
    caller: Caller,
    app: web::Data<App>,
    request: HttpRequest,
    path: web::Path<(CallId, FileId)>,
) -> Result<HttpResponse, Problem> {
    let (call_id, file_id) = path.into_inner();
    let (file, _) = theirs(&caller, &app, &call_id, &file_id).await?;
    let opened = NamedFile::open_async(app.files.place_of(&file)).await;
    let opened = opened.map_err(|_| Problem::NotFound { what: "file" })?;
    let media_type = file.media_type.parse().map_err(|_| Problem::Internal)?;
    let name = DispositionParam::FilenameExt(ExtendedValue {
        charset: Charset::Ext("UTF-8".to_owned()),
        language_tag: None,
        value: file.name.as_str().as_bytes().to_vec(),
    });
    let mut response = opened
        .set_content_type(media_type)
        .set_content_disposition(ContentDisposition {
            disposition: DispositionType::Attachment,
            parameters: vec![name],
        })
        .into_response(&request);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(SANDBOX));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    Ok(response)
}

/// Deletes a shared file: whoever shared it may, those who moderate, and applications.
#[utoipa::path(
    tag = "files",
    params(
        ("call_id" = CallId, Path, description = "Which call."),
        ("file_id" = FileId, Path, description = "Which file."),
    ),
    responses((status = 204, description = "It is gone."), Access, Missing, Unavailable),
    security(("bearer" = [])),
)]
#[delete("/{call_id:call_[^/]*}/files/{file_id}")]
pub(super) async fn delete_file(
    caller: Caller,
    app: web::Data<App>,
    path: web::Path<(CallId, FileId)>,
) -> Result<HttpResponse, Problem> {
    let (call_id, file_id) = path.into_inner();
    let (file, by) = theirs(&caller, &app, &call_id, &file_id).await?;
    if let Some(by) = by
        && file.from != by
        && (!moderates(&app, &call_id, &by).await? || !grants(&caller, Permission::Moderate))
    {
        return Err(Problem::Forbidden(
            "a file is deleted by whoever shared it, or by those who moderate",
        ));
    }
    app.files.delete(&file).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Whether their token still allows it.
fn grants(caller: &Caller, needed: Permission) -> bool {
    let place = caller.place();
    place.is_none_or(|place| permissions::may(place, needed).is_ok())
}

/// A file that this caller may have, and whose presence they are.
async fn theirs(
    caller: &Caller,
    app: &App,
    call_id: &CallId,
    file_id: &FileId,
) -> Result<(SharedFile, Option<ParticipantId>), Problem> {
    let by = member(caller, app, call_id).await?;
    let missing = Problem::NotFound { what: "file" };
    let file = app.store.file(file_id).await?;
    let file = file.filter(|file| file.call_id == *call_id);
    match file.filter(|file| by.as_ref().is_none_or(|by| file.is_for(by))) {
        Some(file) => Ok((file, by)),
        None => Err(missing), // also what is for others: nobody learns that it is there
    }
}

/// The caller as a member of a call that they are inside of; none: an application.
async fn member(
    caller: &Caller,
    app: &App,
    call_id: &CallId,
) -> Result<Option<ParticipantId>, Problem> {
    let by = caller.presence_in(call_id)?;
    let call = find(app, call_id).await?;
    let call = call.ok_or(Problem::NotFound { what: "call" })?;
    let Some(by) = by else { return Ok(None) };
    let inside = |one: &Member| one.participant_id.as_ref() == Some(&by);
    if call.participants.iter().any(inside) {
        Ok(Some(by))
    } else {
        Err(Problem::NotAdmitted)
    }
}
