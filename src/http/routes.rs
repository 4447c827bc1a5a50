//! Which path leads where.

use actix_web::{HttpRequest, HttpResponse, web};
use utoipa_actix_web::scope;
use utoipa_actix_web::service_config::ServiceConfig;

use super::problem::Problem;
use super::{
    audit, calls, connections, docs, erasure, events, extract, files, health, ice, keys, openapi,
    participants, quality, recordings, rooms, saying, transcripts, web as pages, webhooks, whep,
    whip, ws,
};

/// Where REST begins.
pub(crate) const BASE: &str = "/api/v1/calls";

/// The path as routes see it: with what did not have to be percent-encoded decoded (RFC 3986 §6.2.2.2).
pub(crate) fn path(request: &HttpRequest) -> &str {
    request.match_info().as_str()
}

/// The path below [`BASE`] of the endpoint that a request is for, as the OpenAPI document writes it.
pub(crate) fn documented_path(request: &HttpRequest) -> Option<String> {
    let pattern = request.match_pattern()?;
    let path = pattern.strip_prefix(BASE)?;
    Some(path.replace("{call_id:call_[^/]*}", "{call_id}")) // the document writes it without what it looks like
}

/// Every path of the OpenAPI document.
pub(super) fn documented(config: &mut ServiceConfig<'_>) {
    config
        .service(health::healthz)
        .service(health::readyz)
        .service(health::metrics);
    config.service(
        // Paths of fixed words come before `/{call_id}`, so that no word is ever taken for an id.
        scope::scope(BASE)
            .service(openapi::openapi_json)
            .service(openapi::asyncapi_json)
            .service(calls::initiate)
            .service(calls::history)
            .service(ice::ice_servers)
            .service(connections::open_connection)
            .service(ws::signaling)
            .service(rooms::create_room)
            .service(rooms::list_rooms)
            .service(rooms::get_room)
            .service(rooms::update_room)
            .service(rooms::delete_room)
            .service(rooms::join_room)
            .service(rooms::leave_room)
            .service(rooms::list_participants)
            .service(recordings::list_all_recordings)
            .service(recordings::get_recording)
            .service(recordings::recording_report)
            .service(recordings::delete_recording)
            .service(recordings::compose_recording)
            .service(recordings::transcribe_recording)
            .service(recordings::download_recording)
            .service(webhooks::create_webhook)
            .service(webhooks::list_webhooks)
            .service(webhooks::get_webhook)
            .service(webhooks::update_webhook)
            .service(webhooks::delete_webhook)
            .service(webhooks::test_webhook)
            .service(webhooks::list_deliveries)
            .service(webhooks::redeliver)
            .service(keys::create_key)
            .service(keys::list_keys)
            .service(keys::rotate_key)
            .service(keys::revoke_key)
            .service(audit::audit_log)
            .service(erasure::erase_user)
            .service(events::list_events)
            .service(events::stream_events)
            .service(saying::say)
            .service(transcripts::search_transcripts)
            .service(whip::whip_offer)
            .service(whip::whip_trickle)
            .service(whip::whip_stop)
            .service(whep::whep_offer)
            .service(whep::whep_trickle)
            .service(whep::whep_stop)
            .service(calls::get_call)
            .service(erasure::erase_call)
            .service(quality::call_quality)
            .service(calls::answer)
            .service(calls::reject)
            .service(calls::cancel)
            .service(calls::end)
            .service(recordings::start_recording)
            .service(recordings::stop_recording)
            .service(recordings::pause_recording)
            .service(recordings::resume_recording)
            .service(recordings::list_recordings)
            .service(transcripts::start_transcription)
            .service(transcripts::stop_transcription)
            .service(transcripts::get_transcript)
            .service(files::share_file)
            .service(files::list_files)
            .service(files::fetch_file)
            .service(files::delete_file)
            .service(participants::mute_all)
            .service(participants::update_participant)
            .service(participants::remove_participant),
    );
}

/// Everything that is served.
pub(super) fn all(config: &mut web::ServiceConfig) {
    config.app_data(extract::path_config());
    #[cfg(feature = "testing")]
    config.service(super::testing::crash); // before the scope around it, which would say that there is no such path
    documented(&mut ServiceConfig::new(config));
    config
        .service(docs::folder)
        .service(docs::problems)
        .service(docs::swagger);
    config.default_service(web::to(fallback));
}

/// Whatever no route took: a page, a known path with a method it does not know, or nothing.
async fn fallback(request: HttpRequest) -> Result<HttpResponse, Problem> {
    if let Some(page) = pages::page(&request) {
        return Ok(page);
    }
    let asked = request.method().as_str();
    match openapi::methods(request.path()) {
        Some(allow) if allow.split(", ").all(|method| method != asked) => {
            Err(Problem::MethodNotAllowed { allow })
        }
        // A path that looks like a known one, but has no id where one belongs.
        Some(_) | None if pages::wants_page(&request) => Ok(pages::not_found()),
        Some(_) | None => Err(Problem::NotFound { what: "path" }),
    }
}
