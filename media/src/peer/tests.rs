//! A peer against checks of `rtc-stun` and a handshake of `rtc-dtls`, on virtual paths in virtual time.

use std::time::Duration;

use calls_model::Source;
use proptest::prelude::*;

use super::*;
use crate::dtls::tests::{Client as Handshake, GCM};
use crate::ice::tests::Request;
use crate::seam::{Codec, Kind, Packet, Priority};
use crate::srtp::{Keys, Opener, Profile, Sealer};
use crate::testing::{LIMITS, TRACK, keyframe};

const OFFER: &str = include_str!("../../tests/offers/aiortc.sdp");

/// The fingerprint that stands in the offer.
const SIGNALLED: &str = "sha-256 6B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:\
    F0:A1:58:D0:A1:2C:19:08";

/// Remembers what was sent where.
#[derive(Default)]
struct Sent(Vec<(Path, Vec<u8>)>);

impl Egress for Sent {
    fn datagram(&mut self, path: Path, write: impl FnOnce(&mut Vec<u8>)) {
        let mut datagram = Vec::new();
        write(&mut datagram);
        self.0.push((path, datagram));
    }
}

/// A peer and the client at its other end.
struct Pair {
    peer: Peer,
    client: Handshake,
    offer: String,
    now: Instant,
}

fn path(port: u16) -> Path {
    Path::Udp(([192, 0, 2, 1], port).into())
}

fn bare_peer(now: Instant) -> Peer {
    let identity = Arc::new(Identity::generate().unwrap());
    let address = "203.0.113.5:7882".parse().unwrap();
    let candidate = HostCandidate {
        address,
        protocol: Protocol::Udp,
    };
    Peer::new(PeerId(3), identity, [candidate].into(), LIMITS, now)
}

impl Pair {
    fn new() -> Self {
        let now = Instant::now();
        let client = Handshake::new(vec![GCM], now);
        assert!(OFFER.contains(SIGNALLED));
        let offer = OFFER.replace(SIGNALLED, &client.signalled());
        let mut pair = Self {
            peer: bare_peer(now),
            client,
            offer,
            now,
        };
        pair.negotiate();
        pair
    }

    fn negotiate(&mut self) -> Negotiated {
        let publish = published_by(&self.offer).unwrap();
        self.peer.offer(&self.offer, &publish, self.now).unwrap()
    }

    /// A check that names the newest generation.
    fn check(&mut self, path: Path, nominate: bool) {
        let local = self.peer.ufrags().last().unwrap().to_owned();
        let answer = self.negotiate().answer;
        let value = |key| {
            answer
                .split(key)
                .nth(1)
                .unwrap()
                .split("\r\n")
                .next()
                .unwrap()
        };
        assert_eq!(value("a=ice-ufrag:"), local);
        let remote = self
            .offer
            .split("a=ice-ufrag:")
            .nth(1)
            .unwrap()
            .split("\r\n")
            .next()
            .unwrap();
        let username = format!("{local}:{remote}");
        let pwd = value("a=ice-pwd:");
        let check = Request {
            username,
            pwd,
            controlled: false,
            nominate,
        };
        self.peer
            .handle_datagram(path, BytesMut::from(&check.bytes()[..]), self.now);
    }

    fn flush(&mut self) -> Vec<(Path, Vec<u8>)> {
        let mut sent = Sent::default();
        self.peer.flush(&mut sent, self.now);
        sent.0
    }

    fn events(&mut self) -> Vec<PeerEvent> {
        std::iter::from_fn(|| self.peer.poll_event()).collect()
    }

    /// Carries the handshake over one path to its end.
    fn shake_hands(&mut self, over: Path) {
        for _ in 0..6 {
            for datagram in self.client.sends() {
                self.peer.handle_datagram(over, datagram, self.now);
            }
            for (to, datagram) in self.flush() {
                assert_eq!(to, over);
                self.client.hears(BytesMut::from(&datagram[..]), self.now);
            }
        }
    }

    fn connect(&mut self) {
        self.check(path(1), true);
        self.shake_hands(path(1));
        assert_eq!(
            self.events(),
            [PeerEvent::Path(path(1)), PeerEvent::Connected]
        );
        assert!(self.client.connected);
    }

    /// The rest of [`connect`](Self::connect) behind a first check.
    fn connect_further(&mut self) {
        self.shake_hands(path(1));
        assert!(self.client.connected);
    }

    /// What the client seals with and opens with.
    fn keys(&self) -> (Sealer, Opener) {
        let profile = Profile::AeadAes128Gcm;
        let material = self.client.material(profile.keying_material_len());
        let keys = Keys::from_material(profile, &material).unwrap();
        (
            Sealer::new(profile, &keys.client),
            Opener::new(profile, &keys.server),
        )
    }

    fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.peer.handle_timeout(self.now);
    }
}

fn opus(seq: u8) -> Vec<u8> {
    let ssrc = 2_717_340_112u32.to_be_bytes();
    let mut packet = vec![0x80, 96, 0, seq, 0, 0, 0, seq];
    packet.extend(ssrc);
    packet.extend([0x78; 40]);
    packet
}

#[test]
fn a_peer_connects_and_what_it_publishes_comes_out_as_bursts() {
    let mut pair = Pair::new();
    pair.connect();
    assert_eq!(pair.peer.stats().profile, Some(Profile::AeadAes128Gcm));
    let (mut sealer, _) = pair.keys();
    for seq in 1..4 {
        let mut packet = opus(seq);
        sealer.reserve(2_717_340_112, seq.into()).unwrap();
        sealer
            .seal_rtp(&mut packet, 0, 2_717_340_112, seq.into())
            .unwrap();
        pair.peer
            .handle_datagram(path(1), BytesMut::from(&packet[..]), pair.now);
        pair.peer
            .handle_datagram(path(1), BytesMut::from(&packet[..]), pair.now);
    }
    let received: Vec<_> = std::iter::from_fn(|| pair.peer.poll_burst()).collect();
    let microphone = pair.negotiate().tracks[0].id;
    let payloads: Vec<&[u8]> = received
        .iter()
        .flat_map(|burst| burst.iter())
        .map(|it| &it.payload[..])
        .collect();
    assert_eq!(payloads, [[0x78; 40]; 3]);
    assert!(received.iter().all(|burst| burst[0].track == microphone));
    assert_eq!(
        (pair.peer.stats().replayed, pair.peer.stats().rejected),
        (3, 0)
    );
}

#[test]
fn a_hello_that_overtakes_the_check_is_held_for_it() {
    let mut pair = Pair::new();
    for datagram in pair.client.sends() {
        pair.peer.handle_datagram(path(1), datagram, pair.now);
    }
    assert!(
        pair.flush().is_empty(),
        "nothing goes to an address that proved nothing"
    );
    pair.check(path(1), false);
    let replies = pair.flush();
    let firsts: Vec<u8> = replies.iter().map(|(_, datagram)| datagram[0]).collect();
    assert_eq!(
        firsts,
        [1, 22],
        "the answer to the check, then that to the hello"
    );
    pair.client
        .hears(BytesMut::from(&replies[1].1[..]), pair.now);
    pair.connect_further();
}

#[test]
fn media_before_the_handshake_and_from_strange_paths_is_dropped() {
    let mut pair = Pair::new();
    pair.check(path(1), true);
    pair.peer
        .handle_datagram(path(1), BytesMut::from(&opus(1)[..]), pair.now);
    assert_eq!(pair.peer.stats().rejected, 1);
    pair.connect_further();
    let (mut sealer, _) = pair.keys();
    let mut packet = opus(1);
    sealer.reserve(2_717_340_112, 1).unwrap();
    sealer.seal_rtp(&mut packet, 0, 2_717_340_112, 1).unwrap();
    pair.peer
        .handle_datagram(path(2), BytesMut::from(&packet[..]), pair.now);
    assert_eq!(pair.peer.stats().rejected, 2);
    assert!(pair.peer.poll_burst().is_none());
}

#[test]
fn feedback_goes_out_sealed() {
    let mut pair = Pair::new();
    pair.connect();
    let (mut sealer, mut opener) = pair.keys();
    let mut packet = opus(1);
    sealer.reserve(2_717_340_112, 1).unwrap();
    sealer.seal_rtp(&mut packet, 0, 2_717_340_112, 1).unwrap();
    pair.peer
        .handle_datagram(path(1), BytesMut::from(&packet[..]), pair.now);
    let due = pair.peer.poll_timeout().unwrap();
    pair.now = due.max(pair.now + Duration::from_secs(3));
    pair.peer.handle_timeout(pair.now);
    let reports = pair.flush();
    assert!(!reports.is_empty());
    for (to, report) in reports {
        assert_eq!(to, path(1));
        let mut report = BytesMut::from(&report[..]);
        opener.open_rtcp(&mut report).unwrap();
    }
}

#[test]
fn a_peer_that_stops_checking_is_lost_and_a_restart_brings_it_back() {
    let mut pair = Pair::new();
    pair.connect();
    pair.wait(29);
    assert_eq!(pair.events(), []);
    pair.wait(2);
    assert_eq!(pair.events(), [PeerEvent::Closed(CloseReason::ConsentLost)]);
    pair.wait(60);
    assert_eq!(pair.events(), []);
    assert!(pair.flush().is_empty());

    pair.offer = pair.offer.replace("a=ice-ufrag:a9Zk", "a=ice-ufrag:b0Yl");
    pair.negotiate();
    assert_eq!(pair.peer.ufrags().count(), 2);
    pair.check(path(7), true);
    assert_eq!(
        pair.events(),
        [PeerEvent::Path(path(7)), PeerEvent::Connected]
    );
    assert_eq!(pair.peer.ufrags().count(), 1);
    pair.wait(29);
    assert_eq!(pair.events(), []);
}

#[test]
fn a_lost_peer_that_selects_no_path_is_sent_no_media() {
    let mut pair = Pair::new();
    pair.connect();
    pair.wait(31);
    assert_eq!(pair.events(), [PeerEvent::Closed(CloseReason::ConsentLost)]);
    pair.check(path(1), false);
    let sent = pair.flush();
    assert!(
        sent.iter().all(|(_, datagram)| datagram[0] == 1),
        "checks are answered"
    );
    let (mut sealer, _) = pair.keys();
    let mut packet = opus(1);
    sealer.reserve(2_717_340_112, 1).unwrap();
    sealer.seal_rtp(&mut packet, 0, 2_717_340_112, 1).unwrap();
    pair.peer
        .handle_datagram(path(1), BytesMut::from(&packet[..]), pair.now);
    pair.wait(3);
    assert!(pair.flush().is_empty(), "no reports without consent");
    pair.check(path(1), true);
    assert_eq!(
        pair.events(),
        [PeerEvent::Path(path(1)), PeerEvent::Connected]
    );
}

#[test]
fn a_peer_that_never_shows_up_is_lost() {
    let mut pair = Pair::new();
    assert_eq!(
        pair.peer.poll_timeout(),
        Some(pair.now + crate::ice::CONSENT)
    );
    pair.wait(30);
    assert_eq!(pair.events(), [PeerEvent::Closed(CloseReason::ConsentLost)]);
    assert_eq!(pair.peer.poll_timeout(), None);
}

#[test]
fn goodbyes_are_heard_and_said() {
    let mut pair = Pair::new();
    pair.connect();
    pair.client.close(pair.now);
    for datagram in pair.client.sends() {
        pair.peer.handle_datagram(path(1), datagram, pair.now);
    }
    assert_eq!(pair.events(), [PeerEvent::Closed(CloseReason::DtlsClosed)]);

    let mut pair = Pair::new();
    pair.connect();
    pair.peer.close(pair.now);
    let sent = pair.flush();
    assert!(matches!(&sent[..], [(to, alert)] if *to == path(1) && alert[0] == 21));
    assert_eq!(pair.events(), [PeerEvent::Closed(CloseReason::DtlsClosed)]);
    let refused = pair.peer.offer(&pair.offer, &[], pair.now).unwrap_err();
    assert_eq!(refused, SdpRefused::Closed);
    pair.peer.close(pair.now);
    assert_eq!(pair.events(), []);
}

#[test]
fn another_certificate_than_the_offer_signalled_ends_it() {
    let mut pair = Pair::new();
    let now = pair.now;
    pair.check(path(1), true);
    pair.client = Handshake::new(vec![GCM], now);
    pair.shake_hands(path(1));
    let failed = PeerEvent::Closed(CloseReason::DtlsFailed);
    assert_eq!(pair.events(), [PeerEvent::Path(path(1)), failed]);
    assert!(!pair.client.connected);
}

#[test]
fn a_refused_offer_changes_nothing() {
    let mut pair = Pair::new();
    let ufrags: Vec<String> = pair.peer.ufrags().map(str::to_owned).collect();
    let restart = pair.offer.replace("a=ice-ufrag:a9Zk", "a=ice-ufrag:b0Yl");
    let publish = [PublishedMid {
        mid: "nowhere".into(),
        source: Source::Camera,
    }];
    pair.peer.offer(&restart, &publish, pair.now).unwrap_err();
    assert_eq!(pair.peer.ufrags().collect::<Vec<_>>(), ufrags);
    let again = pair.negotiate();
    assert_eq!(
        again
            .tracks
            .iter()
            .map(|track| track.id.index)
            .collect::<Vec<_>>(),
        [0, 1]
    );
    assert!(again.ended.is_empty());
}

#[test]
fn the_version_of_the_answer_goes_up() {
    let mut pair = Pair::new();
    let origin = |answer: &str| -> Vec<u64> {
        let line = answer.lines().nth(1).unwrap();
        line.split(' ')
            .skip(1)
            .take(2)
            .map(|number| number.parse().unwrap())
            .collect()
    };
    let (first, second) = (
        origin(&pair.negotiate().answer),
        origin(&pair.negotiate().answer),
    );
    assert_eq!(second, [first[0], first[1] + 1]);
}

#[test]
fn what_a_client_cannot_decode_is_told_to_the_owner() {
    let mut pair = Pair::new();
    pair.offer = pair.offer.replace("a=sendonly", "a=recvonly");
    let slots = pair.negotiate().slots;
    let picture = slots.iter().find(|slot| slot.kind == Kind::Video).unwrap();
    let mid = picture.mid.clone();
    pair.connect();
    let shown = Shown {
        track: TRACK,
        layers: 1,
        size: None,
        priority: Priority::Usual,
    };
    pair.peer.show(&mid.0, Some(shown), pair.now).unwrap();
    pair.events();
    let av1 = Packet {
        codec: Codec::Av1,
        ..keyframe(1)
    };
    let mut sent = Sent::default();
    pair.peer.forward(&vec![av1].into(), &mut sent, pair.now);
    assert!(sent.0.is_empty());
    assert_eq!(pair.events(), [PeerEvent::Unplayable { mid: mid.clone() }]);
    pair.peer
        .forward(&vec![keyframe(2)].into(), &mut sent, pair.now);
    assert!(!sent.0.is_empty());
    assert!(pair.events().contains(&PeerEvent::Playable { mid }));
}

#[test]
fn a_slot_that_is_not_there_cannot_show_anything() {
    let mut pair = Pair::new();
    assert_eq!(pair.peer.show("0", None, pair.now), Err(NoSuchSlot));
}

proptest! {
    #[test]
    fn any_datagrams_at_any_time_never_panic(
        connected: bool,
        datagrams in prop::collection::vec((0u16..3, 0usize..6, prop::collection::vec(any::<u8>(), 0..120)), 1..20),
    ) {
        let mut pair = Pair::new();
        if connected {
            pair.connect();
        }
        for (port, start, rest) in datagrams {
            let start: &[u8] = [
                &[][..], &[0, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42], &[22, 0xfe, 0xfd, 0, 0], &[0x90, 111],
                &[0x80, 200, 0, 6], &[23, 0xfe, 0xfd, 0, 1],
            ][start];
            let datagram = BytesMut::from(&[start, &rest[..]].concat()[..]);
            pair.peer.handle_datagram(path(port), datagram, pair.now);
            pair.now += Duration::from_millis(300);
            pair.peer.handle_timeout(pair.now);
            pair.flush();
        }
        prop_assert!(pair.peer.poll_burst().is_none());
    }
}
