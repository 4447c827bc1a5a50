//! whisper.cpp with a model of random weights: that it loads, runs, and refuses what is no model. It understands nothing.

#![cfg(feature = "whisper")]

mod tiny;

use std::path::Path;

use calls_codec::whisper::{HeardWord, RATE, VERSION, WhisperFault, WhisperModel, languages};

fn hum(seconds: usize) -> Vec<i16> {
    let wave = |n| if n % 80 < 40 { 3000 } else { -3000 };
    (0..seconds * RATE).map(wave).collect()
}

#[test]
fn a_model_is_read_once_and_heard_with_by_two_threads() {
    let folder = tempfile::tempdir().expect("a folder");
    let model = WhisperModel::open(&tiny::write(folder.path())).expect("a model");
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..2 {
                    well_formed(&model.understand("en", &hum(2)).expect("it runs"));
                }
            });
        }
    });
    assert_eq!(model.understand("en", &[0; 100]), Ok(Vec::new()));
    for unknown in ["qqx", "yue"] {
        let heard = model.understand(unknown, &hum(1));
        assert!(matches!(heard, Err(WhisperFault::Broken(_))), "{heard:?}");
    }
    assert!(VERSION.is_some());
}

/// Random weights make something else of the same sound each time; words have times within the window all the same.
fn well_formed(words: &[HeardWord]) {
    assert!(!words.is_empty());
    for word in words {
        assert!(word.start <= word.end && word.end <= 30.0, "{word:?}");
        assert!((0.0..=1.0).contains(&word.confidence), "{word:?}");
        assert!(!word.word.trim().is_empty());
    }
}

#[test]
fn which_languages_a_model_knows_is_seen_without_reading_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = tiny::write(folder.path());
    let known = languages(&path).expect("a model");
    assert_eq!(known.len(), 99);
    assert!(known.contains(&"en") && known.contains(&"de") && !known.contains(&"yue"));
    let mut english = std::fs::read(&path).expect("a file");
    english.truncate(100);
    english[4..8].copy_from_slice(&51_864i32.to_le_bytes());
    std::fs::write(&path, english).expect("written");
    assert_eq!(languages(&path), Ok(vec!["en"]));
}

#[test]
fn what_is_no_model_or_not_a_whole_one_is_refused_and_ends_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = std::fs::read(tiny::write(folder.path())).expect("a file");
    let refused = |what: &str, bytes: &[u8]| {
        let path = folder.path().join("bad.bin");
        std::fs::write(&path, bytes).expect("written");
        match WhisperModel::open(&path) {
            Err(WhisperFault::Model { reason, .. }) => reason,
            Err(other) => panic!("{what}: {other}"),
            Ok(_) => panic!("{what} was read"),
        }
    };
    let changed = |at: usize, number: i32| {
        let mut bytes = whole.clone();
        bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
        bytes
    };
    refused("nothing", b"");
    refused("a page", b"<html>not found</html>");
    refused("its head alone", &whole[..20]);
    refused("what ends in its words", &whole[..70_000]);
    refused("what ends in its weights", &whole[..whole.len() / 2]);
    refused("what lacks its last byte", &whole[..whole.len() - 1]);
    refused(
        "what lacks its last weight",
        &whole[..whole.len() - tiny::LAST],
    );
    refused("more than a model", &[&whole[..], b"more"].concat());
    assert!(refused("too many words", &changed(4, i32::MAX)).starts_with("words: "));
    let blank = whole
        .windows(5)
        .position(|bytes| bytes == [1, 0, 0, 0, b' ']);
    let mut odd = whole.clone();
    odd[blank.expect("a word") + 4] = b'_';
    assert_eq!(
        refused("words without a blank", &odd),
        "its words lack the blank"
    );
    refused("heads that do not divide", &changed(16, 3));
    refused("an unknown kind of file", &changed(44, 5));
    assert!(WhisperModel::open(Path::new("/nowhere/ggml.bin")).is_err());
}
