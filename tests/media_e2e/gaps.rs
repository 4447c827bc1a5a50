//! Why nothing of somebody is in a recording, as the server tells it.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::super::room_of;
use super::keeping::report;
use super::recording::{number, settled, start, stop};
use crate::support::World;

/// How long each thing lasts.
const LENGTH: Duration = Duration::from_secs(2);

/// That a gap lasts as long as it did, on a busy machine.
fn lasts(gap: &Value, reason: &str) {
    assert_eq!(gap["reason"], reason, "{gap}");
    let ms = number(&gap["to_ms"]) - number(&gap["from_ms"]);
    let wanted = u64::try_from(LENGTH.as_millis()).expect("short");
    assert!(ms.abs_diff(wanted) < 1000, "{wanted} ms: {gap}");
}

#[actix::test]
async fn who_switches_off_loses_nothing_and_who_leaves_has_left() {
    let world = World::open().await;
    let (_, [alice, mut bob]) = room_of(&world, ["alice", "bob"]).await;
    let started = start(&world, &alice, "tracks").await;
    sleep(LENGTH).await;
    for muted in [true, false] {
        for source in ["microphone", "camera"] {
            // As browsers do that go on sending: the server drops it.
            let asked = json!({ "source": source, "muted": muted });
            bob.socket.ask("mute", asked).await.expect("it is his");
        }
        sleep(LENGTH).await;
    }
    let leaves = bob.socket.ask("leave", json!({})).await;
    leaves.expect("he may");
    sleep(LENGTH).await;
    stop(&world, &alice).await;
    let recording = settled(&world, &started).await;
    assert_eq!(recording["status"], "available", "{recording}");
    let report = report(&world, &recording).await;
    let tracks = report["tracks"].as_array().expect("tracks");
    assert_eq!(tracks.len(), 4, "{report}");
    for track in tracks {
        assert_eq!(track["packets_lost"], 0, "{track}");
        let gaps = track["gaps"].as_array().expect("gaps");
        if track["user_id"] == "alice" {
            assert_eq!(gaps.len(), 0, "{track}");
            continue;
        }
        let [off, left] = &gaps[..] else {
            panic!("he was off, and he left: {track}");
        };
        lasts(off, "no_media");
        lasts(left, "left");
    }
}
