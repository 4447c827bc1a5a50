//! What it costs a real call when the threads break that listen to it: nothing but what was said meanwhile.

use std::time::{Duration, Instant};

use calls::transcription::Breakage;
use serde_json::Value;
use tokio::time::sleep;

use super::super::{UNNOTICED, forget_gaps, room_of};
use super::speech::{Clip, errors, final_caption, transcribe, transcript};
use super::tab::Stalls;
use crate::support::World;

/// How long a thread is away that hangs; it is given up before.
const AWAY: Duration = Duration::from_secs(20);

/// How long it may take until somebody listens again: a thread that hangs is given up after ten seconds.
const HEARD_AGAIN: Duration = Duration::from_secs(18);

#[actix::test]
async fn a_recogniser_that_panics_costs_a_moment_of_captions_and_the_call_nothing() {
    break_down(Breakage::Panic, "a recogniser crashed").await;
}

#[actix::test]
async fn a_recogniser_that_hangs_is_replaced_and_costs_the_call_nothing() {
    break_down(Breakage::Hang(AWAY), "a recogniser hung").await;
}

async fn break_down(how: Breakage, reason: &str) {
    let world = World::open().await;
    let (_, [alice, mut bob]) = room_of(&world, ["alice", "bob"]).await;
    alice.say([]);
    bob.say([]);
    transcribe(&world, &alice).await;
    let [lost, heard] = ["flite01.wav", "flite04.wav"].map(Clip::read);
    sleep(Duration::from_millis(300)).await;
    forget_gaps(&[&alice, &bob]);
    bob.take_voices();
    let stalls = Stalls::watch();

    world.server.app().ears.break_down(how);
    let packets = lost.packets();
    let said = packets.len();
    alice.say(packets);
    let broke = Instant::now();
    let gap = gap(&world, &alice.call).await;
    eprintln!(
        "measured: somebody listens again after {:?}",
        broke.elapsed()
    );
    assert_eq!(gap["reason"], reason, "{gap}");
    let ms = |key: &str| gap[key].as_u64().expect("ms");
    let lasted = Duration::from_millis(ms("end_ms") - ms("start_ms"));
    assert!(lasted <= broke.elapsed() + Duration::from_secs(1), "{gap}");

    // What she said meanwhile reached him all the same.
    let clip = Duration::from_millis(20 * said as u64);
    sleep(clip.saturating_sub(broke.elapsed())).await;
    let voices = bob.take_voices().len();
    assert!(voices * 10 >= said * 9, "{voices} of {said} packets");
    alice.say(heard.packets());
    // Of what came before there may be an end that was heard.
    while !is(&final_caption(&mut bob).await, &heard) {}
    let (picture, stall) = (bob.longest_still(&alice), stalls.longest());
    assert!(picture < UNNOTICED + 2 * stall, "{picture:?} ({stall:?})");
    let stop = world.delete(&format!("/{}/transcribe", alice.call)).await;
    stop.expect(200);
    let said = transcript(&world, &alice).await;
    assert!(said.last().is_some_and(|said| is(said, &heard)), "{said:?}");
}

/// It is this clip, though a word of it may be misheard.
fn is(said: &Value, clip: &Clip) -> bool {
    errors(&clip.text, said["text"].as_str().expect("a text")) <= 1
}

/// When nobody listened, once somebody does again.
async fn gap(world: &World, call: &str) -> Value {
    let began = Instant::now();
    loop {
        let transcript = world.get(&format!("/{call}/transcript")).await.expect(200);
        if let [gap] = &transcript["unheard"].as_array().expect("a list")[..] {
            return gap.clone();
        }
        assert!(began.elapsed() < HEARD_AGAIN, "{transcript}");
        sleep(Duration::from_millis(50)).await;
    }
}
