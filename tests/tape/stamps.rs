//! Sound whose timestamps say more, or less, than when it came.

use std::time::Duration;

use calls::recording::finish::Finished;
use calls_media::seam::Codec;
use calls_model::Source;

use super::one_track::{OneTrack, sound};

/// Milliseconds of a packet.
const FRAME: u32 = 20;

/// Clock ticks of a millisecond (RFC 7587 §4.1).
const TICKS: u32 = 48;

/// Records packets that came then and say that they are of then, both in milliseconds.
async fn recorded(packets: impl Iterator<Item = (u32, u32)>) -> (Finished, Vec<i64>) {
    let mut track = OneTrack::open(Source::Microphone);
    let zero = track.zero();
    track.report(0, Duration::ZERO);
    for (came, says) in packets {
        let arrival = zero + Duration::from_millis(came.into());
        track.put(Codec::Opus, says * TICKS, arrival, sound());
    }
    track.close().await
}

fn every(ms: u32, from: u32, to: u32) -> impl Iterator<Item = u32> {
    (from..to).step_by(usize::try_from(ms).expect("short"))
}

#[actix::test]
async fn somebody_who_sends_nothing_while_silent_is_silent_for_just_as_long() {
    // Discontinuous transmission: a packet every 400 ms (RFC 6716 §2.1.9).
    let voice = every(FRAME, 0, 1000)
        .chain(every(400, 1000, 9000))
        .chain(every(FRAME, 9000, 10_000));
    let (finished, times) = recorded(voice.map(|at| (at, at))).await;
    let track = &finished.report.tracks[0];
    assert_eq!(times.len(), 500, "a frame for each 20 ms of ten seconds");
    assert!(
        times.windows(2).all(|two| two[1] - two[0] == 20),
        "without a hole: {times:?}"
    );
    assert_eq!(track.silence_ms, 20 * (400 - 20), "20 silences of 400 ms");
    assert_eq!((track.packets_lost, &*track.gaps), (0, &[][..]));
    assert_eq!(finished.files[0].duration_ms, 10_000);
}

#[actix::test]
async fn a_timestamp_that_jumps_by_half_an_hour_is_believed_no_more_than_its_arrival() {
    let half_an_hour = 30 * 60 * 1000;
    let jumps = |at: u32| if at < 1000 { at } else { at + half_an_hour };
    let voice = every(FRAME, 0, 2000).map(|at| (at, jumps(at)));
    let (finished, times) = recorded(voice).await;
    assert_eq!(times.len(), 100, "nothing is put in");
    let lasts = finished.files[0].duration_ms;
    assert!(lasts.abs_diff(2000) <= 40, "two seconds: {lasts} ms");
}

#[actix::test]
async fn what_waited_on_its_way_keeps_its_time() {
    // A link stands still for three seconds, and then delivers all at once.
    let waits = |at: u32| if (1000..4000).contains(&at) { 4000 } else { at };
    let voice = every(FRAME, 0, 5000).map(|at| (waits(at), at));
    let (finished, times) = recorded(voice).await;
    assert_eq!(times.len(), 250);
    assert!(
        times.windows(2).all(|two| two[1] - two[0] == 20),
        "{times:?}"
    );
    assert_eq!(finished.files[0].duration_ms, 5000);
}

#[actix::test]
async fn sound_that_numbers_anew_after_a_long_outage_was_not_silent() {
    // As somebody whose network was gone for so long that no loss explains the numbers, or who begins anew.
    let mut track = OneTrack::open(Source::Microphone);
    let zero = track.zero();
    let says = |track: &mut OneTrack, from: u32, to: u32| {
        for at in every(FRAME, from, to) {
            let arrival = zero + Duration::from_millis(at.into());
            track.put(Codec::Opus, at * TICKS, arrival, sound());
        }
    };
    says(&mut track, 0, 1000);
    track.skip(20_000);
    says(&mut track, 9000, 10_000);
    let (finished, times) = track.close().await;
    assert_eq!(times.len(), 500, "the file has its length");
    let [gap] = &finished.report.tracks[0].gaps[..] else {
        panic!("it is told: {:?}", finished.report);
    };
    assert_eq!((gap.from_ms, gap.to_ms), (1000, Some(9000)));
    assert_eq!(gap.reason, "no_media");
}

#[actix::test]
async fn when_the_first_frame_came_is_when_the_recording_begins() {
    let voice = every(FRAME, 1700, 2700).map(|at| (at, at));
    let (finished, times) = recorded(voice).await;
    assert_eq!(times[0], 0, "0 ms of the file");
    let begins = finished.begins_us;
    assert!((begins - 1_700_000).abs() <= 1000, "{begins} us");
}
