//! What a flood of strangers costs.

use calls_turn::testing::message::METHOD_ALLOCATE;
use calls_turn::testing::{transport, unsigned};
use tokio::net::UdpSocket;

use super::client::{Client, address, credential, refused, world};

/// Questions that are asked before anybody else is listened to again; the server's socket has room for those.
const WAVE: usize = 250;

/// Growth that has other reasons: a turn 0.17 server grew by 14 MB here.
const BOUND: usize = 3 * 1024 * 1024;

/// Bytes of memory that this process, which is also the server's, has.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<usize>()
        .unwrap()
        * 1024
}

#[actix::test]
async fn a_hundred_thousand_unauthenticated_allocates_leave_memory_flat() {
    let world = world(|_| {}).await;
    let question = unsigned(METHOD_ALLOCATE, &[transport(17)]).raw;
    let mut sockets = Vec::new();
    for _ in 0..50 {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(address(&world)).await.unwrap();
        sockets.push(socket);
    }
    // Somebody known is always answered, and at the same socket in their turn: then all that came before was seen to.
    let mut known = Client::udp(&world, credential("ann")).await;
    assert_eq!(known.allocate().await, 0);
    let mut asked = 0;
    let mut before = 0;
    while asked < 100_000 {
        for place in 0..WAVE {
            let socket = &sockets[(asked + place) % sockets.len()];
            socket.send(&question).await.unwrap();
        }
        asked += WAVE;
        assert_eq!(known.ask(&known.asker.refresh(600)).await.code(), 0);
        if asked == 10_000 {
            before = resident(); // buffers have grown to their size
        }
    }
    let after = resident();
    assert!(
        after < before + BOUND,
        "grew from {before} to {after} bytes"
    );
    let mut late = Client::tcp(&world, credential("bob")).await;
    assert_eq!(late.allocate().await, 0, "and it still serves");
    refused(&world, 401, 99_000).await;
}
