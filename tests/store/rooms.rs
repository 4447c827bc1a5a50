//! Rooms and their doors.

use calls::store::{PageRequest, Store, StoreError};
use calls_model::fact::HashChange;
use calls_model::{Encryption, Fact, LeaveReason, OrgId, Room, RoomId, RoomSettings, RoomType};

use super::database::Database;
use super::samples::{
    answered, at, initiated, joined, left, member, room, room_created, session, user,
};

on_both! {
    a_room_reads_back_as_it_was_made,
    a_change_leaves_alone_what_it_does_not_name,
    a_deleted_room_is_gone_but_its_calls_stay,
    a_room_that_never_was_cannot_be_changed_or_deleted,
    a_room_counts_those_who_are_inside,
    rooms_come_newest_first_page_by_page,
}

async fn a_room_reads_back_as_it_was_made(db: Database) {
    let store = db.open().await;
    let made = Room {
        room_type: RoomType::Scheduled,
        settings: RoomSettings {
            waiting_room: true,
            require_password: true,
            ..Default::default()
        },
        scheduled_at: Some(at(3600)),
        locked: true,
        host: Some(user("ann")),
        encryption: Encryption::E2ee,
        ..room("Daily „Standup” 🚀", at(0))
    };
    let password_hash = Some("$argon2id$v=19$…".to_owned());
    let fact = Fact::RoomCreated {
        room: made.clone(),
        password_hash: password_hash.clone(),
    };
    store.record(vec![fact]).await.unwrap();

    let found = store.room_at_door(&made.room_id).await.unwrap().unwrap();
    assert_eq!(found.room, made);
    assert_eq!(found.password_hash, password_hash);
    assert_eq!(store.room(&RoomId::new()).await.unwrap(), None);
}

async fn a_change_leaves_alone_what_it_does_not_name(db: Database) {
    let store = db.open().await;
    let made = Room {
        scheduled_at: Some(at(60)),
        host: Some(user("ann")),
        ..room("Before", at(0))
    };
    let hash = |text: &str| Some(text.to_owned());
    store
        .record(vec![Fact::RoomCreated {
            room: made.clone(),
            password_hash: hash("first"),
        }])
        .await
        .unwrap();

    let changed = Room {
        name: "After".parse().unwrap(),
        scheduled_at: None,
        ..made.clone()
    };
    // Neither is for a change to say.
    let told = Room {
        created_at: at(999),
        current_participants: 7,
        ..changed.clone()
    };
    change(&store, &told, HashChange::Keep).await;
    let found = store.room_at_door(&made.room_id).await.unwrap().unwrap();
    assert_eq!(found.room, changed);
    assert_eq!(found.password_hash, hash("first"));

    change(&store, &changed, HashChange::Set("second".to_owned())).await;
    assert_eq!(hash_of(&store, &made).await, hash("second"));
    change(&store, &changed, HashChange::Remove).await;
    assert_eq!(hash_of(&store, &made).await, None);
}

async fn change(store: &Store, room: &Room, password_hash: HashChange) {
    store
        .record(vec![Fact::RoomUpdated {
            room: room.clone(),
            password_hash,
        }])
        .await
        .unwrap();
}

async fn hash_of(store: &Store, room: &Room) -> Option<String> {
    store
        .room_at_door(&room.room_id)
        .await
        .unwrap()
        .unwrap()
        .password_hash
}

async fn a_deleted_room_is_gone_but_its_calls_stay(db: Database) {
    let store = db.open().await;
    let (gone, stays) = (room("Gone", at(0)), room("Stays", at(1)));
    let call = session(&gone, at(2));
    store
        .record(vec![
            room_created(&gone),
            room_created(&stays),
            initiated(&call),
        ])
        .await
        .unwrap();

    let deleted = Fact::RoomDeleted {
        room_id: gone.room_id.clone(),
        at: at(3),
    };
    store.record(vec![deleted.clone(), deleted]).await.unwrap(); // twice is as good as once

    assert_eq!(store.room(&gone.room_id).await.unwrap(), None);
    let listed = store
        .rooms(&OrgId::default(), &PageRequest::default())
        .await
        .unwrap()
        .data;
    assert_eq!(listed, [stays]);
    let kept = store.call(&call.call_id, at(4)).await.unwrap().unwrap();
    assert_eq!(kept.room_id, Some(gone.room_id.clone()));
    let change = Fact::RoomUpdated {
        room: gone,
        password_hash: HashChange::Keep,
    };
    let refused = store.record(vec![change]).await;
    assert!(
        matches!(refused, Err(StoreError::NotFound { what: "room" })),
        "{refused:?}"
    );
}

async fn a_room_that_never_was_cannot_be_changed_or_deleted(db: Database) {
    let store = db.open().await;
    let never = room("Never", at(0));
    let changed = Fact::RoomUpdated {
        room: never.clone(),
        password_hash: HashChange::Keep,
    };
    let deleted = Fact::RoomDeleted {
        room_id: never.room_id.clone(),
        at: at(1),
    };
    for fact in [changed, deleted] {
        let refused = store.record(vec![fact]).await;
        assert!(
            matches!(refused, Err(StoreError::NotFound { what: "room" })),
            "{refused:?}"
        );
    }
}

async fn a_room_counts_those_who_are_inside(db: Database) {
    let store = db.open().await;
    let (busy, empty) = (room("Busy", at(0)), room("Empty", at(0)));
    let call = session(&busy, at(1));
    let people = ["ada", "bob", "eve"].map(|name| member(name, at(2)));
    let mut facts = vec![room_created(&busy), room_created(&empty), initiated(&call)];
    facts.push(answered(&call, at(2)));
    facts.extend(people.iter().map(|person| joined(&call, person)));
    facts.push(left(&call, &people[2], LeaveReason::Left, at(3)));
    store.record(facts).await.unwrap();

    assert_eq!(
        store
            .room(&busy.room_id)
            .await
            .unwrap()
            .unwrap()
            .current_participants,
        2
    );
    let listed = store
        .rooms(&OrgId::default(), &PageRequest::default())
        .await
        .unwrap()
        .data;
    let inside = |wanted: &Room| {
        listed
            .iter()
            .find(|room| room.room_id == wanted.room_id)
            .unwrap()
            .current_participants
    };
    assert_eq!((inside(&busy), inside(&empty)), (2, 0));
}

async fn rooms_come_newest_first_page_by_page(db: Database) {
    let store = db.open().await;
    // Pairs share a moment; their ids decide then.
    let made: Vec<Room> = (0..9)
        .map(|n| room(&format!("Room {n}"), at(n / 2)))
        .collect();
    store
        .record(made.iter().map(room_created).collect())
        .await
        .unwrap();
    let newest_first: Vec<Room> = made.into_iter().rev().collect();

    let mut request = PageRequest {
        limit: 4.try_into().unwrap(),
        ..Default::default()
    };
    let mut seen = Vec::new();
    loop {
        let page = store.rooms(&OrgId::default(), &request).await.unwrap();
        assert_eq!(page.has_more, page.next_cursor.is_some());
        seen.push(page.data);
        request.cursor = page.next_cursor;
        if request.cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen.iter().map(Vec::len).collect::<Vec<_>>(), [4, 4, 1]);
    assert_eq!(seen.concat(), newest_first);

    let skipping = PageRequest {
        offset: 5,
        ..Default::default()
    };
    assert_eq!(
        store
            .rooms(&OrgId::default(), &skipping)
            .await
            .unwrap()
            .data,
        newest_first[5..]
    );
}
