//! Whatever is sent in whatever order: the server survives, and keeps what it promises to those who run it.

use std::net::SocketAddr;
use std::time::Duration;

use calls_turn::testing::message::{
    METHOD_ALLOCATE, METHOD_BINDING, METHOD_CHANNEL_BIND, METHOD_CREATE_PERMISSION, METHOD_REFRESH,
    Method,
};
use calls_turn::testing::{
    Answer, Asker, Attribute, EPOCH, Remembered, TestClock, attributes::AttrType, channel_data,
    send, unsigned,
};
use calls_turn::{Client, Peer, Peers, Quotas, RelayId, Secret, Server};
use proptest::prelude::*;

const QUOTAS: Quotas = Quotas {
    per_user: 2,
    per_address: 4,
    in_all: 5,
};

/// Media, and what is not media.
const ADDRESSES: [&str; 6] = [
    "203.0.113.7:7882",
    "203.0.113.7:7883",
    "[2001:db8::7]:7882",
    "203.0.113.7:8080",
    "127.0.0.1:7882",
    "169.254.169.254:80",
];
const PEERS: usize = 3;

#[derive(Debug, Clone)]
enum Deed {
    Raw(Vec<u8>),
    Unsigned(usize, Vec<(u16, Vec<u8>)>),
    Signed(usize, Vec<(u16, Vec<u8>)>),
    Allocate,
    Refresh(u32),
    Permit(Vec<usize>),
    Bind(u16, usize),
    Send(usize, Vec<u8>),
    Channel(u16, Vec<u8>),
    /// The same bytes as last time, one of them changed.
    Damaged(usize, u8),
    FromPeer(u64, usize, Vec<u8>),
    Pass(u64),
    Gone,
}

fn deed() -> impl Strategy<Value = Deed> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..60);
    let attributes = || prop::collection::vec((0..0x30_u16, bytes()), 0..5);
    let peer = || 0..ADDRESSES.len();
    let channel = || 0x4000..0x4003_u16;
    prop_oneof![
        1 => bytes().prop_map(Deed::Raw),
        1 => (0..METHODS.len(), attributes()).prop_map(|(method, with)| Deed::Unsigned(method, with)),
        1 => (0..METHODS.len(), attributes()).prop_map(|(method, with)| Deed::Signed(method, with)),
        3 => Just(Deed::Allocate),
        1 => prop_oneof![Just(0), any::<u32>()].prop_map(Deed::Refresh),
        2 => prop::collection::vec(peer(), 0..3).prop_map(Deed::Permit),
        2 => (channel(), peer()).prop_map(|(number, peer)| Deed::Bind(number, peer)),
        2 => (peer(), bytes()).prop_map(|(peer, payload)| Deed::Send(peer, payload)),
        2 => (channel(), bytes()).prop_map(|(number, payload)| Deed::Channel(number, payload)),
        1 => (any::<usize>(), any::<u8>()).prop_map(|(place, by)| Deed::Damaged(place, by)),
        2 => (0..8_u64, peer(), bytes()).prop_map(|(relay, peer, payload)| Deed::FromPeer(relay, peer, payload)),
        1 => (0..400_u64).prop_map(Deed::Pass),
        1 => Just(Deed::Gone),
    ]
}

const METHODS: [Method; 5] = [
    METHOD_BINDING,
    METHOD_ALLOCATE,
    METHOD_REFRESH,
    METHOD_CREATE_PERMISSION,
    METHOD_CHANNEL_BIND,
];

fn address(index: usize) -> SocketAddr {
    ADDRESSES[index].parse().expect("an address")
}

/// Where a peer really is.
fn real(index: usize) -> SocketAddr {
    let port = 40_000 + u16::try_from(index).expect("few");
    ([127, 0, 0, 9], port).into()
}

fn client(index: usize) -> Client {
    let remote = (
        [192, 0, 2, u8::from(index > 2)],
        5000 + u16::try_from(index).expect("few"),
    )
        .into();
    if index.is_multiple_of(2) {
        Client::Udp {
            remote,
            local: None,
        }
    } else {
        let connection = index as u64;
        Client::Stream { connection, remote }
    }
}

fn typed(attributes: Vec<(u16, Vec<u8>)>) -> Vec<Attribute> {
    attributes
        .into_iter()
        .map(|(typ, value)| (AttrType(typ), value))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nothing_makes_it_relay_elsewhere_or_keep_more_than_it_may(
        deeds in prop::collection::vec((0..6_usize, deed()), 1..80)
    ) {
        let mut clock = TestClock::new();
        let secret = Secret::new(b"north");
        let peers = (0..PEERS).map(|index| Peer { shown: address(index), real: real(index) });
        let mut server = Server::new(secret.clone(), Peers::new(peers.collect()), QUOTAS, &[7; 32], clock.now());
        let mut outside = Remembered::default();
        let mut askers: Vec<Asker> = (0..6)
            .map(|index| Asker::new(secret.issue(["ann", "bob", "carol"][index % 3], EPOCH + 2000)))
            .collect();
        let mut last = Vec::new();
        for (who, deed) in deeds {
            let asker = &askers[who];
            let bytes = match deed {
                Deed::Raw(bytes) => bytes,
                Deed::Unsigned(method, with) => unsigned(METHODS[method], &typed(with)).raw,
                Deed::Signed(method, with) => asker.request(METHODS[method], &typed(with)),
                Deed::Allocate => asker.allocate(),
                Deed::Refresh(seconds) => asker.refresh(seconds),
                Deed::Permit(peers) => asker.permit(&peers.into_iter().map(address).collect::<Vec<_>>()),
                Deed::Bind(number, peer) => asker.bind(number, address(peer)),
                Deed::Send(peer, payload) => send(address(peer), &payload),
                Deed::Channel(number, payload) => channel_data(number, &payload),
                Deed::Damaged(place, by) => {
                    let mut bytes: Vec<u8> = last.clone();
                    let length = bytes.len().max(1);
                    if let Some(byte) = bytes.get_mut(place % length) {
                        *byte ^= by;
                    }
                    bytes
                }
                Deed::FromPeer(relay, peer, payload) => {
                    server.from_peer(RelayId(relay), real(peer), &payload, clock.now(), &mut outside);
                    continue;
                }
                Deed::Pass(seconds) => {
                    clock.pass(Duration::from_secs(seconds));
                    server.tick(clock.now(), &mut outside);
                    continue;
                }
                Deed::Gone => {
                    server.gone(client(who), &mut outside);
                    continue;
                }
            };
            server.from_client(client(who), &bytes, clock.now(), &mut outside);
            last = bytes;

            prop_assert_eq!(server.stats().allocations, outside.open.len() as u64);
            prop_assert!(outside.open.len() <= QUOTAS.in_all);
            for (relay, to, _) in outside.to_peers.drain(..) {
                prop_assert!((0..PEERS).any(|peer| real(peer) == to), "{} is no peer", to);
                prop_assert!(outside.open.contains_key(&relay));
            }
            for (to, answer) in outside.to_clients.drain(..) {
                let Some(answer) = Answer::parse(&answer) else { continue };
                if matches!(answer.code(), 401 | 438)
                    && let Some(who) = (0..6).find(|&index| client(index) == to)
                {
                    askers[who].learn(&answer);
                }
            }
        }
    }
}
