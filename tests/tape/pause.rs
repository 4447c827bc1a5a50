//! A pause leaves pictures without a beginning: one is asked for when it is over.

use std::time::{Duration, Instant};

use calls_media::seam::Codec;
use calls_model::Source;

use super::one_track::{OneTrack, picture, sound};

/// From one picture to the next.
const APART: Duration = Duration::from_millis(40);

/// Somebody who sends key frames only when asked, as browsers do.
struct Camera {
    track: OneTrack,
    pictures: u32,
}

impl Camera {
    async fn shows(&mut self, key: bool) {
        let timestamp = self.pictures * 3600;
        self.pictures += 1;
        self.track
            .put(Codec::Vp8, timestamp, Instant::now(), picture(key));
        tokio::time::sleep(APART).await;
    }
}

#[actix::test]
async fn after_a_pause_pictures_come_back_and_during_it_nobody_is_asked_for_any() {
    let mut camera = Camera {
        track: OneTrack::open(Source::Camera),
        pictures: 0,
    };
    camera.shows(true).await;
    for _ in 0..20 {
        camera.shows(false).await;
    }
    camera.track.tape.pause(true);
    let before = camera.track.asked().await;
    for _ in 0..40 {
        camera.shows(false).await;
    }
    let asked = camera.track.asked().await;
    assert_eq!(asked, before, "nobody is asked for what is left out");
    camera.track.tape.pause(false);
    let resumed = Instant::now();
    while camera.track.asked().await == before {
        assert!(
            resumed.elapsed() < Duration::from_secs(5),
            "a key frame is asked for"
        );
        camera.shows(false).await;
    }
    camera.shows(true).await;
    for _ in 0..20 {
        camera.shows(false).await;
    }
    let (finished, _) = camera.track.close().await;
    let written = finished.report.tracks[0].frames_written;
    assert!(
        written >= 41,
        "{written} pictures, of 21 before and 21 after"
    );
}

#[actix::test]
async fn what_waits_for_a_lost_packet_when_a_pause_is_over_was_said_in_it() {
    let mut track = OneTrack::open(Source::Microphone);
    let mut at = 0;
    let mut say = |track: &mut OneTrack, frames: u32| {
        for _ in 0..frames {
            track.put(Codec::Opus, at * 960, Instant::now(), sound());
            at += 1;
        }
    };
    say(&mut track, 10);
    track.skip(1);
    say(&mut track, 5); // before the pause, and waits as well
    track.tape.pause(true);
    say(&mut track, 3);
    track.skip(1);
    say(&mut track, 5);
    track.tape.pause(false);
    say(&mut track, 10);
    let (finished, _) = track.close().await;
    let written = finished.report.tracks[0].frames_written;
    assert_eq!(written, 25, "15 before, and 10 after");
}
