use std::sync::Arc;

use super::*;
use crate::testing::{packet, stamp};

const MS: Duration = Duration::from_millis(1);

/// The latest that left at this time came in, and so did all before it but for this.
fn confirmed(until: Instant, doubt: Option<Instant>) -> Confirmed {
    Confirmed { until, doubt }
}

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
    for (at, number) in numbers.enumerate() {
        history.remember(stamp(number), &burst, at, now);
    }
}

/// One packet after each pause.
fn stream(history: &mut History, numbers: std::ops::Range<u64>, pause: Duration, begun: Instant) {
    for number in numbers {
        let at = u32::try_from(number).unwrap();
        send(history, number..number + 1, begun + pause * at);
    }
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
    assert_eq!(history.entries.len(), 406);
}

#[test]
fn a_slow_stream_keeps_no_more_than_its_time() {
    let begun = Instant::now();
    let mut history = History::new(512);
    history.set_rtt(5 * MS);
    stream(&mut history, 0..500, 20 * MS, begun);
    assert_eq!(history.bursts.len(), 26, "half a second of them");
    assert_eq!(history.entries.len(), 36);
    let now = begun + 20 * MS * 499;
    assert!(history.resend(474, now, MS).is_some());
    assert!(history.resend(473, now, MS).is_none());
}

#[test]
fn a_stream_that_paused_holds_nothing_for_long() {
    let mut history = filled(8, std::iter::once(0..3));
    history.expire(Instant::now() + 2000 * MS);
    assert!(history.bursts.is_empty());
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
fn whoever_asks_by_an_older_clock_is_not_sent_it_twice() {
    let mut history = filled(8, std::iter::once(0..3));
    let now = Instant::now();
    assert!(history.resend(0, now, 50 * MS).is_some());
    assert!(history.resend(1, now + 100 * MS, 50 * MS).is_some());
    for earlier in [90, 0] {
        let now = now + earlier * MS;
        assert!(history.resend(1, now, 50 * MS).is_none(), "{earlier} ms");
    }
}

#[test]
fn what_came_in_is_let_go_of_at_once() {
    let begun = Instant::now();
    let mut history = History::new(64);
    stream(&mut history, 0..6, 20 * MS, begun);
    history.confirm(confirmed(begun + 60 * MS, None));
    let kept: Vec<u64> = history.latest().map(|(stamp, _)| stamp.index).collect();
    assert_eq!(
        kept,
        [5, 4, 3],
        "others of the time of the third may be under way"
    );
}

#[test]
fn a_burst_is_kept_until_its_latest_packet_came_in() {
    let begun = Instant::now();
    let mut history = History::new(64);
    let burst: Burst = (0..3).map(packet).collect();
    for at in 0..3u8 {
        history.remember(stamp(at.into()), &burst, at.into(), begun + MS * at.into());
    }
    history.confirm(confirmed(begun + 2 * MS, None));
    assert!(history.resend(0, begun, MS).is_some());
    history.confirm(confirmed(begun + 3 * MS, None));
    assert!(history.resend(0, begun, MS).is_none());
}

#[test]
fn while_something_may_be_asked_for_all_is_kept_for_its_time() {
    let begun = Instant::now();
    let mut history = History::new(64);
    history.set_rtt(5 * MS);
    stream(&mut history, 0..50, 20 * MS, begun);
    let doubt = Some(begun + 480 * MS);
    history.confirm(confirmed(begun + 980 * MS, doubt));
    assert!(history.resend(25, begun, MS).is_some());
    history.confirm(confirmed(begun + 981 * MS, doubt));
    assert_eq!(history.bursts.len(), 0, "nobody asks for it any more");
}

#[test]
fn a_late_packet_takes_nobodys_place() {
    let begun = Instant::now();
    let mut history = History::new(1024);
    stream(&mut history, 1000..1500, Duration::ZERO, begun);
    let room = history.entries.len();
    let late = 1499 - u64::try_from(room).unwrap();
    stream(&mut history, late..late + 1, Duration::ZERO, begun);
    assert!(history.resend(1499, begun, MS).is_some());
    assert!(history.resend(late, begun, MS).is_none());
    assert_eq!(history.entries.len(), room);
}

#[test]
fn a_packet_that_is_a_little_late_has_its_place_still() {
    let begun = Instant::now();
    let mut history = History::new(1024);
    stream(&mut history, 10..60, Duration::ZERO, begun);
    send(&mut history, 5..6, begun);
    assert!(
        (5..6)
            .chain(10..60)
            .all(|number| history.resend(number, begun, MS).is_some())
    );
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
}
