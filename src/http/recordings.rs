//! `/api/v1/calls/{call_id}/record/…` and `/api/v1/calls/recordings/…`: recordings started, stopped, listed and fetched.

mod all;
mod download;
mod links;

use std::time::Duration;

use actix_web::{HttpResponse, delete, get, post, web};
use calls_actors::calls::{
    PauseRecording, RecordRefused, StartRecording as Start, StopRecording, TranscribeRefused,
};
use calls_model::rest::{ComposeRecording, Page, StartRecording, StartTranscription};
use calls_model::{
    CallId, Fact, FileKind, Recording, RecordingId, RecordingMode, RecordingReport,
    RecordingStatus, RecordingTranscript, Source, TranscriptStatus,
};

pub(super) use self::all::list_all_recordings;
pub(super) use self::download::download_recording;
pub use self::links::Links;
use super::calls::{moderates, or_over};
use super::extract::{All, Body, List, OptionalBody, invalid};
use super::paging::Paging;
use super::problem::documented::{
    Access, BadBody, BadQuery, Conflict, Missing, NoSpace, NotStarted, Unavailable,
};
use super::problem::{Problem, kinds};
use super::transcripts::{prepare, short_enough};
use crate::app::App;
use crate::auth::Caller;
use crate::recording::transcripts::is_voice;
use crate::store::StoredRecording;

/// How long a start may take: the recorder gives itself 8 s, and then it is written down.
const START_WITHIN: Duration = Duration::from_secs(20);

/// Most users that a recording may be narrowed to.
const MOST_USERS: usize = 100;

/// Starts a recording; answers when the first packet is on disk. Moderators only.
#[utoipa::path(
    tag = "recordings",
    params(("call_id" = CallId, Path, description = "Which call.")),
    request_body = StartRecording,
    responses(
        (status = 201, description = "It records.", body = Recording),
        Access, Missing, BadBody, Conflict, NotStarted, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[post("/{call_id:call_[^/]*}/record/start")]
pub(super) async fn start_recording(
    caller: Caller,
    app: web::Data<App>,
    call_id: web::Path<CallId>,
    Body(asked): Body<StartRecording>,
) -> Result<HttpResponse, Problem> {
    let call_id = call_id.into_inner();
    let by = caller.presence_in(&call_id)?;
    if asked.participants.len() > MOST_USERS {
        let detail = format!("must name at most {MOST_USERS} users");
        return Err(bad_field("/participants", detail));
    }
    let given = [("layout", asked.layout.is_some()), ("live", asked.live)];
    for (field, _) in given.into_iter().filter(|(_, given)| *given) {
        of_pictures(asked.mode, field)?;
    }
    let start = Start {
        call_id: call_id.clone(),
        by,
        mode: asked.mode,
        layout: asked.layout,
        live: asked.live,
        participants: asked.participants,
    };
    let started = app.calls.send(start).timeout(START_WITHIN).await?;
    let recording = or_over(&app, &call_id, started).await?;
    Ok(HttpResponse::Created().json(recording))
}

fn bad_field(pointer: &str, detail: String) -> Problem {
    let summary = "the body has a bad field";
    invalid(&kinds::INVALID_BODY, summary, pointer.to_owned(), detail)
}

/// Such a field means nothing where there are no pictures to arrange.
fn of_pictures(mode: RecordingMode, field: &str) -> Result<(), Problem> {
    if mode.has_pictures() {
        return Ok(());
    }
    let mode = match mode {
        RecordingMode::Audio => "audio",
        _ => "tracks",
    };
    let why = format!(
        "belongs to the modes `video` and `composite`: where the mode is `{mode}`, no picture is made; leave it out"
    );
    Err(bad_field(&format!("/{field}"), why))
}

/// Stops the recording; its files are made then. Moderators only.
#[utoipa::path(
    tag = "recordings",
    params(("call_id" = CallId, Path, description = "Which call.")),
    responses(
        (status = 200, description = "It has stopped.", body = Recording),
        Access, Missing, Conflict, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[post("/{call_id:call_[^/]*}/record/stop")]
pub(super) async fn stop_recording(
    caller: Caller,
    app: web::Data<App>,
    call_id: web::Path<CallId>,
) -> Result<HttpResponse, Problem> {
    let call_id = call_id.into_inner();
    let by = caller.presence_in(&call_id)?;
    let stop = StopRecording {
        call_id: call_id.clone(),
        by,
    };
    let recording = or_over(&app, &call_id, app.ask(stop).await?).await?;
    Ok(HttpResponse::Ok().json(recording))
}

/// Leaves out what is said from now on. Moderators only.
#[utoipa::path(
    tag = "recordings",
    params(("call_id" = CallId, Path, description = "Which call.")),
    responses(
        (status = 200, description = "It is paused.", body = Recording),
        Access, Missing, Conflict, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[post("/{call_id:call_[^/]*}/record/pause")]
pub(super) async fn pause_recording(
    caller: Caller,
    app: web::Data<App>,
    call_id: web::Path<CallId>,
) -> Result<HttpResponse, Problem> {
    pause(&caller, &app, call_id.into_inner(), true).await
}

/// Keeps again what is said. Moderators only.
#[utoipa::path(
    tag = "recordings",
    params(("call_id" = CallId, Path, description = "Which call.")),
    responses(
        (status = 200, description = "It records again.", body = Recording),
        Access, Missing, Conflict, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[post("/{call_id:call_[^/]*}/record/resume")]
pub(super) async fn resume_recording(
    caller: Caller,
    app: web::Data<App>,
    call_id: web::Path<CallId>,
) -> Result<HttpResponse, Problem> {
    pause(&caller, &app, call_id.into_inner(), false).await
}

async fn pause(
    caller: &Caller,
    app: &App,
    call_id: CallId,
    paused: bool,
) -> Result<HttpResponse, Problem> {
    let by = caller.presence_in(&call_id)?;
    let pause = PauseRecording {
        call_id: call_id.clone(),
        by,
        paused,
    };
    let recording = or_over(app, &call_id, app.ask(pause).await?).await?;
    Ok(HttpResponse::Ok().json(recording))
}

/// Lists a call's recordings, the latest first.
#[utoipa::path(
    tag = "recordings",
    params(("call_id" = CallId, Path, description = "Which call."), Paging),
    responses(
        (status = 200, description = "One page of recordings.", body = Page<Recording>),
        Access, Missing, BadQuery, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[get("/{call_id:call_[^/]*}/recordings")]
pub(super) async fn list_recordings(
    caller: Caller,
    app: web::Data<App>,
    call_id: web::Path<CallId>,
    List(All {}, paging): List<All>,
) -> Result<HttpResponse, Problem> {
    may_see(&caller, &app, &call_id).await?;
    super::calls::find(&app, &call_id)
        .await?
        .ok_or(Problem::NotFound { what: "call" })?;
    let now = app.clock.now();
    let mut page = app
        .store
        .recordings(&call_id, &paging.request(), now)
        .await?;
    for recording in &mut page.data {
        present(&app, recording);
    }
    Ok(HttpResponse::Ok().json(page))
}

/// Gives one recording.
#[utoipa::path(
    tag = "recordings",
    params(("recording_id" = RecordingId, Path, description = "Which recording.")),
    responses(
        (status = 200, description = "The recording; its files have links that are good for a while.", body = Recording),
        Access, Missing, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[get("/recordings/{recording_id}")]
pub(super) async fn get_recording(
    caller: Caller,
    app: web::Data<App>,
    id: web::Path<RecordingId>,
) -> Result<HttpResponse, Problem> {
    let mut recording = find(&caller, &app, &id).await?.recording;
    present(&app, &mut recording);
    Ok(HttpResponse::Ok().json(recording))
}

/// Tells how far a recording can be trusted: what of each track was lost, and where something is missing.
#[utoipa::path(
    tag = "recordings",
    params(("recording_id" = RecordingId, Path, description = "Which recording.")),
    responses(
        (status = 200, description = "The report.", body = RecordingReport),
        Access, Missing, Conflict, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[get("/recordings/{recording_id}/report")]
pub(super) async fn recording_report(
    caller: Caller,
    app: web::Data<App>,
    id: web::Path<RecordingId>,
) -> Result<HttpResponse, Problem> {
    let stored = find(&caller, &app, &id).await?;
    if let Some(report) = stored.report {
        return Ok(HttpResponse::Ok().json(report));
    }
    settled(&stored.recording)?;
    Err(Problem::RecordingState(
        "the recording failed, so there is no report; its `error` says why",
    ))
}

/// Deletes a recording with all its files, also one that waits for its upload. Where the bucket may have something of it and
/// cannot be reached, that is 503, and it is still listed; what the bucket had let go of by then is gone.
#[utoipa::path(
    tag = "recordings",
    params(("recording_id" = RecordingId, Path, description = "Which recording.")),
    responses(
        (status = 204, description = "It is gone."),
        Access, Missing, Conflict, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[delete("/recordings/{recording_id}")]
pub(super) async fn delete_recording(
    caller: Caller,
    app: web::Data<App>,
    id: web::Path<RecordingId>,
) -> Result<HttpResponse, Problem> {
    caller.application()?;
    let stored = find(&caller, &app, &id).await?;
    may_go(&app, &stored.recording)?;
    app.archive.delete(stored.recording).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Makes the file of all tracks once more, with another layout or because it could not be made before. Until it is there, and
/// where it fails, what can be had stays as it is, with its `layout`; `next_layout` is what it will have, and `error` says why it
/// failed.
#[utoipa::path(
    tag = "recordings",
    params(("recording_id" = RecordingId, Path, description = "Which recording.")),
    request_body = Option<ComposeRecording>,
    responses(
        (status = 202, description = "It is being made; `progress` tells how far it is.", body = Recording),
        Access, Missing, BadBody, Conflict, NoSpace, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[post("/recordings/{recording_id}/compose")]
pub(super) async fn compose_recording(
    caller: Caller,
    app: web::Data<App>,
    id: web::Path<RecordingId>,
    OptionalBody(ComposeRecording { layout }): OptionalBody<ComposeRecording>,
) -> Result<HttpResponse, Problem> {
    caller.application()?;
    let recording = find(&caller, &app, &id).await?.recording;
    can_be_composed(&recording, layout.is_some())?;
    available(&recording)?;
    if is_being_transcribed(&recording) {
        return Err(Problem::RecordingState(
            "the recording is being transcribed; compose it afterwards",
        ));
    }
    app.archive.studio.has_room().map_err(RecordRefused::from)?;
    let again = Fact::RecordingComposeRequested {
        call_id: recording.call_id.clone(),
        recording_id: recording.recording_id.clone(),
        layout,
        at: app.clock.now(),
    };
    app.store.record(vec![again]).await?;
    app.archive.studio.ring();
    let mut recording = find(&caller, &app, &id).await?.recording;
    present(&app, &mut recording);
    Ok(HttpResponse::Accepted().json(recording))
}

/// Transcribes a recording: each microphone apart, one recording after the other. What comes of it is a file of the kind
/// `transcript`, `WebVTT` on the recording's timeline; it is asked for again as often as one likes, and the last one stays.
/// The call's transcript gets what nobody had understood while it was said, in the place of what an earlier transcript of the
/// recording had given it. For applications, hosts and moderators.
#[utoipa::path(
    tag = "recordings",
    params(("recording_id" = RecordingId, Path, description = "Which recording.")),
    request_body = Option<StartTranscription>,
    responses(
        (status = 202, description = "It is being made, or waits for its turn; `transcript` tells how far it is.", body = Recording),
        Access, Missing, BadBody, Conflict, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[post("/recordings/{recording_id}/transcribe")]
pub(super) async fn transcribe_recording(
    caller: Caller,
    app: web::Data<App>,
    id: web::Path<RecordingId>,
    OptionalBody(asked): OptionalBody<StartTranscription>,
) -> Result<HttpResponse, Problem> {
    let recording = find(&caller, &app, &id).await?.recording;
    short_enough(&asked.phrases)?;
    available(&recording)?;
    if is_being_transcribed(&recording) {
        return Err(Problem::RecordingState(
            "the recording is being transcribed already",
        ));
    }
    if !recording.files.iter().any(is_voice) {
        return Err(Problem::RecordingState(
            "nobody's microphone is in the recording",
        ));
    }
    prepare(&app, asked.language.clone()).await?;
    let fit = app.ears.fit(asked.language.as_ref(), &asked.phrases);
    let at = app.clock.now();
    let requested = Fact::RecordingTranscriptRequested {
        call_id: recording.call_id,
        recording_id: recording.recording_id,
        transcript: RecordingTranscript {
            status: TranscriptStatus::Queued,
            language: fit.map_err(TranscribeRefused::from)?,
            phrases: asked.phrases,
            requested_at: at,
            progress: 0,
            utterances: None,
            error: None,
        },
        at,
    };
    app.store.record(vec![requested]).await?;
    app.transcripts.ring();
    let mut recording = find(&caller, &app, &id).await?.recording;
    present(&app, &mut recording);
    Ok(HttpResponse::Accepted().json(recording))
}

/// Nothing more is to come of it, unless somebody asks; where something is, what to wait for.
pub(super) fn settled(recording: &Recording) -> Result<(), Problem> {
    let recording_id = recording.recording_id.clone();
    match recording.status {
        RecordingStatus::Requested | RecordingStatus::Active => {
            Err(Problem::RecordingRuns { recording_id })
        }
        RecordingStatus::Processing | RecordingStatus::Uploading => {
            Err(Problem::RecordingProcessing { recording_id })
        }
        RecordingStatus::Available | RecordingStatus::Failed => Ok(()),
    }
}

/// It may be deleted: nothing more is to come of it, or only the bucket's turn.
pub(super) fn may_go(app: &App, recording: &Recording) -> Result<(), Problem> {
    let uploads = recording.status == RecordingStatus::Uploading;
    if uploads && !app.archive.is_at_work_on(&recording.recording_id) {
        return Ok(());
    }
    settled(recording)
}

/// Its files can be had, and nobody works on them.
fn available(recording: &Recording) -> Result<(), Problem> {
    settled(recording)?;
    if recording.status == RecordingStatus::Failed {
        return Err(Problem::RecordingState(
            "the recording failed, so nothing can be made of it; its `error` says why",
        ));
    }
    Ok(())
}

/// Whether one file can be made of what is in a recording.
fn can_be_composed(recording: &Recording, with_layout: bool) -> Result<(), Problem> {
    let audible = |source: Option<Source>| source.is_some_and(Source::is_audio);
    match recording.mode {
        RecordingMode::Tracks => Err(Problem::RecordingState(
            "the recording is of the mode `tracks`, which is one file for each track; what is to be one file is recorded \
             as `audio`, `video` or `composite`",
        )),
        RecordingMode::Audio if with_layout => of_pictures(recording.mode, "layout"),
        RecordingMode::Audio
            if recording.status == RecordingStatus::Available
                && !recording
                    .files
                    .iter()
                    .any(|file| file.kind == FileKind::Track && audible(file.source)) =>
        {
            Err(Problem::RecordingState("nobody is heard in the recording"))
        }
        RecordingMode::Audio | RecordingMode::Video | RecordingMode::Composite => Ok(()),
    }
}

fn is_being_transcribed(recording: &Recording) -> bool {
    let status = recording.transcript.as_ref().map(|one| one.status);
    status == Some(TranscriptStatus::Queued)
}

/// Adds what only the border knows: links, and how far it is.
fn present(app: &App, recording: &mut Recording) {
    let id = recording.recording_id.clone();
    let now = u64::try_from(app.clock.now().utc().timestamp()).unwrap_or(0);
    for file in &mut recording.files {
        file.url = Some(app.links.of(&id, &file.name, now));
    }
    if recording.status == RecordingStatus::Processing {
        recording.progress = app.archive.progress(&id);
    }
    app.transcripts.show(recording);
}

/// A recording that this caller may see.
async fn find(caller: &Caller, app: &App, id: &RecordingId) -> Result<StoredRecording, Problem> {
    let stored = stored(app, id).await?;
    may_see(caller, app, &stored.recording.call_id).await?;
    Ok(stored)
}

async fn stored(app: &App, id: &RecordingId) -> Result<StoredRecording, Problem> {
    let found = app.store.recording(id, app.clock.now()).await?;
    found.ok_or(Problem::NotFound { what: "recording" })
}

/// What was recorded is for applications, and for those who are host or moderator now.
async fn may_see(caller: &Caller, app: &App, call_id: &CallId) -> Result<(), Problem> {
    match caller.presence_in(call_id)? {
        None if matches!(caller, Caller::Application(_)) => Ok(()),
        Some(by) if moderates(app, call_id, &by).await? => Ok(()),
        _ => Err(Problem::Forbidden(
            "recordings are for the host and moderators",
        )),
    }
}
