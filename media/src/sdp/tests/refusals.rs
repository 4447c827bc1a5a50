use std::collections::HashSet;

use super::*;

#[test]
fn every_refusal_has_its_reason() {
    let limit = MAX_OFFER;
    let long = format!("{CHROMIUM}a={}\r\n", "x".repeat(MAX_OFFER));
    assert_eq!(
        refusal(&long),
        SdpRefused::TooLarge {
            bytes: long.len(),
            limit
        }
    );
    for nonsense in [
        "",
        "hello",
        "v=0\r\n",
        "{\"sdp\":1}",
        "v=0\r\no=- 1 1 IN IP4 1\u{0}\r\n",
    ] {
        assert!(
            matches!(refusal(nonsense), SdpRefused::NotSdp(_)),
            "{nonsense:?}"
        );
    }
    let head = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";
    assert_eq!(refusal(head), SdpRefused::NoMediaLine);
    let many = format!("{head}{}", "m=audio 9 RTP/AVP 0\r\n".repeat(65));
    assert_eq!(
        refusal(&many),
        SdpRefused::TooManyMediaLines {
            count: 65,
            limit: 64
        }
    );
    let cases = [
        ("a=mid:1\r\n", "", SdpRefused::NoMid { index: 1 }),
        (
            "a=mid:1\r\n",
            "a=mid:muchtoolongforamid\r\n",
            SdpRefused::NoMid { index: 1 },
        ),
        (
            "a=mid:1\r\n",
            "a=mid:0\r\n",
            SdpRefused::DuplicateMid { mid: "0".into() },
        ),
        ("a=group:BUNDLE 0 1 2 3 4 5\r\n", "", SdpRefused::NoBundle),
        (
            "a=group:BUNDLE 0 1 2",
            "a=group:BUNDLE 0 2",
            SdpRefused::NoBundle,
        ),
        (
            "a=rtcp-mux\r\n",
            "",
            SdpRefused::NoRtcpMux { mid: "0".into() },
        ),
        ("a=ice-ufrag:Kd4s\r\n", "", SdpRefused::NoIceCredentials),
        (
            "a=ice-ufrag:Kd4s\r\n",
            "a=ice-ufrag:K\r\n",
            SdpRefused::NoIceCredentials,
        ),
        (
            "a=ice-pwd:v7Jz2Q1oMbPqkXl0cRw8TyNu\r\n",
            "",
            SdpRefused::NoIceCredentials,
        ),
        (
            "a=fingerprint:sha-256",
            "a=fingerprint:sha-1",
            SdpRefused::NoFingerprint,
        ),
        (
            "a=setup:actpass",
            "a=setup:passive",
            SdpRefused::SetupPassive,
        ),
        (
            "s=-\r\nt=0 0\r\n",
            "s=-\r\nt=0 0\r\na=ice-lite\r\n",
            SdpRefused::IceLite,
        ),
        ("UDP/TLS/RTP/SAVPF", "RTP/AVP", SdpRefused::NoMediaLine),
        ("a=rtpmap:", "a=x-rtpmap:", SdpRefused::NoSupportedCodec),
    ];
    for (from, to, expected) in cases {
        assert_eq!(refusal(&replaced(CHROMIUM, from, to)), expected);
    }
}

#[test]
fn publish_must_fit_the_offer() {
    let refusal = |mid: &str, source| agree(CHROMIUM, &publish(&[(mid, source)])).unwrap_err();
    let mid = |mid: &str| mid.to_owned();
    let unknown = SdpRefused::PublishedUnknown { mid: mid("9") };
    assert_eq!(refusal("9", Source::Camera), unknown);
    let receiving = SdpRefused::PublishedNotSending { mid: mid("4") };
    assert_eq!(refusal("4", Source::Camera), receiving);
    let data = SdpRefused::PublishedNotSending { mid: mid("5") };
    assert_eq!(refusal("5", Source::Camera), data);
    let wrong = SdpRefused::PublishedWrongKind { mid: mid("0") };
    assert_eq!(refusal("0", Source::Screen), wrong);
    let twice = publish(&[("1", Source::Camera), ("1", Source::Screen)]);
    assert_eq!(
        agree(CHROMIUM, &twice).unwrap_err(),
        SdpRefused::PublishedTwice { mid: mid("1") }
    );
}

/// One of each; a new one does not compile until it stands here.
fn all() -> Vec<SdpRefused> {
    let mid = || "0".to_owned();
    let (kind, count, limit) = (Kind::Audio, 2, 1);
    let all = vec![
        SdpRefused::TooLarge { bytes: 2, limit },
        SdpRefused::NotSdp("it is a poem"),
        SdpRefused::TooManyMediaLines { count, limit },
        SdpRefused::TooMany {
            what: "formats",
            count,
            limit,
        },
        SdpRefused::TooManySlots { kind, count, limit },
        SdpRefused::TooManyTracks { kind, count, limit },
        SdpRefused::NoMediaLine,
        SdpRefused::NoMid { index: 0 },
        SdpRefused::DuplicateMid { mid: mid() },
        SdpRefused::NoBundle,
        SdpRefused::NoRtcpMux { mid: mid() },
        SdpRefused::NoIceCredentials,
        SdpRefused::IceLite,
        SdpRefused::NoFingerprint,
        SdpRefused::SetupPassive,
        SdpRefused::NoSupportedCodec,
        SdpRefused::PublishedUnknown { mid: mid() },
        SdpRefused::PublishedTwice { mid: mid() },
        SdpRefused::PublishedNotSending { mid: mid() },
        SdpRefused::PublishedWrongKind { mid: mid() },
        SdpRefused::MediaLinesChanged,
        SdpRefused::FingerprintChanged,
        SdpRefused::Closed,
    ];
    for refused in &all {
        match refused {
            SdpRefused::TooLarge { .. }
            | SdpRefused::NotSdp(_)
            | SdpRefused::TooManyMediaLines { .. }
            | SdpRefused::TooMany { .. }
            | SdpRefused::TooManySlots { .. }
            | SdpRefused::TooManyTracks { .. }
            | SdpRefused::NoMediaLine
            | SdpRefused::NoMid { .. }
            | SdpRefused::DuplicateMid { .. }
            | SdpRefused::NoBundle
            | SdpRefused::NoRtcpMux { .. }
            | SdpRefused::NoIceCredentials
            | SdpRefused::IceLite
            | SdpRefused::NoFingerprint
            | SdpRefused::SetupPassive
            | SdpRefused::NoSupportedCodec
            | SdpRefused::PublishedUnknown { .. }
            | SdpRefused::PublishedTwice { .. }
            | SdpRefused::PublishedNotSending { .. }
            | SdpRefused::PublishedWrongKind { .. }
            | SdpRefused::MediaLinesChanged
            | SdpRefused::FingerprintChanged
            | SdpRefused::Closed => {}
        }
    }
    all
}

#[test]
fn refusals_have_stable_codes() {
    let codes: Vec<&str> = all().iter().map(SdpRefused::code).collect();
    assert_eq!(
        codes,
        [
            "sdp-too-large",
            "sdp-invalid",
            "sdp-too-many-media-lines",
            "sdp-too-many",
            "sdp-too-many-slots",
            "sdp-too-many-tracks",
            "sdp-no-media-line",
            "sdp-no-mid",
            "sdp-duplicate-mid",
            "sdp-no-bundle",
            "sdp-no-rtcp-mux",
            "sdp-no-ice-credentials",
            "sdp-ice-lite",
            "sdp-no-fingerprint",
            "sdp-setup-passive",
            "sdp-no-supported-codec",
            "sdp-published-unknown",
            "sdp-published-twice",
            "sdp-published-not-sending",
            "sdp-published-wrong-kind",
            "sdp-media-lines-changed",
            "sdp-fingerprint-changed",
            "peer-closed",
        ]
    );
    let distinct: HashSet<&str> = codes.iter().copied().collect();
    assert_eq!(distinct.len(), codes.len());
}

#[test]
fn every_code_is_kebab_case_and_documented() {
    let source = include_str!("../refused.rs");
    for refused in all() {
        let code = refused.code();
        let kebab =
            |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase());
        assert!(code.split('-').all(kebab), "{code}");
        assert!(source.contains(&format!("/// `{code}`: ")), "{code}");
    }
}
