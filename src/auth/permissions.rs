//! What a token that an application narrowed still allows: asked of every request on its socket and by REST. Roles are the
//! actors' to know; this only takes away.

use actix_web::HttpRequest;
use calls_model::Permission;
use calls_model::signal::{PublishedMid, Request};

use super::tokens::Place;
use crate::http::documented_path;
use crate::http::problem::Problem;

/// What endpoints ask of a token.
const ENDPOINTS: &[(&str, &str, Permission)] = &[
    (
        "POST",
        "/{call_id}/participants/mute-all",
        Permission::Moderate,
    ),
    (
        "PATCH",
        "/{call_id}/participants/{participant_id}",
        Permission::Moderate,
    ),
    (
        "DELETE",
        "/{call_id}/participants/{participant_id}",
        Permission::Moderate,
    ),
    ("POST", "/{call_id}/say", Permission::Moderate),
    ("POST", "/{call_id}/end", Permission::Moderate),
    ("GET", "/{call_id}/recordings", Permission::Record),
    ("GET", "/recordings/{recording_id}", Permission::Record),
    (
        "GET",
        "/recordings/{recording_id}/report",
        Permission::Record,
    ),
    (
        "GET",
        "/recordings/{recording_id}/download",
        Permission::Record,
    ),
    ("POST", "/{call_id}/record/start", Permission::Record),
    ("POST", "/{call_id}/record/stop", Permission::Record),
    ("POST", "/{call_id}/record/pause", Permission::Record),
    ("POST", "/{call_id}/record/resume", Permission::Record),
    (
        "POST",
        "/recordings/{recording_id}/transcribe",
        Permission::Transcribe,
    ),
    ("POST", "/{call_id}/transcribe", Permission::Transcribe),
    ("DELETE", "/{call_id}/transcribe", Permission::Transcribe),
    ("POST", "/{call_id}/files", Permission::PublishData),
    ("POST", "/whep/{room_id}", Permission::Subscribe),
];

/// Whether the token of this place still allows it.
pub(crate) fn may(place: &Place, needed: Permission) -> Result<(), Problem> {
    match &place.only {
        Some(only) if !only.contains(&needed) => Err(Problem::NotGranted { needed }),
        Some(_) | None => Ok(()),
    }
}

/// Whether it still allows sending these.
pub(crate) fn may_publish(place: &Place, publish: &[PublishedMid]) -> Result<(), Problem> {
    let mut needed = publish.iter().map(|one| Permission::to_publish(one.source));
    needed.try_for_each(|needed| may(place, needed))
}

/// Whether it still allows this request on a socket.
pub(crate) fn may_ask(place: &Place, request: &Request) -> Result<(), Problem> {
    match request {
        Request::Offer(offer) => {
            may_publish(place, &offer.publish)?;
            if receives(&offer.sdp) {
                may(place, Permission::Subscribe)?;
            }
            Ok(())
        }
        Request::View(_) => may(place, Permission::Subscribe),
        Request::Chat(_) | Request::Data(_) => may(place, Permission::PublishData),
        Request::Hand(_) if place.is_hidden() => may(place, Permission::PublishData),
        Request::Mod(_) => may(place, Permission::Moderate),
        Request::Record(_) => may(place, Permission::Record),
        Request::Transcribe(_) => may(place, Permission::Transcribe),
        Request::Hello(_)
        | Request::Candidate(_)
        | Request::Mute(_)
        | Request::Hand(_)
        | Request::Leave(_)
        | Request::Stats(_) => Ok(()),
    }
}

/// Whether it still allows this endpoint.
pub(super) fn may_call(place: &Place, request: &HttpRequest) -> Result<(), Problem> {
    let path = documented_path(request).unwrap_or_default();
    let method = request.method().as_str();
    let row = ENDPOINTS
        .iter()
        .find(|(verb, known, _)| *verb == method && *known == path);
    row.map_or(Ok(()), |(_, _, needed)| may(place, *needed))
}

/// Some m-line of sound or pictures wants to be sent something: `sendrecv` is what an m-line means that says nothing
/// (RFC 8866 §6.7).
pub(crate) fn receives(sdp: &str) -> bool {
    let mut sections = sdp.split("\nm=").skip(1);
    sections.any(|section| {
        let media = section.starts_with("audio") || section.starts_with("video");
        let says = |word: &str| section.lines().any(|line| line.trim_end() == word);
        let both = says("a=sendrecv") || says("a=recvonly"); // whatever else it says
        media && (both || (!says("a=sendonly") && !says("a=inactive")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_m_line_receives_unless_it_says_otherwise() {
        let with =
            |line: &str| format!("v=0\r\ns=-\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n{line}\r\n");
        assert!(receives(&with("a=recvonly")) && receives(&with("a=mid:0")));
        assert!(!receives(&with("a=sendonly")) && !receives(&with("a=inactive")));
        assert!(
            receives(&with("a=sendonly\r\na=sendrecv"))
                && receives(&with("a=inactive\r\na=recvonly"))
        );
        assert!(!receives(
            "v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
        ));
    }
}
