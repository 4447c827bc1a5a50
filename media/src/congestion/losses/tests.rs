use super::cause::Usual;
use super::*;

const MS: Duration = Duration::from_millis(1);

fn told(lost: usize, of: usize) -> Vec<Acknowledged> {
    let packet = |n| Acknowledged {
        sent: Duration::ZERO,
        arrival: (n >= lost).then_some(MS),
        bytes: 1000,
        probe: None,
    };
    (0..of).map(packet).collect()
}

#[test]
fn ordinary_losses_leave_the_ceiling_alone() {
    let mut losses = Losses::default();
    let now = Instant::now();
    for n in 0..50u32 {
        assert!(!losses.count(
            &told(5, 100),
            Some(Bitrate(1_000_000)),
            None,
            now + n * 100 * MS
        ));
    }
    assert_eq!(losses.ceiling(), CEILING);
    assert!((losses.share() - 0.05).abs() < 1e-6);
}

/// What a path has that was found to lose three packets in ten whatever is sent, and when that was.
fn on_a_bad_path() -> (Losses, Instant) {
    let mut losses = Losses::default();
    let zero = Instant::now();
    for (n, lost) in (0..4u32).zip([20, 40, 30, 25]) {
        losses.count(&told(lost, 100), kbps(700), None, zero + n * 400 * MS);
    }
    let found = zero + 1600 * MS;
    losses.count(&told(35, 100), kbps(300), None, found);
    (losses, found)
}

#[expect(clippy::unnecessary_wraps, reason = "as it is given")]
fn kbps(kbps: u64) -> Option<Bitrate> {
    Some(Bitrate(kbps * 1000))
}

/// The share that the path is known to lose whatever is sent.
fn usual(losses: &Losses) -> Option<f32> {
    match losses.cause {
        Cause::Path(usual) => Some(usual.share),
        Cause::None | Cause::Unknown(_) => None,
    }
}

#[test]
fn a_bad_paths_share_is_that_of_all_the_time_it_was_watched() {
    let (losses, _) = on_a_bad_path();
    let usual = usual(&losses).expect("it loses whatever is sent");
    assert!((usual - 0.30).abs() < 1e-3, "{usual}");
}

#[test]
fn what_a_few_packets_tell_of_a_bad_path_by_chance_changes_nothing() {
    let (mut losses, found) = on_a_bad_path();
    let ceiling = losses.ceiling();
    for (n, (lost, of)) in (1..).zip([(13, 21), (2, 40), (12, 20), (13, 22)]) {
        losses.count(&told(lost, of), kbps(150), None, found + n * 1000 * MS);
        assert!(usual(&losses).is_some(), "{lost} of {of}");
    }
    assert_eq!(losses.ceiling(), ceiling);
    losses.count(&told(80, 100), kbps(20), None, found + 6000 * MS);
    assert!(losses.ceiling() < ceiling, "eight in ten are no chance");
}

#[test]
fn a_bad_path_that_loses_as_usual_after_a_worse_moment_is_the_same_bad_path() {
    let (mut losses, found) = on_a_bad_path();
    losses.count(&told(80, 100), kbps(60), None, found + 1000 * MS);
    assert_eq!(usual(&losses), None);
    let ceiling = losses.ceiling();
    losses.count(&told(30, 100), kbps(210), None, found + 2000 * MS);
    assert!(usual(&losses).is_some());
    assert_eq!(losses.ceiling(), ceiling);
}

#[test]
fn however_much_a_path_loses_all_of_a_few_packets_is_more() {
    for share in [0.6, 0.75, 0.9] {
        let usual = Usual::judged(share);
        assert!(usual.is_exceeded(20, 20), "{share}");
        assert!(!usual.is_exceeded(19, 20), "{share}");
    }
}

#[test]
fn heavy_losses_of_long_ago_say_nothing_of_a_path_that_gets_narrow() {
    let mut losses = Losses::default();
    let zero = Instant::now();
    for second in 0..2u32 {
        losses.count(&told(12, 100), kbps(2_000), None, zero + second * 1000 * MS);
    }
    assert!(losses.ceiling() < CEILING);
    for second in 2..=60u32 {
        losses.count(&told(5, 100), kbps(1_000), None, zero + second * 1000 * MS);
    }
    let ceiling = losses.ceiling();
    for second in 61..=63u32 {
        let fell = losses.count(&told(20, 100), kbps(800), None, zero + second * 1000 * MS);
        assert!(fell, "{:?}", losses.cause);
    }
    assert!(losses.ceiling() < ceiling.times(0.75));
}

#[test]
fn a_bad_path_that_was_worse_long_ago_is_the_same_bad_path() {
    let (mut losses, found) = on_a_bad_path();
    losses.count(&told(80, 100), kbps(60), None, found + 1000 * MS);
    for second in 2..=30u32 {
        losses.count(&told(5, 100), kbps(200), None, found + second * 1000 * MS);
    }
    let ceiling = losses.ceiling();
    losses.count(&told(45, 100), kbps(100), None, found + 31_000 * MS);
    assert!(usual(&losses).is_some());
    assert_eq!(losses.ceiling(), ceiling);
}

#[test]
fn heavy_losses_bring_it_below_what_is_sent() {
    let mut losses = Losses::default();
    let now = Instant::now();
    assert!(losses.count(&told(40, 100), Some(Bitrate(600_000)), None, now));
    assert_eq!(losses.ceiling().0 / 1000, 799); // a million sent, less half of 40 %
}

#[test]
fn it_falls_once_in_a_round_trip() {
    let mut losses = Losses::default();
    let now = Instant::now();
    let rtt = Some(200 * MS);
    assert!(losses.count(&told(40, 100), Some(Bitrate(600_000)), rtt, now));
    assert!(!losses.count(&told(40, 100), Some(Bitrate(600_000)), rtt, now + 100 * MS));
    assert!(losses.count(&told(40, 100), Some(Bitrate(300_000)), rtt, now + 600 * MS));
}

/// What is sent after so many seconds on a path that loses this share of what it carries.
fn sent_after(seconds: u32, arrives: impl Fn(f64) -> f64) -> f64 {
    sent_in(seconds, |sent, _| arrives(sent))
}

/// The same on a path that changes: it is told the second, too.
fn sent_in(seconds: u32, arrives: impl Fn(f64, u32) -> f64) -> f64 {
    let mut losses = Losses::default();
    let begun = Instant::now();
    let mut sent = 1000.0; // kbit/s
    for step in 1..=seconds * 2 {
        let rate = arrives(sent, step / 2);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "small and positive"
        )]
        let (lost, rate) = ((100.0 * (1.0 - rate / sent)) as usize, rate as u64 * 1000);
        losses.count(
            &told(lost, 100),
            Some(Bitrate(rate)),
            None,
            begun + step * 500 * MS,
        );
        #[expect(clippy::cast_precision_loss, reason = "small")]
        let ceiling = losses.ceiling().0 as f64 / 1000.0;
        sent = ceiling.min(1000.0);
    }
    sent
}

#[test]
fn what_a_path_loses_of_whatever_is_sent_does_not_bring_it_to_nothing() {
    let sent = sent_after(60, |sent| sent * 0.7);
    assert!((350.0..800.0).contains(&sent), "{sent} kbit/s");
}

#[test]
fn a_path_that_is_too_narrow_is_told_from_one_that_is_bad() {
    let sent = sent_after(60, |sent| sent.min(120.0));
    assert!((60.0..150.0).contains(&sent), "{sent} kbit/s");
    let narrow_and_bad = sent_after(60, |sent| sent.min(300.0) * 0.8);
    assert!(
        (100.0..350.0).contains(&narrow_and_bad),
        "{narrow_and_bad} kbit/s"
    );
}

#[test]
fn a_bad_path_that_gets_narrow_later_is_sent_no_more_than_it_carries() {
    let bad = |sent: f64| sent * 0.7;
    let early = sent_in(40, |sent, _| bad(sent));
    let at_once = |sent: f64, second| {
        let carries = if second < 40 { 1.0 } else { 0.75 };
        bad(sent.min(early * carries))
    };
    let by_and_by = |sent: f64, second: u32| {
        let carries = 1.0 - f64::from(second.saturating_sub(40)) / 200.0;
        bad(sent.min(early * carries.max(0.5)))
    };
    for (how, sent, carried) in [
        ("at once", sent_in(80, at_once), early * 0.75),
        ("by and by", sent_in(180, by_and_by), early * 0.5),
    ] {
        let share = sent / carried;
        assert!(
            (0.3..1.15).contains(&share),
            "{how}: {sent} of {early} kbit/s"
        );
    }
}

#[test]
fn it_recovers_when_nothing_is_lost() {
    let mut losses = Losses::default();
    let now = Instant::now();
    losses.count(&told(40, 100), Some(Bitrate(600_000)), None, now);
    let low = losses.ceiling();
    for n in 1..=10u32 {
        losses.count(
            &told(0, 100),
            Some(Bitrate(600_000)),
            None,
            now + n * 1000 * MS,
        );
    }
    assert!(losses.ceiling() > low.times(2.0));
}
