//! Samples of quality: kept, paged, and narrowed to one presence.

use calls::store::{PageRequest, QualityOf};
use calls_actors::journal::Sampled;
use calls_model::{CallId, ParticipantId, QualitySample};

use super::database::Database;
use super::samples::at;

on_both! {
    quality_comes_back_newest_first_page_by_page,
    one_presence_is_told_apart,
    a_sample_kept_twice_is_there_once,
}

fn sampled(call_id: &CallId, who: &ParticipantId, second: i64) -> Sampled {
    Sampled {
        call_id: call_id.clone(),
        sample: QualitySample {
            at: at(second),
            participant_id: who.clone(),
            score: 4.5,
            up_kbps: 1000,
            down_kbps: 4_000_000_000,
            loss: 0.25,
            rtt_ms: Some(40),
            jitter_ms: 7,
            freezes: 1,
            estimate_kbps: None,
            up_height: Some(720),
            down_height: None,
            pictures: Some(9),
            reduced_pictures: Some(0),
        },
    }
}

fn of(who: &ParticipantId) -> QualityOf {
    QualityOf {
        participant: Some(who.clone()),
        ..QualityOf::default()
    }
}

async fn quality_comes_back_newest_first_page_by_page(db: Database) {
    let store = db.open().await;
    let (call, ann, bob) = (CallId::new(), ParticipantId::new(), ParticipantId::new());
    let samples: Vec<_> = [5, 10]
        .into_iter()
        .flat_map(|second| [sampled(&call, &ann, second), sampled(&call, &bob, second)])
        .collect();
    store.keep_quality(samples.clone()).await.unwrap();
    let other = sampled(&CallId::new(), &ann, 5);
    store.keep_quality(vec![other]).await.unwrap();

    let mut request = PageRequest {
        limit: 3.try_into().unwrap(),
        ..PageRequest::default()
    };
    let first = store
        .quality(&call, &QualityOf::default(), &request)
        .await
        .unwrap();
    assert!(first.has_more);
    request.cursor = first.next_cursor;
    let last = store
        .quality(&call, &QualityOf::default(), &request)
        .await
        .unwrap();
    assert!(!last.has_more);

    let mut expected: Vec<_> = samples.into_iter().map(|one| one.sample).collect();
    expected.sort_by(|one, other| {
        let key = |sample: &QualitySample| (sample.at, sample.participant_id.clone());
        key(other).cmp(&key(one))
    });
    assert_eq!([first.data, last.data].concat(), expected);
}

async fn one_presence_is_told_apart(db: Database) {
    let store = db.open().await;
    let (call, ann, bob) = (CallId::new(), ParticipantId::new(), ParticipantId::new());
    let samples = vec![sampled(&call, &ann, 5), sampled(&call, &bob, 5)];
    store.keep_quality(samples).await.unwrap();
    let only = store
        .quality(&call, &of(&bob), &PageRequest::default())
        .await
        .unwrap();
    assert_eq!(only.data, [sampled(&call, &bob, 5).sample]);
}

async fn a_sample_kept_twice_is_there_once(db: Database) {
    let store = db.open().await;
    let (call, ann) = (CallId::new(), ParticipantId::new());
    for _ in 0..2 {
        store
            .keep_quality(vec![sampled(&call, &ann, 5)])
            .await
            .unwrap();
    }
    let page = store
        .quality(&call, &QualityOf::default(), &PageRequest::default())
        .await
        .unwrap();
    assert_eq!(page.data.len(), 1);
}
