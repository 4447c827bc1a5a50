//! What was said, and who finds it.

use std::collections::HashSet;

use calls::store::{FORGOTTEN_AFTER, PageRequest, Store, StoreError};
use calls_model::{
    Call, CallId, Fact, Found, LeaveReason, Member, OrgId, RecordingId, SpokenWord, Unheard,
    Utterance,
};

use super::database::Database;
use super::recordings::requested;
use super::samples::{at, call, initiated, joined, left, member, presence, user};

on_both! {
    a_transcript_has_what_was_said_in_order_and_when_nobody_listened,
    what_a_recording_is_understood_to_say_anew_takes_the_place_of_what_it_was,
    what_is_understood_of_a_recording_that_is_deleted_is_not_kept,
    what_was_understood_before_a_restart_goes_on_after_it_or_has_stopped,
    only_those_who_were_inside_and_not_put_out_find_and_read_what_was_said,
    a_search_finds_whole_words_in_any_order_and_case,
    pages_of_a_search_neither_repeat_nor_skip,
    ten_thousand_utterances_are_searched_by_the_index_of_their_words,
}

fn said(by: &Member, text: &str, start_ms: u64) -> Utterance {
    let word = |(n, word): (u64, &str)| SpokenWord {
        word: word.to_owned(),
        start_ms: start_ms + n * 300,
        end_ms: start_ms + n * 300 + 250,
        confidence: 0.75,
    };
    let words: Vec<SpokenWord> = (0..).zip(text.split(' ')).map(word).collect();
    Utterance {
        participant_id: presence(by),
        user_id: by.user_id.clone(),
        text: text.to_owned(),
        start_ms,
        end_ms: words.last().unwrap().end_ms,
        confidence: 0.75,
        words,
    }
}

fn spoken(call: &Call, utterance: &Utterance, seconds: i64) -> Fact {
    Fact::UtteranceSpoken {
        call_id: call.call_id.clone(),
        utterance: Box::new(utterance.clone()),
        recording_id: None,
        at: at(seconds),
    }
}

/// A recording of a call.
async fn recorded(store: &Store, call: &Call) -> RecordingId {
    let recording = requested(&call.call_id);
    let id = recording.recording_id.clone();
    let recording = Box::new(recording);
    store
        .record(vec![Fact::RecordingRequested { recording }])
        .await
        .unwrap();
    id
}

fn understood(call: &Call, recording: &RecordingId, utterance: &Utterance) -> Fact {
    Fact::UtteranceSpoken {
        call_id: call.call_id.clone(),
        utterance: Box::new(utterance.clone()),
        recording_id: Some(recording.clone()),
        at: at(6),
    }
}

/// A call in which each of these users was.
async fn held(store: &Store, users: &[&str]) -> (Call, Vec<Member>) {
    let call = call(users[0], &users[1..], at(0));
    let members: Vec<Member> = users.iter().map(|name| member(name, at(1))).collect();
    let mut facts = vec![initiated(&call)];
    facts.extend(members.iter().map(|member| joined(&call, member)));
    store.record(facts).await.unwrap();
    (call, members)
}

async fn found(store: &Store, words: &str, by: Option<&str>) -> Vec<Found> {
    let by = by.map(user);
    let request = PageRequest::default();
    let page = store
        .search(&OrgId::default(), words, by.as_ref(), &request)
        .await;
    page.unwrap().data
}

async fn a_transcript_has_what_was_said_in_order_and_when_nobody_listened(db: Database) {
    let store = db.open().await;
    let (call, members) = held(&store, &["ann", "bob"]).await;
    let (late, early) = (
        said(&members[0], "yes please", 5000),
        said(&members[1], "mute the video", 2000),
    );
    let unheard = Unheard {
        start_ms: 7000,
        end_ms: 7500,
        reason: "a recogniser hung".to_owned(),
    };
    let interrupted = Fact::TranscriptionInterrupted {
        call_id: call.call_id.clone(),
        unheard: unheard.clone(),
        at: at(8),
    };
    let facts = vec![
        spoken(&call, &late, 6),
        spoken(&call, &early, 7),
        interrupted,
    ];
    store.record(facts).await.unwrap();
    let transcript = store.transcript(&call.call_id).await.unwrap();
    assert_eq!(transcript.utterances, [early, late]);
    assert_eq!(transcript.unheard, [unheard]);
}

async fn what_a_recording_is_understood_to_say_anew_takes_the_place_of_what_it_was(db: Database) {
    let store = db.open().await;
    let (call, members) = held(&store, &["ann"]).await;
    let live = said(&members[0], "yes please", 1000);
    let [first, other] = ["guten morgen", "good morning"].map(|text| said(&members[0], text, 5000));
    let [recording, second] = [recorded(&store, &call).await, recorded(&store, &call).await];
    let of =
        |recording: &RecordingId, utterance: &Utterance| understood(&call, recording, utterance);
    let facts = vec![spoken(&call, &live, 2), of(&recording, &first)];
    store.record(facts).await.unwrap();
    let replaced = Fact::TranscriptionReplaced {
        call_id: call.call_id.clone(),
        recording_id: recording.clone(),
        at: at(7),
    };
    store
        .record(vec![of(&second, &other), replaced])
        .await
        .unwrap();
    let transcript = store.transcript(&call.call_id).await.unwrap();
    assert_eq!(transcript.utterances, [live, other]);
    assert!(found(&store, "guten", None).await.is_empty());
}

async fn what_is_understood_of_a_recording_that_is_deleted_is_not_kept(db: Database) {
    let store = db.open().await;
    let (call, members) = held(&store, &["ann"]).await;
    let recording = recorded(&store, &call).await;
    let said = [1000, 5000].map(|from| said(&members[0], "guten morgen", from));
    let deleted = Fact::RecordingDeleted {
        call_id: call.call_id.clone(),
        recording_id: recording.clone(),
        at: at(6),
    };
    store.record(vec![deleted]).await.unwrap();
    let (call_id, recording_id) = (call.call_id.clone(), recording.clone());
    let replaced = Fact::TranscriptionReplaced {
        call_id: call_id.clone(),
        recording_id: recording_id.clone(),
        at: at(8),
    };
    let file = serde_json::json!({
        "name": "transcript.vtt", "kind": "transcript", "participant_id": null, "user_id": null, "source": null,
        "codec": "webvtt", "media_type": "text/vtt", "start_ms": 0, "duration_ms": 0, "size_bytes": 0, "sha256": "",
        "place": "local",
    });
    let transcribed = Fact::RecordingTranscribed {
        call_id: call_id.clone(),
        recording_id: recording_id.clone(),
        file: serde_json::from_value(file).unwrap(),
        utterances: 1,
        at: at(8),
    };
    let failed = Fact::RecordingTranscriptFailed {
        call_id,
        recording_id,
        reason: "its files are gone".to_owned(),
        at: at(8),
    };
    let spoken = spoken(&call, &said[0], 7);
    let before = store.facts_after(None, 100).await.unwrap().len();
    for late in [
        understood(&call, &recording, &said[1]),
        replaced,
        transcribed,
        failed,
    ] {
        let name = late.name();
        let refused = store.record(vec![spoken.clone(), late]).await.unwrap_err();
        let is_gone = matches!(refused, StoreError::NotFound { .. });
        assert!(is_gone, "{name}: {refused}");
    }
    let transcript = store.transcript(&call.call_id).await.unwrap();
    assert_eq!(transcript.utterances, [], "all of it or nothing");
    let told = store.facts_after(None, 100).await.unwrap();
    assert_eq!(told.len(), before, "and nobody hears of it");
}

async fn what_was_understood_before_a_restart_goes_on_after_it_or_has_stopped(db: Database) {
    let store = db.open().await;
    let (call, _) = held(&store, &["ann", "bob"]).await;
    for language in ["en", "de"] {
        let started = Fact::TranscriptionStarted {
            call_id: call.call_id.clone(),
            language: language.parse().unwrap(),
            at: at(2),
        };
        store.record(vec![started]).await.unwrap();
    }
    let recovered = store.recover(at(3)).await.unwrap();
    let [live] = &recovered.live[..] else {
        panic!("{recovered:?}");
    };
    assert_eq!(live.language, Some("de".parse().unwrap()));
    let long_after = 10 + i64::try_from(FORGOTTEN_AFTER.as_secs()).unwrap();
    store.recover(at(long_after)).await.unwrap();
    let over = store.call(&call.call_id, at(long_after)).await.unwrap();
    assert!(!over.expect("it is known").transcription);
}

async fn only_those_who_were_inside_and_not_put_out_find_and_read_what_was_said(db: Database) {
    let store = db.open().await;
    let (hers, her_people) = held(&store, &["ann", "bob"]).await;
    let (his, his_people) = held(&store, &["cid", "bob"]).await;
    let secret = "the secret number";
    let facts = vec![
        spoken(&hers, &said(&her_people[0], secret, 1000), 10),
        spoken(&his, &said(&his_people[0], secret, 1000), 11),
    ];
    store.record(facts).await.unwrap();
    let calls = async |by: Option<&str>| -> Vec<CallId> {
        let found = found(&store, "secret", by).await.into_iter();
        found.map(|found| found.call_id).collect()
    };
    let [hers, his] = [hers.call_id, his.call_id];
    assert_eq!(calls(Some("ann")).await, std::slice::from_ref(&hers));
    assert_eq!(calls(Some("cid")).await, std::slice::from_ref(&his));
    let both = [his, hers];
    assert_eq!(calls(Some("bob")).await, both);
    assert_eq!(calls(Some("eve")).await, []);
    assert_eq!(calls(None).await, both, "the application itself sees all");
    // Who was called and never came, and who was put out, hear nothing of what was said.
    let (hall, people) = (
        call("ann", &["dan", "zoe"], at(0)),
        ["ann", "dan"].map(|name| member(name, at(1))),
    );
    let facts = vec![
        initiated(&hall),
        joined(&hall, &people[0]),
        joined(&hall, &people[1]),
        left(&hall, &people[1], LeaveReason::Removed, at(2)),
        spoken(&hall, &said(&people[0], secret, 3000), 12),
    ];
    store.record(facts).await.unwrap();
    for (name, may) in [
        ("ann", true),
        ("dan", false),
        ("zoe", false),
        ("eve", false),
    ] {
        assert_eq!(
            calls(Some(name)).await.contains(&hall.call_id),
            may,
            "{name} searches"
        );
        let read = store.may_read_transcript(&hall.call_id, &user(name)).await;
        assert_eq!(read.unwrap(), may, "{name} reads");
    }
    // No word of a query language opens anything.
    for words in [
        "secret OR 1",
        "* OR secret",
        "secret' OR '1'='1",
        "\"",
        "call_id:*",
        "NEAR(",
    ] {
        assert_eq!(found(&store, words, Some("eve")).await, [], "{words}");
    }
}

async fn a_search_finds_whole_words_in_any_order_and_case(db: Database) {
    let store = db.open().await;
    let (call, people) = held(&store, &["ann", "bob"]).await;
    let one = said(&people[1], "please mute the video", 2000);
    store.record(vec![spoken(&call, &one, 3)]).await.unwrap();
    for words in ["video", "Video MUTE", "  the   please "] {
        let [hit] = &found(&store, words, Some("ann")).await[..] else {
            panic!("{words}");
        };
        assert_eq!(hit.user_id, user("bob"));
        assert_eq!((hit.start_ms, hit.end_ms), (one.start_ms, one.end_ms));
        assert_eq!(hit.snippet, one.text);
        assert_eq!(hit.spoken_at, at(3));
    }
    for words in ["vide", "video audio", "-", "!"] {
        assert_eq!(found(&store, words, Some("ann")).await, [], "{words}");
    }
}

async fn pages_of_a_search_neither_repeat_nor_skip(db: Database) {
    let store = db.open().await;
    let (call, people) = held(&store, &["ann", "bob"]).await;
    // Three to a moment: a page's end falls between those of the same one.
    let facts = (0..50).map(|n| {
        let one = said(&people[0], "next please", n * 1000);
        spoken(&call, &one, i64::try_from(n / 3).unwrap())
    });
    store.record(facts.collect()).await.unwrap();
    let mut request = PageRequest {
        limit: 7.try_into().unwrap(),
        ..Default::default()
    };
    let mut seen = Vec::new();
    loop {
        let page = store
            .search(&OrgId::default(), "next", None, &request)
            .await
            .unwrap();
        seen.extend(page.data.into_iter().map(|hit| hit.start_ms));
        request.cursor = page.next_cursor;
        if request.cursor.is_none() {
            break;
        }
    }
    let distinct: HashSet<u64> = seen.iter().copied().collect();
    assert_eq!((seen.len(), distinct.len()), (50, 50));
}

async fn ten_thousand_utterances_are_searched_by_the_index_of_their_words(db: Database) {
    let store = db.open().await;
    for number in 0..100 {
        let other = if number % 10 == 0 { "bob" } else { "eve" };
        let (call, people) = held(&store, &["ann", other]).await;
        let facts = (0..100).map(|n: u64| {
            let text = format!("in call {number} they said number {n} and then something else");
            let one = said(&people[usize::from(n % 2 == 1)], &text, n * 5000);
            spoken(&call, &one, i64::try_from(number * 1000 + n).unwrap())
        });
        store.record(facts.collect()).await.unwrap();
    }
    // Words that one, a hundred, and all ten thousand have; for who sees all, a tenth, and none.
    for (words, by, most) in [
        ("said 77 42", None, 2),
        ("number 42", Some("bob"), 50),
        ("something", None, 50),
        ("something", Some("bob"), 50),
        ("something", Some("zoe"), 0),
    ] {
        let found = found(&store, words, by).await;
        assert!(
            found.len() <= most && found.is_empty() == (most == 0),
            "{words}"
        );
    }
    // No step reads all that was ever said, or everybody who was ever somewhere.
    let sqlite = db.address.starts_with("sqlite:");
    db.tamper("ANALYZE").await;
    for by in [None, Some(user("bob"))] {
        let org = OrgId::default();
        let plan = store.plan_of_search(&org, "said 77 42", by.as_ref()).await;
        let plan = plan.unwrap().join("\n");
        let (index, whole): (&str, &[&str]) = if sqlite {
            ("SCAN w VIRTUAL TABLE INDEX", &["SCAN u", "SCAN p"])
        } else {
            let index = "Bitmap Index Scan on utterances_search";
            (index, &["Seq Scan on utterances"]) // two hundred presences are read faster whole
        };
        assert!(plan.contains(index), "{plan}");
        assert!(!whole.iter().any(|step| plan.contains(step)), "{plan}");
    }
}
