//! Sound and picture stay together, however long it takes and however clocks run.

use calls_media::seam::Codec;
use calls_model::Source;

use super::play::{Clocks, Network, Played, play};
use super::reel::Reel;

/// How long is recorded, in seconds; `RECORD_SECONDS=3600` for the hour that the promise is about.
fn seconds() -> i64 {
    let asked = std::env::var("RECORD_SECONDS").ok();
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(600)
}

/// Sound and picture of one moment are no further apart, in microseconds.
const APART: i64 = 40_000;

/// As bad as cards and machines are: a tenth of a second in ten minutes.
const APART_CLOCKS: Clocks = Clocks {
    sound: 170,
    publisher: -120,
};

async fn recorded(network: Network) -> Played {
    let (beep, flash) = (Reel::beep(), Reel::flash(Codec::Vp8));
    play([&beep, &flash], seconds(), network, APART_CLOCKS).await
}

/// So many of a hundred flashes are near their beeps, in each quarter of the recording; gives how many have one.
fn belong_together(played: &Played, percent: usize) -> usize {
    let (flashes, beeps) = (played.flashes(), played.beeps());
    let apart = flashes.iter().map(|flash| {
        let distances = beeps.iter().map(|beep| (beep - flash).abs());
        distances.min().expect("a beep")
    });
    // A picture or a beep that was lost has nothing beside it.
    let apart: Vec<i64> = apart.filter(|&apart| apart < 400_000).collect();
    for quarter in apart.chunks(apart.len().div_ceil(4)) {
        let mut sorted = quarter.to_vec();
        sorted.sort_unstable();
        let largest = sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)];
        assert!(largest < APART, "{largest} us apart: {quarter:?}");
    }
    apart.len()
}

#[actix::test]
async fn after_ten_minutes_of_clocks_that_run_apart_a_flash_is_still_at_its_beep() {
    let network = Network {
        lost: 0,
        jitter_us: 15_000,
    };
    let played = recorded(network).await;
    let wanted = u64::try_from(seconds()).expect("after zero") * 1000;
    for source in [Source::Microphone, Source::Camera] {
        let mut files = played.finished.files.iter();
        let file = files.find(|file| file.source == Some(source));
        let file = file.expect("it was recorded");
        let ends = file.start_ms + file.duration_ms;
        assert!(
            ends.abs_diff(wanted) < 200,
            "{source:?} ends at {ends} of {wanted} ms"
        );
    }
    let count = belong_together(&played, 100);
    let wanted = usize::try_from(seconds()).expect("few") - 2;
    assert!(count >= wanted, "{count} of {wanted}");
    let report = &played.finished.report;
    let turns = report.turns.iter().map(|turn| turn.user_id.as_str());
    assert_eq!(
        turns.collect::<Vec<_>>(),
        ["ada"],
        "one voice takes the floor once"
    );
    let drift = report.tracks.iter().map(|track| track.drift_ms.abs()).max();
    assert!(
        drift > Some(50),
        "it was made up for, and is told: {drift:?}"
    );
}

#[actix::test]
async fn under_five_percent_of_loss_a_flash_is_at_its_beep_after_ten_minutes_as_well() {
    let network = Network {
        lost: 50,
        jitter_us: 30_000,
    };
    let played = recorded(network).await;
    let count = belong_together(&played, 90);
    assert!(
        count > usize::try_from(seconds()).expect("few") / 2,
        "{count}"
    );
    for track in &played.finished.report.tracks {
        let all = track.packets_received + track.packets_lost;
        let share = track.packets_lost * 1000 / all;
        assert!(
            (30..70).contains(&share),
            "the report tells {share} of a thousand lost"
        );
    }
}
