//! A file of tracks of which something is missing: it is made of the others, and told.

use calls_model::{Gap, RecordingMode, Source};

use super::composed::{GRID, render, track, voice};

/// How long each of the tracks really is, in seconds.
const SECONDS: u64 = 2;

fn damaged(from_ms: u64, to_ms: u64) -> Gap {
    Gap {
        from_ms,
        to_ms: Some(to_ms),
        reason: Gap::DAMAGED.to_owned(),
    }
}

#[test]
fn a_track_that_cannot_be_read_is_left_out_and_costs_nobody_else() {
    let folder = tempfile::tempdir().expect("a folder");
    voice(folder.path(), "ann.webm", "ann", SECONDS);
    std::fs::write(folder.path().join("bob.webm"), [0xff; 5000]).expect("written");
    let tracks = ["ann", "bob", "cem"].map(|user| {
        let name = format!("{user}.webm"); // there is none of cem
        track(&name, user, Source::Microphone, SECONDS)
    });
    let of = (folder.path(), "ffmpeg");
    let made = render(of, RecordingMode::Audio, GRID, &tracks).run(|_| ());
    let made = made.expect("of what can be read");
    let whole = damaged(0, SECONDS * 1000);
    let named = ["bob.webm", "cem.webm"].map(|name| (name.to_owned(), whole.clone()));
    assert_eq!(made.missing, named);
    assert_eq!(made.file.duration_ms, SECONDS * 1000);

    let made = render(of, RecordingMode::Audio, GRID, &tracks[1..]).run(|_| ());
    let why = made.expect_err("nothing is left").to_string();
    assert_eq!(why, "there is nothing to make it of");
}

#[test]
fn a_track_that_ends_more_than_a_tenth_of_a_second_early_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let voice = voice(folder.path(), "ann.webm", "ann", SECONDS);
    for (early_ms, is_told) in [(50, false), (150, true)] {
        let mut track = voice.clone();
        track.duration_ms += early_ms;
        let ends = track.duration_ms;
        let tracks = [track];
        let of = (folder.path(), "ffmpeg");
        let made = render(of, RecordingMode::Audio, GRID, &tracks).run(|_| ());
        let missing = made.expect("made").missing;
        let gaps: Vec<_> = missing.iter().map(|(_, gap)| gap.to_ms).collect();
        let wanted: Vec<_> = is_told.then_some(Some(ends)).into_iter().collect();
        assert_eq!(gaps, wanted, "{missing:?}");
    }
}
