//! What the fuzz targets share: a peer with an accepted offer, and checks that it accepts.

mod forwarding;

pub use forwarding::{CAMERA, Nowhere, packet, playing, tracks};

use std::net::SocketAddr;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use bytes::BytesMut;
use calls_media::peer::published_by;
use calls_media::seam::{Egress, Path, PeerId};
use calls_media::{Identity, Peer, PeerLimits};
use rtc_dtls::crypto_provider::RTCCryptoProvider;
use rtc_dtls::crypto_provider::providers::AwsLcRsProvider;
use rtc_stun::attributes::{ATTR_USE_CANDIDATE, ATTR_USERNAME, AttrType};
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{BINDING_REQUEST, Message, Setter};

/// An offer that is accepted.
pub const OFFER: &str = include_str!("../../media/tests/offers/chromium.sdp");

const LIMITS: PeerLimits = PeerLimits {
    audio_tracks: 4,
    video_tracks: 4,
    audio_slots: 5,
    video_slots: 49,
};

/// The offer's user fragment.
const REMOTE_UFRAG: &str = "Kd4s";

static IDENTITY: LazyLock<Arc<Identity>> =
    LazyLock::new(|| Arc::new(Identity::generate().expect("a certificate")));

/// A fresh peer without an offer.
pub fn bare_peer(now: Instant) -> Peer {
    Peer::new(PeerId(1), Arc::clone(&IDENTITY), [].into(), LIMITS, now)
}

/// A peer that answered [`OFFER`].
pub struct Answered {
    /// The peer.
    pub peer: Peer,
    ufrag: String,
    pwd: String,
    crypto: AwsLcRsProvider,
}

impl Answered {
    /// Answers.
    pub fn new(now: Instant) -> Self {
        let mut peer = bare_peer(now);
        let publish = published_by(OFFER).expect("a good offer");
        let answer = peer
            .offer(OFFER, &publish, now)
            .expect("a good offer")
            .answer;
        let value = |key: &str| {
            let rest = answer.split(key).nth(1).expect("it is in every answer");
            rest.lines().next().expect("a line").to_owned()
        };
        let (ufrag, pwd) = (value("a=ice-ufrag:"), value("a=ice-pwd:"));
        Self {
            peer,
            ufrag,
            pwd,
            crypto: AwsLcRsProvider::new(),
        }
    }

    /// An authentic check with these attributes under its integrity.
    pub fn check(&self, attributes: &[(u16, &[u8])]) -> BytesMut {
        let mut message = Message::new();
        message.typ = BINDING_REQUEST;
        message.write_header();
        message.add(
            ATTR_USERNAME,
            format!("{}:{REMOTE_UFRAG}", self.ufrag).as_bytes(),
        );
        for (typ, value) in attributes {
            message.add(AttrType(*typ), value);
        }
        let integrity = MessageIntegrity::new_short_term_integrity_with_provider(
            self.pwd.clone(),
            self.crypto.crypto(),
        );
        // Fails if a fingerprint stands among the attributes; then it goes without.
        let _ = integrity.add_to(&mut message);
        let _ = FINGERPRINT.add_to(&mut message);
        BytesMut::from(&message.raw[..])
    }

    /// Lets the peer select a path.
    pub fn select(&mut self, path: Path, now: Instant) {
        let check = self.check(&[(ATTR_USE_CANDIDATE.0, &[])]);
        self.peer.handle_datagram(path, check, now);
    }
}

/// A path.
pub fn path(port: u16) -> Path {
    Path::Udp(SocketAddr::from(([192, 0, 2, 1], port)))
}

/// Takes what is sent, and looks at it just enough that it must be there.
#[derive(Default)]
pub struct Sent(pub usize);

impl Egress for Sent {
    fn datagram(&mut self, _: Path, write: impl FnOnce(&mut Vec<u8>)) {
        let mut datagram = Vec::new();
        write(&mut datagram);
        self.0 += datagram.len();
    }
}

/// Cuts input into pieces: a length byte before each.
pub fn pieces(mut input: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (len, rest) = input.split_first()?;
        // Most datagrams are longer than a byte can count.
        let (piece, rest) = rest.split_at(rest.len().min(usize::from(*len) * 5));
        input = rest;
        Some(piece)
    })
}
