//! A server with TURN, and a client for it.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::time::Duration;

use calls::config::Config;
use calls_turn::testing::attributes::ATTR_DATA;
use calls_turn::testing::message::METHOD_ALLOCATE;
use calls_turn::testing::{Answer, Asker, transport, unsigned};
use calls_turn::{Credential, Deframer, Secret};
use rand::RngExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

use crate::support::World;

/// What passwords are made from.
pub(crate) const SECRET: &str = "north";

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Numbers that the kernel hands out to nobody.
const PORTS: std::ops::Range<u16> = 20_000..30_000;

/// A server with TURN on a free port.
pub(crate) async fn world(change: impl FnOnce(&mut Config)) -> World {
    World::start(true, |config| {
        config.turn.port = free_port();
        SECRET.clone_into(&mut config.turn.secret);
        change(config);
    })
    .await
}

/// A number that is free for UDP and TCP.
pub(crate) fn free_port() -> u16 {
    let mut random = rand::rng();
    loop {
        let address = (Ipv4Addr::LOCALHOST, random.random_range(PORTS));
        if std::net::UdpSocket::bind(address).is_ok() && TcpListener::bind(address).is_ok() {
            return address.1;
        }
    }
}

/// Where TURN is.
pub(crate) fn address(world: &World) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, world.config.turn.port).into()
}

/// Somebody who says everything again, at two ports in a row, until the test ends. coturn's client uses either.
pub(crate) async fn echo() -> [SocketAddr; 2] {
    let (first, second) = loop {
        let port = free_port();
        let bind = |port| UdpSocket::bind((Ipv4Addr::LOCALHOST, port));
        if let (Ok(first), Ok(second)) = (bind(port).await, bind(port + 1).await) {
            break (first, second);
        }
    };
    [first, second].map(|socket| {
        let address = socket.local_addr().unwrap();
        actix::spawn(async move {
            let mut buffer = [0; 2048];
            while let Ok((length, from)) = socket.recv_from(&mut buffer).await {
                socket.send_to(&buffer[..length], from).await.unwrap();
            }
        });
        address
    })
}

/// Waits until the server has refused so many requests with this code. Figures are handed on once a second.
pub(crate) async fn refused(world: &World, code: u16, least: u64) {
    let name = format!("calls_turn_refusals_total{{code=\"{code}\"}} ");
    let mut text = String::new();
    let counted = tokio::time::timeout(PATIENCE, async {
        let count = |text: &str| -> Option<u64> {
            text.lines()
                .find_map(|line| line.strip_prefix(&name))?
                .parse()
                .ok()
        };
        while count(&text).is_none_or(|count| count < least) {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let metrics = world.page(reqwest::Method::GET, "/metrics");
            text = crate::support::send(metrics).await.text;
        }
    });
    assert!(counted.await.is_ok(), "fewer than {least}: {text}");
}

/// A password for an hour.
pub(crate) fn credential(user: &str) -> Credential {
    Secret::new(SECRET.as_bytes()).issue(user, unix_seconds() + 3600)
}

pub(crate) fn unix_seconds() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.unwrap().as_secs()
}

/// A client.
pub(crate) struct Client {
    way: Way,
    pub(crate) asker: Asker,
}

enum Way {
    Udp(UdpSocket),
    Tcp(TcpStream, Deframer),
}

impl Client {
    pub(crate) async fn udp(world: &World, credential: Credential) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        socket.connect(address(world)).await.unwrap();
        Self {
            way: Way::Udp(socket),
            asker: Asker::new(credential),
        }
    }

    pub(crate) async fn tcp(world: &World, credential: Credential) -> Self {
        let stream = TcpStream::connect(address(world)).await.unwrap();
        Self {
            way: Way::Tcp(stream, Deframer::default()),
            asker: Asker::new(credential),
        }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        match &mut self.way {
            Way::Udp(socket) => assert_eq!(socket.send(bytes).await.unwrap(), bytes.len()),
            Way::Tcp(stream, _) => stream.write_all(bytes).await.unwrap(),
        }
    }

    /// The next message; none if the connection is closed.
    pub(crate) async fn hear(&mut self) -> Option<Vec<u8>> {
        let hear = async {
            match &mut self.way {
                Way::Udp(socket) => {
                    let mut buffer = vec![0; 2048];
                    let length = socket.recv(&mut buffer).await.unwrap();
                    buffer.truncate(length);
                    Some(buffer)
                }
                Way::Tcp(stream, deframer) => loop {
                    if let Some(message) = deframer.next_message().expect("TURN") {
                        return Some(message.to_vec());
                    }
                    match stream.read_buf(deframer.space(2048)).await {
                        Ok(0) | Err(_) => return None,
                        Ok(_) => {}
                    }
                },
            }
        };
        let heard = tokio::time::timeout(PATIENCE, hear).await;
        heard.expect("something is heard in time")
    }

    pub(crate) async fn ask(&mut self, bytes: &[u8]) -> Answer {
        self.send(bytes).await;
        let answer = self.hear().await.expect("an answer");
        Answer::parse(&answer).expect("it is STUN")
    }

    /// Asks for a relay as clients do; gives the code of the answer.
    pub(crate) async fn allocate(&mut self) -> u16 {
        let challenge = unsigned(METHOD_ALLOCATE, &[transport(17)]).raw;
        let challenge = self.ask(&challenge).await;
        assert_eq!(challenge.code(), 401);
        self.asker.learn(&challenge);
        self.ask(&self.asker.allocate()).await.code()
    }

    /// Gets a relay and lets them send.
    pub(crate) async fn reach(&mut self, peers: &[SocketAddr]) {
        assert_eq!(self.allocate().await, 0);
        assert_eq!(self.ask(&self.asker.permit(peers)).await.code(), 0);
    }

    /// Something that a peer sent.
    pub(crate) async fn hear_payload(&mut self) -> Vec<u8> {
        let indication = self.hear().await.expect("an indication");
        let indication = Answer::parse(&indication).expect("it is STUN");
        indication.get(ATTR_DATA).expect("a payload")
    }
}
