//! Who is refused, and by which code.

use rtc_stun::attributes::{
    ATTR_DONT_FRAGMENT, ATTR_EVEN_PORT, ATTR_NONCE, ATTR_REALM, ATTR_REQUESTED_ADDRESS_FAMILY,
    ATTR_RESERVATION_TOKEN, ATTR_UNKNOWN_ATTRIBUTES, ATTR_USERNAME, AttrType,
};
use rtc_stun::message::{METHOD_CHANNEL_BIND, METHOD_CREATE_PERMISSION};

use super::*;
use crate::testing::{Attribute, EPOCH, transport};

/// Asks for a relay with these attributes.
fn code(attributes: &[Attribute]) -> u16 {
    let mut world = World::new();
    let ann = udp("192.0.2.1:5000");
    let asker = world.user(ann, "ann");
    let answer = world.ask(ann, &asker.request(METHOD_ALLOCATE, attributes));
    let open = usize::from(answer.code() == 0);
    assert_eq!(world.outside.open.len(), open, "who is refused has none");
    answer.code()
}

#[test]
fn a_wrong_password_is_401() {
    let mut world = World::new();
    let ann = udp("192.0.2.1:5000");
    let mut asker = world.user(ann, "ann");
    asker.credential.password = Secret::new(b"south").password(&asker.credential.username);
    let answer = world.ask(ann, &asker.allocate());
    assert_eq!(answer.code(), 401);
    assert!(answer.get(ATTR_NONCE).is_some() && answer.get(ATTR_REALM).is_some());
    assert_eq!(
        world.server.stats().refused(401),
        2,
        "the challenge is one too"
    );
}

#[test]
fn an_expired_password_is_401() {
    let mut world = World::new();
    let ann = udp("192.0.2.1:5000");
    let mut asker = world.user(ann, "ann");
    asker.credential = world.secret.issue("ann", EPOCH);
    assert_eq!(world.ask(ann, &asker.allocate()).code(), 401);
}

#[test]
fn a_user_name_that_says_no_date_is_401() {
    let mut world = World::new();
    let ann = udp("192.0.2.1:5000");
    let mut asker = world.user(ann, "ann");
    for username in ["ann", "", "soon:ann"] {
        asker.credential.password = world.secret.password(username);
        username.clone_into(&mut asker.credential.username);
        assert_eq!(
            world.ask(ann, &asker.allocate()).code(),
            401,
            "{username:?}"
        );
    }
}

#[test]
fn another_clients_nonce_is_stale() {
    let mut world = World::new();
    let asker = world.user(udp("192.0.2.1:5000"), "ann");
    let answer = world.ask(udp("192.0.2.1:5001"), &asker.allocate());
    assert_eq!(answer.code(), 438);
}

#[test]
fn a_signature_without_a_name_is_400() {
    let mut world = World::new();
    let ann = udp("192.0.2.1:5000");
    let asker = world.user(ann, "ann");
    for missing in [ATTR_USERNAME, ATTR_REALM, ATTR_NONCE] {
        let mut request = asker.allocate();
        let wanted = missing.value().to_be_bytes();
        let place = request
            .windows(2)
            .position(|pair| pair == wanted)
            .expect("it is there");
        request[place..place + 2].copy_from_slice(&[0xFF, 0xFF]); // something optional
        assert_eq!(world.ask(ann, &request).code(), 400, "{missing}");
    }
}

#[test]
fn another_transport_than_udp_is_442_and_none_is_400() {
    assert_eq!(code(&[transport(6)]), 442);
    assert_eq!(code(&[]), 400);
}

#[test]
fn what_is_not_understood_is_420_and_named() {
    let mut world = World::new();
    let ann = udp("192.0.2.1:5000");
    let asker = world.user(ann, "ann");
    let attributes = [
        transport(17),
        (ATTR_DONT_FRAGMENT, Vec::new()),
        (AttrType(0x7FFF), vec![1, 2, 3]),
        (AttrType(0x8FFF), vec![1, 2, 3]),
    ];
    let answer = world.ask(ann, &asker.request(METHOD_ALLOCATE, &attributes));
    assert_eq!(answer.code(), 420);
    let named = answer.get(ATTR_UNKNOWN_ATTRIBUTES);
    assert_eq!(named, Some(vec![0x00, 0x1A, 0x7F, 0xFF]));
}

#[test]
fn a_family_that_media_does_not_have_is_440() {
    let family = |family| (ATTR_REQUESTED_ADDRESS_FAMILY, vec![family, 0, 0, 0]);
    assert_eq!(code(&[transport(17), family(1)]), 0);
    assert_eq!(code(&[transport(17), family(2)]), 440);
    assert_eq!(code(&[transport(17), family(9)]), 440);
}

#[test]
fn an_even_port_can_be_had_and_a_reserved_one_cannot() {
    let even = |flags| (ATTR_EVEN_PORT, vec![flags]);
    let token = || (ATTR_RESERVATION_TOKEN, vec![1; 8]);
    assert_eq!(code(&[transport(17), even(0)]), 0);
    assert_eq!(code(&[transport(17), even(0x80)]), 508);
    assert_eq!(code(&[transport(17), token()]), 508);
    assert_eq!(code(&[transport(17), token(), even(0)]), 400);
    assert_eq!(code(&[transport(17), (ATTR_EVEN_PORT, Vec::new())]), 400);
}

#[test]
fn a_quota_is_486_until_somebody_gives_one_up() {
    let quotas = |per_user, per_address, in_all| Quotas {
        per_user,
        per_address,
        in_all,
    };
    for quotas in [quotas(2, 9, 9), quotas(9, 2, 9), quotas(9, 9, 2)] {
        let mut world = World::with(quotas);
        let [first, second, third] =
            [5000, 5001, 5002].map(|port| udp(&format!("192.0.2.1:{port}")));
        let asker = world.relayed(first, "ann");
        world.relayed(second, "ann");
        let other = world.user(third, "ann");
        assert_eq!(
            world.ask(third, &other.allocate()).code(),
            486,
            "{quotas:?}"
        );
        world.ask(first, &asker.refresh(0));
        assert_eq!(world.ask(third, &other.allocate()).code(), 0, "{quotas:?}");
    }
}

#[test]
fn quotas_are_ones_own() {
    let mut world = World::with(Quotas {
        per_user: 1,
        per_address: 1,
        in_all: 9,
    });
    world.relayed(udp("192.0.2.1:5000"), "ann");
    world.relayed(udp("192.0.2.2:5000"), "bob");
    world.relayed(udp("[2001:db8::1]:5000"), "carol");
    let neighbour = udp("[2001:db8::2]:5000");
    let dan = world.user(neighbour, "dan");
    assert_eq!(
        world.ask(neighbour, &dan.allocate()).code(),
        486,
        "one network"
    );
}

#[test]
fn no_room_for_a_relay_is_508() {
    let mut world = World::new();
    let ann = udp("192.0.2.1:5000");
    let asker = world.user(ann, "ann");
    world.outside.full = true;
    assert_eq!(world.ask(ann, &asker.allocate()).code(), 508);
    world.outside.full = false;
    assert_eq!(world.ask(ann, &asker.allocate()).code(), 0);
}

#[test]
fn a_relay_belongs_to_whoever_made_it() {
    let mut world = World::new();
    let ann = udp("192.0.2.1:5000");
    world.relayed(ann, "ann");
    let mut bob = world.user(ann, "bob");
    bob.transaction = *b"bob's own id";
    assert_eq!(world.ask(ann, &bob.refresh(0)).code(), 441);
    assert_eq!(world.ask(ann, &bob.permit(&[at(MEDIA.0)])).code(), 441);
    assert_eq!(world.ask(ann, &bob.allocate()).code(), 437);
    assert_eq!(world.outside.open.len(), 1);
}

#[test]
fn without_a_relay_there_is_nothing_to_permit() {
    let mut world = World::new();
    let ann = udp("192.0.2.1:5000");
    let asker = world.user(ann, "ann");
    assert_eq!(world.ask(ann, &asker.permit(&[at(MEDIA.0)])).code(), 437);
    assert_eq!(world.ask(ann, &asker.bind(0x4000, at(MEDIA.0))).code(), 437);
    assert_eq!(world.ask(ann, &asker.refresh(600)).code(), 437);
}

#[test]
fn a_peer_that_is_not_our_media_is_403() {
    let mut world = World::new();
    let ann = udp("192.0.2.1:5000");
    let asker = world.relayed(ann, "ann");
    for outside in [
        "127.0.0.1:7882",
        "192.0.2.9:7882",
        "169.254.169.254:80",
        "0.0.0.0:7882",
    ] {
        let outside = at(outside);
        assert_eq!(
            world.ask(ann, &asker.permit(&[outside])).code(),
            403,
            "{outside}"
        );
        let both = [at(MEDIA.0), outside];
        assert_eq!(
            world.ask(ann, &asker.permit(&both)).code(),
            403,
            "{outside}"
        );
        assert_eq!(
            world.ask(ann, &asker.bind(0x4000, outside)).code(),
            403,
            "{outside}"
        );
    }
    // All or nobody: not even media was permitted.
    let relay = RelayId(0);
    let now = world.clock.now();
    world
        .server
        .from_peer(relay, at(MEDIA.1), b"media", now, &mut world.outside);
    assert_eq!(world.outside.to_clients, []);
}

#[test]
fn a_peer_of_another_family_is_443() {
    let mut world = World::new();
    let ann = udp("192.0.2.1:5000");
    let asker = world.relayed(ann, "ann");
    for peer in ["[2001:db8::1]:7882", "[::ffff:203.0.113.7]:7882"] {
        assert_eq!(world.ask(ann, &asker.permit(&[at(peer)])).code(), 443);
        assert_eq!(world.ask(ann, &asker.bind(0x4000, at(peer))).code(), 443);
    }
}

#[test]
fn a_channel_without_number_or_peer_is_400() {
    let mut world = World::new();
    let ann = udp("192.0.2.1:5000");
    let asker = world.relayed(ann, "ann");
    for number in [0, 0x3FFF, 0x8000, 0xFFFF] {
        assert_eq!(world.ask(ann, &asker.bind(number, at(MEDIA.0))).code(), 400);
    }
    for method in [METHOD_CHANNEL_BIND, METHOD_CREATE_PERMISSION] {
        assert_eq!(world.ask(ann, &asker.request(method, &[])).code(), 400);
    }
    assert_eq!(world.ask(ann, &asker.bind(0x4000, at(MEDIA.0))).code(), 0);
    assert_eq!(
        world.ask(ann, &asker.bind(0x4000, at(MEDIA2.0))).code(),
        400
    );
}
