//! `/api/v1/calls/rooms/…`: places that hold one call after another.

use actix_web::http::header::LOCATION;
use actix_web::{HttpRequest, HttpResponse, delete, get, patch, post, web};
use calls_actors::calls::{self, Found, JoinRefused, RoomChanged, RoomDeleted, RoomSnapshot};
use calls_actors::participant::SignalRefused;
use calls_model::fact::HashChange;
use calls_model::rest::{Change, CreateRoom, JoinRoom, JoinedRoom, LeaveRoom, Page, UpdateRoom};
use calls_model::{
    Encryption, Fact, Member, Permission, Role, Room, RoomId, RoomNow, RoomSettings,
};

use super::calls::told_of;
use super::extract::{All, Body, List, invalid};
use super::paging::Paging;
use super::problem::documented::{
    Access, BadBody, BadQuery, Conflict, Missing, TooMany, Unavailable,
};
use super::problem::{Problem, kinds};
use super::routes::BASE;
use super::transcripts::fit_to_be_heard;
use super::{connections, origin};
use crate::app::App;
use crate::auth::{Bearer, Caller, Returning};
use crate::store::{KeptOut, RoomAtDoor};

/// Makes a room.
#[utoipa::path(
    tag = "rooms",
    request_body = CreateRoom,
    responses(
        (status = 201, description = "The room.", body = Room, headers(("Location" = String, description = "Where the room is."))),
        Access, BadBody, Conflict, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[post("/rooms")]
pub(super) async fn create_room(
    caller: Caller,
    app: web::Data<App>,
    Body(asked): Body<CreateRoom>,
) -> Result<HttpResponse, Problem> {
    caller.application()?;
    readable_enough(asked.encryption, asked.settings)?;
    fit_to_be_heard(&app, &asked.phrases).await?;
    let password_hash = match asked.password {
        Some(password) => Some(app.door.hash(password).await?),
        None => None,
    };
    let room = Room {
        room_id: RoomId::new(),
        name: asked.name,
        room_type: asked.room_type,
        max_participants: asked.max_participants.get(),
        settings: RoomSettings {
            require_password: password_hash.is_some(),
            ..asked.settings
        },
        current_participants: 0,
        created_at: app.clock.now(),
        scheduled_at: asked.scheduled_at,
        locked: false,
        host: asked.host,
        encryption: asked.encryption,
        org_id: caller.org().clone(),
        phrases: asked.phrases,
    };
    app.store
        .record(vec![Fact::RoomCreated {
            room: room.clone(),
            password_hash,
        }])
        .await?;
    Ok(HttpResponse::Created()
        .insert_header((LOCATION, format!("{BASE}/rooms/{}", room.room_id)))
        .json(room))
}

/// Lists rooms, the latest first.
#[utoipa::path(
    tag = "rooms",
    params(Paging),
    responses(
        (status = 200, description = "One page of rooms.", body = Page<Room>),
        Access, BadQuery, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[get("/rooms")]
pub(super) async fn list_rooms(
    caller: Caller,
    app: web::Data<App>,
    List(All {}, paging): List<All>,
) -> Result<HttpResponse, Problem> {
    caller.application()?;
    Ok(HttpResponse::Ok().json(app.store.rooms(caller.org(), &paging.request()).await?))
}

/// Gives one room. A token may read its own room for as long as it lasts.
#[utoipa::path(
    tag = "rooms",
    params(("room_id" = RoomId, Path, description = "Which room.")),
    responses(
        (status = 200, description = "The room, and what runs in it.", body = RoomNow),
        Access, Missing, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[get("/rooms/{room_id}")]
pub(super) async fn get_room(
    Returning(caller): Returning,
    app: web::Data<App>,
    room_id: web::Path<RoomId>,
) -> Result<HttpResponse, Problem> {
    caller.in_room(&room_id)?;
    let room = at_door(&app, &room_id).await?.room;
    let now = app.ask(RoomSnapshot(room.room_id.clone())).await?;
    Ok(HttpResponse::Ok().json(RoomNow {
        room,
        recording: now.as_ref().is_some_and(|now| now.recording),
        transcription: now.as_ref().is_some_and(|now| now.transcription),
    }))
}

/// Changes a room; what is left out stays. Members hear of it at once.
#[utoipa::path(
    tag = "rooms",
    params(("room_id" = RoomId, Path, description = "Which room.")),
    request_body = UpdateRoom,
    responses(
        (status = 200, description = "The room as it is now.", body = Room),
        Access, Missing, BadBody, Conflict, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[patch("/rooms/{room_id}")]
pub(super) async fn update_room(
    caller: Caller,
    app: web::Data<App>,
    room_id: web::Path<RoomId>,
    Body(asked): Body<UpdateRoom>,
) -> Result<HttpResponse, Problem> {
    caller.application()?;
    if let Some(phrases) = &asked.phrases {
        fit_to_be_heard(&app, phrases).await?;
    }
    let password_hash = match &asked.password {
        Change::Keep => HashChange::Keep,
        Change::Remove => HashChange::Remove,
        Change::Set(password) => HashChange::Set(app.door.hash(password.clone()).await?),
    };
    let room = updated(at_door(&app, &room_id).await?.room, &asked);
    readable_enough(room.encryption, room.settings)?;
    let fact = Fact::RoomUpdated {
        room: room.clone(),
        password_hash,
    };
    app.store.record(vec![fact]).await?;
    app.ask(RoomChanged(room.clone())).await?;
    Ok(HttpResponse::Ok().json(room))
}

/// Deletes a room and ends its call; the history stays.
#[utoipa::path(
    tag = "rooms",
    params(("room_id" = RoomId, Path, description = "Which room.")),
    responses(
        (status = 204, description = "It is gone."),
        Access, Missing, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[delete("/rooms/{room_id}")]
pub(super) async fn delete_room(
    caller: Caller,
    app: web::Data<App>,
    room_id: web::Path<RoomId>,
) -> Result<HttpResponse, Problem> {
    caller.application()?;
    let room_id = at_door(&app, &room_id).await?.room.room_id;
    let fact = Fact::RoomDeleted {
        room_id: room_id.clone(),
        at: app.clock.now(),
    };
    app.store.record(vec![fact]).await?;
    app.ask(RoomDeleted(room_id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Brings a user in, or into the waiting room; the first one starts the room's call.
#[utoipa::path(
    tag = "rooms",
    params(("room_id" = RoomId, Path, description = "Which room.")),
    request_body = JoinRoom,
    responses(
        (status = 200, description = "Inside, or waiting; connect with `connection`.", body = JoinedRoom),
        Access, Missing, BadBody, Conflict, TooMany, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[post("/rooms/{room_id}/join")]
pub(super) async fn join_room(
    Returning(caller): Returning,
    app: web::Data<App>,
    request: HttpRequest,
    room_id: web::Path<RoomId>,
    Body(asked): Body<JoinRoom>,
) -> Result<HttpResponse, Problem> {
    may_join(&app, &caller, &room_id, &asked).await?;
    let hidden = is_hidden(&caller, &asked)?;
    let RoomAtDoor {
        room,
        password_hash,
    } = at_door(&app, &room_id).await?;
    if let Some(hash) = password_hash {
        let from = origin::address(&request, &app);
        app.door.check(&room_id, from, asked.password, hash).await?;
    }
    let join = calls::JoinRoom {
        room,
        user_id: asked.user_id,
        display_name: asked.display_name,
        role: hidden.then_some(Role::Observer).or(asked.role),
        guest: false,
        hidden,
    };
    let calls::Seated {
        seat, participant, ..
    } = app.ask(join).await??;
    let connection = connections::of_seat(
        &app,
        &request,
        (&seat, &participant),
        Some(room_id.clone()),
        (&caller, asked.grants),
    );
    let join_url = origin::join_url(&request, &app, &room_id, &connection.token);
    Ok(HttpResponse::Ok().json(JoinedRoom {
        participant_id: seat.participant_id,
        call_id: seat.call_id,
        role: seat.role,
        state: seat.admission,
        connection,
        join_url,
    }))
}

/// Takes a user out; leaving twice changes nothing.
#[utoipa::path(
    tag = "rooms",
    params(("room_id" = RoomId, Path, description = "Which room.")),
    request_body = LeaveRoom,
    responses(
        (status = 204, description = "The user is out."),
        Access, Missing, BadBody, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[post("/rooms/{room_id}/leave")]
pub(super) async fn leave_room(
    caller: Caller,
    app: web::Data<App>,
    room_id: web::Path<RoomId>,
    Body(asked): Body<LeaveRoom>,
) -> Result<HttpResponse, Problem> {
    caller.user(Some(asked.user_id.clone()))?;
    if let Caller::User(bearer) = &caller
        && bearer.claims.place.is_some()
    {
        caller.in_room(&room_id)?;
    }
    let room_id = at_door(&app, &room_id).await?.room.room_id;
    app.ask(calls::LeaveRoom {
        room_id,
        user_id: asked.user_id,
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Lists who is inside now.
#[utoipa::path(
    tag = "rooms",
    params(("room_id" = RoomId, Path, description = "Which room."), Paging),
    responses(
        (status = 200, description = "One page of participants, first come first.", body = Page<Member>),
        Access, Missing, BadQuery, Unavailable,
    ),
    security(("bearer" = [])),
)]
#[get("/rooms/{room_id}/participants")]
pub(super) async fn list_participants(
    caller: Caller,
    app: web::Data<App>,
    room_id: web::Path<RoomId>,
    List(All {}, paging): List<All>,
) -> Result<HttpResponse, Problem> {
    let asking = caller.in_room(&room_id)?;
    at_door(&app, &room_id).await?;
    let now = app.ask(RoomSnapshot(room_id.into_inner())).await?;
    let members = now.map(|now| now.members).unwrap_or_default();
    if let Some(Found { participant_id, .. }) = asking {
        let inside = |member: &Member| member.participant_id.as_ref() == Some(participant_id);
        if !members.iter().any(inside) {
            return Err(Problem::Signal(SignalRefused::NotAdmitted));
        }
    }
    let told = told_of(&caller, members);
    Ok(HttpResponse::Ok().json(paging.of_live(told)?))
}

/// Whether somebody comes in whom nobody else is to learn of: the application says so, and their token keeps it. Such
/// a one can only hear and see.
fn is_hidden(caller: &Caller, asked: &JoinRoom) -> Result<bool, Problem> {
    let kept = caller.place().and_then(|place| place.only.as_ref());
    let Some(grants) = asked.grants.as_ref().or(kept) else {
        return Ok(false);
    };
    if !grants.contains(&Permission::Hidden) {
        return Ok(false);
    }
    let refuse = |pointer: &str, detail: &str| {
        let (pointer, detail) = (pointer.to_owned(), detail.to_owned());
        let summary = "the presence cannot be hidden so";
        Err(invalid(&kinds::INVALID_BODY, summary, pointer, detail))
    };
    let quiet = |one: &Permission| matches!(one, Permission::Hidden | Permission::Subscribe);
    if !grants.iter().all(quiet) {
        return refuse("/grants", "`hidden` goes with `subscribe` alone");
    }
    if !matches!(asked.role, None | Some(Role::Observer)) {
        return refuse("/role", "who is hidden is an observer");
    }
    Ok(true)
}

/// The room, or that there is none.
pub(super) async fn at_door(app: &App, room_id: &RoomId) -> Result<RoomAtDoor, Problem> {
    app.store
        .room_at_door(room_id)
        .await?
        .ok_or(Problem::NotFound { what: "room" })
}

/// Applications bring anybody in; the bearer of a token of this room may come back in their own name, unless a
/// moderator put them out.
async fn may_join(
    app: &App,
    caller: &Caller,
    room_id: &RoomId,
    asked: &JoinRoom,
) -> Result<(), Problem> {
    caller.user(Some(asked.user_id.clone()))?;
    caller.in_room(room_id)?;
    let Caller::User(Bearer { claims, .. }) = caller else {
        return Ok(());
    };
    if asked.grants.is_some() {
        return Err(Problem::Forbidden("only an API key may narrow a token"));
    }
    if !matches!(asked.role, None | Some(Role::Participant | Role::Observer)) {
        return Err(Problem::Forbidden("only an API key may ask for that role"));
    }
    let Some(place) = &claims.place else {
        return Ok(());
    };
    let kept_out = app
        .store
        .kept_out(&place.call, &place.part, &claims.sub)
        .await?;
    match kept_out {
        Some(KeptOut::Removed) => Err(Problem::Join(JoinRefused::Removed)),
        Some(KeptOut::Denied) => Err(Problem::Denied),
        None => Ok(()),
    }
}

/// Nobody transcribes what the server cannot hear.
fn readable_enough(encryption: Encryption, settings: RoomSettings) -> Result<(), Problem> {
    if encryption.is_end_to_end() && settings.auto_transcribe {
        return Err(Problem::EndToEndEncrypted(
            "the server cannot transcribe it",
        ));
    }
    Ok(())
}

/// The room as it is after the change. Those inside stay inside, however low the ceiling gets.
fn updated(mut room: Room, change: &UpdateRoom) -> Room {
    if let Some(name) = &change.name {
        room.name = name.clone();
    }
    if let Some(ceiling) = change.max_participants {
        room.max_participants = ceiling.get();
    }
    if let Some(rules) = change.settings {
        let settings = &mut room.settings;
        settings.allow_recording = rules.allow_recording.unwrap_or(settings.allow_recording);
        settings.auto_transcribe = rules.auto_transcribe.unwrap_or(settings.auto_transcribe);
        settings.waiting_room = rules.waiting_room.unwrap_or(settings.waiting_room);
        settings.allow_chat = rules.allow_chat.unwrap_or(settings.allow_chat);
        settings.allow_screen = rules.allow_screen.unwrap_or(settings.allow_screen);
        settings.allow_files = rules.allow_files.unwrap_or(settings.allow_files);
    }
    room.settings.require_password = match change.password {
        Change::Keep => room.settings.require_password,
        Change::Remove => false,
        Change::Set(_) => true,
    };
    room.scheduled_at = change.scheduled_at.or(room.scheduled_at);
    room.locked = change.locked.unwrap_or(room.locked);
    room.host = change.host.clone().over(room.host);
    if let Some(phrases) = &change.phrases {
        room.phrases.clone_from(phrases);
    }
    room
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn room() -> Room {
        serde_json::from_value(json!({
            "room_id": "room_1", "name": "Daily", "type": "persistent", "max_participants": 10,
            "settings": {"require_password": true, "waiting_room": true},
            "current_participants": 0, "created_at": "2024-01-01T08:00:00Z", "host": "ann",
        }))
        .unwrap()
    }

    fn change(body: serde_json::Value) -> Room {
        updated(room(), &serde_json::from_value(body).unwrap())
    }

    #[test]
    fn what_is_left_out_stays() {
        assert_eq!(change(json!({})), room());
    }

    #[test]
    fn a_null_password_opens_the_room_and_leaves_its_other_rules() {
        let changed = change(json!({"password": null})).settings;
        assert!(!changed.require_password && changed.waiting_room);
    }

    #[test]
    fn a_null_host_leaves_the_role_to_the_first_who_comes() {
        assert_eq!(change(json!({"host": null})).host, None);
        assert_eq!(change(json!({"host": "bob"})).host, "bob".parse().ok());
    }

    #[test]
    fn rules_change_one_by_one() {
        let changed = change(json!({"settings": {"waiting_room": false}, "locked": true}));
        assert!(
            !changed.settings.waiting_room && changed.settings.allow_recording && changed.locked
        );
    }
}
