//! What somebody says a moment before the end is in the transcript when the end is told.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::super::room_of;
use super::speech::{Clip, errors, transcribe};
use super::tab::Tab;
use crate::support::World;

/// Says this, and waits for its last sound.
async fn say(tab: &Tab, clip: &Clip) {
    sleep(Duration::from_millis(300)).await;
    tab.say(clip.packets());
    sleep(Duration::from_millis(clip.span().1 + 150)).await;
}

/// All of it stands there.
fn assert_whole(transcript: &Value, clip: &Clip) {
    let said = transcript["utterances"].as_array().expect("a list");
    let texts: Vec<&str> = said
        .iter()
        .filter_map(|said| said["text"].as_str())
        .collect();
    let text = texts.join(" ");
    assert!(errors(&clip.text, &text) <= 1, "{text:?}");
    let last = |text: &str| text.split(' ').next_back().map(str::to_owned);
    assert_eq!(last(&text), last(&clip.text));
}

#[actix::test]
async fn what_is_said_when_a_call_ends_or_the_server_goes_down_is_in_the_transcript() {
    let world = World::open().await;
    let clip = Clip::read("flite04.wav");
    let (_, [alice, bob]) = room_of(&world, ["alice", "bob"]).await;
    let (_, [cid, dan]) = room_of(&world, ["cid", "dan"]).await;
    for tab in [&alice, &bob, &cid, &dan] {
        tab.say([]);
    }
    transcribe(&world, &alice).await;
    transcribe(&world, &cid).await;
    say(&alice, &clip).await;
    let end = world.post(&format!("/{}/end", alice.call), json!({})).await;
    end.expect(200);
    let path = format!("/{}/transcript", alice.call);
    assert_whole(&world.get(&path).await.expect(200), &clip);

    say(&cid, &clip).await;
    let path = format!("/{}/transcript", cid.call);
    let world = world.restart(true).await;
    assert_whole(&world.get(&path).await.expect(200), &clip);
}
