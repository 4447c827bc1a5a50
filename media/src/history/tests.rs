use std::sync::Arc;

use super::*;
use crate::testing::{packet, stamp};

const MS: Duration = Duration::from_millis(1);

fn filled(most: usize, bursts: impl IntoIterator<Item = std::ops::Range<u64>>) -> History {
    let mut history = History::new(most);
    let now = Instant::now();
    for numbers in bursts {
        send(&mut history, numbers, now);
    }
    history
}

fn send(history: &mut History, numbers: std::ops::Range<u64>, now: Instant) {
    let burst: Burst = numbers.clone().map(packet).collect();
    numbers
        .enumerate()
        .for_each(|(at, number)| history.remember(stamp(number), &burst, at, now));
}

#[test]
fn the_latest_packets_are_found_and_older_ones_are_gone() {
    let mut history = filled(8, [0..3, 3..4, 4..12]);
    let now = Instant::now();
    for number in 4..12 {
        let (stamp, packet) = history.resend(number, now, MS).unwrap();
        assert_eq!((stamp.index, packet.seq), (number, number));
    }
    assert!(history.resend(3, now, MS).is_none());
    assert!(history.resend(12, now, MS).is_none());
}

#[test]
fn bursts_of_one_packet_are_kept_as_long_as_their_packets() {
    let mut history = filled(8, (0..20).map(|number| number..number + 1));
    let now = Instant::now();
    assert!((12..20).all(|number| history.resend(number, now, MS).is_some()));
}

#[test]
fn its_room_grows_with_what_is_worth_keeping() {
    let mut history = filled(1024, (0..300).map(|number| number..number + 1));
    let now = Instant::now();
    assert!((0..300).all(|number| history.resend(number, now, MS).is_some()));
    let latest: Vec<u64> = history.latest().map(|(stamp, _)| stamp.index).collect();
    assert_eq!(latest, (0..300).rev().collect::<Vec<_>>());
    assert_eq!(history.entries.len(), 324);
}

#[test]
fn a_slow_stream_keeps_no_more_than_its_time() {
    let begun = Instant::now();
    let mut history = History::new(512);
    history.set_rtt(5 * MS);
    for number in 0..500 {
        let now = begun + 20 * MS * u32::try_from(number).unwrap();
        send(&mut history, number..number + 1, now);
    }
    assert_eq!(history.bursts.len(), 26, "half a second of them");
    assert_eq!(history.entries.len(), 64);
    let now = begun + 20 * MS * 499;
    assert!(history.resend(474, now, MS).is_some());
    assert!(history.resend(473, now, MS).is_none());
}

#[test]
fn a_stream_that_paused_holds_nothing_for_long() {
    let mut history = filled(8, std::iter::once(0..3));
    history.expire(Instant::now() + 2000 * MS);
    assert!(history.bursts.is_empty());
    assert!(!history.admits(1), "its indexes are known still");
}

#[test]
fn a_long_round_trip_keeps_payloads_for_longer() {
    let sent = Instant::now();
    for (rtt, kept) in [(1, 500), (300, 1200), (5000, 3000)] {
        let mut history = filled(8, std::iter::once(0..3));
        history.set_rtt(rtt * MS);
        history.expire(sent + (kept - 50) * MS);
        assert!(history.resend(1, sent, MS).is_some(), "{rtt} ms");
        history.expire(sent + (kept + 50) * MS);
        assert!(history.resend(2, sent, MS).is_none(), "{rtt} ms");
    }
}

#[test]
fn one_packet_is_sent_again_once_per_pause() {
    let mut history = filled(8, std::iter::once(0..3));
    let now = Instant::now();
    assert!(history.resend(1, now, 50 * MS).is_some());
    assert!(history.resend(1, now + 49 * MS, 50 * MS).is_none());
    assert!(history.resend(1, now + 50 * MS, 50 * MS).is_some());
}

#[test]
fn an_index_is_admitted_once_and_not_when_it_is_too_old() {
    let history = filled(8, [0..5, 6..10]);
    assert!(history.admits(5));
    assert!(!history.admits(6));
    assert!(!history.admits(1), "its place is taken by a newer one");
    assert!(history.admits(10));
}

#[test]
fn an_index_that_nobody_can_ask_for_is_not_admitted_twice_either() {
    let mut history = History::new(64);
    (0..100).for_each(|number| history.pass(stamp(number)));
    assert!(!history.admits(99) && !history.admits(30));
    assert!(history.admits(100));
    assert!(history.resend(99, Instant::now(), MS).is_none());
    assert_eq!(history.latest().count(), 0);
}

#[test]
fn payloads_are_shared_and_let_go() {
    let mut history = History::new(8);
    let shared: Arc<[Packet]> = (0..3).map(packet).collect();
    let burst = Burst::new(Arc::clone(&shared), Default::default());
    let now = Instant::now();
    (0..3).for_each(|at| {
        history.remember(stamp(at), &burst, usize::try_from(at).unwrap(), now);
    });
    assert_eq!(
        Arc::strong_count(&shared),
        2 + 1,
        "one pointer for all its packets"
    );
    history.forget_payloads();
    assert_eq!(Arc::strong_count(&shared), 1 + 1);
    assert!(!history.admits(1));
}
