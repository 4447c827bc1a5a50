//! Ports on real sockets of the loopback interface.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::mpsc as thread_channel;
use std::time::{Duration, Instant};

use actix::prelude::*;
use calls_media::seam::{Egress, Path, PeerId};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::demux::check;
use super::{Datagrams, PortHandle, Stray};
use crate::metrics::ActorKind;
use crate::ports::{MediaConfig, MediaPorts, PortsError};

const ALICE: PeerId = PeerId(1);
const SECOND: Duration = Duration::from_secs(1);
const HELLO: &[u8] = &[22, 254, 253, 1, 2, 3];

fn config() -> MediaConfig {
    MediaConfig {
        bind: IpAddr::from([127, 0, 0, 1]),
        ports: vec![0],
        advertised: Vec::new(),
        loopback: true,
        tcp_connections: 4,
        segmentation_offload: true,
    }
}

fn started() -> MediaPorts {
    MediaPorts::start(&config()).expect("the loopback interface has free ports")
}

/// Sends everything back, and takes every path for proven.
struct Echo {
    handle: PortHandle,
    sizes: thread_channel::Sender<usize>,
}

impl Actor for Echo {
    type Context = Context<Self>;
}

impl Handler<Datagrams> for Echo {
    type Result = ();

    fn handle(&mut self, datagrams: Datagrams, _: &mut Self::Context) {
        let _ = self.sizes.send(datagrams.batch.len());
        for (path, datagram) in datagrams.batch {
            self.handle.bind(path, ALICE);
            self.handle
                .with_egress(|egress| egress.datagram(path, |bytes| bytes.extend(&datagram[..])));
        }
    }
}

/// Runs something on the first port's arbiter and waits for what it gives.
async fn on<R: Send + 'static>(
    ports: &MediaPorts,
    work: impl FnOnce(&PortHandle) -> R + Send + 'static,
) -> R {
    let (tell, told) = oneshot::channel();
    ports.on(0, move |handle| {
        let _ = tell.send(work(handle));
    });
    within(told).await.expect("the arbiter works")
}

/// Registers an echo as Alice; how many datagrams each of its messages had.
async fn echo(ports: &MediaPorts) -> thread_channel::Receiver<usize> {
    on(ports, |handle| {
        let (sizes, told) = thread_channel::channel();
        let door = Echo {
            handle: handle.clone(),
            sizes,
        }
        .start()
        .recipient();
        handle.register(ALICE, ["alice"], door);
        told
    })
    .await
}

async fn client(ports: &MediaPorts) -> UdpSocket {
    let client = UdpSocket::bind("127.0.0.1:0")
        .await
        .expect("there are free ports");
    client
        .connect(ports.address(0).expect("there is a port"))
        .await
        .expect("it listens");
    client
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(2 * SECOND, future).await.expect("in time")
}

async fn received(client: &UdpSocket) -> Vec<u8> {
    let mut datagram = vec![0; 2000];
    let length = within(client.recv(&mut datagram))
        .await
        .expect("the socket is open");
    datagram.truncate(length);
    datagram
}

async fn eventually(what: impl Fn() -> bool) {
    within(async {
        while !what() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[actix::test]
async fn a_check_opens_the_way_and_everything_comes_back() {
    let ports = started();
    let _echo = echo(&ports).await;
    let client = client(&ports).await;
    client.send(&check("alice:me")).await.unwrap();
    client.send(HELLO).await.unwrap();
    assert_eq!(received(&client).await, check("alice:me"));
    assert_eq!(received(&client).await, HELLO);
    eventually(|| ports.stats(0).unwrap().sent == 2).await;
    let stats = ports.stats(0).unwrap();
    assert_eq!((stats.received, stats.strays, stats.peers), (2, 0, 1));
}

#[actix::test]
async fn what_arrives_together_is_one_message() {
    let ports = started();
    let sizes = echo(&ports).await;
    let client = client(&ports).await;
    let (busy, is_busy) = oneshot::channel();
    let (go_on, goes_on) = thread_channel::channel::<()>();
    ports.on(0, move |_| {
        let _ = busy.send(());
        let _ = goes_on.recv_timeout(SECOND);
    });
    within(is_busy).await.unwrap();
    for _ in 0..20 {
        client.send(&check("alice:me")).await.unwrap();
    }
    go_on.send(()).unwrap();
    for _ in 0..20 {
        received(&client).await;
    }
    assert_eq!(sizes.try_iter().collect::<Vec<_>>(), [20]);
    eventually(|| ports.stats(0).unwrap().sent == 20).await;
    let stats = ports.stats(0).unwrap();
    assert!(
        stats.sends < 20,
        "equal datagrams leave together: {stats:?}"
    );
}

#[actix::test]
async fn long_runs_arrive_whole_and_in_order() {
    let ports = started();
    let client = client(&ports).await;
    let path = Path::Udp(client.local_addr().unwrap());
    on(&ports, move |handle| {
        handle.with_egress(|egress| {
            for number in 0..60u8 {
                let length = if number % 10 == 9 { 700 } else { 1200 };
                egress.datagram(path, |bytes| bytes.resize(bytes.len() + length, number));
            }
        });
    })
    .await;
    for number in 0..60 {
        let datagram = received(&client).await;
        assert_eq!(
            (datagram[0], datagram.len()),
            (number, if number % 10 == 9 { 700 } else { 1200 })
        );
    }
    eventually(|| ports.stats(0).unwrap().sent == 60).await;
    let stats = ports.stats(0).unwrap();
    assert!(
        stats.sends <= 6,
        "a shorter datagram ends each run: {stats:?}"
    );
}

#[actix::test]
async fn datagrams_for_nobody_are_dropped_and_counted() {
    let ports = started();
    let client = client(&ports).await;
    client.send(b"garbage").await.unwrap();
    client.send(HELLO).await.unwrap();
    client.send(&check("carol:me")).await.unwrap();
    client.send(&[]).await.unwrap();
    eventually(|| ports.stats(0).unwrap().strays == 4).await;
    let strays = [Stray::UnknownPath, Stray::UnknownUfrag, Stray::Malformed]
        .map(|reason| ports.strays(0, reason).unwrap());
    assert_eq!(strays, [2, 1, 1]);
}

#[actix::test]
async fn a_port_that_is_taken_is_named() {
    let ports = started();
    let number = ports.address(0).unwrap().port();
    let again = MediaPorts::start(&MediaConfig {
        ports: vec![number],
        ..config()
    });
    let error = again.err().expect("it is taken");
    assert!(matches!(
        error,
        PortsError::Taken {
            protocol: "UDP",
            ..
        }
    ));
    assert_eq!(
        error.to_string(),
        format!("UDP port {number} on 127.0.0.1 is taken by another program")
    );
    let none = MediaPorts::start(&MediaConfig {
        ports: Vec::new(),
        ..config()
    });
    assert!(matches!(none.err(), Some(PortsError::NoPorts)));
}

#[actix::test]
async fn a_crash_of_the_port_is_over_within_a_second() {
    let ports = started();
    let _echo = echo(&ports).await;
    let client = client(&ports).await;
    client.send(&check("alice:me")).await.unwrap();
    received(&client).await;

    let before = Instant::now();
    ports.crash(0);
    loop {
        client.send(HELLO).await.unwrap();
        if timeout(SECOND / 20, client.recv(&mut [0; 2000]))
            .await
            .is_ok()
            && ports.stats(0).unwrap().restarts == 1
        {
            break;
        }
        assert!(before.elapsed() < SECOND);
    }
    assert_eq!(ports.live().of(ActorKind::MediaPort), 1);
}

#[actix::test]
async fn work_that_panics_harms_nobody_else_on_the_arbiter() {
    let ports = started();
    let _echo = echo(&ports).await;
    ports.on(0, |_| panic!("this work is bad"));
    assert_eq!(on(&ports, |handle| handle.candidates().len()).await, 2);
    let client = client(&ports).await;
    client.send(&check("alice:me")).await.unwrap();
    received(&client).await;
    assert_eq!(ports.stats(0).unwrap().restarts, 0);
}

#[actix::test]
async fn plenty_leaves_before_others_have_had_their_turn() {
    let ports = started();
    let sink = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let path = Path::Udp(sink.local_addr().unwrap());
    let counters = ports.clone();
    let sent = on(&ports, move |handle| {
        let mut sent = Vec::new();
        for _ in 0..30 {
            handle.with_egress(|egress| egress.datagram(path, |bytes| bytes.extend([0x80; 1000])));
            sent.push(counters.stats(0).unwrap().sent);
        }
        sent
    });
    let sent = sent.await;
    assert_eq!(sent[20], 0, "what is little waits for more");
    assert!(sent[29] >= 24, "{}", sent[29]);
}

/// Two ports on which nothing happens.
fn two() -> MediaPorts {
    MediaPorts::start(&MediaConfig {
        ports: vec![0, 0],
        ..config()
    })
    .unwrap()
}

#[actix::test]
async fn rooms_share_a_port_until_its_thread_expects_enough() {
    let ports = two();
    let placed: Vec<usize> = (0..200).map(|_| ports.place_room(0)).collect();
    let first = placed[0];
    let alone = placed.iter().take_while(|&&port| port == first).count();
    assert!(alone >= 20, "nobody else is woken for few: {alone}");
    let there = placed.iter().filter(|&&port| port != first).count();
    assert!((80..=120).contains(&there), "{there} of 200 on the other");
}

#[actix::test]
async fn a_large_room_that_comes_back_at_once_is_on_both_ports() {
    let ports = two();
    let home = ports.place_room(500);
    let members = (0..500).map(|members| ports.place_member(home, members));
    let there = members.filter(|&place| place == home).count();
    assert!(
        (150..350).contains(&there),
        "{there} of 500 with their room"
    );
}

#[actix::test]
async fn only_members_of_large_rooms_go_to_another_port_than_their_room() {
    let ports = two();
    let small: Vec<usize> = (0..500).map(|_| ports.place_member(0, 49)).collect();
    assert_eq!(small, [0; 500]);
    // A rush: all come before anything of them is measured.
    let large: Vec<usize> = (0..500).map(|_| ports.place_member(0, 50)).collect();
    assert_eq!(large[..100], [0; 100], "until the thread is full");
    let there = large.iter().filter(|&&port| port == 1).count();
    assert!((150..300).contains(&there), "{there} of 500 on the other");
}

#[actix::test]
async fn an_answer_comes_from_the_address_that_was_written_to() {
    let bind = IpAddr::from([0, 0, 0, 0]);
    let ports = MediaPorts::start(&MediaConfig { bind, ..config() }).unwrap();
    let _echo = echo(&ports).await;
    let client = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let other = SocketAddr::from(([127, 0, 0, 2], ports.address(0).unwrap().port()));
    client.send_to(&check("alice:me"), other).await.unwrap();
    let (_, from) = within(client.recv_from(&mut [0; 2000])).await.unwrap();
    assert_eq!(from, other);
}

#[actix::test]
async fn a_socket_for_both_families_speaks_both() {
    let bind = IpAddr::from([0u16; 8]);
    let ports = MediaPorts::start(&MediaConfig { bind, ..config() }).unwrap();
    let _echo = echo(&ports).await;
    let number = ports.address(0).unwrap().port();
    for (from, to) in [
        ("127.0.0.1:0", IpAddr::from([127, 0, 0, 1])),
        ("[::1]:0", IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1u16])),
    ] {
        let client = UdpSocket::bind(from).await.unwrap();
        client.connect((to, number)).await.unwrap();
        client.send(&check("alice:me")).await.unwrap();
        assert_eq!(received(&client).await, check("alice:me"));
    }
}

// ── TCP ─────────────────────────────────────────────────────────────────────

fn frame(datagram: &[u8]) -> Vec<u8> {
    let length = u16::try_from(datagram.len()).expect("short");
    [&length.to_be_bytes()[..], datagram].concat()
}

async fn connected(ports: &MediaPorts) -> TcpStream {
    within(TcpStream::connect(ports.address(0).unwrap()))
        .await
        .expect("it listens")
}

async fn read_frame(stream: &mut TcpStream) -> Vec<u8> {
    let length = within(stream.read_u16()).await.expect("a frame");
    let mut datagram = vec![0; usize::from(length)];
    within(stream.read_exact(&mut datagram))
        .await
        .expect("all of it");
    datagram
}

/// The other end has closed it.
async fn is_closed(stream: &mut TcpStream) -> bool {
    matches!(within(stream.read(&mut [0; 1])).await, Ok(0) | Err(_))
}

#[actix::test]
async fn tcp_carries_datagrams_in_frames_wherever_they_are_cut() {
    let ports = started();
    let _echo = echo(&ports).await;
    let mut stream = connected(&ports).await;
    stream.set_nodelay(true).unwrap();
    let sent = [
        frame(&check("alice:me")),
        frame(HELLO),
        frame(&[0x80; 1200]),
    ]
    .concat();
    for piece in sent.chunks(100) {
        stream.write_all(piece).await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(read_frame(&mut stream).await, check("alice:me"));
    assert_eq!(read_frame(&mut stream).await, HELLO);
    assert_eq!(read_frame(&mut stream).await, [0x80; 1200]);

    on(&ports, |handle| handle.forget(ALICE)).await;
    assert!(
        is_closed(&mut stream).await,
        "whoever is forgotten has no connection"
    );
}

#[actix::test]
async fn a_connection_that_does_not_begin_with_a_check_is_closed() {
    let ports = started();
    let _echo = echo(&ports).await;
    let mut stream = connected(&ports).await;
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert!(is_closed(&mut stream).await);
    let mut stream = connected(&ports).await;
    stream.write_all(&frame(HELLO)).await.unwrap();
    assert!(is_closed(&mut stream).await);
    assert_eq!(ports.strays(0, Stray::UnknownPath), Some(1));
}

#[actix::test]
async fn a_connection_that_stays_silent_is_closed_after_a_while() {
    let ports = started();
    on(&ports, |_| tokio::time::pause()).await; // on the arbiter ten seconds pass at once
    let mut stream = connected(&ports).await;
    assert!(is_closed(&mut stream).await);
}

#[actix::test]
async fn the_silent_give_way_when_connections_are_scarce() {
    let ports = started();
    let _echo = echo(&ports).await;
    let mut proven = connected(&ports).await;
    proven.write_all(&frame(&check("alice:me"))).await.unwrap();
    read_frame(&mut proven).await;
    let mut silent = Vec::new();
    for _ in 0..4 {
        silent.push(connected(&ports).await);
    }
    assert!(is_closed(&mut silent[0]).await);
    proven.write_all(&frame(HELLO)).await.unwrap();
    assert_eq!(read_frame(&mut proven).await, HELLO);
}

#[actix::test]
async fn a_slow_reader_loses_media_but_not_its_checks() {
    let ports = started();
    let _echo = echo(&ports).await;
    let mut stream = connected(&ports).await;
    stream.write_all(&frame(&check("alice:me"))).await.unwrap();
    read_frame(&mut stream).await;
    let path = Path::Tcp {
        connection: 0,
        remote: stream.local_addr().unwrap(),
    };
    on(&ports, move |handle| {
        handle.with_egress(|egress| {
            for _ in 0..1000 {
                egress.datagram(path, |bytes| bytes.resize(bytes.len() + 1200, 0x80));
            }
            egress.datagram(path, |bytes| bytes.extend(HELLO));
        });
    })
    .await;
    let dropped = ports.stats(0).unwrap().unsent;
    assert!((500..1000).contains(&dropped), "{dropped}");
    for _ in dropped..1000 {
        assert_eq!(read_frame(&mut stream).await.len(), 1200);
    }
    assert_eq!(read_frame(&mut stream).await, HELLO);
}
