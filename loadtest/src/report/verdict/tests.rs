//! Runs that were good, and those that were not.

use super::*;
use crate::impair::{Impairment, Profile};
use crate::report::tests::good;
use crate::report::{Pictures, Times};
use crate::scenario::Churn;

fn defaults() -> Limits {
    Limits::of(None, None, false)
}

fn late(ms: f64) -> Harness {
    Harness {
        lateness: Times {
            p50_ms: Some(1.0),
            p99_ms: Some(ms),
        },
        ..Harness::default()
    }
}

#[test]
fn a_good_run_passes_the_strictest_limits() {
    let verdict = good().judged(Limits::of(Some(0.0), Some(1.0), false));
    assert_eq!(
        (verdict.outcome, &verdict.reasons[..]),
        (Outcome::Passed, &[][..])
    );
}

#[test]
fn what_never_came_fails_a_run_of_which_no_limit_was_asked() {
    let mut report = good();
    report.audio.forwarded = 792;
    let verdict = report.judged(defaults());
    assert_eq!(verdict.outcome, Outcome::Failed);
    assert_eq!(
        verdict.to_string(),
        "FAILED: only 26.4 % of the audio that was expected arrived (at least 95 %)",
    );
    report.audio.forwarded = 3000;
    report.video.lost = 300;
    assert_eq!(
        report.judged(defaults()).to_string(),
        "FAILED: 1.96 % of video was lost (at most 1 %)",
    );
}

#[test]
fn a_bad_network_is_judged_only_by_what_is_asked_for() {
    let mut report = good();
    report.audio.lost = 1500;
    report.audio.forwarded = 1500;
    let judged = |limits| report.judged(limits).outcome;
    assert_eq!(judged(Limits::of(None, None, true)), Outcome::Passed);
    assert_eq!(
        report.judged(Limits::of(None, None, true)).to_string(),
        "passed: loss is not judged, what arrived is not judged",
    );
    assert_eq!(judged(Limits::of(Some(0.4), None, true)), Outcome::Failed);
}

#[test]
fn a_harness_that_could_not_keep_up_makes_figures_void_but_hides_no_incident() {
    let mut report = good();
    report.audio.forwarded = 10;
    report.harness = late(20.0);
    assert_eq!(report.judged(defaults()).outcome, Outcome::Failed);

    report.harness = late(74.0);
    let verdict = report.judged(defaults());
    assert_eq!(verdict.outcome, Outcome::Void);
    let said = verdict.to_string();
    assert!(
        said.starts_with("VOID: the harness itself could not keep up (it was late by 74 ms"),
        "{said}"
    );
    assert!(!said.contains("arrived"), "{said}");

    report.joins.dropped = 1;
    let verdict = report.judged(defaults());
    assert_eq!(
        (verdict.outcome, verdict.reasons.len()),
        (Outcome::Failed, 2)
    );
}

#[test]
fn what_recordings_lack_is_named() {
    let mut report = good();
    report.recorded = Some(Recorded {
        available: 1,
        packets_received: 90,
        packets_lost: 10,
        bursts_dropped: 2,
        failures: vec!["a recording is Failed".to_owned()],
        ..Recorded::default()
    });
    let wanted = [
        "a recording is Failed",
        "recorders dropped 2 bursts",
        "10.00 % was lost to recorders",
    ];
    assert_eq!(report.judged(defaults()).reasons, wanted);
}

#[test]
fn a_recording_that_took_nothing_is_none_however_whole_its_file() {
    let mut report = good();
    report.scenario.record = Some(RecordingMode::Tracks);
    let mut recorded = |packets_received| {
        report.recorded = Some(Recorded {
            available: 1,
            packets_received,
            ..Recorded::default()
        });
        report.judged(defaults()).reasons
    };
    assert_eq!(recorded(5900), [""; 0]);
    let wanted = "recorders took only 50.0 % of what was sent (at least 95 %)";
    assert_eq!(recorded(3000), [wanted]);
    report.scenario.record = Some(RecordingMode::Video);
    assert_eq!(report.judged(defaults()).outcome, Outcome::Passed);
}

#[test]
fn a_recording_that_ends_in_the_middle_or_lacks_pictures_or_voices_is_an_incident() {
    let mut report = good();
    report.harness = late(74.0);
    report.scenario.record = Some(RecordingMode::Tracks);
    let mut judged = |ended_early_ms, without_pictures, without_voices| {
        report.recorded = Some(Recorded {
            available: 1,
            packets_received: 6000,
            ended_early_ms,
            without_pictures,
            without_voices,
            ..Recorded::default()
        });
        report.judged(Limits::of(Some(0.2), Some(0.5), false))
    };
    assert_eq!(judged(2000, 0, 0).outcome, Outcome::Void);
    let verdict = judged(3500, 1, 2);
    assert_eq!(verdict.outcome, Outcome::Failed);
    let wanted = [
        "no pictures of 1 publishers were recorded",
        "no voices of 2 publishers were recorded",
        "a recording ended 3.5 s before measuring did (at most 2 s)",
    ];
    assert_eq!(verdict.reasons[..3], wanted);
}

#[test]
fn limits_that_were_asked_for_hold_also_where_the_harness_was_late() {
    let mut report = good();
    report.harness = late(74.0);
    report.scenario.record = Some(RecordingMode::Tracks);
    report.audio.lost = 1500;
    report.video.forwarded = 6000;
    report.recorded = Some(Recorded {
        packets_received: 2000,
        packets_lost: 1000,
        bursts_dropped: 1,
        ..Recorded::default()
    });
    assert_eq!(report.judged(defaults()).outcome, Outcome::Void);
    let judged = |lost, delivered| report.judged(Limits::of(lost, delivered, false));
    assert_eq!(judged(Some(0.4), Some(0.2)).outcome, Outcome::Void);
    let verdict = judged(Some(0.2), Some(0.5));
    assert_eq!(verdict.outcome, Outcome::Failed);
    let wanted = [
        "33.33 % of audio was lost (at most 20 %)",
        "only 40.0 % of the video that was expected arrived (at least 50 %)",
        "33.33 % was lost to recorders",
        "recorders took only 33.3 % of what was sent (at least 50 %)",
    ];
    assert_eq!(verdict.reasons[..4], wanted);
    assert_eq!(verdict.reasons.len(), 5, "and how late it was");
}

#[test]
fn media_of_a_kind_that_reached_nobody_are_an_incident() {
    let mut report = good();
    report.harness = late(74.0);
    report.audio.forwarded = 0;
    let said = |report: &Report| report.judged(defaults()).reasons[0].clone();
    assert_eq!(said(&report), "no audio reached anybody");
    report.audio = good().audio;
    report.video.forwarded = 0;
    assert_eq!(said(&report), "no video reached anybody");
    // Of several encodings no packets are expected, but pictures.
    report.video.expected = 0;
    assert_eq!(report.judged(defaults()).outcome, Outcome::Void);
    report.pictures = Some(pictures(0.0));
    assert_eq!(said(&report), "no video reached anybody");
}

#[test]
fn what_arrives_and_cannot_be_opened_is_an_incident_over_a_bad_network_too() {
    let mut report = good();
    report.harness = late(74.0);
    report.video.opened = 990;
    let mut judged = |unopened, limits| {
        report.video.unopened = unopened;
        report.judged(limits)
    };
    assert_eq!(judged(10, defaults()).outcome, Outcome::Void);
    for limits in [defaults(), Limits::of(None, None, true)] {
        let verdict = judged(110, limits);
        assert_eq!(verdict.outcome, Outcome::Failed);
        let wanted = "10.00 % of the video that was looked into could not be opened (at most 1 %)";
        assert_eq!(verdict.reasons[0], wanted);
    }
    let verdict = judged(110, Limits::of(Some(0.1), None, true));
    assert_eq!(verdict.outcome, Outcome::Void);
}

/// Twenty, of which so many show nothing.
fn pictures(none: f64) -> Pictures {
    Pictures {
        all: 20.0,
        encodings: [20.0 - none, 0.0, 0.0],
        none,
    }
}

#[test]
fn pictures_that_show_nothing_fail_a_run_and_over_a_bad_network_once_none_shows() {
    let mut report = good();
    report.video.expected = 0;
    let mut judged = |none, impairment| {
        report.pictures = Some(pictures(none));
        report.impairment = impairment;
        report.judged(defaults()).to_string()
    };
    let passed = "passed: at most 1 % lost, at least 95 % of the audio that was expected arrived";
    let blank = |count| format!("{passed}, {count} of 20 pictures show nothing");
    assert_eq!(judged(0.9, None), blank("0.9"));
    assert_eq!(judged(1.5, None), "FAILED: 1.5 of 20 pictures show nothing");
    let bad = Some(Impairment {
        profile: Profile::Train,
        seed: 1,
    });
    assert_eq!(judged(19.0, bad), blank("19.0"));
    assert_eq!(
        judged(20.0, bad),
        "FAILED: 20.0 of 20 pictures show nothing"
    );
}

#[test]
fn what_was_planned_and_not_sent_fails_a_run_unless_the_harness_was_late() {
    let mut report = good();
    report.video.planned = 6000;
    let verdict = report.judged(defaults());
    assert_eq!(
        verdict.to_string(),
        "FAILED: only 83.3 % of the video that was planned was sent (at least 95 %)",
    );
    report.harness = late(74.0);
    assert_eq!(report.judged(defaults()).outcome, Outcome::Void);
}

#[test]
fn a_crowd_that_should_have_come_and_gone_and_stayed_is_an_incident() {
    let mut report = good();
    report.scenario.viewers = 5;
    let mut churn = Churn {
        stay_seconds: 3,
        vanish_share: 0.0,
        restart_share: 0.0,
    };
    report.scenario.churn = Some(churn);
    let said = report.judged(defaults()).to_string();
    assert_eq!(said, "FAILED: nobody came again, or restarted ICE");
    report.joins.came_again = 1;
    assert_eq!(report.judged(defaults()).outcome, Outcome::Passed);
    report.joins.came_again = 0;
    churn.stay_seconds = 4;
    report.scenario.churn = Some(churn);
    let verdict = report.judged(defaults());
    assert_eq!(verdict.outcome, Outcome::Passed, "too short to tell");
    // Without viewers those who publish stay, unless they restart.
    report.scenario.viewers = 0;
    churn.stay_seconds = 3;
    report.scenario.churn = Some(churn);
    assert_eq!(report.judged(defaults()).outcome, Outcome::Passed);
    churn.restart_share = 0.1;
    report.scenario.churn = Some(churn);
    let said = report.judged(defaults()).to_string();
    assert_eq!(said, "FAILED: nobody came again, or restarted ICE");
}

#[test]
fn failed_joins_and_broken_limits_are_named() {
    let mut report = good();
    report.joins.succeeded = 3;
    report.video.lost = 15_000;
    report.audio.forwarded = 1500;
    let reasons = report
        .judged(Limits::of(Some(0.1), Some(0.9), false))
        .reasons;
    assert_eq!(
        reasons,
        [
            "1 of 4 could not join",
            "only 50.0 % of the audio that was expected arrived (at least 90 %)",
            "50.00 % of video was lost (at most 10 %)",
        ],
    );
}
