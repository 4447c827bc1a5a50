//! Connections that say nothing, or hardly anything.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::bystanders::Bystanders;

/// Connections that are opened, by each kind of idler.
const MANY: usize = 300;

/// The head of a request must be there by then (`serve`), and a bit.
const HEAD_WITHIN: Duration = Duration::from_secs(26);

#[actix_web::test]
async fn half_open_and_slow_connections_are_closed_and_hinder_nobody() {
    let mut call = Bystanders::talking().await;
    let address = call.http();
    let begun = Instant::now();
    let mut silent = Vec::new();
    let mut slow = Vec::new();
    for _ in 0..MANY {
        silent.push(TcpStream::connect(address).await.expect("it is taken"));
        slow.push(TcpStream::connect(address).await.expect("it is taken"));
    }
    for stream in &mut slow {
        let begin = format!("POST /api/v1/calls/rooms HTTP/1.1\r\nHost: {address}\r\nX-Slow: ");
        stream.write_all(begin.as_bytes()).await.expect("it reads");
    }
    call.are_unharmed(60).await;
    let mut open = MANY;
    while open > 0 && begun.elapsed() < HEAD_WITHIN {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let mut still = Vec::new();
        for mut stream in slow {
            // A letter of a header twice a second keeps nobody's place.
            if stream.write_all(b"x").await.is_ok() {
                still.push(stream);
            }
        }
        slow = still;
        open = slow.len();
    }
    assert_eq!(open, 0, "slow heads are still read");
    let mut buffer = [0; 512];
    for stream in &mut silent {
        let left = HEAD_WITHIN.saturating_sub(begun.elapsed());
        let closed = async {
            while stream
                .read(&mut buffer)
                .await
                .is_ok_and(|length| length > 0)
            {}
        };
        let closed = tokio::time::timeout(left + Duration::from_secs(5), closed).await;
        assert!(closed.is_ok(), "who says nothing is still waited for");
    }
    call.are_unharmed(60).await;
}

#[actix_web::test]
async fn half_open_connections_to_media_and_turn_have_a_bound() {
    let free = || {
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        socket.local_addr().expect("bound").port()
    };
    let turn = free();
    let mut call = Bystanders::with(|command| {
        command
            .env("CALLS__TURN__PORT", turn.to_string())
            .env("CALLS__TURN__CONNECTIONS", "50")
            .env("CALLS__TURN__IDLE_SECONDS", "2")
            .env("CALLS__MEDIA__TCP_CONNECTIONS", "50");
    })
    .await;
    let mut open = Vec::new();
    for _ in 0..MANY {
        let media = TcpStream::connect(call.media()).await.expect("it is taken");
        let relay = TcpStream::connect(("127.0.0.1", turn))
            .await
            .expect("it is taken");
        open.extend([media, relay]);
    }
    for stream in &mut open {
        let _ = stream.write_all(&[0xff, 0xff, 0, 1]).await; // a frame of 65535 bytes begins
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let files = format!("/proc/{}/fd", call.server.child.id());
    let count = std::fs::read_dir(files).expect("it runs").count();
    assert!(count < 250, "{count} descriptors for strangers");
    call.are_unharmed(30).await;
}
