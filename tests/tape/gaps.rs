//! Where nothing of a track is, and why.

use std::time::Duration;

use calls::recording::finish::Finished;
use calls_media::seam::{Codec, PeerId, TrackId};
use calls_model::{Gap, Source, TrackReport};

use super::one_track::{OneTrack, TRACK, picture, sound};

/// Bob's microphone, which is heard all the time.
const HEARD: TrackId = TrackId {
    peer: PeerId(2),
    index: 0,
};

/// Milliseconds from a sound or a picture to the next.
const APART: [u32; 2] = [20, 40];

/// Something of one source on a tape, and bob's microphone besides.
struct Seen {
    tape: OneTrack,
    source: Source,
}

impl Seen {
    fn of(source: Source) -> Self {
        let tape = OneTrack::open(source);
        tape.belongs_to("bob", HEARD, Source::Microphone);
        Self { tape, source }
    }

    /// Ada sends in this time, in milliseconds; pictures begin with a key frame.
    fn sends(&mut self, from: u32, to: u32) {
        let sounds = self.source.is_audio();
        for at in (from..to).step_by(if sounds { 20 } else { 40 }) {
            let arrival = self.tape.zero() + Duration::from_millis(at.into());
            if sounds {
                self.tape.put(Codec::Opus, at * 48, arrival, sound());
            } else {
                let picture = picture(at == from);
                self.tape.put(Codec::Vp8, at * 90, arrival, picture);
            }
        }
    }

    /// Bob is heard for so long.
    async fn heard_for(mut self, to: u32) -> Finished {
        for at in (0..to).step_by(20) {
            let arrival = self.tape.zero() + Duration::from_millis(at.into());
            let tape = &mut self.tape;
            tape.put_on(HEARD, Codec::Opus, at * 48, arrival, sound());
        }
        self.tape.close().await.0
    }
}

/// What is told of ada.
fn ada(finished: &Finished) -> &TrackReport {
    let mut tracks = finished.report.tracks.iter();
    let of = tracks.find(|track| track.user_id.as_str() == "ada");
    of.expect("she was recorded")
}

/// That this is all that is told of ada: from, to, why.
fn told(finished: &Finished, gaps: &[(u64, u64, &str)]) {
    let track = ada(finished);
    let is_near = |gap: &Gap, (from, to, reason): &(u64, u64, &str)| {
        let near = |a: u64, b: u64| a.abs_diff(b) <= u64::from(APART[1]);
        near(gap.from_ms, *from)
            && gap.to_ms.is_some_and(|ends| near(ends, *to))
            && gap.reason == *reason
    };
    let all = track.gaps.len() == gaps.len();
    let each = track.gaps.iter().zip(gaps);
    assert!(
        all && each.clone().all(|(gap, wanted)| is_near(gap, wanted)),
        "{gaps:?} and not {track:?}"
    );
}

#[actix::test]
async fn a_camera_that_was_off_sent_nothing_though_its_numbers_jump_a_little() {
    // What still waits to be sent when a camera is switched off goes with it.
    let mut seen = Seen::of(Source::Camera);
    seen.sends(0, 2000);
    seen.tape.skip(3);
    seen.sends(8000, 10_000);
    let finished = seen.heard_for(10_000).await;
    told(&finished, &[(2000, 8000, "no_media")]);
}

#[actix::test]
async fn what_is_lost_when_a_camera_comes_back_does_not_make_all_that_it_was_off_a_loss() {
    let mut seen = Seen::of(Source::Camera);
    seen.sends(0, 2000);
    let back = seen.tape.zero() + Duration::from_secs(8);
    seen.tape.skip(1);
    seen.tape.put(Codec::Vp8, 8000 * 90, back, picture(false));
    seen.tape.skip(1);
    seen.sends(8080, 10_000);
    let finished = seen.heard_for(10_000).await;
    told(&finished, &[(2000, 8080, "no_media")]);
    assert_eq!(ada(&finished).packets_lost, 2);
}

#[actix::test]
async fn a_microphone_that_was_off_is_a_gap() {
    let mut seen = Seen::of(Source::Microphone);
    seen.sends(0, 2000);
    seen.sends(8000, 10_000);
    let finished = seen.heard_for(10_000).await;
    told(&finished, &[(2000, 8000, "no_media")]);
    assert_eq!(ada(&finished).silence_ms, 6000, "the file has its length");
}

#[actix::test]
async fn a_network_that_was_gone_lost_what_was_sent_meanwhile() {
    for (source, apart) in [(Source::Microphone, 20), (Source::Camera, 40)] {
        let mut seen = Seen::of(source);
        seen.sends(0, 2000);
        seen.tape.skip(6000 / apart);
        seen.sends(8000, 10_000);
        let finished = seen.heard_for(10_000).await;
        told(&finished, &[(2000, 8000, "loss")]);
        assert_eq!(ada(&finished).packets_lost, 6000 / apart);
    }
}

#[actix::test]
async fn what_stops_before_the_end_is_a_gap_to_the_end() {
    for source in [Source::Microphone, Source::Camera] {
        let mut seen = Seen::of(source);
        seen.sends(0, 2000);
        let finished = seen.heard_for(6000).await;
        told(&finished, &[(2000, 6000, "no_media")]);
    }
}

#[actix::test]
async fn a_camera_that_never_sent_a_picture_is_a_gap_from_its_beginning() {
    let finished = Seen::of(Source::Camera).heard_for(6000).await;
    told(&finished, &[(0, 6000, "no_media")]);
    let track = ada(&finished);
    assert_eq!((track.packets_received, &*track.files), (0, &[][..]));
}

#[actix::test]
async fn pictures_that_wait_for_a_key_frame_until_the_end_are_lost() {
    let mut seen = Seen::of(Source::Camera);
    seen.sends(0, 2000);
    seen.tape.skip(1);
    for at in (2040..6000).step_by(40) {
        let arrival = seen.tape.zero() + Duration::from_millis(at);
        let stamp = u32::try_from(at).expect("short") * 90;
        seen.tape.put(Codec::Vp8, stamp, arrival, picture(false));
    }
    let finished = seen.heard_for(6000).await;
    told(&finished, &[(2000, 6000, "loss")]);
}

#[actix::test]
async fn a_screen_that_hardly_changes_is_one_gap_and_not_one_for_each_second() {
    let mut seen = Seen::of(Source::Screen);
    seen.sends(0, 1000);
    for second in 2..8 {
        seen.sends(second * 1000, second * 1000 + 40);
    }
    seen.sends(8000, 10_000);
    let finished = seen.heard_for(10_000).await;
    told(&finished, &[(1000, 8000, "no_media")]);
}

#[actix::test]
async fn a_kill_is_told_from_where_the_files_end_and_each_source_once() {
    let mut tape = OneTrack::open(Source::Microphone);
    let second = |tape: &mut OneTrack, begins: u32| {
        for at in (begins..begins + 1000).step_by(20) {
            let arrival = tape.zero() + Duration::from_millis(at.into());
            tape.put(Codec::Opus, at * 48, arrival, sound());
        }
    };
    second(&mut tape, 0);
    // What came after the log was last written is in the file.
    let kill = |folder: &std::path::Path| {
        let log = folder.join("log-0.jsonl");
        let text = std::fs::read_to_string(&log).expect("a log");
        let lines = text.lines().filter(|line| !line.contains("\"closed\""));
        let early = |line: &str| match line.split_once("\"end_us\":") {
            Some((before, after)) => {
                let rest = after.trim_start_matches(|digit: char| digit.is_ascii_digit());
                format!("{before}\"end_us\":600000{rest}\n")
            }
            None => format!("{line}\n"),
        };
        let text: String = lines.map(early).collect();
        std::fs::write(log, text).expect("written");
    };
    let mut tape = tape.next_run_after(kill).await;
    tape.belongs_to("ada", TRACK, Source::Microphone);
    second(&mut tape, 4000);
    let finished = tape.close().await.0;
    let [interruption] = &finished.report.interruptions[..] else {
        panic!("one kill: {:?}", finished.report);
    };
    let [before, after] = &finished.files[..] else {
        panic!("a file before and one after: {finished:?}");
    };
    let ends = before.start_ms + before.duration_ms;
    let from = interruption.from_ms;
    assert!(from.abs_diff(ends) <= 1, "{interruption:?} {before:?}");
    assert_eq!(interruption.to_ms, Some(after.start_ms));
    let [track] = &finished.report.tracks[..] else {
        panic!("one microphone: {:?}", finished.report.tracks);
    };
    let names = [before, after].map(|file| file.name.clone());
    assert_eq!(track.files, names);
    assert_eq!((track.packets_received, track.frames_written), (100, 100));
    assert_eq!(track.gaps, [], "the interruption is told as such");
}
