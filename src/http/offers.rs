//! What WHIP and WHEP share: a presence without a socket, that lives as long as its connection does.

use actix::Addr;
use actix_web::http::header::{ETAG, IF_MATCH, LINK, LOCATION};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use calls_actors::calls::{FindParticipant, Found, JoinRoom, RoomSnapshot};
use calls_actors::participant::{ClientRequest, OfferSdp, Participant, SignalRefused};
use calls_media::SdpRefused;
use calls_model::rest::{Admission, IceServer};
use calls_model::signal::{Empty, Request};
use calls_model::{ParticipantId, Role, RoomId, Scope, UserId};

use super::problem::{Problem, kinds};
use super::rooms::at_door;
use super::routes::BASE;
use crate::app::{App, PATIENCE};
use crate::auth::door::PasswordRefused;
use crate::auth::{Bearer, Caller, Issuer};
use crate::store::RoomAtDoor;

/// A presence, found or made.
pub(super) struct Presence {
    id: ParticipantId,
    user: UserId,
    actor: Addr<Participant>,
    /// By which key it is there.
    issuer: Issuer,
    /// It was made for this offer, and goes if the offer is refused.
    guest: bool,
}

impl Presence {
    /// The presence that the caller's token is for; an application gets a guest of its own, that `sends` or only
    /// watches.
    pub(super) async fn of(
        app: &App,
        caller: &Caller,
        room_id: &RoomId,
        sends: bool,
    ) -> Result<Self, Problem> {
        let door = at_door(app, room_id).await?;
        if door.room.encryption.is_end_to_end() {
            return Err(Problem::EndToEndEncrypted(
                "what WHIP and WHEP carry is not",
            ));
        }
        let Caller::User(bearer) = caller else {
            return Self::guest(app, caller, door, sends).await;
        };
        let found = caller.in_room(room_id)?;
        let found = found.ok_or(Problem::Forbidden("the token is for no call"))?;
        Ok(Self::theirs(bearer, found))
    }

    fn theirs(bearer: &Bearer, found: &Found) -> Self {
        Self {
            id: found.participant_id.clone(),
            user: bearer.claims.sub.clone(),
            issuer: bearer.claims.issuer.clone(),
            actor: found.participant.clone(),
            guest: false,
        }
    }

    async fn guest(
        app: &App,
        caller: &Caller,
        door: RoomAtDoor,
        sends: bool,
    ) -> Result<Self, Problem> {
        if door.password_hash.is_some() {
            // There is no place for a password in an offer: join first, and bring the token.
            return Err(Problem::Password(PasswordRefused::Missing));
        }
        let name = ParticipantId::new()
            .as_str()
            .replacen(ParticipantId::PREFIX, "guest-", 1);
        let user: UserId = name.parse().map_err(|_| Problem::Internal)?;
        let join = JoinRoom {
            room: door.room,
            user_id: user.clone(),
            display_name: None,
            role: (!sends).then_some(Role::Observer),
            guest: true,
            hidden: false,
        };
        let seat = app.ask(join).await??.seat;
        let find = FindParticipant {
            call_id: seat.call_id,
            participant_id: seat.participant_id,
        };
        let found = app
            .ask(find)
            .await?
            .ok_or(Problem::Unavailable("the room"))?;
        let guest = Self {
            id: found.participant_id,
            user,
            issuer: caller.issuer().clone(),
            actor: found.participant,
            guest: true,
        };
        if seat.admission == Admission::Waiting {
            guest.leave().await?; // nobody could tell it that it was let in
            return Err(Problem::NotAdmitted);
        }
        Ok(guest)
    }

    /// The presence that a session's path names.
    pub(super) async fn find(
        app: &App,
        caller: &Caller,
        room_id: &RoomId,
        id: &ParticipantId,
    ) -> Result<Self, Problem> {
        if let Caller::User(bearer) = caller {
            return match caller.in_room(room_id)? {
                Some(found) if found.participant_id == *id => Ok(Self::theirs(bearer, found)),
                _ => Err(Problem::Forbidden("the token is not for this session")),
            };
        }
        let application = caller.application()?;
        let missing = Problem::NotFound { what: "session" };
        let Some(now) = app.ask(RoomSnapshot(room_id.clone())).await? else {
            return Err(missing);
        };
        let find = FindParticipant {
            call_id: now.call_id,
            participant_id: id.clone(),
        };
        let found = app.ask(find).await?.ok_or(missing)?;
        let user = now
            .members
            .into_iter()
            .find(|m| m.participant_id.as_ref() == Some(id));
        let user = user.ok_or(Problem::NotFound { what: "session" })?.user_id;
        if !application.scopes.contains(&Scope::Moderate)
            && !app.sessions.are_of(id, caller.issuer())
        {
            return Err(Problem::ScopeMissing {
                needed: Scope::Moderate,
            }); // to end what is another's is to moderate
        }
        Ok(Self {
            id: found.participant_id,
            user,
            issuer: caller.issuer().clone(),
            actor: found.participant,
            guest: false,
        })
    }

    /// Answers an offer as RFC 9725 §4.2 wants it answered.
    pub(super) async fn answer(
        self,
        app: &Data<App>,
        kind: &str,
        room_id: &RoomId,
        offer: Result<OfferSdp, SdpRefused>,
    ) -> Result<HttpResponse, Problem> {
        let answered = match offer {
            Ok(offer) => self.actor.send(offer).timeout(PATIENCE).await,
            Err(refused) => Ok(Err(SignalRefused::Sdp(refused))),
        };
        let answer = match answered.map_err(Problem::from).and_then(|said| Ok(said?)) {
            Ok(answer) => answer,
            Err(refused) => {
                if self.guest {
                    let _ = self.leave().await; // the offer's own refusal says more
                }
                return Err(refused);
            }
        };
        self.end_with_key(app.clone());
        let mut response = HttpResponse::Created();
        response
            .content_type("application/sdp")
            .insert_header((LOCATION, format!("{BASE}/{kind}/{room_id}/{}", self.id)))
            .insert_header((ETAG, etag(&self.id)));
        for link in app.ice_servers(&self.user).iter().flat_map(links) {
            response.append_header((LINK, link));
        }
        Ok(response.body(answer))
    }

    /// There is no socket that hears of it when the key that opened this is revoked, so somebody waits for that here.
    fn end_with_key(&self, app: Data<App>) {
        if self.issuer.key.is_none() {
            return;
        }
        let (id, issuer, actor) = (self.id.clone(), self.issuer.clone(), self.actor.clone());
        app.sessions.begin(id.clone(), issuer.clone());
        actix::spawn(async move {
            if app.revoked.reaches(&issuer, || actor.connected()).await {
                let request = Request::Leave(Empty {});
                actor.do_send(ClientRequest { request });
            }
            app.sessions.end(&id);
        });
    }

    /// Ends it.
    pub(super) async fn leave(&self) -> Result<(), Problem> {
        let leave = ClientRequest {
            request: Request::Leave(Empty {}),
        };
        self.actor.send(leave).timeout(PATIENCE).await??;
        Ok(())
    }
}

/// Names the ICE session. It never restarts, so it is named as its presence is.
fn etag(id: &ParticipantId) -> String {
    format!("\"{id}\"")
}

/// What a PATCH may ask of: the one ICE session there is (RFC 9725 §4.3).
pub(super) fn same_session(request: &HttpRequest, id: &ParticipantId) -> Result<(), Problem> {
    let Some(wanted) = request.headers().get(IF_MATCH) else {
        return Ok(());
    };
    match wanted.as_bytes() {
        b"*" => Err(Problem::Invalid {
            kind: &kinds::RESTART_UNSUPPORTED,
            detail: "ICE is restarted by a new offer, not by PATCH".to_owned(),
            errors: Vec::new(),
        }),
        wanted if wanted == etag(id).as_bytes() => Ok(()),
        _ => Err(Problem::PreconditionFailed),
    }
}

/// `Link` values for one ICE server (RFC 9725 §4.6).
fn links(server: &IceServer) -> Vec<String> {
    let quoted = |name: &str, value: &Option<String>| {
        value
            .as_ref()
            .map_or(String::new(), |value| format!("; {name}=\"{value}\""))
    };
    let username = quoted("username", &server.username);
    let credential = quoted("credential", &server.credential);
    let suffix = if server.credential.is_some() {
        "; credential-type=\"password\""
    } else {
        ""
    };
    let link = |url: &String| format!("<{url}>; rel=\"ice-server\"{username}{credential}{suffix}");
    server.urls.iter().map(link).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ice_server_is_told_in_a_link() {
        let server = IceServer {
            urls: vec!["turn:t.example".to_owned()],
            username: Some("u".to_owned()),
            credential: Some("p".to_owned()),
        };
        assert_eq!(
            links(&server),
            [
                r#"<turn:t.example>; rel="ice-server"; username="u"; credential="p"; credential-type="password""#
            ]
        );
    }
}
