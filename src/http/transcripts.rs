//! `/api/v1/calls/{call_id}/transcribe`, `…/transcript` and `/api/v1/calls/transcripts/search`: speech as words.

use actix_web::http::header::{
    CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpResponse, delete, get, post, web};
use calls_actors::calls::{StartTranscription as Start, StopTranscription};
use calls_actors::transcriber::RecogniserRefused;
use calls_model::rest::{Page, StartTranscription};
use calls_model::{CallId, Found, Language, Transcript, Transcription, UserId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::calls::{or_over, readable};
use super::extract::{List, OptionalBody, Query, invalid};
use super::paging::Paging;
use super::problem::documented::{Access, BadBody, BadQuery, Conflict, Missing, Unavailable};
use super::problem::{Problem, kinds};
use crate::app::App;
use crate::auth::Caller;
use crate::transcription::formats::{self, Names};

/// Most phrases that may be listened for.
const MOST_PHRASES: usize = 1000;

/// Longest phrase, in characters.
const LONGEST_PHRASE: usize = 200;

/// Longest text that is searched for, in characters.
const LONGEST_SOUGHT: usize = 200;

/// Starts a transcription: everybody in the call is told, and hears captions. Moderators only.
#[utoipa::path(
    tag = "transcripts",
    params(("call_id" = CallId, Path, description = "Which call.")),
    request_body = Option<StartTranscription>,
    responses(
        (status = 201, description = "What is said is understood from now on.", body = Transcription),
        Access, Missing, BadBody, Conflict, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[post("/{call_id:call_[^/]*}/transcribe")]
pub(super) async fn start_transcription(
    caller: Caller,
    app: web::Data<App>,
    call_id: web::Path<CallId>,
    OptionalBody(asked): OptionalBody<StartTranscription>,
) -> Result<HttpResponse, Problem> {
    let call_id = call_id.into_inner();
    let by = caller.presence_in(&call_id)?;
    short_enough(&asked.phrases)?;
    prepare(&app, asked.language.clone()).await?;
    let start = Start {
        call_id: call_id.clone(),
        by,
        language: asked.language,
        phrases: asked.phrases,
    };
    let started = app.ask(start).await?;
    let transcription = or_over(&app, &call_id, started).await?;
    Ok(HttpResponse::Created().json(transcription))
}

/// Reads the model: that takes seconds for a large one, and here nobody else waits for it. Who needs it says what is wrong
/// with it.
pub(super) async fn prepare(app: &App, language: Option<Language>) -> Result<(), Problem> {
    let ears = app.ears.clone();
    let prepared = web::block(move || ears.prepare(language.as_ref())).await;
    prepared.map_err(|_| Problem::Unavailable("the speech engine"))
}

/// Phrases of a room can be listened for, as far as the server's own language goes; where it has no engine, nobody knows.
pub(super) async fn fit_to_be_heard(app: &App, phrases: &[String]) -> Result<(), Problem> {
    if phrases.is_empty() {
        return Ok(());
    }
    short_enough(phrases)?;
    prepare(app, None).await?;
    let refused = (phrases.iter().enumerate()).find_map(|(number, phrase)| {
        let refused = app.ears.fit(None, std::slice::from_ref(phrase)).err()?;
        Some((number, refused))
    });
    match refused {
        Some((number, why @ RecogniserRefused::UnknownWords { .. })) => Err(invalid(
            &kinds::UNKNOWN_WORDS,
            "the body has a bad field",
            format!("/phrases/{number}"),
            why.to_string(),
        )),
        Some((_, why @ RecogniserRefused::NoPhrases(_))) => Err(invalid(
            &kinds::UNKNOWN_WORDS,
            "the body has a bad field",
            "/phrases".to_owned(),
            why.to_string(),
        )),
        Some(_) | None => Ok(()),
    }
}

pub(super) fn short_enough(phrases: &[String]) -> Result<(), Problem> {
    let summary = "the body has a bad field";
    if phrases.len() > MOST_PHRASES {
        let detail = format!("must be at most {MOST_PHRASES} phrases");
        return Err(invalid(
            &kinds::INVALID_BODY,
            summary,
            "/phrases".to_owned(),
            detail,
        ));
    }
    let fits = |phrase: &String| (1..=LONGEST_PHRASE).contains(&phrase.trim().chars().count());
    match phrases.iter().position(|phrase| !fits(phrase)) {
        None => Ok(()),
        Some(number) => {
            let detail = format!("must have 1 to {LONGEST_PHRASE} characters");
            let pointer = format!("/phrases/{number}");
            Err(invalid(&kinds::INVALID_BODY, summary, pointer, detail))
        }
    }
}

/// Stops the transcription; answers when all that was said is understood. Moderators only.
#[utoipa::path(
    tag = "transcripts",
    params(("call_id" = CallId, Path, description = "Which call.")),
    responses(
        (status = 200, description = "It has stopped.", body = Transcription),
        Access, Missing, Conflict, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[delete("/{call_id:call_[^/]*}/transcribe")]
pub(super) async fn stop_transcription(
    caller: Caller,
    app: web::Data<App>,
    call_id: web::Path<CallId>,
) -> Result<HttpResponse, Problem> {
    let call_id = call_id.into_inner();
    let by = caller.presence_in(&call_id)?;
    let stop = StopTranscription {
        call_id: call_id.clone(),
        by,
    };
    let stopped = app.ask(stop).await?;
    let transcription = or_over(&app, &call_id, stopped).await?;
    Ok(HttpResponse::Ok().json(transcription))
}

/// How a transcript is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    /// Utterances with their words, each with its time and confidence.
    #[default]
    Json,
    /// One line for each utterance, with its speaker, for people.
    Txt,
    /// `WebVTT`, speakers as voice spans.
    Vtt,
    /// `SubRip`.
    Srt,
}

/// How the transcript is wanted.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// How it is written.
    #[param(inline)]
    pub format: Format,
}

/// Gives all that was said in a call while it was transcribed. For applications, and for whoever was inside of it.
#[utoipa::path(
    tag = "transcripts",
    params(("call_id" = CallId, Path, description = "Which call."), Wanted),
    responses(
        (status = 200, description = "What was said; nothing where the call was not transcribed.", content(
            (Transcript = "application/json"), (String = "text/plain"), (String = "text/vtt"), (String = "application/x-subrip"),
        )),
        Access, Missing, BadQuery, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[get("/{call_id:call_[^/]*}/transcript")]
pub(super) async fn get_transcript(
    caller: Caller,
    app: web::Data<App>,
    call_id: web::Path<CallId>,
    Query(wanted): Query<Wanted>,
) -> Result<HttpResponse, Problem> {
    type Written = fn(&Transcript, &Names) -> String;

    let call = readable(&caller, &app, &call_id).await?;
    if let Caller::User(bearer) = &caller
        && !app
            .store
            .may_read_transcript(&call_id, &bearer.claims.sub)
            .await?
    {
        return Err(Problem::Forbidden(
            "the token's user was not inside this call",
        ));
    }
    let transcript = app.store.transcript(&call_id).await?;
    let (written, media_type, ending): (Written, _, _) = match wanted.format {
        Format::Json => return Ok(HttpResponse::Ok().json(transcript)),
        Format::Txt => (formats::txt, "text/plain; charset=utf-8", "txt"),
        Format::Vtt => (formats::vtt, "text/vtt; charset=utf-8", "vtt"),
        Format::Srt => (formats::srt, "application/x-subrip; charset=utf-8", "srt"),
    };
    // A call that goes on lists who is inside; who has left has a name, too.
    let stored = app.store.members(&call_id).await?;
    let names = Names::of(stored.iter().chain(&call.participants));
    let text = written(&transcript, &names);
    let name = format!("inline; filename=\"{}.{ending}\"", call_id.as_str());
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, media_type))
        .insert_header((CONTENT_DISPOSITION, name))
        .insert_header((X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
        .body(text))
}

/// What is sought.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Sought {
    /// Words that were all said in one go, in any order; 1 to 200 characters.
    #[param(min_length = 1, max_length = 200)]
    pub q: String,
    /// Only calls that this user was inside of.
    #[serde(default)]
    pub user_id: Option<UserId>,
}

/// Searches all transcripts, the latest words first. A user's token finds the calls that they were inside of.
#[utoipa::path(
    tag = "transcripts",
    params(Sought, Paging),
    responses(
        (status = 200, description = "One page of places where these words were said.", body = Page<Found>),
        Access, BadQuery, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[get("/transcripts/search")]
pub(super) async fn search_transcripts(
    caller: Caller,
    app: web::Data<App>,
    List(sought, paging): List<Sought>,
) -> Result<HttpResponse, Problem> {
    let words = sought.q.trim();
    if !(1..=LONGEST_SOUGHT).contains(&words.chars().count()) || words.contains('\0') {
        let detail = format!("must have 1 to {LONGEST_SOUGHT} characters");
        let summary = "the query has a bad parameter";
        return Err(invalid(
            &kinds::INVALID_QUERY,
            summary,
            "q".to_owned(),
            detail,
        ));
    }
    let by = caller.user(sought.user_id)?;
    let request = paging.request();
    let found = app
        .store
        .search(caller.org(), words, by.as_ref(), &request)
        .await?;
    Ok(HttpResponse::Ok().json(found))
}
