use std::sync::mpsc::Receiver;
use std::time::Duration;

use calls_model::{CallId, Timestamp};
use chrono::DateTime;

use super::scribe::{ATTEMPTS, REST};
use super::*;
use crate::testing::{MemoryJournal, settle};

fn ringing(number: u8) -> Fact {
    let call_id: CallId = format!("call_{number}").parse().unwrap();
    Fact::CallRinging {
        call_id,
        at: Timestamp::from(DateTime::UNIX_EPOCH),
    }
}

fn subjects(facts: &Receiver<Fact>) -> Vec<String> {
    facts
        .try_iter()
        .map(|fact| fact.subject().to_owned())
        .collect()
}

#[actix::test]
async fn facts_become_true_in_the_order_in_which_they_were_handed_over() {
    let (journal, facts) = MemoryJournal::start();
    let scribe = Scribe::start(journal);
    drop(scribe.record(vec![ringing(1)]));
    drop(scribe.record(vec![ringing(2), ringing(3)]));
    scribe.record(vec![ringing(4)]).await.unwrap();
    assert_eq!(subjects(&facts), ["call_1", "call_2", "call_3", "call_4"]);
}

#[actix::test]
async fn who_waits_is_told_of_a_refusal_and_the_fact_never_becomes_true() {
    let (journal, facts) = MemoryJournal::start();
    let scribe = Scribe::start(journal.clone());
    journal.set_broken(true);
    assert!(scribe.record(vec![ringing(1)]).await.is_err());
    journal.set_broken(false);
    scribe.flushed().await.unwrap();
    assert!(subjects(&facts).is_empty());
}

#[actix::test]
async fn what_nobody_waits_for_outlives_an_outage_and_keeps_its_place() {
    tokio::time::pause();
    let (journal, facts) = MemoryJournal::start();
    let scribe = Scribe::start(journal.clone());
    journal.set_broken(true);
    drop(scribe.record(vec![ringing(1)]));
    tokio::time::sleep(5 * REST).await;
    assert!(
        scribe.record(vec![ringing(2)]).await.is_err(),
        "not before the first"
    );
    journal.set_broken(false);
    drop(scribe.record(vec![ringing(3)]));
    scribe.flushed().await.unwrap();
    assert_eq!(subjects(&facts), ["call_1", "call_3"]);
}

#[actix::test]
async fn a_fact_that_is_refused_for_good_does_not_stop_the_others_for_ever() {
    tokio::time::pause();
    let (journal, facts) = MemoryJournal::start();
    let scribe = Scribe::start(journal.clone());
    journal.set_broken(true);
    drop(scribe.record(vec![ringing(1)]));
    tokio::time::sleep(REST * (ATTEMPTS + 2)).await;
    journal.set_broken(false);
    scribe.record(vec![ringing(2)]).await.unwrap();
    assert_eq!(subjects(&facts), ["call_2"]);
}

#[actix::test]
async fn the_scribe_writes_to_the_end_after_everybody_is_gone() {
    tokio::time::pause();
    let (journal, facts) = MemoryJournal::start();
    let scribe = Scribe::start(journal.clone());
    journal.set_broken(true);
    drop(scribe.record(vec![ringing(1)]));
    drop(scribe);
    settle().await;
    journal.set_broken(false);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(subjects(&facts), ["call_1"]);
}

#[actix::test]
async fn a_storage_that_is_away_is_waited_for_and_what_waits_outlives_a_crash() {
    tokio::time::pause();
    let (journal, facts) = MemoryJournal::start();
    let scribe = Scribe::start(journal.clone());
    journal.set_away(true);
    for number in 1..=3 {
        drop(scribe.record(vec![ringing(number)]));
    }
    tokio::time::sleep(REST * (ATTEMPTS * 10)).await;
    let aside = journal.aside();
    let subjects_of = |entry: &Vec<Fact>| entry[0].subject().to_owned();
    assert_eq!(
        aside.iter().map(subjects_of).collect::<Vec<_>>(),
        ["call_1", "call_2", "call_3"],
        "each once"
    );
    let refused = scribe.record(vec![ringing(4)]).await;
    assert!(matches!(refused, Err(JournalError::Away(_))), "{refused:?}");
    journal.set_away(false);
    scribe.flushed().await.unwrap();
    assert_eq!(subjects(&facts), ["call_1", "call_2", "call_3"]);
    settle().await;
    assert!(journal.aside().is_empty(), "nothing waits any more");
}
