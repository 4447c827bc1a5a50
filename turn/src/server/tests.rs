//! What a client can expect, and what it cannot.

mod refusals;
mod relaying;
mod strangers;

use std::net::SocketAddr;
use std::time::Duration;

use rtc_stun::attributes::{ATTR_LIFETIME, ATTR_XOR_RELAYED_ADDRESS, ATTR_XORMAPPED_ADDRESS};
use rtc_stun::message::{METHOD_ALLOCATE, METHOD_BINDING, METHOD_REFRESH};

use super::*;
use crate::testing::{Answer, Asker, Remembered, TestClock, unsigned};
use crate::{Peer, Quotas};

const SECOND: Duration = Duration::from_secs(1);

/// Media, as clients know it and as it is reached.
const MEDIA: (&str, &str) = ("203.0.113.7:7882", "127.0.0.1:7882");

/// Another media port of the same machine.
const MEDIA2: (&str, &str) = ("203.0.113.7:7883", "127.0.0.1:7883");

fn at(address: &str) -> SocketAddr {
    address.parse().unwrap()
}

fn udp(address: &str) -> Client {
    Client::Udp {
        remote: at(address),
        local: None,
    }
}

fn stream(connection: u64) -> Client {
    Client::Stream {
        connection,
        remote: at("192.0.2.1:5000"),
    }
}

/// A server, all around it, and its clock.
struct World {
    server: Server,
    outside: Remembered,
    clock: TestClock,
    secret: Secret,
}

impl World {
    fn new() -> Self {
        Self::with(Quotas {
            per_user: 3,
            per_address: 4,
            in_all: 6,
        })
    }

    fn with(quotas: Quotas) -> Self {
        let secret = Secret::new(b"north");
        let peers = [MEDIA, MEDIA2].map(|(shown, real)| Peer {
            shown: at(shown),
            real: at(real),
        });
        let clock = TestClock::new();
        let peers = Peers::new(peers.to_vec());
        Self {
            server: Server::new(secret.clone(), peers, quotas, &[7; 32], clock.now()),
            outside: Remembered::default(),
            clock,
            secret,
        }
    }

    /// Lets a client send something; gives what it got.
    fn send(&mut self, client: Client, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.server
            .from_client(client, bytes, self.clock.now(), &mut self.outside);
        self.outside
            .to_clients
            .drain(..)
            .map(|(to, bytes)| {
                assert_eq!(to, client, "answers go to who asked");
                bytes
            })
            .collect()
    }

    /// Lets a client ask something that has an answer.
    #[track_caller]
    fn ask(&mut self, client: Client, bytes: &[u8]) -> Answer {
        let answers = self.send(client, bytes);
        assert_eq!(answers.len(), 1, "one answer");
        Answer::parse(&answers[0]).expect("it is STUN")
    }

    /// A user with a password for ten minutes, who knows a nonce.
    fn user(&mut self, client: Client, user: &str) -> Asker {
        let expiry = self.clock.now().unix_seconds + 600;
        let mut asker = Asker::new(self.secret.issue(user, expiry));
        let challenge = self.ask(client, &unsigned(METHOD_ALLOCATE, &[]).raw);
        asker.learn(&challenge);
        asker
    }

    /// A user with a relay.
    #[track_caller]
    fn relayed(&mut self, client: Client, user: &str) -> Asker {
        let asker = self.user(client, user);
        assert_eq!(self.ask(client, &asker.allocate()).code(), 0);
        asker
    }

    fn pass(&mut self, time: Duration) {
        self.clock.pass(time);
        self.server.tick(self.clock.now(), &mut self.outside);
    }
}

#[test]
fn anybody_is_told_where_they_come_from() {
    let mut world = World::new();
    let answer = world.ask(udp("192.0.2.1:5000"), &unsigned(METHOD_BINDING, &[]).raw);
    assert_eq!(
        answer.address(ATTR_XORMAPPED_ADDRESS),
        Some(at("192.0.2.1:5000"))
    );
    let mapped = world.ask(
        udp("[::ffff:192.0.2.1]:5000"),
        &unsigned(METHOD_BINDING, &[]).raw,
    );
    assert_eq!(
        mapped.address(ATTR_XORMAPPED_ADDRESS),
        Some(at("192.0.2.1:5000"))
    );
}

#[test]
fn who_has_the_password_gets_a_relay() {
    let mut world = World::new();
    let ann = udp("192.0.2.1:5000");
    let asker = world.user(ann, "ann");
    let mut answer = world.ask(ann, &asker.allocate());
    assert_eq!(answer.code(), 0);
    assert!(answer.is_signed_for(&asker));
    assert_eq!(
        answer.get(ATTR_LIFETIME),
        Some(600_u32.to_be_bytes().to_vec())
    );
    assert_eq!(
        answer.address(ATTR_XORMAPPED_ADDRESS),
        Some(at("192.0.2.1:5000"))
    );
    let relayed = answer.address(ATTR_XOR_RELAYED_ADDRESS).unwrap();
    assert_eq!(relayed, at("203.0.113.7:61000"));
    assert_eq!(world.outside.open.len(), 1);
}

#[test]
fn an_answer_that_was_lost_is_given_again() {
    let mut world = World::new();
    let ann = udp("192.0.2.1:5000");
    let mut asker = world.relayed(ann, "ann");
    let again = world.ask(ann, &asker.allocate());
    assert_eq!(
        again.address(ATTR_XOR_RELAYED_ADDRESS),
        Some(at("203.0.113.7:61000"))
    );
    asker.transaction = *b"another one!";
    assert_eq!(world.ask(ann, &asker.allocate()).code(), 437);
    assert_eq!(world.outside.open.len(), 1);
}

#[test]
fn a_relay_lasts_as_long_as_it_is_refreshed() {
    let mut world = World::new();
    let (ann, bob) = (udp("192.0.2.1:5000"), udp("192.0.2.1:5001"));
    let asker = world.relayed(ann, "ann");
    world.relayed(bob, "bob");
    world.pass(599 * SECOND);
    let kept = world.ask(ann, &asker.refresh(1200));
    assert_eq!(
        kept.get(ATTR_LIFETIME),
        Some(1200_u32.to_be_bytes().to_vec())
    );
    world.pass(SECOND);
    assert_eq!(world.outside.open.len(), 1, "bob's is over");
    assert!(!world.server.serves(bob, world.clock.now()));
    assert!(world.server.serves(ann, world.clock.now()));
    world.pass(1198 * SECOND);
    assert!(world.server.serves(ann, world.clock.now()));
    world.pass(SECOND);
    assert_eq!(world.outside.open.len(), 0);
}

#[test]
fn nobody_keeps_a_relay_for_days_or_for_a_moment() {
    let mut world = World::new();
    let ann = udp("192.0.2.1:5000");
    let asker = world.relayed(ann, "ann");
    for (asked, got) in [(1, 600), (86_400, 3600)] {
        let kept = world.ask(ann, &asker.refresh(asked));
        let got: u32 = got;
        assert_eq!(kept.get(ATTR_LIFETIME), Some(got.to_be_bytes().to_vec()));
    }
}

#[test]
fn a_relay_is_given_up_at_once() {
    let mut world = World::new();
    let ann = udp("192.0.2.1:5000");
    let asker = world.relayed(ann, "ann");
    let answer = world.ask(ann, &asker.refresh(0));
    assert_eq!(
        (answer.code(), answer.get(ATTR_LIFETIME)),
        (0, Some(vec![0; 4]))
    );
    assert_eq!(world.outside.open.len(), 0);
    assert_eq!(world.ask(ann, &asker.refresh(600)).code(), 437);
}

#[test]
fn a_connection_takes_its_relay_with_it() {
    let mut world = World::new();
    world.relayed(stream(1), "ann");
    world.server.gone(stream(2), &mut world.outside);
    assert_eq!(world.outside.open.len(), 1);
    world.server.gone(stream(1), &mut world.outside);
    assert_eq!(world.outside.open.len(), 0);
}

#[test]
fn a_call_may_last_longer_than_the_password_that_it_began_with() {
    let mut world = World::new();
    let ann = udp("192.0.2.1:5000");
    let mut asker = world.relayed(ann, "ann");
    world.ask(ann, &asker.refresh(3600));
    world.pass(1000 * SECOND);
    let stale = world.ask(ann, &asker.request(METHOD_REFRESH, &[]));
    assert_eq!(stale.code(), 438);
    asker.learn(&stale);
    assert_eq!(
        world.ask(ann, &asker.request(METHOD_REFRESH, &[])).code(),
        0
    );
    assert_eq!(world.ask(ann, &asker.refresh(0)).code(), 0);
    assert_eq!(
        world.ask(ann, &asker.allocate()).code(),
        401,
        "but no new one"
    );
}
