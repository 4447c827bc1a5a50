//! A lite agent against checks that `rtc-stun` builds.

use std::net::SocketAddr;

use proptest::prelude::*;
use rtc_dtls::crypto_provider::providers::AwsLcRsProvider;
use rtc_stun::attributes::{
    ATTR_ICE_CONTROLLED, ATTR_ICE_CONTROLLING, ATTR_PRIORITY, ATTR_USE_CANDIDATE, ATTR_USERNAME,
};
use rtc_stun::error_code::ErrorCodeAttribute;
use rtc_stun::fingerprint::FINGERPRINT;
use rtc_stun::integrity::MessageIntegrity;
use rtc_stun::message::{
    BINDING_ERROR, BINDING_REQUEST, BINDING_SUCCESS, Getter as _, Message, Setter as _,
};
use rtc_stun::xoraddr::XorMappedAddress;

use super::*;

const REMOTE_PWD: &str = "remotepasswordof22chars";

fn agent() -> (IceLite, Credentials, Instant) {
    let now = Instant::now();
    let mut ice = IceLite::new(Arc::new(AwsLcRsProvider::new()));
    let local = ice.remote(&remote("them"), now).clone();
    (ice, local, now)
}

fn remote(ufrag: &str) -> Credentials {
    Credentials::new(ufrag, REMOTE_PWD).unwrap()
}

fn path(port: u16) -> Path {
    Path::Udp(SocketAddr::from(([192, 0, 2, 1], port)))
}

pub(crate) struct Request<'a> {
    pub(crate) username: String,
    pub(crate) pwd: &'a str,
    pub(crate) controlled: bool,
    pub(crate) nominate: bool,
}

impl<'a> Request<'a> {
    fn to(local: &'a Credentials) -> Self {
        let username = format!("{}:them", local.ufrag());
        Self {
            username,
            pwd: local.pwd(),
            controlled: false,
            nominate: false,
        }
    }

    fn nominating(self) -> Self {
        Self {
            nominate: true,
            ..self
        }
    }

    fn message(&self) -> Message {
        let mut message = Message::new();
        message.typ = BINDING_REQUEST;
        message.new_transaction_id().unwrap();
        message.write_header();
        message.add(ATTR_USERNAME, self.username.as_bytes());
        let role = if self.controlled {
            ATTR_ICE_CONTROLLED
        } else {
            ATTR_ICE_CONTROLLING
        };
        message.add(role, &[1; 8]);
        message.add(ATTR_PRIORITY, &[0, 0, 1, 0]);
        if self.nominate {
            message.add(ATTR_USE_CANDIDATE, &[]);
        }
        let provider = AwsLcRsProvider::new();
        MessageIntegrity::new_short_term_integrity_with_provider(
            self.pwd.to_owned(),
            provider.crypto(),
        )
        .add_to(&mut message)
        .unwrap();
        message
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut message = self.message();
        FINGERPRINT.add_to(&mut message).unwrap();
        message.raw
    }
}

fn parsed(bytes: &[u8]) -> Message {
    let mut message = Message::new();
    message.unmarshal_binary(bytes).unwrap();
    message
}

#[test]
fn an_authentic_check_is_answered_with_the_address_it_came_from() {
    let (mut ice, local, now) = agent();
    let request = Request::to(&local).bytes();
    let checked = ice.handle(path(5), &request, now).unwrap();
    assert!(checked.verified);
    let mut reply = parsed(&checked.reply);
    assert_eq!(reply.typ, BINDING_SUCCESS);
    assert_eq!(reply.transaction_id, parsed(&request).transaction_id);
    let mut address = XorMappedAddress::default();
    address.get_from(&reply).unwrap();
    assert_eq!(SocketAddr::new(address.ip, address.port), path(5).remote());
    let provider = AwsLcRsProvider::new();
    MessageIntegrity::check(&mut reply, local.pwd().as_bytes(), provider.crypto()).unwrap();
    assert!(checked.reply.len() <= request.len());
    assert!(
        !ice.handle(path(5), &Request::to(&local).bytes(), now)
            .unwrap()
            .verified
    );
}

#[test]
fn a_mapped_address_is_told_as_the_peer_knows_it() {
    let (mut ice, local, now) = agent();
    let mapped = Path::Udp("[::ffff:192.0.2.9]:7".parse().unwrap());
    let checked = ice
        .handle(mapped, &Request::to(&local).bytes(), now)
        .unwrap();
    let mut address = XorMappedAddress::default();
    address.get_from(&parsed(&checked.reply)).unwrap();
    assert_eq!(address.to_string(), "192.0.2.9:7");
}

#[test]
fn strangers_get_no_answer() {
    let (mut ice, local, now) = agent();
    let wrong_pwd = Request {
        pwd: "another password of ours",
        ..Request::to(&local)
    };
    let wrong_local = Request {
        username: "somebody:them".into(),
        ..Request::to(&local)
    };
    let wrong_remote = Request {
        username: format!("{}:else", local.ufrag()),
        ..Request::to(&local)
    };
    for request in [wrong_pwd, wrong_local, wrong_remote] {
        let answer = ice.handle(path(5), &request.bytes(), now);
        assert_eq!(answer, Err(Unanswered::Stranger));
    }
    assert_eq!(ice.path(), None);
}

#[test]
fn what_follows_the_integrity_does_not_count() {
    let (mut ice, local, now) = agent();
    let mut message = Request::to(&local).message();
    message.add(ATTR_USE_CANDIDATE, &[]);
    ice.handle(path(5), &message.raw, now).unwrap();
    assert_eq!(ice.selected, None);
}

#[test]
fn a_nomination_selects_its_path_and_the_latest_counts() {
    let (mut ice, local, now) = agent();
    ice.handle(path(5), &Request::to(&local).bytes(), now)
        .unwrap();
    assert_eq!(ice.path(), Some(path(5)));
    ice.handle(path(6), &Request::to(&local).nominating().bytes(), now)
        .unwrap();
    ice.handle(path(5), &Request::to(&local).bytes(), now)
        .unwrap();
    assert_eq!(ice.path(), Some(path(6)));
    ice.handle(path(5), &Request::to(&local).nominating().bytes(), now)
        .unwrap();
    assert_eq!(ice.path(), Some(path(5)));
}

#[test]
fn a_peer_that_wants_us_to_control_hears_of_the_conflict() {
    let (mut ice, local, now) = agent();
    let request = Request {
        controlled: true,
        ..Request::to(&local)
    };
    let checked = ice.handle(path(5), &request.bytes(), now).unwrap();
    let reply = parsed(&checked.reply);
    let mut error = ErrorCodeAttribute::default();
    error.get_from(&reply).unwrap();
    assert_eq!((reply.typ, error.code.0), (BINDING_ERROR, 487));
    assert_eq!(ice.path(), None);
}

#[test]
fn consent_ends_thirty_seconds_after_the_last_check_of_the_selected_path() {
    let (mut ice, local, now) = agent();
    assert_eq!(ice.consent_until(), Some(now + CONSENT));
    let later = now + Duration::from_secs(10);
    ice.handle(path(5), &Request::to(&local).nominating().bytes(), later)
        .unwrap();
    assert_eq!(ice.consent_until(), Some(later + CONSENT));
    let elsewhere = now + Duration::from_secs(20);
    ice.handle(path(6), &Request::to(&local).bytes(), elsewhere)
        .unwrap();
    assert_eq!(ice.consent_until(), Some(later + CONSENT));
}

#[test]
fn after_consent_was_lost_only_a_selected_path_is_sent_to() {
    let (mut ice, local, now) = agent();
    ice.handle(path(5), &Request::to(&local).nominating().bytes(), now)
        .unwrap();
    ice.lose_consent();
    let later = now + 2 * CONSENT;
    let checked = ice.handle(path(5), &Request::to(&local).bytes(), later);
    assert!(checked.unwrap().verified, "it is answered all the same");
    assert_eq!(ice.path(), None);
    ice.handle(path(5), &Request::to(&local).nominating().bytes(), later)
        .unwrap();
    assert_eq!(ice.path(), Some(path(5)));
    assert_eq!(ice.consent_until(), Some(later + CONSENT));
}

#[test]
fn a_restart_keeps_the_old_path_until_the_new_generation_selects_one() {
    let (mut ice, old, now) = agent();
    ice.handle(path(5), &Request::to(&old).nominating().bytes(), now)
        .unwrap();
    let new = ice.remote(&remote("then"), now).clone();
    assert_ne!(new, old);
    assert_eq!(ice.ufrags().collect::<Vec<_>>(), [old.ufrag(), new.ufrag()]);
    assert_eq!(
        *ice.remote(&remote("then"), now),
        new,
        "the same offer again is no other restart"
    );

    ice.handle(path(5), &Request::to(&old).bytes(), now)
        .unwrap();
    assert_eq!(ice.path(), Some(path(5)));
    let username = format!("{}:then", new.ufrag());
    let request = || Request {
        username: username.clone(),
        ..Request::to(&new)
    };
    ice.handle(path(6), &request().bytes(), now).unwrap();
    assert_eq!(ice.path(), Some(path(5)));
    ice.handle(path(6), &request().nominating().bytes(), now)
        .unwrap();
    assert_eq!(ice.path(), Some(path(6)));
    assert_eq!(ice.ufrags().collect::<Vec<_>>(), [new.ufrag()]);
    let late = ice.handle(path(5), &Request::to(&old).bytes(), now);
    assert_eq!(late, Err(Unanswered::Stranger));
}

#[test]
fn a_peer_with_ever_new_addresses_keeps_its_selected_path() {
    let (mut ice, local, now) = agent();
    ice.handle(path(1), &Request::to(&local).nominating().bytes(), now)
        .unwrap();
    for port in 2..100 {
        let at = now + Duration::from_millis(port.into());
        ice.handle(path(port), &Request::to(&local).bytes(), at)
            .unwrap();
    }
    assert_eq!(ice.paths.len(), MAX_PATHS);
    assert!(ice.is_verified(path(1)) && ice.is_verified(path(99)));
}

proptest! {
    #[test]
    fn a_damaged_check_never_panics_and_never_counts(at in 0usize..100, bit in 0u8..8, cut in 0usize..100) {
        let (mut ice, local, now) = agent();
        let mut bytes = Request::to(&local).nominating().message().raw;
        let at = at % bytes.len();
        bytes[at] ^= 1 << bit;
        prop_assert!(ice.handle(path(5), &bytes, now).is_err());
        bytes.truncate(cut);
        prop_assert!(ice.handle(path(5), &bytes, now).is_err());
        prop_assert_eq!(ice.path(), None);
    }

    #[test]
    fn any_bytes_are_unanswered(mut bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let (mut ice, _, now) = agent();
        prop_assert!(ice.handle(path(5), &bytes, now).is_err());
        if bytes.len() >= 20 {
            let len = u16::try_from(bytes.len() - 20).unwrap();
            bytes[..8].copy_from_slice(&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42]);
            bytes[2..4].copy_from_slice(&len.to_be_bytes());
            prop_assert!(ice.handle(path(5), &bytes, now).is_err());
        }
    }
}
