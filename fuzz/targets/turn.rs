//! Any attributes under an authentic signature, any bytes as they are, and any payloads from anywhere, to a server with an
//! allocation: it survives, and relays to its peers only.
#![no_main]

use std::net::SocketAddr;

use calls_turn::testing::attributes::AttrType;
use calls_turn::testing::message::{
    METHOD_ALLOCATE, METHOD_BINDING, METHOD_CHANNEL_BIND, METHOD_CREATE_PERMISSION, METHOD_REFRESH,
};
use calls_turn::testing::{Answer, Asker, EPOCH, Remembered, TestClock, transport, unsigned};
use calls_turn::{Client, Peer, Peers, Quotas, RelayId, Secret, Server};
use libfuzzer_sys::fuzz_target;

const METHODS: [calls_turn::testing::message::Method; 5] = [
    METHOD_BINDING,
    METHOD_ALLOCATE,
    METHOD_REFRESH,
    METHOD_CREATE_PERMISSION,
    METHOD_CHANNEL_BIND,
];

fuzz_target!(|input: &[u8]| {
    let clock = TestClock::new();
    let secret = Secret::new(b"north");
    let media = SocketAddr::from(([203, 0, 113, 7], 7882));
    let peers = Peers::new(vec![Peer {
        shown: media,
        real: media,
    }]);
    let quotas = Quotas {
        per_user: 2,
        per_address: 2,
        in_all: 2,
    };
    let mut server = Server::new(secret.clone(), peers, quotas, &[7; 32], clock.now());
    let mut outside = Remembered::default();
    let ann = Client::Udp {
        remote: ([192, 0, 2, 1], 5000).into(),
        local: None,
    };
    let mut asker = Asker::new(secret.issue("ann", EPOCH + 600));
    let mut ask = |server: &mut Server, bytes: &[u8]| {
        server.from_client(ann, bytes, clock.now(), &mut outside);
        assert!(outside.open.len() <= 1, "one client, one relay");
        assert!(outside.to_peers.drain(..).all(|(_, to, _)| to == media));
        outside
            .to_clients
            .drain(..)
            .next_back()
            .map(|(_, answer)| answer)
    };
    let challenge = ask(&mut server, &unsigned(METHOD_ALLOCATE, &[]).raw);
    let challenge = challenge.and_then(|bytes| Answer::parse(&bytes));
    asker.learn(&challenge.expect("a challenge"));
    ask(
        &mut server,
        &asker.request(METHOD_ALLOCATE, &[transport(17)]),
    );
    ask(&mut server, &asker.bind(0x4000, media));

    let mut rest = input;
    while let Some((&[kind, length], after)) = rest.split_first_chunk::<2>() {
        let (piece, after) = after.split_at(after.len().min(usize::from(length)));
        rest = after;
        match usize::from(kind) {
            method if method < METHODS.len() => {
                let mut attributes = Vec::new();
                let mut piece = piece;
                while let Some((&[typ, length], after)) = piece.split_first_chunk::<2>() {
                    let (value, after) = after.split_at(after.len().min(usize::from(length)));
                    attributes.push((AttrType(u16::from(typ)), value.to_vec()));
                    piece = after;
                }
                ask(&mut server, &asker.request(METHODS[method], &attributes));
            }
            5 => {
                let from = if piece.len() % 2 == 0 {
                    media
                } else {
                    ([192, 0, 2, 9], 1).into()
                };
                server.from_peer(
                    RelayId(0),
                    from,
                    piece,
                    clock.now(),
                    &mut Remembered::default(),
                );
            }
            _ => {
                ask(&mut server, piece);
            }
        }
    }
});
