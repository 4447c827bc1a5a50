//! Erasure, the audit log, and tenants that do not see each other.

use std::collections::BTreeSet;

use calls::store::{
    AuditFilter, Claim, Cutoffs, ERASED, HistoryFilter, Keyed, Outcome, PageRequest, Reply, Store,
};
use calls_model::{
    ActorKind, AuditEntry, AuditId, Call, EndReason, Fact, OrgId, Recording, RecordingId,
    RecordingMode, RecordingStatus, Timestamp, Utterance,
};

use serde_json::json;

use super::database::Database;
use super::samples::{
    at, call, ended, initiated, joined, member, presence, room, room_created, user,
};

on_both! {
    an_erased_call_leaves_nothing_behind,
    an_erased_user_is_nobody_beside_others_and_nothing_alone,
    what_an_application_wrote_beside_a_call_names_an_erased_user_no_more,
    of_many_kept_replies_those_that_name_an_erased_user_go,
    who_can_be_heard_in_a_recording_is_found,
    rows_of_one_tenant_are_in_no_list_of_another,
    the_audit_log_is_read_newest_first_by_its_tenant_and_forgotten_in_time,
    what_was_asked_in_an_erased_call_is_kept_for_nobody,
}

fn recording(of: &Call, participants: &[&str]) -> Recording {
    Recording {
        recording_id: RecordingId::new(),
        call_id: of.call_id.clone(),
        mode: RecordingMode::Audio,
        status: RecordingStatus::Requested,
        paused: false,
        live: false,
        layout: None,
        next_layout: None,
        participants: participants.iter().map(|name| user(name)).collect(),
        requested_at: at(10),
        started_at: None,
        begins_at: None,
        duration_seconds: 0,
        size_bytes: 0,
        files: Vec::new(),
        transcript: None,
        progress: 0,
        error: None,
    }
}

fn said(of: &Call, by: &calls_model::Member, text: &str) -> Fact {
    Fact::UtteranceSpoken {
        call_id: of.call_id.clone(),
        utterance: Box::new(Utterance {
            participant_id: presence(by),
            user_id: by.user_id.clone(),
            text: text.to_owned(),
            start_ms: 0,
            end_ms: 1000,
            confidence: 1.0,
            words: Vec::new(),
        }),
        recording_id: None,
        at: at(20),
    }
}

/// Ann rang Ben; both said something, and it is over.
async fn talk(store: &Store) -> Call {
    let made = call("ann", &["ben"], at(0));
    let (ann, ben) = (member("ann", at(1)), member("ben", at(2)));
    let facts = vec![
        initiated(&made),
        joined(&made, &ann),
        joined(&made, &ben),
        said(&made, &ann, "secrets of ann"),
        said(&made, &ben, "words of ben"),
        ended(&made, EndReason::Completed, 30, at(40)),
    ];
    store.record(facts).await.unwrap();
    made
}

fn cutoffs() -> Cutoffs {
    Cutoffs {
        kept: at(0),
        running: at(0),
        coming: at(0),
    }
}

/// What somebody asked under a key, in their tenant.
fn asked(org: &str, who: &str) -> Keyed {
    Keyed {
        caller: format!("{org} {who}"),
        org: org.parse().unwrap(),
        key: "k".to_owned(),
        request: "POST /rooms/r/join".to_owned(),
        body_hash: None,
        names: BTreeSet::from([who.to_owned()]),
    }
}

/// They recorded themselves, which the audit log and a kept reply tell of.
async fn acted(store: &Store, org: &str, who: &str) {
    let entry = AuditEntry {
        audit_id: AuditId::new(),
        at: at(if who == "ann" { 1 } else { 2 }),
        actor: who.to_owned(),
        actor_kind: ActorKind::User,
        action: "recording".to_owned(),
        subject: "/call_1".to_owned(),
        status: 200,
        detail: Some(json!({ "on": true, "participants": [who] })),
        address: Some("192.0.2.1".to_owned()),
        request_id: "r".to_owned(),
    };
    store.audit(&org.parse().unwrap(), entry).await.unwrap();
    let asked = asked(org, who);
    let claimed = store.claim(&asked, at(10), cutoffs()).await.unwrap();
    let Claim::First(running) = claimed else {
        panic!("{claimed:?}");
    };
    let reply = Reply {
        status: 200,
        headers: Vec::new(),
        body: json!({ "user_id": who }).to_string().into_bytes(),
    };
    store
        .end_claim(asked, running, Outcome::Reply(reply))
        .await
        .unwrap();
}

async fn found(store: &Store, words: &str) -> usize {
    let page = store
        .search(&OrgId::default(), words, None, &PageRequest::default())
        .await;
    page.unwrap().data.len()
}

async fn history(store: &Store, org: &OrgId) -> Vec<Call> {
    let filter = HistoryFilter {
        org_id: org.clone(),
        ..HistoryFilter::default()
    };
    let page = store
        .history(&filter, &PageRequest::default(), at(100))
        .await;
    page.unwrap().data
}

async fn an_erased_call_leaves_nothing_behind(db: Database) {
    let store = db.open().await;
    let (gone, kept) = (talk(&store).await, talk(&store).await);
    let asked = recording(&gone, &[]);
    let asked = Fact::RecordingRequested {
        recording: Box::new(asked),
    };
    store.record(vec![asked]).await.unwrap();
    let erased = store.erase_call(&gone.call_id).await.unwrap();
    assert_eq!(
        (erased.calls, erased.utterances, erased.recordings),
        (1, 2, 1)
    );
    assert_eq!(erased.events, 7);
    assert_eq!(store.call(&gone.call_id, at(99)).await.unwrap(), None);
    assert_eq!(found(&store, "secrets").await, 1, "that of the other call");
    let told = store
        .facts_about(gone.call_id.as_str(), 0, 100)
        .await
        .unwrap();
    assert_eq!(told, []);
    let left = history(&store, &OrgId::default()).await;
    assert_eq!(
        left.iter().map(|call| &call.call_id).collect::<Vec<_>>(),
        [&kept.call_id]
    );
    assert_eq!(left[0].participants.len(), 2);
}

async fn an_erased_user_is_nobody_beside_others_and_nothing_alone(db: Database) {
    let store = db.open().await;
    let made = talk(&store).await;
    let mut hall = room("Hall", at(0));
    hall.host = Some(user("ann"));
    store.record(vec![room_created(&hall)]).await.unwrap();
    for (org, who) in [("default", "ann"), ("default", "ben"), ("acme", "ann")] {
        acted(&store, org, who).await;
    }
    let erased = store
        .erase_user(&OrgId::default(), &user("ann"))
        .await
        .unwrap();
    assert_eq!((erased.calls, erased.utterances), (1, 1));
    assert_eq!(erased.events, 4, "the ring, the join, the words, the room");
    assert_eq!(
        (found(&store, "secrets").await, found(&store, "words").await),
        (0, 1)
    );
    let left = store.call(&made.call_id, at(99)).await.unwrap().unwrap();
    assert_eq!(
        (left.from, left.to),
        (Some(user(ERASED)), vec![user("ben")])
    );
    let names: Vec<_> = left
        .participants
        .iter()
        .map(|one| one.user_id.as_str())
        .collect();
    assert_eq!(names, [ERASED, "ben"]);
    assert_eq!(left.participants[0].display_name, None);
    let everything = store.facts_after(None, 100).await.unwrap();
    let everything = serde_json::to_string(
        &everything
            .into_iter()
            .map(|stored| stored.fact)
            .collect::<Vec<_>>(),
    );
    let everything = everything.unwrap();
    assert!(
        !everything.contains("\"ann\"") && !everything.contains("\"ANN\""),
        "{everything}"
    );
    assert!(
        !everything.contains("secrets") && everything.contains("\"ben\""),
        "{everything}"
    );
    assert_eq!(store.room(&hall.room_id).await.unwrap().unwrap().host, None);
    let log = |org: &'static str| {
        let store = &store;
        async move {
            let org: OrgId = org.parse().unwrap();
            let (filter, first) = (AuditFilter::default(), PageRequest::default());
            let page = store.audit_log(&org, &filter, &first).await.unwrap();
            let told = page.data.into_iter();
            told.map(|one| {
                (
                    one.actor,
                    one.address.is_some(),
                    one.detail.unwrap().to_string(),
                )
            })
            .collect::<Vec<_>>()
        }
    };
    let of = |actor: &str, kept: bool| {
        let detail = json!({ "on": true, "participants": [actor] });
        (actor.to_owned(), kept, detail.to_string())
    };
    assert_eq!(log("default").await, [of("ben", true), of(ERASED, false)]);
    assert_eq!(
        log("acme").await,
        [of("ann", true)],
        "that is somebody else"
    );
    for (org, who, kept) in [
        ("default", "ann", false),
        ("default", "ben", true),
        ("acme", "ann", true),
    ] {
        let claim = store
            .claim(&asked(org, who), at(20), cutoffs())
            .await
            .unwrap();
        let answered = matches!(claim, Claim::Answered { .. });
        assert_eq!(answered, kept, "{org} {who}");
    }
    let again = store
        .erase_user(&OrgId::default(), &user("ann"))
        .await
        .unwrap();
    assert_eq!(again, calls_model::Erased::default());
}

async fn what_an_application_wrote_beside_a_call_names_an_erased_user_no_more(db: Database) {
    let store = db.open().await;
    let mut made = call("ann", &["ben"], at(0));
    let written = json!({
        "agent": "ann", "role": "ann", "seen": ["ben", "ann"], "marks": { "ann": 5, "ben": 4 },
        "note": "ask ann",
    });
    made.metadata = written.as_object().unwrap().clone();
    store.record(vec![initiated(&made)]).await.unwrap();
    let erased = store.erase_user(&OrgId::default(), &user("ann")).await;
    assert_eq!(erased.unwrap().calls, 1);
    let left = json!({
        "agent": ERASED, "role": ERASED, "seen": ["ben", ERASED], "marks": { ERASED: 5, "ben": 4 },
        "note": "ask ann", // nobody but the application knows what that means
    });
    let kept = store.call(&made.call_id, at(9)).await.unwrap().unwrap();
    assert_eq!(json!(kept.metadata), left);
    let told = store.facts_after(None, 10).await.unwrap();
    let told = told.into_iter().find_map(|stored| match stored.fact {
        Fact::CallInitiated { call, .. } => Some(call.metadata),
        _ => None,
    });
    assert_eq!(json!(told), left, "nor does the event that told of it");
}

async fn of_many_kept_replies_those_that_name_an_erased_user_go(db: Database) {
    const EACH: usize = 130; // more than is read at a time
    let store = db.open().await;
    let of = |caller: &str, number: usize| {
        let who = ["ann", "ben"][number % 2];
        let asked = Keyed {
            caller: caller.to_owned(),
            key: format!("k{number}"),
            ..asked("default", who)
        };
        let body = json!({ "user_id": who }).to_string().into_bytes();
        (asked, body)
    };
    for caller in ["one", "three", "two"] {
        for number in 0..EACH {
            let (asked, body) = of(caller, number);
            let claimed = store.claim(&asked, at(10), cutoffs()).await.unwrap();
            let Claim::First(running) = claimed else {
                panic!("{claimed:?}");
            };
            let reply = Reply {
                status: 200,
                headers: Vec::new(),
                body,
            };
            let kept = store.end_claim(asked, running, Outcome::Reply(reply)).await;
            assert!(kept.unwrap());
        }
    }
    let erased = store.erase_user(&OrgId::default(), &user("ann")).await;
    erased.unwrap();
    for caller in ["one", "three", "two"] {
        for number in 0..EACH {
            let (asked, _) = of(caller, number);
            let claimed = store.claim(&asked, at(20), cutoffs()).await.unwrap();
            let kept = matches!(claimed, Claim::Answered { .. });
            assert_eq!(kept, number % 2 == 1, "{caller} {number}: {claimed:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_byte_of_an_sqlite_file_names_an_erased_user() {
    let db = Database::sqlite();
    let store = db.open().await;
    for _ in 0..20 {
        let made = call("quokka", &["ben"], at(0));
        let (quokka, ben) = (member("quokka", at(1)), member("ben", at(2)));
        let facts = vec![
            initiated(&made),
            joined(&made, &quokka),
            joined(&made, &ben),
            said(&made, &quokka, "the quokka's secrets"),
            ended(&made, EndReason::Completed, 30, at(40)),
        ];
        store.record(facts).await.unwrap();
    }
    let file = db.address.strip_prefix("sqlite:").unwrap();
    let named = || {
        let bytes = std::fs::read(file).unwrap().to_ascii_lowercase();
        bytes.windows(6).filter(|word| word == b"quokka").count()
    };
    db.tamper("PRAGMA wal_checkpoint(TRUNCATE)").await;
    assert!(named() > 100, "{} times", named());
    store
        .erase_user(&OrgId::default(), &user("quokka"))
        .await
        .unwrap();
    db.tamper("PRAGMA wal_checkpoint(TRUNCATE)").await;
    assert_eq!(named(), 0);
}

async fn what_was_asked_in_an_erased_call_is_kept_for_nobody(db: Database) {
    let store = db.open().await;
    let (gone, stays) = (talk(&store).await, talk(&store).await);
    let taped = recording(&gone, &[]);
    let requested = Fact::RecordingRequested {
        recording: Box::new(taped.clone()),
    };
    store.record(vec![requested]).await.unwrap();
    let present = store.call(&gone.call_id, at(50)).await.unwrap().unwrap();
    let present = present.participants[0].participant_id.clone();
    let present = present.expect("a presence").to_string();
    let (gone, stays) = (gone.call_id, stays.call_id);
    let of = |word: &str| Keyed {
        key: word.to_owned(),
        ..asked("default", word)
    };
    let within = [gone.as_str(), taped.recording_id.as_str(), &present];
    for word in within.into_iter().chain([stays.as_str()]) {
        let claimed = store.claim(&of(word), at(10), cutoffs()).await.unwrap();
        let Claim::First(running) = claimed else {
            panic!("{claimed:?}");
        };
        let reply = Reply {
            status: 200,
            headers: Vec::new(),
            body: Vec::new(),
        };
        store
            .end_claim(of(word), running, Outcome::Reply(reply))
            .await
            .unwrap();
    }
    store.erase_call(&gone).await.unwrap();
    for word in within {
        let claimed = store.claim(&of(word), at(20), cutoffs()).await.unwrap();
        assert!(matches!(claimed, Claim::First(_)), "{word}: {claimed:?}");
    }
    let claimed = store.claim(&of(stays.as_str()), at(20), cutoffs()).await;
    assert!(matches!(claimed.unwrap(), Claim::Answered { .. }));
}

async fn who_can_be_heard_in_a_recording_is_found(db: Database) {
    let store = db.open().await;
    let made = talk(&store).await;
    let (all, bens) = (recording(&made, &[]), recording(&made, &["ben"]));
    for one in [&all, &bens] {
        let asked = Fact::RecordingRequested {
            recording: Box::new(one.clone()),
        };
        store.record(vec![asked]).await.unwrap();
    }
    let with = |name: &str| {
        let (store, who) = (store.clone(), user(name));
        async move {
            store
                .recordings_with(&OrgId::default(), &who)
                .await
                .unwrap()
        }
    };
    assert_eq!(with("ann").await, [all.recording_id]);
    assert_eq!(with("ben").await.len(), 2);
    assert_eq!(with("eve").await, []);
    assert!(
        !store
            .is_in_a_call(&OrgId::default(), &user("ann"))
            .await
            .unwrap()
    );
    let live = call("ann", &["eve"], at(50));
    store.record(vec![initiated(&live)]).await.unwrap();
    assert!(
        store
            .is_in_a_call(&OrgId::default(), &user("eve"))
            .await
            .unwrap()
    );
}

async fn rows_of_one_tenant_are_in_no_list_of_another(db: Database) {
    let store = db.open().await;
    let acme: OrgId = "acme".parse().unwrap();
    let mut theirs = call("ann", &["ben"], at(0));
    theirs.org_id = acme.clone();
    let ann = member("ann", at(1));
    let facts = vec![
        initiated(&theirs),
        joined(&theirs, &ann),
        said(&theirs, &ann, "hello"),
    ];
    store.record(facts).await.unwrap();
    let mut hall = room("Hall", at(0));
    hall.org_id = acme.clone();
    store.record(vec![room_created(&hall)]).await.unwrap();
    let ours = OrgId::default();
    assert_eq!(history(&store, &ours).await, []);
    assert_eq!(history(&store, &acme).await.len(), 1);
    let page = PageRequest::default();
    assert_eq!(store.rooms(&ours, &page).await.unwrap().data, []);
    assert_eq!(
        store.rooms(&acme, &page).await.unwrap().data,
        [hall.clone()]
    );
    assert_eq!(found(&store, "hello").await, 0);
    let heard = store
        .search(&acme, "hello", None, &page)
        .await
        .unwrap()
        .data;
    assert_eq!(heard.len(), 1);
    assert_eq!(store.events_after(&ours, None, 9).await.unwrap(), []);
    assert_eq!(store.events_after(&acme, None, 9).await.unwrap().len(), 4);
    assert_eq!(store.newest_event(&ours).await.unwrap(), None);
    assert_eq!(
        store.org_of_call(&theirs.call_id).await.unwrap(),
        Some(acme.clone())
    );
    assert_eq!(store.org_of_room(&hall.room_id).await.unwrap(), Some(acme));
}

fn entry(at: Timestamp, actor: &str, action: &str) -> AuditEntry {
    AuditEntry {
        audit_id: AuditId::new(),
        at,
        actor: actor.to_owned(),
        actor_kind: ActorKind::Key,
        action: action.to_owned(),
        subject: "/rooms".to_owned(),
        status: 201,
        detail: Some(serde_json::json!({ "t": "mod" })),
        address: None,
        request_id: "req_1".to_owned(),
    }
}

async fn the_audit_log_is_read_newest_first_by_its_tenant_and_forgotten_in_time(db: Database) {
    let store = db.open().await;
    let (ours, acme) = (OrgId::default(), "acme".parse::<OrgId>().unwrap());
    let entries = [
        entry(at(1), "calls_aaaaaaaa", "room.create"),
        entry(at(2), "calls_bbbbbbbb", "room.create"),
        entry(at(3), "calls_aaaaaaaa", "room.delete"),
    ];
    for entry in &entries {
        store.audit(&ours, entry.clone()).await.unwrap();
    }
    store
        .audit(&acme, entry(at(4), "calls_cccccccc", "room.create"))
        .await
        .unwrap();
    let page = PageRequest::default();
    let all = AuditFilter::default();
    let read = store.audit_log(&ours, &all, &page).await.unwrap().data;
    assert_eq!(
        read,
        [entries[2].clone(), entries[1].clone(), entries[0].clone()]
    );
    let narrow = AuditFilter {
        actor: Some("calls_aaaaaaaa".to_owned()),
        action: Some("room.create".to_owned()),
    };
    let read = store.audit_log(&ours, &narrow, &page).await.unwrap().data;
    assert_eq!(read, [entries[0].clone()]);
    assert_eq!(store.purge_audit(at(3)).await.unwrap(), 2);
    let read = store.audit_log(&ours, &all, &page).await.unwrap().data;
    assert_eq!(read, [entries[2].clone()]);
}
