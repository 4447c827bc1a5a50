//! The server against `rtc-dtls` as a client.

use std::time::Duration;

use rtc_dtls::crypto::Certificate;

use super::*;

/// A client with its own certificate.
pub(crate) struct Client {
    endpoint: Endpoint,
    identity: Identity,
    pub(crate) connected: bool,
}

impl Client {
    pub(crate) fn new(profiles: Vec<SrtpProtectionProfile>, now: Instant) -> Self {
        Self::with_certificate(profiles, true, now)
    }

    fn with_certificate(profiles: Vec<SrtpProtectionProfile>, shows: bool, now: Instant) -> Self {
        let identity = Identity::generate().unwrap();
        let certificates: Vec<Certificate> = if shows {
            vec![identity.certificate().clone()]
        } else {
            Vec::new()
        };
        let config = ConfigBuilder::default()
            .with_crypto_provider(Arc::clone(identity.provider()))
            .with_certificates(certificates)
            .with_srtp_protection_profiles(profiles)
            .with_insecure_skip_verify(true)
            .build(true, Some(PEER))
            .unwrap();
        let mut endpoint = Endpoint::new(PEER, TransportProtocol::UDP, None);
        endpoint.connect(now, PEER, Arc::new(config), None).unwrap();
        Self {
            endpoint,
            identity,
            connected: false,
        }
    }

    /// As an offer has it.
    pub(crate) fn signalled(&self) -> String {
        format!("sha-256 {}", self.identity.fingerprint())
    }

    pub(crate) fn close(&mut self, now: Instant) {
        self.endpoint.close(now).unwrap();
    }

    fn fingerprint(&self) -> Arc<[Fingerprint]> {
        [Fingerprint::parse(&self.signalled()).unwrap()].into()
    }

    pub(crate) fn sends(&mut self) -> Vec<BytesMut> {
        std::iter::from_fn(|| self.endpoint.poll_transmit())
            .map(|it| it.message)
            .collect()
    }

    pub(crate) fn hears(&mut self, datagram: BytesMut, now: Instant) {
        for event in self
            .endpoint
            .read(now, PEER, None, datagram)
            .unwrap_or_default()
        {
            self.connected |= matches!(event, EndpointEvent::HandshakeComplete);
        }
    }

    pub(crate) fn material(&self, len: usize) -> Vec<u8> {
        let state = self.endpoint.get_connection_state(PEER).unwrap();
        state
            .export_keying_material(EXPORTER_LABEL, &[], len)
            .unwrap()
            .as_ref()
            .to_vec()
    }
}

pub(crate) const GCM: SrtpProtectionProfile = SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm;
const CM: SrtpProtectionProfile = SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80;

fn server(expected: Arc<[Fingerprint]>) -> Dtls {
    Dtls::new(Arc::new(Identity::generate().unwrap()), expected)
}

/// Carries datagrams both ways until nobody has more to say; `lose` decides on each one, numbered from 0.
fn talk(
    client: &mut Client,
    server: &mut Dtls,
    now: Instant,
    mut lose: impl FnMut(bool) -> bool,
) -> Vec<DtlsEvent> {
    let mut events = Vec::new();
    loop {
        let up = client.sends();
        let mut quiet = up.is_empty();
        for datagram in up {
            if !lose(true) {
                events.extend(server.handle(datagram, now).unwrap_or_default());
            }
        }
        while let Some(datagram) = server.poll_transmit() {
            quiet = false;
            if !lose(false) {
                client.hears(datagram, now);
            }
        }
        if quiet {
            return events;
        }
    }
}

#[test]
fn both_ends_take_the_same_keys_and_gcm_is_preferred() {
    let now = Instant::now();
    let cases = [
        (vec![GCM, CM], Profile::AeadAes128Gcm),
        (vec![CM, GCM], Profile::AeadAes128Gcm),
        (vec![CM], Profile::Aes128CmSha1),
    ];
    for (offered, expected) in cases {
        let mut client = Client::new(offered, now);
        let mut server = server(client.fingerprint());
        let events = talk(&mut client, &mut server, now, |_| false);
        let [DtlsEvent::Connected(keys)] = &events[..] else {
            panic!("{events:?}")
        };
        assert!(client.connected);
        assert_eq!(keys.profile, expected);
        let material = client.material(expected.keying_material_len());
        let theirs = Keys::from_material(expected, &material).unwrap();
        assert_eq!((keys.client, keys.server), (theirs.client, theirs.server));
    }
}

#[test]
fn a_handshake_takes_from_the_first_hello_to_its_end() {
    let now = Instant::now();
    let mut client = Client::new(vec![GCM], now);
    let mut server = server(client.fingerprint());
    for hello in client.sends() {
        server.handle(hello, now).unwrap();
    }
    assert_eq!(server.took(), None);
    let later = now + Duration::from_millis(300);
    while let Some(datagram) = server.poll_transmit() {
        client.hears(datagram, later);
    }
    talk(&mut client, &mut server, later, |_| false);
    assert_eq!(server.took(), Some(later - now));
}

#[test]
fn a_peer_with_another_certificate_is_refused() {
    let now = Instant::now();
    let mut client = Client::new(vec![GCM], now);
    let mut server = server(Client::new(vec![GCM], now).fingerprint());
    let events = talk(&mut client, &mut server, now, |_| false);
    assert!(matches!(events[..], [DtlsEvent::Failed]), "{events:?}");
    assert!(!client.connected);
}

#[test]
fn a_peer_without_a_certificate_is_refused() {
    let now = Instant::now();
    let mut client = Client::with_certificate(vec![GCM], false, now);
    let mut server = server(client.fingerprint());
    let events = talk(&mut client, &mut server, now, |_| false);
    assert!(matches!(events[..], [DtlsEvent::Failed]), "{events:?}");
}

#[test]
fn a_peer_without_a_common_srtp_profile_is_refused() {
    let now = Instant::now();
    let mut client = Client::new(vec![SrtpProtectionProfile::Srtp_Aead_Aes_256_Gcm], now);
    let mut server = server(client.fingerprint());
    let events = talk(&mut client, &mut server, now, |_| false);
    assert!(matches!(events[..], [DtlsEvent::Failed]), "{events:?}");
}

#[test]
fn a_handshake_survives_the_loss_of_any_one_datagram() {
    for lost in 0..12 {
        let mut now = Instant::now();
        let mut client = Client::new(vec![GCM], now);
        let mut server = server(client.fingerprint());
        let (mut carried, mut connected) = (0, false);
        for _ in 0..8 {
            let events = talk(&mut client, &mut server, now, |_| {
                carried += 1;
                carried == lost + 1
            });
            connected |= events
                .iter()
                .any(|event| matches!(event, DtlsEvent::Connected(_)));
            if connected && client.connected {
                break;
            }
            now += Duration::from_millis(1100);
            let _ = client.endpoint.handle_timeout(PEER, now);
            assert!(server.handle_timeout(now).is_none());
        }
        assert!(
            connected && client.connected,
            "datagram {lost} was lost for good"
        );
    }
}

#[test]
fn a_repeated_hello_is_answered_again_but_not_for_ever() {
    let now = Instant::now();
    let mut client = Client::new(vec![GCM], now);
    let mut server = server(client.fingerprint());
    let hello = client.sends().remove(0);
    server.handle(hello.clone(), now).unwrap();
    let first: Vec<_> = std::iter::from_fn(|| server.poll_transmit()).collect();
    assert!(!first.is_empty());
    for _ in 0..REPEATS {
        server.handle(hello.clone(), now).unwrap();
        let again: Vec<_> = std::iter::from_fn(|| server.poll_transmit()).collect();
        assert_eq!(again, first);
    }
    server.handle(hello, now).unwrap();
    assert!(server.poll_transmit().is_none());
}

#[test]
fn a_goodbye_is_heard_and_said() {
    let now = Instant::now();
    let mut client = Client::new(vec![GCM], now);
    let mut first = server(client.fingerprint());
    talk(&mut client, &mut first, now, |_| false);
    client.endpoint.close(now).unwrap();
    let events = talk(&mut client, &mut first, now, |_| false);
    assert!(matches!(events[..], [DtlsEvent::Closed]), "{events:?}");

    let mut client = Client::new(vec![GCM], now);
    let mut second = server(client.fingerprint());
    talk(&mut client, &mut second, now, |_| false);
    second.close(now);
    let goodbye = second.poll_transmit().unwrap();
    let heard = client.endpoint.read(now, PEER, None, goodbye).unwrap();
    assert!(matches!(heard[..], [EndpointEvent::PeerClosed]));
    assert_eq!(
        second.handle(BytesMut::new(), now).err(),
        Some(DtlsRejected::Over)
    );
}

#[test]
fn a_flood_of_fragments_is_cut_off() {
    let now = Instant::now();
    let mut server = server(Client::new(vec![GCM], now).fingerprint());
    let mut refused = None;
    for number in 0..2000u32 {
        let [_, high, mid, low] = number.to_be_bytes();
        let mut fragment = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, high, mid, low, 0, 13];
        fragment.extend([1, 0xff, 0xff, 0xff, 0, 0, high, mid, low, 0, 0, 1, 7]);
        if let Err(rejected) = server.handle(BytesMut::from(&fragment[..]), now) {
            refused = Some((number, rejected));
            break;
        }
    }
    assert_eq!(refused, Some((HANDSHAKE_RECORDS, DtlsRejected::Flood)));
}

/// Damages one byte of one datagram of a real handshake, every byte in its turn.
#[test]
fn no_damaged_handshake_makes_it_panic() {
    let now = Instant::now();
    for which in 0..4 {
        let mut at = 0;
        loop {
            let mut client = Client::new(vec![GCM], now);
            let mut server = server(client.fingerprint());
            let mut number = 0;
            let mut past_the_end = false;
            for _ in 0..4 {
                for mut datagram in client.sends() {
                    if number == which {
                        past_the_end = at >= datagram.len();
                        if let Some(byte) = datagram.get_mut(at) {
                            *byte ^= 0x55;
                        }
                    }
                    number += 1;
                    let _ = server.handle(datagram, now);
                }
                while let Some(datagram) = server.poll_transmit() {
                    client.hears(datagram, now);
                }
            }
            if past_the_end || number <= which {
                break;
            }
            at += 7;
        }
    }
}
