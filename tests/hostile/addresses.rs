//! Datagrams from addresses that have proven nothing.

use std::time::Duration;

use tokio::net::UdpSocket;

use super::bystanders::Bystanders;

/// Datagrams of each kind.
const EACH: usize = 4_000;

/// Sends them one after the other, from a few addresses, and counts the bytes both ways.
async fn flood(call: &Bystanders, datagram: impl Fn(usize) -> Vec<u8>) -> (usize, usize) {
    let mut sockets = Vec::new();
    for _ in 0..20 {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
        socket.connect(call.media()).await.expect("an address");
        sockets.push(socket);
    }
    let (mut sent, mut received) = (0, 0);
    let mut buffer = [0; 2048];
    for number in 0..EACH {
        let socket = &sockets[number % sockets.len()];
        let datagram = datagram(number);
        sent += socket.send(&datagram).await.unwrap_or(0);
        if number % 100 == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await; // the kernel's buffer is not what is tested
        }
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    for socket in &sockets {
        while let Ok(length) = socket.try_recv(&mut buffer) {
            received += length;
        }
    }
    (sent, received)
}

/// Random bytes behind this beginning.
fn noise(begin: &[u8], length: usize) -> Vec<u8> {
    let mut datagram = begin.to_vec();
    datagram.extend((0..length).map(|_| rand::random::<u8>()));
    datagram
}

/// A STUN request (RFC 8489 §5) with these attributes.
fn stun(attributes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(attributes.len()).expect("short");
    let mut message = vec![0, 1];
    message.extend(length.to_be_bytes());
    message.extend(0x2112_a442_u32.to_be_bytes());
    message.extend(rand::random::<[u8; 12]>());
    message.extend(attributes);
    message
}

/// What a stranger says first, second and so on.
type Datagram<'a> = &'a dyn Fn(usize) -> Vec<u8>;

#[actix_web::test]
async fn strangers_are_never_sent_more_than_they_sent_and_a_call_goes_on() {
    let mut call = Bystanders::talking().await;
    let hello = [
        22, 254, 253, 0, 0, 0, 0, 0, 0, 0, 0, 0, 200, 1, 0, 0, 188, 0, 0,
    ];
    let name = *b"\x00\x06\x00\x09abcd:efgh\x00\x00\x00";
    let kinds: [(&str, Datagram); 6] = [
        ("noise", &|number| noise(&[], number % 1400)),
        ("binding requests", &|_| stun(&[])),
        ("checks of nobody", &|_| stun(&name)),
        ("attributes longer than the message", &|_| {
            stun(&[0, 6, 255, 255])
        }),
        ("DTLS hellos", &|_| noise(&hello, 194)),
        ("RTP", &|_| noise(&[0x80, 111], 200)),
    ];
    for (kind, datagram) in kinds {
        let (sent, received) = flood(&call, datagram).await;
        assert!(received <= sent, "{kind}: {received} for {sent} bytes");
        assert_eq!(received, 0, "{kind}: strangers are told nothing at all");
    }
    call.are_unharmed(30).await;
}

#[actix_web::test]
async fn ten_thousand_allocations_that_nobody_goes_on_with_cost_nothing() {
    let free = || {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.local_addr().expect("bound").port()
    };
    let port = free();
    let mut call = Bystanders::with(|command| {
        command.env("CALLS__TURN__PORT", port.to_string());
    })
    .await;
    // Allocate with REQUESTED-TRANSPORT: UDP (RFC 8656 §7.1), from an address of its own each hundred times.
    let mut sent = 0_usize;
    let mut received = 0_usize;
    let mut buffer = [0; 2048];
    for address in 0..100_u8 {
        let socket = UdpSocket::bind((format!("127.0.1.{address}"), 0));
        let socket = socket.await.expect("a socket");
        socket
            .connect(("127.0.0.1", port))
            .await
            .expect("an address");
        for _ in 0..100 {
            let mut ask = stun(&[0, 25, 0, 4, 17, 0, 0, 0]);
            ask[1] = 3;
            sent += socket.send(&ask).await.unwrap_or(0);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        while let Ok(length) = socket.try_recv(&mut buffer) {
            received += length;
        }
    }
    // 4 kB a second more than came from it, for each address (SECURITY-MODEL, "Reflection").
    assert!(received <= sent + 100 * 4096, "{received} for {sent} bytes");
    let numbers = call.api.http.get(call.server.url("/metrics")).send();
    let numbers = numbers.await.expect("numbers").text().await.expect("text");
    let open = numbers
        .lines()
        .find(|line| line.starts_with("calls_turn_allocations "));
    assert_eq!(
        open.unwrap_or("calls_turn_allocations 0"),
        "calls_turn_allocations 0"
    );
    call.are_unharmed(30).await;
}
