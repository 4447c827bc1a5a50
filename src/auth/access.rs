//! What each endpoint asks of an API key: one table, one check.
//!
//! Join tokens are judged by the call they are for, not here: the handlers ask [`Caller`](super::Caller) for it, and the
//! actors know present roles.

use actix_web::HttpRequest;
use actix_web::http::Method;
use calls_model::Scope;

use crate::http::documented_path;
use crate::http::problem::Problem;

/// What an endpoint asks of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// This scope.
    One(Scope),
    /// Any key will do.
    Nothing,
}

use Needs::{Nothing, One};
use Scope::{Admin, Calls, Keys, Moderate, Recordings, Rooms, Transcripts, Webhooks};

/// Every endpoint that takes credentials. A test compares it with the OpenAPI document, both ways.
pub const TABLE: &[(&str, &str, Needs)] = &[
    ("POST", "/initiate", One(Calls)),
    ("GET", "/history", One(Calls)),
    ("GET", "/ice-servers", Nothing),
    ("POST", "/connections", One(Calls)),
    ("POST", "/rooms", One(Rooms)),
    ("GET", "/rooms", One(Rooms)),
    ("GET", "/rooms/{room_id}", One(Rooms)),
    ("PATCH", "/rooms/{room_id}", One(Rooms)),
    ("DELETE", "/rooms/{room_id}", One(Rooms)),
    ("POST", "/rooms/{room_id}/join", One(Rooms)),
    ("POST", "/rooms/{room_id}/leave", One(Rooms)),
    ("GET", "/rooms/{room_id}/participants", One(Rooms)),
    ("GET", "/recordings", One(Recordings)),
    ("GET", "/recordings/{recording_id}", One(Recordings)),
    ("DELETE", "/recordings/{recording_id}", One(Recordings)),
    ("GET", "/recordings/{recording_id}/report", One(Recordings)),
    (
        "POST",
        "/recordings/{recording_id}/compose",
        One(Recordings),
    ),
    (
        "POST",
        "/recordings/{recording_id}/transcribe",
        One(Transcripts),
    ),
    (
        "GET",
        "/recordings/{recording_id}/download",
        One(Recordings),
    ),
    ("POST", "/webhooks", One(Webhooks)),
    ("GET", "/webhooks", One(Webhooks)),
    ("GET", "/webhooks/{webhook_id}", One(Webhooks)),
    ("PATCH", "/webhooks/{webhook_id}", One(Webhooks)),
    ("DELETE", "/webhooks/{webhook_id}", One(Webhooks)),
    ("POST", "/webhooks/{webhook_id}/test", One(Webhooks)),
    ("GET", "/webhooks/{webhook_id}/deliveries", One(Webhooks)),
    (
        "POST",
        "/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver",
        One(Webhooks),
    ),
    ("GET", "/events", One(Webhooks)),
    ("GET", "/events/stream", One(Webhooks)),
    ("GET", "/api-keys", One(Keys)),
    ("POST", "/api-keys", One(Keys)),
    ("POST", "/api-keys/{key_name}/rotate", One(Keys)),
    ("DELETE", "/api-keys/{key_name}", One(Keys)),
    ("GET", "/audit", One(Admin)),
    ("DELETE", "/users/{user_id}", One(Admin)),
    ("GET", "/transcripts/search", One(Transcripts)),
    ("POST", "/whip/{room_id}", One(Rooms)),
    ("PATCH", "/whip/{room_id}/{participant_id}", One(Rooms)),
    ("DELETE", "/whip/{room_id}/{participant_id}", One(Rooms)),
    ("POST", "/whep/{room_id}", One(Rooms)),
    ("PATCH", "/whep/{room_id}/{participant_id}", One(Rooms)),
    ("DELETE", "/whep/{room_id}/{participant_id}", One(Rooms)),
    ("GET", "/{call_id}", One(Calls)),
    ("DELETE", "/{call_id}", One(Admin)),
    ("GET", "/{call_id}/quality", One(Calls)),
    ("POST", "/{call_id}/files", One(Calls)),
    ("GET", "/{call_id}/files", One(Calls)),
    ("GET", "/{call_id}/files/{file_id}", One(Calls)),
    ("DELETE", "/{call_id}/files/{file_id}", One(Calls)),
    ("POST", "/{call_id}/answer", One(Calls)),
    ("POST", "/{call_id}/reject", One(Calls)),
    ("POST", "/{call_id}/cancel", One(Calls)),
    ("POST", "/{call_id}/end", One(Calls)),
    ("POST", "/{call_id}/say", One(Moderate)),
    ("POST", "/{call_id}/record/start", One(Recordings)),
    ("POST", "/{call_id}/record/stop", One(Recordings)),
    ("POST", "/{call_id}/record/pause", One(Recordings)),
    ("POST", "/{call_id}/record/resume", One(Recordings)),
    ("GET", "/{call_id}/recordings", One(Recordings)),
    ("POST", "/{call_id}/transcribe", One(Transcripts)),
    ("DELETE", "/{call_id}/transcribe", One(Transcripts)),
    ("GET", "/{call_id}/transcript", One(Transcripts)),
    ("POST", "/{call_id}/participants/mute-all", One(Moderate)),
    (
        "PATCH",
        "/{call_id}/participants/{participant_id}",
        One(Moderate),
    ),
    (
        "DELETE",
        "/{call_id}/participants/{participant_id}",
        One(Moderate),
    ),
];

/// Lets a key with these scopes through, or says which one it lacks. An endpoint that the table has forgotten is closed.
pub(super) fn check(request: &HttpRequest, scopes: &[Scope]) -> Result<(), Problem> {
    let path = documented_path(request);
    match path.and_then(|path| needs(request.method(), &path)) {
        Some(Nothing) => Ok(()),
        Some(One(scope)) if scopes.contains(&scope) => Ok(()),
        Some(One(needed)) => Err(Problem::ScopeMissing { needed }),
        None => Err(Problem::ScopeMissing { needed: Admin }),
    }
}

/// What the endpoint at this path of the document asks for.
fn needs(method: &Method, path: &str) -> Option<Needs> {
    let row = TABLE
        .iter()
        .find(|(verb, known, _)| *verb == method.as_str() && *known == path);
    row.map(|(_, _, needs)| *needs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_table_does_not_know_is_closed() {
        assert_eq!(needs(&Method::GET, "/unheard-of"), None);
        assert_eq!(needs(&Method::PUT, "/rooms"), None);
    }

    #[test]
    fn each_endpoint_of_the_document_stands_in_the_table_and_none_other() {
        let document = serde_json::to_value(crate::http::openapi::document()).unwrap();
        let mut documented = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let secured = operation.get("security").is_some();
                if let (Some(path), true) = (path.strip_prefix(crate::http::BASE), secured) {
                    documented.push((method.to_uppercase(), path.to_owned()));
                }
            }
        }
        let mut table: Vec<_> = TABLE
            .iter()
            .map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned()))
            .collect();
        documented.sort();
        table.sort();
        assert_eq!(documented, table);
    }
}
