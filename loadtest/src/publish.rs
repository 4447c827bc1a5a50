//! Sends what one full participant's microphone and camera would.

use std::time::Duration;

use calls_model::Source;
use rtc::rtp::extension::HeaderExtension;
use rtc::rtp::extension::audio_level_extension::AudioLevelExtension;
use tokio::time::interval;
use webrtc::media_stream::track_local::TrackLocal;

use crate::peer::{KeyFrameBell, Published};
use crate::scenario::Scenario;
use crate::speech::Turns;
use crate::tally::Tallies;
use crate::traffic::{Camera, Microphone, PACKET_TIME};

/// Longest time without a key frame, in frames.
const KEY_FRAME_EVERY: u64 = 300;

/// Sends one track until its connection is gone.
pub(crate) async fn publish(
    published: Published,
    bell: KeyFrameBell,
    seat: u32,
    scenario: &Scenario,
    tallies: &Tallies,
) {
    match (published.source, &scenario.video) {
        (Source::Camera | Source::Screen, Some(video)) => {
            let camera = Camera::new(
                published.ssrc,
                video.kbps,
                video.fps,
                video.packet_bytes as usize,
            );
            let pace = Duration::from_secs(1) / video.fps;
            film(published, camera, pace, bell, tallies).await;
        }
        (Source::Camera | Source::Screen, None) => {}
        (Source::Microphone | Source::ScreenAudio, _) => {
            let microphone = Microphone::new(published.ssrc, scenario.audio.packet_bytes as usize);
            let turns = Turns {
                seat,
                speakers: scenario.publishers,
            };
            speak(published, microphone, turns, tallies).await;
        }
    }
}

async fn film(
    published: Published,
    mut camera: Camera,
    pace: Duration,
    bell: KeyFrameBell,
    tallies: &Tallies,
) {
    let mut frames = interval(pace);
    for number in 0_u64.. {
        tallies.was_late(frames.tick().await.elapsed(), 1);
        let key = bell.rang() || number.is_multiple_of(KEY_FRAME_EVERY);
        for packet in camera.frame(key, tallies.clock.elapsed()) {
            if published.track.write_rtp(packet).await.is_err() {
                return;
            }
            tallies.sent(&tallies.video);
        }
    }
}

async fn speak(published: Published, mut microphone: Microphone, turns: Turns, tallies: &Tallies) {
    let mut packets = interval(PACKET_TIME);
    loop {
        tallies.was_late(packets.tick().await.elapsed(), 1);
        let now = tallies.clock.elapsed();
        let level = AudioLevelExtension {
            level: turns.loudness(now),
            voice: turns.speaks(now),
        };
        let written = published
            .track
            .write_rtp_with_extensions(
                microphone.packet(now),
                &[HeaderExtension::AudioLevel(level)],
            )
            .await;
        if written.is_err() {
            return;
        }
        tallies.sent(&tallies.audio);
    }
}
