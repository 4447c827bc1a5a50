//! Bytes on a TCP connection, as no decent library would send them.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a server may keep one waiting.
const PATIENCE: Duration = Duration::from_secs(10);

/// Most of an answer that is looked at.
const MOST: u64 = 1024 * 1024;

/// Sends this on a connection of its own; all that is answered until the server closes it or says no more.
pub(crate) async fn say(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let _ = stream.write_all(bytes).await; // it may hang up in the middle
    let _ = stream.shutdown().await;
    let mut answer = Vec::new();
    let reading = stream.take(MOST);
    tokio::pin!(reading);
    let _ = timeout(PATIENCE, reading.read_to_end(&mut answer)).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status of an answer; 0: none was given.
pub(crate) fn status(answer: &str) -> u16 {
    let mut words = answer.split(' ');
    words.nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}

/// Begins a WebSocket by hand; whatever is sent then is up to the caller.
pub(crate) async fn upgraded(address: SocketAddr, extensions: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    let ask = format!(
        "GET /api/v1/calls/ws HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Protocol: calls.v1\r\n{extensions}\r\n"
    );
    stream.write_all(ask.as_bytes()).await.expect("sent");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("an answer"));
    }
    (stream, String::from_utf8_lossy(&head).into_owned())
}

/// Waits until the server has closed a connection.
pub(crate) async fn closed(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut rest))
        .await
        .is_ok()
}
