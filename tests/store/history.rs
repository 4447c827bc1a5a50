//! The history: filters and pages.

use std::collections::HashSet;

use calls::store::{HistoryFilter, PageRequest, Store, StoreError};
use calls_model::{Call, CallId, CallKind, CallStatus, EndReason, Fact, OrgId};

use super::database::Database;
use super::samples::{
    answered, at, call, ended, initiated, joined, member, room, room_created, session, user,
};

on_both! {
    pages_neither_repeat_nor_skip_a_call,
    each_filter_narrows_and_all_hold_together,
    a_users_history_has_what_they_missed_and_where_they_came_in,
    a_range_has_its_beginning_but_not_its_end,
    a_cursor_of_another_list_is_refused,
}

async fn finds(store: &Store, filter: &HistoryFilter, expected: &[&Call]) {
    let page = store
        .history(filter, &PageRequest::default(), at(1000))
        .await
        .unwrap();
    let found: Vec<CallId> = page.data.into_iter().map(|call| call.call_id).collect();
    let expected: Vec<CallId> = expected.iter().map(|call| call.call_id.clone()).collect();
    assert_eq!(found, expected, "{filter:?}");
}

async fn pages_neither_repeat_nor_skip_a_call(db: Database) {
    let store = db.open().await;
    // 253 calls, three to a moment: a page boundary falls between calls of the same one.
    let made: Vec<Call> = (0..253).map(|n| call("ada", &["bob"], at(n / 3))).collect();
    for some in made.chunks(50) {
        store
            .record(some.iter().map(initiated).collect())
            .await
            .unwrap();
    }
    let newest_first: Vec<CallId> = made.iter().rev().map(|call| call.call_id.clone()).collect();

    let filter = HistoryFilter::default();
    let mut request = PageRequest {
        limit: 20.try_into().unwrap(),
        ..Default::default()
    };
    let mut seen: Vec<CallId> = Vec::new();
    let mut pages = 0;
    loop {
        let page = store.history(&filter, &request, at(1000)).await.unwrap();
        assert_eq!(page.has_more, page.next_cursor.is_some());
        seen.extend(page.data.into_iter().map(|call| call.call_id));
        pages += 1;
        // What comes meanwhile is newer than any page, and moves none.
        store
            .record(vec![initiated(&call("eve", &["bob"], at(500 + pages)))])
            .await
            .unwrap();
        request.cursor = page.next_cursor;
        if request.cursor.is_none() {
            break;
        }
    }
    assert_eq!(pages, 13);
    assert_eq!(seen.iter().collect::<HashSet<_>>().len(), 253);
    assert_eq!(seen, newest_first);

    // By offset too, behind the 13 that came meanwhile.
    let skipping = PageRequest {
        limit: 7.try_into().unwrap(),
        offset: 13 + 240,
        ..Default::default()
    };
    let page = store.history(&filter, &skipping, at(1000)).await.unwrap();
    let skipped: Vec<CallId> = page.data.into_iter().map(|call| call.call_id).collect();
    assert_eq!(skipped, newest_first[240..247]);
    let beyond = PageRequest {
        offset: 100_000,
        ..Default::default()
    };
    let page = store.history(&filter, &beyond, at(1000)).await.unwrap();
    assert_eq!(
        (page.data, page.has_more, page.next_cursor),
        (vec![], false, None)
    );
}

async fn each_filter_narrows_and_all_hold_together(db: Database) {
    let store = db.open().await;
    let place = room("Place", at(0));
    let pair = call("ada", &["bob"], at(1));
    let group = call("ada", &["bob", "eve"], at(2));
    let meeting = session(&place, at(3));
    store
        .record(vec![
            room_created(&place),
            initiated(&pair),
            initiated(&group),
            initiated(&meeting),
            answered(&group, at(4)),
            answered(&meeting, at(4)),
            ended(&pair, EndReason::NoAnswer, 0, at(5)),
        ])
        .await
        .unwrap();

    let mut filter = HistoryFilter {
        status: Some(CallStatus::Active),
        ..Default::default()
    };
    finds(&store, &filter, &[&meeting, &group]).await;
    filter.kind = Some(CallKind::Group);
    finds(&store, &filter, &[&group]).await;
    filter.user_id = Some(user("eve"));
    finds(&store, &filter, &[&group]).await;
    filter.user_id = Some(user("mallory"));
    finds(&store, &filter, &[]).await;

    let of_room = HistoryFilter {
        room_id: Some(place.room_id),
        ..Default::default()
    };
    finds(&store, &of_room, &[&meeting]).await;
    let over = HistoryFilter {
        status: Some(CallStatus::Ended),
        ..Default::default()
    };
    finds(&store, &over, &[&pair]).await;
    finds(
        &store,
        &HistoryFilter::default(),
        &[&meeting, &group, &pair],
    )
    .await;
}

async fn a_users_history_has_what_they_missed_and_where_they_came_in(db: Database) {
    let store = db.open().await;
    let place = room("Place", at(0));
    let rang = call("bob", &["ada"], at(1));
    let missed = call("ada", &["bob", "eve"], at(2));
    let came_in = session(&place, at(3));
    let strangers = call("eve", &["ada"], at(4));
    let bob = member("bob", at(5));
    let twice = member("bob", at(6));
    store
        .record(vec![
            room_created(&place),
            initiated(&rang),
            initiated(&missed),
            initiated(&came_in),
            initiated(&strangers),
            Fact::CallRejected {
                call_id: missed.call_id.clone(),
                user_id: user("bob"),
                at: at(4),
            },
            joined(&came_in, &bob),
            joined(&came_in, &twice), // from another tab: still one entry of the history
        ])
        .await
        .unwrap();

    let filter = HistoryFilter {
        user_id: Some(user("bob")),
        ..Default::default()
    };
    finds(&store, &filter, &[&came_in, &missed, &rang]).await;
}

async fn a_range_has_its_beginning_but_not_its_end(db: Database) {
    let store = db.open().await;
    let made: Vec<Call> = (0..5).map(|n| call("ada", &["bob"], at(n))).collect();
    store
        .record(made.iter().map(initiated).collect())
        .await
        .unwrap();
    let [call0, call1, call2, call3, call4] = &made[..] else {
        unreachable!("five were made")
    };

    let both = HistoryFilter {
        from: Some(at(1)),
        to: Some(at(3)),
        ..Default::default()
    };
    finds(&store, &both, &[call2, call1]).await;
    let since = HistoryFilter {
        to: None,
        ..both.clone()
    };
    finds(&store, &since, &[call4, call3, call2, call1]).await;
    let until = HistoryFilter { from: None, ..both };
    finds(&store, &until, &[call2, call1, call0]).await;
    let backwards = HistoryFilter {
        from: Some(at(3)),
        to: Some(at(1)),
        ..Default::default()
    };
    finds(&store, &backwards, &[]).await;
}

async fn a_cursor_of_another_list_is_refused(db: Database) {
    let store = db.open().await;
    let rooms: Vec<Fact> = (0..2).map(|n| room_created(&room("Room", at(n)))).collect();
    store.record(rooms).await.unwrap();
    let one = PageRequest {
        limit: 1.try_into().unwrap(),
        ..Default::default()
    };
    let of_rooms = store
        .rooms(&OrgId::default(), &one)
        .await
        .unwrap()
        .next_cursor;
    assert!(of_rooms.is_some());

    for cursor in [
        of_rooms,
        Some(String::new()),
        Some("' OR 1=1 --".to_owned()),
    ] {
        let request = PageRequest {
            cursor,
            ..Default::default()
        };
        let refused = store
            .history(&HistoryFilter::default(), &request, at(0))
            .await;
        assert!(matches!(refused, Err(StoreError::BadCursor)), "{refused:?}");
    }
}
