//! WHIP and WHEP over plain HTTP, as far as an SDP text goes; media is `tests/media.rs`' business.

use calls::auth::keys::{self, Wanted};
use calls_model::Scope;
use reqwest::{Method, header};
use serde_json::json;

use crate::support::{Reply, World, send};

/// What a publisher with one microphone offers.
pub(super) const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
    m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendonly\r\na=rtcp-mux\r\n\
    a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\na=setup:actpass\r\n\
    a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n\
    a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=ssrc:1 cname:x\r\n";

async fn offer(world: &World, bearer: Option<&str>, path: &str, sdp: &str) -> Reply {
    let request = world
        .request_as(bearer, Method::POST, path)
        .body(sdp.to_owned());
    send(request.header(header::CONTENT_TYPE, "application/sdp")).await
}

#[actix_web::test]
async fn an_offer_is_answered_and_its_session_ends_by_delete() {
    let world = World::closed().await;
    let room = world.room(json!({})).await;
    let joined = world.join(&room, "ann").await;
    let token = joined["connection"]["token"].as_str();

    let reply = offer(&world, token, &format!("/whip/{room}"), OFFER).await;

    assert_eq!(reply.status.as_u16(), 201, "{}", reply.text);
    assert_eq!(reply.header("content-type"), "application/sdp");
    let part = joined["participant_id"].as_str().unwrap();
    let session = format!("/whip/{room}/{part}");
    assert_eq!(reply.header("location"), format!("/api/v1/calls{session}"));
    assert!(reply.header("etag").starts_with('"'));
    for line in ["a=ice-lite", "a=setup:passive", "a=recvonly", "a=mid:0"] {
        assert!(reply.text.contains(line), "{line} in {}", reply.text);
    }
    assert!(!reply.text.contains("a=setup:actpass"));
    let stop = || send(world.request_as(token, Method::DELETE, &session));
    stop().await.expect(204);
    stop().await.problem(401, "unauthorized"); // the token ended with the session
}

#[actix_web::test]
async fn an_application_gets_a_guest_and_no_guest_stays_after_a_bad_offer() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    let guests = || async {
        let page = world
            .get(&format!("/rooms/{room}/participants"))
            .await
            .expect(200);
        page["data"].as_array().unwrap().len()
    };
    offer(&world, None, &format!("/whip/{room}"), "v=0\r\n")
        .await
        .problem(422, "sdp-invalid");
    assert_eq!(guests().await, 0);
    offer(&world, None, &format!("/whip/{room}"), OFFER)
        .await
        .status
        .is_success();
    assert_eq!(guests().await, 1);
}

#[actix_web::test]
async fn who_came_by_whip_as_a_guest_or_by_whep_is_no_host() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    let watching = OFFER.replace("a=sendonly", "a=recvonly");
    let members = || async {
        let path = format!("/rooms/{room}/participants");
        let page = world.get(&path).await.expect(200);
        let rows = page["data"].as_array().unwrap().clone();
        let role = |row: serde_json::Value| row["role"].as_str().unwrap().to_owned();
        rows.into_iter().map(role).collect::<Vec<_>>()
    };
    for (kind, sdp) in [("whip", OFFER), ("whep", &watching)] {
        let reply = offer(&world, None, &format!("/{kind}/{room}"), sdp).await;
        assert_eq!(reply.status.as_u16(), 201, "{}", reply.text);
    }
    assert_eq!(members().await, ["participant", "observer"]);

    let ann = world.join(&room, "ann").await;
    assert_eq!(ann["role"], "host");
    let token = ann["connection"]["token"].as_str();
    let reply = offer(&world, token, &format!("/whep/{room}"), &watching).await;
    assert_eq!(reply.status.as_u16(), 201, "{}", reply.text);
    assert_eq!(members().await, ["participant", "observer", "participant"]);
    assert_eq!(world.join(&room, "bob").await["role"], "host");
}

#[actix_web::test]
async fn what_is_no_offer_is_refused_by_its_reason() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    for kind in ["whip", "whep"] {
        let path = format!("/{kind}/{room}");
        let json = world.request(Method::POST, &path).json(&json!({}));
        send(json).await.problem(415, "unsupported-media-type");
        let long = format!("{OFFER}{}", "a=x\r\n".repeat(60_000));
        offer(&world, None, &path, &long)
            .await
            .problem(422, "sdp-too-large");
        let no_ice = OFFER.replace("a=ice-ufrag:abcd\r\n", "");
        offer(&world, None, &path, &no_ice)
            .await
            .problem(422, "sdp-no-ice-credentials");
        let no_bundle = OFFER.replace("a=group:BUNDLE 0\r\n", "");
        offer(&world, None, &path, &no_bundle)
            .await
            .problem(422, "sdp-no-bundle");
        offer(&world, None, &format!("/{kind}/room_0"), OFFER)
            .await
            .problem(404, "not-found");
        let get = send(world.request(Method::GET, &path)).await;
        assert_eq!(get.header("allow"), "POST");
    }
}

#[actix_web::test]
async fn m_lines_that_do_not_send_are_offered_and_not_published() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    let (_, second) = OFFER.split_at(OFFER.find("m=audio").unwrap());
    let second = second
        .replace("a=mid:0", "a=mid:1")
        .replace("a=sendonly", "a=recvonly");
    let both = format!("{OFFER}{second}").replace("BUNDLE 0", "BUNDLE 0 1");
    let reply = offer(&world, None, &format!("/whip/{room}"), &both).await;
    assert_eq!(reply.status.as_u16(), 201, "{}", reply.text);
}

#[actix_web::test]
async fn trickled_candidates_are_taken_and_restarts_are_not() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    let reply = offer(&world, None, &format!("/whip/{room}"), OFFER).await;
    let session = reply.header("location").to_owned();
    let patch = |media_type: &'static str, if_match: Option<String>| {
        let request = world
            .page(Method::PATCH, &session)
            .header(header::CONTENT_TYPE, media_type);
        let request = match if_match {
            Some(tag) => request.header(header::IF_MATCH, tag),
            None => request,
        };
        send(request.body("a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuvwx\r\n"))
    };
    let fragment = "application/trickle-ice-sdpfrag";
    patch(fragment, None).await.expect(204);
    patch(fragment, Some(reply.header("etag").to_owned()))
        .await
        .expect(204);
    patch(fragment, Some("\"other\"".to_owned()))
        .await
        .problem(412, "precondition-failed");
    patch(fragment, Some("*".to_owned()))
        .await
        .problem(422, "restart-unsupported");
    patch("application/sdp", None)
        .await
        .problem(415, "unsupported-media-type");
}

#[actix_web::test]
async fn a_token_of_another_room_publishes_nothing() {
    let world = World::closed().await;
    let (room, other) = (world.room(json!({})).await, world.room(json!({})).await);
    let joined = world.join(&room, "ann").await;
    let token = joined["connection"]["token"].as_str();
    offer(&world, token, &format!("/whip/{other}"), OFFER)
        .await
        .problem(403, "forbidden");
    offer(&world, None, &format!("/whip/{room}"), OFFER)
        .await
        .problem(401, "unauthorized");
}

#[actix_web::test]
async fn a_session_is_ended_by_whoever_made_it_or_moderates_and_by_no_other_key() {
    let world = World::closed().await;
    let room = world.room(json!({})).await;
    let app = world.server.app();
    let narrow = || async {
        let wanted = Wanted {
            scopes: vec![Scope::Rooms],
            ..Wanted::default()
        };
        let made = keys::create(&app.store, app.clock.now(), wanted).await;
        made.expect("a key").0.reveal().to_owned()
    };
    let (own, other) = (narrow().await, narrow().await);
    let path = format!("/whip/{room}");
    let open = || offer(&world, Some(&own), &path, OFFER);
    let sessions = [open().await, open().await];
    let place = |reply: &Reply| reply.header("location").replace("/api/v1/calls", "");
    let [first, second] = sessions.map(|reply| place(&reply));
    let ann = world.join(&room, "ann").await;
    let hers = format!("/whip/{room}/{}", ann["participant_id"].as_str().unwrap());
    let stop =
        |key: &str, session: &str| send(world.request_as(Some(key), Method::DELETE, session));

    for kind in ["whip", "whep"] {
        let session = first.replace("whip", kind);
        let refused = stop(&other, &session).await;
        let refused = refused.problem(403, "scope-missing");
        assert!(
            refused["detail"].to_string().contains("moderate"),
            "{refused}"
        );
    }
    stop(&own, &hers).await.problem(403, "scope-missing"); // nobody's session, but somebody's presence
    stop(&own, &first).await.expect(204);
    world.delete(&second).await.expect(204); // the first key moderates
}
