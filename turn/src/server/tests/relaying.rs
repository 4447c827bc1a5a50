//! What goes through.

use rtc_stun::attributes::{ATTR_DATA, ATTR_XOR_PEER_ADDRESS};

use super::*;
use crate::testing::{channel_data, send};

const RELAY: RelayId = RelayId(0);

impl World {
    /// Lets a peer send something to the first relay; gives what clients got.
    fn peer_sends(&mut self, from: &str, payload: &[u8]) -> Vec<(Client, Vec<u8>)> {
        let now = self.clock.now();
        self.server
            .from_peer(RELAY, at(from), payload, now, &mut self.outside);
        std::mem::take(&mut self.outside.to_clients)
    }

    fn peers_got(&mut self) -> Vec<(RelayId, SocketAddr, Vec<u8>)> {
        std::mem::take(&mut self.outside.to_peers)
    }
}

#[test]
fn indications_carry_payloads_both_ways() {
    let mut world = World::new();
    let ann = udp("192.0.2.1:5000");
    let asker = world.relayed(ann, "ann");
    assert_eq!(world.ask(ann, &asker.permit(&[at(MEDIA.0)])).code(), 0);

    assert!(world.send(ann, &send(at(MEDIA.0), b"check")).is_empty());
    assert_eq!(world.peers_got(), [(RELAY, at(MEDIA.1), b"check".to_vec())]);

    let got = world.peer_sends(MEDIA.1, b"answer");
    assert_eq!(got.len(), 1);
    let (to, indication) = &got[0];
    let indication = Answer::parse(indication).expect("STUN");
    assert_eq!(*to, ann);
    assert_eq!(indication.get(ATTR_DATA), Some(b"answer".to_vec()));
    let from = indication.address(ATTR_XOR_PEER_ADDRESS);
    assert_eq!(from, Some(at(MEDIA.0)), "as the client knows it");
}

#[test]
fn channels_carry_payloads_both_ways() {
    let mut world = World::new();
    let ann = udp("192.0.2.1:5000");
    let asker = world.relayed(ann, "ann");
    assert_eq!(world.ask(ann, &asker.bind(0x4001, at(MEDIA.0))).code(), 0);
    assert!(world.send(ann, &channel_data(0x4001, b"media")).is_empty());
    assert_eq!(world.peers_got(), [(RELAY, at(MEDIA.1), b"media".to_vec())]);
    let got = world.peer_sends(MEDIA.1, b"media");
    assert_eq!(got, [(ann, b"\x40\x01\x00\x05media".to_vec())]);
    let stats = world.server.stats();
    assert_eq!((stats.to_peers.bytes, stats.to_clients.bytes), (5, 5));
}

#[test]
fn in_a_stream_payloads_are_padded() {
    let mut world = World::new();
    let asker = world.relayed(stream(1), "ann");
    world.ask(stream(1), &asker.bind(0x4001, at(MEDIA.0)));
    let got = world.peer_sends(MEDIA.1, b"media");
    assert_eq!(got, [(stream(1), b"\x40\x01\x00\x05media\0\0\0".to_vec())]);
}

#[test]
fn each_media_port_has_a_channel_of_its_own() {
    let mut world = World::new();
    let ann = udp("192.0.2.1:5000");
    let asker = world.relayed(ann, "ann");
    world.ask(ann, &asker.bind(0x4000, at(MEDIA.0)));
    world.ask(ann, &asker.bind(0x4001, at(MEDIA2.0)));
    world.send(ann, &channel_data(0x4001, b"two"));
    assert_eq!(world.peers_got(), [(RELAY, at(MEDIA2.1), b"two".to_vec())]);
    assert_eq!(
        world.peer_sends(MEDIA2.1, b"two")[0].1,
        b"\x40\x01\x00\x03two"
    );
    assert_eq!(
        world.peer_sends(MEDIA.1, b"one")[0].1,
        b"\x40\x00\x00\x03one"
    );
}

#[test]
fn nothing_reaches_another_port_of_our_own_machine() {
    let mut world = World::new();
    let ann = udp("192.0.2.1:5000");
    let asker = world.relayed(ann, "ann");
    // Permissions know no ports (RFC 8656 §9), so this is granted …
    let http = at("203.0.113.7:8080");
    assert_eq!(world.ask(ann, &asker.permit(&[http])).code(), 0);
    // … and leads nowhere.
    assert!(world.send(ann, &send(http, b"GET / HTTP/1.1")).is_empty());
    assert_eq!(world.ask(ann, &asker.bind(0x4000, http)).code(), 403);
    assert!(world.send(ann, &channel_data(0x4000, b"GET /")).is_empty());
    assert_eq!(world.peers_got(), []);
    assert_eq!(world.peer_sends("127.0.0.1:8080", b"HTTP/1.1 200"), []);
}

#[test]
fn what_is_not_permitted_does_not_go_through() {
    let mut world = World::new();
    let ann = udp("192.0.2.1:5000");
    let asker = world.relayed(ann, "ann");
    assert!(world.send(ann, &send(at(MEDIA.0), b"check")).is_empty());
    assert!(world.send(ann, &channel_data(0x4000, b"media")).is_empty());
    assert_eq!(world.peers_got(), []);
    assert_eq!(world.peer_sends(MEDIA.1, b"uninvited"), []);
    world.ask(ann, &asker.permit(&[at(MEDIA.0)]));
    for stranger in ["192.0.2.66:7882", "127.0.0.1:7884", MEDIA.0] {
        assert_eq!(world.peer_sends(stranger, b"x"), [], "{stranger}");
    }
    assert_eq!(world.peer_sends(MEDIA.1, b"x").len(), 1);
    let stats = world.server.stats();
    assert_eq!((stats.ignored, stats.uninvited), (2, 4));
}

#[test]
fn permissions_and_channels_end_where_they_are_not_renewed() {
    let mut world = World::new();
    let ann = udp("192.0.2.1:5000");
    let asker = world.relayed(ann, "ann");
    world.ask(ann, &asker.refresh(3600));
    world.ask(ann, &asker.bind(0x4000, at(MEDIA.0)));
    world.pass(299 * SECOND);
    assert_eq!(world.peer_sends(MEDIA.1, b"x").len(), 1);
    world.pass(SECOND);
    assert_eq!(world.peer_sends(MEDIA.1, b"x").len(), 0, "permission");
    world.send(ann, &channel_data(0x4000, b"x"));
    assert_eq!(world.peers_got().len(), 1);
    world.pass(300 * SECOND);
    world.send(ann, &channel_data(0x4000, b"x"));
    assert_eq!(world.peers_got().len(), 0, "channel");
}

#[test]
fn nobody_else_uses_a_relay() {
    let mut world = World::new();
    let (ann, bob) = (udp("192.0.2.1:5000"), udp("192.0.2.1:5001"));
    let asker = world.relayed(ann, "ann");
    world.ask(ann, &asker.bind(0x4000, at(MEDIA.0)));
    world.send(bob, &channel_data(0x4000, b"x"));
    world.send(bob, &send(at(MEDIA.0), b"x"));
    assert_eq!(world.peers_got(), []);
}

#[test]
fn a_relay_whose_time_is_over_is_still_even_before_it_is_closed() {
    let mut world = World::new();
    let ann = udp("192.0.2.1:5000");
    let asker = world.relayed(ann, "ann");
    world.ask(ann, &asker.bind(0x4000, at(MEDIA.0)));
    world.clock.pass(600 * SECOND);
    world.send(ann, &channel_data(0x4000, b"x"));
    assert_eq!(world.peers_got(), []);
    assert_eq!(world.peer_sends(MEDIA.1, b"x"), []);
    assert_eq!(world.outside.open.len(), 1, "nobody ticked");
    world.relayed(ann, "ann"); // with a nonce of its own
    assert_eq!(world.outside.open.len(), 1, "the old one is closed");
}

#[test]
fn a_payload_that_no_indication_could_hold_is_left_out() {
    let mut world = World::new();
    let ann = udp("192.0.2.1:5000");
    let asker = world.relayed(ann, "ann");
    world.ask(ann, &asker.permit(&[at(MEDIA.0)]));
    assert_eq!(world.peer_sends(MEDIA.1, &vec![0; 65_507]), []);
    assert_eq!(world.peer_sends(MEDIA.1, &vec![0; 65_000]).len(), 1);
}
