//! What is taken from the allocator: nothing for strangers that stays, and nothing at all for a payload.

use std::alloc::System;
use std::net::SocketAddr;

use calls_turn::testing::message::METHOD_ALLOCATE;
use calls_turn::testing::{
    Answer, Asker, EPOCH, Remembered, TestClock, channel_data, send, transport, unsigned,
};
use calls_turn::{Client, Outside, Peer, Peers, Quotas, RelayId, Secret, Server, Wanted};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const STRANGERS: u32 = 100_000;
const MEDIA: ([u8; 4], u16) = ([203, 0, 113, 7], 7882);

fn server(clock: &TestClock) -> Server {
    let media = SocketAddr::from(MEDIA);
    let peers = Peers::new(vec![Peer {
        shown: media,
        real: media,
    }]);
    let quotas = Quotas {
        per_user: 9,
        per_address: 9,
        in_all: 9,
    };
    Server::new(Secret::new(b"north"), peers, quotas, &[7; 32], clock.now())
}

fn udp(number: u32) -> Client {
    let [_, b, c, d] = number.to_be_bytes();
    Client::Udp {
        remote: ([10, b, c, d], 5000).into(),
        local: None,
    }
}

/// Writes into memory that it has already.
#[derive(Default)]
struct Reused {
    client: Vec<u8>,
    peer: Vec<u8>,
    sent: usize,
}

impl Outside for Reused {
    fn open(&mut self, _: RelayId, _: Wanted) -> Option<SocketAddr> {
        None
    }

    fn close(&mut self, _: RelayId) {}

    fn to_client(&mut self, _: Client, write: impl FnOnce(&mut Vec<u8>)) {
        self.client.clear();
        write(&mut self.client);
        self.sent += 1;
    }

    fn to_peer(&mut self, _: RelayId, _: SocketAddr, payload: &[u8]) {
        self.peer.clear();
        self.peer.extend_from_slice(payload);
        self.sent += 1;
    }
}

// One test, because the allocator counts for the whole process.
#[test]
fn strangers_leave_nothing_behind_and_payloads_take_no_memory() {
    let clock = TestClock::new();
    let mut server = server(&clock);
    let mut outside = Reused::default();
    let question = unsigned(METHOD_ALLOCATE, &[transport(17)]).raw;
    server.from_client(udp(0), &question, clock.now(), &mut outside); // whatever is made once

    let region = Region::new(ALLOCATOR);
    for stranger in 1..=STRANGERS {
        server.from_client(udp(stranger), &question, clock.now(), &mut outside);
    }
    let change = region.change();
    let kept = change
        .bytes_allocated
        .saturating_sub(change.bytes_deallocated);
    // The runner's own thread may still note, once, that this test began: some hundred bytes.
    assert!(
        kept < STRANGERS as usize,
        "not a byte of each stranger is kept: {kept}"
    );
    assert!(
        outside.sent > 50_000,
        "they were answered: {}",
        outside.sent
    );
    assert_eq!(server.stats().allocations, 0);

    let mut remembered = Remembered::default();
    let mut asker = Asker::new(Secret::new(b"north").issue("ann", EPOCH + 600));
    let ann = udp(1);
    let media = SocketAddr::from(MEDIA);
    let mut ask = |bytes: &[u8]| {
        server.from_client(ann, bytes, clock.now(), &mut remembered);
        Answer::parse(&remembered.to_clients.pop().expect("an answer").1).expect("STUN")
    };
    asker.learn(&ask(&question));
    assert_eq!(ask(&asker.allocate()).code(), 0);
    assert_eq!(ask(&asker.permit(&[media])).code(), 0);
    let (indication, frame) = (send(media, &[7; 1000]), channel_data(0x4000, &[7; 1000]));
    let payload = [7; 1000];
    let relay = |server: &mut Server, outside: &mut Reused| {
        server.from_client(ann, &indication, clock.now(), outside);
        server.from_client(ann, &frame, clock.now(), outside);
        server.from_peer(RelayId(0), media, &payload, clock.now(), outside);
    };
    for with_channel in [false, true] {
        relay(&mut server, &mut outside); // buffers grow to their size
        outside.sent = 0;
        let region = Region::new(ALLOCATOR);
        for _ in 0..1000 {
            relay(&mut server, &mut outside);
        }
        let change = region.change();
        assert_eq!(change.allocations + change.reallocations, 0);
        assert_eq!(outside.sent, if with_channel { 3000 } else { 2000 });
        let bind = asker.bind(0x4000, media);
        server.from_client(ann, &bind, clock.now(), &mut outside);
    }
}
