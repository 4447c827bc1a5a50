//! Connections: who may keep one, and for how long.

use std::time::{Duration, Instant};

use calls_turn::testing::message::METHOD_BINDING;
use calls_turn::testing::{send, unsigned};

use super::client::{Client, credential, echo, world};

const SECOND: Duration = Duration::from_secs(1);

#[actix::test]
async fn who_says_nothing_or_half_a_word_is_put_out_and_who_relays_stays() {
    let [peer, _] = echo().await;
    let world = world(|config| {
        config.turn.idle_seconds = 1;
        config.turn.extra_peers = vec![peer];
    })
    .await;
    let mut ann = Client::tcp(&world, credential("ann")).await;
    ann.reach(&[peer]).await;
    let begun = Instant::now();
    let mut silent = Client::tcp(&world, credential("bob")).await;
    let mut halting = Client::tcp(&world, credential("carol")).await;
    let question = unsigned(METHOD_BINDING, &[]).raw;
    halting.send(&question).await;
    assert!(halting.hear().await.is_some());
    halting.send(&question[..19]).await;
    assert_eq!(silent.hear().await, None);
    assert_eq!(halting.hear().await, None);
    assert!(begun.elapsed() >= SECOND);
    ann.send(&send(peer, b"still here")).await;
    assert_eq!(ann.hear_payload().await, b"still here");
}

#[actix::test]
async fn what_is_no_turn_ends_its_connection_at_once() {
    let world = world(|_| {}).await;
    for stranger in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        &[0x16, 3, 1, 2, 0, 1, 0, 1],
        &[0x40, 0, 0xFF, 0xFF],
    ] {
        let mut client = Client::tcp(&world, credential("ann")).await;
        client.send(stranger).await;
        assert_eq!(client.hear().await, None);
    }
}

#[actix::test]
async fn where_all_places_are_taken_the_one_who_waits_longest_gives_way_unless_it_relays() {
    let world = world(|config| config.turn.connections = 2).await;
    let mut relaying = Client::tcp(&world, credential("ann")).await;
    assert_eq!(relaying.allocate().await, 0);
    let question = unsigned(METHOD_BINDING, &[]).raw;
    let mut waiting = Client::tcp(&world, credential("bob")).await;
    assert_eq!(waiting.ask(&question).await.code(), 0);
    let mut late = Client::tcp(&world, credential("carol")).await;
    assert_eq!(late.ask(&question).await.code(), 0);
    assert_eq!(waiting.hear().await, None);
    assert_eq!(relaying.ask(&question).await.code(), 0);
}

#[actix::test]
async fn a_closed_connection_gives_its_allocation_back() {
    let world = world(|config| config.turn.allocations = 1).await;
    let mut ann = Client::tcp(&world, credential("ann")).await;
    assert_eq!(ann.allocate().await, 0);
    let mut bob = Client::tcp(&world, credential("bob")).await;
    assert_eq!(bob.allocate().await, 486);
    drop(ann);
    let begun = Instant::now();
    while bob.ask(&bob.asker.allocate()).await.code() != 0 {
        assert!(begun.elapsed() < 10 * SECOND);
        tokio::task::yield_now().await;
    }
}

#[actix::test]
async fn nobody_takes_all_connections() {
    let world = world(|config| config.turn.allocations_per_address = 2).await;
    let question = unsigned(METHOD_BINDING, &[]).raw;
    let mut first = Client::tcp(&world, credential("ann")).await;
    let mut second = Client::tcp(&world, credential("ann")).await;
    assert_eq!(first.ask(&question).await.code(), 0);
    assert_eq!(second.ask(&question).await.code(), 0);
    let mut third = Client::tcp(&world, credential("ann")).await;
    assert_eq!(third.hear().await, None);
    assert_eq!(first.ask(&question).await.code(), 0);
}
