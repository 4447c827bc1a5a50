//! `GET /api/v1/calls/recordings/{recording_id}/download`: files of recordings, whole or in parts.

use actix_files::NamedFile;
use actix_web::http::header::{ContentDisposition, DispositionParam, DispositionType, LOCATION};
use actix_web::{FromRequest, HttpRequest, HttpResponse, get, web};
use calls_model::{FileKind, Recording, RecordingFile, RecordingId, RecordingMode};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{find, stored};
use crate::app::App;
use crate::auth::Caller;
use crate::http::extract::Query;
use crate::http::problem::Problem;
use crate::http::problem::documented::{Access, BadQuery, Conflict, Missing, Unavailable};

/// Which file is wanted, and the proof that it may be had.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(in crate::http) struct Wanted {
    /// The name of the file; may be left out where there is only one, or one that is made of all others.
    pub file: Option<String>,
    /// Until when the link is good, in seconds since 1970; a part of `url` of a file.
    pub expires: Option<u64>,
    /// Proof of the link; a part of `url` of a file.
    pub signature: Option<String>,
}

/// Fetches a file of a recording, whole or in ranges (RFC 9110 §14).
#[utoipa::path(
    tag = "recordings",
    params(("recording_id" = RecordingId, Path, description = "Which recording."), Wanted),
    responses(
        (status = 200, description = "The file.", content_type = "application/octet-stream", body = [u8]),
        (status = 206, description = "A part of it.", content_type = "application/octet-stream", body = [u8]),
        (status = 304, description = "It is the one that the caller has."),
        (status = 307, description = "It is in the bucket; `Location` is good for a while."),
        (status = 416, description = "It has no such part."),
        Access, Missing, BadQuery, Conflict, Unavailable,
    ),
    security(("bearer" = []), ()),
)]
#[get("/recordings/{recording_id}/download")]
pub(in crate::http) async fn download_recording(
    app: web::Data<App>,
    request: HttpRequest,
    id: web::Path<RecordingId>,
    Query(wanted): Query<Wanted>,
) -> Result<HttpResponse, Problem> {
    let signed = match (&wanted.file, wanted.expires, &wanted.signature) {
        (Some(file), Some(expires), Some(signature)) => Some((file, expires, signature)),
        _ => None,
    };
    let recording = if let Some((file, expires, signature)) = signed {
        let now = u64::try_from(app.clock.now().utc().timestamp()).unwrap_or(0);
        if expires < now || !app.links.proves(&id, file, expires, signature) {
            return Err(Problem::Unauthorized(
                "the link is not good, or not any more",
            ));
        }
        stored(&app, &id).await?.recording
    } else {
        let caller = Caller::extract(&request).await?;
        find(&caller, &app, &id).await?.recording
    };
    let file = pick(&recording, wanted.file.as_deref())?;
    let link = match app.archive.storages.of(file.place) {
        Ok(storage) => storage.link(&id, &file.name, app.links.life()).await,
        Err(error) => Err(error),
    };
    if let Some(link) = link.map_err(|_| Problem::Unavailable("the bucket"))? {
        return Ok(HttpResponse::TemporaryRedirect()
            .insert_header((LOCATION, link))
            .finish());
    }
    let path = app.archive.studio.folder_of(&id).join(&file.name);
    let opened = NamedFile::open_async(path).await;
    let opened = opened.map_err(|_| Problem::NotFound { what: "file" })?;
    let media_type = file.media_type.parse().map_err(|_| Problem::Internal)?;
    let name = format!("{}-{}", recording.recording_id, file.name);
    Ok(opened
        .set_content_type(media_type)
        .set_content_disposition(ContentDisposition {
            disposition: DispositionType::Attachment,
            parameters: vec![DispositionParam::Filename(name)],
        })
        .into_response(&request))
}

/// The file that is meant.
fn pick<'a>(recording: &'a Recording, name: Option<&str>) -> Result<&'a RecordingFile, Problem> {
    let files = &recording.files;
    if files.is_empty() {
        return Err(Problem::RecordingState("the recording has no files yet"));
    }
    let media = |file: &&RecordingFile| file.kind != FileKind::Transcript;
    match name {
        Some(name) => {
            let found = files.iter().find(|file| file.name == name);
            found.ok_or(Problem::NotFound { what: "file" })
        }
        None if files.iter().filter(media).count() == 1
            || recording.mode != RecordingMode::Tracks =>
        {
            Ok(&files[0])
        }
        None => Err(Problem::FileNeeded { count: files.len() }),
    }
}
