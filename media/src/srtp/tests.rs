//! The vectors of RFC 3711 and RFC 7714, `rtc-srtp` as a second implementation, and round trips.

use aws_lc_rs::cipher::EncryptionContext;
use bytes::BytesMut;
use proptest::prelude::*;
use rtc_dtls::crypto_provider::RTCCryptoProvider;
use rtc_dtls::crypto_provider::providers::AwsLcRsProvider;
use rtc_srtp::context::Context;
use rtc_srtp::option::srtp_replay_protection;
use rtc_srtp::protection_profile::ProtectionProfile;

use super::cm_sha1::CmSha1;
use super::derive::{Label, counter_key, derive};
use super::gcm::{Gcm, Header};
use super::*;

const PROFILES: [Profile; 2] = [Profile::AeadAes128Gcm, Profile::Aes128CmSha1];

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| u8::try_from(c.to_digit(16).unwrap()).unwrap())
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

fn rtp(seq: u16, ssrc: u32, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 96];
    packet.extend(seq.to_be_bytes());
    packet.extend(1000u32.to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend(payload);
    packet
}

fn sender_report(ssrc: u32) -> Vec<u8> {
    let mut packet = vec![0x80, 200, 0, 6];
    packet.extend(ssrc.to_be_bytes());
    packet.extend([7; 20]);
    packet
}

fn master() -> MasterKey {
    MasterKey::new(&[0x42; 16], &[0x17; 12]).unwrap()
}

fn seal(sealer: &mut Sealer, plain: &[u8], ssrc: u32, index: u64) -> BytesMut {
    let mut packet = b"earlier datagram".to_vec();
    let start = packet.len();
    packet.extend_from_slice(plain);
    sealer.reserve(ssrc, index).unwrap();
    sealer.seal_rtp(&mut packet, start, ssrc, index).unwrap();
    assert_eq!(&packet[..start], b"earlier datagram");
    BytesMut::from(&packet[start..])
}

#[test]
fn aes_counter_mode_matches_rfc_3711_b2() {
    let key = hex("2B7E151628AED2A6ABF7158809CF4F3C").try_into().unwrap();
    let mut counter = [0; 16];
    counter.copy_from_slice(&hex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD0000"));
    let mut stream = vec![0; 48];
    counter_key(&key)
        .less_safe_encrypt(&mut stream, EncryptionContext::Iv128((&counter).into()))
        .unwrap();
    let expected = "E03EAD0935C95E80E166B16DD92B4EB4 D23513162B02D0F72A43A2FE4A5F97AB
        41E95B3BB0A2E8DD477901E4FCA894C0";
    assert_eq!(stream, hex(expected));
    // The same through the packet path: SSRC and index 0 leave the salt alone.
    let salt = counter[..14].try_into().unwrap();
    let mut packet = rtp(0, 0, &[0; 48]);
    CmSha1::new(&key, &[0; 20], salt).seal_rtp(&mut packet, Header { start: 0, len: 12 }, 0, 0);
    assert_eq!(packet[12..60], hex(expected));
}

#[test]
fn key_derivation_matches_rfc_3711_b3() {
    let master = MasterKey::new(
        &hex("E1F97A0D3E018BE0D64FA32C06DE4139"),
        &hex("0EC675AD498AFEEBB6960B3AABE6"),
    )
    .unwrap();
    let key: [u8; 16] = derive(&master, Label::RtpEncryption);
    let salt: [u8; 14] = derive(&master, Label::RtpSalt);
    let authentication: [u8; 94] = derive(&master, Label::RtpAuthentication);
    assert_eq!(key.to_vec(), hex("C61E7A93744F39EE10734AFE3FF7A087"));
    assert_eq!(salt.to_vec(), hex("30CBBC08863D8C85D49DB34A9AE1"));
    assert_eq!(
        authentication.to_vec(),
        hex(
            "CEBE321F6FF7716B6FD4AB49AF256A15 6D38BAA48F0A0ACF3C34E2359E6CDBCE
            E049646C43D9327AD175578EF7227098 6371C10C9A369AC2F94A8C5FBCDDDC25
            6D6E919A48B610EF17C2041E47403576 6B68642C59BBFC2F34DB60DBDFB2"
        )
    );
}

fn rfc_7714_key() -> Gcm {
    let key = hex("000102030405060708090a0b0c0d0e0f").try_into().unwrap();
    Gcm::new(&key, hex("517569642070726f2071756f").try_into().unwrap())
}

#[test]
fn gcm_matches_rfc_7714_16_1() {
    let plain = hex(
        "8040f17b8041f8d35501a0b2 47616c6c696120657374206f6d6e69732064697669736120696e2070617274657320747265 73",
    );
    let sealed = hex(
        "8040f17b8041f8d35501a0b2 f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833 899d7f27beb16a9152cf765ee4390cce",
    );
    let mut packet = plain.clone();
    rfc_7714_key().seal_rtp(
        &mut packet,
        Header { start: 0, len: 12 },
        0x5501_a0b2,
        0xf17b,
    );
    assert_eq!(packet, sealed);
    let len = rfc_7714_key()
        .open_rtp(&mut packet, 12, 0x5501_a0b2, 0xf17b)
        .unwrap();
    assert_eq!(packet[..len], plain);
}

#[test]
fn gcm_matches_rfc_7714_17_1() {
    let plain = hex(
        "81c8000d4d617273 4e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef",
    );
    let sealed = hex(
        "81c8000d4d617273 63e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade 800005d4",
    );
    let mut packet = plain.clone();
    rfc_7714_key().seal_rtcp(&mut packet, 0, 0x4d61_7273, 0x5d4);
    assert_eq!(packet, sealed);
    let len = rfc_7714_key()
        .open_rtcp(&mut packet, 0x4d61_7273, 0x8000_05d4)
        .unwrap();
    assert_eq!(packet[..len], plain);
}

#[test]
fn a_packet_opens_once_and_only_untouched() {
    for profile in PROFILES {
        let mut sealer = Sealer::new(profile, &master());
        let mut opener = Opener::new(profile, &master());
        let protected = seal(&mut sealer, &rtp(7, 9, b"hello"), 9, 7);
        for at in 0..protected.len() {
            let mut touched = protected.clone();
            touched[at] ^= 1;
            assert!(opener.open_rtp(&mut touched).is_err(), "byte {at}");
        }
        let mut first = protected.clone();
        assert_eq!(opener.open_rtp(&mut first), Ok(()));
        assert_eq!(first[..], rtp(7, 9, b"hello"));
        assert_eq!(
            opener.open_rtp(&mut protected.clone()),
            Err(SrtpError::Replayed)
        );
    }
}

#[test]
fn an_rtcp_compound_opens_once_and_only_untouched() {
    for profile in PROFILES {
        let mut sealer = Sealer::new(profile, &master());
        let mut opener = Opener::new(profile, &master());
        let mut report = sender_report(9);
        sealer.seal_rtcp(&mut report, 0).unwrap();
        let protected = BytesMut::from(&report[..]);
        for at in 0..protected.len() {
            let mut touched = protected.clone();
            touched[at] ^= 1;
            assert!(opener.open_rtcp(&mut touched).is_err(), "byte {at}");
        }
        let mut first = protected.clone();
        assert_eq!(opener.open_rtcp(&mut first), Ok(()));
        assert_eq!(first[..], sender_report(9));
        assert_eq!(
            opener.open_rtcp(&mut protected.clone()),
            Err(SrtpError::Replayed)
        );
    }
}

#[test]
fn one_index_of_a_source_is_never_sealed_twice() {
    let mut sealer = Sealer::new(Profile::AeadAes128Gcm, &master());
    assert_eq!(sealer.reserve(1, 5), Ok(()));
    assert_eq!(sealer.reserve(1, 5), Err(SrtpError::Replayed));
    assert_eq!(sealer.reserve(2, 5), Ok(()));
    assert_eq!(sealer.reserve(1, 1 << 48), Err(SrtpError::Exhausted));
}

#[test]
fn a_peer_that_makes_up_sources_meets_a_limit() {
    let mut sealer = Sealer::new(Profile::AeadAes128Gcm, &master());
    let mut opener = Opener::new(Profile::AeadAes128Gcm, &master());
    for ssrc in 0..512 {
        opener
            .open_rtp(&mut seal(&mut sealer, &rtp(1, ssrc, b"x"), ssrc, 1))
            .unwrap();
    }
    assert_eq!(sealer.reserve(600, 1), Err(SrtpError::TooManySources(512)));
    let sealer = &mut Sealer::new(Profile::AeadAes128Gcm, &master());
    let mut one_more = seal(sealer, &rtp(1, 600, b"x"), 600, 1);
    assert_eq!(
        opener.open_rtp(&mut one_more),
        Err(SrtpError::TooManySources(512))
    );
}

/// `rtc-srtp`'s own context under the same master key.
fn other(profile: Profile) -> Context {
    let (profile, salt) = match profile {
        Profile::AeadAes128Gcm => (ProtectionProfile::AeadAes128Gcm, vec![0x17; 12]),
        Profile::Aes128CmSha1 => (
            ProtectionProfile::Aes128CmHmacSha1_80,
            [vec![0x17; 12], vec![0; 2]].concat(),
        ),
    };
    let provider = AwsLcRsProvider::new();
    let replay = Some(srtp_replay_protection(128));
    Context::new(&[0x42; 16], &salt, profile, replay, None, provider.crypto()).unwrap()
}

#[test]
fn another_implementation_opens_what_we_seal_over_a_wrap() {
    for profile in PROFILES {
        let mut sealer = Sealer::new(profile, &master());
        let mut other = other(profile);
        for index in 65_530..65_550u64 {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a sequence number is the rest"
            )]
            let plain = rtp(index as u16, 77, b"over the wrap");
            let protected = seal(&mut sealer, &plain, 77, index);
            assert_eq!(other.decrypt_rtp(&protected).unwrap()[..], plain);
            let mut report = sender_report(77);
            sealer.seal_rtcp(&mut report, 0).unwrap();
            assert_eq!(other.decrypt_rtcp(&report).unwrap()[..], sender_report(77));
        }
    }
}

#[test]
fn we_open_what_another_implementation_seals_over_a_wrap() {
    for profile in PROFILES {
        let mut opener = Opener::new(profile, &master());
        let mut other = other(profile);
        for index in 65_530..65_550u64 {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "a sequence number is the rest"
            )]
            let plain = rtp(index as u16, 77, b"over the wrap");
            let mut sealed = BytesMut::from(&other.encrypt_rtp(&plain).unwrap()[..]);
            opener.open_rtp(&mut sealed).unwrap();
            assert_eq!(sealed[..], plain);
            let mut report = BytesMut::from(&other.encrypt_rtcp(&sender_report(77)).unwrap()[..]);
            opener.open_rtcp(&mut report).unwrap();
            assert_eq!(report[..], sender_report(77));
        }
    }
}

#[test]
fn an_unencrypted_but_authenticated_report_is_accepted() {
    // RFC 3711 §3.4 lets a sender leave RTCP readable; the E bit then is 0.
    let cm = CmSha1::new(&[1; 16], &[2; 20], [3; 14]);
    let mut packet = sender_report(5);
    packet.extend(9u32.to_be_bytes());
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &[2; 20]);
    let tag = aws_lc_rs::hmac::sign(&key, &packet);
    packet.extend(&tag.as_ref()[..10]);
    let len = cm.open_rtcp(&mut packet, 5, 9).unwrap();
    assert_eq!(packet[..len], sender_report(5));
}

proptest! {
    #[test]
    fn any_packet_survives_the_round_trip(
        gcm: bool, seq: u16, ssrc: u32, payload in prop::collection::vec(any::<u8>(), 0..1500),
        csrcs in 0u8..4, extension in prop::option::of(0usize..5),
    ) {
        let profile = if gcm { Profile::AeadAes128Gcm } else { Profile::Aes128CmSha1 };
        let mut plain = rtp(seq, ssrc, &vec![1; usize::from(csrcs) * 4]);
        plain[0] |= csrcs;
        if let Some(words) = extension {
            plain[0] |= 0x10;
            plain.extend([0xbe, 0xde, 0, u8::try_from(words).unwrap()]);
            plain.extend(vec![0x33; words * 4]);
        }
        plain.extend(&payload);
        let mut sealed = seal(&mut Sealer::new(profile, &master()), &plain, ssrc, seq.into());
        prop_assert_eq!(sealed.len(), plain.len() + profile.rtp_overhead());
        let mut opener = Opener::new(profile, &master());
        prop_assert_eq!(opener.open_rtp(&mut sealed), Ok(()));
        prop_assert_eq!(&sealed[..], &plain[..]);
    }

    #[test]
    fn any_bytes_are_refused_without_a_panic(gcm: bool, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let profile = if gcm { Profile::AeadAes128Gcm } else { Profile::Aes128CmSha1 };
        let mut opener = Opener::new(profile, &master());
        prop_assert!(opener.open_rtp(&mut BytesMut::from(&bytes[..])).is_err());
        prop_assert!(opener.open_rtcp(&mut BytesMut::from(&bytes[..])).is_err());
        let mut sealer = Sealer::new(profile, &master());
        let _ = sealer.seal_rtcp(&mut bytes.clone(), 0);
        let _ = sealer.seal_rtp(&mut bytes.clone(), 0, 1, 1);
    }
}
