//! What clients are told, where relays lead, and what a crash costs.

use std::net::SocketAddr;

use calls_turn::testing::{channel_data, send};
use calls_turn::{Credential, Deframer};
use serde_json::{Value, json};
use tokio::net::UdpSocket;

use super::client::{Client, PATIENCE, address, credential, echo, world};
use crate::support::World;

/// The one entry of `ice_servers` that names TURN.
fn turn(ice_servers: &Value) -> (Vec<String>, Credential) {
    let servers = ice_servers.as_array().expect("a list");
    assert_eq!(servers.len(), 1, "{servers:?}");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let urls = servers[0]["urls"].as_array().expect("a list");
    let credential = Credential {
        username: text(&servers[0]["username"]),
        password: text(&servers[0]["credential"]),
    };
    (urls.iter().map(text).collect(), credential)
}

#[actix::test]
async fn clients_are_told_of_the_built_in_server_and_can_use_what_they_are_told() {
    let world = world(|config| config.turn.secret.clear()).await;
    let room = world.room(json!({})).await;
    let joined = world.join(&room, "ann").await;
    let asked = world.get("/ice-servers").await.expect(200);
    let port = world.config.turn.port;
    for told in [&joined["connection"]["ice_servers"], &asked["ice_servers"]] {
        let (urls, credential) = turn(told);
        let expected = ["udp", "tcp"].map(|way| format!("turn:127.0.0.1:{port}?transport={way}"));
        assert_eq!(urls, expected);
        let mut by_udp = Client::udp(&world, credential.clone()).await;
        assert_eq!(by_udp.allocate().await, 0);
        let mut by_tcp = Client::tcp(&world, credential).await;
        assert_eq!(by_tcp.allocate().await, 0);
    }
    let again = world.get("/ice-servers").await.expect(200);
    let names = [&asked, &again].map(|told| turn(&told["ice_servers"]).1.username);
    assert_ne!(
        names[0], names[1],
        "those whom an application asks for share no quota"
    );
    let mut guess = Client::udp(&world, credential("ann")).await;
    assert_eq!(guess.allocate().await, 401, "nobody knows the secret");
}

#[actix::test]
async fn another_turn_server_is_named_instead_and_ours_stays_closed() {
    let world = world(|config| config.turn.turn_urls = vec!["turn:theirs".to_owned()]).await;
    let asked = world.get("/ice-servers").await.expect(200);
    assert_eq!(turn(&asked["ice_servers"]).0, ["turn:theirs"]);
    assert!(
        std::net::TcpListener::bind(address(&world)).is_ok(),
        "it is free"
    );
}

#[actix::test]
async fn a_server_without_turn_names_none() {
    let world = World::open().await;
    let asked = world.get("/ice-servers").await.expect(200);
    assert_eq!(asked["ice_servers"], json!([]));
}

#[actix::test]
async fn a_relay_reaches_media_and_no_other_port_of_this_machine() {
    let [peer, _] = echo().await;
    let world = world(|config| config.turn.extra_peers = vec![peer]).await;
    let media = world.server.app().ports.address(0).unwrap();
    let secret = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut ann = Client::udp(&world, credential("ann")).await;
    ann.reach(&[media, peer]).await;

    // The port of REST and signaling, and of something that anybody on this machine may hear.
    let http = world.server.address;
    for outside in [http, secret.local_addr().unwrap(), address(&world)] {
        assert_eq!(ann.ask(&ann.asker.bind(0x4000, outside)).await.code(), 403);
        ann.send(&send(outside, b"let me in")).await;
        ann.send(&channel_data(0x4000, b"let me in")).await;
    }
    for outside in ["10.0.0.1:7882", "169.254.169.254:80", "127.0.0.99:7882"] {
        let outside: SocketAddr = outside.parse().unwrap();
        assert_eq!(ann.ask(&ann.asker.permit(&[outside])).await.code(), 403);
    }

    // What comes back was sent after all of that, and by the same socket.
    ann.send(&send(peer, b"and you?")).await;
    assert_eq!(ann.hear_payload().await, b"and you?");
    let mut heard = [0; 64];
    let nothing = secret.try_recv(&mut heard).unwrap_err();
    assert_eq!(nothing.kind(), std::io::ErrorKind::WouldBlock);

    let received = || world.server.app().ports.stats(0).unwrap().received;
    let before = received();
    ann.send(&send(media, b"no check, no media")).await;
    tokio::time::timeout(PATIENCE, async {
        while received() == before {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("media hears it");
}

#[actix::test]
async fn a_crash_is_over_soon_and_clients_allocate_again() {
    let [peer, _] = echo().await;
    let world = world(|config| config.turn.extra_peers = vec![peer]).await;
    let mut by_udp = Client::udp(&world, credential("ann")).await;
    let mut by_tcp = Client::tcp(&world, credential("ann")).await;
    by_udp.reach(&[peer]).await;
    by_tcp.reach(&[peer]).await;

    world.server.app().turn.as_ref().unwrap().crash();
    let begun = std::time::Instant::now();

    assert_eq!(by_tcp.hear().await, None, "connections went with it");
    let mut by_tcp = Client::tcp(&world, credential("ann")).await;
    by_tcp.reach(&[peer]).await;
    by_udp.reach(&[peer]).await;
    by_udp.send(&send(peer, b"hello again")).await;
    assert_eq!(by_udp.hear_payload().await, b"hello again");
    eprintln!("measured: relayed again after {:?}", begun.elapsed());
}

#[actix::test]
async fn what_is_relayed_is_counted() {
    let [peer, _] = echo().await;
    let world = world(|config| config.turn.extra_peers = vec![peer]).await;
    let mut ann = Client::tcp(&world, credential("ann")).await;
    ann.reach(&[peer]).await;
    assert_eq!(ann.ask(&ann.asker.bind(0x4000, peer)).await.code(), 0);
    for _ in 0..10 {
        ann.send(&channel_data(0x4000, &[7; 101])).await;
        let mut deframer = Deframer::default();
        let heard = ann.hear().await.unwrap();
        deframer.space(heard.len()).extend_from_slice(&heard);
        assert_eq!(heard.len(), 4 + 101);
    }
    let told = [
        "calls_turn_allocations 1",
        "calls_turn_connections 1",
        r#"calls_turn_relayed_bytes_total{to="peer"} 1010"#,
        r#"calls_turn_relayed_bytes_total{to="client"} 1010"#,
        r#"calls_turn_relayed_datagrams_total{to="client"} 10"#,
        r#"calls_turn_refusals_total{code="401"} 1"#,
    ];
    // Figures are handed on once a second.
    let mut text = String::new();
    let counted = tokio::time::timeout(PATIENCE, async {
        while !told
            .iter()
            .all(|line| text.lines().any(|told| told == *line))
        {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            let metrics = world.page(reqwest::Method::GET, "/metrics");
            text = crate::support::send(metrics).await.text;
        }
    });
    assert!(counted.await.is_ok(), "{text}");
}
