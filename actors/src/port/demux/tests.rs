use std::net::SocketAddr;

use proptest::prelude::*;

use super::*;

const ALICE: PeerId = PeerId(1);
const BOB: PeerId = PeerId(2);

/// Nobody listens; who is named is what these tests are about.
struct Deaf;

impl Actor for Deaf {
    type Context = Context<Self>;
}

impl Handler<Datagrams> for Deaf {
    type Result = ();

    fn handle(&mut self, _: Datagrams, _: &mut Self::Context) {}
}

fn path(port: u16) -> Path {
    Path::Udp(SocketAddr::from(([192, 0, 2, 1], port)))
}

/// A binding request whose USERNAME is this, behind another attribute with padding.
pub(in crate::port) fn check(username: &str) -> Vec<u8> {
    let mut attributes = vec![0x80, 0x22, 0, 3, b'a', b'b', b'c', 0];
    attributes.extend([0, 6]);
    attributes.extend(u16::try_from(username.len()).expect("short").to_be_bytes());
    attributes.extend(username.as_bytes());
    attributes.resize(attributes.len().next_multiple_of(4), 0);
    let mut message = vec![0, 1];
    message.extend(
        u16::try_from(attributes.len())
            .expect("short")
            .to_be_bytes(),
    );
    message.extend([0x21, 0x12, 0xA4, 0x42]);
    message.extend([7; 12]);
    message.extend(attributes);
    message
}

/// Alice and Bob, whose ufrags are their names.
fn demux() -> Demux {
    let door = Deaf.start().recipient();
    let mut demux = Demux::default();
    demux.register(ALICE, ["alice"], door.clone());
    demux.register(BOB, ["bob"], door);
    demux
}

const DTLS: [u8; 3] = [22, 254, 253];

#[actix::test]
async fn a_check_names_its_peer_and_the_hello_behind_it_follows() {
    let mut demux = demux();
    assert_eq!(demux.whose(path(1), None, &DTLS), Err(Stray::UnknownPath));
    assert_eq!(demux.whose(path(1), None, &check("alice:x")), Ok(ALICE));
    assert_eq!(demux.whose(path(1), None, &DTLS), Ok(ALICE));
    assert!(!demux.is_proven(path(1)));
}

#[actix::test]
async fn a_check_for_nobody_is_a_stray() {
    let mut demux = demux();
    assert_eq!(
        demux.whose(path(1), None, &check("carol:x")),
        Err(Stray::UnknownUfrag)
    );
    assert_eq!(
        demux.whose(path(0), None, &check("alice:x")),
        Err(Stray::Malformed)
    );
    assert_eq!(demux.whose(path(1), None, &[]), Err(Stray::Malformed));
}

#[actix::test]
async fn an_unproven_path_goes_to_whoever_is_named_last() {
    let mut demux = demux();
    assert_eq!(demux.whose(path(1), None, &check("alice:x")), Ok(ALICE));
    assert_eq!(demux.whose(path(1), None, &check("bob:x")), Ok(BOB));
    assert_eq!(demux.whose(path(1), None, &DTLS), Ok(BOB));
}

#[actix::test]
async fn a_proven_path_is_not_taken_by_a_check_that_nobody_verified() {
    let mut demux = demux();
    demux.bind(path(1), ALICE);
    assert_eq!(
        demux.whose(path(1), None, &check("bob:x")),
        Ok(BOB),
        "Bob may verify it"
    );
    assert_eq!(demux.whose(path(1), None, &DTLS), Ok(ALICE));
    demux.bind(path(1), BOB);
    assert_eq!(demux.whose(path(1), None, &DTLS), Ok(BOB));
    assert_eq!(demux.forget(ALICE), []);
}

#[actix::test]
async fn whoever_guesses_an_ufrag_fills_a_few_places_only() {
    let mut demux = demux();
    demux.bind(path(1), ALICE);
    for port in 2..1000 {
        assert_eq!(demux.whose(path(port), None, &check("alice:x")), Ok(ALICE));
    }
    assert_eq!(demux.paths.len(), 1 + UNPROVEN_PATHS);
    assert_eq!(demux.whose(path(1), None, &DTLS), Ok(ALICE));
}

#[actix::test]
async fn the_path_proven_longest_ago_gives_way() {
    let mut demux = demux();
    for port in 1..=9 {
        demux.bind(path(port), ALICE);
        demux.bind(path(port), ALICE);
    }
    assert!(!demux.is_proven(path(1)));
    assert!(demux.is_proven(path(2)) && demux.is_proven(path(9)));
}

#[actix::test]
async fn a_restart_of_ice_changes_the_ufrag_and_keeps_the_paths() {
    let mut demux = demux();
    demux.bind(path(1), ALICE);
    let door = Deaf.start().recipient();
    demux.register(ALICE, ["alice", "again"], door.clone());
    assert_eq!(demux.whose(path(2), None, &check("again:x")), Ok(ALICE));
    demux.register(ALICE, ["again"], door);
    assert_eq!(
        demux.whose(path(3), None, &check("alice:x")),
        Err(Stray::UnknownUfrag)
    );
    assert_eq!(demux.whose(path(1), None, &DTLS), Ok(ALICE));
}

#[actix::test]
async fn whoever_is_forgotten_leaves_nothing_behind() {
    let mut demux = demux();
    demux.bind(path(1), ALICE);
    demux
        .whose(path(2), None, &check("alice:x"))
        .expect("known");
    assert_eq!(demux.forget(ALICE), [path(2), path(1)]);
    assert_eq!(demux.forget(ALICE), []);
    assert_eq!(demux.whose(path(1), None, &DTLS), Err(Stray::UnknownPath));
    assert_eq!(
        demux.whose(path(1), None, &check("alice:x")),
        Err(Stray::UnknownUfrag)
    );
    demux.bind(path(1), ALICE);
    assert!(demux.paths.is_empty());
    assert_eq!(demux.peers(), 1);
}

#[actix::test]
async fn checks_and_media_are_answered_from_where_each_was_sent_to() {
    let [wide, loopback] = [IpAddr::from([203, 0, 113, 7]), IpAddr::from([127, 0, 0, 1])];
    let mut demux = demux();
    demux
        .whose(path(1), Some(wide), &check("alice:x"))
        .expect("known");
    demux.bind(path(1), ALICE);
    demux.whose(path(1), Some(wide), &DTLS).expect("known");
    demux
        .whose(path(1), Some(loopback), &check("alice:x"))
        .expect("known");
    assert_eq!(
        demux.local(path(1)),
        Local {
            stun: Some(loopback),
            media: Some(wide)
        }
    );
}

#[actix::test]
async fn a_full_mailbox_costs_datagrams_and_a_closed_one_the_registration() {
    let counters = PortCounters::new();
    let mut demux = Demux::default();
    let deaf = Deaf.start();
    demux.register(ALICE, ["alice"], deaf.clone().recipient());
    let mut full = false;
    for _ in 0..64 {
        demux.put(ALICE, path(1), BytesMut::from(&DTLS[..]));
        demux.put(ALICE, path(1), BytesMut::from(&DTLS[..]));
        assert_eq!(demux.deliver(Instant::now(), &counters), []);
        full |= counters.strays(Stray::MailboxFull) > 0;
    }
    assert!(full && counters.strays(Stray::MailboxFull).is_multiple_of(2));

    let (gone, never_started) = {
        let context = Context::<Deaf>::new();
        (context.address(), context)
    };
    drop(never_started);
    demux.register(ALICE, ["alice"], gone.recipient());
    demux.put(ALICE, path(1), BytesMut::from(&DTLS[..]));
    assert_eq!(demux.deliver(Instant::now(), &counters), [ALICE]);
    assert_eq!(counters.strays(Stray::Gone), 1);
}

proptest! {
    #[test]
    fn any_bytes_are_survived(first in 0..4u8, rest in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut demux = Demux::default();
        let mut datagram = vec![first];
        datagram.extend(rest);
        prop_assert!(demux.whose(path(1), None, &datagram).is_err());
    }

    #[test]
    fn a_check_that_was_tampered_with_is_survived(
        at in 0..60usize,
        byte: u8,
        cut in 0..60usize,
    ) {
        let mut datagram = check("alice:somebody");
        let length = datagram.len();
        datagram[at % length] = byte;
        datagram.truncate(length - cut % length);
        let _ = Check::parse(&datagram);
    }

    #[test]
    fn the_ufrag_is_all_before_the_colon(ufrag in "[a-zA-Z0-9+/]{4,32}", other in "[a-z:]{0,20}") {
        let datagram = check(&format!("{ufrag}:{other}"));
        prop_assert_eq!(Check::parse(&datagram), Some(Check { ufrag: ufrag.as_bytes() }));
    }
}
