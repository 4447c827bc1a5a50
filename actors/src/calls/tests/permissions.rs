//! What moderators allow, ask for and show.

use calls_model::signal::{Chat, Hand};
use calls_model::{FileId, SharedFile};

use super::*;

fn chat(text: &str) -> Request {
    Request::Chat(Chat {
        text: text.parse().unwrap(),
        to: None,
    })
}

fn permit(chat: Option<bool>, screen: Option<bool>) -> Moderation {
    Moderation::Permit {
        chat,
        screen,
        files: None,
    }
}

fn spotlights(events: &[Event]) -> Vec<Option<ParticipantId>> {
    let spotlight = |event: &Event| match event {
        Event::Spotlight(told) => Some(told.participant_id.clone()),
        _ => None,
    };
    events.iter().filter_map(spotlight).collect()
}

#[actix::test]
async fn where_the_chat_is_off_only_those_who_moderate_write() {
    let server = Server::start();
    let hall = room("hall");
    let ann = server.join(&hall, "ann").await;
    let bob = server.join(&hall, "bob").await;
    ann.moderate(permit(Some(false), None)).await.unwrap();
    let off = |event: &Event| matches!(event, Event::Room(room) if !room.settings.allow_chat && room.settings.allow_screen);
    assert!(bob.events().await.iter().any(off));
    ann.events().await;

    let refused = bob.ask(chat("hello")).await;
    assert_eq!(
        refused,
        Err(SignalRefused::NotPermitted("write in the chat"))
    );
    ann.ask(chat("quiet, please")).await.unwrap();
    let heard = ann.events().await;
    let said = heard.iter().filter(|one| matches!(one, Event::Chat(_)));
    assert_eq!(said.count(), 1);

    ann.moderate(permit(Some(true), None)).await.unwrap();
    settle().await;
    bob.ask(chat("hello")).await.unwrap();
    assert!(server.facts().await.contains(&"room.updated"));
}

#[actix::test]
async fn only_those_who_moderate_permit() {
    let server = Server::start();
    let hall = room("hall");
    server.join(&hall, "ann").await;
    let bob = server.join(&hall, "bob").await;
    let refused = Err(SignalRefused::Moderate(ModerateRefused::NotModerator));
    assert_eq!(bob.moderate(permit(Some(false), None)).await, refused);
    let participant_id = Some(bob.seat.participant_id.clone());
    let spotlight = Moderation::Spotlight { participant_id };
    assert_eq!(bob.moderate(spotlight).await, refused);
    assert_eq!(bob.moderate(Moderation::AdmitAll).await, refused);
}

#[actix::test]
async fn a_spotlight_is_told_to_all_and_to_newcomers_and_goes_with_whom_it_shows() {
    let server = Server::start();
    let hall = room("hall");
    let ann = server.join(&hall, "ann").await;
    let bob = server.join(&hall, "bob").await;
    let shown = Some(bob.seat.participant_id.clone());
    ann.moderate(Moderation::Spotlight {
        participant_id: shown.clone(),
    })
    .await
    .unwrap();
    assert_eq!(
        spotlights(&ann.events().await),
        std::slice::from_ref(&shown)
    );
    let cid = server.join(&hall, "cid").await;
    assert_eq!(spotlights(&cid.events().await), [shown]);
    bob.leave().await;
    assert_eq!(spotlights(&ann.events().await), [None]);
}

#[actix::test]
async fn who_is_asked_to_unmute_hears_it_and_nobody_else() {
    let server = Server::start();
    let hall = room("hall");
    let ann = server.join(&hall, "ann").await;
    let bob = server.join(&hall, "bob").await;
    ann.events().await;
    let participant_id = bob.seat.participant_id.clone();
    ann.moderate(Moderation::AskUnmute {
        participant_id,
        source: None,
    })
    .await
    .unwrap();
    let asked = |event: &Event| matches!(event, Event::UnmuteAsked(asked) if asked.source == Source::Microphone);
    assert!(bob.events().await.iter().any(asked));
    assert!(!ann.events().await.iter().any(asked));
}

#[actix::test]
async fn one_hand_is_lowered_and_the_other_stays_up() {
    let server = Server::start();
    let hall = room("hall");
    let ann = server.join(&hall, "ann").await;
    let bob = server.join(&hall, "bob").await;
    for client in [&ann, &bob] {
        client.ask(Request::Hand(Hand { up: true })).await.unwrap();
    }
    settle().await;
    let participant_id = bob.seat.participant_id.clone();
    ann.moderate(Moderation::LowerHand { participant_id })
        .await
        .unwrap();
    let cid = server.join(&hall, "cid").await;
    let hands: Vec<bool> = cid
        .welcome()
        .await
        .roster
        .iter()
        .map(|one| one.hand)
        .collect();
    assert_eq!(hands.iter().filter(|&&up| up).count(), 1);
}

#[actix::test]
async fn everybody_at_the_door_is_let_in_at_once() {
    let server = Server::start();
    let hall = Room {
        settings: RoomSettings {
            waiting_room: true,
            ..room("hall").settings
        },
        ..room("hall")
    };
    let ann = server.join(&hall, "ann").await;
    let _bob = server.join(&hall, "bob").await;
    let _cid = server.join(&hall, "cid").await;
    assert_eq!(server.inside(&hall).await, ["ann"]);
    ann.moderate(Moderation::AdmitAll).await.unwrap();
    let mut inside = server.inside(&hall).await;
    inside.sort();
    assert_eq!(inside, ["ann", "bob", "cid"]);
}

fn file(by: &Client, name: &str) -> SharedFile {
    SharedFile {
        file_id: FileId::new(),
        call_id: by.seat.call_id.clone(),
        name: name.parse().unwrap(),
        media_type: "text/plain".to_owned(),
        size_bytes: 1,
        from: by.seat.participant_id.clone(),
        to: None,
        shared_at: DateTime::UNIX_EPOCH.into(),
    }
}

async fn share(
    server: &Server,
    by: &Client,
    to: Option<&Client>,
    name: &str,
) -> Result<(), ShareRefused> {
    let share = ShareFile {
        call_id: by.seat.call_id.clone(),
        by: by.seat.participant_id.clone(),
        to: to.map(|to| to.seat.participant_id.clone()),
        file: Some(Box::new(file(by, name))),
    };
    server.ask(share).await
}

/// The files that somebody is told of.
async fn told(client: &Client) -> Vec<String> {
    let name = |event: Event| match event {
        Event::Chat(message) => message.file.map(|file| file.name.to_string()),
        _ => None,
    };
    client.events().await.into_iter().filter_map(name).collect()
}

#[actix::test]
async fn a_file_is_told_of_in_the_chat_to_those_whom_it_is_for() {
    let server = Server::start();
    let hall = room("hall");
    let ann = server.join(&hall, "ann").await;
    let bob = server.join(&hall, "bob").await;
    let cid = server.join(&hall, "cid").await;
    assert_eq!(share(&server, &bob, None, "all.txt").await, Ok(()));
    assert_eq!(share(&server, &bob, Some(&ann), "ann.txt").await, Ok(()));
    assert_eq!(told(&ann).await, ["all.txt", "ann.txt"]);
    assert_eq!(told(&bob).await, ["all.txt", "ann.txt"]);
    assert_eq!(told(&cid).await, ["all.txt"]);

    let off = Moderation::Permit {
        chat: None,
        screen: None,
        files: Some(false),
    };
    ann.moderate(off).await.unwrap();
    let refused = share(&server, &bob, None, "late.txt").await;
    assert_eq!(refused, Err(ShareRefused::NotPermitted));
    assert_eq!(share(&server, &ann, None, "host.txt").await, Ok(()));
    let nobody = Some(&cid);
    cid.leave().await;
    let refused = share(&server, &ann, nobody, "gone.txt").await;
    assert_eq!(refused, Err(ShareRefused::NoSuchParticipant));
    assert_eq!(told(&bob).await, ["host.txt"]);
}
