//! `/api/v1/calls/{call_id}/say`: announcements.

use actix_web::{HttpResponse, post, web};
use calls_actors::announcer::PACKET;
use calls_actors::calls::{MaySay, Say as SayInCall};
use calls_model::CallId;
use calls_model::rest::{Say, Saying};

use super::calls::or_over;
use super::extract::{Body, invalid};
use super::problem::documented::{Access, BadBody, Conflict, Missing, Unavailable};
use super::problem::{Problem, kinds};
use crate::app::App;
use crate::auth::Caller;
use crate::voice::Line;

/// Longest text, in characters.
const LONGEST: usize = 1000;

/// Says something aloud in a call, with the voice of a bot whom everybody sees. Moderators only.
///
/// What is said while something else is being said comes after it. The bot goes when it has nothing to say for a while;
/// who mutes it cuts it short.
#[utoipa::path(
    tag = "calls",
    params(("call_id" = CallId, Path, description = "Which call.")),
    request_body = Say,
    responses(
        (status = 202, description = "It is being said, or is next.", body = Saying),
        Access, Missing, BadBody, Conflict, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[post("/{call_id:call_[^/]*}/say")]
pub(super) async fn say(
    caller: Caller,
    app: web::Data<App>,
    call_id: web::Path<CallId>,
    Body(asked): Body<Say>,
) -> Result<HttpResponse, Problem> {
    let call_id = call_id.into_inner();
    let by = caller.presence_in(&call_id)?;
    let text = asked.text.trim();
    if !(1..=LONGEST).contains(&text.chars().count()) || text.contains('\0') {
        let detail = format!("must have 1 to {LONGEST} characters");
        let summary = "the body has a bad field";
        let pointer = "/text".to_owned();
        return Err(invalid(&kinds::INVALID_BODY, summary, pointer, detail));
    }
    let line = Line {
        text: text.to_owned(),
        language: asked
            .language
            .unwrap_or_else(|| app.config.voice.language.clone()),
        voice: asked.voice,
    };
    // Synthesis costs; who may not speak costs nothing.
    let may = MaySay {
        call_id: call_id.clone(),
        by: by.clone(),
    };
    or_over(&app, &call_id, app.ask(may).await?).await?;
    let speech = app.voice.speak(&line).await?;
    let duration = PACKET * u32::try_from(speech.len()).unwrap_or(u32::MAX);
    let said = SayInCall {
        call_id: call_id.clone(),
        by,
        speech,
    };
    let said = app.ask(said).await?;
    let participant_id = or_over(&app, &call_id, said).await?;
    Ok(HttpResponse::Accepted().json(Saying {
        participant_id,
        duration_ms: u64::try_from(duration.as_millis()).unwrap_or(u64::MAX),
    }))
}
