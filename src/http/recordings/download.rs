//! `GET /api/v1/calls/recordings/{recording_id}/download`: files of recordings, whole or in parts.

use actix_files::NamedFile;
use actix_web::body::SizedStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    self, ContentDisposition, DispositionParam, DispositionType, LOCATION,
};
use actix_web::{FromRequest, HttpRequest, HttpResponse, get, web};
use bytes::BytesMut;
use calls_model::{FileKind, Recording, RecordingFile, RecordingId, RecordingMode};
use futures_util::stream;
use serde::Deserialize;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use utoipa::IntoParams;

use super::{find, settled, stored};
use crate::app::App;
use crate::auth::Caller;
use crate::http::extract::Query;
use crate::http::problem::Problem;
use crate::http::problem::documented::{Access, BadQuery, Conflict, Missing, Unavailable};

/// Bytes that are read at a time where a file is sent whole.
const CHUNK: usize = 64 << 10;

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
    let saved_as = format!("{}-{}", recording.recording_id, file.name);
    let name = (file.name.as_str(), saved_as.as_str());
    let link = match app.archive.storages.of(file.place) {
        Ok(storage) => storage.link(&id, name, app.links.life()).await,
        Err(error) => Err(error),
    };
    if let Some(link) = link.map_err(|_| Problem::Unavailable("the bucket"))? {
        return Ok(HttpResponse::TemporaryRedirect()
            .insert_header((LOCATION, link))
            .finish());
    }
    let path = app.archive.studio.folder_of(&id).join(&file.name);
    let opened = NamedFile::open_async(&path).await;
    let opened = opened.map_err(|_| Problem::NotFound { what: "file" })?;
    let media_type = file.media_type.parse().map_err(|_| Problem::Internal)?;
    let same = opened.file().try_clone().map_err(|_| Problem::Internal)?;
    let response = opened
        .set_content_type(media_type)
        .set_content_disposition(ContentDisposition {
            disposition: DispositionType::Attachment,
            parameters: vec![DispositionParam::Filename(saved_as)],
        })
        .into_response(&request);
    if wants_part_of_another(&request, &response) {
        let whole = whole(same.into(), &response).await;
        return whole.map_err(|_| Problem::Internal);
    }
    Ok(response)
}

/// The caller has a part of another file of this name (`If-Range`, RFC 9110 §13.1.5): it was made anew meanwhile, and parts
/// of both are no file. `NamedFile` does not look at that. What other conditions have decided stands (§13.2.2).
fn wants_part_of_another(request: &HttpRequest, response: &HttpResponse) -> bool {
    let Some(has) = request.headers().get(header::IF_RANGE) else {
        return false;
    };
    let of_a_part = [
        StatusCode::PARTIAL_CONTENT,
        StatusCode::RANGE_NOT_SATISFIABLE,
    ];
    let is_it = |name| response.headers().get(name) == Some(has);
    of_a_part.contains(&response.status())
        && ![header::ETAG, header::LAST_MODIFIED].into_iter().any(is_it)
}

/// The whole file, in the place of this answer: the same one, which another may have taken the name of meanwhile.
async fn whole(mut file: File, instead: &HttpResponse) -> std::io::Result<HttpResponse> {
    file.rewind().await?;
    let size = file.metadata().await?.len();
    let bytes = stream::try_unfold(file, |mut file| async {
        let mut some = BytesMut::with_capacity(CHUNK);
        let more = file.read_buf(&mut some).await? > 0;
        Ok::<_, std::io::Error>(more.then(|| (some.freeze(), file)))
    });
    let mut reply = HttpResponse::Ok();
    for name in [
        header::CONTENT_TYPE,
        header::CONTENT_DISPOSITION,
        header::ETAG,
        header::LAST_MODIFIED,
        header::ACCEPT_RANGES,
    ] {
        if let Some(value) = instead.headers().get(&name) {
            reply.insert_header((name, value.clone()));
        }
    }
    Ok(reply.body(SizedStream::new(size, bytes)))
}

/// The file that is meant.
fn pick<'a>(recording: &'a Recording, name: Option<&str>) -> Result<&'a RecordingFile, Problem> {
    let files = &recording.files;
    if files.is_empty() {
        settled(recording)?;
        return Err(Problem::RecordingState("the recording has no files"));
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
