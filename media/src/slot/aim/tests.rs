use super::*;
use crate::outbound::OutboundEvent;
use crate::seam::Priority;
use crate::testing::{TRACK, keyframe, packet};

const MS: Duration = Duration::from_millis(1);
const THREE: Shown = Shown {
    track: TRACK,
    layers: 3,
    size: None,
    priority: Priority::Usual,
};

/// An aim, time, and what it said.
struct Scene {
    aim: Aim,
    now: Instant,
    news: News,
    seq: u64,
}

impl Scene {
    fn at(shown: Shown) -> Self {
        let (now, mut news) = (Instant::now(), News::default());
        Self {
            aim: Aim::at_picture(shown, now, &mut news),
            now,
            news,
            seq: 100,
        }
    }

    fn see(&mut self, layer: u8, packet: fn(u64) -> Packet) -> Verdict {
        self.seq += 1;
        let packet = Packet {
            layer: Layer(layer),
            ..packet(self.seq)
        };
        self.aim.see(&packet, self.now, &mut self.news)
    }

    /// Time passes while these layers send 20 packets a second.
    fn pass(&mut self, ms: u32, layers: &[u8]) {
        for _ in 0..ms / 50 {
            self.now += 50 * MS;
            for &layer in layers {
                self.see(layer, packet);
            }
            self.aim.review(self.now, &mut self.news);
        }
    }

    fn asked(&mut self) -> Vec<u8> {
        let events = self.news.drain().into_iter();
        let keyframes = events.filter_map(|event| match event {
            OutboundEvent::Keyframe { layer, .. } => Some(layer.0),
            _ => None,
        });
        keyframes.collect()
    }

    fn watched(&self) -> Vec<u8> {
        (0..4)
            .filter(|&layer| self.aim.watch().has(Layer(layer)))
            .collect()
    }
}

#[test]
fn nothing_plays_before_a_key_frame_begins() {
    let mut scene = Scene::at(THREE);
    assert_eq!(scene.asked(), [2]);
    assert_eq!(scene.see(2, packet), Verdict::Drop);
    assert_eq!(scene.see(1, keyframe), Verdict::Drop);
    assert_eq!(scene.see(2, keyframe), Verdict::Switch);
    assert_eq!(scene.see(2, packet), Verdict::Play);
    assert_eq!(scene.watched(), [2]);
}

#[test]
fn a_key_frame_that_does_not_come_is_asked_for_again() {
    let mut scene = Scene::at(THREE);
    scene.pass(2000, &[2]);
    assert_eq!(scene.asked(), [2; 5], "once, and every half second");
}

#[test]
fn a_layer_that_is_silent_is_asked_ever_more_rarely() {
    let mut scene = Scene::at(Shown { layers: 1, ..THREE });
    scene.pass(60_000, &[]);
    let asked = scene.asked().len();
    assert!((15..25).contains(&asked), "{asked}");
}

#[test]
fn the_old_layer_flows_until_the_new_one_has_a_key_frame() {
    let mut scene = Scene::at(Shown {
        size: Some((160, 90)),
        ..THREE
    });
    scene.see(0, keyframe);
    scene.aim.resize(THREE, scene.now, &mut scene.news);
    assert_eq!(scene.asked(), [0, 2]);
    assert_eq!(scene.watched(), [0, 2]);
    assert_eq!(scene.see(0, packet), Verdict::Play);
    assert_eq!(scene.see(2, packet), Verdict::Drop);
    assert_eq!(scene.see(2, keyframe), Verdict::Switch);
    assert_eq!(scene.see(0, packet), Verdict::Drop);
    assert_eq!(scene.watched(), [2]);
}

#[test]
fn a_key_frame_that_begins_late_is_no_place_to_start() {
    let mut scene = Scene::at(THREE);
    scene.see(2, packet);
    scene.seq -= 2;
    assert_eq!(scene.see(2, keyframe), Verdict::Drop);
    scene.seq += 2;
    assert_eq!(scene.see(2, keyframe), Verdict::Switch);
}

#[test]
fn a_layer_that_stalls_is_replaced_by_the_next_lower_one_until_it_returns() {
    let mut scene = Scene::at(THREE);
    scene.see(2, keyframe);
    scene.pass(1000, &[2]);
    scene.asked();
    scene.pass(1300, &[]);
    assert_eq!(scene.watched(), [0, 1, 2], "any other will do");
    scene.pass(100, &[0, 1]);
    assert_eq!(scene.asked(), [1]);
    assert_eq!(scene.see(1, keyframe), Verdict::Switch);
    scene.pass(3000, &[0, 1]);
    assert_eq!(scene.aim.playing(), Some(Layer(1)));

    scene.pass(100, &[0, 1, 2]);
    assert_eq!(scene.asked(), [2]);
    assert_eq!(scene.see(1, packet), Verdict::Play);
    assert_eq!(scene.see(2, keyframe), Verdict::Switch);
    assert_eq!(scene.watched(), [2]);
}

#[test]
fn a_start_does_not_wait_long_for_a_layer_that_is_not_sent() {
    let mut scene = Scene::at(THREE);
    scene.pass(400, &[]);
    scene.pass(100, &[0]);
    assert_eq!(scene.asked(), [2, 0]);
    assert_eq!(scene.see(0, keyframe), Verdict::Switch);
}

#[test]
fn a_still_screen_with_one_frame_a_second_is_not_taken_for_stalled() {
    let mut scene = Scene::at(THREE);
    scene.see(2, keyframe);
    for _ in 0..10 {
        scene.pass(950, &[]);
        scene.pass(50, &[2]);
    }
    assert_eq!(scene.watched(), [2]);
}

#[test]
fn padding_is_no_sign_of_life() {
    let padding = |seq| Packet {
        payload: bytes::Bytes::new(),
        ..packet(seq)
    };
    let mut scene = Scene::at(THREE);
    scene.see(2, keyframe);
    for _ in 0..40 {
        scene.pass(50, &[0, 1]);
        assert_eq!(scene.see(2, padding), Verdict::Play, "it has a number");
    }
    assert_eq!(scene.see(1, keyframe), Verdict::Switch);
}

#[test]
fn a_learned_size_changes_the_wanted_layer() {
    let mut scene = Scene::at(Shown {
        size: Some((320, 180)),
        ..THREE
    });
    assert_eq!(scene.asked(), [0]);
    scene.see(0, |seq| {
        let mut packet = keyframe(seq);
        packet.info.size = Some((160, 90));
        packet
    });
    scene.pass(50, &[0]);
    assert_eq!(scene.asked(), [1]);
}

#[test]
fn a_picture_tells_its_size_and_whether_its_tile_could_use_more() {
    let small = |seq| {
        let mut packet = keyframe(seq);
        packet.info.size = Some((320, 180));
        packet
    };
    let mut scene = Scene::at(THREE);
    scene.see(0, small);
    assert_eq!(scene.aim.picture(), None, "nothing plays yet");
    let least = Grant::UpTo(Layer(0));
    scene.aim.set_grant(least, scene.now, &mut scene.news);
    assert_eq!(scene.see(0, small), Verdict::Switch);
    let picture = scene.aim.picture().unwrap();
    assert_eq!((picture.size, picture.reduced), (Some((320, 180)), true));
    let tile = Shown {
        size: Some((240, 135)),
        ..THREE
    };
    scene.aim.resize(tile, scene.now, &mut scene.news);
    let picture = scene.aim.picture().unwrap();
    assert!(!picture.reduced, "that is all its tile has use for");
    scene
        .aim
        .set_grant(Grant::Paused, scene.now, &mut scene.news);
    let picture = scene.aim.picture().unwrap();
    assert_eq!((picture.size, picture.withheld), (None, true));
}

#[test]
fn what_is_withheld_tells_when_it_has_no_layers_to_look_after_any_more() {
    let mut scene = Scene::at(THREE);
    scene
        .aim
        .set_grant(Grant::Paused, scene.now, &mut scene.news);
    scene.news.take_timer_changed();
    scene.aim.begin_anew(scene.now, &mut scene.news);
    assert!(scene.news.take_timer_changed());
}

#[test]
fn sound_plays_from_any_packet_and_asks_for_nothing() {
    let (now, mut news) = (Instant::now(), News::default());
    let mut aim = Aim::at_sound(THREE, now, &mut news);
    assert_eq!(aim.see(&packet(1), now, &mut news), Verdict::Switch);
    assert_eq!(aim.see(&packet(2), now, &mut news), Verdict::Play);
    aim.refresh(now, &mut news);
    assert!(news.drain().is_empty());
    assert!(!aim.needs_review());
}
