//! A recording that goes on after the server was started anew, which counts its peers from the beginning.

use std::time::Duration;

use calls_media::seam::Codec;
use calls_model::{Gap, Source, UserId};

use super::one_track::{OneTrack, TRACK, sound};

/// A second of sound, from so many seconds on; RTP timestamps begin somewhere.
fn second(tape: &mut OneTrack, begins: u64, rtp: u32) {
    let begins = Duration::from_secs(begins);
    for frame in 0..50 {
        let at = begins + Duration::from_millis(u64::from(frame) * 20);
        tape.put(Codec::Opus, rtp + frame * 960, tape.zero() + at, sound());
    }
    tape.report(rtp + 48_000, begins + Duration::from_secs(1));
}

#[actix::test]
async fn who_has_a_number_after_a_restart_is_not_taken_for_who_had_it_before() {
    let mut tape = OneTrack::open(Source::Microphone);
    second(&mut tape, 0, 0);
    let mut tape = tape.next_run().await;
    tape.belongs_to("bob", TRACK, Source::Microphone);
    second(&mut tape, 5, 1_000_000);
    let (finished, _) = tape.close().await;
    let whose = finished.files.iter().map(|file| file.user_id.as_ref());
    let whose: Vec<&str> = whose.flatten().map(UserId::as_str).collect();
    assert_eq!(whose, ["ada", "bob"]);
    let began = finished.files[1].start_ms;
    assert!(began.abs_diff(5000) <= 40, "it begins at {began} ms");
    let lasts = finished.files[1].duration_ms;
    assert!(lasts.abs_diff(1000) <= 40, "it lasts {lasts} ms");
    let tracks = finished.report.tracks.iter();
    let whose: Vec<&str> = tracks.map(|track| track.user_id.as_str()).collect();
    assert_eq!(whose, ["ada", "bob"]);
    let reasons = finished.report.interruptions.iter();
    let reasons: Vec<&str> = reasons.map(|gap: &Gap| gap.reason.as_str()).collect();
    assert_eq!(reasons, ["server_stopped"]);
    assert!(finished.report.is_read_whole(), "{:?}", finished.report);
}
