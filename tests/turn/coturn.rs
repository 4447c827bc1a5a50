//! What coturn's client makes of it. `scripts/setup test` fetches that.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use calls_turn::Secret;
use tokio::process::Command;

use super::client::{
    PATIENCE, SECRET, address, credential, echo, free_port, refused, unix_seconds, world,
};
use crate::support::World;

/// Messages that each client sends.
const MESSAGES: &str = "20";

fn tool() -> PathBuf {
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/coturn/usr/bin");
    let tool = "turnutils_uclient";
    if unpacked.is_dir() {
        unpacked.join(tool)
    } else {
        tool.into() // installed, or not there at all
    }
}

/// What it says of relaying to a peer and back, in the way that these flags ask for.
async fn uclient(world: &World, port: u16, peer: SocketAddr, flags: &[&str]) -> String {
    let [ip, peer_ip] = [address(world).ip(), peer.ip()].map(|ip| ip.to_string());
    let [port, peer_port] = [port, peer.port()].map(|port| port.to_string());
    let mut command = Command::new(tool());
    command
        .args(["-v", "-c", "-n", MESSAGES, "-L", &ip, "-p", &port])
        .args(["-e", &peer_ip, "-r", &peer_port])
        .args(flags)
        .arg(&ip)
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(3 * PATIENCE, command.output()).await;
    let output = output
        .expect("it comes to an end")
        .expect("turnutils_uclient runs: scripts/setup test unpacks it");
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&said).into_owned()
}

/// All that was sent came back.
#[track_caller]
fn nothing_was_lost(said: &str) {
    let lost = said
        .lines()
        .find(|line| line.contains("Total lost packets"));
    let lost = lost.unwrap_or_else(|| panic!("it did not come so far:\n{said}"));
    assert!(
        lost.contains("Total lost packets 0 (0.000000%)"),
        "{lost}\n{said}"
    );
}

/// A server that relays to an echo.
async fn with_echo() -> (World, u16, SocketAddr) {
    let peers = echo().await;
    let world = world(|config| config.turn.extra_peers = peers.to_vec()).await;
    let port = world.config.turn.port;
    (world, port, peers[0])
}

#[actix::test]
async fn it_relays_by_udp_with_channels_and_with_indications() {
    let (world, port, peer) = with_echo().await;
    let secret = ["-u", "ann", "-W", SECRET, "-m", "4"];
    nothing_was_lost(&uclient(&world, port, peer, &secret).await);
    let indications = [&secret[..], &["-s"]].concat();
    nothing_was_lost(&uclient(&world, port, peer, &indications).await);
}

#[actix::test]
async fn it_relays_by_tcp() {
    let (world, port, peer) = with_echo().await;
    let flags = ["-t", "-u", "ann", "-W", SECRET, "-m", "4"];
    nothing_was_lost(&uclient(&world, port, peer, &flags).await);
    // A length that has to be padded in a stream.
    let odd = [&flags[..], &["-l", "101"]].concat();
    nothing_was_lost(&uclient(&world, port, peer, &odd).await);
}

#[actix::test]
async fn it_relays_by_tls() {
    let peers = echo().await;
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let file = folder.path().join("both.pem");
    let both = [made.cert.pem(), made.signing_key.serialize_pem()].concat();
    std::fs::write(&file, both).unwrap();
    let world = world(|config| {
        config.turn.extra_peers = peers.to_vec();
        config.turn.certificate.clone_from(&file);
        config.turn.tls_port = free_port();
        config.turn.host = "localhost".to_owned();
    })
    .await;
    let port = world.config.turn.tls_port;
    let flags = ["-t", "-S", "-u", "ann", "-W", SECRET, "-m", "2"];
    nothing_was_lost(&uclient(&world, port, peers[0], &flags).await);
    let urls = world.server.app().turn.as_ref().unwrap().urls();
    assert_eq!(urls[2], format!("turns:localhost:{port}?transport=tcp"));
}

#[actix::test]
async fn it_relays_with_a_password_that_was_handed_out() {
    let (world, port, peer) = with_echo().await;
    let shown = credential("ann");
    let flags = ["-u", &shown.username, "-w", &shown.password];
    nothing_was_lost(&uclient(&world, port, peer, &flags).await);
}

#[actix::test]
async fn it_is_told_401_for_a_wrong_password() {
    let (world, port, peer) = with_echo().await;
    let shown = credential("ann");
    let flags = ["-u", &shown.username, "-w", "wrong"];
    let said = uclient(&world, port, peer, &flags).await;
    assert!(!said.contains("success"), "{said}");
    refused(&world, 401, 2).await; // the first is everybody's; it names no codes, and tries again
}

#[actix::test]
async fn it_is_told_401_for_an_expired_password() {
    let (world, port, peer) = with_echo().await;
    let shown = Secret::new(SECRET.as_bytes()).issue("ann", unix_seconds() - 1);
    let flags = ["-u", &shown.username, "-w", &shown.password];
    let said = uclient(&world, port, peer, &flags).await;
    assert!(!said.contains("success"), "{said}");
    refused(&world, 401, 2).await; // the first is everybody's; it names no codes, and tries again
}

#[actix::test]
async fn it_is_told_486_beyond_the_quota() {
    let peers = echo().await;
    let world = world(|config| {
        config.turn.extra_peers = peers.to_vec();
        config.turn.allocations_per_user = 1;
    })
    .await;
    let flags = ["-u", "ann", "-W", SECRET, "-m", "2"];
    let said = uclient(&world, world.config.turn.port, peers[0], &flags).await;
    assert!(said.contains("486"), "{said}");
}

#[actix::test]
async fn it_is_told_403_for_a_peer_outside() {
    let (world, port, _) = with_echo().await;
    let outside = "127.0.0.99:3480".parse().unwrap();
    let said = uclient(&world, port, outside, &["-u", "ann", "-W", SECRET]).await;
    assert!(said.contains("403"), "{said}");
}
