//! A publisher, the forwarding of one room and viewers, on virtual networks in virtual time.
//!
//! Nothing here asks what time it is: links have rates, queues, delays, jitter, loss, duplication and reordering, all from one
//! seed. A failing run names its seed; `CALLS_SEED=n cargo nextest run -p calls-media --test network` plays it again,
//! and `CALLS_TRACE=1 … --no-capture` tells how it went.

mod decoder;
mod link;
mod publisher;
mod viewer;
mod world;

use std::time::Duration;

use link::Conditions;
use world::World;

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

/// Seeds of the randomised runs; `CALLS_SEED` plays one alone.
fn seeds(count: u64) -> impl Iterator<Item = u64> {
    let chosen = std::env::var("CALLS_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok());
    let all = if chosen.is_some() { 0..0 } else { 0..count };
    all.chain(chosen)
}

#[test]
fn a_viewer_on_a_good_path_sees_the_best_layer_within_two_seconds() {
    for seed in seeds(20) {
        let mut world = World::new(seed, &[Conditions::good()]);
        world.run(2 * SECOND);
        assert_eq!(world.viewer(0).height(), 720, "seed {seed}");
        world.run(10 * SECOND);
        let freeze = world.viewer(0).longest_freeze(2 * SECOND..12 * SECOND);
        assert!(freeze < 200 * MS, "seed {seed}: frozen for {freeze:?}");
    }
}

#[test]
fn a_path_that_narrows_and_widens_is_followed_without_a_long_freeze() {
    for seed in seeds(20) {
        let mut world = World::new(seed, &[Conditions::good().kbps(3_000)]);
        world.run(10 * SECOND);
        assert_eq!(world.viewer(0).height(), 720, "seed {seed}");
        world.conditions(0, Conditions::good().kbps(300));
        world.run(3 * SECOND);
        assert_eq!(
            world.viewer(0).height(),
            180,
            "seed {seed}: three seconds later"
        );
        world.run(17 * SECOND);
        assert_eq!(
            world.viewer(0).height(),
            180,
            "seed {seed}: twenty seconds later"
        );
        world.conditions(0, Conditions::good().kbps(3_000));
        world.run(15 * SECOND);
        assert_eq!(world.viewer(0).height(), 720, "seed {seed}: back");
        let freeze = world.viewer(0).longest_freeze(2 * SECOND..45 * SECOND);
        assert!(freeze < SECOND, "seed {seed}: frozen for {freeze:?}");
    }
}

#[test]
fn one_packet_in_twenty_lost_is_mended_before_anybody_sees_it() {
    let longest = |seed| {
        let mut world = World::new(seed, &[Conditions::good().loss(0.05)]);
        world.run(22 * SECOND);
        let viewer = world.viewer(0);
        assert_eq!(viewer.height(), 720, "seed {seed}");
        let freeze = viewer.longest_freeze(2 * SECOND..22 * SECOND);
        assert!(freeze < SECOND, "seed {seed}: frozen for {freeze:?}");
        freeze
    };
    // One seed in thirty loses a packet four times and more in a row.
    let frozen = seeds(20).filter(|&seed| longest(seed) > 400 * MS).count();
    assert!(frozen <= 3, "{frozen} seeds were frozen for 0.4 s");
}

#[test]
fn a_path_too_narrow_for_any_picture_is_told_so_and_gets_it_back() {
    let mut world = World::new(1, &[Conditions::good()]);
    world.run(5 * SECOND);
    world.conditions(0, Conditions::good().kbps(90));
    world.run(15 * SECOND);
    assert!(world.viewer(0).is_withheld());
    world.conditions(0, Conditions::good());
    world.run(15 * SECOND);
    assert!(!world.viewer(0).is_withheld());
    assert_eq!(world.viewer(0).height(), 720);
}

#[test]
fn the_picture_is_not_taken_away_for_a_moment_of_want() {
    for seed in seeds(20) {
        let mut world = World::new(seed, &[Conditions::good()]);
        world.run(5 * SECOND);
        world.conditions(0, Conditions::good().kbps(90));
        for _ in 0..8 {
            world.run(500 * MS);
            assert!(!world.viewer(0).is_withheld(), "seed {seed}");
        }
        world.conditions(0, Conditions::good());
        world.run(15 * SECOND);
        assert_eq!(world.viewer(0).height(), 720, "seed {seed}");
    }
}

#[test]
fn a_viewer_on_a_bad_path_does_not_spoil_it_for_the_others() {
    for seed in seeds(10) {
        let bad = Conditions::good().kbps(400).loss(0.02);
        let mut world = World::new(seed, &[Conditions::good(), bad, Conditions::good()]);
        world.run(20 * SECOND);
        for viewer in [0, 2] {
            assert_eq!(world.viewer(viewer).height(), 720, "seed {seed}");
            let freeze = world.viewer(viewer).longest_freeze(2 * SECOND..20 * SECOND);
            assert!(freeze < 250 * MS, "seed {seed}: frozen for {freeze:?}");
        }
        assert_eq!(world.viewer(1).height(), 180, "seed {seed}");
        let freeze = world.viewer(1).longest_freeze(5 * SECOND..20 * SECOND);
        assert!(freeze < SECOND, "seed {seed}: frozen for {freeze:?}");
    }
}

#[test]
fn whatever_a_network_does_the_picture_comes_back_when_it_has_done_it() {
    for seed in seeds(40) {
        let mut world = World::new(seed, &[Conditions::good(), Conditions::good()]);
        world.run(3 * SECOND);
        for _ in 0..10 {
            for viewer in 0..2 {
                let conditions = world.some_conditions();
                world.conditions(viewer, conditions);
            }
            world.run(2 * SECOND);
        }
        for viewer in 0..2 {
            world.conditions(viewer, Conditions::good());
        }
        world.run(20 * SECOND);
        for viewer in 0..2 {
            let viewer = world.viewer(viewer);
            assert_eq!(viewer.height(), 720, "seed {seed}");
            let freeze = viewer.longest_freeze(38 * SECOND..43 * SECOND);
            assert!(freeze < 250 * MS, "seed {seed}: frozen for {freeze:?}");
        }
    }
}

#[test]
fn a_lossy_uplink_is_mended_by_the_publisher() {
    for seed in seeds(10) {
        let mut world = World::new(seed, &[Conditions::good()]);
        world.uplink(Conditions::good().loss(0.05));
        world.run(15 * SECOND);
        let freeze = world.viewer(0).longest_freeze(3 * SECOND..15 * SECOND);
        assert!(freeze < 500 * MS, "seed {seed}: frozen for {freeze:?}");
    }
}

#[test]
fn a_ceiling_between_two_layers_withholds_the_upper_one_and_says_so() {
    for seed in seeds(10) {
        // The layers take 150, 500 and 1500 kbit/s.
        let mut world = World::new(seed, &[Conditions::good(), Conditions::good()]);
        world.ceiling(0, 1_000);
        world.run(5 * SECOND);
        let (before, _) = world.viewer(0).sent();
        world.run(15 * SECOND);
        let (after, _) = world.viewer(0).sent();
        assert_eq!(world.viewer(0).height(), 360, "seed {seed}");
        assert!(world.viewer(0).is_capped(), "seed {seed}");
        let kbps = (after - before) * 8 / 15 / 1000;
        assert!((400..1_000).contains(&kbps), "seed {seed}: {kbps} kbit/s");
        assert_eq!(world.viewer(1).height(), 720, "seed {seed}: the other one");
        assert!(!world.viewer(1).is_capped(), "seed {seed}");

        // Where the path carries less than that, it is the path.
        world.conditions(0, Conditions::good().kbps(300));
        world.run(10 * SECOND);
        assert_eq!(world.viewer(0).height(), 180, "seed {seed}");
        assert!(!world.viewer(0).is_capped(), "seed {seed}");
    }
}

#[test]
fn three_packets_in_ten_lost_leave_a_picture_and_all_of_it_is_back_when_they_are_over() {
    let (mut runs, mut long, mut worst, mut again) = (0, Vec::new(), Duration::ZERO, 0);
    for seed in seeds(20) {
        let mut world = World::new(seed, &[Conditions::good(), Conditions::good()]);
        world.run(5 * SECOND);
        world.conditions(0, Conditions::good().loss(0.3));
        world.run(20 * SECOND);
        let freeze = world.viewer(0).longest_freeze(5 * SECOND..25 * SECOND);
        runs += 1;
        worst = worst.max(freeze);
        long.extend((freeze > 2 * SECOND).then_some(seed));
        again += world.viewer(0).sent().1;
        let height = world.viewer(0).height();
        assert!(height >= 180, "seed {seed}: {height} lines");
        assert!(!world.viewer(0).is_withheld(), "seed {seed}");
        world.conditions(0, Conditions::good());
        world.run(15 * SECOND);
        assert_eq!(world.viewer(0).height(), 720, "seed {seed}");
        let freeze = world.viewer(0).longest_freeze(35 * SECOND..40 * SECOND);
        assert!(freeze < 250 * MS, "seed {seed}: frozen for {freeze:?}");
        let other = world.viewer(1).longest_freeze(2 * SECOND..40 * SECOND);
        assert!(other < 250 * MS, "seed {seed}: the other for {other:?}");
    }
    eprintln!(
        "measured: {long:?} frozen above 2 s, none above {worst:?}; {again} packets sent again"
    );
    // Of 400 seeds 11 were, the longest for 2.7 s.
    assert!(
        runs == 1 || long.len() <= 3,
        "seeds {long:?} were frozen for 2 s"
    );
    assert!(worst < 4 * SECOND, "frozen for {worst:?}");
}

#[test]
fn a_bad_path_that_gets_narrow_later_is_sent_no_more_than_it_carries() {
    for seed in seeds(10) {
        let bad = Conditions::good().loss(0.3);
        let mut world = World::new(seed, &[bad]);
        world.run(20 * SECOND);
        // What is too much is dropped at once: nothing but the loss tells of it.
        world.conditions(0, bad.kbps(120).queue(60 * MS));
        world.run(20 * SECOND);
        let before = world.viewer(0).sent().0;
        world.run(10 * SECOND);
        let kbps = (world.viewer(0).sent().0 - before) * 8 / 10_000;
        assert!(kbps < 120, "seed {seed}: {kbps} kbit/s");
    }
}

#[test]
fn nobody_sends_what_nobody_watches() {
    let mut world = World::new(3, &[Conditions::good().kbps(350)]);
    world.run(15 * SECOND);
    assert_eq!(world.publisher_layers(), [true, false, false]);
}
