//! When words were said: by what the synthesizer said of itself, and by what the engine heard.

use std::time::Duration;

use calls_actors::transcriber::HearingTold;
use calls_model::Utterance;

use super::hearing::{Call, Clip, PACKET, ears};

/// How far a word may be off.
const OFF_MS: u64 = 150;

/// Words that the engine takes for others are not compared; it understands at least so many of a hundred.
const UNDERSTOOD: usize = 90;

/// A word of a clip, in milliseconds from its beginning.
struct Spoken<'a> {
    word: &'a str,
    start_ms: u64,
    end_ms: u64,
}

#[actix::test]
async fn each_word_was_said_when_the_transcript_says() {
    let table = include_str!("../../speech/testwav/words.tsv");
    let (ears, _folder) = ears();
    let (mut all, mut understood, mut worst) = (0, 0, 0);
    let names: std::collections::BTreeSet<&str> = table
        .lines()
        .filter_map(|row| row.split('\t').next())
        .collect();
    for (number, name) in names.into_iter().enumerate() {
        let rows = table.lines().filter_map(|row| row.strip_prefix(name));
        let spoken: Vec<Spoken<'_>> = rows.map(read).collect();
        let said = said(&ears, number, name).await;
        let words: Vec<_> = said.iter().flat_map(|said| &said.words).collect();
        all += spoken.len();
        for true_word in &spoken {
            let near = words.iter().filter(|heard| heard.word == true_word.word);
            let Some(heard) = near.min_by_key(|heard| heard.start_ms.abs_diff(true_word.start_ms))
            else {
                continue;
            };
            understood += 1;
            let off = [
                heard.start_ms.abs_diff(true_word.start_ms),
                heard.end_ms.abs_diff(true_word.end_ms),
            ];
            worst = worst.max(off[0]).max(off[1]);
            assert!(
                off.iter().all(|&off| off <= OFF_MS),
                "{name}: {heard:?} was said from {} to {} ms",
                true_word.start_ms,
                true_word.end_ms
            );
        }
    }
    eprintln!("{understood} of {all} words understood, the worst is off by {worst} ms");
    assert!(
        understood * 100 >= all * UNDERSTOOD,
        "{understood} of {all}"
    );
}

fn read(row: &str) -> Spoken<'_> {
    let mut columns = row.split('\t').skip(1);
    let mut next = || columns.next().expect("a column");
    Spoken {
        word: next(),
        start_ms: next().parse().expect("ms"),
        end_ms: next().parse().expect("ms"),
    }
}

/// What is understood of a clip that is spoken at the very beginning of a call.
async fn said(ears: &calls::transcription::Ears, number: usize, name: &str) -> Vec<Utterance> {
    let call = Call::open(ears);
    let (track, _) = call.voice(number);
    let clip = Clip::read(name);
    let silence = std::iter::repeat_with(Clip::silence).take(50);
    // Each has the moment at which it would have come, but all are here at once.
    for (number, packet) in (0u32..).zip(clip.packets.iter().cloned().chain(silence)) {
        call.send(track, number, packet, call.zero + PACKET * number);
    }
    call.hearing.close();
    loop {
        tokio::time::sleep(Duration::from_millis(10)).await;
        let told = call.told.lock().expect("nobody panics with it");
        if told.iter().any(|(_, told)| *told == HearingTold::Closed) {
            let said = told.iter().filter_map(|(_, told)| match told {
                HearingTold::Said(utterance) => Some(utterance.clone()),
                _ => None,
            });
            return said.collect();
        }
    }
}
