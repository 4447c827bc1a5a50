//! Spatial layers of one scalable stream, from the publisher's packets to a listener's.

mod scene;

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::seam::Bitrate;
use scene::{Mode, Scene};

fn set(layers: &[u8]) -> BTreeSet<u8> {
    layers.iter().copied().collect()
}

#[test]
fn a_small_tile_gets_the_small_layer_and_numbers_close_over_the_rest() {
    for mode in [Mode::L3T3, Mode::L3T3Key, Mode::Av1] {
        let mut scene = Scene::new(mode);
        scene.tile(0);
        scene.smooth(40);
        assert_eq!(scene.latest(10), set(&[0]), "{mode:?}");
        assert_eq!(scene.gaps(), 0);
        scene.check();
        let marked = scene.seen().values().filter(|(_, marked)| *marked).count();
        let pictures: BTreeSet<_> = scene.seen().values().map(|((p, ..), _)| *p).collect();
        assert_eq!(marked, pictures.len(), "each picture ends once");
        let picture = scene.outbound.stats().slots[0].picture.unwrap();
        assert_eq!((picture.size, picture.reduced), (Some((320, 180)), false));
    }
}

#[test]
fn a_tile_that_grows_gets_the_large_layer_at_one_key_frame() {
    for mode in [Mode::L3T3, Mode::L3T3Key, Mode::Av1] {
        let mut scene = Scene::new(mode);
        scene.tile(0);
        scene.smooth(40);
        let keys = scene.keys;
        scene.tile(2);
        scene.smooth(20);
        assert_eq!(scene.keys, keys + 1, "{mode:?}");
        let all = if mode == Mode::L3T3Key {
            set(&[2])
        } else {
            set(&[0, 1, 2])
        };
        assert_eq!(scene.latest(10), all);
        assert_eq!(scene.gaps(), 0);
        scene.check();
    }
}

#[test]
fn who_takes_no_descriptors_gets_the_small_layer_of_av1_and_the_large_of_vp9() {
    for (mode, layers) in [(Mode::Av1, set(&[0])), (Mode::L3T3, set(&[0, 1, 2]))] {
        let mut scene = Scene::undescribed(mode);
        scene.tile(2);
        scene.smooth(40);
        assert_eq!(scene.latest(30), layers, "{mode:?}");
        assert_eq!(scene.gaps(), 0);
        scene.check();
        let picture = scene.outbound.stats().slots[0].picture.unwrap();
        assert!(!picture.reduced, "more would be of no use");
    }
}

#[test]
fn where_layers_predict_each_other_a_tile_shrinks_without_a_key_frame() {
    for mode in [Mode::L3T3, Mode::Av1] {
        let mut scene = Scene::new(mode);
        scene.smooth(40);
        let keys = scene.keys;
        scene.tile(0);
        scene.smooth(3);
        assert_eq!(
            scene.latest(2),
            set(&[0]),
            "{mode:?}: with the next picture"
        );
        assert_eq!(scene.keys, keys);
        scene.check();
    }
}

#[test]
fn where_they_do_so_at_key_frames_only_it_waits_for_one() {
    let mut scene = Scene::new(Mode::L3T3Key);
    scene.smooth(40);
    let keys = scene.keys;
    scene.tile(1);
    scene.smooth(20);
    assert_eq!(scene.keys, keys + 1);
    assert_eq!(scene.latest(10), set(&[1]));
    scene.check();
}

#[test]
fn a_stream_of_temporal_layers_leaves_whole() {
    let mut scene = Scene::new(Mode::L1T3);
    scene.tile(0);
    scene.smooth(20);
    assert_eq!(scene.seen().len(), 20);
    assert_eq!(scene.gaps(), 0);
}

#[test]
fn a_layer_that_the_publisher_stopped_is_not_waited_for() {
    let mut scene = Scene::new(Mode::L3T3Key);
    scene.smooth(40);
    // The highest goes missing on its way; nothing says why.
    let mut packets = 0;
    scene.pictures(60, || {
        packets += 1;
        ((packets - 1) % 6 < 3).then_some(0)
    });
    assert_eq!(scene.latest(5), set(&[1]));
}

#[test]
fn a_narrow_path_gets_what_it_carries() {
    let mut scene = Scene::new(Mode::L3T3);
    scene.smooth(60);
    assert_eq!(scene.latest(5), set(&[0, 1, 2]));
    let rates = scene.outbound.slots[0].ask().unwrap();
    assert_eq!(rates.layers, 3);
    let Bitrate(lowest) = rates.rates[0];
    scene.outbound.limit(Bitrate(lowest * 16 / 10));
    scene.smooth(10);
    assert_eq!(scene.latest(3), set(&[0]));
    let picture = scene.outbound.stats().slots[0].picture.unwrap();
    assert_eq!((picture.size, picture.reduced), (Some((320, 180)), true));
}

fn mode() -> impl Strategy<Value = Mode> {
    prop::sample::select(vec![Mode::L3T3, Mode::L3T3Key, Mode::Av1, Mode::L1T3])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Late, reordered and lost: numbers have no gap that the source did not have, and pictures are whole.
    #[test]
    fn what_leaves_is_whole_whatever_happens_on_the_way(
        mode in mode(),
        tiles in proptest::collection::vec((0usize..3, 3u32..25), 1..8),
        fates in proptest::collection::vec(
            prop_oneof![12 => Just(Some(0u32)), 4 => (1u32..5).prop_map(Some), 1 => (20u32..50).prop_map(Some), 1 => Just(None)],
            64..300,
        ),
    ) {
        let mut scene = Scene::new(mode);
        scene.smooth(5);
        let mut fates = fates.into_iter().cycle();
        let mut lost = 0;
        let mut last = 2;
        for (tile, pictures) in tiles {
            scene.tile(tile);
            last = tile;
            scene.pictures(pictures, || {
                let fate = fates.next().flatten();
                lost += u64::from(fate.is_none());
                fate
            });
        }
        scene.drain();
        scene.smooth(120);
        prop_assert!(scene.gaps() <= lost, "{} of {lost}", scene.gaps());
        scene.check();
        let top = u8::try_from(last).unwrap().min(mode.layers() - 1);
        prop_assert_eq!(scene.latest(10).last().copied(), Some(top));
    }
}
