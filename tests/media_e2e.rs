//! Media through a whole server, over real sockets, to clients that share no code with it; and what panics cost.

#![cfg(feature = "testing")]

mod support;

mod media_e2e {
    mod broken_disk;
    mod broken_ears;
    mod captions;
    mod deleting;
    mod gaps;
    mod keeping;
    mod last_words;
    mod once_more;
    pub(crate) mod peer;
    pub(crate) mod recording;
    mod s3;
    mod saying;
    mod speech;
    mod storage;
    pub(crate) mod tab;
    mod transcripts;
}

use std::time::Duration;

use calls_actors::testing::Victim;
use media_e2e::peer::{Network, now};
use media_e2e::tab::{Stalls, Tab, all_hear_all};
use serde_json::{Value, json};
use support::World;

/// How long joining and connecting may take on a busy machine.
const CONNECT: Duration = Duration::from_secs(15);

/// How long a crash may be felt.
const MENDED: Duration = Duration::from_secs(2);

/// What counts as not noticed: a picture or a voice stands still for less.
const UNNOTICED: Duration = Duration::from_secs(1);

/// A room and everybody in it, who see and hear each other.
async fn room_of<const N: usize>(world: &World, users: [&'static str; N]) -> (String, [Tab; N]) {
    let room = world.room(json!({})).await;
    let mut tabs = Vec::new();
    for user in users {
        tabs.push(Tab::open(world, &room, user).await);
    }
    let everybody: Vec<&Tab> = tabs.iter().collect();
    all_hear_all(&everybody, Duration::from_nanos(1), CONNECT).await;
    let tabs = tabs.try_into().ok().expect("as many tabs as users");
    (room, tabs)
}

fn forget_gaps(tabs: &[&Tab]) {
    for tab in tabs {
        tab.forget_gaps();
    }
}

/// Neither waited long for the other, but for the time in which nothing ran on this machine.
#[track_caller]
fn unnoticed(one: &Tab, other: &Tab, stalls: &Stalls) {
    let gap = one.longest_gap(other).max(other.longest_gap(one));
    let stall = stalls.longest();
    let users = [one.user, other.user];
    assert!(
        gap < UNNOTICED + 2 * stall,
        "{users:?} stood still for {gap:?} (stalls of {stall:?})"
    );
}

/// Something sent now is sent after what just went wrong.
fn from_now_on() -> Duration {
    now() + Duration::from_millis(50)
}

#[actix::test]
async fn everybody_in_a_room_sees_and_hears_everybody_else() {
    let world = World::open().await;
    let (_, [alice, bob, carol]) = room_of(&world, ["alice", "bob", "carol"]).await;
    let everybody = [&alice, &bob, &carol];
    forget_gaps(&everybody);
    let stalls = Stalls::watch();
    tokio::time::sleep(2 * UNNOTICED).await;
    all_hear_all(&everybody, from_now_on(), CONNECT).await;
    for (tab, other) in [(&alice, &bob), (&bob, &carol), (&carol, &alice)] {
        unnoticed(tab, other, &stalls);
    }
}

#[actix::test]
async fn how_good_a_call_was_can_be_read_afterwards() {
    let world = World::open().await;
    let (_, [alice, bob]) = room_of(&world, ["alice", "bob"]).await;
    let path = format!("/{}/quality", alice.call);
    let samples = async {
        loop {
            let page = world.get(&path).await.expect(200);
            let data = page["data"].as_array().expect("a page").clone();
            let of = |tab: &Tab| {
                data.iter()
                    .any(|one| one["participant_id"] == *tab.participant)
            };
            if of(&alice) && of(&bob) {
                return data;
            }
            tokio::time::sleep(UNNOTICED / 2).await;
        }
    };
    let samples = tokio::time::timeout(CONNECT, samples)
        .await
        .expect("each presence has a sample within some seconds");
    for sample in &samples {
        assert!(sample["up_kbps"].as_u64() > Some(0), "{sample}");
        assert!(sample["down_kbps"].as_u64() > Some(0), "{sample}");
        assert!(sample["score"].as_f64() > Some(0.0), "{sample}");
    }
    let bobs = format!("{path}?participant_id={}", bob.participant);
    let page = world.get(&bobs).await.expect(200);
    let data = page["data"].as_array().expect("a page");
    assert!(
        data.iter()
            .all(|one| one["participant_id"] == *bob.participant)
    );
}

#[actix::test]
async fn where_no_udp_gets_through_media_goes_over_tcp() {
    let world = World::open().await;
    let room = world.room(json!({})).await;
    let alice = Tab::open(&world, &room, "alice").await;
    let bob = Tab::open_over(Network::TcpOnly, &world, &room, "bob").await;
    all_hear_all(&[&alice, &bob], from_now_on(), CONNECT).await;
}

#[actix::test]
async fn a_panic_in_a_room_is_over_soon_and_its_neighbours_notice_nothing() {
    let world = World::open().await;
    let (_, [alice, bob]) = room_of(&world, ["alice", "bob"]).await;
    let (_, [xenia, yves]) = room_of(&world, ["xenia", "yves"]).await;
    forget_gaps(&[&xenia, &yves]);
    let stalls = Stalls::watch();

    alice.crash(&world, Victim::Room).await;
    all_hear_all(&[&alice, &bob], from_now_on(), MENDED).await;

    tokio::time::sleep(UNNOTICED / 2).await;
    unnoticed(&xenia, &yves, &stalls);
}

#[actix::test]
async fn a_panic_in_a_participant_costs_the_others_nothing_and_their_own_tab_a_new_offer() {
    let world = World::open().await;
    let (_, [mut alice, mut bob, carol]) = room_of(&world, ["alice", "bob", "carol"]).await;
    forget_gaps(&[&alice, &carol]);
    let stalls = Stalls::watch();

    let before = bob.participant.clone();
    bob.crash(&world, Victim::Participant(before.parse().unwrap()))
        .await;
    all_hear_all(&[&alice, &carol], from_now_on(), MENDED).await;
    let left = |told: &Value| told["event"] == "left" && told["participant"]["user_id"] == "bob";
    alice.socket.event_where("participant", left).await;

    bob.reopen().await;
    assert_ne!(bob.participant, before);
    all_hear_all(&[&alice, &bob, &carol], from_now_on(), CONNECT).await;
    unnoticed(&alice, &carol, &stalls);
}

#[actix::test]
async fn a_panic_in_a_call_stops_no_media_and_loses_nothing_of_what_happened() {
    let world = World::open().await;
    let (_, [alice, bob]) = room_of(&world, ["alice", "bob"]).await;
    let before = world.get(&format!("/{}", alice.call)).await.expect(200);
    forget_gaps(&[&alice, &bob]);
    let stalls = Stalls::watch();

    alice.crash(&world, Victim::Call).await;
    all_hear_all(&[&alice, &bob], from_now_on(), MENDED).await;
    tokio::time::sleep(UNNOTICED / 2).await;
    unnoticed(&alice, &bob, &stalls);
    let gap = alice.longest_gap(&bob).max(bob.longest_gap(&alice));
    eprintln!("measured: no gap above {gap:?}");

    let after = world.get(&format!("/{}", alice.call)).await.expect(200);
    for key in ["call_id", "status", "started_at", "participants"] {
        assert_eq!(after[key], before[key], "{key}");
    }
    let ended = world.post(&format!("/{}/end", alice.call), json!({})).await;
    ended.expect(200);
    assert_eq!(alice.socket.end().await.0, "call_ended");
    let of_call = |event: &&Value| event["subject"] == alice.call.as_str();
    let events = world.get("/events?limit=100").await.expect(200);
    let events = events["data"].as_array().expect("a page").iter();
    let told: Vec<(&str, u64)> = events
        .filter(of_call)
        .map(|event| (event["type"].as_str(), event["seq"].as_u64()))
        .map(|(name, seq)| (name.expect("a type"), seq.expect("a number")))
        .collect();
    let names: Vec<&str> = told.iter().map(|(name, _)| *name).collect();
    for (name, times) in [
        ("participant.joined", 2),
        ("participant.left", 2),
        ("call.ended", 1),
    ] {
        let found = names.iter().filter(|one| **one == name).count();
        assert_eq!(found, times, "{name} in {told:?}");
    }
    let seqs: Vec<u64> = told.iter().map(|(_, seq)| *seq).collect();
    let whole = (seqs[0]..).take(seqs.len()).collect::<Vec<u64>>();
    assert_eq!(seqs, whole, "none is missing, none is told twice");
}

#[actix::test]
async fn a_panic_in_a_media_port_is_over_soon() {
    let world = World::open().await;
    let (_, [alice, bob]) = room_of(&world, ["alice", "bob"]).await;

    world.server.app().ports.crash(0);
    all_hear_all(&[&alice, &bob], from_now_on(), MENDED).await;
    assert_eq!(world.server.app().ports.stats(0).unwrap().restarts, 1);
}
