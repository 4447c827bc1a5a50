//! Offers as browsers and tools write them, and what becomes of them.

mod limits;
mod refusals;
mod reoffers;

use std::io::Cursor;
use std::sync::Arc;

use calls_model::Source;
use calls_model::signal::PublishedMid;
use proptest::prelude::*;
use rtc_sdp::description::media::MediaDescription;
use rtc_sdp::description::session::SessionDescription;

use super::negotiation::Agreement;
use super::*;
use crate::ice::Credentials;
use crate::peer::{HostCandidate, PeerLimits, Protocol};
use crate::seam::{
    Codec, Feedback, Kind, PayloadType, PeerId, Rid, SlotSpec, Ssrc, TrackId, TrackSpec,
};
use crate::testing::LIMITS;

const CHROMIUM: &str = include_str!("../../tests/offers/chromium.sdp");
const FIREFOX: &str = include_str!("../../tests/offers/firefox.sdp");
const AIORTC: &str = include_str!("../../tests/offers/aiortc.sdp");
const GSTREAMER: &str = include_str!("../../tests/offers/gstreamer.sdp");

fn publish(mids: &[(&str, Source)]) -> Vec<PublishedMid> {
    mids.iter()
        .map(|(mid, source)| PublishedMid {
            mid: (*mid).to_owned(),
            source: *source,
        })
        .collect()
}

fn camera_and_microphone() -> Vec<PublishedMid> {
    publish(&[("0", Source::Microphone), ("1", Source::Camera)])
}

fn negotiation() -> Negotiation {
    Negotiation::new(PeerId(7), LIMITS)
}

fn agree(sdp: &str, publish: &[PublishedMid]) -> Result<Agreement, SdpRefused> {
    negotiation().agree(&Offer::parse(sdp)?, publish)
}

/// The answer as text and as an independent parser reads it.
fn answered(sdp: &str, publish: &[PublishedMid]) -> (String, SessionDescription) {
    let offer = Offer::parse(sdp).unwrap();
    let agreement = negotiation().agree(&offer, publish).unwrap();
    let credentials = Credentials::new("localufrag", "localpasswordof22chars").unwrap();
    let candidates = [
        HostCandidate {
            address: "203.0.113.5:7882".parse().unwrap(),
            protocol: Protocol::Udp,
        },
        HostCandidate {
            address: "203.0.113.5:7882".parse().unwrap(),
            protocol: Protocol::Tcp,
        },
        HostCandidate {
            address: "[2001:db8::5]:7882".parse().unwrap(),
            protocol: Protocol::Udp,
        },
    ];
    let local = Local {
        credentials: &credentials,
        fingerprint: "AA:BB",
        candidates: &candidates,
        cname: "calls-test",
        session: 5,
        version: 1,
    };
    let text = answer(&offer, &agreement, local);
    let parsed = SessionDescription::unmarshal(&mut Cursor::new(text.as_bytes())).unwrap();
    assert_eq!(parsed.media_descriptions.len(), offer.lines.len());
    (text, parsed)
}

fn has(media: &MediaDescription, line: &str) -> bool {
    media
        .attributes
        .iter()
        .any(|attribute| attribute.to_string() == line)
}

fn replaced(sdp: &str, from: &str, to: &str) -> String {
    assert!(sdp.contains(from), "{from}");
    sdp.replace(from, to)
}

fn refusal(sdp: &str) -> SdpRefused {
    agree(sdp, &[]).unwrap_err()
}

#[test]
fn chromium_publishes_simulcast_and_offers_slots() {
    let agreement = agree(CHROMIUM, &camera_and_microphone()).unwrap();
    let [microphone, camera] = &agreement.tracks[..] else {
        panic!()
    };
    assert_eq!(microphone.source, Source::Microphone);
    assert_eq!(microphone.extensions.audio_level, Some(1));
    assert_eq!(microphone.ssrcs, [(Ssrc(2_405_471_532), None)]);
    let rids: Vec<&str> = camera.rids.iter().map(|rid| &*rid.0).collect();
    assert_eq!(rids, ["q", "h", "f"]);
    let ids = camera.extensions;
    assert_eq!(
        (ids.mid, ids.rid, ids.repaired_rid),
        (Some(4), Some(10), Some(11))
    );
    assert_eq!((ids.transport_cc, ids.abs_send_time), (Some(3), Some(2)));
    assert_eq!(
        (ids.orientation, ids.dependency_descriptor),
        (Some(13), Some(12))
    );
    let slots: Vec<(&str, Kind)> = agreement
        .slots
        .iter()
        .map(|slot| (&*slot.mid.0, slot.kind))
        .collect();
    assert_eq!(
        slots,
        [("2", Kind::Audio), ("3", Kind::Audio), ("4", Kind::Video)]
    );
    assert_eq!(agreement.slots[2].extensions.rid, None);
    assert!(agreement.slots[2].rtx_ssrc.is_some());
    assert!(agreement.slots[0].rtx_ssrc.is_none());
    assert!(agreement.lines[5].is_none());
}

#[test]
fn codecs_stay_in_the_order_of_the_offer_and_unknown_ones_go() {
    let agreement = agree(CHROMIUM, &camera_and_microphone()).unwrap();
    let codecs = |track: &TrackSpec| -> Vec<(Codec, u8, Option<u8>)> {
        track
            .codecs
            .iter()
            .map(|it| (it.codec, it.pt.0, it.rtx.map(|rtx| rtx.0)))
            .collect()
    };
    assert_eq!(
        codecs(&agreement.tracks[0]),
        [(Codec::Opus, 111, None), (Codec::Red, 63, None)]
    );
    assert_eq!(
        codecs(&agreement.tracks[1]),
        [
            (Codec::Vp8, 96, Some(97)),
            (
                Codec::H264 {
                    profile: 0x42,
                    mode: 1
                },
                103,
                Some(104)
            ),
            (
                Codec::H264 {
                    profile: 0x42,
                    mode: 0
                },
                107,
                Some(108)
            ),
            (
                Codec::H264 {
                    profile: 0x42,
                    mode: 1
                },
                109,
                Some(114)
            ),
            (
                Codec::H264 {
                    profile: 0x4d,
                    mode: 1
                },
                117,
                Some(118)
            ),
            (Codec::Av1, 45, Some(46)),
            (Codec::Vp9 { profile: 0 }, 98, Some(99)),
            (Codec::Vp9 { profile: 2 }, 100, Some(101)),
        ]
    );
    let feedback = agreement.tracks[1].codecs[0].feedback;
    assert_eq!(
        feedback,
        Feedback {
            nack: true,
            pli: true,
            fir: true
        }
    );
}

#[test]
fn the_answer_to_chromium_says_all_that_is_agreed() {
    let (text, answer) = answered(CHROMIUM, &camera_and_microphone());
    assert!(text.contains("a=ice-lite\r\n"));
    assert!(text.contains("a=group:BUNDLE 0 1 2 3 4\r\n"));
    assert!(text.contains("a=extmap-allow-mixed\r\n"));
    let [microphone, camera, .., slot, data] = &answer.media_descriptions[..] else {
        panic!()
    };
    for line in [
        "ice-ufrag:localufrag",
        "ice-pwd:localpasswordof22chars",
        "fingerprint:sha-256 AA:BB",
        "setup:passive",
        "mid:0",
        "recvonly",
        "rtcp-mux",
        "rtpmap:111 opus/48000/2",
        "fmtp:111 minptime=10;useinbandfec=1",
        "rtcp-fb:111 transport-cc",
        "fmtp:63 111/111",
        "extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        "candidate:1 1 udp 2130706431 203.0.113.5 7882 typ host",
        "candidate:2 1 tcp 2122317567 203.0.113.5 7882 typ host tcptype passive",
        "candidate:3 1 udp 2130705919 2001:db8::5 7882 typ host",
        "end-of-candidates",
    ] {
        assert!(has(microphone, line), "{line}");
    }
    for line in [
        "recvonly",
        "rtcp-rsize",
        "rtcp-fb:96 nack pli",
        "rtcp-fb:96 ccm fir",
        "rtcp-fb:96 transport-cc",
        "rtpmap:97 rtx/90000",
        "fmtp:97 apt=96",
        "rid:q recv",
        "rid:f recv",
        "simulcast:recv q;h;f",
        "extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    ] {
        assert!(has(camera, line), "{line}");
    }
    assert!(has(slot, "sendonly") && has(slot, "msid:slot-4 slot-4"));
    assert_eq!(
        slot.attributes.iter().filter(|it| it.key == "ssrc").count(),
        4
    );
    assert_eq!(data.media_name.port.value, 0);
    assert_eq!(data.media_name.media, "application");
    for gone in [
        "goog-remb",
        "telephone-event",
        "PCMU",
        "ulpfec",
        "toffset",
        "profile=1",
    ] {
        assert!(!text.contains(gone), "{gone}");
    }
    assert_eq!(text.matches("end-of-candidates").count(), 1);
}

#[test]
fn a_sendrecv_line_is_a_track_and_a_slot_if_it_is_published() {
    let (_, answer) = answered(FIREFOX, &publish(&[("1", Source::Camera)]));
    assert!(has(&answer.media_descriptions[0], "sendonly"));
    assert!(has(&answer.media_descriptions[1], "sendrecv"));
    let agreement = agree(FIREFOX, &publish(&[("1", Source::Camera)])).unwrap();
    assert_eq!(agreement.slots.len(), 2);
    let [camera] = &agreement.tracks[..] else {
        panic!()
    };
    assert_eq!(
        camera.ssrcs,
        [(Ssrc(3_120_043_212), Some(Ssrc(903_412_234)))]
    );
    assert!(camera.rids.is_empty());
}

#[test]
fn a_sending_line_that_nobody_published_rests() {
    let (_, answer) = answered(CHROMIUM, &publish(&[("0", Source::Microphone)]));
    assert!(has(&answer.media_descriptions[1], "inactive"));
    assert!(!has(&answer.media_descriptions[1], "simulcast:recv q;h;f"));
}

#[test]
fn tools_without_a_publish_list_publish_by_the_order_of_their_lines() {
    let named = |sdp| -> Vec<(String, Source)> {
        published_by(sdp)
            .unwrap()
            .into_iter()
            .map(|it| (it.mid, it.source))
            .collect()
    };
    let expected = [
        ("video0".to_owned(), Source::Camera),
        ("audio1".to_owned(), Source::Microphone),
    ];
    assert_eq!(named(GSTREAMER), expected);
    assert_eq!(named(AIORTC)[0], ("0".to_owned(), Source::Microphone));
    assert_eq!(published_by(FIREFOX).unwrap().len(), 2);
    for direction in ["a=recvonly", "a=inactive"] {
        let silent = AIORTC.replace("a=sendonly", direction);
        assert_eq!(published_by(&silent), Ok(Vec::new()));
    }
    let without_video = replaced(AIORTC, "m=video 52201", "m=video 0");
    assert_eq!(
        named(&without_video).len(),
        1,
        "a stopped line sends nothing"
    );
    for sdp in [CHROMIUM, FIREFOX, AIORTC, GSTREAMER] {
        agree(sdp, &published_by(sdp).unwrap()).unwrap();
    }
}

#[test]
fn a_second_video_of_a_tool_is_its_screen_and_a_third_is_left_alone() {
    let video = AIORTC.split("m=video").nth(1).unwrap();
    let [third, fourth] = ["a=mid:2", "a=mid:3"].map(|mid| video.replace("a=mid:1", mid));
    let more = format!("m=video{third}m=video{fourth}");
    let sdp = replaced(AIORTC, "BUNDLE 0 1", "BUNDLE 0 1 2 3") + &more;
    let sources: Vec<Source> = published_by(&sdp)
        .unwrap()
        .iter()
        .map(|it| it.source)
        .collect();
    assert_eq!(
        sources,
        [Source::Microphone, Source::Camera, Source::Screen]
    );
}

#[test]
fn a_browser_that_only_watches_at_first_may_publish_simulcast_later() {
    let watching = CHROMIUM.replace("a=sendonly", "a=inactive");
    let (text, _) = answered(&watching, &[]);
    let video = text.split("m=video").nth(2).expect("a slot of pictures");
    for uri in ["rtp-stream-id", "repaired-rtp-stream-id"] {
        let uri = format!("urn:ietf:params:rtp-hdrext:sdes:{uri}\r\n");
        assert!(video.contains(&uri), "{video}");
    }
}

#[test]
fn aiortc_and_gstreamer_are_answered() {
    let (_, answer) = answered(AIORTC, &published_by(AIORTC).unwrap());
    assert!(
        answer
            .media_descriptions
            .iter()
            .all(|media| has(media, "recvonly"))
    );
    let (text, answer) = answered(GSTREAMER, &published_by(GSTREAMER).unwrap());
    assert!(text.contains("a=group:BUNDLE video0 audio1\r\n"));
    assert!(has(&answer.media_descriptions[1], "rtpmap:97 OPUS/48000/2"));
    assert!(
        answer
            .media_descriptions
            .iter()
            .all(|media| media.media_name.port.value == 9)
    );
    assert!(!text.contains("extmap-allow-mixed"));
}

#[test]
fn simulcast_with_alternatives_and_paused_streams_takes_the_first_of_each() {
    let sdp = replaced(
        CHROMIUM,
        "simulcast:send q;h;f",
        "simulcast:recv x send ~q,h;f;nothere;f",
    );
    let agreement = agree(&sdp, &camera_and_microphone()).unwrap();
    let rids = [Rid(Arc::from("q")), Rid(Arc::from("f"))];
    assert_eq!(agreement.tracks[1].rids, rids);
}

#[test]
fn numbers_that_do_not_fit_one_byte_headers_are_left_out() {
    let sdp = replaced(CHROMIUM, "a=extmap:4 urn", "a=extmap:15 urn");
    let agreement = agree(&sdp, &camera_and_microphone()).unwrap();
    assert_eq!(agreement.tracks[0].extensions.mid, None);
}

#[test]
fn payload_types_that_look_like_rtcp_are_left_out() {
    let codecs = |sdp: &str| -> Vec<u8> {
        let line = &Offer::parse(sdp).unwrap().lines[1];
        line.codecs.iter().map(|codec| codec.spec.pt.0).collect()
    };
    assert_eq!(codecs(AIORTC), [97, 99, 101]);
    let sdp = replaced(AIORTC, "SAVPF 97 98", "SAVPF 72 98");
    let sdp = replaced(&sdp, "a=rtpmap:97", "a=rtpmap:72");
    assert_eq!(codecs(&sdp), [99, 101]);
}

#[test]
fn lines_of_kinds_nobody_knows_keep_their_place() {
    let image = "m=image 9 UDP/TLS/UDPTL t38\r\nc=IN IP4 0.0.0.0\r\na=mid:fax\r\n";
    let (text, answer) = answered(&format!("{AIORTC}{image}"), &[]);
    assert_eq!(answer.media_descriptions[2].media_name.port.value, 0);
    assert!(text.contains("m=image 0 UDP/TLS/UDPTL t38\r\n"));
}

#[test]
fn a_feedback_line_for_all_formats_counts_for_each() {
    let sdp = replaced(AIORTC, "a=rtcp-fb:97 nack\r\n", "a=rtcp-fb:* ccm  fir\r\n");
    let agreement = agree(&sdp, &camera_and_microphone()).unwrap();
    let vp8 = agreement.tracks[1].codecs[0];
    assert_eq!(vp8.pt, PayloadType(97));
    assert_eq!(
        vp8.feedback,
        Feedback {
            nack: false,
            pli: true,
            fir: true
        }
    );
}

proptest! {
    #[test]
    fn any_text_is_answered_or_refused(text in "\\PC{0,300}") {
        let _ = agree(&text, &camera_and_microphone());
    }

    /// Offers with lines taken out, doubled, swapped or cut get far into the parser.
    #[test]
    fn any_mutilated_offer_is_answered_or_refused(
        which in 0usize..4,
        cuts in prop::collection::vec((0usize..400, 0usize..400, 0u8..6), 0..12),
        byte in 0usize..12_000, with: char,
    ) {
        let sdp = [CHROMIUM, FIREFOX, AIORTC, GSTREAMER][which];
        let mut lines: Vec<String> = sdp.lines().map(str::to_owned).collect();
        for (a, b, how) in cuts {
            let (a, b) = (a % lines.len(), b % lines.len());
            match how {
                0 => { if lines.len() > 1 { lines.remove(a); } }
                1 => { let line = lines[a].clone(); lines.insert(b, line); }
                2 => lines.swap(a, b),
                3 => { let at = lines[a].char_indices().map(|(at, _)| at).nth(b).unwrap_or(0); lines[a].truncate(at); }
                4 => { let line = lines[a].clone(); lines.splice(a..a, std::iter::repeat_n(line, b)); }
                _ => lines[a] = lines[a].replace([':', ' '], &with.to_string()),
            }
        }
        let mut text = lines.join("\r\n");
        if let Some((at, _)) = text.char_indices().nth(byte) {
            text.insert(at, with);
        }
        let offered = Offer::parse(&text);
        if let Ok(offer) = offered {
            let mut negotiation = negotiation();
            let published = published_by(&text).unwrap_or_default();
            if let Ok(agreement) = negotiation.agree(&offer, &published) {
                prop_assert_eq!(agreement.lines.len(), offer.lines.len());
                let credentials = Credentials::generate();
                let local = Local {
                    credentials: &credentials, fingerprint: "AA", candidates: &[],
                    cname: "c", session: 1, version: 1,
                };
                let written = answer(&offer, &agreement, local);
                prop_assert!(SessionDescription::unmarshal(&mut Cursor::new(written.as_bytes())).is_ok());
            }
        }
    }
}
